/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_rng.c - the entropy device (virtio 1.4, section 5.4) against a scripted one: fills of any
 * length, none at all, silence, lies, and its end.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "entropy/vrng.h"
#include "host.h"
#include "model.h"
#include "virtio/device.h"

enum { RNG_ID = 4, ASKED = 64 };

static struct model *m;
static struct model_queue *q;
static uint32_t fill; /* bytes that the device gives at most in one answer */
static bool silent;   /* it takes requests and does not answer */
static uint32_t lie;  /* added to the length that it says */
static size_t next_byte;
static unsigned requests;

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 37 + 5);
}

static void answer(const struct model_chain *c)
{
    uint8_t bytes[ASKED];
    uint32_t n = fill < c->write_bytes ? fill : c->write_bytes;

    for (uint32_t i = 0; i < n; i++)
        bytes[i] = pattern(next_byte++);
    model_scatter(c, 0, bytes, n);
    model_push(m, q, c, n + lie);
    model_publish(m, q);
}

static struct model_chain held;

/* The bytes of an answer are secret: none may be left for the next one. */
static void check_empty(const struct model_chain *c)
{
    static const uint8_t none[ASKED];
    uint8_t bytes[ASKED];

    host_dma_read(c->segs[0].addr, bytes, ASKED);
    if (memcmp(bytes, none, ASKED) != 0)
        host_violation("a buffer that holds bytes of an answer");
}

static void on_kick(struct model *model, struct model_queue *queue)
{
    struct model_chain c;

    while (model_pop(model, queue, &c)) {
        requests++;
        if (c.readable)
            host_violation("a readable buffer for the entropy device");
        if (c.write_bytes != ASKED)
            host_violation("%u bytes asked for", c.write_bytes);
        else
            check_empty(&c);
        if (requests > 1 && held.count)
            host_violation("a second request while one is out");
        if (silent)
            held = c;
        else
            answer(&c);
    }
    model_want_kick(model, queue, true);
}

static void plug(enum model_transport t)
{
    m = calloc(1, sizeof(*m));
    model_init(m, t, RNG_ID);
    q = &m->queues[0];
    q->max = 8;
    model_offer(m, VIRTIO_F_EVENT_IDX);
    m->on.kick = on_kick;
    model_plug_mmio(m, 0);
    model_watch(m);
    fill = ASKED;
    CHECK(*vrng_linked != '\0');
}

static struct vrng_info info(void)
{
    struct vrng_info i;

    CHECK_EQ(vrng_info(0, &i), 0);
    return i;
}

/* The bytes that were mixed in are those of the device, in order, and no others. */
static void check_bytes(size_t n)
{
    size_t len;
    const uint8_t *got = host_entropy(&len);

    CHECK_EQ(len, n);
    for (size_t i = 0; i < n; i++)
        CHECK_EQ(got[i], pattern(i));
}

/* The boot ends with the bytes mixed in, before any service has run. */
static void first_bytes(enum model_transport t)
{
    plug(t);
    host_boot();
    check_bytes(ASKED);
    CHECK_EQ(requests, 1);
    CHECK(!vrng_pending());
    host_run_services();
    CHECK_EQ(requests, 1);
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
}

static void first_bytes_modern(void)
{
    first_bytes(MODEL_MMIO);
}

static void first_bytes_legacy(void)
{
    first_bytes(MODEL_MMIO_LEGACY);
}

static void short_fills(void)
{
    plug(MODEL_MMIO);
    fill = 5;
    host_boot();
    CHECK_EQ(requests, 13); /* 12 of 5 bytes, and one more for the last 4 */
    check_bytes(65);
    CHECK_EQ(info().bytes, 65);
}

static void one_byte_at_a_time(void)
{
    plug(MODEL_MMIO);
    fill = 1;
    host_boot();
    CHECK_EQ(requests, ASKED);
    check_bytes(ASKED);
}

