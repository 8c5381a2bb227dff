/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_blk_return.c - which disk is it that came back? After a reset, and after the device was
 * unplugged and something was plugged in (virtio 1.4, sections 3.1.1, 5.2.4, 5.2.6): nothing is
 * written to another disk, and the same one goes on.
 */
#include <string.h>

#include "diskmodel.h"
#include "virtio/device.h"

static uint8_t buf[4096];
static struct io out[4];

static void set_id(const char *id)
{
    memset(disk.id, 0, sizeof(disk.id));
    memcpy(disk.id, id, strlen(id));
}

static void set_capacity(uint64_t sectors)
{
    model_field(disk.m, 0, 8, sectors);
    disk.m->generation++;
}

static struct virtio_device *device(void)
{
    return virtio_find("vblk0");
}

/* Three writes are out when the device breaks. */
static void break_with_writes_out(void)
{
    disk.answers = 0;
    for (unsigned i = 0; i < 3; i++)
        io_start(&out[i], BLOCK_WRITE, 100 * i, buf, 512);
    disk.answers = DISK_NEVER;
    disk.taken = 0;
    disk_break();
}

static unsigned writes_taken(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < disk.taken; i++)
        n += disk.order[i].type == 1;
    return n;
}

static void all_out(int result)
{
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(io_wait(&out[i]), result);
    CHECK_EQ(io_outstanding, 0);
}

/* Refused for good: nothing was written to it. */
static void check_refused(const char *why)
{
    all_out(-EIO);
    CHECK(block_dead(disk.dev));
    CHECK_EQ(writes_taken(), 0);
    CHECK_EQ(host_log_matches(why), 1);
    CHECK(disk.m->status & VIRTIO_STATUS_FAILED);
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, 512), -EIO);
}

/* ---- after a reset --------------------------------------------------------------------------- */

static void another_number(void)
{
    disk_boot_way(NULL, 0);
    set_id("ANOTHER-DISK");
    break_with_writes_out();
    check_refused("serial number is not the same");
}

static void longer_number(void)
{
    disk_boot_way(NULL, 0);
    set_id("VIREO-MODEL-01234567");
    break_with_writes_out();
    check_refused("serial number is not the same");
}

static void no_number_any_more(void)
{
    disk_boot_way(NULL, 0);
    set_id("");
    break_with_writes_out();
    check_refused("serial number is not the same");
}

/* One answer that is an error is not yet another disk. */
static void number_at_the_second_try(void)
{
    disk_boot_way(NULL, 0);
    disk.fail_left = 2;
    disk.fail_status = 1;
    break_with_writes_out();
    all_out(0);
    CHECK_EQ(disk.order[0].type, 8);
    CHECK_EQ(disk.order[2].type, 8);
    CHECK_EQ(writes_taken(), 3);
}

/* A device that says OK to the question and writes nothing has not told a number. */
static void number_not_written(void)
{
    disk_boot_way(NULL, 0);
    set_id(""); /* model: status UNSUPP; here: OK with zeroes */
    disk.id[0] = ' ';
    break_with_writes_out();
    check_refused("serial number is not the same");
}

/* A disk with a number may have grown or shrunk meanwhile. */
static void grown(void)
{
    disk_boot_way(NULL, 0);
    set_capacity(DISK_SECTORS - 1000);
    break_with_writes_out();
    all_out(0);
    CHECK_EQ(block_capacity(disk.dev), (DISK_SECTORS - 1000) * 512);
    set_capacity(DISK_SECTORS);
    break_with_writes_out();
    all_out(0);
    CHECK_EQ(block_capacity(disk.dev), DISK_SECTORS * 512);
}

/* Requests beyond the new end fail, others do not. */
static void shrunk(void)
{
    disk_boot_way(NULL, 0);
    set_capacity(150);
    break_with_writes_out();
    CHECK_EQ(io_wait(&out[0]), 0);
    CHECK_EQ(io_wait(&out[1]), 0);
    CHECK_EQ(io_wait(&out[2]), -EIO);
    CHECK_EQ(block_capacity(disk.dev), 150 * 512);
    CHECK(!block_dead(disk.dev));
}

/* Of a disk that never had a number the capacity is all there is. */
static void unnumbered(void)
{
    set_id("");
    disk_boot_way(NULL, 0);
    break_with_writes_out();
    all_out(0);
    set_capacity(DISK_SECTORS - 8);
    break_with_writes_out();
    check_refused("capacity is not the same");
}

static void other_limits(void)
{
    disk_boot_way(NULL, 0);
    model_field(disk.m, 12, 4, 15);
    break_with_writes_out();
    check_refused("not the disk that it was");
}

