/* SPDX-License-Identifier: BSD-2-Clause */
/* c11_threads.c - <threads.h> of C11 on <pthread.h>. */
#include <stdlib.h>
#include <threads.h>

#include "thread.h"

static int thrd_result(int err)
{
    switch (err) {
    case 0:
        return thrd_success;
    case EBUSY:
        return thrd_busy;
    case ETIMEDOUT:
        return thrd_timedout;
    case ENOMEM:
    case EAGAIN:
        return thrd_nomem;
    default:
        return thrd_error;
    }
}

/* A function and its argument, until the thread has taken them over. */
struct thrd_start {
    thrd_start_t fn;
    void *arg;
};

static void *thrd_run(void *arg)
{
    struct thrd_start start = *(struct thrd_start *)arg;

    free(arg);
    return (void *)(intptr_t)start.fn(start.arg);
}

int thrd_create(thrd_t *out, thrd_start_t fn, void *arg)
{
    struct thrd_start *start = malloc(sizeof(*start));
    int err;

    if (!start)
        return thrd_nomem;
    *start = (struct thrd_start){fn, arg};
    if ((err = pthread_create(out, NULL, thrd_run, start)))
        free(start);
    return thrd_result(err);
}

int thrd_equal(thrd_t a, thrd_t b)
{
    return a == b;
}

thrd_t thrd_current(void)
{
    return pthread_self();
}

int thrd_sleep(const struct timespec *time, struct timespec *rest)
{
    return nanosleep(time, rest) ? -2 : 0;
}

void thrd_exit(int result)
{
    pthread_exit((void *)(intptr_t)result);
}

void thrd_yield(void)
{
    sched_yield();
}

int thrd_detach(thrd_t t)
{
    return thrd_result(pthread_detach(t));
}

int thrd_join(thrd_t t, int *result)
{
    void *p;
    int err = pthread_join(t, &p);

    if (!err && result)
        *result = (int)(intptr_t)p;
    return thrd_result(err);
}

int mtx_init(mtx_t *m, int type)
{
    if (type & ~(mtx_recursive | mtx_timed))
        return thrd_error;
    *m = (mtx_t){.__type = type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL};
    return thrd_success;
}

void mtx_destroy(mtx_t *m)
{
    pthread_mutex_destroy(m);
}

int mtx_lock(mtx_t *m)
{
    return thrd_result(pthread_mutex_lock(m));
}

int mtx_timedlock(mtx_t *m, const struct timespec *until)
{
    return thrd_result(pthread_mutex_timedlock(m, until));
}

int mtx_trylock(mtx_t *m)
{
    return thrd_result(pthread_mutex_trylock(m));
}

int mtx_unlock(mtx_t *m)
{
    return thrd_result(pthread_mutex_unlock(m));
}

void call_once(once_flag *once, void (*fn)(void))
{
    pthread_once(once, fn);
}

int cnd_init(cnd_t *c)
{
    return thrd_result(pthread_cond_init(c, NULL));
}

void cnd_destroy(cnd_t *c)
{
    pthread_cond_destroy(c);
}

int cnd_signal(cnd_t *c)
{
    return thrd_result(pthread_cond_signal(c));
}

int cnd_broadcast(cnd_t *c)
{
    return thrd_result(pthread_cond_broadcast(c));
}

int cnd_wait(cnd_t *c, mtx_t *m)
{
    return thrd_result(pthread_cond_wait(c, m));
}

int cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *until)
{
    return thrd_result(pthread_cond_timedwait(c, m, until));
}

int tss_create(tss_t *key, tss_dtor_t destroy)
{
    return thrd_result(pthread_key_create(key, destroy));
}

void tss_delete(tss_t key)
{
    pthread_key_delete(key);
}

void *tss_get(tss_t key)
{
    return pthread_getspecific(key);
}

int tss_set(tss_t key, void *value)
{
    return thrd_result(pthread_setspecific(key, value));
}
