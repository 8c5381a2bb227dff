/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts.h - facts about <pthread.h>, <semaphore.h>, <threads.h> and files to wait with: the same
 * source is compiled for Linux and as an appliance, and both print the same lines.
 */
#ifndef TESTS_THREADS_FACTS_H
#define TESTS_THREADS_FACTS_H

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void life_facts(void);
void cancel_facts(void);
void mutex_facts(void);
void wait_facts(void);
void semaphore_facts(void);
void c11_facts(void);
void event_facts(void);

/* "fact NAME: ERRNO", of a result as pthread functions return it. */
static inline int fact(const char *name, int err)
{
    printf("fact %s: %s\n", name, err == 0 ? "0" : strerror(err));
    return err;
}

/* The same of a result as other functions return it. */
static inline void fact_of(const char *name, long result)
{
    if (result < 0)
        fact(name, errno);
    else
        printf("fact %s: %ld\n", name, result);
}

static inline void fact_number(const char *name, long value)
{
    printf("fact %s: %ld\n", name, value);
}

static inline struct timespec time_after(clockid_t clock, long ms)
{
    struct timespec t;

    clock_gettime(clock, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

/* Lets other threads get as far as they can. */
static inline void settle(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

static inline pthread_t start(void *(*fn)(void *), void *arg)
{
    pthread_t t;

    if (pthread_create(&t, NULL, fn, arg))
        abort();
    return t;
}

static inline long join(pthread_t t)
{
    void *result = NULL;

    if (pthread_join(t, &result))
        abort();
    return (long)(intptr_t)result;
}

#endif
