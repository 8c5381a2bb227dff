/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_congestion.c - how the congestion window grows (net/lwip/tcp_congestion.c, tcp_cubic.c,
 * tcp_reno.c): acknowledgements by hand, and windows that follow from the formulas of the RFCs.
 */
#include "acks.h"
#include "check.h"

/* ---- the beginning, slow start --------------------------------------------------------------- */

static void initial_window(void)
{
    static const struct {
        uint32_t mss, window;
    } of[] = {{536, 5360},   {1220, 12200}, {1460, 14600},
              {2190, 14600}, {8960, 17920}, {65495, 130990}};

    for (unsigned i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
        tcp_cc_init(&cc, TCP_CC_CUBIC);
        tcp_cc_established(&cc, of[i].mss);
        CHECK_EQ(tcp_cc_window(&cc), of[i].window);
        CHECK(tcp_cc_slow_start(&cc));
    }
}

/* A SYN lost twice leaves one segment, which doubles (RFC 5681, 3.1; RFC 6928, section 2). */
static void lost_syn(void)
{
    tcp_cc_init(&cc, TCP_CC_CUBIC);
    tcp_cc_timeout(&cc, 0, false);
    tcp_cc_established(&cc, MSS);
    CHECK_EQ(tcp_cc_window(&cc), 10 * MSS);
    tcp_cc_init(&cc, TCP_CC_CUBIC);
    tcp_cc_timeout(&cc, 0, false);
    tcp_cc_timeout(&cc, 0, true);
    tcp_cc_established(&cc, MSS);
    CHECK_EQ(tcp_cc_window(&cc), MSS);
    acks_round_trip();
    acks_round_trip();
    CHECK_EQ(tcp_cc_window(&cc), 4 * MSS);
    CHECK(cc.ssthresh == TCP_CC_MAX);
}

static void slow_start_doubles(void)
{
    acks_begin(TCP_CC_RENO);
    for (unsigned i = 1; i < 6; i++) {
        acks_round_trip();
        CHECK_EQ(tcp_cc_window(&cc), (10u << i) * MSS);
    }
}

/* One acknowledgement for many segments: the growth is bounded where nothing spreads the burst. */
static void slow_start_by_bytes(void)
{
    acks_begin(TCP_CC_RENO);
    rtt = 1 * MS;
    tcp_cc_acked(&cc, 100, cc.cwnd, 0, rtt, now, true);
    CHECK_EQ(tcp_cc_window(&cc), 10 * MSS + 100);
    tcp_cc_acked(&cc, 10 * MSS, cc.cwnd, 0, rtt, now, true);
    CHECK_EQ(tcp_cc_window(&cc), 18 * MSS + 100);
    rtt = 100 * MS; /* paced */
    tcp_cc_acked(&cc, 18 * MSS, cc.cwnd, 0, rtt, now, true);
    CHECK_EQ(tcp_cc_window(&cc), 36 * MSS + 100);
}

/* What is acknowledged beyond ssthresh counts for congestion avoidance. */
static void slow_start_ends(void)
{
    acks_begin(TCP_CC_RENO);
    cc.ssthresh = 12 * MSS;
    acks_some(2 * MSS, 0);
    CHECK(!tcp_cc_slow_start(&cc));
    CHECK_EQ(tcp_cc_window(&cc), 12 * MSS);
    acks_some(11 * MSS, 0);
    CHECK_EQ(tcp_cc_window(&cc), 12 * MSS);
    acks_some(MSS, 0);
    CHECK_EQ(tcp_cc_window(&cc), 13 * MSS);

    acks_begin(TCP_CC_RENO);
    cc.ssthresh = 12 * MSS;
    tcp_cc_acked(&cc, 7 * MSS, cc.cwnd, 0, rtt, now, true);
    CHECK_EQ(tcp_cc_window(&cc), 12 * MSS);
    CHECK_EQ(cc.state.reno.acked, 5 * MSS);
}

/* A window that is not used does not grow; in slow start, half of it has to be (RFC 7661, 4.4). */
static void unused_window(void)
{
    for (unsigned alg = 0; alg < TCP_CC_COUNT; alg++) {
        acks_begin(alg);
        for (unsigned i = 0; i < 100; i++, now += rtt)
            tcp_cc_acked(&cc, 5 * MSS, 5 * MSS, 0, rtt, now, false);
        CHECK_EQ(tcp_cc_window(&cc), 10 * MSS);
        tcp_cc_acked(&cc, MSS, 6 * MSS, 0, rtt, now, false);
        CHECK_EQ(tcp_cc_window(&cc), 11 * MSS);
        acks_set_window(20);
        for (unsigned i = 0; i < 1000; i++, now += rtt)
            tcp_cc_acked(&cc, 19 * MSS, 19 * MSS, 0, rtt, now, false);
        CHECK_EQ(tcp_cc_window(&cc), 20 * MSS);
    }
}

