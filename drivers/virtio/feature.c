/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * feature.c - feature negotiation (virtio 1.4, sections 2.2 and 6).
 *
 * Accepted is what is offered, known to the driver or the core, valid on the transport, not
 * forbidden by the option deny (of all devices, or of one), and has all that it needs.
 */
#include "virtio/device.h"

/* Bits of every device type that the core implements. Those of queues are virtq_features. */
static const struct virtio_feature core_features[] = {
    {VIRTIO_F_ANY_LAYOUT, "any_layout", {0}},
    {VIRTIO_F_VERSION_1, "version_1", {0}},
    {VIRTIO_F_ACCESS_PLATFORM, "access_platform", VIRTIO_NEEDS_MODERN},
    {VIRTIO_F_NOTIF_CONFIG_DATA, "notif_config_data", VIRTIO_NEEDS_MODERN},
};
#define CORE_FEATURES ((unsigned)(sizeof(core_features) / sizeof(core_features[0])))

/*
 * What section 6 says of a bit, beside what it needs. A new bit of queues (ring/rings.c) is named
 * in these functions only if it is essential, or rests on registers.
 */
static bool feature_is_legacy_only(unsigned bit)
{
    return bit == VIRTIO_F_ANY_LAYOUT;
}

/* Kept when a device refused a larger set: without these it may not be driven at all. */
static bool feature_is_essential(unsigned bit)
{
    return bit == VIRTIO_F_VERSION_1 || bit == VIRTIO_F_ACCESS_PLATFORM ||
           bit == VIRTIO_F_ORDER_PLATFORM;
}

/* Bits that need registers, which the transport may lack: it is asked (admits). */
static bool feature_needs_registers(unsigned bit)
{
    return bit == VIRTIO_F_NOTIFICATION_DATA || bit == VIRTIO_F_NOTIF_CONFIG_DATA ||
           bit == VIRTIO_F_RING_RESET;
}

/* The n-th feature that the core, the rings and the driver know together; NULL past the last. */
static const struct virtio_feature *feature_known(const struct virtio_device *dev, unsigned n)
{
    if (n < CORE_FEATURES)
        return &core_features[n];
    n -= CORE_FEATURES;
    if (n < virtq_feature_count)
        return &virtq_features[n];
    n -= virtq_feature_count;
    return n < dev->driver->feature_count ? &dev->driver->features[n] : NULL;
}

/* Does the comma-separated list hold the name? */
static bool feature_list_has(const char *list, const char *name)
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

static bool feature_is_denied(const struct virtio_device *dev, const struct virtio_feature *f)
{
    return f->bit != VIRTIO_F_VERSION_1 && feature_list_has(hal_option(dev->name, "deny"), f->name);
}

static bool feature_has_needs(const struct virtio_device *dev, const struct virtio_feature *f)
{
    for (unsigned i = 0; i < sizeof(f->needs) / sizeof(f->needs[0]); i++)
        if (f->needs[i] && !virtio_features_has(&dev->accepted, f->needs[i] - 1u))
            return false;
    return true;
}

/* Drops what lacks a bit that it needs, until nothing changes. */
static void feature_close_dependencies(struct virtio_device *dev)
{
    const struct virtio_feature *f;
    bool changed = true;

    while (changed) {
        changed = false;
        for (unsigned i = 0; (f = feature_known(dev, i)); i++) {
            if (!virtio_features_has(&dev->accepted, f->bit) || feature_has_needs(dev, f))
                continue;
            virtio_features_clear(&dev->accepted, f->bit);
            changed = true;
        }
    }
}

static bool feature_is_acceptable(struct virtio_device *dev, const struct virtio_feature *f,
                                  bool reduced)
{
    const struct virtio_transport *t = dev->transport;

    if (!virtio_features_has(&dev->offered, f->bit) || feature_is_denied(dev, f))
        return false;
    if ((feature_is_legacy_only(f->bit) && !dev->legacy) ||
        (reduced && !feature_is_essential(f->bit)))
        return false;
    return !feature_needs_registers(f->bit) || (t->admits && t->admits(dev, f->bit));
}

