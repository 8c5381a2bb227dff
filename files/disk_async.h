/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_async.h - reads, writes and syncs of a disk's bytes that no task waits for: they go on when
 * the cache calls back, in a service of their own.
 */
#ifndef VIREO_DISK_ASYNC_H
#define VIREO_DISK_ASYNC_H

#include "disk.h"
#include "disk_impl.h"

enum disk_async_op { DISK_ASYNC_READ, DISK_ASYNC_WRITE, DISK_ASYNC_SYNC };

/*
 * The caller fills in disk to ended, and the rest is zero. It and the buffer are the service's from
 * disk_start() until ended(), which comes once, from the service, and does not park.
 */
struct disk_async {
    struct bcache_wait wait; /* first: it is cast to its disk_async; the service's own */
    struct disk *disk;
    enum disk_async_op op;
    uint8_t *buf;
    size_t len;
    uint64_t at; /* byte of the disk */
    void (*ended)(struct disk_async *a);
    ssize_t result; /* as of disk_read(), disk_write() or disk_sync() */

    /* the service's own */
    struct bcache_sync sync;
    struct disk_span span;
    size_t done;
    bool begun;
    struct disk_async *next;
};

void disk_start(struct disk_async *a);

#endif
