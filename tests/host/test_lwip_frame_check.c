/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lwip_frame_check.c - the checks in front of lwIP (net/lwip/frame_check.c): frames that keep
 * a rule by a byte, and the same that break it.
 */
#include <string.h>

#include "check.h"
#include "frame_check.h"
#include "peer.h"

static uint8_t memory[2000] __attribute__((aligned(4)));
static uint8_t *const frame = memory + 2; /* so that the packet is aligned, as in an image */
static struct net_segment seg;

/* Of a frame of len bytes, so many are at hand. */
static enum net_verdict judged(unsigned have, unsigned len)
{
    uint16_t type;

    memset(&seg, 0x77, sizeof(seg));
    memcpy(&type, frame + 12, 2);
    return net_packet_judge(type, frame + 14, have - 14, len - 14, &seg);
}

static bool ok(unsigned len)
{
    enum net_verdict v = judged(len, len);

    CHECK(v != NET_UNSEEN);
    return v == NET_GOOD;
}

static ip_addr_t sender(void)
{
    ip_addr_t from, to;

    net_segment_ends(&seg, &from, &to);
    return from;
}

static ip_addr_t receiver_of(void)
{
    ip_addr_t from, to;

    net_segment_ends(&seg, &from, &to);
    return to;
}

static uint8_t *eth(unsigned type)
{
    memset(memory, 0, sizeof(memory));
    peer_put16(frame + 12, type);
    return frame + 14;
}

/* An IPv4 packet of that length, its header included. */
static uint8_t *ip4(unsigned proto, unsigned len)
{
    uint8_t *ip = eth(0x0800);

    ip[0] = 0x45;
    peer_put16(ip + 2, len);
    ip[9] = (uint8_t)proto;
    peer_put32(ip + 12, PEER_IP);
    peer_put32(ip + 16, IMAGE_IP);
    return ip;
}

/* An IPv6 packet with `len` bytes behind its header. */
static uint8_t *ip6(unsigned next, unsigned len)
{
    uint8_t *ip = eth(0x86dd);

    ip[0] = 0x60;
    peer_put16(ip + 4, len);
    ip[6] = (uint8_t)next;
    ip[7] = 255;
    return ip;
}

/* ---- Ethernet and IPv4 ----------------------------------------------------------------------- */

static void arp_is_whole(void)
{
    eth(0x0806);
    CHECK(ok(14 + 28));
    CHECK(!ok(14 + 27));
    eth(0x1234);
    CHECK(ok(14)); /* lwIP's to judge */
    CHECK(seg.tcp == NULL);
}

static void lengths_of_ip4(void)
{
    uint8_t *ip = ip4(99, 28);

    CHECK(ok(14 + 28));
    CHECK(ok(14 + 46)); /* padded */
    CHECK(!ok(14 + 27));
    CHECK(!ok(14 + 19));
    ip[0] = 0x44;
    CHECK(!ok(14 + 28));
    ip[0] = 0x65;
    CHECK(!ok(14 + 28));
    ip = ip4(99, 20 + 7); /* no protocol has a header of 7 bytes */
    CHECK(!ok(14 + 60));
    ip = ip4(99, 19);
    CHECK(!ok(14 + 60));
    ip = ip4(99, 60 + 8);
    ip[0] = 0x4f;
    CHECK(ok(14 + 68));
    peer_put16(ip + 2, 59);
    CHECK(!ok(14 + 68));
}

static void options_of_ip4(void)
{
    static const struct {
        const char *opt; /* four bytes */
        bool good;
    } cases[] = {
        {"\0\0\0\0", true},    {"\1\1\1\1", true},    {"\x94\4\0\0", true},  {"\1\1\1\x94", false},
        {"\x94\5\0\0", false}, {"\x94\1\0\0", false}, {"\x83\3\4\0", false}, {"\x89\3\4\0", false},
        {"\1\x83\3\4", false}, {"\0\x83\3\4", true},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t *ip = ip4(99, 24 + 8);

        ip[0] = 0x46;
        memcpy(ip + 20, cases[i].opt, 4);
        CHECK_EQ(ok(14 + 32), cases[i].good);
    }
}

