/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_flow.c - datagrams that go where one went before (net/lwip/net_flow.c): they are like
 * that one, and what changes in between counts for the next.
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/etharp.h"
#include "lwip/udp.h"
#include "net_impl.h"
#include "netmodel.h"
#include "peer.h"
#include "peer6.h"
#include "tasks.h"

enum { ETH = 14, IP = 20, UDP = 8, MTU = 1500 };

static uint8_t data[4000];

static const struct sockaddr *at(uint32_t ip, uint16_t port)
{
    static struct sockaddr_in a;

    a = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
    return (const struct sockaddr *)&a;
}

/* A socket whose first datagram to the peer has gone. */
static int warm(void)
{
    int fd;

    peer_boot(NULL);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + 1);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(connect(fd, at(PEER_IP, 7), sizeof(struct sockaddr_in)), 0);
    for (int i = 0; i < 2; i++) { /* the first waits for the neighbour */
        CHECK_EQ(send(fd, data, 1, 0), 1);
        task_sleep_until(hal_now_ns() + 10 * HAL_MS);
    }
    peer_forget();
    return fd;
}

/* Sends; the packet. */
static const uint8_t *packet_of(int fd, uint32_t len)
{
    CHECK_EQ(send(fd, data, len, 0), len);
    task_sleep_until(hal_now_ns() + HAL_MS);
    CHECK_EQ(peer_last(PEER_UDP).len, len);
    return peer_last(PEER_UDP).data - UDP - IP;
}

static uint32_t sum(const uint8_t *p, uint32_t len)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < len; i++)
        n += i & 1 ? p[i] : (uint32_t)p[i] << 8;
    return n;
}

static uint32_t folded(uint32_t n)
{
    n = (n & 0xffff) + (n >> 16);
    return (n & 0xffff) + (n >> 16);
}

static void sums_and_lengths(void)
{
    int fd = warm();

    for (uint32_t len = 1; len <= MTU - IP - UDP; len += len < 80 ? 1 : 97) {
        const uint8_t *p = packet_of(fd, len);

        CHECK_EQ(folded(sum(p, IP)), 0xffff);
        CHECK_EQ(folded(sum(p + 12, 8 + UDP + len) + PEER_UDP + UDP + len), 0xffff);
        CHECK_EQ(peer_get16(p + 2), IP + UDP + len);
        CHECK(memcmp(p + IP + UDP, data, len) == 0);
        CHECK_EQ(peer_get32(p + 12), IMAGE_IP);
        CHECK_EQ(peer_get16(p + IP + 2), 7);
    }
}

/* The sum 0 means that there is none: 0xffff stands for it (RFC 768). */
static void a_sum_of_zero(void)
{
    int fd = warm();
    const uint8_t *p = packet_of(fd, 2);
    uint32_t before = peer_get16(p + IP + 6), now;

    now = folded(before + peer_get16(data)); /* what the sum lacks */
    data[0] = (uint8_t)(now >> 8);
    data[1] = (uint8_t)now;
    CHECK_EQ(peer_get16(packet_of(fd, 2) + IP + 6), 0xffff);
}

static void options_count_at_once(void)
{
    int fd = warm();
    const uint8_t *p = packet_of(fd, 100);

    CHECK(p[8] != 33 && p[1] == 0 && !(p[6] & 0x40));
    loop_set(fd, IPPROTO_IP, IP_TTL, 33);
    loop_set(fd, IPPROTO_IP, IP_TOS, 0x48);
    loop_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT);
    p = packet_of(fd, 100);
    CHECK(p[8] == 33 && p[1] == 0x48 && (p[6] & 0x40));
    CHECK_EQ(folded(sum(p, IP)), 0xffff);
}

