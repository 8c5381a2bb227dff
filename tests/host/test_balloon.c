/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_balloon.c - the virtio memory balloon (virtio 1.4, section 5.5) against a scripted device
 * that checks each page it is told of.
 */
#include <stdlib.h>
#include <string.h>

#include "balloon/balloon.h"
#include "check.h"
#include "model.h"
#include "virtio/device.h"

enum {
    ID = 5,
    MUST_TELL_HOST = 0,
    STATS_VQ = 1,
    DEFLATE_ON_OOM = 2,
    HINTS = 3,
    POISON = 4,
    REPORTING = 5
};
enum { INFLATE = 0, DEFLATE = 1, STATS = 2 };

static struct {
    struct model *m;
    bool hold;       /* the device acknowledges nothing */
    uint32_t actual; /* as the driver wrote it */
    unsigned writes, batches, largest;
    bool in[1 << 20]; /* pages in the balloon, by number less 0x80000 */
    unsigned in_count;
} bt;

static struct model_queue *queue(unsigned n)
{
    return &bt.m->queues[n];
}

static void take_page(unsigned q, uint32_t pfn)
{
    CHECK(pfn >= 0x80000 && pfn - 0x80000 < 1 << 20);
    CHECK(host_page_is_lent((uint64_t)pfn * 4096)); /* either way: not used until acknowledged */
    CHECK_EQ(bt.in[pfn - 0x80000], q == DEFLATE);
    bt.in[pfn - 0x80000] = q == INFLATE;
    bt.in_count += q == INFLATE ? 1 : -1u;
}

static void take_batch(struct model_queue *q, const struct model_chain *c)
{
    uint8_t bytes[4096];
    uint32_t n = model_gather(c, 0, bytes, sizeof(bytes));

    CHECK(n && n % 4 == 0 && !c->write_bytes);
    for (uint32_t i = 0; i < n; i += 4)
        take_page(q->index,
                  bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16 | (uint32_t)bytes[i + 3] << 24);
    bt.batches++;
    if (n / 4 > bt.largest)
        bt.largest = n / 4;
    model_push(bt.m, q, c, 0);
}

static void kicked(struct model *m, struct model_queue *q)
{
    struct model_chain c;
    bool any = false;

    if (q->index == STATS || bt.hold)
        return;
    while (model_pop(m, q, &c)) {
        take_batch(q, &c);
        any = true;
    }
    model_want_kick(m, q, true);
    if (any)
        model_publish(m, q);
}

static void config_write(struct model *m, unsigned off, unsigned width, uint32_t v)
{
    (void)m;
    CHECK_EQ(off, 4);
    CHECK_EQ(width, 4);
    bt.actual = v;
    bt.writes++;
}

static void plug(enum model_transport t, const unsigned *bits, unsigned n)
{
    bt.m = calloc(1, sizeof(*bt.m));
    model_init(bt.m, t, ID);
    for (unsigned i = 0; i < n; i++)
        model_offer(bt.m, bits[i]);
    bt.m->on.kick = kicked;
    bt.m->on.config_write = config_write;
    model_field(bt.m, 0, 4, 0);
    model_field(bt.m, 4, 4, 0);
    for (unsigned i = 0; i < 3; i++)
        queue(i)->max = 16;
    model_plug_mmio(bt.m, 0);
    model_watch(bt.m);
}

static void boot_plain(enum model_transport t)
{
    static const unsigned bits[] = {MUST_TELL_HOST, STATS_VQ, VIRTIO_F_EVENT_IDX};

    plug(t, bits, 2 + random_below(2));
    host_boot();
    host_run_services();
}

static struct balloon_info info(void)
{
    struct balloon_info i;

    CHECK(balloon_linked[0]);
    CHECK_EQ(balloon_info(0, &i), 0);
    return i;
}

static void want(uint32_t pages)
{
    model_field(bt.m, 0, 4, pages);
    bt.m->generation++;
    model_raise(bt.m, 2, NULL);
    host_run_services();
}

static void must_have(uint32_t pages)
{
    CHECK_EQ(bt.in_count, pages);
    CHECK_EQ(host_pages_lent(), pages);
    CHECK_EQ(bt.actual, pages);
    CHECK_EQ(info().lent, pages);
}

/* ---- in and out ------------------------------------------------------------------------------ */

static void follows_the_host(enum model_transport t)
{
    boot_plain(t);
    must_have(0);
    want(1);
    must_have(1);
    want(1000);
    must_have(1000);
    CHECK_EQ(bt.largest, 256); /* bit by bit */
    want(700);
    must_have(700);
    want(701);
    must_have(701);
    for (unsigned i = 0; i < 50; i++) {
        uint32_t pages = random_below(3000);
        want(pages);
        must_have(pages);
    }
    want(0);
    must_have(0);
}