/* ---- HyStart++ ------------------------------------------------------------------------------- */

/* RFC 9406, 4.2: a delay that rises by an eighth slows the growth, and ends it five rounds later.
 */
static void delay_ends_slow_start(void)
{
    uint32_t before;

    acks_begin(TCP_CC_CUBIC);
    acks_hystart_round(80 * MS); /* of the handshake, as it were */
    acks_hystart_round(80 * MS);
    acks_hystart_round(89 * MS); /* less than an eighth */
    CHECK_EQ(cc.hystart.css_rounds, 0);
    acks_hystart_round(102 * MS);
    CHECK(cc.hystart.css_rounds);
    CHECK(tcp_cc_slow_start(&cc));
    before = cc.cwnd;
    acks_hystart_round(102 * MS);
    CHECK(acks_near(cc.cwnd, before * 1.25, 0.02));
    acks_hystart_round(103 * MS);
    acks_hystart_round(103 * MS);
    CHECK(tcp_cc_slow_start(&cc));
    acks_hystart_round(103 * MS);
    CHECK(!tcp_cc_slow_start(&cc));
    CHECK(cc.ssthresh < TCP_CC_MAX);
}

/* A delay that does not last was jitter: slow start goes on as before. */
static void jitter_does_not(void)
{
    uint32_t before;

    acks_begin(TCP_CC_CUBIC);
    acks_hystart_round(80 * MS); /* of the handshake, as it were */
    acks_hystart_round(80 * MS);
    acks_hystart_round(95 * MS);
    CHECK(cc.hystart.css_rounds);
    acks_hystart_round(80 * MS);
    CHECK_EQ(cc.hystart.css_rounds, 0);
    before = cc.cwnd;
    acks_hystart_round(80 * MS);
    CHECK(acks_near(cc.cwnd, 2 * before, 0.02));
}

/* A few slow ones in a round say nothing: the least of eight is judged. Small delays neither. */
static void least_of_a_round(void)
{
    acks_begin(TCP_CC_CUBIC);
    for (unsigned i = 0; i < 8; i++) {
        acks_hystart_round(10 * MS);
        for (unsigned n = 0; n < 7; n++)
            tcp_cc_acked(&cc, 1, cc.cwnd, 60 * MS, 10 * MS, now, true);
    }
    for (unsigned n = 0; n < 7; n++, now += 5 * MS)
        tcp_cc_acked(&cc, 1, cc.cwnd, 60 * MS, 10 * MS, now, true);
    CHECK_EQ(cc.hystart.css_rounds, 0);
    acks_hystart_round(13 * MS + 900); /* less than 4 ms more */
    CHECK_EQ(cc.hystart.css_rounds, 0);
    CHECK(tcp_cc_slow_start(&cc));
}

/* ---- congestion avoidance -------------------------------------------------------------------- */

static void reno_grows_by_a_segment(void)
{
    acks_begin(TCP_CC_RENO);
    acks_set_window(20);
    for (unsigned i = 1; i <= 50; i++) {
        acks_round_trip();
        CHECK_EQ(tcp_cc_window(&cc), (20 + i) * MSS);
    }
    for (unsigned i = 0; i < 10; i++)
        tcp_cc_acked(&cc, cc.cwnd / 10, cc.cwnd, 0, rtt, now, true);
    CHECK(acks_near(tcp_cc_window(&cc), 71 * MSS, 0.02));
}

/* RFC 9438, figure 1. */
static double cube_root(double v)
{
    double x = 100;

    for (unsigned i = 0; i < 60; i++)
        x = (2 * x + v / (x * x)) / 3;
    return x;
}

static double cubic_curve(double t, double w_max, double after)
{
    double k = cube_root((w_max - after) / 0.4), d = t - k;

    return w_max + 0.4 * d * d * d;
}

