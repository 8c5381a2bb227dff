/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * split.c - the split virtqueue (virtio 1.4, section 2.7), with indirect descriptors (2.7.5.3),
 * event index (2.7.7, 2.7.10), in-order use (2.7.9) and legacy layout (2.7.2).
 *
 * The descriptor table and the available ring are written only; the used ring is read only, each
 * word once. Everything that is needed later lives in the private slots.
 */
#include "virtio/ring/split.h"

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

/* What passes once in the life of a queue is to be small. */
static void split_lay_out(struct virtq *q, unsigned used_align) __attribute__((cold));
static void split_start(struct virtq *q) __attribute__((cold));

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
    s->addrs = virtq_addrs(q);
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

static inline void split_write_desc(struct virtq_desc *d, uint64_t addr, uint32_t len,
                                    unsigned flags, unsigned next)
{
    d->addr = addr;
    virtq_desc_rest(&d->len, len, flags, next);
}

/*
 * Places a run of requests of one segment that the device only reads (virtq_in_run), as far as
 * there is room, up to the end of the available ring; returns how many. Not IN_ORDER, where slots
 * that are out keep their places in the list. What each round needs is in local variables.
 */
static unsigned split_place_run(struct virtq_split_queue *s, const struct virtq_request *reqs,
                                unsigned n) __attribute__((noinline));
static unsigned split_place_run(struct virtq_split_queue *s, const struct virtq_request *reqs,
                                unsigned n)
{
    struct virtq_slot *slots = s->q.slots;
    struct virtq_desc *desc = s->desc;
    unsigned at = s->avail_idx & s->mask, left = s->q.size - at;
    size_t head = s->q.free_head;
    uint16_t *ring = &s->avail->ring[at];
    struct virtq_single one;

    left = left < s->q.free_count ? left : s->q.free_count;
    n = n < left ? n : left;
    for (left = n; left && virtq_in_run(reqs, &one); left--, reqs++) {
        split_write_desc(&desc[head], one.addr, one.len, 0, 0);
        hal_shared_store16(ring++, (uint16_t)head);
        head = virtq_slot_single(&slots[head], &one);
    }
    n -= left;
    s->q.free_head = (uint16_t)head;
    s->avail_idx = (uint16_t)(s->avail_idx + n);
    virtq_count_taken(&s->q, n, n);
    return n;
}

/* The same of one request; false: it is none of these, or there is no room. */
static inline bool split_place_one(struct virtq_split_queue *s, const struct virtq_request *r)
{
    unsigned head = s->q.free_head;
    struct virtq_single one;

    if (s->q.in_order || !s->q.free_count || !virtq_in_run(r, &one))
        return false;
    split_write_desc(&s->desc[head], one.addr, one.len, 0, 0);
    hal_shared_store16(&s->avail->ring[s->avail_idx++ & s->mask], (uint16_t)head);
    s->q.free_head = (uint16_t)virtq_slot_single(&s->q.slots[head], &one);
    virtq_count_taken(&s->q, 1, 1);
    return true;
}

/*
 * Fills a table from entry `at` on with n segments, each linked to the next. Returns the sum of
 * their lengths, or VIRTQ_MALFORMED.
 */
static inline uint64_t split_fill(struct virtq_desc *table, unsigned at,
                                  const struct virtq_seg *segs, unsigned n, unsigned flags)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < n; i++, at++) {
        if (!virtq_segment_valid(&segs[i]))
            return VIRTQ_MALFORMED;
        sum += segs[i].len;
        split_write_desc(&table[at], segs[i].addr, segs[i].len, flags | VIRTQ_DESC_F_NEXT, at + 1);
    }
    return sum;
}

