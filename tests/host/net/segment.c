/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * segment.c - segments of TCP (RFC 9293, 3.1; RFC 7323; RFC 2018) in IPv4 and IPv6 packets.
 */
#include "segment.h"

#include <string.h>

#include "check.h"
#include "peer.h"

enum { IP4 = 20, IP6 = 40, TCP = 20, PROTO_TCP = 6 };

uint32_t segment_sum(uint32_t sum, const uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i + 1 < len; i += 2)
        sum += peer_get16(p + i);
    return len % 2 ? sum + p[len - 1] * 256u : sum;
}

uint16_t segment_folded(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

void segment_sum_change(uint8_t *at, const uint8_t *old, const uint8_t *new, uint32_t len)
{
    uint32_t sum = ~peer_get16(at) & 0xffff;

    for (uint32_t i = 0; i < len; i += 2)
        sum += (~peer_get16(old + i) & 0xffff) + peer_get16(new + i);
    peer_put16(at, segment_folded(sum));
}

/* ---- reading --------------------------------------------------------------------------------- */

static void read_blocks(struct segment *s, const uint8_t *p, unsigned len)
{
    for (unsigned i = 2; i + 8 <= len && s->blocks < SEG_BLOCKS; i += 8) {
        s->block[s->blocks].start = peer_get32(p + i);
        s->block[s->blocks++].end = peer_get32(p + i + 4);
    }
}

static void read_option(struct segment *s, const uint8_t *p, unsigned len)
{
    if (p[0] == 2 && len == 4)
        s->mss = peer_get16(p + 2);
    else if (p[0] == 3 && len == 3)
        s->scale = p[2];
    else if (p[0] == 4 && len == 2)
        s->sack_ok = true;
    else if (p[0] == 5)
        read_blocks(s, p, len);
    else if (p[0] == 8 && len == 10) {
        s->stamped = true;
        s->stamp = peer_get32(p + 2);
        s->echo = peer_get32(p + 6);
    }
}

static void read_options(struct segment *s, const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p != 0) {
        unsigned len = *p == 1 ? 1 : end - p < 2 ? 0 : p[1];

        if (len < 1 || (*p != 1 && len < 2) || p + len > end)
            return;
        if (*p != 1)
            read_option(s, p, len);
        p += len;
    }
}

/* The upper layer's packet; NULL: not TCP, or not whole. */
static const uint8_t *find_tcp(const uint8_t *packet, uint32_t *len)
{
    uint32_t header = packet[0] >> 4 == 4 ? (packet[0] & 15u) * 4 : IP6, total;

    if (*len < header || *len < IP4)
        return NULL;
    if (packet[0] >> 4 == 4) {
        total = peer_get16(packet + 2);
        if (packet[9] != PROTO_TCP || peer_get16(packet + 6) & 0x3fff)
            return NULL;
    } else {
        total = IP6 + peer_get16(packet + 4);
        if (packet[6] != PROTO_TCP)
            return NULL;
    }
    if (total > *len || total < header + TCP)
        return NULL;
    *len = total - header;
    return packet + header;
}

bool segment_read(struct segment *s, const uint8_t *packet, uint32_t len)
{
    const uint8_t *tcp = find_tcp(packet, &len);
    uint32_t header = tcp ? (tcp[12] >> 4) * 4u : 0;

    *s = (struct segment){.scale = SEG_NO_OPTS};
    if (!tcp || header < TCP || header > len)
        return false;
    s->sport = (uint16_t)peer_get16(tcp);
    s->dport = (uint16_t)peer_get16(tcp + 2);
    s->seq = peer_get32(tcp + 4);
    s->ack = peer_get32(tcp + 8);
    s->flags = tcp[13];
    s->window = peer_get16(tcp + 14);
    s->data = tcp + header;
    s->len = len - header;
    read_options(s, tcp + TCP, tcp + header);
    return true;
}

/* ---- making ---------------------------------------------------------------------------------- */

static uint8_t *put_option(uint8_t *p, unsigned kind, unsigned len)
{
    *p++ = (uint8_t)kind;
    *p++ = (uint8_t)len;
    return p;
}

static uint8_t *put_blocks(const struct segment *s, uint8_t *p)
{
    *p++ = 1;
    *p++ = 1;
    p = put_option(p, 5, 2 + 8 * s->blocks);
    for (unsigned i = 0; i < s->blocks; i++, p += 8) {
        peer_put32(p, s->block[i].start);
        peer_put32(p + 4, s->block[i].end);
    }
    return p;
}

