/* SPDX-License-Identifier: BSD-2-Clause */
/* semaphore.c - semaphores with and without names; threads of C11. */
#include <fcntl.h>
#include <semaphore.h>
#include <threads.h>

#include "facts.h"

static sem_t sem;
static int passed;

static void *take(void *arg)
{
    sem_wait(&sem);
    passed++;
    return arg;
}

static int value_of(sem_t *s)
{
    int value = -1;

    sem_getvalue(s, &value);
    return value;
}

static void unnamed(void)
{
    pthread_t t[3];
    struct timespec soon;

    fact_of("sem_init", sem_init(&sem, 0, 2));
    fact_of("too many", sem_init(&(sem_t){0}, 0, 0x80000000u));
    fact_of("wait", sem_wait(&sem));
    fact_of("trywait", sem_trywait(&sem));
    fact_of("trywait", sem_trywait(&sem));
    soon = time_after(CLOCK_REALTIME, 5);
    fact_of("timedwait", sem_timedwait(&sem, &soon));
    soon = time_after(CLOCK_MONOTONIC, 5);
    fact_of("clockwait", sem_clockwait(&sem, CLOCK_MONOTONIC, &soon));
    soon.tv_nsec = 1000000000;
    fact_of("no time", sem_timedwait(&sem, &soon));
    for (int i = 0; i < 3; i++)
        t[i] = start(take, NULL);
    settle();
    fact_number("passed", passed);
    sem_post(&sem);
    settle();
    fact_number("passed", passed);
    sem_post(&sem);
    sem_post(&sem);
    sem_post(&sem);
    for (int i = 0; i < 3; i++)
        join(t[i]);
    fact_number("value", value_of(&sem));
    fact_of("destroy", sem_destroy(&sem));
}

static void with_names(void)
{
    sem_t *a, *b;

    fact_of("not there", sem_open("/none", 0) == SEM_FAILED ? -1 : 0);
    a = sem_open("/vireo", O_CREAT, 0600, 4);
    b = sem_open("/vireo", O_CREAT, 0600, 9);
    fact_number("the same", a == b && a != SEM_FAILED);
    fact_number("value", value_of(a));
    fact_of("exclusive", sem_open("/vireo", O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED ? -1 : 0);
    fact_of("unlink", sem_unlink("/vireo"));
    fact_of("unlink", sem_unlink("/vireo"));
    fact_of("unlinked", sem_open("/vireo", 0) == SEM_FAILED ? -1 : 0);
    fact_of("post", sem_post(b));
    fact_number("value", value_of(a));
    fact_of("close", sem_close(a));
    fact_of("close", sem_close(b));
}

void semaphore_facts(void)
{
    unnamed();
    with_names();
}

/* ---- C11 ------------------------------------------------------------------------------------- */

static mtx_t mutex;
static cnd_t cond;
static tss_t key;
static once_flag flag = ONCE_FLAG_INIT;
static int calls, ended;

static void called(void)
{
    calls++;
}

static void on_end(void *value)
{
    ended += *(int *)value;
}

static int c11_thread(void *arg)
{
    call_once(&flag, called);
    tss_set(key, arg);
    mtx_lock(&mutex);
    cnd_signal(&cond);
    mtx_unlock(&mutex);
    if (tss_get(key) == arg)
        thrd_exit(41);
    return 0;
}

static int c11_try(void *arg)
{
    (void)arg;
    return mtx_trylock(&mutex) == thrd_busy;
}

void c11_facts(void)
{
    struct timespec soon;
    int result = 0, three = 3;
    thrd_t t;

    fact_number("tss_create", tss_create(&key, on_end) == thrd_success);
    fact_number("mtx_init", mtx_init(&mutex, mtx_timed | mtx_recursive) == thrd_success);
    fact_number("cnd_init", cnd_init(&cond) == thrd_success);
    mtx_lock(&mutex);
    fact_number("thrd_create", thrd_create(&t, c11_thread, &three) == thrd_success);
    fact_number("cnd_wait", cnd_wait(&cond, &mutex) == thrd_success);
    fact_number("mtx_unlock", mtx_unlock(&mutex) == thrd_success);
    fact_number("thrd_join", thrd_join(t, &result) == thrd_success);
    fact_number("result", result);
    fact_number("destructor", ended);
    call_once(&flag, called);
    fact_number("called", calls);
    mtx_lock(&mutex);
    mtx_lock(&mutex);
    thrd_create(&t, c11_try, NULL);
    thrd_join(t, &result);
    fact_number("busy", result);
    soon = time_after(CLOCK_REALTIME, 5);
    mtx_unlock(&mutex);
    fact_number("timed out", cnd_timedwait(&cond, &mutex, &soon) == thrd_timedout);
    mtx_unlock(&mutex);
    fact_number("equal", !!thrd_equal(thrd_current(), thrd_current()));
    fact_number("thrd_sleep", thrd_sleep(&(struct timespec){.tv_nsec = 1000}, NULL));
    thrd_yield();
    cnd_destroy(&cond);
    mtx_destroy(&mutex);
    tss_delete(key);
}
