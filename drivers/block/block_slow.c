/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block_slow.c - the long way of a request: those that are cut or joined, flushes, errors, and what
 * is refused. block.c has the short way, and the queue.
 */
#include "block/block_impl.h"

/* ---- queues ---------------------------------------------------------------------------------- */

void block_prepend(struct block_queue *q, const struct block_queue *back)
{
    if (!back->head)
        return;
    back->tail->next = q->head;
    q->head = back->head;
    if (!q->tail)
        q->tail = back->tail;
}

/* ---- the end of a request -------------------------------------------------------------------- */

void block_deliver(struct block_device *dev, struct block_request *r)
{
    struct block_stats *s = &dev->stats;

    if (r->result) {
        s->errors++;
    } else if (r->op == BLOCK_READ) {
        s->reads++;
        s->bytes_read += r->bytes;
    } else if (r->op == BLOCK_WRITE) {
        s->writes++;
        s->bytes_written += r->bytes;
    } else if (r->op == BLOCK_FLUSH) {
        s->flushes++;
    }
    r->done(r);
}

/* ---- transfers ------------------------------------------------------------------------------- */

static void block_activate(struct block_device *dev, struct block_transfer *t, uint64_t deadline_ns)
{
    t->deadline_ns = deadline_ns;
    t->prev = dev->ends.prev;
    block_link(dev, t);
    dev->writes_out += BLOCK_CHANGES(t->op);
    dev->bounce_busy |= t->bounced;
    dev->stats.transfers++;
    dev->stats.merged += t->count - 1;
    dev->stats.bounced += t->bounced;
}

void block_deactivate(struct block_device *dev, struct block_transfer *t)
{
    block_unlink(dev, t);
    dev->writes_out -= BLOCK_CHANGES(t->op);
    if (t->bounced)
        dev->bounce_busy = false;
}

static void block_queue_first(struct block_device *dev, struct block_request *r)
{
    const struct block_queue one = {r, r};

    r->queued = true;
    block_prepend(&dev->queue, &one);
}

/* The head of the queue cannot be cut further: it ends when none of it is with the device. */
static void block_fail_head(struct block_device *dev, int err)
{
    struct block_request *r = block_dequeue(&dev->queue);

    r->queued = false;
    if (!r->result)
        r->result = err;
    if (r->transfers)
        return;
    if (block_tries_alone(dev, r))
        block_queue_first(dev, r);
    else
        block_finish_later(dev, r, err);
}

/* A flush is at the head: does it end without the device? Then *result is how. */
static bool block_flush_ends(struct block_device *dev, int *result)
{
    struct block_request *r = dev->queue.head;

    *result = block_flush_is_stale(dev, r) ? -ESTALE : 0;
    if (!*result)
        return dev->read_only || !dev->volatile_cache; /* nothing to flush: done */
    block_tell_loss(dev, r);
    return true;
}

/*
 * A flush covers the writes that completed before the device gets it (virtio 1.4, section 5.2.6).
 * So it waits at the head until all writes that were submitted before it have completed, and until
 * the callbacks of those that failed were called (block_run_finished() then comes back here). True:
 * a flush waits, and nothing behind it may go. Flushes that end without the device are taken off.
 */
static bool block_flush_holds(struct block_device *dev)
{
    int result;

    if (dev->queue.head->op != BLOCK_FLUSH)
        return false;
    if (dev->writes_out || dev->finished.head)
        return true;
    while (dev->queue.head && dev->queue.head->op == BLOCK_FLUSH && block_flush_ends(dev, &result))
        block_fail_head(dev, result);
    return false;
}

bool block_send_head(struct block_device *dev, uint64_t deadline_ns)
{
    struct block_request *head = dev->queue.head;
    struct block_transfer *t = dev->free;
    struct block_dma dma[BLOCK_MAX_SEGS];
    int n;

    if (!dev->driver->room(dev) || (dev->wary && !block_may_go(dev)) || block_flush_holds(dev))
        return false;
    if (dev->queue.head != head)
        return true;
    head->queued = true; /* a plain one was not marked so, and now takes the long way to its end */
    head->plain = false;
    n = block_cut(dev, t, dma);
    if (n < 0)
        block_transfer_clear(t);
    if (n == -EAGAIN)
        return false;
    if (n < 0) {
        block_fail_head(dev, n);
        return true;
    }
    block_activate(dev, t, deadline_ns);
    dev->driver->stage(dev, t, dma, (unsigned)n);
    return true;
}

bool block_send_flush(struct block_device *dev, uint64_t deadline_ns)
{
    struct block_request *r = dev->queue.head;
    struct block_transfer *t = dev->free;

    if (r->op != BLOCK_FLUSH || !dev->driver->stage_flush || dev->writes_out ||
        dev->finished.head || dev->read_only || !dev->volatile_cache ||
        block_flush_is_stale(dev, r))
        return false;
    dev->queue.head = dev->queue.tail = NULL;
    r->queued = false;
    r->transfers = 1;
    t->op = BLOCK_FLUSH;
    t->first = r;
    t->sector = 0;
    t->bytes = 0;
    t->covers = dev->wrote;
    if (r->started)
        r->started(r);
    t->deadline_ns = deadline_ns;
    t->prev = dev->ends.prev;
    block_link(dev, t);
    dev->stats.transfers++;
    dev->driver->stage_flush(dev, t);
    return true;
}

/* ---- completion ------------------------------------------------------------------------------ */

/*
 * Several flushes may be with the device, which completes them in any order. One that was out when
 * another failed does not count.
 */
