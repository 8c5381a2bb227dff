/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * honest.c - devices that keep every rule, and the work that shows whether the driver does, too.
 */
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "judge.h"
#include "scenario.h"

void scenario_start(void)
{
    if (world_probe() < 0)
        world_fail("probe() fails");
}

/* ---- traffic --------------------------------------------------------------------------------- */

static void must(int err, const char *what)
{
    if (err < 0)
        world_fail("%s fails", what);
}

static void traffic_blk(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        must(world_read(i * 37 % 1000, 1 + i % 8), "blk_read()");
        must(world_write(1000 + i * 41 % 1000, 1 + i % 8, (uint8_t)i), "blk_write()");
    }
    must(world_flush(), "blk_flush()");
}

static void receive(uint32_t len, uint8_t seed)
{
    int got = 0;

    if (!world_deliver(len, seed, UINT32_MAX))
        world_fail("the driver has no receive buffer in the ring");
    for (unsigned i = 0; i < 100 && got == 0; i++) {
        got = world_recv(seed);
        world_idle(100);
    }
    if (got <= 0)
        world_fail("net_recv() gives no frame, and the device delivered one of %u bytes", len);
    judge((uint32_t)got == len, "NET-RX-18 SPLIT-31", "a frame of %u bytes, and net_recv() says %d",
          len, got);
}

static void traffic_net(unsigned rounds)
{
    world_idle(1000);
    for (unsigned i = 0; i < rounds; i++) {
        must(world_send(60 + i * 97 % 1455, (uint8_t)i), "net_send()");
        receive(60 + i * 89 % 1455, (uint8_t)(i + 100));
    }
    judge_rule(true, "NET-CFG-01", "");
}

void scenario_traffic(unsigned rounds)
{
    bool packed = world_accepted(F_RING_PACKED);

    if (world.kind == SUITE_BLK)
        traffic_blk(rounds);
    else
        traffic_net(rounds);
    if (world.honest)
        judge_rule(true, packed ? "VQ-03 PACK-09 PACK-23" : "VQ-03 SPLIT-29 SPLIT-30", "");
}

static void finish(void)
{
    bool out = false;

    for (unsigned i = 0; i < MODEL_QUEUES; i++)
        out |= world.m->queues[i].published != world.m->queues[i].used;
    world_remove();
    if (out)
        judge(world.m->status == 0, "INIT-21",
              "the device has buffers after remove(), and was not reset: status %#x",
              world.m->status);
}

static void work(void)
{
    scenario_start();
    scenario_traffic(12);
    finish();
}

/* ---- what is offered ------------------------------------------------------------------------- */

static void offer(const unsigned *bits, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        world_offer(bits[i]);
}

/* What a driver usually wants. */
void scenario_usual(void)
{
    static const unsigned blk[] = {BLK_F_SEG_MAX, BLK_F_FLUSH, BLK_F_BLK_SIZE};
    static const unsigned net[] = {NET_F_MAC, NET_F_STATUS};

    world.seg_max = 16;
    if (world.kind == SUITE_BLK)
        offer(blk, 3);
    else
        offer(net, 2);
    if (world.legacy)
        world_offer(F_ANY_LAYOUT);
}

static void plain_layout(void)
{
    scenario_usual();
    model_withdraw(world.m, F_ANY_LAYOUT);
}

/* Every bit that a device of this type may have, with its fields, and many that it may not. */
static void everything(void)
{
    for (unsigned bit = 0; bit < (world.legacy ? 32 : 128); bit++)
        if (bit != BLK_F_RO && bit != 17 && (bit < 33 || bit > 40 || bit == 37 || bit == 39))
            world_offer(bit);
    world.seg_max = 16;
    world.size_max = 65536;
}

/* Features that need others, without those: checksums, the control queue. */
static void orphans(void)
{
    scenario_usual();
    for (unsigned bit = 7; bit <= 14; bit++)
        world_offer(bit);
    for (unsigned bit = 18; bit <= 23; bit++)
        world_offer(bit);
    for (unsigned bit = 53; bit <= 60; bit++)
        world_offer(bit);
}

/* ---- work of its own ------------------------------------------------------------------------- */

static void run_blk_values(void)
{
    scenario_start();
    uint64_t n = world_sectors();

    judge(n == world.capacity, world.legacy ? "CFG-08" : "CFG-06",
          "a capacity of %llu sectors, and blk_sectors() says %llu",
          (unsigned long long)world.capacity, (unsigned long long)n);
    scenario_traffic(4);
    world_read(WORLD_SECTORS - 2, 2);
    world_read(WORLD_SECTORS - 1, 2); /* the driver, or whoever is above it, refuses these */
    world_read(1ull << 55, 1);
    finish();
}

