/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bcache_io.c - the requests of the block cache to its device, each for a run of neighbouring
 * blocks.
 */
#include "block/cache/bcache_impl.h"

static void bcache_io_done(struct block_request *r)
{
    struct bcache_io *io = r->ctx;

    if (r->op == BLOCK_READ)
        bcache_read_done(io);
    else
        bcache_write_done(io);
}

/* Some requests are kept for reads, so that a write-out does not delay readers.
 */
struct bcache_io *bcache_io_get(struct bcache *c, enum block_op op)
{
    struct bcache_io *io = c->free_ios;

    if (!io || (op == BLOCK_WRITE && c->free_io_count <= BCACHE_IOS_FOR_READS))
        return NULL;
    c->free_ios = io->next;
    c->free_io_count--;
    io->req = (struct block_request){.op = op, .segs = io->segs, .done = bcache_io_done, .ctx = io};
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

bool bcache_io_full(const struct bcache_io *io, const struct bcache_block *b)
{
    return io->count == BCACHE_IO_BLOCKS || io->req.seg_count == BCACHE_IO_SEGS ||
           io->last->index + 1 != b->index || io->last->len != io->cache->block_size ||
           io->last->alone || b->alone;
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
