/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpci_legacy.c - the registers of before virtio 1.0, in the I/O space of BAR 0 (virtio 1.4, the
 * legacy parts of section 4.1.4 and 4.1.5). QEMU has them alone with disable-modern=on, and beside
 * the modern ones in transitional devices, which use them if the option pci.legacy is 1.
 */
#include "virtio/transport/vpci.h"

#if VIREO_PCI && VIREO_LEGACY

/* Section 4.1.4.10: the header, little-endian */
enum {
    LEGACY_DEVICE_FEATURES = 0,
    LEGACY_DRIVER_FEATURES = 4,
    LEGACY_QUEUE_PFN = 8,
    LEGACY_QUEUE_SIZE = 12,
    LEGACY_QUEUE_SELECT = 14,
    LEGACY_QUEUE_NOTIFY = 16,
    LEGACY_DEVICE_STATUS = 18,
    LEGACY_ISR_STATUS = 19,
    LEGACY_HEADER_BYTES = 20,
    LEGACY_CONFIG_MSIX_VECTOR = 20, /* these two exist only while MSI-X is on */
    LEGACY_QUEUE_MSIX_VECTOR = 22,
    LEGACY_HEADER_BYTES_MSIX = 24,
};

static hal_mmio_t vpci_legacy_reg(struct virtio_device *dev, unsigned off)
{
    return virtio_pci_of(dev)->region[VPCI_COMMON].base + off;
}

/* ---- device ---------------------------------------------------------------------------------- */

static uint32_t vpci_legacy_features_read(struct virtio_device *dev, unsigned word)
{
    (void)word; /* there is only one */
    return hal_read32(vpci_legacy_reg(dev, LEGACY_DEVICE_FEATURES));
}

static void vpci_legacy_features_write(struct virtio_device *dev, unsigned word, uint32_t bits)
{
    (void)word;
    hal_write32(vpci_legacy_reg(dev, LEGACY_DRIVER_FEATURES), bits);
}

static uint8_t vpci_legacy_status_read(struct virtio_device *dev)
{
    return hal_read8_sync(vpci_legacy_reg(dev, LEGACY_DEVICE_STATUS));
}

static void vpci_legacy_status_write(struct virtio_device *dev, uint8_t status)
{
    hal_write8_sync(vpci_legacy_reg(dev, LEGACY_DEVICE_STATUS), status);
}

/* The device's own fields follow the header, which grows when MSI-X is switched on. */
static hal_mmio_t vpci_legacy_config_at(struct virtio_device *dev, unsigned off)
{
    bool msix_on = virtio_pci_of(dev)->msix_on;

    off += msix_on ? LEGACY_HEADER_BYTES_MSIX : LEGACY_HEADER_BYTES;
    return vpci_legacy_reg(dev, off);
}

static uint32_t vpci_legacy_config_read(struct virtio_device *dev, unsigned off, unsigned width)
{
    return virtio_read_field(vpci_legacy_config_at(dev, off), width);
}

static void vpci_legacy_config_write(struct virtio_device *dev, unsigned off, unsigned width,
                                     uint32_t v)
{
    virtio_write_field(vpci_legacy_config_at(dev, off), width, v);
}

/* ---- queues (section 4.1.5.1.3.1) ------------------------------------------------------------ */

/* The size is the device's own: it cannot be changed. */
static unsigned vpci_legacy_queue_max(struct virtio_device *dev, unsigned index)
{
    hal_write16(vpci_legacy_reg(dev, LEGACY_QUEUE_SELECT), (uint16_t)index);
    if (hal_read32(vpci_legacy_reg(dev, LEGACY_QUEUE_PFN)))
        return 0;
    return hal_read16(vpci_legacy_reg(dev, LEGACY_QUEUE_SIZE));
}