static void modern(void)
{
    follows_the_host(MODEL_MMIO);
}

static void legacy(void)
{
    follows_the_host(MODEL_MMIO_LEGACY);
}

static void wanted_at_boot(void)
{
    plug(MODEL_MMIO, NULL, 0);
    model_field(bt.m, 0, 4, 300);
    host_boot();
    host_run_services();
    must_have(300);
    CHECK(!queue(STATS)->ready);
}

/* Nothing is used, and nothing more is sent, before the device has acknowledged. */
static void waits_for_acknowledgement(void)
{
    boot_plain(MODEL_MMIO);
    bt.hold = true;
    want(600);
    host_run_for(5 * HAL_SEC);
    CHECK_EQ(host_pages_lent(), 256);
    CHECK_EQ(bt.actual, 0);
    want(0); /* changed its mind in between */
    host_run_for(HAL_SEC);
    CHECK_EQ(host_pages_lent(), 256);
    CHECK_EQ(model_avail_idx(queue(DEFLATE)), 0);
    bt.hold = false;
    kicked(bt.m, queue(INFLATE));
    host_run_services();
    must_have(0);
    CHECK_EQ(bt.writes, 2);
}

static void features(void)
{
    static const unsigned bits[] = {MUST_TELL_HOST, STATS_VQ, DEFLATE_ON_OOM,
                                    HINTS,          POISON,   REPORTING};

    plug(MODEL_MMIO, bits, 6);
    host_boot();
    CHECK_EQ(bt.m->accepted[0], 1u << MUST_TELL_HOST | 1u << STATS_VQ);
}

/* ---- the floor ------------------------------------------------------------------------------- */

static void stops_at_the_floor(uint32_t wanted)
{
    host_set_memory(64 << 20, 16 << 20); /* the floor is 8 MiB */
    boot_plain(MODEL_MMIO);
    want(wanted);
    must_have(2048);
    CHECK(info().at_floor);
    CHECK_EQ(host_log_matches("the rest stays with the image"), 1);
    host_run_for(10 * HAL_SEC);
    must_have(2048);
    CHECK_EQ(host_log_matches("the rest stays with the image"), 1);
    /* The image frees a MiB: within a second or two it is lent too. */
    host_set_memory(64 << 20, 9 << 20);
    host_run_for(3 * HAL_SEC);
    must_have(2304);
    CHECK_EQ(host_log_matches("the rest stays with the image"), 1);
    want(100);
    must_have(100);
    CHECK(!info().at_floor);
}

static void floor_of_an_eighth(void)
{
    stops_at_the_floor(4000);
}

static void wants_more_than_there_is(void)
{
    stops_at_the_floor(UINT32_MAX);
}

static void floor_by_argument(void)
{
    host_set_bootargs("vireo.balloon0.floor=12");
    host_set_memory(64 << 20, 16 << 20);
    boot_plain(MODEL_MMIO);
    want(4000);
    must_have(1024);
    CHECK_EQ(info().floor, 12 << 20);
}

static void small_machine(void)
{
    host_set_memory(4 << 20, 3 << 20);
    boot_plain(MODEL_MMIO);
    want(1000);
    must_have(256); /* 2 MiB stay */
}

/* ---- statistics ------------------------------------------------------------------------------ */

static uint64_t stat(const uint8_t *bytes, uint16_t tag)
{
    uint64_t v;

    for (unsigned i = 0; i < 3; i++, bytes += 10)
        if ((bytes[0] | bytes[1] << 8) == tag) {
            memcpy(&v, bytes + 2, 8);
            return v;
        }
    return UINT64_MAX;
}

static void statistics(void)
{
    struct model_chain c;
    uint8_t bytes[64];

    host_set_memory(64 << 20, 48 << 20);
    boot_plain(MODEL_MMIO);
    for (unsigned i = 0; i < 100; i++) {
        CHECK(model_pop(bt.m, queue(STATS), &c));
        CHECK_EQ(model_gather(&c, 0, bytes, sizeof(bytes)), 30); /* of 10 each, a multiple of 6 */
        CHECK(!c.write_bytes);
        CHECK_EQ(stat(bytes, 4), (48 << 20) - 4096 * i);
        CHECK_EQ(stat(bytes, 5), 64 << 20);
        CHECK_EQ(stat(bytes, 6), (40 << 20) - 4096 * i);
        struct model_chain more;
        CHECK(!model_pop(bt.m, queue(STATS), &more)); /* one at a time */
        want(i + 1);
        model_push(bt.m, queue(STATS), &c, 0);
        model_publish(bt.m, queue(STATS));
        host_run_services();
        CHECK_EQ(info().reports, i + 1);
    }
}

