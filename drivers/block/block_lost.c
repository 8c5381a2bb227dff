/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block_lost.c - the block layer when its device is reset, comes back, or is given up.
 *
 * Reads, writes of the same bytes, flushes and GET_ID can be done twice without harm, so the
 * requests that the device had are sent again. What the layer cannot send again is a write that had
 * completed and was still in the device's cache: the next flush ends with -ESTALE.
 */
#include "block/block_impl.h"

/* ---- while it recovers ----------------------------------------------------------------------- */

/* The device had the request at several resets in a row: it may be what breaks the device. */
static bool block_suspect(const struct block_request *r)
{
    return r->replays >= BLOCK_REPLAYS;
}

bool block_may_go(struct block_device *dev)
{
    const struct block_request *head = dev->queue.head;
    const struct block_transfer *oldest = block_oldest(dev);

    if (dev->paused)
        return head == dev->first;
    if (!oldest) {
        dev->wary = head->replays || head->alone;
        return true;
    }
    return !head->alone && !oldest->first->alone;
}

void block_pause(struct block_device *dev)
{
    dev->paused = dev->wary = true;
}

void block_ask(struct block_device *dev, struct block_request *r, uint64_t timeout_ns)
{
    const struct block_queue one = {r, r};
    struct block_transfer *t;

    block_hold(dev);
    block_begin(r);
    r->queued = true;
    block_prepend(&dev->queue, &one);
    dev->first = r;
    block_release(dev);
    t = block_oldest(dev);
    if (dev->paused && t) /* the transfer of r, since nothing else goes */
        t->deadline_ns = hal_now_ns() + timeout_ns;
}

void block_resume(struct block_device *dev)
{
    block_hold(dev);
    dev->first = NULL;
    dev->dead = dev->paused = false;
    block_set_plain(dev);
    block_release(dev);
}

/* ---- what the device had --------------------------------------------------------------------- */

/* Forgets the request of block_ask(). If it still waits, it is the head. */
static void block_drop_asked(struct block_device *dev)
{
    if (dev->first && dev->first == dev->queue.head)
        block_dequeue(&dev->queue);
    dev->first = NULL;
}

/*
 * No part of r is with the device any more. If r is still queued, it stays where it is, to be cut
 * from its start again; else it ends with the error that a part of it had, or goes into `back`.
 */
static void block_put_back(struct block_device *dev, struct block_queue *back,
                           struct block_request *r)
{
    if (r->lost && block_suspect(r) && !r->result)
        r->result = -EIO;
    if (r->lost) {
        r->replays++;
        if (block_suspect(r))
            block_set_alone(r);
        dev->stats.replayed += !r->result;
    }
    r->lost = false;
    block_rewind(r);
    if (r->queued)
        return;
    if (r->result && !block_tries_alone(dev, r)) {
        block_finish_later(dev, r, r->result);
        return;
    }
    r->queued = true;
    r->plain = false; /* the capacity may be another, and so the request behind it */
    block_enqueue(back, r);
}

/* The device was reset, and no longer has t. */
static void block_take_back(struct block_device *dev, struct block_transfer *t,
                            struct block_queue *back)
{
    struct block_request *r = t->first, *next;

    block_unmap(dev, t);
    for (unsigned i = 0; i < t->count; i++, r = next) {
        next = r->next;
        r->lost |= t->lost;
        if (--r->transfers == 0 && r != dev->first)
            block_put_back(dev, back, r);
    }
    t->lost = false;
    block_deactivate(dev, t);
    block_transfer_clear(t);
}

void block_flusher_init(const struct block_device *dev, struct block_flusher *f)
{
    f->heard = dev->losses;
}

void block_tell_loss(struct block_device *dev, const struct block_request *r)
{
    (r->flusher ? r->flusher : &dev->flusher)->heard = dev->losses;
}

bool block_flush_is_stale(const struct block_device *dev, const struct block_request *r)
{
    return r->stale || (r->flusher ? r->flusher : &dev->flusher)->heard != dev->losses;
}

/* The flushes among n requests from r on, or among all to the end of the list. */
static void block_mark_stale(struct block_request *r, unsigned n)
{
    for (; r && n; r = r->next, n--)
        r->stale |= r->op == BLOCK_FLUSH;
}

void block_note_loss(struct block_device *dev)
{
    if (!dev->volatile_cache || dev->wrote == dev->durable)
        return;
    dev->losses++;
    for (const struct block_transfer *t = dev->ends.next; t != &dev->ends; t = t->next)
        if (t->op == BLOCK_FLUSH)
            block_mark_stale(t->first, t->count);
    block_mark_stale(dev->queue.head, ~0u);
}

void block_requeue(struct block_device *dev)
{
    struct block_queue back = {NULL, NULL};
    struct block_transfer *t;

    block_pause(dev);
    while ((t = block_oldest(dev)))
        block_take_back(dev, t, &back);
    block_drop_asked(dev);
    block_prepend(&dev->queue, &back);
    block_note_loss(dev);
    dev->durable = dev->wrote;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* The device is given up, and no longer has t. */
static void block_fail_transfer(struct block_device *dev, struct block_transfer *t, bool quarantine)
{
    struct block_request *r = t->first, *next;

    if (quarantine)
        block_map_forget(dev, t);
    else
        block_unmap(dev, t);
    for (unsigned i = 0; i < t->count; i++, r = next) {
        next = r->next;
        r->transfers--;
        r->quarantined |= quarantine;
        r->result = -EIO;
        if (!r->queued && !r->transfers && r != dev->first)
            block_finish_later(dev, r, -EIO);
    }
    t->lost = false;
    block_deactivate(dev, t);
    block_transfer_clear(t);
}

void block_fail_all(struct block_device *dev, bool quarantine)
{
    struct block_transfer *t;

    if (quarantine && dev->bounce_busy)
        dev->bounce = NULL;
    block_pause(dev);
    dev->dead = true;
    block_set_plain(dev);
    while ((t = block_oldest(dev)))
        block_fail_transfer(dev, t, quarantine);
    block_drop_asked(dev);
    while (dev->queue.head) {
        struct block_request *r = block_dequeue(&dev->queue);

        r->queued = false;
        block_finish_later(dev, r, -EIO);
    }
    block_note_loss(dev);
    dev->durable = dev->wrote;
}
