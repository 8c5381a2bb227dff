/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched.c - scheduling (POSIX.1-2017, <sched.h>): every task has the policy SCHED_OTHER, whose only
 * priority is 0, and runs on CPU 0.
 */
#include <errno.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

int sched_getcpu(void);

static int sched_fail(int error)
{
    errno = error;
    return -1;
}

static int sched_is_ours(pid_t pid)
{
    if (pid < 0)
        return sched_fail(EINVAL);
    return pid == 0 || pid == getpid() ? 0 : sched_fail(ESRCH);
}

int sched_get_priority_max(int policy)
{
    return policy == SCHED_OTHER ? 0 : sched_fail(EINVAL);
}

int sched_get_priority_min(int policy)
{
    return sched_get_priority_max(policy);
}

int sched_getscheduler(pid_t pid)
{
    return sched_is_ours(pid) ? -1 : SCHED_OTHER;
}

int sched_getparam(pid_t pid, struct sched_param *out)
{
    if (sched_is_ours(pid))
        return -1;
    *out = (struct sched_param){0};
    return 0;
}

int sched_setparam(pid_t pid, const struct sched_param *to)
{
    if (sched_is_ours(pid))
        return -1;
    return to->sched_priority == 0 ? 0 : sched_fail(EINVAL);
}

/* The policy before. There are no others: EPERM for those of POSIX. */
int sched_setscheduler(pid_t pid, int policy, const struct sched_param *to)
{
    if (sched_setparam(pid, to))
        return -1;
    if (policy == SCHED_OTHER)
        return SCHED_OTHER;
    return sched_fail(policy == SCHED_FIFO || policy == SCHED_RR ? EPERM : EINVAL);
}

int sched_rr_get_interval(pid_t pid, struct timespec *out)
{
    if (sched_is_ours(pid))
        return -1;
    *out = (struct timespec){0};
    return 0;
}

int sched_getcpu(void)
{
    return 0;
}
