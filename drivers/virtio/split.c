/*
 * split.c - the split virtqueue (virtio 1.4, section 2.7), with indirect descriptors (2.7.5.3),
 * event index (2.7.7, 2.7.10) and legacy layout (2.7.2).
 *
 * The descriptor table and the available ring are written only; the used ring is read only, each
 * word once. Everything that is needed later lives in the private slots.
 */
#include "virtio/virtq_impl.h"

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
    return &q->avail->ring[q->size];
}

static const uint16_t *avail_event(const struct virtq *q)
{
    return (const uint16_t *)&q->used->ring[q->size];
}

static int create_tables(struct virtq *q)
{
    q->tables_bytes = (size_t)q->size * q->max_segs * sizeof(struct virtq_desc);
    q->tables = hal_dma_alloc(q->tables_bytes, 16, &q->tables_dma);
    return q->tables ? 0 : -ENOMEM;
}

static int split_create(struct virtq *q, unsigned used_align)
{
    size_t desc_bytes = (size_t)q->size * sizeof(struct virtq_desc);
    size_t avail_bytes = sizeof(struct virtq_avail) + (q->size + 1u) * sizeof(uint16_t);
    size_t used_off = round_up(desc_bytes + avail_bytes, used_align);
    size_t used_bytes =
        sizeof(struct virtq_used) + q->size * sizeof(struct virtq_used_elem) + sizeof(uint16_t);
    uint8_t *base;

    q->ring_bytes = round_up(used_off + used_bytes, used_align);
    base = hal_dma_alloc(q->ring_bytes, used_align, &q->desc_dma);
    if (!base)
        return -ENOMEM;
    q->desc = (struct virtq_desc *)base;
    q->avail = (struct virtq_avail *)(base + desc_bytes);
    q->used = (struct virtq_used *)(base + used_off);
    q->avail_dma = q->desc_dma + desc_bytes;
    q->used_dma = q->desc_dma + used_off;

    for (unsigned i = 0; i < q->size; i++)
        q->slots[i].next = (uint16_t)(i + 1);
    q->free_head = 0;
    q->free_count = q->size;

    /* No interrupt is wanted before the first arming: the farthest event, or the flag. */
    if (q->event_idx)
        hal_shared_store16(used_event(q), 0xffff);
    else
        hal_shared_store16(&q->avail->flags, VIRTQ_AVAIL_F_NO_INTERRUPT);
    return q->indirect ? create_tables(q) : 0;
}