static void other_block_size(void)
{
    disk_boot_way((unsigned[]){DISK_F_BLK_SIZE}, 1);
    model_field(disk.m, 20, 4, 4096);
    break_with_writes_out();
    check_refused("not the disk that it was");
}

static void impossible_block_size(void)
{
    disk_boot_way((unsigned[]){DISK_F_BLK_SIZE}, 1);
    model_field(disk.m, 20, 4, 0);
    break_with_writes_out();
    check_refused("not a power of two");
}

/* The reset comes before the very first answer: whatever it says is its number. */
static void reset_before_it_is_known(void)
{
    struct block_info info;

    disk.answers = 0;
    disk_boot_way(NULL, 0);
    disk.answers = DISK_NEVER;
    disk_break();
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, 512), 0);
    block_describe(disk.dev, &info);
    CHECK(strcmp(info.id, DISK_ID) == 0);
    set_id("ANOTHER-DISK");
    break_with_writes_out();
    check_refused("serial number is not the same");
}

/* Writes through now: what was in the cache that it had is still told of. */
static void another_cache_mode(void)
{
    disk.forgets = true;
    disk_boot_way((unsigned[]){DISK_F_CONFIG_WCE}, 1);
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, 512), 0);
    model_field(disk.m, 32, 1, 0);
    disk_break();
    host_run_for(HAL_SEC);
    CHECK(!block_volatile(disk.dev));
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -ESTALE);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
}

/* ---- unplugged and plugged in ---------------------------------------------------------------- */

/* With requests out and in the queue: all fail at once, and so does what comes. */
static void unplug(bool here, bool absent)
{
    disk.answers = 0;
    for (unsigned i = 0; i < 3; i++)
        io_start(&out[i], BLOCK_WRITE, 100 * i, buf, 512);
    disk.m->gone = !here;
    virtio_unplug(device(), here, absent);
    host_run_services();
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(out[i].calls, 1);
        CHECK_EQ(out[i].r.result, -EIO);
        CHECK_EQ(out[i].r.quarantined, !here && !absent);
    }
    CHECK(block_dead(disk.dev));
    CHECK_EQ(io_run(BLOCK_READ, 0, buf, 512), -EIO);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -EIO);
    CHECK_EQ(io_outstanding, 0);
}

/* A device is in the same place, in the state after a reset. */
static int replug(void)
{
    disk.m->gone = false;
    disk.answers = DISK_NEVER;
    model_reset(disk.m);
    disk.writes_pending = 0;
    disk.taken = 0;
    return virtio_replug(device());
}

static void check_works(void)
{
    uint8_t back[512];

    host_run_services();
    CHECK(!block_dead(disk.dev));
    CHECK(block_find("vblk0") == disk.dev && block_get(1) == NULL);
    memset(buf, 0x5a, 512);
    CHECK_EQ(io_run(BLOCK_WRITE, 7, buf, 512), 0);
    CHECK_EQ(io_run(BLOCK_READ, 7, back, 512), 0);
    CHECK(memcmp(buf, back, 512) == 0);
    CHECK_EQ(disk.order[0].type, 8);
}

static void orderly(void)
{
    disk_boot_way(NULL, 0);
    for (unsigned i = 0; i < 3; i++) {
        unplug(true, false);
        CHECK_EQ(replug(), 0);
        check_works();
        CHECK_EQ(block_plugs(disk.dev), i + 1);
    }
}

static void surprise(void)
{
    disk_boot_way(NULL, 0);
    for (unsigned i = 0; i < 3; i++) {
        unplug(false, true);
        CHECK_EQ(replug(), 0);
        check_works();
        CHECK_EQ(block_plugs(disk.dev), i + 1);
    }
}

/* Until it is known to be the same disk it takes no request; one is refused at once. */
static void not_before_it_is_known(void)
{
    disk_boot_way(NULL, 0);
    unplug(false, true);
    disk.m->gone = false;
    model_reset(disk.m);
    disk.taken = 0;
    CHECK_EQ(virtio_replug(device()), 0); /* and does not answer yet */
    CHECK(block_dead(disk.dev));
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, 512), -EIO);
    CHECK_EQ(writes_taken(), 0);
}

/* Another disk, and then the right one. */
static void the_wrong_one_first(void)
{
    disk_boot_way(NULL, 0);
    unplug(false, true);
    set_id("ANOTHER-DISK");
    replug();
    host_run_for(HAL_SEC);
    CHECK(block_dead(disk.dev));
    CHECK_EQ(writes_taken(), 0);
    CHECK_EQ(host_log_matches("serial number is not the same"), 1);
    set_id(DISK_ID);
    CHECK_EQ(replug(), 0);
    check_works();
}

