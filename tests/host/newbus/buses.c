/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buses.c - the list of buses of an image with mailboxes: it takes the place of
 * drivers/virtio/transport/buses.c.
 */
#include "virtio/transport/buses.h"

extern const struct virtio_bus mailbox_bus;

const struct virtio_bus *const virtio_buses[] = {&virtio_mmio_bus, &mailbox_bus, NULL};
