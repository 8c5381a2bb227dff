/* SPDX-License-Identifier: BSD-2-Clause */
/* pthread_attr.c - attributes of <pthread.h>: those of threads, and of what threads share. */
#include "thread.h"

/* Sets *to if the value is one of 0 to most. */
static int attr_set(unsigned char *to, int value, int most)
{
    if (value < 0 || value > most)
        return EINVAL;
    *to = (unsigned char)value;
    return 0;
}

static int attr_get(int *out, int value)
{
    *out = value;
    return 0;
}

int pthread_attr_init(pthread_attr_t *attr)
{
    *attr = (pthread_attr_t){.__stack = THREAD_STACK_DEFAULT, .__guard = 4096};
    return 0;
}

int pthread_attr_destroy(pthread_attr_t *attr)
{
    (void)attr;
    return 0;
}

int pthread_attr_getdetachstate(const pthread_attr_t *attr, int *out)
{
    return attr_get(out, attr->__detached);
}

int pthread_attr_setdetachstate(pthread_attr_t *attr, int to)
{
    if (to != PTHREAD_CREATE_JOINABLE && to != PTHREAD_CREATE_DETACHED)
        return EINVAL;
    attr->__detached = to;
    return 0;
}

int pthread_attr_getstacksize(const pthread_attr_t *attr, size_t *out)
{
    *out = attr->__stack;
    return 0;
}

int pthread_attr_setstacksize(pthread_attr_t *attr, size_t to)
{
    if (to < PTHREAD_STACK_MIN)
        return EINVAL;
    attr->__stack = to;
    return 0;
}

int pthread_attr_getguardsize(const pthread_attr_t *attr, size_t *out)
{
    *out = attr->__guard;
    return 0;
}

int pthread_attr_setguardsize(pthread_attr_t *attr, size_t to)
{
    attr->__guard = to;
    return 0;
}

int pthread_attr_getinheritsched(const pthread_attr_t *attr, int *out)
{
    return attr_get(out, attr->__inherit);
}

int pthread_attr_setinheritsched(pthread_attr_t *attr, int to)
{
    if (to != PTHREAD_INHERIT_SCHED && to != PTHREAD_EXPLICIT_SCHED)
        return EINVAL;
    attr->__inherit = to;
    return 0;
}

int pthread_attr_getschedparam(const pthread_attr_t *attr, struct sched_param *out)
{
    (void)attr;
    *out = (struct sched_param){0};
    return 0;
}

int pthread_attr_setschedparam(pthread_attr_t *attr, const struct sched_param *to)
{
    (void)attr;
    return to->sched_priority ? EINVAL : 0;
}

int pthread_attr_getschedpolicy(const pthread_attr_t *attr, int *out)
{
    (void)attr;
    return attr_get(out, SCHED_OTHER);
}

int pthread_attr_setschedpolicy(pthread_attr_t *attr, int to)
{
    (void)attr;
    if (to == SCHED_FIFO || to == SCHED_RR)
        return ENOTSUP;
    return to == SCHED_OTHER ? 0 : EINVAL;
}

int pthread_attr_getscope(const pthread_attr_t *attr, int *out)
{
    (void)attr;
    return attr_get(out, PTHREAD_SCOPE_SYSTEM);
}

int pthread_attr_setscope(pthread_attr_t *attr, int to)
{
    (void)attr;
    if (to == PTHREAD_SCOPE_PROCESS)
        return ENOTSUP;
    return to == PTHREAD_SCOPE_SYSTEM ? 0 : EINVAL;
}

/* ---- mutexes --------------------------------------------------------------------------------- */

int pthread_mutexattr_init(pthread_mutexattr_t *attr)
{
    *attr = (pthread_mutexattr_t){0};
    return 0;
}

int pthread_mutexattr_destroy(pthread_mutexattr_t *attr)
{
    (void)attr;
    return 0;
}

int pthread_mutexattr_gettype(const pthread_mutexattr_t *attr, int *out)
{
    return attr_get(out, attr->__type);
}

int pthread_mutexattr_settype(pthread_mutexattr_t *attr, int to)
{
    return attr_set(&attr->__type, to, PTHREAD_MUTEX_ERRORCHECK);
}

int pthread_mutexattr_getrobust(const pthread_mutexattr_t *attr, int *out)
{
    return attr_get(out, attr->__robust);
}

int pthread_mutexattr_setrobust(pthread_mutexattr_t *attr, int to)
{
    return attr_set(&attr->__robust, to, PTHREAD_MUTEX_ROBUST);
}

int pthread_mutexattr_getprotocol(const pthread_mutexattr_t *attr, int *out)
{
    return attr_get(out, attr->__protocol);
}

int pthread_mutexattr_setprotocol(pthread_mutexattr_t *attr, int to)
{
    if (to == PTHREAD_PRIO_PROTECT)
        return ENOTSUP;
    return attr_set(&attr->__protocol, to, PTHREAD_PRIO_INHERIT);
}

/* ---- shared between processes: there is one, so both values hold -------------------------------
 */

int pthread_mutexattr_getpshared(const pthread_mutexattr_t *attr, int *out)
{
    return attr_get(out, attr->__shared);
}

int pthread_mutexattr_setpshared(pthread_mutexattr_t *attr, int to)
{
    return attr_set(&attr->__shared, to, PTHREAD_PROCESS_SHARED);
}

int pthread_condattr_getpshared(const pthread_condattr_t *attr, int *out)
{
    return attr_get(out, attr->__shared);
}

int pthread_condattr_setpshared(pthread_condattr_t *attr, int to)
{
    return attr_set(&attr->__shared, to, PTHREAD_PROCESS_SHARED);
}

int pthread_rwlockattr_getpshared(const pthread_rwlockattr_t *attr, int *out)
{
    return attr_get(out, attr->__shared);
}

int pthread_rwlockattr_setpshared(pthread_rwlockattr_t *attr, int to)
{
    return attr_set(&attr->__shared, to, PTHREAD_PROCESS_SHARED);
}

int pthread_barrierattr_getpshared(const pthread_barrierattr_t *attr, int *out)
{
    return attr_get(out, attr->__shared);
}

int pthread_barrierattr_setpshared(pthread_barrierattr_t *attr, int to)
{
    return attr_set(&attr->__shared, to, PTHREAD_PROCESS_SHARED);
}

/* ---- conditions, locks of readers and writers, barriers ----------------------------------------
 */

int pthread_condattr_init(pthread_condattr_t *attr)
{
    *attr = (pthread_condattr_t){0};
    return 0;
}

int pthread_condattr_destroy(pthread_condattr_t *attr)
{
    (void)attr;
    return 0;
}

int pthread_condattr_getclock(const pthread_condattr_t *attr, clockid_t *out)
{
    *out = attr->__monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;
    return 0;
}

int pthread_condattr_setclock(pthread_condattr_t *attr, clockid_t to)
{
    if (to != CLOCK_REALTIME && to != CLOCK_MONOTONIC)
        return EINVAL;
    attr->__monotonic = to == CLOCK_MONOTONIC;
    return 0;
}

int pthread_rwlockattr_init(pthread_rwlockattr_t *attr)
{
    *attr = (pthread_rwlockattr_t){0};
    return 0;
}

int pthread_rwlockattr_destroy(pthread_rwlockattr_t *attr)
{
    (void)attr;
    return 0;
}

int pthread_barrierattr_init(pthread_barrierattr_t *attr)
{
    *attr = (pthread_barrierattr_t){0};
    return 0;
}

int pthread_barrierattr_destroy(pthread_barrierattr_t *attr)
{
    (void)attr;
    return 0;
}
