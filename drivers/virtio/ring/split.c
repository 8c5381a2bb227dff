/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * split.c - the split virtqueue (virtio 1.4, section 2.7), with indirect descriptors (2.7.5.3),
 * event index (2.7.7, 2.7.10), in-order use (2.7.9) and legacy layout (2.7.2).
 *
 * The descriptor table and the available ring are written only; the used ring is read only, each
 * word once. Everything that is needed later lives in the private slots.
 */
#include "virtio/ring/virtq_impl.h"

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

static size_t round_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

/* Section 2.7: the event word that follows each ring. */
static uint16_t *used_event(const struct virtq *q)
{
    return &q->split.avail->ring[q->size];
}

static const uint16_t *avail_event(const struct virtq *q)
{
    return (const uint16_t *)&q->split.used->ring[q->size];
}

static void split_lay_out(struct virtq *q, unsigned used_align)
{
    size_t desc_bytes = (size_t)q->size * sizeof(struct virtq_desc);
    size_t avail_bytes = sizeof(struct virtq_avail) + (q->size + 1u) * sizeof(uint16_t);
    size_t used_bytes =
        sizeof(struct virtq_used) + q->size * sizeof(struct virtq_used_elem) + sizeof(uint16_t);

    q->avail_dma = desc_bytes;
    q->used_dma = round_up(desc_bytes + avail_bytes, used_align);
    q->ring_bytes = round_up(q->used_dma + used_bytes, used_align);
}

static void split_start(struct virtq *q)
{
    struct virtq_split_state *s = &q->split;
    uint8_t *base = q->memory;

    *s = (struct virtq_split_state){
        .desc = q->memory,
        .avail = (struct virtq_avail *)(base + (q->avail_dma - q->desc_dma)),
        .used = (struct virtq_used *)(base + (q->used_dma - q->desc_dma)),
        .mask = (uint16_t)(q->size - 1),
    };
    for (unsigned i = 0; i < q->size; i++)
        q->slots[i].next = (uint16_t)(i + 1u < q->size ? i + 1 : 0);

    /* No interrupt is wanted before the first arming: the farthest event, or the flag. */
    if (q->event_idx)
        hal_shared_store16(used_event(q), 0xffff);
    else
        hal_shared_store16(&s->avail->flags, VIRTQ_AVAIL_F_NO_INTERRUPT);
}

/* ---- submitting (section 2.7.13) ------------------------------------------------------------- */

static void write_desc(struct virtq_desc *d, const struct virtq_seg *seg, unsigned flags,
                       unsigned next)
{
    d->addr = seg->addr;
    d->len = seg->len;
    d->flags = (uint16_t)flags;
    d->next = (uint16_t)next;
}

/* Fills the table that belongs to slot `head` and points the one ring descriptor to it. */
static void place_indirect(struct virtq *q, const struct virtq_request *r, unsigned head)
{
    unsigned count = (unsigned)r->readable + r->writable;
    size_t first = (size_t)head * q->max_segs;
    struct virtq_desc *table = (struct virtq_desc *)q->tables + first;
    struct virtq_seg ref = {q->tables_dma + first * sizeof(*table),
                            (uint32_t)(count * sizeof(*table))};

    for (unsigned i = 0; i < count; i++)
        write_desc(&table[i], &r->segs[i], virtq_segment_flags(r, i, count),
                   i + 1 < count ? i + 1 : 0);
    write_desc(&q->split.desc[head], &ref, VIRTQ_DESC_F_INDIRECT, 0);
    q->free_head = q->slots[head].next;
}

static void place_chain(struct virtq *q, const struct virtq_request *r, unsigned head)
{
    unsigned count = (unsigned)r->readable + r->writable;
    unsigned at = head;

    for (unsigned i = 0; i < count; i++) {
        unsigned next = q->slots[at].next;

        write_desc(&q->split.desc[at], &r->segs[i], virtq_segment_flags(r, i, count),
                   i + 1 < count ? next : 0);
        at = next;
    }
    q->free_head = (uint16_t)at;
}

/* Places one request behind the published index. -ENOSPC: the ring is full. */
static int place(struct virtq *q, const struct virtq_request *r)
{
    unsigned count = (unsigned)r->readable + r->writable;
    bool indirect = q->indirect && count > 1;
    unsigned head = q->free_head;
    uint32_t writable;

    if (!virtq_request_valid(q, r, &writable))
        return -EINVAL;
    if (q->free_count < (indirect ? 1 : count))
        return -ENOSPC;
    if (indirect)
        place_indirect(q, r, head);
    else
        place_chain(q, r, head);
    virtq_slot_take(q, head, r, writable, indirect ? 1 : count);
    hal_shared_store16(&q->split.avail->ring[q->split.avail_idx & q->split.mask], (uint16_t)head);
    q->split.avail_idx++;
    return 0;
}

