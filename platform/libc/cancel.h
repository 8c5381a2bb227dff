/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cancel.h - points of cancellation, for waits of libc. In an image without threads (pthread.c is
 * not linked) they are plain waits.
 */
#ifndef VIREO_CANCEL_H
#define VIREO_CANCEL_H

#include "vireo/task.h"

int thread_wait(struct waitq *q, uint64_t deadline);
void thread_sleep_until(uint64_t when_ns);
void pthread_testcancel(void);
#pragma weak thread_wait
#pragma weak thread_sleep_until
#pragma weak pthread_testcancel

/* As waitq_wait(). -EINTR: the thread is cancelled, which is to be done by cancel_act(). [parks] */
static inline int cancel_wait(struct waitq *q, uint64_t deadline)
{
    return thread_wait ? thread_wait(q, deadline) : waitq_wait(q, deadline);
}

/* Does not return if the thread is cancelled: the caller holds nothing. */
static inline void cancel_act(void)
{
    if (pthread_testcancel)
        pthread_testcancel();
}

/* As task_sleep_until(), and cancel_act(). [parks] */
static inline void cancel_sleep_until(uint64_t when_ns)
{
    if (thread_sleep_until)
        thread_sleep_until(when_ns);
    else
        task_sleep_until(when_ns);
}

#endif
