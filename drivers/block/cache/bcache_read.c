/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache_read.c - filling the block cache: reads of what is wanted, and of what is likely to be.
 */
#include "block/cache/bcache_impl.h"

#define BCACHE_AHEAD_MIN 4u
#define BCACHE_AHEAD_MAX 64u /* blocks; and an eighth of the cache */

/* A block that `index` can be read into, of no list; NULL: it is there, or there is no room. */
static struct bcache_block *vacant(struct bcache *c, uint64_t index, bool *present)
{
    struct bcache_block *b = bcache_find(c, index);

    *present = b && b->state != BCACHE_EMPTY;
    if (*present)
        return NULL;
    if (!b)
        return bcache_take(c, index);
    bcache_unlink(b);
    b->len = bcache_disk_len(c, index);
    return b;
}

/* Adds to *started how many it starts; returns how far it came. */
static uint64_t read_blocks(struct bcache *c, uint64_t index, uint64_t count, uint64_t *started)
{
    struct bcache_io *io = NULL;
    uint64_t end = index + count, i;

    for (i = index; i < end; i++) {
        bool present;
        struct bcache_block *b = vacant(c, i, &present);

        if (present)
            continue;
        if (!b)
            break;
        if (io && bcache_io_full(io, b)) {
            bcache_io_submit(io);
            io = NULL;
        }
        if (!io && !(io = bcache_io_get(c, BLOCK_READ))) {
            bcache_settle_empty(c, b, false);
            break;
        }
        if (!io->count)
            c->stats.reads++;
        b->state = BCACHE_READING;
        bcache_io_add(io, b);
        ++*started;
    }
    if (io)
        bcache_io_submit(io);
    return i;
}

bool bcache_read(struct bcache *c, uint64_t index, uint64_t count, uint64_t *started)
{
    uint64_t left = bcache_disk_blocks(c) - index, end;

    if (count > left)
        count = left;
    if (count > c->max_blocks / 4)
        count = c->max_blocks / 4;
    block_hold(c->dev);
    end = read_blocks(c, index, count, started);
    block_release(c->dev);
    return end > index;
}

void bcache_read_done(struct bcache_io *io)
{
    struct bcache *c = io->cache;
    int result = io->req.result;
    bool lost = io->req.quarantined;
    struct bcache_block *b = io->first, *next;
    unsigned count = io->count;

    bcache_io_put(io);
    for (; b; b = next) {
        next = b->chain;
        if (lost) {
            bcache_settle_lost(c, b);
        } else if (!result) {
            b->alone = false;
            bcache_settle_clean(c, b);
        } else {
            bool last_try = count == 1;

            b->alone = true;
            bcache_settle_empty(c, b, last_try && b->waiters);
        }
        bcache_wake_block(b);
    }
    bcache_write_more(c); /* it may have waited for a request */
    bcache_wake_room(c);
}

/*
 * Two reads in a row make a sequential reader. Its window starts small and doubles each time half
 * of it is used up, so that the next piece is on its way before the reader needs it.
 */
static void read_ahead(struct bcache *c, struct bcache_stream *s)
{
    unsigned max = c->max_blocks / 8 < BCACHE_AHEAD_MAX ? c->max_blocks / 8 : BCACHE_AHEAD_MAX;
    uint64_t from;

    if (!s->window)
        s->window = BCACHE_AHEAD_MIN < max ? BCACHE_AHEAD_MIN : max;
    if (s->ahead < s->next)
        s->ahead = s->next;
    from = s->ahead;
    if (from - s->next > s->window / 2)
        return;
    s->ahead = s->next + s->window;
    s->window = s->window * 2 < max ? s->window * 2 : max;
    if (from < bcache_disk_blocks(c) && s->ahead > from && !block_dead(c->dev))
        bcache_read(c, from, s->ahead - from, &c->stats.readahead);
}

void bcache_advance(struct bcache *c, struct bcache_stream *s, uint64_t index, unsigned count)
{
    uint64_t end = index + count;
    bool sequential = s->next && (index == s->next || index + 1 == s->next);

    if (end == s->next)
        return; /* still in the same block */
    s->next = end;
    if (sequential)
        read_ahead(c, s);
    else
        *s = (struct bcache_stream){.next = end};
}
