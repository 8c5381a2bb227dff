/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq_reset.c - taking one queue out of service and back in while its device goes on (virtio 1.4,
 * section 2.6.1, RING_RESET). Linked only into images that use it.
 */
#include "virtio/ring/virtq_impl.h"

/* True once the transport says that the reset is complete; false after VIRTQ_RESET_TIMEOUT. */
static bool virtq_wait_for_reset(struct virtq *q)
{
    uint64_t deadline = hal_now_ns() + VIRTQ_RESET_TIMEOUT;

    while (!q->owner->ops->reset_done(q->owner, q)) {
        if (hal_now_ns() >= deadline)
            return false;
        hal_relax();
    }
    hal_ack_order(); /* the register first, then the memory that the device no longer uses */
    return true;
}

int virtq_reset(struct virtq *q)
{
    if (!q->ring_reset)
        return -ENOTSUP;
    if (!q->owner->live || (q->state != VIRTQ_OK && q->state != VIRTQ_BROKEN))
        return -EINVAL;
    virtq_set_state(q, VIRTQ_RESETTING); /* from here on nobody submits, reaps, arms or kicks */
    q->reset_ns = hal_now_ns();          /* if it breaks again soon, so is its device */
    q->owner->ops->reset(q->owner, q);
    if (virtq_wait_for_reset(q)) {
        virtq_set_state(q, VIRTQ_OFF);
        return 0;
    }
    virtq_break(q, "the reset of the queue does not complete");
    return -ETIMEDOUT;
}

int virtq_restart(struct virtq *q)
{
    int err;

    if (!q->owner->live || q->state != VIRTQ_OFF)
        return -EINVAL;
    if (q->in_flight)
        return -EBUSY;
    virtq_renew(q);
    err = q->owner->ops->enable(q->owner, q);
    if (err) {
        hal_log(HAL_ERROR, q->owner->name, "queue %s cannot be enabled again", q->name);
        return err;
    }
    virtq_set_state(q, VIRTQ_OK);
    q->owner->ops->arm_later(q->owner);
    return 0;
}
