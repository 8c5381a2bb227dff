/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.c - the device configuration space (virtio 1.4, section 2.5).
 */
#include "virtio/device.h"

#define CONFIG_TRIES 16

static void config_read_once(struct virtio_device *dev, unsigned off, uint8_t *out, unsigned len,
                             unsigned width)
{
    for (unsigned i = 0; i < len; i += width) {
        uint32_t v = dev->transport->config_read(dev, off + i, width);

        for (unsigned b = 0; b < width; b++)
            out[i + b] = (uint8_t)(v >> (8 * b));
    }
}

/* Section 2.5.1: between two equal readings of the generation counter. */
static bool config_settled_by_generation(struct virtio_device *dev, unsigned off, uint8_t *out,
                                         unsigned len, unsigned width)
{
    uint32_t before = dev->transport->generation(dev);

    config_read_once(dev, off, out, len, width);
    return dev->transport->generation(dev) == before;
}

/* Section 2.5.4 (legacy): two readings that agree. */
static bool config_settled_by_repetition(struct virtio_device *dev, unsigned off, uint8_t *out,
                                         unsigned len, unsigned width)
{
    uint8_t again[64];

    config_read_once(dev, off, out, len, width);
    config_read_once(dev, off, again, len, width);
    return memcmp(out, again, len) == 0;
}

int virtio_config_read(struct virtio_device *dev, unsigned off, void *buf, unsigned len,
                       unsigned width)
{
    bool counted = dev->transport->has_generation;

    hal_assert((width == 1 || width == 2 || width == 4) && len % width == 0 && off % width == 0 &&
               len <= 64);
    if (dev->away || off > dev->config_len || len > dev->config_len - off)
        return -EIO;
    for (unsigned i = 0; i < CONFIG_TRIES; i++)
        if (counted ? config_settled_by_generation(dev, off, buf, len, width)
                    : config_settled_by_repetition(dev, off, buf, len, width))
            return 0;
    hal_log(HAL_ERROR, dev->name, "config space at %u does not settle", off);
    return -EIO;
}

int virtio_config_read16(struct virtio_device *dev, unsigned off, uint16_t *v)
{
    return virtio_config_read(dev, off, v, 2, 2);
}

int virtio_config_read32(struct virtio_device *dev, unsigned off, uint32_t *v)
{
    return virtio_config_read(dev, off, v, 4, 4);
}

int virtio_config_read64(struct virtio_device *dev, unsigned off, uint64_t *v)
{
    return virtio_config_read(dev, off, v, 8, 4);
}

static int config_write_field(struct virtio_device *dev, unsigned off, unsigned width, uint32_t v)
{
    if (dev->away || off >= dev->config_len || width > dev->config_len - off)
        return -EIO;
    dev->transport->config_write(dev, off, width, v);
    return 0;
}

int virtio_config_write8(struct virtio_device *dev, unsigned off, uint8_t v)
{
    return config_write_field(dev, off, 1, v);
}

int virtio_config_write32(struct virtio_device *dev, unsigned off, uint32_t v)
{
    return config_write_field(dev, off, 4, v);
}
