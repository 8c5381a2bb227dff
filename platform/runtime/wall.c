/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wall.c - the clock of the day: the monotonic clock plus an offset that the machine's clock (RTC)
 * keeps right. The monotonic clock stands still while the machine does (a pause, a snapshot, a
 * migration), the RTC does not. The RTC counts whole seconds, so each look at it says in which
 * second the time lies: the offset is moved by as little as puts the time into that second.
 */
#include "board.h"
#include "hal.h"
#include "runtime.h"

#define LOOK_NS  (10 * HAL_MS) /* of the monotonic clock, between two looks at the RTC */
#define SLACK_NS (20 * HAL_MS) /* so far ahead of the RTC the clock is not set back */

static uint64_t wall_offset; /* wall clock minus monotonic clock, in nanoseconds */

static void wall_look(uint64_t now)
{
    uint64_t seconds;

    if (!board_rtc_seconds(&seconds))
        return;
    uint64_t least = seconds * HAL_SEC, wall = wall_offset + now;
    if (wall < least)
        wall_offset = least - now;
    else if (wall - least >= HAL_SEC + SLACK_NS)
        wall_offset = least + HAL_SEC - 1 - now;
}

uint64_t wall_clock_ns(void)
{
    static uint64_t look_ns; /* when to look at the RTC again */
    uint64_t now = hal_now_ns();

    if (now >= look_ns) {
        look_ns = now + LOOK_NS;
        wall_look(now);
    }
    return wall_offset + now;
}
