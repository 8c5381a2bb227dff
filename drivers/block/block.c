/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block.c - the block layer: the queue of each device, and the short way of requests that need no
 * cutting. block_slow.c has the long way. A request is plain where both ways have the same result:
 * one segment that is one piece of one transfer, within the capacity, and not to be joined to the
 * next. What changes afterwards takes the mark away (block_append, block_resize, block_set_alone).
 */
#include "block/block_impl.h"

/* ---- transfers ------------------------------------------------------------------------------- */

/* Makes t, which is free, a transfer of the plain r. False: the long way may reach its memory. */
static inline bool block_take_plain(struct block_device *dev, struct block_transfer *t,
                                    struct block_request *r)
{
    uint64_t addr;

    block_map_begin(dev, t);
    addr = block_lend_plain(dev, r->segs->base, (uint32_t)r->bytes, r->op);
    if (addr == HAL_DMA_NONE)
        return false;
    t->addr = addr;
    r->transfers = 1;
    t->op = r->op;
    t->first = r;
    t->sector = r->sector;
    t->bytes = (uint32_t)r->bytes;
    return true;
}

/*
 * Makes transfers of what is plain, from the head of the queue on, and returns how many; *last:
 * nothing waits behind them for which there is room.
 */
static inline unsigned block_take_run(struct block_device *dev, uint64_t deadline_ns, bool *last)
{
    struct block_transfer *t = dev->free, *before = dev->ends.prev;
    struct block_request *r = dev->queue.head;
    unsigned n = 0, writes = 0;

    for (; r && t && r->plain && block_take_plain(dev, t, r); r = r->next, t = t->next, n++) {
        t->deadline_ns = deadline_ns;
        t->prev = before;
        before = t;
        writes += t->op == BLOCK_WRITE;
    }
    if (!n)
        return 0;
    block_link(dev, before);
    dev->queue.head = r;
    if (!r)
        dev->queue.tail = NULL;
    dev->writes_out += writes;
    dev->stats.transfers += n;
    *last = !r || !t;
    return n;
}

/*
 * Sends heads of the queue by the long way. True: a plain one has its turn. False: what waits
 * stays, and what was staged, here or before (`staged`), is committed.
 */
static bool block_send_heads(struct block_device *dev, uint64_t deadline_ns, bool staged)
    __attribute__((noinline, cold));
static bool block_send_heads(struct block_device *dev, uint64_t deadline_ns, bool staged)
{
    while (dev->queue.head && dev->free) {
        const struct block_transfer *before = dev->ends.prev;

        if (!block_send_head(dev, deadline_ns))
            break;
        staged |= dev->ends.prev != before;
        if (!dev->wary && dev->free && dev->queue.head && dev->queue.head->plain)
            return true;
    }
    if (staged)
        dev->driver->commit(dev);
    return false;
}

static void block_pump_all(struct block_device *dev, uint64_t deadline_ns)
    __attribute__((noinline, cold));
static void block_pump_all(struct block_device *dev, uint64_t deadline_ns)
{
    unsigned n;

    do {
        struct block_transfer *first = dev->free;
        bool last = false;

        n = dev->wary ? 0 : block_take_run(dev, deadline_ns, &last);
        if (n)
            dev->driver->stage_plain(dev, first, n, last);
        if (last)
            return;
    } while (block_send_heads(dev, deadline_ns, n));
}

/* One request that waits alone has a way without a loop. */
void block_pump(struct block_device *dev, uint64_t now)
{
    uint64_t deadline_ns = now + dev->timeout_ns;
    struct block_request *r = dev->queue.head;
    struct block_transfer *t = dev->free;

    if (!t || r->next || dev->wary) {
        block_pump_all(dev, deadline_ns);
        return;
    }
    if (!r->plain || !block_take_plain(dev, t, r)) {
        if (!block_send_flush(dev, deadline_ns))
            block_pump_all(dev, deadline_ns);
        return;
    }
    dev->queue.head = dev->queue.tail = NULL;
    t->deadline_ns = deadline_ns;
    t->prev = dev->ends.prev;
    block_link(dev, t);
    dev->writes_out += t->op == BLOCK_WRITE;
    dev->stats.transfers++;
    dev->driver->stage_plain(dev, t, 1, true);
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
        (len | r->sector << BLOCK_SECTOR_SHIFT) & dev->unit_mask ||
        r->sector > dev->sectors - (len >> BLOCK_SECTOR_SHIFT))
        return false;
    r->bytes = len;
    r->plain = true;
    return true;
}

static void block_pump_now(struct block_device *dev) __attribute__((noinline, cold));
static void block_pump_now(struct block_device *dev)
{
    block_pump(dev, hal_now_ns());
}

static void block_submit_all(struct block_device *dev, struct block_request *const *reqs,
                             unsigned n) __attribute__((noinline, cold));
static void block_submit_all(struct block_device *dev, struct block_request *const *reqs,
                             unsigned n)
{
    block_hold(dev);
    for (; n; n--)
        block_submit(dev, reqs++, 1);
    block_release(dev);
}

/* Submits r, which is not plain. */
static void block_submit_any(struct block_device *dev, struct block_request *r)
    __attribute__((noinline, cold));
static void block_submit_any(struct block_device *dev, struct block_request *r)
{
    block_hold(dev);
    block_accept(dev, r);
    block_release(dev);
}

/* The same, but that a flush has less to pass. */
static void block_submit_other(struct block_device *dev, struct block_request *r)
    __attribute__((noinline));
static void block_submit_other(struct block_device *dev, struct block_request *r)
{
    if (r->op != BLOCK_FLUSH || r->seg_count || dev->dead) {
        block_submit_any(dev, r);
        return;
    }
    r->queued = true;
    block_append(dev, r);
    if (!dev->hold)
        block_pump_now(dev);
}

void block_submit(struct block_device *dev, struct block_request *const *reqs, unsigned n)
{
    struct block_request *r = *reqs;

    if (n != 1) {
        block_submit_all(dev, reqs, n);
        return;
    }
    block_begin(r);
    if (!block_judge_plain(dev, r)) {
        block_submit_other(dev, r);
        return;
    }
    block_append(dev, r);
    if (!dev->hold)
        block_pump_now(dev);
}

void block_hold(struct block_device *dev)
{
    dev->hold++;
}

void block_release(struct block_device *dev)
{
    if (--dev->hold == 0 && dev->queue.head)
        block_pump(dev, hal_now_ns());
}

bool block_poll(struct block_device *dev)
{
    return block_oldest(dev) && !dev->hold && dev->driver->poll && dev->driver->poll(dev);
}
