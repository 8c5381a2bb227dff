/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_rtt.c - round-trip times and the retransmission timeout (net/lwip/tcp_rtt.c), against
 * the formulas of RFC 6298.
 */
#include "check.h"
#include "tcp_rtt.h"

#define MS  1000u
#define SEC 1000000u

static struct tcp_rtt r;
static uint32_t now = 0xffffff00; /* microseconds; wraps at once */

static void samples(unsigned n, uint32_t rtt_us, uint32_t apart_us)
{
    for (; n; n--) {
        now += apart_us;
        tcp_rtt_sample(&r, rtt_us, now);
    }
}

/* One second, then two, and so on to two minutes (2.1, 5.5). */
static void unmeasured(void)
{
    static const unsigned seconds[] = {1, 2, 4, 8, 16, 32, 64, 120, 120};

    tcp_rtt_init(&r);
    for (unsigned i = 0; i < 9; i++)
        CHECK_EQ(tcp_rtt_rto(&r, i), seconds[i] * SEC);
    CHECK_EQ(tcp_rtt_rto(&r, 1000000), 120 * SEC);
    CHECK_EQ(r.srtt_us, 0);
}

/* 5.7: three seconds for data after a lost SYN, unless time stamps have measured the handshake. */
static void after_a_lost_syn(void)
{
    tcp_rtt_init(&r);
    tcp_rtt_syn_lost(&r);
    CHECK_EQ(tcp_rtt_rto(&r, 0), 3 * SEC);
    samples(1, 40 * MS, 0);
    CHECK_EQ(tcp_rtt_rto(&r, 0), 240 * MS);
    tcp_rtt_syn_lost(&r);
    CHECK_EQ(tcp_rtt_rto(&r, 0), 240 * MS);
}

/* 2.2: the first sample, with half of it as its deviation. */
static void first_sample(void)
{
    tcp_rtt_init(&r);
    samples(1, 200 * MS, 0);
    CHECK_EQ(r.srtt_us, 200 * MS);
    CHECK_EQ(r.rttvar_us, 100 * MS);
    CHECK_EQ(tcp_rtt_rto(&r, 0), 600 * MS);
    CHECK_EQ(tcp_rtt_rto(&r, 2), 2400 * MS);
    CHECK_EQ(r.min_us, 200 * MS);
}

/* 2.3: with a sample in each round trip, about what the formulas say, and no less. */
static void one_in_a_round_trip(void)
{
    double srtt = 100e3, var = 50e3, sum = 0;
    unsigned late = 0;

    tcp_rtt_init(&r);
    samples(1, 100 * MS, 0);
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t rtt = 50 * MS + random_below(200 * MS);
        double dev = rtt > srtt ? rtt - srtt : srtt - rtt;

        late += rtt > tcp_rtt_rto(&r, 0);
        samples(1, rtt, 300 * MS);
        var += (dev - var) / 4;
        srtt += (rtt - srtt) / 8;
        CHECK(r.srtt_us > srtt - 20 && r.srtt_us < srtt + 20);
        CHECK(r.rttvar_us > 0.5 * var && r.rttvar_us < 2 * var);
        sum += r.rttvar_us / var;
    }
    CHECK(sum > 800 && sum < 1200);
    CHECK_EQ(late, 0);
}

/* After one slow sample, as after a lost acknowledgement, the timeout is soon back. */
static void after_a_slow_one(void)
{
    tcp_rtt_init(&r);
    samples(1, 1000 * MS, 0);
    CHECK_EQ(tcp_rtt_rto(&r, 0), 3 * SEC);
    samples(60, 10 * MS, 2 * MS); /* a dozen round trips */
    CHECK(tcp_rtt_rto(&r, 0) < 240 * MS);
}

/* The timeout stays 200 ms beyond the mean on a path that never varies. */
static void floor_of_a_steady_path(void)
{
    tcp_rtt_init(&r);
    samples(1000, 50 * MS, 1 * MS);
    CHECK_EQ(r.srtt_us, 50 * MS);
    CHECK(r.rttvar_us < MS);
    CHECK_EQ(tcp_rtt_rto(&r, 0), 250 * MS);
    samples(10000, 0, 100); /* on this machine */
    CHECK_EQ(r.srtt_us, 1);
    CHECK_EQ(tcp_rtt_rto(&r, 0), 200 * MS + 1);
}

/* Many samples in a round trip do not let one slow one of each round trip be forgotten. */
static void many_in_a_round_trip(void)
{
    tcp_rtt_init(&r);
    samples(1, 100 * MS, 0);
    for (unsigned i = 0; i < 50; i++) {
        samples(1, 400 * MS, 1 * MS);
        samples(99, 100 * MS, 1 * MS);
    }
    CHECK(r.srtt_us < 102 * MS);
    CHECK(tcp_rtt_rto(&r, 0) > 400 * MS);
}

static void least(void)
{
    tcp_rtt_init(&r);
    samples(1, 20 * MS, 0);
    samples(100, 50 * MS, 10 * MS);
    CHECK_EQ(r.min_us, 20 * MS);
    samples(29, 50 * MS, SEC);
    CHECK_EQ(r.min_us, 20 * MS);
    samples(1, 10 * MS, 0);
    CHECK_EQ(r.min_us, 10 * MS);
    samples(29, 50 * MS, SEC); /* one of the present half minute stays for the next */
    CHECK_EQ(r.min_us, 10 * MS);
    samples(60, 50 * MS, SEC);
    CHECK_EQ(r.min_us, 50 * MS);
    samples(1, 10 * MS, 0);
    samples(1, 30 * MS, 100 * SEC); /* a pause */
    CHECK_EQ(r.min_us, 30 * MS);
}

/* Any samples at any times: what follows is in its bounds. */
static void random_samples(void)
{
    tcp_rtt_init(&r);
    for (unsigned i = 0; i < 300000; i++) {
        samples(1, random32() >> random_below(32), random32() >> random_below(32));
        CHECK(r.srtt_us && r.min_us);
        CHECK(r.srtt_us <= 60 * SEC && r.rttvar_us <= 60 * SEC);
        CHECK(tcp_rtt_rto(&r, 0) >= 200 * MS && tcp_rtt_rto(&r, random_below(40)) <= 120 * SEC);
        CHECK(tcp_rtt_rto(&r, 1) >= tcp_rtt_rto(&r, 0));
        CHECK(r.min_us <= r.least_us);
    }
}

static const struct test_case cases[] = {
    {"unmeasured", unmeasured},
    {"after_a_lost_syn", after_a_lost_syn},
    {"first_sample", first_sample},
    {"one_in_a_round_trip", one_in_a_round_trip},
    {"after_a_slow_one", after_a_slow_one},
    {"floor_of_a_steady_path", floor_of_a_steady_path},
    {"many_in_a_round_trip", many_in_a_round_trip},
    {"least", least},
    {"random_samples", random_samples},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
