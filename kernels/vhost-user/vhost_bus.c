/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhost_bus.c - a transport for drivers/virtio: the registers of a device are requests to a
 * vhost-user back-end. A kick and an interrupt are counters (eventfd) that both sides hold.
 *
 * The back-end has no status. It learns the features with FEATURES_OK and starts the queues with
 * DRIVER_OK; a reset stops each queue, after which the back-end no longer touches its memory.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "process.h"
#include "virtio/transport/buses.h"

#define DEVICES    4
#define QUEUES     8
#define QUEUE_SIZE 256

/* Bytes of the configuration spaces, up to the last field that the drivers read. */
#define CONFIG_BLK  60
#define CONFIG_NET  12
#define CONFIG_HEAD 12 /* of a message about them */

struct vhost_device {
    struct virtio_device dev; /* first: the core knows the device by this */
    struct vhost_backend backend;
    uint64_t accepted;
    uint8_t status;
    hal_irq_t irq;
    int call; /* of all queues */
    bool attached;
    struct {
        int kick;
        bool on; /* the back-end may touch the queue's memory */
    } queue[QUEUES];
};

struct vring_state {
    uint32_t index, value;
};

struct vring_address {
    uint32_t index, flags;
    uint64_t desc, used, avail, log;
};

struct config_part {
    uint32_t offset, size, flags;
    uint8_t bytes[CONFIG_BLK];
} __attribute__((packed));

static struct {
    uint32_t device_id;
    const char *path;
} places[DEVICES];
static unsigned place_count;

static struct vhost_device *vhost_of(struct virtio_device *dev)
{
    return (struct vhost_device *)dev;
}

/* ---- features and status --------------------------------------------------------------------- */

static uint32_t vhost_features_read(struct virtio_device *dev, unsigned word)
{
    return (uint32_t)((vhost_of(dev)->backend.features & ~VHOST_F_OWN) >> 32 * word);
}

static void vhost_features_write(struct virtio_device *dev, unsigned word, uint32_t bits)
{
    struct vhost_device *v = vhost_of(dev);

    v->accepted &= ~((uint64_t)UINT32_MAX << 32 * word);
    v->accepted |= (uint64_t)bits << 32 * word;
}

static uint8_t vhost_status_read(struct virtio_device *dev)
{
    struct vhost_device *v = vhost_of(dev);

    return vhost_is_gone(&v->backend) ? 0xff : v->status;
}

/* The answer comes when the back-end has stopped; a back-end that sends none is gone. */
static void vhost_stop(struct vhost_device *v)
{
    for (unsigned i = 0; i < QUEUES; i++) {
        struct vring_state off = {i, 0};

        if (!v->queue[i].on)
            continue;
        vhost_ask(&v->backend, VHOST_GET_VRING_BASE, &off, sizeof(off));
        v->queue[i].on = false;
    }
}

static void vhost_status_write(struct virtio_device *dev, uint8_t status)
{
    struct vhost_device *v = vhost_of(dev);
    uint8_t set = status & ~v->status;

    v->status = status;
    if (!status)
        vhost_stop(v);
    if (set & VIRTIO_STATUS_FEATURES_OK) {
        uint64_t features = v->accepted | (v->backend.features & VHOST_F_PROTOCOL);

        vhost_send(&v->backend, VHOST_SET_FEATURES, &features, sizeof(features), -1);
    }
    for (unsigned i = 0; i < QUEUES && set & VIRTIO_STATUS_DRIVER_OK; i++) {
        struct vring_state on = {i, 1};

        if (v->queue[i].on && v->backend.features & VHOST_F_PROTOCOL)
            vhost_send(&v->backend, VHOST_SET_VRING_ENABLE, &on, sizeof(on), -1);
    }
}

/* ---- configuration space --------------------------------------------------------------------- */

/* The whole space, since back-ends take the offset 0 for granted. */
static uint32_t vhost_config_read(struct virtio_device *dev, unsigned off, unsigned width)
{
    struct config_part part = {.size = dev->config_len};
    uint32_t value = 0;

    if (!vhost_ask(&vhost_of(dev)->backend, VHOST_GET_CONFIG, &part, CONFIG_HEAD + part.size))
        return UINT32_MAX;
    memcpy(&value, part.bytes + off, width);
    return value;
}

static void vhost_config_write(struct virtio_device *dev, unsigned off, unsigned width, uint32_t v)
{
    struct config_part part = {.offset = off, .size = width};

    memcpy(part.bytes, &v, width);
    vhost_send(&vhost_of(dev)->backend, VHOST_SET_CONFIG, &part, CONFIG_HEAD + width, -1);
}

/* ---- queues ---------------------------------------------------------------------------------- */

static unsigned vhost_queue_max(struct virtio_device *dev, unsigned index)
{
    struct vhost_device *v = vhost_of(dev);

    return index < QUEUES && index < v->backend.queues && !v->queue[index].on ? QUEUE_SIZE : 0;
}

/* Where the back-end begins: at 0, and in a packed ring in the first round, for both sides. */
static uint32_t vhost_base(struct virtio_device *dev)
{
    return virtio_has(dev, VIRTIO_F_RING_PACKED) ? 0x80008000u : 0;
}

