/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache_write.c - from dirty to durable: write-out in rounds, flushes, and who waits for both.
 *
 * A round takes what is dirty when it begins, sorts it, and writes it in runs. A sync needs the
 * round that holds all that was dirty when it came, and then a flush that began after that round's
 * end. Several may share both. A flush that finds that the device was reset starts them all over:
 * whatever no flush covers is dirty again.
 */
#include "block/cache/bcache_impl.h"

#define BCACHE_AGE           (5 * HAL_SEC) /* dirty data goes out after so long at the latest */
#define BCACHE_STALE_FLUSHES 5u            /* in a row: then it is an error */

static void progress(struct bcache *c);

/* A round is under way, and nothing of it is left to be written. */
static bool nothing_out(const struct bcache *c)
{
    return c->round_active && !c->writing && bcache_list_empty(&c->outgoing);
}

/* ---- sorting --------------------------------------------------------------------------------- */

static struct bcache_link *merge(struct bcache_link *a, struct bcache_link *b)
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

/* Merge sort from below: run i holds 2^i blocks or none. */
static struct bcache_link *sort(struct bcache_link *list)
{
    struct bcache_link *runs[24] = {NULL}, *all = NULL;
    unsigned i;

    while (list) {
        struct bcache_link *run = list;

        list = list->next;
        run->next = NULL;
        for (i = 0; i < 23 && runs[i]; i++) {
            run = merge(runs[i], run);
            runs[i] = NULL;
        }
        runs[i] = runs[i] ? merge(runs[i], run) : run;
    }
    for (i = 0; i < 24; i++)
        if (runs[i])
            all = all ? merge(runs[i], all) : runs[i];
    return all;
}

static bool sorted(const struct bcache_link *l)
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

/* Moves all of `from`, which is not empty, to the empty list `to`. */
static void move_all(struct bcache_link *from, struct bcache_link *to)
{
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    bcache_list_init(from);
}

static void sort_list(struct bcache_link *l)
{
    struct bcache_link *at, *next;

    if (sorted(l))
        return;
    l->prev->next = NULL;
    at = sort(l->next);
    bcache_list_init(l);
    for (; at; at = next) {
        next = at->next;
        bcache_append(l, (struct bcache_block *)at);
    }
}

/* ---- dirty blocks ---------------------------------------------------------------------------- */

void bcache_mark_dirty(struct bcache *c, struct bcache_block *b)
{
    if (b->state == BCACHE_DIRTY)
        return;
    bcache_unlink(b);
    c->unflushed_count -= b->state == BCACHE_UNFLUSHED;
    if (c->service.next_ns == HAL_NEVER)
        c->service.next_ns = hal_now_ns() + BCACHE_AGE;
    b->state = BCACHE_DIRTY;
    b->alone = false;
    bcache_append(&c->dirty, b);
    c->dirty_count++;
}

/*
 * The service: ends a round that wrote nothing, and begins one when dirty blocks have aged. On a
 * device that was given up they wait until it is back.
 */
