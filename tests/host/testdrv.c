/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testdrv.c - the driver of testdrv.h.
 */
#include "testdrv.h"

#include <stdlib.h>

#include "check.h"
#include "model_pci.h"
#include "virtio/ring/packed.h"

struct testdrv td;

#define BUFFERS 4096
static uint8_t *area;
static uint64_t area_dma;

static void reap(unsigned i)
{
    struct virtq_done got[16];
    int n;

    while ((n = virtq_reap(td.q[i], got, 16)) > 0) {
        for (int k = 0; k < n; k++) {
            CHECK(td.done_count < TESTDRV_DONE);
            td.done_queue[td.done_count] = i;
            td.done[td.done_count++] = got[k];
        }
    }
    if (n < 0)
        td.reap_error = n;
}

static int probe(struct virtio_device *dev)
{
    td.dev = dev;
    td.probes++;
    virtio_set_priv(dev, &td);
    if (td.probe) {
        int err = td.probe(dev);
        if (err)
            return err;
    }
    if (!td.queues)
        return -ENODEV;
    int err = virtio_setup_queues(dev, td.cfg, td.queues);
    if (err)
        return err;
    for (unsigned i = 0; i < td.queues; i++)
        td.q[i] = virtio_queue(dev, i);
    virtio_start(dev);
    return 0;
}

static bool service(struct virtio_device *dev)
{
    unsigned before = td.done_count;

    CHECK(dev == td.dev && virtio_priv(dev) == &td);
    td.services++;
    for (unsigned i = 0; i < td.queues && !td.no_reap; i++)
        reap(i);
    return td.done_count != before;
}

static void config_changed(struct virtio_device *dev)
{
    (void)dev;
    td.config_changes++;
}

static void take_all_back(struct virtq *q)
{
    bool seen[BUFFERS] = {false};
    void *cookie;

    while ((cookie = virtq_take_back(q)) != NULL) {
        unsigned n = testdrv_number(cookie);
        CHECK(n < BUFFERS && !seen[n]);
        seen[n] = true;
        td.taken_back++;
    }
    CHECK(virtq_take_back(q) == NULL);
    CHECK_EQ(virtq_in_flight(q), 0);
}

static void dead(struct virtio_device *dev, bool quarantine)
{
    CHECK(dev == td.dev && !virtio_works(dev));
    td.deaths++;
    td.quarantine = quarantine;
    for (unsigned i = 0; i < td.queues; i++) {
        CHECK_EQ(virtq_state(td.q[i]), VIRTQ_GONE);
        take_all_back(td.q[i]);
    }
}

static void queue_lost(struct virtio_device *dev, struct virtq *q)
{
    CHECK(dev == td.dev);
    CHECK_EQ(virtq_state(q), VIRTQ_OFF);
    td.lost[q->index]++;
    take_all_back(q);
}

static int returned(struct virtio_device *dev)
{
    CHECK(dev == td.dev && !virtio_works(dev));
    td.returns++;
    for (unsigned i = 0; i < td.queues; i++)
        CHECK_EQ(virtq_state(td.q[i]), VIRTQ_OFF);
    return td.returned ? td.returned(dev) : 0;
}

static void queue_back(struct virtio_device *dev, struct virtq *q)
{
    CHECK(dev == td.dev && virtio_works(dev));
    CHECK_EQ(virtq_state(q), VIRTQ_OK);
    td.back[q->index]++;
    if (td.queue_back)
        td.queue_back(dev, q);
}

static const struct virtio_feature features[] = {
    {TD_A, "a", {0}},
    {TD_B, "b", {0}},
    /* Before what it needs: dependencies are closed whatever the order of the table. */
    {TD_NEEDS_B_AND_2, "needs_b_and_2", {VIRTIO_NEEDS(TD_B), VIRTIO_NEEDS(TD_NEEDS_A)}},
    {TD_NEEDS_A, "needs_a", {VIRTIO_NEEDS(TD_A)}},
    {TD_HIGH, "high", {0}},
    {TD_WORD_2, "word_2", {0}},
    {TD_LAST, "last", {VIRTIO_NEEDS(TD_WORD_2)}},
};

