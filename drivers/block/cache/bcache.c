/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache.c - the block cache: finding blocks, room for them, and who waits for what.
 */
#include "block/cache/bcache_impl.h"

#define BCACHE_BLOCK      4096u
#define BCACHE_MIN_BLOCKS 16u
#define BCACHE_MAX_BLOCKS (1u << 18)

static struct bcache *bcache_all;

/* From each state, the states that may follow, as bits. */
#define BCACHE_TO(state) (1u << BCACHE_##state)
const uint16_t bcache_next_states[BCACHE_STATES] = {
    [BCACHE_FREE] = BCACHE_TO(EMPTY),
    [BCACHE_EMPTY] = BCACHE_TO(EMPTY) | BCACHE_TO(READING) | BCACHE_TO(DIRTY),
    [BCACHE_READING] = BCACHE_TO(EMPTY) | BCACHE_TO(CLEAN) | BCACHE_TO(LOST),
    [BCACHE_CLEAN] = BCACHE_TO(EMPTY) | BCACHE_TO(DIRTY) | BCACHE_TO(ORPHAN),
    [BCACHE_DIRTY] = BCACHE_TO(EMPTY) | BCACHE_TO(CLEAN) | BCACHE_TO(WRITING) | BCACHE_TO(ORPHAN),
    [BCACHE_WRITING] = BCACHE_TO(CLEAN) | BCACHE_TO(DIRTY) | BCACHE_TO(UNFLUSHED) | BCACHE_TO(LOST),
    [BCACHE_UNFLUSHED] = BCACHE_TO(EMPTY) | BCACHE_TO(CLEAN) | BCACHE_TO(DIRTY) | BCACHE_TO(ORPHAN),
    [BCACHE_ORPHAN] = BCACHE_TO(FREE),
    [BCACHE_LOST] = 0,
};

/* ---- geometry -------------------------------------------------------------------------------- */

uint32_t bcache_block_size(const struct bcache *c)
{
    return c->block_size;
}

uint64_t bcache_disk_blocks(const struct bcache *c)
{
    uint64_t bytes = block_capacity(c->dev);

    return (bytes >> c->block_shift) + ((bytes & (c->block_size - 1)) != 0);
}

uint32_t bcache_disk_len(const struct bcache *c, uint64_t index)
{
    uint64_t left = block_capacity(c->dev) - (index << c->block_shift);

    return left < c->block_size ? (uint32_t)left : c->block_size;
}

void *bcache_data(const struct bcache_block *b)
{
    return b->data;
}

uint32_t bcache_len(const struct bcache_block *b)
{
    return b->len;
}

/* ---- the hash -------------------------------------------------------------------------------- */

static void bcache_hash_add(struct bcache *c, struct bcache_block *b)
{
    struct bcache_block **at = &c->hash[bcache_bucket_of(c, b->index)];

    b->hash_next = *at;
    *at = b;
}

static void bcache_hash_remove(struct bcache *c, struct bcache_block *b)
{
    struct bcache_block **at = &c->hash[bcache_bucket_of(c, b->index)];

    while (*at != b)
        at = &(*at)->hash_next;
    *at = b->hash_next;
}

/* ---- room ------------------------------------------------------------------------------------ */

/* Makes more blocks: few at a time while the cache is small, so that a small disk costs little. */
static bool bcache_grow(struct bcache *c)
{
    unsigned n = c->blocks < 64 ? 16 : 64;
    struct bcache_block *b;
    uint8_t *data;
    uint64_t dma;

    if (n > c->max_blocks - c->blocks)
        n = c->max_blocks - c->blocks;
    if (!n)
        return false;
    data = hal_dma_alloc((size_t)n << c->block_shift, 4096, HAL_DMA_MAPS ? NULL : &dma);
    b = data ? hal_alloc(n * sizeof(*b)) : NULL;
    if (!b) {
        if (data)
            hal_dma_free(data, (size_t)n << c->block_shift);
        if (c->blocks >= BCACHE_MIN_BLOCKS)
            c->max_blocks = c->blocks;
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        b[i].data = data + ((size_t)i << c->block_shift);
        bcache_append(&c->free, &b[i]);
    }
    c->blocks += n;
    return true;
}

