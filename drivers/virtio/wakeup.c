/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wakeup.c - when the service of a device runs: after an interrupt, by polling, and at each tick.
 * There is one reaping path, the driver's service() in task context; a handler acknowledges,
 * disarms and wakes, and never drains (virtio 1.4, sections 2.7.7, 2.9, 4.1.5.3, 4.2.3.4).
 */
#include "virtio/device.h"

/* Out of service, only the time of recovery counts. */
void virtio_schedule(struct virtio_device *dev)
{
    uint64_t at = dev->recover_ns;

    if (dev->owner.live && dev->owner.tick_ns < at)
        at = dev->owner.tick_ns;
    if (dev->owner.live && dev->driver_ns < at)
        at = dev->driver_ns;
    dev->service.next_ns = at;
    hal_service_changed(&dev->service);
}

/* ---- task context ---------------------------------------------------------------------------- */

static void tick_queues(struct virtio_device *dev, uint64_t now)
{
    uint64_t next = HAL_NEVER;

    for (unsigned i = 0; i < dev->queue_count; i++) {
        uint64_t at = virtq_tick(dev->queues[i], now);

        next = at < next ? at : next;
    }
    dev->owner.tick_ns = next;
}

/* Did the device or a queue fail, or is a queue being reset? */
static bool needs_mending(struct virtio_device *dev)
{
    if (!dev->owner.trouble)
        return dev->failing;
    for (unsigned i = 0; i < dev->queue_count; i++)
        if (dev->queues[i]->state > VIRTQ_OK)
            return true;
    dev->owner.trouble = false;
    return dev->failing;
}

/* Section 2.4, and 2.1.2: a configuration change may be the device's way to ask for a reset. */
static void take_config_change(struct virtio_device *dev)
{
    dev->config_pending = false;
    if (dev->transport->status_read(dev) & VIRTIO_STATUS_NEEDS_RESET)
        virtio_fail(dev, "the device asks for a reset");
    else if (dev->driver->config_changed)
        dev->driver->config_changed(dev);
}

/* There is nothing that would end a sleep: the device is looked at all the time. */
static void poll_only(struct virtio_device *dev)
{
    dev->hybrid = false;
    dev->wakeup = VIRTIO_WAKEUP_POLLED;
    dev->service.polled = true;
}

/*
 * A tick found completions. An interrupt may be late, or may be lost now and then; but where none
 * has ever come, the line that the device was found with is likely to be a wrong one.
 */
static void suspect_line(struct virtio_device *dev)
{
    if (dev->interrupts)
        return;
    dev->silent++;
    if (dev->polled_wanted && dev->silent >= VIRTIO_DEAF_TICKS)
        poll_only(dev);
    if (dev->silent != VIRTIO_SILENT_TICKS)
        return;
    hal_log(HAL_WARN, dev->name,
            "queue completions are found by the tick alone: is interrupt %d (%s) wired?", dev->line,
            virtio_wakeup_name(dev));
}

/* Completions that only a tick found: an interrupt that was asked for did not come. */
static void count_late_completions(struct virtio_device *dev)
{
    uint64_t late = 0;

    for (unsigned i = 0; i < dev->queue_count; i++) {
        struct virtq *q = dev->queues[i];
        uint64_t found = q->before_tick != UINT64_MAX ? q->stats.completed - q->before_tick : 0;

        q->stats.late += found;
        late += found;
    }
    if (late)
        suspect_line(dev);
}

static bool service_on_tick(struct virtio_device *dev)
{
    bool done;

    for (unsigned i = 0; i < dev->queue_count; i++) {
        struct virtq *q = dev->queues[i];

        q->before_tick = q->armed ? q->stats.completed : UINT64_MAX;
    }
    done = dev->driver->service(dev);
    count_late_completions(dev);
    return done;
}

/* Polled: looks each VIRTIO_LOOK_PERIOD for what an interrupt would have told. */
static void poll_config(struct virtio_device *dev, uint64_t now)
{
    if (now < dev->look_ns)
        return;
    dev->look_ns = now + VIRTIO_LOOK_PERIOD;
    if (dev->transport->irq_cause(dev) & VIRTIO_CAUSE_CONFIG)
        dev->config_pending = true;
}

/* ---- polled while there is progress ---------------------------------------------------------- */

static void wait_choose(struct virtio_device *dev, bool spins, unsigned times)
{
    dev->wait.spins = spins;
    dev->wait.left = times;
    dev->spin_for = dev->polled_wanted ? VIRTIO_POLLED_SPIN : VIRTIO_HYBRID_SPIN;
    if (!spins)
        dev->spin_for = 0;
}

