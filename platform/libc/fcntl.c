/* SPDX-License-Identifier: BSD-2-Clause */
/* fcntl.c - descriptors themselves: dup, fcntl, ioctl, lockf (POSIX.1-2017). */
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "files.h"

#define SETTABLE (O_NONBLOCK | O_APPEND)

int dup(int fd)
{
    struct file *f = file_get(fd);

    return (int)posix_result(f ? file_duplicate(f, 0) : -EBADF);
}

int dup2(int fd, int to)
{
    struct file *f = file_get(fd);

    return (int)posix_result(f ? file_replace(f, to) : -EBADF);
}

static int file_set_flags(struct file *f, unsigned flags)
{
    unsigned was = f->flags;

    f->flags = (was & ~(unsigned)SETTABLE) | (flags & SETTABLE);
    if (!((was ^ f->flags) & O_NONBLOCK) || !f->ops->set_nonblock)
        return 0;
    int r = f->ops->set_nonblock(f, f->flags & O_NONBLOCK);
    if (r < 0)
        f->flags = was;
    return r;
}

/* Locks keep other processes out, and there are none: each is granted. */
static int file_lock(int cmd, struct flock *lock)
{
    if (lock->l_type != F_RDLCK && lock->l_type != F_WRLCK && lock->l_type != F_UNLCK)
        return -EINVAL;
    if (cmd == F_GETLK)
        lock->l_type = F_UNLCK;
    return 0;
}

/* There is no exec(), so close-on-exec is accepted and has no effect. */
int fcntl(int fd, int cmd, ...)
{
    struct file *f = file_get(fd);
    va_list args;
    int r = -EINVAL;

    va_start(args, cmd);
    void *pointer = va_arg(args, void *); /* or an int, which is passed alike */
    int arg = (int)(intptr_t)pointer;
    va_end(args);
    if (!f)
        r = -EBADF;
    else if (cmd == F_GETLK || cmd == F_SETLK || cmd == F_SETLKW)
        r = file_lock(cmd, pointer);
    else if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
        r = file_duplicate(f, arg);
    else if (cmd == F_GETFD || cmd == F_SETFD)
        r = 0;
    else if (cmd == F_GETFL)
        r = (int)f->flags;
    else if (cmd == F_SETFL)
        r = file_set_flags(f, (unsigned)arg);
    return (int)posix_result(r);
}

int ioctl(int fd, unsigned long request, ...)
{
    struct file *f = file_hold(fd);
    va_list args;
    int r = -ENOTTY;

    va_start(args, request);
    void *arg = va_arg(args, void *);
    va_end(args);
    if (!f)
        return (int)posix_result(-EBADF);
    if (request == FIONBIO)
        r = file_set_flags(f, (f->flags & ~(unsigned)O_NONBLOCK) |
                                  (*(const int *)arg ? O_NONBLOCK : 0));
    else if (f->ops->ioctl)
        r = f->ops->ioctl(f, request, arg);
    file_drop(f);
    return (int)posix_result(r);
}

int lockf(int fd, int cmd, off_t len)
{
    struct file *f = file_get(fd);

    (void)len;
    if (!f)
        return (int)posix_result(-EBADF);
    return (int)posix_result(cmd >= F_ULOCK && cmd <= F_TEST ? 0 : -EINVAL);
}
