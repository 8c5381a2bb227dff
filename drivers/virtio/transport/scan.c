/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan.c - looks for devices on each bus of the image. Linked with any driver (VIRTIO_DRIVER).
 */
#include "virtio/transport/buses.h"

void virtio_scan_buses(void)
{
    for (const struct virtio_bus *const *bus = virtio_buses; *bus; bus++)
        (*bus)->scan();
}
HAL_INIT(HAL_INIT_BUS, virtio_scan_buses);
