/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_path.c - TCP between two interfaces of the image, over a path in virtual time
 * (tests/host/net/path.h). `test_tcp_path rates` measures throughput: see rates.h.
 */
#include <string.h>

#include "check.h"
#include "flow.h"
#include "hal.h"
#include "host.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "rates.h"
#include "tasks.h"

static struct flow_end a, b;

static bool over(void)
{
    flow_step(&a);
    flow_step(&b);
    return flow_over(&a);
}

/* Side A connects, sends so much and gets so much back; connections end as flow_end.ends is. */
static void begin(uint64_t there, uint64_t back)
{
    a = (struct flow_end){.to_send = there, .key = 1};
    b = (struct flow_end){.to_send = back, .key = 2};
    flow_listen(&b, PATH_B, 80);
    flow_connect(&a, PATH_A, 0, 80, &b);
}

static void finish(unsigned seconds)
{
    CHECK(path_run(seconds * HAL_SEC, over));
    CHECK_EQ(a.received, b.to_send);
    CHECK_EQ(b.received, a.to_send);
    CHECK_EQ(a.wrong + b.wrong, 0);
    CHECK_EQ(a.err, 0);
    CHECK_EQ(b.err, 0);
}

/* A path of 10 ms there and back, and 100 Mbit/s. */
static void boot(uint32_t loss)
{
    path_boot(1);
    path_both(5000, loss);
    for (enum path_side s = PATH_A; s <= PATH_B; s++) {
        path.link[s].rate = 12500000;
        path.link[s].queue_ns = 50 * HAL_MS;
    }
}

/* The answer reaches the peer whose FIN came with its last data. */
static void closed_at_the_last_data(void)
{
    boot(0);
    begin(1000, 5000);
    b.ends = FLOW_CLOSES;
    finish(5);
}

static bool nothing_open(void)
{
    return !tcp_active_pcbs;
}

/* The peer's FIN came with its first acknowledgement. */
static void ended_when_accepted(void)
{
    boot(0);
    begin(0, 0);
    finish(5);
    CHECK(path_run(5 * HAL_SEC, nothing_open));
}

/* ---- what is lost ---------------------------------------------------------------------------- */

static void nothing_is_lost_of_ipv4(void)
{
    boot(0);
    begin(3000000, 200000);
    finish(20);
    CHECK_EQ(path.count[PATH_A].lost, 0);
}

static void nothing_is_lost_of_ipv6(void)
{
    boot(0);
    a = (struct flow_end){.to_send = 300000, .key = 1, .ip6 = true};
    b = (struct flow_end){.to_send = 200000, .key = 2, .ip6 = true};
    flow_listen(&b, PATH_B, 80);
    flow_connect(&a, PATH_A, 0, 80, &b);
    finish(20);
}

static void one_in_a_hundred_is_lost(void)
{
    boot(10000);
    begin(3000000, 0);
    finish(60);
    CHECK(path.count[PATH_A].lost > 10);
}

static void one_in_twenty_is_lost(void)
{
    boot(50000);
    begin(1000000, 0);
    finish(120);
}

/* Timestamps tell which of the SYNs was answered: the second, after 10 ms. */
static void measured_although_sent_again(void)
{
    boot(0);
    path.link[PATH_A].down = true;
    begin(FLOW_ENDLESS, 0);
    path_run_for(500 * HAL_MS);
    path.link[PATH_A].down = false;
    path_run_for(512 * HAL_MS);
    CHECK(a.connected);
    CHECK(a.pcb->net.rtt.srtt_us >= 10000 && a.pcb->net.rtt.srtt_us < 13000);
    flow_abort_all();
}

/* The answer to the first SYN was lost: this says nothing about the path, but the data does. */
static void an_answer_that_is_lost(void)
{
    boot(0);
    path.link[PATH_B].down = true;
    begin(FLOW_ENDLESS, 0);
    path_run_for(500 * HAL_MS);
    path.link[PATH_B].down = false;
    path_run_for(550 * HAL_MS);
    CHECK(a.connected);
    CHECK(a.pcb->net.rtt.srtt_us >= 10000 && a.pcb->net.rtt.srtt_us < 20000);
    flow_abort_all();
}

static void both_ends_send_and_lose(void)
{
    boot(10000);
    begin(1000000, 1000000);
    finish(60);
}

static void a_queue_overflows(void)
{
    boot(0);
    path.link[PATH_A].rate = 1250000;
    path.link[PATH_A].queue_ns = 10 * HAL_MS;
    begin(4000000, 0);
    finish(60);
    CHECK(path.count[PATH_A].overflowed > 0);
}

