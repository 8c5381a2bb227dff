/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.h - the inside of a virtio device: what the core and the transports share. Device drivers
 * see virtio.h only.
 */
#ifndef VIREO_VIRTIO_DEVICE_H
#define VIREO_VIRTIO_DEVICE_H

#include "hal.h"
#include "virtio/virtio.h"

#define VIRTIO_OWN_VECTORS   8    /* queues that may have an interrupt each; more of them share */
#define VIRTIO_LEGACY_ALIGN  4096 /* section 2.7.2 and the page size of QueuePFN */
#define VIRTIO_RESET_TIMEOUT HAL_SEC
#define VIRTIO_LOOK_PERIOD   (50 * HAL_MS)
#define VIRTIO_GONE_READS    16             /* all ones so often: there is no device any more */
#define VIRTIO_STORM         100000         /* handler calls without one run of the service */
#define VIRTIO_HYBRID_SPIN   (50 * HAL_US)  /* polled so long after the last progress */
#define VIRTIO_RESETS        5              /* tries in a row to bring a device back */
#define VIRTIO_RESET_LOOK    HAL_MS         /* between looks at a reset that is slow */
#define VIRTIO_HEALTHY       (10 * HAL_SEC) /* in service so long: the tries count anew */

/* Causes of an interrupt, as InterruptStatus and the ISR encode them (4.1.4.5, 4.2.2). */
enum { VIRTIO_CAUSE_QUEUE = 1, VIRTIO_CAUSE_CONFIG = 2 };

enum virtio_wakeup {
    VIRTIO_WAKEUP_POLLED,
    VIRTIO_WAKEUP_IRQ,         /* a line of its own (mmio) */
    VIRTIO_WAKEUP_INTX,        /* a line that may be shared */
    VIRTIO_WAKEUP_MSIX,        /* a vector a queue, and one for configuration changes */
    VIRTIO_WAKEUP_MSIX_SHARED, /* one for all queues, one for changes */
    VIRTIO_WAKEUP_MSIX_SINGLE, /* one for everything */
    VIRTIO_WAKEUPS
};

/* What the core does with a device; recover.c moves it from one to the next. */
enum virtio_state {
    VIRTIO_STARTING,  /* the steps of section 3.1.1, at first or again */
    VIRTIO_OK,        /* in service */
    VIRTIO_RESETTING, /* 0 was written into its status, and has not been read back */
    VIRTIO_WAITING,   /* it is reset and has let go of everything; the next try comes later */
    VIRTIO_GONE,      /* given up, or unplugged */
};

struct virtio_device;

/*
 * A transport. All register accesses have the width and order of its section; none of the functions
 * loops over what a device says, or waits.
 */
struct virtio_transport {
    const char *name;
    uint8_t feature_words; /* that the bus can address */
    bool has_generation;   /* config generation counter */
    bool size_fixed;       /* the device alone decides the size of a queue */
    uint32_t (*features_read)(struct virtio_device *, unsigned word);
    void (*features_write)(struct virtio_device *, unsigned word, uint32_t bits);
    /* Does this device, on this bus, have what the bit of section 6 needs of its registers? Asked
     * for RING_RESET, NOTIFICATION_DATA and NOTIF_CONFIG_DATA. */
    bool (*admits)(struct virtio_device *, unsigned bit);
    uint8_t (*status_read)(struct virtio_device *);
    void (*status_write)(struct virtio_device *, uint8_t status);
    uint32_t (*generation)(struct virtio_device *);
    /* One access of `width` 1, 2 or 4 at an aligned offset inside the space. */
    uint32_t (*config_read)(struct virtio_device *, unsigned off, unsigned width);
    void (*config_write)(struct virtio_device *, unsigned off, unsigned width, uint32_t v);
    /* Largest size that the device admits for the queue; 0: there is none, or it is in use. */
    unsigned (*queue_max)(struct virtio_device *, unsigned index);
    /* Tells the device where the queue lies and enables it; fills in q->doorbell. */
    int (*queue_enable)(struct virtio_device *, struct virtq *q);
    /* With RING_RESET (section 2.6.1): asks for it; tells whether it is complete. NULL: none. */
    void (*queue_reset)(struct virtio_device *, struct virtq *q);
    bool (*queue_reset_done)(struct virtio_device *, struct virtq *q);
    /* A kick when the doorbell has no address; value as for a doorbell of q->doorbell.width. */
    void (*notify)(struct virtio_device *, struct virtq *q, uint32_t value);
    /* Interrupts for n queues: sets dev->wakeup and q->vector. An error means: polled. */
    int (*irq_setup)(struct virtio_device *, unsigned n);
    void (*irq_release)(struct virtio_device *);
    void (*irq_mask)(struct virtio_device *);
    /* Reads and acknowledges the cause, once; orders it before draining. [handler] */
    uint32_t (*irq_cause)(struct virtio_device *);
    /* Keeps a device that does not reset from reaching memory, where the bus can. May be NULL. */
    void (*cut_off)(struct virtio_device *);
    /* Its registers read all ones: does the bus know that nothing is left which could write? May
     * be NULL. */
    bool (*absent)(struct virtio_device *);
    /* The device is forgotten: free what the scan allocated. */
    void (*release)(struct virtio_device *);
};

struct virtio_device {
    struct hal_service service; /* first: a service is its device */
    const struct virtio_transport *transport;
    const struct virtio_driver *driver;
    void *priv;
    struct virtq **queues; /* as many as the driver set up */
    unsigned queue_count;

