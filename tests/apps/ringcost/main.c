/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ringcost - what a queue costs, in instructions of the guest: virtq_submit with its kick, and
 * virtq_reap, a buffer, at several batches. It drives the transmit queue of a virtio console whose
 * host throws everything away, because QEMU completes that inside of the kick (without ioeventfd):
 * nothing is waited for, and a batch is there as a whole when it is reaped. Started by
 * scripts/bench, with -icount, which makes the counter of retired instructions exact.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../instructions.h"
#include "vireo.h"
#include "virtio/virtio.h"

enum { TX = 1, ROUNDS = 64, BATCH_MAX = 32, SEGS_MAX = 3, BYTES = 64 };

static struct virtio_device *device;
static char payload[BYTES];

static int probe(struct virtio_device *dev)
{
    static const struct virtq_config queues[] = {
        {.name = "rx", .size = 16, .max_segs = 1},
        {.name = "tx", .size = 256, .max_segs = SEGS_MAX, .lazy = true},
    };
    int err = virtio_setup_queues(dev, queues, 2);

    if (err)
        return err;
    device = dev;
    virtio_start(dev);
    return 0;
}

static bool service(struct virtio_device *dev)
{
    (void)dev;
    return false;
}

static void dead(struct virtio_device *dev, bool quarantine)
{
    (void)quarantine;
    while (virtq_take_back(virtio_queue(dev, TX)))
        ;
}

VIRTIO_DRIVER(ringcost) = {
    .device_id = VIRTIO_ID_CONSOLE,
    .prefix = "ringcost",
    .probe = probe,
    .service = service,
    .dead = dead,
};

/* ---- measuring ------------------------------------------------------------------------------- */

static struct virtq_seg segs[SEGS_MAX];
static struct virtq_request reqs[BATCH_MAX];
static struct virtq_done done[BATCH_MAX];

static void prepare(unsigned count)
{
    for (unsigned i = 0; i < SEGS_MAX; i++)
        segs[i] = (struct virtq_seg){hal_dma_addr(payload, BYTES), BYTES};
    for (unsigned i = 0; i < BATCH_MAX; i++)
        reqs[i] = (struct virtq_request){segs, (uint16_t)count, 0, &reqs[i]};
}

static void fail(const char *what, int got)
{
    printf("ringcost: FAIL %s (%d)\n", what, got);
    exit(1);
}

/* One batch down and up; adds the instructions of each half. */
static void round_trip(struct virtq *q, unsigned batch, unsigned long cost[2])
{
    unsigned long t0 = counter();
    int sent = virtq_submit(q, reqs, batch);
    unsigned long t1 = counter();
    int back = virtq_reap(q, done, batch);
    unsigned long t2 = counter();

    if (sent != (int)batch)
        fail("the batch was not taken", sent);
    if (back != (int)batch)
        fail("the device did not complete the batch in its kick", back);
    cost[0] += t1 - t0;
    cost[1] += t2 - t1;
}

static void measure(struct virtq *q, unsigned batch, unsigned count)
{
    unsigned long cost[2] = {0}, none = counter();
    uint64_t kicks;

    none = counter() - none;
    prepare(count);
    round_trip(q, batch, cost); /* the first of a kind is not counted */
    cost[0] = cost[1] = 0;
    kicks = virtq_stats(q)->kicks;
    for (unsigned i = 0; i < ROUNDS; i++)
        round_trip(q, batch, cost);
    for (unsigned i = 0; i < 2; i++)
        cost[i] -= ROUNDS * none;
    printf("cost batch=%u segs=%u submit=%.1f reap=%.1f kicks=%.2f\n", batch, count,
           (double)cost[0] / (ROUNDS * batch), (double)cost[1] / (ROUNDS * batch),
           (double)(virtq_stats(q)->kicks - kicks) / ROUNDS);
}

int main(void)
{
    static const unsigned batches[] = {1, 32}, lengths[] = {1, SEGS_MAX};
    struct virtio_info info;
    struct virtq *q;

    if (!device || virtio_info(0, &info))
        fail("there is no virtio console", 0);
    q = virtio_queue(device, TX);
    counter_start();
    printf("ring=%s transport=%s\n", info.ring, info.transport);
    for (unsigned l = 0; l < 2; l++)
        for (unsigned b = 0; b < 2; b++)
            measure(q, batches[b], lengths[l]);
    prepare(1);
    printf("kicks begin\n");
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned long ignored[2];

        round_trip(q, 1, ignored);
    }
    printf("kicks end: %u\n", ROUNDS);
    return 0;
}
