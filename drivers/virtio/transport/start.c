/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start.c - the start and the end of all drivers (vireo_drivers.h). Linked with any driver
 * (VIRTIO_DRIVER).
 */
#include "vireo_drivers.h"
#include "virtio/transport/buses.h"

const char virtio_start_linked[] = "";

int vireo_start(const struct virtio_driver *const *drivers)
{
    const struct virtio_driver *d;

    if (virtio_next(NULL))
        return -EBUSY;
    virtio_use_drivers(drivers);
    if (!virtio_driver_at(0)) {
        hal_log(HAL_ERROR, "virtio",
                "no driver: give vireo_start() a list, or keep the section vireo_drivers");
        return -ENODEV;
    }
    for (const struct virtio_bus *const *bus = virtio_buses; *bus; bus++)
        (*bus)->scan();
    for (unsigned n = 0; (d = virtio_driver_at(n)); n++)
        if (d->scanned)
            d->scanned();
    return 0;
}

void vireo_stop(void)
{
    virtio_stop_all();
}
