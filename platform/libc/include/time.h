/* SPDX-License-Identifier: BSD-2-Clause */
/* time.h - newlib's header, and what Linux and the BSDs have beside it. */
#include_next <time.h>
#ifndef VIREO_TIME_H
#define VIREO_TIME_H

#ifdef __cplusplus
extern "C" {
#endif

#if __XSI_VISIBLE || __SVID_VISIBLE
extern long timezone; /* seconds west of UTC, after tzset() */
extern int daylight;  /* 1: the zone has summer time */
#endif
#if __POSIX_VISIBLE >= 200112
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *ts, struct timespec *rest);
int clock_getcpuclockid(pid_t pid, clockid_t *clock);
#endif
#if __MISC_VISIBLE
time_t timegm(struct tm *tm); /* mktime() of UTC */
time_t timelocal(struct tm *tm);
#endif

#ifdef __cplusplus
}
#endif

#endif
