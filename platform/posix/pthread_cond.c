/* SPDX-License-Identifier: BSD-2-Clause */
/* pthread_cond.c - conditions and barriers of <pthread.h>. */
#include "thread.h"

int pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attr)
{
    *c = (pthread_cond_t){.__monotonic = attr && attr->__monotonic};
    return 0;
}

int pthread_cond_destroy(pthread_cond_t *c)
{
    return c->__waiters.__head ? EBUSY : 0;
}

/*
 * The mutex is locked again also for the handlers of a thread that is cancelled. One that was
 * signalled is not, so that no signal is lost with it.
 */
static int cond_wait(pthread_cond_t *c, pthread_mutex_t *m, uint64_t deadline)
{
    unsigned depth = m->__depth;
    int err, lock_err;

    if (m->__owner != task_self() && m->__type != PTHREAD_MUTEX_NORMAL)
        return EPERM;
    pthread_testcancel();
    m->__depth = 1; /* of a recursive one all of it is given */
    if ((err = pthread_mutex_unlock(m)))
        return err;
    err = thread_wait(thread_queue(&c->__waiters), deadline);
    lock_err = thread_mutex_lock(m, HAL_NEVER);
    if (lock_err != ENOTRECOVERABLE)
        m->__depth = depth;
    if (err == -EINTR)
        pthread_testcancel();
    return lock_err ? lock_err : err == -ETIMEDOUT ? ETIMEDOUT : 0;
}

int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
    return cond_wait(c, m, HAL_NEVER);
}

int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
                           const struct timespec *until)
{
    uint64_t deadline;
    int err = thread_deadline(clock, until, &deadline);

    return err ? err : cond_wait(c, m, deadline);
}

int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
    return pthread_cond_clockwait(c, m, c->__monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME, until);
}

int pthread_cond_signal(pthread_cond_t *c)
{
    waitq_wake_first(thread_queue(&c->__waiters));
    return 0;
}

int pthread_cond_broadcast(pthread_cond_t *c)
{
    waitq_wake_all(thread_queue(&c->__waiters));
    return 0;
}

/* ---- barriers -------------------------------------------------------------------------------- */

int pthread_barrier_init(pthread_barrier_t *b, const pthread_barrierattr_t *attr, unsigned count)
{
    (void)attr;
    if (count == 0)
        return EINVAL;
    *b = (pthread_barrier_t){.__count = count};
    return 0;
}

int pthread_barrier_destroy(pthread_barrier_t *b)
{
    return b->__arrived ? EBUSY : 0;
}

int pthread_barrier_wait(pthread_barrier_t *b)
{
    if (++b->__arrived < b->__count) {
        waitq_wait(thread_queue(&b->__waiters), HAL_NEVER);
        return 0;
    }
    b->__arrived = 0;
    waitq_wake_all(thread_queue(&b->__waiters));
    return PTHREAD_BARRIER_SERIAL_THREAD;
}
