/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.c - the loop of ring.h. The input's head chooses features, size and where the indexes start;
 * then each byte is a command to the driver or to the device. Whatever the device did, each buffer
 * that was submitted comes back exactly once.
 */
#include "ring.h"

#include "fuzz.h"
#include "testdrv.h"
#include "virtio/ring/split.h"

#define BUFFERS 1024

static bool out[BUFFERS];
static bool reset_hangs; /* a reset did not complete; the next service ends it */
static unsigned submitted, counted, next_buffer;

static struct model *boot(unsigned format)
{
    static const unsigned choice[] = {VIRTIO_F_EVENT_IDX,         VIRTIO_F_INDIRECT_DESC,
                                      VIRTIO_F_IN_ORDER,          VIRTIO_F_RING_RESET,
                                      VIRTIO_F_NOTIFICATION_DATA, VIRTIO_F_ORDER_PLATFORM};
    static const enum model_transport transports[] = {MODEL_MMIO, MODEL_PCI, MODEL_MMIO,
                                                      MODEL_MMIO_LEGACY};
    unsigned bits[6], n = 0;
    uint8_t features = fuzz8(), shape = fuzz8();
    enum model_transport t = transports[features >> 6];

    case_variant = format;
    for (unsigned i = 0; i < 6; i++)
        if (features >> i & 1 && (t != MODEL_MMIO_LEGACY || i < 2))
            bits[n++] = choice[i];
    if (t == MODEL_MMIO_LEGACY)
        case_variant = TD_SPLIT;
    testdrv_one_queue(1 + shape % 32, 1 + shape / 32 % 4);
    td.cfg[0].expects_progress = shape >> 7;
    shape = fuzz8();
    td.recovers = shape >> 7;
    return testdrv_boot(t, shape % 64 + 4, bits, n);
}

static void start_index(struct model *m, struct virtq *q)
{
    uint8_t how = fuzz8();

    if (q->ring != &virtq_split || !(how & 1))
        return;
    virtq_split_of(q)->avail_idx = virtq_split_of(q)->used_idx = (uint16_t)(0xfff0 | how >> 4);
    model_start_index(&m->queues[0], virtq_split_of(q)->avail_idx);
}

/* A request of 1 to max_segs pieces. */
static void submit(struct virtq *q)
{
    unsigned n = 1 + fuzz_below(8);

    while (n--) {
        unsigned b = next_buffer, count = 1 + fuzz_below(q->max_segs);
        struct virtq_seg segs[4];
        struct virtq_request r = {.segs = segs, .cookie = testdrv_cookie(b)};

        if (out[b] || submitted == TESTDRV_DONE)
            return;
        r.readable = (uint16_t)fuzz_below(count + 1);
        r.writable = (uint16_t)(count - r.readable);
        for (unsigned i = 0; i < count; i++)
            segs[i] = testdrv_seg(b, 16 * i, 16);
        if (virtq_submit(q, &r, 1) != 1)
            return;
        out[b] = true;
        submitted++;
        next_buffer = (b + 1) % BUFFERS;
    }
}

/* CHECKs that each buffer that came back was out. */
static void count_done(void)
{
    for (; counted < td.done_count; counted++) {
        unsigned b = testdrv_number(td.done[counted].cookie);
        CHECK(b < BUFFERS && out[b]);
        CHECK(td.done[counted].len <= TESTDRV_BUF);
        out[b] = false;
    }
}

static void reset_queue(struct virtq *q)
{
    void *cookie;

    if (reset_hangs)
        return;
    reset_hangs = virtq_reset(q) == -ETIMEDOUT;
    if (virtq_state(q) != VIRTQ_OFF)
        return;
    while ((cookie = virtq_take_back(q)) != NULL) {
        unsigned b = testdrv_number(cookie);
        CHECK(b < BUFFERS && out[b]);
        out[b] = false;
        submitted--;
    }
    CHECK_EQ(virtq_in_flight(q), 0);
    virtq_restart(q);
}

/* A lawful device completes its buffers; any other is reset. All buffers come back. */
static void settle(struct model *m, struct virtq *q)
{
    m->dead_silent = m->generation_never_settles = m->queue_reset_never = false;
    m->reset_reads = 0;
    if (!fuzz_lied()) {
        for (unsigned i = 0; i < m->queues[0].num; i++)
            if (m->queues[0].held[i].count) {
                struct model_chain c = m->queues[0].held[i];
                model_push(m, &m->queues[0], &c, c.write_bytes);
            }
        model_serve(m, &m->queues[0]);
    }
    host_run_for(HAL_SEC);
    if (virtq_in_flight(q)) {
        fuzz_lies(m);
        m->gone = true;
        virtio_refuse(td.dev, "the end of the input");
    }
    host_run_for(300 * HAL_SEC);
    count_done();
    CHECK_EQ(virtq_in_flight(q), 0);
    CHECK_EQ(td.done_count + td.taken_back, submitted);
}

void fuzz_ring(unsigned format)
{
    struct model *m = boot(format);
    struct virtq *q = td.q[0];

    start_index(m, q);
    for (unsigned i = 0; i < 400 && fuzz_more(); i++) {
        uint8_t what = fuzz8();
        if (what < 80)
            submit(q);
        else if (what < 84)
            reset_queue(q);
        else if (what < 88)
            virtq_tick(q, hal_now_ns());
        else
            fuzz_device(m);
        count_done();
        CHECK(virtq_in_flight(q) <= virtq_size(q));
    }
    settle(m, q);
    host_shutdown();
}
