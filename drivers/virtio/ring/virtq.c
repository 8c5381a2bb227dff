/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq.c - what all virtqueues share, whatever their ring format (virtio 1.4, section 2.6): life
 * cycle, the doorbell, the broken state, and the tick that liveness rests on.
 */
#include "virtio/device.h"
#include "virtio/ring/virtq_impl.h"

/* ---- life cycle ------------------------------------------------------------------------------ */

static unsigned choose_size(const struct virtq_ring *ring, unsigned wanted, unsigned max,
                            bool fixed)
{
    if (fixed)
        return max <= VIRTQ_MAX_SIZE && ring->size_rule(max) == max ? max : 0;
    return ring->size_rule(wanted < max ? wanted : max);
}

static void configure(struct virtq *q, const struct virtq_config *cfg, unsigned size)
{
    q->size = (uint16_t)size;
    q->max_segs = cfg->max_segs < size ? cfg->max_segs : (uint16_t)size;
    q->name = cfg->name;
    q->expects_progress = cfg->expects_progress;
    q->lazy = cfg->lazy;
    q->vector = VIRTQ_NO_VECTOR;
    q->event_idx = virtio_has(q->dev, VIRTIO_F_EVENT_IDX);
    q->indirect = virtio_has(q->dev, VIRTIO_F_INDIRECT_DESC) && q->max_segs > 1;
    q->in_order = virtio_has(q->dev, VIRTIO_F_IN_ORDER);
    q->order_platform = virtio_has(q->dev, VIRTIO_F_ORDER_PLATFORM);
    q->notification_data = virtio_has(q->dev, VIRTIO_F_NOTIFICATION_DATA);
}

void virtq_start_ring(struct virtq *q)
{
    q->free_head = 0;
    q->free_count = q->size;
    q->since_kick = 0;
    q->oldest = 0;
    q->batch = 0;
    q->quiet = 0;
    q->take_next = 0;
    q->cause = "";
    q->armed = false;
    q->ring->start(q);
}

void virtq_renew(struct virtq *q)
{
    hal_assert(!q->in_flight);
    memset(q->memory, 0, q->ring_bytes);
    virtq_start_ring(q);
}

/* Each part's own alignment follows from the layout and from that of the whole. */
static int allocate(struct virtq *q)
{
    unsigned align = virtio_is_legacy(q->dev) ? VIRTIO_LEGACY_ALIGN : 64;

    q->ring->lay_out(q, align);
    q->slots = hal_alloc(q->size * sizeof(*q->slots));
    q->memory = hal_dma_alloc(q->ring_bytes, align, &q->desc_dma);
    if (!q->slots || !q->memory)
        return -ENOMEM;
    q->avail_dma += q->desc_dma;
    q->used_dma += q->desc_dma;
    if (!q->indirect)
        return 0;
    q->tables_bytes = (size_t)q->size * q->max_segs * VIRTQ_DESC_BYTES;
    q->tables = hal_dma_alloc(q->tables_bytes, VIRTQ_DESC_BYTES, &q->tables_dma);
    return q->tables ? 0 : -ENOMEM;
}

struct virtq *virtq_create(struct virtio_device *dev, unsigned index,
                           const struct virtq_config *cfg, unsigned size_max, bool size_fixed)
{
    const struct virtq_ring *ring =
        virtio_has(dev, VIRTIO_F_RING_PACKED) ? &virtq_packed : &virtq_split;
    unsigned size = choose_size(ring, cfg->size, size_max, size_fixed);
    struct virtq *q = size ? hal_alloc(sizeof(*q)) : NULL;

    if (!q)
        return NULL;
    q->dev = dev;
    q->index = (uint16_t)index;
    q->ring = ring;
    configure(q, cfg, size);
    if (allocate(q)) {
        virtq_destroy(q);
        return NULL;
    }
    virtq_start_ring(q);
    return q;
}

void virtq_destroy(struct virtq *q)
{
    if (q->tables)
        hal_dma_free(q->tables, q->tables_bytes);
    if (q->memory)
        hal_dma_free(q->memory, q->ring_bytes);
    hal_free(q->slots);
    hal_free(q);
}

void virtq_break(struct virtq *q, const char *cause)
{
    if (q->state > VIRTQ_OK)
        return;
    q->state = VIRTQ_BROKEN;
    q->cause = cause;
    hal_log(HAL_ERROR, virtio_name(q->dev), "queue %s is broken: %s", q->name, cause);
    virtio_wake(q->dev);
}

void virtq_fail(struct virtq *q, const char *cause)
{
    if (q->state == VIRTQ_OK)
        virtq_break(q, cause);
}

/* ---- submitting ------------------------------------------------------------------------------ */

bool virtq_request_valid(const struct virtq *q, const struct virtq_request *r, uint32_t *writable)
{
    unsigned count = (unsigned)r->readable + r->writable;
    uint64_t total = 0, to_write = 0;

    if (!count || count > q->max_segs || !r->cookie)
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (!r->segs[i].len || r->segs[i].addr == HAL_DMA_NONE)
            return false;
        total += r->segs[i].len;
        if (i >= r->readable)
            to_write += r->segs[i].len;
    }
    *writable = (uint32_t)to_write;
    return total <= UINT32_MAX; /* section 2.7.5.2: at most 2^32 bytes a chain */
}

