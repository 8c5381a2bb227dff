/* SPDX-License-Identifier: BSD-2-Clause */
/* eventfd.c - <sys/eventfd.h>: a counter as a file. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "files.h"

#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
    uint64_t count;
    struct waitq queue; /* tasks that read or write */
    bool one;           /* EFD_SEMAPHORE */
    bool closed;
};

/* Waits until the counter changes: 0, -EAGAIN, -EBADF. */
static int eventfd_wait(const struct file *f, struct eventfd *e)
{
    if (f->flags & O_NONBLOCK)
        return -EAGAIN;
    waitq_wait(&e->queue, HAL_NEVER);
    return e->closed ? -EBADF : 0;
}

static void eventfd_set(struct file *f, struct eventfd *e, uint64_t count, int events)
{
    e->count = count;
    waitq_wake_all(&e->queue);
    file_ready(f, events);
}

static ssize_t eventfd_op_read(struct file *f, void *buf, size_t len)
{
    struct eventfd *e = f->ctx;
    uint64_t value;
    int err;

    if (len < sizeof(value))
        return -EINVAL;
    while (!e->count)
        if ((err = eventfd_wait(f, e)))
            return err;
    value = e->one ? 1 : e->count;
    memcpy(buf, &value, sizeof(value));
    eventfd_set(f, e, e->count - value, POLLOUT | POLLWRNORM);
    return sizeof(value);
}

static ssize_t eventfd_op_write(struct file *f, const void *buf, size_t len)
{
    struct eventfd *e = f->ctx;
    uint64_t value;
    int err;

    if (len < sizeof(value))
        return -EINVAL;
    memcpy(&value, buf, sizeof(value));
    if (value > COUNT_MAX)
        return -EINVAL;
    while (value > COUNT_MAX - e->count)
        if ((err = eventfd_wait(f, e)))
            return err;
    eventfd_set(f, e, e->count + value, POLLIN | POLLRDNORM);
    return sizeof(value);
}

static int eventfd_op_poll(struct file *f, int events)
{
    const struct eventfd *e = f->ctx;

    return events & ((e->count ? POLLIN | POLLRDNORM : 0) |
                     (e->count < COUNT_MAX ? POLLOUT | POLLWRNORM : 0));
}

static void eventfd_op_abandon(struct file *f)
{
    struct eventfd *e = f->ctx;

    e->closed = true;
    waitq_wake_all(&e->queue);
}

static int eventfd_op_close(struct file *f)
{
    free(f->ctx);
    return 0;
}

static const struct file_ops eventfd_ops = {.name = "eventfd",
                                            .read = eventfd_op_read,
                                            .write = eventfd_op_write,
                                            .poll = eventfd_op_poll,
                                            .abandon = eventfd_op_abandon,
                                            .close = eventfd_op_close};

int eventfd(unsigned count, int flags)
{
    struct eventfd *e;
    int fd;

    if (flags & ~(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC))
        return (int)posix_result(-EINVAL);
    if (!(e = calloc(1, sizeof(*e))))
        return (int)posix_result(-ENOMEM);
    e->count = count;
    e->one = flags & EFD_SEMAPHORE;
    fd = file_install(&eventfd_ops, e, O_RDWR | ((unsigned)flags & EFD_NONBLOCK));
    if (fd < 0)
        free(e);
    return (int)posix_result(fd);
}

int eventfd_read(int fd, eventfd_t *value)
{
    return read(fd, value, sizeof(*value)) == sizeof(*value) ? 0 : -1;
}

int eventfd_write(int fd, eventfd_t value)
{
    return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}
