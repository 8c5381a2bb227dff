/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.h - the inside of a virtio device, for the core and the transports. Device drivers see
 * virtio.h only.
 */
#ifndef VIREO_VIRTIO_DEVICE_H
#define VIREO_VIRTIO_DEVICE_H

#include "hal.h"
#include "virtio/transport.h"
#include "virtio/virtio.h"

#define VIRTIO_OWN_VECTORS   8    /* queues that may have an interrupt each; more of them share */
#define VIRTIO_LEGACY_ALIGN  4096 /* section 2.7.2 and the page size of QueuePFN */
#define VIRTIO_RESET_TIMEOUT HAL_SEC
#define VIRTIO_LOOK_PERIOD   (50 * HAL_MS) /* polled: between looks for a configuration change */
#define VIRTIO_GONE_READS    16            /* consecutive all-ones reads: the device is gone */
#define VIRTIO_STORM         100000        /* handler calls without one run of the service */
#define VIRTIO_SILENT_TICKS  10            /* with late completions, and no interrupt ever: told */
/* Polled devices, and hybrid ones: how long the CPU spins after the last progress */
#define VIRTIO_HYBRID_SPIN (50 * HAL_US)
#define VIRTIO_POLLED_SPIN (500 * HAL_US)
/* A trial of a way to wait lasts so long; a trial that took longer had a pause, and is not used */
#define VIRTIO_WAIT_TIME  (5 * HAL_MS)
#define VIRTIO_WAIT_PAUSE (20 * HAL_MS)
/* Most times that the better way is kept before the other way is tried again */
#define VIRTIO_WAIT_TRIALS 64
/* Late completions without any interrupt: a polled device is polled without interrupts from then */
#define VIRTIO_DEAF_TICKS 2
#define VIRTIO_RESETS     5              /* tries in a row to bring a device back */
#define VIRTIO_RESET_LOOK HAL_MS         /* between reads of the status during a reset */
#define VIRTIO_HEALTHY    (10 * HAL_SEC) /* in service this long, the retry count starts again */

/* What the core does with a device; state.c has the list of the states that may follow each. */
enum virtio_state {
    VIRTIO_STARTING,  /* the steps of section 3.1.1, at first or again */
    VIRTIO_OK,        /* in service */
    VIRTIO_RESETTING, /* 0 was written into its status, and has not been read back */
    VIRTIO_WAITING,   /* its reset is complete, and the pause before the next try not over */
    VIRTIO_GONE,      /* given up, or unplugged */
};

/*
 * How a device is waited for that is polled while there is progress: asleep, until an interrupt, or
 * spinning. A CPU that spins may be the one that the device's own threads need, so both ways are
 * tried, and the one is kept by which more buffers came back in the same time.
 */
struct virtio_wait {
    uint64_t began_ns, began_count; /* when this time began, and buffers that were back then */
    uint64_t ns[2], count[2]; /* asleep and spinning: time, and buffers that came back meanwhile */
    unsigned left, trials;    /* times: before another way is taken, and from trial to trial */
    bool spins, best;         /* the way now, and the better one */
};

struct virtio_device {
    struct hal_service service; /* first: a service is its device */
    struct virtq_owner owner;   /* what its queues need */
    const struct virtio_transport *transport;
    const struct virtio_driver *driver;
    void *priv;            /* the driver's */
    struct virtq **queues; /* as many as the driver set up */
    unsigned queue_count;

    bool legacy;         /* the rules of before virtio 1.0 */
    bool polled_wanted;  /* boot argument: the CPU spins up to VIRTIO_POLLED_SPIN after progress */
    bool hybrid_wanted;  /* boot argument: up to VIRTIO_HYBRID_SPIN */
    bool hybrid;         /* one of both, and there are interrupts for the sleep, and no storm */
    bool woken;          /* by a handler, since the last run [handler] */
    bool config_pending; /* the configuration changed, or may have [handler] */
    const char *failing; /* cause of a failure that the next run deals with; NULL: none */
    unsigned streak;     /* handler calls since the last run [handler] */
    uint64_t interrupts; /* handler calls in all [handler] */
    unsigned silent;     /* ticks that found completions while `interrupts` was 0 */
    hal_irq_t line;      /* of an interrupt of the queues; set by the transport, for the log */
    uint64_t driver_ns;  /* what the driver asked for with virtio_wake_at */
    uint64_t look_ns;    /* polled: when to look for a configuration change again */
    uint64_t spin_ns;    /* hybrid: polled until then */
    uint64_t spin_for;   /* hybrid: after progress, ns; 0: asleep at once */
    struct virtio_wait wait;
    enum virtio_wakeup wakeup;

