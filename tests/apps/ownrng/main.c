/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ownrng - an application with a driver of its own for a device type that the tree has a driver for
 * too (entropy, linked here by name): the application's is the one that is used.
 */
#include <stdio.h>
#include <vireo.h>

#include "entropy/vrng.h"
#include "virtio/virtio.h"

static struct waitq answered;
static uint8_t *bytes;
static uint32_t got;

static int probe(struct virtio_device *dev)
{
    static const struct virtq_config queue = {.name = "mine", .size = 2, .max_segs = 1};
    struct virtq_seg seg = {.len = 16};
    struct virtq_request request = {.segs = &seg, .writable = 1, .cookie = &got};
    int err = virtio_setup_queues(dev, &queue, 1);

    bytes = err ? NULL : hal_dma_alloc(16, 16, &seg.addr);
    if (!bytes)
        return err ? err : -ENOMEM;
    virtio_start(dev);
    virtq_submit(virtio_queue(dev, 0), &request, 1);
    return 0;
}

static bool service(struct virtio_device *dev)
{
    struct virtq_done done;

    if (virtq_reap(virtio_queue(dev, 0), &done, 1) != 1)
        return false;
    got = done.len;
    waitq_wake_all(&answered);
    return true;
}

static void dead(struct virtio_device *dev, bool quarantine)
{
    (void)quarantine; /* the image ends with its one buffer */
    while (virtq_take_back(virtio_queue(dev, 0)))
        continue;
}

VIRTIO_DRIVER(own_driver) = {
    .device_id = VIRTIO_ID_ENTROPY,
    .prefix = "own",
    .probe = probe,
    .service = service,
    .dead = dead,
};

int main(void)
{
    struct vrng_info info;

    while (!got)
        if (waitq_wait(&answered, hal_now_ns() + 20 * HAL_SEC))
            return 1;
    printf("ownrng: %u bytes; the tree's driver has %s\n", got,
           vrng_info(0, &info) ? "no device" : info.name);
    return 0;
}