int virtio_negotiate(struct virtio_device *dev, bool reduced)
{
    const struct virtio_feature *f;

    if (!dev->legacy && !virtio_features_has(&dev->offered, VIRTIO_F_VERSION_1)) {
        hal_log(HAL_ERROR, dev->name, "a modern device that does not offer VERSION_1");
        return -ENODEV;
    }
    dev->accepted = (struct virtio_features){{0}};
    for (unsigned i = 0; (f = feature_known(dev, i)); i++)
        if (feature_is_acceptable(dev, f, reduced))
            virtio_features_set(&dev->accepted, f->bit);
    feature_close_dependencies(dev);
    return 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

struct feature_text {
    char *buf;
    size_t at, len;
};

static void feature_put_char(struct feature_text *t, char c)
{
    if (t->at + 1 < t->len)
        t->buf[t->at++] = c;
}

/* A bit that is not known here (f is NULL) is written as its number. */
static void feature_put(struct feature_text *t, const struct virtio_feature *f, unsigned bit)
{
    if (t->at)
        feature_put_char(t, ' ');
    for (const char *c = f ? f->name : "bit"; *c; c++)
        feature_put_char(t, *c);
    if (f)
        return;
    for (unsigned scale = bit >= 100 ? 100 : bit >= 10 ? 10 : 1; scale; scale /= 10)
        feature_put_char(t, (char)('0' + bit / scale % 10));
}

static const struct virtio_feature *feature_of_bit(const struct virtio_feature *f, unsigned count,
                                                   unsigned bit)
{
    for (; count; f++, count--)
        if (f->bit == bit)
            return f;
    return NULL;
}

static const struct virtio_feature *feature_known_bit(const struct virtio_device *dev, unsigned bit)
{
    const struct virtio_driver *d = dev->driver;
    const struct virtio_feature *f = feature_of_bit(d->features, d->feature_count, bit);

    if (!f)
        f = feature_of_bit(virtq_features, virtq_feature_count, bit);
    return f ? f : feature_of_bit(core_features, CORE_FEATURES, bit);
}

static void feature_write_names(const struct virtio_device *dev, const struct virtio_features *set,
                                char *buf, size_t len)
{
    struct feature_text t = {buf, 0, len};

    for (unsigned w = 0; w < VIRTIO_FEATURE_WORDS; w++)
        for (uint32_t left = set->w[w], bit = 32 * w; left; left >>= 1, bit++)
            if (left & 1)
                feature_put(&t, feature_known_bit(dev, bit), bit);
    if (len)
        buf[t.at] = '\0';
}

static bool feature_same(const char *s, const char *name, size_t len)
{
    size_t i = 0;

    while (i < len && s[i] && s[i] == name[i])
        i++;
    return i == len && !s[i];
}

/* Does one of the features have the name, len bytes? */
static bool feature_in(const struct virtio_feature *f, size_t count, const char *name, size_t len)
{
    for (; count; f++, count--)
        if (feature_same(f->name, name, len))
            return true;
    return false;
}

static void feature_refuse_denied(const struct virtio_device *dev, const char *name, size_t len)
{
    const struct virtio_feature *f;
    char text[500];
    struct feature_text t = {text, 0, sizeof(text)};

    for (const char *c = "no feature"; *c; c++)
        feature_put_char(&t, *c);
    feature_put_char(&t, ' ');
    for (size_t i = 0; i < len; i++)
        feature_put_char(&t, name[i]);
    for (const char *c = "; there is:"; *c; c++)
        feature_put_char(&t, *c);
    for (unsigned i = 0; (f = feature_known(dev, i)); i++)
        feature_put(&t, f, f->bit);
    text[t.at] = '\0';
    hal_option_bad(dev->name, "deny", text);
}

void virtio_check_denied(const struct virtio_device *dev)
{
    const struct virtio_driver *d;
    const char *list = hal_option(dev->name, "deny");

    for (size_t len; list && *list; list += len + (list[len] == ',')) {
        for (len = 0; list[len] && list[len] != ',';)
            len++;
        bool known = feature_in(core_features, CORE_FEATURES, list, len) ||
                     feature_in(virtq_features, virtq_feature_count, list, len);
        for (unsigned i = 0; !known && (d = virtio_driver_at(i)); i++)
            known = feature_in(d->features, d->feature_count, list, len);
        if (len && !known)
            feature_refuse_denied(dev, list, len);
    }
}

void virtio_feature_names(const struct virtio_device *dev, char *buf, size_t len)
{
    feature_write_names(dev, &dev->accepted, buf, len);
}

void virtio_log_features(const struct virtio_device *dev, enum hal_level level)
{
    char names[400];

    feature_write_names(dev, &dev->accepted, names, sizeof(names));
    hal_log(level, dev->name, "%s, %s; features: %s", dev->transport->name, virtio_wakeup_name(dev),
            names);
    feature_write_names(dev, &dev->offered, names, sizeof(names));
    hal_log(level == HAL_INFO ? HAL_DEBUG : level, dev->name, "offered: %s", names);
}
