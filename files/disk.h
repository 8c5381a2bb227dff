/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.h - blocking reads and writes of any bytes of a block device, through its cache, and the
 * files /dev/vblkN. All functions are for tasks; those that may park are marked [parks], and must
 * not be called from a service.
 */
#ifndef VIREO_DISK_H
#define VIREO_DISK_H

#include "block/cache/bcache.h"
#include "vireo/file.h"

struct disk {
    struct block_device *dev;
    struct bcache *cache;
    uint64_t reported; /* bcache_errors() that an fsync() of any descriptor told of */
    struct disk *next;
};

/*
 * The disk of a block device, with its cache, which are made at the first call; the same disk each
 * time. It is never freed. NULL: no memory, which the log says.
 */
struct disk *disk_of(struct block_device *dev);

/*
 * Reads len bytes from byte `at` of the disk into buf. Returns the number of bytes: fewer at the
 * end of the disk, 0 behind it, fewer before a block that cannot be read; -EIO: the first block
 * cannot be read. `s` belongs to one reader, and is zeroed at first; NULL: nothing is read ahead.
 * [parks]
 */
ssize_t disk_read(struct disk *d, void *buf, size_t len, uint64_t at, struct bcache_stream *s);

/*
 * Lends bytes of the block that holds byte `at` (struct file_loan), at most len. Returns how many;
 * 0 behind the end of the disk; -EIO; -EBUSY: a quarter of the cache is lent, read them. [parks]
 */
ssize_t disk_lend(struct disk *d, size_t len, uint64_t at, struct bcache_stream *s,
                  struct file_loan *loan);

/*
 * Writes len bytes of buf to byte `at` of the disk, into the cache: disk_sync() makes them durable.
 * Returns the number of bytes: fewer at the end of the disk, or before an error. -ENOSPC: behind
 * the end; -EROFS; -EIO: a block cannot be read to change a part of it, the disk was given up, or
 * blocks that cannot be written fill the cache. [parks]
 */
ssize_t disk_write(struct disk *d, const void *buf, size_t len, uint64_t at);

/* 0: everything that was written before the call is durable. -EIO: not everything is. [parks] */
int disk_sync(struct disk *d);

/* What has files be written to their disks, before all disks are synced. False: one failed. */
extern bool (*disk_files_first)(void);

/*
 * Syncs all disks that can be written; the log names those where that fails. False: one failed.
 * [parks]
 */
bool disk_sync_all(void);

/* Has the end of the image sync all disks. */
void disk_sync_at_end(void);

/* Where the bytes of an open file lie: those of a whole disk, or of a file of a tree. */
struct disk_place {
    struct disk *disk;
    uint64_t at, len;             /* bytes */
    struct bcache_stream *stream; /* of this reader */
};
/* False: f is not a disk; not a file of a tree that lies on a disk in one piece (ftree_file.c). */
bool disk_file_place(struct file *f, struct disk_place *p);
/* What an fsync() of f, which is a disk, says after disk_sync() said err. */
int disk_file_synced(struct file *f, int err);
bool ftree_file_place(struct file *f, struct disk_place *p);

/*
 * disk_zero.c: len bytes at `at`, all on the disk, read as zeros from then on; unmap: the device
 * may free their blocks. Whole blocks of the cache are given to the device, if that can write
 * zeros, and are durable at the end; the others are written by way of the cache. 0, or an error as
 * of disk_write(). [parks]
 */
int disk_zero(struct disk *d, uint64_t at, uint64_t len, bool unmap);

/*
 * Opens a disk with O_ flags as a file. Returns a descriptor, which is the caller's; -EEXIST,
 * -ENOTDIR: the flags want something else; -EROFS; -EIO: the disk was given up; -ENOMEM, -EMFILE.
 */
int disk_open(struct block_device *dev, int flags);
/*
 * Fills in *st. 0, or -EOVERFLOW: an off_t cannot hold the size (2 GiB and more, where it has 32
 * bits).
 */
int disk_stat(const struct block_device *dev, struct stat *st);

#endif
