/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_blk_small.c - a disk behind a queue of few entries, of both ring formats. With two, header
 * and data or data and status share a piece, and all data passes through a bounce buffer.
 */
#include <string.h>

#include "block/block_impl.h"
#include "check.h"
#include "diskmodel.h"
#include "testdrv.h"

#define BIG (300u * 512u) /* more than the bounce buffer */

static void plug(enum model_transport t, unsigned size, unsigned feature)
{
    unsigned bits[6] = {DISK_F_SEG_MAX, DISK_F_FLUSH, VIRTIO_F_EVENT_IDX}, n = 3;
    char args[40];

    if (case_variant == TD_PACKED)
        bits[n++] = VIRTIO_F_RING_PACKED;
    if (feature)
        bits[n++] = feature;
    disk.seg_max = 16;
    snprintf(args, sizeof(args), "vireo.vblk0.qsize=%u", size);
    host_set_bootargs(args);
    disk_plug(t, bits, n);
}

static void boot(unsigned size, unsigned feature)
{
    plug(MODEL_MMIO, size, feature);
    disk_boot();
    CHECK(disk.dev != NULL);
    CHECK_EQ(disk.q->num, size);
}

/* Sizes around what passes at once, at places of their own, each read back by itself. */
static void write_and_read(void)
{
    static const uint32_t sizes[] = {512, 4096, 65536 - 512, 65536, 65536 + 512, BIG};
    static uint8_t out[BIG], in[BIG];

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint64_t sector = 5 + 301 * i;

        for (unsigned b = 0; b < sizes[i]; b++)
            out[b] = (uint8_t)random32();
        CHECK_EQ(io_run(BLOCK_WRITE, sector, out, sizes[i]), 0);
        CHECK(memcmp(disk.data + sector * 512, out, sizes[i]) == 0);
        memset(in, 0x55, sizeof(in));
        CHECK_EQ(io_run(BLOCK_READ, sector, in, sizes[i]), 0);
        CHECK(memcmp(in, out, sizes[i]) == 0);
    }
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(disk.flushes, 1);
    CHECK(strncmp(disk.dev->id, DISK_ID, strlen(DISK_ID)) == 0);
}

static void many_at_once(void)
{
    static struct io io[100];
    static uint8_t buf[100][1024];

    for (unsigned i = 0; i < DISK_SECTORS * 512; i++)
        disk.data[i] = (uint8_t)random32();
    for (unsigned i = 0; i < 100; i++)
        io_start(&io[i], BLOCK_READ, (i * 37) % (DISK_SECTORS - 1), buf[i], 1024);
    host_run_services();
    CHECK_EQ(io_outstanding, 0);
    for (unsigned i = 0; i < 100; i++)
        CHECK(memcmp(buf[i], disk.data + (i * 37) % (DISK_SECTORS - 1) * 512, 1024) == 0);
}

static void failures(void)
{
    uint8_t buf[512] = {0};

    for (unsigned op = BLOCK_READ; op <= BLOCK_FLUSH; op++) {
        size_t len = op == BLOCK_FLUSH ? 0 : sizeof(buf);

        disk.fail_left = 1;
        disk.fail_status = 1;
        CHECK_EQ(io_run(op, 0, len ? buf : NULL, len), -EIO);
        CHECK_EQ(io_run(op, 0, len ? buf : NULL, len), 0);
        disk.fail_left = 1;
        disk.fail_status = 0xee; /* the status is not written: its preset value is no success */
        CHECK_EQ(io_run(op, 0, len ? buf : NULL, len), -EIO);
        CHECK_EQ(io_run(op, 0, len ? buf : NULL, len), 0);
    }
}

static void two(void)
{
    boot(2, 0);
    write_and_read();
    many_at_once();
    failures();
    CHECK(disk.dev->stats.bounced > 0);
}

static void two_indirect(void)
{
    boot(2, VIRTIO_F_INDIRECT_DESC);
    write_and_read();
    many_at_once();
    failures();
}

/* The device's status goes nowhere near the caller's memory, which has no room for it. */
static void serial_number(void)
{
    uint8_t id[BLOCK_ID_LEN + 4];

    boot(2, VIRTIO_F_INDIRECT_DESC);
    memset(id, 0xa5, sizeof(id));
    CHECK_EQ(io_run(BLOCK_GET_ID, 0, id, BLOCK_ID_LEN), 0);
    CHECK(memcmp(id, DISK_ID, strlen(DISK_ID)) == 0);
    for (unsigned i = BLOCK_ID_LEN; i < sizeof(id); i++)
        CHECK_EQ(id[i], 0xa5);
}

