/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_blk_more.c - what only some disks do (virtio 1.4, section 5.2): zeroes, discards, erasures
 * of ranges, the wear, the shape, and the switch of the cache. The disk of diskmodel.h judges each
 * request.
 */
#include <string.h>

#include "block/block.h"
#include "check.h"
#include "diskmodel.h"
#include "virtio/virtio.h"

enum { CONFIG_DISCARD = 36, CONFIG_ZEROES = 48, CONFIG_MAY_UNMAP = 56, CONFIG_WRITEBACK = 32 };

static const enum block_op range_ops[] = {BLOCK_WRITE_ZEROES, BLOCK_DISCARD, BLOCK_SECURE_ERASE};
#define RANGE_OPS (sizeof(range_ops) / sizeof(range_ops[0]))

static const unsigned all[] = {DISK_F_DISCARD, DISK_F_WRITE_ZEROES, DISK_F_SECURE_ERASE,
                               DISK_F_LIFETIME, DISK_F_CONFIG_WCE};

static uint8_t before[sizeof(disk.data)];

static void fill(void)
{
    for (unsigned i = 0; i < sizeof(disk.data); i++)
        disk.data[i] = before[i] = (uint8_t)(i * 7 + i / 512);
}

/* Sectors [from, to) are as `op` leaves them, and all others as they were. */
static void check_range(enum block_op op, unsigned from, unsigned to)
{
    uint8_t is = op == BLOCK_WRITE_ZEROES ? 0 : op == BLOCK_DISCARD ? 0xdd : 0xee;

    for (unsigned i = from * 512; i < to * 512; i++)
        CHECK_EQ(disk.data[i], is);
    CHECK(memcmp(disk.data, before, from * 512) == 0);
    CHECK(memcmp(disk.data + to * 512, before + to * 512, sizeof(before) - to * 512) == 0);
}

static unsigned requests_of(uint32_t type)
{
    unsigned n = 0;

    for (unsigned i = 0; i < disk.taken; i++)
        n += disk.order[i].type == type;
    return n;
}

/* ---- ranges ---------------------------------------------------------------------------------- */

/* From one block to more than one request holds, on each ring and bus. */
static void ranges(void)
{
    static uint8_t in[512];
    static const uint32_t sizes[] = {1, 7, 1000, 1001, 4000, 4001, 4090};

    disk_boot_way(all, 5);
    for (unsigned o = 0; o < RANGE_OPS; o++) {
        CHECK(block_can(disk.dev, range_ops[o]));
        for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            fill();
            CHECK_EQ(io_run(range_ops[o], 5, NULL, sizes[i] * 512), 0);
            check_range(range_ops[o], 5, 5 + sizes[i]);
            CHECK_EQ(io_run(BLOCK_READ, 5, in, 512), 0); /* whatever the device says */
            CHECK(memcmp(in, disk.data + 5 * 512, 512) == 0);
        }
    }
    CHECK_EQ(disk.unmaps, 0);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
}

/* A range has 1,000 sectors, a request 4 ranges; what is cut ends at multiples of 8. */
static void cut_at_the_limits(void)
{
    disk_boot_way(all, 5);
    CHECK(block_can(disk.dev, BLOCK_DISCARD));
    CHECK_EQ(io_run(BLOCK_DISCARD, 3, NULL, 4093 * 512), 0);
    CHECK_EQ(disk.ranges, 5);
    CHECK_EQ(requests_of(11), 2);
    CHECK_EQ(disk.ragged, 0);
    disk.taken = disk.ranges = 0;
    CHECK_EQ(io_run(BLOCK_WRITE_ZEROES, 3, NULL, 4000 * 512), 0);
    CHECK_EQ(disk.ranges, 4);
    CHECK_EQ(requests_of(13), 1);
}

/* Of blocks of 64 KiB: a range has whole blocks, whatever the limit is. */
static void large_blocks(void)
{
    static const unsigned bits[] = {DISK_F_BLK_SIZE, DISK_F_DISCARD, DISK_F_WRITE_ZEROES,
                                    DISK_F_SECURE_ERASE};

    disk.block_size = 65536;
    disk.max_sectors = 300;
    disk.align = 3; /* no power of two: no use */
    disk_boot_way(bits, 4);
    fill();
    CHECK(block_can(disk.dev, BLOCK_DISCARD));
    CHECK_EQ(io_run(BLOCK_DISCARD, 128, NULL, 20 * 65536), 0);
    check_range(BLOCK_DISCARD, 128, 128 * 21);
    CHECK_EQ(disk.ranges, 10);
    CHECK_EQ(io_run(BLOCK_DISCARD, 64, NULL, 65536), -EINVAL);
    CHECK_EQ(io_run(BLOCK_DISCARD, 128, NULL, 4096), -EINVAL);
}

