/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rig.c - the device, the driver and the invariants of rig.h.
 */
#include "rig.h"

#include <string.h>

#include "virtio/ring/split.h"

struct rig rig;
struct model_vpci rig_vpci;

/* ---- variants -------------------------------------------------------------------------------- */

#define MMIO_SPLIT                                                                                 \
    {                                                                                              \
        "mmio-split", RIG(RIG_MMIO, 0)                                                             \
    }
#define MMIO_PACKED                                                                                \
    {                                                                                              \
        "mmio-packed", RIG(RIG_MMIO, 1)                                                            \
    }
#define MMIO_LEGACY                                                                                \
    {                                                                                              \
        "mmio-legacy", RIG(RIG_MMIO_LEGACY, 0)                                                     \
    }
#define PCI_SPLIT                                                                                  \
    {                                                                                              \
        "pci-split", RIG(RIG_PCI, 0)                                                               \
    }
#define PCI_PACKED                                                                                 \
    {                                                                                              \
        "pci-packed", RIG(RIG_PCI, 1)                                                              \
    }
#define PCI_LEGACY                                                                                 \
    {                                                                                              \
        "pci-legacy", RIG(RIG_PCI_LEGACY, 0)                                                       \
    }
#define WINDOW_SPLIT                                                                               \
    {                                                                                              \
        "window-split", RIG(RIG_WINDOW, 0)                                                         \
    }
