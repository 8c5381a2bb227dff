/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_mtu_probe.c - paths that lose long packets without a word, and the search for longer
 * ones (net/lwip/tcp_mtu_probe.c). Variants of a case: 4 and 6, for IPv4 and IPv6.
 */
#include "check.h"
#include "host.h"
#include "lwip/priv/tcp_priv.h"
#include "narrow.h"
#include "net_impl.h"

#define SAID "are lost and no router says so"

/* Long packets get lost without a word, for any length that passes. */
static void black_hole(unsigned mtu)
{
    unsigned low;

    narrow_boot();
    narrow_begin_endless();
    CHECK(path_run(20 * HAL_SEC, narrow_half));
    path.link[PATH_A].mtu = mtu;
    path.link[PATH_A].black_hole = true;
    narrow.worst_gap = 0;
    narrow_run(4 * HAL_SEC);
    low = a.pcb->mss + narrow_headers();
    CHECK(low <= mtu && low + 16 >= mtu);
    CHECK(narrow.worst_gap < 3 * HAL_SEC); /* three timeouts at most */
    CHECK_EQ(host_log_matches(SAID), 1);
    narrow_forget();
    narrow_run(HAL_SEC);
    CHECK_EQ(narrow.longest, low);
    narrow_end();
    /* The next connection knows. */
    path.link[PATH_A].rate = 0;
    path.count[PATH_A].too_long = 0;
    narrow_begin(MB, 81);
    narrow_all_arrives(MB);
    CHECK_EQ(path.count[PATH_A].too_long, 0);
    CHECK_EQ(host_log_matches(SAID), 1);
}

static void black_holes(void)
{
    black_hole(case_variant == 6 ? 1400 : case_variant);
}

/* The hole is there before the connection. */
static void a_connection_into_a_black_hole(void)
{
    narrow_boot();
    path.link[PATH_A].mtu = 1400;
    path.link[PATH_A].black_hole = true;
    narrow_begin(2 * MB, 80);
    narrow_all_arrives(2 * MB);
    CHECK_EQ(host_log_matches(SAID), 1);
    CHECK(narrow.worst_gap < 2 * HAL_SEC);
}

/* Nothing arrives for a while, or much is lost: segments of any length are. */
static void an_outage_is_no_black_hole(void)
{
    narrow_boot();
    narrow_begin_endless();
    CHECK(path_run(20 * HAL_SEC, narrow_half));
    path.link[PATH_A].down = true;
    narrow_run(3 * HAL_SEC);
    CHECK(a.pcb->mss < FULL - narrow_headers()); /* in case */
    path.link[PATH_A].down = false;
    narrow_run(10 * HAL_SEC);
    CHECK_EQ(a.pcb->mss, FULL - narrow_headers());
    path.link[PATH_A].loss = PATH_MILLION / 5;
    narrow_run(60 * HAL_SEC);
    path.link[PATH_A].loss = 0;
    narrow_run(20 * HAL_SEC);
    CHECK_EQ(a.pcb->mss, FULL - narrow_headers());
    CHECK_EQ(host_log_matches(SAID), 0);
    narrow_end();
}

static bool one_timeout(void)
{
    narrow_step();
    return a.pcb->net.rec.backoff;
}

/* One timeout each, of another segment. */
static void short_outages(void)
{
    narrow_boot();
    narrow_begin_endless();
    CHECK(path_run(20 * HAL_SEC, narrow_half));
    for (unsigned i = 0; i < 3; i++) {
        path.link[PATH_A].down = true;
        CHECK(path_run(10 * HAL_SEC, one_timeout));
        CHECK_EQ(a.pcb->mss, FULL - narrow_headers());
        path.link[PATH_A].down = false;
        narrow_run(3 * HAL_SEC);
    }
    narrow_end();
}

/* What a router said is forgotten, and the router is silent by now. */
static void ten_minutes_later(uint64_t delay_us)
{
    narrow_boot();
    path_both(delay_us, 0);
    narrow_begin_endless();
    path.link[PATH_A].mtu = 1300;
    narrow_run(400 * delay_us * HAL_US);
    path.link[PATH_A].black_hole = true;
    b.holds = true;
    narrow_run(610 * HAL_SEC);
    path.count[PATH_A].too_long = 0;
    narrow_forget();
    flow_read(&b);
}

static bool one_was_too_long(void)
{
    narrow_step();
    return path.count[PATH_A].too_long;
}

static void a_probe_that_is_lost_by_chance(void)
{
    ten_minutes_later(5000);
    CHECK(path_run(HAL_SEC, one_was_too_long));
    path.link[PATH_A].mtu = 0;
    narrow_run(3 * HAL_SEC);
    CHECK_EQ(a.pcb->mss, FULL - narrow_headers());
    CHECK_EQ(host_log_matches(SAID), 0);
    narrow_end();
}

/* After ten minutes one segment is longer. If it is lost, nothing else changes. */
static void one_segment_tries(void)
{
    ten_minutes_later(5000);
    narrow_run(3 * HAL_SEC);
    CHECK(path.count[PATH_A].too_long > 0 && path.count[PATH_A].too_long <= 15);
    CHECK(!narrow.recovered);
    CHECK(narrow.worst_gap < 100 * HAL_MS);
    CHECK(a.pcb->mss + narrow_headers() <= 1300 && a.pcb->mss + narrow_headers() >= 1284);
    narrow_end();
}

/* At its pace a window sends less than two segments a turn: a longer one has its turn too. */
static void one_segment_tries_a_long_path(void)
{
    ten_minutes_later(200000);
    narrow_run(20 * HAL_SEC);
    CHECK(a.pcb->net.rec.paced);
    CHECK(path.count[PATH_A].too_long > 5 && path.count[PATH_A].too_long <= 15);
    CHECK(narrow.worst_gap < HAL_SEC);
    narrow_end();
}

static void no_search(void)
{
    narrow_bootarg = " vireo.tcp_mtu_probe=0";
    narrow_boot();
    narrow_begin_endless();
    CHECK(path_run(20 * HAL_SEC, narrow_half));
    path.link[PATH_A].mtu = 1400;
    path.link[PATH_A].black_hole = true;
    narrow_run(20 * HAL_SEC);
    CHECK_EQ(a.pcb->mss, FULL - narrow_headers());
    path.link[PATH_A].mtu = 0;
    narrow_run(20 * HAL_SEC);
    narrow_end();
}

#define FAMILIES(f)                                                                                \
    {                                                                                              \
#f, f, NULL, 0, families                                                                   \
    }

int main(int argc, char **argv)
{
    static const struct test_variant families[] = {{"ipv4", 4}, {"ipv6", 6}, {NULL, 0}};
    static const struct test_variant holes[] = {
        {"1492", 1492}, {"1400", 1400}, {"1100", 1100}, {"1000", 1000},
        {"576", 576},   {"ipv6", 6},    {NULL, 0},
    };
    static const struct test_case cases[] = {
        {"black_holes", black_holes, NULL, 0, holes},
        FAMILIES(a_connection_into_a_black_hole),
        FAMILIES(an_outage_is_no_black_hole),
        FAMILIES(short_outages),
        FAMILIES(one_segment_tries),
        FAMILIES(one_segment_tries_a_long_path),
        FAMILIES(a_probe_that_is_lost_by_chance),
        FAMILIES(no_search),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
