/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.c - the start and the end of a virtio device (virtio 1.4, sections 2.1, 2.4, 3.1, 3.3),
 * whatever its bus, ring and type. recover.c has what happens in between.
 */
#include "virtio/device.h"

static struct virtio_device *devices;

/* ---- drivers and names ----------------------------------------------------------------------- */

static const struct virtio_driver *const *named; /* by virtio_use_drivers() */

void virtio_use_drivers(const struct virtio_driver *const *drivers)
{
    named = drivers;
}

#if VIREO_SECTIONS
extern const struct virtio_driver *const __start_vireo_drivers[] __attribute__((weak));
extern const struct virtio_driver *const __stop_vireo_drivers[] __attribute__((weak));

static const struct virtio_driver *linked_driver(unsigned n)
{
    return __start_vireo_drivers + n < __stop_vireo_drivers ? __start_vireo_drivers[n] : NULL;
}
#else
static const struct virtio_driver *linked_driver(unsigned n)
{
    (void)n;
    return NULL;
}
#endif

const struct virtio_driver *virtio_driver_at(unsigned n)
{
    return named ? named[n] : linked_driver(n);
}

/* Of two drivers for one type, the one that knows more features. */
static const struct virtio_driver *driver_for(uint32_t device_id)
{
    const struct virtio_driver *d, *best = NULL;

    for (unsigned n = 0; (d = virtio_driver_at(n)); n++)
        if (d->device_id == device_id && (!best || d->feature_count > best->feature_count))
            best = d;
    return best;
}

bool virtio_wanted(uint32_t device_id)
{
    bool wanted = driver_for(device_id) != NULL;

    if (!wanted)
        hal_log(HAL_DEBUG, "virtio", "a device of type %u is left alone: no driver is linked",
                (unsigned)device_id);
    return wanted;
}

/* Names the device: the driver's prefix, and how many devices of that driver there are already. */
static void name_device(struct virtio_device *dev)
{
    const char *prefix = dev->driver->prefix;
    unsigned n = 0, len = 0;

    for (struct virtio_device *d = devices; d; d = d->next)
        n += d->driver == dev->driver;
    while (prefix[len] && len < sizeof(dev->name) - 4) {
        dev->name[len] = prefix[len];
        len++;
    }
    if (n >= 10)
        dev->name[len++] = (char)('0' + n / 10 % 10);
    dev->name[len++] = (char)('0' + n % 10);
    dev->name[len] = '\0';
}

/* ---- status (section 2.1) and reset (2.4) ---------------------------------------------------- */

void virtio_status_add(struct virtio_device *dev, uint8_t bit)
{
    dev->status |= bit;
    dev->transport->status_write(dev, dev->status);
}

int virtio_reset(struct virtio_device *dev)
{
    uint64_t deadline = hal_now_ns() + VIRTIO_RESET_TIMEOUT;

    dev->status = 0;
    dev->transport->status_write(dev, 0);
    for (unsigned gone = 0;;) {
        uint8_t status = dev->transport->status_read(dev);

        if (!status)
            return 0;
        gone = status == 0xff ? gone + 1 : 0;
        if (gone >= VIRTIO_GONE_READS)
            return -ENXIO;
        if (hal_now_ns() >= deadline)
            return -ETIMEDOUT;
        hal_relax();
    }
}

static int reset_and_acknowledge(struct virtio_device *dev)
{
    int err = virtio_reset(dev);

    if (err) {
        hal_log(HAL_ERROR, dev->name, "the device does not complete a reset");
        return err;
    }
    virtio_status_add(dev, VIRTIO_STATUS_ACKNOWLEDGE);
    virtio_status_add(dev, VIRTIO_STATUS_DRIVER);
    return 0;
}

/*
 * Section 3.1.1, steps 4 to 6. 1: the device refuses the set. The highest word is written first,
 * since QEMU's virtio-mmio takes every word above 0 for word 1.
 */
static int offer_and_accept_features(struct virtio_device *dev, bool reduced)
{
    const struct virtio_transport *t = dev->transport;
    int err;

    for (unsigned w = 0; w < t->feature_words; w++)
        dev->offered.w[w] = t->features_read(dev, w);
    err = virtio_negotiate(dev, reduced);
    if (!err && dev->driver->vet)
        err = dev->driver->vet(dev);
    if (err)
        return err;
    for (unsigned w = t->feature_words; w-- > 0;)
        t->features_write(dev, w, dev->accepted.w[w]);
    if (dev->legacy)
        return 0;
    virtio_status_add(dev, VIRTIO_STATUS_FEATURES_OK);
    return t->status_read(dev) & VIRTIO_STATUS_FEATURES_OK ? 0 : 1;
}

/* A device that refuses the set is reset, and asked once more with the essential bits alone. */
static int accept_features(struct virtio_device *dev)
{
    int err = offer_and_accept_features(dev, false);

    if (err <= 0)
        return err;
    hal_log(HAL_WARN, dev->name, "the device refuses the features that it offers: trying fewer");
    virtio_log_features(dev, HAL_WARN);
    err = reset_and_acknowledge(dev);
    if (!err)
        err = offer_and_accept_features(dev, true);
    if (err <= 0)
        return err;
    hal_log(HAL_ERROR, dev->name, "the device refuses these features as well");
    virtio_log_features(dev, HAL_ERROR);
    return -ENODEV;
}

