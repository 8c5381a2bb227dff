/* SPDX-License-Identifier: BSD-2-Clause */
/* wait.c - conditions, locks of readers and writers, barriers. */
#include "facts.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int ready, woken;

static void *wait_ready(void *arg)
{
    pthread_mutex_lock(&mutex);
    while (!ready)
        pthread_cond_wait(&cond, &mutex);
    ready--;
    woken++;
    pthread_mutex_unlock(&mutex);
    return arg;
}

static void wake(int n, int (*how)(pthread_cond_t *))
{
    pthread_mutex_lock(&mutex);
    ready = n;
    how(&cond);
    pthread_mutex_unlock(&mutex);
    settle();
}

static void conditions(void)
{
    pthread_t t[5];
    pthread_condattr_t attr;
    pthread_cond_t monotonic;
    struct timespec soon;
    clockid_t clock;

    for (int i = 0; i < 5; i++)
        t[i] = start(wait_ready, NULL);
    settle();
    wake(1, pthread_cond_signal);
    fact_number("woken by signal", woken);
    wake(4, pthread_cond_broadcast);
    fact_number("woken by broadcast", woken);
    for (int i = 0; i < 5; i++)
        join(t[i]);
    pthread_mutex_lock(&mutex);
    soon = time_after(CLOCK_REALTIME, 5);
    fact("timedwait", pthread_cond_timedwait(&cond, &mutex, &soon));
    fact("owned again", pthread_mutex_trylock(&mutex));
    soon.tv_nsec = -1;
    fact("no time", pthread_cond_timedwait(&cond, &mutex, &soon));
    soon = time_after(CLOCK_MONOTONIC, 5);
    fact("clockwait", pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &soon));
    pthread_condattr_init(&attr);
    pthread_condattr_getclock(&attr, &clock);
    fact_number("clock at first", clock == CLOCK_REALTIME);
    fact("set clock", pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
    fact("wrong clock", pthread_condattr_setclock(&attr, 99));
    pthread_cond_init(&monotonic, &attr);
    soon = time_after(CLOCK_MONOTONIC, 5);
    fact("monotonic timedwait", pthread_cond_timedwait(&monotonic, &mutex, &soon));
    pthread_mutex_unlock(&mutex);
    fact("cond destroy", pthread_cond_destroy(&monotonic));
}

/* ---- locks of readers and writers -------------------------------------------------------------
 */

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void *try_read(void *arg)
{
    int err = pthread_rwlock_tryrdlock(&lock);

    (void)arg;
    if (!err)
        pthread_rwlock_unlock(&lock);
    return (void *)(intptr_t)err;
}

static void *try_write(void *arg)
{
    int err = pthread_rwlock_trywrlock(&lock);

    (void)arg;
    if (!err)
        pthread_rwlock_unlock(&lock);
    return (void *)(intptr_t)err;
}

static void *read_soon(void *arg)
{
    struct timespec soon = time_after(CLOCK_REALTIME, 5);

    (void)arg;
    return (void *)(intptr_t)pthread_rwlock_timedrdlock(&lock, &soon);
}

static void *write_soon(void *arg)
{
    struct timespec soon = time_after(CLOCK_REALTIME, 5);

    (void)arg;
    return (void *)(intptr_t)pthread_rwlock_timedwrlock(&lock, &soon);
}

static int readers, writers, together, mixed;
static void *read_often(void *arg)
{
    for (int i = 0; i < 20; i++) {
        pthread_rwlock_rdlock(&lock);
        readers++;
        together = readers > together ? readers : together;
        mixed += writers;
        sched_yield();
        readers--;
        pthread_rwlock_unlock(&lock);
        sched_yield();
    }
    return arg;
}

static void *write_often(void *arg)
{
    for (int i = 0; i < 20; i++) {
        pthread_rwlock_wrlock(&lock);
        mixed += readers + writers++;
        sched_yield();
        writers--;
        pthread_rwlock_unlock(&lock);
    }
    return arg;
}

static void readers_and_writers(void)
{
    pthread_t t[6];

    fact("rdlock", pthread_rwlock_rdlock(&lock));
    fact("rdlock twice", pthread_rwlock_rdlock(&lock));
    fact("another reads", (int)join(start(try_read, NULL)));
    fact("another writes", (int)join(start(try_write, NULL)));
    fact("another waits to write", (int)join(start(write_soon, NULL)));
    fact("unlock", pthread_rwlock_unlock(&lock));
    fact("another writes", (int)join(start(try_write, NULL)));
    fact("unlock", pthread_rwlock_unlock(&lock));
    fact("another writes", (int)join(start(try_write, NULL)));
    fact("wrlock", pthread_rwlock_wrlock(&lock));
    fact("rdlock of the writer", pthread_rwlock_rdlock(&lock));
    fact("wrlock of the writer", pthread_rwlock_wrlock(&lock));
    fact("another reads", (int)join(start(try_read, NULL)));
    fact("another waits to read", (int)join(start(read_soon, NULL)));
    fact("unlock", pthread_rwlock_unlock(&lock));
    for (int i = 0; i < 6; i++)
        t[i] = start(i < 4 ? read_often : write_often, NULL);
    for (int i = 0; i < 6; i++)
        join(t[i]);
    fact_number("readers and writers together", mixed);
    fact("rwlock destroy", pthread_rwlock_destroy(&lock));
}

/* ---- barriers -------------------------------------------------------------------------------- */

static pthread_barrier_t barrier;
static int arrived, early;

static void *pass(void *arg)
{
    long serial = 0;

    (void)arg;
    for (int i = 1; i <= 10; i++) {
        __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
        serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
        early += __atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < 3 * i;
    }
    return (void *)(intptr_t)serial;
}

static void barriers(void)
{
    pthread_t t[3];
    long serial = 0;

    fact("barrier of none", pthread_barrier_init(&barrier, NULL, 0));
    fact("barrier", pthread_barrier_init(&barrier, NULL, 3));
    for (int i = 0; i < 3; i++)
        t[i] = start(pass, NULL);
    for (int i = 0; i < 3; i++)
        serial += join(t[i]);
    fact_number("serial threads", serial);
    fact_number("passed early", early);
    fact("barrier destroy", pthread_barrier_destroy(&barrier));
}

void wait_facts(void)
{
    conditions();
    readers_and_writers();
    barriers();
}
