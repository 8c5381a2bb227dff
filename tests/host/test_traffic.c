/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_traffic.c - random traffic over both rings, at every interesting size and with every set of
 * the features that change what a ring looks like, against a reference (virtio 1.4, sections 2.7,
 * 2.8, 2.9). Chains of random lengths come back in any order, with any length; with IN_ORDER in
 * order, and a used entry may stand for many. The model judges each word that the driver writes.
 */
#include "check.h"
#include "testdrv.h"
#include "virtio/ring/split.h"

#define ROUNDS  1000
#define BUFFERS 4096

enum { EVENT = 1, INDIRECT = 2, IN_ORDER = 4, DATA = 8 };

/* A case: ring in bit 0, features from bit 1 on, size from bit 8 on. */
static unsigned variant(unsigned ring, unsigned features, unsigned size)
{
    return ring | features << 1 | size << 8;
}

static struct model *m;
static struct model_queue *mq;
static struct virtq *q;
static bool in_order;

static struct {
    bool out; /* submitted, not yet back */
    uint32_t writable;
    uint32_t len; /* that the driver should be told */
    unsigned count, readable;
    struct virtq_seg segs[4];
} ref[BUFFERS];
static struct model_chain held[MODEL_RING_MAX]; /* a queue, if the device works in order */
static unsigned held_first, held_count, out_count, slots_used, next_buffer;

static void boot(unsigned ring, unsigned features, unsigned size)
{
    unsigned bits[5], n = 0;

    if (features & EVENT)
        bits[n++] = VIRTIO_F_EVENT_IDX;
    if (features & INDIRECT)
        bits[n++] = VIRTIO_F_INDIRECT_DESC;
    if (features & IN_ORDER)
        bits[n++] = VIRTIO_F_IN_ORDER;
    if (features & DATA) {
        bits[n++] = VIRTIO_F_NOTIFICATION_DATA;
        bits[n++] = VIRTIO_F_ORDER_PLATFORM;
    }
    case_variant = ring;
    in_order = features & IN_ORDER;
    td.no_reap = true;
    testdrv_one_queue(size, size < 4 ? size : 4);
    m = testdrv_boot(MODEL_MMIO, MODEL_RING_MAX, bits, n);
    m->no_write_flag = !features; /* as QEMU */
    mq = &m->queues[0];
    q = td.q[0];
    CHECK_EQ(virtq_size(q), size);
}

/* A split ring shortly before its indexes wrap. */
static void start_near_the_wrap(void)
{
    if (q->ring != &virtq_split)
        return;
    virtq_split_of(q)->avail_idx = virtq_split_of(q)->used_idx = 0xfff0;
    model_start_index(mq, 0xfff0);
}

static unsigned chain_cost(unsigned segs)
{
    return q->indirect && segs > 1 ? 1 : segs;
}

/* Fills in a random request for the next free buffer number. */
static unsigned make_request(struct virtq_request *r, struct virtq_seg *segs)
{
    unsigned n = next_buffer, count = 1 + random_below(q->max_segs), off = 0;

    while (ref[n].out)
        n = (n + 1) % BUFFERS;
    next_buffer = (n + 1) % BUFFERS;
    r->readable = (uint16_t)random_below(count + 1);
    r->writable = (uint16_t)(count - r->readable);
    ref[n].count = count;
    ref[n].readable = r->readable;
    ref[n].writable = 0;
    for (unsigned i = 0; i < count; i++) {
        uint32_t len = 1 + random_below(TESTDRV_BUF / q->max_segs);
        segs[i] = ref[n].segs[i] = testdrv_seg(n, off, len);
        off += len;
        ref[n].writable += i >= r->readable ? len : 0;
    }
    r->segs = segs;
    r->cookie = testdrv_cookie(n);
    ref[n].out = true;
    return chain_cost(count);
}

