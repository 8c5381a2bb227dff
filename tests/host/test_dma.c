/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_dma.c - data is mapped for a device before the device gets it, and each mapping ends once,
 * when the device no longer has it: after completions, errors, resets, removal, and where mappings
 * fail. The devices see copies (host.h), so a driver that looks too early sees no data.
 */
#include <string.h>

#include "block/block_impl.h"
#include "diskmodel.h"
#include "netmodel.h"
#include "virtio/device.h"

/* ---- disk ------------------------------------------------------------------------------------ */

#define IOS 40

static struct io io[IOS];
static uint8_t buf[IOS][1024];

/* Request i is for the two sectors from 10 * i on; every third is a write. */
static void start_all(void)
{
    for (unsigned b = 0; b < sizeof(disk.data); b++)
        disk.data[b] = disk.platter[b] = (uint8_t)(b ^ b >> 9);
    block_hold(disk.dev);
    for (unsigned i = 0; i < IOS; i++) {
        memset(buf[i], (int)i + 1, sizeof(buf[i]));
        io_start(&io[i], i % 3 ? BLOCK_READ : BLOCK_WRITE, 10 * i, buf[i], sizeof(buf[i]));
    }
    block_release(disk.dev);
}

static void check_all(void)
{
    for (unsigned i = 0; i < IOS; i++) {
        CHECK_EQ(io_wait(&io[i]), 0);
        CHECK(memcmp(buf[i], disk.data + 10 * i * 512, sizeof(buf[i])) == 0);
    }
    CHECK_EQ(host_dma_maps(), 0);
}

static void boot_disk(void)
{
    host_dma_copy(true);
    disk_boot_way(NULL, 0);
    CHECK_EQ(host_dma_maps(), 0); /* the serial number was read */
}

static void disk_requests(void)
{
    boot_disk();
    disk.mute = true;
    start_all();
    CHECK(host_dma_maps() >= IOS / 2); /* the others wait for room */
    disk.mute = false;
    check_all();
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(host_dma_maps(), 0);
}

static void disk_errors(void)
{
    boot_disk();
    disk.fail_left = 7;
    disk.fail_status = 1;
    start_all();
    for (unsigned i = 0; i < IOS; i++)
        io_wait(&io[i]);
    CHECK_EQ(host_dma_maps(), 0);
    CHECK_EQ(io_run(BLOCK_READ, DISK_SECTORS, buf[0], 512), -EIO);
    CHECK_EQ(host_dma_maps(), 0);
}

/* Some were done, some are in the ring, some wait. */
static void disk_reset(void)
{
    boot_disk();
    disk.answers = 11;
    start_all();
    disk.answers = DISK_NEVER;
    disk_break();
    check_all();
    CHECK_EQ(host_log_matches("works again"), 1);
}

static void disk_drawn_out(void)
{
    boot_disk();
    disk.answers = 11;
    start_all();
    disk.m->gone = true;
    virtio_unplug(virtio_find("vblk0"), false, true);
    host_run_services();
    CHECK_EQ(io_outstanding, 0);
    CHECK_EQ(host_dma_maps(), 0);
}

/* What a device may still access stays mapped. */
static void disk_given_up(void)
{
    unsigned out;

    boot_disk();
    disk.answers = 11;
    start_all();
    out = host_dma_maps();
    CHECK(out > 20);
    virtio_unplug(virtio_find("vblk0"), false, false);
    host_run_services();
    CHECK_EQ(io_outstanding, 0);
    CHECK_EQ(host_dma_maps(), out);
}

/* Data that cannot be mapped is copied through memory that the device reaches. */
static void disk_without_room(void)
{
    struct block_info info;

    boot_disk();
    host_dma_fail_after(5);
    start_all();
    host_dma_fail_after(-1);
    check_all();
    block_describe(disk.dev, &info);
    CHECK(info.stats.bounced > 0);
}

/* A neighbour that cannot be mapped wholly is not joined, and keeps no mapping. */
static void disk_half_a_neighbour(void)
{
    static uint8_t one[512], two[2][512];
    struct block_info info;

    boot_disk();
    disk.mute = true;
    block_hold(disk.dev);
    io_start(&io[0], BLOCK_WRITE, 8, memset(one, 1, 512), 512);
    io_start(&io[1], BLOCK_WRITE, 9, memset(two[0], 2, 512), 512);
    io[1].seg[1] = (struct block_seg){memset(two[1], 3, 512), 512};
    io[1].r.seg_count = 2;
    io[1].r.bytes = 1024;
    host_dma_fail_after(2);
    block_release(disk.dev);
    host_dma_fail_after(-1);
    block_describe(disk.dev, &info);
    CHECK_EQ(info.stats.merged, 0);
    CHECK(host_dma_maps() < 3);
    disk.mute = false;
    CHECK_EQ(io_wait(&io[0]), 0);
    CHECK_EQ(io_wait(&io[1]), 0);
    CHECK_EQ(disk.data[8 * 512], 1);
    CHECK_EQ(disk.data[9 * 512], 2);
    CHECK_EQ(disk.data[10 * 512], 3);
    CHECK_EQ(host_dma_maps(), 0);
}

