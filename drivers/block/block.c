/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block.c - the block layer: the queue of each device, and the short way of requests that need no
 * cutting. block_slow.c has the long way.
 */
#include "block/block_impl.h"

/* ---- transfers ------------------------------------------------------------------------------- */

/*
 * Is r, the head, sent by the short way? It has the same result as the long one where a request
 * needs no cutting, is not joined to the next, and the capacity has not shrunk below it.
 */
static inline bool block_is_plain(const struct block_device *dev, const struct block_request *r)
{
    const struct block_request *next = r->next;
    uint64_t end = r->sector + (r->bytes >> BLOCK_SECTOR_SHIFT);

    return r->plain && !dev->wary && end <= dev->sectors &&
           !(next && next->sector == end && next->op == r->op && r->bytes < BLOCK_LONG);
}

/* Makes a transfer of the plain head. NULL: the device cannot reach its memory. */
static inline struct block_transfer *block_take_plain(struct block_device *dev,
                                                      struct block_request *r, uint64_t now)
{
    struct block_transfer *t = dev->free;
    uint64_t addr;

    block_map_begin(dev, t);
    addr = block_lend(dev, r->segs->base, (uint32_t)r->bytes, r->op);
    if (addr == HAL_DMA_NONE)
        return NULL;
    block_dequeue(&dev->queue);
    r->transfers = 1;
    t->op = r->op;
    t->first = r;
    t->sector = r->sector;
    t->bytes = (uint32_t)r->bytes;
    t->addr = addr;
    block_link(dev, t, now);
    return t;
}

/* Sends what is plain, from the head of the queue on; how many. */
static unsigned block_send_plain(struct block_device *dev, uint64_t now)
{
    struct block_transfer *first = NULL, *t;
    struct block_request *r;
    unsigned n = 0;

    while ((r = dev->queue.head) && dev->free && block_is_plain(dev, r) &&
           (t = block_take_plain(dev, r, now))) {
        first = first ? first : t;
        n++;
    }
    if (!n)
        return 0;
    dev->stats.transfers += n;
    dev->driver->stage_plain(dev, first, n);
    return n;
}

/* Gives the device what waits, in order, as far as it has room. */
static void block_pump(struct block_device *dev) __attribute__((noinline));
static void block_pump(struct block_device *dev)
{
    uint64_t now = hal_now_ns();
    const struct block_transfer *before = dev->newest;

    while (dev->queue.head && dev->free)
        if (!block_send_plain(dev, now) && !block_send_head(dev, now))
            break;
    if (dev->newest != before)
        dev->driver->commit(dev);
}

/* t has ended well, and so has its one request. */
static inline void block_complete_plain(struct block_device *dev, struct block_transfer *t)
{
    block_unmap(dev, t);
    block_unlink(dev, t);
    if (t->op == BLOCK_READ) {
        dev->stats.reads++;
        dev->stats.bytes_read += t->bytes;
    } else {
        dev->wrote++;
        dev->stats.writes++;
        dev->stats.bytes_written += t->bytes;
    }
    t->first->done(t->first);
}

void block_complete(struct block_device *dev, struct block_transfer *t, int result)
{
    hal_assert(dev->hold);
    if (t->plain && !result)
        block_complete_plain(dev, t);
    else
        block_complete_any(dev, t, result);
}

/* ---- submitting ------------------------------------------------------------------------------ */

/* Is r a read or write that is right, and plain? Sets r->bytes if so. */
static inline bool block_judge_plain(const struct block_device *dev, struct block_request *r)
{
    size_t len;

    if (r->op > BLOCK_WRITE || r->seg_count != 1)
        return false;
    len = r->segs->len;
    if (len - 1 >= dev->plain_max[r->op] ||
        (len | r->sector << BLOCK_SECTOR_SHIFT) & (dev->block_size - 1) ||
        r->sector > dev->sectors || len >> BLOCK_SECTOR_SHIFT > dev->sectors - r->sector)
        return false;
    r->bytes = len;
    return true;
}

void block_submit(struct block_device *dev, struct block_request *const *reqs, unsigned n)
{
    block_hold(dev);
    for (unsigned i = 0; i < n; i++) {
        struct block_request *r = reqs[i];

        block_begin(r);
        if (!block_judge_plain(dev, r)) {
            block_accept(dev, r);
            continue;
        }
        r->plain = true;
        HAL_QUEUE_APPEND(dev->queue.head, dev->queue.tail, r, next);
    }
    block_release(dev);
}

void block_hold(struct block_device *dev)
{
    dev->hold++;
}

void block_release(struct block_device *dev)
{
    if (--dev->hold == 0 && dev->queue.head)
        block_pump(dev);
}