/* A range that is shorter than a logical block holds none. */
static void range_below_a_block(void)
{
    static const unsigned bits[] = {DISK_F_BLK_SIZE, DISK_F_DISCARD};

    disk.block_size = 65536;
    disk.max_sectors = 100;
    disk_boot_way(bits, 2);
    CHECK(!block_can(disk.dev, BLOCK_DISCARD));
    CHECK_EQ(io_run(BLOCK_DISCARD, 0, NULL, 65536), -ENOTSUP);
}

/* What is wrong is refused, and never gets to the disk. */
static void refused(void)
{
    disk_boot_way(all, 5);
    fill();
    for (unsigned o = 0; o < RANGE_OPS; o++) {
        enum block_op op = range_ops[o];

        CHECK(block_can(disk.dev, op));
        CHECK_EQ(io_run(op, 0, NULL, 0), -EINVAL);
        CHECK_EQ(io_run(op, 0, NULL, 500), -EINVAL);
        CHECK_EQ(io_run(op, DISK_SECTORS - 1, NULL, 1024), -EIO);
        CHECK_EQ(io_run(op, DISK_SECTORS, NULL, 512), -EIO);
        CHECK_EQ(io_run(op, UINT64_MAX, NULL, 512), -EIO);
        disk.fail_left = 1;
        disk.fail_status = 1;
        CHECK_EQ(io_run(op, 0, NULL, 512), -EIO);
        disk.fail_left = 1;
        disk.fail_status = 2;
        CHECK_EQ(io_run(op, 0, NULL, 512), -ENOTSUP);
        disk.fail_left = 1;
        disk.fail_status = 0xee;
        CHECK_EQ(io_run(op, 0, NULL, 512), -EIO);
    }
    CHECK_EQ(io_run(BLOCK_LIFETIME, 0, NULL, 20), -EINVAL);
    CHECK_EQ(io_run((enum block_op)9, 0, NULL, 512), -ENOTSUP);
    CHECK_EQ(io_run((enum block_op)64, 0, NULL, 512), -ENOTSUP);
    CHECK_EQ(disk.ranges, 0);
    CHECK(memcmp(disk.data, before, sizeof(before)) == 0);
}

/* A disk that offers nothing of this, and one that is read-only. */
static void not_offered(void)
{
    static uint8_t raw[BLOCK_LIFETIME_LEN];
    struct block_limits l;

    disk_boot_way(NULL, 0);
    CHECK(block_can(disk.dev, BLOCK_WRITE) && block_can(disk.dev, BLOCK_GET_ID));
    for (unsigned o = 0; o < RANGE_OPS; o++) {
        CHECK(!block_can(disk.dev, range_ops[o]));
        CHECK_EQ(io_run(range_ops[o], 0, NULL, 512), -ENOTSUP);
    }
    CHECK(!block_can(disk.dev, BLOCK_LIFETIME) && !block_can(disk.dev, (enum block_op)9));
    CHECK_EQ(io_run(BLOCK_LIFETIME, 0, raw, sizeof(raw)), -ENOTSUP);
    CHECK_EQ(block_set_write_back(disk.dev, false), -ENOTSUP);
    block_limits(disk.dev, &l);
    CHECK(l.physical_block == 512 && !l.switches && !l.unmaps && !l.cylinders && !l.opt_io);
    CHECK_EQ(io_run(BLOCK_READ, 0, before, 512), 0);
}

static void read_only(void)
{
    static const unsigned bits[] = {DISK_F_RO, DISK_F_DISCARD, DISK_F_WRITE_ZEROES,
                                    DISK_F_SECURE_ERASE, DISK_F_CONFIG_WCE};

    disk_boot_way(bits, 5);
    CHECK(!block_can(disk.dev, BLOCK_WRITE));
    for (unsigned o = 0; o < RANGE_OPS; o++) {
        CHECK(!block_can(disk.dev, range_ops[o]));
        CHECK_EQ(io_run(range_ops[o], 0, NULL, 512), -EROFS);
    }
    CHECK_EQ(block_set_write_back(disk.dev, false), -EROFS);
    CHECK_EQ(disk.ranges, 0);
}

