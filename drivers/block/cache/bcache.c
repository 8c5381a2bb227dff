/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache.c - the block cache: finding blocks, room for them, and who waits for what.
 */
#include "block/cache/bcache_impl.h"

#define BCACHE_BLOCK      4096u
#define BCACHE_MIN_BLOCKS 16u
#define BCACHE_MAX_BLOCKS (1u << 18)

static struct bcache *caches;

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

static struct bcache_block **bucket(const struct bcache *c, uint64_t index)
{
    return &c->hash[(index * 0x9e3779b97f4a7c15ull >> 32) & c->hash_mask];
}

struct bcache_block *bcache_find(const struct bcache *c, uint64_t index)
{
    struct bcache_block *b = *bucket(c, index);

    while (b && b->index != index)
        b = b->hash_next;
    return b;
}

static void hash_add(struct bcache *c, struct bcache_block *b)
{
    struct bcache_block **at = bucket(c, b->index);

    b->hash_next = *at;
    *at = b;
}

static void hash_remove(struct bcache *c, struct bcache_block *b)
{
    struct bcache_block **at = bucket(c, b->index);

    while (*at != b)
        at = &(*at)->hash_next;
    *at = b->hash_next;
}

/* ---- room ------------------------------------------------------------------------------------ */

/* Small steps while small, so that a small disk costs little. */
static bool grow(struct bcache *c)
{
    unsigned n = c->blocks < 64 ? 16 : 64;
    struct bcache_block *b;
    uint8_t *data;
    uint64_t dma;

    if (n > c->max_blocks - c->blocks)
        n = c->max_blocks - c->blocks;
    if (!n)
        return false;
    data = hal_dma_alloc((size_t)n << c->block_shift, 4096, &dma);
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

/* The least recently used clean block. */
static struct bcache_block *evict(struct bcache *c)
{
    struct bcache_link *l = c->lru.prev;

    if (l == &c->lru)
        return NULL;
    hash_remove(c, (struct bcache_block *)l);
    c->stats.evictions++;
    return (struct bcache_block *)l;
}

struct bcache_block *bcache_take_any(struct bcache *c)
{
    struct bcache_block *b;

    if (bcache_list_empty(&c->free))
        grow(c);
    b = bcache_first(&c->free);
    if (!b)
        b = evict(c);
    if (b)
        bcache_unlink(b);
    return b;
}

struct bcache_block *bcache_take(struct bcache *c, uint64_t index)
{
    struct bcache_block *b = bcache_take_any(c);

    if (!b)
        return NULL;
    b->index = index;
    b->len = bcache_disk_len(c, index);
    b->state = BCACHE_EMPTY;
    b->alone = false;
    hash_add(c, b);
    return b;
}

void bcache_settle_clean(struct bcache *c, struct bcache_block *b)
{
    b->state = BCACHE_CLEAN;
    if (!b->pins)
        bcache_insert_after(&c->lru, b);
}

void bcache_settle_empty(struct bcache *c, struct bcache_block *b, bool failed)
{
    b->state = failed ? BCACHE_FAILED : BCACHE_EMPTY;
    bcache_append(&c->lru, b);
}

/* It does not count any more: another may be made for it. */
void bcache_settle_lost(struct bcache *c, struct bcache_block *b)
{
    hash_remove(c, b);
    b->state = BCACHE_LOST;
    c->blocks--;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void wake_all(struct bcache_wait **list)
{
    struct bcache_wait *w = *list, *next;

    *list = NULL;
    for (; w; w = next) {
        next = w->next;
        w->wake(w);
    }
}

void bcache_wake_block(struct bcache_block *b)
{
    wake_all(&b->waiters);
}

void bcache_wake_room(struct bcache *c)
{
    wake_all(&c->room_waiters);
}

static int wait_for(struct bcache_wait **list, struct bcache_wait *w)
{
    w->next = *list;
    *list = w;
    return -EAGAIN;
}

/*
 * Until a block is written, read, returned, or a request has ended. Blocks that cannot be written
 * make no room: a writer whose round has ended with errors is told.
 */
static int wait_for_room(struct bcache *c, struct bcache_wait *w, bool writer)
{
    if (writer && w->for_room && w->errors != c->errors && w->round <= c->round_done)
        return -EIO;
    if (!w->for_room) {
        w->for_room = true;
        w->errors = c->errors;
        w->round = c->round_active ? c->round : c->round + 1;
    }
    bcache_start_round(c);
    if (bcache_list_empty(&c->lru) || bcache_crowded(c))
        bcache_start_flush(c);
    return wait_for(&c->room_waiters, w);
}

/* ---- getting a block ------------------------------------------------------------------------- */

void bcache_move(struct bcache *c, struct bcache_block *old, struct bcache_block *b)
{
    hash_remove(c, old);
    b->index = old->index;
    b->len = old->len;
    b->alone = old->alone;
    b->state = BCACHE_EMPTY;
    hash_add(c, b);
}

/*
 * The borrowed block keeps its contents; the disk's is a new one from here on, EMPTY and of no
 * list. It inherits that the old one was to be written, and in which round: a sync may wait for it.
 */
static struct bcache_block *replace(struct bcache *c, struct bcache_block *old, bool copy)
{
    struct bcache_block *b = bcache_take_any(c);

    if (!b)
        return NULL;
    bcache_move(c, old, b);
    if (copy)
        memcpy(b->data, old->data, old->len);
    if (old->state == BCACHE_DIRTY) {
        b->state = BCACHE_DIRTY;
        bcache_insert_after(&old->link, b);
    }
    bcache_unlink(old);
    c->unflushed_count -= old->state == BCACHE_UNFLUSHED;
    old->state = BCACHE_ORPHAN;
    return b;
}

static int get_to_write(struct bcache *c, struct bcache_block *b, enum bcache_use use,
                        struct bcache_wait *w, struct bcache_block **out)
{
    if (b->state == BCACHE_WRITING)
        return wait_for(&b->waiters, w);
    if (b->state != BCACHE_DIRTY && bcache_too_dirty(c))
        return wait_for_room(c, w, true);
    if (b->pins) {
        b = replace(c, b, use == BCACHE_UPDATE);
        if (!b)
            return wait_for_room(c, w, true);
    }
    bcache_mark_dirty(c, b);
    *out = b;
    return 0;
}

/* Block `index` is not there: b is NULL, or has no data. */
static int get_absent(struct bcache *c, struct bcache_block *b, uint64_t index, enum bcache_use use,
                      unsigned more, struct bcache_wait *w, struct bcache_block **out)
{
    if (block_dead(c->dev))
        return -EIO;
    if (use == BCACHE_OVERWRITE) {
        if (bcache_too_dirty(c) || (!b && !(b = bcache_take(c, index))))
            return wait_for_room(c, w, true);
        b->len = bcache_disk_len(c, index);
        bcache_mark_dirty(c, b);
        *out = b;
        return 0;
    }
    c->stats.misses += !w->missed;
    w->missed = true;
    if (!bcache_read(c, index, 1 + (uint64_t)more, &c->stats.blocks_read))
        return wait_for_room(c, w, false);
    return wait_for(&bcache_find(c, index)->waiters, w);
}

/* What of b the disk does not hold for sure gets there before the bytes behind it are read. */
static int before_refit(struct bcache *c, struct bcache_block *b, struct bcache_wait *w)
{
    if (b->state == BCACHE_WRITING)
        return wait_for(&b->waiters, w);
    if (b->len > bcache_disk_len(c, b->index))
        return 0;
    if (b->state == BCACHE_DIRTY)
        return wait_for_room(c, w, true);
    if (b->state != BCACHE_UNFLUSHED)
        return 0;
    bcache_start_flush(c);
    return wait_for(&c->room_waiters, w);
}

/* The disk ends elsewhere now. What is left of b, without data if its end is to be read. */
static struct bcache_block *refit(struct bcache *c, struct bcache_block *b, uint32_t len)
{
    if (len < b->len || b->state == BCACHE_EMPTY || b->state == BCACHE_FAILED) {
        b->len = len;
        return b;
    }
    if (b->pins && !(b = replace(c, b, false)))
        return NULL;
    c->unflushed_count -= b->state == BCACHE_UNFLUSHED;
    bcache_unlink(b);
    b->len = len;
    bcache_settle_empty(c, b, false);
    return b;
}

static bool has_data(const struct bcache_block *b)
{
    return b && b->state != BCACHE_EMPTY && b->state != BCACHE_FAILED;
}

static int check_access(const struct bcache *c, uint64_t index, enum bcache_use use)
{
    if (index >= bcache_disk_blocks(c))
        return -ENXIO;
    if (use == BCACHE_READ)
        return 0;
    if (block_read_only(c->dev))
        return -EROFS;
    return block_dead(c->dev) ? -EIO : 0;
}

static int get(struct bcache *c, uint64_t index, enum bcache_use use, unsigned more,
               struct bcache_wait *w, struct bcache_block **out)
{
    int err = check_access(c, index, use);
    struct bcache_block *b;

    if (err)
        return err;
    if (use != BCACHE_READ && c->dirty_count >= c->max_blocks / 4 && !c->round_failed)
        bcache_start_round(c);
    b = bcache_find(c, index);
    if (b && b->state == BCACHE_READING)
        return wait_for(&b->waiters, w);
    if (b && b->len != bcache_disk_len(c, index)) {
        err = before_refit(c, b, w);
        if (err)
            return err;
        b = refit(c, b, bcache_disk_len(c, index));
        if (!b)
            return wait_for_room(c, w, false);
    }
    if (b && b->state == BCACHE_FAILED && use != BCACHE_OVERWRITE) {
        b->state = BCACHE_EMPTY;
        return -EIO;
    }
    if (!has_data(b))
        return get_absent(c, b, index, use, more, w, out);
    c->stats.hits += !w->missed;
    if (use != BCACHE_READ)
        return get_to_write(c, b, use, w, out);
    if (b->state == BCACHE_CLEAN && !b->pins && c->lru.next != &b->link) {
        bcache_unlink(b);
        bcache_insert_after(&c->lru, b);
    }
    *out = b;
    return 0;
}

/* ---- borrowing ------------------------------------------------------------------------------- */

int bcache_borrow(struct bcache *c, struct bcache_block *b)
{
    if (b->pins == UINT16_MAX || (!b->pins && c->borrowed >= c->max_blocks / 4))
        return -EBUSY;
    if (b->pins++)
        return 0;
    c->borrowed++;
    if (b->state == BCACHE_CLEAN)
        bcache_unlink(b);
    return 0;
}

void bcache_return(struct bcache *c, struct bcache_block *b)
{
    hal_assert(b->pins);
    if (--b->pins)
        return;
    c->borrowed--;
    if (b->state == BCACHE_CLEAN) {
        bcache_insert_after(&c->lru, b);
    } else if (b->state == BCACHE_ORPHAN) {
        b->state = BCACHE_FREE;
        bcache_append(&c->free, b);
    }
    bcache_wake_room(c);
}

/* ---- requests to the device ------------------------------------------------------------------ */

static void io_done(struct block_request *r)
{
    struct bcache_io *io = r->ctx;

    if (r->op == BLOCK_READ)
        bcache_read_done(io);
    else
        bcache_write_done(io);
}

/* Some are kept for reads, so that a write-out does not hold up who waits for data. */
struct bcache_io *bcache_io_get(struct bcache *c, enum block_op op)
{
    struct bcache_io *io = c->free_ios;

    if (!io || (op == BLOCK_WRITE && c->free_io_count <= BCACHE_IOS_FOR_READS))
        return NULL;
    c->free_ios = io->next;
    c->free_io_count--;
    io->req = (struct block_request){.op = op, .segs = io->segs, .done = io_done, .ctx = io};
    io->first = io->last = NULL;
    io->count = 0;
    return io;
}

void bcache_io_put(struct bcache_io *io)
{
    io->next = io->cache->free_ios;
    io->cache->free_ios = io;
    io->cache->free_io_count++;
}

/* Can b not be part of io: it is not the next one, or does not fit? */
bool bcache_io_full(const struct bcache_io *io, const struct bcache_block *b)
{
    return io->count == BCACHE_IO_BLOCKS || io->req.seg_count == BCACHE_IO_SEGS ||
           io->last->index + 1 != b->index || io->last->alone || b->alone;
}

void bcache_io_add(struct bcache_io *io, struct bcache_block *b)
{
    struct block_seg *seg = io->req.seg_count ? &io->segs[io->req.seg_count - 1] : NULL;

    if (seg && (uint8_t *)seg->base + seg->len == b->data)
        seg->len += b->len;
    else
        io->segs[io->req.seg_count++] = (struct block_seg){b->data, b->len};
    if (io->last)
        io->last->chain = b;
    else
        io->first = b;
    io->last = b;
    b->chain = NULL;
    io->count++;
}

void bcache_io_submit(struct bcache_io *io)
{
    struct block_request *const r = &io->req;

    r->sector = io->first->index << io->cache->block_shift >> BLOCK_SECTOR_SHIFT;
    block_submit(io->cache->dev, &r, 1);
}

/* ---- the disk was away ----------------------------------------------------------------------- */

/* What is only a copy of the disk is read again. Who has borrowed a block keeps it as it was. */
static void forget(struct bcache *c, struct bcache_block *b)
{
    if (b->state != BCACHE_CLEAN)
        return;
    if (b->pins)
        hash_remove(c, b);
    b->state = b->pins ? BCACHE_ORPHAN : BCACHE_EMPTY;
}

static void forget_copies(struct bcache *c)
{
    c->plugs = block_plugs(c->dev);
    for (size_t i = 0; i <= c->hash_mask; i++)
        for (struct bcache_block *b = c->hash[i], *next; b; b = next) {
            next = b->hash_next;
            forget(c, b);
        }
}

int bcache_get(struct bcache *c, uint64_t index, enum bcache_use use, unsigned more,
               struct bcache_wait *w, struct bcache_block **out)
{
    int err;

    if (c->plugs != block_plugs(c->dev))
        forget_copies(c);
    err = get(c, index, use, more, w, out);
    if (err != -EAGAIN)
        w->missed = w->for_room = false;
    return err;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void set_geometry(struct bcache *c, size_t bytes)
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

static bool allocate(struct bcache *c)
{
    size_t buckets = 16;

    while (buckets < c->max_blocks / 2)
        buckets *= 2;
    c->hash_mask = buckets - 1;
    c->hash = hal_alloc(buckets * sizeof(*c->hash));
    c->ios = hal_alloc(BCACHE_IOS * sizeof(*c->ios));
    if (!c->hash || !c->ios || !grow(c)) {
        hal_free(c->hash);
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

    for (c = caches; c; c = c->next)
        if (c->dev == dev)
            return c;
    c = hal_alloc(sizeof(*c));
    if (!c)
        return NULL;
    c->dev = dev;
    c->plugs = block_plugs(dev);
    set_geometry(c, bytes);
    bcache_list_init(&c->free);
    bcache_list_init(&c->lru);
    bcache_list_init(&c->dirty);
    bcache_list_init(&c->outgoing);
    bcache_list_init(&c->unflushed);
    bcache_list_init(&c->flushing);
    if (!allocate(c)) {
        hal_free(c);
        return NULL;
    }
    c->service = (struct hal_service){.name = "bcache", .run = bcache_run, .next_ns = HAL_NEVER};
    hal_service_add(&c->service);
    c->next = caches;
    caches = c;
    return c;
}

uint64_t bcache_errors(const struct bcache *c)
{
    return c->errors;
}

int bcache_stats(unsigned n, struct bcache_stats *out)
{
    const struct bcache *c = caches;

    while (c && n--)
        c = c->next;
    if (!c)
        return -ENOENT;
    *out = c->stats;
    out->device = block_name(c->dev);
    out->block_size = c->block_size;
    out->blocks = c->blocks;
    out->max_blocks = c->max_blocks;
    out->dirty = c->dirty_count;
    out->unflushed = c->unflushed_count;
    out->borrowed = c->borrowed;
    out->errors = c->errors;
    return 0;
}