/* ---- trouble --------------------------------------------------------------------------------- */

/* The device breaks a rule: pages in the balloon are not used again, since the device never gave
 * them back. */
/* With a batch on its way: in, and the device may have taken it; or out, and it may keep it. */
static void dies(bool reset_works, unsigned way, uint32_t pages)
{
    host_set_bootargs("vireo.resets=0");
    boot_plain(MODEL_MMIO);
    want(500);
    must_have(500);
    bt.hold = true;
    want(pages);
    bt.m->reset_never = !reset_works;
    model_put_used(queue(way), (uint16_t)queue(way)->used, 4711, 0);
    model_put_used_idx(queue(way), (uint16_t)(queue(way)->used + 1));
    model_raise(bt.m, 1, queue(way));
    host_run_for(5 * HAL_SEC);
    CHECK(!info().alive);
    CHECK_EQ(host_pages_lent(), pages > 500 ? pages : 500);
}

static void dies_after_reset(void)
{
    dies(true, INFLATE, 600);
}

static void dies_without_reset(void)
{
    dies(false, INFLATE, 600);
}

static void dies_while_deflating(void)
{
    dies(true, DEFLATE, 400);
}

static void forget(void)
{
    memset(bt.in, 0, sizeof(bt.in));
    bt.in_count = 0;
    bt.hold = false;
}

/* After a reset the balloon is empty, and filled again with what the host wants now. */
static void recovers(void)
{
    int64_t blocks;

    boot_plain(MODEL_MMIO);
    for (unsigned i = 0; i < 5; i++) {
        want(500);
        must_have(500);
        blocks = host_live_blocks();
        bt.hold = true;
        want(i & 1 ? 300 : 600); /* a batch is on its way, out or in */
        bt.m->status |= VIRTIO_STATUS_NEEDS_RESET;
        bt.m->config[0] = 500 % 256;
        bt.m->config[1] = 500 / 256;
        forget();
        model_raise(bt.m, 2, NULL);
        host_run_for(20 * HAL_SEC);
        must_have(500);
        CHECK(info().alive);
        CHECK_EQ(host_live_blocks(), blocks);
    }
    want(0);
    must_have(0);
    CHECK_EQ(host_pages_lent(), 0);
}

/* The pages stay with the host while the device is away, and come back with the next device. */
static void plugged_in_again(void)
{
    struct virtio_device *dev;

    boot_plain(MODEL_MMIO);
    dev = virtio_find("balloon0");
    for (unsigned i = 0; i < 4; i++) {
        want(500);
        must_have(500);
        virtio_unplug(dev, false, i & 1);
        CHECK_EQ(host_pages_lent(), 500);
        forget();
        CHECK_EQ(virtio_replug(dev), 0);
        host_run_services();
        must_have(500);
    }
    virtio_unplug(dev, true, false);
    host_fail_alloc_after(1);
    CHECK_EQ(virtio_replug(dev), -ENODEV);
    host_fail_alloc_after(-1);
    CHECK(!info().alive);
    CHECK_EQ(host_pages_lent(), 500);
    forget();
    CHECK_EQ(virtio_replug(dev), 0);
    host_run_services();
    must_have(500);
}

static void no_memory_for_the_driver(void)
{
    struct balloon_info i;

    host_fail_alloc_after(random_below(12));
    boot_plain(MODEL_MMIO);
    host_fail_alloc_after(-1);
    if (balloon_info(0, &i))
        return;
    want(10);
    must_have(10);
}

/* A page could be had, but not what remembers it: that is the floor, too. */
static void no_memory_to_remember(void)
{
    boot_plain(MODEL_MMIO);
    host_fail_alloc_after(1);
    want(600);
    must_have(256);
    CHECK(info().at_floor);
    host_fail_alloc_after(-1);
    host_run_for(2 * HAL_SEC);
    must_have(600);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(modern, NULL),
        SHOWS(legacy, NULL),
        SHOWS(wanted_at_boot, NULL),
        SHOWS(waits_for_acknowledgement, NULL),
        SHOWS(features, NULL),
        SHOWS(floor_of_an_eighth, NULL),
        SHOWS(wants_more_than_there_is, NULL),
        SHOWS(floor_by_argument, NULL),
        SHOWS(small_machine, NULL),
        SHOWS(statistics, NULL),
        SHOWS(dies_after_reset, NULL),
        SHOWS(dies_without_reset, NULL),
        SHOWS(dies_while_deflating, NULL),
        SHOWS(recovers, NULL),
        SHOWS(plugged_in_again, NULL),
        SHOWS(no_memory_for_the_driver, NULL),
        SHOWS(no_memory_to_remember, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
