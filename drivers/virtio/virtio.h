/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.h - the bus-independent virtio core, as device drivers see it (virtio 1.4, sections 2, 3).
 *
 * The core finds devices on every transport, matches them with the drivers that were linked, and
 * walks the initialisation steps of section 3.1. A driver names the features that it knows, and
 * gets the ones that the device offers too, with dependencies closed.
 */
#ifndef VIREO_VIRTIO_H
#define VIREO_VIRTIO_H

#include "hal.h"
#include "virtio/ring/features.h"
#include "virtio/ring/virtq.h"

/* Section 2.1 */
enum {
    VIRTIO_STATUS_ACKNOWLEDGE = 1,
    VIRTIO_STATUS_DRIVER = 2,
    VIRTIO_STATUS_DRIVER_OK = 4,
    VIRTIO_STATUS_FEATURES_OK = 8,
    VIRTIO_STATUS_NEEDS_RESET = 64,
    VIRTIO_STATUS_FAILED = 128,
};

/* Section 5: the device types that this tree drives. */
enum {
    VIRTIO_ID_NET = 1,
    VIRTIO_ID_BLOCK = 2,
    VIRTIO_ID_CONSOLE = 3,
    VIRTIO_ID_ENTROPY = 4,
    VIRTIO_ID_BALLOON = 5,
    VIRTIO_ID_VSOCK = 19,
};

struct virtio_device;

/*
 * A driver for one device type. A table entry exists if and only if the driver's object file was
 * linked (VIRTIO_DRIVER). All functions run in task context and never park.
 */
struct virtio_driver {
    uint32_t device_id;
    const char *prefix;                    /* device names are prefix + number: "vblk" */
    const struct virtio_feature *features; /* the type's own bits that the driver implements */
    unsigned feature_count;
    /*
     * Features are negotiated: read the config space, virtio_setup_queues(), virtio_start(). On an
     * error the core sets FAILED, frees the queues and forgets the device.
     */
    int (*probe)(struct virtio_device *dev);
    /* Reap and deliver, within a bound; true if anything was done. */
    bool (*service)(struct virtio_device *dev);
    /* The device announced a configuration change (section 2.4). May be NULL. */
    void (*config_changed)(struct virtio_device *dev);
    /*
     * A queue is never reset alone, also with RING_RESET: for a type whose devices are known to go
     * on with what they had taken from it.
     */
    bool resets_whole;
    /*
     * Recovery. A queue broke, a deadline passed, the device asked for a reset: the queue alone, or
     * the device with all its queues, was reset and can no longer reach their memory. Called for
     * each such queue: take its buffers back (virtq_take_back), keep those that can be submitted
     * once more without harm, drop or fail the others. NULL: this driver does not recover, and
     * dead() follows at once.
     */
    void (*queue_lost)(struct virtio_device *dev, struct virtq *q);
    /*
     * The whole device was reset, or plugged in again: the same features were negotiated as before,
     * its queues are empty and known to it, DRIVER_OK is not set yet. Read the config space again.
     * An error means that this is not the device that it was: it is given up. May be NULL.
     */
    int (*returned)(struct virtio_device *dev);
    /*
     * The queue works again, after DRIVER_OK: fill it, submit again what was kept. NULL: no queue
     * is reset alone, and a device that was unplugged stays gone (virtio_replug: -ENOTSUP).
     */
    void (*queue_back)(struct virtio_device *dev, struct virtq *q);
    /*
     * The device is given up: recovery was tried as often as it may be, it went away, or it is not
     * what it was. Take all buffers back (those that queue_lost already took are the driver's) and
     * fail whoever waits, and those to come, with -EIO. `quarantine` is set when no reset
     * completed: the buffers' memory must not be used again, only their waiters be failed. The
     * driver's own state stays: a device that is plugged in again goes on with returned() and
     * queue_back(), and lives.
     */
    void (*dead)(struct virtio_device *dev, bool quarantine);
};
/*
 * Defines a driver: VIRTIO_DRIVER(vrng_driver) = {.device_id = ...}; The second pointer has the
 * list of buses linked with it, so that an image without drivers holds no transport.
 */
