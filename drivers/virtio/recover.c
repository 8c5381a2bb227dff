/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recover.c - a device, or one of its queues, that broke is reset and brought back (virtio 1.4,
 * sections 2.1.2, 2.4, 2.6.1, 3.1.1). Recovery runs in the device's service, a step at a time: no
 * caller waits for a reset, and other devices go on. state.c has the states.
 *
 * Buffers are the driver's again only when the status of the device, or the queue, reads back as
 * reset: until then the device may write to them. A device gets dev->tries_max tries in a row, with
 * growing pauses between them; then, or when a reset never completes, it is given up.
 */
#include "virtio/device.h"

static const char unplugged[] = "unplugged"; /* a cause that is no failure */

/* Pause before try n; later tries use the last entry. */
static const uint64_t pauses[] = {0, 10 * HAL_MS, 100 * HAL_MS, HAL_SEC, 5 * HAL_SEC};

static uint64_t pause_before_try(unsigned made)
{
    unsigned last = sizeof(pauses) / sizeof(pauses[0]) - 1;

    return pauses[made < last ? made : last];
}

static unsigned recover_ms_since(uint64_t then)
{
    return (unsigned)((hal_now_ns() - then) / HAL_MS);
}

/* The next step of recovery is due at this time; 0: at once, HAL_NEVER: there is none. */
static void schedule_recovery(struct virtio_device *dev, uint64_t when)
{
    dev->recover_ns = when;
    virtio_schedule(dev);
}

/* ---- out of service -------------------------------------------------------------------------- */

/* From here on no handler runs, and nobody submits, reaps, arms or kicks. */
static void take_out_of_service(struct virtio_device *dev)
{
    if (dev->state != VIRTIO_RESETTING)
        virtio_set_state(dev, VIRTIO_RESETTING);
    dev->failing = NULL;
    dev->owner.tick_ns = dev->driver_ns = HAL_NEVER;
    dev->transport->irq_release(dev);
    dev->service.polled = dev->config_pending = dev->woken = false;
    for (unsigned i = 0; i < dev->queue_count; i++) {
        struct virtq *q = dev->queues[i];

        if (q->state == VIRTQ_OK || q->state == VIRTQ_BROKEN)
            virtq_set_state(q, VIRTQ_RESETTING);
        q->vector = VIRTQ_NO_VECTOR;
    }
}

static void ask_for_device_reset(struct virtio_device *dev)
{
    dev->status = 0;
    dev->resets++;
    dev->deadline_ns = hal_now_ns() + VIRTIO_RESET_TIMEOUT;
    dev->transport->status_write(dev, 0);
    schedule_recovery(dev, 0);
}

static bool recover_tries_left(const struct virtio_device *dev)
{
    return !dev->final && dev->driver->queue_lost && dev->tries < dev->tries_max;
}

/* Takes a device that failed out of service. `logged`: the cause stands in the log already. */
static void fail_device(struct virtio_device *dev, const char *cause, bool logged)
{
    uint64_t now = hal_now_ns();

    if (now - dev->back_ns >= VIRTIO_HEALTHY)
        dev->tries = 0;
    dev->cause = cause;
    dev->broke_ns = now;
    dev->final = !recover_tries_left(dev);
    if (!dev->final && !logged)
        hal_log(HAL_ERROR, dev->name, "failed, and is reset: %s", cause);
    take_out_of_service(dev);
    ask_for_device_reset(dev);
}

/*
 * The end of a device, unless the bus finds another in its place. quarantine: the reset did not
 * complete, so the memory of the queues and buffers is never used again.
 */
static void give_up_device(struct virtio_device *dev, bool quarantine)
{
    virtio_set_state(dev, VIRTIO_GONE);
    schedule_recovery(dev, HAL_NEVER);
    if (quarantine && !dev->away)
        virtio_cut_off(dev);
    for (unsigned i = 0; i < dev->queue_count; i++)
        if (dev->queues[i]->state != VIRTQ_GONE)
            virtq_set_state(dev->queues[i], VIRTQ_GONE);
    if (!dev->told_dead)
        dev->driver->dead(dev, quarantine);
    dev->told_dead = true;
    if (quarantine || dev->away)
        return;
    virtio_status_add(dev, VIRTIO_STATUS_ACKNOWLEDGE);
    virtio_status_add(dev, VIRTIO_STATUS_FAILED);
}

