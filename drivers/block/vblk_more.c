/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vblk_more.c - the virtio block device with the features that block_more.c needs (virtio 1.4,
 * section 5.2): a driver of its own, which takes the place of that of vblk.c when it is linked.
 */
#include "block/vblk_impl.h"

#if VIREO_BLK

/* Section 5.2.4: offsets in the configuration space */
enum {
    VBLK_CONFIG_GEOMETRY = 16,
    VBLK_CONFIG_TOPOLOGY = 24,
    VBLK_CONFIG_DISCARD = 36,
    VBLK_CONFIG_ZEROES = 48,
    VBLK_CONFIG_MAY_UNMAP = 56,
    VBLK_CONFIG_ERASE = 60,
};

/* Little-endian fields of the configuration space, in memory */
static unsigned vblk_le16(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

static uint32_t vblk_le32(const uint8_t *p)
{
    return vblk_le16(p) | (uint32_t)vblk_le16(p + 2) << 16;
}

/* ---- shape ----------------------------------------------------------------------------------- */

static void vblk_read_geometry(struct vblk *b, struct block_limits *l)
{
    uint8_t g[4];

    if (!virtio_has(b->dev, VBLK_F_GEOMETRY) ||
        virtio_config_read(b->dev, VBLK_CONFIG_GEOMETRY, &g[0], 2, 2) ||
        virtio_config_read(b->dev, VBLK_CONFIG_GEOMETRY + 2, &g[2], 2, 1))
        return;
    l->cylinders = (uint16_t)vblk_le16(g);
    l->heads = g[2];
    l->track_sectors = g[3];
}

/* Transfers are cut at physical blocks, if one transfer holds such a block. */
static void vblk_read_topology(struct vblk *b, struct block_limits *l)
{
    uint32_t block = b->block.block_size, exponent, most = 0;
    uint8_t t[8];

    b->block.align = l->physical_block = block;
    b->block.align_at = 0;
    if (!virtio_has(b->dev, VBLK_F_TOPOLOGY) ||
        virtio_config_read(b->dev, VBLK_CONFIG_TOPOLOGY, &t[0], 2, 1) ||
        virtio_config_read(b->dev, VBLK_CONFIG_TOPOLOGY + 2, &t[2], 2, 2) ||
        virtio_config_read(b->dev, VBLK_CONFIG_TOPOLOGY + 4, &t[4], 4, 4))
        return;
    exponent = t[0];
    while (block << most < BLOCK_MAX_TRANSFER)
        most++;
    if (exponent > most) {
        hal_log(HAL_WARN, b->block.name, "physical blocks of 2^%u logical ones are ignored",
                (unsigned)exponent);
        exponent = 0;
    }
    l->physical_block = block << exponent;
    l->aligned_at = (uint32_t)t[1] * block & (l->physical_block - 1);
    l->min_io = vblk_le16(t + 2) * block;
    l->opt_io = (uint64_t)vblk_le32(t + 4) * block;
    b->block.align = l->physical_block;
    b->block.align_at = l->aligned_at;
}

/* ---- ranges ---------------------------------------------------------------------------------- */

/*
 * The three fields of a type of ranges: sectors of a range, ranges of a request, alignment. False:
 * the type is not used.
 */
static bool vblk_read_range(struct vblk *b, unsigned bit, unsigned at, bool aligned,
                            struct block_range_limit *m)
{
    uint32_t block = b->block.block_size >> BLOCK_SECTOR_SHIFT;
    uint8_t f[12] = {0};

    if (!virtio_has(b->dev, bit) || virtio_config_read(b->dev, at, f, aligned ? sizeof(f) : 8, 4))
        return false;
    m->sectors = vblk_le32(f) & ~(block - 1);
    m->ranges = vblk_le32(f + 4);
    m->align = vblk_le32(f + 8);
    if (!m->sectors) {
        hal_log(HAL_WARN, b->block.name, "feature %u is not used: a range has %u sectors at most",
                bit, (unsigned)vblk_le32(f));
        return false;
    }
    m->ranges = m->ranges < 1 ? 1 : m->ranges > BLOCK_RANGES ? BLOCK_RANGES : m->ranges;
    if (m->align < block || m->align & (m->align - 1))
        m->align = block;
    return true;
}

/* Memory for the ranges of each slot. False: there is none. */
static bool vblk_ranges_memory(struct vblk *b, struct block_more *more)
{
    size_t bytes = b->block.depth * BLOCK_RANGES * sizeof(*more->ranges);

    if (!more->ranges)
        more->ranges = hal_dma_alloc(bytes, 64, &more->ranges_dma);
    if (!more->ranges)
        hal_log(HAL_WARN, b->block.name, "no memory: nothing can be discarded");
    return more->ranges;
}

/* All that the configuration space says of these features. */
static void vblk_read_more(struct vblk *b)
{
    static const struct {
        uint8_t op, bit, at;
        bool aligned;
    } types[] = {
        {BLOCK_DISCARD, VBLK_F_DISCARD, VBLK_CONFIG_DISCARD, true},
        {BLOCK_WRITE_ZEROES, VBLK_F_WRITE_ZEROES, VBLK_CONFIG_ZEROES, false},
        {BLOCK_SECURE_ERASE, VBLK_F_SECURE_ERASE, VBLK_CONFIG_ERASE, true},
    };
    struct block_more *more = b->block.more;
    struct block_limits *l = &more->limits;
    uint8_t unmaps = 0;

    *l = (struct block_limits){.switches = virtio_has(b->dev, VBLK_F_CONFIG_WCE)};
    vblk_read_geometry(b, l);
    vblk_read_topology(b, l);
    more->can = 0;
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (vblk_read_range(b, types[i].bit, types[i].at, types[i].aligned,
                            &more->range[types[i].op]) &&
            vblk_ranges_memory(b, more))
            more->can |= 1u << types[i].op;
    if (virtio_has(b->dev, VBLK_F_LIFETIME))
        more->can |= 1u << BLOCK_LIFETIME;
    if (more->can >> BLOCK_DISCARD & 1)
        l->discard_align = more->range[BLOCK_DISCARD].align << BLOCK_SECTOR_SHIFT;
    if (more->can >> BLOCK_WRITE_ZEROES & 1 &&
        !virtio_config_read(b->dev, VBLK_CONFIG_MAY_UNMAP, &unmaps, 1, 1))
        l->unmaps = unmaps != 0;
}

/* ---- the disk's cache (section 5.2.5.2) ------------------------------------------------------ */

static int vblk_set_write_back(struct block_device *dev, bool on)
{
    struct vblk *b = (struct vblk *)dev;
    uint8_t is = !on;

    if (!virtio_has(b->dev, VBLK_F_CONFIG_WCE) || (on && !virtio_has(b->dev, VBLK_F_FLUSH)))
        return -ENOTSUP;
    if (virtio_config_write8(b->dev, VBLK_CONFIG_WRITEBACK, on) ||
        virtio_config_read(b->dev, VBLK_CONFIG_WRITEBACK, &is, 1, 1) || is != on)
        return -EIO;
    return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int vblk_more_probe(struct virtio_device *dev)
{
    struct block_more *more = hal_alloc(sizeof(*more));
    struct vblk *b;
    int err = more ? vblk_probe(dev) : -ENOMEM;

    if (err) {
        hal_free(more);
        return err;
    }
    b = virtio_priv(dev);
    more->set_write_back = vblk_set_write_back;
    more->check = block_more_check;
    more->cut = block_more_cut;
    b->block.more = more;
    vblk_read_more(b);
    return 0;
}

/* The disk may tell other limits after a reset, which what waits keeps to. */
static int vblk_more_returned(struct virtio_device *dev)
{
    struct vblk *b = virtio_priv(dev);
    struct block_more *more = b->block.more;
    int err;

    if (b->quarantined) /* the device may still read the ranges */
        more->ranges = NULL;
    if (more->mode != BLOCK_CACHE_AS_FOUND)
        vblk_set_write_back(&b->block, more->mode == BLOCK_CACHE_BACK);
    err = vblk_returned(dev);
    if (!err)
        vblk_read_more(b);
    return err;
}

static void vblk_more_changed(struct virtio_device *dev)
{
    vblk_config_changed(dev);
    vblk_read_more(virtio_priv(dev));
}

static const struct virtio_feature vblk_more_features[] = {
    VBLK_FEATURES,
    {VBLK_F_GEOMETRY, "geometry", {0, 0}},
    {VBLK_F_TOPOLOGY, "topology", {0, 0}},
    {VBLK_F_DISCARD, "discard", {0, 0}},
    {VBLK_F_WRITE_ZEROES, "write_zeroes", {0, 0}},
    {VBLK_F_LIFETIME, "lifetime", {0, 0}},
    {VBLK_F_SECURE_ERASE, "secure_erase", {0, 0}},
};

VIRTIO_DRIVER(vblk_more_driver) = {
    .device_id = VIRTIO_ID_BLOCK,
    .prefix = "vblk",
    .features = vblk_more_features,
    .feature_count = sizeof(vblk_more_features) / sizeof(vblk_more_features[0]),
    .vet = vblk_vet,
    .probe = vblk_more_probe,
    .service = vblk_service,
    .config_changed = vblk_more_changed,
    .resets_whole = true, /* as in vblk.c */
    .queue_lost = vblk_queue_lost,
    .returned = vblk_more_returned,
    .queue_back = vblk_queue_back,
    .dead = vblk_dead,
};

#endif