static void another_peer_port_and_socket(void)
{
    int fd = warm(), other = socket(AF_INET, SOCK_DGRAM, 0);
    uint16_t mine = (uint16_t)peer_get16(packet_of(fd, 3) + IP);

    CHECK_EQ(sendto(fd, data, 3, 0, at(PEER_IP, 9), sizeof(struct sockaddr_in)), 3);
    task_sleep_until(hal_now_ns() + HAL_MS);
    CHECK(peer_last(PEER_UDP).dport == 9 && peer_last(PEER_UDP).sport == mine);
    CHECK_EQ(sendto(other, data, 3, 0, at(PEER_IP, 9), sizeof(struct sockaddr_in)), 3);
    CHECK_EQ(sendto(other, data, 3, 0, at(PEER_IP, 9), sizeof(struct sockaddr_in)), 3);
    task_sleep_until(hal_now_ns() + HAL_MS);
    CHECK(peer_last(PEER_UDP).sport != mine);
}

/* The neighbour says that it has another address now. */
static void the_neighbour_moves(void)
{
    uint8_t arp[28] = {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x77};
    int fd = warm();

    peer_put32(arp + 14, PEER_IP);
    peer_put32(arp + 24, IMAGE_IP);
    packet_of(fd, 10);
    CHECK(net.wire[0][5] != 0x77);
    peer_frame(ETHTYPE_ARP, arp, sizeof(arp));
    packet_of(fd, 10);
    CHECK(memcmp(net.wire[0], arp + 8, 6) == 0);
}

/* Longer than the link: cut as before. */
static void long_datagrams_are_cut(void)
{
    int fd = warm();

    CHECK_EQ(send(fd, data, 3000, 0), 3000);
    task_sleep_until(hal_now_ns() + HAL_MS);
    CHECK_EQ(peer_count(PEER_UDP), 3);
}

/* The card's cable is out: there is no way, and no packet. */
static void the_link_goes_down(void)
{
    int fd = warm();

    net_enter();
    netif_set_link_down(&net_core.devs->netif);
    net_leave();
    CHECK_FAILS(send(fd, data, 10, 0), ENETUNREACH);
    net_enter();
    netif_set_link_up(&net_core.devs->netif);
    net_leave();
    send(fd, data, 10, 0);
    task_sleep_until(hal_now_ns() + 10 * HAL_MS);
    packet_of(fd, 10);
}

/* ---- both ways ------------------------------------------------------------------------------- */

static uint8_t sent[1600];
static uint32_t sent_len;

static void hear(struct model *m, struct model_queue *q)
{
    net_serve_tx(m, q);
    for (unsigned i = 0; i < net.wire_count; i++) {
        const uint8_t *ip = net.wire[i] + ETH;

        if ((ip[0] >> 4 == 4 ? ip[9] : ip[6]) != PEER_UDP)
            continue;
        sent_len = net.wire_len[i];
        memcpy(sent, net.wire[i], sent_len);
    }
    net.wire_count = 0;
}

/* The neighbour asks who the image is, which so knows it. */
static void be_known(void)
{
    uint8_t solicitation[32] = {135}, arp[28] = {0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x55, 0x0a, 0, 2, 2};

    peer_put32(arp + 14, PEER_IP);
    peer_put32(arp + 24, IMAGE_IP);
    peer_frame(ETHTYPE_ARP, arp, sizeof(arp));

    memcpy(solicitation + 8, netif_ip6_addr(&net_core.devs->netif, 0)->addr, 16);
    memcpy(solicitation + 24, "\1\1\x52\x55\x0a\0\2\2", 8);
    peer6_send(peer6_image_mac, 58, 2, solicitation, sizeof(solicitation));
}

/* The frame of a message, in one part or three. */
static void frame_of(int fd, uint32_t len, bool parts)
{
    struct iovec whole = {data, len},
                 iov[3] = {{data, len / 3}, {data + len / 3, 0}, {data + len / 3, len - len / 3}};
    struct msghdr msg = {.msg_iov = parts ? iov : &whole, .msg_iovlen = parts ? 3 : 1};

    sent_len = 0;
    CHECK_EQ(sendmsg(fd, &msg, 0), len);
    task_sleep_until(hal_now_ns() + HAL_MS);
    CHECK(sent_len);
}

