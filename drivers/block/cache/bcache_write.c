/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache_write.c - from dirty to durable: write-out in rounds, flushes, and the syncs that wait for
 * both.
 *
 * A round takes the blocks that are dirty when it begins, sorts them by index, and writes them in
 * runs of neighbours. A sync needs the end of the round that holds all blocks that were dirty when
 * the sync began, and then of a flush that the device got after that. Several syncs may share both.
 * When a flush finds that the device was reset, all blocks that no flush covers are dirty again,
 * and all syncs start over.
 */
#include "block/cache/bcache_impl.h"

#define BCACHE_AGE           (5 * HAL_SEC) /* dirty for this long: a round begins */
#define BCACHE_STALE_FLUSHES 5u            /* in a row; the next one counts as an error */
#define BCACHE_RUNS          24u           /* of a merge sort: 2^23 blocks and more */

/* A round is under way, and none of it is left to be written or with the device. */
static bool bcache_round_written(const struct bcache *c)
{
    return c->round_active && !c->in_state[BCACHE_WRITING] && bcache_list_empty(&c->outgoing);
}

/* ---- sorting --------------------------------------------------------------------------------- */

/* Merges two lists that are sorted by index; they end with NULL. */
static struct bcache_link *bcache_merge(struct bcache_link *a, struct bcache_link *b)
{
    struct bcache_link *head = NULL, **tail = &head;

    while (a && b) {
        struct bcache_link **least =
            ((struct bcache_block *)a)->index < ((struct bcache_block *)b)->index ? &a : &b;

        *tail = *least;
        tail = &(*least)->next;
        *least = (*least)->next;
    }
    *tail = a ? a : b;
    return head;
}

/* Merge sort, bottom up: run i holds 2^i blocks or none. The list ends with NULL. */
static struct bcache_link *bcache_sort(struct bcache_link *list)
{
    struct bcache_link *runs[BCACHE_RUNS] = {NULL}, *all = NULL;
    unsigned i;

    while (list) {
        struct bcache_link *run = list;

        list = list->next;
        run->next = NULL;
        for (i = 0; i < BCACHE_RUNS - 1 && runs[i]; i++) {
            run = bcache_merge(runs[i], run);
            runs[i] = NULL;
        }
        runs[i] = runs[i] ? bcache_merge(runs[i], run) : run;
    }
    for (i = 0; i < BCACHE_RUNS; i++)
        if (runs[i])
            all = all ? bcache_merge(runs[i], all) : runs[i];
    return all;
}

static bool bcache_is_sorted(const struct bcache_link *l)
{
    const struct bcache_link *at = l->next;

    while (at->next != l) {
        if (((const struct bcache_block *)at)->index >
            ((const struct bcache_block *)at->next)->index)
            return false;
        at = at->next;
    }
    return true;
}

/* Moves all blocks of `from`, which is not empty, to the empty list `to`. */
static void bcache_move_all(struct bcache_link *from, struct bcache_link *to)
{
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    bcache_list_init(from);
}

static void bcache_sort_list(struct bcache_link *l)
{
    struct bcache_link *at, *next;

    if (bcache_is_sorted(l))
        return;
    l->prev->next = NULL;
    at = bcache_sort(l->next);
    bcache_list_init(l);
    for (; at; at = next) {
        next = at->next;
        bcache_append(l, (struct bcache_block *)at);
    }
}

/* ---- dirty blocks ---------------------------------------------------------------------------- */

/* Dirty blocks are written by and by, unless a time for that is set already. */
static void bcache_age(struct bcache *c)
{
    if (c->service.next_ns != HAL_NEVER)
        return;
    c->service.next_ns = hal_now_ns() + BCACHE_AGE;
    hal_service_changed(&c->service);
}

void bcache_mark_dirty(struct bcache *c, struct bcache_block *b)
{
    if (b->state == BCACHE_DIRTY)
        return;
    bcache_unlink(b);
    bcache_age(c);
    bcache_set_state(c, b, BCACHE_DIRTY);
    b->alone = false;
    bcache_append(&c->dirty, b);
}

/*
 * Ends a round that wrote nothing, and begins one when dirty blocks have aged. While the device is
 * given up, dirty blocks wait until it is back.
 */
bool bcache_run(struct hal_service *s)
{
    struct bcache *c = (struct bcache *)s;

    if (bcache_round_written(c)) {
        bcache_progress(c);
        bcache_wake_room(c);
        return true;
    }
    if (hal_now_ns() < s->next_ns)
        return false;
    s->next_ns = HAL_NEVER;
    if (bcache_list_empty(&c->dirty))
        return false;
    if (c->round_active || block_dead(c->dev))
        s->next_ns = hal_now_ns() + BCACHE_AGE;
    else
        bcache_start_round(c);
    return true;
}

/* ---- writing out ----------------------------------------------------------------------------- */

