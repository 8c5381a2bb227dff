/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pthread.c - the life of threads and their cancellation (POSIX.1-2017, <pthread.h>), on tasks. A
 * pthread_t is the address of a struct pthread: of the heap for threads of pthread_create, which
 * frees it when the thread was joined or is detached; of the task's thread-local variables for
 * main() and other tasks.
 */
#include <reent.h>
#include <stdlib.h>
#include <string.h>

#include "thread.h"

static struct pthread *threads; /* those that are not freed */
static unsigned running;        /* of pthread_create */
static struct waitq last_ended; /* main() after its pthread_exit */
static struct pthread *spent;   /* ended and detached; its name was its task's until now */
static int concurrency;

static _Thread_local struct pthread *self;
static _Thread_local struct pthread own;

/* A task that was made otherwise is not in the list: nothing says when it ends. */
static void thread_list(struct pthread *t)
{
    t->next = threads;
    threads = t;
}

static void thread_unlist(const struct pthread *t)
{
    struct pthread **at = &threads;

    while (*at && *at != t)
        at = &(*at)->next;
    if (*at)
        *at = t->next;
}

static bool thread_known(const struct pthread *t)
{
    const struct pthread *at = threads;

    while (at && at != t)
        at = at->next;
    return at || t == pthread_self();
}

static void thread_free(struct pthread *t)
{
    thread_unlist(t);
    if (t->fn)
        free(t);
}

pthread_t pthread_self(void)
{
    if (!self) {
        self = &own;
        own.task = task_self();
        own.detached = _impure_ptr != _GLOBAL_REENT; /* any other task than main()'s */
        strncpy(own.name, task_name(own.task), sizeof(own.name) - 1);
        if (!own.detached)
            thread_list(&own);
    }
    return self;
}

int pthread_equal(pthread_t a, pthread_t b)
{
    return a == b;
}

/* ---- start and end --------------------------------------------------------------------------- */

static void thread_run(void *arg)
{
    struct pthread *t = arg;

    self = t;
    pthread_exit(t->fn(t->arg));
}

static void thread_free_spent(void)
{
    free(spent);
    spent = NULL;
}

int pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    struct pthread *t = calloc(1, sizeof(*t));

    thread_free_spent();
    if (!t)
        return EAGAIN;
    pthread_self(); /* main() has its place in the list */
    t->fn = fn;
    t->arg = arg;
    t->detached = attr && attr->__detached;
    strcpy(t->name, "thread");
    t->task = task_spawn(t->name, thread_run, t, attr ? attr->__stack : THREAD_STACK_DEFAULT);
    if (!t->task) {
        free(t);
        return EAGAIN;
    }
    thread_list(t);
    running++;
    *out = t;
    return 0;
}

/* main()'s task has no end of its own: the image ends when the last thread has. */
static void thread_end_main(void)
{
    while (running)
        waitq_wait(&last_ended, HAL_NEVER);
    exit(0);
}

void pthread_exit(void *result)
{
    struct pthread *t = pthread_self();

    t->cancel_state = PTHREAD_CANCEL_DISABLE;
    while (t->cleanup)
        __thread_cleanup_pop(t->cleanup, 1);
    thread_end_values(t);
    thread_end_mutexes(t);
    t->result = result;
    t->ended = true;
    waitq_wake_all(&t->joiners);
    if (!t->fn && !t->detached)
        thread_end_main(); /* for good */
    if (t->fn && --running == 0)
        waitq_wake_all(&last_ended);
    if (t->detached) {
        thread_unlist(t);
        thread_free_spent();
        spent = t->fn ? t : NULL;
    }
    task_exit();
}

static int thread_join(struct pthread *t, void **result, uint64_t deadline)
{
    int err = 0;

    if (!thread_known(t))
        return ESRCH;
    if (t == pthread_self())
        return EDEADLK;
    if (t->detached || t->joiners.head)
        return EINVAL;
    pthread_testcancel();
    while (!t->ended && !err)
        err = -thread_wait(&t->joiners, deadline);
    if (!t->ended && err == EINTR)
        pthread_testcancel();
    if (!t->ended)
        return err;
    if (result)
        *result = t->result;
    thread_free(t);
    return 0;
}

int pthread_join(pthread_t t, void **result)
{
    return thread_join(t, result, HAL_NEVER);
}

int pthread_tryjoin_np(pthread_t t, void **result)
{
    if (thread_known(t) && !t->ended)
        return EBUSY;
    return thread_join(t, result, 0);
}

int pthread_timedjoin_np(pthread_t t, void **result, const struct timespec *until)
{
    uint64_t deadline;
    int err = thread_deadline(CLOCK_REALTIME, until, &deadline);

    return err ? err : thread_join(t, result, deadline);
}

int pthread_detach(pthread_t t)
{
    if (!thread_known(t))
        return ESRCH;
    if (t->detached)
        return EINVAL;
    t->detached = true;
    if (t->ended)
        thread_free(t);
    return 0;
}

/* ---- cancellation ---------------------------------------------------------------------------- */

