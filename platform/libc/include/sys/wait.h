/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/wait.h - newlib's header, and the rest of POSIX.1-2017 and of Linux. There are no children:
 * each call fails with ECHILD. */
#include_next <sys/wait.h>
#ifndef VIREO_SYS_WAIT_H
#define VIREO_SYS_WAIT_H

#ifdef __cplusplus
extern "C" {
#endif

struct rusage;

#ifndef WCONTINUED
#define WCONTINUED 8
#endif
#ifndef WCOREDUMP
#define WCOREDUMP(w) ((w)&0x80)
#endif
#ifndef WIFCONTINUED
#define WIFCONTINUED(w) ((w) == 0xffff)
#endif

pid_t wait3(int *status, int options, struct rusage *use);
pid_t wait4(pid_t pid, int *status, int options, struct rusage *use);

#ifdef __cplusplus
}
#endif

#endif