/* Fills the table that belongs to slot `head`, and the one descriptor of the ring. */
static int split_place_indirect(struct virtq_split_queue *s, const struct virtq_request *r,
                                unsigned head)
{
    struct virtq *q = &s->q;
    unsigned count = (unsigned)r->readable + r->writable;
    size_t first = (size_t)head * q->max_segs;
    struct virtq_desc *table = (struct virtq_desc *)q->tables + first;
    uint64_t to_read = split_fill(table, 0, r->segs, r->readable, 0);
    uint64_t to_write =
        split_fill(table, r->readable, r->segs + r->readable, r->writable, VIRTQ_DESC_F_WRITE);

    if (!virtq_total_valid(to_read + to_write))
        return -EINVAL;
    table[count - 1].flags = r->writable ? VIRTQ_DESC_F_WRITE : 0;
    split_write_desc(&s->desc[head], q->tables_dma + first * sizeof(*table),
                     (uint32_t)(count * sizeof(*table)), VIRTQ_DESC_F_INDIRECT, 0);
    virtq_slot_take(q, head, r, (uint32_t)to_write, 1);
    q->free_head = q->slots[head].next;
    return 0;
}

/* Fills descriptors of the ring, from `head` on in the list of the free ones. */
static int split_place_chain(struct virtq_split_queue *s, const struct virtq_request *r,
                             unsigned head) __attribute__((noinline, cold));
static int split_place_chain(struct virtq_split_queue *s, const struct virtq_request *r,
                             unsigned head)
{
    unsigned count = (unsigned)r->readable + r->writable, at = head;
    uint32_t writable;

    if (!virtq_request_valid(&s->q, r, &writable))
        return -EINVAL;
    for (unsigned i = 0; i < count; i++) {
        unsigned next = s->q.slots[at].next;

        split_write_desc(&s->desc[at], r->segs[i].addr, r->segs[i].len,
                         virtq_segment_flags(r, i, count), i + 1 < count ? next : 0);
        at = next;
    }
    virtq_slot_take(&s->q, head, r, writable, count);
    s->addrs[head] = r->segs->addr;
    s->q.free_head = (uint16_t)at;
    return 0;
}

/* Places one request behind the published index. -ENOSPC: the ring is full. */
static int split_place(struct virtq_split_queue *s, const struct virtq_request *r)
    __attribute__((noinline, cold));
