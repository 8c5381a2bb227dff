/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_blk_chaos.c - reads, writes and syncs in random order through the cache, while the disk
 * below breaks in random ways, is reset, and loses what was not flushed: no wrong byte, and what
 * was synced is on the platter (virtio 1.4, sections 2.1.2, 5.2.6).
 */
#include <string.h>

#include "block/cache/bcache.h"
#include "disk.h"
#include "diskmodel.h"
#include "hosttask.h"
#include "virtio/device.h"

#define BYTES   (1u << 20) /* of the disk that are used */
#define LONGEST 30000u
#define BURST   3u /* failures in a row that the core puts up with for sure */

static uint8_t ref[BYTES], mem[LONGEST];
static struct disk *d;
static struct virtio_device *dev;
static unsigned faults, burst, good_syncs, failed_calls;
static bool rough; /* errors that reach who calls, too */

/* ---- what goes wrong ------------------------------------------------------------------------- */

static void go_away(void)
{
    disk.m->gone = true;
    model_reset(disk.m); /* what is not there holds no memory of ours */
    virtio_unplug(dev, false, true);
}

static void come_back(void)
{
    disk.m->gone = false;
    model_reset(disk.m);
    disk.writes_pending = 0;
    if (disk.forgets)
        memcpy(disk.data, disk.platter, sizeof(disk.data));
    virtio_replug(dev);
}

static void fault(void)
{
    faults++;
    burst++;
    switch (random_below(rough ? 6 : 4)) {
    case 0:
        disk_break();
        break;
    case 1:
        disk.answers = random_below(4); /* and then nothing, until a deadline has passed */
        break;
    case 2:
        disk.m->status |= VIRTIO_STATUS_NEEDS_RESET;
        model_raise(disk.m, 2, NULL);
        break;
    case 3:
        disk.m->reset_reads = random_below(200);
        disk_break();
        break;
    case 4:
        disk.fail_left = 1 + random_below(2); /* three are too many for its serial number */
        disk.fail_status = 1;
        break;
    default:
        go_away();
    }
}

/* Time and the device go on while a caller waits. */
static bool progress(void *ctx)
{
    (void)ctx;
    if (!virtio_works(dev)) {
        disk.answers = DISK_NEVER;
        if (disk.m->gone && random_below(3) == 0)
            come_back();
    } else if (burst < BURST && disk.q->ready && random_below(6) == 0) {
        fault();
    }
    host_run_for(random_below(20) * HAL_MS);
    return true;
}

/* In service long enough for it to count as healthy. */
static void calm_down(void)
{
    disk.answers = DISK_NEVER;
    disk.fail_left = 0;
    if (disk.m->gone)
        come_back();
    host_run_for(11 * HAL_SEC);
    if (!virtio_works(dev)) /* three errors for its serial number: refused, until plugged in */
        come_back();
    host_run_for(HAL_SEC);
    CHECK(virtio_works(dev) && !block_dead(disk.dev));
    burst = 0;
}

/* ---- what is done ---------------------------------------------------------------------------- */

static void check_error(long n)
{
    CHECK(n >= 0 || (rough && n == -EIO));
    failed_calls += n < 0;
}

static void read_some(uint32_t at, uint32_t len)
{
    long n = disk_read(d, mem, len, at, NULL);

    check_error(n);
    CHECK(n < 0 || memcmp(mem, ref + at, (size_t)n) == 0);
    CHECK(rough || n == (long)len);
}

static void write_some(uint32_t at, uint32_t len)
{
    long n;

    for (uint32_t i = 0; i < len; i++)
        mem[i] = (uint8_t)random32();
    n = disk_write(d, mem, len, at);
    check_error(n);
    CHECK(rough || n == (long)len);
    if (n > 0)
        memcpy(ref + at, mem, (size_t)n);
}

static void sync_all(void)
{
    int err = disk_sync(d);

    check_error(err);
    if (err)
        return;
    good_syncs++;
    CHECK(memcmp(disk.platter, ref, BYTES) == 0);
}

static void act(void)
{
    uint32_t at = random_below(BYTES - LONGEST), len = 1 + random_below(LONGEST - 1);
    unsigned what = random_below(20);

    if (what < 9)
        write_some(at, len);
    else if (what < 17)
        read_some(at, len);
    else
        sync_all();
    if (random_below(20) == 0)
        progress(NULL);
    if (burst >= BURST)
        calm_down();
}

static void run(unsigned operations)
{
    struct block_info info;

    disk.forgets = true;
    host_set_bootargs("vireo.vblk0.timeout_ms=50");
    disk_boot_way((unsigned[]){VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_RESET}, random_below(3));
    dev = virtio_find("vblk0");
    disk.m->cached = true;
    hosttask_on_wait(progress, NULL);
    CHECK(bcache_create(disk.dev, 40 * 4096) != NULL);
    d = disk_of(disk.dev);
    CHECK(d != NULL);
    for (unsigned i = 0; i < operations; i++)
        act();
    calm_down();
    burst = BURST;
    disk_sync(d); /* may hear of errors before */
    CHECK_EQ(disk_sync(d), 0);
    CHECK(memcmp(disk.platter, ref, BYTES) == 0);
    block_describe(disk.dev, &info);
    CHECK(faults > operations / 20 && good_syncs > operations / 20 && info.stats.replayed > 10);
}

static void resets_are_not_noticed(void)
{
    run(1200);
    CHECK_EQ(failed_calls, 0);
}

static void errors_and_unplugging(void)
{
    rough = true;
    run(1200);
    CHECK(failed_calls > 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"resets_are_not_noticed", resets_are_not_noticed, NULL, 0, disk_ways},
        {"errors_and_unplugging", errors_and_unplugging, NULL, 0, disk_ways},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
