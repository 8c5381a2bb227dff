/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_cookie.c - SYN cookies, and timestamps that hold options (net/lwip/tcp_cookie.c).
 */
#include "tcp_cookie.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "peer.h"
#include "peer6.h"
#include "tasks.h"

static void cookies_alone(void)
{
    ip_addr_t local = IPADDR4_INIT(htonl(IMAGE_IP)), remote = IPADDR4_INIT(htonl(PEER_IP));
    struct tcp_cookie_of of = {&local, &remote, 80, 4000, 1234}, other = of;
    uint64_t now = 1000 * TCP_COOKIE_NS + 5;
    unsigned right = 0;
    u16_t mss;

    peer_boot(NULL);
    static const struct {
        u16_t said, kept;
    } sizes[] = {{48, 48},     {100, 48},    {255, 48},    {256, 256},   {536, 536},  {1219, 536},
                 {1220, 1220}, {1399, 1360}, {1459, 1440}, {1460, 1460}, {9000, 1460}};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        u32_t iss = tcp_cookie_make(&of, sizes[i].said, now);

        CHECK(tcp_cookie_is(&of, iss, now, &mss));
        CHECK_EQ(mss, sizes[i].kept);
        CHECK(tcp_cookie_is(&of, iss, now + TCP_COOKIE_NS, &mss));
        CHECK(!tcp_cookie_is(&of, iss, now + 2 * TCP_COOKIE_NS, &mss));
        CHECK(!tcp_cookie_is(&of, iss, now - TCP_COOKIE_NS, &mss));
        other.irs = of.irs + 1 + i;
        CHECK(!tcp_cookie_is(&other, iss, now, &mss));
    }
    for (unsigned i = 0; i < 1000000; i++)
        right += tcp_cookie_is(&of, random32(), now, &mss);
    CHECK_EQ(right, 0);
}

static void stamps_alone(void)
{
    struct tcp_cookie_options o, got;
    uint32_t clock = 0xfffffff0;

    peer_boot(NULL);
    for (unsigned i = 0; i < 64; i++, clock++)
        for (unsigned bits = 0; bits < 32; bits++) {
            o = (struct tcp_cookie_options){(uint8_t)(bits >> 1), bits >> 1 != 15, bits & 1};
            uint32_t stamp = tcp_cookie_stamp(clock, &o);

            CHECK(clock - stamp < 32);
            CHECK(tcp_cookie_read_stamp(clock + 1000, stamp, &got));
            CHECK(got.scaled == o.scaled && got.sack == o.sack);
            CHECK(!o.scaled || got.scale == o.scale);
            CHECK(!tcp_cookie_read_stamp(clock + 130000, stamp, &got));
            CHECK(!tcp_cookie_read_stamp(stamp - 1, stamp, &got));
        }
}

/* ---- IPv6 ------------------------------------------------------------------------------------ */

static struct {
    unsigned count, solicited;
    uint32_t seq, ack;
    unsigned flags;
    uint16_t port;
} heard6;

static void hear6(const uint8_t *packet)
{
    const uint8_t *tcp = packet + 40;

    heard6.solicited += packet[6] == 58 && tcp[0] == 135 && packet[8];
    if (packet[6] != PEER_TCP)
        return;
    heard6.count++;
    heard6.port = (uint16_t)peer_get16(tcp + 2);
    heard6.seq = peer_get32(tcp + 4);
    heard6.ack = peer_get32(tcp + 8);
    heard6.flags = tcp[13];
}

static void say6(uint16_t port, unsigned flags, uint32_t seq, uint32_t ack)
{
    uint8_t tcp[24] = {0};

    peer_put16(tcp, port);
    peer_put16(tcp + 2, 80);
    peer_put32(tcp + 4, seq);
    peer_put32(tcp + 8, ack);
    tcp[12] = 6 << 4;
    tcp[13] = (uint8_t)flags;
    peer_put16(tcp + 14, 8000);
    memcpy(tcp + 20, "\2\4\5\x3c", 4); /* MSS 1340 */
    peer6_send(peer6_image_mac, PEER_TCP, 16, tcp, sizeof(tcp));
    task_sleep_until(hal_now_ns() + HAL_MS);
}

/* The sender does not answer neighbour discovery, as most in a flood: its MAC is that of its SYN.
 */
static void over_ipv6(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(80)};

    peer6_boot("");
    peer6_listen(hear6);
    int l = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_EQ(bind(l, (struct sockaddr *)&any, sizeof(any)), 0);
    CHECK_EQ(listen(l, 24), 0);
    for (uint16_t port = 1000; port < 1024; port++)
        say6(port, PEER_SYN, port, 0);
    CHECK_EQ(net_tcp_half_open(), 24);
    unsigned solicited = heard6.solicited;
    for (uint16_t port = 1024; port < 1100; port++) {
        say6(port, PEER_SYN, port, 0);
        CHECK(heard6.flags == (PEER_SYN | PEER_ACK) && heard6.port == port);
        CHECK_EQ(heard6.ack, port + 1u);
    }
    CHECK_EQ(net_core.tcp_cookies, 76);
    CHECK(heard6.solicited <= solicited + 3);   /* for those before */
    say6(1098, PEER_ACK, 1100, heard6.seq + 1); /* another one's */
    CHECK_EQ(net_core.tcp_cookies_taken, 0);
    say6(1099, PEER_ACK, 1100, heard6.seq + 1);
    CHECK_EQ(net_core.tcp_cookies_taken, 1);
    CHECK(accept(l, NULL, NULL) >= 0);
    CHECK_EQ(tcp_active_pcbs->state, ESTABLISHED);
    CHECK_EQ(tcp_active_pcbs->mss, 1220); /* of 1340 */
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(cookies_alone, NULL),
        SHOWS(stamps_alone, NULL),
        SHOWS(over_ipv6, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
