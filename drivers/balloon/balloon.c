/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balloon.c - virtio memory balloon (virtio 1.4, section 5.5).
 *
 * One batch of pages travels at a time, in the direction in which num_pages lies; the next one
 * starts when the device has acknowledged it, from the service, so that nobody ever waits. Pages
 * are used again only after the device has acknowledged that they left the balloon, whether or not
 * it insists (MUST_TELL_HOST). Not accepted: DEFLATE_ON_OOM, since an acknowledgement cannot be
 * waited for where memory runs out; free page hints and reports, page poison.
 */
#include "balloon/balloon.h"
#include "virtio/virtio.h"

const char balloon_linked[] = "balloon";

#define BALLOON_BATCH 256 /* pages */
#define BALLOON_PAGE  4096
#define BALLOON_RETRY HAL_SEC /* at the floor: when to look for free memory again */
#define BALLOON_FLOOR (2ull << 20)

/* Sections 5.5.1 to 5.5.4 */
enum { VIRTIO_BALLOON_Q_INFLATE = 0, VIRTIO_BALLOON_Q_DEFLATE = 1, VIRTIO_BALLOON_Q_STATS = 2 };
enum { VIRTIO_BALLOON_F_MUST_TELL_HOST = 0, VIRTIO_BALLOON_F_STATS_VQ = 1 };
enum { VIRTIO_BALLOON_CFG_NUM_PAGES = 0, VIRTIO_BALLOON_CFG_ACTUAL = 4 };

/*
 * Section 5.5.6.3. Three entries, always the same: the size must be a multiple of 6, and one entry
 * takes 10.
 */
enum {
    VIRTIO_BALLOON_S_MEMFREE = 4,
    VIRTIO_BALLOON_S_MEMTOT = 5,
    VIRTIO_BALLOON_S_AVAIL = 6,
    BALLOON_STATS = 3,
};
struct virtio_balloon_stat {
    uint16_t tag;
    uint64_t val;
} __attribute__((packed));
_Static_assert(sizeof(struct virtio_balloon_stat) * BALLOON_STATS % 6 == 0, "section 5.5.6.3");

/* What the driver knows of a batch that is in the balloon: the device is never asked. */
struct balloon_batch {
    struct balloon_batch *next;
    unsigned count;
    uint32_t pfn[BALLOON_BATCH];
};

struct balloon {
    struct virtio_device *dev;
    struct virtq *inflateq, *deflateq, *statsq;
    bool dead;
    bool at_floor;
    uint32_t wanted, lent;
    uint32_t told; /* what was wanted when the log said that it cannot be had */
    uint64_t floor, retry_ns;
    uint64_t reports;
    struct balloon_batch *batches;   /* in the balloon, the newest first */
    struct balloon_batch *inflating; /* with the device, on its way in */
    unsigned deflating;              /* the last so many of batches->pfn, on their way out */
    uint32_t *pfns;                  /* what the device reads of the batch that travels */
    uint64_t pfns_dma;
    struct virtio_balloon_stat *stats;
    uint64_t stats_dma;
    struct balloon *next;
};

static struct balloon *balloons;

static const struct virtio_feature balloon_features[] = {
    {VIRTIO_BALLOON_F_MUST_TELL_HOST, "must_tell_host", {0, 0}},
    {VIRTIO_BALLOON_F_STATS_VQ, "stats_vq", {0, 0}},
};

/* Section 5.5.4: little-endian on every transport, and 4 bytes at once. */
static void tell_actual(struct balloon *b)
{
    if (virtio_config_write32(b->dev, VIRTIO_BALLOON_CFG_ACTUAL, b->lent))
        virtio_fail(b->dev, "the field `actual` lies outside of the config space");
}

