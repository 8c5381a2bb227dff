/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transport.h - what a transport supplies (struct virtio_transport), and what the core does for
 * transports. The transports are in transport/, and buses.c there has their list.
 */
#ifndef VIREO_VIRTIO_TRANSPORT_H
#define VIREO_VIRTIO_TRANSPORT_H

#include "hal.h"
#include "virtio/ring/virtq_impl.h"

struct virtio_device;

/* Causes of an interrupt, as InterruptStatus and the ISR encode them (4.1.4.5, 4.2.2). */
enum { VIRTIO_CAUSE_QUEUE = 1, VIRTIO_CAUSE_CONFIG = 2 };

/* How a device wakes its service; irq_setup() chooses what the bus has. */
enum virtio_wakeup {
    VIRTIO_WAKEUP_POLLED,
    VIRTIO_WAKEUP_IRQ,         /* a line of its own (mmio) */
    VIRTIO_WAKEUP_INTX,        /* a line that may be shared */
    VIRTIO_WAKEUP_MSIX,        /* a vector a queue; one for changes and queues that are `rare` */
    VIRTIO_WAKEUP_MSIX_SHARED, /* one for all queues, one for changes */
    VIRTIO_WAKEUP_MSIX_SINGLE, /* one for everything */
    VIRTIO_WAKEUPS
};

/*
 * The registers of a device on one bus. All accesses have the width and order of the section that
 * describes the registers. No function waits, or loops over what a device says. Task context, but
 * where [handler] stands. While a device is away (unplugged), the core calls
 * irq_release alone.
 */
struct virtio_transport {
    const char *name; /* "pci-legacy": in the log, and in virtio_info */

    /* ---- facts ---- */
    uint8_t feature_words; /* words of feature bits that the bus can address, 1.. */
    bool has_generation;   /* the configuration space has a generation counter */
    bool size_fixed;       /* the device alone decides the size of a queue */

    /* ---- features (section 2.2): word < feature_words ---- */

    /* What the device offers: bits 32 * word to 32 * word + 31. */
    uint32_t (*features_read)(struct virtio_device *dev, unsigned word);
    /* What the driver accepts. Between DRIVER and FEATURES_OK only. */
    void (*features_write)(struct virtio_device *dev, unsigned word, uint32_t bits);
    /*
     * Has the device, on this bus, the registers that feature `bit` needs? Asked for RING_RESET,
     * NOTIFICATION_DATA and NOTIF_CONFIG_DATA. NULL: none of them.
     */
    bool (*admits)(struct virtio_device *dev, unsigned bit);

    /* ---- status (section 2.1) ---- */

    /* All ones where nothing answers. Later accesses to memory are ordered behind the read. */
    uint8_t (*status_read)(struct virtio_device *dev);
    /* 0 asks for a reset. Earlier stores to memory are ordered before the write. */
    void (*status_write)(struct virtio_device *dev, uint8_t status);

    /* ---- configuration space (section 2.5) ---- */

    /* Changes with each change of the space. Only called if has_generation. */
    uint32_t (*generation)(struct virtio_device *dev);
    /* One access of `width` 1, 2 or 4 bytes at a multiple of it, inside dev->config_len. */
    uint32_t (*config_read)(struct virtio_device *dev, unsigned off, unsigned width);
    void (*config_write)(struct virtio_device *dev, unsigned off, unsigned width, uint32_t v);

    /* ---- queues ---- */

    /* Largest size in entries that the device admits for the queue; 0: there is no such queue, or
     * it is enabled already. */
    unsigned (*queue_max)(struct virtio_device *dev, unsigned index);
    /*
     * Tells the device where the queue lies, its size and vector, enables it, and fills in
     * q->doorbell. From here on the device may read the ring's memory, until a reset is complete.
     * -ENODEV, -EIO, -EINVAL, -ERANGE, -ENOMEM: the queue cannot be used, and is not enabled.
     */
    int (*queue_enable)(struct virtio_device *dev, struct virtq *q);
    /* Section 2.6.1, if RING_RESET was negotiated: asks for a reset of the queue; tells whether it
     * is complete, so that the ring's memory is the driver's. NULL where admits() never has it. */
    void (*queue_reset)(struct virtio_device *dev, struct virtq *q);
    bool (*queue_reset_done)(struct virtio_device *dev, struct virtq *q);
    /* A kick, if q->doorbell has no address; `value` as for a doorbell of q->doorbell.width. NULL
     * where each doorbell has an address. */
    void (*notify)(struct virtio_device *dev, struct virtq *q, uint32_t value);

