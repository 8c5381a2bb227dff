/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ring.c - both rings (virtio 1.4, sections 2.7 and 2.8): the order of what is written and
 * looked at, what a ring cannot hold, and that nothing is read back.
 */
#include <string.h>

#include "check.h"
#include "testdrv.h"
#include "virtio/ring/virtq_impl.h"

static struct model *m;
static struct model_queue *mq;
static struct virtq *q;

static void boot(unsigned size, unsigned max_segs, bool event_idx, bool indirect)
{
    unsigned bits[2], n = 0;

    if (event_idx)
        bits[n++] = VIRTIO_F_EVENT_IDX;
    if (indirect)
        bits[n++] = VIRTIO_F_INDIRECT_DESC;
    testdrv_one_queue(size, max_segs);
    m = testdrv_boot(MODEL_MMIO, 1024, bits, n);
    mq = &m->queues[0];
    q = td.q[0];
    CHECK_EQ(virtq_size(q), size);
}

/* ---- what a ring cannot hold ----------------------------------------------------------------- */

static void malformed_requests(void)
{
    boot(16, 4, false, false);
    struct virtq_seg good = testdrv_seg(0, 0, 8), zero = {good.addr, 0};
    struct virtq_seg nowhere = {HAL_DMA_NONE, 8}, half = {good.addr, 0x80000000u};
    struct virtq_seg too_much[2] = {half, half}; /* 2^32 bytes */
    struct virtq_seg five[5] = {good, good, good, good, good};
    struct virtq_request bad[] = {
        {&good, 0, 0, testdrv_cookie(1)},    {five, 5, 0, testdrv_cookie(1)},
        {five, 1, 4, testdrv_cookie(1)},     {five, 0xffff, 2, testdrv_cookie(1)},
        {&zero, 1, 0, testdrv_cookie(1)},    {&zero, 0, 1, testdrv_cookie(1)},
        {&nowhere, 0, 1, testdrv_cookie(1)}, {too_much, 0, 2, testdrv_cookie(1)},
        {too_much, 2, 0, testdrv_cookie(1)}, {too_much, 1, 1, testdrv_cookie(1)},
    };

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct virtq_request pair[2] = {{&good, 1, 0, testdrv_cookie(2)}, bad[i]};

        CHECK_EQ(virtq_submit(q, &bad[i], 1), -EINVAL);
        CHECK_EQ(virtq_free_slots(q), 16 - i);
        CHECK_EQ(virtq_submit(q, pair, 2), 1);
        CHECK_EQ(virtq_in_flight(q), i + 1);
    }
    CHECK_EQ(model_serve(m, mq), sizeof(bad) / sizeof(bad[0]));
}

static void full_ring(void)
{
    struct virtq_seg segs[4];
    struct virtq_request r = {segs, 2, 2, testdrv_cookie(0)};

    boot(4, 4, false, false);
    for (unsigned i = 0; i < 4; i++)
        segs[i] = testdrv_seg(0, i * 8, 8);
    CHECK_EQ(virtq_submit(q, &r, 1), 1);
    CHECK_EQ(virtq_free_slots(q), 0);
    CHECK_EQ(virtq_submit(q, &r, 1), 0);
    CHECK_EQ(testdrv_submit(q, 1), 0);
    CHECK_EQ(model_serve(m, mq), 1);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
    CHECK_EQ(td.done[0].len, 16);
    CHECK_EQ(virtq_free_slots(q), 4);
}

/* ---- order: entries, index, suppression word, doorbell --------------------------------------- */

static bool in_area(uint64_t addr, const void *base, size_t len)
{
    return addr >= (uintptr_t)base && addr < (uintptr_t)base + len;
}

/* Checks the event log of one submit: stores to the ring, one publish, one check, one kick at most.
 */
static void check_submit_order(struct testdrv_words w, bool kick)
{
    unsigned stage = 0, publishes = 0, checks = 0, kicks = 0;

    for (unsigned i = 0; i < host_event_count(); i++) {
        const struct host_event *e = host_event_at(i);

        if (e->kind == HOST_STORE && in_area(e->addr, q->memory, q->ring_bytes))
            CHECK(stage == 0);
        if (e->kind == HOST_PUBLISH) {
            CHECK(stage == 0 && e->addr == w.publish);
            stage = 1;
            publishes++;
        }
        if (e->kind == HOST_CHECK) {
            CHECK(stage == 1 && e->addr == w.suppression);
            stage = 2;
            checks++;
        }
        if (e->kind == HOST_WRITE) {
            CHECK(stage == 2 && e->strong);
            kicks++;
        }
        CHECK(e->kind != HOST_READ);
        CHECK(e->kind != HOST_LOAD || !in_area(e->addr, q->memory, q->ring_bytes));
    }
    CHECK_EQ(publishes, 1);
    CHECK_EQ(checks, 1);
    CHECK_EQ(kicks, kick);
}