/* Impossible limits: no range is of no sectors, no request has no range. */
static void impossible_limits(void)
{
    disk_plug(MODEL_MMIO, all, 5);
    model_field(disk.m, CONFIG_DISCARD, 4, 0);
    model_field(disk.m, CONFIG_ZEROES + 4, 4, 0);
    disk.max_ranges = 1;
    disk_boot();
    CHECK(!block_can(disk.dev, BLOCK_DISCARD));
    CHECK(host_logged("feature 13 is not used: a range has 0 sectors at most"));
    CHECK(block_can(disk.dev, BLOCK_WRITE_ZEROES));
    CHECK_EQ(io_run(BLOCK_WRITE_ZEROES, 0, NULL, 4096 * 512), 0);
    CHECK_EQ(disk.ranges, 5);
}

static void unmap(void)
{
    static struct io io;
    struct block_request *r = &io.r;
    struct block_limits l;

    disk_boot_way(all, 5);
    block_limits(disk.dev, &l);
    CHECK(l.unmaps && l.discard_align == 4096);
    for (unsigned o = 0; o < RANGE_OPS; o++) {
        memset(&io, 0, sizeof(io));
        io.seg[0].len = 4096;
        *r = (struct block_request){.op = range_ops[o],
                                    .segs = io.seg,
                                    .seg_count = 1,
                                    .unmap = true,
                                    .done = io_done,
                                    .ctx = &io};
        io_outstanding++;
        block_submit(disk.dev, &r, 1);
        CHECK_EQ(io_wait(&io), 0);
    }
    CHECK_EQ(disk.unmaps, 1);
    model_field(disk.m, CONFIG_MAY_UNMAP, 1, 0);
    disk.m->generation++;
    model_raise(disk.m, 2, NULL);
    host_run_services();
    block_limits(disk.dev, &l);
    CHECK(!l.unmaps);
}

/* Zeroes are a change like any other: a flush waits for them, and a lost one is told of. */
static void flush_covers_zeroes(void)
{
    static struct io zero, flush;

    disk.forgets = true;
    disk_boot_way(all, 5);
    CHECK(block_can(disk.dev, BLOCK_WRITE_ZEROES));
    block_hold(disk.dev);
    io_start(&zero, BLOCK_WRITE_ZEROES, 0, NULL, 4096);
    io_start(&flush, BLOCK_FLUSH, 0, NULL, 0);
    block_release(disk.dev);
    CHECK_EQ(io_wait(&zero), 0);
    CHECK_EQ(io_wait(&flush), 0); /* the model judges the order */
    CHECK_EQ(disk.flushes, 1);
    CHECK_EQ(io_run(BLOCK_DISCARD, 8, NULL, 4096), 0);
    disk_break();
    host_run_for(HAL_SEC);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -ESTALE);
}

/* The device is reset while it has ranges: they are given to it once more. */
static void reset_with_ranges_out(void)
{
    static struct io io[3];

    disk_boot_way(all, 5);
    fill();
    CHECK(block_can(disk.dev, BLOCK_DISCARD));
    disk.answers = 0;
    for (unsigned i = 0; i < 3; i++)
        io_start(&io[i], range_ops[i], 1300 * i, NULL, 1300 * 512);
    disk_break();
    disk.answers = DISK_NEVER;
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(io_wait(&io[i]), 0);
    for (unsigned i = 0; i < 1300 * 512; i++)
        CHECK(disk.data[i] == 0 && disk.data[i + 1300 * 512] == 0xdd);
    CHECK_EQ(disk.data[2 * 1300 * 512], 0xee);
}

/* After a reset the disk offers less: what waited ends with a word. */
static void limits_after_a_reset(void)
{
    static struct io discard, zeroes;

    disk_boot_way(all, 5);
    CHECK(block_can(disk.dev, BLOCK_DISCARD));
    disk.answers = 0;
    io_start(&discard, BLOCK_DISCARD, 0, NULL, 2000 * 512);
    io_start(&zeroes, BLOCK_WRITE_ZEROES, 2000, NULL, 2000 * 512);
    model_field(disk.m, CONFIG_DISCARD, 4, 0);
    model_field(disk.m, CONFIG_ZEROES, 4, 100);
    disk.max_sectors = 100;
    disk_break();
    disk.answers = DISK_NEVER;
    CHECK_EQ(io_wait(&discard), -ENOTSUP);
    CHECK_EQ(io_wait(&zeroes), 0);
    CHECK(!block_can(disk.dev, BLOCK_DISCARD));
}

