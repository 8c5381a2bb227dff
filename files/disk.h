/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.h - blocking reads and writes of any bytes of a block device, through its cache, and the
 * files /dev/vblkN.
 */
#ifndef VIREO_DISK_H
#define VIREO_DISK_H

#include "block/cache/bcache.h"
#include "vireo/file.h"

struct disk {
    struct block_device *dev;
    struct bcache *cache;
    uint64_t reported; /* bcache_errors() that some fsync told of */
    struct disk *next;
};

/* The disk behind a block device, with its cache; the same one each time. NULL: no memory. */
struct disk *disk_of(struct block_device *dev);

/*
 * Reads up to len bytes at `at`; fewer at the end of the disk, or before a block that cannot be
 * read. `s` follows one reader. -EIO, -ENOMEM. [parks]
 */
ssize_t disk_read(struct disk *d, void *buf, size_t len, uint64_t at, struct bcache_stream *s);

/* Writes into the cache; fewer at the end of the disk, -ENOSPC behind it. -EROFS, -EIO. [parks] */
ssize_t disk_write(struct disk *d, const void *buf, size_t len, uint64_t at);

/* What was written until now is durable when this returns 0; -EIO. [parks] */
int disk_sync(struct disk *d);

/* The same for all disks, with a line in the log where it fails. [parks] */
void disk_sync_all(void);

/* Opens /dev/NAME: a descriptor or -errno. */
int disk_open(struct block_device *dev, int flags);
/* 0, or -EOVERFLOW: an off_t cannot tell its size (2 GiB and more, where it has 32 bits). */
int disk_stat(const struct block_device *dev, struct stat *st);

#endif
