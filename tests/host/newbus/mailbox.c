/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mailbox.c - a transport for the bus of mailbox.h, as docs/another-transport.md explains it step
 * by step.
 */
#include "mailbox.h"

#include "virtio/transport/buses.h"

#define PORT_PERIOD (100 * HAL_MS) /* between looks for devices that come and go */

extern const struct virtio_bus mailbox_bus;

struct mailbox {
    struct virtio_device dev; /* first: the core knows the device by this */
    hal_mmio_t base;
    hal_irq_t irq;
    bool attached; /* to irq */
    bool here;     /* at the last look at its port */
};

static struct mailbox *boxes[MAILBOXES]; /* NULL: there was never a device of ours */

static hal_mmio_t mailbox_reg(const struct virtio_device *dev, unsigned off)
{
    return ((const struct mailbox *)dev)->base + off;
}

/* ---- items ----------------------------------------------------------------------------------- */

/* Memory may be read or reused once the device has answered: hence the ordered load. */
static uint32_t mailbox_get(struct virtio_device *dev, unsigned item, unsigned number)
{
    hal_write32(mailbox_reg(dev, BOX_SELECT), number);
    hal_write32(mailbox_reg(dev, BOX_COMMAND), item);
    return hal_read32_sync(mailbox_reg(dev, BOX_DATA));
}

/* Some items let the device loose on memory: hence the ordered store. */
static void mailbox_set(struct virtio_device *dev, unsigned item, unsigned number, uint32_t v)
{
    hal_write32(mailbox_reg(dev, BOX_SELECT), number);
    hal_write32(mailbox_reg(dev, BOX_DATA), v);
    hal_write32_sync(mailbox_reg(dev, BOX_COMMAND), item | BOX_SET);
}

static uint32_t mailbox_features_read(struct virtio_device *dev, unsigned word)
{
    return mailbox_get(dev, ITEM_OFFERED, word);
}

static void mailbox_features_write(struct virtio_device *dev, unsigned word, uint32_t bits)
{
    mailbox_set(dev, ITEM_ACCEPTED, word, bits);
}

static bool mailbox_admits(struct virtio_device *dev, unsigned bit)
{
    (void)dev;
    return bit == VIRTIO_F_RING_RESET || bit == VIRTIO_F_NOTIFICATION_DATA;
}

/* A bit above the eight that a status has: nothing answers. */
static uint8_t mailbox_status_read(struct virtio_device *dev)
{
    uint32_t v = mailbox_get(dev, ITEM_STATUS, 0);

    return v > 0xff ? 0xff : (uint8_t)v;
}

static void mailbox_status_write(struct virtio_device *dev, uint8_t status)
{
    mailbox_set(dev, ITEM_STATUS, 0, status);
}

static uint32_t mailbox_generation(struct virtio_device *dev)
{
    return mailbox_get(dev, ITEM_GENERATION, 0);
}

static uint32_t mailbox_config_read(struct virtio_device *dev, unsigned off, unsigned width)
{
    return mailbox_get(dev, ITEM_FIELD + width, off);
}

static void mailbox_config_write(struct virtio_device *dev, unsigned off, unsigned width,
                                 uint32_t v)
{
    mailbox_set(dev, ITEM_FIELD + width, off, v);
}

/* ---- queues ---------------------------------------------------------------------------------- */

static unsigned mailbox_queue_max(struct virtio_device *dev, unsigned index)
{
    return mailbox_get(dev, ITEM_QUEUE_ON, index) ? 0 : mailbox_get(dev, ITEM_QUEUE_MAX, index);
}

static void mailbox_set_address(struct virtio_device *dev, unsigned item, unsigned index,
                                uint64_t addr)
{
    mailbox_set(dev, item, index, (uint32_t)addr);
    mailbox_set(dev, item + 1, index, (uint32_t)(addr >> 32));
}

static int mailbox_queue_enable(struct virtio_device *dev, struct virtq *q)
{
    if (mailbox_queue_max(dev, q->index) < q->size)
        return -ENODEV;
    mailbox_set(dev, ITEM_QUEUE_SIZE, q->index, q->size);
    mailbox_set_address(dev, ITEM_QUEUE_DESC, q->index, q->desc_dma);
    mailbox_set_address(dev, ITEM_QUEUE_DRIVER, q->index, q->avail_dma);
    mailbox_set_address(dev, ITEM_QUEUE_DEVICE, q->index, q->used_dma);
    mailbox_set(dev, ITEM_QUEUE_ON, q->index, 1);
    q->doorbell.addr = mailbox_reg(dev, BOX_KICK);
    q->doorbell.width = 32;
    q->doorbell.id = q->index;
    return mailbox_get(dev, ITEM_QUEUE_ON, q->index) == 1 ? 0 : -EIO;
}

static void mailbox_queue_reset(struct virtio_device *dev, struct virtq *q)
{
    mailbox_set(dev, ITEM_QUEUE_RESET, q->index, 1);
}