static void resized_meanwhile(void)
{
    static struct io io;

    disk_boot_way(all, 5);
    CHECK(block_can(disk.dev, BLOCK_DISCARD));
    block_hold(disk.dev);
    io_start(&io, BLOCK_DISCARD, 900, NULL, 200 * 512);
    model_field(disk.m, 0, 8, 1000);
    disk.m->generation++;
    model_raise(disk.m, 2, NULL);
    host_run_services();
    block_release(disk.dev);
    CHECK_EQ(io_wait(&io), -EIO);
    CHECK_EQ(disk.ranges, 0);
}

/* A queue of two entries: ranges and answers pass through the bounce buffer. */
static void shortest_queue(void)
{
    static uint8_t raw[BLOCK_LIFETIME_LEN];
    static struct io io[4];

    host_set_bootargs("vireo.vblk0.qsize=2");
    memcpy(disk.lifetime, "\2\0\5\0\6\0", 6);
    disk_boot_way(all, 5);
    fill();
    CHECK(block_can(disk.dev, BLOCK_DISCARD));
    for (unsigned i = 0; i < 3; i++)
        io_start(&io[i], range_ops[i], 1300 * i, NULL, 1300 * 512);
    io_start(&io[3], BLOCK_LIFETIME, 0, raw, sizeof(raw));
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(io_wait(&io[i]), 0);
    CHECK(memcmp(raw, disk.lifetime, 6) == 0);
    for (unsigned i = 0; i < 1300 * 512; i++)
        CHECK(disk.data[i] == 0 && disk.data[i + 1300 * 512] == 0xdd);
}

/* Any mixture of what changes the disk, against a reference. */
static void random_changes(void)
{
    enum { IOS = 16, REGION = DISK_SECTORS / IOS };
    static struct io io[IOS];
    static uint8_t buf[IOS][REGION * 512];

    disk.max_sectors = 1 + random_below(300);
    disk.max_ranges = 1 + random_below(6);
    disk.align = 1u << random_below(8);
    disk_boot_way(all, 5);
    fill();
    CHECK(block_can(disk.dev, BLOCK_DISCARD));
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < IOS; i++) {
            static const enum block_op ops[] = {BLOCK_WRITE, BLOCK_WRITE_ZEROES, BLOCK_DISCARD,
                                                BLOCK_SECURE_ERASE};
            unsigned k = random_below(4), len = 1 + random_below(REGION);
            unsigned at = i * REGION + random_below(REGION - len + 1);

            memset(buf[i], k == 0 ? (int)round : k == 1 ? 0 : k == 2 ? 0xdd : 0xee, len * 512);
            memcpy(before + at * 512, buf[i], len * 512);
            io_start(&io[i], ops[k], at, k ? NULL : buf[i], len * 512);
        }
        for (unsigned i = 0; i < IOS; i++)
            CHECK_EQ(io_wait(&io[i]), 0);
        CHECK(memcmp(before, disk.data, sizeof(before)) == 0);
    }
}

/* ---- the wear, and the shape ----------------------------------------------------------------- */

static void lifetime(void)
{
    uint8_t raw[BLOCK_LIFETIME_LEN];
    struct block_lifetime l;

    memcpy(disk.lifetime, "\1\0\3\0\13\0", 6);
    disk_boot_way(all, 5);
    CHECK(block_can(disk.dev, BLOCK_LIFETIME));
    CHECK_EQ(io_run(BLOCK_LIFETIME, 0, raw, sizeof(raw)), 0);
    block_lifetime(raw, &l);
    CHECK(l.reserve == 1 && l.slc == 3 && l.mlc == 11);
    memcpy(disk.lifetime, "\4\0\14\0\1\1", 6); /* reserved values */
    CHECK_EQ(io_run(BLOCK_LIFETIME, 0, raw, sizeof(raw)), 0);
    block_lifetime(raw, &l);
    CHECK(l.reserve == 0 && l.slc == 0 && l.mlc == 0);
    disk.short_by = 2; /* the status byte counts */
    CHECK_EQ(io_run(BLOCK_LIFETIME, 0, raw, sizeof(raw)), -EIO);
    disk.short_by = 0;
    disk.fail_left = 1;
    disk.fail_status = 2;
    CHECK_EQ(io_run(BLOCK_LIFETIME, 0, raw, sizeof(raw)), -ENOTSUP);
}

