/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vblk_disk.c - which disk a virtio block device is (virtio 1.4, sections 5.2.4 and 5.2.6). The
 * configuration space and the serial number are read at the boot, when the configuration changes,
 * and after the device was reset or plugged in again. Nothing is written to a disk before it is
 * known to be the same as at the boot.
 */
#include "block/vblk_impl.h"

#if VIREO_BLK

/* Section 5.2.4: offsets in the configuration space */
enum {
    VBLK_CONFIG_CAPACITY = 0,
    VBLK_CONFIG_SIZE_MAX = 8,
    VBLK_CONFIG_SEG_MAX = 12,
    VBLK_CONFIG_BLK_SIZE = 20,
    VBLK_CONFIG_ZONED_MODEL = 92,
};

#define VBLK_HOST_MANAGED 1u /* zoned.model of a disk that must be written by zones */

#define VBLK_MAX_BLOCK (64u * 1024u) /* bytes of a logical block */
/* For a device that came back from a reset. */
#define VBLK_ID_TRIES   3u            /* times that it is asked for its serial number */
#define VBLK_ID_TIMEOUT (5 * HAL_SEC) /* limit for an answer, or timeout_ms if less */

/* ---- configuration (section 5.2.4) ----------------------------------------------------------- */

/*
 * Section 5.2.5: zones of a host-managed disk are written from their first sector on, in order, so
 * no driver without ZONED may use the disk. A host-aware one may be written anywhere, and whatever
 * else the field holds is no zoned disk.
 */
int vblk_vet(struct virtio_device *dev)
{
    uint8_t model = 0;

    if (!virtio_offers(dev, VBLK_F_ZONED) ||
        virtio_config_read(dev, VBLK_CONFIG_ZONED_MODEL, &model, 1, 1) ||
        model != VBLK_HOST_MANAGED)
        return 0;
    hal_log(HAL_ERROR, virtio_name(dev),
            "a host-managed zoned disk is not supported: it must be written by zones");
    return -ENOTSUP;
}

static int vblk_read_capacity(struct vblk *b, uint32_t block_size, uint64_t *sectors)
{
    uint64_t v;
    int err = virtio_config_read64(b->dev, VBLK_CONFIG_CAPACITY, &v);

    if (err)
        return err;
    if (v > UINT64_MAX >> BLOCK_SECTOR_SHIFT >> 1) {
        hal_log(HAL_ERROR, b->block.name, "a capacity of %llu sectors is impossible",
                (unsigned long long)v);
        return -EINVAL;
    }
    *sectors = v & ~(uint64_t)((block_size >> BLOCK_SECTOR_SHIFT) - 1);
    return 0;
}

static int vblk_read_block_size(struct vblk *b, uint32_t *size)
{
    uint32_t v = BLOCK_SECTOR;
    int err = 0;

    if (virtio_has(b->dev, VBLK_F_BLK_SIZE))
        err = virtio_config_read32(b->dev, VBLK_CONFIG_BLK_SIZE, &v);
    if (err)
        return err;
    if (v < BLOCK_SECTOR || v & (v - 1) || v > VBLK_MAX_BLOCK) {
        hal_log(HAL_ERROR, b->block.name, "a block size of %u is not a power of two from 512 to %u",
                v, VBLK_MAX_BLOCK);
        return -EINVAL;
    }
    *size = v;
    return 0;
}

/* An impossible seg_max counts as 1 segment; an impossible size_max as no limit. */
static int vblk_read_limits(struct vblk *b, struct vblk_shape *s)
{
    uint32_t segs = 1, size = BLOCK_MAX_TRANSFER;
    int err = 0;

    if (virtio_has(b->dev, VBLK_F_SEG_MAX))
        err = virtio_config_read32(b->dev, VBLK_CONFIG_SEG_MAX, &segs);
    if (!err && virtio_has(b->dev, VBLK_F_SIZE_MAX))
        err = virtio_config_read32(b->dev, VBLK_CONFIG_SIZE_MAX, &size);
    if (size < BLOCK_SECTOR) {
        hal_log(HAL_WARN, b->block.name, "size_max %u is ignored: a sector is larger", size);
        size = BLOCK_MAX_TRANSFER;
    }
    s->max_segs = segs < 1 ? 1 : segs > BLOCK_MAX_SEGS ? BLOCK_MAX_SEGS : segs;
    s->max_seg_size = size < BLOCK_MAX_TRANSFER ? size : BLOCK_MAX_TRANSFER;
    return err;
}

/*
 * Section 5.2.5.2: with CONFIG_WCE the field `writeback` says whether writes are volatile until a
 * flush; without CONFIG_WCE, they are if FLUSH was negotiated.
 */
static int vblk_read_cache_mode(struct vblk *b, struct vblk_shape *s)
{
    uint8_t writeback = 1;
    int err = 0;

    if (virtio_has(b->dev, VBLK_F_CONFIG_WCE))
        err = virtio_config_read(b->dev, VBLK_CONFIG_WRITEBACK, &writeback, 1, 1);
    s->read_only = virtio_has(b->dev, VBLK_F_RO);
    s->volatile_cache = virtio_has(b->dev, VBLK_F_FLUSH) && writeback && !s->read_only;
    return err;
}

int vblk_read_shape(struct vblk *b, struct vblk_shape *s)
{
    int err = vblk_read_block_size(b, &s->block_size);

    if (!err)
        err = vblk_read_capacity(b, s->block_size, &s->sectors);
    if (!err)
        err = vblk_read_limits(b, s);
    if (!err)
        err = vblk_read_cache_mode(b, s);
    return err;
}