/* Ranges in a row are one piece for the device; a transfer has no more than it remembers. */
static void disk_many_ranges(void)
{
    static uint8_t row[BLOCK_MAX_SEGS + 2][512];
    static struct block_seg segs[BLOCK_MAX_SEGS + 2];

    disk_boot_way(NULL, 0);
    disk.taken = 0;
    block_hold(disk.dev);
    io_start(&io[0], BLOCK_READ, 0, row, 512);
    for (unsigned i = 0; i < BLOCK_MAX_SEGS + 2; i++)
        segs[i] = (struct block_seg){row[i], 512};
    io[0].r.segs = segs;
    io[0].r.seg_count = BLOCK_MAX_SEGS + 2;
    io[0].r.bytes = sizeof(row);
    block_release(disk.dev);
    CHECK_EQ(io_wait(&io[0]), 0);
    CHECK_EQ(disk.taken, 2);
    CHECK_EQ(disk.order[0].bytes, BLOCK_MAX_SEGS * 512);
    CHECK(memcmp(row, disk.data, sizeof(row)) == 0);
    CHECK_EQ(host_dma_maps(), 0);
}

/* ---- network --------------------------------------------------------------------------------- */

#define OUT 7

static unsigned sent;

static unsigned posted(void)
{
    return virtq_in_flight(virtio_queue(virtio_find("vnet0"), 0));
}

static void boot_net(void)
{
    host_dma_copy(true);
    net_plug_way(NULL, 0);
    net_boot();
    CHECK(posted() > 0);
    CHECK_EQ(host_dma_maps(), posted());
}

static void net_traffic(void)
{
    for (unsigned i = 0; i < 2 * NET_RING; i++) {
        unsigned before = net.inputs;

        net_deliver_good(i, 60 + i);
        model_publish(net.m, net.rx);
        host_run_services();
        CHECK_EQ(net.inputs, before + 1);
        CHECK_EQ(net_send(sent, i % 2 ? 16 : 0, 1 + i % 3, 100), 0);
        vnet_flush(net.dev);
        net_check_wire(net.wire_count - 1, sent++, 100);
        host_run_for(12 * HAL_MS);
    }
    CHECK_EQ(net.tx_done, sent);
    CHECK_EQ(host_dma_maps(), posted());
}

/* Frames of 1 to 3 pieces are in the ring, and one of a piece is not yet. */
static unsigned net_some_out(void)
{
    unsigned pieces = 1;

    net.hold_tx = true;
    for (unsigned i = 0; i < OUT; i++) {
        CHECK_EQ(net_send(sent++, 16, 1 + i % 3, 100), 0);
        pieces += 1 + i % 3;
    }
    vnet_flush(net.dev);
    CHECK_EQ(net_send(sent++, 16, 1, 100), 0);
    CHECK_EQ(host_dma_maps(), posted() + pieces);
    return pieces;
}

static void net_frames(void)
{
    boot_net();
    net_traffic();
    net_some_out();
    net.hold_tx = false;
    vnet_flush(net.dev);
    host_run_for(15 * HAL_MS);
    CHECK_EQ(net.tx_done, sent);
    net_traffic();
}

static void net_refused(void)
{
    boot_net();
    CHECK_EQ(net_send(0, 16, 1, 1515), -EMSGSIZE);
    CHECK_EQ(net_send(0, 16, 3, 1515), -EMSGSIZE);
    for (unsigned n = 0; n < 3; n++) {
        host_dma_fail_after(n);
        CHECK_EQ(net_send(0, 16, 3, 100), -EFAULT);
        CHECK_EQ(host_dma_maps(), posted());
    }
    host_dma_fail_after(-1);
    net_traffic();
}

/* A queue of 4 takes no frame of 4 pieces and a header. */
static void net_too_many_pieces(void)
{
    static const unsigned bits[] = {5};

    host_dma_copy(true);
    net_plug(MODEL_MMIO, bits, 1);
    net.tx->max = 4;
    net_boot();
    CHECK_EQ(net_send(0, 0, 4, 900), -EMSGSIZE);
    CHECK_EQ(net_send(1, 16, 5, 900), -EMSGSIZE);
    CHECK_EQ(host_dma_maps(), posted());
}

static void net_reset(void)
{
    boot_net();
    net_some_out();
    virtq_fail(virtio_queue(virtio_find("vnet0"), 1), "a test says so");
    host_run_for(50 * HAL_MS);
    CHECK_EQ(net.tx_done, sent);
    CHECK_EQ(host_dma_maps(), posted());
    net.hold_tx = false;
    net_traffic();
}

static void net_drawn_out(void)
{
    boot_net();
    net_some_out();
    net.m->gone = true;
    virtio_unplug(virtio_find("vnet0"), false, true);
    host_run_services();
    CHECK_EQ(net.tx_done, sent);
    CHECK_EQ(host_dma_maps(), 0);
    net.m->gone = false;
    model_reset(net.m);
    net.hold_tx = false;
    CHECK_EQ(virtio_replug(virtio_find("vnet0")), 0);
    net_traffic();
}

