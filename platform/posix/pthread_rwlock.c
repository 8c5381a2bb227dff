/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pthread_rwlock.c - locks of readers and writers of <pthread.h>. Who unlocks gives the lock to
 * those that wait: a writer to all readers, the last reader to the longest waiting writer. A reader
 * does not wait for writers that wait, so that a thread may lock twice to read.
 */
#include "thread.h"

int pthread_rwlock_init(pthread_rwlock_t *l, const pthread_rwlockattr_t *attr)
{
    (void)attr;
    *l = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
    return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t *l)
{
    return l->__writer || l->__readers ? EBUSY : 0;
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *l)
{
    if (l->__writer)
        return EBUSY;
    if (l->__readers == (unsigned)-1)
        return EAGAIN;
    l->__readers++;
    return 0;
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *l)
{
    if (l->__writer || l->__readers)
        return EBUSY;
    l->__writer = task_self();
    return 0;
}

/* Waits with a limit, or without: until NULL. */
static int rwlock_wait(struct __waiters *w, clockid_t clock, const struct timespec *until)
{
    uint64_t deadline = HAL_NEVER;
    int err = until ? thread_deadline(clock, until, &deadline) : 0;

    return err ? err : -waitq_wait(thread_queue(w), deadline);
}

static int rwlock_read(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until)
{
    int err = pthread_rwlock_tryrdlock(l);

    if (err != EBUSY)
        return err;
    return l->__writer == task_self() ? EDEADLK : rwlock_wait(&l->__to_read, clock, until);
}

static int rwlock_write(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until)
{
    if (pthread_rwlock_trywrlock(l) == 0)
        return 0;
    return l->__writer == task_self() ? EDEADLK : rwlock_wait(&l->__to_write, clock, until);
}

int pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
    return rwlock_read(l, CLOCK_REALTIME, NULL);
}

int pthread_rwlock_clockrdlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until)
{
    return rwlock_read(l, clock, until);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *until)
{
    return rwlock_read(l, CLOCK_REALTIME, until);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
    return rwlock_write(l, CLOCK_REALTIME, NULL);
}

int pthread_rwlock_clockwrlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until)
{
    return rwlock_write(l, clock, until);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *until)
{
    return rwlock_write(l, CLOCK_REALTIME, until);
}

int pthread_rwlock_unlock(pthread_rwlock_t *l)
{
    struct waitq *writers = thread_queue(&l->__to_write);

    if (l->__writer) {
        l->__writer = NULL;
        while (waitq_wake_first(thread_queue(&l->__to_read)))
            l->__readers++;
    } else if (l->__readers == 0) {
        return EPERM;
    } else {
        l->__readers--;
    }
    if (l->__readers == 0) {
        l->__writer = writers->head;
        waitq_wake_first(writers);
    }
    return 0;
}