static void submit_order(bool event_idx)
{
    struct virtq_seg seg[8];
    struct virtq_request r[8];
    struct testdrv_words w;

    boot(16, 2, event_idx, false);
    for (unsigned i = 0; i < 8; i++) {
        seg[i] = testdrv_seg(i, 0, 8);
        r[i] = (struct virtq_request){&seg[i], 1, 0, testdrv_cookie(i)};
    }
    for (unsigned want = 2; want-- > 0;) {
        model_want_kick(m, mq, want);
        w = testdrv_words(q);
        host_log_events(true);
        CHECK_EQ(virtq_submit(q, r, 8), 8);
        check_submit_order(w, want);
    }
}

static void submit_order_flags(void)
{
    submit_order(false);
}

static void submit_order_event(void)
{
    submit_order(true);
}

/*
 * Reaping: what shows completions is observed before the words of an entry, which are loaded once.
 * A split ring's index is observed once a batch, a packed ring's flags once a descriptor.
 */
static void reap_order(void)
{
    bool packed = case_variant == TD_PACKED;
    struct virtq_done done[16];
    unsigned observes = 0, loads = 0;
    uintptr_t shown = 0;

    td.no_reap = true;
    boot(16, 2, true, false);
    for (unsigned i = 0; i < 6; i++)
        testdrv_submit(q, i);
    model_serve(m, mq);
    shown = testdrv_words(q).used;
    host_log_events(true);
    CHECK_EQ(virtq_reap(q, done, 16), 6);
    for (unsigned i = 0; i < host_event_count(); i++) {
        const struct host_event *e = host_event_at(i);

        CHECK(e->kind != HOST_PUBLISH && e->kind != HOST_WRITE && e->kind != HOST_READ);
        if (e->kind == HOST_OBSERVE) {
            CHECK_EQ(loads, packed ? 2 * observes : 0);
            CHECK_EQ(e->addr, shown + (packed ? 32 * observes : 0));
            observes++;
        } else if (e->kind == HOST_LOAD) {
            uintptr_t entry = packed ? shown + 32 * (observes - 1) - 6 : shown + 2;

            CHECK(e->addr - entry < (packed ? 6u : 16u * 8u));
            loads++;
        }
    }
    CHECK_EQ(observes, packed ? 7 : 1);
    CHECK_EQ(loads, 12);
}

/* Arming: the word is stored, then what would show a completion is checked with the full barrier.
 */
static void arm_order(bool event_idx)
{
    struct testdrv_words w;
    bool stored = false, checked = false;

    boot(16, 2, event_idx, false);
    virtq_disarm(q);
    w = testdrv_words(q);
    host_log_events(true);
    CHECK(!virtq_arm(q));
    for (unsigned i = 0; i < host_event_count(); i++) {
        const struct host_event *e = host_event_at(i);

        if (e->kind == HOST_STORE || e->kind == HOST_PUBLISH) {
            CHECK(!checked && e->addr == w.arm);
            stored = true;
        } else if (e->kind == HOST_CHECK) {
            CHECK(stored && e->addr == w.used);
            checked = true;
        }
    }
    CHECK(stored && checked);
}

static void arm_order_flags(void)
{
    arm_order(false);
}

static void arm_order_event(void)
{
    arm_order(true);
}

/* Section 6.3, ORDER_PLATFORM: every verb orders as for a real device; without it, none does. */
static void platform_order(bool on)
{
    const unsigned bits[] = {VIRTIO_F_EVENT_IDX, VIRTIO_F_ORDER_PLATFORM};
    unsigned verbs = 0;

    testdrv_one_queue(16, 2);
    m = testdrv_boot(MODEL_MMIO, 1024, bits, on ? 2 : 1);
    mq = &m->queues[0];
    q = td.q[0];
    model_want_kick(m, mq, true);
    host_log_events(true);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(testdrv_submit(q, i), 1);
        model_serve(m, mq);
        host_run_services();
    }
    host_log_events(false);
    for (unsigned i = 0; i < host_event_count(); i++) {
        const struct host_event *e = host_event_at(i);
        bool verb = e->kind == HOST_PUBLISH || e->kind == HOST_OBSERVE || e->kind == HOST_CHECK;

        CHECK(!verb || e->strong == on);
        verbs += verb;
    }
    CHECK(verbs >= 4 * 4);
}

static void orders_as_for_a_device(void)
{
    platform_order(true);
}

static void orders_as_for_a_cpu(void)
{
    platform_order(false);
}

/* ---- nothing is read back -------------------------------------------------------------------- */

