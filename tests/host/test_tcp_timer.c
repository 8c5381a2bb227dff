/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_timer.c - TCP's timers (net/lwip/tcp_timer.c), without lwIP: each fires once, at its
 * time, whatever was set, moved and stopped around it.
 */
#include <string.h>

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

static struct hal_service service; /* of the net, in an image */
static uint64_t now;               /* that of the run */

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

    for (; service.next_ns <= until; woke++) {
        if (service.next_ns > hal_now_ns())
            host_advance(service.next_ns - hal_now_ns());
        now = hal_now_ns();
        tcp_timers_run(now);
        service.next_ns = tcp_timers_next();
        CHECK(service.next_ns > now);
    }
    host_advance(until - hal_now_ns());
    return woke;
}

static void begin(void)
{
    host_time_step(0);
    service.next_ns = HAL_NEVER;
    tcp_timers_init(&service);
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

/* A near timer is one, however long ago the service last ran, and whatever else is set. */
static void after_a_pause(void)
{
    struct alarm far = {.fired = 0};

    begin();
    host_advance(1000 * HAL_SEC);
    one(HAL_MS, 1);
    set(&far, hal_now_ns() + 24 * 3600 * HAL_SEC);
    for (unsigned i = 0; i < 100; i++) {
        struct alarm near = {.fired = 0};

        host_advance(100 * HAL_MS + i);
        set(&near, hal_now_ns() + HAL_MS);
        CHECK(sleep_until(hal_now_ns() + HAL_MS + LATE_NS) <= 2);
        CHECK_EQ(near.fired, 1);
    }
    CHECK_EQ(far.fired, 0);
    stop(&far);
}

/* Stopping it takes its waking with it. */
static void stopped(void)
{
    struct alarm a = {.fired = 0}, b = {.fired = 0};

    begin();
    set(&a, hal_now_ns() + HAL_MS);
    set(&b, hal_now_ns() + HAL_SEC);
    stop(&a);
    CHECK(tcp_timers_next() > hal_now_ns() + HAL_SEC / 2);
    stop(&b);
    CHECK(tcp_timers_next() == HAL_NEVER);
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

/* What a connection does: each acknowledgement moves the timer on, and it fires at the last. */
static void moved_on(void)
{
    struct alarm a = {.fired = 0};

    begin();
    for (unsigned i = 0; i < 10000; i++) {
        set(&a, hal_now_ns() + 200 * HAL_MS);
        sleep_until(hal_now_ns() + HAL_MS / 2);
    }
    CHECK_EQ(a.fired, 0);
    CHECK(sleep_until(hal_now_ns() + HAL_SEC) < 5);
    CHECK_EQ(a.fired, 1);
}

static void moved_back(void)
{
    struct alarm a = {.fired = 0};

    begin();
    set(&a, hal_now_ns() + 100 * HAL_SEC);
    sleep_until(hal_now_ns() + HAL_SEC);
    set(&a, hal_now_ns() + 10 * HAL_MS);
    sleep_until(hal_now_ns() + 11 * HAL_MS);
    CHECK_EQ(a.fired, 1);
    CHECK(tcp_timers_next() == HAL_NEVER);
}

/* ---- fire() that sets, stops and frees ------------------------------------------------------- */

static struct alarm one_of[3];

static void fire_again(struct tcp_timer *t)
{
    struct alarm *a = (struct alarm *)t;

    a->fired++;
    if (a == &one_of[0]) {
        CHECK_EQ(one_of[2].fired, 0); /* the earliest is first */
        tcp_timer_stop(&one_of[1].timer);
        memset(&one_of[1], 0, sizeof(one_of[1])); /* as if freed */
        tcp_timer_set(&one_of[2].timer, now + HAL_SEC);
        tcp_timer_set(t, 0); /* at once, but not in this run */
    }
}

static void fire_changes_others(void)
{
    begin();
    for (unsigned i = 0; i < 3; i++) {
        one_of[i].timer.fire = fire_again;
        tcp_timer_set(&one_of[i].timer, (1 + i) * HAL_MS);
    }
    host_advance(10 * HAL_MS);
    now = hal_now_ns();
    tcp_timers_run(now);
    CHECK_EQ(one_of[0].fired, 1);
    CHECK_EQ(one_of[2].fired, 0);
    CHECK(tcp_timers_next() > now && tcp_timers_next() <= now + LATE_NS);
    tcp_timer_stop(&one_of[0].timer);
    sleep_until(now + HAL_SEC + LATE_NS);
    CHECK_EQ(one_of[0].fired, 1);
    CHECK_EQ(one_of[1].fired, 0);
    CHECK_EQ(one_of[2].fired, 1);
}

/* ---- any order ------------------------------------------------------------------------------- */

#define ALARMS 300

static uint64_t random_after(void)
{
    static const uint64_t scale[] = {HAL_MS, 30 * HAL_MS, HAL_SEC, 60 * HAL_SEC, 4000 * HAL_SEC};

    return ((uint64_t)random32() << 12) % scale[random_below(5)] +
           random_below(2) * random_below(1000);
}

/* The latest time at which the service has to look, for the first of the alarms. */
static uint64_t soonest(const struct alarm *a, unsigned n)
{
    uint64_t due = HAL_NEVER;

    for (; n--; a++)
        if (tcp_timer_pending(&a->timer) && a->due < due)
            due = a->due;
    return due == HAL_NEVER ? due : due + LATE_NS;
}

/* Hundreds of timers, set, moved, stopped and slept for in any order: fire() checks the times. */
static void any_order(void)
{
    static struct alarm alarm[ALARMS];
    unsigned fired = 0, set_count = 0, woke = 0;

    begin();
    for (unsigned i = 0; i < 100000; i++) {
        struct alarm *a = &alarm[random_below(ALARMS)];

        switch (random_below(8)) {
        case 0:
            stop(a);
            break;
        case 1:
            woke += sleep_until(hal_now_ns() + random_after() / 16);
            break;
        default:
            set(a, hal_now_ns() + random_after());
            set_count++;
        }
        if (i % 16 == 0)
            CHECK(service.next_ns <= soonest(alarm, ALARMS));
        if (i % 32 == 0) /* as where lwIP's own timers have changed */
            service.next_ns = tcp_timers_next();
    }
    sleep_until(hal_now_ns() + 5000 * HAL_SEC);
    for (unsigned i = 0; i < ALARMS; i++) {
        CHECK(alarm[i].due == HAL_NEVER || !alarm[i].due);
        CHECK(!tcp_timer_pending(&alarm[i].timer));
        fired += alarm[i].fired;
    }
    CHECK(fired > set_count / 10);
    CHECK(woke < 2 * set_count);
    CHECK(tcp_timers_next() == HAL_NEVER);
}

static const struct test_case cases[] = {
    {"each_at_its_time", each_at_its_time},
    {"after_a_pause", after_a_pause},
    {"stopped", stopped},
    {"never", never},
    {"moved_on", moved_on},
    {"moved_back", moved_back},
    {"fire_changes_others", fire_changes_others},
    {"any_order", any_order},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
