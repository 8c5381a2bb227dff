/* SPDX-License-Identifier: BSD-2-Clause */
/* mutex.c - mutexes of all kinds, spin locks. */
#include "facts.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void make(int type, int robust)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, type);
    pthread_mutexattr_setrobust(&attr, robust);
    fact("mutex init", pthread_mutex_init(&mutex, &attr));
    pthread_mutexattr_destroy(&attr);
}

static void *lock(void *arg)
{
    (void)arg;
    return (void *)(intptr_t)pthread_mutex_lock(&mutex);
}

static void *try(void *arg)
{
    int err = pthread_mutex_trylock(&mutex);

    (void)arg;
    if (!err)
        pthread_mutex_unlock(&mutex);
    return (void *)(intptr_t)err;
}

static void *unlock(void *arg)
{
    (void)arg;
    return (void *)(intptr_t)pthread_mutex_unlock(&mutex);
}

static void *wait_a_little(void *arg)
{
    struct timespec soon = time_after(*(clockid_t *)arg, 5);

    return (void *)(intptr_t)(*(clockid_t *)arg == CLOCK_REALTIME
                                  ? pthread_mutex_timedlock(&mutex, &soon)
                                  : pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &soon));
}

static void locking(const char *kind, int type)
{
    clockid_t clock = CLOCK_REALTIME;

    printf("fact kind: %s\n", kind);
    make(type, PTHREAD_MUTEX_STALLED);
    fact("lock", pthread_mutex_lock(&mutex));
    fact("try by the owner", pthread_mutex_trylock(&mutex));
    if (type != PTHREAD_MUTEX_NORMAL)
        fact("lock again", pthread_mutex_lock(&mutex));
    fact("try by another", (int)join(start(try, NULL)));
    fact("timedlock", (int)join(start(wait_a_little, &clock)));
    clock = CLOCK_MONOTONIC;
    fact("clocklock", (int)join(start(wait_a_little, &clock)));
    if (type != PTHREAD_MUTEX_NORMAL)
        fact("unlock by another", (int)join(start(unlock, NULL)));
    fact("destroy while locked", pthread_mutex_destroy(&mutex));
    fact("unlock", pthread_mutex_unlock(&mutex));
    if (type == PTHREAD_MUTEX_RECURSIVE) {
        fact("unlock", pthread_mutex_unlock(&mutex));
        fact("try by another", (int)join(start(try, NULL)));
        fact("unlock", pthread_mutex_unlock(&mutex));
    }
    fact("try by another", (int)join(start(try, NULL)));
    if (type != PTHREAD_MUTEX_NORMAL)
        fact("unlock of a free one", pthread_mutex_unlock(&mutex));
    fact("destroy", pthread_mutex_destroy(&mutex));
}

static void robust(void)
{
    make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST);
    fact("owner that ends", (int)join(start(lock, NULL)));
    fact("its mutex", pthread_mutex_lock(&mutex));
    fact("consistent", pthread_mutex_consistent(&mutex));
    fact("consistent again", pthread_mutex_consistent(&mutex));
    fact("unlock", pthread_mutex_unlock(&mutex));
    fact("lock", pthread_mutex_lock(&mutex));
    fact("unlock", pthread_mutex_unlock(&mutex));
    fact("owner that ends", (int)join(start(lock, NULL)));
    fact("its mutex", pthread_mutex_trylock(&mutex));
    fact("unlock as it is", pthread_mutex_unlock(&mutex));
    fact("not recoverable", pthread_mutex_lock(&mutex));
    fact("destroy", pthread_mutex_destroy(&mutex));
}

static int in, most, turns;
static void *one_at_a_time(void *arg)
{
    for (int i = 0; i < 50; i++) {
        pthread_mutex_lock(&mutex);
        most = ++in > most ? in : most;
        sched_yield();
        turns++;
        in--;
        pthread_mutex_unlock(&mutex);
    }
    return arg;
}

static void exclusion(void)
{
    pthread_t t[8];

    make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
    for (int i = 0; i < 8; i++)
        t[i] = start(one_at_a_time, NULL);
    for (int i = 0; i < 8; i++)
        join(t[i]);
    fact_number("at a time", most);
    fact_number("turns", turns);
}

static pthread_spinlock_t spin;
static void *spin_once(void *arg)
{
    int busy = pthread_spin_trylock(&spin);

    (void)arg;
    pthread_spin_lock(&spin);
    pthread_spin_unlock(&spin);
    return (void *)(intptr_t)busy;
}

void mutex_facts(void)
{
    pthread_mutexattr_t attr;
    pthread_t t;
    int value;

    locking("normal", PTHREAD_MUTEX_NORMAL);
    locking("errorcheck", PTHREAD_MUTEX_ERRORCHECK);
    locking("recursive", PTHREAD_MUTEX_RECURSIVE);
    robust();
    exclusion();
    pthread_mutexattr_init(&attr);
    fact("wrong type", pthread_mutexattr_settype(&attr, 99));
    fact("wrong robustness", pthread_mutexattr_setrobust(&attr, 99));
    fact("wrong protocol", pthread_mutexattr_setprotocol(&attr, 99));
    fact("inherit", pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
    pthread_mutexattr_getprotocol(&attr, &value);
    fact_number("inherits", value == PTHREAD_PRIO_INHERIT);
    fact("shared", pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    fact("wrongly shared", pthread_mutexattr_setpshared(&attr, 99));
    fact("spin init", pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE));
    fact("spin lock", pthread_spin_lock(&spin));
    t = start(spin_once, NULL);
    settle();
    fact("spin unlock", pthread_spin_unlock(&spin));
    fact("spin try", (int)join(t));
    fact("spin destroy", pthread_spin_destroy(&spin));
}
