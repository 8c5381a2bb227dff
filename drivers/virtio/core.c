/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.c - the life of a virtio device (virtio 1.4, sections 2.1, 2.4, 3.1, 3.3), whatever its bus,
 * ring and type.
 */
#include "virtio/device.h"
#include "virtio/ring/virtq_impl.h"

extern const struct virtio_driver *const __start_vireo_drivers[];
extern const struct virtio_driver *const __stop_vireo_drivers[];

static struct virtio_device *devices;
static struct virtio_device **devices_tail = &devices;

/* ---- drivers and names ----------------------------------------------------------------------- */

static const struct virtio_driver *driver_for(uint32_t device_id)
{
    const struct virtio_driver *const *d;

    for (d = __start_vireo_drivers; d < __stop_vireo_drivers; d++)
        if ((*d)->device_id == device_id)
            return *d;
    return NULL;
}

bool virtio_wanted(uint32_t device_id)
{
    return driver_for(device_id) != NULL;
}

/* prefix + how many of the type there are already */
static void give_name(struct virtio_device *dev)
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

/* -ETIMEDOUT: it never read back 0. -ENXIO: only all ones, so nothing is there any more. */
int virtio_reset(struct virtio_device *dev)
{
    uint64_t deadline = hal_now_ns() + VIRTIO_RESET_TIMEOUT;

    dev->live = false;
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
 * Section 3.1.1, steps 4 to 6. The highest word is written first: QEMU's virtio-mmio takes every
 * word above 0 for word 1. 1: the device refuses the set.
 */
static int offer_and_accept(struct virtio_device *dev, bool reduced)
{
    const struct virtio_transport *t = dev->transport;
    int err;

    for (unsigned w = 0; w < t->feature_words; w++)
        dev->offered.w[w] = t->features_read(dev, w);
    err = virtio_negotiate(dev, reduced);
    if (err)
        return err;
    for (unsigned w = t->feature_words; w-- > 0;)
        t->features_write(dev, w, dev->accepted.w[w]);
    if (dev->legacy)
        return 0;
    virtio_status_add(dev, VIRTIO_STATUS_FEATURES_OK);
    return t->status_read(dev) & VIRTIO_STATUS_FEATURES_OK ? 0 : 1;
}

/* A device that refuses is asked once more, from its reset on, with as little as can be. */
static int accept_features(struct virtio_device *dev)
{
    int err = offer_and_accept(dev, false);

    if (err <= 0)
        return err;
    hal_log(HAL_WARN, dev->name, "the device refuses the features that it offers: with less again");
    virtio_log_features(dev, HAL_WARN);
    err = reset_and_acknowledge(dev);
    if (!err)
        err = offer_and_accept(dev, true);
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

static void drop_queues(struct virtio_device *dev)
{
    for (unsigned i = 0; i < dev->queue_count; i++)
        virtq_destroy(dev->queues[i]);
    dev->queue_count = 0;
}

/* It is not usable. Its queues are freed only if the reset shows that it has let go of them. */
static void abandon(struct virtio_device *dev)
{
    if (dev->queue_count) {
        dev->transport->irq_release(dev);
        if (virtio_reset(dev) == 0) {
            drop_queues(dev);
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
    if (!err && !dev->live) {
        hal_log(HAL_ERROR, dev->name, "the driver did not start the device");
        err = -EINVAL;
    }
    return err;
}

int virtio_attach(struct virtio_device *dev)
{
    int err;

    dev->driver = driver_for(dev->device_id);
    if (!dev->driver)
        return -ENODEV;
    give_name(dev);
    virtio_choose_wakeup(dev);
    dev->tries_max = (unsigned)hal_option_u64(dev->name, "resets", VIRTIO_RESETS, 0, 1000);
    dev->tick_ns = dev->driver_ns = dev->recover_ns = dev->service.next_ns = HAL_NEVER;
    err = start_device(dev);
    if (err) {
        hal_log(HAL_ERROR, dev->name, "not usable (error %d)", -err);
        abandon(dev);
        return err;
    }
    *devices_tail = dev;
    devices_tail = &dev->next;
    virtio_service_start(dev);
    virtio_log_features(dev, HAL_INFO);
    return 0;
}

/* The image ends: no device may go on writing into memory that others will use (section 2.4). */
static void stop_all(void *ctx)
{
    (void)ctx;
    for (struct virtio_device *dev = devices; dev; dev = dev->next) {
        bool running = dev->state != VIRTIO_WAITING && dev->state != VIRTIO_GONE;

        if (running && virtio_reset(dev))
            hal_log(HAL_WARN, dev->name, "does not complete its last reset");
        if (!dev->away)
            virtio_cut_off(dev);
    }
}

static void virtio_init(void)
{
    if (hal_on_shutdown(stop_all, NULL))
        hal_log(HAL_WARN, "virtio", "devices will not be stopped when the image ends");
    for (unsigned i = 0; i < virtio_scan_count; i++)
        virtio_scans[i]();
}
HAL_INIT(HAL_INIT_BUS, virtio_init);

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

bool virtio_has(const struct virtio_device *dev, unsigned bit)
{
    return virtio_features_has(&dev->accepted, bit);
}

bool virtio_is_legacy(const struct virtio_device *dev)
{
    return dev->legacy;
}

struct virtq *virtio_queue(struct virtio_device *dev, unsigned index)
{
    return index < dev->queue_count ? dev->queues[index] : NULL;
}

/* What the driver wants, or the boot argument qsize, where the device lets the driver choose. */
static struct virtq_config sized(struct virtio_device *dev, const struct virtq_config *cfg)
{
    struct virtq_config c = *cfg;
    uint64_t size = hal_option_u64(dev->name, "qsize", 0, 1, VIRTQ_MAX_SIZE);

    if (size && dev->transport->size_fixed)
        hal_log(HAL_WARN, dev->name, "qsize has no effect: the device decides on legacy PCI");
    else if (size)
        c.size = (uint16_t)size;
    return c;
}

static int create_queues(struct virtio_device *dev, const struct virtq_config *cfg, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned max = dev->transport->queue_max(dev, i);
        struct virtq_config c = sized(dev, &cfg[i]);

        if (!max) {
            hal_log(HAL_ERROR, dev->name, "the device has no queue %u (%s)", i, cfg[i].name);
            return -ENODEV;
        }
        dev->queues[i] = virtq_create(dev, i, &c, max, dev->transport->size_fixed);
        if (!dev->queues[i]) {
            hal_log(HAL_ERROR, dev->name,
                    "no memory, or no usable size (the device says %u), "
                    "for queue %s",
                    max, cfg[i].name);
            return -ENOMEM;
        }
        dev->queue_count = i + 1;
    }
    return 0;
}

void virtio_setup_interrupts(struct virtio_device *dev)
{
    dev->wakeup = VIRTIO_WAKEUP_POLLED;
    dev->hybrid = dev->hybrid_wanted;
    if (dev->polled_wanted)
        return;
    if (dev->transport->irq_setup(dev, dev->queue_count)) {
        dev->wakeup = VIRTIO_WAKEUP_POLLED;
        dev->hybrid = false;
        hal_log(HAL_WARN, dev->name, "no interrupt can be had: polled");
    }
}

int virtio_setup_queues(struct virtio_device *dev, const struct virtq_config *cfg, unsigned n)
{
    int err;

    hal_assert(n && !dev->queues);
    dev->queues = hal_alloc(n * sizeof(struct virtq *));
    if (!dev->queues)
        return -ENOMEM;
    err = create_queues(dev, cfg, n);
    if (err)
        return err;
    virtio_setup_interrupts(dev);
    for (unsigned i = 0; i < n; i++) {
        err = dev->transport->queue_enable(dev, dev->queues[i]);
        if (err) {
            hal_log(HAL_ERROR, dev->name, "the device does not take queue %s", cfg[i].name);
            return err;
        }
        dev->queues[i]->state = VIRTQ_OK;
    }
    return 0;
}

void virtio_start(struct virtio_device *dev)
{
    dev->live = true;
    dev->state = VIRTIO_OK;
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
        if (virtio_same_name(name, d->name))
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
        .alive = d->live,
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
