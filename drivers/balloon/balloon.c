/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balloon.c - virtio memory balloon (virtio 1.4, section 5.5).
 *
 * One batch of pages moves at a time, into the balloon or out of it, towards num_pages. The service
 * starts the next batch when the device has acknowledged the last one, so nothing waits. Pages that
 * leave the balloon are used again only after the device has acknowledged that, whether or not it
 * insists (MUST_TELL_HOST). Not accepted: DEFLATE_ON_OOM, since an allocation that runs out of
 * memory cannot wait for an acknowledgement; free page hints and reports; page poison.
 */
#include "balloon/balloon.h"
#include "virtio/virtio.h"

#if VIREO_BALLOON

const char balloon_linked[] = "balloon";

#define BALLOON_BATCH 256 /* pages that move at a time */
#define BALLOON_PAGE  4096
#define BALLOON_RETRY HAL_SEC      /* at the floor: from one look for free memory to the next */
#define BALLOON_FLOOR (2ull << 20) /* bytes; the least floor unless a boot argument sets one */

/* Sections 5.5.1 to 5.5.4 */
enum { VIRTIO_BALLOON_Q_INFLATE = 0, VIRTIO_BALLOON_Q_DEFLATE = 1, VIRTIO_BALLOON_Q_STATS = 2 };
enum { VIRTIO_BALLOON_F_MUST_TELL_HOST = 0, VIRTIO_BALLOON_F_STATS_VQ = 1 };
enum { VIRTIO_BALLOON_CFG_NUM_PAGES = 0, VIRTIO_BALLOON_CFG_ACTUAL = 4 };

/*
 * Section 5.5.6.3. Always these three entries: the size of the buffer must be a multiple of 6, and
 * an entry has 10 bytes.
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

/* Pages in the balloon, by the driver's own record. */
struct balloon_batch {
    struct balloon_batch *next;
    unsigned count;
    uint32_t pfn[BALLOON_BATCH]; /* page numbers: address / BALLOON_PAGE */
};

/* Which way a batch is on its way. balloon_begin() and balloon_end() alone change that. */
enum balloon_move { BALLOON_STILL, BALLOON_INFLATING, BALLOON_DEFLATING };

struct balloon {
    struct virtio_device *dev;
    struct virtq *inflateq, *deflateq, *statsq;
    bool dead;
    bool at_floor;         /* the host wants more pages than can be spared */
    uint32_t wanted, lent; /* pages: num_pages as read last; in `batches` */
    uint32_t told;         /* `wanted` when the log told that it cannot be had */
    uint64_t floor;        /* bytes that stay free */
    uint64_t retry_ns;     /* at the floor: when to look for free memory again */
    uint64_t reports;
    struct balloon_batch *batches; /* in the balloon, the newest first */
    enum balloon_move move;
    struct balloon_batch *moving; /* inflating: a batch of its own; deflating: the first one */
    unsigned moving_count;        /* the last pages of it that move */
    uint32_t *pfns;               /* page numbers for the device to read */
    uint64_t pfns_dma;
    struct virtio_balloon_stat *stats;
    uint64_t stats_dma;
    struct balloon *next;
};

static struct balloon *balloons; /* in order of discovery */

static const struct virtio_feature balloon_features[] = {
    {VIRTIO_BALLOON_F_MUST_TELL_HOST, "must_tell_host", {0, 0}},
    {VIRTIO_BALLOON_F_STATS_VQ, "stats_vq", {0, 0}},
};

/* Section 5.5.4: little-endian on every transport, and 4 bytes at once. */
static void balloon_tell_actual(struct balloon *b)
{
    if (virtio_config_write32(b->dev, VIRTIO_BALLOON_CFG_ACTUAL, b->lent))
        virtio_fail(b->dev, "the field `actual` is outside the config space");
}

static int balloon_make_buffers(struct balloon *b)
{
    if (!b->pfns)
        b->pfns = hal_dma_alloc(BALLOON_BATCH * 4, 16, &b->pfns_dma);
    if (!b->stats)
        b->stats = hal_dma_alloc(BALLOON_STATS * sizeof(*b->stats), 16, &b->stats_dma);
    return b->pfns && b->stats ? 0 : -ENOMEM;
}

static void balloon_read_wanted(struct balloon *b)
{
    uint32_t pages;

    if (virtio_config_read32(b->dev, VIRTIO_BALLOON_CFG_NUM_PAGES, &pages))
        virtio_fail(b->dev, "num_pages cannot be read");
    else
        b->wanted = pages;
}

