/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block_lost.c - the block layer when its device is reset, comes back, or is given up.
 *
 * Reads, writes of the same bytes, flushes and GET_ID can be done twice without harm, so what was
 * with the device is sent again. What cannot be sent again is a write that had completed and was
 * still in the device's cache: whoever flushes next is told that it may be lost.
 */
#include "block/block_impl.h"

/* ---- while it recovers ----------------------------------------------------------------------- */

/* A request that was with the device at every reset so far may be the cause: it goes by itself. */
static bool suspect(const struct block_request *r)
{
    return r->replays >= BLOCK_REPLAYS;
}

bool block_may_go(struct block_device *dev)
{
    const struct block_request *head = dev->queue.head;

    if (dev->paused)
        return head == dev->first;
    if (!dev->oldest) {
        dev->wary = head->replays != 0;
        return true;
    }
    return !suspect(head) && !suspect(dev->oldest->first);
}

void block_pause(struct block_device *dev)
{
    dev->paused = dev->wary = true;
}

void block_ask(struct block_device *dev, struct block_request *r, uint64_t timeout_ns)
{
    block_hold(dev);
    block_begin(r);
    r->queued = true;
    r->next = dev->queue.head;
    dev->queue.head = r;
    if (!dev->queue.tail)
        dev->queue.tail = r;
    dev->first = r;
    block_release(dev);
    if (dev->paused && dev->oldest) /* it is the only one out */
        dev->oldest->deadline_ns = hal_now_ns() + timeout_ns;
}

void block_resume(struct block_device *dev)
{
    block_hold(dev);
    dev->first = NULL;
    dev->dead = dev->paused = false;
    block_release(dev);
}

/* ---- what the device had --------------------------------------------------------------------- */

/* Forgets the request of block_ask(), if it still waits: then it is the head. */
static void drop_asked(struct block_device *dev)
{
    if (dev->first && dev->first == dev->queue.head)
        block_dequeue(&dev->queue);
    dev->first = NULL;
}

/* None of its transfers is out any more. A part of it may still be in the device's queue. */
static void put_back(struct block_device *dev, struct block_queue *back, struct block_request *r)
{
    if (r->lost && suspect(r) && !r->result)
        r->result = -EIO;
    if (r->lost) {
        r->replays++;
        r->alone |= suspect(r);
        dev->stats.replayed += !r->result;
    }
    r->lost = false;
    block_rewind(r);
    if (r->queued)
        return;
    if (r->result) {
        block_finish_later(dev, r, r->result);
        return;
    }
    r->queued = true;
    block_enqueue(back, r);
}

/* The requests of a transfer that the device does not have any more. */
static void give_up_transfer(struct block_device *dev, struct block_transfer *t,
                             struct block_queue *back)
{
    struct block_request *r = t->first, *next;

    for (unsigned i = 0; i < t->count; i++, r = next) {
        next = r->next;
        r->lost |= t->lost;
        if (--r->transfers == 0 && r != dev->first)
            put_back(dev, back, r);
    }
    t->lost = false;
    block_deactivate(dev, t);
}

/* Writes that had completed may be lost: those who wait for a flush are told, else the next one. */
static void note_loss(struct block_device *dev)
{
    bool told = false;

    if (!dev->volatile_cache || dev->wrote == dev->durable)
        return;
    dev->durable = dev->wrote;
    for (struct block_request *r = dev->queue.head; r; r = r->next) {
        r->stale |= r->op == BLOCK_FLUSH;
        told |= r->stale;
    }
    dev->stale |= !told;
}

void block_requeue(struct block_device *dev)
{
    struct block_queue back = {NULL, NULL};

    block_pause(dev);
    while (dev->oldest)
        give_up_transfer(dev, dev->oldest, &back);
    drop_asked(dev);
    if (back.head) {
        back.tail->next = dev->queue.head;
        dev->queue.head = back.head;
        if (!dev->queue.tail)
            dev->queue.tail = back.tail;
    }
    note_loss(dev);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void fail_transfer(struct block_device *dev, struct block_transfer *t, bool quarantine)
{
    struct block_request *r = t->first, *next;

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
}

void block_fail_all(struct block_device *dev, bool quarantine)
{
    if (quarantine && dev->bounce_busy)
        dev->bounce = NULL;
    block_pause(dev);
    dev->dead = true;
    while (dev->oldest)
        fail_transfer(dev, dev->oldest, quarantine);
    drop_asked(dev);
    while (dev->queue.head) {
        struct block_request *r = block_dequeue(&dev->queue);

        r->queued = false;
        dev->stale |= r->stale; /* it was to tell, and will not */
        block_finish_later(dev, r, -EIO);
    }
    note_loss(dev);
}
