/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet.c - the frames of packet.h: Ethernet, IPv4 (RFC 791) and IPv6 (RFC 8200), TCP, UDP, ICMP.
 */
#include "packet.h"

#include <string.h>

#include "fuzz.h"

enum { ETH = 14, TCP = 6, UDP = 17, ICMP = 1, ICMP6 = 58 };
enum { IP4_TYPE = 0x0800, IP6_TYPE = 0x86dd, ARP_TYPE = 0x0806 };

static const uint8_t our_mac[] = {0x52, 0x55, 0x0a, 0, 2, 2};
static const uint8_t image_mac[] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
static const uint8_t image_ip[] = {10, 0, 2, 15}, our_ip[] = {10, 0, 2, 2};

static struct packet last; /* of IPv4 with TCP or UDP, that the image sent */

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

static uint32_t add(uint32_t sum, const uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i + 1 < len; i += 2)
        sum += get16(p + i);
    return len % 2 ? sum + (uint32_t)p[len - 1] * 256 : sum;
}

static uint16_t fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

/* The checksum of what lies above IP; pseudo: the sum of its addresses. */
static void sum_upper(uint8_t *upper, uint32_t len, unsigned proto, uint32_t pseudo)
{
    unsigned at = proto == TCP ? 16 : proto == UDP ? 6 : 2;

    if ((proto != TCP && proto != UDP && proto != ICMP && proto != ICMP6) || len < at + 2)
        return;
    put16(upper + at, 0);
    put16(upper + at, fold(add(proto == ICMP ? 0 : pseudo + proto + len, upper, len)));
}

static void fit_ip4(struct packet *p, bool sums_too)
{
    uint8_t *ip = p->at + ETH;
    uint32_t len = p->len - ETH, header = (ip[0] & 15u) * 4;

    put16(ip + 2, len);
    if (header < 20 || header > len)
        return;
    put16(ip + 10, 0);
    put16(ip + 10, fold(add(0, ip, header)));
    if (sums_too)
        sum_upper(ip + header, len - header, ip[9], add(0, ip + 12, 8));
}

static void fit_ip6(struct packet *p, bool sums_too)
{
    uint8_t *ip = p->at + ETH;

    put16(ip + 4, p->len - ETH - 40);
    if (sums_too)
        sum_upper(ip + 40, p->len - ETH - 40, ip[6], add(0, ip + 8, 32));
}

static void address(struct packet *p, uint16_t type)
{
    memcpy(p->at, image_mac, 6);
    memcpy(p->at + 6, our_mac, 6);
    put16(p->at + 12, type);
}

void packet_any(struct packet *p)
{
    static const uint16_t types[] = {IP4_TYPE, IP6_TYPE, ARP_TYPE, 0x8100};
    uint8_t fit = fuzz8();
    uint16_t type;
    size_t len;
    const uint8_t *bytes = fuzz_take(fuzz16() % 1514, &len);

    memset(p->at, 0, 64);
    memcpy(p->at, bytes, len);
    p->len = len < 14 ? 14 : (uint32_t)len;
    if (fit & 1)
        address(p, types[fit >> 6]);
    type = get16(p->at + 12);
    if (fit & 2 && type == IP4_TYPE && p->len >= ETH + 20) {
        p->at[ETH] = (uint8_t)(0x40 | (p->at[ETH] & 15));
        memcpy(p->at + ETH + 12, our_ip, 4);
        memcpy(p->at + ETH + 16, image_ip, 4);
    }
    if (fit & 4 && type == IP4_TYPE && p->len >= ETH + 20)
        fit_ip4(p, fit & 8);
    if (fit & 4 && type == IP6_TYPE && p->len >= ETH + 40) {
        p->at[ETH] = (uint8_t)(0x60 | (p->at[ETH] & 15));
        fit_ip6(p, fit & 8);
    }
}

void packet_sent(const uint8_t *frame, uint32_t len)
{
    if (len < ETH + 28 || len > PACKET_MAX || get16(frame + 12) != IP4_TYPE)
        return;
    if (frame[ETH] != 0x45 || (frame[ETH + 9] != TCP && frame[ETH + 9] != UDP))
        return;
    if (frame[ETH + 9] == TCP && len < ETH + 40)
        return;
    memcpy(last.at, frame, len);
    last.len = len;
}

/* A segment that continues the connection: what was sent is acknowledged. */
static uint32_t answer_tcp(uint8_t *tcp, const uint8_t *sent)
{
    uint32_t header = (sent[12] >> 4) * 4u, total = get16(last.at + ETH + 2) - 20u;
    uint32_t data = total > header ? total - header : 0;
    uint8_t flags = fuzz8(), odd = fuzz8();

    put32(tcp + 4, get32(sent + 8) + (odd & 1 ? fuzz_odd32() : 0));
    put32(tcp + 8, get32(sent + 4) + data + (sent[13] & 3 ? 1 : 0) + (odd & 2 ? fuzz_odd32() : 0));
    tcp[12] = odd & 4 ? (uint8_t)(fuzz8() & 0xf0) : 0x50;
    tcp[13] = odd & 8 ? flags : 0x10 | (flags & 8);
    put16(tcp + 14, odd & 16 ? fuzz16() : 0x4000);
    return 20;
}

void packet_answer(struct packet *p)
{
    uint8_t *ip = p->at + ETH, *upper = ip + 20;
    const uint8_t *sent = last.at + ETH + 20;
    uint32_t header = 8;
    size_t len;

    memset(p->at, 0, ETH + 60);
    address(p, IP4_TYPE);
    ip[0] = 0x45;
    ip[8] = 64;
    ip[9] = last.len ? last.at[ETH + 9] : UDP;
    memcpy(ip + 12, last.len && last.at[ETH + 16] != 255 ? last.at + ETH + 16 : our_ip, 4);
    memcpy(ip + 16, last.len && last.at[ETH + 12] ? last.at + ETH + 12 : image_ip, 4);
    memcpy(upper, sent + 2, 2);
    memcpy(upper + 2, sent, 2);
    if (ip[9] == TCP)
        header = answer_tcp(upper, sent);
    const uint8_t *bytes = fuzz_take(fuzz16() % 1400, &len);
    memcpy(upper + header, bytes, len);
    if (ip[9] == UDP) {
        put16(upper + 4, header + (uint32_t)len);
        if (len >= 8) /* the transaction's number, of DHCP and of DNS */
            memcpy(upper + 12, sent + 12, 4),
                memcpy(upper + 8, get16(sent + 2) == 53 ? sent + 8 : upper + 8, 2);
    }
    p->len = ETH + 20 + header + (uint32_t)len;
    fit_ip4(p, true);
}
