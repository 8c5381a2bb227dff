/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_blk.c - virtio-blk and the block layer (virtio 1.4, section 5.2) against the disk of
 * diskmodel.h.
 */
#include <string.h>

#include "block/block.h"
#include "check.h"
#include "diskmodel.h"
#include "virtio/virtio.h"

/* ---- plain use ------------------------------------------------------------------------------- */

static void describes_itself(void)
{
    struct block_info info;

    disk_boot_plain();
    block_describe(disk.dev, &info);
    CHECK_EQ(info.sectors, DISK_SECTORS);
    CHECK_EQ(info.block_size, 512);
    CHECK(!info.read_only && info.volatile_cache && !info.dead);
    CHECK_EQ(info.max_segs, 16);
    CHECK(strcmp(info.id, DISK_ID) == 0);
    CHECK(block_get(0) == disk.dev && block_get(1) == NULL && block_find("vblk1") == NULL);
}

static void write_then_read(enum model_transport t)
{
    static const unsigned bits[] = {DISK_F_SEG_MAX, DISK_F_FLUSH};
    static uint8_t out[64 * 512], in[64 * 512];

    disk.seg_max = 4;
    disk_plug(t, bits, 2);
    disk_boot();
    for (unsigned i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 7 + i / 512);
    CHECK_EQ(io_run(BLOCK_WRITE, 100, out, sizeof(out)), 0);
    CHECK(memcmp(disk.data + 100 * 512, out, sizeof(out)) == 0);
    CHECK_EQ(io_run(BLOCK_READ, 100, in, sizeof(in)), 0);
    CHECK(memcmp(in, out, sizeof(in)) == 0);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(disk.flushes, 1);
}

static void write_then_read_modern(void)
{
    write_then_read(MODEL_MMIO);
}

static void write_then_read_legacy(void)
{
    write_then_read(MODEL_MMIO_LEGACY);
}

/* Random reads and writes in random segments, many at once, that do not overlap, against a
 * reference. */
#define IOS    32
#define REGION (DISK_SECTORS / IOS)

static void random_io(void)
{
    static struct io io[IOS];
    static uint8_t ref[sizeof(disk.data)], buf[IOS][REGION * 512];
    struct block_request *batch[IOS];

    disk_boot_plain();
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned i = 0; i < IOS; i++) {
            unsigned len = 1 + random_below(REGION), at = random_below(REGION - len + 1), off = 0;
            struct block_request *r = &io[i].r;

            memset(&io[i], 0, sizeof(io[i]));
            *r = (struct block_request){.op = random_below(2) ? BLOCK_READ : BLOCK_WRITE,
                                        .sector = i * REGION + at,
                                        .segs = io[i].seg,
                                        .done = io_done,
                                        .ctx = &io[i]};
            while (off < len) {
                unsigned n = r->seg_count == 39 ? len - off : 1 + random_below(len - off);
                io[i].seg[r->seg_count++] = (struct block_seg){buf[i] + off * 512, n * 512};
                off += n;
            }
            for (unsigned b = 0; b < len * 512; b++)
                buf[i][b] = (uint8_t)random32();
            if (r->op == BLOCK_WRITE)
                memcpy(ref + r->sector * 512, buf[i], len * 512);
            batch[i] = r;
        }
        io_outstanding = IOS;
        block_submit(disk.dev, batch, IOS);
        host_run_services();
        CHECK_EQ(io_outstanding, 0);
        for (unsigned i = 0; i < IOS; i++) {
            size_t bytes = 0;
            for (unsigned s = 0; s < io[i].r.seg_count; s++)
                bytes += io[i].seg[s].len;
            CHECK_EQ(io[i].r.result, 0);
            CHECK(memcmp(ref + io[i].r.sector * 512, buf[i], bytes) == 0);
        }
    }
    CHECK(memcmp(ref, disk.data, sizeof(disk.data)) == 0);
}

static void one_kick_a_batch(void)
{
    static struct io io[8];
    static uint8_t buf[8][512];
    struct block_request *batch[8];

    disk_boot_plain();
    uint64_t kicks = disk.q->kicks;
    for (unsigned i = 0; i < 8; i++) {
        io[i].seg[0] = (struct block_seg){buf[i], 512};
        io[i].r = (struct block_request){.op = BLOCK_READ,
                                         .sector = 2 * i,
                                         .segs = io[i].seg,
                                         .seg_count = 1,
                                         .done = io_done,
                                         .ctx = &io[i]};
        batch[i] = &io[i].r;
    }
    io_outstanding = 8;
    uint64_t allocs = host_allocs();
    block_submit(disk.dev, batch, 8);
    CHECK_EQ(io_outstanding, 8); /* never from within block_submit */
    CHECK_EQ(disk.q->kicks - kicks, 1);
    host_run_services();
    CHECK_EQ(io_outstanding, 0);
    CHECK_EQ(host_allocs(), allocs);
}

