/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_blk_recover.c - a disk is reset with requests out, and goes on (virtio 1.4, sections 2.1.2,
 * 2.6.1, 5.2.6): each request ends once, with the right bytes, in order; flushes keep their
 * meaning; who always breaks the device ends with an error; who waits is not forgotten.
 */
#include <string.h>

#include "diskmodel.h"
#include "virtio/device.h"

#define IOS 40

static struct io io[IOS], other;
static uint8_t buf[IOS][1024], extra[64 * 512];

static struct block_stats stats(void)
{
    struct block_info info;

    block_describe(disk.dev, &info);
    return info.stats;
}

static void fill(unsigned i, uint8_t v)
{
    for (unsigned b = 0; b < sizeof(buf[i]); b++)
        buf[i][b] = (uint8_t)(v + b * 3 + i);
}

/* Request i is for the two sectors from 10 * i on; every third is a write. */
static void start_all(void)
{
    for (unsigned b = 0; b < sizeof(disk.data); b++)
        disk.data[b] = disk.platter[b] = (uint8_t)(b ^ b >> 9);
    block_hold(disk.dev);
    for (unsigned i = 0; i < IOS; i++) {
        fill(i, 7);
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
    CHECK_EQ(io_outstanding, 0);
    CHECK(!block_dead(disk.dev));
}

/* ---- requests -------------------------------------------------------------------------------- */

/* From entry `from` on: the serial number, then requests, in the order of their sectors. */
static void check_order(unsigned from, unsigned least)
{
    CHECK(disk.taken > from + least);
    CHECK_EQ(disk.order[from].type, 8);
    for (unsigned i = from + 2; i < disk.taken; i++)
        CHECK(disk.order[i].sector > disk.order[i - 1].sector);
}

static void reset_amid_requests(void)
{
    unsigned taken;

    disk_boot_way(NULL, 0);
    disk.answers = 11;
    start_all();
    taken = disk.taken;
    disk.answers = DISK_NEVER;
    disk_break();
    check_all();
    check_order(taken, IOS - 11);
    CHECK_EQ(stats().replayed, taken - 1 - 11);
    CHECK_EQ(disk.identified, 2);
    CHECK_EQ(host_log_matches("works again"), 1);
}

/* More requests than the queue holds: some are staged, some wait, when the reset comes. */
static void reset_with_a_full_ring(void)
{
    static struct io many[300];
    static uint8_t mem[300][512];

    disk_boot_way(NULL, 0);
    disk.answers = 20;
    block_hold(disk.dev);
    for (unsigned i = 0; i < 300; i++) {
        memset(mem[i], (int)i, 512);
        io_start(&many[i], BLOCK_WRITE, 2 * i, mem[i], 512);
    }
    block_release(disk.dev);
    CHECK(disk.taken < 300);
    disk.answers = DISK_NEVER;
    disk_break();
    for (unsigned i = 0; i < 300; i++) {
        CHECK_EQ(io_wait(&many[i]), 0);
        CHECK(memcmp(disk.data + 2 * i * 512, mem[i], 512) == 0);
    }
    CHECK(stats().replayed <= DISK_RING);
}

/* Requests that come during a slow reset wait, behind those that the device had. */
static void requests_during_the_reset(void)
{
    disk_boot_way(NULL, 0);
    disk.m->reset_reads = 100;
    disk.answers = 5;
    start_all();
    disk.answers = DISK_NEVER;
    disk_break();
    host_run_services();
    CHECK(!virtio_works(virtio_find("vblk0")));
    io_start(&other, BLOCK_READ, 2000, extra, 512);
    host_run_services();
    CHECK_EQ(other.calls, 0);
    check_all();
    CHECK_EQ(io_wait(&other), 0);
    CHECK(memcmp(extra, disk.data + 2000 * 512, 512) == 0);
    CHECK_EQ(disk.order[disk.taken - 1].sector, 2000);
}

/* One request of many transfers: a part was done, a part was out, a part waited. */
static void reset_amid_a_long_request(void)
{
    static uint8_t long_one[600 * 512];

    disk.seg_max = 1;
    disk.size_max = 4096;
    disk_boot_way((unsigned[]){DISK_F_SIZE_MAX}, 1);
    for (unsigned i = 0; i < sizeof(long_one); i++)
        long_one[i] = (uint8_t)(i * 5 + (i >> 9));
    disk.answers = 3;
    io_start(&other, BLOCK_WRITE, 100, long_one, sizeof(long_one));
    disk.answers = DISK_NEVER;
    disk_break();
    CHECK_EQ(io_wait(&other), 0);
    CHECK(memcmp(disk.data + 100 * 512, long_one, sizeof(long_one)) == 0);
    CHECK_EQ(stats().replayed, 1);
    CHECK(stats().transfers > 80);
}

/*
 * RING_RESET or not, the device is reset as a whole, and identified: QEMU's goes on with requests
 * of a queue that was reset alone, and completes them in the new ring.
 */
static void never_the_queue_alone(void)
{
    uint64_t resets;

    disk_boot_way((unsigned[]){VIRTIO_F_RING_RESET}, 1);
    resets = disk.m->resets;
    disk.answers = 9;
    start_all();
    disk.answers = DISK_NEVER;
    disk_break();
    check_all();
    CHECK_EQ(disk.m->resets, resets + 1);
    CHECK_EQ(host_log_matches("queue requests works again"), 0);
}

/* Nothing is allocated on the way. */
static void without_memory(void)
{
    uint64_t allocs;

    disk_boot_way(NULL, 0);
    allocs = host_allocs();
    host_fail_alloc_after(0);
    disk.answers = 11;
    start_all();
    disk.answers = DISK_NEVER;
    disk_break();
    check_all();
    host_fail_alloc_after(-1);
    CHECK_EQ(host_allocs(), allocs);
}

/* ---- a request that breaks the device -------------------------------------------------------- */

/* The request ends with an error at its fourth try; requests that were out beside it do not. */
static void the_one_that_kills(void)
{
    disk_boot_way(NULL, 0);
    disk.killer = 130;
    start_all();
    for (unsigned i = 0; i < IOS; i++)
        CHECK_EQ(io_wait(&io[i]), i == 13 ? -EIO : 0);
    CHECK_EQ(io_outstanding, 0);
    CHECK(!block_dead(disk.dev));
    CHECK_EQ(host_log_matches("works again"), 4);
    CHECK_EQ(io_run(BLOCK_READ, 0, extra, 512), 0);
}

/* The request breaks nothing, but gets no answer: its deadline counts. */
static void the_one_that_is_not_answered(void)
{
    uint64_t start = hal_now_ns();

    host_set_bootargs("vireo.vblk0.timeout_ms=200");
    disk_boot_way(NULL, 0);
    disk.answers = 0;
    io_start(&other, BLOCK_READ, 5, extra, 512);
    host_run_for(150 * HAL_MS);
    CHECK_EQ(host_log_matches("not completed in time"), 0);
    disk.answers = DISK_NEVER;
    host_run_for(100 * HAL_MS);
    CHECK_EQ(other.calls, 1);
    CHECK_EQ(other.r.result, 0);
    CHECK_EQ(host_log_matches("not completed in time"), 1);
    CHECK(hal_now_ns() - start < HAL_SEC);
}

/* Nothing is answered ever again: the end comes, for all, and no memory is taken from a device. */
static void silent_device(void)
{
    host_set_bootargs("vireo.vblk0.timeout_ms=200");
    disk_boot_way(NULL, 0);
    disk.answers = 3;
    start_all();
    disk.mute = true;
    for (unsigned i = 0; i < IOS; i++)
        io_wait(&io[i]);
    CHECK_EQ(io_outstanding, 0);
    CHECK(block_dead(disk.dev));
    CHECK_EQ(io_run(BLOCK_READ, 0, extra, 512), -EIO);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -EIO);
    CHECK_EQ(host_log_matches("given up"), 1);
}