/* The curve within 1 %, below and beyond the window of the loss. */
static void cubic_against_the_formula(void)
{
    static const unsigned windows[] = {1000, 2500, 20000};

    for (unsigned i = 0; i < 3; i++) {
        double w = windows[i], t = 0;

        acks_begin(TCP_CC_CUBIC);
        acks_set_window(windows[i]);
        acks_round_trip();
        w = cc.cwnd / (double)MSS;
        acks_lose_one();
        CHECK(acks_near(cc.cwnd, 0.7 * w * MSS, 0.001));
        double start = cc.cwnd / (double)MSS;
        while (cc.cwnd < 1.3 * w * MSS) {
            acks_round_trip();
            t += rtt / 1e6;
            CHECK(t < 120);
            CHECK(acks_near(cc.cwnd / (double)MSS, cubic_curve(t + rtt / 2e6, w, start), 0.01));
        }
        CHECK(t > cube_root(0.3 * w / 0.4)); /* it was flat at the window of the loss */
    }
}

/* RFC 9438, 4.3: with a short round trip the curve is too slow, and Reno's line is taken. */
static void cubic_is_never_less_than_reno(void)
{
    acks_begin(TCP_CC_CUBIC);
    rtt = 2 * MS;
    acks_set_window(100);
    acks_lose_one();
    for (unsigned i = 1; i <= 50; i++) {
        acks_round_trip();
        CHECK(acks_near(cc.cwnd, (70 + i * 9 / 17.0) * MSS, 0.01));
    }
    while (cc.cwnd < 100 * MSS)
        acks_round_trip();
    uint32_t from = cc.cwnd;
    for (unsigned i = 0; i < 20; i++)
        acks_round_trip();
    CHECK(acks_near(cc.cwnd, from + 20 * MSS, 0.01));
}

/* RFC 9438, 4.7: a flow that lost before it was back leaves more room for others. */
static void fast_convergence(void)
{
    acks_begin(TCP_CC_CUBIC);
    acks_set_window(1000);
    acks_lose_one();
    CHECK_EQ(cc.state.cubic.w_max, 1000 * MSS);
    acks_lose_one();
    CHECK(acks_near(cc.state.cubic.w_max, 700 * 0.85 * MSS, 0.001));
    CHECK(acks_near(cc.cwnd, 490 * MSS, 0.001));
    for (unsigned i = 0; i < 200; i++)
        acks_round_trip();
    uint32_t high = cc.cwnd;
    CHECK(high > 595 * MSS);
    acks_lose_one();
    CHECK_EQ(cc.state.cubic.w_max, high);
}

/* RFC 9438, 5.8: while the window is not used, the curve does not rise. */
static void cubic_waits_for_the_application(void)
{
    uint32_t before;

    acks_begin(TCP_CC_CUBIC);
    acks_set_window(1000);
    acks_lose_one();
    for (unsigned i = 0; i < 20; i++)
        acks_round_trip();
    before = cc.cwnd;
    for (unsigned i = 0; i < 600; i++, now += rtt)
        tcp_cc_acked(&cc, MSS, MSS, 0, rtt, now, false);
    now += 60000 * MS; /* and nothing at all */
    acks_round_trip();
    CHECK(cc.cwnd >= before);
    CHECK(acks_near(cc.cwnd, before, 0.02));
}

/* A stage of hours without a loss: microseconds wrap after 71 minutes. */
static void cubic_of_hours(void)
{
    uint32_t last = 0;

    acks_begin(TCP_CC_CUBIC);
    rtt = 1000 * MS;
    acks_set_window(100);
    acks_lose_one();
    for (unsigned s = 0; s < 4 * 3600; s++) {
        last = cc.cwnd;
        tcp_cc_acked(&cc, cc.cwnd, cc.cwnd, 0, rtt, now, true);
        now += rtt;
        CHECK(cc.cwnd >= last);
    }
    CHECK_EQ(cc.cwnd, TCP_CC_MAX);
}

static const struct test_case cases[] = {
    {"initial_window", initial_window},
    {"lost_syn", lost_syn},
    {"slow_start_doubles", slow_start_doubles},
    {"slow_start_by_bytes", slow_start_by_bytes},
    {"slow_start_ends", slow_start_ends},
    {"unused_window", unused_window},
    {"delay_ends_slow_start", delay_ends_slow_start},
    {"jitter_does_not", jitter_does_not},
    {"least_of_a_round", least_of_a_round},
    {"reno_grows_by_a_segment", reno_grows_by_a_segment},
    {"cubic_against_the_formula", cubic_against_the_formula},
    {"cubic_is_never_less_than_reno", cubic_is_never_less_than_reno},
    {"fast_convergence", fast_convergence},
    {"cubic_waits_for_the_application", cubic_waits_for_the_application},
    {"cubic_of_hours", cubic_of_hours},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
