/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_blk_rules.c - rules of section 5.2 that are about what the driver does not do, or takes from
 * the configuration space: queues, cache mode, serial number.
 */
#include <string.h>

#include "diskmodel.h"
#include "virtio/virtio.h"

enum { F_MQ = 12, CONFIG_WRITEBACK = 32, CONFIG_NUM_QUEUES = 34, CONFIG_ZONED = 72 };
enum { NO_ZONES = 0, HOST_MANAGED = 1, HOST_AWARE = 2, NO_MODEL = 0xff };

static uint8_t buf[512];

/* Several queues are offered: without MQ there is only the first. */
static void one_queue(void)
{
    static const unsigned bits[] = {DISK_F_FLUSH, F_MQ};

    disk_plug(MODEL_MMIO, bits, 2);
    model_field(disk.m, CONFIG_NUM_QUEUES, 2, 4);
    for (unsigned i = 1; i < 4; i++)
        disk.m->queues[i].max = DISK_RING;
    disk_boot();
    CHECK(disk.dev && !model_accepted(disk.m, F_MQ));
    for (unsigned i = 0; i < 20; i++)
        CHECK_EQ(io_run(BLOCK_READ, i, buf, 512), 0);
    CHECK(disk.m->queues[0].ready);
    for (unsigned i = 1; i < 4; i++)
        CHECK(!disk.m->queues[i].ready && !disk.m->queues[i].kicks);
}

/* FLUSH without CONFIG_WCE: the device caches, so a flush is a request. */
static void flush_is_sent(void)
{
    static const unsigned bits[] = {DISK_F_FLUSH};

    disk_plug(MODEL_MMIO, bits, 1);
    disk_boot();
    CHECK(disk.dev && model_accepted(disk.m, DISK_F_FLUSH));
    CHECK(block_volatile(disk.dev));
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, 512), 0);
    CHECK_EQ(disk.flushes, 0);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(disk.flushes, 1);
    CHECK_EQ(disk.order[disk.taken - 1].type, 4);
}

static unsigned writeback_reads, config_writes;

static void on_config_read(struct model *m, unsigned off)
{
    if (off != CONFIG_WRITEBACK)
        return;
    writeback_reads++;
    CHECK(m->status & VIRTIO_STATUS_FEATURES_OK);
}

static void on_config_write(struct model *m, unsigned off, unsigned width, uint32_t v)
{
    (void)m, (void)off, (void)width, (void)v;
    config_writes++;
}

/* With CONFIG_WCE the device says what it does, once features are agreed on; it is left so. */
static void cache_mode(uint8_t writeback)
{
    static const unsigned bits[] = {DISK_F_FLUSH, DISK_F_CONFIG_WCE};

    disk_plug(MODEL_MMIO, bits, 2);
    model_field(disk.m, CONFIG_WRITEBACK, 1, writeback);
    disk.m->on.config_read = on_config_read;
    disk.m->on.config_write = on_config_write;
    disk_boot();
    CHECK(writeback_reads > 0);
    CHECK_EQ(block_volatile(disk.dev), writeback);
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, 512), 0);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK_EQ(disk.flushes, writeback);
    CHECK_EQ(config_writes, 0);
}

static void cache_mode_is_the_devices(void)
{
    cache_mode(1);
}

static void write_through_mode(void)
{
    cache_mode(0);
}

/* All of its 20 bytes are taken, and no more; what cannot be printed is not. */
static void number_without_an_end(void)
{
    struct block_info info;

    memcpy(disk.id, "ABCDEFGHIJ\tLMNOPQRST", BLOCK_ID_LEN);
    disk_boot_way(NULL, 0);
    block_describe(disk.dev, &info);
    CHECK_EQ(strlen(info.id), BLOCK_ID_LEN);
    CHECK(strcmp(info.id, "ABCDEFGHIJ?LMNOPQRST") == 0);
}

/* ---- zoned disks ----------------------------------------------------------------------------- */

static bool zones_were_read;

static void no_zones_read(struct model *m, unsigned off)
{
    (void)m;
    zones_were_read |= off >= CONFIG_ZONED && off < CONFIG_ZONED + 20;
}

/* A disk of zones of 256 sectors. */
static void plug_zoned(uint8_t model)
{
    static const unsigned bits[] = {DISK_F_FLUSH, DISK_F_ZONED};

    disk_plug(case_variant ? MODEL_PCI : MODEL_MMIO, bits, 2);
    for (unsigned off = 0; off < 20; off += 4)
        model_field(disk.m, CONFIG_ZONED + off, 4, off ? 1 : 256);
    model_field(disk.m, CONFIG_ZONED + 20, 1, model);
    disk.m->on.config_read = no_zones_read;
}

/* It has to be written by zones: FAILED is written, and FEATURES_OK never was. */
static void host_managed_is_refused(void)
{
    plug_zoned(HOST_MANAGED);
    disk_boot();
    CHECK(!disk.dev && disk.m->status & VIRTIO_STATUS_FAILED);
    CHECK(!(disk.m->status & VIRTIO_STATUS_FEATURES_OK));
    CHECK(!model_accepted(disk.m, DISK_F_FLUSH) && !zones_were_read);
    CHECK(host_logged("a host-managed zoned disk is not supported: it must be written by zones"));
}

/* Other models are disks like any, and their zones do not matter. */
static void other_models_are_disks(void)
{
    static const uint8_t models[] = {NO_ZONES, HOST_AWARE, NO_MODEL};

    plug_zoned(models[random_below(3)]);
    disk_boot();
    CHECK(disk.dev && !model_accepted(disk.m, DISK_F_ZONED));
    CHECK_EQ(io_run(BLOCK_WRITE, 300, buf, 512), 0);
    CHECK_EQ(io_run(BLOCK_WRITE, 7, buf, 512), 0);
    CHECK_EQ(io_run(BLOCK_FLUSH, 0, NULL, 0), 0);
    CHECK(!zones_were_read && !host_logged("zoned"));
}

/* A device that comes back from a reset as one is given up, and written to no more. */
static void host_managed_after_a_reset(void)
{
    plug_zoned(NO_ZONES);
    disk_boot();
    CHECK_EQ(io_run(BLOCK_READ, 0, buf, 512), 0);
    model_field(disk.m, CONFIG_ZONED + 20, 1, HOST_MANAGED);
    disk_break();
    host_run_for(100 * HAL_SEC);
    CHECK_EQ(io_run(BLOCK_WRITE, 0, buf, 512), -EIO);
    CHECK(host_logged("a host-managed zoned disk is not supported"));
    for (unsigned i = 0; i < disk.taken; i++)
        CHECK(disk.order[i].type != 1);
}

int main(int argc, char **argv)
{
    static const struct test_variant buses[] = {{"mmio", 0}, {"pci", 1}, {NULL, 0}};
    static const struct test_case cases[] = {
        SHOWS(one_queue, "BLK-01"),
        SHOWS(flush_is_sent, "BLK-05 BLK-07"),
        SHOWS(cache_mode_is_the_devices, "BLK-08"),
        SHOWS(write_through_mode, "BLK-08"),
        {"number_without_an_end", number_without_an_end, "BLK-21", 0, disk_ways},
        {"host_managed_is_refused", host_managed_is_refused, "BLK-ZONE-01 BLK-ZONE-04", 0, buses},
        {"other_models_are_disks", other_models_are_disks, "BLK-ZONE-05 BLK-ZONE-06", 0, buses},
        SHOWS(host_managed_after_a_reset, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
