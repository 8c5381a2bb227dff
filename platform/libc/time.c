/* SPDX-License-Identifier: BSD-2-Clause */
/* time.c - clocks and sleeping (POSIX.1-2017, <time.h>): time since boot, and the wall clock. */
#include <errno.h>
#include <sched.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "cancel.h"
#include "files.h"
#include "runtime.h"

int _gettimeofday(struct timeval *tv, void *zone);
clock_t _times(struct tms *t);

int clock_gettime(clockid_t clock, struct timespec *ts)
{
    uint64_t now;

    if (clock == CLOCK_REALTIME)
        now = wall_clock_ns();
    else if (clock == CLOCK_MONOTONIC)
        now = hal_now_ns();
    else
        return (int)posix_result(-EINVAL);
    ts->tv_sec = (time_t)(now / HAL_SEC);
    ts->tv_nsec = (long)(now % HAL_SEC);
    return 0;
}

int clock_getres(clockid_t clock, struct timespec *ts)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return (int)posix_result(-EINVAL);
    if (ts)
        *ts = (struct timespec){.tv_nsec = 1};
    return 0;
}

int _gettimeofday(struct timeval *tv, void *zone)
{
    uint64_t now = wall_clock_ns();

    if (zone) /* obsolete: always that of UTC */
        *(struct timezone *)zone = (struct timezone){0};
    tv->tv_sec = (time_t)(now / HAL_SEC);
    tv->tv_usec = (suseconds_t)(now % HAL_SEC / 1000);
    return 0;
}

/* The image is the only process: all time since boot counts as its own. */
clock_t _times(struct tms *t)
{
    clock_t now = (clock_t)(hal_now_ns() / (HAL_SEC / CLOCKS_PER_SEC));

    *t = (struct tms){.tms_utime = now};
    return now;
}

/* No signal interrupts a sleep, so `rest` is 0. */
int nanosleep(const struct timespec *ts, struct timespec *rest)
{
    uint64_t when = HAL_NEVER;

    if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= (long)HAL_SEC)
        return (int)posix_result(-EINVAL);
    if ((uint64_t)ts->tv_sec < HAL_NEVER / HAL_SEC / 2)
        when = hal_now_ns() + (uint64_t)ts->tv_sec * HAL_SEC + (uint64_t)ts->tv_nsec;
    cancel_sleep_until(when);
    if (rest)
        *rest = (struct timespec){0};
    return 0;
}

int usleep(useconds_t us)
{
    cancel_sleep_until(hal_now_ns() + (uint64_t)us * 1000);
    return 0;
}

unsigned sleep(unsigned seconds)
{
    cancel_sleep_until(hal_now_ns() + seconds * HAL_SEC);
    return 0;
}

int sched_yield(void)
{
    task_yield();
    return 0;
}
