/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.c - blocking reads and writes of a block device through its cache.
 */
#include <stdlib.h>
#include <string.h>

#include "block/vblk.h"
#include "disk.h"
#include "disk_impl.h"
#include "vireo/image.h"
#include "vireo/task.h"

/* An image that opens disks has the driver for them. */
static const char *const disk_driver __attribute__((used)) = vblk_linked;

static struct disk *disk_all;

/* ---- disks and their caches ------------------------------------------------------------------ */

/*
 * Bytes of cache for one disk: as many MiB as vireo.NAME.cache or vireo.cache says; without them a
 * quarter of the memory that is free now, divided by the number of disks. Never more than half of
 * the memory that is free now.
 */
static size_t disk_cache_size(const struct block_device *dev)
{
    struct memory_info mem;
    uint64_t mib = hal_option_u64(block_name(dev), "cache", 0, 0, 65536), bytes;
    unsigned count = 0;

    while (block_get(count))
        count++;
    vireo_memory(&mem);
    bytes = mib ? mib << 20 : mem.free / 4 / (count ? count : 1);
    if (bytes > mem.free / 2)
        bytes = mem.free / 2;
    return bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}

/*
 * A cache is made when its disk is opened first. Its size is asked for at the boot, too, or the
 * boot argument would be reported as unknown.
 */
static void disk_know_option(void)
{
    struct block_device *dev;

    for (unsigned n = 0; (dev = block_get(n)); n++)
        (void)hal_option(block_name(dev), "cache");
}
HAL_INIT(HAL_INIT_STACK, disk_know_option);

struct disk *disk_of(struct block_device *dev)
{
    struct disk *d = disk_all;

    while (d && d->dev != dev)
        d = d->next;
    if (d)
        return d;
    d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->dev = dev;
    d->cache = bcache_create(dev, disk_cache_size(dev));
    if (!d->cache) {
        hal_log(HAL_ERROR, block_name(dev),
                "no memory for the cache of this disk: give the machine more (-m)");
        free(d);
        return NULL;
    }
    d->next = disk_all;
    disk_all = d;
    return d;
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* A task that waits for a block. */
struct disk_waiter {
    struct bcache_wait wait; /* first: it is cast to its disk_waiter */
    struct waitq queue;
    bool woken;
};

static void disk_wake(struct bcache_wait *w)
{
    struct disk_waiter *me = (struct disk_waiter *)w;

    me->woken = true;
    waitq_wake_all(&me->queue);
}

/* Every request to the device has a deadline, so the wait ends without one of its own. */
static void disk_wait(struct disk_waiter *w)
{
    while (!w->woken)
        waitq_wait(&w->queue, HAL_NEVER);
    w->woken = false;
}

unsigned disk_blocks_of(const struct disk *d, uint64_t at, size_t len)
{
    uint32_t size = bcache_block_size(d->cache);
    uint64_t count = (at % size + len + size - 1) / size;

    return count < UINT32_MAX ? (unsigned)count : UINT32_MAX;
}

/*
 * How n bytes at `at`, all in one block, use that block. A block that is written from its start to
 * its end need not be read. To be asked again after each wait, since the end of the disk may move.
 */
static enum bcache_use disk_use_of(const struct disk *d, const struct disk_span *span, uint64_t at,
                                   size_t n)
{
    uint32_t block = bcache_block_size(d->cache);

    if (!span->write)
        return BCACHE_READ;
    return at % block == 0 && (n == block || at + n >= block_capacity(d->dev)) ? BCACHE_OVERWRITE
                                                                               : BCACHE_UPDATE;
}

int disk_try(struct disk *d, uint64_t at, size_t n, struct disk_span *span, struct bcache_wait *w,
             struct bcache_block **b)
{
    uint64_t index = at / bcache_block_size(d->cache);
    enum bcache_use use = disk_use_of(d, span, at, n);
    unsigned more = span->write ? 0 : (unsigned)(span->first + span->count - 1 - index);
    int err;

    block_hold(d->dev);
    err = bcache_get(d->cache, index, use, more, w, b);
    if (err == -EAGAIN && span->stream) {
        bcache_advance(d->cache, span->stream, span->first, span->count);
        span->stream = NULL;
    }
    block_release(d->dev);
    return err;
}

/* disk_try() until it is not -EAGAIN. [parks] */
static int disk_get(struct disk *d, uint64_t at, size_t n, struct disk_span *span,
                    struct bcache_block **b)
{
    struct disk_waiter w = {.wait.wake = disk_wake};

