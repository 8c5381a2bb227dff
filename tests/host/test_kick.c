/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_kick.c - does the driver tell the device when it has to, and only then (virtio 1.4, sections
 * 2.7.10 and 2.8.10)? Every position of the ring, batch and event is compared with a reference that
 * walks the ring instead of calculating.
 */
#include "check.h"
#include "testdrv.h"
#include "virtio/ring/packed.h"
#include "virtio/ring/split.h"

#define BATCH 64

static struct model *m;
static struct model_queue *mq;
static struct virtq *q;

static void boot(unsigned size, bool event_idx)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX};

    testdrv_one_queue(size, 1);
    m = testdrv_boot(MODEL_MMIO, 1024, bits, event_idx);
    mq = &m->queues[0];
    q = td.q[0];
}

/* Buffers of one segment, the first of them number `first`; the kicks that they made. */
static unsigned submit_from(unsigned first, unsigned n)
{
    struct virtq_seg seg[BATCH];
    struct virtq_request r[BATCH];
    uint64_t kicks = mq->kicks;

    for (unsigned i = 0; i < n; i++) {
        seg[i] = testdrv_seg(first + i, 0, 8);
        r[i] = (struct virtq_request){&seg[i], 1, 0, testdrv_cookie(first + i)};
    }
    CHECK_EQ(virtq_submit(q, r, n), n);
    return (unsigned)(mq->kicks - kicks);
}

static unsigned submit(unsigned n)
{
    return submit_from(0, n);
}

static void empty(void)
{
    model_serve(m, mq);
    virtio_wake(td.dev); /* the ring may be armed for somewhere else by now */
    host_run_services();
    td.done_count = 0;
    CHECK_EQ(virtq_in_flight(q), 0);
}

/* ---- split: 16-bit indexes ------------------------------------------------------------------- */

static void split_case(uint16_t start, unsigned batch, uint16_t event)
{
    unsigned kicks;

    virtq_split_of(q)->avail_idx = virtq_split_of(q)->used_idx = start;
    q->since_kick = 0;
    model_start_index(mq, start);
    model_put_avail_event(mq, event);
    kicks = submit(batch);
    if (kicks != model_event_reference(start, (uint16_t)(start + batch), event))
        check_fail(__FILE__, __LINE__, "from %#x by %u with event %#x: %u kicks", start, batch,
                   event, kicks);
    empty();
}

static void split_event(void)
{
    boot(BATCH, true);
    for (unsigned s = 0; s < 24; s++)
        for (unsigned batch = 1; batch <= 8; batch++)
            for (unsigned e = 0; e < 24; e++)
                split_case((uint16_t)(0xfff4 + s), batch, (uint16_t)(0xfff4 + e));
    for (unsigned i = 0; i < 4000; i++)
        split_case((uint16_t)random32(), 1 + random_below(BATCH), (uint16_t)random32());
}

static void split_flag(void)
{
    boot(16, false);
    model_put_used_flags(mq, 1);
    CHECK_EQ(submit(1), 0);
    model_put_used_flags(mq, 0xfffe); /* bits that mean nothing */
    CHECK_EQ(submit(1), 1);
}

/* ---- packed: a slot and a wrap counter ------------------------------------------------------- */

enum { AVAIL = 1 << 7, USED = 1 << 15 };
enum { ENABLE, DISABLE, DESC, RESERVED };

/* Both sides at this place of the ring, as if all before it had been used. */
static void packed_at(struct model_place p)
{
    virtq_packed_of(q)->next_avail = virtq_packed_of(q)->next_used = p.slot;
    virtq_packed_of(q)->avail_flags = p.wrap ? AVAIL : USED;
    virtq_packed_of(q)->used_flags = p.wrap ? AVAIL | USED : 0;
    q->since_kick = 0;
    mq->expose_at = mq->put_at = mq->shown_at = mq->signal_at = p;
    for (unsigned i = 0; i < q->size; i++) {
        uint16_t flags = (i < p.slot) == p.wrap ? AVAIL | USED : 0;

        host_dma_write(q->desc_dma + 16 * i + 14, &flags, 2);
    }
}

static struct model_place ahead(struct model_place p, unsigned n)
{
    for (; n > 0; n--) {
        p.slot++;
        if (p.slot == q->size)
            p = (struct model_place){0, !p.wrap};
    }
    return p;
}