/* Their length, which is a multiple of four. */
static uint32_t put_options(const struct segment *s, uint8_t *at)
{
    uint8_t *p = at;

    if (s->mss) {
        p = put_option(p, 2, 4);
        peer_put16(p, s->mss);
        p += 2;
    }
    if (s->flags & SEG_SYN && s->scale >= 0) {
        p = put_option(p, 3, 3);
        *p++ = (uint8_t)s->scale;
    }
    if (s->sack_ok)
        p = put_option(p, 4, 2);
    if (s->stamped) { /* its numbers aligned (RFC 7323, appendix A) */
        while ((p - at) % 4 != 2)
            *p++ = 1;
        p = put_option(p, 8, 10);
        peer_put32(p, s->stamp);
        peer_put32(p + 4, s->echo);
        p += 8;
    }
    if (s->blocks)
        p = put_blocks(s, p);
    while ((p - at) % 4)
        *p++ = 1;
    return (uint32_t)(p - at);
}

uint32_t segment_make(const struct segment *s, uint32_t from, uint32_t to, uint8_t *packet)
{
    uint8_t *tcp = packet + IP4, options[80];
    uint32_t head = TCP + put_options(s, options), total = IP4 + head + s->len;

    memset(packet, 0, IP4 + TCP);
    packet[0] = 0x45;
    peer_put16(packet + 2, total);
    packet[6] = 0x40;
    packet[8] = 64;
    packet[9] = PROTO_TCP;
    peer_put32(packet + 12, from);
    peer_put32(packet + 16, to);
    peer_put16(packet + 10, segment_folded(segment_sum(0, packet, IP4)));
    peer_put16(tcp, s->sport);
    peer_put16(tcp + 2, s->dport);
    peer_put32(tcp + 4, s->seq);
    peer_put32(tcp + 8, s->ack);
    tcp[12] = (uint8_t)(head / 4 << 4);
    tcp[13] = (uint8_t)s->flags;
    peer_put16(tcp + 14, s->window);
    memcpy(tcp + TCP, options, head - TCP);
    if (s->len)
        memcpy(tcp + head, s->data, s->len);
    peer_put16(tcp + 16,
               segment_folded(segment_sum(segment_sum(PROTO_TCP + head + s->len, packet + 12, 8),
                                          tcp, head + s->len)));
    return total;
}

/* ---- cutting --------------------------------------------------------------------------------- */

/* The sum of the pseudo header of a segment of `len` bytes. */
static uint32_t pseudo(const uint8_t *packet, uint32_t len)
{
    bool ip6 = packet[0] >> 4 == 6;

    return segment_sum(PROTO_TCP + len, packet + (ip6 ? 8 : 12), ip6 ? 32 : 8);
}

/* A packet with data from `at` on, of a larger one; head: of the headers. */
static void cut_one(uint8_t *out, const uint8_t *packet, uint32_t ip, uint32_t head, uint32_t at,
                    uint32_t len, bool last)
{
    uint8_t *tcp = out + ip;
    uint32_t segment = head - ip + len;

    memcpy(out, packet, head);
    memcpy(out + head, packet + head + at, len);
    peer_put16(out + (ip == IP6 ? 4 : 2), ip == IP6 ? segment : ip + segment);
    if (ip != IP6) {
        peer_put16(out + 4, peer_get16(packet + 4) + (out[6] & 0x40 ? 0 : at ? 1 : 0));
        peer_put16(out + 10, 0);
        peer_put16(out + 10, segment_folded(segment_sum(0, out, ip)));
    }
    peer_put32(tcp + 4, peer_get32(packet + ip + 4) + at);
    if (!last)
        tcp[13] &= (uint8_t) ~(SEG_FIN | SEG_PSH);
    peer_put16(tcp + 16, 0);
    peer_put16(tcp + 16, segment_folded(segment_sum(pseudo(out, segment), tcp, segment)));
}

void segment_cut(const uint8_t *packet, uint32_t len, uint32_t size,
                 void (*fn)(void *arg, const uint8_t *packet, uint32_t len), void *arg)
{
    static uint8_t out[65536];
    uint32_t total = len, at = 0, ip, head, part;
    const uint8_t *tcp = find_tcp(packet, &total);

    CHECK(tcp != NULL && tcp + total == packet + len && size);
    ip = (uint32_t)(tcp - packet);
    head = ip + (tcp[12] >> 4) * 4u;
    CHECK_EQ(peer_get16(tcp + 16), (uint16_t)~segment_folded(pseudo(packet, total)));
    do {
        part = len - head - at < size ? len - head - at : size;
        cut_one(out, packet, ip, head, at, part, head + at + part == len);
        fn(arg, out, head + part);
        at += part;
    } while (head + at < len);
}
