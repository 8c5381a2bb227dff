/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peer.c - the machine of peer.h: Ethernet, ARP (RFC 826), IPv4 (RFC 791), UDP, TCP (RFC 9293).
 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "netmodel.h"
#include "tasks.h"

enum { ETH = 14, IP = 20, ARP_TYPE = 0x0806, IP4_TYPE = 0x0800 };

static const uint8_t image_mac[] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
static const uint8_t peer_mac[] = {0x52, 0x55, 0x0a, 0, 2, 2};

#define HEARD 512
static struct {
    uint8_t packet[1600];
    struct heard h;
} heard[HEARD];
static unsigned heard_count;
static void (*listener)(const struct heard *h);

unsigned peer_arp_unanswered;
bool peer_offloads;
unsigned peer_large;
bool peer_mute, peer_icmp_spoilt;
struct peer_card peer_card;

static uint32_t sum_of(uint32_t sum, const uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i + 1 < len; i += 2)
        sum += peer_get16(p + i);
    return len % 2 ? sum + p[len - 1] * 256u : sum;
}

static uint16_t folded(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

/* ---- sending --------------------------------------------------------------------------------- */

static void put_on_the_wire(uint16_t type, const void *payload, uint32_t len)
{
    static uint8_t frame[NET_LONGEST + 60];
    static const struct net_header plain;

    CHECK(len <= NET_LONGEST - ETH);
    memset(frame + ETH + len, 0, 60); /* padding */
    memcpy(frame, image_mac, 6);
    memcpy(frame + 6, peer_mac, 6);
    peer_put16(frame + 12, type);
    memcpy(frame + ETH, payload, len);
    len = ETH + len < 60 ? 60 : ETH + len;
    net_deliver_behind(peer_card.header ? peer_card.header : &plain, frame, len);
    if (!peer_card.hold)
        model_publish(net.m, net.rx);
}

void peer_frame(uint16_t type, const void *payload, uint32_t len)
{
    put_on_the_wire(type, payload, len);
    if (!peer_card.hold)
        host_run_services();
}

void peer_ip4(unsigned proto, uint32_t src, uint32_t dst, const void *payload, uint32_t len)
{
    static uint8_t packet[65535];

    memset(packet, 0, IP);
    packet[0] = 0x45;
    CHECK(len <= sizeof(packet) - IP);
    peer_put16(packet + 2, IP + len);
    packet[8] = 64;
    packet[9] = (uint8_t)proto;
    peer_put32(packet + 12, src);
    peer_put32(packet + 16, dst);
    peer_put16(packet + 10, folded(sum_of(0, packet, IP)));
    memcpy(packet + IP, payload, len);
    peer_frame(IP4_TYPE, packet, IP + len);
}

/* With the sum over the addresses, at `at` of the header. */
static void send_summed(unsigned proto, uint32_t src, uint32_t dst, uint8_t *packet, uint32_t len,
                        unsigned at)
{
    uint8_t addresses[8];

    peer_put32(addresses, src);
    peer_put32(addresses + 4, dst);
    peer_put16(packet + at, folded(sum_of(sum_of(proto + len, addresses, 8), packet, len)));
    if (peer_card.header && peer_card.header->flags & 1) /* the pseudo header's alone */
        peer_put16(packet + at, (uint16_t)~folded(sum_of(proto + len, addresses, 8)));
    peer_put16(packet + at, peer_get16(packet + at) ^ peer_card.spoilt);
    peer_ip4(proto, src, dst, packet, len);
}

void peer_udp_between(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport, const void *data,
                      uint32_t len)
{
    static uint8_t packet[65515];

    memset(packet, 0, 8);
    peer_put16(packet, sport);
    peer_put16(packet + 2, dport);
    peer_put16(packet + 4, 8 + len);
    memcpy(packet + 8, data, len);
    send_summed(PEER_UDP, src, dst, packet, 8 + len, 6);
}

void peer_udp(uint16_t sport, uint16_t dport, const void *data, uint32_t len)
{
    peer_udp_between(PEER_IP, sport, IMAGE_IP, dport, data, len);
}

void peer_icmp_error(unsigned type, unsigned code, const struct heard *about, uint32_t seq)
{
    uint8_t icmp[8 + IP + 8] = {(uint8_t)type, (uint8_t)code}, *ip = icmp + 8;

    ip[0] = 0x45;
    peer_put16(ip + 2, IP + 8);
    ip[8] = 1;
    ip[9] = (uint8_t)about->proto;
    peer_put32(ip + 12, about->src);
    peer_put32(ip + 16, about->dst);
    peer_put16(ip + 20, about->sport);
    peer_put16(ip + 22, about->dport);
    peer_put32(ip + 24, seq);
    peer_put16(icmp + 2, folded(sum_of(0, icmp, sizeof(icmp))));
    icmp[3] ^= peer_icmp_spoilt;
    peer_ip4(PEER_ICMP, ROUTER_IP, IMAGE_IP, icmp, sizeof(icmp));
}

void peer_tcp_between(uint32_t src, uint32_t dst, uint8_t *segment, uint32_t len)
{
    send_summed(PEER_TCP, src, dst, segment, len, 16);
}

void peer_segment(struct peer_tcp *c, unsigned flags, const void *data, uint32_t len)
{
    static uint8_t packet[65515];

    memset(packet, 0, 20);
    peer_put16(packet, c->port);
    peer_put16(packet + 2, c->image_port);
    peer_put32(packet + 4, c->seq);
    peer_put32(packet + 8, c->ack);
    packet[12] = 5 << 4;
    packet[13] = (uint8_t)flags;
    peer_put16(packet + 14, c->window);
    if (len)
        memcpy(packet + 20, data, len);
    c->seq += len + (flags & (PEER_SYN | PEER_FIN) ? 1 : 0);
    send_summed(PEER_TCP, PEER_IP, IMAGE_IP, packet, 20 + len, 16);
}

void peer_connect(struct peer_tcp *c, uint16_t port, uint16_t image_port)
{
    struct heard h;

    *c = (struct peer_tcp){.port = port, .image_port = image_port, .seq = 1000, .window = 0x4000};
    peer_segment(c, PEER_SYN, NULL, 0);
    AWAIT(peer_count(PEER_TCP), 5);
    h = peer_last(PEER_TCP);
    CHECK_EQ(h.flags & (PEER_SYN | PEER_ACK | PEER_RST), PEER_SYN | PEER_ACK);
    c->ack = h.seq + 1;
    peer_segment(c, PEER_ACK, NULL, 0);
}

void peer_accept(struct peer_tcp *c)
{
    struct heard h = peer_last(PEER_TCP);

    CHECK_EQ(h.flags, PEER_SYN);
    *c = (struct peer_tcp){h.dport, h.sport, 5000, h.seq + 1, 0x4000};
    peer_segment(c, PEER_SYN | PEER_ACK, NULL, 0);
}

/* ---- hearing --------------------------------------------------------------------------------- */

static void answer_arp(void *arg)
{
    uint8_t *reply = arg;

    put_on_the_wire(ARP_TYPE, reply, 28);
    free(reply);
}

static void hear_arp(const uint8_t *arp)
{
    uint8_t *reply;

    if (arp[7] != 1 || peer_get32(arp + 14) == peer_get32(arp + 24))
        return; /* no question, or one for its own address */
    if (peer_mute || peer_get32(arp + 24) != PEER_IP) {
        peer_arp_unanswered++;
        return;
    }
    reply = malloc(28);
    memcpy(reply, arp, 8);
    reply[7] = 2;
    memcpy(reply + 8, peer_mac, 6);
    memcpy(reply + 14, arp + 24, 4);
    memcpy(reply + 18, arp + 8, 10);
    host_at(hal_now_ns() + 1000, answer_arp, reply);
}

static void hear_ip4(const uint8_t *packet, uint32_t len)
{
    struct heard *h = &heard[heard_count % HEARD].h;
    uint32_t header = (packet[0] & 15u) * 4, total = peer_get16(packet + 2);
    const uint8_t *upper;

    CHECK(total <= len && len <= sizeof(heard[0].packet));
    memcpy(heard[heard_count % HEARD].packet, packet, len);
    packet = heard[heard_count++ % HEARD].packet;
    upper = packet + header;
    *h = (struct heard){.proto = packet[9],
                        .src = peer_get32(packet + 12),
                        .dst = peer_get32(packet + 16),
                        .data = upper,
                        .len = total - header};
    if (h->proto == PEER_TCP || h->proto == PEER_UDP) {
        uint32_t skip = h->proto == PEER_UDP ? 8 : (upper[12] >> 4) * 4u;

        h->sport = (uint16_t)peer_get16(upper);
        h->dport = (uint16_t)peer_get16(upper + 2);
        h->data += skip;
        h->len -= skip;
    }
    if (h->proto == PEER_TCP) {
        h->seq = peer_get32(upper + 4);
        h->ack = peer_get32(upper + 8);
        h->flags = upper[13];
        h->window = peer_get16(upper + 14);
        h->options = upper + 20;
    }
    if (listener)
        listener(h);
}

static void hear(struct model *m, struct model_queue *q)
{
    unsigned first = net.wire_count;

    net_serve_tx(m, q);
    for (unsigned i = first; i < net.wire_count; i++) {
        uint16_t type = (uint16_t)peer_get16(net.wire[i] + 12);

        if (net.wire_len[i] > sizeof(net.wire[i]))
            peer_large++;
        else if (type == ARP_TYPE)
            hear_arp(net.wire[i] + ETH);
        else if (type == IP4_TYPE)
            hear_ip4(net.wire[i] + ETH, net.wire_len[i] - ETH);
    }
    if (!net.hold_tx)
        net.wire_count = 0;
}

void peer_listen(void (*fn)(const struct heard *h))
{
    listener = fn;
}

unsigned peer_count(unsigned proto)
{
    unsigned n = 0;

    for (unsigned i = 0; i < heard_count && i < HEARD; i++)
        n += !proto || heard[i].h.proto == proto;
    return n;
}

struct heard peer_last(unsigned proto)
{
    for (unsigned n = heard_count; n-- > 0;)
        if (!proto || heard[n % HEARD].h.proto == proto)
            return heard[n % HEARD].h;
    CHECK(!"the image sent nothing of that protocol");
    return (struct heard){0};
}

void peer_forget(void)
{
    heard_count = 0;
}

void peer_boot(const char *ip)
{
    static const unsigned joins[] = {NET_F_GUEST_CSUM, NET_F_GUEST_TSO4, NET_F_GUEST_TSO6,
                                     NET_F_GUEST_ECN, NET_F_MRG_RXBUF};
    unsigned bits[10] = {NET_F_MAC, NET_F_STATUS}, n = 2;

    if (net.mtu)
        bits[n++] = NET_F_MTU;
    if (peer_offloads) {
        bits[n++] = NET_F_CSUM;
        bits[n++] = NET_F_HOST_TSO4;
    }
    for (unsigned i = 0; i < sizeof(joins) / sizeof(joins[0]) && peer_card.joins; i++)
        bits[n++] = joins[i];
    host_set_bootargs(ip ? ip : "ip=10.0.2.15/24");
    net_plug(MODEL_MMIO, bits, n);
    net.m->on.kick = hear;
    host_boot();
    host_run_services();
}

void peer_deliver(void)
{
    model_publish(net.m, net.rx);
    host_run_services();
}
