/* SPDX-License-Identifier: BSD-2-Clause */
/* sum.c - a driver for the device of sum.h, as docs/new-device.md explains it step by step. */
#include "sum.h"
#include "virtio/virtio.h"

enum { Q_REQUESTS, Q_REPORTS, QUEUES, SLOTS = 4, REPORTS = 2, CONFIG_LIMIT = 0 };

/* What the device reads and writes: DMA memory, of which each piece is one side's at a time. */
struct shared {
    struct slot {
        uint32_t numbers[SUM_NUMBERS], sum[2];
    } slot[SLOTS];
    uint32_t report[REPORTS];
};

static struct {
    struct virtio_device *dev; /* NULL: there is none, or it is dead */
    struct shared *shared;
    uint64_t dma;
    sum_fn done[SLOTS];
    void *ctx[SLOTS];
    unsigned count[SLOTS];          /* of numbers, 0 if the slot is free */
    uint32_t limit, width, reports; /* numbers in a request, bytes of a sum, last report */
} sum;

static const struct virtio_feature features[] = {
    {SUM_F_LIMIT, "limit", {0}},
    {SUM_F_UNORDERED, "unordered", {0}},
    {SUM_F_WIDE, "wide", {0}},
    {SUM_F_WIDE_UNORDERED, "both", {VIRTIO_NEEDS(SUM_F_WIDE), VIRTIO_NEEDS(SUM_F_UNORDERED)}},
};

static uint64_t dma_of(const void *p)
{
    return sum.dma + (uint64_t)((const char *)p - (const char *)sum.shared);
}

/* Also when the device says that its configuration changed. What it says is bounded. */
static void read_limit(struct virtio_device *dev)
{
    uint32_t limit = SUM_NUMBERS;

    if (virtio_has(dev, SUM_F_LIMIT) && virtio_config_read32(dev, CONFIG_LIMIT, &limit))
        return;
    sum.limit = limit < SUM_NUMBERS ? limit : SUM_NUMBERS;
}

static void post_report(uint32_t *buffer)
{
    struct virtq_seg seg = {dma_of(buffer), sizeof(*buffer)};
    struct virtq_request request = {.segs = &seg, .writable = 1, .cookie = buffer};

    virtq_submit(virtio_queue(sum.dev, Q_REPORTS), &request, 1);
}

/* Submits the request of a slot, for the first time or again. */
static bool send(unsigned i)
{
    struct slot *slot = &sum.shared->slot[i];
    struct virtq_seg segs[] = {{dma_of(slot->numbers), sum.count[i] * 4},
                               {dma_of(slot->sum), sum.width}};
    struct virtq_request request = {.segs = segs, .readable = 1, .writable = 1, .cookie = slot};

    return virtq_submit(virtio_queue(sum.dev, Q_REQUESTS), &request, 1) == 1;
}

/* Also when the device was reset, or plugged in again: makes only the memory that is missing. */
static int sum_returned(struct virtio_device *dev)
{
    if (!sum.shared)
        sum.shared = hal_dma_alloc(sizeof(*sum.shared), 64, &sum.dma);
    if (!sum.shared)
        return -ENOMEM;
    sum.dev = dev;
    sum.width = virtio_has(dev, SUM_F_WIDE) ? 8 : 4;
    read_limit(dev);
    return 0;
}

/* The queue is empty: buffers for reports, and what was asked for and not answered. */
static void sum_queue_back(struct virtio_device *dev, struct virtq *q)
{
    bool reports = q == virtio_queue(dev, Q_REPORTS);

    for (unsigned i = 0; i < (reports ? REPORTS : SLOTS); i++)
        if (reports)
            post_report(&sum.shared->report[i]);
        else if (sum.count[i])
            send(i);
}

static int sum_probe(struct virtio_device *dev)
{
    static const struct virtq_config queues[QUEUES] = {
        {.name = "requests", .size = 2 * SLOTS, .max_segs = 2, .expects_progress = true},
        {.name = "reports", .size = REPORTS, .max_segs = 1},
    };
    int err = sum.dev ? -EBUSY : virtio_setup_queues(dev, queues, QUEUES);

    if (!err)
        err = sum_returned(dev);
    if (err)
        return err;
    virtio_start(dev);
    for (unsigned i = 0; i < QUEUES; i++)
        sum_queue_back(dev, virtio_queue(dev, i));
    return 0;
}

static void finish(struct slot *slot, int err)
{
    unsigned i = (unsigned)(slot - sum.shared->slot);
    sum_fn done = sum.done[i];

    sum.count[i] = 0; /* free again: done may use it */
    done(sum.ctx[i], err, err ? 0 : slot->sum[0] | (uint64_t)slot->sum[1] << 32);
}

/* Each cookie is our own pointer; of the device is only the length, which the queue has bounded. */
static bool sum_service(struct virtio_device *dev)
{
    struct virtq_done requests[SLOTS], reports[REPORTS];
    int n = virtq_reap(virtio_queue(dev, Q_REQUESTS), requests, SLOTS);
    int m = virtq_reap(virtio_queue(dev, Q_REPORTS), reports, REPORTS);

    for (int i = 0; i < n; i++)
        finish(requests[i].cookie, requests[i].len == sum.width ? 0 : -EIO);
    for (int i = 0; i < m; i++) {
        if (reports[i].len == sizeof(uint32_t))
            sum.reports = *(uint32_t *)reports[i].cookie;
        post_report(reports[i].cookie);
    }
    return n > 0 || m > 0;
}

/* A sum can be asked for twice without harm, so all that was out stays in its slot. */
static void sum_queue_lost(struct virtio_device *dev, struct virtq *q)
{
    (void)dev;
    while (virtq_take_back(q))
        continue;
}

/* It was reset and is given up: every caller hears of it, once. */
static void sum_dead(struct virtio_device *dev, bool quarantine)
{
    for (unsigned i = 0; i < QUEUES; i++)
        sum_queue_lost(dev, virtio_queue(dev, i));
    sum.dev = NULL;
    for (unsigned i = 0; i < SLOTS; i++)
        if (sum.count[i])
            finish(&sum.shared->slot[i], -EIO);
    if (!quarantine)
        hal_dma_free(sum.shared, sizeof(*sum.shared));
    sum.shared = NULL;
}

VIRTIO_DRIVER(sum_driver) = {
    .device_id = SUM_ID,
    .prefix = "sum",
    .features = features,
    .feature_count = sizeof(features) / sizeof(features[0]),
    .probe = sum_probe,
    .service = sum_service,
    .config_changed = read_limit,
    .queue_lost = sum_queue_lost,
    .returned = sum_returned,
    .queue_back = sum_queue_back,
    .dead = sum_dead,
};

int sum_request(const uint32_t *numbers, unsigned n, sum_fn done, void *ctx)
{
    unsigned i = 0;

    while (i < SLOTS && sum.count[i])
        i++;
    if (!sum.dev || !n || n > sum.limit || i == SLOTS)
        return !sum.dev ? -ENODEV : i == SLOTS ? -EAGAIN : -EINVAL;
    memcpy(sum.shared->slot[i].numbers, numbers, n * 4);
    sum.count[i] = n;
    sum.done[i] = done;
    sum.ctx[i] = ctx;
    if (!send(i) && virtio_works(sum.dev))
        sum.count[i] = 0; /* no room; while the device is being reset, the request waits */
    return sum.count[i] ? 0 : -EAGAIN;
}

uint32_t sum_reports(void)
{
    return sum.reports;
}
