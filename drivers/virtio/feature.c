/*
 * feature.c - feature negotiation (virtio 1.4, sections 2.2 and 6).
 *
 * Accepted is what is offered, known to the driver or the core, valid on the transport, not
 * forbidden by the boot argument vireo.deny (or vireo.<device>.deny), and has all that it needs.
 */
#include "virtio/device.h"

/* Bits of every device type that the core implements. */
static const struct virtio_feature core_features[] = {
    {VIRTIO_F_ANY_LAYOUT, "any_layout", {0}},
    {VIRTIO_F_INDIRECT_DESC, "indirect_desc", {0}},
    {VIRTIO_F_EVENT_IDX, "event_idx", {0}},
    {VIRTIO_F_VERSION_1, "version_1", {0}},
    {VIRTIO_F_ACCESS_PLATFORM, "access_platform", {VIRTIO_NEEDS(VIRTIO_F_VERSION_1)}},
    {VIRTIO_F_ORDER_PLATFORM, "order_platform", {VIRTIO_NEEDS(VIRTIO_F_VERSION_1)}},
};
#define CORE_FEATURES (sizeof(core_features) / sizeof(core_features[0]))

/* The n-th feature that this driver and the core know together, or NULL. */
static const struct virtio_feature *known(const struct virtio_device *dev, unsigned n)
{
    if (n < CORE_FEATURES)
        return &core_features[n];
    n -= CORE_FEATURES;
    return n < dev->driver->feature_count ? &dev->driver->features[n] : NULL;
}

/* Does the comma-separated list hold the name? */
static bool list_has(const char *list, const char *name)
{
    while (list && *list) {
        const char *n = name;

        while (*n && *list == *n) {
            list++;
            n++;
        }
        if (!*n && (!*list || *list == ','))
            return true;
        while (*list && *list != ',')
            list++;
        list += *list == ',';
    }
    return false;
}

static bool denied(const struct virtio_device *dev, const struct virtio_feature *f)
{
    return f->bit != VIRTIO_F_VERSION_1 && list_has(hal_option(dev->name, "deny"), f->name);
}

static bool has_needs(const struct virtio_device *dev, const struct virtio_feature *f)
{
    for (unsigned i = 0; i < sizeof(f->needs) / sizeof(f->needs[0]); i++)
        if (f->needs[i] && !virtio_features_has(&dev->accepted, f->needs[i] - 1u))
            return false;
    return true;
}

/* Drops what lacks a bit that it needs, until nothing changes. */
static void close_dependencies(struct virtio_device *dev)
{
    const struct virtio_feature *f;
    bool changed = true;

    while (changed) {
        changed = false;
        for (unsigned i = 0; (f = known(dev, i)); i++) {
            if (!virtio_features_has(&dev->accepted, f->bit) || has_needs(dev, f))
                continue;
            virtio_features_clear(&dev->accepted, f->bit);
            changed = true;
        }
    }
}

int virtio_negotiate(struct virtio_device *dev)
{
    const struct virtio_feature *f;

    if (!dev->legacy && !virtio_features_has(&dev->offered, VIRTIO_F_VERSION_1)) {
        hal_log(HAL_ERROR, dev->name, "a modern device that does not offer VERSION_1");
        return -ENODEV;
    }
    dev->accepted = (struct virtio_features){{0}};
    for (unsigned i = 0; (f = known(dev, i)); i++) {
        bool legacy_bit = f->bit == VIRTIO_F_ANY_LAYOUT;

        if (legacy_bit && !dev->legacy)
            continue;
        if (virtio_features_has(&dev->offered, f->bit) && !denied(dev, f))
            virtio_features_set(&dev->accepted, f->bit);
    }
    close_dependencies(dev);
    return 0;
}

void virtio_feature_names(const struct virtio_device *dev, char *buf, size_t len)
{
    const struct virtio_feature *f;
    size_t at = 0;

    for (unsigned i = 0; (f = known(dev, i)); i++) {
        if (!virtio_features_has(&dev->accepted, f->bit))
            continue;
        if (at && at + 1 < len)
            buf[at++] = ' ';
        for (const char *c = f->name; *c && at + 1 < len; c++)
            buf[at++] = *c;
    }
    if (len)
        buf[at] = '\0';
}

void virtio_log_features(const struct virtio_device *dev)
{
    char names[256];

    virtio_feature_names(dev, names, sizeof(names));
    hal_log(HAL_INFO, dev->name, "%s, %s; features: %s", dev->transport->name,
            virtio_wakeup_name(dev), names);
    hal_log(HAL_DEBUG, dev->name, "offered %08x %08x, accepted %08x %08x", dev->offered.w[1],
            dev->offered.w[0], dev->accepted.w[1], dev->accepted.w[0]);
}
