/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpci_modern.c - the registers of virtio over PCI (virtio 1.4, sections 4.1.4.3
 * to 4.1.4.6, 4.1.5).
 */
#include "virtio/transport/vpci.h"

#if VIREO_PCI

/* Section 4.1.4.3: struct virtio_pci_common_cfg; vpci.h has the fields that came later. */
enum {
    DEVICE_FEATURE_SELECT = 0,
    DEVICE_FEATURE = 4,
    DRIVER_FEATURE_SELECT = 8,
    DRIVER_FEATURE = 12,
    CONFIG_MSIX_VECTOR = 16,
    NUM_QUEUES = 18,
    DEVICE_STATUS = 20,
    CONFIG_GENERATION = 21,
    QUEUE_SELECT = 22,
    QUEUE_SIZE = 24,
    QUEUE_MSIX_VECTOR = 26,
    QUEUE_ENABLE = 28,
    QUEUE_NOTIFY_OFF = 30,
    QUEUE_DESC = 32,
    QUEUE_DRIVER = 40,
    QUEUE_DEVICE = 48,
    QUEUE_NOTIF_CONFIG_DATA = VPCI_COMMON_QUEUE_NOTIF_CONFIG_DATA,
    QUEUE_RESET = VPCI_COMMON_QUEUE_RESET,
};

static uint16_t vpci_common_get16(struct virtio_device *dev, unsigned off)
{
    return (uint16_t)virtio_pci_get(dev, VPCI_COMMON, off, 2);
}

static void vpci_common_put16(struct virtio_device *dev, unsigned off, uint16_t v)
{
    virtio_pci_put(dev, VPCI_COMMON, off, 2, v);
}

static void vpci_common_put32(struct virtio_device *dev, unsigned off, uint32_t v)
{
    virtio_pci_put(dev, VPCI_COMMON, off, 4, v);
}

/* ---- device ---------------------------------------------------------------------------------- */

static uint32_t vpci_modern_features_read(struct virtio_device *dev, unsigned word)
{
    vpci_common_put32(dev, DEVICE_FEATURE_SELECT, word);
    return virtio_pci_get(dev, VPCI_COMMON, DEVICE_FEATURE, 4);
}

static void vpci_modern_features_write(struct virtio_device *dev, unsigned word, uint32_t bits)
{
    vpci_common_put32(dev, DRIVER_FEATURE_SELECT, word);
    vpci_common_put32(dev, DRIVER_FEATURE, bits);
}

/* Fields of later versions exist if the structure is long enough (section 4.1.4.3.2). */
static bool vpci_modern_admits(struct virtio_device *dev, unsigned bit)
{
    const struct virtio_pci *p = virtio_pci_of(dev);
    const struct virtio_pci_region *notify = &p->region[VPCI_NOTIFY];

    if (bit == VIRTIO_F_NOTIF_CONFIG_DATA)
        return p->region[VPCI_COMMON].len >= QUEUE_NOTIF_CONFIG_DATA + 2;
    if (bit == VIRTIO_F_RING_RESET)
        return p->region[VPCI_COMMON].len >= QUEUE_RESET + 2;
    return bit == VIRTIO_F_NOTIFICATION_DATA && notify->len >= 4 && notify->off % 4 == 0 &&
           p->notify_multiplier % 4 == 0;
}

static uint8_t vpci_modern_status_read(struct virtio_device *dev)
{
    return (uint8_t)virtio_pci_get(dev, VPCI_COMMON, DEVICE_STATUS, 1);
}

static void vpci_modern_status_write(struct virtio_device *dev, uint8_t status)
{
    virtio_pci_put(dev, VPCI_COMMON, DEVICE_STATUS, 1, status);
}

static uint32_t vpci_modern_generation(struct virtio_device *dev)
{
    return virtio_pci_get(dev, VPCI_COMMON, CONFIG_GENERATION, 1);
}

static uint32_t vpci_modern_config_read(struct virtio_device *dev, unsigned off, unsigned width)
{
    return virtio_pci_get(dev, VPCI_DEVICE, off, width);
}

static void vpci_modern_config_write(struct virtio_device *dev, unsigned off, unsigned width,
                                     uint32_t v)
{
    virtio_pci_put(dev, VPCI_DEVICE, off, width, v);
}

/* ---- queues (section 4.1.5.1.3) -------------------------------------------------------------- */

static unsigned vpci_modern_queue_max(struct virtio_device *dev, unsigned index)
{
    if (index >= vpci_common_get16(dev, NUM_QUEUES))
        return 0;
    vpci_common_put16(dev, QUEUE_SELECT, (uint16_t)index);
    if (vpci_common_get16(dev, QUEUE_ENABLE))
        return 0;
    return vpci_common_get16(dev, QUEUE_SIZE);
}

static void vpci_modern_put_address(struct virtio_device *dev, unsigned off, uint64_t addr)
{
    vpci_common_put32(dev, off, (uint32_t)addr);
    vpci_common_put32(dev, off + 4, (uint32_t)(addr >> 32));
}