    for (;;) {
        int err = disk_try(d, at, n, span, &w.wait, b);

        if (err != -EAGAIN)
            return err;
        disk_wait(&w);
    }
}

/* ---- reading and writing --------------------------------------------------------------------- */

size_t disk_clip(const struct bcache_block *b, uint32_t off, size_t n)
{
    uint32_t len = bcache_len(b);

    if (len >= off + n)
        return n;
    return len > off ? len - off : 0;
}

/* Reads bytes of several blocks, or of a block that is not in the cache. */
__attribute__((noinline)) static ssize_t disk_read_blocks(struct disk *d, void *buf, size_t len,
                                                          uint64_t at, struct bcache_stream *s)
{
    uint64_t size = block_capacity(d->dev);
    uint32_t block = bcache_block_size(d->cache);
    struct disk_span span = {.first = at / block, .stream = s};
    size_t done = 0;

    if (at >= size || !len)
        return 0;
    if (len > size - at)
        len = (size_t)(size - at);
    span.count = disk_blocks_of(d, at, len);
    while (done < len) {
        uint32_t off = (uint32_t)((at + done) % block);
        size_t n = block - off < len - done ? block - off : len - done;
        struct bcache_block *b;
        int err = disk_get(d, at + done, n, &span, &b);

        if (err)
            return done ? (ssize_t)done : err == -ENXIO ? 0 : err;
        n = disk_clip(b, off, n);
        if (!n)
            break;
        memcpy((char *)buf + done, (char *)bcache_data(b) + off, n);
        done += n;
    }
    if (span.stream)
        bcache_advance(d->cache, span.stream, span.first, span.count);
    return (ssize_t)done;
}

ssize_t disk_read(struct disk *d, void *buf, size_t len, uint64_t at, struct bcache_stream *s)
{
    const void *p = bcache_look(d->cache, at, len);

    if (!p)
        return disk_read_blocks(d, buf, len, at, s);
    memcpy(buf, p, len);
    if (s)
        bcache_passed(d->cache, s, at);
    return (ssize_t)len;
}

static void disk_loan_end(void *cache, void *block)
{
    bcache_return(cache, block);
}

/* Waits for the block, and borrows it. 0, or an error. [parks] */
static int disk_borrow(struct disk *d, uint64_t at, size_t n, struct bcache_stream **s,
                       struct bcache_block **b)
{
    struct disk_span span = {.first = at / bcache_block_size(d->cache), .count = 1, .stream = *s};
    int err = disk_get(d, at, n, &span, b);

    *s = span.stream;
    return err ? err : bcache_borrow(d->cache, *b);
}

ssize_t disk_lend(struct disk *d, size_t len, uint64_t at, struct bcache_stream *s,
                  struct file_loan *loan)
{
    uint32_t block = bcache_block_size(d->cache), off = (uint32_t)at & (block - 1);
    size_t n = len < block - off ? len : block - off;
    struct bcache_block *b;
    int err = 0;

    if (!len || at >= block_capacity(d->dev))
        return 0;
    if (!bcache_lend(d->cache, at, n, &b)) {
        err = disk_borrow(d, at, n, &s, &b);
        if (err)
            return err == -ENXIO ? 0 : err;
        n = disk_clip(b, off, n);
    }
    *loan =
        (struct file_loan){(const uint8_t *)bcache_data(b) + off, n, disk_loan_end, d->cache, b};
    if (!n)
        bcache_return(d->cache, b);
    else if (s)
        bcache_passed(d->cache, s, at);
    return (ssize_t)n;
}

ssize_t disk_write(struct disk *d, const void *buf, size_t len, uint64_t at)
{
    uint64_t size = block_capacity(d->dev);
    uint32_t block = bcache_block_size(d->cache);
    struct disk_span span = {.write = true};
    size_t done = 0;

    if (block_read_only(d->dev))
        return -EROFS;
    if (!len)
        return 0;
    if (at >= size)
        return -ENOSPC;
    if (len > size - at)
        len = (size_t)(size - at);
    while (done < len) {
        uint32_t off = (uint32_t)((at + done) % block);
        size_t n = block - off < len - done ? block - off : len - done;
        struct bcache_block *b;
        int err = disk_get(d, at + done, n, &span, &b);

        if (err)
            return done ? (ssize_t)done : err == -ENXIO ? -ENOSPC : err;
        n = disk_clip(b, off, n);
        if (!n)
            return done ? (ssize_t)done : -ENOSPC;
        memcpy((char *)bcache_data(b) + off, (const char *)buf + done, n);
        done += n;
    }
    return (ssize_t)done;
}

/* ---- sync ------------------------------------------------------------------------------------ */

/* A task that waits for a sync. */
struct disk_sync_waiter {
    struct bcache_sync sync; /* first: it is cast to its disk_sync_waiter */
    struct waitq queue;
    bool done;
};

static void disk_sync_done(struct bcache_sync *s)
{
    struct disk_sync_waiter *w = (struct disk_sync_waiter *)s;

    w->done = true;
    waitq_wake_all(&w->queue);
}

int disk_sync(struct disk *d)
{
    struct disk_sync_waiter w = {.sync.done = disk_sync_done};
    int err = bcache_sync(d->cache, &w.sync);

    if (err != -EAGAIN)
        return err;
    while (!w.done)
        waitq_wait(&w.queue, HAL_NEVER);
    return w.sync.result;
}

bool (*disk_files_first)(void);

bool disk_sync_all(void)
{
    bool good = !disk_files_first || disk_files_first();

    for (struct disk *d = disk_all; d; d = d->next)
        if (!block_read_only(d->dev) && disk_sync(d)) {
            hal_log(HAL_ERROR, block_name(d->dev),
                    "not everything that was written is on the disk");
            good = false;
        }
    return good;
}
