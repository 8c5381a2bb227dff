/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/features.h - newlib's header, and the POSIX options that Vireo's libc has. */
#include_next <sys/features.h>
#ifndef _POSIX_TIMERS
#define _POSIX_TIMERS 200809L
#endif
#ifndef _POSIX_MONOTONIC_CLOCK
#define _POSIX_MONOTONIC_CLOCK 200809L
#endif
#ifndef _POSIX_PRIORITY_SCHEDULING
#define _POSIX_PRIORITY_SCHEDULING 200809L /* sched_yield */
#endif