static void shape(uint8_t exponent, uint8_t offset)
{
    static const unsigned bits[] = {DISK_F_TOPOLOGY, DISK_F_GEOMETRY, DISK_F_SEG_MAX};

    disk.physical_exponent = exponent;
    disk.aligned_at = offset;
    disk.seg_max = 30;
    disk_plug(MODEL_MMIO, bits, 3);
    model_field(disk.m, 16, 2, 1024);
    model_field(disk.m, 18, 1, 16);
    model_field(disk.m, 19, 1, 63);
    disk_boot();
}

/* A request that is too long for one transfer is cut at blocks of 64 KiB, of which the first
 * begins behind 3 sectors. */
static void topology(void)
{
    static uint8_t buf[4000 * 512];
    struct block_limits l;

    shape(7, 3);
    block_limits(disk.dev, &l);
    CHECK(l.physical_block == 65536 && l.aligned_at == 3 * 512 && l.min_io == 4096);
    CHECK_EQ(l.opt_io, 256 * 512);
    CHECK(l.cylinders == 1024 && l.heads == 16 && l.track_sectors == 63);
    disk.taken = 0;
    CHECK_EQ(io_run(BLOCK_WRITE, 8, buf, sizeof(buf)), 0);
    CHECK(disk.taken >= 2);
    for (unsigned i = 0; i < disk.taken; i++)
        CHECK(disk.order[i].sector == 8 || disk.order[i].sector % 128 == 3);
}

/* Blocks that are larger than any transfer are of no use. */
static void impossible_topology(void)
{
    struct block_limits l;

    shape(200, 3);
    block_limits(disk.dev, &l);
    CHECK_EQ(l.physical_block, 512);
    CHECK(host_logged("physical blocks of 2^200 logical ones are ignored"));
    CHECK_EQ(io_run(BLOCK_READ, 8, before, 4000 * 512), 0);
}

/* ---- the cache of the disk ------------------------------------------------------------------- */

static void take_mode(struct model *m, unsigned off, unsigned width, uint32_t v)
{
    CHECK(off == CONFIG_WRITEBACK && width == 1 && v <= 1);
    model_field(m, CONFIG_WRITEBACK, 1, v);
}

static void refuse_mode(struct model *m, unsigned off, unsigned width, uint32_t v)
{
    (void)off, (void)width;
    model_field(m, CONFIG_WRITEBACK, 1, !v);
}

static void boot_switched(void)
{
    disk_boot_way(all, 5);
    disk.m->on.config_write = take_mode;
    disk.forgets = true;
    CHECK(block_volatile(disk.dev));
}

/* What was written before is flushed; what is written from then on needs no flush. */
static void write_through(void)
{
    struct block_limits l;

    boot_switched();
    block_limits(disk.dev, &l);
    CHECK(l.switches);
    CHECK_EQ(io_run(BLOCK_WRITE, 0, before, 512), 0);
    CHECK_EQ(block_set_write_back(disk.dev, false), 0);
    CHECK(block_volatile(disk.dev)); /* until then */
    host_run_services();
    CHECK(!block_volatile(disk.dev));
    CHECK_EQ(disk.flushes, 1);
    CHECK_EQ(io_run(BLOCK_WRITE, 8, before, 512), 0);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(disk.flushes, 1);
    CHECK_EQ(block_set_write_back(disk.dev, true), 0);
    CHECK(block_volatile(disk.dev));
    disk_break(); /* the last write was durable: no loss */
    host_run_for(HAL_SEC);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(io_run(BLOCK_WRITE, 0, before, 512), 0);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(disk.flushes, 3);
}

/* A write that is out at the switch is not durable at its end: the flush waits for it. */
static void switched_with_a_write_out(void)
{
    static struct io io;

    boot_switched();
    block_hold(disk.dev);
    io_start(&io, BLOCK_WRITE, 0, before, 512);
    CHECK_EQ(block_set_write_back(disk.dev, false), 0);
    block_release(disk.dev);
    CHECK(block_volatile(disk.dev) && !disk.flushes);
    CHECK_EQ(io_wait(&io), 0);
    CHECK_EQ(disk.flushes, 1);
    CHECK(!block_volatile(disk.dev));
}

