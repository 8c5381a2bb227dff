/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/timerfd.h - a timer as a file, as Linux has it: timerfd_create(2). */
#ifndef _SYS_TIMERFD_H
#define _SYS_TIMERFD_H

#include <fcntl.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TFD_NONBLOCK            O_NONBLOCK
#define TFD_CLOEXEC             O_CLOEXEC
#define TFD_TIMER_ABSTIME       1
#define TFD_TIMER_CANCEL_ON_SET 2 /* without meaning here: a time that is set stays as it is */

/* clock: CLOCK_REALTIME, CLOCK_MONOTONIC. read() gives how often the time came, in 8 bytes. */
int timerfd_create(clockid_t clock, int flags);
int timerfd_settime(int fd, int flags, const struct itimerspec *to, struct itimerspec *old);
int timerfd_gettime(int fd, struct itimerspec *out);

#ifdef __cplusplus
}
#endif

#endif