static void fragments_of_ip4(void)
{
    uint8_t *ip = ip4(PEER_UDP, 20 + 16);

    peer_put16(ip + 20 + 4, 2000); /* a first fragment: the datagram goes on */
    peer_put16(ip + 6, 0x2000);
    CHECK(ok(14 + 36));
    peer_put16(ip + 2, 20 + 15); /* not a multiple of 8 */
    CHECK(!ok(14 + 36));
    peer_put16(ip + 6, 1); /* the last may have any length, and is not looked into */
    CHECK(ok(14 + 36));
    peer_put16(ip + 2, 20);
    CHECK(!ok(14 + 36)); /* but not none */
    peer_put16(ip + 2, 20 + 16);
    peer_put16(ip + 6, 0x1fff); /* 65528 + 16 > 65515 */
    CHECK(!ok(14 + 36));
    peer_put16(ip + 6, 65512 / 8); /* begins in the largest datagram, and ends beyond */
    CHECK(!ok(14 + 36));
    peer_put16(ip + 6, (65515 - 16) / 8);
    CHECK(ok(14 + 36));
    ip = ip4(PEER_TCP, 20 + 16); /* less than TCP's header in the first */
    peer_put16(ip + 6, 0x2000);
    CHECK(!ok(14 + 36));
    ip = ip4(PEER_TCP, 20 + 24);
    ip[20 + 12] = 0x50;
    peer_put16(ip + 6, 0x2000);
    CHECK(ok(14 + 44));
    CHECK(seg.tcp == NULL); /* no whole segment */
}

/* ---- TCP and UDP ----------------------------------------------------------------------------- */

static void lengths_of_udp(void)
{
    uint8_t *udp = ip4(PEER_UDP, 20 + 12) + 20;

    peer_put16(udp + 4, 12);
    CHECK(ok(14 + 32));
    peer_put16(udp + 4, 8);
    CHECK(ok(14 + 32));
    peer_put16(udp + 4, 7);
    CHECK(!ok(14 + 32));
    peer_put16(udp + 4, 13);
    CHECK(!ok(14 + 32));
    peer_put16(udp + 4, 0);
    CHECK(!ok(14 + 32));
}

static uint8_t *tcp(unsigned words, unsigned flags)
{
    uint8_t *t = ip4(PEER_TCP, 20 + 60) + 20;

    t[12] = (uint8_t)(words << 4);
    t[13] = (uint8_t)flags;
    return t;
}

static void headers_of_tcp(void)
{
    uint8_t *t = tcp(5, PEER_ACK);
    ip_addr_t from, to;

    CHECK(ok(14 + 80));
    CHECK(seg.tcp == (const void *)t);
    CHECK_EQ(seg.len, 60);
    CHECK_EQ(seg.proto, PEER_TCP);
    CHECK_EQ(seg.upper, 20);
    CHECK_EQ(seg.data, 40);
    CHECK_EQ(seg.total, 80);
    from = sender();
    to = receiver_of();
    CHECK_EQ(lwip_ntohl(ip_2_ip4(&from)->addr), PEER_IP);
    CHECK_EQ(lwip_ntohl(ip_2_ip4(&to)->addr), IMAGE_IP);
    tcp(4, PEER_ACK);
    CHECK(!ok(14 + 80));
    tcp(15, PEER_ACK);
    CHECK(ok(14 + 80));
    peer_put16(t - 20 + 2, 20 + 59);
    CHECK(!ok(14 + 80)); /* a header beyond the packet */
    t = tcp(5, PEER_ACK);
    peer_put16(t - 20 + 2, 20 + 19);
    CHECK(!ok(14 + 80));
    for (unsigned flags = 0; flags < 64; flags++) {
        tcp(5, flags);
        CHECK_EQ(ok(14 + 80), !((flags & PEER_SYN) && (flags & (PEER_FIN | PEER_RST))));
    }
}

