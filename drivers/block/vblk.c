/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vblk.c - the virtio block device (virtio 1.4, section 5.2).
 *
 * A request is a header of 16 bytes, data, and a status byte, each in descriptors of its own, as
 * devices from before version 1.0 require (section 5.2.6.4). Headers and status bytes lie in memory
 * that was allocated with the queue, one record for each transfer of the block layer. A completion
 * finds its record by the transfer that the queue hands back, never by a value from the device.
 *
 * A chain is never longer than its queue. So on a queue of two entries a request has two pieces:
 * one of them holds header and data of a write, or data and status of a read (section 2.7.4). All
 * data then passes through a bounce buffer, one transfer at a time.
 */
#include "block/vblk.h"
#include "block/vblk_impl.h"

#if VIREO_BLK

const char vblk_linked[] = "vblk";

/* ---- life ------------------------------------------------------------------------------------ */

/* Behind the records: the serial number and a NUL. */
static size_t vblk_records_bytes(const struct vblk *b)
{
    return b->block.depth * sizeof(struct vblk_record) + BLOCK_ID_LEN + 1;
}

static size_t vblk_plain_bytes(const struct vblk *b)
{
    return b->block.depth * sizeof(struct vblk_plain_record);
}

int vblk_allocate(struct vblk *b)
{
    b->records = hal_dma_alloc(vblk_records_bytes(b), 64, &b->records_dma);
    if (!b->records)
        return -ENOMEM;
    b->id = (uint8_t *)&b->records[b->block.depth];
    if (b->plain)
        b->plain_records = hal_dma_alloc(vblk_plain_bytes(b), 64, &b->plain_dma);
    if (b->plain && !b->plain_records)
        return -ENOMEM;
    if (!b->joined)
        return 0;
    b->room = hal_dma_alloc(VBLK_ROOM, 64, &b->block.bounce_dma);
    if (!b->room)
        return -ENOMEM;
    b->block.bounce = b->room + VBLK_HEADROOM;
    b->block.bounce_dma += VBLK_HEADROOM;
    return 0;
}

static void vblk_free(struct vblk *b)
{
    if (b->records)
        hal_dma_free(b->records, vblk_records_bytes(b));
    if (b->plain_records)
        hal_dma_free(b->plain_records, vblk_plain_bytes(b));
    if (b->room)
        hal_dma_free(b->room, VBLK_ROOM);
    hal_free(b->plain);
    hal_free(b);
}

/*
 * For a queue that is too short for three pieces a request: two pieces. A legacy device requires
 * three (section 5.2.6.4), and the size of its ring is a power of two. The piece of data is longer
 * by a header, and size_max bounds the sum.
 */
static int vblk_join_pieces(struct vblk *b)
{
    uint32_t least = virtio_is_legacy(b->dev) ? 4 : 2;

    if (b->block.depth < least) {
        hal_log(HAL_ERROR, b->block.name,
                "a queue of %u entries holds no request: " HAL_OPTION "=%u is the least",
                b->block.depth, b->block.name, "qsize", (unsigned)least);
        return -EINVAL;
    }
    b->joined = b->block.bounce_all = true;
    b->block.max_segs = 1;
    b->block.max_seg_size -= (uint32_t)sizeof(struct vblk_header);
    if (b->block.max_seg_size > BLOCK_BOUNCE)
        b->block.max_seg_size = BLOCK_BOUNCE;
    return 0;
}

static int vblk_setup_queue(struct vblk *b)
{
    const struct virtq_config config = {
        .name = "requests",
        .size = VBLK_DEPTH,
        .max_segs = (uint16_t)(b->block.max_segs + 2),
        .expects_progress = true,
    };
    int err = virtio_setup_queues(b->dev, &config, 1);

    if (err)
        return err;
    b->queue = virtio_queue(b->dev, 0);
    b->block.depth = virtq_size(b->queue); /* a legacy PCI device may have a longer one */
    if (b->block.depth > VBLK_DEPTH)
        b->block.depth = VBLK_DEPTH;
    if (b->block.depth < 3)
        return vblk_join_pieces(b);
    if (b->block.max_segs > b->block.depth - 2)
        b->block.max_segs = b->block.depth - 2;
    if (!virtq_takes_tables(b->queue))
        return 0;
    b->block.driver = &vblk_block_driver;
    b->plain = hal_alloc(b->block.depth * sizeof(*b->plain));
    return b->plain ? 0 : -ENOMEM;
}

