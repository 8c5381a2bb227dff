/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block_cut.c - cuts requests into what one transfer holds, and joins neighbours. Each device has a
 * longest piece, a largest number of pieces, and a unit, its logical block, of which every transfer
 * is a multiple (virtio 1.4, section 5.2: size_max, seg_max, blk_size).
 */
#include "block/block_impl.h"

/* A transfer that is being made, and how much of the request at hand is in it. */
struct cutter {
    const struct block_device *dev;
    struct block_dma *dma;
    unsigned n;     /* pieces in dma */
    uint32_t bytes; /* in all pieces */
    /* of the request at hand, as in struct block_request */
    unsigned seg_at;
    size_t seg_done;
    uint64_t cut;
};

/* Appends len bytes of memory at addr: to the last piece if they lie behind it, else in new ones.
 */
static void cut_add_pieces(struct cutter *c, uint64_t addr, uint32_t len)
{
    uint32_t piece = c->dev->piece;

    while (len) {
        struct block_dma *last = c->n ? &c->dma[c->n - 1] : NULL;
        uint32_t now = len;

        if (last && last->addr + last->len == addr && last->len < piece) {
            now = now < piece - last->len ? now : piece - last->len;
            last->len += now;
        } else {
            now = now < piece ? now : piece;
            c->dma[c->n++] = (struct block_dma){addr, now};
        }
        addr += now;
        len -= now;
    }
}

/*
 * How many of `want` bytes (whole units) fit into the pieces and bytes that are left. Either a
 * piece holds whole units, or a unit takes unit_pieces pieces.
 */
static uint32_t cut_fits(const struct cutter *c, size_t want)
{
    const struct block_device *d = c->dev;
    unsigned left = d->max_segs - c->n;
    uint64_t room = d->unit_pieces == 1 ? (uint64_t)left * d->piece
                                        : (uint64_t)(left / d->unit_pieces) * d->unit;
    uint32_t most = BLOCK_MAX_TRANSFER > d->unit ? BLOCK_MAX_TRANSFER & ~(d->unit - 1) : d->unit;

    if (room > most - c->bytes)
        room = most - c->bytes;
    return room < want ? (uint32_t)room : (uint32_t)want;
}

/* The same for the next bytes of r: what does not fit ends with a physical block, if it can. */
static uint32_t cut_align(const struct cutter *c, const struct block_request *r, size_t want)
{
    uint32_t len = cut_fits(c, want);
    uint32_t end = (uint32_t)(r->sector << BLOCK_SECTOR_SHIFT) + (uint32_t)c->cut + len;
    uint32_t over = (end - c->dev->align_at) & (c->dev->align - 1);

    return len == want || over >= len ? len : len - over;
}

/* Adds as much of r as there is room for and as the device can reach. True: to its end. */
static bool cut_add_request(struct cutter *c, const struct block_request *r)
{
    while (c->seg_at < r->seg_count) {
        const struct block_seg *s = &r->segs[c->seg_at];
        uint8_t *p = (uint8_t *)s->base + c->seg_done;
        uint32_t len = cut_align(c, r, s->len - c->seg_done);
        uint64_t addr = len ? block_lend(c->dev, p, len, r->op) : HAL_DMA_NONE;

        if (addr == HAL_DMA_NONE)
            return false;
        cut_add_pieces(c, addr, len);
        c->bytes += len;
        c->cut += len;
        c->seg_done += len;
        if (c->seg_done != s->len)
            return false;
        c->seg_at++;
        c->seg_done = 0;
    }
    return true;
}

/* r is the request at hand. */
static void cut_begin(struct cutter *c, const struct block_request *r)
{
    c->seg_at = r->seg_at;
    c->seg_done = r->seg_done;
    c->cut = r->cut;
}

/* Moves the added part of the queue's head to t; `whole`: all of it, so the head leaves the queue.
 */
static void cut_take(struct block_device *dev, struct block_transfer *t, const struct cutter *c,
                     bool whole)
{
    struct block_request *r = dev->queue.head;

    r->seg_at = c->seg_at;
    r->seg_done = c->seg_done;
    r->cut = c->cut;
    r->transfers++;
    t->bytes = c->bytes;
    t->count++;
    if (whole) {
        r->queued = false;
        block_dequeue(&dev->queue);
    }
}

/* ---- memory that the device cannot reach, or not piece by piece ------------------------------ */

/* Copies between the bounce buffer and the memory of r, from byte `offset` of r. */
static void cut_copy_through(struct block_device *dev, const struct block_request *r,
                             uint64_t offset, uint32_t bytes, bool to_request)
    __attribute__((noinline));
static void cut_copy_through(struct block_device *dev, const struct block_request *r,
                             uint64_t offset, uint32_t bytes, bool to_request)
{
    uint8_t *b = dev->bounce;

    for (unsigned i = 0; i < r->seg_count && bytes; i++) {
        const struct block_seg *s = &r->segs[i];
        size_t at = offset < s->len ? (size_t)offset : s->len;
        size_t len = s->len - at < bytes ? s->len - at : bytes;

        offset -= at;
        if (to_request)
            memcpy((uint8_t *)s->base + at, b, len);
        else
            memcpy(b, (uint8_t *)s->base + at, len);
        b += len;
        bytes -= (uint32_t)len;
    }
}

/* Counts the next `bytes` of r as added, as cut_add_request() does. */
static void cut_advance(struct cutter *c, const struct block_request *r, uint32_t bytes)
{
    c->cut += bytes;
    while (bytes) {
        size_t left = r->segs[c->seg_at].len - c->seg_done;

        if (bytes < left) {
            c->seg_done += bytes;
            return;
        }
        bytes -= (uint32_t)left;
        c->seg_at++;
        c->seg_done = 0;
    }
}

