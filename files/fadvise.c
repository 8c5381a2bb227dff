/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fadvise.c - posix_fadvise() (POSIX.1-2017) and sync_file_range() (Linux): what the cache of a
 * disk does with the bytes of a file. They count for disks, and for files of a tree on a disk; what
 * other files hold in memory is no business of theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "disk.h"

/* Bytes [at, at + len) of the file; len 0: up to its end. False: the file does not reach there. */
static bool fadvise_clip(struct disk_place *p, uint64_t at, uint64_t len)
{
    if (at >= p->len)
        return false;
    if (!len || len > p->len - at)
        len = p->len - at;
    p->at += at;
    p->len = len;
    return true;
}

/* All blocks that the bytes touch. */
static void fadvise_will_need(const struct disk_place *p)
{
    uint64_t size = bcache_block_size(p->disk->cache), first = p->at / size;

    bcache_will_need(p->disk->cache, first, (p->at + p->len + size - 1) / size - first);
}

/* Blocks that hold nothing else; the end of the disk ends a block, too. */
static void fadvise_wont_need(const struct disk_place *p)
{
    uint64_t size = bcache_block_size(p->disk->cache), first = (p->at + size - 1) / size;
    uint64_t end = p->at + p->len, last = end / size;

    if (end >= block_capacity(p->disk->dev))
        last = (end + size - 1) / size;
    if (last > first)
        bcache_wont_need(p->disk->cache, first, last - first);
}

static void fadvise_do(struct disk_place *p, uint64_t at, uint64_t len, int advice)
{
    switch (advice) {
    case POSIX_FADV_NORMAL:
        p->stream->habit = BCACHE_HABIT_SEEN;
        break;
    case POSIX_FADV_SEQUENTIAL:
        p->stream->habit = BCACHE_HABIT_IN_TURN;
        break;
    case POSIX_FADV_RANDOM:
        p->stream->habit = BCACHE_HABIT_RANDOM;
        break;
    case POSIX_FADV_WILLNEED:
        if (fadvise_clip(p, at, len))
            fadvise_will_need(p);
        break;
    case POSIX_FADV_DONTNEED:
        if (fadvise_clip(p, at, len))
            fadvise_wont_need(p);
        break;
    default: /* POSIX_FADV_NOREUSE: what is used once leaves the cache early anyway */
        break;
    }
}

int posix_fadvise(int fd, off_t at, off_t len, int advice)
{
    struct file *f = file_hold(fd);
    struct disk_place p;
    struct stat st;
    int err = 0;

    if (!f)
        return EBADF;
    if (fstat(fd, &st) || S_ISFIFO(st.st_mode))
        err = ESPIPE;
    else if (len < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
        err = EINVAL;
    else if (at >= 0 && (disk_file_place(f, &p) || ftree_file_place(f, &p)))
        fadvise_do(&p, (uint64_t)at, (uint64_t)len, advice);
    file_drop(f);
    return err;
}

/* ---- sync_file_range() ----------------------------------------------------------------------- */

#define RANGE_FLAGS                                                                                \
    (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

/* Who waits has a flush as well, and hears of errors as an fsync() does. */
static int range_sync(struct file *f, unsigned flags)
{
    struct disk_place p;

    if (!flags || !f->ops->fsync)
        return 0;
    if (flags != SYNC_FILE_RANGE_WRITE || !disk_file_place(f, &p))
        return f->ops->fsync(f);
    bcache_write_out(p.disk->cache);
    return 0;
}

int sync_file_range(int fd, off_t at, off_t len, unsigned flags)
{
    struct file *f = file_hold(fd);
    struct stat st;
    off_t end;
    int err = f ? 0 : EBADF;

    if (f && (flags & ~(unsigned)RANGE_FLAGS || at < 0 || len < 0 ||
              __builtin_add_overflow(at, len, &end)))
        err = EINVAL;
    else if (f && (fstat(fd, &st) ||
                   !(S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) || S_ISDIR(st.st_mode))))
        err = ESPIPE;
    if (!err)
        err = -range_sync(f, flags);
    if (f)
        file_drop(f);
    errno = err ? err : errno;
    return err ? -1 : 0;
}
