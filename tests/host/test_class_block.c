/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_class_block.c - classes of bugs that block drivers have had: memory that is used again while
 * the device has it, limits and capacities that make no sense, flushes that were never sent,
 * answers taken for those of other requests. See test_class_ring.c.
 */
#include <string.h>

#include "check.h"
#include "diskmodel.h"
#include "rig.h"
#include "script.h"
#include "virtio/virtio.h"

static uint8_t buf[128 * BLOCK_SECTOR];

static void plug(unsigned bit)
{
    const unsigned bits[] = {DISK_F_FLUSH, bit};

    disk.plug = rig_plug;
    disk_plug(rig_transport(), bits, 2);
    for (unsigned i = 0; i < sizeof(disk.data); i++)
        disk.data[i] = (uint8_t)(i * 7 + i / BLOCK_SECTOR);
}

static void boot(void)
{
    disk.seg_max = 16;
    plug(DISK_F_SEG_MAX);
    disk_boot();
    CHECK(disk.dev != NULL);
}

/* CHECKs that the disk works: a write, a flush, a read. */
static void check_works(void)
{
    for (unsigned i = 0; i < sizeof(buf); i++)
        buf[i] = (uint8_t)(i * 3);
    CHECK_EQ(io_run(BLOCK_WRITE, 8, buf, sizeof(buf)), 0);
    memset(buf, 0, sizeof(buf));
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(io_run(BLOCK_READ, 8, buf, sizeof(buf)), 0);
    for (unsigned i = 0; i < sizeof(buf); i++)
        CHECK_EQ(buf[i], (uint8_t)(i * 3));
}

/* ---- 10, 14 ---------------------------------------------------------------------------------- */

/* The status byte is another as soon as it was looked at: once is all that it is looked at. */
static void class_10_status_changes(void)
{
    static const struct script_entry lie[] = {
        {.when = AT_LOAD, .at = WORD_DATA, .times = FOR_EVER, .what = DO_CHANGE, .v = 1}};

    boot();
    script_begin(disk.m, lie, 1);
    for (unsigned i = 1; i <= 20; i++) {
        CHECK_EQ(io_run(BLOCK_READ, i, buf, BLOCK_SECTOR), 0);
        CHECK_EQ(script_done(), i);
    }
}

static struct io slow;

/* The device begins a reset, and is not through with it: it writes what it was asked for. */
static void at_reset(struct model *m, uint32_t status)
{
    CHECK(m == disk.m);
    if (status)
        return;
    CHECK_EQ(slow.calls, 0);
    disk.mute = false;
}

/*
 * A read passes its deadline; the memory is the device's until its reset is complete, and what it
 * writes meanwhile harms nobody. Then the read is done again, or fails.
 */
static void class_14_block_timeout(void)
{
    static const struct script_entry lies[] = {
        {.what = DO_SLOW_RESET, .v = 100},
        {.when = AT_READ, .at = REG_STATUS, .times = FOR_EVER, .what = DO_LATE, .v = 0xbb},
    };

    boot();
    disk.mute = true;
    disk.m->on.status = at_reset;
    io_start(&slow, BLOCK_READ, 40, buf, BLOCK_SECTOR);
    script_begin(disk.m, lies, 2);
    host_run_for(29 * HAL_SEC);
    CHECK_EQ(slow.calls, 0);
    int result = io_wait(&slow);
    CHECK_EQ(disk.m->reset_left, 0);
    CHECK(script_done() > 100);
    CHECK(result == 0 || result == -EIO);
    script_end();
    if (!result)
        CHECK(memcmp(buf, disk.data + 40 * BLOCK_SECTOR, BLOCK_SECTOR) == 0);
    check_works();
}

/* ---- 18, 19: what the configuration says ----------------------------------------------------- */

static void block_size_told(uint32_t v)
{
    plug(DISK_F_BLK_SIZE);
    model_field(disk.m, 20, 4, v);
    disk_boot();
    CHECK(disk.dev == NULL);
    CHECK_EQ(host_log_matches("block size"), 1);
    CHECK_EQ(host_live_blocks(), 0);
}

static void class_18_block_size_0(void)
{
    block_size_told(0);
}

static void class_18_block_size_small(void)
{
    block_size_told(256);
}

static void class_18_block_size_odd(void)
{
    block_size_told(1536);
}

static void class_18_block_size_huge(void)
{
    block_size_told(0x80000000u);
}

static void seg_max_told(uint32_t v)
{
    disk.seg_max = v;
    plug(DISK_F_SEG_MAX);
    disk_boot();
    CHECK(disk.dev != NULL);
    check_works();
}

static void class_19_seg_max_0(void)
{
    seg_max_told(0);
}

static void class_19_seg_max_huge(void)
{
    seg_max_told(UINT32_MAX);
}

/* Less than a sector is no limit that could be kept. */
static void size_max_told(uint32_t told, uint32_t kept)
{
    plug(DISK_F_SIZE_MAX);
    model_field(disk.m, 8, 4, told);
    disk.size_max = kept;
    disk_boot();
    CHECK(disk.dev != NULL);
    check_works();
}

static void class_19_size_max_0(void)
{
    size_max_told(0, 0);
}

static void class_19_size_max_small(void)
{
    size_max_told(511, 0);
}

static void class_19_size_max_sector(void)
{
    size_max_told(512, 512);
}

static void class_19_size_max_huge(void)
{
    size_max_told(UINT32_MAX, UINT32_MAX);
}

/* ---- 23: another capacity -------------------------------------------------------------------- */