static void vblk_resize(struct vblk *b, uint64_t sectors)
{
    if (sectors == b->block.sectors)
        return;
    hal_log(HAL_INFO, b->block.name, "capacity is now %llu sectors, was %llu",
            (unsigned long long)sectors, (unsigned long long)b->block.sectors);
    block_resize(&b->block, sectors);
}

void vblk_config_changed(struct virtio_device *dev)
{
    struct vblk *b = virtio_priv(dev);
    uint64_t sectors;

    if (vblk_read_capacity(b, b->block.block_size, &sectors)) {
        virtio_fail(dev, "the capacity cannot be read");
        return;
    }
    b->seen.sectors = sectors;
    if (!b->came_back)
        vblk_resize(b, sectors);
}

/* ---- the serial number (section 5.2.6) ------------------------------------------------------- */

/* Copies the serial number out of shared memory. A byte that is not printable becomes "?". */
static void vblk_copy_id(const struct vblk *b, char id[BLOCK_ID_LEN + 1])
{
    unsigned n = 0;

    for (; n < BLOCK_ID_LEN; n++) {
        uint8_t c = hal_shared_load8(&b->id[n]);

        if (!c)
            break;
        id[n] = c > ' ' && c < 0x7f ? (char)c : '?';
    }
    memset(id + n, 0, BLOCK_ID_LEN + 1 - n);
}

/*
 * Why the device is not the disk that it was, or NULL. `id` counts if the device has answered. A
 * disk with a serial number may have another capacity after a reset, but not after it was given up
 * or unplugged. A disk that never told a number is known by its capacity alone.
 */
static const char *vblk_what_differs(const struct vblk *b, bool answered,
                                     const char id[BLOCK_ID_LEN + 1])
{
    bool numbered = b->id_known && b->block.id[0];

    if (b->id_known && (answered ? memcmp(id, b->block.id, BLOCK_ID_LEN) != 0 : numbered))
        return "it is another disk: the serial number is not the same";
    if ((b->given_up || !numbered) && b->seen.sectors != b->block.sectors)
        return "it is another disk: the capacity is not the same";
    return NULL;
}

/* Refuses another disk; the same disk goes on. */
static void vblk_recognise(struct vblk *b, bool answered, const char id[BLOCK_ID_LEN + 1])
{
    const char *cause = vblk_what_differs(b, answered, id);

    if (cause) {
        virtio_refuse(b->dev, cause);
        return;
    }
    if (b->given_up)
        block_replugged(&b->block);
    b->came_back = b->given_up = false;
    b->unanswered = 0;
    b->block.volatile_cache = b->seen.volatile_cache;
    vblk_resize(b, b->seen.sectors);
    block_resume(&b->block);
}

static void vblk_id_done(struct block_request *r)
{
    struct vblk *b = r->ctx;
    char id[BLOCK_ID_LEN + 1];
    bool answered = !r->result;

    if (!answered && b->came_back && ++b->id_tries < VBLK_ID_TRIES) {
        vblk_identify(b);
        return;
    }
    vblk_copy_id(b, id);
    if (b->came_back)
        vblk_recognise(b, answered, id);
    else
        block_resume(&b->block);
    if (!answered || b->came_back || b->id_known)
        return;
    memcpy(b->block.id, id, sizeof(id));
    b->id_known = true;
}

void vblk_identify(struct vblk *b)
{
    struct block_request *const r = &b->id_request;

    memset(b->id, 0, BLOCK_ID_LEN + 1);
    b->id_seg = (struct block_seg){b->id, BLOCK_ID_LEN};
    *r = (struct block_request){
        .op = BLOCK_GET_ID, .segs = &b->id_seg, .seg_count = 1, .done = vblk_id_done, .ctx = b};
    block_ask(&b->block, r,
              b->came_back && b->block.timeout_ns > VBLK_ID_TIMEOUT ? VBLK_ID_TIMEOUT
                                                                    : b->block.timeout_ns);
    virtio_wake_at(b->dev, block_deadline(&b->block));
}

/* ---- the device comes back ------------------------------------------------------------------- */

/* Quarantined memory is never used again: other memory takes its place. */
static int vblk_replace_memory(struct vblk *b)
{
    int err;

    if (!b->quarantined)
        return 0;
    err = vblk_allocate(b);
    b->quarantined = err != 0;
    return err;
}

int vblk_returned(struct virtio_device *dev)
{
    struct vblk *b = virtio_priv(dev);
    const struct vblk_shape *was = &b->shape, *is = &b->seen;
    int err = vblk_vet(dev);

    if (!err)
        err = vblk_read_shape(b, &b->seen);
    if (err)
        return err;
    if (b->unanswered >= VBLK_ID_TRIES) {
        hal_log(HAL_ERROR, b->block.name, "no answer to the question for its serial number");
        b->unanswered = 0;
        return -ETIMEDOUT;
    }
    if (is->block_size != was->block_size || is->read_only != was->read_only ||
        is->max_segs != was->max_segs || is->max_seg_size != was->max_seg_size) {
        hal_log(
            HAL_ERROR, b->block.name,
            "not the disk that it was: blocks of %u, %u segments of %u%s; before: %u, %u of %u%s",
            is->block_size, is->max_segs, is->max_seg_size, is->read_only ? ", read-only" : "",
            was->block_size, was->max_segs, was->max_seg_size, was->read_only ? ", read-only" : "");
        return -ENODEV;
    }
    b->came_back = true;
    return vblk_replace_memory(b);
}

void vblk_queue_back(struct virtio_device *dev, struct virtq *q)
{
    struct vblk *b = virtio_priv(dev);

    (void)q;
    b->id_tries = 0;
    if (b->came_back || !b->id_known)
        vblk_identify(b);
    else
        block_resume(&b->block);
}

#endif