static void limits_of_the_device(void)
{
    static const unsigned bits[] = {DISK_F_SIZE_MAX, DISK_F_SEG_MAX};
    static uint8_t buf[40 * 512];

    disk.size_max = 1024;
    disk.seg_max = 3;
    disk_plug(MODEL_MMIO, bits, 2);
    disk_boot();
    for (unsigned i = 0; i < sizeof(buf); i++)
        buf[i] = (uint8_t)random32();
    CHECK_EQ(io_run(BLOCK_WRITE, 7, buf, sizeof(buf)), 0);
    CHECK(memcmp(disk.data + 7 * 512, buf, sizeof(buf)) == 0);
}

static void flush_waits_for_writes(void)
{
    static struct io w[10], f;
    static uint8_t buf[10][512];

    disk_boot_plain();
    block_hold(disk.dev);
    for (unsigned i = 0; i < 10; i++)
        io_start(&w[i], BLOCK_WRITE, 3 * i, buf[i], 512);
    io_start(&f, BLOCK_FLUSH, 0, NULL, 0);
    block_release(disk.dev);
    CHECK_EQ(io_wait(&f), 0);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(w[i].calls, 1);
    CHECK_EQ(disk.flushes, 1);
}

static void write_through_needs_no_flush(void)
{
    disk_plug(MODEL_MMIO, NULL, 0);
    disk_boot();
    CHECK(!block_volatile(disk.dev));
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(disk.flushes, 0);
}

static void read_only_disk(void)
{
    static const unsigned bits[] = {DISK_F_RO, DISK_F_FLUSH};
    static uint8_t buf[512];

    disk_plug(MODEL_MMIO, bits, 2);
    disk_boot();
    unsigned before = disk.requests;
    CHECK(block_read_only(disk.dev));
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, 512), -EROFS);
    CHECK_EQ(disk.requests, before);
    CHECK_EQ(io_run(BLOCK_READ, 0, buf, 512), 0);
}

static void bad_requests(void)
{
    static uint8_t buf[1024];

    disk_boot_plain();
    unsigned before = disk.requests;
    CHECK_EQ(io_run(BLOCK_READ, DISK_SECTORS, buf, 512), -EIO);
    CHECK_EQ(io_run(BLOCK_READ, DISK_SECTORS - 1, buf, 1024), -EIO);
    CHECK_EQ(io_run(BLOCK_READ, UINT64_MAX, buf, 512), -EIO);
    CHECK_EQ(io_run(BLOCK_READ, UINT64_MAX / 512, buf, 512), -EIO);
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, 511), -EINVAL);
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, 513), -EINVAL);
    CHECK_EQ(io_run(BLOCK_READ, 0, NULL, 0), -EINVAL);
    CHECK_EQ(disk.requests, before);
}

static void big_blocks(void)
{
    static const unsigned bits[] = {DISK_F_BLK_SIZE};
    static uint8_t buf[4096];

    disk_plug(MODEL_MMIO, bits, 1);
    model_field(disk.m, 0, 8, DISK_SECTORS - 3);
    model_field(disk.m, 20, 4, 4096);
    disk_boot();
    CHECK_EQ(block_size(disk.dev), 4096);
    CHECK_EQ(block_capacity(disk.dev), (DISK_SECTORS - 8) * 512);
    CHECK_EQ(io_run(BLOCK_READ, 0, buf, 512), -EINVAL);
    CHECK_EQ(io_run(BLOCK_READ, 1, buf, 4096), -EINVAL);
    CHECK_EQ(io_run(BLOCK_WRITE, 8, buf, 4096), 0);
}

/* ---- errors of the device -------------------------------------------------------------------- */

static void status_decides(uint8_t status)
{
    static uint8_t buf[512];

    disk_boot_plain();
    disk.fail_left = 1;
    disk.fail_status = status;
    CHECK_EQ(io_run(BLOCK_READ, 5, buf, 512), -EIO);
    CHECK_EQ(io_run(BLOCK_READ, 5, buf, 512), 0);
    CHECK(!block_dead(disk.dev));
}

static void status_ioerr(void)
{
    status_decides(1);
}

static void status_unsupported(void)
{
    status_decides(2);
}

static void status_unknown(void)
{
    status_decides(0x55);
}

static void status_never_written(void)
{
    status_decides(0xee);
}

static void failed_flush(void)
{
    disk_boot_plain();
    disk.fail_left = 1;
    disk.fail_status = 1;
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -EIO);
}

