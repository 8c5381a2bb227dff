/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * split.c - the split virtqueue (virtio 1.4, section 2.7), with indirect descriptors (2.7.5.3),
 * event index (2.7.7, 2.7.10), in-order use (2.7.9) and legacy layout (2.7.2).
 *
 * The descriptor table and the available ring are written only; the used ring is read only, each
 * word once. Everything that is needed later lives in the private slots.
 */
#include "virtio/ring/split.h"

/* Section 2.7.5: a descriptor; indirect tables hold the same. */
struct virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};
_Static_assert(sizeof(struct virtq_desc) == VIRTQ_DESC_BYTES, "layout of a descriptor");

/* Sections 2.7.6 and 2.7.8. The event word of the other side follows each ring. */
struct virtq_avail {
    uint16_t flags;
    uint16_t idx;
    uint16_t ring[];
};
struct virtq_used_elem {
    uint32_t id;
    uint32_t len;
};
struct virtq_used {
    uint16_t flags;
    uint16_t idx;
    struct virtq_used_elem ring[];
};
enum { VIRTQ_AVAIL_F_NO_INTERRUPT = 1, VIRTQ_USED_F_NO_NOTIFY = 1 };

static unsigned split_size_rule(unsigned wanted)
{
    unsigned size = 1;

    if (wanted == 0)
        return 0;
    while (size * 2 <= wanted && size * 2 <= VIRTQ_MAX_SIZE)
        size *= 2;
    return size;
}

static size_t split_round_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

/* Section 2.7: the event word that follows each ring. */
static uint16_t *split_used_event(const struct virtq_split_queue *s)
{
    return &s->avail->ring[s->q.size];
}

static const uint16_t *split_avail_event(const struct virtq_split_queue *s)
{
    return (const uint16_t *)&s->used->ring[s->q.size];
}

static void split_lay_out(struct virtq *q, unsigned used_align)
{
    size_t desc_bytes = (size_t)q->size * sizeof(struct virtq_desc);
    size_t avail_bytes = sizeof(struct virtq_avail) + (q->size + 1u) * sizeof(uint16_t);
    size_t used_bytes =
        sizeof(struct virtq_used) + q->size * sizeof(struct virtq_used_elem) + sizeof(uint16_t);

    q->avail_dma = desc_bytes;
    q->used_dma = split_round_up(desc_bytes + avail_bytes, used_align);
    q->ring_bytes = split_round_up((size_t)q->used_dma + used_bytes, used_align);
}

static void split_start(struct virtq *q)
{
    struct virtq_split_queue *s = virtq_split_of(q);
    uint8_t *base = q->memory;

    s->desc = q->memory;
    s->avail = (struct virtq_avail *)(base + (q->avail_dma - q->desc_dma));
    s->used = (struct virtq_used *)(base + (q->used_dma - q->desc_dma));
    s->mask = (uint16_t)(q->size - 1);
    s->avail_idx = s->used_idx = 0;
    for (unsigned i = 0; i < q->size; i++)
        q->slots[i].next = (uint16_t)(i + 1u < q->size ? i + 1 : 0);

    /* No interrupt is wanted before the first arming: the farthest event, or the flag. */
    if (q->event_idx)
        hal_shared_store16(split_used_event(s), 0xffff);
    else
        hal_shared_store16(&s->avail->flags, VIRTQ_AVAIL_F_NO_INTERRUPT);
}

/* ---- submitting (section 2.7.13) ------------------------------------------------------------- */

static void split_write_desc(struct virtq_desc *d, const struct virtq_seg *seg, unsigned flags,
                             unsigned next)
{
    d->addr = seg->addr;
    d->len = seg->len;
    d->flags = (uint16_t)flags;
    d->next = (uint16_t)next;
}

/* Fills the table that belongs to slot `head` and points the one ring descriptor to it. */
static void split_place_indirect(struct virtq_split_queue *s, const struct virtq_request *r,
                                 unsigned head)
{
    struct virtq *q = &s->q;
    unsigned count = (unsigned)r->readable + r->writable;
    size_t first = (size_t)head * q->max_segs;
    struct virtq_desc *table = (struct virtq_desc *)q->tables + first;
    struct virtq_seg ref = {q->tables_dma + first * sizeof(*table),
                            (uint32_t)(count * sizeof(*table))};

    for (unsigned i = 0; i < count; i++)
        split_write_desc(&table[i], &r->segs[i], virtq_segment_flags(r, i, count),
                         i + 1 < count ? i + 1 : 0);
    split_write_desc(&s->desc[head], &ref, VIRTQ_DESC_F_INDIRECT, 0);
    q->free_head = q->slots[head].next;
}

static void split_place_chain(struct virtq_split_queue *s, const struct virtq_request *r,
                              unsigned head)
{
    unsigned count = (unsigned)r->readable + r->writable;
    unsigned at = head;

    for (unsigned i = 0; i < count; i++) {
        unsigned next = s->q.slots[at].next;

        split_write_desc(&s->desc[at], &r->segs[i], virtq_segment_flags(r, i, count),
                         i + 1 < count ? next : 0);
        at = next;
    }
    s->q.free_head = (uint16_t)at;
}

/* Places one request behind the published index. -ENOSPC: the ring is full. */
static int split_place(struct virtq_split_queue *s, const struct virtq_request *r)
{
    struct virtq *q = &s->q;
    unsigned count = (unsigned)r->readable + r->writable;
    bool indirect = q->indirect && count > 1;
    unsigned head = q->free_head;
    uint32_t writable;

    if (!virtq_request_valid(q, r, &writable))
        return -EINVAL;
    if (q->free_count < (indirect ? 1 : count))
        return -ENOSPC;
    if (indirect)
        split_place_indirect(s, r, head);
    else
        split_place_chain(s, r, head);
    virtq_slot_take(q, head, r, writable, indirect ? 1 : count);
    hal_shared_store16(&s->avail->ring[s->avail_idx & s->mask], (uint16_t)head);
    s->avail_idx++;
    return 0;
}

