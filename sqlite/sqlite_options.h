/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sqlite_options.h - the options that SQLite is compiled with: sqlite3.c includes this first
 * (SQLITE_CUSTOM_INCLUDE), in an image and in the tests on this machine.
 */
#ifndef VIREO_SQLITE_OPTIONS_H
#define VIREO_SQLITE_OPTIONS_H

/* All waits are in the VFS of vfs.c; mutexes are those of tasks (vfs_mutex.c). */
#define SQLITE_OS_OTHER   1
#define SQLITE_THREADSAFE 1

/* What would be a temporary file is in memory. */
#define SQLITE_TEMP_STORE 3

/* As SQLite's manual recommends for new programs. */
#define SQLITE_DQS                     0
#define SQLITE_DEFAULT_MEMSTATUS       0
#define SQLITE_LIKE_DOESNT_MATCH_BLOBS 1
#define SQLITE_OMIT_DEPRECATED         1
#define SQLITE_OMIT_SHARED_CACHE       1

/* What an image does not have. */
#define SQLITE_OMIT_LOAD_EXTENSION 1
#define SQLITE_MAX_MMAP_SIZE       0
#define SQLITE_MAX_WORKER_THREADS  0

#define HAVE_LOCALTIME_R        1
#define HAVE_ISNAN              1
#define HAVE_MALLOC_H           1
#define HAVE_MALLOC_USABLE_SIZE 1

/* A connection checkpoints at 1,000 frames, or sooner where the disk is small: asked when it is
 * opened. */
struct sqlite3;
int vfs_log_frames(struct sqlite3 *db);
#define SQLITE_DEFAULT_WAL_AUTOCHECKPOINT vfs_log_frames(db)

#endif