/*
 * The reference, by walking two laps from the oldest buffer that is out: `older` of them were there
 * before the batch. Told if the event is in the batch. What is older was announced in its time, and
 * what the ring has room for afterwards is still to come. All else lies behind what is out: the
 * device is told, as it can only wait for that by mistake.
 */
static bool packed_reference(struct model_place from, unsigned older, unsigned batch,
                             uint16_t event)
{
    for (unsigned n = 0; n < 2 * q->size; n++) {
        struct model_place p = ahead(from, n);

        if (event == (p.slot | p.wrap << 15))
            return (n >= older && n < older + batch) || n > q->size;
    }
    return false;
}

static void packed_case(struct model_place from, unsigned older, unsigned batch, unsigned mode,
                        uint16_t event)
{
    bool desc = mode == DESC && q->event_idx;
    unsigned kicks;

    packed_at(from);
    model_put_device_event(mq, DISABLE << 16);
    if (older)
        CHECK_EQ(submit(older), 0);
    model_put_device_event(mq, (uint32_t)mode << 16 | event);
    kicks = submit_from(older, batch);
    if (kicks != (desc ? packed_reference(from, older, batch, event) : mode != DISABLE))
        check_fail(__FILE__, __LINE__,
                   "size %u, from %u/%u by %u after %u, event %#x in mode %u: %u kicks", q->size,
                   from.slot, from.wrap, batch, older, event, mode, kicks);
    empty();
}

static void packed_events(struct model_place from, unsigned older, unsigned batch)
{
    for (unsigned slot = 0; slot < q->size; slot++)
        for (unsigned wrap = 0; wrap < 2; wrap++)
            packed_case(from, older, batch, DESC, (uint16_t)(slot | wrap << 15));
    packed_case(from, older, batch, ENABLE, 0x7fff);
    packed_case(from, older, batch, DISABLE, from.slot);
    packed_case(from, older, batch, RESERVED, from.slot); /* means nothing: tell it */
}

static void packed_batches(struct model_place from)
{
    for (unsigned older = 0; older < q->size; older++)
        for (unsigned batch = 1; older + batch <= q->size; batch++)
            packed_events(from, older, batch);
}

static void packed_all(unsigned size, bool event_idx)
{
    boot(size, event_idx);
    for (unsigned slot = 0; slot < size; slot++)
        for (unsigned wrap = 0; wrap < 2; wrap++)
            packed_batches((struct model_place){(uint16_t)slot, wrap});
}

static void packed_event_1(void)
{
    packed_all(1, true);
}

static void packed_event_2(void)
{
    packed_all(2, true);
}

static void packed_event_3(void)
{
    packed_all(3, true);
}

static void packed_event_5(void)
{
    packed_all(5, true);
}

static void packed_event_7(void)
{
    packed_all(7, true);
}

static void packed_flag(void)
{
    packed_all(3, false);
}

/* A chain counts with all its descriptors, wherever in it the event lies. */
static void packed_chain(void)
{
    testdrv_one_queue(8, 2);
    m = testdrv_boot(MODEL_MMIO, 8, (unsigned[]){VIRTIO_F_EVENT_IDX}, 1);
    mq = &m->queues[0];
    q = td.q[0];
    for (unsigned event = 0; event < 8; event++) {
        uint64_t kicks = mq->kicks;

        packed_at((struct model_place){2, true});
        model_put_device_event(mq, DESC << 16 | 0x8000 | event);
        CHECK_EQ(testdrv_submit(q, 0), 1);
        CHECK_EQ(mq->kicks - kicks, event < 4); /* 0 and 1 lie behind it */
        empty();
    }
}

/* The driver asks for the slot and wrap counter of the next completion, all round the ring.
 */
static void packed_arming(void)
{
    boot(3, true);
    for (unsigned i = 0; i < 12; i++) {
        uint32_t next = i % 3 | (i / 3 % 2 ? 0 : 0x8000);

        CHECK_EQ(model_driver_event(mq) >> 16, i ? DESC : DISABLE);
        virtq_disarm(q);
        CHECK_EQ(model_driver_event(mq), (uint32_t)DISABLE << 16);
        CHECK(!virtq_arm(q));
        CHECK_EQ(model_driver_event(mq), (uint32_t)DESC << 16 | next);
        CHECK_EQ(submit(1), 1);
        empty();
    }
}