    /* recovery */
    enum virtio_state state; /* written by virtio_set_state alone */
    const char *cause;       /* of the last failure; NULL: there was none */
    bool final;              /* no further try is made */
    bool plugged;            /* plugged in again: one try, which has not been made yet */
    bool away;               /* nothing answers at its registers, which are not accessed */
    bool told_dead;          /* the driver's dead() was called, and returned() not since */
    unsigned tries;          /* to bring it back, since it was healthy */
    unsigned tries_max;      /* boot argument */
    uint64_t broke_ns;       /* when it went out of service */
    uint64_t back_ns;        /* when it came into service again */
    uint64_t deadline_ns;    /* of the reset under way */
    uint64_t recover_ns;     /* when recovery wants to go on; 0: at once, HAL_NEVER: never */
    uint64_t resets, recoveries;

    uint32_t device_id;
    uint8_t status; /* what was written last: the register is not read back to be changed */
    struct virtio_features offered, accepted;
    uint32_t config_len; /* bytes */
    char name[16];
    struct virtio_device *next;
};

static inline struct virtio_device *virtio_owner_device(struct virtq_owner *owner)
{
    return (struct virtio_device *)((char *)owner - offsetof(struct virtio_device, owner));
}

/* ---- state.c --------------------------------------------------------------------------------- */

/* Moves the device to another state. Debug builds check that `state` may follow the present one. */
void virtio_set_state(struct virtio_device *dev, enum virtio_state state);
/* "ok", as in virtio_info */
const char *virtio_state_name(const struct virtio_device *dev);

/* ---- feature.c ------------------------------------------------------------------------------- */

/*
 * Logs a name in the boot argument deny that is no feature of the core, of the rings, or of a
 * driver, and which there are.
 */
void virtio_check_denied(const struct virtio_device *dev);
/*
 * Chooses dev->accepted from dev->offered. reduced: only the bits without which it cannot be
 * driven, after the device refused a larger set. -ENODEV: the device cannot be used (logged).
 */
int virtio_negotiate(struct virtio_device *dev, bool reduced);
/* Logs transport, wake-up and accepted features; what was offered at HAL_DEBUG, or `level`. */
void virtio_log_features(const struct virtio_device *dev, enum hal_level level);

/* ---- queues.c -------------------------------------------------------------------------------- */

/* Sets up dev->owner. The first call for a device; dev->name is set. */
void virtio_own_queues(struct virtio_device *dev);
/* Gets interrupts for the device's queues, or polls it: sets dev->wakeup and dev->hybrid, and
 * begins dev->wait. */
void virtio_setup_interrupts(struct virtio_device *dev);
/* Frees all queues. Only when the device can no longer reach their memory. */
void virtio_drop_queues(struct virtio_device *dev);

/* ---- wakeup.c -------------------------------------------------------------------------------- */

/* Reads the boot argument "poll". */
void virtio_choose_wakeup(struct virtio_device *dev);
/* Of a device that is polled while there is progress: it spins, for now. */
void virtio_wait_begin(struct virtio_device *dev);
/* "msi-x, hybrid", as in virtio_info */
const char *virtio_wakeup_name(const struct virtio_device *dev);
/* Registers the device's service, which runs from here on. */
void virtio_service_start(struct virtio_device *dev);
/* Tells the service loop the earliest of the times at which the device wants to run. */
void virtio_schedule(struct virtio_device *dev);

/* ---- core.c ---------------------------------------------------------------------------------- */

/* The n-th driver (0..): of the list that virtio_use_drivers had, else of those that are linked.
 * NULL past the last. */
const struct virtio_driver *virtio_driver_at(unsigned n);
/* From now on the drivers are those of the list, which NULL ends and which lasts for ever; NULL:
 * those that are linked. Before the first device is attached. */
void virtio_use_drivers(const struct virtio_driver *const *drivers);
/* No device goes on writing into memory that others will use (section 2.4): resets all of them, a
 * second each at most. They stay out of service. */
void virtio_stop_all(void);

/*
 * Writes status 0 and waits for it to read back. -ETIMEDOUT: it did not within
 * VIRTIO_RESET_TIMEOUT. -ENXIO: it reads all ones, so the device is gone. After an error the device
 * may still reach its queues.
 */
int virtio_reset(struct virtio_device *dev);
/* Writes what was written before and this bit. */
void virtio_status_add(struct virtio_device *dev, uint8_t bit);
/* Stops memory accesses of a device that does not reset or is given up, if the bus can. */
void virtio_cut_off(struct virtio_device *dev);

/* ---- recover.c, from the device's service ---------------------------------------------------- */

/* For a device in service: handles its failure, or that of a queue, or a step of a queue's reset.
 * True if anything was done. */
bool virtio_mend(struct virtio_device *dev);
/* For a device out of service: one step, if its time has come. True if the device is in service
 * again, or another step can be taken at once. */
bool virtio_recover(struct virtio_device *dev);

#endif