/* IPv4's identification differs, and so does the sum of its header. */
static void check_same(const uint8_t *first, uint32_t first_len)
{
    CHECK_EQ(sent_len, first_len);
    if (sent[ETH] == 0x45) {
        CHECK_EQ(folded(sum(sent + ETH, IP)), 0xffff);
        CHECK(memcmp(sent + ETH + 4, first + ETH + 4, 2) != 0);
        memcpy(sent + ETH + 4, first + ETH + 4, 2);
        memcpy(sent + ETH + 10, first + ETH + 10, 2);
    }
    CHECK(memcmp(sent, first, first_len) == 0);
}

static void the_same_as_by_the_long_way(void)
{
    static const uint32_t lens[] = {0, 1, 2, 3, 63, 64, 65, 100, 700, 1400};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    struct net_stats before, after;
    uint8_t first[1600];

    memcpy(&six.sin6_addr, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    six.sin6_scope_id = 2;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + 1);
    peer6_boot("");
    for (unsigned family = 0; family < 2; family++) {
        int fd = socket(family ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);

        CHECK_EQ(connect(fd, family ? (struct sockaddr *)&six : at(PEER_IP, 7),
                         family ? sizeof(six) : sizeof(struct sockaddr_in)),
                 0);
        CHECK_EQ(send(fd, data, 1, 0), 1);
        task_sleep_until(hal_now_ns() + 10 * HAL_MS);
        net.m->on.kick = hear;
        for (unsigned i = 0; i < 2 * sizeof(lens) / sizeof(lens[0]); i++) {
            uint32_t first_len;

            be_known();
            loop_set(fd, IPPROTO_IP, IP_TOS, 0x10); /* the next one takes the long way */
            frame_of(fd, lens[i / 2], i % 2);
            memcpy(first, sent, first_len = sent_len);
            net_get_stats(&before);
            frame_of(fd, lens[i / 2], i % 2);
            net_get_stats(&after);
            CHECK_EQ(after.ip_tx - before.ip_tx, 1);
            CHECK_EQ(after.udp_tx - before.udp_tx, 1);
            check_same(first, first_len);
        }
        CHECK_EQ(fd_close(fd), 0);
    }
}

/* The neighbour of IPv6 is asked for again, though each datagram takes the flow. */
static void a_neighbour_of_ip6_goes(void)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(7), .sin6_scope_id = 2};
    int fd;

    memcpy(&six.sin6_addr, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    peer6_boot("");
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_EQ(connect(fd, (struct sockaddr *)&six, sizeof(six)), 0);
    be_known();
    net.m->on.kick = hear;
    frame_of(fd, 5, false);
    frame_of(fd, 5, false);
    for (unsigned i = 0; i < 20; i++) { /* it answers no question */
        send(fd, data, 5, 0);
        task_sleep_until(hal_now_ns() + HAL_SEC);
    }
    sent_len = 0;
    send(fd, data, 5, 0);
    task_sleep_until(hal_now_ns() + HAL_MS);
    CHECK_EQ(sent_len, 0);
    be_known();
    frame_of(fd, 5, false);
}

/* ---- lwIP's callbacks ------------------------------------------------------------------------ */

/* Sends; the frame is in `sent`. */
static err_t send_raw(struct udp_pcb *pcb, const ip_addr_t *to, uint16_t port, uint16_t len,
                      pbuf_layer room)
{
    struct pbuf *p = pbuf_alloc(room, len, PBUF_RAM);
    err_t err;

    memcpy(p->payload, data, len);
    sent_len = 0;
    net_enter();
    err = udp_sendto(pcb, p, to, port);
    CHECK(p->ref == 1 || p->ref == 2);
    pbuf_free(p);
    net_leave();
    task_sleep_until(hal_now_ns() + HAL_MS);
    return err;
}

