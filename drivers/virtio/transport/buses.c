/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buses.c - the buses of this image, which are scanned in this order. A new transport adds its
 * files and a line here. Linked with any driver (VIRTIO_DRIVER).
 */
#include "virtio/transport/buses.h"

const struct virtio_bus *const virtio_buses[] = {&virtio_mmio_bus, &virtio_pci_bus};

static void virtio_scan_buses(void)
{
    for (unsigned i = 0; i < sizeof(virtio_buses) / sizeof(virtio_buses[0]); i++)
        virtio_buses[i]->scan();
}
HAL_INIT(HAL_INIT_BUS, virtio_scan_buses);