/* A block to be given a disk block: FREE, or evicted. On no list. NULL: no room now. */
static struct bcache_block *bcache_take_any(struct bcache *c)
{
    struct bcache_block *b;

    if (bcache_list_empty(&c->free))
        bcache_grow(c);
    b = bcache_first(&c->free);
    if (b) {
        bcache_unlink(b);
        return b;
    }
    b = bcache_evict(c);
    if (b)
        bcache_hash_remove(c, b);
    return b;
}

struct bcache_block *bcache_take(struct bcache *c, uint64_t index)
{
    struct bcache_block *b = bcache_take_any(c);

    if (!b)
        return NULL;
    b->index = index;
    b->len = bcache_disk_len(c, index);
    bcache_set_state(c, b, BCACHE_EMPTY);
    b->alone = false;
    bcache_arrived(c, b);
    bcache_hash_add(c, b);
    return b;
}

void bcache_settle_clean(struct bcache *c, struct bcache_block *b)
{
    bcache_set_state(c, b, BCACHE_CLEAN);
    bcache_may_go(c, b);
}

/* Without data it is the first to go. */
void bcache_settle_empty(struct bcache *c, struct bcache_block *b)
{
    bcache_set_state(c, b, BCACHE_EMPTY);
    bcache_not_kept(c, b);
    bcache_append(&c->young, b);
}

