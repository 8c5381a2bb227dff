/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_turn.c - a task that keeps the CPU is named in the log (platform/runtime/turn.h): at
 * the timer's interrupt if it never parks, with the length of its turn when it does, and not again
 * for ten seconds. And the pace of polling (pace.h).
 */
#include "turn.h"

#include "board.h"
#include "check.h"
#include "host.h"
#include "pace.h"

static const char *name = "busy";

const char *runtime_task_name(void)
{
    return name;
}

static void a_turn(uint64_t began, uint64_t len)
{
    turn_begin(began);
    turn_end(began + len);
}

static void short_turns_are_not_named(void)
{
    a_turn(HAL_SEC, HAL_SEC - 1);
    turn_begin(5 * HAL_SEC);
    CHECK(turn_check(6 * HAL_SEC - 1));
    turn_end(6 * HAL_SEC - 1);
    CHECK(!turn_check(60 * HAL_SEC)); /* the CPU slept */
    turn_end(70 * HAL_SEC);
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
}

static void the_length_is_told_at_the_end(void)
{
    a_turn(7, 1500 * HAL_MS);
    CHECK_EQ(host_log_matches("task busy kept the CPU for 1500 ms, without parking"), 1);
    CHECK_EQ(host_log_lines(HAL_WARN), 1);
}

/* A task that never parks is named by the interrupt, once; and its turn's length if it does. */
static void an_endless_turn(void)
{
    turn_begin(HAL_SEC);
    CHECK(turn_check(HAL_SEC + HAL_MS));
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
    for (unsigned i = 1; i < 60; i++)
        CHECK(turn_check(HAL_SEC + i * 1200 * HAL_MS));
    CHECK_EQ(host_log_matches("task busy keeps the CPU: for 1200 ms no other task"), 1);
    CHECK_EQ(host_log_lines(HAL_WARN), 1);
    turn_end(100 * HAL_SEC);
    CHECK_EQ(host_log_matches("task busy kept the CPU for 99000 ms"), 1);
    CHECK_EQ(host_log_lines(HAL_WARN), 2);
}

/* Polling that finds nothing reads the counter once in 16 rounds. */
static void polling_looks_at_the_clock_now_and_then(void)
{
    struct pace p = {0};
    unsigned looks = 0;

    CHECK(!pace_round(&p, false) && !p.rounds);
    for (unsigned i = 0; i < 160; i++)
        looks += !pace_round(&p, true);
    CHECK(looks >= 10 && looks <= 21);
    CHECK(!pace_round(&p, false) && !p.rounds); /* it found something */
    CHECK(!pace_round(&p, true));               /* so the next time begins here */
}

/* It gives the CPU away for a while at a time after a millisecond. */
static void polling_sleeps_at_last(void)
{
    struct pace p = {0};
    uint64_t now = 5 * HAL_SEC;

    CHECK(!pace_round(&p, true) && !pace_sleep(&p, now));
    while (pace_round(&p, true))
        ;
    CHECK(!pace_sleep(&p, now + HAL_MS - 1));
    while (pace_round(&p, true))
        ;
    CHECK_EQ(pace_sleep(&p, now + HAL_MS), now + HAL_MS + 50 * HAL_US);
    pace_round(&p, false);
    CHECK(!pace_round(&p, true) && !pace_sleep(&p, now + 2 * HAL_MS));
}

static void ten_seconds_of_quiet(void)
{
    uint64_t now = HAL_SEC;

    for (unsigned i = 0; i < 20; i++, now += 2 * HAL_SEC) {
        turn_begin(now);
        turn_check(now + 1100 * HAL_MS);
        turn_end(now + 1200 * HAL_MS);
    }
    CHECK_EQ(host_log_matches("kept the CPU for 1200 ms"), 4);
}

static const struct test_case cases[] = {
    {"short_turns_are_not_named", short_turns_are_not_named},
    {"the_length_is_told_at_the_end", the_length_is_told_at_the_end},
    {"an_endless_turn", an_endless_turn},
    {"polling_looks_at_the_clock_now_and_then", polling_looks_at_the_clock_now_and_then},
    {"polling_sleeps_at_last", polling_sleeps_at_last},
    {"ten_seconds_of_quiet", ten_seconds_of_quiet},
};

int main(int argc, char **argv)
{
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
