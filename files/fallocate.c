/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fallocate.c - fallocate() (Linux) and posix_fallocate() (POSIX.1-2017). A disk has all of its
 * blocks, and can make zeros of a range; a file that can grow gets blocks for its new end.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "disk.h"

#define FALLOC_KNOWN (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)

/* What Linux checks before it asks the file. 0, or an errno value. */
static int fallocate_check(const struct file *f, int mode, off_t at, off_t len,
                           const struct stat *st)
{
    off_t end;

    if (at < 0 || len <= 0)
        return EINVAL;
    if (mode & ~FALLOC_KNOWN ||
        (mode & FALLOC_FL_PUNCH_HOLE && mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)))
        return EOPNOTSUPP;
    if ((f->flags & O_ACCMODE) == O_RDONLY)
        return EBADF;
    if (S_ISFIFO(st->st_mode))
        return ESPIPE;
    if (S_ISDIR(st->st_mode))
        return EISDIR;
    if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
        return ENODEV;
    return __builtin_add_overflow(at, len, &end) ? EFBIG : 0;
}

/* Zeros on a disk; with KEEP_SIZE what is behind its end does not matter. */
static int fallocate_disk(struct file *f, const struct disk_place *p, int mode, off_t at, off_t len)
{
    uint64_t from = (uint64_t)at, count = (uint64_t)len;
    int err;

    if (!(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
        return EOPNOTSUPP;
    if (from >= p->len || (count > p->len - from && !(mode & FALLOC_FL_KEEP_SIZE)))
        return EINVAL;
    if (count > p->len - from)
        count = p->len - from;
    err = -disk_zero(p->disk, from, count, mode & FALLOC_FL_PUNCH_HOLE);
    return err || !(f->flags & O_SYNC) ? err : -f->ops->fsync(f);
}

/* A file's new end is written with zeros, so that it has its blocks; it has no holes before. */
static int fallocate_file(struct file *f, off_t end, off_t size)
{
    if (!f->ops->truncate)
        return EOPNOTSUPP;
    return end > size ? -f->ops->truncate(f, end) : 0;
}

/* 0, or an errno value. regular: nothing but a regular file has blocks to be given. */
static int fallocate_fd(int fd, int mode, off_t at, off_t len, bool regular)
{
    struct file *f = file_hold(fd);
    struct disk_place p;
    struct stat st;
    int err;

    if (!f)
        return EBADF;
    err = fstat(fd, &st) ? ENODEV : fallocate_check(f, mode, at, len, &st);
    if (!err && regular && !S_ISREG(st.st_mode))
        err = ENODEV;
    if (!err && disk_file_place(f, &p))
        err = fallocate_disk(f, &p, mode, at, len);
    else if (!err)
        err = mode ? EOPNOTSUPP : fallocate_file(f, at + len, st.st_size);
    file_drop(f);
    return err;
}

int posix_fallocate(int fd, off_t at, off_t len)
{
    return fallocate_fd(fd, 0, at, len, true);
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
    int err = fallocate_fd(fd, mode, at, len, false);

    if (err)
        errno = err;
    return err ? -1 : 0;
}