/* Returns the pages of the batch from index `from` on to the image. */
static void balloon_give_back(struct balloon_batch *batch, unsigned from)
{
    for (unsigned i = from; i < batch->count; i++)
        hal_page_return((uint64_t)batch->pfn[i] * BALLOON_PAGE);
    batch->count = from;
}

/* ---- moves ----------------------------------------------------------------------------------- */

/* Tells the device the last `count` pages of the batch. False: the queue refused, nothing moves. */
static bool balloon_begin(struct balloon *b, enum balloon_move move, struct balloon_batch *batch,
                          unsigned count)
{
    struct virtq *q = move == BALLOON_INFLATING ? b->inflateq : b->deflateq;
    struct virtq_seg seg = {b->pfns_dma, count * 4};
    struct virtq_request request = {&seg, 1, 0, b};

    hal_assert(b->move == BALLOON_STILL);
    memcpy(b->pfns, &batch->pfn[batch->count - count], count * 4);
    if (virtq_submit(q, &request, 1) != 1) {
        virtio_fail(b->dev, "a queue refuses pages");
        return false;
    }
    b->move = move;
    b->moving = batch;
    b->moving_count = count;
    return true;
}

/* A batch on its way in is in the balloon now, acknowledged or not: the device may have taken it.
 */
static void balloon_keep(struct balloon *b)
{
    b->moving->next = b->batches;
    b->batches = b->moving;
    b->lent += b->moving_count;
}

/* Pages may be used once the device has acknowledged that they left (section 5.5.6). */
static void balloon_release(struct balloon *b)
{
    struct balloon_batch *batch = b->moving;

    balloon_give_back(batch, batch->count - b->moving_count);
    b->lent -= b->moving_count;
    if (!batch->count) {
        b->batches = batch->next;
        hal_free(batch);
    }
}

/* The device acknowledged the batch that moves, or a reset took it from the device. */
static void balloon_end(struct balloon *b, bool acknowledged)
{
    hal_assert(b->move != BALLOON_STILL);
    if (b->move == BALLOON_INFLATING)
        balloon_keep(b);
    else if (acknowledged)
        balloon_release(b);
    b->move = BALLOON_STILL;
    b->moving = NULL;
}

/* ---- inflating ------------------------------------------------------------------------------- */

static bool balloon_may_lend(const struct balloon *b)
{
    struct hal_memory memory;

    hal_memory(&memory);
    return memory.free >= b->floor + BALLOON_PAGE;
}

/* Takes pages from the image until the batch has `count`, or the floor is reached. */
static void balloon_collect(struct balloon *b, struct balloon_batch *batch, uint32_t count)
{
    while (batch->count < count && balloon_may_lend(b)) {
        uint64_t at = hal_page_lend();

        if (at == HAL_DMA_NONE)
            break;
        batch->pfn[batch->count++] = (uint32_t)(at / BALLOON_PAGE);
    }
}

/* Logs once for each value of `wanted`, and looks again later. */
static void balloon_reach_floor(struct balloon *b)
{
    if (b->told != b->wanted)
        hal_log(HAL_WARN, virtio_name(b->dev),
                "the host wants %u MiB, and has %u: the rest stays with the image (" HAL_OPTION
                "=)",
                b->wanted >> 8, b->lent >> 8, virtio_name(b->dev), "floor");
    b->told = b->wanted;
    b->at_floor = true;
    b->retry_ns = hal_now_ns() + BALLOON_RETRY;
    virtio_wake_at(b->dev, b->retry_ns);
}

static bool balloon_inflate(struct balloon *b)
{
    uint32_t missing = b->wanted - b->lent;
    struct balloon_batch *batch;

    if (b->at_floor && hal_now_ns() < b->retry_ns) {
        virtio_wake_at(b->dev, b->retry_ns);
        return false;
    }
    batch = balloon_may_lend(b) ? hal_alloc(sizeof(*batch)) : NULL;
    if (batch)
        balloon_collect(b, batch, missing < BALLOON_BATCH ? missing : BALLOON_BATCH);
    if (!batch || !batch->count) {
        hal_free(batch);
        balloon_reach_floor(b);
        return false;
    }
    b->at_floor = false;
    if (balloon_begin(b, BALLOON_INFLATING, batch, batch->count))
        return true;
    balloon_give_back(batch, 0);
    hal_free(batch);
    return false;
}

/* ---- deflating ------------------------------------------------------------------------------- */