/* Section 2.7.10: was the entry that the device waits for among the last `published`? */
static bool event_passed(uint16_t event, uint16_t idx, uint32_t published)
{
    return (uint16_t)(idx - event - 1) < published;
}

static bool wants_kick(const struct virtq *q, uint32_t published)
{
    if (q->event_idx)
        return event_passed(hal_check16(avail_event(q), q->order_platform), q->split.avail_idx,
                            published);
    return !(hal_check16(&q->split.used->flags, q->order_platform) & VIRTQ_USED_F_NO_NOTIFY);
}

static int split_submit(struct virtq *q, const struct virtq_request *reqs, unsigned n, bool *kick)
{
    int err = 0;
    unsigned taken = 0;

    while (taken < n && !(err = place(q, &reqs[taken])))
        taken++;
    if (!taken)
        return err == -ENOSPC ? 0 : err;
    hal_publish16(&q->split.avail->idx, q->split.avail_idx, q->order_platform);
    q->since_kick += taken;
    *kick = wants_kick(q, taken);
    return (int)taken;
}

/*
 * The device has consumed everything before its event index. If that index lies among the buffers
 * that are out and that no kick has announced, the device sleeps on them.
 */
static bool split_kick_missed(struct virtq *q)
{
    uint32_t unannounced = q->since_kick < q->in_flight ? q->since_kick : q->in_flight;

    return unannounced && wants_kick(q, unannounced);
}

/* ---- reaping (section 2.7.14) ---------------------------------------------------------------- */

/* Puts the descriptors of a chain that is back in front of the free ones. */
static void free_chain(struct virtq *q, unsigned head)
{
    unsigned tail = head;

    for (unsigned i = 1; i < q->slots[head].count; i++)
        tail = q->slots[tail].next;
    q->slots[tail].next = q->free_head;
    q->free_head = (uint16_t)head;
}

/* The next used entry, each of its words loaded once. */
static void look(const struct virtq *q, uint32_t *id, uint32_t *len)
{
    const struct virtq_used_elem *elem = &q->split.used->ring[q->split.used_idx & q->split.mask];

    *id = hal_shared_load32(&elem->id);
    *len = hal_shared_load32(&elem->len);
}

static bool take_used(struct virtq *q, struct virtq_done *done)
{
    uint32_t id, len;

    look(q, &id, &len);
    if (!virtq_id_valid(q, id))
        return false;
    free_chain(q, id);
    virtq_slot_finish(q, id, len, done);
    q->split.used_idx++;
    return true;
}

/*
 * IN_ORDER: an entry may stand for several buffers, at most as many as the index says, which come
 * out one by one. Descriptors are free again in the order of the table.
 */
static bool take_in_order(struct virtq *q, struct virtq_done *done, unsigned ready)
{
    uint32_t id, len;

    if (!q->batch) {
        look(q, &id, &len);
        if (!virtq_in_order_batch(q, id, len, ready))
            return false;
    }
    virtq_in_order_take(q, done);
    q->split.used_idx++;
    return true;
}

static int split_reap(struct virtq *q, struct virtq_done *done, unsigned max)
{
    uint16_t ready =
        (uint16_t)(hal_observe16(&q->split.used->idx, q->order_platform) - q->split.used_idx);
    unsigned n = 0;

    if (ready > q->in_flight) {
        virtq_break(q, "used index ahead of what was made available");
        return -EIO;
    }
    while (n < ready && n < max &&
           (q->in_order ? take_in_order(q, &done[n], ready - n) : take_used(q, &done[n])))
        n++;
    return n || q->state == VIRTQ_OK ? (int)n : -EIO;
}

/* ---- notifications (section 2.7.7) ----------------------------------------------------------- */

static bool split_arm(struct virtq *q)
{
    if (q->event_idx)
        hal_shared_store16(used_event(q), q->split.used_idx);
    else
        hal_shared_store16(&q->split.avail->flags, 0);
    return hal_check16(&q->split.used->idx, q->order_platform) != q->split.used_idx;
}

/* With event index there is nothing to write: the index has been passed and is not asked for again.
 */
static void split_disarm(struct virtq *q)
{
    if (!q->event_idx)
        hal_shared_store16(&q->split.avail->flags, VIRTQ_AVAIL_F_NO_INTERRUPT);
}

static uint32_t split_position(const struct virtq *q)
{
    return q->split.avail_idx;
}

const struct virtq_ring virtq_split = {
    .name = "split",
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