static void split_destroy(struct virtq *q)
{
    if (q->tables)
        hal_dma_free(q->tables, q->tables_bytes);
    if (q->desc)
        hal_dma_free(q->desc, q->ring_bytes);
    q->tables = NULL;
    q->desc = NULL;
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

static unsigned segment_flags(const struct virtq_request *r, unsigned i, unsigned count)
{
    return (i >= r->readable ? VIRTQ_DESC_F_WRITE : 0u) | (i + 1 < count ? VIRTQ_DESC_F_NEXT : 0u);
}

/* Fills the table that belongs to slot `head` and points the one ring descriptor to it. */
static void place_indirect(struct virtq *q, const struct virtq_request *r, unsigned head)
{
    unsigned count = (unsigned)r->readable + r->writable;
    size_t first = (size_t)head * q->max_segs;
    struct virtq_desc *table = &q->tables[first];
    struct virtq_seg ref = {q->tables_dma + first * sizeof(*table),
                            (uint32_t)(count * sizeof(*table))};

    for (unsigned i = 0; i < count; i++)
        write_desc(&table[i], &r->segs[i], segment_flags(r, i, count), i + 1 < count ? i + 1 : 0);
    write_desc(&q->desc[head], &ref, VIRTQ_DESC_F_INDIRECT, 0);
    q->free_head = q->slots[head].next;
    q->free_count--;
    q->slots[head].count = 1;
}

static void place_chain(struct virtq *q, const struct virtq_request *r, unsigned head)
{
    unsigned count = (unsigned)r->readable + r->writable;
    unsigned at = head;

    for (unsigned i = 0; i < count; i++) {
        unsigned next = q->slots[at].next;

        write_desc(&q->desc[at], &r->segs[i], segment_flags(r, i, count), i + 1 < count ? next : 0);
        at = next;
    }
    q->free_head = (uint16_t)at;
    q->free_count = (uint16_t)(q->free_count - count);
    q->slots[head].count = (uint16_t)count;
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
    q->slots[head].cookie = r->cookie;
    q->slots[head].writable = writable;
    hal_shared_store16(&q->avail->ring[q->avail_idx & q->mask], (uint16_t)head);
    q->avail_idx++;
    q->in_flight++;
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
        return event_passed(hal_check16(avail_event(q), q->order_platform), q->avail_idx,
                            published);
    return !(hal_check16(&q->used->flags, q->order_platform) & VIRTQ_USED_F_NO_NOTIFY);
}

static int split_submit(struct virtq *q, const struct virtq_request *reqs, unsigned n, bool *kick)
{
    int err = 0;
    unsigned taken = 0;

    while (taken < n && !(err = place(q, &reqs[taken])))
        taken++;
    if (!taken)
        return err == -ENOSPC ? 0 : err;
    hal_publish16(&q->avail->idx, q->avail_idx, q->order_platform);
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

static void release_chain(struct virtq *q, unsigned head)
{
    struct virtq_slot *slot = &q->slots[head];
    unsigned tail = head;

    for (unsigned i = 1; i < slot->count; i++)
        tail = q->slots[tail].next;
    q->slots[tail].next = q->free_head;
    q->free_head = (uint16_t)head;
    q->free_count = (uint16_t)(q->free_count + slot->count);
    slot->cookie = NULL;
    q->in_flight--;
}

/* Takes the next used entry, checked against the slots. */
static int take_used(struct virtq *q, struct virtq_done *done)
{
    const struct virtq_used_elem *elem = &q->used->ring[q->used_idx & q->mask];
    uint32_t id = hal_shared_load32(&elem->id);
    uint32_t len = hal_shared_load32(&elem->len);

    if (id >= q->size) {
        virtq_break(q, "used id out of range");
        return -EIO;
    }
    if (!q->slots[id].cookie) {
        virtq_break(q, "used id is not outstanding");
        return -EIO;
    }
    done->cookie = q->slots[id].cookie;
    done->len = len < q->slots[id].writable ? len : q->slots[id].writable;
    release_chain(q, id);
    q->used_idx++;
    return 0;
}

static int split_reap(struct virtq *q, struct virtq_done *done, unsigned max)
{
    uint16_t ready = (uint16_t)(hal_observe16(&q->used->idx, q->order_platform) - q->used_idx);
    unsigned n = 0;

    if (ready > q->in_flight) {
        virtq_break(q, "used index ahead of what was made available");
        return -EIO;
    }
    if (ready > max)
        ready = (uint16_t)max;
    while (n < ready && !take_used(q, &done[n]))
        n++;
    return n || q->state == VIRTQ_OK ? (int)n : -EIO;
}

/* ---- notifications (section 2.7.7) ----------------------------------------------------------- */

static bool split_arm(struct virtq *q)
{
    if (q->event_idx)
        hal_shared_store16(used_event(q), q->used_idx);
    else
        hal_shared_store16(&q->avail->flags, 0);
    return hal_check16(&q->used->idx, q->order_platform) != q->used_idx;
}

/* With event index there is nothing to write: the index has been passed and is not asked for again.
 */
static void split_disarm(struct virtq *q)
{
    if (!q->event_idx)
        hal_shared_store16(&q->avail->flags, VIRTQ_AVAIL_F_NO_INTERRUPT);
}

static uint32_t split_position(const struct virtq *q)
{
    return q->avail_idx;
}

const struct virtq_ring virtq_split = {
    .name = "split",
    .size_rule = split_size_rule,
    .create = split_create,
    .destroy = split_destroy,
    .submit = split_submit,
    .reap = split_reap,
    .arm = split_arm,
    .disarm = split_disarm,
    .kick_missed = split_kick_missed,
    .position = split_position,
};
