/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pthread_mutex.c - mutexes and spin locks of <pthread.h>. Who unlocks a mutex makes the longest
 * waiting thread its owner, so that a thread that locks and unlocks in a loop keeps nobody out.
 */
#include "thread.h"

/* States of a robust mutex. */
enum { CONSISTENT, OWNER_DIED, NOT_RECOVERABLE };

int pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr)
{
    *m = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    if (attr) {
        m->__type = attr->__type;
        m->__robust = attr->__robust;
        m->__protocol = attr->__protocol;
    }
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *m)
{
    return m->__owner ? EBUSY : 0;
}

/* The running thread has become the owner. */
static int mutex_owned(pthread_mutex_t *m)
{
    struct pthread *t;

    m->__depth = 1;
    if (!m->__robust)
        return 0;
    t = pthread_self();
    m->__next = t->robust;
    t->robust = m;
    return m->__state == OWNER_DIED ? EOWNERDEAD : 0;
}

/* What the owner gets that locks once more; 0: it waits for ever. */
static int mutex_again(pthread_mutex_t *m, bool wait)
{
    if (m->__type == PTHREAD_MUTEX_ERRORCHECK)
        return wait ? EDEADLK : EBUSY;
    if (m->__type != PTHREAD_MUTEX_RECURSIVE)
        return wait ? 0 : EBUSY;
    if (m->__depth == (unsigned)-1)
        return EAGAIN;
    m->__depth++;
    return -1;
}

int thread_mutex_lock(pthread_mutex_t *m, uint64_t deadline)
{
    struct task *self = task_self();
    int err;

    if (m->__state == NOT_RECOVERABLE)
        return ENOTRECOVERABLE;
    if (!m->__owner) {
        m->__owner = self;
        return mutex_owned(m);
    }
    if (m->__owner == self && (err = mutex_again(m, true)))
        return err < 0 ? 0 : err;
    if ((err = waitq_wait(thread_queue(&m->__waiters), deadline)))
        return -err;
    return m->__state == NOT_RECOVERABLE ? ENOTRECOVERABLE : mutex_owned(m);
}

int pthread_mutex_lock(pthread_mutex_t *m)
{
    return thread_mutex_lock(m, HAL_NEVER);
}

int pthread_mutex_trylock(pthread_mutex_t *m)
{
    int err;

    if (!m->__owner)
        return thread_mutex_lock(m, HAL_NEVER);
    if (m->__owner != task_self())
        return EBUSY;
    err = mutex_again(m, false);
    return err < 0 ? 0 : err;
}

int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
    uint64_t deadline;
    int err;

    if (!m->__owner || (m->__owner == task_self() && m->__type != PTHREAD_MUTEX_NORMAL))
        return thread_mutex_lock(m, HAL_NEVER);
    err = thread_deadline(clock, until, &deadline);
    return err ? err : thread_mutex_lock(m, deadline);
}

int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *until)
{
    return pthread_mutex_clocklock(m, CLOCK_REALTIME, until);
}

static void mutex_pass_on(pthread_mutex_t *m)
{
    struct waitq *q = thread_queue(&m->__waiters);

    if (m->__state == NOT_RECOVERABLE) {
        m->__owner = NULL;
        waitq_wake_all(q);
        return;
    }
    m->__owner = q->head;
    waitq_wake_first(q);
}

static void mutex_forget(pthread_mutex_t *m)
{
    pthread_mutex_t **at = &pthread_self()->robust;

    while (*at && *at != m)
        at = &(*at)->__next;
    if (*at)
        *at = m->__next;
}

int pthread_mutex_unlock(pthread_mutex_t *m)
{
    if (m->__owner != task_self() && (m->__type != PTHREAD_MUTEX_NORMAL || m->__robust))
        return EPERM;
    if (m->__type == PTHREAD_MUTEX_RECURSIVE && --m->__depth)
        return 0;
    if (m->__robust)
        mutex_forget(m);
    if (m->__state == OWNER_DIED)
        m->__state = NOT_RECOVERABLE;
    mutex_pass_on(m);
    return 0;
}

int pthread_mutex_consistent(pthread_mutex_t *m)
{
    if (!m->__robust || m->__state != OWNER_DIED || m->__owner != task_self())
        return EINVAL;
    m->__state = CONSISTENT;
    return 0;
}

void thread_end_mutexes(struct pthread *t)
{
    pthread_mutex_t *m;

    while ((m = t->robust)) {
        t->robust = m->__next;
        m->__state = OWNER_DIED;
        mutex_pass_on(m);
    }
}

/* ---- spin locks ------------------------------------------------------------------------------ */

int pthread_spin_init(pthread_spinlock_t *s, int shared)
{
    (void)shared;
    s->__owner = NULL;
    return 0;
}

int pthread_spin_destroy(pthread_spinlock_t *s)
{
    return s->__owner ? EBUSY : 0;
}

int pthread_spin_trylock(pthread_spinlock_t *s)
{
    if (s->__owner)
        return EBUSY;
    s->__owner = task_self();
    return 0;
}

int pthread_spin_lock(pthread_spinlock_t *s)
{
    if (s->__owner == task_self())
        return EDEADLK;
    while (pthread_spin_trylock(s))
        task_yield();
    return 0;
}

int pthread_spin_unlock(pthread_spinlock_t *s)
{
    s->__owner = NULL;
    return 0;
}