static bool option_ok(const char *option, unsigned len, unsigned flags)
{
    memcpy(tcp(6, flags) + 20, option, len);
    return ok(14 + 80);
}

static void options_of_tcp(void)
{
    CHECK(option_ok("\1\1\1\1", 4, PEER_ACK));
    CHECK(option_ok("\0\x22\0\0", 4, PEER_ACK)); /* nothing is looked at behind the end */
    CHECK(option_ok("\4\2\4\2", 4, PEER_ACK));
    CHECK(!option_ok("\4\0\0\0", 4, PEER_ACK));
    CHECK(!option_ok("\4\1\0\0", 4, PEER_ACK));
    CHECK(option_ok("\4\4\0\0", 4, PEER_ACK));
    CHECK(!option_ok("\4\5\0\0", 4, PEER_ACK)); /* beyond the header */
    CHECK(!option_ok("\1\1\1\4", 4, PEER_ACK)); /* without its length */
    CHECK(!option_ok("\1\1\4\3", 4, PEER_ACK));
    CHECK(option_ok("\2\4\0\x30", 4, PEER_SYN));
    CHECK(!option_ok("\2\4\0\x2f", 4, PEER_SYN)); /* segments of 47 bytes */
    CHECK(option_ok("\2\4\0\x2f", 4, PEER_ACK));
}

/* A timestamp alone is what nearly all segments have: its numbers may be any. */
static void timestamp_alone(void)
{
    memcpy(tcp(8, PEER_ACK) + 20, "\1\1\x08\x0a\2\1\2\1\2\1\2\1", 12);
    CHECK(ok(14 + 80));
    memcpy(tcp(9, PEER_ACK) + 20, "\1\1\x08\x0a\0\0\0\0\0\0\0\0\4\1", 14);
    CHECK(!ok(14 + 80)); /* and something behind it */
    memcpy(tcp(9, PEER_SYN) + 20, "\1\1\x08\x0a\0\0\0\0\0\0\0\0\2\4\0\x2f", 16);
    CHECK(!ok(14 + 80));
}

/* Of a long packet the first bytes are at hand: whole headers, or it is not judged. */
static void headers_beyond_what_is_at_hand(void)
{
    uint8_t *t = tcp(15, PEER_ACK), *ip = t - 20;

    peer_put16(ip + 2, 1000);
    CHECK_EQ(judged(14 + 80, 14 + 1000), NET_GOOD);
    CHECK_EQ(seg.data, 80);
    CHECK_EQ(judged(14 + 79, 14 + 1000), NET_UNSEEN);
    CHECK_EQ(judged(14 + 80, 14 + 999), NET_BAD); /* the whole is judged, not what is at hand */
    CHECK_EQ(judged(14 + 39, 14 + 1000), NET_UNSEEN);
    ip = ip4(PEER_UDP, 1000);
    peer_put16(ip + 24, 980);
    CHECK_EQ(judged(14 + 40, 14 + 1000), NET_GOOD);
    CHECK_EQ(seg.data, 28);
    peer_put16(ip + 24, 981);
    CHECK_EQ(judged(14 + 40, 14 + 1000), NET_BAD);
    peer_put16(ip + 24, 979); /* bytes behind the datagram: lwIP's to cut off */
    CHECK_EQ(judged(14 + 40, 14 + 1000), NET_GOOD);
    CHECK_EQ(seg.proto, 0);
    ip[0] = 0x4f;
    CHECK_EQ(judged(14 + 79, 14 + 1000), NET_UNSEEN);
    ip = ip6(PEER_TCP, 1000);
    ip[40 + 12] = 0x80;
    CHECK_EQ(judged(14 + 72, 14 + 1040), NET_GOOD);
    CHECK_EQ(judged(14 + 71, 14 + 1040), NET_UNSEEN);
    for (unsigned next = 0; next < 256; next++) { /* headers of any length */
        ip[6] = (uint8_t)next;
        CHECK_EQ(judged(14 + 72, 14 + 1040) == NET_UNSEEN, next != PEER_TCP && next != PEER_UDP);
    }
    eth(0x0806);
    CHECK_EQ(judged(14 + 40, 14 + 1000), NET_GOOD);
    t = tcp(8, PEER_ACK);
    memcpy(t + 20, "\1\1\x08\x0a\2\1\2\1\2\1\2\1", 12);
    peer_put16(t - 20 + 2, 1000);
    CHECK_EQ(judged(14 + 52, 14 + 1000), NET_GOOD);
    CHECK_EQ(judged(14 + 51, 14 + 1000), NET_UNSEEN);
}