void virtio_cut_off(struct virtio_device *dev)
{
    if (dev->transport->cut_off)
        dev->transport->cut_off(dev);
}

/* ---- attaching (section 3.1.1) --------------------------------------------------------------- */

/*
 * The device cannot be used, and its transport's structure is freed. Its queues are freed only if
 * the reset completes, since the device may write to their memory until then.
 */
static void abandon_device(struct virtio_device *dev)
{
    if (dev->queue_count) {
        dev->transport->irq_release(dev);
        virtio_set_state(dev, VIRTIO_RESETTING);
        if (virtio_reset(dev) == 0) {
            virtio_drop_queues(dev);
            virtio_status_add(dev, VIRTIO_STATUS_ACKNOWLEDGE);
        }
    }
    if (!dev->queue_count)
        hal_free(dev->queues);
    virtio_status_add(dev, VIRTIO_STATUS_FAILED);
    dev->transport->release(dev);
}

static int start_device(struct virtio_device *dev)
{
    int err = reset_and_acknowledge(dev);

    if (!err)
        err = accept_features(dev);
    if (err)
        return err;
    err = dev->driver->probe(dev);
    if (!err && dev->state != VIRTIO_OK) {
        hal_log(HAL_ERROR, dev->name, "the driver did not start the device");
        err = -EINVAL;
    }
    return err;
}

void virtio_stop_all(void)
{
    for (struct virtio_device *dev = devices; dev; dev = dev->next) {
        bool running = dev->state != VIRTIO_WAITING && dev->state != VIRTIO_GONE;

        if (running && dev->state != VIRTIO_RESETTING)
            virtio_set_state(dev, VIRTIO_RESETTING);
        if (running && virtio_reset(dev))
            hal_log(HAL_WARN, dev->name, "does not complete its last reset");
        if (!dev->away)
            virtio_cut_off(dev);
    }
}

static void stop_devices(void *ctx)
{
    (void)ctx;
    virtio_stop_all();
}

/* Called for each device before it may write to memory; asks once. */
static void stop_devices_at_the_end(void)
{
    static bool asked_for;

    if (!asked_for && hal_on_shutdown(stop_devices, NULL))
        hal_log(HAL_WARN, "virtio", "devices will not be stopped when the image ends");
    asked_for = true;
}

int virtio_attach(struct virtio_device *dev)
{
    int err;

    dev->driver = driver_for(dev->device_id);
    if (!dev->driver)
        return -ENODEV;
    stop_devices_at_the_end();
    name_device(dev);
    virtio_own_queues(dev);
    virtio_check_denied(dev);
    virtio_choose_wakeup(dev);
    dev->tries_max = (unsigned)hal_option_u64(dev->name, "resets", VIRTIO_RESETS, 0, 1000);
    dev->driver_ns = dev->recover_ns = dev->service.next_ns = HAL_NEVER;
    err = start_device(dev);
    if (err) {
        hal_log(HAL_ERROR, dev->name, "not usable (error %d)", -err);
        abandon_device(dev);
        return err;
    }
    HAL_LIST_APPEND(&devices, dev);
    virtio_service_start(dev);
    virtio_log_features(dev, HAL_INFO);
    return 0;
}

/* ---- for drivers ----------------------------------------------------------------------------- */

const char *virtio_name(const struct virtio_device *dev)
{
    return dev->name;
}

void *virtio_priv(const struct virtio_device *dev)
{
    return dev->priv;
}

void virtio_set_priv(struct virtio_device *dev, void *priv)
{
    dev->priv = priv;
}

bool virtio_offers(const struct virtio_device *dev, unsigned bit)
{
    return virtio_features_has(&dev->offered, bit);
}

bool virtio_has(const struct virtio_device *dev, unsigned bit)
{
    return virtio_features_has(&dev->accepted, bit);
}

bool virtio_is_legacy(const struct virtio_device *dev)
{
    return dev->legacy;
}

void virtio_start(struct virtio_device *dev)
{
    virtio_set_state(dev, VIRTIO_OK);
    virtio_status_add(dev, VIRTIO_STATUS_DRIVER_OK);
}

/* ---- for status pages ------------------------------------------------------------------------ */

struct virtio_device *virtio_next(const struct virtio_device *dev)
{
    return dev ? dev->next : devices;
}

struct virtio_device *virtio_find(const char *name)
{
    for (struct virtio_device *d = devices; d; d = d->next)
        if (hal_same_name(name, d->name))
            return d;
    return NULL;
}

int virtio_info(unsigned n, struct virtio_info *out)
{
    struct virtio_device *d = devices;

    while (d && n--)
        d = d->next;
    if (!d)
        return -ENOENT;
    *out = (struct virtio_info){
        .name = d->name,
        .device_id = d->device_id,
        .transport = d->transport->name,
        .ring = d->queue_count ? d->queues[0]->ring->name : "",
        .wakeup = virtio_wakeup_name(d),
        .alive = d->owner.live,
        .state = virtio_state_name(d),
        .cause = d->cause ? d->cause : "",
        .resets = d->resets,
        .recoveries = d->recoveries,
        .offered = d->offered,
        .accepted = d->accepted,
        .interrupts = d->interrupts,
        .queues = d->queue_count,
    };
    return 0;
}
