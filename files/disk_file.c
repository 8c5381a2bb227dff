/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_file.c - block devices as files: /dev/vblkN. All files of a disk share its cache. Each write
 * that failed, also one that no call waited for, is told once to each descriptor, by its next
 * fsync().
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "disk.h"
#include "vireo/image.h"
#include "vireo/task.h"

#define DISK_END_STATUS 74 /* EX_IOERR of <sysexits.h> */

struct disk_file {
    struct disk *disk;
    struct bcache_stream stream;
    uint64_t seen; /* bcache_errors() that this descriptor was told of */
};

int disk_file_synced(struct file *f, int err)
{
    struct disk_file *df = f->ctx;
    uint64_t errors = bcache_errors(df->disk->cache);

    if (errors == df->seen)
        return err;
    df->seen = df->disk->reported = errors;
    return -EIO;
}

static int disk_file_sync(struct file *f)
{
    struct disk_file *df = f->ctx;

    return disk_file_synced(f, disk_sync(df->disk));
}

static ssize_t disk_file_pread(struct file *f, void *buf, size_t len, off_t at)
{
    struct disk_file *df = f->ctx;

    return at < 0 ? -EINVAL : disk_read(df->disk, buf, len, (uint64_t)at, &df->stream);
}

static ssize_t disk_file_lend(struct file *f, size_t len, off_t at, struct file_loan *loan)
{
    struct disk_file *df = f->ctx;

    return at < 0 ? -EINVAL : disk_lend(df->disk, len, (uint64_t)at, &df->stream, loan);
}

static ssize_t disk_file_pwrite(struct file *f, const void *buf, size_t len, off_t at)
{
    struct disk_file *df = f->ctx;
    ssize_t n = at < 0 ? -EINVAL : disk_write(df->disk, buf, len, (uint64_t)at);
    int err;

    if (n <= 0 || !(f->flags & O_SYNC))
        return n;
    err = disk_file_sync(f);
    return err ? err : n;
}

int disk_stat(const struct block_device *dev, struct stat *st)
{
    *st = (struct stat){0};
    st->st_mode = S_IFBLK | (block_read_only(dev) ? 0444 : 0666);
    st->st_nlink = 1;
    st->st_size = (off_t)block_capacity(dev);
    st->st_blksize = block_size(dev) > 4096 ? (blksize_t)block_size(dev) : 4096;
    st->st_blocks = (blkcnt_t)(block_capacity(dev) / 512);
    return st->st_size >= 0 && (uint64_t)st->st_size == block_capacity(dev) ? 0 : -EOVERFLOW;
}

static int disk_file_stat(struct file *f, struct stat *st)
{
    struct disk_file *df = f->ctx;

    return disk_stat(df->disk->dev, st);
}

static int disk_file_close(struct file *f)
{
    free(f->ctx);
    return 0;
}

static const struct file_ops disk_ops = {
    .name = "disk",
    .pread = disk_file_pread,
    .lend = disk_file_lend,
    .pwrite = disk_file_pwrite,
    .fstat = disk_file_stat,
    .fsync = disk_file_sync,
    .close = disk_file_close,
};

bool disk_file_place(struct file *f, struct disk_place *p)
{
    struct disk_file *df = f->ctx;

    if (f->ops != &disk_ops)
        return false;
    *p = (struct disk_place){df->disk, 0, block_capacity(df->disk->dev), &df->stream};
    return true;
}

/* The image ends. Where nothing may park, as in a service, nothing can be written. */
static void disk_end(void)
{
    if (task_may_park() && !disk_sync_all())
        vireo_end_failed(DISK_END_STATUS);
}

/* All disks are synced when the image ends, after all that could still write to them. */
void disk_sync_at_end(void)
{
    static bool done;

    if (!done)
        done = vireo_before_end(disk_end) == 0;
}

/* Why the disk cannot be opened so, or 0. */
static int disk_check_flags(const struct block_device *dev, int flags)
{
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if (flags & O_DIRECTORY)
        return -ENOTDIR;
    if ((flags & O_ACCMODE) != O_RDONLY && block_read_only(dev))
        return -EROFS;
    return block_dead(dev) ? -EIO : 0;
}

int disk_open(struct block_device *dev, int flags)
{
    int err = disk_check_flags(dev, flags), fd;
    struct disk_file *df;

    if (err)
        return err;
    df = calloc(1, sizeof(*df));
    if (!df)
        return -ENOMEM;
    df->disk = disk_of(dev);
    fd = df->disk ? file_install(&disk_ops, df, (unsigned)flags) : -ENOMEM;
    if (fd < 0) {
        free(df);
        return fd;
    }
    df->seen = df->disk->reported;
    if ((flags & O_ACCMODE) != O_RDONLY)
        disk_sync_at_end();
    return fd;
}
