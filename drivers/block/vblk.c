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

/* Section 5.2.6 */
enum { VBLK_T_IN = 0, VBLK_T_OUT = 1, VBLK_T_FLUSH = 4, VBLK_T_GET_ID = 8 };
enum { VBLK_S_OK = 0, VBLK_S_IOERR = 1, VBLK_S_UNSUPP = 2, VBLK_S_POISON = 0xee };

struct vblk_header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

/* What the device sees of a transfer besides its data. One for each slot, for the device to write.
 */
struct vblk_record {
    struct vblk_header header;
    uint8_t status;
    uint8_t pad[15];
};

#define VBLK_DEPTH    128u /* entries of the queue that is asked for */
#define VBLK_REAP     32u  /* completions taken from the queue at a time */
#define VBLK_HEADROOM 64u  /* in front of joined data: the header, and alignment */
#define VBLK_ROOM     (VBLK_HEADROOM + BLOCK_BOUNCE + 1)

/* ---- requests -------------------------------------------------------------------------------- */

static bool vblk_room(struct block_device *block)
{
    struct vblk *b = (struct vblk *)block;

    return b->count < VBLK_BATCH && b->seg_count + block->max_segs + 2 <= VBLK_BATCH_SEGS;
}

/* Where the device puts the status of t: behind the data, if both are one piece. */
static uint8_t *vblk_status_of(const struct vblk *b, const struct block_transfer *t)
{
    if (b->joined && (t->op == BLOCK_READ || t->op == BLOCK_GET_ID))
        return b->block.bounce + t->bytes;
    return &b->records[t->slot].status;
}

static void vblk_write_header(struct vblk_header *header, const struct block_transfer *t)
{
    static const uint8_t types[] = {[BLOCK_READ] = VBLK_T_IN,
                                    [BLOCK_WRITE] = VBLK_T_OUT,
                                    [BLOCK_FLUSH] = VBLK_T_FLUSH,
                                    [BLOCK_GET_ID] = VBLK_T_GET_ID};

    header->type = types[t->op];
    header->reserved = 0;
    header->sector = t->sector; /* 0 for a flush and for the id */
}

/* Fills in header, data and status, each in pieces of its own. Returns the number of pieces. */
static unsigned vblk_put_apart(struct virtq_seg *seg, uint64_t record, const struct block_dma *dma,
                               unsigned n)
{
    *seg++ = (struct virtq_seg){record, sizeof(struct vblk_header)};
    for (unsigned i = 0; i < n; i++)
        *seg++ = (struct virtq_seg){dma[i].addr, dma[i].len};
    *seg = (struct virtq_seg){record + offsetof(struct vblk_record, status), 1};
    return n + 2;
}

/*
 * The same in two pieces: there is room for a header in front of the one piece of data, and for a
 * status behind it.
 */
static unsigned vblk_put_joined(struct virtq_seg *seg, uint64_t record, const struct block_dma *dma,
                                bool write)
{
    const uint32_t header = sizeof(struct vblk_header);

    seg[0] = (struct virtq_seg){record, header};
    seg[1] = (struct virtq_seg){dma->addr, dma->len + 1};
    if (write) {
        seg[0] = (struct virtq_seg){dma->addr - header, header + dma->len};
        seg[1] = (struct virtq_seg){record + offsetof(struct vblk_record, status), 1};
    }
    return 2;
}

static void vblk_stage(struct block_device *block, struct block_transfer *t,
                       const struct block_dma *dma, unsigned n)
{
    struct vblk *b = (struct vblk *)block;
    uint64_t record = b->records_dma + t->slot * sizeof(struct vblk_record);
    struct virtq_seg *seg = &b->segs[b->seg_count];
    bool write = t->op == BLOCK_WRITE, joined = b->joined && n;
    unsigned count =
        joined ? vblk_put_joined(seg, record, dma, write) : vblk_put_apart(seg, record, dma, n);
    unsigned out = write ? count - 1 : 1;
    void *header = joined && write ? block->bounce - sizeof(struct vblk_header)
                                   : (void *)&b->records[t->slot].header;

    vblk_write_header(header, t);
    *vblk_status_of(b, t) = VBLK_S_POISON;
    b->batch[b->count++] = (struct virtq_request){
        .segs = seg,
        .readable = (uint16_t)out,
        .writable = (uint16_t)(count - out),
        .cookie = t,
    };
    b->seg_count += count;
}

static void vblk_commit(struct block_device *block)
{
    struct vblk *b = (struct vblk *)block;
    int taken;

    if (b->first == b->count)
        return;
    taken = virtq_submit(b->queue, &b->batch[b->first], b->count - b->first);
    if (taken < 0) { /* the queue is broken: a reset follows, and with it block_requeue() */
        block_pause(block);
        return;
    }
    b->first += (unsigned)taken;
    if (b->first == b->count)
        b->first = b->count = b->seg_count = 0;
    virtio_wake_at(b->dev, block_deadline(block));
}