#define WINDOW_PACKED                                                                              \
    {                                                                                              \
        "window-packed", RIG(RIG_WINDOW, 1)                                                        \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

const struct test_variant rig_all[] = {MMIO_SPLIT,   MMIO_PACKED,   MMIO_LEGACY,
                                       PCI_SPLIT,    PCI_PACKED,    PCI_LEGACY,
                                       WINDOW_SPLIT, WINDOW_PACKED, END};
const struct test_variant rig_split[] = {MMIO_SPLIT, MMIO_LEGACY,  PCI_SPLIT,
                                         PCI_LEGACY, WINDOW_SPLIT, END};
const struct test_variant rig_packed[] = {MMIO_PACKED, PCI_PACKED, WINDOW_PACKED, END};
const struct test_variant rig_modern[] = {MMIO_SPLIT,   MMIO_PACKED,   PCI_SPLIT, PCI_PACKED,
                                          WINDOW_SPLIT, WINDOW_PACKED, END};
const struct test_variant rig_pci[] = {PCI_SPLIT, PCI_PACKED, WINDOW_SPLIT, WINDOW_PACKED, END};

enum rig_bus rig_bus(void)
{
    return (case_variant & 255) / 2;
}

bool rig_is_packed(void)
{
    return case_variant % 2;
}

enum model_transport rig_transport(void)
{
    static const enum model_transport of[] = {
        [RIG_MMIO] = MODEL_MMIO,  [RIG_MMIO_LEGACY] = MODEL_MMIO_LEGACY,
        [RIG_PCI] = MODEL_PCI,    [RIG_PCI_LEGACY] = MODEL_PCI_LEGACY,
        [RIG_WINDOW] = MODEL_PCI,
    };

    return of[rig_bus()];
}

static void plug_pci(struct model *m)
{
    struct hal_pci_host h = model_pci_windows();
    bool window = rig_bus() == RIG_WINDOW;

    if (window)
        h.mem32.len = h.mem64.len = 0;
    model_pci_bridge(&h, true);
    model_plug_pci(&rig_vpci, m, 1, window);
    rig_vpci.window = window;
    if (window)
        model_vpci_caps(&rig_vpci);
}

void rig_plug(struct model *m)
{
    if (rig_is_packed())
        model_offer(m, VIRTIO_F_RING_PACKED);
    if (rig.plug)
        rig.plug(m);
    else if (rig_bus() == RIG_MMIO || rig_bus() == RIG_MMIO_LEGACY)
        model_plug_mmio(m, 0);
    else
        plug_pci(m);
}

/* ---- the driver ------------------------------------------------------------------------------ */

static uint8_t *area;
static uint64_t area_dma;

#define STRIDE 64

static unsigned number(const struct rig_buffer *b)
{
    CHECK(b >= rig.buffer && b < rig.buffer + RIG_BUFFERS);
    return (unsigned)(b - rig.buffer);
}

static uint8_t *memory_of(unsigned n)
{
    return area + (size_t)n * STRIDE;
}

/* The driver's own again: it may touch all of it. */
static void ends(struct rig_buffer *b)
{
    CHECK_EQ(b->place, RIG_OUT);
    b->place = RIG_FREE;
    memset(memory_of(number(b)), 0xa5, RIG_READABLE + RIG_WRITABLE);
}

static void completes(const struct virtq_done *done)
{
    struct rig_buffer *b = done->cookie;

    CHECK(done->len <= RIG_WRITABLE);
    if (rig.m->lied)
        model_disown(rig.m, area_dma + number(b) * STRIDE);
    b->len = done->len;
    b->completed++;
    ends(b);
}

static void cancel_all(bool quarantine)
{
    struct rig_buffer *b;

    while ((b = virtq_take_back(rig.q))) {
        CHECK_EQ(b->place, RIG_OUT);
        b->cancelled++;
        if (quarantine)
            b->place = RIG_FREE; /* its memory is left alone */
        else
            ends(b);
    }
    CHECK(virtq_take_back(rig.q) == NULL);
    CHECK_EQ(virtq_in_flight(rig.q), 0);
}

static int probe(struct virtio_device *dev)
{
    static const struct virtq_config cfg = {
        .name = "rig", .size = RIG_SIZE, .max_segs = 2, .expects_progress = true};
    int err = rig.probe ? rig.probe(dev) : 0;

    if (!err)
        err = virtio_setup_queues(dev, &cfg, 1);
    if (err)
        return err;
    rig.dev = dev;
    rig.q = virtio_queue(dev, 0);
    virtio_start(dev);
    return 0;
}

static bool overdue(void)
{
    uint64_t now = hal_now_ns();

    for (unsigned i = 0; i < RIG_BUFFERS; i++)
        if (rig.buffer[i].place == RIG_OUT && now - rig.buffer[i].since >= RIG_DEADLINE)
            return true;
    return false;
}

static bool service(struct virtio_device *dev)
{
    struct virtq_done done[4];
    bool any = false;
    int n = 0;

    while (!rig.no_reap && (n = virtq_reap(rig.q, done, 4)) > 0) {
        any = true;
        for (int i = 0; i < n; i++)
            completes(&done[i]);
    }
    if (overdue())
        virtq_fail(rig.q, "a buffer was not used in time");
    else if (virtq_in_flight(rig.q))
        virtio_wake_at(dev, hal_now_ns() + RIG_DEADLINE / 4);
    return any;
}

static void config_changed(struct virtio_device *dev)
{
    (void)dev;
    rig.config_changes++;
}

static void queue_lost(struct virtio_device *dev, struct virtq *q)
{
    CHECK(dev == rig.dev && q == rig.q);
    rig.lost++;
    cancel_all(false);
}

static void queue_back(struct virtio_device *dev, struct virtq *q)
{
    CHECK(dev == rig.dev && q == rig.q);
    CHECK_EQ(virtq_state(q), VIRTQ_OK);
    rig.back++;
}

static void dead(struct virtio_device *dev, bool quarantine)
{
    CHECK(dev == rig.dev);
    rig.deaths++;
    rig.dead = true;
    rig.quarantine = quarantine;
    cancel_all(quarantine);
}

VIRTIO_DRIVER(rig_driver) = {
    .device_id = RIG_DEVICE_ID,
    .prefix = "vrig",
    .probe = probe,
    .service = service,
    .config_changed = config_changed,
    .queue_lost = queue_lost,
    .queue_back = queue_back,
    .dead = dead,
};

/* ---- the device ------------------------------------------------------------------------------ */

static void on_kick(struct model *m, struct model_queue *q)
{
    if (rig.serve)
        model_serve(m, q);
}

void rig_make(const unsigned *bits, unsigned n)
{
    rig.m = calloc(1, sizeof(*rig.m));
    rig.mq = &rig.m->queues[0];
    model_init(rig.m, rig_transport(), RIG_DEVICE_ID);
    rig.mq->max = RIG_SIZE;
    for (unsigned i = 0; i < n; i++)
        model_offer(rig.m, bits[i]);
    rig.m->on.kick = on_kick;
    area = hal_dma_alloc((size_t)RIG_BUFFERS * STRIDE, STRIDE, &area_dma);
    rig.serve = true;
}

/* Free-running indexes wrap soon. */
static void start_late(void)
{
    virtq_split_of(rig.q)->avail_idx = virtq_split_of(rig.q)->used_idx = 0xfff8;
    model_start_index(rig.mq, 0xfff8);
    model_want_kick(rig.m, rig.mq, true);
}

void rig_boot(void)
{
    rig_plug(rig.m);
    if (rig.plugged)
        rig.plugged();
    if (!rig.m->on.access) /* else a script is listening, and passes it on */
        model_watch(rig.m);
    host_boot();
    if (rig.q && !rig_is_packed())
        start_late();
    host_run_services();
    rig.blocks = host_live_blocks();
}

int rig_submit(void)
{
    unsigned n = 0;
    int taken;

    while (n < RIG_BUFFERS && rig.buffer[n].place != RIG_FREE)
        n++;
    if (n == RIG_BUFFERS || rig.quarantine)
        return -EAGAIN;
    struct rig_buffer *b = &rig.buffer[n];
    struct virtq_seg segs[2] = {{area_dma + n * STRIDE, RIG_READABLE},
                                {area_dma + n * STRIDE + RIG_READABLE, RIG_WRITABLE}};
    struct virtq_request r = {segs, 1, 1, b};
    struct rig_buffer before = *b;

    b->place = RIG_OUT; /* a device that is quick answers inside of the call */
    b->since = hal_now_ns();
    b->submitted++;
    taken = virtq_submit(rig.q, &r, 1);
    if (taken == 1) {
        virtio_wake_at(rig.dev, hal_now_ns() + RIG_DEADLINE / 4);
        return (int)n;
    }
    *b = before;
    return taken ? taken : -EAGAIN;
}

void rig_hand_out(unsigned n, struct model_chain *chain)
{
    rig.serve = false;
    for (unsigned i = 0; i < n; i++) {
        CHECK(rig_submit() >= 0);
        CHECK(model_pop(rig.m, rig.mq, &chain[i]));
    }
}

/* ---- invariants ------------------------------------------------------------------------------ */

unsigned rig_out(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < RIG_BUFFERS; i++)
        n += rig.buffer[i].place == RIG_OUT;
    return n;
}

