/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pthread.h - threads (POSIX.1-2017), which are tasks (vireo/task.h): one runs at a time, until it
 * waits. All have one priority, so PTHREAD_PRIO_INHERIT changes nothing, and PTHREAD_PRIO_PROTECT
 * and the policies SCHED_FIFO and SCHED_RR are refused. Cancellation is deferred.
 */
#ifndef _PTHREAD_H
#define _PTHREAD_H

#include <sched.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PTHREAD_CREATE_JOINABLE       0
#define PTHREAD_CREATE_DETACHED       1
#define PTHREAD_INHERIT_SCHED         0
#define PTHREAD_EXPLICIT_SCHED        1
#define PTHREAD_SCOPE_SYSTEM          0
#define PTHREAD_SCOPE_PROCESS         1
#define PTHREAD_PROCESS_PRIVATE       0
#define PTHREAD_PROCESS_SHARED        1
#define PTHREAD_MUTEX_NORMAL          0
#define PTHREAD_MUTEX_RECURSIVE       1
#define PTHREAD_MUTEX_ERRORCHECK      2
#define PTHREAD_MUTEX_DEFAULT         PTHREAD_MUTEX_NORMAL
#define PTHREAD_MUTEX_STALLED         0
#define PTHREAD_MUTEX_ROBUST          1
#define PTHREAD_PRIO_NONE             0
#define PTHREAD_PRIO_INHERIT          1
#define PTHREAD_PRIO_PROTECT          2
#define PTHREAD_CANCEL_ENABLE         0
#define PTHREAD_CANCEL_DISABLE        1
#define PTHREAD_CANCEL_DEFERRED       0
#define PTHREAD_CANCEL_ASYNCHRONOUS   1 /* refused: ENOTSUP */
#define PTHREAD_CANCELED              ((void *)-1)
#define PTHREAD_BARRIER_SERIAL_THREAD (-1)

#ifndef PTHREAD_STACK_MIN
#define PTHREAD_STACK_MIN 16384
#endif
#ifndef PTHREAD_KEYS_MAX
#define PTHREAD_KEYS_MAX 128
#endif
#ifndef PTHREAD_DESTRUCTOR_ITERATIONS
#define PTHREAD_DESTRUCTOR_ITERATIONS 4
#endif

/* clang-format off */
#define PTHREAD_MUTEX_INITIALIZER {0, 0, PTHREAD_MUTEX_NORMAL, 0, 0, 0, {0, 0}, 0}
#define PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP {0, 0, PTHREAD_MUTEX_RECURSIVE, 0, 0, 0, {0, 0}, 0}
#define PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP {0, 0, PTHREAD_MUTEX_ERRORCHECK, 0, 0, 0, {0, 0}, 0}
#define PTHREAD_COND_INITIALIZER {{0, 0}, 0}
#define PTHREAD_RWLOCK_INITIALIZER {0, 0, {0, 0}, {0, 0}}
#define PTHREAD_ONCE_INIT {0, {0, 0}}
/* clang-format on */

/* A thread of the least stack that an attribute says, 128 KiB without; a guard page lies below. */
int pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
int pthread_join(pthread_t t, void **result);
int pthread_detach(pthread_t t);
/* Of main(): the image ends, with status 0, when the last thread has ended. */
void pthread_exit(void *result) __attribute__((noreturn));
pthread_t pthread_self(void);
int pthread_equal(pthread_t a, pthread_t b);
int pthread_once(pthread_once_t *once, void (*fn)(void));
int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)); /* for good */
int pthread_getconcurrency(void);
int pthread_setconcurrency(int level);
int pthread_getschedparam(pthread_t t, int *policy, struct sched_param *out);
int pthread_setschedparam(pthread_t t, int policy, const struct sched_param *to);
int pthread_setschedprio(pthread_t t, int priority);
#if __GNU_VISIBLE
int pthread_tryjoin_np(pthread_t t, void **result);
int pthread_timedjoin_np(pthread_t t, void **result, const struct timespec *until);
int pthread_setname_np(pthread_t t, const char *name); /* up to 15 bytes, or ERANGE */
int pthread_getname_np(pthread_t t, char *name, size_t size);
int pthread_yield(void);
#endif

/* ---- attributes of threads
 * ----------------------------------------------------------------------- */

int pthread_attr_init(pthread_attr_t *attr);
int pthread_attr_destroy(pthread_attr_t *attr);
int pthread_attr_getdetachstate(const pthread_attr_t *attr, int *out);
int pthread_attr_setdetachstate(pthread_attr_t *attr, int to);
int pthread_attr_getstacksize(const pthread_attr_t *attr, size_t *out);
int pthread_attr_setstacksize(pthread_attr_t *attr, size_t to);
int pthread_attr_getguardsize(const pthread_attr_t *attr, size_t *out);
int pthread_attr_setguardsize(pthread_attr_t *attr, size_t to); /* a page is there always */
int pthread_attr_getinheritsched(const pthread_attr_t *attr, int *out);
int pthread_attr_setinheritsched(pthread_attr_t *attr, int to);
int pthread_attr_getschedparam(const pthread_attr_t *attr, struct sched_param *out);
int pthread_attr_setschedparam(pthread_attr_t *attr, const struct sched_param *to);
int pthread_attr_getschedpolicy(const pthread_attr_t *attr, int *out);
int pthread_attr_setschedpolicy(pthread_attr_t *attr, int to);
int pthread_attr_getscope(const pthread_attr_t *attr, int *out);
int pthread_attr_setscope(pthread_attr_t *attr, int to);

/* ---- cancellation
 * -------------------------------------------------------------------------------- */