/* ---- NOTIFICATION_DATA: where the next buffer goes ------------------------------------------- */

/*
 * Over MMIO, all round the ring: the queue in bits 0 to 15, in 16 to 31 the split ring's available
 * index, or the packed ring's slot with its wrap counter on top.
 */
static void data_over_the_wrap(void)
{
    static const unsigned bits[] = {VIRTIO_F_NOTIFICATION_DATA};
    bool packed = case_variant == TD_PACKED;

    td.queues = 2;
    td.cfg[0] = (struct virtq_config){.name = "a", .size = 4, .max_segs = 1};
    td.cfg[1] = (struct virtq_config){.name = "b", .size = packed ? 3 : 4, .max_segs = 1};
    m = testdrv_boot(MODEL_MMIO, 8, bits, 1);
    mq = &m->queues[1];
    q = td.q[1];
    if (!packed) {
        virtq_split_of(q)->avail_idx = virtq_split_of(q)->used_idx = 0xfffa;
        model_start_index(mq, 0xfffa);
    }
    for (unsigned i = 1; i <= 12; i++) {
        uint32_t slot = i % 3, wrap = i / 3 % 2 == 0, index = (0xfffa + i) & 0xffff;

        CHECK_EQ(submit(1), 1);
        const struct model_access *kick = &m->trace[m->trace_len - 1];
        CHECK(kick->write && kick->off == 0x50 && kick->width == 4);
        CHECK_EQ(kick->v, 1 | (packed ? slot << 16 | wrap << 31 : index << 16));
        empty();
    }
}

/* A kick that is repeated says the same again. */
static void repeated_kick(void)
{
    static const unsigned bits[] = {VIRTIO_F_NOTIFICATION_DATA, VIRTIO_F_EVENT_IDX};
    unsigned kicks = 0;

    testdrv_one_queue(8, 1);
    m = testdrv_boot(MODEL_MMIO, 8, bits, 2);
    mq = &m->queues[0];
    q = td.q[0];
    model_want_kick(m, mq, true);
    host_log_events(true);
    CHECK_EQ(submit(3), 1);
    q->since_kick = 3; /* as if that one had got lost */
    host_run_for(HAL_SEC);
    for (unsigned i = 0; i < host_event_count(); i++) {
        const struct host_event *e = host_event_at(i);

        if (e->kind != HOST_WRITE || !e->strong)
            continue;
        CHECK_EQ(e->v, case_variant == TD_PACKED ? 0x80030000 : 0x30000);
        kicks++;
    }
    CHECK_EQ(kicks, 2);
    CHECK_EQ(virtq_stats(q)->rekicks, 1);
}

int main(int argc, char **argv)
{
#define EVENTS "NOTIF-PACK-01 NOTIF-PACK-04"
    static const struct test_case cases[] = {
        SHOWS(split_event, "NOTIF-09 NOTIF-10 NOTIF-11 SPLIT-22"),
        SHOWS(split_flag, "NOTIF-06 NOTIF-07 NOTIF-08 SPLIT-23"),
        {"packed_event_1", packed_event_1, EVENTS, TD_PACKED},
        {"packed_event_2", packed_event_2, EVENTS, TD_PACKED},
        {"packed_event_3", packed_event_3, EVENTS, TD_PACKED},
        {"packed_event_5", packed_event_5, EVENTS, TD_PACKED},
        {"packed_event_7", packed_event_7, EVENTS, TD_PACKED},
        {"packed_flag", packed_flag, "NOTIF-PACK-01", TD_PACKED},
        {"packed_chain", packed_chain, "NOTIF-PACK-04", TD_PACKED},
        {"packed_arming", packed_arming, "NOTIF-PACK-05 NOTIF-PACK-07", TD_PACKED},
        EACH_RING(data_over_the_wrap, "MMIO-NOTIF-02 NOTIF-14 NOTIF-15",
                  "MMIO-NOTIF-02 NOTIF-16 PACK-12"),
        EACH_RING(repeated_kick, "NOTIF-17", "NOTIF-17 PACK-13"),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
