/* SPDX-License-Identifier: BSD-2-Clause */
/* clocks.c - clocks beside those of libc/time.c: sleeping by a clock, and that of the process. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "vireo/task.h"

/* As an error's number: POSIX has it so. No signal interrupts a sleep. */
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *ts, struct timespec *rest)
{
    struct timespec now, left = *ts;

    if (ts->tv_nsec < 0 || ts->tv_nsec >= (long)HAL_SEC || clock_gettime(clock, &now))
        return EINVAL;
    if (!(flags & TIMER_ABSTIME))
        return nanosleep(ts, rest) ? errno : 0;
    /* The clock of the day may be set meanwhile: look again. */
    while (!clock_gettime(clock, &now) &&
           (now.tv_sec < ts->tv_sec || (now.tv_sec == ts->tv_sec && now.tv_nsec < ts->tv_nsec))) {
        left.tv_sec = ts->tv_sec - now.tv_sec;
        left.tv_nsec = ts->tv_nsec - now.tv_nsec;
        if (left.tv_nsec < 0) {
            left.tv_sec--;
            left.tv_nsec += (long)HAL_SEC;
        }
        nanosleep(&left, NULL);
    }
    return 0;
}

/* The image is the only process, and all time counts as its own. */
int clock_getcpuclockid(pid_t pid, clockid_t *clock)
{
    if (pid && pid != getpid())
        return ESRCH;
    *clock = CLOCK_MONOTONIC;
    return 0;
}

/* The clock of the day is the machine's. */
int clock_settime(clockid_t clock, const struct timespec *ts)
{
    bool is_time = ts->tv_nsec >= 0 && ts->tv_nsec < (long)HAL_SEC;

    errno = clock == CLOCK_REALTIME && is_time ? EPERM : EINVAL;
    return -1;
}
