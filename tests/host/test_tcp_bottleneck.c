/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_bottleneck.c - congestion windows at work (net/lwip/tcp_congestion.c): senders that
 * share a link get a fair part of it and keep it busy; and after any acknowledgements, losses and
 * pauses the windows are in their bounds.
 */
#include <string.h>

#include "bottleneck.h"
#include "check.h"

#define SEC 1000000ull /* microseconds */
#define MS  1000u
#define MSS BOTTLENECK_MSS

static struct bottleneck b;

/* 50 Mbit/s, and a queue for a round trip. */
static void link_of(unsigned rtt_ms)
{
    memset(&b, 0, sizeof(b));
    b.packet_us = 234;
    b.rtt_us = rtt_ms * MS;
    b.queue = b.rtt_us / b.packet_us;
    b.flows = 1;
}

/* ---- two senders ----------------------------------------------------------------------------- */

#define PAIR(rtt_ms, first, second) ((rtt_ms)*100 + (first)*10 + (second))

static const struct test_variant pairs[] = {
    {"10_ms_cubic_cubic", PAIR(10, TCP_CC_CUBIC, TCP_CC_CUBIC)},
    {"10_ms_reno_reno", PAIR(10, TCP_CC_RENO, TCP_CC_RENO)},
    {"10_ms_cubic_reno", PAIR(10, TCP_CC_CUBIC, TCP_CC_RENO)},
    {"10_ms_reno_cubic", PAIR(10, TCP_CC_RENO, TCP_CC_CUBIC)},
    {"100_ms_cubic_cubic", PAIR(100, TCP_CC_CUBIC, TCP_CC_CUBIC)},
    {"100_ms_reno_reno", PAIR(100, TCP_CC_RENO, TCP_CC_RENO)},
    {NULL, 0},
};

/* The second starts later, when the first has all of the link. Each has 30 % of it at least. */
static void two_senders(void)
{
    unsigned rtt_ms = case_variant / 100;
    uint64_t warm_us = (rtt_ms < 50 ? 10 : 35) * SEC;

    link_of(rtt_ms);
    b.flows = 2;
    b.flow[0].alg = case_variant / 10 % 10;
    b.flow[1].alg = case_variant % 10;
    b.flow[1].start_us = 3 * SEC;
    bottleneck_run(&b, warm_us);
    uint64_t first = b.flow[0].delivered, second = b.flow[1].delivered, busy_us = b.busy_us;

    bottleneck_run(&b, 2 * warm_us);
    first = b.flow[0].delivered - first;
    second = b.flow[1].delivered - second;
    CHECK(first * 10 >= (first + second) * 3);
    CHECK(second * 10 >= (first + second) * 3);
    CHECK(b.busy_us - busy_us > warm_us / 10 * 9);
    CHECK_EQ(b.flow[0].timeouts + b.flow[1].timeouts, 0);
}

/* ---- one sender ------------------------------------------------------------------------------ */

static const struct test_variant links[] = {
    {"cubic_10_ms", 10 * 10 + TCP_CC_CUBIC},
    {"cubic_100_ms", 100 * 10 + TCP_CC_CUBIC},
    {"reno_10_ms", 10 * 10 + TCP_CC_RENO},
    {NULL, 0},
};

/* It keeps the link busy from soon on. Slow start ends without a flood of losses. */
static void one_sender(void)
{
    link_of(case_variant / 10);
    b.queue *= 2;
    b.flow[0].alg = case_variant % 10;
    bottleneck_run(&b, 2 * SEC);
    CHECK(b.busy_us > SEC);
    CHECK(b.flow[0].drops < b.queue / 2);
    uint64_t busy_us = b.busy_us;
    bottleneck_run(&b, 22 * SEC);
    CHECK(b.busy_us - busy_us > 19 * SEC);
    CHECK_EQ(b.flow[0].timeouts, 0);
}

/* A queue of an eighth of a round trip. */
static void short_queue(void)
{
    link_of(100);
    b.queue /= 8;
    bottleneck_run(&b, 30 * SEC);
    CHECK(b.busy_us > 22 * SEC);
    CHECK_EQ(b.flow[0].timeouts, 0);
}

/* ---- anything -------------------------------------------------------------------------------- */

static struct tcp_cc cc;
static uint32_t now;

static uint32_t some_bytes(void)
{
    return random32() >> random_below(32) & TCP_CC_MAX;
}

/* A reduction leaves no larger ssthresh than that. */
static uint32_t cc_most(uint32_t window, uint32_t ssthresh)
{
    uint32_t most = window > ssthresh ? window : ssthresh;

    return most > 2 * cc.mss ? most : 2 * cc.mss;
}

static void random_event(void)
{
    static const uint32_t sizes[] = {1, 88, 536, 1220, 1460, 8960, 65495};
    uint32_t window = cc.cwnd, ssthresh = cc.ssthresh, flight = random_below(window) + 1;
    uint32_t us = random32() >> random_below(32);

    now += random32() >> (8 + random_below(24));
    switch (random_below(40)) {
    case 0:
        tcp_cc_enter_recovery(&cc, flight);
        CHECK(cc.ssthresh <= cc_most(window, ssthresh));
        break;
    case 1:
        tcp_cc_recovered(&cc);
        break;
    case 2:
        tcp_cc_timeout(&cc, flight, random_below(2));
        CHECK_EQ(cc.cwnd, cc.mss);
        CHECK(cc.ssthresh <= cc_most(window, ssthresh));
        break;
    case 3:
        tcp_cc_undo(&cc);
        CHECK(cc.cwnd >= window);
        break;
    case 4:
        tcp_cc_idle(&cc, us, 200 * MS);
        CHECK(cc.cwnd <= window && cc.ssthresh >= ssthresh);
        break;
    case 5:
        tcp_cc_mss(&cc, sizes[random_below(7)]);
        break;
    case 6:
        if (random_below(10) == 0)
            tcp_cc_choose(&cc, random_below(TCP_CC_COUNT));
        break;
    case 7:
        cc.cwnd = some_bytes() | cc.mss; /* as if it had grown to there */
        break;
    default:
        if (cc.recovering) {
            uint32_t bytes = some_bytes();

            tcp_cc_recovering(&cc, bytes, random_below(2) * bytes, flight, random_below(2));
            tcp_cc_sent(&cc, random_below(2) * cc.mss);
            break;
        }
        tcp_cc_acked(&cc, random_below(flight) + 1, flight, random_below(2) * us, us, now,
                     random_below(4));
        CHECK(cc.cwnd >= window);
        CHECK(cc.cwnd == window || cc.cwnd - window <= flight + cc.mss || cc.alg == TCP_CC_CUBIC);
    }
}

static void anything(void)
{
    tcp_cc_init(&cc, TCP_CC_CUBIC);
    tcp_cc_established(&cc, MSS);
    for (unsigned i = 0; i < 1000000; i++) {
        random_event();
        CHECK(tcp_cc_window(&cc) >= cc.mss);
        CHECK(tcp_cc_window(&cc) <= TCP_CC_MAX);
        CHECK(cc.ssthresh >= 2 * cc.mss && cc.ssthresh <= TCP_CC_MAX);
        (void)tcp_cc_pacing_us(&cc, MSS, random32());
    }
}

static const struct test_case cases[] = {
    {"two_senders", two_senders, .variants = pairs},
    {"one_sender", one_sender, .variants = links},
    {"short_queue", short_queue},
    {"anything", anything},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
