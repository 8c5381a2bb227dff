/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/_pthreadtypes.h - the types of <pthread.h> that <sys/types.h> has, in place of newlib's. */
#ifndef _SYS__PTHREADTYPES_H_
#define _SYS__PTHREADTYPES_H_

#include <sys/sched.h>

/* Threads that wait, the first and the last: a struct waitq of vireo/task.h. */
struct __waiters {
    void *__head, *__tail;
};

typedef struct pthread *pthread_t;

typedef struct {
    __SIZE_TYPE__ __stack, __guard;
    int __detached, __inherit;
} pthread_attr_t;

typedef struct {
    unsigned char __type, __robust, __protocol, __shared;
} pthread_mutexattr_t;

typedef struct pthread_mutex {
    void *__owner;
    unsigned __depth;
    unsigned char __type, __robust, __protocol, __state;
    struct __waiters __waiters;
    struct pthread_mutex *__next; /* of the robust ones that a thread holds */
} pthread_mutex_t;

typedef struct {
    unsigned char __monotonic, __shared;
} pthread_condattr_t;

typedef struct {
    struct __waiters __waiters;
    unsigned __monotonic;
} pthread_cond_t;

typedef struct {
    unsigned char __shared;
} pthread_rwlockattr_t;

typedef struct {
    void *__writer;
    unsigned __readers;
    struct __waiters __to_read, __to_write;
} pthread_rwlock_t;

typedef struct {
    unsigned char __shared;
} pthread_barrierattr_t;

typedef struct {
    struct __waiters __waiters;
    unsigned __count, __arrived;
} pthread_barrier_t;

typedef struct {
    void *__owner;
} pthread_spinlock_t;

typedef unsigned pthread_key_t;

typedef struct {
    int __state;
    struct __waiters __waiters;
} pthread_once_t;

#endif