static bool mailbox_queue_reset_done(struct virtio_device *dev, struct virtq *q)
{
    return mailbox_get(dev, ITEM_QUEUE_RESET, q->index) == 0;
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static int mailbox_irq_setup(struct virtio_device *dev, unsigned n)
{
    struct mailbox *box = (struct mailbox *)dev;
    int err;

    (void)n; /* one line, however many queues there are */
    dev->wakeup = VIRTIO_WAKEUP_IRQ;
    err = hal_irq_attach(box->irq, virtio_irq_shared, dev);
    box->attached = !err;
    return err;
}

static void mailbox_irq_release(struct virtio_device *dev)
{
    struct mailbox *box = (struct mailbox *)dev;

    if (box->attached)
        hal_irq_detach(box->irq, virtio_irq_shared, dev);
    box->attached = false;
}

static void mailbox_irq_mask(struct virtio_device *dev)
{
    hal_irq_mask(((struct mailbox *)dev)->irq);
}

/* SELECT and DATA are left alone: a handler may come between the accesses of mailbox_get. */
static uint32_t mailbox_irq_cause(struct virtio_device *dev)
{
    uint32_t cause = hal_read32(mailbox_reg(dev, BOX_CAUSE));

    if (cause == UINT32_MAX)
        return VIRTIO_CAUSE_CONFIG; /* gone, which its status will show */
    cause &= VIRTIO_CAUSE_QUEUE | VIRTIO_CAUSE_CONFIG;
    if (cause)
        hal_write32(mailbox_reg(dev, BOX_CAUSE), cause);
    hal_ack_order();
    return cause;
}

static void mailbox_cut_off(struct virtio_device *dev)
{
    hal_write32(mailbox_reg(dev, BOX_PORT), 0);
}

static bool mailbox_absent(struct virtio_device *dev)
{
    return !(hal_read32(mailbox_reg(dev, BOX_PORT)) & PORT_HERE);
}

static void mailbox_release(struct virtio_device *dev)
{
    mailbox_cut_off(dev);
    hal_free(dev);
}

static const struct virtio_transport mailbox_transport = {
    .name = "mailbox",
    .feature_words = VIRTIO_FEATURE_WORDS,
    .has_generation = true,
    .features_read = mailbox_features_read,
    .features_write = mailbox_features_write,
    .admits = mailbox_admits,
    .status_read = mailbox_status_read,
    .status_write = mailbox_status_write,
    .generation = mailbox_generation,
    .config_read = mailbox_config_read,
    .config_write = mailbox_config_write,
    .queue_max = mailbox_queue_max,
    .queue_enable = mailbox_queue_enable,
    .queue_reset = mailbox_queue_reset,
    .queue_reset_done = mailbox_queue_reset_done,
    .irq_setup = mailbox_irq_setup,
    .irq_release = mailbox_irq_release,
    .irq_mask = mailbox_irq_mask,
    .irq_cause = mailbox_irq_cause,
    .cut_off = mailbox_cut_off,
    .absent = mailbox_absent,
    .release = mailbox_release,
};

/* ---- the bus --------------------------------------------------------------------------------- */

/* The type of the device in a box, which may reach memory from here on; 0: none that is wanted. */
static uint32_t mailbox_open(hal_mmio_t base)
{
    uint32_t id = hal_read32(base + BOX_ID), type = id & 0xffff;

    if (id - type != BOX_MAGIC || !virtio_wanted(type))
        return 0;
    hal_write32(base + BOX_PORT, PORT_MAY_REACH_MEMORY);
    return type;
}

static void mailbox_find(unsigned n)
{
    hal_mmio_t base = hal_mmio_map(MAILBOX_BASE + n * MAILBOX_LEN, MAILBOX_LEN);
    uint32_t type = base ? mailbox_open(base) : 0;
    struct mailbox *box = type ? (struct mailbox *)virtio_bus_device(&mailbox_bus, type) : NULL;

    if (!box)
        return;
    box->base = base;
    box->irq = MAILBOX_IRQ + (hal_irq_t)n;
    box->here = true;
    box->dev.transport = &mailbox_transport;
    box->dev.config_len = mailbox_get(&box->dev, ITEM_LENGTH, 0);
    if (virtio_attach(&box->dev) == 0)
        boxes[n] = box;
}

/* Has the device left its box, or is one back in it? */
static void mailbox_look(struct mailbox *box)
{
    struct virtio_device *dev = &box->dev;
    bool here = !mailbox_absent(dev);

    if (here == box->here)
        return;
    box->here = here;
    if (!here)
        virtio_unplug(dev, false, true);
    else if (mailbox_open(box->base) != dev->device_id || virtio_replug(dev))
        mailbox_cut_off(dev);
}

static bool mailbox_look_at_all(struct hal_service *s)
{
    s->next_ns = hal_now_ns() + PORT_PERIOD;
    for (unsigned n = 0; n < MAILBOXES; n++)
        if (boxes[n])
            mailbox_look(boxes[n]);
    return false;
}

static void mailbox_scan(void)
{
    static struct hal_service ports = {.name = "mailbox", .run = mailbox_look_at_all};

    for (unsigned n = 0; n < MAILBOXES; n++)
        mailbox_find(n);
    ports.next_ns = hal_now_ns() + PORT_PERIOD; /* 0 would be never */
    hal_service_add(&ports);
}

const struct virtio_bus mailbox_bus = {
    .name = "mailbox",
    .device_bytes = sizeof(struct mailbox),
    .scan = mailbox_scan,
};