/*
 * The disk may have shrunk. False: b lies beyond its end, and its contents are lost, which counts
 * as a write error.
 */
static bool bcache_still_on_disk(struct bcache *c, struct bcache_block *b)
{
    if (b->index < bcache_disk_blocks(c)) {
        uint32_t len = bcache_disk_len(c, b->index);

        b->len = b->len < len ? b->len : len;
        return true;
    }
    c->errors++;
    bcache_unlink(b);
    if (b->pins)
        bcache_settle_clean(c, b);
    else
        bcache_settle_empty(c, b);
    return false;
}

/* Writes the blocks of the round in order, as long as there are requests. */
static void bcache_write_blocks(struct bcache *c)
{
    struct bcache_io *io = NULL;
    struct bcache_block *b;

    while ((b = bcache_first(&c->outgoing))) {
        if (!bcache_still_on_disk(c, b))
            continue;
        if (io && bcache_io_full(io, b)) {
            bcache_io_submit(io);
            io = NULL;
        }
        if (!io && !(io = bcache_io_get(c, BLOCK_WRITE)))
            break;
        if (!io->count)
            c->stats.writeouts++;
        bcache_unlink(b);
        bcache_set_state(c, b, BCACHE_WRITING);
        bcache_io_add(io, b);
    }
    if (io)
        bcache_io_submit(io);
}

void bcache_write_more(struct bcache *c)
{
    if (bcache_list_empty(&c->outgoing))
        return;
    block_hold(c->dev);
    bcache_write_blocks(c);
    block_release(c->dev);
    if (bcache_round_written(c)) /* all was beyond the end: no request will end this round */
        hal_service_wake(&c->service);
}

void bcache_start_round(struct bcache *c)
{
    if (c->round_active || bcache_list_empty(&c->dirty))
        return;
    c->round++;
    c->round_active = true;
    c->round_failed = false;
    bcache_move_all(&c->dirty, &c->outgoing);
    bcache_sort_list(&c->outgoing);
    bcache_write_more(c);
}

/* The device has b. */
static void bcache_written(struct bcache *c, struct bcache_block *b)
{
    b->alone = false;
    c->stats.blocks_written++;
    if (!block_volatile(c->dev)) {
        bcache_settle_clean(c, b);
        return;
    }
    c->unflushed_writes = true;
    bcache_set_state(c, b, BCACHE_UNFLUSHED);
    bcache_append(&c->unflushed, b);
}

/*
 * The device may read the memory of `old` for ever: another block gets its contents. NULL: there is
 * no room for another, and the contents are lost.
 */
static struct bcache_block *bcache_leave_behind(struct bcache *c, struct bcache_block *old)
{
    struct bcache_block *b;

    bcache_settle_lost(c, old);
    b = bcache_take(c, old->index);
    if (!b)
        return NULL;
    b->len = old->len;
    memcpy(b->data, old->data, old->len);
    return b;
}

/*
 * b stays dirty for the next round, and is then written alone, so that a bad sector does not keep
 * its neighbours from being written. `lost`: the device may still read its memory.
 */
static void bcache_not_written(struct bcache *c, struct bcache_block *b, bool lost)
{
    if (lost && !(b = bcache_leave_behind(c, b)))
        return;
    bcache_set_state(c, b, BCACHE_DIRTY);
    b->alone = true;
    bcache_append(&c->dirty, b);
    if (block_dead(c->dev))
        bcache_age(c);
}

void bcache_write_done(struct bcache_io *io)
{
    struct bcache *c = io->cache;
    int result = io->req.result;
    bool lost = io->req.quarantined;
    struct bcache_block *b = io->first, *next;

    c->errors += result != 0;
    c->round_failed |= result != 0;
    bcache_io_put(io);
    for (; b; b = next) {
        next = b->chain;
        if (result)
            bcache_not_written(c, b, lost);
        else
            bcache_written(c, b);
        bcache_wake_block(b, false);
    }
    bcache_write_more(c);
    bcache_progress(c);
    if (bcache_unflushed(c) >= c->max_blocks / 4 && !result)
        bcache_start_flush(c);
    bcache_wake_room(c);
}

/* The round at whose end all blocks that are dirty now have been written. */
static uint64_t bcache_needed_round(const struct bcache *c)
{
    if (!bcache_list_empty(&c->dirty))
        return c->round + 1;
    return c->round_active ? c->round : c->round_done;
}

/* ---- flushing -------------------------------------------------------------------------------- */

/* The device may have lost these blocks: they are dirty again. */
static void bcache_write_again(struct bcache *c, struct bcache_link *blocks)
{
    struct bcache_block *b;

    while ((b = bcache_first(blocks)))
        bcache_mark_dirty(c, b);
}

