/* SPDX-License-Identifier: BSD-2-Clause */
/* check_blk.c - writes sectors of the first disk, flushes, reads in other pieces, compares. */
#include "block/block.h"
#include "kernel.h"
#include "virtio/virtio.h"

#define ROUNDS  16u
#define SECTORS 64u /* of a round; one write */
#define PIECE   4u  /* sectors of each read */
#define BYTES   (SECTORS * BLOCK_SECTOR)

static uint8_t written[BYTES], found[BYTES];
static volatile bool ended;

static void blk_done(struct block_request *r)
{
    (void)r;
    ended = true;
}

/* One request to its end; its result. */
static int blk_do(struct block_device *disk, enum block_op op, uint64_t sector, void *p, size_t len)
{
    struct block_seg seg = {p, len};
    struct block_request r = {
        .op = op, .sector = sector, .segs = &seg, .seg_count = len ? 1 : 0, .done = blk_done};
    struct block_request *one = &r;

    ended = false;
    block_submit(disk, &one, 1);
    if (!kernel_until(&ended, 60 * HAL_SEC))
        hal_panic("a request of the disk did not end");
    return r.result;
}

static int blk_round(struct block_device *disk, unsigned round)
{
    uint64_t first = 8 + 8 * (uint64_t)round;
    int err;

    for (unsigned i = 0; i < BYTES; i++)
        written[i] = (uint8_t)(i * 13 + i / BLOCK_SECTOR + round * 101);
    err = blk_do(disk, BLOCK_WRITE, first, written, BYTES);
    if (!err)
        err = blk_do(disk, BLOCK_FLUSH, 0, NULL, 0);
    for (unsigned i = 0; i < SECTORS && !err; i += PIECE)
        err = blk_do(disk, BLOCK_READ, first + i, found + i * BLOCK_SECTOR, PIECE * BLOCK_SECTOR);
    if (!err && memcmp(written, found, BYTES))
        err = -EPROTO;
    return err;
}

bool check_blk(void)
{
    struct block_device *disk = block_get(0);
    struct block_info info;
    struct virtio_info v = {0};
    struct virtio_device *dev;
    unsigned round = 0, late;
    int err = 0, beyond;

    if (!disk) {
        kernel_print("check: no disk\n");
        return true;
    }
    while (round < ROUNDS && !err)
        err = blk_round(disk, round++);
    beyond = blk_do(disk, BLOCK_READ, block_capacity(disk) / BLOCK_SECTOR, found, BLOCK_SECTOR);
    block_describe(disk, &info);
    dev = virtio_find(info.name);
    for (unsigned n = 0; !virtio_info(n, &v) && v.device_id != VIRTIO_ID_BLOCK; n++)
        ;
    late = (unsigned)virtq_stats(virtio_queue(dev, 0))->late;
    kernel_print("check: blk %s %s %s: result=%d rounds=%u beyond=%d interrupts=%u late=%u id=%s\n",
                 v.transport, v.ring, v.wakeup, err, round, beyond, (unsigned)v.interrupts, late,
                 info.id);
    return !err && beyond == -EIO;
}
