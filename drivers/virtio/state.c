/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.c - the states of a virtio device, and which may follow each. core.c starts a device,
 * recover.c moves it after that.
 */
#include "virtio/device.h"

static const uint8_t virtio_next_states[] = {
    /* OK: DRIVER_OK is written. RESETTING: a step of section 3.1.1 failed, or the image ends */
    [VIRTIO_STARTING] = 1 << VIRTIO_OK | 1 << VIRTIO_RESETTING,
    /* RESETTING: the device or a queue failed, the device is unplugged, or the image ends */
    [VIRTIO_OK] = 1 << VIRTIO_RESETTING,
    /* the reset is complete. STARTING: a try at once. WAITING: a try after a pause. GONE: no try,
     * or the reset never completed */
    [VIRTIO_RESETTING] = 1 << VIRTIO_STARTING | 1 << VIRTIO_WAITING | 1 << VIRTIO_GONE,
    /* STARTING: the pause is over. RESETTING: the device is unplugged. GONE: it was refused */
    [VIRTIO_WAITING] = 1 << VIRTIO_STARTING | 1 << VIRTIO_RESETTING | 1 << VIRTIO_GONE,
    /* RESETTING: a device was plugged in, in the same place */
    [VIRTIO_GONE] = 1 << VIRTIO_RESETTING,
};

/* Also sets owner.live, by which queues tell whether their device is in service. */
void virtio_set_state(struct virtio_device *dev, enum virtio_state state)
{
    hal_debug_assert(virtio_next_states[dev->state] >> state & 1);
    dev->state = state;
    dev->owner.live = state == VIRTIO_OK;
}

const char *virtio_state_name(const struct virtio_device *dev)
{
    static const char *const names[] = {
        [VIRTIO_STARTING] = "starting", [VIRTIO_OK] = "ok",     [VIRTIO_RESETTING] = "resetting",
        [VIRTIO_WAITING] = "waiting",   [VIRTIO_GONE] = "gone",
    };

    return names[dev->state];
}

bool virtio_works(const struct virtio_device *dev)
{
    return dev->owner.live && !dev->failing;
}
