/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timerfd.c - <sys/timerfd.h>: timers as files. One service for all of them runs at the earliest
 * time; how often a time came is counted when somebody looks.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

#include "files.h"

struct timerfd {
    struct timerfd *next;
    struct file *file;
    struct waitq queue; /* tasks that read */
    clockid_t clock;
    uint64_t when_ns; /* of hal_now_ns(); HAL_NEVER: not set */
    uint64_t interval_ns;
    uint64_t count; /* times that came, and that were not read */
    bool closed;
};

static bool timerfd_run(struct hal_service *s);
static struct hal_service service = {.name = "timerfd", .run = timerfd_run, .next_ns = HAL_NEVER};
static struct timerfd *timers;
static const struct file_ops timerfd_ops;

/* Counts the times that came. */
static void timerfd_advance(struct timerfd *t, uint64_t now)
{
    uint64_t n = 1;

    if (t->when_ns > now)
        return;
    if (t->interval_ns) {
        n += (now - t->when_ns) / t->interval_ns;
        t->when_ns += n * t->interval_ns;
    } else {
        t->when_ns = HAL_NEVER;
    }
    t->count += n;
    waitq_wake_all(&t->queue);
    file_ready(t->file, POLLIN | POLLRDNORM);
}

/* A timer whose time was not read yet needs no further turn of the service. */
static uint64_t timerfd_next(void)
{
    uint64_t next = HAL_NEVER;

    for (const struct timerfd *t = timers; t; t = t->next)
        if (!t->count && t->when_ns < next)
            next = t->when_ns;
    return next;
}

static bool timerfd_run(struct hal_service *s)
{
    uint64_t now = hal_now_ns();

    if (s->next_ns > now)
        return false;
    for (struct timerfd *t = timers; t; t = t->next)
        timerfd_advance(t, now);
    s->next_ns = timerfd_next();
    return true;
}

static void timerfd_schedule(void)
{
    service.next_ns = timerfd_next();
    hal_service_changed(&service);
}

/* ---- as a file ------------------------------------------------------------------------------- */

static ssize_t timerfd_op_read(struct file *f, void *buf, size_t len)
{
    struct timerfd *t = f->ctx;

    if (len < sizeof(t->count))
        return -EINVAL;
    for (timerfd_advance(t, hal_now_ns()); !t->count;) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        waitq_wait(&t->queue, HAL_NEVER);
        if (t->closed)
            return -EBADF;
    }
    memcpy(buf, &t->count, sizeof(t->count));
    t->count = 0;
    timerfd_schedule();
    return sizeof(t->count);
}

static int timerfd_op_poll(struct file *f, int events)
{
    const struct timerfd *t = f->ctx;

    return t->count || t->when_ns <= hal_now_ns() ? events & (POLLIN | POLLRDNORM) : 0;
}

static void timerfd_op_abandon(struct file *f)
{
    struct timerfd *t = f->ctx;

    t->closed = true;
    waitq_wake_all(&t->queue);
}

static int timerfd_op_close(struct file *f)
{
    struct timerfd **at = &timers;

    while (*at != f->ctx)
        at = &(*at)->next;
    *at = (*at)->next;
    free(f->ctx);
    timerfd_schedule();
    return 0;
}

static const struct file_ops timerfd_ops = {.name = "timerfd",
                                            .read = timerfd_op_read,
                                            .poll = timerfd_op_poll,
                                            .abandon = timerfd_op_abandon,
                                            .close = timerfd_op_close};

/* ---- calls ----------------------------------------------------------------------------------- */

int timerfd_create(clockid_t clock, int flags)
{
    struct timerfd *t;
    int fd;

    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return (int)posix_result(-EINVAL);
    if (flags & ~(TFD_NONBLOCK | TFD_CLOEXEC))
        return (int)posix_result(-EINVAL);
    if (!(t = calloc(1, sizeof(*t))))
        return (int)posix_result(-ENOMEM);
    *t = (struct timerfd){.clock = clock, .when_ns = HAL_NEVER};
    fd = file_install(&timerfd_ops, t, O_RDWR | (unsigned)flags);
    if (fd < 0) {
        free(t);
        return (int)posix_result(fd);
    }
    if (!service.loop.changes)
        hal_service_add(&service);
    t->file = file_get(fd);
    t->next = timers;
    timers = t;
    return fd;
}

/* The timer of a descriptor: 0, -EBADF, or -EINVAL for another file. */
static int timerfd_of(int fd, struct timerfd **out)
{
    const struct file *f = file_get(fd);

    if (!f)
        return -EBADF;
    *out = f->ctx;
    return f->ops == &timerfd_ops ? 0 : -EINVAL;
}

static struct timespec timerfd_spec(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / HAL_SEC), .tv_nsec = (long)(ns % HAL_SEC)};
}

/* Nanoseconds, below HAL_NEVER; HAL_NEVER: it is no time. */
static uint64_t timerfd_ns(const struct timespec *t)
{
    if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= (long)HAL_SEC)
        return HAL_NEVER;
    if ((uint64_t)t->tv_sec >= HAL_NEVER / HAL_SEC / 4)
        return HAL_NEVER / 4;
    return (uint64_t)t->tv_sec * HAL_SEC + (uint64_t)t->tv_nsec;
}

static void timerfd_get(struct timerfd *t, struct itimerspec *out)
{
    uint64_t now = hal_now_ns();

    timerfd_advance(t, now);
    out->it_interval = timerfd_spec(t->interval_ns);
    out->it_value = timerfd_spec(t->when_ns == HAL_NEVER ? 0 : t->when_ns - now);
}

int timerfd_gettime(int fd, struct itimerspec *out)
{
    struct timerfd *t;
    int err = timerfd_of(fd, &t);

    if (!err)
        timerfd_get(t, out);
    return (int)posix_result(err);
}

static void timerfd_set(struct timerfd *t, uint64_t value, uint64_t interval, bool absolute)
{
    uint64_t now = hal_now_ns(), past = 0;
    struct timespec clock_now;

    t->count = 0;
    t->interval_ns = interval;
    t->when_ns = value ? now + value : HAL_NEVER;
    if (value && absolute) {
        clock_gettime(t->clock, &clock_now);
        past = timerfd_ns(&clock_now);
    }
    t->when_ns = past < t->when_ns ? t->when_ns - past : 0; /* 0: before the image began */
    timerfd_schedule();
}

int timerfd_settime(int fd, int flags, const struct itimerspec *to, struct itimerspec *old)
{
    uint64_t value = timerfd_ns(&to->it_value), interval = timerfd_ns(&to->it_interval);
    struct timerfd *t;
    int err = timerfd_of(fd, &t);

    if (!err && ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) || value == HAL_NEVER ||
                 interval == HAL_NEVER))
        err = -EINVAL;
    if (err)
        return (int)posix_result(err);
    if (old)
        timerfd_get(t, old);
    timerfd_set(t, value, interval, flags & TFD_TIMER_ABSTIME);
    return 0;
}
