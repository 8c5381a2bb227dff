/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq_owner.h - all that a virtqueue needs of the device that it belongs to. The device embeds a
 * struct virtq_owner, which its queues share; rings know nothing else of a device.
 */
#ifndef VIREO_VIRTQ_OWNER_H
#define VIREO_VIRTQ_OWNER_H

#include "hal.h"
#include "virtio/ring/virtq.h"

struct virtq_owner;

/* All run in task context and never park; none is NULL. */
struct virtq_owner_ops {
    /* A queue broke: the owner looks at virtq_state() of its queues soon. */
    void (*wake)(struct virtq_owner *owner);
    /*
     * Called only while owner->tick_ns is HAL_NEVER: the owner sets it to VIRTQ_TICK from now, and
     * calls virtq_tick for each queue by then.
     */
    void (*tick_later)(struct virtq_owner *owner);
    /* A queue may have to be armed (virtq_arm) before the CPU sleeps: one that became full, was
     * reaped while armed, is held no more or works again. */
    void (*arm_later)(struct virtq_owner *owner);
    /* Kicks a queue whose doorbell has no address: `value` as for a doorbell of its width. */
    void (*notify)(struct virtq_owner *owner, struct virtq *q, uint32_t value);
    /*
     * Tells the device where the queue lies, has it enabled, and fills in q->doorbell. A negative
     * errno value: the device does not take the queue.
     */
    int (*enable)(struct virtq_owner *owner, struct virtq *q);
    /* Section 2.6.1, called only if RING_RESET was negotiated: asks the device to reset the queue;
     * tells whether the device has done so. Neither waits. */
    void (*reset)(struct virtq_owner *owner, struct virtq *q);
    bool (*reset_done)(struct virtq_owner *owner, struct virtq *q);
};

/* Written by the owner alone. */
struct virtq_owner {
    const struct virtq_owner_ops *ops;
    const char *name; /* of the device, for the log: "vnet0" */
    bool trouble; /* a queue may be broken, resetting or gone; a queue sets it, the owner clears it
                   */
    bool live;    /* the device is in service: DRIVER_OK was written, and no reset since */
    uint64_t tick_ns; /* when the owner calls virtq_tick next; HAL_NEVER: see tick_later */
};

#endif