static bool balloon_deflate(struct balloon *b)
{
    struct balloon_batch *batch = b->batches;
    uint32_t surplus = b->lent - b->wanted;
    unsigned count = surplus < batch->count ? surplus : batch->count;

    b->at_floor = false;
    return balloon_begin(b, BALLOON_DEFLATING, batch, count);
}

/* ---- statistics (section 5.5.6.3) ------------------------------------------------------------ */

static void balloon_report(struct balloon *b)
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
        virtio_fail(b->dev, "the statistics queue refuses its buffer");
}

/* ---- the device ------------------------------------------------------------------------------ */

static bool balloon_reap_one(struct virtq *q)
{
    struct virtq_done done;

    return virtq_reap(q, &done, 1) == 1;
}

static bool balloon_service(struct virtio_device *dev)
{
    struct balloon *b = virtio_priv(dev);
    bool did = false;

    if (balloon_reap_one(b->inflateq) || balloon_reap_one(b->deflateq)) {
        balloon_end(b, true);
        balloon_tell_actual(b);
        did = true;
    }
    if (b->statsq && balloon_reap_one(b->statsq)) {
        b->reports++;
        balloon_report(b);
        did = true;
    }
    if (b->move != BALLOON_STILL)
        return did;
    if (b->wanted > b->lent && virtq_state(b->inflateq) == VIRTQ_OK)
        did |= balloon_inflate(b);
    else if (b->wanted < b->lent && virtq_state(b->deflateq) == VIRTQ_OK)
        did |= balloon_deflate(b);
    return did;
}

static void balloon_config_changed(struct virtio_device *dev)
{
    balloon_read_wanted(virtio_priv(dev));
}

static int balloon_setup(struct balloon *b)
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
    return balloon_make_buffers(b);
}

static void balloon_free_buffers(struct balloon *b)
{
    hal_dma_free(b->pfns, BALLOON_BATCH * 4);
    hal_dma_free(b->stats, BALLOON_STATS * sizeof(*b->stats));
}

/* Bytes: the boot argument floor=MIB, or an eighth of memory, rounded up to MiB. */
static uint64_t balloon_read_floor(struct virtio_device *dev)
{
    struct hal_memory memory;
    uint64_t least;

    hal_memory(&memory);
    least = memory.total / 8 > BALLOON_FLOOR ? memory.total / 8 : BALLOON_FLOOR;
    return hal_option_u64(virtio_name(dev), "floor", (least + (1 << 20) - 1) >> 20, 1, UINT32_MAX)
           << 20;
}

static int balloon_probe(struct virtio_device *dev)
{
    struct balloon *b = hal_alloc(sizeof(*b));
    int err;

    if (!b)
        return -ENOMEM;
    b->dev = dev;
    b->floor = balloon_read_floor(dev);
    err = balloon_setup(b);
    if (err) {
        balloon_free_buffers(b);
        hal_free(b);
        return err;
    }
    virtio_set_priv(dev, b);
    virtio_start(dev);
    if (b->statsq)
        balloon_report(b);
    balloon_read_wanted(b);
    HAL_LIST_APPEND(&balloons, b);
    return 0;
}

static void balloon_queue_lost(struct virtio_device *dev, struct virtq *q)
{
    struct balloon *b = virtio_priv(dev);

    while (virtq_take_back(q))
        continue;
    if ((b->move == BALLOON_INFLATING && q == b->inflateq) ||
        (b->move == BALLOON_DEFLATING && q == b->deflateq))
        balloon_end(b, false);
}

/* The pages are the image's again: a device that was reset has forgotten its balloon. */
static void balloon_empty(struct balloon *b)
{
    struct balloon_batch *batch;

    while ((batch = b->batches)) {
        b->batches = batch->next;
        balloon_give_back(batch, 0);
        hal_free(batch);
    }
    b->lent = 0;
    b->at_floor = false;
}

static int balloon_returned(struct virtio_device *dev)
{
    struct balloon *b = virtio_priv(dev);
    int err = balloon_make_buffers(b);

    if (err)
        return err;
    balloon_empty(b);
    b->dead = false;
    balloon_tell_actual(b);
    balloon_read_wanted(b);
    return 0;
}

static void balloon_queue_back(struct virtio_device *dev, struct virtq *q)
{
    struct balloon *b = virtio_priv(dev);

    if (q == b->statsq)
        balloon_report(b);
}

/*
 * The pages in the balloon stay with the host: the device was not told that they leave, so the host
 * may have taken them. They come back when a device is plugged in again in the same place.
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
        balloon_free_buffers(b);
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

#endif
