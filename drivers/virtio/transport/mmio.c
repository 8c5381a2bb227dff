/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmio.c - virtio over MMIO (virtio 1.4, section 4.2): discovery, what both versions share, and the
 * modern register layout. The legacy one is in mmio_legacy.c.
 */
#include "virtio/transport/mmio.h"

#if VIREO_MMIO

#define MMIO_MIN_LEN 0x100u
#define CAUSE_TRIES  8

/* ---- shared by both versions ----------------------------------------------------------------- */

uint32_t virtio_mmio_features_read(struct virtio_device *dev, unsigned word)
{
    virtio_mmio_write(dev, MMIO_DEVICE_FEATURES_SEL, word);
    return virtio_mmio_read(dev, MMIO_DEVICE_FEATURES);
}

void virtio_mmio_features_write(struct virtio_device *dev, unsigned word, uint32_t bits)
{
    virtio_mmio_write(dev, MMIO_DRIVER_FEATURES_SEL, word);
    virtio_mmio_write(dev, MMIO_DRIVER_FEATURES, bits);
}

/* All eight status bits are in the low byte; a bit above it means that the device is gone. */
uint8_t virtio_mmio_status_read(struct virtio_device *dev)
{
    uint32_t v = hal_read32_sync(virtio_mmio_reg(dev, MMIO_STATUS));

    return v > 0xff ? 0xff : (uint8_t)v;
}

void virtio_mmio_status_write(struct virtio_device *dev, uint8_t status)
{
    hal_write32_sync(virtio_mmio_reg(dev, MMIO_STATUS), status);
}

uint32_t virtio_mmio_config_read(struct virtio_device *dev, unsigned off, unsigned width)
{
    return virtio_read_field(virtio_mmio_reg(dev, MMIO_CONFIG + off), width);
}

void virtio_mmio_config_write(struct virtio_device *dev, unsigned off, unsigned width, uint32_t v)
{
    virtio_write_field(virtio_mmio_reg(dev, MMIO_CONFIG + off), width, v);
}

void virtio_mmio_notify(struct virtio_device *dev, struct virtq *q, uint32_t value)
{
    (void)q;
    hal_write32_sync(virtio_mmio_reg(dev, MMIO_QUEUE_NOTIFY), value);
}

void virtio_mmio_doorbell(struct virtio_device *dev, struct virtq *q)
{
    q->doorbell.addr = virtio_mmio_reg(dev, MMIO_QUEUE_NOTIFY);
    q->doorbell.width = 32;
    q->doorbell.id = q->index;
}

int virtio_mmio_irq_setup(struct virtio_device *dev, unsigned n)
{
    struct virtio_mmio *m = (struct virtio_mmio *)dev;
    int err;

    (void)n;
    dev->wakeup = VIRTIO_WAKEUP_IRQ; /* before the handler: a storm may change it at once */
    dev->line = m->irq;
    err = hal_irq_attach(m->irq, virtio_irq_shared, dev);
    m->attached = !err;
    return err;
}

void virtio_mmio_irq_release(struct virtio_device *dev)
{
    struct virtio_mmio *m = (struct virtio_mmio *)dev;

    if (m->attached)
        hal_irq_detach(m->irq, virtio_irq_shared, dev);
    m->attached = false;
}

void virtio_mmio_irq_mask(struct virtio_device *dev)
{
    hal_irq_mask(((struct virtio_mmio *)dev)->irq);
}

/*
 * Section 4.2.3.4: acknowledges the causes that were read and that the standard defines, nothing
 * else. Then reads again, for causes that came up in between: the device holds its line until all
 * are acknowledged, and a line that never falls raises no further interrupt where it is
 * edge-triggered (as device trees say). All ones: the device is gone, which its status will show.
 */
uint32_t virtio_mmio_irq_cause(struct virtio_device *dev)
{
    uint32_t causes = 0;

    for (unsigned i = 0; i < CAUSE_TRIES; i++) {
        uint32_t cause = virtio_mmio_read(dev, MMIO_INTERRUPT_STATUS);

        if (cause == UINT32_MAX)
            return VIRTIO_CAUSE_CONFIG;
        cause &= VIRTIO_CAUSE_QUEUE | VIRTIO_CAUSE_CONFIG;
        if (!cause)
            break;
        virtio_mmio_write(dev, MMIO_INTERRUPT_ACK, cause);
        causes |= cause;
    }
    hal_ack_order();
    return causes;
}

void virtio_mmio_release(struct virtio_device *dev)
{
    hal_free(dev);
}

/* ---- modern (version 2) ---------------------------------------------------------------------- */

/* Section 4.2.2. QEMU offers RING_RESET, but its register map has no QueueReset. */
static bool mmio_admits(struct virtio_device *dev, unsigned bit)
{
    if (bit == VIRTIO_F_RING_RESET)
        return virtio_mmio_read(dev, MMIO_VENDOR_ID) != MMIO_VENDOR_QEMU;
    return bit == VIRTIO_F_NOTIFICATION_DATA;
}

static void mmio_queue_reset(struct virtio_device *dev, struct virtq *q)
{
    virtio_mmio_write(dev, MMIO_QUEUE_SEL, q->index);
    virtio_mmio_write(dev, MMIO_QUEUE_RESET, 1);
}

/* Both registers: where QueueReset does not exist it reads 0, with the queue still enabled. */
static bool mmio_queue_reset_done(struct virtio_device *dev, struct virtq *q)
{
    virtio_mmio_write(dev, MMIO_QUEUE_SEL, q->index);
    return !virtio_mmio_read(dev, MMIO_QUEUE_RESET) &&
           !hal_read32_sync(virtio_mmio_reg(dev, MMIO_QUEUE_READY));
}