static void run_status(void)
{
    static const uint8_t status[] = {1, 2, 0x77};

    scenario_start();
    scenario_traffic(1);
    for (unsigned i = 0; i < 3; i++) {
        world.status = status[i];
        world.status_left = 50; /* a driver may try again */
        uint8_t buf[512];
        int err = suite_driver.blk_read(8, buf, 1);

        judge(err < 0, "BLK-11", "a request with status %#x counts as done", status[i]);
        world.status = 0;
        world.status_left = 0;
    }
    scenario_traffic(2);
    finish();
}

static void make_read_only(void)
{
    scenario_usual();
    world_offer(BLK_F_RO);
}

static void run_read_only(void)
{
    scenario_start();
    must(world_read(8, 2), "blk_read()");
    if (world_write(8, 1, 5) == 0)
        world_fail("blk_write() to a read-only disk says that it is done");
    finish();
}

static void make_limits(void)
{
    scenario_usual();
    world_offer(BLK_F_SIZE_MAX);
    world.seg_max = 2;
    world.size_max = 1024;
}

/* The length in the used ring of a legacy device is often wrong. */
static void run_used_length(void)
{
    static const struct script_entry entry = {
        .when = AT_USED, .times = FOR_EVER, .what = DO_USED_LEN, .v = 0};

    scenario_start();
    script_begin(world.m, &entry, 1);
    scenario_traffic(4);
    judge_rule(true, "LEGACY-VQ-05 LEGACY-BLK-04", "");
    finish();
}

/* More requests than a 16-bit index counts. */
static void run_wrap(void)
{
    uint8_t *buf = malloc(512);

    scenario_start();
    for (unsigned i = 0; i < 66000; i++)
        if (suite_driver.blk_read(i % 64, buf, 1) < 0)
            world_fail("blk_read() number %u fails", i);
    scenario_traffic(2);
    if (!world_accepted(F_RING_PACKED))
        judge_rule(true, "SPLIT-19 SPLIT-27 SPLIT-30", "");
    free(buf);
    finish();
}

/* A split ring may have 4 of the 7 entries; a driver that refuses breaks no rule. */
static void run_odd(void)
{
    int err = world_probe();

    if (err < 0 && !world_accepted(F_RING_PACKED))
        return;
    must(err, "probe()");
    scenario_traffic(12);
    if (world_accepted(F_RING_PACKED))
        judge_rule(true, "PACK-03", "");
    finish();
}

/* ---- features, steps, refusals --------------------------------------------------------------- */

static void run_bare(void)
{
    work();
    judge_rule(true, "FEAT-09", "");
}

static void run_everything(void)
{
    world.m->queues[2].max = 64; /* a control queue, of a feature that is not offered */
    work();
    judge_rule(true, "FEAT-04 FEAT-11", "");
    if (world.kind == SUITE_NET)
        judge(!world.m->queues[2].ready, "NET-CFG-03", "queue 2 is used without CTRL_VQ");
}

static void make_refusing(void)
{
    scenario_usual();
    world.m->refuse_features = true;
}

static void run_refused(void)
{
    int err = world_probe();

    judge(err < 0 && !(world.m->status & 4), "INIT-14",
          "FEATURES_OK did not stay, and the driver goes on: status %#x", world.m->status);
    judge(world.m->status & 128 || world.m->status == 0, "FEAT-10", "status %#x at the end",
          world.m->status);
    judge(world.m->status & 128, "INIT-17", "the driver gives up, and does not set FAILED: %#x",
          world.m->status);
    judge(err < 0, "INIT-18", "the driver goes on: status %#x", world.m->status);
}

static void make_no_queue(void)
{
    scenario_usual();
    world_queues(0);
}

static void run_no_queue(void)
{
    int err = world_probe();

    judge(err < 0, "MMIO-INIT-08", "the queue has size 0, and probe() succeeds");
    judge(world.m->status & 128, "INIT-17", "the driver gives up, and does not set FAILED: %#x",
          world.m->status);
}

static void make_slow_reset(void)
{
    scenario_usual();
    world.m->reset_reads = 5;
}

static void make_bad_magic(void)
{
    world.m->magic = 0x74726975;
}

static void make_version_3(void)
{
    world.m->version = 3;
}

static void make_empty(void)
{
    world.m->device_id = 0;
}

static void make_other_type(void)
{
    world.m->device_id = 0x3f;
}

static void run_none(void)
{
    if (world_probe() >= 0)
        world_fail("probe() finds a device where there is none");
}