void bcache_settle_lost(struct bcache *c, struct bcache_block *b)
{
    bcache_hash_remove(c, b);
    bcache_not_kept(c, b);
    bcache_set_state(c, b, BCACHE_LOST);
    c->blocks--;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void bcache_wake_all(struct bcache_wait **list, bool failed)
{
    struct bcache_wait *w = *list, *next;

    *list = NULL;
    for (; w; w = next) {
        next = w->next;
        w->failed = failed;
        w->wake(w);
    }
}

void bcache_wake_block(struct bcache_block *b, bool failed)
{
    bcache_wake_all(&b->waiters, failed);
}

void bcache_wake_room(struct bcache *c)
{
    bcache_wake_all(&c->room_waiters, false);
}

void bcache_wake_zero(struct bcache *c)
{
    bcache_wake_all(&c->zero_waiters, false);
}

int bcache_wait_for(struct bcache_wait **list, struct bcache_wait *w)
{
    w->next = *list;
    *list = w;
    return -EAGAIN;
}

/*
 * Room comes when a block was read, written, flushed or returned, or a request has ended. Blocks
 * that cannot be written make none: a writer hears -EIO when the round that should have made room
 * for it has ended with errors.
 */
static int bcache_wait_for_room(struct bcache *c, struct bcache_wait *w, bool writer)
{
    if (writer && w->for_room && w->errors != c->errors && w->round <= c->round_done)
        return -EIO;
    if (!w->for_room) {
        w->for_room = true;
        w->errors = c->errors;
        w->round = c->round_active ? c->round : c->round + 1;
    }
    bcache_start_round(c);
    if ((bcache_list_empty(&c->young) && bcache_list_empty(&c->old)) || bcache_crowded(c))
        bcache_start_flush(c);
    return bcache_wait_for(&c->room_waiters, w);
}

/* ---- getting a block ------------------------------------------------------------------------- */

/* The disk block of `old` is b's from here on. b comes from bcache_take_any(), and is EMPTY. */
static void bcache_move(struct bcache *c, struct bcache_block *old, struct bcache_block *b)
{
    bcache_hash_remove(c, old);
    b->index = old->index;
    b->len = old->len;
    b->alone = old->alone;
    bcache_not_kept(c, b);
    if (old->kept) {
        bcache_not_kept(c, old);
        b->kept = true;
        c->kept++;
    }
    b->uses = old->uses;
    bcache_set_state(c, b, BCACHE_EMPTY);
    bcache_hash_add(c, b);
}

/*
 * A borrowed block is to change: `old` keeps its contents as an ORPHAN, and the disk block gets a
 * new block, `copy`: with the same contents. The new block is EMPTY and on no list; but if `old` is
 * DIRTY the new block is DIRTY, at the old block's place in its list, since a sync may wait for
 * that round. NULL: no room now.
 */
static struct bcache_block *bcache_replace(struct bcache *c, struct bcache_block *old, bool copy)
{
    struct bcache_block *b = bcache_take_any(c);

    if (!b)
        return NULL;
    bcache_move(c, old, b);
    if (copy)
        memcpy(b->data, old->data, old->len);
    if (old->state == BCACHE_DIRTY) {
        bcache_set_state(c, b, BCACHE_DIRTY);
        bcache_insert_after(&old->link, b);
    }
    bcache_unlink(old);
    bcache_set_state(c, old, BCACHE_ORPHAN);
    return b;
}

/* Block b, which has data, is to be changed. */
static int bcache_get_to_write(struct bcache *c, struct bcache_block *b, enum bcache_use use,
                               struct bcache_wait *w, struct bcache_block **out)
{
    if (b->state == BCACHE_WRITING)
        return bcache_wait_for(&b->waiters, w);
    if (b->state != BCACHE_DIRTY && bcache_too_dirty(c))
        return bcache_wait_for_room(c, w, true);
    if (b->pins) {
        b = bcache_replace(c, b, use == BCACHE_UPDATE);
        if (!b)
            return bcache_wait_for_room(c, w, true);
    }
    bcache_mark_dirty(c, b);
    *out = b;
    return 0;
}

/* Block `index` has no data: b is NULL or EMPTY. */
static int bcache_get_absent(struct bcache *c, struct bcache_block *b, uint64_t index,
                             enum bcache_use use, unsigned more, struct bcache_wait *w,
                             struct bcache_block **out)
{
    if (block_dead(c->dev) || (w->failed && use != BCACHE_OVERWRITE))
        return -EIO;
    if (use == BCACHE_OVERWRITE) {
        if (bcache_too_dirty(c) || (!b && !(b = bcache_take(c, index))))
            return bcache_wait_for_room(c, w, true);
        b->len = bcache_disk_len(c, index);
        bcache_mark_dirty(c, b);
        *out = b;
        return 0;
    }
    c->stats.misses += !w->missed;
    w->missed = true;
    if (!bcache_read(c, index, 1 + (uint64_t)more, &c->stats.blocks_read))
        return bcache_wait_for_room(c, w, false);
    return bcache_wait_for(&bcache_find(c, index)->waiters, w);
}

/*
 * The disk has grown behind b, whose end is to be read. Contents of b that may not be on the disk
 * are written first. 0: nothing; -EAGAIN, or -EIO.
 */
static int bcache_before_refit(struct bcache *c, struct bcache_block *b, struct bcache_wait *w)
{
    if (b->state == BCACHE_WRITING)
        return bcache_wait_for(&b->waiters, w);
    if (b->len > bcache_disk_len(c, b->index))
        return 0;
    if (b->state == BCACHE_DIRTY)
        return bcache_wait_for_room(c, w, true);
    if (b->state != BCACHE_UNFLUSHED)
        return 0;
    bcache_start_flush(c);
    return bcache_wait_for(&c->room_waiters, w);
}

/*
 * The disk ends elsewhere now: b has `len` bytes. Returns the block, EMPTY if it has become longer,
 * so that its end must be read. NULL: no room now.
 */
static struct bcache_block *bcache_refit(struct bcache *c, struct bcache_block *b, uint32_t len)
{
    if (len < b->len || b->state == BCACHE_EMPTY) {
        b->len = len;
        return b;
    }
    if (b->pins && !(b = bcache_replace(c, b, false)))
        return NULL;
    bcache_unlink(b);
    b->len = len;
    bcache_settle_empty(c, b);
    return b;
}

static bool bcache_has_data(const struct bcache_block *b)
{
    return b && b->state != BCACHE_EMPTY;
}

static int bcache_check_access(const struct bcache *c, uint64_t index, enum bcache_use use)
{
    if (index >= bcache_disk_blocks(c))
        return -ENXIO;
    if (use == BCACHE_READ)
        return 0;
    if (block_read_only(c->dev))
        return -EROFS;
    return block_dead(c->dev) ? -EIO : 0;
}

/* bcache_get(), when the cache knows which disk this is. */
static int bcache_get_now(struct bcache *c, uint64_t index, enum bcache_use use, unsigned more,
                          struct bcache_wait *w, struct bcache_block **out)
{
    int err = bcache_check_access(c, index, use);
    struct bcache_block *b;

    if (err)
        return err;
    if (use != BCACHE_READ && bcache_dirty(c) >= c->max_blocks / 4 && !c->round_failed)
        bcache_start_round(c);
    if (bcache_closed(c, index))
        return bcache_wait_for(&c->zero_waiters, w);
    b = bcache_find(c, index);
    if (b && b->state == BCACHE_READING)
        return bcache_wait_for(&b->waiters, w);
    if (b && b->len != bcache_disk_len(c, index)) {
        err = bcache_before_refit(c, b, w);
        if (err)
            return err;
        b = bcache_refit(c, b, bcache_disk_len(c, index));
        if (!b)
            return bcache_wait_for_room(c, w, false);
    }
    if (!bcache_has_data(b))
        return bcache_get_absent(c, b, index, use, more, w, out);
    c->stats.hits += !w->missed;
    bcache_used(c, b);
    if (use != BCACHE_READ)
        return bcache_get_to_write(c, b, use, w, out);
    *out = b;
    return 0;
}

/* ---- borrowing ------------------------------------------------------------------------------- */

int bcache_borrow(struct bcache *c, struct bcache_block *b)
{
    return bcache_pin(c, b);
}

/* Nobody borrows b any more. */
__attribute__((noinline)) static void bcache_let_go(struct bcache *c, struct bcache_block *b)
{
    if (b->state == BCACHE_ORPHAN) {
        bcache_not_kept(c, b);
        bcache_set_state(c, b, BCACHE_FREE);
        bcache_append(&c->free, b);
    }
    bcache_wake_room(c);
}

void bcache_return(struct bcache *c, struct bcache_block *b)
{
    hal_assert(b->pins);
    if (--b->pins)
        return;
    c->borrowed--;
    if (b->state == BCACHE_ORPHAN || c->room_waiters)
        bcache_let_go(c, b);
}

void bcache_drop(struct bcache *c, struct bcache_block *b)
{
    bcache_unlink(b);
    if (b->pins) {
        bcache_hash_remove(c, b);
        bcache_set_state(c, b, BCACHE_ORPHAN);
    } else {
        bcache_settle_empty(c, b);
    }
}

/* ---- the disk was away ----------------------------------------------------------------------- */

/*
 * A copy of the disk is to be read again. A borrowed block keeps its contents, and is EMPTY or an
 * ORPHAN.
 */
static void bcache_forget(struct bcache *c, struct bcache_block *b)
{
    if (b->state != BCACHE_CLEAN)
        return;
    if (b->pins) {
        bcache_hash_remove(c, b);
        bcache_unlink(b);
    }
    bcache_set_state(c, b, b->pins ? BCACHE_ORPHAN : BCACHE_EMPTY);
}

/* Copies of block `from` and those behind it. */
static void bcache_forget_copies(struct bcache *c, uint64_t from)
{
    for (size_t i = 0; i < bcache_buckets(c); i++)
        for (struct bcache_block *b = c->hash[i], *next; b; b = next) {
            next = b->hash_next;
            if (b->index >= from)
                bcache_forget(c, b);
        }
}

/*
 * The disk has another size, or was plugged in again. What lay behind an end is not what will be
 * there if the disk grows again; after several changes the lowest end is not known.
 */
static void bcache_look_at_disk(struct bcache *c)
{
    uint64_t was = c->whole_blocks;
    unsigned n = *c->changes - c->changes_seen;

    c->changes_seen = *c->changes;
    c->whole_blocks = block_capacity(c->dev) >> c->block_shift;
    if (c->plugs != block_plugs(c->dev) || n > 1)
        bcache_forget_copies(c, 0);
    else if (c->whole_blocks < was)
        bcache_forget_copies(c, c->whole_blocks);
    c->plugs = block_plugs(c->dev);
}

int bcache_get(struct bcache *c, uint64_t index, enum bcache_use use, unsigned more,
               struct bcache_wait *w, struct bcache_block **out)
{
    int err;

    if (*c->changes != c->changes_seen)
        bcache_look_at_disk(c);
    err = bcache_get_now(c, index, use, more, w, out);
    if (err != -EAGAIN)
        w->missed = w->for_room = w->failed = false;
    return err;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void bcache_set_geometry(struct bcache *c, size_t bytes)
{
    size_t blocks;

    c->block_size = block_size(c->dev) > BCACHE_BLOCK ? block_size(c->dev) : BCACHE_BLOCK;
    while (1u << c->block_shift < c->block_size)
        c->block_shift++;
    blocks = bytes >> c->block_shift;
    if (blocks < BCACHE_MIN_BLOCKS)
        blocks = BCACHE_MIN_BLOCKS;
    c->max_blocks = blocks > BCACHE_MAX_BLOCKS ? BCACHE_MAX_BLOCKS : (unsigned)blocks;
}

static bool bcache_allocate(struct bcache *c)
{
    c->hash_shift = 32 - 4;
    while (bcache_buckets(c) < c->max_blocks)
        c->hash_shift--;
    c->gone = 2 * c->max_blocks; /* no ghost is of late */
    c->hash = hal_alloc(bcache_buckets(c) * sizeof(*c->hash));
    c->ghosts = hal_alloc(bcache_buckets(c) * sizeof(*c->ghosts));
    c->ios = hal_alloc(BCACHE_IOS * sizeof(*c->ios));
    if (!c->hash || !c->ghosts || !c->ios || !bcache_grow(c)) {
        hal_free(c->hash);
        hal_free(c->ghosts);
        hal_free(c->ios);
        return false;
    }
    for (unsigned i = 0; i < BCACHE_IOS; i++) {
        c->ios[i].cache = c;
        bcache_io_put(&c->ios[i]);
    }
    return true;
}

struct bcache *bcache_create(struct block_device *dev, size_t bytes)
{
    struct bcache *c;

    for (c = bcache_all; c; c = c->next)
        if (c->dev == dev)
            return c;
    c = hal_alloc(sizeof(*c));
    if (!c)
        return NULL;
    c->dev = dev;
    c->plugs = block_plugs(dev);
    c->changes = block_changes(dev);
    block_flusher_init(dev, &c->flusher);
    bcache_set_geometry(c, bytes);
    c->changes_seen = *c->changes;
    c->whole_blocks = block_capacity(dev) >> c->block_shift;
    bcache_list_init(&c->free);
    bcache_list_init(&c->young);
    bcache_list_init(&c->old);
    bcache_list_init(&c->dirty);
    bcache_list_init(&c->outgoing);
    bcache_list_init(&c->unflushed);
    bcache_list_init(&c->flushing);
    if (!bcache_allocate(c)) {
        hal_free(c);
        return NULL;
    }
    c->service = (struct hal_service){.name = "bcache", .run = bcache_run, .next_ns = HAL_NEVER};
    hal_service_add(&c->service);
    c->next = bcache_all;
    bcache_all = c;
    return c;
}

uint64_t bcache_errors(const struct bcache *c)
{
    return c->errors;
}

int bcache_stats(unsigned n, struct bcache_stats *out)
{
    const struct bcache *c = bcache_all;

    while (c && n--)
        c = c->next;
    if (!c)
        return -ENOENT;
    *out = c->stats;
    out->device = block_name(c->dev);
    out->block_size = c->block_size;
    out->blocks = c->blocks;
    out->max_blocks = c->max_blocks;
    out->dirty = bcache_dirty(c);
    out->unflushed = bcache_unflushed(c);
    out->borrowed = c->borrowed;
    out->errors = c->errors;
    return 0;
}