/* ---- what is late, and twice ----------------------------------------------------------------- */

static void one_in_twenty_is_late(void)
{
    boot(0);
    path.link[PATH_A].reorder = 50000;
    path.link[PATH_A].reorder_ns = 3 * HAL_MS;
    begin(3000000, 0);
    finish(60);
}

static void some_come_twice_or_shortened(void)
{
    boot(0);
    path.link[PATH_A].duplicate = 50000;
    path.link[PATH_A].cut = 10000;
    begin(1000000, 0);
    finish(60);
}

static void the_path_becomes_longer(void)
{
    boot(0);
    begin(3000000, 0);
    path_run(200 * HAL_MS, over);
    path_set_delay(PATH_A, 40 * HAL_MS);
    finish(60);
}

/* ---- what stands still ----------------------------------------------------------------------- */

static void the_path_breaks_at_first(void)
{
    boot(0);
    path.link[PATH_A].down = true;
    begin(200000, 0);
    path_run(8 * HAL_SEC, over);
    path.link[PATH_A].down = false;
    finish(20);
}

static uint64_t had;

static bool more_came(void)
{
    return b.received > had;
}

/* The first timeout that finds it whole is the last: the window grows back, and so does the pace.
 */
static void the_path_breaks_in_the_middle(void)
{
    boot(0);
    begin(6000000, 0);
    path_run(300 * HAL_MS, over);
    path.link[PATH_A].down = true;
    path_run(20 * HAL_SEC, over);
    path.link[PATH_A].down = false;
    had = b.received;
    CHECK(path_run(20 * HAL_SEC, more_came)); /* the next timeout */
    CHECK(path_run(500 * HAL_MS, over));
    finish(1);
}

/* What is sent again has no round-trip time, so the pace is that of the full queue before. */
static void it_breaks_without_timestamps(void)
{
    host_set_bootargs("vireo.tcp_timestamps=0");
    the_path_breaks_in_the_middle();
}

static void the_reader_stands_still(void)
{
    boot(0);
    begin(3000000, 0);
    b.holds = true;
    path_run(12 * HAL_SEC, over);
    CHECK(b.received < 3000000);
    flow_read(&b);
    finish(60);
}

static void a_little_at_a_time(void)
{
    boot(0);
    begin(0, 0);
    a.ends = b.ends = FLOW_WAITS;
    for (unsigned i = 0; i < 40; i++) {
        path_run((10 + path_random(100)) * HAL_MS, over);
        flow_more(path_random(3) ? &a : &b, 1 + path_random(1000));
    }
    a.ends = FLOW_SHUTS;
    flow_more(&a, 1);
    finish(20);
}

static void much_after_a_rest(void)
{
    boot(0);
    begin(0, 0);
    a.ends = FLOW_WAITS;
    b.ends = FLOW_WAITS;
    path_run(HAL_SEC, over);
    for (unsigned i = 0; i < 2; i++) {
        flow_more(&a, 1000000);
        path_run(10 * HAL_SEC, over);
    }
    a.ends = FLOW_SHUTS;
    flow_more(&a, 1000);
    finish(20);
}

#define CASE(f)                                                                                    \
    {                                                                                              \
        .name = #f, .fn = f                                                                        \
    }

/* Each is a capture, too, which tests/test_tcp_path.py has judged. */
static const struct test_case cases[] = {
    CASE(closed_at_the_last_data),
    CASE(ended_when_accepted),
    CASE(nothing_is_lost_of_ipv4),
    CASE(nothing_is_lost_of_ipv6),
    CASE(one_in_a_hundred_is_lost),
    CASE(one_in_twenty_is_lost),
    CASE(measured_although_sent_again),
    CASE(an_answer_that_is_lost),
    CASE(both_ends_send_and_lose),
    CASE(a_queue_overflows),
    CASE(one_in_twenty_is_late),
    CASE(some_come_twice_or_shortened),
    CASE(the_path_becomes_longer),
    CASE(the_path_breaks_at_first),
    CASE(the_path_breaks_in_the_middle),
    {.name = "it_breaks_without_timestamps", .fn = it_breaks_without_timestamps}, /* no capture */
    CASE(the_reader_stands_still),
    CASE(a_little_at_a_time),
    CASE(much_after_a_rest),
};

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "rates"))
        return rates_main(argc, argv);
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
