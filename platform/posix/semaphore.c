/* SPDX-License-Identifier: BSD-2-Clause */
/* semaphore.c - <semaphore.h>: sem_post gives to the thread that waits longest. */
#include <limits.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "thread.h"

int sem_init(sem_t *s, int shared, unsigned value)
{
    (void)shared;
    if (value > SEM_VALUE_MAX)
        return (int)posix_result(-EINVAL);
    *s = (sem_t){.__value = value};
    return 0;
}

int sem_destroy(sem_t *s)
{
    return s->__waiters.__head ? (int)posix_result(-EBUSY) : 0;
}

int sem_trywait(sem_t *s)
{
    if (!s->__value)
        return (int)posix_result(-EAGAIN);
    s->__value--;
    return 0;
}

static int sem_take(sem_t *s, uint64_t deadline)
{
    int err;

    pthread_testcancel();
    if (s->__value) {
        s->__value--;
        return 0;
    }
    err = thread_wait(thread_queue(&s->__waiters), deadline);
    if (err == -EINTR)
        pthread_testcancel();
    return (int)posix_result(err);
}

int sem_wait(sem_t *s)
{
    return sem_take(s, HAL_NEVER);
}

int sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *until)
{
    uint64_t deadline = HAL_NEVER;
    int err = s->__value ? 0 : thread_deadline(clock, until, &deadline);

    return err ? (int)posix_result(-err) : sem_take(s, deadline);
}

int sem_timedwait(sem_t *s, const struct timespec *until)
{
    return sem_clockwait(s, CLOCK_REALTIME, until);
}

int sem_post(sem_t *s)
{
    if (waitq_wake_first(thread_queue(&s->__waiters)))
        return 0;
    if (s->__value == SEM_VALUE_MAX)
        return (int)posix_result(-EOVERFLOW);
    s->__value++;
    return 0;
}

int sem_getvalue(sem_t *s, int *out)
{
    *out = (int)s->__value;
    return 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

struct named_sem {
    sem_t sem; /* first: sem_close finds the rest by it */
    struct named_sem *next;
    unsigned opened;
    bool unlinked;
    char name[];
};
static struct named_sem *named;

static struct named_sem **sem_find(const char *name)
{
    struct named_sem **at = &named;

    while (*at && ((*at)->unlinked || strcmp((*at)->name, name) != 0))
        at = &(*at)->next;
    return at;
}

static int sem_check_name(const char *name)
{
    if (name[0] != '/' || !name[1] || strchr(name + 1, '/'))
        return -EINVAL;
    return strlen(name) > NAME_MAX ? -ENAMETOOLONG : 0;
}

static int sem_make(const char *name, unsigned value, struct named_sem **out)
{
    struct named_sem *s;

    if (value > SEM_VALUE_MAX)
        return -EINVAL;
    if (!(s = calloc(1, sizeof(*s) + strlen(name) + 1)))
        return -ENOMEM;
    strcpy(s->name, name);
    s->sem.__value = value;
    s->next = named;
    named = *out = s;
    return 0;
}

sem_t *sem_open(const char *name, int flags, ...)
{
    struct named_sem *s = *sem_find(name);
    int err = sem_check_name(name);

    if (!err && s && (flags & O_CREAT) && (flags & O_EXCL))
        err = -EEXIST;
    if (!err && !s) {
        va_list ap;
        va_start(ap, flags);
        err = -ENOENT;
        if (flags & O_CREAT) {
            (void)va_arg(ap, int); /* its mode: there is one user */
            err = sem_make(name, va_arg(ap, unsigned), &s);
        }
        va_end(ap);
    }
    if (posix_result(err) < 0)
        return SEM_FAILED;
    s->opened++;
    return &s->sem;
}

static void sem_free_unused(struct named_sem *s)
{
    struct named_sem **at = &named;

    if (s->opened || !s->unlinked)
        return;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    free(s);
}

int sem_close(sem_t *sem)
{
    struct named_sem *s = named;

    while (s && &s->sem != sem)
        s = s->next;
    if (!s || !s->opened)
        return (int)posix_result(-EINVAL);
    s->opened--;
    sem_free_unused(s);
    return 0;
}

int sem_unlink(const char *name)
{
    struct named_sem *s = *sem_find(name);

    if (!s)
        return (int)posix_result(-ENOENT);
    s->unlinked = true;
    sem_free_unused(s);
    return 0;
}
