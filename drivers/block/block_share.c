/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block_share.c - turns of those who keep more requests at a disk than the disk takes at once. What
 * waits of each waits in a queue of its own, and these queues take turns at the device's queue,
 * which never has more of them than the device takes: so whoever comes next, by a share or by
 * block_submit(), waits for few of the others. Requests pass block_submit() as all do.
 */
#include "block/block_impl.h"

#define SHARE_LEAST 16u /* requests of shares that the device's queue takes, at least */
#define SHARE_RUN   16u /* neighbours that go in one turn, at most: they may be joined */

static bool share_has_room(const struct block_device *dev)
{
    return dev->shares_out < (dev->depth > SHARE_LEAST ? dev->depth : SHARE_LEAST);
}

/* s, of which something waits, has its turn after all others. */
static void share_line_up(struct block_device *dev, struct block_share *s)
{
    s->next = s;
    if (dev->last_share) {
        s->next = dev->last_share->next;
        dev->last_share->next = s;
    }
    dev->last_share = s;
}

/* The share whose turn it is has nothing that waits. */
static void share_leave(struct block_device *dev, struct block_share *s)
{
    s->tail = NULL;
    if (dev->last_share == s)
        dev->last_share = NULL;
    else
        dev->last_share->next = s->next;
    s->next = NULL;
}

/* Does `next` begin on the disk where r, which was submitted, ends? */
static bool share_follows(const struct block_request *r, const struct block_request *next)
{
    return next->op == r->op && next->sector == r->sector + (r->bytes >> BLOCK_SECTOR_SHIFT);
}

/* Submits the first request of the share whose turn it is; where no neighbour follows, the turn is
 * over. */
static void share_take(struct block_device *dev, struct block_share *s)
{
    struct block_request *r = s->head;

    s->head = r->next;
    dev->shares_out++;
    block_submit(dev, &r, 1);
    if (s->head && ++s->run < SHARE_RUN && share_follows(r, s->head))
        return;
    s->run = 0;
    if (s->head)
        dev->last_share = s;
    else
        share_leave(dev, s);
}

static void share_go_on(struct block_device *dev)
{
    while (dev->last_share && share_has_room(dev))
        share_take(dev, dev->last_share->next);
}

/* done() of a request while the layer has it. The share may be gone when the caller's returns. */
static void share_done(struct block_request *r)
{
    struct block_device *dev = r->dev;

    dev->shares_out--;
    r->done = r->own_done;
    r->done(r);
    share_go_on(dev);
}

void block_share_init(struct block_device *dev, struct block_share *s)
{
    *s = (struct block_share){.dev = dev};
}

void block_share_submit(struct block_share *s, struct block_request *const *reqs, unsigned n)
{
    struct block_device *dev = s->dev;

    block_hold(dev);
    for (; n; n--, reqs++) {
        struct block_request *r = *reqs;

        r->dev = dev;
        r->own_done = r->done;
        r->done = share_done;
        HAL_QUEUE_APPEND(s->head, s->tail, r, next);
    }
    if (s->head && !s->next)
        share_line_up(dev, s);
    share_go_on(dev);
    block_release(dev);
}