/* ---- configuration --------------------------------------------------------------------------- */

#define CAPACITY_A 0x100000000ull
#define CAPACITY_B 0x200000007ull

/* Between the two halves of the capacity it becomes another, once. */
static void tear(struct model *m, unsigned off)
{
    static bool torn;

    if (torn || (off != 0 && off != 4))
        return;
    torn = true;
    model_field(m, 0, 8, CAPACITY_B);
    m->generation++;
}

static void make_torn(void)
{
    scenario_usual();
    world.capacity = CAPACITY_A;
    world.m->on.config_read = tear;
}

static void run_torn(void)
{
    scenario_start();
    uint64_t n = world_sectors();

    judge(n == CAPACITY_A || n == CAPACITY_B,
          world.legacy ? "CFG-01 CFG-07" : "CFG-01 CFG-02 MMIO-REG-28",
          "the capacity was %#llx and is %#llx, and blk_sectors() says %#llx", CAPACITY_A,
          CAPACITY_B, (unsigned long long)n);
    finish();
}

static void run_mac(void)
{
    uint8_t mac[6] = {0};
    bool offered = world.m->offered[0] >> NET_F_MAC & 1;

    scenario_start();
    bool told = suite_driver.net_mac && suite_driver.net_mac(mac) >= 0;
    if (told && offered)
        judge(!memcmp(mac, DEVICE_MAC, 6), "NET-CFG-06", "the address is %02x:%02x:...", mac[0],
              mac[1]);
    if (told && !offered)
        judge((mac[0] & 3) == 2, "NET-CFG-07",
              "the device has no address, and the driver's is %02x:%02x:...", mac[0], mac[1]);
    scenario_traffic(4);
    finish();
}

static void make_nothing(void)
{
}

/* ---- network --------------------------------------------------------------------------------- */

static void make_headers(void)
{
    scenario_usual();
    world.hdr_flags = 0xe0;
    world.hdr_len = 0xffff;
    world.rx_pad = 40;
}

static void run_headers(void)
{
    work();
    judge_rule(true, "NET-RX-06 NET-RX-11", "");
}

