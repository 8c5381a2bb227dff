/* SPDX-License-Identifier: BSD-2-Clause */
/* resource.c - limits, priorities and use of resources (POSIX.1-2017, <sys/resource.h>). */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <ulimit.h>
#include <unistd.h>

#include "files.h"
#include "vireo/image.h"

static int resource_fail(int error)
{
    errno = error;
    return -1;
}

int getrlimit(int resource, struct rlimit *out)
{
    struct memory_info m;

    out->rlim_cur = RLIM_INFINITY;
    if ((unsigned)resource >= RLIM_NLIMITS)
        return resource_fail(EINVAL);
    if (resource == RLIMIT_NOFILE)
        out->rlim_cur = FILES_MAX;
    else if (resource == RLIMIT_CORE)
        out->rlim_cur = 0;
    else if (resource == RLIMIT_NPROC)
        out->rlim_cur = 1;
    else if (resource == RLIMIT_STACK) {
        out->rlim_cur = TASK_STACK_DEFAULT;
    } else if (resource == RLIMIT_AS || resource == RLIMIT_DATA || resource == RLIMIT_RSS) {
        vireo_memory(&m);
        out->rlim_cur = m.total;
    }
    out->rlim_max = out->rlim_cur;
    return 0;
}

/* A lower limit would not be kept, and a higher one not be reached. A core file has none. */
int setrlimit(int resource, const struct rlimit *to)
{
    struct rlimit now;

    if (getrlimit(resource, &now))
        return -1;
    if (to->rlim_cur > to->rlim_max)
        return resource_fail(EINVAL);
    if (resource == RLIMIT_CORE || (to->rlim_cur == now.rlim_cur && to->rlim_max == now.rlim_max))
        return 0;
    return resource_fail(EPERM);
}

long ulimit(int cmd, ...)
{
    if (cmd == UL_GETFSIZE)
        return __LONG_MAX__;
    return resource_fail(cmd == UL_SETFSIZE ? EPERM : EINVAL);
}

int getrusage(int who, struct rusage *out)
{
    struct memory_info m;
    clock_t used = clock();

    memset(out, 0, sizeof(*out));
    if (who == RUSAGE_CHILDREN)
        return 0;
    if (who != RUSAGE_SELF && who != RUSAGE_THREAD)
        return resource_fail(EINVAL);
    out->ru_utime.tv_sec = (time_t)(used / CLOCKS_PER_SEC);
    out->ru_utime.tv_usec =
        (suseconds_t)((uint64_t)(used % CLOCKS_PER_SEC) * 1000000u / CLOCKS_PER_SEC);
    vireo_memory(&m);
    out->ru_maxrss = (long)((m.image + m.heap_used + m.pages_used) / 1024);
    return 0;
}

/* ---- priorities ------------------------------------------------------------------------------ */

#define PRIORITY_MAX 19
#define PRIORITY_MIN (-20)

static int priority;

static int priority_is_ours(int which, id_t who)
{
    if (which < PRIO_PROCESS || which > PRIO_USER)
        return resource_fail(EINVAL);
    if (who && who != (id_t)(which == PRIO_USER ? getuid() : getpid()))
        return resource_fail(ESRCH);
    return 0;
}

int getpriority(int which, id_t who)
{
    return priority_is_ours(which, who) ? -1 : priority;
}

int setpriority(int which, id_t who, int value)
{
    if (priority_is_ours(which, who))
        return -1;
    priority = value > PRIORITY_MAX ? PRIORITY_MAX : value < PRIORITY_MIN ? PRIORITY_MIN : value;
    return 0;
}

int nice(int more)
{
    setpriority(PRIO_PROCESS, 0, priority + more);
    return priority;
}