/* ---- IPv6 ------------------------------------------------------------------------------------ */

static void lengths_of_ip6(void)
{
    uint8_t *ip = ip6(59, 0);
    ip_addr_t to;

    CHECK(ok(14 + 40));
    CHECK(!ok(14 + 39));
    ip[0] = 0x40;
    CHECK(!ok(14 + 40));
    ip6(59, 8);
    CHECK(ok(14 + 48));
    CHECK(!ok(14 + 47));
    ip = ip6(PEER_TCP, 20);
    ip[40 + 12] = 0x50;
    ip[39] = 7;
    CHECK(ok(14 + 60));
    CHECK(seg.tcp == (const void *)(ip + 40) && seg.len == 20);
    CHECK_EQ(seg.data, 60);
    to = receiver_of();
    CHECK(IP_IS_V6(&to) && ip_2_ip6(&to)->addr[3] == lwip_htonl(7));
    ip6(PEER_UDP, 7);
    CHECK(!ok(14 + 47));
}

static void headers_of_options(void)
{
    uint8_t *h = ip6(0, 8) + 40;

    memcpy(h, "\x3b\0\1\4\0\0\0\0", 8);
    CHECK(ok(14 + 48));
    h[3] = 5; /* an option that goes beyond its header */
    CHECK(!ok(14 + 48));
    memcpy(h, "\x3b\0\0\0\0\0\0\0", 8);
    CHECK(ok(14 + 48));
    h[7] = 1; /* an option without its length */
    CHECK(!ok(14 + 48));
    h[7] = 0;
    h[1] = 1; /* a header beyond the packet */
    CHECK(!ok(14 + 48));
    peer_put16(h - 40 + 4, 7);
    h[1] = 0;
    CHECK(!ok(14 + 48));
    h = ip6(43, 8) + 40;
    memcpy(h, "\x3b\0\0\0\0\0\0\0", 8);
    CHECK(ok(14 + 48));
    h[1] = 1;
    CHECK(!ok(14 + 48));
    peer_put16(h - 40 + 4, 7);
    h[1] = 0;
    CHECK(!ok(14 + 48));
    for (unsigned n = 7; n <= 8; n++) { /* headers without end */
        h = ip6(60, 8 * n) + 40;
        for (unsigned i = 0; i < n; i++)
            memcpy(h + 8 * i, i + 1 < n ? "\x3c\0\1\4\0\0\0\0" : "\x3b\0\1\4\0\0\0\0", 8);
        CHECK_EQ(ok(14 + 40 + 8 * n), n == 7);
    }
}