/* The next larger ones copy nothing. */
static void more(void)
{
    boot(case_variant == TD_PACKED ? 3 : 4, 0);
    write_and_read();
    many_at_once();
    CHECK_EQ(disk.dev->stats.bounced, 0);
}

/* A piece is the header longer than its data, and size_max bounds it (section 5.2.4). */
static void size_max_holds(void)
{
    disk.size_max = 4096;
    boot(2, DISK_F_SIZE_MAX);
    write_and_read();
    CHECK_EQ(disk.dev->max_seg_size, 4096 - 16);
}

static void refused(enum model_transport t, unsigned size, const char *why)
{
    plug(t, size, 0);
    disk_boot();
    CHECK(disk.dev == NULL);
    CHECK(host_logged(why));
    CHECK_EQ(host_live_blocks(), 0);
}

static void one_is_refused(void)
{
    refused(MODEL_MMIO, 1, "qsize=2 is the least");
}

static void legacy_two_is_refused(void)
{
    refused(MODEL_MMIO_LEGACY, 2, "qsize=4 is the least");
}

static void no_memory(void)
{
    plug(MODEL_MMIO, 2, 0);
    host_fail_alloc_after(7);
    disk_boot();
    CHECK(disk.dev == NULL);
    CHECK_EQ(host_live_blocks(), 0);
}

/* A legacy PCI device decides how long its ring is: longer than the driver asks for. */
static void longer_than_asked_for(void)
{
    static const unsigned bits[] = {DISK_F_SEG_MAX, DISK_F_FLUSH, VIRTIO_F_INDIRECT_DESC};
    static struct io io[300];
    static uint8_t buf[300][512];

    disk.seg_max = 16;
    disk_plug(MODEL_PCI_LEGACY, bits, 3);
    disk.q->max = 256;
    for (unsigned b = 0; b < sizeof(disk.data); b++)
        disk.data[b] = (uint8_t)(b ^ b >> 9);
    disk_boot();
    CHECK(disk.dev != NULL);
    block_hold(disk.dev);
    for (unsigned i = 0; i < 300; i++)
        io_start(&io[i], BLOCK_READ, 10 * i, buf[i], 512);
    block_release(disk.dev);
    for (unsigned i = 0; i < 300; i++) {
        CHECK_EQ(io_wait(&io[i]), 0);
        CHECK(memcmp(buf[i], disk.data + 10 * i * 512, 512) == 0);
    }
    CHECK_EQ(disk.q->num, 256);
}

static void io_polls(struct block_request *r)
{
    CHECK(!block_poll(disk.dev)); /* not from within a callback */
    io_done(r);
}

static void polled_by_its_submitter(void)
{
    static struct io a, b;
    static uint8_t buf[2][512];

    disk_boot_plain();
    CHECK(!block_poll(disk.dev));
    io_start(&a, BLOCK_READ, 3, buf[0], 512);
    io_start(&b, BLOCK_READ, 9, buf[1], 512);
    a.r.done = io_polls;
    block_hold(disk.dev);
    CHECK(!block_poll(disk.dev) && !a.calls);
    block_release(disk.dev);
    CHECK(block_poll(disk.dev));
    CHECK(a.calls == 1 && b.calls == 1 && !a.r.result && !b.r.result);
    CHECK(memcmp(buf[0], disk.data + 3 * 512, 512) == 0);
    CHECK(!block_poll(disk.dev));
    host_run_services();
    CHECK(a.calls == 1 && b.calls == 1);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_RING(two, "SPLIT-04", "PACK-15"),
        EACH_RING(two_indirect, "SPLIT-14", "PACK-30"),
        EACH_RING(serial_number, NULL, NULL),
        EACH_RING(more, NULL, NULL),
        EACH_RING(size_max_holds, "BLK-02", "BLK-02"),
        EACH_RING(one_is_refused, NULL, NULL),
        SHOWS(polled_by_its_submitter, NULL),
        SHOWS(legacy_two_is_refused, "LEGACY-VQ-06"),
        EACH_RING(no_memory, NULL, NULL),
        {"longer_than_asked_for", longer_than_asked_for},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
