/* SPDX-License-Identifier: BSD-2-Clause */
/* disk_zero.c - bytes of a disk become zeros: by the device in whole blocks, by writing else. */
#include "disk.h"
#include "vireo/task.h"

/* A task that waits for zeros. */
struct disk_zero_waiter {
    struct bcache_zero zero; /* first: it is cast to its disk_zero_waiter */
    struct waitq queue;
    bool done;
};

static void disk_zero_done(struct bcache_zero *z)
{
    struct disk_zero_waiter *w = (struct disk_zero_waiter *)z;

    w->done = true;
    waitq_wake_all(&w->queue);
}

static int disk_zero_write(struct disk *d, uint64_t at, uint64_t len)
{
    static const uint8_t zeros[4096];

    while (len) {
        ssize_t n = disk_write(d, zeros, len < sizeof(zeros) ? (size_t)len : sizeof(zeros), at);

        if (n < 0)
            return (int)n;
        at += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return 0;
}

/* Blocks of the cache. What the device does not do, or fails to do, is written. */
static int disk_zero_blocks(struct disk *d, uint64_t index, uint64_t count, bool unmap)
{
    uint64_t size = bcache_block_size(d->cache), end = (index + count) * size;
    struct disk_zero_waiter w = {
        .zero = {.done = disk_zero_done, .index = index, .count = count, .unmap = unmap}};

    bcache_zero(d->cache, &w.zero);
    while (!w.done)
        waitq_wait(&w.queue, HAL_NEVER);
    if (w.zero.result != -ENOTSUP && w.zero.result != -EIO)
        return w.zero.result == -ENXIO ? -ENOSPC : w.zero.result;
    if (end > block_capacity(d->dev))
        end = block_capacity(d->dev);
    return disk_zero_write(d, index * size, end - index * size);
}

int disk_zero(struct disk *d, uint64_t at, uint64_t len, bool unmap)
{
    uint64_t block = bcache_block_size(d->cache), end = at + len;
    uint64_t index = (at + block - 1) / block;
    uint64_t last = end >= block_capacity(d->dev) ? (end + block - 1) / block : end / block;
    int err = 0;

    if (index >= last)
        return disk_zero_write(d, at, len);
    err = disk_zero_write(d, at, index * block - at);
    while (!err && index < last) {
        uint64_t count = last - index < BCACHE_ZERO_MAX ? last - index : BCACHE_ZERO_MAX;

        err = disk_zero_blocks(d, index, count, unmap);
        index += count;
    }
    return !err && end > last * block ? disk_zero_write(d, last * block, end - last * block) : err;
}
