/* SPDX-License-Identifier: BSD-2-Clause */
/* cancel.c - deferred cancellation, cleanup handlers and their order. */
#include <poll.h>
#include <semaphore.h>
#include <sys/select.h>

#include "facts.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t never;
static char trace[16];

static void note(void *what)
{
    strcat(trace, what);
}

static void unlock(void *m)
{
    note(pthread_mutex_trylock(m) == EBUSY ? "held " : "free ");
    pthread_mutex_unlock(m);
}

static void *in_cond(void *arg)
{
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    pthread_cond_wait(&cond, &mutex);
    pthread_cleanup_pop(1);
    return arg;
}

static void *in_sleep(void *arg)
{
    pthread_cleanup_push(note, "a");
    pthread_cleanup_push(note, "b");
    sleep(1000);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return arg;
}

static void *in_semaphore(void *arg)
{
    sem_wait(&never);
    return arg;
}

static void *in_poll(void *arg)
{
    poll(NULL, 0, -1);
    return arg;
}

static void *in_select(void *arg)
{
    select(0, NULL, NULL, NULL, NULL);
    return arg;
}

static void *in_join(void *arg)
{
    pthread_join(*(pthread_t *)arg, NULL);
    return arg;
}

static void *disabled(void *arg)
{
    int old;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    settle();
    settle();
    note("lives ");
    pthread_setcancelstate(old, NULL);
    pthread_testcancel();
    note("still");
    return arg;
}

static void *popped(void *arg)
{
    pthread_cleanup_push(note, "1");
    pthread_cleanup_push(note, "2");
    pthread_cleanup_push(note, "3");
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(1);
    pthread_exit(arg);
    pthread_cleanup_pop(0);
    return arg;
}

static void cancel(const char *name, void *(*fn)(void *), void *arg)
{
    pthread_t t = start(fn, arg);

    trace[0] = '\0';
    settle();
    pthread_cancel(t);
    fact_number(name, join(t) == (long)(intptr_t)PTHREAD_CANCELED);
    printf("fact trace of %s: %s.\n", name, trace);
}

void cancel_facts(void)
{
    pthread_t sleeper = start(in_sleep, NULL);
    int old;

    sem_init(&never, 0, 0);
    cancel("cancel in cond_wait", in_cond, NULL);
    cancel("cancel in sleep", in_sleep, NULL);
    cancel("cancel in sem_wait", in_semaphore, NULL);
    cancel("cancel in poll", in_poll, NULL);
    cancel("cancel in select", in_select, NULL);
    cancel("cancel in join", in_join, &sleeper);
    cancel("cancel while disabled", disabled, NULL);
    pthread_cancel(sleeper);
    fact_number("the one that was waited for", join(sleeper) == (long)(intptr_t)PTHREAD_CANCELED);
    trace[0] = '\0';
    join(start(popped, NULL));
    printf("fact handlers: %s\n", trace);
    fact("wrong state", pthread_setcancelstate(55, NULL));
    fact("wrong type", pthread_setcanceltype(55, NULL));
    fact("type", pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old));
    fact_number("was deferred", old == PTHREAD_CANCEL_DEFERRED);
    fact("the condition is free", pthread_cond_destroy(&cond));
}