static void net_given_up(void)
{
    unsigned mapped;

    boot_net();
    mapped = net_some_out() - 1 + posted();
    virtio_unplug(virtio_find("vnet0"), false, false);
    host_run_services();
    CHECK_EQ(host_dma_maps(), mapped);
}

/* Receive buffers that could not be mapped are posted when they can be. */
static void net_starved(void)
{
    boot_net();
    host_dma_fail_after(0);
    for (unsigned i = posted(); i; i--) {
        net_deliver_good(i, 60);
        model_publish(net.m, net.rx);
        host_run_services();
        CHECK_EQ(host_dma_maps(), posted());
    }
    CHECK_EQ(posted(), 0);
    host_run_for(50 * HAL_MS);
    CHECK_EQ(posted(), 0);
    host_dma_fail_after(-1);
    host_run_for(20 * HAL_MS);
    CHECK(posted() > 0);
    net_traffic();
}

/* ---- the account itself ---------------------------------------------------------------------- */

static void what_is_judged(void)
{
    static uint8_t memory[128];
    uint8_t word[4] = {9, 9, 9, 9}, *block;
    uint64_t to, from, twice;

    host_dma_copy(case_variant);
    memset(memory, 1, sizeof(memory));
    to = hal_dma_map(memory, 64, HAL_DMA_TO_DEVICE);
    from = hal_dma_map(memory + 64, 64, HAL_DMA_FROM_DEVICE);
    CHECK(host_dma_read(to, word, 4) && host_dma_write(from, word, 4));
    expect_violations(0);
    CHECK(!host_dma_write(to, word, 4) && !host_dma_read(from, word, 4));
    CHECK(!host_dma_read(to + 62, word, 4));
    expect_violations(3);
    twice = hal_dma_map(memory + 64, 8, HAL_DMA_FROM_DEVICE);
    expect_violations(1);
    hal_dma_unmap(twice, 8, HAL_DMA_FROM_DEVICE);
    hal_dma_unmap(from, 63, HAL_DMA_FROM_DEVICE);
    hal_dma_unmap(from, 64, HAL_DMA_BOTH);
    expect_violations(2);
    hal_dma_unmap(from, 64, HAL_DMA_FROM_DEVICE);
    expect_violations(0);
    hal_dma_unmap(from, 64, HAL_DMA_FROM_DEVICE);
    CHECK(!host_dma_write(from, word, 4));
    expect_violations(2);
    block = hal_dma_alloc(64, 64, NULL);
    CHECK(block && hal_dma_map(block, 64, HAL_DMA_BOTH) != HAL_DMA_NONE);
    hal_dma_free(block, 64);
    expect_violations(1);
}

/* What the device writes is at the driver's address at the end of the mapping, not before. */
static void copies_come_at_the_end(void)
{
    static uint8_t memory[64] __attribute__((aligned(64)));
    uint8_t word[4] = {9, 9, 9, 9};
    uint64_t dma;

    host_dma_copy(true);
    dma = hal_dma_map(memory, 64, HAL_DMA_TO_DEVICE);
    memory[0] = 5;
    CHECK(host_dma_read(dma, word, 4));
    CHECK_EQ(word[0], 0);
    hal_dma_unmap(dma, 64, HAL_DMA_TO_DEVICE);
    CHECK_EQ(memory[0], 5);
    dma = hal_dma_map(memory, 64, HAL_DMA_FROM_DEVICE);
    word[0] = 9;
    CHECK(host_dma_write(dma, word, 4));
    hal_dma_unmap(dma, 64, HAL_DMA_FROM_DEVICE);
    CHECK_EQ(memory[0], 9);
}

int main(int argc, char **argv)
{
    static const struct test_variant hows[] = {{"itself", 0}, {"a copy", 1}, {NULL, 0}};
    static const struct test_case cases[] = {
        {"disk_requests", disk_requests, NULL, 0, disk_ways},
        {"disk_errors", disk_errors, NULL, 0, disk_ways},
        {"disk_reset", disk_reset, NULL, 0, disk_ways},
        {"disk_drawn_out", disk_drawn_out, NULL, 0, disk_ways},
        {"disk_given_up", disk_given_up, NULL, 0, disk_ways},
        {"disk_without_room", disk_without_room, NULL, 0, disk_ways},
        {"disk_half_a_neighbour", disk_half_a_neighbour, NULL, 0, disk_ways},
        {"disk_many_ranges", disk_many_ranges, NULL, 0, disk_ways},
        EACH_WAY(net_frames, NULL),
        EACH_WAY(net_refused, NULL),
        {"net_too_many_pieces", net_too_many_pieces},
        EACH_WAY(net_reset, NULL),
        EACH_WAY(net_drawn_out, NULL),
        EACH_WAY(net_given_up, NULL),
        EACH_WAY(net_starved, NULL),
        {"what_is_judged", what_is_judged, NULL, 0, hows},
        {"copies_come_at_the_end", copies_come_at_the_end},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
