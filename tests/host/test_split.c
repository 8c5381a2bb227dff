/*
 * test_split.c - the split ring (virtio 1.4, section 2.7) against the device side of the model:
 * right traffic in every shape, the order of what is written, and the kick decision.
 */
#include <string.h>

#include "check.h"
#include "testdrv.h"
#include "virtio/virtq_impl.h"

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

/* Both sides at the same index, the ring empty. */
static void start_at(uint16_t index)
{
    CHECK_EQ(virtq_in_flight(q), 0);
    q->split.avail_idx = q->split.used_idx = index;
    q->since_kick = 0;
    model_start_index(mq, index);
}

/* ---- random traffic against a reference ------------------------------------------------------ */

#define ROUNDS 1500

static struct {
    bool out; /* submitted, not yet back */
    uint32_t writable;
    uint32_t len; /* that the device will say */
    unsigned count, readable;
    struct virtq_seg segs[4];
} ref[4096];
static struct model_chain held[1024];
static unsigned held_count, out_count, slots_used, next_buffer;

static unsigned chain_cost(unsigned segs)
{
    return q->indirect && segs > 1 ? 1 : segs;
}

/* Fills in a random request for the next free buffer number. */
static unsigned make_request(struct virtq_request *r, struct virtq_seg *segs)
{
    unsigned n = next_buffer, count = 1 + random_below(q->max_segs), off = 0;

    while (ref[n].out)
        n = (n + 1) % 4096;
    next_buffer = (n + 1) % 4096;
    r->readable = (uint16_t)random_below(count + 1);
    r->writable = (uint16_t)(count - r->readable);
    ref[n].writable = 0;
    for (unsigned i = 0; i < count; i++) {
        uint32_t len = 1 + random_below(TESTDRV_BUF / q->max_segs);
        segs[i] = testdrv_seg(n, off, len);
        off += len;
        ref[n].writable += i >= r->readable ? len : 0;
    }
    memcpy(ref[n].segs, segs, count * sizeof(segs[0]));
    ref[n].count = count;
    ref[n].readable = r->readable;
    r->segs = segs;
    r->cookie = testdrv_cookie(n);
    ref[n].out = true;
    return chain_cost(count);
}

static void submit_some(void)
{
    struct virtq_request r[8];
    struct virtq_seg segs[8][16];
    unsigned cost[8], n = 1 + random_below(8), fit = 0, room = virtq_free_slots(q);

    CHECK_EQ(room, q->size - slots_used);
    for (unsigned i = 0; i < n; i++)
        cost[i] = make_request(&r[i], segs[i]);
    while (fit < n && cost[fit] <= room)
        room -= cost[fit++];
    uint64_t kicks = mq->kicks;
    CHECK_EQ(virtq_submit(q, r, n), fit);
    CHECK(mq->kicks - kicks <= (fit > 0));
    for (unsigned i = 0; i < n; i++) {
        if (i < fit)
            slots_used += cost[i];
        else
            ref[testdrv_number(r[i].cookie)].out = false;
    }
    out_count += fit;
    CHECK_EQ(virtq_in_flight(q), out_count);
}

/* The device finds the segments that were submitted: each place, length and direction. */
static void check_chain(const struct model_chain *c)
{
    unsigned n = testdrv_number(q->slots[c->head].cookie);

    CHECK(n < 4096 && ref[n].out);
    CHECK_EQ(c->count, ref[n].count);
    CHECK_EQ(c->readable, ref[n].readable);
    CHECK_EQ(c->indirect, q->indirect && c->count > 1);
    for (unsigned i = 0; i < c->count; i++) {
        CHECK(c->segs[i].addr == ref[n].segs[i].addr && c->segs[i].len == ref[n].segs[i].len);
        CHECK_EQ(c->segs[i].write, i >= c->readable);
    }
    if (c->indirect)
        CHECK_EQ(c->table_len, 16 * c->count);
}

static void device_takes(void)
{
    unsigned n = random_below(8);

    while (n-- > 0 && model_pop(m, mq, &held[held_count]))
        check_chain(&held[held_count++]);
    model_want_kick(m, mq, random_below(2));
}

