/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block_more.c - what only some devices do, and only some programs need: ranges of sectors that are
 * zeroed, discarded or erased, the wear of the disk, its shape, and the switch of its cache. Linked
 * with block_can().
 */
#include "block/block_impl.h"
#include "virtio/virtio.h"

#if VIREO_BLK
VIRTIO_LINK_DRIVER(vblk_more_driver);
#endif

/* ---- questions ------------------------------------------------------------------------------- */

/* Does the device do `op`, one of those that only some devices do? */
static bool block_more_can(const struct block_device *dev, enum block_op op)
{
    return (unsigned)op < BLOCK_OPS && dev->more && dev->more->can >> op & 1;
}

bool block_can(const struct block_device *dev, enum block_op op)
{
    if (dev->read_only && BLOCK_CHANGES(op))
        return false;
    return op <= BLOCK_FLUSH || op == BLOCK_GET_ID || block_more_can(dev, op);
}

void block_limits(const struct block_device *dev, struct block_limits *out)
{
    *out = dev->more ? dev->more->limits : (struct block_limits){0};
    if (!out->physical_block)
        out->physical_block = dev->block_size;
}

static uint8_t block_lifetime_value(const uint8_t *raw, unsigned most)
{
    unsigned v = raw[0] | (unsigned)raw[1] << 8;

    return v <= most ? (uint8_t)v : 0;
}

void block_lifetime(const uint8_t raw[BLOCK_LIFETIME_LEN], struct block_lifetime *out)
{
    out->reserve = block_lifetime_value(raw, 3);
    out->slc = block_lifetime_value(raw + 2, 11);
    out->mlc = block_lifetime_value(raw + 4, 11);
}

/* ---- ranges ---------------------------------------------------------------------------------- */

/* How many of `left` sectors from `at` on one range takes. */
static uint32_t block_range_length(const struct block_range_limit *m, uint64_t at, uint64_t left)
{
    uint32_t over;

    if (left <= m->sectors)
        return (uint32_t)left;
    over = (uint32_t)(at + m->sectors) & (m->align - 1);
    return m->sectors - (over < m->sectors ? over : 0);
}

/* Fills in the ranges of a transfer of r; how many. Counts them as cut off. */
static uint32_t block_fill_ranges(const struct block_range_limit *m, struct block_request *r,
                                  struct block_range *to)
{
    uint32_t n = 0;

    while (n < m->ranges && r->cut < r->bytes) {
        uint64_t at = r->sector + (r->cut >> BLOCK_SECTOR_SHIFT);
        uint32_t sectors = block_range_length(m, at, (r->bytes - r->cut) >> BLOCK_SECTOR_SHIFT);

        to[n++] = (struct block_range){
            .sector = at,
            .sectors = sectors,
            .flags = r->op == BLOCK_WRITE_ZEROES && r->unmap ? BLOCK_RANGE_UNMAP : 0,
        };
        r->cut += (uint64_t)sectors << BLOCK_SECTOR_SHIFT;
    }
    return n;
}

int block_more_check(const struct block_device *dev, struct block_request *r)
{
    if (BLOCK_CHANGES(r->op) && dev->read_only)
        return -EROFS;
    if (!block_more_can(dev, r->op))
        return -ENOTSUP;
    if (r->op == BLOCK_LIFETIME)
        return r->seg_count == 1 && r->segs[0].len == BLOCK_LIFETIME_LEN ? 0 : -EINVAL;
    return block_check_span(dev, r);
}

/* The piece of the transfer, in memory of its slot or, in *dma, of the request. -ENOMEM. */
static int block_more_piece(struct block_device *dev, const struct block_transfer *t,
                            struct block_dma *dma)
{
    struct block_request *r = dev->queue.head;
    struct block_range *to;

    if (r->op == BLOCK_LIFETIME) {
        dma->len = BLOCK_LIFETIME_LEN;
        dma->addr =
            dev->bounce_all ? dev->bounce_dma : block_lend(dev, r->segs[0].base, dma->len, r->op);
        r->cut = r->bytes;
        return dma->addr == HAL_DMA_NONE ? -ENOMEM : 1;
    }
    to = dev->more->ranges + t->slot * BLOCK_RANGES;
    dma->addr = dev->more->ranges_dma + t->slot * BLOCK_RANGES * sizeof(*to);
    if (dev->bounce_all) {
        to = (struct block_range *)(void *)dev->bounce;
        dma->addr = dev->bounce_dma;
    }
    dma->len = block_fill_ranges(&dev->more->range[r->op], r, to) * (uint32_t)sizeof(*to);
    return 1;
}

int block_more_cut(struct block_device *dev, struct block_transfer *t, struct block_dma *dma)
{
    struct block_request *r = dev->queue.head;
    int n;

    if (!block_more_can(dev, r->op)) /* not any more, since a reset */
        return -ENOTSUP;
    /* the capacity may have changed since the request was submitted */
    if (r->result || r->sector > dev->sectors ||
        r->bytes >> BLOCK_SECTOR_SHIFT > dev->sectors - r->sector)
        return -EIO;
    if (dev->bounce_all && dev->bounce_busy)
        return -EAGAIN;
    n = block_more_piece(dev, t, dma);
    if (n < 0)
        return n;
    t->bounced = dev->bounce_all;
    t->bytes = dma->len;
    t->count = 1;
    r->transfers++;
    if (r->cut == r->bytes) {
        r->queued = false;
        block_dequeue(&dev->queue);
    }
    return 1;
}

/* ---- the disk's cache ------------------------------------------------------------------------ */

static void block_flush_old(struct block_device *dev);

/* What was written before the disk was told to write through has been flushed, or has not. */
static void block_flushed_old(struct block_request *r)
{
    struct block_device *dev = r->ctx;
    struct block_more *more = dev->more;

    more->flushing = false;
    if (more->mode != BLOCK_CACHE_THROUGH)
        return;
    if (more->again || r->result == -ESTALE) /* the loss is for the flushers to hear of */
        block_flush_old(dev);
    else if (!r->result)
        dev->volatile_cache = false;
}

static void block_flush_old(struct block_device *dev)
{
    struct block_more *more = dev->more;
    struct block_request *r = &more->flush;

    more->again = more->flushing;
    if (more->flushing)
        return;
    more->flushing = true;
    block_flusher_init(dev, &more->flusher);
    *r = (struct block_request){
        .op = BLOCK_FLUSH, .done = block_flushed_old, .ctx = dev, .flusher = &more->flusher};
    block_submit(dev, &r, 1);
}

int block_set_write_back(struct block_device *dev, bool on)
{
    struct block_more *more = dev->more;
    int err;

    if (!more || !more->set_write_back)
        return -ENOTSUP;
    if (dev->read_only)
        return -EROFS;
    if (dev->dead)
        return -EIO;
    if (on && !dev->volatile_cache)
        dev->durable = dev->wrote;
    err = dev->paused ? 0 : more->set_write_back(dev, on); /* returned() sets the mode, too */
    if (err)
        return err;
    more->mode = on ? BLOCK_CACHE_BACK : BLOCK_CACHE_THROUGH;
    if (on)
        dev->volatile_cache = true;
    else if (dev->volatile_cache)
        block_flush_old(dev);
    return 0;
}
