/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queues.c - the queues of a device: their set-up by its driver (virtio 1.4, section 3.1.1, step
 * 7), and what they need of the device later (struct virtq_owner).
 */
#include "virtio/device.h"

/* ---- the owner of the queues ----------------------------------------------------------------- */

static void owner_wake(struct virtq_owner *owner)
{
    virtio_wake(virtio_owner_device(owner));
}

static void owner_tick_later(struct virtq_owner *owner)
{
    owner->tick_ns = hal_now_ns() + VIRTQ_TICK;
    virtio_schedule(virtio_owner_device(owner));
}

static void owner_arm_later(struct virtq_owner *owner)
{
    hal_service_changed(&virtio_owner_device(owner)->service);
}

static void owner_notify(struct virtq_owner *owner, struct virtq *q, uint32_t value)
{
    struct virtio_device *dev = virtio_owner_device(owner);

    dev->transport->notify(dev, q, value);
}

static int owner_enable(struct virtq_owner *owner, struct virtq *q)
{
    struct virtio_device *dev = virtio_owner_device(owner);

    return dev->transport->queue_enable(dev, q);
}

static void owner_reset(struct virtq_owner *owner, struct virtq *q)
{
    struct virtio_device *dev = virtio_owner_device(owner);

    dev->transport->queue_reset(dev, q);
}

static bool owner_reset_done(struct virtq_owner *owner, struct virtq *q)
{
    struct virtio_device *dev = virtio_owner_device(owner);

    return dev->transport->queue_reset_done(dev, q);
}

static const struct virtq_owner_ops owner_ops = {
    .wake = owner_wake,
    .tick_later = owner_tick_later,
    .arm_later = owner_arm_later,
    .notify = owner_notify,
    .enable = owner_enable,
    .reset = owner_reset,
    .reset_done = owner_reset_done,
};

void virtio_own_queues(struct virtio_device *dev)
{
    dev->owner.ops = &owner_ops;
    dev->owner.name = dev->name;
    dev->owner.tick_ns = HAL_NEVER;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

struct virtq *virtio_queue(struct virtio_device *dev, unsigned index)
{
    return index < dev->queue_count ? dev->queues[index] : NULL;
}

/* What the driver wants, or the boot argument qsize, where the device lets the driver choose. */
static struct virtq_config sized_config(struct virtio_device *dev, const struct virtq_config *cfg)
{
    struct virtq_config c = *cfg;
    uint64_t size = hal_option_u64(dev->name, "qsize", 0, 1, VIRTQ_MAX_SIZE);

    if (size && dev->transport->size_fixed)
        hal_log(HAL_WARN, dev->name, "qsize has no effect: the device decides on legacy PCI");
    else if (size)
        c.size = (uint16_t)size;
    return c;
}

static int create_queue(struct virtio_device *dev, unsigned index, const struct virtq_config *cfg)
{
    struct virtq_config sized = sized_config(dev, cfg);
    struct virtq_setup setup = {
        .owner = &dev->owner,
        .cfg = &sized,
        .ring = virtq_ring_for(&dev->accepted),
        .accepted = &dev->accepted,
        .index = index,
        .size_max = dev->transport->queue_max(dev, index),
        .size_fixed = dev->transport->size_fixed,
        .align = dev->legacy ? VIRTIO_LEGACY_ALIGN : VIRTQ_ALIGN,
    };

    if (!setup.size_max) {
        hal_log(HAL_ERROR, dev->name, "the device has no queue %u (%s)", index, cfg->name);
        return -ENODEV;
    }
    dev->queues[index] = virtq_create(&setup);
    if (dev->queues[index])
        return 0;
    hal_log(HAL_ERROR, dev->name, "no memory, or no usable size (the device says %u), for queue %s",
            setup.size_max, cfg->name);
    return -ENOMEM;
}

void virtio_setup_interrupts(struct virtio_device *dev)
{
    dev->wakeup = VIRTIO_WAKEUP_POLLED;
    dev->hybrid = dev->hybrid_wanted || dev->polled_wanted;
    virtio_wait_begin(dev);
    if (dev->transport->irq_setup(dev, dev->queue_count)) {
        dev->wakeup = VIRTIO_WAKEUP_POLLED;
        dev->hybrid = false;
        hal_log(HAL_WARN, dev->name, "no interrupt is available: polled");
    }
}

int virtio_setup_queues(struct virtio_device *dev, const struct virtq_config *cfg, unsigned n)
{
    int err;

    hal_assert(n && !dev->queues);
    dev->queues = hal_alloc(n * sizeof(*dev->queues));
    if (!dev->queues)
        return -ENOMEM;
    for (; dev->queue_count < n; dev->queue_count++) {
        err = create_queue(dev, dev->queue_count, &cfg[dev->queue_count]);
        if (err)
            return err;
    }
    virtio_setup_interrupts(dev);
    for (unsigned i = 0; i < n; i++) {
        err = dev->transport->queue_enable(dev, dev->queues[i]);
        if (err) {
            hal_log(HAL_ERROR, dev->name, "the device does not take queue %s", cfg[i].name);
            return err;
        }
        virtq_set_state(dev->queues[i], VIRTQ_OK);
    }
    return 0;
}

void virtio_drop_queues(struct virtio_device *dev)
{
    for (unsigned i = 0; i < dev->queue_count; i++)
        virtq_destroy(dev->queues[i]);
    dev->queue_count = 0;
}