/* Completes some of what it holds, in any order, with any length. */
static void device_completes(void)
{
    unsigned n = random_below(8);

    while (n-- > 0 && held_count > 0) {
        unsigned at = random_below(held_count);
        struct model_chain *c = &held[at];
        static const uint32_t lens[] = {0, 1, 7, 64, 0x10000, UINT32_MAX};
        uint32_t len = lens[random_below(6)];

        model_push(m, mq, c, len);
        ref[testdrv_number(q->slots[c->head].cookie)].len = len;
        *c = held[--held_count];
    }
    model_publish(m, mq);
}

static void driver_reaps(void)
{
    struct virtq_done done[8];
    int n = virtq_reap(q, done, 1 + random_below(8));

    CHECK(n >= 0);
    for (int i = 0; i < n; i++) {
        unsigned b = testdrv_number(done[i].cookie);
        CHECK(b < 4096 && ref[b].out);
        CHECK_EQ(done[i].len, ref[b].len < ref[b].writable ? ref[b].len : ref[b].writable);
        ref[b].out = false;
        out_count--;
    }
    slots_used = q->size - virtq_free_slots(q);
    CHECK_EQ(virtq_in_flight(q), out_count);
}

static void traffic(unsigned size, bool event_idx, bool indirect)
{
    unsigned max_segs = size < 4 ? size : 4;

    td.no_reap = true;
    boot(size, max_segs, event_idx, indirect);
    start_at(0xfff0);
    uint64_t allocs = host_allocs() + 1; /* the test's own buffers */
    for (unsigned i = 0; i < ROUNDS; i++) {
        submit_some();
        device_takes();
        device_completes();
        driver_reaps();
    }
    while (out_count > 0) {
        device_takes();
        device_completes();
        driver_reaps();
    }
    CHECK_EQ(virtq_free_slots(q), size);
    CHECK_EQ(host_allocs(), allocs);
    CHECK_EQ(virtq_stats(q)->submitted, virtq_stats(q)->completed);
    CHECK_EQ(virtq_stats(q)->submitted, mq->pushes);
    CHECK_EQ(virtq_stats(q)->kicks, mq->kicks);
}

#define TRAFFIC(size)                                                                              \
    static void traffic_##size(void)                                                               \
    {                                                                                              \
        traffic(size, false, false);                                                               \
    }                                                                                              \
    static void traffic_##size##_event(void)                                                       \
    {                                                                                              \
        traffic(size, true, false);                                                                \
    }                                                                                              \
    static void traffic_##size##_indirect(void)                                                    \
    {                                                                                              \
        traffic(size, false, true);                                                                \
    }                                                                                              \
    static void traffic_##size##_both(void)                                                        \
    {                                                                                              \
        traffic(size, true, true);                                                                 \
    }
TRAFFIC(1)
TRAFFIC(2)
TRAFFIC(4)
TRAFFIC(8)
TRAFFIC(64)
TRAFFIC(256)