static bool thread_is_cancelled(const struct pthread *t)
{
    return t->cancelled && t->cancel_state == PTHREAD_CANCEL_ENABLE;
}

int pthread_cancel(pthread_t t)
{
    if (!thread_known(t))
        return ESRCH;
    t->cancelled = true;
    if (thread_is_cancelled(t) && t->at_point && !t->ended && task_interrupt(t->task))
        t->interrupted = true;
    return 0;
}

void pthread_testcancel(void)
{
    if (thread_is_cancelled(pthread_self()))
        pthread_exit(PTHREAD_CANCELED);
}

int pthread_setcancelstate(int to, int *old)
{
    struct pthread *t = pthread_self();

    if (to != PTHREAD_CANCEL_ENABLE && to != PTHREAD_CANCEL_DISABLE)
        return EINVAL;
    if (old)
        *old = t->cancel_state;
    t->cancel_state = (unsigned char)to;
    return 0;
}

int pthread_setcanceltype(int to, int *old)
{
    if (to != PTHREAD_CANCEL_DEFERRED)
        return to == PTHREAD_CANCEL_ASYNCHRONOUS ? ENOTSUP : EINVAL;
    if (old)
        *old = PTHREAD_CANCEL_DEFERRED;
    return 0;
}

void __thread_cleanup_push(struct __thread_cleanup *c)
{
    struct pthread *t = pthread_self();

    c->__next = t->cleanup;
    t->cleanup = c;
}

void __thread_cleanup_pop(struct __thread_cleanup *c, int run)
{
    pthread_self()->cleanup = c->__next;
    if (run)
        c->__fn(c->__arg);
}

/* A wait begins: false if the thread is cancelled already. */
static bool thread_begin_point(struct pthread *t)
{
    t->interrupted = false;
    t->at_point = !thread_is_cancelled(t);
    return t->at_point;
}

int thread_wait(struct waitq *q, uint64_t deadline)
{
    struct pthread *t = pthread_self();
    int err;

    if (!thread_begin_point(t))
        return -EINTR;
    err = waitq_wait(q, deadline);
    t->at_point = false;
    return t->interrupted ? -EINTR : err;
}

void thread_sleep_until(uint64_t when_ns)
{
    struct pthread *t = pthread_self();

    if (thread_begin_point(t))
        task_sleep_until(when_ns);
    t->at_point = false;
    pthread_testcancel();
}

/* ---- names, clocks, what all threads have in common --------------------------------------------
 */

int thread_deadline(clockid_t clock, const struct timespec *at, uint64_t *deadline)
{
    struct timespec now;
    uint64_t ns, now_ns;

    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return EINVAL;
    clock_gettime(clock, &now);
    now_ns = (uint64_t)now.tv_sec * HAL_SEC + (uint64_t)now.tv_nsec;
    if (at->tv_nsec < 0 || at->tv_nsec >= (long)HAL_SEC)
        return EINVAL;
    if (at->tv_sec >= 0 && (uint64_t)at->tv_sec >= HAL_NEVER / HAL_SEC / 2) {
        *deadline = HAL_NEVER;
        return 0;
    }
    ns = at->tv_sec < 0 ? 0 : (uint64_t)at->tv_sec * HAL_SEC + (uint64_t)at->tv_nsec;
    *deadline = ns > now_ns ? hal_now_ns() + (ns - now_ns) : 0;
    return 0;
}

int pthread_setname_np(pthread_t t, const char *name)
{
    if (strlen(name) >= sizeof(t->name))
        return ERANGE;
    if (!thread_known(t))
        return ESRCH;
    strcpy(t->name, name);
    return 0;
}

int pthread_getname_np(pthread_t t, char *name, size_t size)
{
    if (!thread_known(t))
        return ESRCH;
    if (strlen(t->name) >= size)
        return ERANGE;
    strcpy(name, t->name);
    return 0;
}

int pthread_yield(void)
{
    return sched_yield();
}

/* There is no fork() that could succeed, and so no moment for these functions. */
int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    (void)prepare, (void)parent, (void)child;
    return 0;
}

int pthread_getconcurrency(void)
{
    return concurrency;
}

int pthread_setconcurrency(int level)
{
    if (level < 0)
        return EINVAL;
    concurrency = level;
    return 0;
}

int pthread_getschedparam(pthread_t t, int *policy, struct sched_param *out)
{
    if (!thread_known(t))
        return ESRCH;
    *policy = SCHED_OTHER;
    *out = (struct sched_param){0};
    return 0;
}

int pthread_setschedparam(pthread_t t, int policy, const struct sched_param *to)
{
    if (!thread_known(t))
        return ESRCH;
    if (policy == SCHED_FIFO || policy == SCHED_RR)
        return EPERM;
    return policy != SCHED_OTHER || to->sched_priority ? EINVAL : 0;
}

int pthread_setschedprio(pthread_t t, int priority)
{
    return pthread_setschedparam(t, SCHED_OTHER, &(struct sched_param){.sched_priority = priority});
}
