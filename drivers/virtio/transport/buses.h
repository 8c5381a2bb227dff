/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buses.h - the buses on which virtio devices are found, as entries of the list in buses.c.
 */
#ifndef VIREO_VIRTIO_BUSES_H
#define VIREO_VIRTIO_BUSES_H

#include "virtio/device.h"

struct virtio_bus {
    const char *name;    /* for the log */
    size_t device_bytes; /* of the bus's own structure, whose head is a struct virtio_device */
    /* Finds the devices of the types that virtio_wanted has, and hands each to virtio_attach.
     * Called once, at the boot. */
    void (*scan)(void);
};
extern const struct virtio_bus virtio_mmio_bus, virtio_pci_bus;

/* The buses of the image; NULL comes last. buses.c, or the application's own list. */
extern const struct virtio_bus *const virtio_buses[];

/*
 * A zeroed structure of the bus for a device of the type; device_id is set. NULL: there is no
 * memory, and the log says so. The structure is the caller's until virtio_attach.
 */
static inline struct virtio_device *virtio_bus_device(const struct virtio_bus *bus, uint32_t type)
{
    struct virtio_device *dev = hal_alloc(bus->device_bytes);

    if (dev)
        dev->device_id = type;
    else
        hal_log(HAL_ERROR, bus->name, "no memory for a device of type %u", type);
    return dev;
}

#endif