/* The flush under way has succeeded. */
static void bcache_all_flushed(struct bcache *c)
{
    struct bcache_block *b;

    while ((b = bcache_first(&c->flushing)))
        if (bcache_still_on_disk(c, b)) {
            bcache_unlink(b);
            bcache_settle_clean(c, b);
        }
}

/* All syncs need everything that is dirty now. */
static void bcache_start_over(struct bcache *c)
{
    for (struct bcache_sync *s = c->syncs; s; s = s->next) {
        s->round = bcache_needed_round(c);
        s->flush = 0;
    }
}

/* The device gets the flush: it covers what is written by now. */
static void bcache_flush_starts(struct block_request *r)
{
    struct bcache *c = r->ctx;
    struct bcache_block *b;

    c->flush_started = true;
    c->unflushed_writes = false;
    while ((b = bcache_first(&c->unflushed))) {
        bcache_unlink(b);
        bcache_append(&c->flushing, b);
    }
}

/*
 * After a flush that failed, all that no flush covers is written again: the device may have
 * forgotten what was written while it had the flush, as well.
 */
static void bcache_flush_ended(struct block_request *r)
{
    struct bcache *c = r->ctx;
    bool stale = r->result == -ESTALE && c->stale_flushes < BCACHE_STALE_FLUSHES;

    if (!r->result && !c->flush_started) /* the disk has no volatile cache any more */
        bcache_flush_starts(r);
    c->flush_out = false;
    c->flush_done = c->flush;
    c->stats.flushes++;
    c->stale_flushes = stale ? c->stale_flushes + 1 : 0;
    c->errors += r->result && !stale;
    c->unflushed_writes |= r->result != 0;
    if (r->result) {
        bcache_write_again(c, &c->flushing);
        bcache_write_again(c, &c->unflushed);
    } else {
        bcache_all_flushed(c);
    }
    if (stale)
        bcache_start_over(c);
    bcache_progress(c);
    bcache_wake_room(c);
}

static void bcache_flush_now(struct bcache *c)
{
    struct block_request *const r = &c->flush_request;

    c->flush++;
    c->flush_out = true;
    c->flush_started = false;
    *r = (struct block_request){.op = BLOCK_FLUSH,
                                .done = bcache_flush_ended,
                                .ctx = c,
                                .flusher = &c->flusher,
                                .started = bcache_flush_starts};
    block_submit(c->dev, &r, 1);
}

void bcache_start_flush(struct bcache *c)
{
    if (c->flush_out || bcache_list_empty(&c->unflushed))
        return;
    bcache_flush_now(c);
}

/* ---- those who wait -------------------------------------------------------------------------- */

/*
 * Does a sync that has all of its blocks written need a flush? Also of a disk without a volatile
 * cache if it had one before a reset: the flush then tells whether writes were lost.
 */
static bool bcache_needs_flush(const struct bcache *c)
{
    return block_volatile(c->dev) || c->unflushed_writes || c->flush_out;
}

/* The first flush that covers all that is written now. */
static uint64_t bcache_next_flush(const struct bcache *c)
{
    return c->flush_out && !c->flush_started ? c->flush : c->flush + 1;
}

/*
 * Takes the syncs that have what they need off the list, and returns them; begins the round or the
 * flush that the others need.
 */
static struct bcache_sync *bcache_advance_syncs(struct bcache *c)
{
    struct bcache_sync *done = NULL, **at = &c->syncs, *s;
    bool flush = false;

    while ((s = *at)) {
        bool written_out = s->round <= c->round_done && !c->zeros;

        if (written_out && !s->flush && bcache_needs_flush(c))
            s->flush = bcache_next_flush(c);
        if (written_out && s->flush <= c->flush_done) {
            *at = s->next;
            s->next = done;
            done = s;
            continue;
        }
        flush |= written_out && s->flush > c->flush;
        at = &s->next;
        if (s->round > c->round)
            bcache_start_round(c);
    }
    if (flush && !c->flush_out)
        bcache_flush_now(c);
    return done;
}

void bcache_progress(struct bcache *c)
{
    struct bcache_sync *done, *next;

    if (bcache_round_written(c)) {
        c->round_active = false;
        c->round_done = c->round;
    }
    for (done = bcache_advance_syncs(c); done; done = next) {
        next = done->next;
        done->result = c->errors == done->errors ? 0 : -EIO;
        done->done(done);
    }
}

int bcache_sync(struct bcache *c, struct bcache_sync *s)
{
    s->result = 0;
    if (!bcache_dirty(c) && !c->unflushed_writes && !c->flush_out && !c->zeros)
        return 0;
    s->errors = c->errors;
    s->round = bcache_needed_round(c);
    s->flush = 0;
    s->next = c->syncs;
    c->syncs = s;
    if (!bcache_round_written(
            c)) /* else the service is about to, and wakes callers that wait for room */
        bcache_progress(c);
    return -EAGAIN;
}
