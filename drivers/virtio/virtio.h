/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio.h - the bus-independent virtio core, as device drivers see it (virtio 1.4, sections 2, 3).
 *
 * The core finds devices on every transport, matches them with the drivers that were linked, and
 * walks the initialisation steps of section 3.1. A driver names the features that it knows; of
 * these the core accepts what the device offers, if the bits that a feature needs are accepted too.
 */
#ifndef VIREO_VIRTIO_H
#define VIREO_VIRTIO_H

#include "hal.h"
#include "virtio/ring/features.h"
#include "virtio/ring/virtq.h"

#ifdef __cplusplus
extern "C" {
#endif

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
 * A driver for one device type, defined by VIRTIO_DRIVER: an image has it if the driver's object
 * file was linked. All functions run in task context and never park.
 */
struct virtio_driver {
    uint32_t device_id;                    /* VIRTIO_ID_*, or the id of a type of your own */
    const char *prefix;                    /* device names are prefix + number: "vblk" */
    const struct virtio_feature *features; /* the type's own bits that the driver implements */
    unsigned feature_count;
    /*
     * Can this driver serve the device at all? Called before FEATURES_OK is written, with nothing
     * set up: virtio_offers() and virtio_config_read*() may be used (section 3.1.1, step 4). A
     * negative errno, with a line in the log, has FAILED written instead. NULL: it can.
     */
    int (*vet)(struct virtio_device *dev);
    /*
     * Features are negotiated: read the config space, virtio_setup_queues(), virtio_start(). 0: the
     * device is in service. On an error the core resets the device, writes FAILED, frees the queues
     * and forgets the device: `dev` must not be used again.
     */
    int (*probe)(struct virtio_device *dev);
    /* Reap and deliver, within a bound; true if anything was done. Called after an interrupt,
     * virtio_wake, at the time of virtio_wake_at, at each tick while buffers are out, or all the
     * time (polled). */
    bool (*service)(struct virtio_device *dev);
    /* The configuration space changed, or may have (section 2.4). May be NULL. */
    void (*config_changed)(struct virtio_device *dev);
    /*
     * No queue is reset alone, even with RING_RESET: for a type whose devices are known to go on
     * with buffers that they took before the reset.
     */
    bool resets_whole;
    /*
     * Recovery. A queue broke, a deadline passed, or the device asked for a reset: the queue alone,
     * or the device with all its queues, was reset, and no longer reaches their memory. Called for
     * each such queue: take its buffers back (virtq_take_back), keep those that can be submitted
     * once more without harm, drop or fail the others. NULL: this driver does not recover, and
     * dead() follows the reset.
     */
    void (*queue_lost)(struct virtio_device *dev, struct virtq *q);
    /*
     * The whole device was reset, or plugged in again: the same features were negotiated as before,
     * the queues are enabled and empty, DRIVER_OK is not written yet. Read the config space again.
     * An error means that this is another device than before, which is given up. May be NULL.
     */
    int (*returned)(struct virtio_device *dev);
    /*
     * The queue is in service again, after DRIVER_OK: fill it, and submit what was kept. NULL: no
     * queue is reset alone, and a device that was unplugged stays gone (virtio_replug: -ENOTSUP).
     */
    void (*queue_back)(struct virtio_device *dev, struct virtq *q);
    /*
     * The device is given up: all tries of recovery failed, it was unplugged, or another device is
     * in its place. Take all buffers back (those that queue_lost took are the driver's already),
     * and fail every waiter, present and future, with -EIO. `quarantine`: no reset completed, so
     * the device may still write to the buffers: fail their waiters, but never use their memory
     * again. Keep the driver's own state: if the device is plugged in again, returned() and
     * queue_back() follow.
     */
    void (*dead)(struct virtio_device *dev, bool quarantine);
    /*
     * vireo_start() has looked at each bus. The only function that may wait for a device, and only
     * within a bound: services do not run yet. May be NULL.
     */
    void (*scanned)(void);
};

/*
 * Defines a driver: VIRTIO_DRIVER(vrng_driver) = {.device_id = ...}; The driver is a global, for
 * the list of vireo_start(). With VIREO_SECTIONS it also enters itself in the section
 * "vireo_drivers", so that linking its object file is enough. The second pointer has the start
 * linked with it: an image without drivers holds no transport.
 */
#define VIRTIO_DRIVER(name)                                                                        \
    extern const struct virtio_driver name;                                                        \
    VIRTIO_DRIVER_ENTRY(name)                                                                      \
    const struct virtio_driver name
#if VIREO_SECTIONS
#define VIRTIO_DRIVER_ENTRY(name)                                                                  \
    VIRTIO_RETAIN_BEGIN                                                                            \
    static const struct virtio_driver *const name##_entry HAL_TABLE_ATTR(drivers) VIRTIO_RETAIN =  \
        &name;                                                                                     \
    VIRTIO_RETAIN_END                                                                              \
    static const char *const name##_start __attribute__((used)) = virtio_start_linked;
extern const char virtio_start_linked[]; /* transport/start.c */
#else
#define VIRTIO_DRIVER_ENTRY(name)
#endif
/*
 * So that --gc-sections keeps the entry where the linker script does not say KEEP. A compiler may
 * know the attribute, and warn that its assembler does not: KEEP is needed then.
 */
#if defined(__has_attribute)
#if __has_attribute(retain)
#define VIRTIO_RETAIN __attribute__((retain))
#define VIRTIO_RETAIN_BEGIN                                                                        \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wattributes\"")
#define VIRTIO_RETAIN_END _Pragma("GCC diagnostic pop")
#endif
#endif
#ifndef VIRTIO_RETAIN
#define VIRTIO_RETAIN
#define VIRTIO_RETAIN_BEGIN
#define VIRTIO_RETAIN_END
#endif

/*
 * In a file whose functions need the driver `name` of another file, and call none of it: links that
 * file as well. Else an archive would leave it out, and no device would be found.
 */
#define VIRTIO_LINK_DRIVER(name)                                                                   \
    extern const struct virtio_driver name;                                                        \
    static const struct virtio_driver *const name##_wanted __attribute__((used)) = &name

/* ---- for drivers ----------------------------------------------------------------------------- */

/* "vnet0"; lives as long as the device. */
const char *virtio_name(const struct virtio_device *dev);
/* The driver's own pointer: NULL until set. */
void *virtio_priv(const struct virtio_device *dev);
void virtio_set_priv(struct virtio_device *dev, void *priv);

/* Does the device offer the feature bit? From vet() on. */
bool virtio_offers(const struct virtio_device *dev, unsigned bit);
/* Was the feature bit negotiated? From probe() on. */
bool virtio_has(const struct virtio_device *dev, unsigned bit);
/* Does the device follow the rules of before virtio 1.0 (VERSION_1 was not negotiated)? */
bool virtio_is_legacy(const struct virtio_device *dev);

/*
 * Config space (section 2.5), little-endian in memory as it is on the bus. Each field is accessed
 * at its own width. virtio_config_read copies `len` bytes, 64 at most, in accesses of `width` 1, 2
 * or 4 bytes (a 64-bit field is two of 4), `off` and `len` being multiples of `width`. It reads
 * again until no change came in between, 16 times at most. -EIO: the space changes all the time,
 * the field lies outside of it, or the device was unplugged. From probe() on.
 */
int virtio_config_read(struct virtio_device *dev, unsigned off, void *buf, unsigned len,
                       unsigned width);
int virtio_config_read16(struct virtio_device *dev, unsigned off, uint16_t *v);
int virtio_config_read32(struct virtio_device *dev, unsigned off, uint32_t *v);
int virtio_config_read64(struct virtio_device *dev, unsigned off, uint64_t *v);
int virtio_config_write8(struct virtio_device *dev, unsigned off, uint8_t v);
int virtio_config_write32(struct virtio_device *dev, unsigned off, uint32_t v);

/*
 * In probe, once: creates queues 0..n-1 with their interrupts, and enables them. The device owns
 * them; the core frees them if probe fails. -ENOMEM; -ENODEV: the device lacks one of them; or an
 * error of the transport.
 */
int virtio_setup_queues(struct virtio_device *dev, const struct virtq_config *cfg, unsigned n);
/* NULL: there is no such queue. The pointer stays valid through every reset. */
struct virtq *virtio_queue(struct virtio_device *dev, unsigned index);

/* In probe, last: writes DRIVER_OK. From here on the device works, and queues may be filled. */
void virtio_start(struct virtio_device *dev);

/* Has service() called soon. Also in handlers. [handler] */
void virtio_wake(struct virtio_device *dev);

/* Has service() called at when_ns (hal_now_ns) or sooner. An earlier time stays in force. A time
 * ends with the service() that runs at it. */
void virtio_wake_at(struct virtio_device *dev, uint64_t when_ns);
/* Is a time in force? Within service(): one that has not come. */
bool virtio_wakes(const struct virtio_device *dev);

/*
 * The device broke a rule: its next service resets and recovers it as a whole, a bounded number of
 * times with growing pauses, then gives it up. `cause` is logged once, and lives for ever. Allowed
 * in service() and config_changed(); does nothing while the device is out of service.
 */
void virtio_fail(struct virtio_device *dev, const char *cause);
/* As virtio_fail, but for a device that is not the one of before: it is reset and given up. */
void virtio_refuse(struct virtio_device *dev, const char *cause);
/* Is the device in service: neither being recovered nor given up? */
bool virtio_works(const struct virtio_device *dev);

/* ---- for status pages and tests -------------------------------------------------------------- */

struct virtio_info {
    const char *name;
    uint32_t device_id;
    const char *transport; /* "mmio", "mmio-legacy", "pci", "pci-legacy" */
    const char *ring;      /* "split", "packed" */
    const char
        *wakeup;       /* "polled", "irq", "intx", "msi-x" and " shared" or " single"; ", hybrid" */
    bool alive;        /* in service */
    const char *state; /* "starting", "ok", "resetting", "waiting" (for the next try), "gone" */
    const char *cause; /* of the last failure, in words; "" if there was none */
    uint64_t resets;   /* of the device since it started, and of single queues */
    uint64_t recoveries; /* resets after which device or queue worked again */
    struct virtio_features offered, accepted;
    uint64_t interrupts;
    unsigned queues;
};
/* The n-th device that has a driver; -ENOENT past the last. */
int virtio_info(unsigned n, struct virtio_info *out);
struct virtio_device *virtio_find(const char *name);
/* Names of the accepted bits, separated by a space, into buf (always terminated). */
void virtio_feature_names(const struct virtio_device *dev, char *buf, size_t len);

#ifdef __cplusplus
}
#endif

#endif