static void resize(uint64_t sectors)
{
    model_field(disk.m, 0, 8, sectors);
    disk.m->generation++;
    model_raise(disk.m, 2, NULL);
    host_run_services();
    host_run_for(100 * HAL_MS);
    host_run_services(); /* without interrupts it is looked for now and then */
}

static void class_23_capacity_changes(void)
{
    static uint8_t other[BLOCK_SECTOR];
    static struct io before;

    boot();
    disk.mute = true;
    io_start(&before, BLOCK_READ, 100, buf, BLOCK_SECTOR);
    io_start(&slow, BLOCK_READ, 3000, other, BLOCK_SECTOR);
    resize(1000);
    CHECK_EQ(block_capacity(disk.dev), 1000 * BLOCK_SECTOR);
    CHECK_EQ(before.calls + slow.calls, 0);
    disk.mute = false;
    disk.m->on.kick(disk.m, disk.q);
    CHECK_EQ(io_wait(&before), 0);
    io_wait(&slow); /* out before: done or failed, once */
    CHECK(memcmp(buf, disk.data + 100 * BLOCK_SECTOR, BLOCK_SECTOR) == 0);
    CHECK_EQ(io_run(BLOCK_READ, 1000, other, BLOCK_SECTOR), -EIO);
    CHECK_EQ(io_run(BLOCK_READ, 999, other, BLOCK_SECTOR), 0);
    resize(DISK_SECTORS);
    CHECK_EQ(io_run(BLOCK_READ, 1000, other, BLOCK_SECTOR), 0);
    check_works();
}

/* More than can be counted: nobody multiplies that. */
static void class_23_capacity_overflows(void)
{
    plug(DISK_F_SEG_MAX);
    model_field(disk.m, 0, 8, UINT64_MAX);
    disk_boot();
    CHECK(disk.dev == NULL);
    CHECK_EQ(host_log_matches("capacity"), 1);
    CHECK_EQ(host_live_blocks(), 0);
}

/* ---- 38, 39 ---------------------------------------------------------------------------------- */

static void class_38_flush_not_sent(void)
{
    unsigned flushes;

    boot();
    CHECK_EQ(io_run(BLOCK_WRITE, 8, buf, BLOCK_SECTOR), 0);
    flushes = disk.flushes;
    disk.mute = true;
    io_start(&slow, BLOCK_FLUSH, 0, NULL, 0);
    host_run_for(5 * HAL_SEC);
    CHECK_EQ(slow.calls, 0); /* nobody else can say that it is done */
    disk.mute = false;
    disk.m->on.kick(disk.m, disk.q);
    CHECK_EQ(io_wait(&slow), 0);
    CHECK_EQ(disk.flushes, flushes + 1);
    CHECK_EQ(io_run(BLOCK_WRITE, 8, buf, BLOCK_SECTOR), 0);
    disk.fail_left = 1;
    disk.fail_status = 1;
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), -EIO);
    check_works();
}

#define READS 12

/* The last first; what begins at a sector of 4 mod 8 fails. */
static void answer_backwards(struct model *m, struct model_queue *q)
{
    static struct model_chain c[DISK_RING];
    unsigned n = 0;

    while (!disk.mute && model_pop(m, q, &c[n]))
        n++;
    while (n-- > 0) {
        uint64_t sector;
        uint8_t status;

        model_gather(&c[n], 8, &sector, 8);
        status = sector % 8 == 4;
        model_scatter(&c[n], 0, disk.data + sector * BLOCK_SECTOR, c[n].write_bytes - 1);
        model_scatter(&c[n], c[n].write_bytes - 1, &status, 1);
        model_push(m, q, &c[n], c[n].write_bytes);
    }
    model_want_kick(m, q, true);
    model_publish(m, q);
}

/* Each request has its own answer, whatever the order. */
static void class_39_wrong_request(void)
{
    static struct io io[READS];

    boot();
    disk.m->on.kick = answer_backwards;
    disk.mute = true;
    for (unsigned i = 0; i < READS; i++)
        io_start(&io[i], BLOCK_READ, 4 * i, buf + i * BLOCK_SECTOR, BLOCK_SECTOR);
    host_run_services();
    disk.mute = false;
    answer_backwards(disk.m, disk.q);
    for (unsigned i = 0; i < READS; i++) {
        CHECK_EQ(io_wait(&io[i]), i % 2 ? -EIO : 0);
        if (i % 2 == 0)
            CHECK(memcmp(buf + i * BLOCK_SECTOR, disk.data + 4 * i * BLOCK_SECTOR, BLOCK_SECTOR) ==
                  0);
    }
}

int main(int argc, char **argv)
{
#define CLASS(f)                                                                                   \
    {                                                                                              \
#f, f, NULL, 0, rig_all                                                                    \
    }
    static const struct test_case cases[] = {
        CLASS(class_10_status_changes),   CLASS(class_14_block_timeout),
        CLASS(class_18_block_size_0),     CLASS(class_18_block_size_small),
        CLASS(class_18_block_size_odd),   CLASS(class_18_block_size_huge),
        CLASS(class_19_seg_max_0),        CLASS(class_19_seg_max_huge),
        CLASS(class_19_size_max_0),       CLASS(class_19_size_max_small),
        CLASS(class_19_size_max_sector),  CLASS(class_19_size_max_huge),
        CLASS(class_23_capacity_changes), CLASS(class_23_capacity_overflows),
        CLASS(class_38_flush_not_sent),   CLASS(class_39_wrong_request),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