/* Packets of IPv4 whose neighbour lwIP looks up. */
static unsigned looked_up;

static err_t look_up(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    looked_up++;
    return etharp_output(netif, p, to);
}

static void check_raw(struct udp_pcb *pcb, const ip_addr_t *to, uint16_t len)
{
    uint8_t first[1600];
    uint32_t first_len = 0;

    for (unsigned i = 0; i < 5; i++) { /* the first two and the last by the long way */
        looked_up = 0;
        CHECK_EQ(send_raw(pcb, to, 7, len, i == 4 ? PBUF_RAW : PBUF_TRANSPORT), ERR_OK);
        CHECK(sent_len);
        if (i == 3 || i == 4)
            CHECK_EQ(looked_up, IP_IS_V4(to) && i == 4);
        if (i)
            check_same(first, first_len);
        memcpy(first, sent, first_len = sent_len);
    }
}

static void callbacks_have_flows(void)
{
    static const uint16_t lens[] = {0, 1, 64, 65, 1400};
    struct udp_pcb *pcb, *other;
    ip_addr_t to, self;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + 1);
    peer6_boot("");
    net.m->on.kick = hear;
    net_core.devs->netif.output = look_up;
    net_enter();
    pcb = udp_new_ip_type(IPADDR_TYPE_ANY);
    other = udp_new_ip_type(IPADDR_TYPE_ANY);
    net_leave();
    for (unsigned family = 0; family < 2; family++) {
        CHECK(ipaddr_aton(family ? "fe80::1" : "10.0.2.2", &to));
        if (family)
            ip6_addr_assign_zone(ip_2_ip6(&to), IP6_UNICAST, &net_core.devs->netif);
        be_known();
        for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
            check_raw(pcb, &to, lens[i]);
        pcb->ttl = 9; /* counts at once */
        check_raw(pcb, &to, 10);
        CHECK_EQ(sent[ETH + (family ? 7 : 8)], 9);
        pcb->tos = 0x20;
        check_raw(pcb, &to, 10);
        CHECK_EQ(family ? sent[ETH] << 4 | sent[ETH + 1] >> 4 : sent[ETH + 1], family ? 0x620 : 32);
        pcb->tos = 0;
        pcb->ttl = 64;
        check_raw(other, &to, 10); /* perhaps at the same place in the table */
        check_raw(pcb, &to, 10);
        CHECK_EQ(peer_get16(sent + ETH + (family ? 40 : 20)), pcb->local_port);
        CHECK_EQ(send_raw(pcb, &to, 8, 10, PBUF_TRANSPORT), ERR_OK);
        CHECK_EQ(peer_get16(sent + ETH + (family ? 42 : 22)), 8);
    }
    ipaddr_aton("10.0.2.15", &self);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(send_raw(pcb, &self, 7, 10, PBUF_TRANSPORT), ERR_OK);
        CHECK(!sent_len);
    }
    ipaddr_aton("10.0.2.2", &to);
    be_known();
    check_raw(pcb, &to, 10);
    net_enter();
    netif_set_link_down(&net_core.devs->netif);
    net_leave();
    CHECK(send_raw(pcb, &to, 7, 10, PBUF_TRANSPORT) != ERR_OK && !sent_len);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(sums_and_lengths, NULL),        SHOWS(a_sum_of_zero, NULL),
        SHOWS(options_count_at_once, NULL),   SHOWS(another_peer_port_and_socket, NULL),
        SHOWS(the_neighbour_moves, NULL),     SHOWS(long_datagrams_are_cut, NULL),
        SHOWS(the_link_goes_down, NULL),      SHOWS(the_same_as_by_the_long_way, NULL),
        SHOWS(a_neighbour_of_ip6_goes, NULL), SHOWS(callbacks_have_flows, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
