/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfs_file.c - an open database, journal or write-ahead log.
 */
#include <errno.h>
#include <string.h>

#include "vfs.h"

static int vfs_close(sqlite3_file *file)
{
    vfs_shm_unmap(file, 0);
    return vfs_unlock(file, SQLITE_LOCK_NONE);
}

/* What is behind the end reads as zeros, as SQLite wants it. */
static int vfs_read(sqlite3_file *file, void *buf, int len, sqlite3_int64 at)
{
    struct vfs_file *f = (struct vfs_file *)file;
    ssize_t n = store_read(f->disk->store, f->part, buf, (size_t)len, (uint64_t)at, &f->stream);

    if (n == len)
        return SQLITE_OK;
    if (n < 0)
        return SQLITE_IOERR_READ;
    memset((char *)buf + n, 0, (size_t)(len - n));
    return SQLITE_IOERR_SHORT_READ;
}

static int vfs_write(sqlite3_file *file, const void *buf, int len, sqlite3_int64 at)
{
    struct vfs_file *f = (struct vfs_file *)file;

    switch (store_write(f->disk->store, f->part, buf, (size_t)len, (uint64_t)at)) {
    case 0:
        return SQLITE_OK;
    case -ENOSPC:
        return SQLITE_FULL;
    default:
        return SQLITE_IOERR_WRITE;
    }
}

static int vfs_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct vfs_file *f = (struct vfs_file *)file;

    store_truncate(f->disk->store, f->part, (uint64_t)size);
    return SQLITE_OK;
}

static int vfs_sync(sqlite3_file *file, int flags)
{
    struct vfs_file *f = (struct vfs_file *)file;

    (void)flags;
    return store_sync(f->disk->store) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int vfs_size(sqlite3_file *file, sqlite3_int64 *size)
{
    struct vfs_file *f = (struct vfs_file *)file;

    *size = (sqlite3_int64)store_size(f->disk->store, f->part);
    return SQLITE_OK;
}

static int vfs_control(sqlite3_file *file, int op, void *arg)
{
    struct vfs_file *f = (struct vfs_file *)file;

    switch (op) {
    case SQLITE_FCNTL_LOCKSTATE:
        *(int *)arg = f->lock;
        return SQLITE_OK;
    case SQLITE_FCNTL_HAS_MOVED:
        *(int *)arg = 0;
        return SQLITE_OK;
    case SQLITE_FCNTL_VFSNAME:
        *(char **)arg = sqlite3_mprintf("vireo");
        return SQLITE_OK;
    case SQLITE_FCNTL_POWERSAFE_OVERWRITE:
        if (*(int *)arg >= 0)
            f->psow = *(int *)arg != 0;
        *(int *)arg = f->psow;
        return SQLITE_OK;
    default:
        return SQLITE_NOTFOUND;
    }
}

/* The cache writes whole blocks. */
static int vfs_sector_size(sqlite3_file *file)
{
    struct vfs_file *f = (struct vfs_file *)file;

    return (int)bcache_block_size(f->disk->store->disk->cache);
}

/*
 * A disk promises no more than whole sectors, in any order, until a flush: no write is atomic, and
 * none comes after another. Bytes of a block that are written again as they were stay what they
 * were, if the sectors of a write that is cut off are old or new. No name of a file can be removed.
 */
static int vfs_characteristics(sqlite3_file *file)
{
    struct vfs_file *f = (struct vfs_file *)file;

    return SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN | (f->psow ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0);
}

const sqlite3_io_methods vfs_file_methods = {
    .iVersion = 2,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_unlock,
    .xCheckReservedLock = vfs_check_reserved,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector_size,
    .xDeviceCharacteristics = vfs_characteristics,
    .xShmMap = vfs_shm_map,
    .xShmLock = vfs_shm_lock,
    .xShmBarrier = vfs_shm_barrier,
    .xShmUnmap = vfs_shm_unmap,
};
