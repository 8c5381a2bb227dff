/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_wall.c - an image's clock of the day (platform/runtime/wall.c) against an RTC of whole
 * seconds: it runs with the monotonic clock, follows the RTC over pauses and when the RTC is set,
 * and does not jump for small differences.
 */
#include "board.h"
#include "check.h"
#include "host.h"
#include "runtime.h"

static uint64_t real_ns; /* the time that the RTC shows the seconds of */
static bool has_rtc = true;
static unsigned looks;

bool board_rtc_seconds(uint64_t *unix_seconds)
{
    looks++;
    *unix_seconds = real_ns / HAL_SEC;
    return has_rtc;
}

/* The machine runs for a while; or it stands still. */
static void run(uint64_t ns)
{
    host_advance(ns);
    real_ns += ns;
}

static void stand_still(uint64_t ns)
{
    real_ns += ns;
}

static void begin(uint64_t seconds, uint64_t ns)
{
    host_time_step(0);
    host_advance(3 * HAL_SEC);
    real_ns = seconds * HAL_SEC + ns;
}

/* How far the clock is behind the true time. */
static int64_t behind(void)
{
    return (int64_t)(real_ns - wall_clock_ns());
}

static void runs_with_the_machine(void)
{
    begin(1700000000, 400 * HAL_MS);
    CHECK_EQ(wall_clock_ns(), 1700000000 * HAL_SEC); /* the RTC has no fraction */
    run(100 * HAL_MS);
    CHECK_EQ(wall_clock_ns(), 1700000000 * HAL_SEC + 100 * HAL_MS);
    for (unsigned i = 0; i < 100; i++) { /* over the next second, which the RTC tells */
        run(10 * HAL_MS);
        CHECK(behind() >= 0);
    }
    CHECK(behind() < (int64_t)(11 * HAL_MS));
    uint64_t before = wall_clock_ns();
    for (unsigned i = 0; i < 1000; i++) { /* and no further steps */
        run(10 * HAL_MS);
        CHECK_EQ(wall_clock_ns(), before += 10 * HAL_MS);
    }
}

static void right_after_a_pause(void)
{
    static const uint64_t pauses[] = {HAL_SEC, 1500 * HAL_MS, 60 * HAL_SEC, 86400 * HAL_SEC};

    begin(1700000000, 0);
    wall_clock_ns();
    for (unsigned i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
        run(50 * HAL_MS);
        stand_still(pauses[i]);
        run(10 * HAL_MS);
        CHECK(behind() >= 0 && behind() < (int64_t)HAL_SEC);
        for (unsigned n = 0; n < 100; n++) {
            run(10 * HAL_MS);
            wall_clock_ns();
        }
        CHECK(behind() < (int64_t)(20 * HAL_MS));
    }
}

/* The RTC was set back, or runs slower: the clock follows, to the end of that second. */
static void ahead_of_the_rtc(void)
{
    begin(1700000000, 0);
    wall_clock_ns();
    run(900 * HAL_MS);
    real_ns -= 3600 * HAL_SEC;
    CHECK_EQ(wall_clock_ns(), 1700000000 * HAL_SEC - 3599 * HAL_SEC - 1);
    run(500 * HAL_MS);
    CHECK(behind() <= 0 && behind() > -(int64_t)HAL_SEC);
}

/* A drift of a few milliseconds sets no clock back. */
static void drift(void)
{
    begin(1700000000, 0);
    uint64_t last = wall_clock_ns();
    for (unsigned i = 0; i < 2000; i++) {
        run(10 * HAL_MS);
        real_ns -= 5 * HAL_US;
        uint64_t now = wall_clock_ns();
        CHECK_EQ(now, last + 10 * HAL_MS);
        last = now;
    }
}

static void few_looks(void)
{
    begin(1700000000, 0);
    for (unsigned i = 0; i < 1000; i++) {
        wall_clock_ns();
        run(100 * HAL_US);
    }
    CHECK_EQ(looks, 10);
}

static void no_rtc(void)
{
    begin(1700000000, 0);
    has_rtc = false;
    CHECK_EQ(wall_clock_ns(), hal_now_ns());
    run(HAL_SEC);
    CHECK_EQ(wall_clock_ns(), hal_now_ns());
}

static const struct test_case cases[] = {
    {"runs_with_the_machine", runs_with_the_machine},
    {"right_after_a_pause", right_after_a_pause},
    {"ahead_of_the_rtc", ahead_of_the_rtc},
    {"drift", drift},
    {"few_looks", few_looks},
    {"no_rtc", no_rtc},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
