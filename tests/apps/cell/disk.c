/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.c - cell's work on the first disk, past the cache: requests of many lengths, in pieces, with
 * more of them out at a time than a small ring holds.
 */
#include "disk.h"

#include <string.h>

#include "../checks.h"
#include "block/block.h"
#include "vireo/task.h"

enum { REGION = 128 * 1024, DEPTH = 16, PIECES = 3, SECTORS = REGION / BLOCK_SECTOR };

struct slot {
    struct block_request request;
    struct block_seg segs[PIECES];
    unsigned char *wanted; /* what a sector's read must bring */
    bool out;
};

static struct slot slots[DEPTH];
static struct waitq waiter;
static unsigned char data[REGION], back[REGION], sectors[DEPTH][BLOCK_SECTOR];
static bool failed;

static void done(struct block_request *r)
{
    struct slot *s = r->ctx;

    if (r->result)
        failed = true;
    if (s->wanted && memcmp(s->segs[0].base, s->wanted, BLOCK_SECTOR) != 0)
        failed = true;
    s->out = false;
    waitq_wake_all(&waiter);
}

static struct slot *free_slot(void)
{
    for (;;) {
        for (unsigned i = 0; i < DEPTH; i++)
            if (!slots[i].out)
                return &slots[i];
        waitq_wait(&waiter, HAL_NEVER); /* the block layer completes every request */
    }
}

static void drain(void)
{
    for (unsigned i = 0; i < DEPTH; i++)
        while (slots[i].out)
            waitq_wait(&waiter, HAL_NEVER);
}

static void submit(struct block_device *dev, struct slot *s, enum block_op op, uint64_t sector,
                   unsigned pieces)
{
    struct block_request *r = &s->request;

    *r = (struct block_request){
        .op = op, .sector = sector, .segs = s->segs, .seg_count = pieces, .done = done, .ctx = s};
    s->out = true;
    block_submit(dev, &r, 1);
}

/* Cuts a length into up to three pieces of whole sectors. */
static unsigned cut(struct slot *s, unsigned char *base, size_t len)
{
    unsigned n = 0;

    while (n < PIECES - 1 && len > BLOCK_SECTOR) {
        s->segs[n++] = (struct block_seg){base, BLOCK_SECTOR};
        base += BLOCK_SECTOR;
        len -= BLOCK_SECTOR;
    }
    s->segs[n++] = (struct block_seg){base, len};
    return n;
}

static bool transfer(struct block_device *dev, enum block_op op, uint64_t sector,
                     unsigned char *base)
{
    static const size_t lengths[] = {512, 4096, 1536, 16384, 1024, 512, 8192};
    unsigned turn = 0;

    failed = false;
    for (size_t at = 0; at < REGION;) {
        struct slot *s = free_slot();
        size_t len = lengths[turn++ % (sizeof(lengths) / sizeof(lengths[0]))];

        len = len < REGION - at ? len : REGION - at;
        s->wanted = NULL;
        submit(dev, s, op, sector + at / BLOCK_SECTOR, cut(s, base + at, len));
        at += len;
    }
    drain();
    return !failed;
}

static bool flush(struct block_device *dev)
{
    failed = false;
    slots[0].wanted = NULL;
    submit(dev, &slots[0], BLOCK_FLUSH, 0, 0);
    drain();
    return !failed;
}

static bool read_sectors(struct block_device *dev, uint64_t count)
{
    failed = false;
    for (uint64_t n = 0; n < count && !failed; n++) {
        struct slot *s = free_slot();
        uint64_t sector = n * 7 % SECTORS;

        s->wanted = &data[sector * BLOCK_SECTOR];
        s->segs[0] = (struct block_seg){sectors[s - slots], BLOCK_SECTOR};
        submit(dev, s, BLOCK_READ, SECTORS + sector, 1);
    }
    drain();
    return !failed;
}

void disk_check(uint64_t requests)
{
    struct block_device *dev = block_get(0);

    if (!check(dev != NULL, "a disk"))
        return;
    check(transfer(dev, BLOCK_READ, 0, data), "read of the first half");
    for (size_t i = 0; i < REGION; i++)
        data[i] = (unsigned char)~data[i];
    check(transfer(dev, BLOCK_WRITE, SECTORS, data), "write of the second half");
    check(flush(dev), "flush");
    check(transfer(dev, BLOCK_READ, SECTORS, back), "read of the second half");
    check(memcmp(data, back, REGION) == 0, "it holds what was written");
    check(read_sectors(dev, requests), "many reads");
}