    /* ---- interrupts ---- */

    /*
     * Attaches handlers (virtio_irq_*, below) for dev->queues[0..n), before the queues are
     * enabled. Sets dev->wakeup, and q->vector of each queue, before a handler can run. An error:
     * there is no interrupt, nothing is left attached, and the core polls.
     */
    int (*irq_setup)(struct virtio_device *dev, unsigned n);
    /* Takes back what irq_setup did: no handler runs afterwards. Allowed without irq_setup. */
    void (*irq_release)(struct virtio_device *dev);
    /* Ends a storm: the device's interrupt comes no more, until irq_release. [handler] */
    void (*irq_mask)(struct virtio_device *dev);
    /*
     * Reads and acknowledges the causes, once: VIRTIO_CAUSE_* bits. Later looks at the queues are
     * ordered behind it. Called by virtio_irq_shared, and for a device that is polled. [handler]
     */
    uint32_t (*irq_cause)(struct virtio_device *dev);

    /* ---- the end ---- */

    /* Keeps a device that does not complete a reset from reaching memory. NULL: the bus cannot. */
    void (*cut_off)(struct virtio_device *dev);
    /* The registers read all ones: does the bus know that nothing is left which could write to
     * memory? NULL: the bus never knows. */
    bool (*absent)(struct virtio_device *dev);
    /* The device could not be used (virtio_attach): frees the structure that holds it. */
    void (*release)(struct virtio_device *dev);
};

/* ---- what the core does for transports ------------------------------------------------------- */

/* Does any linked driver want this device type? A transport asks before it touches a device. */
bool virtio_wanted(uint32_t device_id);

/*
 * A transport found a device: initialises it, and hands it to its driver. `dev` is zeroed but for
 * transport, device_id, legacy and config_len, and often the head of a larger structure. 0: the
 * core owns the device, which stays at its address for ever. An error: the device cannot be used,
 * and the transport's release() was called for it (-ENODEV also: no driver wants it, and no
 * release).
 */
int virtio_attach(struct virtio_device *dev);

/*
 * The device is about to leave the bus, and the bus can wait: resets it as virtio_refuse does. True
 * once the device is given up, at most a second later; call again until then.
 */
bool virtio_retire(struct virtio_device *dev);
/*
 * The device left the bus, or leaves it without waiting. Every call that waits for it gets an
 * error; the structure and its name stay. `here`: its registers still answer, so it is reset first.
 * Without `here` it is never accessed, and its memory is quarantined, unless the bus knows
 * (`absent`) that nothing is there which could write.
 */
void virtio_unplug(struct virtio_device *dev, bool here, bool absent);
/*
 * A device of the same type is in the place of one that was unplugged, and the transport renewed
 * its part of the structure: the device takes the steps of section 3.1 and goes on under its name.
 * -EINVAL: the old one was not given up. -ENOTSUP: its driver cannot do that. -ENODEV: the new one
 * is another device, or does not work. After an error it stays unplugged.
 */
int virtio_replug(struct virtio_device *dev);

/* All devices that have a driver, unplugged ones included, in the order in which they were found.
 * NULL gives the first; NULL comes after the last. */
struct virtio_device *virtio_next(const struct virtio_device *dev);

/*
 * Handlers for irq_setup. [handler] virtio_irq_shared is for a line, whose cause it reads; the
 * others are for vectors, which have none: of one queue, of all queues, of the configuration, of
 * everything.
 */
void virtio_irq_shared(void *dev);
void virtio_irq_queue(void *queue);
void virtio_irq_queues(void *dev);
void virtio_irq_config(void *dev);
void virtio_irq_all(void *dev);

/* A field of `width` 1, 2 or 4 bytes in a register space, in one access (section 2.5). */
static inline uint32_t virtio_read_field(hal_mmio_t at, unsigned width)
{
    return width == 1 ? hal_read8(at) : width == 2 ? hal_read16(at) : hal_read32(at);
}
static inline void virtio_write_field(hal_mmio_t at, unsigned width, uint32_t v)
{
    if (width == 1)
        hal_write8(at, (uint8_t)v);
    else if (width == 2)
        hal_write16(at, (uint16_t)v);
    else
        hal_write32(at, v);
}

/* The same, behind all earlier stores to memory. */
static inline void virtio_write_field_sync(hal_mmio_t at, unsigned width, uint32_t v)
{
    if (width == 1)
        hal_write8_sync(at, (uint8_t)v);
    else if (width == 2)
        hal_write16_sync(at, (uint16_t)v);
    else
        hal_write32_sync(at, v);
}

#endif
