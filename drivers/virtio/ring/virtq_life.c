/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq_life.c - what all virtqueues share that few buffers pass (virtio 1.4, section 2.6): life
 * cycle, states, what is wrong with a buffer, and facts. Compiled to be small.
 */
#include "virtio/ring/virtq_impl.h"

/* ---- states ---------------------------------------------------------------------------------- */

/* The states that may follow each, as bits. */
static const uint8_t virtq_next_states[] = {
    /* OK: the device enabled the queue. GONE: the device was given up */
    [VIRTQ_OFF] = 1 << VIRTQ_OK | 1 << VIRTQ_GONE,
    /* BROKEN: a rule was broken, or a deadline passed. RESETTING: alone, or with the device */
    [VIRTQ_OK] = 1 << VIRTQ_BROKEN | 1 << VIRTQ_RESETTING,
    [VIRTQ_BROKEN] = 1 << VIRTQ_RESETTING,
    /* OFF: the reset is complete. BROKEN: the wait of virtq_reset timed out. GONE: the device was
     * given up, and its reset did not complete */
    [VIRTQ_RESETTING] = 1 << VIRTQ_OFF | 1 << VIRTQ_BROKEN | 1 << VIRTQ_GONE,
    /* OFF: another device was plugged in, in the same place, and is reset */
    [VIRTQ_GONE] = 1 << VIRTQ_OFF,
};

/* Leaving VIRTQ_OK also clears `armed`: out of service no interrupt is asked for. */
void virtq_set_state(struct virtq *q, enum virtq_state state)
{
    hal_debug_assert(virtq_next_states[q->state] >> state & 1);
    q->state = state;
    if (state != VIRTQ_OK)
        q->armed = false;
    if (state > VIRTQ_OK)
        q->owner->trouble = true;
}

enum virtq_state virtq_state(const struct virtq *q)
{
    return q->state;
}

void virtq_break(struct virtq *q, const char *cause)
{
    virtq_set_state(q, VIRTQ_BROKEN);
    q->cause = cause;
    hal_log(HAL_ERROR, q->owner->name, "queue %s is broken: %s", q->name, cause);
    q->owner->ops->wake(q->owner);
}

void virtq_fail(struct virtq *q, const char *cause)
{
    if (q->state == VIRTQ_OK)
        virtq_break(q, cause);
}

/* ---- life cycle ------------------------------------------------------------------------------ */

/* The size in entries; 0: there is none that both the device and the format admit. */
static unsigned virtq_choose_size(const struct virtq_setup *setup)
{
    const struct virtq_ring *ring = setup->ring;
    unsigned wanted = setup->cfg->size, max = setup->size_max;

    if (setup->size_fixed)
        return max <= VIRTQ_MAX_SIZE && ring->size_rule(max) == max ? max : 0;
    return ring->size_rule(wanted < max ? wanted : max);
}

static void virtq_configure(struct virtq *q, const struct virtq_setup *setup, unsigned size)
{
    const struct virtio_features *accepted = setup->accepted;
    const struct virtq_config *cfg = setup->cfg;

    q->owner = setup->owner;
    q->ring = setup->ring;
    q->index = (uint16_t)setup->index;
    q->size = (uint16_t)size;
    q->max_segs = cfg->max_segs < size ? cfg->max_segs : (uint16_t)size;
    q->name = cfg->name;
    q->expects_progress = cfg->expects_progress;
    q->lazy = cfg->lazy;
    q->rare = cfg->rare;
    q->vector = VIRTQ_NO_VECTOR;
    q->event_idx = virtio_features_has(accepted, VIRTIO_F_EVENT_IDX);
    q->indirect = virtio_features_has(accepted, VIRTIO_F_INDIRECT_DESC) && q->max_segs > 1;
    q->in_order = virtio_features_has(accepted, VIRTIO_F_IN_ORDER);
    q->order_platform = virtio_features_has(accepted, VIRTIO_F_ORDER_PLATFORM);
    q->notification_data = virtio_features_has(accepted, VIRTIO_F_NOTIFICATION_DATA);
    q->ring_reset = virtio_features_has(accepted, VIRTIO_F_RING_RESET);
}

static void virtq_start_ring(struct virtq *q)
{
    q->free_head = 0;
    q->free_count = q->size;
    q->since_kick = 0;
    q->oldest = 0;
    q->batch = 0;
    q->quiet = 0;
    q->take_next = 0;
    q->cause = "";
    q->ring->start(q);
}

void virtq_renew(struct virtq *q)
{
    hal_assert(!q->in_flight);
    memset(q->memory, 0, q->ring_bytes);
    virtq_start_ring(q);
}

/* Each part's own alignment follows from the layout and from that of the whole. */
static int virtq_allocate(struct virtq *q, unsigned align)
{
    q->ring->lay_out(q, align);
    q->slots = hal_alloc(q->size * (sizeof(*q->slots) + q->ring->slot_more));
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

struct virtq *virtq_create(const struct virtq_setup *setup)
{
    unsigned size = virtq_choose_size(setup);
    struct virtq *q = size ? hal_alloc(setup->ring->queue_bytes) : NULL;

    if (!q)
        return NULL;
    virtq_configure(q, setup, size);
    if (virtq_allocate(q, setup->align)) {
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

/* ---- buffers --------------------------------------------------------------------------------- */

bool virtq_request_valid(const struct virtq *q, const struct virtq_request *r, uint32_t *writable)
{
    unsigned count = (unsigned)r->readable + r->writable;
    uint64_t total = 0, to_write = 0;

    if (!virtq_shape_valid(q, r))
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (!virtq_segment_valid(&r->segs[i]))
            return false;
        total += r->segs[i].len;
        if (i >= r->readable)
            to_write += r->segs[i].len;
    }
    *writable = (uint32_t)to_write;
    return virtq_total_valid(total);
}

int virtq_no_room(const struct virtq *q, const struct virtq_request *r)
{
    uint32_t writable;

    return virtq_request_valid(q, r, &writable) ? -ENOSPC : -EINVAL;
}

void virtq_bad_id(struct virtq *q, uint32_t id)
{
    virtq_break(q, id < q->size ? "used id is not outstanding" : "used id out of range");
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

bool virtq_takes_tables(const struct virtq *q)
{
    return q->indirect && q->ring->submit_tables;
}

void virtq_make_table(const struct virtq *q, struct virtq_entry *table,
                      const struct virtq_request *r)
{
    unsigned count = (unsigned)r->readable + r->writable;

    for (unsigned i = 0; i < count; i++)
        table[i] = (struct virtq_entry){r->segs[i].addr, r->segs[i].len,
                                        q->ring->entry_rest(i, i >= r->readable, i + 1 == count)};
}

bool virtq_keeps(const struct virtq *q)
{
    return q->ring->repost && !q->in_order;
}

/* ---- facts ----------------------------------------------------------------------------------- */

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

const struct virtq_stats *virtq_stats(const struct virtq *q)
{
    return &q->stats;
}

/* A mark is a length that no buffer has which is only read; the next one in the slot clears it. */
void virtq_mark(struct virtq *q)
{
    for (unsigned i = 0; i < q->size; i++)
        if (q->slots[i].cookie)
            q->slots[i].writable = UINT32_MAX;
}

bool virtq_marked(const struct virtq *q)
{
    for (unsigned i = 0; i < q->size; i++)
        if (q->slots[i].cookie && q->slots[i].writable == UINT32_MAX)
            return true;
    return false;
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