static int vhost_queue_enable(struct virtio_device *dev, struct virtq *q)
{
    struct vhost_device *v = vhost_of(dev);
    struct vring_state size = {q->index, q->size}, base = {q->index, vhost_base(dev)};
    struct vring_address address = {q->index, 0, q->desc_dma, q->used_dma, q->avail_dma, 0};
    uint64_t index = q->index;

    vhost_send(&v->backend, VHOST_SET_VRING_NUM, &size, sizeof(size), -1);
    vhost_send(&v->backend, VHOST_SET_VRING_BASE, &base, sizeof(base), -1);
    vhost_send(&v->backend, VHOST_SET_VRING_ADDR, &address, sizeof(address), -1);
    vhost_send(&v->backend, VHOST_SET_VRING_CALL, &index, sizeof(index), v->call);
    v->queue[q->index].on = true;
    q->doorbell.addr = 0; /* vhost_notify */
    return vhost_send(&v->backend, VHOST_SET_VRING_KICK, &index, sizeof(index),
                      v->queue[q->index].kick)
               ? 0
               : -EIO;
}

static void vhost_notify(struct virtio_device *dev, struct virtq *q, uint32_t value)
{
    (void)value;
    eventfd_write(vhost_of(dev)->queue[q->index].kick, 1);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static int vhost_irq_setup(struct virtio_device *dev, unsigned n)
{
    struct vhost_device *v = vhost_of(dev);
    int err;

    (void)n; /* one line, however many queues there are */
    dev->wakeup = VIRTIO_WAKEUP_IRQ;
    err = hal_irq_attach(v->irq, virtio_irq_shared, dev);
    v->attached = !err;
    return err;
}

static void vhost_irq_release(struct virtio_device *dev)
{
    struct vhost_device *v = vhost_of(dev);

    if (v->attached)
        hal_irq_detach(v->irq, virtio_irq_shared, dev);
    v->attached = false;
}

static void vhost_irq_mask(struct virtio_device *dev)
{
    hal_irq_mask(vhost_of(dev)->irq);
}

static uint32_t vhost_irq_cause(struct virtio_device *dev)
{
    struct vhost_device *v = vhost_of(dev);
    eventfd_t count;

    if (vhost_is_gone(&v->backend))
        return VIRTIO_CAUSE_CONFIG; /* its status will show it */
    if (eventfd_read(v->call, &count))
        return 0;
    hal_ack_order();
    return VIRTIO_CAUSE_QUEUE;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* A back-end that hung up has ended, or has unmapped the memory. */
static bool vhost_absent(struct virtio_device *dev)
{
    return vhost_is_gone(&vhost_of(dev)->backend);
}

static void vhost_release(struct virtio_device *dev)
{
    struct vhost_device *v = vhost_of(dev);

    for (unsigned i = 0; i < QUEUES; i++)
        close(v->queue[i].kick);
    close(v->call);
    if (v->backend.socket >= 0)
        close(v->backend.socket);
    hal_free(v);
}

static const struct virtio_transport vhost_transport = {
    .name = "vhost-user",
    .feature_words = 2,
    .features_read = vhost_features_read,
    .features_write = vhost_features_write,
    .status_read = vhost_status_read,
    .status_write = vhost_status_write,
    .config_read = vhost_config_read,
    .config_write = vhost_config_write,
    .queue_max = vhost_queue_max,
    .queue_enable = vhost_queue_enable,
    .notify = vhost_notify,
    .irq_setup = vhost_irq_setup,
    .irq_release = vhost_irq_release,
    .irq_mask = vhost_irq_mask,
    .irq_cause = vhost_irq_cause,
    .absent = vhost_absent,
    .release = vhost_release,
};

/* ---- the bus --------------------------------------------------------------------------------- */

static const struct virtio_bus vhost_bus;

static uint32_t vhost_config_len(const struct vhost_device *v)
{
    if (!(v->backend.protocol & VHOST_P_CONFIG))
        return 0;
    return v->dev.device_id == VIRTIO_ID_BLOCK ? CONFIG_BLK : CONFIG_NET;
}

static void vhost_find(unsigned n)
{
    struct vhost_device *v =
        (struct vhost_device *)virtio_bus_device(&vhost_bus, places[n].device_id);

    if (!v)
        return;
    if (!vhost_connect(&v->backend, places[n].path)) {
        hal_free(v);
        return;
    }
    v->irq = (hal_irq_t)n;
    v->call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    for (unsigned i = 0; i < QUEUES; i++)
        v->queue[i].kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    process_line_fd(v->irq, v->call);
    process_line_fd(v->irq, v->backend.socket);
    v->dev.transport = &vhost_transport;
    v->dev.config_len = vhost_config_len(v);
    virtio_attach(&v->dev);
}

static void vhost_scan(void)
{
    for (unsigned n = 0; n < place_count; n++)
        if (virtio_wanted(places[n].device_id))
            vhost_find(n);
}

static const struct virtio_bus vhost_bus = {
    .name = "vhost-user",
    .device_bytes = sizeof(struct vhost_device),
    .scan = vhost_scan,
};
const struct virtio_bus *const virtio_buses[] = {&vhost_bus, NULL};

void vhost_add(uint32_t device_id, const char *path)
{
    hal_assert(place_count < DEVICES);
    places[place_count].device_id = device_id;
    places[place_count++].path = path;
}