/* More than 65,536 buffers, so that both indexes go round, in batches of odd sizes. */
static void index_goes_round(void)
{
    boot(8, 2, true, false);
    for (unsigned i = 0; i < 70000; i += 3) {
        for (unsigned k = 0; k < 3; k++)
            CHECK_EQ(testdrv_submit(q, i % 4093 + k), 1);
        CHECK_EQ(model_serve(m, mq), 3);
        host_run_services();
        CHECK_EQ(td.done_count, 3);
        td.done_count = 0;
    }
    CHECK_EQ(virtq_stats(q)->rekicks, 0);
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
static void check_submit_order(bool event_idx, bool kick)
{
    const uint8_t *used = (const uint8_t *)q->split.used;
    const void *suppression = event_idx ? used + 4 + 8 * q->size : used;
    unsigned stage = 0, publishes = 0, checks = 0, kicks = 0;

    for (unsigned i = 0; i < host_event_count(); i++) {
        const struct host_event *e = host_event_at(i);

        if (e->kind == HOST_STORE && in_area(e->addr, q->memory, q->ring_bytes))
            CHECK(stage == 0);
        if (e->kind == HOST_PUBLISH) {
            CHECK(stage == 0 && e->addr == (uintptr_t)q->split.avail + 2);
            stage = 1;
            publishes++;
        }
        if (e->kind == HOST_CHECK) {
            CHECK(stage == 1 && e->addr == (uintptr_t)suppression);
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

    boot(16, 2, event_idx, false);
    for (unsigned i = 0; i < 8; i++) {
        seg[i] = testdrv_seg(i, 0, 8);
        r[i] = (struct virtq_request){&seg[i], 1, 0, testdrv_cookie(i)};
    }
    model_want_kick(m, mq, true);
    host_log_events(true);
    CHECK_EQ(virtq_submit(q, r, 8), 8);
    check_submit_order(event_idx, true);
    model_want_kick(m, mq, false);
    host_log_events(true);
    CHECK_EQ(virtq_submit(q, r, 8), 8);
    check_submit_order(event_idx, false);
}

static void submit_order_flags(void)
{
    submit_order(false);
}

static void submit_order_event(void)
{
    submit_order(true);
}

/* Reaping: the index is observed once, each entry's words are loaded once, after it. */
static void reap_order(void)
{
    struct virtq_done done[16];
    unsigned observes = 0, loads = 0;

    td.no_reap = true;
    boot(16, 2, true, false);
    for (unsigned i = 0; i < 6; i++)
        testdrv_submit(q, i);
    model_serve(m, mq);
    host_log_events(true);
    CHECK_EQ(virtq_reap(q, done, 16), 6);
    for (unsigned i = 0; i < host_event_count(); i++) {
        const struct host_event *e = host_event_at(i);

        if (e->kind == HOST_OBSERVE) {
            CHECK(loads == 0 && e->addr == (uintptr_t)q->split.used + 2);
            observes++;
        } else if (e->kind == HOST_LOAD) {
            CHECK(observes == 1 && in_area(e->addr, (uint8_t *)q->split.used + 4, 16 * 8));
            loads++;
        } else {
            CHECK(e->kind == HOST_CHECKED || e->kind == HOST_CHECK || e->kind == HOST_STORE);
        }
    }
    CHECK_EQ(observes, 1);
    CHECK_EQ(loads, 12);
}

/* Arming: the word is stored, then the index is checked with the full barrier. */
static void arm_order(bool event_idx)
{
    const void *word;
    bool stored = false, checked = false;

    boot(16, 2, event_idx, false);
    word = event_idx ? model_used_event_word(mq) : host_dma_pointer(mq->driver, 2);
    virtq_disarm(q);
    host_log_events(true);
    CHECK(!virtq_arm(q));
    for (unsigned i = 0; i < host_event_count(); i++) {
        const struct host_event *e = host_event_at(i);

        if (e->kind == HOST_STORE || e->kind == HOST_PUBLISH) {
            CHECK(!checked && e->addr == (uintptr_t)word);
            stored = true;
        } else if (e->kind == HOST_CHECK) {
            CHECK(stored && e->addr == (uintptr_t)q->split.used + 2);
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

/* ---- the kick decision ----------------------------------------------------------------------- */

static void kick_case(uint16_t start, unsigned batch, uint16_t event)
{
    struct virtq_seg seg[64];
    struct virtq_request r[64];
    uint64_t kicks;

    start_at(start);
    for (unsigned i = 0; i < batch; i++) {
        seg[i] = testdrv_seg(i, 0, 8);
        r[i] = (struct virtq_request){&seg[i], 1, 0, testdrv_cookie(i)};
    }
    model_put_avail_event(mq, event);
    model_put_used_flags(mq, random32() & 1); /* means nothing here */
    kicks = mq->kicks;
    CHECK_EQ(virtq_submit(q, r, batch), batch);
    if (mq->kicks - kicks != model_event_reference(start, (uint16_t)(start + batch), event))
        check_fail(__FILE__, __LINE__, "from %#x by %u with event %#x: %u kicks", start, batch,
                   event, (unsigned)(mq->kicks - kicks));
    model_serve(m, mq);
    virtio_wake(td.dev); /* start_at moved the index away from where the ring is armed */
    host_run_services();
    td.done_count = 0;
}

static void kick_decision(void)
{
    boot(64, 2, true, false);
    for (unsigned s = 0; s < 24; s++)
        for (unsigned batch = 1; batch <= 8; batch++)
            for (unsigned e = 0; e < 24; e++)
                kick_case((uint16_t)(0xfff4 + s), batch, (uint16_t)(0xfff4 + e));
    for (unsigned i = 0; i < 4000; i++)
        kick_case((uint16_t)random32(), 1 + random_below(64), (uint16_t)random32());
}

static void kick_by_flag(void)
{
    boot(16, 2, false, false);
    model_put_used_flags(mq, 1);
    model_put_avail_event(mq, 0); /* means nothing here */
    testdrv_submit(q, 0);
    CHECK_EQ(mq->kicks, 0);
    model_put_avail_event(mq, 0x7777);
    model_put_used_flags(mq, 0xfffe); /* bits that mean nothing */
    testdrv_submit(q, 1);
    CHECK_EQ(mq->kicks, 1);
}

/* A published or popped descriptor that the device overwrites changes nothing for the driver. */
static void descriptors_are_not_read_back(void)
{
    struct model_chain c[4];

    boot(8, 2, false, true);
    m->scribbles = true;
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 4; i++)
            CHECK_EQ(testdrv_submit(q, i), 1);
        for (unsigned i = 0; i < 4; i++)
            CHECK(model_pop(m, mq, &c[i]));
        for (size_t i = 0; i < 8 * 16; i++)
            host_dma_write(mq->desc + i, &(uint8_t){(uint8_t)random32()}, 1);
        for (unsigned i = 0; i < 8; i++)
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

int main(int argc, char **argv)
{
#define CASE(f)                                                                                    \
    {                                                                                              \
#f, f                                                                                      \
    }
/* What random traffic on a ring of some size shows, and what with indirect descriptors. */
#define DIRECT                                                                                     \
    "SPLIT-01 SPLIT-02 SPLIT-06 SPLIT-07 SPLIT-08 SPLIT-12 SPLIT-19 SPLIT-20 SPLIT-21 SPLIT-27 "   \
    "SPLIT-29 SPLIT-30 VQ-02 VQ-04 INIT-20 NOTIF-05"
#define INDIRECT "SPLIT-13 SPLIT-15 SPLIT-17 SPLIT-18 VQ-02 VQ-04 INIT-20"
#define SMALL(size)                                                                                \
    CASE(traffic_##size), CASE(traffic_##size##_event), CASE(traffic_##size##_indirect),           \
        CASE(traffic_##size##_both)
#define LARGE(size)                                                                                \
    SHOWS(traffic_##size, DIRECT " NOTIF-01"), SHOWS(traffic_##size##_event, DIRECT " NOTIF-03"),  \
        SHOWS(traffic_##size##_indirect, INDIRECT), SHOWS(traffic_##size##_both, INDIRECT)
    static const struct test_case cases[] = {
        SMALL(1),
        SMALL(2),
        SMALL(4),
        LARGE(8),
        LARGE(64),
        LARGE(256),
        SHOWS(index_goes_round, "SPLIT-19 SPLIT-20 SPLIT-27 SPLIT-30 NOTIF-10"),
        SHOWS(malformed_requests, "SPLIT-05"),
        SHOWS(full_ring, "SPLIT-09"),
        SHOWS(submit_order_flags, "SPLIT-22 SPLIT-24 SPLIT-25 SPLIT-26 SPLIT-28 NOTIF-06"),
        SHOWS(submit_order_event, "SPLIT-25 SPLIT-26 SPLIT-28 NOTIF-09"),
        SHOWS(reap_order, "SPLIT-30"),
        SHOWS(arm_order_flags, "SPLIT-33"),
        SHOWS(arm_order_event, "SPLIT-33"),
        SHOWS(kick_decision, "NOTIF-09 NOTIF-10 NOTIF-11 SPLIT-22"),
        SHOWS(kick_by_flag, "NOTIF-06 NOTIF-07 NOTIF-08 SPLIT-23"),
        CASE(descriptors_are_not_read_back),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