    bool legacy;
    bool live;           /* DRIVER_OK was written, and no reset since */
    bool polled_wanted;  /* boot argument */
    bool hybrid_wanted;  /* boot argument: interrupts, and polled while there is progress */
    bool hybrid;         /* so it is at present */
    bool woken;          /* by a handler, since the last run [handler] */
    bool config_pending; /* [handler] */
    const char *failing; /* cause of a failure that the next run deals with */
    unsigned streak;     /* handler calls since the last run [handler] */
    uint64_t interrupts; /* [handler] */
    uint64_t tick_ns;    /* the queues' next tick */
    uint64_t driver_ns;  /* what the driver asked for with virtio_wake_at */
    uint64_t look_ns;    /* polled: when to look for a configuration change again */
    uint64_t spin_ns;    /* hybrid: polled until then */
    enum virtio_wakeup wakeup;

    /* recovery */
    enum virtio_state state;
    const char *cause;    /* of the last failure; NULL: there was none */
    bool final;           /* no try is made any more */
    bool plugged;         /* in again: one try, which has not been made yet */
    bool away;            /* nothing answers at its registers: they are left alone */
    bool told_dead;       /* the driver was told, and has not returned since */
    unsigned tries;       /* to bring it back, since it was healthy */
    unsigned tries_max;   /* boot argument */
    uint64_t broke_ns;    /* when it went out of service */
    uint64_t back_ns;     /* when it came into service again */
    uint64_t deadline_ns; /* of the reset under way */
    uint64_t recover_ns;  /* when recovery wants to go on */
    uint64_t resets, recoveries;

    uint32_t device_id;
    uint8_t status; /* what was written last: the register is not read back to be changed */
    struct virtio_features offered, accepted;
    uint32_t config_len;
    char name[16];
    struct virtio_device *next;
};

static inline bool virtio_same_name(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* A config field at its own width (section 2.5): 1, 2 or 4 bytes. */
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

/* ---- core, for the transports ---------------------------------------------------------------- */

/* Does any linked driver want this device type? A transport asks before it touches a device. */
bool virtio_wanted(uint32_t device_id);

/*
 * A transport found a device: `dev` (zeroed, transport, device_id, legacy and config_len set; often
 * the head of a larger structure) is initialised and handed to its driver. On an error the
 * transport's release() was called.
 */
int virtio_attach(struct virtio_device *dev);

/*
 * Hot-plug, from the buses. virtio_retire: the device is about to leave, and can be waited for. It
 * is reset as by virtio_refuse, and true once it is given up, a second later at most: ask again
 * until then.
 * virtio_unplug: the device left the bus, or is about to. `here`: its registers still answer, so it
 * is reset first; without it nothing of it is touched, and its memory is quarantined unless the bus
 * knows (`absent`) that nothing is there which could write. Everybody who waits gets an error; the
 * structure and its name stay.
 * virtio_replug: a device of the same type is in the same place again, its transport's part of the
 * structure is renewed: it takes the steps of section 3.1 again and goes on under its name. An
 * error: it is another device, or does not work; it stays unplugged.
 */
bool virtio_retire(struct virtio_device *dev);
void virtio_unplug(struct virtio_device *dev, bool here, bool absent);
int virtio_replug(struct virtio_device *dev);
/* All devices that have a driver, those that are gone included; NULL gives the first. */
struct virtio_device *virtio_next(const struct virtio_device *dev);

/*
 * Handlers for irq_setup: a line with a cause register; a queue's own vector, one of all queues,
 * the configuration's, one of everything (which have no cause to read).
 */
void virtio_irq_shared(void *dev);
void virtio_irq_queue(void *queue);
void virtio_irq_queues(void *dev);
void virtio_irq_config(void *dev);
void virtio_irq_all(void *dev);

/* Scans of the buses that this image knows (buses.c). */
typedef void (*virtio_scan_fn)(void);
extern const virtio_scan_fn virtio_scans[];
extern const unsigned virtio_scan_count;
void virtio_mmio_scan(void);
void virtio_pci_scan(void);

/* ---- core, inside ---------------------------------------------------------------------------- */

/*
 * feature.c: chooses dev->accepted from dev->offered; -ENODEV when the device cannot be used.
 * reduced: only what the device cannot do without, after it refused more.
 */
int virtio_negotiate(struct virtio_device *dev, bool reduced);
void virtio_log_features(const struct virtio_device *dev, enum hal_level level);

/* wakeup.c: the device's service. */
void virtio_choose_wakeup(struct virtio_device *dev);
const char *virtio_wakeup_name(const struct virtio_device *dev);
void virtio_service_start(struct virtio_device *dev);
void virtio_schedule(struct virtio_device *dev);
void virtio_tick_later(struct virtio_device *dev);

/*
 * core.c. virtio_reset: writes status 0 and waits for it; -ETIMEDOUT when the device never comes
 * back. virtio_status_add writes what was written before and this bit.
 */
int virtio_reset(struct virtio_device *dev);
void virtio_status_add(struct virtio_device *dev, uint8_t bit);
void virtio_setup_interrupts(struct virtio_device *dev);
/* A device that does not reset, or is not wanted any more, is kept from memory by the bus. */
void virtio_cut_off(struct virtio_device *dev);

/*
 * recover.c, from the device's service. virtio_mend: it is in service, but failed, or one of its
 * queues did or is being reset. virtio_recover: it is not in service. True if anything was done.
 */
bool virtio_mend(struct virtio_device *dev);
bool virtio_recover(struct virtio_device *dev);
const char *virtio_state_name(const struct virtio_device *dev);

#endif
