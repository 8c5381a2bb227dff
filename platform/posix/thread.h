/* SPDX-License-Identifier: BSD-2-Clause */
/* thread.h - what the files of <pthread.h>, <semaphore.h> and <threads.h> share. */
#ifndef VIREO_THREAD_H
#define VIREO_THREAD_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "vireo/task.h"

#define THREAD_STACK_DEFAULT (128u * 1024u) /* bytes */
#define THREAD_NAME_MAX      16

struct key_value {
    unsigned life; /* that of the key for which the value was set */
    void *value;
};

/* A thread: of pthread_create, main(), or a task that calls one of these functions. */
struct pthread {
    struct pthread *next; /* in the list of threads that can be named */
    struct task *task;
    void *(*fn)(void *); /* NULL: not made by pthread_create */
    void *arg, *result;
    bool ended, detached, cancelled, at_point, interrupted;
    unsigned char cancel_state;
    struct waitq joiners;
    struct __thread_cleanup *cleanup;
    struct key_value *values; /* PTHREAD_KEYS_MAX of them; NULL: none was set */
    pthread_mutex_t *robust;  /* robust mutexes that it holds */
    char name[THREAD_NAME_MAX];
};

static inline struct waitq *thread_queue(struct __waiters *w)
{
    return (struct waitq *)w;
}

/*
 * A time of a clock as one of hal_now_ns(), for waitq_wait(). EINVAL: another clock than
 * CLOCK_REALTIME and CLOCK_MONOTONIC, or no time.
 */
int thread_deadline(clockid_t clock, const struct timespec *at, uint64_t *deadline);

/* As waitq_wait(), at a point of cancellation. -EINTR: the thread is cancelled, which the caller
 * does by pthread_testcancel() when its own state is whole. [parks] */
int thread_wait(struct waitq *q, uint64_t deadline);

/* nanosleep() and its kin in an image with threads. [parks] */
void thread_sleep_until(uint64_t when_ns);

/* Runs the destructors of the thread's values, and frees what holds them. [parks] */
void thread_end_values(struct pthread *t);

/* Gives the robust mutexes of a thread that ends to those who wait. */
void thread_end_mutexes(struct pthread *t);

/* As pthread_mutex_lock(), with a time of hal_now_ns(). [parks] */
int thread_mutex_lock(pthread_mutex_t *m, uint64_t deadline);

#endif