/* reset: what became of the reset, in words, if it did not complete. */
static void recover_log_end(const struct virtio_device *dev, const char *reset)
{
    if (reset)
        hal_log(HAL_ERROR, dev->name, "%s: memory that it may write to stays quarantined", reset);
    if (dev->cause == unplugged)
        hal_log(HAL_WARN, dev->name, "%s", unplugged);
    else if (dev->tries)
        hal_log(HAL_ERROR, dev->name, "device given up after %u resets: %s", dev->tries,
                dev->cause);
    else
        hal_log(HAL_ERROR, dev->name, "device given up: %s", dev->cause);
}

/* ---- a try ----------------------------------------------------------------------------------- */

/* Accepts exactly the features of before, which the driver's state rests on. NULL, or why not. */
static const char *accept_same_features(struct virtio_device *dev)
{
    const struct virtio_transport *t = dev->transport;

    for (unsigned w = 0; w < t->feature_words; w++)
        dev->offered.w[w] = t->features_read(dev, w);
    for (unsigned w = 0; w < t->feature_words; w++)
        if (dev->accepted.w[w] & ~dev->offered.w[w])
            return "its features are no longer offered";
    for (unsigned w = t->feature_words; w-- > 0;)
        t->features_write(dev, w, dev->accepted.w[w]);
    if (dev->legacy)
        return NULL;
    virtio_status_add(dev, VIRTIO_STATUS_FEATURES_OK);
    return t->status_read(dev) & VIRTIO_STATUS_FEATURES_OK ? NULL
                                                           : "its features are no longer accepted";
}

/* Has the device the same queues as before? NULL, or why not. */
static const char *compare_queues(struct virtio_device *dev)
{
    for (unsigned i = 0; i < dev->queue_count; i++) {
        unsigned max = dev->transport->queue_max(dev, i);

        if (max < dev->queues[i]->size ||
            (dev->transport->size_fixed && max != dev->queues[i]->size))
            return max ? "a queue has another size" : "a queue is missing";
    }
    return NULL;
}

/* Hands the device its queues, with empty rings. NULL, or why not. */
static const char *enable_queues_again(struct virtio_device *dev)
{
    for (unsigned i = 0; i < dev->queue_count; i++) {
        struct virtq *q = dev->queues[i];

        virtq_renew(q);
        q->reset_ns = 0;
        if (dev->transport->queue_enable(dev, q))
            return "a queue cannot be enabled";
    }
    return NULL;
}

/* Section 3.1.1, up to before DRIVER_OK. NULL, or why not. */
static const char *initialise_device_again(struct virtio_device *dev)
{
    const char *why;

    virtio_set_state(dev, VIRTIO_STARTING);
    virtio_status_add(dev, VIRTIO_STATUS_ACKNOWLEDGE);
    virtio_status_add(dev, VIRTIO_STATUS_DRIVER);
    why = accept_same_features(dev);
    if (!why)
        why = compare_queues(dev);
    if (why)
        return why;
    virtio_setup_interrupts(dev);
    why = enable_queues_again(dev);
    if (why)
        return why;
    dev->told_dead = false;
    if (dev->driver->returned && dev->driver->returned(dev)) {
        dev->final = true;
        return "it is another device than before";
    }
    return NULL;
}

/* DRIVER_OK: the device and its queues are in service again. */
static void start_device_again(struct virtio_device *dev)
{
    dev->told_dead = dev->plugged = false;
    for (unsigned i = 0; i < dev->queue_count; i++)
        virtq_set_state(dev->queues[i], VIRTQ_OK);
    dev->service.polled = dev->wakeup == VIRTIO_WAKEUP_POLLED; /* virtio_wake below */
    dev->spin_ns = dev->look_ns = 0;
    dev->back_ns = hal_now_ns();
    dev->recoveries++;
    virtio_start(dev);
    dev->config_pending = true; /* the driver does not know what changed since returned() */
    schedule_recovery(dev, HAL_NEVER);
    hal_log(HAL_INFO, dev->name, "works again after %u ms, %s", recover_ms_since(dev->broke_ns),
            virtio_wakeup_name(dev));
    if (dev->driver->queue_back)
        for (unsigned i = 0; i < dev->queue_count; i++)
            dev->driver->queue_back(dev, dev->queues[i]);
    virtio_wake(dev);
}

