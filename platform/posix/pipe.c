/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe.c - pipes (POSIX.1-2017; pipe2 of Linux): a ring of bytes with an end to write and an end to
 * read. A write of at most PIPE_BUF bytes is not cut.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define ROOM 65536u /* bytes that wait in a pipe at most */

struct pipe {
    struct open_file *end[2]; /* [0]: to read; NULL: no descriptor names it */
    unsigned ends;            /* whose file is not closed yet */
    struct waitq readers, writers;
    size_t at, len; /* of what waits: the first byte's place, and how many */
    char bytes[ROOM];
};

static struct pipe *pipe_of(const struct file *f)
{
    return f->ctx;
}

static void pipe_tell(struct pipe *p)
{
    waitq_wake_all(&p->readers);
    waitq_wake_all(&p->writers);
    if (p->end[0])
        file_ready(&p->end[0]->file, FILE_ANY);
    if (p->end[1])
        file_ready(&p->end[1]->file, FILE_ANY);
}

static ssize_t pipe_read(struct file *f, void *buf, size_t len)
{
    struct pipe *p = pipe_of(f);
    size_t first;

    while (!p->len && p->end[1] && p->end[0] && len) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        waitq_wait(&p->readers, HAL_NEVER);
    }
    if (!p->end[0])
        return -EBADF;
    if (len > p->len)
        len = p->len;
    first = len < ROOM - p->at ? len : ROOM - p->at;
    memcpy(buf, p->bytes + p->at, first);
    memcpy((char *)buf + first, p->bytes, len - first);
    p->at = (p->at + len) % ROOM;
    p->len -= len;
    if (len)
        pipe_tell(p);
    return (ssize_t)len;
}

static void pipe_put(struct pipe *p, const char *from, size_t len)
{
    size_t end = (p->at + p->len) % ROOM, first = len < ROOM - end ? len : ROOM - end;

    memcpy(p->bytes + end, from, first);
    memcpy(p->bytes, from + first, len - first);
    p->len += len;
    pipe_tell(p);
}

static ssize_t pipe_write(struct file *f, const void *buf, size_t len)
{
    struct pipe *p = pipe_of(f);
    size_t whole = len <= PIPE_BUF ? len : 1, done = 0;

    while (done < len) {
        size_t room = ROOM - p->len, n = len - done < room ? len - done : room;

        if (!p->end[0] || !p->end[1])
            return done ? (ssize_t)done : p->end[1] ? -EPIPE : -EBADF;
        if (room >= whole) {
            pipe_put(p, (const char *)buf + done, n);
            done += n;
        } else if (f->flags & O_NONBLOCK) {
            return done ? (ssize_t)done : -EAGAIN;
        } else {
            waitq_wait(&p->writers, HAL_NEVER);
        }
    }
    return (ssize_t)done;
}

static int pipe_poll_read(struct file *f, int events)
{
    struct pipe *p = pipe_of(f);
    int now = p->len ? POLLIN | POLLRDNORM : 0;

    return (now & events) | (p->end[1] ? 0 : POLLHUP);
}

static int pipe_poll_write(struct file *f, int events)
{
    struct pipe *p = pipe_of(f);
    int now = ROOM - p->len >= PIPE_BUF || !p->end[0] ? POLLOUT | POLLWRNORM : 0;

    return (now & events) | (p->end[0] ? 0 : POLLERR);
}

static int pipe_fstat(struct file *f, struct stat *st)
{
    (void)f;
    st->st_mode = S_IFIFO | 0600;
    st->st_nlink = 1;
    st->st_blksize = PIPE_BUF;
    return 0;
}

static int pipe_ioctl(struct file *f, unsigned long request, void *arg)
{
    if (request != FIONREAD)
        return -ENOTTY;
    *(int *)arg = (int)pipe_of(f)->len;
    return 0;
}

static void pipe_abandon(struct file *f)
{
    struct pipe *p = pipe_of(f);

    for (unsigned i = 0; i < 2; i++)
        if (p->end[i] == open_file_of(f))
            p->end[i] = NULL;
    pipe_tell(p);
}

static int pipe_close(struct file *f)
{
    struct pipe *p = pipe_of(f);

    pipe_abandon(f);
    if (!--p->ends)
        free(p);
    return 0;
}

static const struct file_ops pipe_reads = {
    .name = "pipe",
    .read = pipe_read,
    .fstat = pipe_fstat,
    .ioctl = pipe_ioctl,
    .poll = pipe_poll_read,
    .abandon = pipe_abandon,
    .close = pipe_close,
};
static const struct file_ops pipe_writes = {
    .name = "pipe",
    .write = pipe_write,
    .fstat = pipe_fstat,
    .ioctl = pipe_ioctl,
    .poll = pipe_poll_write,
    .abandon = pipe_abandon,
    .close = pipe_close,
};

/* 0, or an error: then *fd is not open. */
static int pipe_open_end(struct pipe *p, unsigned end, unsigned flags, int *fd)
{
    *fd = file_install(end ? &pipe_writes : &pipe_reads, p, flags | (end ? O_WRONLY : O_RDONLY));
    if (*fd < 0)
        return *fd;
    p->end[end] = open_file_of(file_get(*fd));
    p->ends++;
    return 0;
}

int pipe2(int fds[2], int flags)
{
    struct pipe *p;
    int fd[2], err;

    if (flags & ~(O_NONBLOCK | O_CLOEXEC))
        return (int)posix_result(-EINVAL);
    p = calloc(1, sizeof(*p));
    if (!p)
        return (int)posix_result(-ENOMEM);
    err = pipe_open_end(p, 0, (unsigned)flags & O_NONBLOCK, &fd[0]);
    if (err) {
        free(p);
        return (int)posix_result(err);
    }
    err = pipe_open_end(p, 1, (unsigned)flags & O_NONBLOCK, &fd[1]);
    if (err) {
        file_close(fd[0]);
        return (int)posix_result(err);
    }
    fds[0] = fd[0];
    fds[1] = fd[1];
    return 0;
}

int pipe(int fds[2])
{
    return pipe2(fds, 0);
}
