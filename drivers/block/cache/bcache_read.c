/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache_read.c - fills the block cache: reads blocks that a caller wants, and blocks ahead of a
 * sequential reader.
 */
#include "block/cache/bcache_impl.h"

/* Blocks that are read ahead: at first; at most, or an eighth of the cache if that is less. */
#define BCACHE_AHEAD_MIN 4u
#define BCACHE_AHEAD_MAX 64u

/*
 * A block that `index` can be read into, EMPTY and on no list. NULL: the block has data or is being
 * read (*present), or there is no room.
 */
static struct bcache_block *bcache_vacant(struct bcache *c, uint64_t index, bool *present)
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

/* As bcache_read(). Returns the first block that it did not come to. */
static uint64_t bcache_read_blocks(struct bcache *c, uint64_t index, uint64_t count,
                                   uint64_t *started)
{
    struct bcache_io *io = NULL;
    uint64_t end = index + count, i;

    for (i = index; i < end; i++) {
        bool present;
        struct bcache_block *b = bcache_vacant(c, i, &present);

        if (present)
            continue;
        if (!b)
            break;
        if (io && bcache_io_full(io, b)) {
            bcache_io_submit(io);
            io = NULL;
        }
        if (!io && !(io = bcache_io_get(c, BLOCK_READ))) {
            bcache_settle_empty(c, b);
            break;
        }
        if (!io->count)
            c->stats.reads++;
        bcache_set_state(c, b, BCACHE_READING);
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

    if (bcache_closed(c, index))
        return false;
    if (c->zeros && c->zeros->index > index && c->zeros->index - index < left)
        left = c->zeros->index - index;
    if (count > left)
        count = left;
    if (count > c->max_blocks / 4)
        count = c->max_blocks / 4;
    block_hold(c->dev);
    end = bcache_read_blocks(c, index, count, started);
    block_release(c->dev);
    return end > index;
}

/*
 * A failed request fails all of its blocks: the waiting callers ask again, and then each block is
 * read alone. Only callers that wait for a block that was read alone get the error; a later caller
 * has the block read again.
 */
void bcache_read_done(struct bcache_io *io)
{
    struct bcache *c = io->cache;
    int result = io->req.result;
    bool lost = io->req.quarantined, failed = result && io->count == 1;
    struct bcache_block *b = io->first, *next;

    bcache_io_put(io);
    for (; b; b = next) {
        next = b->chain;
        if (lost) {
            bcache_settle_lost(c, b);
        } else if (!result) {
            b->alone = false;
            bcache_settle_clean(c, b);
        } else {
            b->alone = true;
            bcache_settle_empty(c, b);
        }
        bcache_wake_block(b, failed);
    }
    bcache_write_more(c); /* a round may wait for a request */
    bcache_wake_room(c);
}

/*
 * For a sequential reader: one whose second read follows the first. When it has come through half
 * of the window, the next blocks are read, and the window doubles; so they are there before the
 * reader needs them.
 */
static void bcache_read_ahead(struct bcache *c, struct bcache_stream *s)
{
    unsigned max = c->max_blocks / 8 < BCACHE_AHEAD_MAX ? c->max_blocks / 8 : BCACHE_AHEAD_MAX;
    uint64_t from;

    if (!s->window)
        s->window =
            BCACHE_AHEAD_MIN < max && s->habit != BCACHE_HABIT_IN_TURN ? BCACHE_AHEAD_MIN : max;
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

static void bcache_go_on(struct bcache *c, struct bcache_stream *s, uint64_t index, uint64_t end)
{
    bool sequential = s->next && (index == s->next || index + 1 == s->next);

    if (!sequential || s->habit == BCACHE_HABIT_RANDOM)
        *s = (struct bcache_stream){.habit = s->habit};
    s->next = end;
    if (s->habit != BCACHE_HABIT_RANDOM && (sequential || s->habit == BCACHE_HABIT_IN_TURN))
        bcache_read_ahead(c, s);
}

void bcache_advance(struct bcache *c, struct bcache_stream *s, uint64_t index, unsigned count)
{
    uint64_t end = index + count;

    if (end != s->next) /* else still in the same block */
        bcache_go_on(c, s, index, end);
}

void bcache_passed(struct bcache *c, struct bcache_stream *s, uint64_t at)
{
    uint64_t index = at >> c->block_shift;

    if (index + 1 != s->next)
        bcache_go_on(c, s, index, index + 1);
}