static void block_note_durability(struct block_device *dev, const struct block_transfer *t)
{
    struct block_request *r = t->first;

    if (BLOCK_CHANGES(t->op))
        dev->wrote++;
    else if (t->op == BLOCK_FLUSH && t->covers > dev->durable)
        dev->durable = t->covers;
    for (unsigned i = t->op == BLOCK_FLUSH ? t->count : 0; i; i--, r = r->next)
        if (r->stale) {
            r->result = -ESTALE;
            block_tell_loss(dev, r);
        }
}

void block_end_flush(struct block_device *dev, const struct block_transfer *t)
{
    block_note_durability(dev, t);
    if (t->first->result)
        dev->stats.errors++;
    else
        dev->stats.flushes++;
}

/* Do these bytes end where t begins, or begin where t ends? */
static bool block_adjacent(const struct block_transfer *t, uint64_t sector, uint64_t bytes)
{
    return sector == t->sector + (t->bytes >> BLOCK_SECTOR_SHIFT) ||
           t->sector == sector + (bytes >> BLOCK_SECTOR_SHIFT);
}

/*
 * t has failed and has left the device. Was a neighbouring request with the device too, in t or
 * beside it? A device may join neighbours that it has at the same time into one access (QEMU does),
 * and then fails them all. Neighbours that failed before t wait at the head of the queue.
 */
static bool block_had_neighbours(const struct block_device *dev, const struct block_transfer *t)
{
    if (t->op != BLOCK_READ && t->op != BLOCK_WRITE)
        return false;
    if (t->count > 1)
        return true;
    for (const struct block_transfer *o = dev->ends.next; o != &dev->ends; o = o->next)
        if (o->op == t->op && o->first != t->first && block_adjacent(t, o->sector, o->bytes))
            return true;
    for (const struct block_request *r = dev->queue.head; r && r->alone; r = r->next)
        if (r->op == t->op && block_adjacent(t, r->sector, r->bytes))
            return true;
    return false;
}

bool block_tries_alone(struct block_device *dev, struct block_request *r)
{
    if (!r->shared || r->alone)
        return false;
    block_rewind(r);
    r->result = 0;
    block_set_alone(r);
    dev->wary = true;
    return true;
}

/* The device has failed t. */
static void block_transfer_failed(struct block_device *dev, const struct block_transfer *t,
                                  int result)
{
    struct block_request *r = t->first, *next;
    struct block_queue again = {NULL, NULL};
    bool shared = block_had_neighbours(dev, t);

    if (t->op == BLOCK_FLUSH) /* the device may have forgotten what it was to make durable */
        block_note_loss(dev);
    for (unsigned i = t->count; i; i--, r = next) {
        next = r->next;
        r->transfers--;
        r->shared |= shared;
        if (!r->result)
            r->result = result;
        if (r->op == BLOCK_FLUSH)
            block_tell_loss(dev, r);
        if (r->queued || r->transfers)
            continue;
        if (block_tries_alone(dev, r)) {
            r->queued = true;
            block_enqueue(&again, r);
        } else {
            block_deliver(dev, r);
        }
    }
    block_prepend(&dev->queue, &again);
}

void block_complete_any(struct block_device *dev, struct block_transfer *t, int result)
{
    struct block_request *r = t->first, *next;
    unsigned count = t->count;

    hal_assert(dev->hold);
    block_unmap(dev, t);
    if (t->bounced && !BLOCK_CHANGES(t->op) && !result)
        block_unbounce(dev, t);
    block_deactivate(dev, t);
    if (result) {
        block_transfer_failed(dev, t, result);
        block_transfer_clear(t);
        return;
    }
    if (t->op != BLOCK_READ)
        block_note_durability(dev, t);
    for (; count; count--, r = next) {
        next = r->next;
        r->transfers--;
        if (r->queued || r->transfers)
            continue;
        if (r->result && block_tries_alone(dev, r))
            block_queue_first(dev, r);
        else
            block_deliver(dev, r);
    }
    block_transfer_clear(t);
}

/* ---- submitting ------------------------------------------------------------------------------ */

static int block_check_segs(const struct block_device *dev, struct block_request *r)
{
    for (unsigned i = 0; i < r->seg_count; i++) {
        const struct block_seg *s = &r->segs[i];

        if (!s->len || s->len & (dev->block_size - 1) || s->len > UINT64_MAX - r->bytes)
            return -EINVAL;
        r->bytes += s->len;
    }
    return r->bytes ? 0 : -EINVAL;
}

int block_check_span(const struct block_device *dev, struct block_request *r)
{
    if (block_check_segs(dev, r) || r->sector & ((dev->block_size >> BLOCK_SECTOR_SHIFT) - 1))
        return -EINVAL;
    if (r->sector > dev->sectors || r->bytes >> BLOCK_SECTOR_SHIFT > dev->sectors - r->sector)
        return -EIO;
    return 0;
}

/* Why r cannot be done, or 0. Adds up r->bytes. */
static int block_check(const struct block_device *dev, struct block_request *r)
{
    if (dev->dead)
        return -EIO;
    if (r->op == BLOCK_FLUSH)
        return r->seg_count ? -EINVAL : 0;
    if (r->op == BLOCK_GET_ID)
        return r->seg_count == 1 && r->segs[0].len == BLOCK_ID_LEN ? 0 : -EINVAL;
    if (r->op > BLOCK_FLUSH)
        return dev->more ? dev->more->check(dev, r) : -ENOTSUP;
    if (r->op == BLOCK_WRITE && dev->read_only)
        return -EROFS;
    return block_check_span(dev, r);
}

void block_accept(struct block_device *dev, struct block_request *r)
{
    int err = block_check(dev, r);

    r->queued = !err;
    if (err)
        block_finish_later(dev, r, err);
    else
        block_append(dev, r);
}
