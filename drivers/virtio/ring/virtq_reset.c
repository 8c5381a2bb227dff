/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq_reset.c - taking one queue out of service and back in while its device goes on (virtio 1.4,
 * section 2.6.1, RING_RESET). Linked by those who use it.
 */
#include "virtio/device.h"
#include "virtio/ring/virtq_impl.h"

/* Only what the transport says counts: a device may be slow, or not reset at all. */
static bool wait_for_reset(struct virtq *q)
{
    uint64_t deadline = hal_now_ns() + VIRTIO_RESET_TIMEOUT;

    while (!q->dev->transport->queue_reset_done(q->dev, q)) {
        if (hal_now_ns() >= deadline)
            return false;
        hal_relax();
    }
    hal_ack_order(); /* the register first, then the memory that the device has let go of */
    return true;
}

int virtq_reset(struct virtq *q)
{
    if (!virtio_has(q->dev, VIRTIO_F_RING_RESET))
        return -ENOTSUP;
    if (!q->dev->live || (q->state != VIRTQ_OK && q->state != VIRTQ_BROKEN))
        return -EINVAL;
    q->state = VIRTQ_OFF; /* from here on nobody submits, reaps, arms or kicks */
    q->armed = false;
    q->reset_ns = hal_now_ns(); /* if it fails, its device is reset */
    q->dev->transport->queue_reset(q->dev, q);
    if (wait_for_reset(q))
        return 0;
    virtq_break(q, "its reset does not complete");
    return -ETIMEDOUT;
}

int virtq_restart(struct virtq *q)
{
    int err;

    if (!q->dev->live || q->state != VIRTQ_OFF)
        return -EINVAL;
    if (q->in_flight)
        return -EBUSY;
    virtq_renew(q);
    err = q->dev->transport->queue_enable(q->dev, q);
    if (err) {
        hal_log(HAL_ERROR, virtio_name(q->dev), "queue %s cannot be enabled again", q->name);
        return err;
    }
    q->state = VIRTQ_OK;
    return 0;
}