void virtio_wait_begin(struct virtio_device *dev)
{
    dev->wait = (struct virtio_wait){.best = true, .trials = 1};
    wait_choose(dev, true, 1);
}

/*
 * The two ways were tried: the better one is kept, the longer the more often that was so. Spinning
 * has to bring an eighth more, since a device that is looked at sooner splits the same into more
 * buffers.
 */
static void wait_compare(struct virtio_device *dev)
{
    struct virtio_wait *w = &dev->wait;
    uint64_t asleep = w->count[0] * w->ns[1], spinning = w->count[1] * w->ns[0];
    bool better = spinning > asleep + asleep / 8;

    if (better != w->best) {
        w->best = better;
        w->trials = 1;
    }
    w->trials = w->trials < VIRTIO_WAIT_TRIALS ? 2 * w->trials : VIRTIO_WAIT_TRIALS;
    wait_choose(dev, w->best, w->trials);
}

/* What a way to wait has brought; older times count the less. */
static void wait_note(struct virtio_device *dev, uint64_t now) __attribute__((noinline, cold));
static void wait_note(struct virtio_device *dev, uint64_t now)
{
    struct virtio_wait *w = &dev->wait;
    uint64_t ns = now - w->began_ns, count = 0;
    bool way = w->spins;

    for (unsigned i = 0; i < dev->queue_count; i++)
        count += dev->queues[i]->stats.completed;
    w->began_ns = now;
    count -= w->began_count;
    w->began_count += count;
    if (ns > VIRTIO_WAIT_PAUSE)
        return;
    w->ns[way] = w->ns[way] / 2 + ns;
    w->count[way] = w->count[way] / 2 + count;
    if (--w->left)
        return;
    if (way == w->best)
        wait_choose(dev, !way, 1);
    else
        wait_compare(dev);
}

/* Polls until there was no progress for a while; then device_arm is called. */
static void spin_after_progress(struct virtio_device *dev, uint64_t now, bool progress)
{
    if (progress) {
        if (now - dev->wait.began_ns >= VIRTIO_WAIT_TIME)
            wait_note(dev, now);
        dev->spin_ns = now + dev->spin_for;
    }
    dev->service.polled = dev->owner.live && now < dev->spin_ns;
}

/* ---- the service ----------------------------------------------------------------------------- */

/* hal_service.run */
static bool device_run(struct hal_service *s)
{
    struct virtio_device *dev = (struct virtio_device *)s;
    uint64_t now = hal_now_ns();
    bool due = now >= dev->owner.tick_ns, woken = dev->woken, done;

    if (!dev->owner.live)
        return virtio_recover(dev);
    dev->woken = false;
    dev->streak = 0;
    if (now >= dev->driver_ns)
        dev->driver_ns = HAL_NEVER;
    if (dev->wakeup == VIRTIO_WAKEUP_POLLED)
        poll_config(dev, now);
    if (dev->config_pending)
        take_config_change(dev);
    done = due && !woken ? service_on_tick(dev) : dev->driver->service(dev);
    if (due)
        tick_queues(dev, now);
    if (needs_mending(dev))
        done |= virtio_mend(dev);
    if (dev->hybrid)
        spin_after_progress(dev, now, done);
    virtio_schedule(dev);
    return done;
}

/* hal_service.arm: the last look before sleep (section 2.7.14). True: something came in between. */
static bool device_arm(struct hal_service *s)
{
    struct virtio_device *dev = (struct virtio_device *)s;
    bool pending = false;

    if (!dev->owner.live || dev->service.polled)
        return false;
    if (dev->wakeup == VIRTIO_WAKEUP_POLLED) {
        dev->service.polled = true; /* a storm while the device was spinning */
        return true;
    }
    for (unsigned i = 0; i < dev->queue_count; i++) {
        struct virtq *q = dev->queues[i];

        if (!q->held && (!q->lazy || !q->free_count))
            pending |= virtq_arm(q);
    }
    if (pending)
        hal_service_wake(s);
    return pending;
}

const char *virtio_wakeup_name(const struct virtio_device *dev)
{
    static const char *const names[2][VIRTIO_WAKEUPS] = {
        {"polled", "irq", "intx", "msi-x", "msi-x shared", "msi-x single"},
        {"polled", "irq, hybrid", "intx, hybrid", "msi-x, hybrid", "msi-x shared, hybrid",
         "msi-x single, hybrid"},
    };

    return dev->polled_wanted ? names[0][VIRTIO_WAKEUP_POLLED] : names[dev->hybrid][dev->wakeup];
}

