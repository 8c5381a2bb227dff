/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aio.c - asynchronous requests to files (POSIX.1-2017, <aio.h>). Those of a disk belong to
 * disk_async.h from their beginning to their end, without a task. Those of another file are made in
 * order by tasks, eight at most, which end when there is nothing left to do. A sync begins when all
 * requests of its file that were made before it have ended.
 */
#include "aio_impl.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define AIO_TASKS 8u

static struct aio *aio_all, **aio_last = &aio_all; /* in the order in which they were made */
static unsigned aio_tasks;
struct waitq aio_ended;

static void aio_start(struct aio *a);

/* ---- the end --------------------------------------------------------------------------------- */

static void aio_unlink(struct aio *a)
{
    struct aio **at = &aio_all;

    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    if (!*at)
        aio_last = at;
}

/* Does an earlier request of the file keep the sync a from beginning? */
static bool aio_held_back(const struct aio *a)
{
    const struct aio *o = aio_all;

    if (a->op != AIO_SYNC)
        return false;
    while (o != a && o->file != a->file)
        o = o->next;
    return o != a;
}

static void aio_start_held(void)
{
    for (struct aio *a = aio_all; a; a = a->next)
        if (a->on_disk && !a->running && !aio_held_back(a))
            aio_start(a);
}

static void aio_end(struct aio *a, ssize_t result)
{
    struct aiocb *cb = a->cb;
    struct aio_group *group = a->group;
    struct file *f = a->file;
    struct sigevent event = cb->aio_sigevent;

    aio_unlink(a);
    free(a);
    cb->aio_value = result < 0 ? -1 : result;
    cb->aio_state = result < 0 ? (int)-result : 0;
    aio_notify(&event);
    if (group)
        aio_group_ended(group, result < 0);
    waitq_wake_all(&aio_ended);
    aio_start_held();
    file_drop(f);
}

/* ---- on a disk ------------------------------------------------------------------------------- */

static void aio_disk_ended(struct disk_async *d)
{
    struct aio *a = (struct aio *)d;
    ssize_t result = d->result;

    if (d->op == DISK_ASYNC_WRITE && result > 0 && a->file->flags & O_SYNC) {
        a->written = result;
        d->op = DISK_ASYNC_SYNC;
        disk_start(d);
        return;
    }
    if (d->op == DISK_ASYNC_SYNC)
        result = disk_file_synced(a->file, (int)result);
    aio_end(a, result ? result : a->written);
}

static void aio_start(struct aio *a)
{
    static const enum disk_async_op ops[] = {
        [LIO_READ] = DISK_ASYNC_READ, [LIO_WRITE] = DISK_ASYNC_WRITE, [AIO_SYNC] = DISK_ASYNC_SYNC};

    a->running = true;
    a->disk.op = ops[a->op];
    a->disk.buf = (uint8_t *)a->cb->aio_buf;
    a->disk.len = a->cb->aio_nbytes;
    a->disk.at = (uint64_t)a->cb->aio_offset;
    a->disk.ended = aio_disk_ended;
    disk_start(&a->disk);
}

/* ---- by a task ------------------------------------------------------------------------------- */

static ssize_t aio_do_read(struct file *f, void *buf, size_t len, off_t at)
{
    if (f->ops->pread)
        return f->ops->pread(f, buf, len, at);
    return f->ops->read ? f->ops->read(f, buf, len) : f->ops->readdir ? -EISDIR : -EINVAL;
}

/* With O_APPEND the place does not matter. */
static ssize_t aio_do_write(struct file *f, const void *buf, size_t len, off_t at)
{
    if (f->ops->write && (!f->ops->pwrite || f->flags & O_APPEND))
        return f->ops->write(f, buf, len);
    return f->ops->pwrite ? f->ops->pwrite(f, buf, len, at) : -EINVAL;
}

static ssize_t aio_do(const struct aio *a)
{
    void *buf = (void *)(uintptr_t)a->cb->aio_buf;

    if (a->op == LIO_READ)
        return aio_do_read(a->file, buf, a->cb->aio_nbytes, a->cb->aio_offset);
    if (a->op == LIO_WRITE)
        return aio_do_write(a->file, buf, a->cb->aio_nbytes, a->cb->aio_offset);
    return a->file->ops->fsync ? a->file->ops->fsync(a->file) : -EINVAL;
}