static void fragments_of_ip6(void)
{
    uint8_t *h = ip6(44, 8 + 16) + 40;

    h[0] = PEER_UDP;
    peer_put16(h + 8 + 4, 500);
    peer_put16(h + 2, 1); /* the first, with more behind */
    CHECK(!ok(14 + 64));  /* UDP over IPv6 has a checksum */
    h[8 + 7] = 1;
    CHECK(ok(14 + 64));
    h[0] = 44; /* a fragment of a fragment */
    CHECK(!ok(14 + 64));
    h[0] = PEER_UDP;
    peer_put16(h - 40 + 4, 8 + 15);
    CHECK(!ok(14 + 64));
    peer_put16(h + 2, 8); /* the last */
    CHECK(ok(14 + 64));
    peer_put16(h - 40 + 4, 8);
    CHECK(!ok(14 + 64));
    peer_put16(h - 40 + 4, 7);
    CHECK(!ok(14 + 64));
    peer_put16(h - 40 + 4, 8 + 16);
    peer_put16(h + 2, 0xfff8);
    CHECK(!ok(14 + 64));
    h = ip6(44, 8 + 24) + 40; /* of neighbour discovery, and of errors */
    h[0] = 58;
    h[8] = 135;
    peer_put16(h + 2, 1);
    CHECK(!ok(14 + 72));
    h[8] = 128;
    CHECK(ok(14 + 72));
    h[8] = 1;
    CHECK(!ok(14 + 72));
    h[0] = PEER_TCP;
    h[8 + 12] = 0x50;
    CHECK(ok(14 + 72));
    CHECK(seg.tcp == NULL);
}

static void icmp6(void)
{
    uint8_t *m = ip6(58, 48) + 40;

    m[0] = 2; /* too big */
    peer_put32(m + 4, 1280);
    CHECK(ok(14 + 88));
    peer_put32(m + 4, 1279);
    CHECK(!ok(14 + 88));
    peer_put32(m + 4, 0x10000);
    CHECK(ok(14 + 88));
    peer_put16(m - 40 + 4, 47); /* without the header that it is about */
    CHECK(!ok(14 + 88));
    peer_put16(m - 40 + 4, 7);
    m[0] = 128;
    CHECK(!ok(14 + 88));
    peer_put16(m - 40 + 4, 8);
    CHECK(ok(14 + 88));
    m[0] = 3;
    CHECK(ok(14 + 88));
}

static void neighbour_discovery(void)
{
    static const struct {
        uint8_t type, fixed;
    } kinds[] = {{133, 8}, {134, 16}, {135, 24}, {136, 24}, {137, 40}};

    for (unsigned i = 0; i < 5; i++) {
        uint8_t *m = ip6(58, kinds[i].fixed) + 40, *option = m + kinds[i].fixed;

        m[0] = kinds[i].type;
        CHECK(ok(14 + 120));
        m[-40 + 7] = 254; /* from beyond a router */
        CHECK(!ok(14 + 120));
        m[-40 + 7] = 255;
        peer_put16(m - 40 + 4, kinds[i].fixed - 1u);
        CHECK(!ok(14 + 120));
        peer_put16(m - 40 + 4, kinds[i].fixed + 8u);
        memcpy(option, "\1\1", 2);
        CHECK(ok(14 + 120));
        memcpy(option, "\1\0", 2);
        CHECK(!ok(14 + 120));
        memcpy(option, "\1\2", 2);
        CHECK(!ok(14 + 120));
        peer_put16(m - 40 + 4, kinds[i].fixed + 16u);
        CHECK(!ok(14 + 120)); /* an Ethernet address does not take two units */
        memcpy(option, "\2\2", 2);
        CHECK(!ok(14 + 120));
        memcpy(option, "\x19\2", 2);
        CHECK(ok(14 + 120));
        peer_put16(m - 40 + 4, kinds[i].fixed + 1u);
        CHECK(!ok(14 + 120));
    }
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(arp_is_whole, NULL),
        SHOWS(lengths_of_ip4, NULL),
        SHOWS(options_of_ip4, NULL),
        SHOWS(fragments_of_ip4, NULL),
        SHOWS(lengths_of_udp, NULL),
        SHOWS(headers_of_tcp, NULL),
        SHOWS(options_of_tcp, NULL),
        SHOWS(timestamp_alone, NULL),
        SHOWS(headers_beyond_what_is_at_hand, NULL),
        SHOWS(lengths_of_ip6, NULL),
        SHOWS(headers_of_options, NULL),
        SHOWS(fragments_of_ip6, NULL),
        SHOWS(icmp6, NULL),
        SHOWS(neighbour_discovery, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