static int split_place(struct virtq_split_queue *s, const struct virtq_request *r)
{
    struct virtq *q = &s->q;
    unsigned count = (unsigned)r->readable + r->writable, head = q->free_head;
    bool indirect = q->indirect && count > 1;
    int err;

    if (!virtq_shape_valid(q, r))
        return -EINVAL;
    if (q->free_count < (indirect ? 1 : count))
        return virtq_no_room(q, r);
    err = indirect ? split_place_indirect(s, r, head) : split_place_chain(s, r, head);
    if (!err)
        hal_shared_store16(&s->avail->ring[s->avail_idx++ & s->mask], (uint16_t)head);
    return err;
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

/* Publishes the last n buffers that were placed. */
static void split_publish(struct virtq_split_queue *s, unsigned n)
{
    hal_publish16(&s->avail->idx, s->avail_idx, s->q.order_platform);
    s->q.since_kick += n;
    s->q.wants_kick = split_wants_kick(s, n);
}

/* Submits reqs[taken..n) after those before; returns how many of all, or an error. */
static int split_submit_rest(struct virtq_split_queue *s, const struct virtq_request *reqs,
                             unsigned n, unsigned taken) __attribute__((noinline));
static int split_submit_rest(struct virtq_split_queue *s, const struct virtq_request *reqs,
                             unsigned n, unsigned taken)
{
    int err = 0;

    while (taken < n && !err) {
        const struct virtq_request *r = &reqs[taken];
        unsigned run = 0;

        if (virtq_runs(&s->q, r))
            run = split_place_run(s, r, n - taken);
        if (!run && !(err = split_place(s, r)))
            run = 1;
        taken += run;
    }
    if (!taken)
        return err == -ENOSPC ? 0 : err;
    split_publish(s, taken);
    return (int)taken;
}

static int split_submit(struct virtq *q, const struct virtq_request *reqs, unsigned n)
{
    struct virtq_split_queue *s = virtq_split_of(q);
    unsigned taken = 0;

    if (n == 1 && split_place_one(s, reqs))
        taken = 1;
    else if (virtq_runs(q, reqs))
        taken = split_place_run(s, reqs, n);
    if (taken < n)
        return split_submit_rest(s, reqs, n, taken);
    split_publish(s, taken);
    return (int)taken;
}

/* A descriptor's words behind its length, in memory: flags, then the next entry. */
static uint32_t split_entry_rest(unsigned at, bool writable, bool last)
{
    return (writable ? VIRTQ_DESC_F_WRITE : 0u) | (last ? 0u : VIRTQ_DESC_F_NEXT | (at + 1) << 16);
}

static unsigned split_submit_tables(struct virtq *q, const struct virtq_tabled *const *buffers,
                                    unsigned n)
{
    struct virtq_split_queue *s = virtq_split_of(q);
    struct virtq_slot *slots = q->slots;
    struct virtq_desc *desc = s->desc;
    uint16_t *ring = s->avail->ring;
    unsigned head = q->free_head, at = s->avail_idx, mask = s->mask;

    n = n < q->free_count ? n : q->free_count;
    if (!n)
        return 0;
    for (const struct virtq_tabled *const *end = buffers + n; buffers < end; buffers++, at++) {
        const struct virtq_tabled *b = *buffers;

        desc[head] = (struct virtq_desc){b->table, b->bytes, VIRTQ_DESC_F_INDIRECT, 0};
        virtq_slot_tabled(&slots[head], b);
        hal_shared_store16(&ring[at & mask], (uint16_t)head);
        head = slots[head].next;
    }
    q->free_head = (uint16_t)head;
    s->avail_idx = (uint16_t)at;
    virtq_count_taken(q, n, n);
    split_publish(s, n);
    return n;
}

static bool split_submit_table(struct virtq *q, const struct virtq_tabled *b)
{
    struct virtq_split_queue *s = virtq_split_of(q);
    unsigned head = q->free_head, at = s->avail_idx;
    struct virtq_slot *slot = &q->slots[head];

    if (!q->free_count)
        return false;
    s->desc[head] = (struct virtq_desc){b->table, b->bytes, VIRTQ_DESC_F_INDIRECT, 0};
    virtq_slot_tabled(slot, b);
    hal_shared_store16(&s->avail->ring[at & s->mask], (uint16_t)head);
    q->free_head = slot->next;
    s->avail_idx = (uint16_t)(at + 1);
    virtq_count_taken(q, 1, 1);
    q->since_kick++;
    hal_publish16(&s->avail->idx, (uint16_t)(at + 1), q->order_platform);
    virtq_published(q, 1, split_wants_kick(s, 1));
    return true;
}

/* The descriptor of a kept buffer is written again, as a device may have written over it. */
static void split_repost(struct virtq *q, const struct virtq_done *done, unsigned n)
{
    struct virtq_split_queue *s = virtq_split_of(q);
    const struct virtq_done *end = done + n;
    struct virtq_slot *slots = q->slots;
    struct virtq_desc *desc = s->desc;
    const uint64_t *addrs = s->addrs;
    uint16_t *ring = s->avail->ring;
    unsigned at = s->avail_idx, mask = s->mask;

    for (; done < end; done++) {
        void *cookie = done->cookie;
        size_t id = done->id;

        if (!cookie) {
            virtq_slot_free(q, (unsigned)id);
            continue;
        }
        slots[id].cookie = cookie;
        split_write_desc(&desc[id], addrs[id], slots[id].writable, VIRTQ_DESC_F_WRITE, 0);
        hal_shared_store16(&ring[at++ & mask], (uint16_t)id);
    }
    n = (uint16_t)(at - s->avail_idx);
    s->avail_idx = (uint16_t)at;
    virtq_count_taken(q, n, 0);
    if (n)
        split_publish(s, n);
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
    .slot_more = sizeof(uint64_t),
    .lay_out = split_lay_out,
    .start = split_start,
    .submit = split_submit,
    .submit_tables = split_submit_tables,
    .submit_table = split_submit_table,
    .entry_rest = split_entry_rest,
    .reap = virtq_split_reap,
    .reap_kept = virtq_split_reap_kept,
    .repost = split_repost,
    .arm = split_arm,
    .disarm = split_disarm,
    .kick_missed = split_kick_missed,
    .position = split_position,
};