static int make_buffers(struct balloon *b)
{
    if (!b->pfns)
        b->pfns = hal_dma_alloc(BALLOON_BATCH * 4, 16, &b->pfns_dma);
    if (!b->stats)
        b->stats = hal_dma_alloc(BALLOON_STATS * sizeof(*b->stats), 16, &b->stats_dma);
    return b->pfns && b->stats ? 0 : -ENOMEM;
}

static void read_wanted(struct balloon *b)
{
    uint32_t pages;

    if (virtio_config_read32(b->dev, VIRTIO_BALLOON_CFG_NUM_PAGES, &pages))
        virtio_fail(b->dev, "num_pages cannot be read");
    else
        b->wanted = pages;
}

/* Hands the array of page numbers to the device. */
static bool send(struct balloon *b, struct virtq *q, const uint32_t *pfn, unsigned count)
{
    struct virtq_seg seg = {b->pfns_dma, count * 4};
    struct virtq_request request = {&seg, 1, 0, b};

    memcpy(b->pfns, pfn, count * 4);
    return virtq_submit(q, &request, 1) == 1;
}

/* ---- inflating ------------------------------------------------------------------------------- */

static bool may_lend(const struct balloon *b)
{
    struct hal_memory memory;

    hal_memory(&memory);
    return memory.free >= b->floor + BALLOON_PAGE;
}

/* Takes up to count pages from the image; fewer at the floor. */
static void collect(struct balloon *b, struct balloon_batch *batch, uint32_t count)
{
    while (batch->count < count && may_lend(b)) {
        uint64_t at = hal_page_lend();

        if (at == HAL_DMA_NONE)
            break;
        batch->pfn[batch->count++] = (uint32_t)(at / BALLOON_PAGE);
    }
}

static void give_back(struct balloon_batch *batch, unsigned from)
{
    for (unsigned i = from; i < batch->count; i++)
        hal_page_return((uint64_t)batch->pfn[i] * BALLOON_PAGE);
    batch->count = from;
}

static void reach_floor(struct balloon *b)
{
    if (b->told != b->wanted)
        hal_log(HAL_WARN, virtio_name(b->dev),
                "the host wants %u MiB, and has %u: the rest is the image's own "
                "(vireo.balloon0.floor=)",
                b->wanted >> 8, b->lent >> 8);
    b->told = b->wanted;
    b->at_floor = true;
    b->retry_ns = hal_now_ns() + BALLOON_RETRY;
    virtio_wake_at(b->dev, b->retry_ns);
}

static bool inflate(struct balloon *b)
{
    uint32_t missing = b->wanted - b->lent;
    struct balloon_batch *batch;

    if (b->at_floor && hal_now_ns() < b->retry_ns) {
        virtio_wake_at(b->dev, b->retry_ns);
        return false;
    }
    batch = may_lend(b) ? hal_alloc(sizeof(*batch)) : NULL;
    if (batch)
        collect(b, batch, missing < BALLOON_BATCH ? missing : BALLOON_BATCH);
    if (!batch || !batch->count) {
        hal_free(batch);
        reach_floor(b);
        return false;
    }
    b->at_floor = false;
    if (!send(b, b->inflateq, batch->pfn, batch->count)) {
        give_back(batch, 0);
        hal_free(batch);
        virtio_fail(b->dev, "the inflate queue takes no pages");
        return false;
    }
    b->inflating = batch;
    return true;
}

/* What was on its way is in the balloon. */
static void keep_inflating(struct balloon *b)
{
    b->inflating->next = b->batches;
    b->batches = b->inflating;
    b->inflating = NULL;
    b->lent += b->batches->count;
}

static void inflated(struct balloon *b)
{
    keep_inflating(b);
    tell_actual(b);
}

/* ---- deflating ------------------------------------------------------------------------------- */

static bool deflate(struct balloon *b)
{
    struct balloon_batch *batch = b->batches;
    uint32_t surplus = b->lent - b->wanted;
    unsigned count = surplus < batch->count ? surplus : batch->count;

    b->at_floor = false;
    if (!send(b, b->deflateq, &batch->pfn[batch->count - count], count)) {
        virtio_fail(b->dev, "the deflate queue takes no pages");
        return false;
    }
    b->deflating = count;
    return true;
}