/* ---- flushes --------------------------------------------------------------------------------- */

static void write_one(unsigned i, uint8_t v)
{
    fill(i, v);
    CHECK_EQ(io_run(BLOCK_WRITE, 10 * i, buf[i], sizeof(buf[i])), 0);
}

static bool on_platter(unsigned i)
{
    return memcmp(disk.platter + 10 * i * 512, buf[i], sizeof(buf[i])) == 0;
}

static void boot_forgetful(void)
{
    disk.forgets = true;
    disk_boot_way(NULL, 0);
}

static void break_and_return(void)
{
    disk_break();
    host_run_for(HAL_SEC);
    CHECK_EQ(host_log_matches("works again"), 1);
}

/* The next flush after the reset tells of it, and only that one. */
static void flush_after_a_reset(void)
{
    boot_forgetful();
    write_one(1, 1);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    write_one(2, 2);
    break_and_return();
    CHECK(on_platter(1) && memcmp(disk.data + 20 * 512, buf[2], 1024) != 0);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -ESTALE);
    CHECK_EQ(disk.flushes, 1);
    write_one(2, 2);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK(on_platter(2));
}

/* The device has a flush when it is reset, and writes came after the flush. */
static void flush_with_the_device(void)
{
    boot_forgetful();
    write_one(1, 1);
    disk.answers = 0;
    io_start(&io[0], BLOCK_FLUSH, 0, NULL, 0);
    fill(3, 3);
    io_start(&io[1], BLOCK_WRITE, 30, buf[3], sizeof(buf[3]));
    io_start(&io[2], BLOCK_FLUSH, 0, NULL, 0);
    disk.answers = DISK_NEVER;
    disk_break();
    CHECK_EQ(io_wait(&io[0]), -ESTALE);
    CHECK_EQ(io_wait(&io[1]), 0);
    CHECK_EQ(io_wait(&io[2]), -ESTALE); /* it was to cover the first write, too */
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK(on_platter(3));
}

