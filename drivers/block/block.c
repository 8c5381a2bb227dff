/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block.c - the block layer: the registry, the queue of each device, and completion.
 */
#include "block/block_impl.h"
#include "virtio/virtio.h"

#if VIREO_BLK
VIRTIO_LINK_DRIVER(vblk_driver);
#endif
static struct block_device *block_devices;

/* ---- registry -------------------------------------------------------------------------------- */

struct block_device *block_get(unsigned n)
{
    struct block_device *d = block_devices;

    while (d && n--)
        d = d->next;
    return d;
}

struct block_device *block_find(const char *name)
{
    struct block_device *d = block_devices;

    while (d && !hal_same_name(d->name, name))
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

const unsigned *block_changes(const struct block_device *dev)
{
    return &dev->changes;
}

/* ---- queues ---------------------------------------------------------------------------------- */

void block_enqueue(struct block_queue *q, struct block_request *r)
{
    HAL_QUEUE_APPEND(q->head, q->tail, r, next);
}

void block_prepend(struct block_queue *q, const struct block_queue *back)
{
    if (!back->head)
        return;
    back->tail->next = q->head;
    q->head = back->head;
    if (!q->tail)
        q->tail = back->tail;
}

struct block_request *block_dequeue(struct block_queue *q)
{
    struct block_request *r = q->head;