/* One bad sector among requests that travelled together fails one request. */
static void one_of_merged_fails(void)
{
    static struct io io[4];
    static uint8_t buf[4][512];

    disk_boot_plain();
    disk.fail_left = 1;
    disk.fail_status = 1;
    block_hold(disk.dev);
    for (unsigned i = 0; i < 4; i++)
        io_start(&io[i], BLOCK_WRITE, i, buf[i], 512);
    block_release(disk.dev);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(io_wait(&io[i]), 0); /* the first try failed, the tries alone did not */
}

static void short_read(void)
{
    static uint8_t buf[512];

    disk_boot_plain();
    disk.short_by = 100;
    CHECK_EQ(io_run(BLOCK_READ, 5, buf, 512), -EIO);
    disk.short_by = 0;
    CHECK_EQ(io_run(BLOCK_READ, 5, buf, 512), 0);
}

/* Devices from before 1.0 are known to say anything in the used length (section 5.2.6.4). */
static void short_read_legacy(void)
{
    static uint8_t buf[512];

    disk_plug(MODEL_MMIO_LEGACY, NULL, 0);
    disk_boot();
    disk.short_by = 100;
    CHECK_EQ(io_run(BLOCK_READ, 5, buf, 512), 0);
}

static void no_answer(bool reset_too)
{
    static struct io io[4];
    static uint8_t buf[4][512];
    uint64_t start = hal_now_ns();

    disk_boot_plain();
    disk.mute = true;
    disk.m->reset_never = !reset_too;
    for (unsigned i = 0; i < 4; i++)
        io_start(&io[i], i % 2 ? BLOCK_READ : BLOCK_WRITE, 100 * i, buf[i], 512);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(io_wait(&io[i]), -EIO);
        CHECK_EQ(io[i].r.quarantined, !reset_too);
    }
    CHECK(hal_now_ns() - start < 60 * HAL_SEC);
    CHECK(block_dead(disk.dev));
    CHECK_EQ(io_run(BLOCK_READ, 0, buf[0], 512), -EIO);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -EIO);
    CHECK_EQ(io_outstanding, 0);
}

static void no_answer_then_reset(void)
{
    no_answer(true);
}

static void no_answer_no_reset(void)
{
    no_answer(false);
}

static void broken_queue(void)
{
    static struct io io[6];
    static uint8_t buf[6][512];

    disk_boot_plain();
    disk.mute = true;
    for (unsigned i = 0; i < 6; i++)
        io_start(&io[i], BLOCK_READ, 100 * i, buf[i], 512);
    model_put_used(disk.q, disk.q->used, 0xdead, 0);
    model_put_used_idx(disk.q, (uint16_t)(disk.q->used + 1));
    model_raise(disk.m, 1, disk.q);
    disk.mute = false;
    for (unsigned i = 0; i < 6; i++)
        CHECK_EQ(io_wait(&io[i]), 0);
    CHECK(!block_dead(disk.dev));
    CHECK_EQ(io_outstanding, 0);
    CHECK_EQ(host_log_matches("broken"), 1);
}

/* More requests than the ring holds: all complete. */
static void more_than_the_ring(void)
{
    static struct io io[500];
    static uint8_t buf[500][512];

    disk_boot_plain();
    for (unsigned i = 0; i < 500; i++)
        io_start(&io[i], BLOCK_READ, (i * 37) % DISK_SECTORS, buf[i], 512);
    host_run_services();
    CHECK_EQ(io_outstanding, 0);
}

/* ---- odd devices ----------------------------------------------------------------------------- */

static void refused(void)
{
    disk_boot();
    CHECK(disk.dev == NULL);
    CHECK(block_get(0) == NULL);
    CHECK(disk.m->status & 128);
    CHECK(host_log_lines(HAL_ERROR) > 0);
    CHECK_EQ(host_live_blocks(), 0);
}

static void odd_block_size(uint32_t v)
{
    static const unsigned bits[] = {DISK_F_BLK_SIZE};

    disk_plug(MODEL_MMIO, bits, 1);
    model_field(disk.m, 20, 4, v);
    refused();
}

static void block_size_0(void)
{
    odd_block_size(0);
}

static void block_size_513(void)
{
    odd_block_size(513);
}

static void block_size_256(void)
{
    odd_block_size(256);
}

static void block_size_huge(void)
{
    odd_block_size(0x80000000u);
}

static void capacity_huge(void)
{
    disk_plug(MODEL_MMIO, NULL, 0);
    model_field(disk.m, 0, 8, UINT64_MAX);
    refused();
}

static void capacity_0(void)
{
    static uint8_t buf[512];

    disk_plug(MODEL_MMIO, NULL, 0);
    model_field(disk.m, 0, 8, 0);
    disk_boot();
    CHECK(disk.dev != NULL);
    CHECK_EQ(io_run(BLOCK_READ, 0, buf, 512), -EIO);
}