/* A try: the device is in service again afterwards, or being reset once more. */
static void try_device_again(struct virtio_device *dev)
{
    const char *why;

    dev->tries++;
    why = initialise_device_again(dev);
    if (!why) {
        start_device_again(dev);
        return;
    }
    hal_log(HAL_WARN, dev->name, "does not come back: %s", why);
    dev->cause = why;
    dev->final |= dev->plugged;
    dev->plugged = false;
    take_out_of_service(dev);
    ask_for_device_reset(dev);
}

/* ---- the steps ------------------------------------------------------------------------------- */

/* The device is reset, so its queues are the driver's: calls queue_lost() once for each. */
static void take_queues_back(struct virtio_device *dev)
{
    for (unsigned i = 0; i < dev->queue_count; i++) {
        struct virtq *q = dev->queues[i];
        bool lost = q->state == VIRTQ_RESETTING;

        if (q->state != VIRTQ_OFF)
            virtq_set_state(q, VIRTQ_OFF);
        if (lost)
            dev->driver->queue_lost(dev, q);
    }
}

/* The device is reset, and no try is to be made. */
static void end_device_without_try(struct virtio_device *dev)
{
    recover_log_end(dev, NULL);
    give_up_device(dev, false);
}

/* The device is reset: a try at once, after a pause, or none. */
static void device_reset_complete(struct virtio_device *dev)
{
    uint64_t pause = pause_before_try(dev->tries);

    if (dev->final || (!dev->plugged && !recover_tries_left(dev))) {
        end_device_without_try(dev);
        return;
    }
    take_queues_back(dev);
    if (!pause || dev->plugged) {
        try_device_again(dev);
        return;
    }
    virtio_set_state(dev, VIRTIO_WAITING);
    schedule_recovery(dev, hal_now_ns() + pause);
}

/* 0: the reset is complete. -EAGAIN: not yet. -ENXIO: all ones, so the device is gone. */
static int device_reset_progress(struct virtio_device *dev)
{
    unsigned gone = 0;

    for (unsigned i = 0; i < VIRTIO_GONE_READS; i++) {
        uint8_t status = dev->transport->status_read(dev);

        if (!status)
            return 0;
        gone += status == 0xff;
    }
    return gone == VIRTIO_GONE_READS ? -ENXIO : -EAGAIN;
}

static void follow_device_reset(struct virtio_device *dev)
{
    int err = device_reset_progress(dev);
    uint64_t now = hal_now_ns();

    if (!err) {
        device_reset_complete(dev);
    } else if (err == -EAGAIN && now < dev->deadline_ns) {
        schedule_recovery(dev, now + VIRTIO_RESET_LOOK);
    } else if (err == -ENXIO && dev->transport->absent && dev->transport->absent(dev)) {
        virtio_unplug(dev, false, true); /* found out before the bus reported it */
    } else {
        recover_log_end(dev, err == -ENXIO ? "the device is no longer there"
                                           : "the reset never completed");
        give_up_device(dev, true);
    }
}

bool virtio_recover(struct virtio_device *dev)
{
    if (hal_now_ns() < dev->recover_ns)
        return false;
    if (dev->state == VIRTIO_WAITING && dev->final)
        end_device_without_try(dev);
    else if (dev->state == VIRTIO_WAITING)
        try_device_again(dev);
    else if (dev->state == VIRTIO_RESETTING)
        follow_device_reset(dev);
    return dev->recover_ns == 0 || dev->owner.live;
}

/* ---- one queue (section 2.6.1) --------------------------------------------------------------- */

/* Not twice within VIRTIO_HEALTHY: then more than the queue is at fault. */
static bool can_reset_queue_alone(const struct virtio_device *dev, const struct virtq *q)
{
    return virtio_has(dev, VIRTIO_F_RING_RESET) && dev->driver->queue_lost &&
           dev->driver->queue_back && !dev->driver->resets_whole && dev->tries_max &&
           (!q->reset_ns || hal_now_ns() - q->reset_ns >= VIRTIO_HEALTHY);
}