static void submit_some(void)
{
    struct virtq_request r[8];
    struct virtq_seg segs[8][4];
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

static struct model_chain *held_at(unsigned n)
{
    return &held[(held_first + n) % MODEL_RING_MAX];
}

static unsigned number_of(const struct model_chain *c)
{
    return testdrv_number(q->slots[c->head].cookie);
}

/* The device was given what was submitted, segment by segment. */
static void check_chain(const struct model_chain *c)
{
    unsigned n = number_of(c);

    CHECK(n < BUFFERS && ref[n].out);
    CHECK_EQ(c->count, ref[n].count);
    CHECK_EQ(c->readable, ref[n].readable);
    for (unsigned i = 0; i < c->count; i++)
        CHECK(c->segs[i].addr == ref[n].segs[i].addr && c->segs[i].len == ref[n].segs[i].len);
}

static void device_takes(void)
{
    unsigned n = random_below(8);

    for (; n > 0 && model_pop(m, mq, held_at(held_count)); n--)
        check_chain(held_at(held_count++));
    model_want_kick(m, mq, random_below(2));
}

static void told(unsigned buffer, uint32_t len)
{
    ref[buffer].len = len < ref[buffer].writable ? len : ref[buffer].writable;
}

/* Section 2.7.9, 2.8.8: a run of them, and one entry for the last. */
static void complete_run(uint32_t len)
{
    unsigned run = 1 + random_below(held_count < 5 ? held_count : 5);

    for (; run > 1; run--, held_count--) {
        told(number_of(held_at(0)), UINT32_MAX);
        model_skip(mq, held_at(0));
        held_first = (held_first + 1) % MODEL_RING_MAX;
    }
    told(number_of(held_at(0)), len);
    model_push(m, mq, held_at(0), len);
    held_first = (held_first + 1) % MODEL_RING_MAX;
    held_count--;
}

static void complete_any(uint32_t len)
{
    struct model_chain *c = held_at(random_below(held_count));

    told(number_of(c), len);
    model_push(m, mq, c, len);
    *c = *held_at(--held_count);
}

static void device_completes(void)
{
    static const uint32_t lens[] = {0, 1, 7, 64, 0x10000, UINT32_MAX};
    unsigned n = random_below(8);

    while (n-- > 0 && held_count > 0)
        (in_order ? complete_run : complete_any)(lens[random_below(6)]);
    model_publish(m, mq);
}

static void driver_reaps(void)
{
    struct virtq_done done[8];
    int n = virtq_reap(q, done, 1 + random_below(8));

    CHECK(n >= 0);
    for (int i = 0; i < n; i++) {
        unsigned b = testdrv_number(done[i].cookie);
        CHECK(b < BUFFERS && ref[b].out);
        CHECK_EQ(done[i].len, ref[b].len);
        ref[b].out = false;
        out_count--;
    }
    slots_used = q->size - virtq_free_slots(q);
    CHECK_EQ(virtq_in_flight(q), out_count);
    if (random_below(8) == 0)
        virtq_arm(q);
    else if (random_below(8) == 0)
        virtq_disarm(q);
}

static void traffic(void)
{
    unsigned size = case_variant >> 8;

    boot(case_variant & 1, case_variant >> 1 & 15, size);
    start_near_the_wrap();
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

/* More than 65,536 buffers, so that all indexes go round, in batches of odd sizes. */
static void goes_round(void)
{
    unsigned size = case_variant >> 8;

    boot(case_variant & 1, case_variant >> 1 & 15, size);
    td.no_reap = false;
    for (unsigned i = 0; i < 70000; i += 3) {
        for (unsigned k = 0; k < 3; k++)
            CHECK_EQ(testdrv_submit(q, i % 4093 + k), 1);
        CHECK_EQ(model_serve(m, mq), 3);
        host_run_services();
        CHECK_EQ(td.done_count, 3);
        td.done_count = 0;
    }
    CHECK_EQ(virtq_stats(q)->rekicks, 0);
    CHECK_EQ(virtq_stats(q)->late, 0);
}

/* ---- the cases ------------------------------------------------------------------------------- */

#define ANY "VQ-02 VQ-04 INIT-20 "
#define SPLIT_DIRECT                                                                               \
    ANY "SPLIT-01 SPLIT-02 SPLIT-06 SPLIT-07 SPLIT-08 SPLIT-12 SPLIT-19 SPLIT-20 SPLIT-21 "        \
        "SPLIT-27 SPLIT-29 SPLIT-30 NOTIF-05"
#define SPLIT_INDIRECT ANY "SPLIT-13 SPLIT-15 SPLIT-17 SPLIT-18"
#define PACKED_DIRECT                                                                              \
    ANY "PACK-01 PACK-02 PACK-03 PACK-05 PACK-06 PACK-07 PACK-08 PACK-09 PACK-10 PACK-11 PACK-15 " \
        "PACK-16 PACK-17 PACK-18 PACK-19 PACK-20 PACK-21 PACK-22 PACK-23 PACK-28 PACK-35 "         \
        "NOTIF-PACK-03 NOTIF-PACK-05 NOTIF-PACK-06"
#define PACKED_INDIRECT ANY "PACK-27 PACK-29 PACK-30 PACK-31 PACK-32"

static const struct {
    unsigned features;
    const char *name, *split, *packed;
} sets[] = {
    {0, "plain", SPLIT_DIRECT " NOTIF-01", PACKED_DIRECT " NOTIF-PACK-02"},
    {EVENT, "event", SPLIT_DIRECT " NOTIF-03", PACKED_DIRECT " PACK-26"},
    {INDIRECT, "indirect", SPLIT_INDIRECT, PACKED_INDIRECT},
    {EVENT | INDIRECT, "both", SPLIT_INDIRECT, PACKED_INDIRECT " PACK-26"},
    {IN_ORDER, "in_order", "SPLIT-10 SPLIT-11 SPLIT-34 SPLIT-35", "PACK-41 PACK-42"},
    {IN_ORDER | EVENT | INDIRECT, "in_order_both", "SPLIT-10 SPLIT-16 SPLIT-34 SPLIT-35",
     "PACK-41 PACK-42"},
    {DATA | EVENT, "data", "NOTIF-14 NOTIF-15", "NOTIF-16 PACK-12"},
};
#define SETS (sizeof(sets) / sizeof(sets[0]))

static const uint16_t split_sizes[] = {1, 2, 4, 8, 64, 256};
static const uint16_t packed_sizes[] = {1, 2, 3, 5, 7, 64, 100, 256};

static struct test_case cases[128];
static char names[128][40];
static unsigned count;

static void add(const char *what, void (*fn)(void), unsigned ring, unsigned set, unsigned size,
                const char *shows)
{
    snprintf(names[count], sizeof(names[count]), "%s_%s_%u_%s", what,
             ring == TD_PACKED ? "packed" : "split", size, sets[set].name);
    cases[count] =
        (struct test_case){names[count], fn, shows, variant(ring, sets[set].features, size)};
    count++;
}

/* A ring of a few entries holds no chain worth the name: what it shows is that it works. */
static void add_ring(unsigned ring, const uint16_t *sizes, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        for (unsigned s = 0; s < SETS; s++)
            add("traffic", traffic, ring, s, sizes[i],
                sizes[i] < 5        ? NULL
                : ring == TD_PACKED ? sets[s].packed
                                    : sets[s].split);
}

int main(int argc, char **argv)
{
    add_ring(TD_SPLIT, split_sizes, sizeof(split_sizes) / sizeof(split_sizes[0]));
    add_ring(TD_PACKED, packed_sizes, sizeof(packed_sizes) / sizeof(packed_sizes[0]));
    add("round", goes_round, TD_SPLIT, 1, 8, "SPLIT-19 SPLIT-20 SPLIT-27 SPLIT-30 NOTIF-10");
    add("round", goes_round, TD_PACKED, 1, 7, "PACK-07 PACK-23 NOTIF-PACK-04");
    return run_cases(cases, count, argc, argv);
}