/* To and fro while the flush is out: the last word counts. */
static void switched_to_and_fro(void)
{
    boot_switched();
    CHECK_EQ(block_set_write_back(disk.dev, false), 0);
    CHECK_EQ(block_set_write_back(disk.dev, true), 0);
    host_run_services();
    CHECK(block_volatile(disk.dev));
    CHECK_EQ(disk.flushes, 1);
    CHECK_EQ(block_set_write_back(disk.dev, false), 0);
    CHECK_EQ(block_set_write_back(disk.dev, true), 0);
    CHECK_EQ(io_run(BLOCK_WRITE, 0, before, 512), 0); /* behind the first flush */
    CHECK_EQ(block_set_write_back(disk.dev, false), 0);
    CHECK_EQ(block_set_write_back(disk.dev, true), 0);
    CHECK_EQ(block_set_write_back(disk.dev, false), 0);
    host_run_services();
    CHECK(!block_volatile(disk.dev));
    CHECK_EQ(disk.flushes, 4); /* one for each time that the last word might have come late */
}

/* A device forgets its mode when it is reset: it is told again. */
static void mode_after_a_reset(void)
{
    boot_switched();
    CHECK_EQ(io_run(BLOCK_WRITE, 0, before, 512), 0);
    CHECK_EQ(block_set_write_back(disk.dev, false), 0);
    host_run_services();
    CHECK(!block_volatile(disk.dev));
    model_field(disk.m, CONFIG_WRITEBACK, 1, 1);
    disk_break();
    host_run_for(HAL_SEC);
    CHECK_EQ(io_run(BLOCK_READ, 0, before, 512), 0);
    CHECK(!block_volatile(disk.dev));
}

/* A flush that the disk fails leaves the disk as it is for the layer: flushes go on. */
static void switch_fails(void)
{
    boot_switched();
    CHECK_EQ(io_run(BLOCK_WRITE, 0, before, 512), 0);
    disk.fail_left = 1;
    disk.fail_status = 1;
    CHECK_EQ(block_set_write_back(disk.dev, false), 0);
    host_run_services();
    CHECK(block_volatile(disk.dev));
    CHECK_EQ(block_set_write_back(disk.dev, false), 0);
    host_run_services();
    CHECK(!block_volatile(disk.dev));
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -ESTALE); /* the loss is told of all the same */
    disk.m->on.config_write = refuse_mode;
    CHECK_EQ(block_set_write_back(disk.dev, true), -EIO); /* the device does not take it */
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"ranges", ranges, "BLK-10 BLK-19 BLK-30 BLK-31 BLK-33", 0, disk_ways},
        {"cut_at_the_limits", cut_at_the_limits, "BLK-22 BLK-23 BLK-24 BLK-25 BLK-26 BLK-27", 0,
         disk_ways},
        {"large_blocks", large_blocks, NULL, 0, disk_ways},
        {"refused", refused, "BLK-11 BLK-13 BLK-32", 0, disk_ways},
        SHOWS(not_offered, NULL),
        SHOWS(read_only, "BLK-15"),
        SHOWS(range_below_a_block, NULL),
        SHOWS(impossible_limits, NULL),
        SHOWS(unmap, "BLK-30 BLK-33"),
        SHOWS(flush_covers_zeroes, NULL),
        {"reset_with_ranges_out", reset_with_ranges_out, NULL, 0, disk_ways},
        SHOWS(limits_after_a_reset, NULL),
        SHOWS(resized_meanwhile, "BLK-13"),
        {"shortest_queue", shortest_queue, NULL, 0, disk_ways},
        {"random_changes", random_changes, NULL, 0, disk_ways},
        SHOWS(lifetime, NULL),
        SHOWS(topology, NULL),
        SHOWS(impossible_topology, NULL),
        SHOWS(write_through, "BLK-28 BLK-29"),
        SHOWS(switched_with_a_write_out, "BLK-29"),
        SHOWS(switched_to_and_fro, "BLK-28"),
        SHOWS(mode_after_a_reset, NULL),
        SHOWS(switch_fails, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