VIRTIO_DRIVER(testdrv) = {
    .device_id = MODEL_DEVICE_ID,
    .prefix = "vtest",
    .features = features,
    .feature_count = sizeof(features) / sizeof(features[0]),
    .probe = probe,
    .service = service,
    .config_changed = config_changed,
    .dead = dead,
};

VIRTIO_DRIVER(testdrv_recovers) = {
    .device_id = MODEL_RECOVERS_ID,
    .prefix = "vtest",
    .features = features,
    .feature_count = sizeof(features) / sizeof(features[0]),
    .probe = probe,
    .service = service,
    .config_changed = config_changed,
    .queue_lost = queue_lost,
    .returned = returned,
    .queue_back = queue_back,
    .dead = dead,
};

void testdrv_one_queue(unsigned size, unsigned max_segs)
{
    td.queues = 1;
    td.cfg[0] = (struct virtq_config){.name = "t",
                                      .size = (uint16_t)size,
                                      .max_segs = (uint16_t)max_segs,
                                      .expects_progress = true};
}

static void plug_pci(struct model *m)
{
    struct hal_pci_host h = model_pci_windows();

    model_pci_bridge(&h, true);
    model_plug_pci(calloc(1, sizeof(struct model_vpci)), m, 1, false);
}

struct model *testdrv_boot(enum model_transport t, unsigned max, const unsigned *bits, unsigned n)
{
    struct model *m = calloc(1, sizeof(*m));

    model_init(m, t, td.recovers ? MODEL_RECOVERS_ID : MODEL_DEVICE_ID);
    for (unsigned i = 0; i < td.queues; i++)
        m->queues[i].max = max;
    for (unsigned i = 0; i < n; i++)
        model_offer(m, bits[i]);
    if (case_variant == TD_PACKED)
        model_offer(m, VIRTIO_F_RING_PACKED);
    if (t == MODEL_PCI || t == MODEL_PCI_LEGACY)
        plug_pci(m);
    else
        model_plug_mmio(m, 0);
    model_watch(m);
    host_boot();
    CHECK(td.dev != NULL && virtio_find("vtest0") == td.dev);
    return m;
}

static uintptr_t area_word(uint64_t dma, unsigned off)
{
    return (uintptr_t)host_dma_pointer(dma + off, 2);
}

struct testdrv_words testdrv_words(const struct virtq *q)
{
    if (q->ring == &virtq_packed)
        return (struct testdrv_words){
            .publish = area_word(q->desc_dma, 16u * virtq_packed_of(q)->next_avail + 14),
            .suppression = area_word(q->used_dma, 0),
            .used = area_word(q->desc_dma, 16u * virtq_packed_of(q)->next_used + 14),
            .arm = area_word(q->avail_dma, 0),
        };
    return (struct testdrv_words){
        .publish = area_word(q->avail_dma, 2),
        .suppression = area_word(q->used_dma, q->event_idx ? 4 + 8u * q->size : 0),
        .used = area_word(q->used_dma, 2),
        .arm = area_word(q->avail_dma, q->event_idx ? 4 + 2u * q->size : 0),
    };
}

/* ---- buffers --------------------------------------------------------------------------------- */

static char cookies[BUFFERS];

void *testdrv_cookie(unsigned n)
{
    return &cookies[n];
}

unsigned testdrv_number(const void *cookie)
{
    return (unsigned)((const char *)cookie - cookies);
}

struct virtq_seg testdrv_seg(unsigned n, unsigned off, uint32_t len)
{
    if (!area)
        area = hal_dma_alloc((size_t)BUFFERS * TESTDRV_BUF, 64, &area_dma);
    return (struct virtq_seg){area_dma + (uint64_t)n * TESTDRV_BUF + off, len};
}

int testdrv_submit(struct virtq *q, unsigned n)
{
    struct virtq_seg segs[2] = {testdrv_seg(n, 0, 16), testdrv_seg(n, 16, 32)};
    struct virtq_request r = {segs, 1, 1, testdrv_cookie(n)};

    return virtq_submit(q, &r, 1);
}
