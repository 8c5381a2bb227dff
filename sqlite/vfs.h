/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfs.h - what the files of the VFS share. The VFS "vireo" is SQLite's default in an image: the
 * name of a database is that of a disk, "/dev/vblk0" or "vblk0", which holds a store (store.h).
 */
#ifndef VIREO_SQLITE_VFS_H
#define VIREO_SQLITE_VFS_H

#include <sqlite3.h>

#include "sqlite_options.h"
#include "store.h"

/* What all connections to one disk share. */
struct vfs_disk {
    struct store *store;
    struct vfs_file *writer; /* has RESERVED, PENDING or EXCLUSIVE */
    unsigned readers;        /* files with SHARED or more */
    /* the memory of a write-ahead log's index, and the locks on it */
    void **regions;
    unsigned region_count, region_size, mapped; /* mapped: files that have it */
    unsigned shm_readers[SQLITE_SHM_NLOCK];
    struct vfs_file *shm_writer[SQLITE_SHM_NLOCK];
};

struct vfs_file {
    sqlite3_file base; /* first: it is cast to its vfs_file */
    struct vfs_disk *disk;
    enum store_part part;
    struct bcache_stream stream;
    int lock;            /* SQLITE_LOCK_* */
    unsigned shm_shared; /* slots, a bit each */
    bool mapped;
    bool psow; /* a write that is cut off leaves the bytes beside it alone */
};

extern const sqlite3_io_methods vfs_file_methods;
extern const sqlite3_mutex_methods vfs_mutex_methods;

/* vfs_lock.c: as sqlite3_io_methods has them. */
int vfs_lock(sqlite3_file *file, int level);
int vfs_unlock(sqlite3_file *file, int level);
int vfs_check_reserved(sqlite3_file *file, int *reserved);
int vfs_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out);
int vfs_shm_lock(sqlite3_file *file, int slot, int count, int flags);
void vfs_shm_barrier(sqlite3_file *file);
int vfs_shm_unmap(sqlite3_file *file, int remove);

#endif