/* Answers without a byte break the device's rule: some are forgiven, some resets tried. */
static void empty_answers(void)
{
    plug(MODEL_MMIO);
    fill = 0;
    host_boot();
    CHECK(requests < 20);
    check_bytes(0);
    CHECK(!vrng_pending());
    host_run_for(7 * HAL_SEC);
    CHECK(!info().alive && !vrng_pending());
    CHECK(host_logged("given up after 5 resets: answers without a byte"));
    CHECK(requests < 100);
    vrng_refresh();
    host_run_for(10 * HAL_SEC);
    CHECK(requests < 100);
}

/* More than was asked for: no byte beyond the buffer is taken. */
static void lying_length(void)
{
    plug(MODEL_MMIO);
    lie = 100000;
    host_boot();
    check_bytes(ASKED);
    CHECK_EQ(requests, 1);
}

/* The boot waits a quarter of a second, warns, and goes on; a late answer is welcome. */
static void silent_device(void)
{
    uint64_t before = hal_now_ns();

    plug(MODEL_MMIO);
    silent = true;
    host_boot();
    CHECK(hal_now_ns() - before < 500 * HAL_MS);
    CHECK_EQ(host_log_matches("no full answer within 250 ms"), 1);
    CHECK(info().silent && info().alive && !vrng_pending());
    host_run_for(1000 * HAL_SEC);
    vrng_refresh();
    CHECK(!vrng_pending());
    CHECK_EQ(requests, 1);
    CHECK_EQ(host_log_matches("no full answer"), 1);
    silent = false;
    answer(&held);
    held.count = 0;
    host_run_services();
    CHECK(!info().silent);
    check_bytes(ASKED);
}

/* The bytes come one by one: all of them must come within 250 ms, also if a refresh is asked for
 * meanwhile.
 */
static void slow_device(void)
{
    uint64_t start;

    plug(MODEL_MMIO);
    host_boot();
    silent = true;
    fill = 1;
    start = hal_now_ns();
    vrng_refresh();
    for (unsigned i = 0; i < ASKED; i++) {
        CHECK_EQ(vrng_pending(), hal_now_ns() - start < 250 * HAL_MS);
        host_run_for(100 * HAL_MS);
        if (i == 1)
            vrng_refresh();
        answer(&held);
        held.count = 0;
        host_run_services();
    }
    CHECK_EQ(host_log_matches("no full answer"), 1);
    CHECK(!info().silent);
    check_bytes(2 * ASKED);
}

static unsigned changes;

static void on_change(void)
{
    changes++;
}

/* One refresh is one request, however often it is asked for; they come by themselves too. */
static void refreshes(void)
{
    plug(MODEL_MMIO);
    host_boot();
    vrng_on_change(on_change);
    silent = true;
    vrng_refresh();
    vrng_refresh();
    CHECK(vrng_pending());
    CHECK_EQ(requests, 2);
    silent = false;
    answer(&held);
    held.count = 0;
    host_run_services();
    CHECK_EQ(changes, 1);
    CHECK(!vrng_pending());
    check_bytes(2 * ASKED);
    host_run_for(301 * HAL_SEC);
    CHECK_EQ(requests, 3);
    check_bytes(3 * ASKED);
}

/* While it owes an answer the device asks for a reset: its buffer is taken back and freed. */
static void dies_with_a_request(void)
{
    int64_t blocks;

    host_set_bootargs("vireo.vrng0.resets=0");
    plug(MODEL_MMIO);
    host_boot();
    blocks = host_live_blocks();
    vrng_on_change(on_change);
    silent = true;
    vrng_refresh();
    m->status |= VIRTIO_STATUS_NEEDS_RESET;
    model_raise(m, 2, NULL);
    host_run_services();
    CHECK(!info().alive && !vrng_pending());
    CHECK(changes >= 1);
    CHECK_EQ(host_live_blocks(), blocks - 1);
    vrng_refresh();
    host_run_for(400 * HAL_SEC);
    CHECK_EQ(requests, 2);
}