/*
 * Section 4.1.4.4: the doorbell's address is computed once, in 64 bits, and must lie inside the
 * notify structure. Of the structure, which may be many megabytes long, only the doorbell is
 * mapped.
 */
static int vpci_modern_find_doorbell(struct virtio_device *dev, struct virtq *q)
{
    struct virtio_pci *p = virtio_pci_of(dev);
    const struct virtio_pci_region *notify = &p->region[VPCI_NOTIFY];
    unsigned bytes = q->notification_data ? 4 : 2;
    uint64_t off = (uint64_t)vpci_common_get16(dev, QUEUE_NOTIFY_OFF) * p->notify_multiplier;

    if (off + bytes > notify->len || off % bytes)
        return -EINVAL;
    q->doorbell.off = (uint32_t)off;
    q->doorbell.addr =
        notify->base ? pci_bar_map(&p->fn, notify->bar, notify->off + off, bytes) : 0;
    if (notify->base && !q->doorbell.addr)
        return -ENOMEM;
    q->doorbell.width = (uint8_t)(8 * bytes);
    q->doorbell.id = virtio_has(dev, VIRTIO_F_NOTIF_CONFIG_DATA)
                         ? vpci_common_get16(dev, QUEUE_NOTIF_CONFIG_DATA)
                         : q->index;
    return 0;
}

uint16_t virtio_pci_modern_map_vector(struct virtio_pci *p, unsigned queue, uint16_t vector)
{
    unsigned field = queue == VPCI_CONFIG ? CONFIG_MSIX_VECTOR : QUEUE_MSIX_VECTOR;

    if (queue != VPCI_CONFIG)
        vpci_common_put16(&p->dev, QUEUE_SELECT, (uint16_t)queue);
    vpci_common_put16(&p->dev, field, vector);
    return vpci_common_get16(&p->dev, field);
}

/* Has the device taken the queue's vector? Without MSI-X the field means nothing: true. */
static bool vpci_modern_keeps_vector(struct virtio_pci *p, const struct virtq *q)
{
    return virtio_pci_modern_map_vector(p, q->index, q->vector) == q->vector || !p->msix_on;
}

static int vpci_modern_queue_enable(struct virtio_device *dev, struct virtq *q)
{
    int err;

    if (vpci_modern_queue_max(dev, q->index) < q->size)
        return -ENODEV;
    err = vpci_modern_find_doorbell(dev, q);
    if (err)
        return err;
    vpci_common_put16(dev, QUEUE_SIZE, q->size);
    if (vpci_common_get16(dev, QUEUE_SIZE) != q->size)
        return -EIO;
    if (!vpci_modern_keeps_vector(virtio_pci_of(dev), q))
        return -EIO;
    vpci_modern_put_address(dev, QUEUE_DESC, q->desc_dma);
    vpci_modern_put_address(dev, QUEUE_DRIVER, q->avail_dma);
    vpci_modern_put_address(dev, QUEUE_DEVICE, q->used_dma);
    vpci_common_put16(dev, QUEUE_ENABLE, 1);
    return 0;
}

static void vpci_modern_queue_reset(struct virtio_device *dev, struct virtq *q)
{
    vpci_common_put16(dev, QUEUE_SELECT, q->index);
    vpci_common_put16(dev, QUEUE_RESET, 1);
}

static bool vpci_modern_queue_reset_done(struct virtio_device *dev, struct virtq *q)
{
    vpci_common_put16(dev, QUEUE_SELECT, q->index);
    return !vpci_common_get16(dev, QUEUE_RESET) && !vpci_common_get16(dev, QUEUE_ENABLE);
}

static void vpci_modern_notify(struct virtio_device *dev, struct virtq *q, uint32_t value)
{
    virtio_pci_put(dev, VPCI_NOTIFY, q->doorbell.off, q->doorbell.width / 8u, value);
}

const struct virtio_transport virtio_pci_modern = {
    .name = "pci",
    .feature_words = VIRTIO_FEATURE_WORDS,
    .has_generation = true,
    .features_read = vpci_modern_features_read,
    .features_write = vpci_modern_features_write,
    .admits = vpci_modern_admits,
    .status_read = vpci_modern_status_read,
    .status_write = vpci_modern_status_write,
    .generation = vpci_modern_generation,
    .config_read = vpci_modern_config_read,
    .config_write = vpci_modern_config_write,
    .queue_max = vpci_modern_queue_max,
    .queue_enable = vpci_modern_queue_enable,
    .queue_reset = vpci_modern_queue_reset,
    .queue_reset_done = vpci_modern_queue_reset_done,
    .notify = vpci_modern_notify,
    .irq_setup = virtio_pci_irq_setup,
    .irq_release = virtio_pci_irq_release,
    .irq_mask = virtio_pci_irq_mask,
    .irq_cause = virtio_pci_irq_cause,
    .cut_off = virtio_pci_cut_off,
    .absent = virtio_pci_absent,
    .release = virtio_pci_release,
};

#endif