static void ask_for_queue_reset(struct virtio_device *dev, struct virtq *q)
{
    dev->cause = q->cause;
    dev->resets++;
    virtq_set_state(q, VIRTQ_RESETTING);
    q->reset_ns = hal_now_ns();
    dev->transport->queue_reset(dev, q);
}

/* The reset of a queue is complete: puts it back into service. NULL, or what went wrong. */
static const char *bring_queue_back(struct virtio_device *dev, struct virtq *q)
{
    hal_ack_order(); /* the register first, then the memory that the device no longer uses */
    virtq_set_state(q, VIRTQ_OFF);
    dev->driver->queue_lost(dev, q);
    if (virtq_restart(q))
        return "a queue that was reset cannot be enabled again";
    dev->recoveries++;
    hal_log(HAL_INFO, dev->name, "queue %s works again after %u ms", q->name,
            recover_ms_since(q->reset_ns));
    dev->driver->queue_back(dev, q);
    return NULL;
}

/* A step of the queue's reset. NULL: the reset goes on, or the queue works again. */
static const char *mend_queue(struct virtio_device *dev, struct virtq *q)
{
    if (q->state == VIRTQ_BROKEN)
        ask_for_queue_reset(dev, q);
    if (dev->transport->queue_reset_done(dev, q))
        return bring_queue_back(dev, q);
    if (hal_now_ns() - q->reset_ns >= VIRTQ_RESET_TIMEOUT)
        return "the reset of a queue does not complete";
    dev->recover_ns = hal_now_ns() + VIRTIO_RESET_LOOK;
    return NULL;
}

bool virtio_mend(struct virtio_device *dev)
{
    const char *cause = dev->failing;
    bool logged = false, did = false;

    dev->recover_ns = HAL_NEVER;
    for (unsigned i = 0; i < dev->queue_count && !cause; i++) {
        struct virtq *q = dev->queues[i];

        if (q->state == VIRTQ_BROKEN && !can_reset_queue_alone(dev, q)) {
            cause = q->cause;
            logged = true;
        } else if (q->state > VIRTQ_OK) {
            cause = mend_queue(dev, q);
            did |= q->state == VIRTQ_OK;
        }
    }
    if (cause)
        fail_device(dev, cause, logged);
    return did || cause;
}

/* ---- from outside ---------------------------------------------------------------------------- */

void virtio_fail(struct virtio_device *dev, const char *cause)
{
    if (dev->state > VIRTIO_OK)
        return; /* the device is being reset already, or was given up */
    if (!dev->failing)
        dev->failing = cause;
    virtio_wake(dev);
}

void virtio_refuse(struct virtio_device *dev, const char *cause)
{
    if (dev->state == VIRTIO_GONE || dev->final)
        return;
    dev->final = true;
    if (dev->state > VIRTIO_OK) {
        dev->cause = cause;
        schedule_recovery(dev, 0); /* a pause before a try ends here */
    } else {
        dev->failing = cause;
    }
    virtio_wake(dev);
}

/* ---- hot-plug -------------------------------------------------------------------------------- */

bool virtio_retire(struct virtio_device *dev)
{
    virtio_refuse(dev, unplugged);
    return dev->state == VIRTIO_GONE;
}

void virtio_unplug(struct virtio_device *dev, bool here, bool absent)
{
    bool quarantine = !here && !absent;

    dev->away = !here;
    if (dev->state != VIRTIO_GONE) {
        dev->cause = unplugged;
        recover_log_end(dev, NULL);
        dev->final = true;
        take_out_of_service(dev);
        if (here) {
            ask_for_device_reset(dev);
            quarantine = device_reset_progress(dev) != 0;
        }
        give_up_device(dev, quarantine);
    }
    dev->away = true;
}

int virtio_replug(struct virtio_device *dev)
{
    if (dev->state != VIRTIO_GONE)
        return -EINVAL;
    if (!dev->driver->queue_back)
        return -ENOTSUP;
    dev->away = dev->final = false;
    dev->plugged = true;
    dev->tries = 0;
    dev->broke_ns = hal_now_ns();
    virtio_set_state(dev, VIRTIO_RESETTING);
    ask_for_device_reset(dev);
    while (virtio_recover(dev) && !dev->owner.live)
        ;
    dev->away = dev->state == VIRTIO_GONE;
    return dev->away ? -ENODEV : 0;
}
