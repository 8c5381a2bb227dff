/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmio.h - registers of virtio over MMIO (virtio 1.4, section 4.2.2 and 4.2.4), shared by the
 * modern and the legacy table.
 */
#ifndef VIREO_VIRTIO_MMIO_H
#define VIREO_VIRTIO_MMIO_H

#include "vireo_drivers.h"
#include "virtio/transport/buses.h"

enum {
    MMIO_MAGIC = 0x000,
    MMIO_VERSION = 0x004,
    MMIO_DEVICE_ID = 0x008,
    MMIO_VENDOR_ID = 0x00c,
    MMIO_DEVICE_FEATURES = 0x010,
    MMIO_DEVICE_FEATURES_SEL = 0x014,
    MMIO_DRIVER_FEATURES = 0x020,
    MMIO_DRIVER_FEATURES_SEL = 0x024,
    MMIO_GUEST_PAGE_SIZE = 0x028, /* legacy */
    MMIO_QUEUE_SEL = 0x030,
    MMIO_QUEUE_SIZE_MAX = 0x034,
    MMIO_QUEUE_SIZE = 0x038,
    MMIO_QUEUE_ALIGN = 0x03c, /* legacy */
    MMIO_QUEUE_PFN = 0x040,   /* legacy */
    MMIO_QUEUE_READY = 0x044,
    MMIO_QUEUE_NOTIFY = 0x050,
    MMIO_INTERRUPT_STATUS = 0x060,
    MMIO_INTERRUPT_ACK = 0x064,
    MMIO_STATUS = 0x070,
    MMIO_QUEUE_DESC_LOW = 0x080,
    MMIO_QUEUE_DESC_HIGH = 0x084,
    MMIO_QUEUE_DRIVER_LOW = 0x090,
    MMIO_QUEUE_DRIVER_HIGH = 0x094,
    MMIO_QUEUE_DEVICE_LOW = 0x0a0,
    MMIO_QUEUE_DEVICE_HIGH = 0x0a4,
    MMIO_QUEUE_RESET = 0x0c0,
    MMIO_CONFIG_GENERATION = 0x0fc,
    MMIO_CONFIG = 0x100,
};
#define MMIO_MAGIC_VALUE 0x74726976u /* "virt" */
#define MMIO_VENDOR_QEMU 0x554d4551u

struct virtio_mmio {
    struct virtio_device dev; /* first */
    hal_mmio_t base;
    hal_irq_t irq;
    bool attached; /* to irq */
};

static inline hal_mmio_t virtio_mmio_reg(const struct virtio_device *dev, unsigned off)
{
    return ((const struct virtio_mmio *)dev)->base + off;
}
static inline uint32_t virtio_mmio_read(const struct virtio_device *dev, unsigned off)
{
    return hal_read32(virtio_mmio_reg(dev, off));
}
static inline void virtio_mmio_write(const struct virtio_device *dev, unsigned off, uint32_t v)
{
    hal_write32(virtio_mmio_reg(dev, off), v);
}

extern const struct virtio_transport virtio_mmio_modern;

/*
 * mmio_legacy.c: makes m a device of version 1. An image without legacy support (LEGACY=0) has
 * legacy_none.c in its place: false, and the log says why.
 */
bool virtio_mmio_take_legacy(struct virtio_mmio *m);

/* Shared by both tables: see transport.h. */
uint32_t virtio_mmio_features_read(struct virtio_device *dev, unsigned word);
void virtio_mmio_features_write(struct virtio_device *dev, unsigned word, uint32_t bits);
uint8_t virtio_mmio_status_read(struct virtio_device *dev);
void virtio_mmio_status_write(struct virtio_device *dev, uint8_t status);
uint32_t virtio_mmio_config_read(struct virtio_device *dev, unsigned off, unsigned width);
void virtio_mmio_config_write(struct virtio_device *dev, unsigned off, unsigned width, uint32_t v);
void virtio_mmio_notify(struct virtio_device *dev, struct virtq *q, uint32_t value);
int virtio_mmio_irq_setup(struct virtio_device *dev, unsigned n);
void virtio_mmio_irq_release(struct virtio_device *dev);
void virtio_mmio_irq_mask(struct virtio_device *dev);
uint32_t virtio_mmio_irq_cause(struct virtio_device *dev);
void virtio_mmio_release(struct virtio_device *dev);
/* Fills in the doorbell of a queue that is enabled. */
void virtio_mmio_doorbell(struct virtio_device *dev, struct virtq *q);

#endif