static void kick(struct virtq *q)
{
    uint32_t value = q->doorbell.id;

    if (q->notification_data)
        value |= q->ring->position(q) << 16;
    q->since_kick = 0;
    q->stats.kicks++;
    if (!q->doorbell.addr)
        q->dev->transport->notify(q->dev, q, value);
    else if (q->doorbell.width == 16)
        hal_write16_sync(q->doorbell.addr, (uint16_t)value);
    else
        hal_write32_sync(q->doorbell.addr, value);
}

int virtq_submit(struct virtq *q, const struct virtq_request *reqs, unsigned n)
{
    bool wanted = false;
    int taken;

    if (q->state != VIRTQ_OK)
        return -EIO;
    taken = q->ring->submit(q, reqs, n, &wanted);
    if (taken <= 0)
        return taken;
    q->stats.submitted += (uint32_t)taken;
    q->stats.publishes++;
    if (wanted)
        kick(q);
    virtio_tick_later(q->dev);
    return taken;
}

void virtq_nudge(struct virtq *q)
{
    if (q->state != VIRTQ_OK)
        return;
    q->stats.nudges++;
    kick(q);
}

/* ---- reaping --------------------------------------------------------------------------------- */

int virtq_reap(struct virtq *q, struct virtq_done *done, unsigned max)
{
    int n;

    if (q->state != VIRTQ_OK)
        return -EIO;
    n = q->ring->reap(q, done, max);
    if (n > 0) {
        q->stats.completed += (unsigned)n;
        q->armed = false;
    }
    return n;
}

bool virtq_in_order_batch(struct virtq *q, uint32_t id, uint32_t len, unsigned most)
{
    unsigned at = q->oldest, n = 1;

    while (at != id && n < most) {
        at = virtq_in_order_next(q, at);
        n++;
    }
    if (at != id || !q->in_flight) {
        virtq_break(q, "used id is not one of the oldest, in order");
        return false;
    }
    q->batch = (uint16_t)n;
    q->batch_len = len;
    return true;
}

void virtq_in_order_take(struct virtq *q, struct virtq_done *done)
{
    uint16_t id = q->oldest;

    q->oldest = virtq_in_order_next(q, id);
    virtq_slot_finish(q, id, --q->batch ? UINT32_MAX : q->batch_len, done);
}

bool virtq_arm(struct virtq *q)
{
    if (q->state != VIRTQ_OK || q->armed)
        return false;
    q->armed = true; /* before the ring is: a handler that comes right now disarms */
    if (q->ring->arm(q)) {
        q->armed = false;
        return true;
    }
    virtio_tick_later(q->dev);
    return false;
}

void virtq_hold(struct virtq *q, bool hold)
{
    q->held = hold;
}

void virtq_disarm(struct virtq *q)
{
    q->armed = false;
    if (q->state == VIRTQ_OK)
        q->ring->disarm(q);
}

/*
 * Two ticks with nothing new between them, and the device asks for a kick: it was missed (QEMU
 * before 8.1 drops a guest's barriers when the machine has one CPU, so the first look at the word
 * can be stale). Longer without progress, and buffers that no kick ever announced: kick without
 * asking. Only an event index proves that a kick was missed; a flag, or mere silence, may as well
 * be a device that is slow, and is counted apart.
 */
uint64_t virtq_tick(struct virtq *q, uint64_t now)
{
    if (q->state != VIRTQ_OK || !q->in_flight)
        return HAL_NEVER;
    if (q->stats.completed != q->tick_completed)
        q->quiet = 0;
    else if (q->quiet < UINT16_MAX)
        q->quiet++;
    q->tick_completed = q->stats.completed;
    if (q->quiet && q->ring->kick_missed(q)) {
        q->event_idx ? q->stats.rekicks++ : q->stats.nudges++;
        kick(q);
    } else if (q->quiet >= VIRTQ_NUDGE_TICKS && q->since_kick) {
        q->stats.nudges++;
        kick(q);
    }
    return q->expects_progress || q->since_kick ? now + VIRTQ_TICK : HAL_NEVER;
}

/* ---- state ----------------------------------------------------------------------------------- */

unsigned virtq_free_slots(const struct virtq *q)
{
    return q->state == VIRTQ_OK ? q->free_count : 0;
}

unsigned virtq_in_flight(const struct virtq *q)
{
    return q->in_flight;
}

unsigned virtq_size(const struct virtq *q)
{
    return q->size;
}

const char *virtq_name(const struct virtq *q)
{
    return q->name;
}

enum virtq_state virtq_state(const struct virtq *q)
{
    return q->state;
}

const char *virtq_cause(const struct virtq *q)
{
    return q->cause;
}

const struct virtq_stats *virtq_stats(const struct virtq *q)
{
    return &q->stats;
}

void *virtq_take_back(struct virtq *q)
{
    hal_assert(q->state == VIRTQ_OFF || q->state == VIRTQ_GONE);
    while (q->take_next < q->size) {
        struct virtq_slot *slot = &q->slots[q->take_next++];
        void *cookie = slot->cookie;

        slot->cookie = NULL;
        if (cookie) {
            q->in_flight--;
            return cookie;
        }
    }
    return NULL;
}