/*
 * It acts at pthread_testcancel, pthread_join, pthread_cond_wait, sem_wait and their timed forms,
 * nanosleep, sleep, usleep, poll, select and epoll_wait.
 */
int pthread_cancel(pthread_t t);
void pthread_testcancel(void);
int pthread_setcancelstate(int to, int *old);
int pthread_setcanceltype(int to, int *old);

struct __thread_cleanup {
    void (*__fn)(void *);
    void *__arg;
    struct __thread_cleanup *__next;
};
void __thread_cleanup_push(struct __thread_cleanup *c);
void __thread_cleanup_pop(struct __thread_cleanup *c, int run);
#define pthread_cleanup_push(fn, arg)                                                              \
    do {                                                                                           \
        struct __thread_cleanup __cleanup = {(fn), (arg), 0};                                      \
    __thread_cleanup_push(&__cleanup)
#define pthread_cleanup_pop(run)                                                                   \
    __thread_cleanup_pop(&__cleanup, (run));                                                       \
    }                                                                                              \
    while (0)

/* ---- values of a thread
 * -------------------------------------------------------------------------- */

int pthread_key_create(pthread_key_t *key, void (*destroy)(void *));
int pthread_key_delete(pthread_key_t key);
void *pthread_getspecific(pthread_key_t key);
int pthread_setspecific(pthread_key_t key, const void *value);

/* ---- mutexes: who waits longest is next
 * ---------------------------------------------------------- */

int pthread_mutexattr_init(pthread_mutexattr_t *attr);
int pthread_mutexattr_destroy(pthread_mutexattr_t *attr);
int pthread_mutexattr_gettype(const pthread_mutexattr_t *attr, int *out);
int pthread_mutexattr_settype(pthread_mutexattr_t *attr, int to);
int pthread_mutexattr_getrobust(const pthread_mutexattr_t *attr, int *out);
int pthread_mutexattr_setrobust(pthread_mutexattr_t *attr, int to);
int pthread_mutexattr_getprotocol(const pthread_mutexattr_t *attr, int *out);
int pthread_mutexattr_setprotocol(pthread_mutexattr_t *attr, int to);
int pthread_mutexattr_getpshared(const pthread_mutexattr_t *attr, int *out);
int pthread_mutexattr_setpshared(pthread_mutexattr_t *attr, int to);
int pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr);
int pthread_mutex_destroy(pthread_mutex_t *m);
int pthread_mutex_lock(pthread_mutex_t *m);
int pthread_mutex_trylock(pthread_mutex_t *m);
int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *until);
int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *until);
int pthread_mutex_unlock(pthread_mutex_t *m);
int pthread_mutex_consistent(pthread_mutex_t *m);

/* ---- conditions
 * ---------------------------------------------------------------------------------- */

int pthread_condattr_init(pthread_condattr_t *attr);
int pthread_condattr_destroy(pthread_condattr_t *attr);
int pthread_condattr_getclock(const pthread_condattr_t *attr, clockid_t *out);
int pthread_condattr_setclock(pthread_condattr_t *attr, clockid_t to);
int pthread_condattr_getpshared(const pthread_condattr_t *attr, int *out);
int pthread_condattr_setpshared(pthread_condattr_t *attr, int to);
int pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attr);
int pthread_cond_destroy(pthread_cond_t *c);
int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until);
int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
                           const struct timespec *until);
int pthread_cond_signal(pthread_cond_t *c);
int pthread_cond_broadcast(pthread_cond_t *c);

/* ---- locks of readers and writers: a reader waits for a writer that holds, not for one that waits
 */

int pthread_rwlockattr_init(pthread_rwlockattr_t *attr);
int pthread_rwlockattr_destroy(pthread_rwlockattr_t *attr);
int pthread_rwlockattr_getpshared(const pthread_rwlockattr_t *attr, int *out);
int pthread_rwlockattr_setpshared(pthread_rwlockattr_t *attr, int to);
int pthread_rwlock_init(pthread_rwlock_t *l, const pthread_rwlockattr_t *attr);
int pthread_rwlock_destroy(pthread_rwlock_t *l);
int pthread_rwlock_rdlock(pthread_rwlock_t *l);
int pthread_rwlock_tryrdlock(pthread_rwlock_t *l);
int pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *until);
int pthread_rwlock_clockrdlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until);
int pthread_rwlock_wrlock(pthread_rwlock_t *l);
int pthread_rwlock_trywrlock(pthread_rwlock_t *l);
int pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *until);
int pthread_rwlock_clockwrlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until);
int pthread_rwlock_unlock(pthread_rwlock_t *l);

/* ---- barriers, spin locks
 * ------------------------------------------------------------------------ */

int pthread_barrierattr_init(pthread_barrierattr_t *attr);
int pthread_barrierattr_destroy(pthread_barrierattr_t *attr);
int pthread_barrierattr_getpshared(const pthread_barrierattr_t *attr, int *out);
int pthread_barrierattr_setpshared(pthread_barrierattr_t *attr, int to);
int pthread_barrier_init(pthread_barrier_t *b, const pthread_barrierattr_t *attr, unsigned count);
int pthread_barrier_destroy(pthread_barrier_t *b);
int pthread_barrier_wait(pthread_barrier_t *b);
int pthread_spin_init(pthread_spinlock_t *s, int shared);
int pthread_spin_destroy(pthread_spinlock_t *s);
int pthread_spin_lock(pthread_spinlock_t *s); /* who holds it may wait: others give way meanwhile */
int pthread_spin_trylock(pthread_spinlock_t *s);
int pthread_spin_unlock(pthread_spinlock_t *s);

#ifdef __cplusplus
}
#endif

#endif