/* Only now may the pages be used (section 5.5.6). */
static void deflated(struct balloon *b)
{
    struct balloon_batch *batch = b->batches;

    give_back(batch, batch->count - b->deflating);
    b->lent -= b->deflating;
    b->deflating = 0;
    if (!batch->count) {
        b->batches = batch->next;
        hal_free(batch);
    }
    tell_actual(b);
}

/* ---- statistics (section 5.5.6.3) ------------------------------------------------------------ */

static void report(struct balloon *b)
{
    struct virtq_seg seg = {b->stats_dma, BALLOON_STATS * sizeof(*b->stats)};
    struct virtq_request request = {&seg, 1, 0, b};
    struct hal_memory memory;

    hal_memory(&memory);
    b->stats[0] = (struct virtio_balloon_stat){VIRTIO_BALLOON_S_MEMFREE, memory.free};
    b->stats[1] = (struct virtio_balloon_stat){VIRTIO_BALLOON_S_MEMTOT, memory.total};
    b->stats[2] = (struct virtio_balloon_stat){VIRTIO_BALLOON_S_AVAIL,
                                               memory.free > b->floor ? memory.free - b->floor : 0};
    if (virtq_submit(b->statsq, &request, 1) != 1)
        virtio_fail(b->dev, "the statistics queue takes no buffer");
}

/* ---- the device ------------------------------------------------------------------------------ */

static bool reaped(struct virtq *q)
{
    struct virtq_done done;

    return virtq_reap(q, &done, 1) == 1;
}

static bool balloon_service(struct virtio_device *dev)
{
    struct balloon *b = virtio_priv(dev);
    bool did = false;

    if (reaped(b->inflateq)) {
        inflated(b);
        did = true;
    }
    if (reaped(b->deflateq)) {
        deflated(b);
        did = true;
    }
    if (b->statsq && reaped(b->statsq)) {
        b->reports++;
        report(b);
        did = true;
    }
    if (b->inflating || b->deflating)
        return did;
    if (b->wanted > b->lent && virtq_state(b->inflateq) == VIRTQ_OK)
        did |= inflate(b);
    else if (b->wanted < b->lent && virtq_state(b->deflateq) == VIRTQ_OK)
        did |= deflate(b);
    return did;
}

static void balloon_config_changed(struct virtio_device *dev)
{
    read_wanted(virtio_priv(dev));
}

static int setup(struct balloon *b)
{
    static const struct virtq_config queues[] = {
        [VIRTIO_BALLOON_Q_INFLATE] = {.name = "inflate", .size = 16, .max_segs = 1},
        [VIRTIO_BALLOON_Q_DEFLATE] = {.name = "deflate", .size = 16, .max_segs = 1},
        [VIRTIO_BALLOON_Q_STATS] = {.name = "stats", .size = 16, .max_segs = 1},
    };
    bool stats = virtio_has(b->dev, VIRTIO_BALLOON_F_STATS_VQ);
    int err = virtio_setup_queues(b->dev, queues, stats ? 3 : 2);

    if (err)
        return err;
    b->inflateq = virtio_queue(b->dev, VIRTIO_BALLOON_Q_INFLATE);
    b->deflateq = virtio_queue(b->dev, VIRTIO_BALLOON_Q_DEFLATE);
    b->statsq = virtio_queue(b->dev, VIRTIO_BALLOON_Q_STATS);
    return make_buffers(b);
}

static void free_buffers(struct balloon *b)
{
    hal_dma_free(b->pfns, BALLOON_BATCH * 4);
    hal_dma_free(b->stats, BALLOON_STATS * sizeof(*b->stats));
}