static uint16_t vpci_legacy_map_vector(struct virtio_pci *p, unsigned queue, uint16_t vector)
{
    unsigned field = queue == VPCI_CONFIG ? LEGACY_CONFIG_MSIX_VECTOR : LEGACY_QUEUE_MSIX_VECTOR;

    if (queue != VPCI_CONFIG)
        hal_write16(vpci_legacy_reg(&p->dev, LEGACY_QUEUE_SELECT), (uint16_t)queue);
    hal_write16(vpci_legacy_reg(&p->dev, field), vector);
    return hal_read16(vpci_legacy_reg(&p->dev, field));
}

/* The page number enables the queue, so it comes last. */
static int vpci_legacy_queue_enable(struct virtio_device *dev, struct virtq *q)
{
    uint64_t pfn = q->desc_dma / VIRTIO_LEGACY_ALIGN;

    if (pfn > UINT32_MAX)
        return -ERANGE;
    if (vpci_legacy_queue_max(dev, q->index) != q->size)
        return -ENODEV;
    q->doorbell.addr = vpci_legacy_reg(dev, LEGACY_QUEUE_NOTIFY);
    q->doorbell.width = 16;
    q->doorbell.id = q->index;
    hal_write32_sync(vpci_legacy_reg(dev, LEGACY_QUEUE_PFN), (uint32_t)pfn);
    return hal_read32(vpci_legacy_reg(dev, LEGACY_QUEUE_PFN)) == (uint32_t)pfn ? 0 : -EIO;
}

static void vpci_legacy_notify(struct virtio_device *dev, struct virtq *q, uint32_t value)
{
    (void)q;
    hal_write16_sync(vpci_legacy_reg(dev, LEGACY_QUEUE_NOTIFY), (uint16_t)value);
}

static const struct virtio_transport virtio_pci_legacy = {
    .name = "pci-legacy",
    .feature_words = 1,
    .size_fixed = true,
    .features_read = vpci_legacy_features_read,
    .features_write = vpci_legacy_features_write,
    .status_read = vpci_legacy_status_read,
    .status_write = vpci_legacy_status_write,
    .config_read = vpci_legacy_config_read,
    .config_write = vpci_legacy_config_write,
    .queue_max = vpci_legacy_queue_max,
    .queue_enable = vpci_legacy_queue_enable,
    .notify = vpci_legacy_notify,
    .irq_setup = virtio_pci_irq_setup,
    .irq_release = virtio_pci_irq_release,
    .irq_mask = virtio_pci_irq_mask,
    .irq_cause = virtio_pci_irq_cause,
    .cut_off = virtio_pci_cut_off,
    .absent = virtio_pci_absent,
    .release = virtio_pci_release,
};

/* ---- discovery ------------------------------------------------------------------------------- */

bool virtio_pci_prefers_legacy(void)
{
    return hal_option_u64("pci", "legacy", 0, 0, 1);
}

bool virtio_pci_take_legacy(struct virtio_pci *p)
{
    const struct pci_function *f = &p->fn;
    unsigned steps = 0;
    bool msix = pci_next_capability(f, PCI_CAP_MSIX, 0, &steps) != 0;
    uint32_t header = msix ? LEGACY_HEADER_BYTES_MSIX : LEGACY_HEADER_BYTES;
    uint64_t len = f->bar[0].len;
    hal_mmio_t base = f->bar[0].io && len >= header ? pci_bar_map(f, 0, 0, len) : 0;

    if (!base) {
        hal_log(HAL_WARN, "pci",
                "%02x:%02x.%u: a legacy virtio device whose I/O BAR 0 cannot be reached "
                "(start QEMU with disable-modern=off)",
                f->bus, f->dev, f->fn);
        return false;
    }
    p->region[VPCI_COMMON] = (struct virtio_pci_region){.base = base, .len = header};
    p->region[VPCI_ISR] = (struct virtio_pci_region){.base = base + LEGACY_ISR_STATUS, .len = 1};
    p->map_vector = vpci_legacy_map_vector;
    p->dev.transport = &virtio_pci_legacy;
    p->dev.legacy = true;
    p->dev.config_len = (uint32_t)len - header;
    return true;
}

#endif
