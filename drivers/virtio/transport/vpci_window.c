/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpci_window.c - virtio structures through configuration space (virtio 1.4, section 4.1.4.9),
 * where their BAR cannot be mapped. An access takes four of configuration space. Not for handlers:
 * an access of a handler in the middle of another would move the window.
 */
#include "virtio/transport/vpci.h"

#if VIREO_PCI

/* struct virtio_pci_cfg_cap */
enum { WINDOW_BAR = 4, WINDOW_OFFSET = 8, WINDOW_LENGTH = 12, WINDOW_DATA = 16 };

/* The length is written before the offset, which must be a multiple of it. */
static hal_mmio_t vpci_point_window(const struct virtio_pci *p, const struct virtio_pci_region *r,
                                    unsigned off, unsigned width)
{
    pci_write8(&p->fn, p->window + WINDOW_BAR, r->bar);
    pci_write32(&p->fn, p->window + WINDOW_LENGTH, width);
    pci_write32(&p->fn, p->window + WINDOW_OFFSET, r->off + off);
    return p->fn.config + p->window + WINDOW_DATA;
}

uint32_t virtio_pci_window_read(const struct virtio_pci *p, const struct virtio_pci_region *r,
                                unsigned off, unsigned width)
{
    hal_mmio_t data = vpci_point_window(p, r, off, width);

    return width == 1 ? hal_read8_sync(data) : virtio_read_field(data, width);
}

void virtio_pci_window_write(const struct virtio_pci *p, const struct virtio_pci_region *r,
                             unsigned off, unsigned width, uint32_t v)
{
    virtio_write_field_sync(vpci_point_window(p, r, off, width), width, v);
}

#endif
