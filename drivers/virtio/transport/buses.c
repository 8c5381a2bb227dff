/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buses.c - the buses of this image, which are scanned in this order; NULL comes last. A new
 * transport adds its files and an entry here. An application with a virtio_buses of its own has
 * that list in place of this file.
 */
#include "virtio/transport/buses.h"

const struct virtio_bus *const virtio_buses[] = {
#if VIREO_MMIO
    &virtio_mmio_bus,
#endif
#if VIREO_PCI
    &virtio_pci_bus,
#endif
    NULL,
};