/* The first request that a task can begin, or NULL. */
static struct aio *aio_next(void)
{
    struct aio *a = aio_all;

    while (a && (a->on_disk || a->running || aio_held_back(a)))
        a = a->next;
    return a;
}

static void aio_task(void *arg)
{
    struct aio *a;

    (void)arg;
    while ((a = aio_next())) {
        a->running = true;
        aio_end(a, aio_do(a));
    }
    aio_tasks--;
}

/* False: there is no task, and no memory for one. */
static bool aio_have_task(void)
{
    if (aio_tasks < AIO_TASKS && task_spawn("aio", aio_task, NULL, 0))
        aio_tasks++;
    return aio_tasks;
}

/* ---- the beginning --------------------------------------------------------------------------- */

/* 0, or an errno value. */
static int aio_check(const struct file *f, int op, const struct aiocb *cb)
{
    int mode = f ? (int)(f->flags & O_ACCMODE) : 0;

    if (!f || (op == LIO_READ && mode == O_WRONLY) || (op == LIO_WRITE && mode == O_RDONLY))
        return EBADF;
    if (!aio_can_notify(&cb->aio_sigevent))
        return EINVAL;
    if (op == AIO_SYNC)
        return f->ops->fsync ? 0 : EINVAL;
    if (cb->aio_offset < 0 || cb->aio_nbytes > PTRDIFF_MAX || cb->aio_reqprio < 0 ||
        cb->aio_reqprio > AIO_PRIO_DELTA_MAX)
        return EINVAL;
    return 0;
}

/* f is the request's from here on. 0, or an errno value. */
static int aio_enter(struct file *f, int op, struct aiocb *cb, struct aio_group *group)
{
    struct aio *a = calloc(1, sizeof(*a));
    struct disk_place p;

    if (!a)
        return EAGAIN;
    *a = (struct aio){.cb = cb, .file = f, .op = op, .group = group};
    a->on_disk = disk_file_place(f, &p);
    if (a->on_disk)
        a->disk.disk = p.disk;
    else if (!aio_have_task()) {
        free(a);
        return EAGAIN;
    }
    cb->aio_state = EINPROGRESS;
    *aio_last = a;
    aio_last = &a->next;
    if (a->on_disk && !aio_held_back(a))
        aio_start(a);
    return 0;
}

int aio_make(int op, struct aiocb *cb, struct aio_group *group)
{
    struct file *f = file_hold(cb->aio_fildes);
    int err = aio_check(f, op, cb);

    if (!err)
        err = aio_enter(f, op, cb, group);
    if (err && f)
        file_drop(f);
    if (err) {
        cb->aio_state = err;
        cb->aio_value = -1;
    }
    return err;
}

/* ---- taking back ----------------------------------------------------------------------------- */

/* One that has not begun. */
static int aio_take_back(struct aio *a)
{
    if (a->running)
        return AIO_NOTCANCELED;
    aio_end(a, -ECANCELED);
    return AIO_CANCELED;
}

static int aio_worst(int a, int b)
{
    if (a == AIO_NOTCANCELED || b == AIO_NOTCANCELED)
        return AIO_NOTCANCELED;
    return a == AIO_CANCELED || b == AIO_CANCELED ? AIO_CANCELED : AIO_ALLDONE;
}

int aio_cancel(int fd, struct aiocb *cb)
{
    const struct file *f = file_get(fd);
    int said = AIO_ALLDONE;
    struct aio *a = aio_all;

    if (!f || (cb && cb->aio_fildes != fd)) {
        errno = f ? EINVAL : EBADF;
        return -1;
    }
    while (a) {
        bool meant = cb ? a->cb == cb : a->cb->aio_fildes == fd;
        int one = meant ? aio_take_back(a) : AIO_ALLDONE;

        said = aio_worst(said, one);
        a = one == AIO_CANCELED ? aio_all : a->next; /* others may have ended meanwhile */
    }
    return said;
}
