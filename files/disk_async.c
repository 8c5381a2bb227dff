/* SPDX-License-Identifier: BSD-2-Clause */
/* disk_async.c - the service of disk_async.h: each of its turns goes on with what can go on. */
#include "disk_async.h"

static struct hal_service async_service;
static struct disk_async *async_ready, **async_last = &async_ready;

static void async_queue(struct disk_async *a)
{
    a->next = NULL;
    *async_last = a;
    async_last = &a->next;
    hal_service_wake(&async_service);
}

/* The cache may call back in the middle of its own work: what follows waits for the service. */
static void async_wake(struct bcache_wait *w)
{
    async_queue((struct disk_async *)w);
}

static void async_synced(struct bcache_sync *s)
{
    struct disk_async *a = (struct disk_async *)((char *)s - offsetof(struct disk_async, sync));

    a->result = s->result;
    async_queue(a);
}

/* What is known before the first block is asked for. 0, or the result in a->result and true. */
static bool async_settled(struct disk_async *a)
{
    uint64_t size = block_capacity(a->disk->dev);

    a->result = 0;
    if (a->span.write && block_read_only(a->disk->dev))
        a->result = -EROFS;
    else if (a->span.write && a->at >= size && a->len)
        a->result = -ENOSPC;
    if (a->result || a->at >= size || !a->len)
        return true;
    if (a->len > size - a->at)
        a->len = (size_t)(size - a->at);
    a->span.first = a->at / bcache_block_size(a->disk->cache);
    a->span.count = disk_blocks_of(a->disk, a->at, a->len);
    return false;
}

/* The result where nothing more can be moved, which err says; 0: the disk ends there. */
static ssize_t async_stopped(const struct disk_async *a, int err)
{
    if (a->done)
        return (ssize_t)a->done;
    if (err && err != -ENXIO)
        return err;
    return a->span.write ? -ENOSPC : 0;
}

/* Moves what can be moved now. -EAGAIN: the cache calls back; otherwise the result. */
static ssize_t async_move(struct disk_async *a)
{
    uint32_t block = bcache_block_size(a->disk->cache);

    while (a->done < a->len) {
        uint64_t at = a->at + a->done;
        uint32_t off = (uint32_t)(at % block);
        size_t n = block - off < a->len - a->done ? block - off : a->len - a->done;
        struct bcache_block *b = NULL;
        int err = disk_try(a->disk, at, n, &a->span, &a->wait, &b);

        if (err == -EAGAIN)
            return err;
        n = err ? 0 : disk_clip(b, off, n);
        if (!n)
            return async_stopped(a, err);
        if (a->span.write)
            memcpy((char *)bcache_data(b) + off, a->buf + a->done, n);
        else
            memcpy(a->buf + a->done, (char *)bcache_data(b) + off, n);
        a->done += n;
    }
    return (ssize_t)a->done;
}

/* False: it waits. */
static bool async_step(struct disk_async *a)
{
    bool first = !a->begun;

    a->begun = true;
    if (a->op == DISK_ASYNC_SYNC) {
        if (first)
            a->result = bcache_sync(a->disk->cache, &a->sync);
        return !first || a->result != -EAGAIN;
    }
    if (first && async_settled(a))
        return true;
    a->result = async_move(a);
    return a->result != -EAGAIN;
}

static struct disk_async *async_take_all(void)
{
    struct disk_async *all = async_ready;

    async_ready = NULL;
    async_last = &async_ready;
    return all;
}

/* What all of them ask of one disk goes to the device with one kick. */
static bool async_run(struct hal_service *s)
{
    struct disk_async *all = async_take_all(), *ended = NULL, *next;
    bool any = all;

    (void)s;
    for (; all; all = next) {
        struct block_device *dev = all->disk->dev;

        block_hold(dev);
        for (; all && all->disk->dev == dev; all = next) {
            next = all->next;
            if (!async_step(all))
                continue;
            all->next = ended;
            ended = all;
        }
        block_release(dev);
        next = all;
    }
    for (; ended; ended = next) {
        next = ended->next;
        ended->ended(ended);
    }
    return any;
}

void disk_start(struct disk_async *a)
{
    if (!async_service.run) {
        async_service = (struct hal_service){.name = "aio", .run = async_run};
        hal_service_add(&async_service);
    }
    a->wait = (struct bcache_wait){.wake = async_wake};
    a->sync = (struct bcache_sync){.done = async_synced};
    a->span = (struct disk_span){.write = a->op == DISK_ASYNC_WRITE};
    a->done = 0;
    a->begun = false;
    async_queue(a);
}
