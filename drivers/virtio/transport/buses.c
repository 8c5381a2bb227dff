/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buses.c - the transports of this image. A new one adds its file and a line here.
 */
#include "virtio/device.h"

const virtio_scan_fn virtio_scans[] = {virtio_mmio_scan, virtio_pci_scan};
const unsigned virtio_scan_count = sizeof(virtio_scans) / sizeof(virtio_scans[0]);