#define VIRTIO_DRIVER(name)                                                                        \
    static const struct virtio_driver name;                                                        \
    static const struct virtio_driver *const name##_entry HAL_TABLE_ATTR(drivers) = &name;         \
    static const struct virtio_bus *const *const name##_buses __attribute__((used)) =              \
        virtio_buses;                                                                              \
    static const struct virtio_driver name
struct virtio_bus;
extern const struct virtio_bus *const virtio_buses[]; /* transport/buses.c */

/* ---- for drivers ----------------------------------------------------------------------------- */

/* "vnet0" */
const char *virtio_name(const struct virtio_device *dev);
void *virtio_priv(const struct virtio_device *dev);
void virtio_set_priv(struct virtio_device *dev, void *priv);

/* Negotiated? */
bool virtio_has(const struct virtio_device *dev, unsigned bit);
/* Does the device follow the rules of before 1.0 (VERSION_1 not negotiated)? */
bool virtio_is_legacy(const struct virtio_device *dev);

/*
 * Config space (section 2.5), little-endian in memory as it is on the bus. Each field is accessed
 * at its own width. virtio_config_read copies `len` bytes in accesses of `width` (1, 2 or 4; a
 * 64-bit field is two of 4) inside a generation loop of at most 16 tries (without a generation
 * counter: until two reads agree). -EIO when it never settles, or the field lies outside the space.
 */
int virtio_config_read(struct virtio_device *dev, unsigned off, void *buf, unsigned len,
                       unsigned width);
int virtio_config_read16(struct virtio_device *dev, unsigned off, uint16_t *v);
int virtio_config_read32(struct virtio_device *dev, unsigned off, uint32_t *v);
int virtio_config_read64(struct virtio_device *dev, unsigned off, uint64_t *v);
int virtio_config_write8(struct virtio_device *dev, unsigned off, uint8_t v);
int virtio_config_write32(struct virtio_device *dev, unsigned off, uint32_t v);

/* In probe: creates queues 0..n-1 with their interrupts. -ENOMEM, -ENODEV (the device lacks one).
 */
int virtio_setup_queues(struct virtio_device *dev, const struct virtq_config *cfg, unsigned n);
struct virtq *virtio_queue(struct virtio_device *dev, unsigned index);

/* In probe, last: DRIVER_OK. From here on the device works and queues may be filled. */
void virtio_start(struct virtio_device *dev);

/* Have service() called soon. */
void virtio_wake(struct virtio_device *dev);

/* Have service() called no later than this. Only ever brings the time forward. */
void virtio_wake_at(struct virtio_device *dev, uint64_t when_ns);

/*
 * The device broke its contract (the cause is logged once): it is reset and recovered as a whole, a
 * bounded number of times with growing pauses, then given up. Safe in service() and
 * config_changed().
 */
void virtio_fail(struct virtio_device *dev, const char *cause);
/* The same, without a try: it is not the device that it was, and is given up. */
void virtio_refuse(struct virtio_device *dev, const char *cause);
/* Is it in service: neither being recovered nor given up? */
bool virtio_works(const struct virtio_device *dev);

/* ---- for status pages and tests -------------------------------------------------------------- */

struct virtio_info {
    const char *name;
    uint32_t device_id;
    const char *transport; /* "mmio", "mmio-legacy", "pci", "pci-legacy" */
    const char *ring;      /* "split", "packed" */
    const char *wakeup;    /* "polled", "irq", "intx", "msi-x" and " shared" or " single" */
    bool alive;            /* in service */
    const char *state;     /* "ok", "resetting", "waiting" (for the next try), "gone" */
    const char *cause;     /* of the last failure, in words; "" if there was none */
    uint64_t resets;       /* of the device since it started, and of single queues */
    uint64_t recoveries;   /* of them, those after which it worked again */
    struct virtio_features offered, accepted;
    uint64_t interrupts;
    unsigned queues;
};
/* The n-th device that has a driver; -ENOENT past the last. */
int virtio_info(unsigned n, struct virtio_info *out);
struct virtio_device *virtio_find(const char *name);
/* Names of the accepted bits, separated by a space, into buf (always terminated). */
void virtio_feature_names(const struct virtio_device *dev, char *buf, size_t len);

#endif
