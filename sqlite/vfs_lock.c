/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfs_lock.c - locks between connections to one disk, and the memory of a write-ahead log's index.
 * No other machine has the disk, so all of that is in memory. Nothing here parks: a lock that
 * another connection has is SQLITE_BUSY, and SQLite's busy handler waits.
 */
#include <stdlib.h>

#include "vfs.h"

int vfs_lock(sqlite3_file *file, int level)
{
    struct vfs_file *f = (struct vfs_file *)file;
    struct vfs_disk *d = f->disk;

    if (f->lock >= level)
        return SQLITE_OK;
    if (d->writer && d->writer != f &&
        (level > SQLITE_LOCK_SHARED || d->writer->lock >= SQLITE_LOCK_PENDING))
        return SQLITE_BUSY;
    if (f->lock == SQLITE_LOCK_NONE)
        d->readers++;
    if (level == SQLITE_LOCK_SHARED) {
        f->lock = SQLITE_LOCK_SHARED;
        return SQLITE_OK;
    }
    d->writer = f;
    /* No reader comes any more; those that are there must leave first. */
    f->lock = level == SQLITE_LOCK_EXCLUSIVE && d->readers > 1 ? SQLITE_LOCK_PENDING : level;
    return f->lock == level ? SQLITE_OK : SQLITE_BUSY;
}

int vfs_unlock(sqlite3_file *file, int level)
{
    struct vfs_file *f = (struct vfs_file *)file;
    struct vfs_disk *d = f->disk;

    if (f->lock <= level)
        return SQLITE_OK;
    if (d->writer == f)
        d->writer = NULL;
    if (level == SQLITE_LOCK_NONE)
        d->readers--;
    f->lock = level;
    return SQLITE_OK;
}

int vfs_check_reserved(sqlite3_file *file, int *reserved)
{
    *reserved = ((struct vfs_file *)file)->disk->writer != NULL;
    return SQLITE_OK;
}

/* ---- the index of a write-ahead log ---------------------------------------------------------- */

/* Makes room for so many regions. */
static int vfs_shm_extend(struct vfs_disk *d, unsigned count)
{
    void **regions = realloc(d->regions, count * sizeof(*regions));

    if (!regions)
        return SQLITE_IOERR_NOMEM;
    d->regions = regions;
    while (d->region_count < count) {
        void *region = calloc(1, d->region_size);

        if (!region)
            return SQLITE_IOERR_NOMEM;
        regions[d->region_count++] = region;
    }
    return SQLITE_OK;
}

int vfs_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    struct vfs_file *f = (struct vfs_file *)file;
    struct vfs_disk *d = f->disk;

    *out = NULL;
    if (!f->mapped) {
        f->mapped = true;
        d->mapped++;
    }
    if (!d->region_count)
        d->region_size = (unsigned)size;
    if ((unsigned)size != d->region_size)
        return SQLITE_IOERR_SHMSIZE;
    if ((unsigned)region >= d->region_count) {
        int err = extend ? vfs_shm_extend(d, (unsigned)region + 1) : SQLITE_OK;

        if (err || !extend)
            return err;
    }
    *out = d->regions[region];
    return SQLITE_OK;
}

static bool vfs_shm_free(const struct vfs_file *f, unsigned slot, bool shared)
{
    const struct vfs_disk *d = f->disk;
    unsigned own = f->shm_shared >> slot & 1;

    return (!d->shm_writer[slot] || d->shm_writer[slot] == f) &&
           (shared || d->shm_readers[slot] == own);
}

/* Takes or gives back a slot that can be taken. */
static void vfs_shm_set(struct vfs_file *f, unsigned slot, int flags)
{
    struct vfs_disk *d = f->disk;
    unsigned bit = 1u << slot;

    if (flags == (SQLITE_SHM_LOCK | SQLITE_SHM_SHARED) && !(f->shm_shared & bit)) {
        f->shm_shared |= bit;
        d->shm_readers[slot]++;
    } else if (flags == (SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE)) {
        d->shm_writer[slot] = f;
    } else if (flags & SQLITE_SHM_UNLOCK) {
        if (d->shm_writer[slot] == f)
            d->shm_writer[slot] = NULL;
        if (f->shm_shared & bit)
            d->shm_readers[slot]--;
        f->shm_shared &= ~bit;
    }
}

int vfs_shm_lock(sqlite3_file *file, int slot, int count, int flags)
{
    struct vfs_file *f = (struct vfs_file *)file;

    for (int i = slot; i < slot + count; i++)
        if ((flags & SQLITE_SHM_LOCK) &&
            !vfs_shm_free(f, (unsigned)i, (flags & SQLITE_SHM_SHARED) != 0))
            return SQLITE_BUSY;
    for (int i = slot; i < slot + count; i++)
        vfs_shm_set(f, (unsigned)i, flags);
    return SQLITE_OK;
}

/* Tasks share one CPU, and no task is interrupted by another. */
void vfs_shm_barrier(sqlite3_file *file)
{
    (void)file;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

int vfs_shm_unmap(sqlite3_file *file, int remove)
{
    struct vfs_file *f = (struct vfs_file *)file;
    struct vfs_disk *d = f->disk;

    (void)remove;
    if (!f->mapped)
        return SQLITE_OK;
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++)
        vfs_shm_set(f, (unsigned)i, SQLITE_SHM_UNLOCK);
    f->mapped = false;
    if (--d->mapped)
        return SQLITE_OK;
    while (d->region_count)
        free(d->regions[--d->region_count]);
    free(d->regions);
    d->regions = NULL;
    return SQLITE_OK;
}
