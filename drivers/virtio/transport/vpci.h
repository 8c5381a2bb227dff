/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpci.h - virtio over PCI, inside (virtio 1.4, section 4.1): what discovery (vpci.c), the modern
 * and the legacy registers (vpci_modern.c, vpci_legacy.c), the window (vpci_window.c) and the
 * interrupts (vpci_irq.c) share.
 */
#ifndef VIREO_VPCI_H
#define VIREO_VPCI_H

#include "pci/pci.h"
#include "vireo_drivers.h"
#include "virtio/transport/buses.h"

/* Section 4.1.4: the structures, by cfg_type */
enum {
    VPCI_COMMON = 1,
    VPCI_NOTIFY = 2,
    VPCI_ISR = 3,
    VPCI_DEVICE = 4,
    VPCI_STRUCTURES = 5,
    VPCI_WINDOW = 5, /* VIRTIO_PCI_CAP_PCI_CFG: no structure, but a way to all of them */
};

/* Section 4.1.4.3: the least that struct virtio_pci_common_cfg may be, and its later fields */
enum {
    VPCI_COMMON_BYTES = 56,
    VPCI_COMMON_QUEUE_NOTIF_CONFIG_DATA = 56,
    VPCI_COMMON_QUEUE_RESET = 58,
};

/* Where a structure lies: off and len in bytes, inside the BAR. */
struct virtio_pci_region {
    hal_mmio_t base; /* 0: the structure cannot be mapped, and is accessed through the window */
    uint32_t off, len;
    uint8_t bar;
};

struct virtio_pci {
    struct virtio_device dev; /* first */
    struct pci_function fn;
    struct virtio_pci_region region[VPCI_STRUCTURES];
    unsigned window; /* offset of the window's capability in configuration space; 0: none */
    uint32_t notify_multiplier;

    /* Gives a queue, or VPCI_CONFIG, a vector; returns the vector that the device reads back. */
    uint16_t (*map_vector)(struct virtio_pci *p, unsigned queue, uint16_t vector);
    bool msix_on;
    unsigned vectors; /* attached MSI-X entries */
    struct {
        struct hal_msi msi;
        hal_irq_fn fn;
        void *ctx;
    } vector[1 + VIRTIO_OWN_VECTORS];
    hal_irq_t intx;
    bool intx_on; /* the function may drive its line */
};
#define VPCI_CONFIG UINT32_MAX

static inline struct virtio_pci *virtio_pci_of(struct virtio_device *dev)
{
    return (struct virtio_pci *)dev;
}

/* vpci_window.c: one access of 1, 2 or 4 bytes, aligned, inside the region. In task context only.
 */
uint32_t virtio_pci_window_read(const struct virtio_pci *p, const struct virtio_pci_region *r,
                                unsigned off, unsigned width);
void virtio_pci_window_write(const struct virtio_pci *p, const struct virtio_pci_region *r,
                             unsigned off, unsigned width, uint32_t v);

/*
 * A field of a structure, at its own width (section 4.1.3.1). No hot path: so each byte read (they
 * are status, ISR and generation) is ordered before later memory accesses, each write behind
 * earlier ones.
 */
static inline uint32_t virtio_pci_get(struct virtio_device *dev, unsigned structure, unsigned off,
                                      unsigned width)
{
    const struct virtio_pci_region *r = &virtio_pci_of(dev)->region[structure];

    if (!r->base)
        return virtio_pci_window_read(virtio_pci_of(dev), r, off, width);
    return width == 1 ? hal_read8_sync(r->base + off) : virtio_read_field(r->base + off, width);
}
static inline void virtio_pci_put(struct virtio_device *dev, unsigned structure, unsigned off,
                                  unsigned width, uint32_t v)
{
    const struct virtio_pci_region *r = &virtio_pci_of(dev)->region[structure];

    if (!r->base)
        virtio_pci_window_write(virtio_pci_of(dev), r, off, width, v);
    else
        virtio_write_field_sync(r->base + off, width, v);
}

/* vpci_modern.c */
extern const struct virtio_transport virtio_pci_modern;
uint16_t virtio_pci_modern_map_vector(struct virtio_pci *p, unsigned queue, uint16_t vector);

/*
 * vpci_legacy.c; an image without legacy support (LEGACY=0) has legacy_none.c in its place.
 * virtio_pci_take_legacy: makes p a legacy device behind BAR 0; false: that is impossible, and the
 * log says why. virtio_pci_prefers_legacy: the option pci.legacy is 1, for transitional
 * devices.
 */
bool virtio_pci_take_legacy(struct virtio_pci *p);
bool virtio_pci_prefers_legacy(void);

/* vpci_irq.c and vpci.c: shared by both transports. */
int virtio_pci_irq_setup(struct virtio_device *dev, unsigned n);
void virtio_pci_irq_release(struct virtio_device *dev);
void virtio_pci_irq_mask(struct virtio_device *dev);
uint32_t virtio_pci_irq_cause(struct virtio_device *dev);
void virtio_pci_cut_off(struct virtio_device *dev);
bool virtio_pci_absent(struct virtio_device *dev);
void virtio_pci_release(struct virtio_device *dev);

#endif
