/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block.c - the block layer: the registry, the queue of each device, and completion.
 */
#include "block/block_impl.h"

static struct block_device *devices;

/* ---- registry -------------------------------------------------------------------------------- */

struct block_device *block_get(unsigned n)
{
    struct block_device *d = devices;

    while (d && n--)
        d = d->next;
    return d;
}

static bool same_name(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

struct block_device *block_find(const char *name)
{
    struct block_device *d = devices;

    while (d && !same_name(d->name, name))
        d = d->next;
    return d;
}

void block_describe(const struct block_device *dev, struct block_info *out)
{
    *out = (struct block_info){
        .name = dev->name,
        .sectors = dev->sectors,
        .block_size = dev->block_size,
        .read_only = dev->read_only,
        .volatile_cache = dev->volatile_cache,
        .dead = dev->dead,
        .max_segs = dev->max_segs,
        .depth = dev->depth,
        .stats = dev->stats,
    };
    memcpy(out->id, dev->id, sizeof(out->id));
}

uint64_t block_capacity(const struct block_device *dev)
{
    return dev->sectors << BLOCK_SECTOR_SHIFT;
}

uint32_t block_size(const struct block_device *dev)
{
    return dev->block_size;
}

const char *block_name(const struct block_device *dev)
{
    return dev->name;
}

bool block_read_only(const struct block_device *dev)
{
    return dev->read_only;
}

bool block_volatile(const struct block_device *dev)
{
    return dev->volatile_cache;
}

bool block_dead(const struct block_device *dev)
{
    return dev->dead;
}

unsigned block_plugs(const struct block_device *dev)
{
    return dev->plugs;
}

/* ---- completion ------------------------------------------------------------------------------ */

void block_enqueue(struct block_queue *q, struct block_request *r)
{
    r->next = NULL;
    if (q->tail)
        q->tail->next = r;
    else
        q->head = r;
    q->tail = r;
}

/* r->next stays: the requests of one transfer are linked by it. */
struct block_request *block_dequeue(struct block_queue *q)
{
    struct block_request *r = q->head;

    q->head = r->next;
    if (!q->head)
        q->tail = NULL;
    return r;
}

static void deliver(struct block_device *dev, struct block_request *r)
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

/* Calls done() for what ended without the device; what that ends in turn waits for the next run. */
static bool run_finished(struct hal_service *s)
{
    bool any = false;

    (void)s;
    for (struct block_device *d = devices; d; d = d->next) {
        struct block_queue batch = d->finished;

        d->finished = (struct block_queue){NULL, NULL};
        block_hold(d);
        while (batch.head) {
            deliver(d, block_dequeue(&batch));
            any = true;
        }
        block_release(d);
    }
    return any;
}

static struct hal_service finisher = {.name = "block", .run = run_finished, .next_ns = HAL_NEVER};

void block_finish_later(struct block_device *dev, struct block_request *r, int result)
{
    if (!r->result)
        r->result = result;
    block_enqueue(&dev->finished, r);
    hal_service_wake(&finisher);
}

/* ---- transfers ------------------------------------------------------------------------------- */

static void activate(struct block_device *dev, struct block_transfer *t, uint64_t now)
{
    dev->free = t->next;
    t->deadline_ns = now + dev->timeout_ns;
    t->next = NULL;
    t->prev = dev->newest;
    if (dev->newest)
        dev->newest->next = t;
    else
        dev->oldest = t;
    dev->newest = t;
    dev->writes_out += t->op == BLOCK_WRITE;
    dev->bounce_busy |= t->bounced;
    dev->stats.transfers++;
    dev->stats.merged += t->count - 1;
    dev->stats.bounced += t->bounced;
}

void block_deactivate(struct block_device *dev, struct block_transfer *t)
{
    *(t->prev ? &t->prev->next : &dev->oldest) = t->next;
    *(t->next ? &t->next->prev : &dev->newest) = t->prev;
    t->next = dev->free;
    dev->free = t;
    dev->writes_out -= t->op == BLOCK_WRITE;
    if (t->bounced)
        dev->bounce_busy = false;
}

static void fail_head(struct block_device *dev, int err)
{
    struct block_request *r = block_dequeue(&dev->queue);

    r->queued = false;
    if (!r->result)
        r->result = err;
    if (!r->transfers)
        block_finish_later(dev, r, err);
}

/* A flush at the head: does it end without the device? Then *result is how. */
static bool flush_ends(struct block_device *dev, int *result)
{
    struct block_request *r = dev->queue.head;

    *result = r->stale || dev->stale ? -ESTALE : 0;
    if (!*result)
        return dev->read_only || !dev->volatile_cache; /* nothing to flush: done */
    dev->stale = false;
    return true;
}

/*
 * A flush covers the writes that completed before the device gets it (section 5.2.6), so it waits
 * at the head until those submitted before it have, and until whoever submitted one that failed has
 * been told (run_finished comes back here). True: nothing behind it can go yet.
 */
static bool flush_holds(struct block_device *dev)
{
    int result;

    if (dev->queue.head->op != BLOCK_FLUSH)
        return false;
    if (dev->writes_out || dev->finished.head)
        return true;
    while (dev->queue.head && dev->queue.head->op == BLOCK_FLUSH && flush_ends(dev, &result))
        fail_head(dev, result);
    return false;
}

static void pump(struct block_device *dev)
{
    struct block_dma dma[BLOCK_MAX_SEGS];
    uint64_t now = 0;

    while (dev->queue.head && dev->free && dev->driver->room(dev)) {
        struct block_transfer *t = dev->free;
        int n;

        if (dev->wary && !block_may_go(dev))
            break;
        if (flush_holds(dev))
            break;
        if (!dev->queue.head)
            break;
        n = block_cut(dev, t, dma);
        if (n == -EAGAIN)
            break;
        if (n < 0) {
            fail_head(dev, n);
            continue;
        }
        now = now ? now : hal_now_ns();
        activate(dev, t, now);
        dev->driver->stage(dev, t, dma, (unsigned)n);
    }
    if (now)
        dev->driver->commit(dev);
}

void block_rewind(struct block_request *r)
{
    r->seg_at = 0;
    r->seg_done = 0;
    r->cut = 0;
}

/* They failed together: each is tried by itself, so that one bad sector fails one request. */
static void retry_alone(struct block_device *dev, struct block_request *first, unsigned count)
{
    struct block_request *r = first;

    for (unsigned i = 0;; i++, r = r->next) {
        block_rewind(r);
        r->transfers = 0;
        r->queued = r->alone = true;
        if (i + 1 == count)
            break;
    }
    r->next = dev->queue.head;
    dev->queue.head = first;
    if (!dev->queue.tail)
        dev->queue.tail = r;
}

/* Flushes may be out together, and complete in any order. */
static void note_durability(struct block_device *dev, const struct block_transfer *t)
{
    if (t->op == BLOCK_WRITE)
        dev->wrote++;
    else if (t->op == BLOCK_FLUSH && t->covers > dev->durable)
        dev->durable = t->covers;
}

void block_complete(struct block_device *dev, struct block_transfer *t, int result)
{
    struct block_request *r = t->first, *next;
    unsigned count = t->count;

    hal_assert(dev->hold);
    if (t->bounced && t->op != BLOCK_WRITE && !result)
        block_unbounce(dev, t);
    block_deactivate(dev, t);
    if (!result && t->op != BLOCK_READ)
        note_durability(dev, t);
    if (result && count > 1 && t->op != BLOCK_FLUSH) {
        retry_alone(dev, r, count);
        return;
    }
    for (; count; count--, r = next) {
        next = r->next;
        r->transfers--;
        if (!r->result)
            r->result = result;
        if (!r->queued && !r->transfers)
            deliver(dev, r);
    }
}

/* ---- submitting ------------------------------------------------------------------------------ */

static int check_segs(const struct block_device *dev, struct block_request *r)
{
    for (unsigned i = 0; i < r->seg_count; i++) {
        const struct block_seg *s = &r->segs[i];

        if (!s->len || s->len & (dev->block_size - 1) || s->len > UINT64_MAX - r->bytes)
            return -EINVAL;
        r->bytes += s->len;
    }
    return r->bytes ? 0 : -EINVAL;
}

static int check(const struct block_device *dev, struct block_request *r)
{
    if (dev->dead)
        return -EIO;
    if (r->op == BLOCK_FLUSH)
        return r->seg_count ? -EINVAL : 0;
    if (r->op == BLOCK_GET_ID)
        return r->seg_count == 1 && r->segs[0].len == BLOCK_ID_LEN ? 0 : -EINVAL;
    if (r->op == BLOCK_WRITE && dev->read_only)
        return -EROFS;
    if (check_segs(dev, r) || r->sector & ((dev->block_size >> BLOCK_SECTOR_SHIFT) - 1))
        return -EINVAL;
    if (r->sector > dev->sectors || r->bytes >> BLOCK_SECTOR_SHIFT > dev->sectors - r->sector)
        return -EIO;
    return 0;
}

void block_begin(struct block_request *r)
{
    block_rewind(r);
    r->transfers = 0;
    r->bytes = 0;
    r->result = 0;
    r->replays = 0;
    r->queued = r->alone = r->quarantined = r->lost = r->stale = false;
}

void block_submit(struct block_device *dev, struct block_request *const *reqs, unsigned n)
{
    block_hold(dev);
    for (unsigned i = 0; i < n; i++) {
        struct block_request *r = reqs[i];
        int err;

        block_begin(r);
        err = check(dev, r);
        if (err) {
            block_finish_later(dev, r, err);
            continue;
        }
        r->queued = true;
        block_enqueue(&dev->queue, r);
    }
    block_release(dev);
}

void block_hold(struct block_device *dev)
{
    dev->hold++;
}

void block_release(struct block_device *dev)
{
    if (--dev->hold == 0)
        pump(dev);
}

/* ---- devices come and change ----------------------------------------------------------------- */

static int set_limits(struct block_device *dev)
{
    if (dev->max_segs > BLOCK_MAX_SEGS)
        dev->max_segs = BLOCK_MAX_SEGS;
    dev->unit = dev->block_size;
    if (dev->max_seg_size >= dev->unit) {
        dev->piece = dev->max_seg_size & ~(dev->unit - 1);
        dev->unit_pieces = 1;
    } else {
        dev->piece = dev->max_seg_size & ~(BLOCK_SECTOR - 1);
        dev->unit_pieces = dev->piece ? (dev->unit + dev->piece - 1) / dev->piece : 0;
    }
    if (dev->unit_pieces && dev->unit_pieces <= dev->max_segs && dev->depth)
        return 0;
    hal_log(HAL_ERROR, dev->name, "a block of %u bytes does not fit into %u segments of %u",
            dev->unit, dev->max_segs, dev->max_seg_size);
    return -EINVAL;
}

int block_register(struct block_device *dev)
{
    struct block_device **at = &devices;
    int err = set_limits(dev);

    if (err)
        return err;
    dev->transfers = hal_alloc(dev->depth * sizeof(*dev->transfers));
    if (!dev->transfers)
        return -ENOMEM;
    for (unsigned i = dev->depth; i--;) {
        dev->transfers[i].slot = i;
        dev->transfers[i].next = dev->free;
        dev->free = &dev->transfers[i];
    }
    if (!devices)
        hal_service_add(&finisher);
    while (*at)
        at = &(*at)->next;
    *at = dev;
    return 0;
}

void block_resize(struct block_device *dev, uint64_t sectors)
{
    dev->sectors = sectors;
}
