/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block_list.c - the devices: their list, what is said of them, the limits that their transfers
 * keep to, and the service that calls done() of requests that end without a device.
 */
#include "block/block_impl.h"
#include "virtio/virtio.h"

#if VIREO_BLK
VIRTIO_LINK_DRIVER(vblk_driver);
#endif
static struct block_device *block_devices;

/* ---- registry -------------------------------------------------------------------------------- */

struct block_device *block_get(unsigned n)
{
    struct block_device *d = block_devices;

    while (d && n--)
        d = d->next;
    return d;
}

struct block_device *block_find(const char *name)
{
    struct block_device *d = block_devices;

    while (d && !hal_same_name(d->name, name))
        d = d->next;
    return d;
}

void block_describe(const struct block_device *dev, struct block_info *out)
{
    *out = (struct block_info){
        .name = dev->name,
        .sectors = dev->sectors,
        .block_size = dev->block_size,
        .read_only = dev->read_only,
        .volatile_cache = dev->volatile_cache,
        .dead = dev->dead,
        .max_segs = dev->max_segs,
        .depth = dev->depth,
        .stats = dev->stats,
    };
    memcpy(out->id, dev->id, sizeof(out->id));
}

uint64_t block_capacity(const struct block_device *dev)
{
    return dev->sectors << BLOCK_SECTOR_SHIFT;
}

uint32_t block_size(const struct block_device *dev)
{
    return dev->block_size;
}

const char *block_name(const struct block_device *dev)
{
    return dev->name;
}

bool block_read_only(const struct block_device *dev)
{
    return dev->read_only;
}

bool block_volatile(const struct block_device *dev)
{
    return dev->volatile_cache;
}

bool block_dead(const struct block_device *dev)
{
    return dev->dead;
}

unsigned block_plugs(const struct block_device *dev)
{
    return dev->plugs;
}

const unsigned *block_changes(const struct block_device *dev)
{
    return &dev->changes;
}

/* ---- requests that end without the device -----------------------------------------------------
 */

/*
 * The service of all devices: calls done() of requests that ended without the device. Requests that
 * end during that wait for the next run.
 */
static bool block_run_finished(struct hal_service *s)
{
    bool any = false;

    (void)s;
    for (struct block_device *d = block_devices; d; d = d->next) {
        struct block_queue batch = d->finished;

        d->finished = (struct block_queue){NULL, NULL};
        block_hold(d);
        while (batch.head) {
            block_deliver(d, block_dequeue(&batch));
            any = true;
        }
        block_release(d);
    }
    return any;
}

static struct hal_service block_finisher;

void block_finish_later(struct block_device *dev, struct block_request *r, int result)
{
    if (!r->result)
        r->result = result;
    block_enqueue(&dev->finished, r);
    hal_service_wake(&block_finisher);
}

/* ---- devices come and change ----------------------------------------------------------------- */

/* What every transfer keeps to, of what the driver says. -EINVAL, named in the log. */
static int block_set_limits(struct block_device *dev)
{
    if (dev->max_segs > BLOCK_MAX_SEGS)
        dev->max_segs = BLOCK_MAX_SEGS;
    dev->unit = dev->align = dev->block_size;
    dev->unit_mask = dev->unit - 1;
    if (dev->max_seg_size >= dev->unit) {
        dev->piece = dev->max_seg_size & ~(dev->unit - 1);
        dev->unit_pieces = 1;
    } else {
        dev->piece = dev->max_seg_size & ~(BLOCK_SECTOR - 1);
        dev->unit_pieces = dev->piece ? (dev->unit + dev->piece - 1) / dev->piece : 0;
    }
    if (dev->unit_pieces && dev->unit_pieces <= dev->max_segs && dev->depth)
        return 0;
    hal_log(HAL_ERROR, dev->name,
            "a logical block of %u bytes does not fit into %u segments of %u bytes", dev->unit,
            dev->max_segs, dev->max_seg_size);
    return -EINVAL;
}

void block_set_plain(struct block_device *dev)
{
    uint32_t most = dev->piece < BLOCK_MAX_TRANSFER ? dev->piece : BLOCK_MAX_TRANSFER;
    bool some = dev->driver->stage_plain && dev->unit_pieces == 1 && !dev->bounce_all && !dev->dead;

    if (most >> BLOCK_SECTOR_SHIFT > dev->sectors)
        most = (uint32_t)(dev->sectors << BLOCK_SECTOR_SHIFT);
    dev->plain_max[BLOCK_READ] = some ? most & ~(dev->unit - 1) : 0;
    dev->plain_max[BLOCK_WRITE] = dev->read_only ? 0 : dev->plain_max[BLOCK_READ];
}

int block_register(struct block_device *dev)
{
    int err = block_set_limits(dev);

    if (err)
        return err;
    dev->transfers = hal_alloc(dev->depth * sizeof(*dev->transfers));
    if (!dev->transfers)
        return -ENOMEM;
    if (HAL_DMA_MAPS && block_map_setup(dev)) {
        hal_free(dev->transfers);
        return -ENOMEM;
    }
    for (unsigned i = dev->depth; i--;) {
        dev->transfers[i].slot = i;
        block_transfer_clear(&dev->transfers[i]);
        dev->transfers[i].next = dev->free;
        dev->free = &dev->transfers[i];
    }
    dev->ends.next = dev->ends.prev = &dev->ends;
    dev->ends.deadline_ns = HAL_NEVER;
    block_set_plain(dev);
    if (!block_devices) {
        block_finisher.name = "block";
        block_finisher.run = block_run_finished;
        hal_service_add(&block_finisher);
    }
    HAL_LIST_APPEND(&block_devices, dev);
    return 0;
}

void block_resize(struct block_device *dev, uint64_t sectors)
{
    dev->sectors = sectors;
    dev->changes++;
    block_set_plain(dev);
    for (struct block_request *r = dev->queue.head; r; r = r->next)
        r->plain = false; /* judged by the capacity of before */
}

void block_replugged(struct block_device *dev)
{
    dev->plugs++;
    dev->changes++;
}