/* Section 2.7.10: was the entry that the device waits for among the last `published`? */
static bool split_event_passed(uint16_t event, uint16_t idx, uint32_t published)
{
    return (uint16_t)(idx - event - 1) < published;
}

static bool split_wants_kick(const struct virtq_split_queue *s, uint32_t published)
{
    bool platform = s->q.order_platform;

    if (s->q.event_idx)
        return split_event_passed(hal_check16(split_avail_event(s), platform), s->avail_idx,
                                  published);
    return !(hal_check16(&s->used->flags, platform) & VIRTQ_USED_F_NO_NOTIFY);
}

static int split_submit(struct virtq *q, const struct virtq_request *reqs, unsigned n, bool *kick)
{
    struct virtq_split_queue *s = virtq_split_of(q);
    int err = 0;
    unsigned taken = 0;

    while (taken < n && !(err = split_place(s, &reqs[taken])))
        taken++;
    if (!taken)
        return err == -ENOSPC ? 0 : err;
    hal_publish16(&s->avail->idx, s->avail_idx, q->order_platform);
    q->since_kick += taken;
    *kick = split_wants_kick(s, taken);
    return (int)taken;
}

/*
 * The device has consumed everything before its event index. If that index lies among the buffers
 * that are out and that no kick has announced, the device sleeps on them.
 */
static bool split_kick_missed(struct virtq *q)
{
    uint32_t unannounced = q->since_kick < q->in_flight ? q->since_kick : q->in_flight;

    return unannounced && split_wants_kick(virtq_split_of(q), unannounced);
}

/* ---- reaping (section 2.7.14) ---------------------------------------------------------------- */

/* Puts the descriptors of a chain that is back in front of the free ones. */
static void split_free_chain(struct virtq *q, unsigned head)
{
    unsigned tail = head;

    for (unsigned i = 1; i < q->slots[head].count; i++)
        tail = q->slots[tail].next;
    q->slots[tail].next = q->free_head;
    q->free_head = (uint16_t)head;
}

/* The next used entry, each of its words loaded once. */
static void split_load_used(const struct virtq_split_queue *s, uint32_t *id, uint32_t *len)
{
    const struct virtq_used_elem *elem = &s->used->ring[s->used_idx & s->mask];

    *id = hal_shared_load32(&elem->id);
    *len = hal_shared_load32(&elem->len);
}

static bool split_take_used(struct virtq_split_queue *s, struct virtq_done *done)
{
    uint32_t id, len;

    split_load_used(s, &id, &len);
    if (!virtq_id_valid(&s->q, id))
        return false;
    split_free_chain(&s->q, id);
    virtq_slot_finish(&s->q, id, len, done);
    s->used_idx++;
    return true;
}

/*
 * IN_ORDER: an entry may stand for several buffers, at most as many as the index says. Each call
 * takes one of them. Descriptors are free again in the order of the table.
 */
static bool split_take_in_order(struct virtq_split_queue *s, struct virtq_done *done,
                                unsigned ready)
{
    uint32_t id, len;

    if (!s->q.batch) {
        split_load_used(s, &id, &len);
        if (!virtq_in_order_batch(&s->q, id, len, ready))
            return false;
    }
    virtq_in_order_take(&s->q, done);
    s->used_idx++;
    return true;
}

static int split_reap(struct virtq *q, struct virtq_done *done, unsigned max)
{
    struct virtq_split_queue *s = virtq_split_of(q);
    uint16_t ready = (uint16_t)(hal_observe16(&s->used->idx, q->order_platform) - s->used_idx);
    unsigned n = 0;

    if (ready > q->in_flight) {
        virtq_break(q, "used index ahead of what was made available");
        return -EIO;
    }
    while (
        n < ready && n < max &&
        (q->in_order ? split_take_in_order(s, &done[n], ready - n) : split_take_used(s, &done[n])))
        n++;
    return n || q->state == VIRTQ_OK ? (int)n : -EIO;
}

/* ---- notifications (section 2.7.7) ----------------------------------------------------------- */

static bool split_arm(struct virtq *q)
{
    struct virtq_split_queue *s = virtq_split_of(q);

    if (q->event_idx)
        hal_shared_store16(split_used_event(s), s->used_idx);
    else
        hal_shared_store16(&s->avail->flags, 0);
    return hal_check16(&s->used->idx, q->order_platform) != s->used_idx;
}

/* With event index there is nothing to write: the index has been passed and is not asked for again.
 */
static void split_disarm(struct virtq *q)
{
    if (!q->event_idx)
        hal_shared_store16(&virtq_split_of(q)->avail->flags, VIRTQ_AVAIL_F_NO_INTERRUPT);
}

static uint32_t split_position(const struct virtq *q)
{
    return virtq_split_of(q)->avail_idx;
}

const struct virtq_ring virtq_split = {
    .name = "split",
    .queue_bytes = sizeof(struct virtq_split_queue),
    .size_rule = split_size_rule,
    .lay_out = split_lay_out,
    .start = split_start,
    .submit = split_submit,
    .reap = split_reap,
    .arm = split_arm,
    .disarm = split_disarm,
    .kick_missed = split_kick_missed,
    .position = split_position,
};
