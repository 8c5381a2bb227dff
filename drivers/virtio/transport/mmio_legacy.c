/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmio_legacy.c - the register layout of before virtio 1.0 (virtio 1.4, section 4.2.4), which QEMU
 * still offers by default.
 */
#include "virtio/transport/mmio.h"

#if VIREO_MMIO && VIREO_LEGACY

static unsigned mmio_legacy_queue_max(struct virtio_device *dev, unsigned index)
{
    virtio_mmio_write(dev, MMIO_QUEUE_SEL, index);
    if (virtio_mmio_read(dev, MMIO_QUEUE_PFN) != 0)
        return 0;
    return virtio_mmio_read(dev, MMIO_QUEUE_SIZE_MAX);
}

/* The page size is written before any page number. The page number enables the queue: last. */
static int mmio_legacy_queue_enable(struct virtio_device *dev, struct virtq *q)
{
    uint64_t pfn = q->desc_dma / VIRTIO_LEGACY_ALIGN;

    if (pfn > UINT32_MAX)
        return -ERANGE;
    virtio_mmio_write(dev, MMIO_GUEST_PAGE_SIZE, VIRTIO_LEGACY_ALIGN);
    if (mmio_legacy_queue_max(dev, q->index) < q->size)
        return -ENODEV;
    virtio_mmio_write(dev, MMIO_QUEUE_SIZE, q->size);
    virtio_mmio_write(dev, MMIO_QUEUE_ALIGN, VIRTIO_LEGACY_ALIGN);
    hal_write32_sync(virtio_mmio_reg(dev, MMIO_QUEUE_PFN), (uint32_t)pfn);
    virtio_mmio_doorbell(dev, q);
    return virtio_mmio_read(dev, MMIO_QUEUE_PFN) == (uint32_t)pfn ? 0 : -EIO;
}

static const struct virtio_transport virtio_mmio_legacy = {
    .name = "mmio-legacy",
    .feature_words = 1,
    .features_read = virtio_mmio_features_read,
    .features_write = virtio_mmio_features_write,
    .status_read = virtio_mmio_status_read,
    .status_write = virtio_mmio_status_write,
    .config_read = virtio_mmio_config_read,
    .config_write = virtio_mmio_config_write,
    .queue_max = mmio_legacy_queue_max,
    .queue_enable = mmio_legacy_queue_enable,
    .notify = virtio_mmio_notify,
    .irq_setup = virtio_mmio_irq_setup,
    .irq_release = virtio_mmio_irq_release,
    .irq_mask = virtio_mmio_irq_mask,
    .irq_cause = virtio_mmio_irq_cause,
    .release = virtio_mmio_release,
};

bool virtio_mmio_take_legacy(struct virtio_mmio *m)
{
    m->dev.transport = &virtio_mmio_legacy;
    m->dev.legacy = true;
    return true;
}

#endif