    q->head = r->next;
    if (!q->head)
        q->tail = NULL;
    return r;
}

/* ---- the end of a request -------------------------------------------------------------------- */

/* r is the caller's again. */
static void block_deliver(struct block_device *dev, struct block_request *r)
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

/*
 * The service of all devices: calls done() of requests that ended without the device. Requests that
 * end during that wait for the next run.
 */
static bool block_run_finished(struct hal_service *s)
{
    bool any = false;

    (void)s;
    for (struct block_device *d = block_devices; d; d = d->next) {
        struct block_queue batch = d->finished;

        d->finished = (struct block_queue){NULL, NULL};
        block_hold(d);
        while (batch.head) {
            block_deliver(d, block_dequeue(&batch));
            any = true;
        }
        block_release(d);
    }
    return any;
}

static struct hal_service block_finisher;

void block_finish_later(struct block_device *dev, struct block_request *r, int result)
{
    if (!r->result)
        r->result = result;
    block_enqueue(&dev->finished, r);
    hal_service_wake(&block_finisher);
}

/* ---- transfers ------------------------------------------------------------------------------- */

static void block_activate(struct block_device *dev, struct block_transfer *t, uint64_t now)
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

static void block_queue_first(struct block_device *dev, struct block_request *r)
{
    const struct block_queue one = {r, r};

    r->queued = true;
    block_prepend(&dev->queue, &one);
}

/* The head of the queue cannot be cut further: it ends when none of it is with the device. */
static void block_fail_head(struct block_device *dev, int err)
{
    struct block_request *r = block_dequeue(&dev->queue);

    r->queued = false;
    if (!r->result)
        r->result = err;
    if (r->transfers)
        return;
    if (block_tries_alone(dev, r))
        block_queue_first(dev, r);
    else
        block_finish_later(dev, r, err);
}

/* A flush is at the head: does it end without the device? Then *result is how. */
static bool block_flush_ends(struct block_device *dev, int *result)
{
    struct block_request *r = dev->queue.head;

    *result = block_flush_is_stale(dev, r) ? -ESTALE : 0;
    if (!*result)
        return dev->read_only || !dev->volatile_cache; /* nothing to flush: done */
    block_tell_loss(dev, r);
    return true;
}

/*
 * A flush covers the writes that completed before the device gets it (virtio 1.4, section 5.2.6).
 * So it waits at the head until all writes that were submitted before it have completed, and until
 * the callbacks of those that failed were called (block_run_finished() then comes back here). True:
 * a flush waits, and nothing behind it may go. Flushes that end without the device are taken off.
 */
static bool block_flush_holds(struct block_device *dev)
{
    int result;

    if (dev->queue.head->op != BLOCK_FLUSH)
        return false;
    if (dev->writes_out || dev->finished.head)
        return true;
    while (dev->queue.head && dev->queue.head->op == BLOCK_FLUSH && block_flush_ends(dev, &result))
        block_fail_head(dev, result);
    return false;
}

/* Gives the device what waits, in order, as far as it has room. */
static void block_pump(struct block_device *dev)
{
    struct block_dma dma[BLOCK_MAX_SEGS];
    uint64_t now = 0;

    while (dev->queue.head && dev->free && dev->driver->room(dev)) {
        struct block_request *head = dev->queue.head;
        struct block_transfer *t = dev->free;
        int n;

        if (dev->wary && !block_may_go(dev))
            break;
        if (block_flush_holds(dev))
            break;
        if (dev->queue.head != head)
            continue;
        n = block_cut(dev, t, dma);
        if (n == -EAGAIN)
            break;
        if (n < 0) {
            block_fail_head(dev, n);
            continue;
        }
        now = now ? now : hal_now_ns();
        block_activate(dev, t, now);
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

/*
 * Several flushes may be with the device, which completes them in any order. One that was out when
 * another failed does not count.
 */
static void block_note_durability(struct block_device *dev, const struct block_transfer *t)
{
    struct block_request *r = t->first;

    if (t->op == BLOCK_WRITE)
        dev->wrote++;
    else if (t->op == BLOCK_FLUSH && t->covers > dev->durable)
        dev->durable = t->covers;
    for (unsigned i = t->op == BLOCK_FLUSH ? t->count : 0; i; i--, r = r->next)
        if (r->stale) {
            r->result = -ESTALE;
            block_tell_loss(dev, r);
        }
}

/* Do these bytes end where t begins, or begin where t ends? */
static bool block_adjacent(const struct block_transfer *t, uint64_t sector, uint64_t bytes)
{
    return sector == t->sector + (t->bytes >> BLOCK_SECTOR_SHIFT) ||
           t->sector == sector + (bytes >> BLOCK_SECTOR_SHIFT);
}

/*
 * t has failed and has left the device. Was a neighbouring request with the device too, in t or
 * beside it? A device may join neighbours that it has at the same time into one access (QEMU does),
 * and then fails them all. Neighbours that failed before t wait at the head of the queue.
 */
static bool block_had_neighbours(const struct block_device *dev, const struct block_transfer *t)
{
    if (t->op != BLOCK_READ && t->op != BLOCK_WRITE)
        return false;
    if (t->count > 1)
        return true;
    for (const struct block_transfer *o = dev->oldest; o; o = o->next)
        if (o->op == t->op && o->first != t->first && block_adjacent(t, o->sector, o->bytes))
            return true;
    for (const struct block_request *r = dev->queue.head; r && r->alone; r = r->next)
        if (r->op == t->op && block_adjacent(t, r->sector, r->bytes))
            return true;
    return false;
}

bool block_tries_alone(struct block_device *dev, struct block_request *r)
{
    if (!r->shared || r->alone)
        return false;
    block_rewind(r);
    r->result = 0;
    r->alone = true;
    dev->wary = true;
    return true;
}

/* The device has failed t. */
static void block_transfer_failed(struct block_device *dev, const struct block_transfer *t,
                                  int result)
{
    struct block_request *r = t->first, *next;
    struct block_queue again = {NULL, NULL};
    bool shared = block_had_neighbours(dev, t);

    if (t->op == BLOCK_FLUSH) /* the device may have forgotten what it was to make durable */
        block_note_loss(dev);
    for (unsigned i = t->count; i; i--, r = next) {
        next = r->next;
        r->transfers--;
        r->shared |= shared;
        if (!r->result)
            r->result = result;
        if (r->op == BLOCK_FLUSH)
            block_tell_loss(dev, r);
        if (r->queued || r->transfers)
            continue;
        if (block_tries_alone(dev, r)) {
            r->queued = true;
            block_enqueue(&again, r);
        } else {
            block_deliver(dev, r);
        }
    }
    block_prepend(&dev->queue, &again);
}

void block_complete(struct block_device *dev, struct block_transfer *t, int result)
{
    struct block_request *r = t->first, *next;
    unsigned count = t->count;

    hal_assert(dev->hold);
    block_unmap(dev, t);
    if (t->bounced && t->op != BLOCK_WRITE && !result)
        block_unbounce(dev, t);
    block_deactivate(dev, t);
    if (result) {
        block_transfer_failed(dev, t, result);
        return;
    }
    if (t->op != BLOCK_READ)
        block_note_durability(dev, t);
    for (; count; count--, r = next) {
        next = r->next;
        r->transfers--;
        if (r->queued || r->transfers)
            continue;
        if (r->result && block_tries_alone(dev, r))
            block_queue_first(dev, r);
        else
            block_deliver(dev, r);
    }
}

/* ---- submitting ------------------------------------------------------------------------------ */

static int block_check_segs(const struct block_device *dev, struct block_request *r)
{
    for (unsigned i = 0; i < r->seg_count; i++) {
        const struct block_seg *s = &r->segs[i];

        if (!s->len || s->len & (dev->block_size - 1) || s->len > UINT64_MAX - r->bytes)
            return -EINVAL;
        r->bytes += s->len;
    }
    return r->bytes ? 0 : -EINVAL;
}

/* Why r cannot be done, or 0. Adds up r->bytes. */
static int block_check(const struct block_device *dev, struct block_request *r)
{
    if (dev->dead)
        return -EIO;
    if (r->op == BLOCK_FLUSH)
        return r->seg_count ? -EINVAL : 0;
    if (r->op == BLOCK_GET_ID)
        return r->seg_count == 1 && r->segs[0].len == BLOCK_ID_LEN ? 0 : -EINVAL;
    if (r->op == BLOCK_WRITE && dev->read_only)
        return -EROFS;
    if (block_check_segs(dev, r) || r->sector & ((dev->block_size >> BLOCK_SECTOR_SHIFT) - 1))
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
    r->queued = r->alone = r->shared = r->quarantined = r->lost = r->stale = false;
}

void block_submit(struct block_device *dev, struct block_request *const *reqs, unsigned n)
{
    block_hold(dev);
    for (unsigned i = 0; i < n; i++) {
        struct block_request *r = reqs[i];
        int err;

        block_begin(r);
        err = block_check(dev, r);
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
        block_pump(dev);
}

/* ---- devices come and change ----------------------------------------------------------------- */

/* What every transfer keeps to, of what the driver says. -EINVAL, named in the log. */
static int block_set_limits(struct block_device *dev)
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
    hal_log(HAL_ERROR, dev->name,
            "a logical block of %u bytes does not fit into %u segments of %u bytes", dev->unit,
            dev->max_segs, dev->max_seg_size);
    return -EINVAL;
}

int block_register(struct block_device *dev)
{
    int err = block_set_limits(dev);

    if (err)
        return err;
    dev->transfers = hal_alloc(dev->depth * sizeof(*dev->transfers));
    if (!dev->transfers)
        return -ENOMEM;
    if (HAL_DMA_MAPS && block_map_setup(dev)) {
        hal_free(dev->transfers);
        return -ENOMEM;
    }
    for (unsigned i = dev->depth; i--;) {
        dev->transfers[i].slot = i;
        dev->transfers[i].next = dev->free;
        dev->free = &dev->transfers[i];
    }
    if (!block_devices) {
        block_finisher.name = "block";
        block_finisher.run = block_run_finished;
        hal_service_add(&block_finisher);
    }
    HAL_LIST_APPEND(&block_devices, dev);
    return 0;
}

void block_resize(struct block_device *dev, uint64_t sectors)
{
    dev->sectors = sectors;
    dev->changes++;
}

void block_replugged(struct block_device *dev)
{
    dev->plugs++;
    dev->changes++;
}
