/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache_range.c - what a caller knows of a range of blocks: that it will read them, that it will
 * not, that they are to be zeros.
 *
 * Blocks become zeros in three steps. Those that the device has now are waited for, and all leave
 * the cache; the device gets a WRITE_ZEROES; a flush makes that durable. Meanwhile the range is
 * closed: nobody gets a block of it, nothing is read ahead into it, and no sync ends, since what a
 * sync should have made durable may be among what was dropped. When the device was reset, the
 * second step is taken again.
 */
#include "block/cache/bcache_impl.h"

#define BCACHE_ZERO_TRIES 5u /* flushes in a row that found that the device had been reset */

void bcache_will_need(struct bcache *c, uint64_t index, uint64_t count)
{
    if (index < bcache_disk_blocks(c) && count && !block_dead(c->dev))
        bcache_read(c, index, count, &c->stats.readahead);
}

void bcache_write_out(struct bcache *c)
{
    if (!block_dead(c->dev))
        bcache_start_round(c);
}

/* Has f() called for each block of the range that the cache has. */
static void bcache_each(struct bcache *c, uint64_t index, uint64_t count,
                        void (*f)(struct bcache *c, struct bcache_block *b))
{
    struct bcache_block *b, *next;

    if (count <= bcache_buckets(c)) {
        for (uint64_t i = 0; i < count; i++)
            if ((b = bcache_find(c, index + i)))
                f(c, b);
        return;
    }
    for (size_t i = 0; i < bcache_buckets(c); i++)
        for (b = c->hash[i]; b; b = next) {
            next = b->hash_next;
            if (b->index - index < count)
                f(c, b);
        }
}

static void bcache_drop_clean(struct bcache *c, struct bcache_block *b)
{
    if (b->state == BCACHE_CLEAN)
        bcache_drop(c, b);
}

void bcache_wont_need(struct bcache *c, uint64_t index, uint64_t count)
{
    bcache_each(c, index, count, bcache_drop_clean);
    bcache_write_out(c);
}

/* ---- zeros ----------------------------------------------------------------------------------- */

static void bcache_zero_begin(struct bcache_zero *z);

/* An error counts as one of writing: who has written to the blocks hears of it. */
static void bcache_zero_end(struct bcache_zero *z, int result)
{
    struct bcache *c = z->cache;

    z->result = result;
    c->errors += result == -EIO;
    c->zeros = z->next;
    bcache_wake_zero(c);
    bcache_wake_room(c);
    if (c->zeros)
        bcache_zero_begin(c->zeros);
    else
        bcache_progress(c);
    z->done(z);
}

static void bcache_zero_submit(struct bcache_zero *z, enum block_op op);

static void bcache_zero_request_done(struct block_request *r)
{
    struct bcache_zero *z = r->ctx;
    bool stale = r->op == BLOCK_FLUSH && r->result == -ESTALE;

    if (stale && ++z->tries < BCACHE_ZERO_TRIES)
        bcache_zero_submit(z, BLOCK_WRITE_ZEROES);
    else if (r->result)
        bcache_zero_end(z, -EIO);
    else if (r->op == BLOCK_FLUSH)
        bcache_zero_end(z, 0);
    else
        bcache_zero_submit(z, BLOCK_FLUSH);
}

static void bcache_zero_submit(struct bcache_zero *z, enum block_op op)
{
    struct bcache *c = z->cache;
    struct block_request *const r = &z->request;

    *r = (struct block_request){.op = op, .done = bcache_zero_request_done, .ctx = z};
    if (op == BLOCK_FLUSH) {
        r->flusher = &z->flusher;
    } else {
        uint64_t first = z->index << c->block_shift, end = first + (z->count << c->block_shift);
        uint64_t size = block_capacity(c->dev);

        z->seg.len = (size_t)((end < size ? end : size) - first);
        r->sector = first >> BLOCK_SECTOR_SHIFT;
        r->segs = &z->seg;
        r->seg_count = 1;
        r->unmap = z->unmap;
    }
    block_submit(c->dev, &r, 1);
}

/*
 * The blocks leave the cache. False: the device has one of them, and z goes on when that has ended.
 */
static bool bcache_zero_clear(struct bcache_zero *z)
{
    struct bcache *c = z->cache;

    for (; z->at < z->index + z->count; z->at++) {
        struct bcache_block *b = bcache_find(c, z->at);

        if (!b || b->state == BCACHE_EMPTY)
            continue;
        if (b->state == BCACHE_READING || b->state == BCACHE_WRITING) {
            bcache_wait_for(&b->waiters, &z->wait);
            return false;
        }
        bcache_drop(c, b);
    }
    return true;
}

static void bcache_zero_go_on(struct bcache_wait *w)
{
    struct bcache_zero *z = (struct bcache_zero *)w;
    struct bcache *c = z->cache;

    if (!bcache_zero_clear(z))
        return;
    hal_service_wake(&c->service); /* the round under way may have nothing left to write */
    if (z->index + z->count > bcache_disk_blocks(c))
        bcache_zero_end(z, -EIO);
    else
        bcache_zero_submit(z, BLOCK_WRITE_ZEROES);
}

static void bcache_zero_begin(struct bcache_zero *z)
{
    block_flusher_init(z->cache->dev, &z->flusher);
    bcache_zero_go_on(&z->wait);
}

static int bcache_zero_check(const struct bcache *c, const struct bcache_zero *z)
{
    uint64_t blocks = bcache_disk_blocks(c);

    if (z->index >= blocks || z->count > blocks - z->index)
        return -ENXIO;
    if (block_read_only(c->dev))
        return -EROFS;
    if (block_dead(c->dev))
        return -EIO;
    return block_can(c->dev, BLOCK_WRITE_ZEROES) ? 0 : -ENOTSUP;
}

void bcache_zero(struct bcache *c, struct bcache_zero *z)
{
    struct bcache_zero **last = &c->zeros;

    z->cache = c;
    z->next = NULL;
    z->at = z->index;
    z->tries = 0;
    z->wait = (struct bcache_wait){.wake = bcache_zero_go_on};
    z->result = bcache_zero_check(c, z);
    if (z->result) {
        z->done(z);
        return;
    }
    while (*last)
        last = &(*last)->next;
    *last = z;
    if (c->zeros == z)
        bcache_zero_begin(z);
}