static uint32_t mmio_generation(struct virtio_device *dev)
{
    return virtio_mmio_read(dev, MMIO_CONFIG_GENERATION);
}

static unsigned mmio_queue_max(struct virtio_device *dev, unsigned index)
{
    virtio_mmio_write(dev, MMIO_QUEUE_SEL, index);
    if (virtio_mmio_read(dev, MMIO_QUEUE_READY) != 0)
        return 0;
    return virtio_mmio_read(dev, MMIO_QUEUE_SIZE_MAX);
}

static void mmio_write_address(struct virtio_device *dev, unsigned low, uint64_t addr)
{
    virtio_mmio_write(dev, low, (uint32_t)addr);
    virtio_mmio_write(dev, low + 4, (uint32_t)(addr >> 32));
}

/* Section 4.2.3.2 */
static int mmio_queue_enable(struct virtio_device *dev, struct virtq *q)
{
    if (mmio_queue_max(dev, q->index) < q->size)
        return -ENODEV;
    virtio_mmio_write(dev, MMIO_QUEUE_SIZE, q->size);
    mmio_write_address(dev, MMIO_QUEUE_DESC_LOW, q->desc_dma);
    mmio_write_address(dev, MMIO_QUEUE_DRIVER_LOW, q->avail_dma);
    mmio_write_address(dev, MMIO_QUEUE_DEVICE_LOW, q->used_dma);
    hal_write32_sync(virtio_mmio_reg(dev, MMIO_QUEUE_READY), 1);
    virtio_mmio_doorbell(dev, q);
    return virtio_mmio_read(dev, MMIO_QUEUE_READY) == 1 ? 0 : -EIO;
}

/*
 * Two feature words only: the register map would allow more, but QEMU 7.2 answers every selector
 * above 0 with word 1, and no bit that this driver knows lies higher.
 */
const struct virtio_transport virtio_mmio_modern = {
    .name = "mmio",
    .feature_words = 2,
    .has_generation = true,
    .features_read = virtio_mmio_features_read,
    .features_write = virtio_mmio_features_write,
    .admits = mmio_admits,
    .status_read = virtio_mmio_status_read,
    .status_write = virtio_mmio_status_write,
    .generation = mmio_generation,
    .config_read = virtio_mmio_config_read,
    .config_write = virtio_mmio_config_write,
    .queue_max = mmio_queue_max,
    .queue_enable = mmio_queue_enable,
    .queue_reset = mmio_queue_reset,
    .queue_reset_done = mmio_queue_reset_done,
    .notify = virtio_mmio_notify,
    .irq_setup = virtio_mmio_irq_setup,
    .irq_release = virtio_mmio_irq_release,
    .irq_mask = virtio_mmio_irq_mask,
    .irq_cause = virtio_mmio_irq_cause,
    .release = virtio_mmio_release,
};

/* ---- discovery (section 4.2.3.1) ------------------------------------------------------------- */

/* 0, or -ENODEV: nothing there that a driver wants, or that can be driven. */
static int mmio_identify(hal_mmio_t base, uint32_t *version, uint32_t *id)
{
    if (hal_read32(base + MMIO_MAGIC) != MMIO_MAGIC_VALUE)
        return -ENODEV;
    *version = hal_read32(base + MMIO_VERSION);
    if (*version != 1 && *version != 2) {
        hal_log(HAL_WARN, "virtio-mmio", "version %u is unknown: slot ignored", *version);
        return -ENODEV;
    }
    *id = hal_read32(base + MMIO_DEVICE_ID);
    if (!*id || !virtio_wanted(*id))
        return -ENODEV;
    return 0;
}

/* A second reset would take the device away from the driver that has it. */
static bool mmio_in_use(hal_mmio_t base)
{
    for (const struct virtio_device *dev = virtio_next(NULL); dev; dev = virtio_next(dev))
        if (dev->transport->release == virtio_mmio_release && virtio_mmio_reg(dev, 0) == base)
            return true;
    return false;
}

int virtio_mmio_attach(const struct hal_virtio_mmio *window)
{
    bool usable = window->len >= MMIO_MIN_LEN && window->len <= UINT32_MAX;
    hal_mmio_t base = usable ? hal_mmio_map(window->phys, window->len) : 0;
    uint32_t version, id;
    struct virtio_mmio *m;
    int err;

    if (!base) {
        hal_log(HAL_WARN, "virtio-mmio", "the window at 0x%llx cannot be %s",
                (unsigned long long)window->phys, usable ? "mapped" : "one: its length is wrong");
        return -EINVAL;
    }
    if (mmio_in_use(base))
        return -EBUSY;
    err = mmio_identify(base, &version, &id);
    if (err)
        return err;
    m = (struct virtio_mmio *)virtio_bus_device(&virtio_mmio_bus, id);
    if (!m)
        return -ENOMEM;
    m->base = base;
    m->irq = window->irq;
    m->dev.transport = &virtio_mmio_modern;
    m->dev.config_len = (uint32_t)window->len - MMIO_CONFIG;
    if (version == 2 || virtio_mmio_take_legacy(m))
        return virtio_attach(&m->dev);
    hal_free(m);
    return -ENODEV;
}

/*
 * From the highest address down: QEMU's virt machine fills its slots in that order, so devices get
 * their numbers in the order of QEMU's arguments.
 */
static void mmio_scan(void)
{
    struct hal_virtio_mmio window;
    unsigned n = 0;

    while (hal_virtio_mmio(n, &window) == 0)
        n++;
    while (n-- > 0)
        if (hal_virtio_mmio(n, &window) == 0)
            virtio_mmio_attach(&window);
}

const struct virtio_bus virtio_mmio_bus = {
    .name = "virtio-mmio",
    .device_bytes = sizeof(struct virtio_mmio),
    .scan = mmio_scan,
};

#endif
