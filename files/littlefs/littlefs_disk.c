/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * littlefs_disk.c - littlefs's reads, writes and syncs as those of a disk's cache; how littlefs is
 * set up; its errors as errno values.
 */
#include <errno.h>
#include <time.h>

#include "littlefs.h"
#include "vireo/image.h"

#define CACHE_BLOCK 4096u /* bytes of a block of the disk's cache, or a part of one */

/* ---- the disk -------------------------------------------------------------------------------- */

static uint64_t littlefs_place(const struct lfs2_config *c, lfs2_block_t block, lfs2_off_t off)
{
    return (uint64_t)block * c->block_size + off;
}

/*
 * The blocks of a file are a list from its end to its start, of which each is read alone when
 * littlefs looks for free blocks. Where that goes backwards over the disk, a run of blocks is read
 * at once, so that the cache has them.
 */
static void littlefs_read_run(struct littlefs *fs, lfs2_block_t block)
{
    uint32_t size = fs->config.block_size, count = LITTLEFS_RUN / size;

    fs->backwards = block < fs->last && fs->last - block <= 2 ? fs->backwards + 1 : 0;
    fs->last = block;
    if (fs->backwards < 8 || fs->backwards % (count / 2) != 8 % (count / 2) || block < count)
        return;
    if (!fs->run)
        fs->run = malloc(LITTLEFS_RUN);
    if (fs->run)
        disk_read(fs->disk, fs->run, LITTLEFS_RUN, (uint64_t)(block - count + 1) * size, NULL);
}

/*
 * A list on a damaged disk may have no end, so the reads of one call have a limit, which no sound
 * file system reaches.
 */
static int littlefs_disk_read(const struct lfs2_config *c, lfs2_block_t block, lfs2_off_t off,
                              void *buffer, lfs2_size_t size)
{
    struct littlefs *fs = c->context;
    ssize_t n;

    LITTLEFS_COUNT(reads, 1);
    if (++fs->reads > fs->reads_max)
        return LFS2_ERR_CORRUPT;
    if (!off)
        littlefs_read_run(fs, block);
    n = disk_read(fs->disk, buffer, size, littlefs_place(c, block, off), NULL);
    return n == (ssize_t)size ? 0 : n == -ENOMEM ? LFS2_ERR_NOMEM : LFS2_ERR_IO;
}

/*
 * What is written at the start of a block comes after an erase: the rest of the cache block is of
 * no value, so zeros are written over it, and nothing has to be read from the disk.
 */
static int littlefs_disk_prog(const struct lfs2_config *c, lfs2_block_t block, lfs2_off_t off,
                              const void *buffer, lfs2_size_t size)
{
    static const uint8_t zeros[CACHE_BLOCK];
    struct littlefs *fs = c->context;
    lfs2_size_t end = lfs2_min(c->block_size, CACHE_BLOCK);
    ssize_t n;

    if (off == 0 && size < end) {
        n = disk_write(fs->disk, zeros, end, littlefs_place(c, block, 0));
        if (n != (ssize_t)end)
            return LFS2_ERR_IO;
    }
    n = disk_write(fs->disk, buffer, size, littlefs_place(c, block, off));
    return n == (ssize_t)size ? 0 : LFS2_ERR_IO;
}

static int littlefs_disk_erase(const struct lfs2_config *c, lfs2_block_t block)
{
    (void)c, (void)block;
    return 0;
}

static int littlefs_disk_sync(const struct lfs2_config *c)
{
    struct littlefs *fs = c->context;

    return disk_sync(fs->disk) ? LFS2_ERR_IO : 0;
}

/* ---- how littlefs is used -------------------------------------------------------------------- */

void littlefs_use_disk(struct littlefs *fs, struct disk *d, uint32_t block_size)
{
    uint64_t blocks = block_capacity(d->dev) / block_size;

    fs->disk = d;
    fs->config = (struct lfs2_config){
        .context = fs,
        .read = littlefs_disk_read,
        .prog = littlefs_disk_prog,
        .erase = littlefs_disk_erase,
        .sync = littlefs_disk_sync,
    };
    littlefs_configure(&fs->config, block_size,
                       blocks < UINT32_MAX ? (uint32_t)blocks : UINT32_MAX);
    fs->reads_max = 4096 + 64 * blocks;
}

/* ---- the superblock -------------------------------------------------------------------------- */

int littlefs_find_block_size(struct disk *d)
{
    uint8_t copy[32];
    uint32_t at = 0, found = 0;
    ssize_t n;

    while (!found && at <= LITTLEFS_BLOCK_MAX) {
        n = disk_read(d, copy, sizeof(copy), at, NULL);
        if (n < 0)
            return (int)n;
        found = n == sizeof(copy) ? littlefs_size_in(copy, at) : 0;
        at = at ? 2 * at : LITTLEFS_BLOCK_MIN;
    }
    return (int)found;
}

/* ---- calls and errors ------------------------------------------------------------------------ */

void littlefs_enter(struct littlefs *fs)
{
    task_mutex_lock(&fs->lock);
    fs->reads = 0;
}

static int littlefs_errno(int err)
{
    switch (err) {
    case LFS2_ERR_NOENT:
    case LFS2_ERR_NOATTR:
        return -ENOENT;
    case LFS2_ERR_EXIST:
        return -EEXIST;
    case LFS2_ERR_NOTDIR:
        return -ENOTDIR;
    case LFS2_ERR_ISDIR:
        return -EISDIR;
    case LFS2_ERR_NOTEMPTY:
        return -ENOTEMPTY;
    case LFS2_ERR_FBIG:
        return -EFBIG;
    case LFS2_ERR_INVAL:
        return -EINVAL;
    case LFS2_ERR_NOSPC:
        return -ENOSPC;
    case LFS2_ERR_NOMEM:
        return -ENOMEM;
    case LFS2_ERR_NAMETOOLONG:
        return -ENAMETOOLONG;
    default:
        return -EIO;
    }
}

int littlefs_error(struct littlefs *fs, int err)
{
    if (err == LFS2_ERR_CORRUPT && !fs->damage_told) {
        fs->damage_told = true;
        hal_log(HAL_ERROR, block_name(fs->disk->dev),
                "the file system is damaged: copy what can be read to a new disk");
    }
    return err < 0 ? littlefs_errno(err) : err;
}

int littlefs_leave(struct littlefs *fs, int err)
{
    err = littlefs_error(fs, err);
    free(fs->run);
    fs->run = NULL;
    fs->backwards = 0;
    task_mutex_unlock(&fs->lock);
    return err;
}

bool littlefs_read_only(const struct littlefs *fs)
{
    return block_read_only(fs->disk->dev);
}

uint64_t littlefs_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
