/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_timer.c - TCP's timers (net/lwip/tcp_timer.c), without lwIP: each fires once, at its
 * time, whatever was set, moved and stopped around it.
 */
#include "check.h"
#include "host.h"
#include "tcp_timer.h"
#include "vireo/task.h"

#define LATE_NS (600 * 1000ull) /* by which a timer may fire late: two ticks */

struct alarm {
    struct tcp_timer timer;
    uint64_t due; /* HAL_NEVER: it is not to fire */
    unsigned fired;
};

static uint64_t next; /* the service's, in an image */
static uint64_t now;  /* that of the run */

static void fire(struct tcp_timer *t)
{
    struct alarm *a = (struct alarm *)t;

    CHECK(!tcp_timer_pending(t));
    CHECK(a->due != HAL_NEVER);
    CHECK(now >= a->due);
    CHECK(now - a->due <= LATE_NS);
    a->due = HAL_NEVER;
    a->fired++;
}

static void set(struct alarm *a, uint64_t due)
{
    a->timer.fire = fire;
    a->due = due;
    tcp_timer_set(&a->timer, due);
}

static void stop(struct alarm *a)
{
    tcp_timer_stop(&a->timer);
    a->due = HAL_NEVER;
    CHECK(!tcp_timer_pending(&a->timer));
}

/* Sleeps as the net service does, until `until`. Returns how often it woke. */
static unsigned sleep_until(uint64_t until)
{
    unsigned woke = 0;

    for (; next <= until; woke++) {
        if (next > hal_now_ns())
            host_advance(next - hal_now_ns());
        now = hal_now_ns();
        tcp_timers_run(now);
        next = tcp_timers_next();
        CHECK(next > now);
    }
    host_advance(until - hal_now_ns());
    return woke;
}

static void begin(void)
{
    host_time_step(0);
    next = HAL_NEVER;
    tcp_timers_init(&next);
}

static void one(uint64_t after, unsigned most)
{
    struct alarm a = {.fired = 0};
    uint64_t start = hal_now_ns();

    set(&a, start + after);
    CHECK(tcp_timer_pending(&a.timer));
    CHECK(sleep_until(start + after + LATE_NS) <= most);
    CHECK_EQ(a.fired, 1);
    CHECK(tcp_timers_next() == HAL_NEVER);
}

/* The image wakes once for a near timer, and once more for each level of a far one. */
static void each_at_its_time(void)
{
    begin();
    one(0, 1);
    one(1, 1);
    one(HAL_MS, 1);
    one(10 * HAL_MS, 2);
    one(200 * HAL_MS, 3);
    one(HAL_SEC, 3);
    one(100 * HAL_SEC, 4);
    one(3600 * HAL_SEC, 5);
    one(30ull * 24 * 3600 * HAL_SEC, 7);
}

static void never(void)
{
    struct alarm a = {.fired = 0};

    begin();
    stop(&a);
    set(&a, HAL_NEVER);
    CHECK(!tcp_timer_pending(&a.timer));
    set(&a, HAL_SEC);
    set(&a, HAL_NEVER);
    CHECK(!tcp_timer_pending(&a.timer));
    CHECK(tcp_timers_next() == HAL_NEVER);
    set(&a, HAL_NEVER - 1); /* farther than the wheel reaches */
    CHECK(tcp_timer_pending(&a.timer));
    sleep_until(1000 * HAL_SEC);
    CHECK_EQ(a.fired, 0);
    stop(&a);
    CHECK(tcp_timers_next() == HAL_NEVER);
}

static const struct test_case cases[] = {
    {"each_at_its_time", each_at_its_time},
    {"never", never},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