static void run_backwards(void)
{
    bool order = true;

    scenario_start();
    scenario_traffic(2);
    if (world_accepted(F_IN_ORDER))
        return;
    world.backwards = true;
    if (!world_deliver_batch(4, 10))
        world_fail("the driver has fewer than 4 receive buffers in the ring");
    for (unsigned i = 0; i < 4; i++) {
        int got = 0;

        for (unsigned k = 0; k < 100 && got == 0; k++) {
            got = world_recv((uint8_t)(10 + i));
            world_idle(100);
        }
        order &= got == (int)(60 + i);
    }
    judge(order, "VQ-02", "buffers that come back in another order are mixed up");
    scenario_traffic(2);
    finish();
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static void run_spurious(void)
{
    scenario_start();
    for (unsigned i = 0; i < 4; i++) {
        model_raise(world.m, 1, NULL);
        scenario_traffic(2);
    }
    judge_rule(true, "VQ-06", "");
    model_raise(world.m, 2, NULL);
    scenario_traffic(2);
    finish();
}

static void make_bogus(void)
{
    scenario_usual();
    world.m->bogus_interrupts = 0x80;
}

static void run_bogus(void)
{
    work();
    judge_rule(true, "MMIO-REG-18", "");
}

const struct scenario honest[] = {
    {"plain", .kinds = BOTH, .transports = ANY, .run = work},
    {"bare", .kinds = BOTH, .transports = ANY, .make = make_nothing, .run = run_bare},
    {"plain layout", .kinds = BOTH, .transports = SUITE_MMIO_LEGACY, .make = plain_layout,
     .run = work},
    {"event index", .kinds = BOTH, .transports = ANY, .more = BIT(RING_EVENT_IDX), .run = work},
    {"indirect", .kinds = BOTH, .transports = ANY, .more = BIT(RING_INDIRECT_DESC), .run = work},
    {"both", .kinds = BOTH, .transports = ANY,
     .more = BIT(RING_EVENT_IDX) | BIT(RING_INDIRECT_DESC), .run = work},
    {"packed", .kinds = BOTH, .transports = MODERN, .more = BIT(F_RING_PACKED), .run = work},
    {"packed, all", .kinds = BOTH, .transports = MODERN,
     .more = BIT(F_RING_PACKED) | BIT(RING_EVENT_IDX) | BIT(RING_INDIRECT_DESC), .run = work},
    {"in order, all", .kinds = BOTH, .transports = MODERN,
     .more = BIT(F_IN_ORDER) | BIT(RING_EVENT_IDX) | BIT(RING_INDIRECT_DESC), .run = work},
    {"in order", .kinds = BOTH, .transports = MODERN, .more = BIT(F_IN_ORDER), .run = work},
    {"packed, in order", .kinds = BOTH, .transports = MODERN,
     .more = BIT(F_RING_PACKED) | BIT(RING_EVENT_IDX) | BIT(RING_INDIRECT_DESC) | BIT(F_IN_ORDER),
     .run = work},
    {"notification data", .kinds = BOTH, .transports = MODERN, .more = BIT(F_NOTIFICATION_DATA),
     .run = work},
    {"packed, notification data", .kinds = BOTH, .transports = MODERN,
     .more = BIT(F_RING_PACKED) | BIT(F_NOTIFICATION_DATA), .run = work},
    {"no kicks", .kinds = BOTH, .transports = ANY, .quiet = true, .run = work},
    {"no kicks, event index", .kinds = BOTH, .transports = ANY, .quiet = true,
     .more = BIT(RING_EVENT_IDX), .run = work},
    {"no kicks, packed", .kinds = BOTH, .transports = MODERN, .quiet = true,
     .more = BIT(F_RING_PACKED), .run = work},
    {"everything", .kinds = BOTH, .transports = ANY, .make = everything, .run = run_everything},
    {"platform", .kinds = BOTH, .transports = MODERN,
     .more = BIT(F_ACCESS_PLATFORM) | BIT(F_ORDER_PLATFORM), .run = work},
    {"orphans", .kinds = SUITE_NET, .transports = MODERN, .make = orphans, .run = work},
    {"small queue", .kinds = BOTH, .transports = ANY, .queue = 4, .run = work},
    {"large queue", .kinds = BOTH, .transports = ANY, .queue = 1024,
     .more = BIT(RING_EVENT_IDX) | BIT(RING_INDIRECT_DESC), .run = work},
    {"odd queue", .kinds = BOTH, .transports = MODERN, .queue = 7,
     .more = BIT(F_RING_PACKED) | BIT(RING_EVENT_IDX) | BIT(RING_INDIRECT_DESC), .run = run_odd},
    {"values", .kinds = SUITE_BLK, .transports = ANY, .run = run_blk_values},
    {"status", .kinds = SUITE_BLK, .transports = ANY, .run = run_status},
    {"read-only", .kinds = SUITE_BLK, .transports = ANY, .make = make_read_only,
     .run = run_read_only},
    {"limits", .kinds = SUITE_BLK, .transports = ANY, .make = make_limits, .run = work},
    {"used length", .kinds = SUITE_BLK, .transports = SUITE_MMIO_LEGACY, .run = run_used_length},
    {"wrap", .kinds = SUITE_BLK, .transports = MODERN,
     .more = BIT(RING_EVENT_IDX) | BIT(RING_INDIRECT_DESC), .run = run_wrap},
    {"refusal", .kinds = BOTH, .transports = MODERN, .make = make_refusing, .run = run_refused},
    {"no queue", .kinds = BOTH, .transports = ANY, .make = make_no_queue, .run = run_no_queue},
    {"slow reset", .kinds = BOTH, .transports = ANY, .make = make_slow_reset, .run = work},
    {"wrong magic", .kinds = BOTH, .transports = MODERN, .make = make_bad_magic, .run = run_none},
    {"version 3", .kinds = BOTH, .transports = MODERN, .make = make_version_3, .run = run_none},
    {"empty slot", .kinds = BOTH, .transports = MODERN, .make = make_empty, .run = run_none},
    {"other type", .kinds = BOTH, .transports = ANY, .make = make_other_type, .run = run_none},
    {"torn capacity", .kinds = SUITE_BLK, .transports = ANY, .make = make_torn, .run = run_torn},
    {"address", .kinds = SUITE_NET, .transports = ANY, .run = run_mac},
    {"no address", .kinds = SUITE_NET, .transports = ANY, .make = make_nothing, .run = run_mac},
    {"headers", .kinds = SUITE_NET, .transports = ANY, .make = make_headers, .run = run_headers},
    {"backwards", .kinds = SUITE_NET, .transports = ANY,
     .more = BIT(RING_EVENT_IDX) | BIT(RING_INDIRECT_DESC), .run = run_backwards},
    {"spurious interrupt", .kinds = BOTH, .transports = ANY, .run = run_spurious,
     .needs_irq = true},
    {"unknown causes", .kinds = BOTH, .transports = MODERN, .make = make_bogus, .run = run_bogus,
     .needs_irq = true},
};
const unsigned honest_count = sizeof(honest) / sizeof(honest[0]);