/* The block layer is told the shape of the disk. */
static void vblk_apply_shape(struct vblk *b)
{
    const struct vblk_shape *s = &b->shape;

    b->block.sectors = s->sectors;
    b->block.block_size = s->block_size;
    b->block.max_segs = s->max_segs;
    b->block.max_seg_size = s->max_seg_size;
    b->block.read_only = s->read_only;
    b->block.volatile_cache = s->volatile_cache;
    b->check_len = !virtio_is_legacy(b->dev);
}

/* Everything that can fail is done before the device is started. */
static int vblk_start(struct vblk *b)
{
    int err = vblk_read_shape(b, &b->shape);

    if (err)
        return err;
    vblk_apply_shape(b);
    err = vblk_setup_queue(b);
    if (!err)
        err = vblk_allocate(b);
    if (!err)
        err = block_register(&b->block);
    if (err)
        return err;
    virtio_start(b->dev);
    vblk_identify(b);
    hal_log(HAL_INFO, b->block.name, "%llu KiB, blocks of %u, %s",
            (unsigned long long)(b->block.sectors >> 1), (unsigned)b->block.block_size,
            b->block.read_only        ? "read-only"
            : b->block.volatile_cache ? "write-back"
                                      : "write-through");
    return 0;
}

int vblk_probe(struct virtio_device *dev)
{
    struct vblk *b = hal_alloc(sizeof(*b));
    int err;

    if (!b)
        return -ENOMEM;
    b->dev = dev;
    b->block.name = virtio_name(dev);
    b->block.driver = &vblk_one_by_one;
    b->block.timeout_ns = hal_option_u64(b->block.name, "timeout_ms", 30000, 10, 3600000) * HAL_MS;
    virtio_set_priv(dev, b);
    err = vblk_start(b);
    if (err)
        vblk_free(b);
    return err;
}

/* Marks the transfers that the queue holds as lost. The block layer then puts them back. */
static void vblk_take_all_back(struct vblk *b)
{
    struct block_transfer *t;

    while ((t = virtq_take_back(b->queue)))
        t->lost = true;
    b->first = b->count = b->seg_count = b->ready_count = 0;
    for (unsigned i = 0; i < b->block.depth; i++)
        b->block.transfers[i].own = NULL; /* a queue that begins anew may be of another ring */
}

void vblk_queue_lost(struct virtio_device *dev, struct virtq *q)
{
    struct vblk *b = virtio_priv(dev);

    (void)q;
    b->unanswered += b->came_back;
    vblk_take_all_back(b);
    block_requeue(&b->block);
}

void vblk_dead(struct virtio_device *dev, bool quarantine)
{
    struct vblk *b = virtio_priv(dev);

    vblk_take_all_back(b);
    b->given_up = true;
    b->quarantined |= quarantine;
    block_fail_all(&b->block, quarantine);
}

static const struct virtio_feature vblk_features[] = {VBLK_FEATURES};

VIRTIO_DRIVER(vblk_driver) = {
    .device_id = VIRTIO_ID_BLOCK,
    .prefix = "vblk",
    .features = vblk_features,
    .feature_count = sizeof(vblk_features) / sizeof(vblk_features[0]),
    .vet = vblk_vet,
    .probe = vblk_probe,
    .service = vblk_service,
    .config_changed = vblk_config_changed,
    /* QEMU 7.2 offers RING_RESET, but completes requests of the old ring in the new one. */
    .resets_whole = true,
    .queue_lost = vblk_queue_lost,
    .returned = vblk_returned,
    .queue_back = vblk_queue_back,
    .dead = vblk_dead,
};

#endif
