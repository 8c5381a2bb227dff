/* SPDX-License-Identifier: BSD-2-Clause */
/* semaphore.h - semaphores (POSIX.1-2017), with names that are known in this image. */
#ifndef _SEMAPHORE_H
#define _SEMAPHORE_H

#include <fcntl.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    unsigned __value;
    struct __waiters __waiters;
} sem_t;

#define SEM_FAILED ((sem_t *)0)
#ifndef SEM_VALUE_MAX
#define SEM_VALUE_MAX 2147483647
#endif

int sem_init(sem_t *s, int shared, unsigned value);
int sem_destroy(sem_t *s);
int sem_wait(sem_t *s);
int sem_trywait(sem_t *s);
int sem_timedwait(sem_t *s, const struct timespec *until);
int sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *until);
int sem_post(sem_t *s);
int sem_getvalue(sem_t *s, int *out);
sem_t *sem_open(const char *name, int flags, ...); /* O_CREAT: mode and value follow */
int sem_close(sem_t *s);
int sem_unlink(const char *name);

#ifdef __cplusplus
}
#endif

#endif
