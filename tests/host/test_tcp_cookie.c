/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_cookie.c - SYN cookies, and timestamps that hold options (net/lwip/tcp_cookie.c).
 */
#include "tcp_cookie.h"

#include "check.h"
#include "net_impl.h"
#include "peer.h"

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

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(cookies_alone, NULL),
        SHOWS(stamps_alone, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