/* A published or popped descriptor that the device overwrites changes nothing for the driver. */
static void descriptors_are_not_read_back(void)
{
    unsigned part = case_variant == TD_PACKED ? 12 : 16;
    struct model_chain c[4];

    boot(8, 2, false, true);
    m->scribbles = true;
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 4; i++)
            CHECK_EQ(testdrv_submit(q, i), 1);
        for (unsigned i = 0; i < 4; i++)
            CHECK(model_pop(m, mq, &c[i]));
        for (size_t i = 0; i < 8 * 16; i++)
            if (i % 16 < part) /* the rest of a packed one says what is used */
                host_dma_write(mq->desc + i, &(uint8_t){(uint8_t)random32()}, 1);
        for (unsigned i = 0; i < 8 && part == 16; i++)
            host_dma_write(mq->driver + 4 + 2 * i, &(uint16_t){0xdead}, 2);
        for (unsigned i = 4; i-- > 0;) {
            for (uint32_t b = 0; b < c[i].table_len; b++)
                host_dma_write(c[i].table + b, &(uint8_t){0xff}, 1);
            model_complete(m, mq, &c[i], 32);
        }
        host_run_services();
        CHECK_EQ(td.done_count, 4);
        CHECK_EQ(virtq_free_slots(q), 8);
        td.done_count = 0;
    }
}

/* Section 2.8.3: once a device sets WRITE at all, a length without it means nothing. */
static void length_without_write(void)
{
    struct model_chain c;

    boot(8, 2, false, false);
    for (unsigned i = 0; i < 6; i++) {
        CHECK_EQ(testdrv_submit(q, i), 1);
        CHECK(model_pop(m, mq, &c));
        m->no_write_flag = i != 2;
        model_complete(m, mq, &c, 20);
        host_run_services();
        CHECK_EQ(td.done_count, i + 1);
        CHECK_EQ(td.done[i].len, i < 3 ? 20 : 0);
    }
}

/* Section 2.8.6: a used descriptor stands alone, whatever its NEXT says, and so does INDIRECT. */
static void next_of_a_used_one(void)
{
    enum { NEXT = 1, INDIRECT = 4 };

    boot(5, 2, false, false);
    m->used_flags = NEXT | INDIRECT;
    for (unsigned i = 0; i < 20; i++) {
        for (unsigned k = 0; k < 2; k++)
            CHECK_EQ(testdrv_submit(q, 2 * i + k), 1);
        CHECK_EQ(model_serve(m, mq), 2);
        host_run_services();
        CHECK_EQ(td.done_count, 2 * i + 2);
        for (unsigned k = 0; k < 2; k++)
            CHECK_EQ(testdrv_number(td.done[2 * i + k].cookie), 2 * i + k);
        CHECK_EQ(virtq_free_slots(q), 5);
    }
}

/* A chain that no ring of that size could hold is refused; one that fits an empty ring passes. */
static void longer_than_the_ring(void)
{
    struct virtq_seg segs[4];
    struct virtq_request r = {segs, 2, 2, testdrv_cookie(0)};

    for (unsigned i = 0; i < 4; i++)
        segs[i] = testdrv_seg(0, i * 8, 8);
    boot(2, 4, false, true);
    CHECK_EQ(virtq_submit(q, &r, 1), -EINVAL);
    r.readable = r.writable = 1;
    CHECK_EQ(virtq_submit(q, &r, 1), 1);
    CHECK_EQ(model_serve(m, mq), 1);
    host_run_services();
    CHECK_EQ(td.done_count, 1);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_RING(malformed_requests, "SPLIT-05", NULL),
        EACH_RING(full_ring, "SPLIT-09", "PACK-17 PACK-18"),
        EACH_RING(longer_than_the_ring, "SPLIT-04 SPLIT-14", "PACK-14 PACK-15 PACK-30"),
        EACH_RING(submit_order_flags, "SPLIT-22 SPLIT-24 SPLIT-25 SPLIT-26 SPLIT-28 NOTIF-06",
                  "PACK-19 PACK-34 PACK-35 PACK-36 PACK-37"),
        EACH_RING(submit_order_event, "SPLIT-25 SPLIT-26 SPLIT-28 NOTIF-09",
                  "PACK-19 PACK-34 PACK-35 PACK-36 PACK-37"),
        EACH_RING(reap_order, "SPLIT-30", "PACK-38"),
        EACH_RING(arm_order_flags, "SPLIT-33", "PACK-39"),
        EACH_RING(arm_order_event, "SPLIT-33", "PACK-39"),
        EACH_RING(orders_as_for_a_device, "FEAT-19", "FEAT-19"),
        EACH_RING(orders_as_for_a_cpu, NULL, NULL),
        EACH_RING(descriptors_are_not_read_back, NULL, NULL),
        {"length_without_write_packed", length_without_write, "PACK-25 PACK-26", TD_PACKED},
        {"next_of_a_used_one", next_of_a_used_one, "PACK-24", TD_PACKED},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
