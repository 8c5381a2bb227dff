/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/resource.h - limits, priorities and use of resources (POSIX.1-2017), with Linux' numbers. */
#ifndef _SYS_RESOURCE_H_
#define _SYS_RESOURCE_H_

#include <sys/time.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned long long rlim_t;

#define RLIM_INFINITY  (~0ULL)
#define RLIM_SAVED_MAX RLIM_INFINITY
#define RLIM_SAVED_CUR RLIM_INFINITY

#define RLIMIT_CPU     0
#define RLIMIT_FSIZE   1
#define RLIMIT_DATA    2
#define RLIMIT_STACK   3
#define RLIMIT_CORE    4
#define RLIMIT_RSS     5
#define RLIMIT_NPROC   6
#define RLIMIT_NOFILE  7
#define RLIMIT_MEMLOCK 8
#define RLIMIT_AS      9
#define RLIM_NLIMITS   10

struct rlimit {
    rlim_t rlim_cur, rlim_max;
};

/* Limits are told. None can be made larger, or smaller: EPERM, but for one that stays as it is. */
int getrlimit(int resource, struct rlimit *out);
int setrlimit(int resource, const struct rlimit *to);

#define RUSAGE_SELF     0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD   1

struct rusage {
    struct timeval ru_utime; /* since the boot: what tasks, services and handlers took of the CPU */
    struct timeval ru_stime; /* 0 */
    long ru_maxrss;          /* KiB: what is in use now */
    long ru_ixrss, ru_idrss, ru_isrss, ru_minflt, ru_majflt, ru_nswap, ru_inblock, ru_oublock;
    long ru_msgsnd, ru_msgrcv, ru_nsignals, ru_nvcsw, ru_nivcsw; /* 0 */
};

int getrusage(int who, struct rusage *out);

#define PRIO_PROCESS 0
#define PRIO_PGRP    1
#define PRIO_USER    2

/* Every task is as urgent as every other: the priority is kept, and without meaning. */
int getpriority(int which, id_t who);
int setpriority(int which, id_t who, int value);

#ifdef __cplusplus
}
#endif

#endif