static const struct block_driver vblk_block_driver = {vblk_room, vblk_stage, vblk_commit};

/* ---- completions ----------------------------------------------------------------------------- */

/*
 * The result of t, by its status byte. A read with a good status also fails if the device says that
 * it wrote fewer than all bytes.
 */
static int vblk_outcome(const struct vblk *b, const struct block_transfer *t, uint32_t len)
{
    uint8_t status = hal_shared_load8(vblk_status_of(b, t));

    if (status != VBLK_S_OK)
        return -EIO;
    if (b->check_len && t->op == BLOCK_READ && len < t->bytes)
        return -EIO;
    return 0;
}

/* True if a transfer came back. At most `depth` are taken in one call, as many as can be out. */
static bool vblk_reap(struct vblk *b)
{
    struct virtq_done done[VBLK_REAP];
    unsigned total = 0;
    int n;

    do {
        n = virtq_reap(b->queue, done, VBLK_REAP);
        for (int i = 0; i < n; i++) {
            struct block_transfer *t = done[i].cookie;

            block_complete(&b->block, t, vblk_outcome(b, t, done[i].len));
        }
        total += n > 0 ? (unsigned)n : 0;
    } while (n == (int)VBLK_REAP && total < b->block.depth);
    if (n == (int)VBLK_REAP)
        virtio_wake(b->dev);
    return total != 0;
}

static bool vblk_service(struct virtio_device *dev)
{
    struct vblk *b = virtio_priv(dev);
    bool any;

    block_hold(&b->block);
    any = vblk_reap(b);
    vblk_commit(&b->block); /* what the queue had no room for before */
    block_release(&b->block);
    if (virtq_state(b->queue) != VIRTQ_OK)
        return any;
    if (b->block.oldest && hal_now_ns() >= block_deadline(&b->block))
        virtq_fail(b->queue, "a request was not completed in time");
    else
        virtio_wake_at(dev, block_deadline(&b->block));
    return any;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Behind the records: the serial number and a NUL. */
static size_t vblk_records_bytes(const struct vblk *b)
{
    return b->block.depth * sizeof(struct vblk_record) + BLOCK_ID_LEN + 1;
}

int vblk_allocate(struct vblk *b)
{
    b->records = hal_dma_alloc(vblk_records_bytes(b), 64, &b->records_dma);
    if (!b->records)
        return -ENOMEM;
    b->id = (uint8_t *)&b->records[b->block.depth];
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
    if (b->room)
        hal_dma_free(b->room, VBLK_ROOM);
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
    b->block.depth = virtq_size(b->queue);
    if (b->block.depth < 3)
        return vblk_join_pieces(b);
    if (b->block.max_segs > b->block.depth - 2)
        b->block.max_segs = b->block.depth - 2;
    return 0;
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

static int vblk_probe(struct virtio_device *dev)
{
    struct vblk *b = hal_alloc(sizeof(*b));
    int err;

    if (!b)
        return -ENOMEM;
    b->dev = dev;
    b->block.name = virtio_name(dev);
    b->block.driver = &vblk_block_driver;
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
    b->first = b->count = b->seg_count = 0;
}

static void vblk_queue_lost(struct virtio_device *dev, struct virtq *q)
{
    struct vblk *b = virtio_priv(dev);

    (void)q;
    b->unanswered += b->came_back;
    vblk_take_all_back(b);
    block_requeue(&b->block);
}

static void vblk_dead(struct virtio_device *dev, bool quarantine)
{
    struct vblk *b = virtio_priv(dev);

    vblk_take_all_back(b);
    b->given_up = true;
    b->quarantined |= quarantine;
    block_fail_all(&b->block, quarantine);
}

static const struct virtio_feature vblk_features[] = {
    {VBLK_F_SIZE_MAX, "size_max", {0, 0}},
    {VBLK_F_SEG_MAX, "seg_max", {0, 0}},
    {VBLK_F_RO, "ro", {0, 0}},
    {VBLK_F_BLK_SIZE, "blk_size", {0, 0}},
    {VBLK_F_FLUSH, "flush", {0, 0}},
    {VBLK_F_CONFIG_WCE, "config_wce", {0, 0}},
};

VIRTIO_DRIVER(vblk_driver) = {
    .device_id = VIRTIO_ID_BLOCK,
    .prefix = "vblk",
    .features = vblk_features,
    .feature_count = sizeof(vblk_features) / sizeof(vblk_features[0]),
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
