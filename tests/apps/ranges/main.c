/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ranges - what some disks do besides reading and writing (block.h, block_can()): zeroes, discards,
 * the shape, the switch of the cache. The host looks at the file of the disk afterwards. none=1:
 * the disk does nothing of that.
 */
#include "../checks.h"
#include "block/block.h"
#include "vireo.h"
#include "vireo/task.h"

enum { BYTES = 1 << 20, PIECE = BYTES / 4 };

static uint8_t data[BYTES];
static struct waitq waiters;

static void ranges_done(struct block_request *r)
{
    *(bool *)r->ctx = true;
    waitq_wake_all(&waiters);
}

/* The result of one request to bytes [at, at+len) of the disk. */
static int run(struct block_device *dev, enum block_op op, uint64_t at, size_t len, bool unmap)
{
    bool ended = false;
    struct block_seg seg = {op <= BLOCK_WRITE || op == BLOCK_LIFETIME ? data + at : NULL, len};
    struct block_request r = {.op = op,
                              .sector = at / BLOCK_SECTOR,
                              .segs = &seg,
                              .seg_count = len > 0,
                              .unmap = unmap,
                              .done = ranges_done,
                              .ctx = &ended};
    struct block_request *one = &r;

    block_submit(dev, &one, 1);
    while (!ended)
        waitq_wait(&waiters, HAL_NEVER);
    return r.result;
}

static bool holds(size_t from, size_t to, uint8_t value)
{
    while (from < to && data[from] == value)
        from++;
    return from == to;
}

static void nothing(struct block_device *dev)
{
    check(!block_can(dev, BLOCK_DISCARD) && !block_can(dev, BLOCK_WRITE_ZEROES), "neither");
    check(run(dev, BLOCK_DISCARD, 0, PIECE, false) == -ENOTSUP, "no discard");
    check(run(dev, BLOCK_WRITE_ZEROES, 0, PIECE, false) == -ENOTSUP, "no zeroes");
    check(block_set_write_back(dev, false) == -ENOTSUP, "no switch");
}

/* Of four pieces the first stays, the others are zeroed, zeroed and freed, discarded. */
static void ranges(struct block_device *dev)
{
    check(block_can(dev, BLOCK_DISCARD) && block_can(dev, BLOCK_WRITE_ZEROES), "both");
    check(!block_can(dev, BLOCK_SECURE_ERASE), "no secure erase");
    check(run(dev, BLOCK_SECURE_ERASE, 0, PIECE, false) == -ENOTSUP, "and none is done");
    check(run(dev, BLOCK_LIFETIME, 0, BLOCK_LIFETIME_LEN, false) == -ENOTSUP, "no lifetime");
    check(run(dev, BLOCK_WRITE_ZEROES, PIECE, PIECE, false) == 0, "zeroes");
    check(run(dev, BLOCK_WRITE_ZEROES, 2 * PIECE, PIECE, true) == 0, "zeroes, unmapped");
    check(run(dev, BLOCK_DISCARD, 3 * PIECE, PIECE, false) == 0, "discard");
    check(run(dev, BLOCK_DISCARD, block_capacity(dev), 4096, false) == -EIO, "behind the end");
    check(run(dev, BLOCK_FLUSH, 0, 0, false) == 0, "flush");
    check(run(dev, BLOCK_READ, 0, BYTES, false) == 0, "read");
    check(holds(0, PIECE, 0xa5), "the first piece is as it was");
    check(holds(PIECE, 3 * PIECE, 0), "the next two are zeroes");
    check(run(dev, BLOCK_WRITE, 3 * PIECE, PIECE / 2, false) == 0, "written again");
}

static void cache(struct block_device *dev)
{
    check(block_volatile(dev), "write-back");
    check(block_set_write_back(dev, false) == 0, "switched");
    check(run(dev, BLOCK_FLUSH, 0, 0, false) == 0, "flush");
    check(!block_volatile(dev), "write-through");
    check(run(dev, BLOCK_WRITE, 0, PIECE, false) == 0, "a write");
    check(block_set_write_back(dev, true) == 0 && block_volatile(dev), "and back");
    check(run(dev, BLOCK_FLUSH, 0, 0, false) == 0, "flush");
}

int main(void)
{
    struct block_device *dev = block_find("vblk0");
    struct block_limits l;

    if (!check(dev, "a disk"))
        return checks_end();
    memset(data, 0xa5, sizeof(data));
    check(run(dev, BLOCK_WRITE, 0, BYTES, false) == 0, "write");
    block_limits(dev, &l);
    printf("ranges: physical=%u at=%u min=%u opt=%llu discard=%u cylinders=%u\n",
           (unsigned)l.physical_block, (unsigned)l.aligned_at, (unsigned)l.min_io,
           (unsigned long long)l.opt_io, (unsigned)l.discard_align, l.cylinders);
    if (hal_bootarg("none")) {
        nothing(dev);
    } else {
        ranges(dev);
        cache(dev);
    }
    return checks_end();
}