bool bcache_run(struct hal_service *s)
{
    struct bcache *c = (struct bcache *)s;

    if (nothing_out(c)) {
        progress(c);
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

/* The disk may have shrunk. What lies beyond its end is lost, and whoever syncs hears of it. */
static bool still_on_disk(struct bcache *c, struct bcache_block *b)
{
    if (b->index < bcache_disk_blocks(c)) {
        uint32_t len = bcache_disk_len(c, b->index);

        b->len = b->len < len ? b->len : len;
        return true;
    }
    c->errors++;
    c->dirty_count--;
    bcache_unlink(b);
    if (b->pins)
        bcache_settle_clean(c, b);
    else
        bcache_settle_empty(c, b, false);
    return false;
}

/* Requests of neighbours, as long as there are requests to be had. */
static void write_blocks(struct bcache *c)
{
    struct bcache_io *io = NULL;
    struct bcache_block *b;

    while ((b = bcache_first(&c->outgoing))) {
        if (!still_on_disk(c, b))
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
        b->state = BCACHE_WRITING;
        c->writing++;
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
    write_blocks(c);
    block_release(c->dev);
    if (nothing_out(c)) /* all of it was beyond the end: no request will end this round */
        hal_service_wake(&c->service);
}

void bcache_start_round(struct bcache *c)
{
    if (c->round_active || bcache_list_empty(&c->dirty))
        return;
    c->round++;
    c->round_active = true;
    c->round_failed = false;
    move_all(&c->dirty, &c->outgoing);
    sort_list(&c->outgoing);
    bcache_write_more(c);
}

static void written(struct bcache *c, struct bcache_block *b)
{
    b->alone = false;
    c->dirty_count--;
    c->stats.blocks_written++;
    if (!block_volatile(c->dev)) {
        bcache_settle_clean(c, b);
        return;
    }
    c->unflushed_writes = true;
    b->state = BCACHE_UNFLUSHED;
    bcache_append(&c->unflushed, b);
    c->unflushed_count++;
}

/* The device may still read the block's memory: its contents go on in another, if there is one. */
static struct bcache_block *leave_behind(struct bcache *c, struct bcache_block *old)
{
    struct bcache_block *b;

    bcache_settle_lost(c, old);
    b = bcache_take(c, old->index);
    if (!b) {
        c->dirty_count--;
        return NULL;
    }
    b->len = old->len;
    memcpy(b->data, old->data, old->len);
    return b;
}

/* It stays dirty, for the next round, by itself: one bad sector does not keep its neighbours. */
static void not_written(struct bcache *c, struct bcache_block *b, bool lost)
{
    if (lost && !(b = leave_behind(c, b)))
        return;
    b->state = BCACHE_DIRTY;
    b->alone = true;
    bcache_append(&c->dirty, b);
    if (block_dead(c->dev) && c->service.next_ns == HAL_NEVER)
        c->service.next_ns = hal_now_ns() + BCACHE_AGE;
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
        c->writing--;
        if (result)
            not_written(c, b, lost);
        else
            written(c, b);
        bcache_wake_block(b);
    }
    bcache_write_more(c);
    progress(c);
    if (c->unflushed_count >= c->max_blocks / 4 && !result)
        bcache_start_flush(c);
    bcache_wake_room(c);
}

/* The round whose end means that all that is dirty now was written. */
static uint64_t needed_round(const struct bcache *c)
{
    if (!bcache_list_empty(&c->dirty))
        return c->round + 1;
    return c->round_active ? c->round : c->round_done;
}

/* ---- flushing -------------------------------------------------------------------------------- */

static void write_again(struct bcache *c, struct bcache_link *blocks)
{
    struct bcache_block *b;

    while ((b = bcache_first(blocks)))
        bcache_mark_dirty(c, b);
}

static void all_flushed(struct bcache *c)
{
    struct bcache_block *b;

    while ((b = bcache_first(&c->flushing))) {
        bcache_unlink(b);
        c->unflushed_count--;
        bcache_settle_clean(c, b);
    }
}

/* Whoever waits, waits for all that is dirty now. */
static void start_over(struct bcache *c)
{
    for (struct bcache_sync *s = c->syncs; s; s = s->next) {
        s->round = needed_round(c);
        s->flush = 0;
    }
}

static void flush_done(struct block_request *r)
{
    struct bcache *c = r->ctx;
    bool stale = r->result == -ESTALE && c->stale_flushes < BCACHE_STALE_FLUSHES;

    c->flush_out = false;
    c->flush_done = c->flush;
    c->stats.flushes++;
    c->stale_flushes = stale ? c->stale_flushes + 1 : 0;
    c->errors += r->result && !stale;
    c->unflushed_writes |= r->result != 0;
    if (r->result)
        write_again(c, &c->flushing);
    else
        all_flushed(c);
    if (r->result == -ESTALE) /* the device may have lost these, too */
        write_again(c, &c->unflushed);
    if (stale)
        start_over(c);
    progress(c);
    bcache_wake_room(c);
}

static void start_flush(struct bcache *c)
{
    struct block_request *const r = &c->flush_request;

    c->flush++;
    c->flush_out = true;
    c->unflushed_writes = false;
    if (!bcache_list_empty(&c->unflushed))
        move_all(&c->unflushed, &c->flushing);
    *r = (struct block_request){.op = BLOCK_FLUSH, .done = flush_done, .ctx = c};
    block_submit(c->dev, &r, 1);
}

void bcache_start_flush(struct bcache *c)
{
    if (c->flush_out || bcache_list_empty(&c->unflushed))
        return;
    start_flush(c);
}

/* ---- those who wait -------------------------------------------------------------------------- */

/* Also of a disk that came back without a cache: the flush tells whether the one before lost. */
static bool needs_flush(const struct bcache *c)
{
    return block_volatile(c->dev) || c->unflushed_writes || c->flush_out;
}

/* Takes the syncs out that have what they need, and lets the others ask for it. */
static struct bcache_sync *advance_syncs(struct bcache *c)
{
    struct bcache_sync *done = NULL, **at = &c->syncs, *s;
    bool flush = false;

    while ((s = *at)) {
        bool written_out = s->round <= c->round_done;

        if (written_out && !s->flush && needs_flush(c))
            s->flush = c->flush + 1;
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
        start_flush(c);
    return done;
}

static void progress(struct bcache *c)
{
    struct bcache_sync *done, *next;

    if (nothing_out(c)) {
        c->round_active = false;
        c->round_done = c->round;
    }
    for (done = advance_syncs(c); done; done = next) {
        next = done->next;
        done->result = c->errors == done->errors ? 0 : -EIO;
        done->done(done);
    }
}

int bcache_sync(struct bcache *c, struct bcache_sync *s)
{
    s->result = 0;
    if (!c->dirty_count && !c->unflushed_writes && !c->flush_out)
        return 0;
    s->errors = c->errors;
    s->round = needed_round(c);
    s->flush = 0;
    s->next = c->syncs;
    c->syncs = s;
    if (!nothing_out(c)) /* else the service is about to, for those who want room as well */
        progress(c);
    return -EAGAIN;
}