unsigned rig_completed(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < RIG_BUFFERS; i++)
        n += rig.buffer[i].completed;
    return n;
}

unsigned rig_cancelled(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < RIG_BUFFERS; i++)
        n += rig.buffer[i].cancelled;
    return n;
}

/* Each buffer that is out is in one slot of the queue, and no other is in any. */
static void check_buffers(void)
{
    unsigned in_slots = 0;
    bool seen[RIG_BUFFERS] = {false};

    for (unsigned i = 0; i < rig.q->size; i++) {
        struct rig_buffer *b = rig.q->slots[i].cookie;

        if (!b)
            continue;
        CHECK(!seen[number(b)]);
        seen[number(b)] = true;
        CHECK_EQ(b->place, RIG_OUT);
        in_slots++;
    }
    CHECK_EQ(in_slots, virtq_in_flight(rig.q));
    CHECK_EQ(in_slots, rig_out());
    for (unsigned i = 0; i < RIG_BUFFERS; i++) {
        const struct rig_buffer *b = &rig.buffer[i];

        CHECK_EQ(b->submitted, b->completed + b->cancelled + (b->place == RIG_OUT));
    }
}

/* Marks a descriptor, or an id, as met: each but once. */
static void meet(bool *met, unsigned i)
{
    CHECK(i < rig.q->size);
    CHECK(!met[i]);
    met[i] = true;
}

/* Each descriptor (split) or id (packed) is free, or belongs to one buffer. */
static void check_slots(void)
{
    const struct virtq *q = rig.q;
    bool split = q->ring == &virtq_split, met[VIRTQ_MAX_SIZE] = {false};
    unsigned taken = 0, at = q->free_head;

    for (unsigned i = 0; i < q->size; i++) {
        unsigned member = i;

        if (!q->slots[i].cookie)
            continue;
        taken += q->slots[i].count;
        for (unsigned k = 0; k < (split ? q->slots[i].count : 1); k++) {
            meet(met, member);
            member = q->slots[member].next;
        }
    }
    CHECK_EQ(taken + q->free_count, q->size);
    if (!split && q->in_order)
        return; /* ids are positions there */
    for (unsigned left = split ? q->free_count : q->size - q->in_flight; left > 0; left--) {
        meet(met, at);
        at = q->slots[at].next;
    }
}

void rig_check(void)
{
    if (!rig.q)
        return;
    check_buffers();
    if (rig.q->state == VIRTQ_OK || rig.q->state == VIRTQ_BROKEN)
        check_slots();
    CHECK(host_live_blocks() <= rig.blocks);
}

void rig_run(uint64_t ns)
{
    model_raise(rig.m, 1, rig.mq);
    host_run_services();
    rig_check();
    host_run_for(ns);
    rig_check();
}

enum rig_verdict rig_settle(void)
{
    for (unsigned i = 0; i < 600; i++) {
        host_run_services();
        rig_check();
        if (!rig_out() && (rig.dead || virtio_works(rig.dev)))
            break;
        host_run_for(100 * HAL_MS);
    }
    CHECK_EQ(rig_out(), 0);
    CHECK(rig.dead || virtio_works(rig.dev));
    CHECK_EQ(host_live_blocks(), rig.blocks);
    return rig.dead ? RIG_GIVEN_UP : rig.lost ? RIG_RECOVERED : RIG_UNHARMED;
}

void rig_check_works(void)
{
    unsigned completed = rig_completed();

    rig.serve = true;
    model_want_kick(rig.m, rig.mq, true);
    for (unsigned i = 0; i < 3 * RIG_SIZE; i++) {
        CHECK(rig_submit() >= 0);
        rig_check();
        host_run_services();
        rig_check();
        host_run_for(HAL_MS);
        CHECK_EQ(rig_completed(), completed + i + 1);
    }
    CHECK_EQ(rig_out(), 0);
}

/* Said once; the buffers that were out are cancelled; the queue comes back, and works. */
void rig_check_broken(const char *cause)
{
    CHECK_EQ(rig_settle(), RIG_RECOVERED);
    CHECK_EQ(host_log_matches(cause), 1);
    rig_check_works();
}