/* After a change of place the capacity counts as well; afterwards a reset may change it again. */
static void the_wrong_size_first(void)
{
    disk_boot_way(NULL, 0);
    unplug(false, true);
    set_capacity(DISK_SECTORS - 8);
    replug();
    host_run_for(HAL_SEC);
    CHECK(block_dead(disk.dev));
    CHECK_EQ(host_log_matches("capacity is not the same"), 1);
    CHECK_EQ(block_capacity(disk.dev), DISK_SECTORS * 512);
    set_capacity(DISK_SECTORS);
    CHECK_EQ(replug(), 0);
    check_works();
    set_capacity(DISK_SECTORS - 8);
    break_with_writes_out();
    all_out(0);
    CHECK_EQ(block_plugs(disk.dev), 1); /* a reset is none */
    CHECK_EQ(block_capacity(disk.dev), (DISK_SECTORS - 8) * 512);
}

static void the_wrong_limits_first(void)
{
    disk_boot_way(NULL, 0);
    unplug(false, true);
    model_field(disk.m, 12, 4, 3);
    CHECK(replug() != 0);
    CHECK(block_dead(disk.dev));
    model_field(disk.m, 12, 4, 16);
    CHECK_EQ(replug(), 0);
    check_works();
}

/* Data that was written and not flushed before the disk left: the next flush reports the loss. */
static void unflushed_writes(void)
{
    disk.forgets = true;
    disk_boot_way(NULL, 0);
    CHECK_EQ(io_run(BLOCK_WRITE, 50, buf, 512), 0);
    unplug(false, true);
    CHECK_EQ(replug(), 0);
    check_works();
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -ESTALE);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
}

/* ---- quarantine ------------------------------------------------------------------------------ */

/* No reset completed: memory that the device could still write to is not used again. */
static void ghost(void)
{
    uint64_t allocs;

    disk_boot_way(NULL, 0);
    unplug(false, false);
    allocs = host_allocs();
    CHECK_EQ(replug(), 0);
    CHECK(host_allocs() > allocs);
    check_works();
}

static void ghost_without_memory(void)
{
    disk_boot_way(NULL, 0);
    unplug(false, false);
    host_fail_alloc_after(0);
    CHECK(replug() != 0);
    CHECK(block_dead(disk.dev));
    host_fail_alloc_after(-1);
    CHECK_EQ(replug(), 0);
    check_works();
}

/* Status bytes, headers, the serial number: all of it lies elsewhere than before. */
static uint64_t lowest, highest;

static void remember(struct model *m, struct model_queue *q, const struct model_chain *c)
{
    (void)m, (void)q;
    for (unsigned i = 0; i < c->count; i++)
        if (c->segs[i].len == 1) {
            lowest = c->segs[i].addr < lowest ? c->segs[i].addr : lowest;
            highest = c->segs[i].addr > highest ? c->segs[i].addr : highest;
        }
}

static void records_are_new(void)
{
    uint64_t old_lowest, old_highest;

    lowest = UINT64_MAX;
    disk_boot_way(NULL, 0);
    disk.m->on.put = remember;
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(io_run(BLOCK_READ, i, buf, 512), 0);
    old_lowest = lowest;
    old_highest = highest;
    unplug(false, false);
    CHECK_EQ(replug(), 0);
    lowest = UINT64_MAX;
    highest = 0;
    check_works();
    CHECK(lowest > old_highest || highest < old_lowest);
}

int main(int argc, char **argv)
{
#define WAYS(f)                                                                                    \
    {                                                                                              \
#f, f, NULL, 0, disk_ways                                                                  \
    }
    static const struct test_case cases[] = {
        WAYS(another_number),
        WAYS(longer_number),
        WAYS(no_number_any_more),
        WAYS(number_at_the_second_try),
        WAYS(number_not_written),
        WAYS(grown),
        WAYS(shrunk),
        WAYS(unnumbered),
        WAYS(other_limits),
        WAYS(other_block_size),
        WAYS(impossible_block_size),
        WAYS(reset_before_it_is_known),
        WAYS(another_cache_mode),
        WAYS(orderly),
        WAYS(surprise),
        WAYS(not_before_it_is_known),
        WAYS(the_wrong_one_first),
        WAYS(the_wrong_size_first),
        WAYS(the_wrong_limits_first),
        WAYS(unflushed_writes),
        WAYS(ghost),
        WAYS(ghost_without_memory),
        WAYS(records_are_new),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