/* Makes a transfer of the head through the bounce buffer. The results are those of block_cut(). */
static int cut_bounce(struct block_device *dev, struct block_transfer *t, struct cutter *c)
{
    const struct block_request *r = dev->queue.head;
    uint32_t size = BLOCK_BOUNCE > dev->unit ? BLOCK_BOUNCE : dev->unit;
    uint32_t len;

    if (dev->bounce_busy)
        return -EAGAIN;
    if (!dev->bounce)
        dev->bounce = hal_dma_alloc(size, 4096, &dev->bounce_dma);
    if (!dev->bounce)
        return -ENOMEM;
    len = cut_fits(c, r->bytes - r->cut < size ? (size_t)(r->bytes - r->cut) : size);
    if (r->op == BLOCK_WRITE)
        cut_copy_through(dev, r, r->cut, len, false);
    cut_add_pieces(c, dev->bounce_dma, len);
    c->bytes = len;
    cut_advance(c, r, len);
    t->bounced = true;
    cut_take(dev, t, c, c->cut == r->bytes);
    return (int)c->n;
}

void block_unbounce(struct block_device *dev, const struct block_transfer *t)
{
    cut_copy_through(dev, t->first, t->offset, t->bytes, true);
}

/* ---- one transfer ---------------------------------------------------------------------------- */

/*
 * The results are those of block_cut(). With bounce_all the serial number goes through the bounce
 * buffer, too: the driver may have the device write more behind it.
 */
static int cut_id(struct block_device *dev, struct block_transfer *t, struct cutter *c)
{
    struct block_request *r = dev->queue.head;
    uint64_t addr = dev->bounce_dma;

    if (dev->bounce_all && dev->bounce_busy)
        return -EAGAIN;
    if (!dev->bounce_all)
        addr = block_lend(dev, r->segs[0].base, BLOCK_ID_LEN, r->op);
    if (addr == HAL_DMA_NONE)
        return -ENOMEM;
    c->dma[0] = (struct block_dma){addr, BLOCK_ID_LEN};
    c->bytes = BLOCK_ID_LEN;
    t->bounced = dev->bounce_all;
    cut_take(dev, t, c, true);
    return 1;
}

/*
 * All flushes at the head of the queue cover the same writes, and are one transfer; but for those
 * that have to tell of a loss.
 */
static int cut_flush(struct block_device *dev, struct block_transfer *t, const struct cutter *c)
{
    struct block_request *r;

    t->covers = dev->wrote;
    while ((r = dev->queue.head) && r->op == BLOCK_FLUSH && !block_flush_is_stale(dev, r)) {
        cut_take(dev, t, c, true);
        if (r->started)
            r->started(r);
    }
    return 0;
}

/* Does r, which may be NULL, begin on the disk where t ends, and may they be one transfer? */
static bool cut_follows(const struct block_transfer *t, const struct block_request *r)
{
    return r && r->op == t->op && !r->alone && !r->cut &&
           r->sector == t->sector + (t->bytes >> BLOCK_SECTOR_SHIFT);
}

/*
 * Adds to t the requests that follow it on the disk and in the queue, as long as each fits wholly
 * and lies within the capacity, which may have shrunk since it was submitted.
 */
static void cut_join(struct block_device *dev, struct block_transfer *t, struct cutter *c)
{
    while (cut_follows(t, dev->queue.head)) {
        const struct block_request *r = dev->queue.head;
        struct cutter mark = *c;
        struct block_dma last = c->dma[c->n - 1];
        unsigned mapped = block_map_mark(dev);

        if (r->bytes > (r->sector < dev->sectors ? dev->sectors - r->sector : 0)
                           << BLOCK_SECTOR_SHIFT)
            return;
        cut_begin(c, r);
        if (!cut_add_request(c, r)) {
            *c = mark;
            c->dma[c->n - 1] = last;
            block_map_undo(dev, mapped, t->op);
            return;
        }
        cut_take(dev, t, c, true);
    }
}

int block_cut(struct block_device *dev, struct block_transfer *t, struct block_dma *dma)
{
    struct block_request *r = dev->queue.head;
    struct cutter c = {.dev = dev, .dma = dma};
    bool whole;

    t->op = r->op;
    t->first = r;
    t->count = 0;
    t->bytes = 0;
    t->bounced = t->plain = false;
    t->offset = r->cut;
    t->sector = 0;
    block_map_begin(dev, t);
    if (r->op == BLOCK_FLUSH)
        return cut_flush(dev, t, &c);
    if (r->op == BLOCK_GET_ID)
        return cut_id(dev, t, &c);
    if (r->op > BLOCK_FLUSH)
        return dev->more->cut(dev, t, dma);
    /* the capacity may have changed since the request was submitted */
    if (r->result || r->sector > dev->sectors ||
        r->bytes >> BLOCK_SECTOR_SHIFT > dev->sectors - r->sector)
        return -EIO;
    t->sector = r->sector + (r->cut >> BLOCK_SECTOR_SHIFT);
    cut_begin(&c, r);
    whole = !dev->bounce_all && cut_add_request(&c, r);
    if (!c.n)
        return cut_bounce(dev, t, &c);
    cut_take(dev, t, &c, whole);
    if (whole && !t->offset && !r->alone)
        cut_join(dev, t, &c);
    return (int)c.n;
}