/* Boot argument poll: 1 (polled), hybrid, or 0 (by interrupt). */
void virtio_choose_wakeup(struct virtio_device *dev)
{
    const char *how = hal_option(dev->name, "poll");

    if (!how)
        return;
    dev->hybrid_wanted = hal_same_name(how, "hybrid");
    dev->polled_wanted = hal_same_name(how, "1");
    if (!dev->hybrid_wanted && !dev->polled_wanted && !hal_same_name(how, "0"))
        hal_option_bad(dev->name, "poll", "use 1, hybrid, or 0 (by interrupt); taking 0");
}

void virtio_service_start(struct virtio_device *dev)
{
    dev->service.name = dev->name;
    dev->service.run = device_run;
    dev->service.arm = device_arm;
    dev->service.polled = dev->wakeup == VIRTIO_WAKEUP_POLLED;
    hal_service_add(&dev->service);
    hal_service_wake(&dev->service);
}

void virtio_wake(struct virtio_device *dev)
{
    hal_service_wake(&dev->service);
}

void virtio_wake_at(struct virtio_device *dev, uint64_t when_ns)
{
    if (when_ns >= dev->driver_ns)
        return;
    dev->driver_ns = when_ns;
    virtio_schedule(dev);
}

bool virtio_wakes(const struct virtio_device *dev)
{
    return dev->driver_ns != HAL_NEVER;
}

/* ---- handlers -------------------------------------------------------------------------------- */

static void storm_began(struct virtio_device *dev) __attribute__((noinline, cold));
static void storm_began(struct virtio_device *dev)
{
    dev->streak = 0;
    dev->transport->irq_mask(dev);
    poll_only(dev);
    hal_service_wake(&dev->service);
    hal_log(HAL_ERROR, dev->name, "interrupt storm: line masked, polled from here on");
}

/*
 * Counts handler calls between two runs of the service. Task context runs between interrupts unless
 * a line is stuck: at VIRTIO_STORM calls the interrupt is masked, and the device polled from there
 * on; then true.
 */
static inline bool end_storm(struct virtio_device *dev) __attribute__((always_inline));
static inline bool end_storm(struct virtio_device *dev)
{
    dev->interrupts++;
    if (++dev->streak < VIRTIO_STORM)
        return false;
    storm_began(dev);
    return true;
}

static void wake_from_handler(struct virtio_device *dev)
{
    dev->woken = true;
    hal_service_wake(&dev->service);
}

/* Any of the queues may have completions. */
static inline void wake_all_queues(struct virtio_device *dev) __attribute__((always_inline));
static inline void wake_all_queues(struct virtio_device *dev)
{
    for (unsigned i = 0; i < dev->queue_count; i++)
        if (dev->queues[i]->asks)
            virtq_disarm(dev->queues[i]);
    wake_from_handler(dev);
}

void virtio_irq_shared(void *ctx)
{
    struct virtio_device *dev = ctx;
    uint32_t cause = dev->transport->irq_cause(dev);

    if (end_storm(dev))
        return;
    /* Another device's interrupt on this line: a run now and then resets the streak. */
    if (!(cause & (VIRTIO_CAUSE_QUEUE | VIRTIO_CAUSE_CONFIG))) {
        if (dev->streak % 1024 == 0)
            hal_service_wake(&dev->service);
        return;
    }
    if (!dev->owner.live)
        return;
    if (cause & VIRTIO_CAUSE_CONFIG)
        dev->config_pending = true;
    wake_all_queues(dev);
}

void virtio_irq_queue(void *ctx)
{
    struct virtq *q = ctx;
    struct virtio_device *dev = virtio_owner_device(q->owner);

    if (end_storm(dev) || !dev->owner.live)
        return;
    hal_ack_order();
    virtq_disarm(q);
    wake_from_handler(dev);
}

void virtio_irq_queues(void *ctx)
{
    struct virtio_device *dev = ctx;

    if (end_storm(dev) || !dev->owner.live)
        return;
    hal_ack_order();
    wake_all_queues(dev);
}

/* Section 4.1.5.3: one vector for both, so the configuration may have changed each time. */
void virtio_irq_all(void *ctx)
{
    struct virtio_device *dev = ctx;

    dev->config_pending = true;
    virtio_irq_queues(dev);
}

void virtio_irq_config(void *ctx)
{
    struct virtio_device *dev = ctx;

    if (end_storm(dev) || !dev->owner.live)
        return;
    dev->config_pending = true;
    wake_from_handler(dev);
}