static void queue_of(unsigned max)
{
    static uint8_t buf[16 * 512];

    disk_plug(MODEL_MMIO, NULL, 0);
    disk.m->queues[0].max = max;
    disk_boot();
    if (max < 3) {
        CHECK(disk.dev == NULL);
        return;
    }
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, sizeof(buf)), 0);
    CHECK_EQ(io_run(BLOCK_READ, 0, buf, sizeof(buf)), 0);
}

static void queue_of_1(void)
{
    queue_of(1);
}

static void queue_of_4(void)
{
    queue_of(4);
}

static void segment_limits_of(uint32_t segs, uint32_t size)
{
    static const unsigned bits[] = {DISK_F_SIZE_MAX, DISK_F_SEG_MAX};
    static uint8_t buf[16 * 512];

    disk_plug(MODEL_MMIO, bits, 2);
    model_field(disk.m, 8, 4, size);
    model_field(disk.m, 12, 4, segs);
    disk.seg_max = segs ? segs : 1;
    disk_boot();
    CHECK(disk.dev != NULL);
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, sizeof(buf)), 0);
    CHECK_EQ(io_run(BLOCK_READ, 0, buf, sizeof(buf)), 0);
}

static void segment_limits_of_0(void)
{
    segment_limits_of(0, 0);
}

static void segment_limits_of_all_ones(void)
{
    segment_limits_of(UINT32_MAX, UINT32_MAX);
}

static void segment_limits_odd(void)
{
    segment_limits_of(2, 1000);
}

static void out_of_memory(unsigned n)
{
    disk_plug(MODEL_MMIO, NULL, 0);
    host_fail_alloc_after(n);
    disk_boot();
    if (disk.dev)
        return;
    CHECK_EQ(host_live_blocks(), 0);
    CHECK(disk.m->status & 128 || disk.m->trace_len == 3);
}

static void out_of_memory_1(void)
{
    out_of_memory(1);
}

static void out_of_memory_3(void)
{
    out_of_memory(3);
}

static void out_of_memory_4(void)
{
    out_of_memory(4);
}

static void out_of_memory_5(void)
{
    out_of_memory(5);
}

static void out_of_memory_6(void)
{
    out_of_memory(6);
}

static void capacity_changes(void)
{
    static uint8_t buf[512];

    disk_boot_plain();
    model_field(disk.m, 0, 8, 100);
    disk.m->generation++;
    model_raise(disk.m, 2, NULL);
    host_run_services();
    CHECK_EQ(block_capacity(disk.dev), 100 * 512);
    CHECK_EQ(io_run(BLOCK_READ, 100, buf, 512), -EIO);
    CHECK_EQ(io_run(BLOCK_READ, 99, buf, 512), 0);
}

int main(int argc, char **argv)
{
#define CASE(f)                                                                                    \
    {                                                                                              \
#f, f                                                                                      \
    }
    static const struct test_case cases[] = {
        SHOWS(describes_itself, "CFG-04 BLK-20"),
        SHOWS(write_then_read_modern, "BLK-09 BLK-18"),
        SHOWS(write_then_read_legacy,
              "CFG-08 LEGACY-VQ-06 LEGACY-BLK-01 LEGACY-BLK-03 LEGACY-BLK-12"),
        CASE(random_io),
        CASE(one_kick_a_batch),
        SHOWS(limits_of_the_device, "BLK-02 BLK-03"),
        SHOWS(flush_waits_for_writes, "BLK-10 BLK-16 BLK-17"),
        SHOWS(write_through_needs_no_flush, "CFG-03 BLK-06"),
        SHOWS(read_only_disk, "BLK-14 BLK-15"),
        SHOWS(bad_requests, "BLK-13 BLK-18"),
        SHOWS(big_blocks, "BLK-04"),
        SHOWS(status_ioerr, "BLK-11"),
        SHOWS(status_unsupported, "BLK-11"),
        SHOWS(status_unknown, "BLK-11"),
        CASE(status_never_written),
        CASE(failed_flush),
        CASE(one_of_merged_fails),
        SHOWS(short_read, "SPLIT-31"),
        SHOWS(short_read_legacy, "LEGACY-VQ-05 LEGACY-BLK-04"),
        CASE(no_answer_then_reset),
        CASE(no_answer_no_reset),
        CASE(broken_queue),
        CASE(more_than_the_ring),
        CASE(block_size_0),
        CASE(block_size_513),
        CASE(block_size_256),
        CASE(block_size_huge),
        CASE(capacity_huge),
        CASE(capacity_0),
        CASE(queue_of_1),
        CASE(queue_of_4),
        CASE(segment_limits_of_0),
        CASE(segment_limits_of_all_ones),
        CASE(segment_limits_odd),
        CASE(out_of_memory_1),
        CASE(out_of_memory_3),
        CASE(out_of_memory_4),
        CASE(out_of_memory_5),
        CASE(out_of_memory_6),
        SHOWS(capacity_changes, "BLK-12 INIT-22"),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