static void reset_never_completes(void)
{
    int64_t blocks;

    plug(MODEL_MMIO);
    host_boot();
    blocks = host_live_blocks();
    silent = true;
    vrng_refresh();
    m->reset_never = true;
    m->status |= VIRTIO_STATUS_NEEDS_RESET;
    model_raise(m, 2, NULL);
    host_run_services();
    CHECK(!vrng_pending()); /* nobody waits for as long as that takes */
    host_run_for(2 * HAL_SEC);
    CHECK(!info().alive && !vrng_pending());
    CHECK_EQ(host_live_blocks(), blocks); /* the buffer stays quarantined */
}

/* Bytes that were missing at the failure are asked for again, and later refreshes work. */
static void recovers(void)
{
    int64_t blocks;

    plug(MODEL_MMIO);
    host_boot();
    blocks = host_live_blocks();
    for (unsigned i = 0; i < 5; i++) {
        host_run_services();
        silent = true;
        vrng_refresh();
        CHECK(vrng_pending());
        silent = false;
        held.count = 0;
        m->reset_reads = 100;
        m->status |= VIRTIO_STATUS_NEEDS_RESET;
        model_raise(m, 2, NULL);
        vrng_on_change(on_change);
        changes = 0;
        host_run_services();
        CHECK(info().alive && !vrng_pending());
        host_run_for(20 * HAL_SEC);
        CHECK(changes >= 2);
        CHECK_EQ(requests, 1 + 2 * (i + 1));
        check_bytes((i + 2) * ASKED);
    }
    CHECK_EQ(host_live_blocks(), blocks);
}

/* The device leaves, with or without its buffer, and another takes its place. */
static void plugged_in_again(void)
{
    struct virtio_device *dev;
    int64_t blocks;

    plug(MODEL_MMIO);
    host_boot();
    dev = virtio_find("vrng0");
    blocks = host_live_blocks();
    for (unsigned i = 1; i < 5; i++) {
        bool absent = i & 1;

        silent = true;
        vrng_refresh();
        virtio_unplug(dev, false, absent);
        CHECK(!info().alive && !vrng_pending());
        blocks += !absent; /* that one is quarantined */
        CHECK_EQ(host_live_blocks(), blocks - 1);
        silent = false;
        held.count = 0;
        CHECK_EQ(virtio_replug(dev), 0);
        host_run_services();
        CHECK(info().alive && !vrng_pending());
        check_bytes((i + 1) * ASKED);
        CHECK_EQ(host_live_blocks(), blocks);
    }
    virtio_unplug(dev, true, false);
    host_fail_alloc_after(0);
    CHECK_EQ(virtio_replug(dev), -ENODEV);
    host_fail_alloc_after(-1);
    CHECK(!info().alive);
    CHECK_EQ(virtio_replug(dev), 0);
    CHECK(info().alive);
}

static void no_memory(void)
{
    for (int64_t n = 0; n < 12; n++) {
        host_fail_alloc_after(n);
        if (n == 0)
            plug(MODEL_MMIO);
        host_boot();
        host_fail_alloc_after(-1);
        CHECK(!vrng_pending());
        if (virtio_find("vrng0"))
            return;
    }
    CHECK(!"the device was never used");
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"first_bytes_modern", first_bytes_modern, "RNG-01"},
        {"first_bytes_legacy", first_bytes_legacy, "RNG-01"},
        {"short_fills", short_fills, "RNG-02"},
        {"one_byte_at_a_time", one_byte_at_a_time, "RNG-02"},
        {"empty_answers", empty_answers, ""},
        {"lying_length", lying_length, ""},
        {"silent_device", silent_device, ""},
        {"slow_device", slow_device, ""},
        {"refreshes", refreshes, ""},
        {"dies_with_a_request", dies_with_a_request, ""},
        {"reset_never_completes", reset_never_completes, ""},
        {"recovers", recovers, ""},
        {"plugged_in_again", plugged_in_again, ""},
        {"no_memory", no_memory, ""},
    };
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