/* Writes that were out are written again: a flush behind them has nothing to tell. */
static void flush_behind_replayed_writes(void)
{
    boot_forgetful();
    disk.answers = 0;
    block_hold(disk.dev);
    for (unsigned i = 0; i < 8; i++) {
        fill(i, 9);
        io_start(&io[i], BLOCK_WRITE, 10 * i, buf[i], sizeof(buf[i]));
    }
    io_start(&other, BLOCK_FLUSH, 0, NULL, 0);
    block_release(disk.dev);
    disk.answers = DISK_NEVER;
    disk_break();
    CHECK_EQ(io_wait(&other), 0);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(io[i].r.result, 0);
        CHECK(on_platter(i));
    }
}

/* Everything is flushed: a reset loses nothing, and no flush says so. */
static void flush_of_a_clean_disk(void)
{
    boot_forgetful();
    write_one(1, 1);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    break_and_return();
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK(on_platter(1));
}

/* A flush that failed covers nothing. */
static void reset_after_a_failed_flush(void)
{
    boot_forgetful();
    write_one(1, 1);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    write_one(2, 2);
    disk.fail_left = 1;
    disk.fail_status = 1;
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -EIO);
    break_and_return();
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -ESTALE);
}

/* A disk that writes through loses nothing. */
static void write_through(void)
{
    disk.forgets = true;
    disk_plug(MODEL_MMIO, NULL, 0);
    disk_boot();
    write_one(1, 1);
    break_and_return();
    CHECK(memcmp(disk.data + 10 * 512, buf[1], 1024) == 0);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(disk.flushes, 0);
}

int main(int argc, char **argv)
{
#define WAYS(f)                                                                                    \
    {                                                                                              \
#f, f, NULL, 0, disk_ways                                                                  \
    }
    static const struct test_case cases[] = {
        WAYS(reset_amid_requests),
        WAYS(reset_with_a_full_ring),
        WAYS(requests_during_the_reset),
        WAYS(reset_amid_a_long_request),
        WAYS(never_the_queue_alone),
        WAYS(without_memory),
        WAYS(the_one_that_kills),
        WAYS(the_one_that_is_not_answered),
        WAYS(silent_device),
        WAYS(flush_after_a_reset),
        WAYS(flush_with_the_device),
        WAYS(flush_behind_replayed_writes),
        WAYS(flush_of_a_clean_disk),
        WAYS(reset_after_a_failed_flush),
        SHOWS(write_through, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