static uint64_t read_floor(struct virtio_device *dev)
{
    struct hal_memory memory;
    uint64_t least;

    hal_memory(&memory);
    least = memory.total / 8 > BALLOON_FLOOR ? memory.total / 8 : BALLOON_FLOOR;
    return hal_option_u64(virtio_name(dev), "floor", (least + (1 << 20) - 1) >> 20, 1, UINT32_MAX)
           << 20;
}

static void append(struct balloon *b)
{
    struct balloon **at = &balloons;

    while (*at)
        at = &(*at)->next;
    *at = b;
}

static int balloon_probe(struct virtio_device *dev)
{
    struct balloon *b = hal_alloc(sizeof(*b));
    int err;

    if (!b)
        return -ENOMEM;
    b->dev = dev;
    b->floor = read_floor(dev);
    err = setup(b);
    if (err) {
        free_buffers(b);
        hal_free(b);
        return err;
    }
    virtio_set_priv(dev, b);
    virtio_start(dev);
    if (b->statsq)
        report(b);
    read_wanted(b);
    append(b);
    return 0;
}

/* A batch that was on its way in counts as lent: the device may have taken it. None goes out. */
static void balloon_queue_lost(struct virtio_device *dev, struct virtq *q)
{
    struct balloon *b = virtio_priv(dev);

    while (virtq_take_back(q))
        continue;
    if (q == b->inflateq && b->inflating)
        keep_inflating(b);
    if (q == b->deflateq)
        b->deflating = 0;
}

/* A device that was reset has forgotten the balloon: its pages are the image's, and it starts anew.
 */
static void empty(struct balloon *b)
{
    struct balloon_batch *batch;

    while ((batch = b->batches)) {
        b->batches = batch->next;
        give_back(batch, 0);
        hal_free(batch);
    }
    b->lent = 0;
    b->at_floor = false;
}

static int balloon_returned(struct virtio_device *dev)
{
    struct balloon *b = virtio_priv(dev);
    int err = make_buffers(b);

    if (err)
        return err;
    empty(b);
    b->dead = false;
    tell_actual(b);
    read_wanted(b);
    return 0;
}

static void balloon_queue_back(struct virtio_device *dev, struct virtq *q)
{
    struct balloon *b = virtio_priv(dev);

    if (q == b->statsq)
        report(b);
}

/*
 * What the balloon holds stays with the host: the device was never told that it is wanted back, so
 * it may not be there any more. Only a device that is plugged in again in its place ends that.
 */
static void balloon_dead(struct virtio_device *dev, bool quarantine)
{
    struct balloon *b = virtio_priv(dev);

    if (b->dead)
        return;
    b->dead = true;
    balloon_queue_lost(dev, b->inflateq);
    balloon_queue_lost(dev, b->deflateq);
    if (b->statsq)
        balloon_queue_lost(dev, b->statsq);
    if (!quarantine)
        free_buffers(b);
    b->pfns = NULL;
    b->stats = NULL;
}

VIRTIO_DRIVER(balloon_driver) = {
    .device_id = VIRTIO_ID_BALLOON,
    .prefix = "balloon",
    .features = balloon_features,
    .feature_count = sizeof(balloon_features) / sizeof(balloon_features[0]),
    .probe = balloon_probe,
    .service = balloon_service,
    .config_changed = balloon_config_changed,
    .queue_lost = balloon_queue_lost,
    .returned = balloon_returned,
    .queue_back = balloon_queue_back,
    .dead = balloon_dead,
};

int balloon_info(unsigned n, struct balloon_info *out)
{
    const struct balloon *b = balloons;

    while (b && n--)
        b = b->next;
    if (!b)
        return -ENOENT;
    *out = (struct balloon_info){
        .name = virtio_name(b->dev),
        .alive = !b->dead,
        .wanted = b->wanted,
        .lent = b->lent,
        .floor = b->floor,
        .at_floor = b->at_floor,
        .reports = b->reports,
    };
    return 0;
}
