/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packed.c - the packed virtqueue (virtio 1.4, section 2.8), with indirect descriptors (2.8.7),
 * in-order use (2.8.8) and event suppression (2.8.10). Sizes need not be powers of two.
 *
 * One ring of descriptors is written by both sides in turn. A descriptor is read only after its
 * flags have shown that the device used it; then its id and length are loaded once. Everything else
 * lives in the private slots, which an id chooses.
 */
#include "virtio/ring/packed.h"

#if VIREO_PACKED

/*
 * Section 2.8.14: an event suppression structure as one word of 32 bits: a slot in bits 0 to 14,
 * its wrap counter in bit 15, and in bits 16 and 17 what is asked for.
 */
enum {
    EVENT_SLOT = 0x7fff,
    EVENT_WRAP = 0x8000,
    EVENT_MODE_SHIFT = 16,
    EVENT_MODE = 3,
    EVENT_ENABLE = 0,
    EVENT_DISABLE = 1,
    EVENT_DESC = 2,
};

static unsigned packed_size_rule(unsigned wanted)
{
    return wanted < VIRTQ_MAX_SIZE ? wanted : VIRTQ_MAX_SIZE;
}

static void packed_lay_out(struct virtq *q, unsigned used_align)
{
    size_t desc_bytes = (size_t)q->size * sizeof(struct virtq_packed_desc);

    (void)used_align;
    q->avail_dma = desc_bytes;
    q->used_dma = desc_bytes + sizeof(uint32_t);
    q->ring_bytes = desc_bytes + 2 * sizeof(uint32_t);
}

/* Both wrap counters start at 1. No interrupt is wanted before the first arming. */
static void packed_start(struct virtq *q)
{
    struct virtq_packed_queue *p = virtq_packed_of(q);
    uint8_t *base = q->memory;

    p->desc = q->memory;
    p->driver_event = (uint32_t *)(base + (q->avail_dma - q->desc_dma));
    p->device_event = (const uint32_t *)(base + (q->used_dma - q->desc_dma));
    p->next_avail = p->next_used = 0;
    p->avail_flags = PACKED_AVAIL;
    p->used_flags = PACKED_AVAIL | PACKED_USED;
    p->says_write = 0;
    p->addrs = virtq_addrs(q);
    for (unsigned i = 0; i < q->size; i++)
        q->slots[i].next = (uint16_t)(i + 1);
    hal_shared_store32(p->driver_event, EVENT_DISABLE << EVENT_MODE_SHIFT);
}

/* Slot and wrap counter in one word, as events and NOTIFICATION_DATA have them. */
static uint32_t packed_slot_word(unsigned slot, unsigned flags)
{
    return slot | (flags & PACKED_AVAIL ? EVENT_WRAP : 0u);
}

/* ---- submitting (section 2.8.21) ------------------------------------------------------------- */

/* What is made available from here on has the flipped wrap counter. */
static void packed_flip_lap(struct virtq_packed_queue *p)
{
    p->next_avail = 0;
    p->avail_flags ^= PACKED_AVAIL | PACKED_USED;
}

/*
 * The flags of a descriptor in that lap. One that is to stay hidden has those of a used descriptor
 * of the lap before.
 */
static inline unsigned packed_flags(unsigned lap, unsigned flags, bool hidden)
{
    return (hidden ? lap ^ PACKED_AVAIL : lap) | flags;
}

/* A device may be looking at the flags, also at those of a hidden descriptor. */
static inline void packed_fill_desc(struct virtq_packed_desc *d, uint64_t addr, uint32_t len,
                                    unsigned id, unsigned flags)
{
    d->addr = addr;
    d->len = len;
    hal_shared_store32((void *)&d->id, id | flags << 16);
}

/*
 * Fills the next slot, which stays hidden if it is to. When the slot is the last of the ring, what
 * follows has the flipped wrap counter, also within a chain.
 */
static void packed_write_desc(struct virtq_packed_queue *p, uint64_t addr, uint32_t len,
                              unsigned id, unsigned flags, bool hidden)
{
    packed_fill_desc(&p->desc[p->next_avail], addr, len, id,
                     packed_flags(p->avail_flags, flags, hidden));
    if (++p->next_avail == p->q.size)
        packed_flip_lap(p);
}

/*
 * Places a run of requests of one segment that the device only reads (virtq_in_run), as far as
 * there is room, up to the end of the ring; returns how many. `hidden`: the first is. Not IN_ORDER,
 * where ids are places in the ring. What each round needs is in local variables.
 */
static unsigned packed_place_run(struct virtq_packed_queue *p, const struct virtq_request *reqs,
                                 unsigned n, bool hidden) __attribute__((noinline));
static unsigned packed_place_run(struct virtq_packed_queue *p, const struct virtq_request *reqs,
                                 unsigned n, bool hidden)
{
    struct virtq_slot *slots = p->q.slots;
    struct virtq_packed_desc *d = &p->desc[p->next_avail];
    unsigned left = p->q.size - p->next_avail;
    size_t id = p->q.free_head;
    unsigned shown = p->avail_flags, flags = packed_flags(shown, 0, hidden);
    struct virtq_single one;

    left = left < p->q.free_count ? left : p->q.free_count;
    n = n < left ? n : left;
    for (left = n; left && virtq_in_run(reqs, &one); left--, reqs++, d++) {
        packed_fill_desc(d, one.addr, one.len, (unsigned)id, flags);
        flags = shown;
        id = virtq_slot_single(&slots[id], &one);
    }
    n -= left;
    p->next_avail = (uint16_t)(p->next_avail + n);
    if (p->next_avail == p->q.size)
        packed_flip_lap(p);
    p->q.free_head = (uint16_t)id;
    virtq_count_taken(&p->q, n, n);
    return n;
}

/*
 * Section 2.8.7: the entries of a table follow one another, and have no flag but WRITE. Fills n of
 * them. Returns the sum of the lengths of their segments, or VIRTQ_MALFORMED.
 */
static inline uint64_t packed_fill(struct virtq_packed_desc *table, const struct virtq_seg *segs,
                                   unsigned n, unsigned flags)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < n; i++) {
        if (!virtq_segment_valid(&segs[i]))
            return VIRTQ_MALFORMED;
        sum += segs[i].len;
        table[i] = (struct virtq_packed_desc){segs[i].addr, segs[i].len, 0, (uint16_t)flags};
    }
    return sum;
}

/* Fills the table that belongs to `id`, and the one descriptor of the ring. */
static int packed_place_indirect(struct virtq_packed_queue *p, const struct virtq_request *r,
                                 unsigned id, bool hidden)
{
    unsigned count = (unsigned)r->readable + r->writable;
    size_t first = (size_t)id * p->q.max_segs;
    struct virtq_packed_desc *table = (struct virtq_packed_desc *)p->q.tables + first;
    uint64_t to_read = packed_fill(table, r->segs, r->readable, 0);
    uint64_t to_write =
        packed_fill(table + r->readable, r->segs + r->readable, r->writable, VIRTQ_DESC_F_WRITE);

    if (!virtq_total_valid(to_read + to_write))
        return -EINVAL;
    packed_write_desc(p, p->q.tables_dma + first * sizeof(*table),
                      (uint32_t)(count * sizeof(*table)), id, VIRTQ_DESC_F_INDIRECT, hidden);
    virtq_slot_take(&p->q, id, r, (uint32_t)to_write, 1);
    return 0;
}

/* The id belongs into the last descriptor; QEMU before 8.2 takes it from the first. */
static int packed_place_chain(struct virtq_packed_queue *p, const struct virtq_request *r,
                              unsigned id, bool hidden) __attribute__((noinline, cold));
static int packed_place_chain(struct virtq_packed_queue *p, const struct virtq_request *r,
                              unsigned id, bool hidden)
{
    unsigned count = (unsigned)r->readable + r->writable;
    uint32_t writable;

    if (!virtq_request_valid(&p->q, r, &writable))
        return -EINVAL;
    for (unsigned i = 0; i < count; i++)
        packed_write_desc(p, r->segs[i].addr, r->segs[i].len, id, virtq_segment_flags(r, i, count),
                          hidden && !i);
    virtq_slot_take(&p->q, id, r, writable, count);
    p->addrs[id] = r->segs->addr;
    return 0;
}

/* The id of the buffer after that with this id, which was placed. */
static inline unsigned packed_next_id(const struct virtq_packed_queue *p, unsigned id)
{
    return p->q.in_order ? p->next_avail : p->q.slots[id].next;
}

/* Places one request; `hidden`: its first descriptor is. -ENOSPC: the ring is full. */
static int packed_place(struct virtq_packed_queue *p, const struct virtq_request *r, bool hidden)
    __attribute__((noinline, cold));
static int packed_place(struct virtq_packed_queue *p, const struct virtq_request *r, bool hidden)
{
    struct virtq *q = &p->q;
    unsigned count = (unsigned)r->readable + r->writable;
    bool indirect = q->indirect && count > 1;
    unsigned id = q->free_head;
    int err;

    if (!virtq_shape_valid(q, r))
        return -EINVAL;
    if (q->free_count < (indirect ? 1 : count))
        return virtq_no_room(q, r);
    err = indirect ? packed_place_indirect(p, r, id, hidden) : packed_place_chain(p, r, id, hidden);
    if (!err)
        q->free_head = (uint16_t)packed_next_id(p, id);
    return err;
}

/*
 * Section 2.8.10. True if the event slot is among the last `published`. True as well if the event
 * slot is stale, so neither among the descriptors that are out nor still to come: QEMU 7.2's
 * network card leaves a stale one when its backend was busy, and sleeps until it is notified.
 */
static bool packed_event_passed(const struct virtq_packed_queue *p, uint32_t event,
                                uint32_t published)
{
    uint32_t now = packed_slot_word(p->next_avail, p->avail_flags);
    uint32_t back = (now & EVENT_SLOT) - (event & EVENT_SLOT);
    uint32_t size = p->q.size, out = size - p->q.free_count;

    if ((now ^ event) & EVENT_WRAP)
        back += size;
    if (back > 2 * size) /* below zero: the wrap counters come again after two laps */
        back += 2 * size;
    return back - 1 < published || (back > out && back < size + out);
}

static bool packed_wants_kick(const struct virtq_packed_queue *p, uint32_t published)
{
    uint32_t event = hal_check32(p->device_event, p->q.order_platform);
    unsigned mode = event >> EVENT_MODE_SHIFT & EVENT_MODE;

    if (mode == EVENT_DESC && p->q.event_idx)
        return packed_event_passed(p, event, published);
    return mode != EVENT_DISABLE;
}

/* The flags of the first descriptor of a request, but for the lap. */
static unsigned packed_first_flags(const struct virtq *q, const struct virtq_request *r)
{
    unsigned count = (unsigned)r->readable + r->writable;

    return q->indirect && count > 1 ? VIRTQ_DESC_F_INDIRECT : virtq_segment_flags(r, 0, count);
}

/*
 * The device takes descriptors in the order of the ring, so the whole batch is hidden behind its
 * first descriptor until the flags of that one are published.
 */
static void packed_publish(struct virtq_packed_queue *p, struct packed_place first, unsigned flags,
                           unsigned descs) __attribute__((noinline));
static void packed_publish(struct virtq_packed_queue *p, struct packed_place first, unsigned flags,
                           unsigned descs)
{
    hal_publish16(&p->desc[first.slot].flags, (uint16_t)(first.lap | flags), p->q.order_platform);
    p->q.since_kick += descs;
    p->q.wants_kick = packed_wants_kick(p, descs);
}

/*
 * Submits reqs[taken..n) after those before, which begin at `first`; returns how many of all, or an
 * error.
 */
static int packed_submit_rest(struct virtq_packed_queue *p, const struct virtq_request *reqs,
                              unsigned n, unsigned taken, struct packed_place first)
    __attribute__((noinline));
static int packed_submit_rest(struct virtq_packed_queue *p, const struct virtq_request *reqs,
                              unsigned n, unsigned taken, struct packed_place first)
{
    unsigned before = p->q.free_count + taken;
    int err = 0;

    while (taken < n && !err) {
        const struct virtq_request *r = &reqs[taken];
        unsigned run = virtq_runs(&p->q, r) ? packed_place_run(p, r, n - taken, !taken) : 0;

        if (!run && !(err = packed_place(p, r, !taken)))
            run = 1;
        taken += run;
    }
    if (!taken)
        return err == -ENOSPC ? 0 : err;
    packed_publish(p, first, packed_first_flags(&p->q, reqs), before - p->q.free_count);
    return (int)taken;
}

static int packed_submit(struct virtq *q, const struct virtq_request *reqs, unsigned n)
{
    struct virtq_packed_queue *p = virtq_packed_of(q);
    struct packed_place first = {p->next_avail, p->avail_flags};
    unsigned taken = 0;

    if (virtq_runs(q, reqs))
        taken = packed_place_run(p, reqs, n, true);
    if (taken < n)
        return packed_submit_rest(p, reqs, n, taken, first);
    packed_publish(p, first, 0, taken);
    return (int)taken;
}

/* A descriptor's words behind its length, in memory: its id, which does not count, and flags. */
static uint32_t packed_entry_rest(unsigned at, bool writable, bool last)
{
    (void)at;
    (void)last;
    return writable ? VIRTQ_DESC_F_WRITE << 16 : 0;
}

/* Compiled to be small: few devices have packed rings and disks. */
static unsigned packed_submit_tables(struct virtq *q, const struct virtq_tabled *const *buffers,
                                     unsigned n) __attribute__((cold));
static unsigned packed_submit_tables(struct virtq *q, const struct virtq_tabled *const *buffers,
                                     unsigned n)
{
    struct virtq_packed_queue *p = virtq_packed_of(q);
    struct packed_place first = {p->next_avail, p->avail_flags};
    unsigned id = q->free_head;

    n = n < q->free_count ? n : q->free_count;
    if (!n)
        return 0;
    for (unsigned i = 0; i < n; i++) {
        const struct virtq_tabled *b = buffers[i];

        packed_write_desc(p, b->table, b->bytes, id, VIRTQ_DESC_F_INDIRECT, !i);
        virtq_slot_tabled(&q->slots[id], b);
        id = packed_next_id(p, id);
    }
    q->free_head = (uint16_t)id;
    virtq_count_taken(q, n, n);
    packed_publish(p, first, VIRTQ_DESC_F_INDIRECT, n);
    return n;
}

/*
 * Places kept buffers of [done, end) up to the end of the ring, the first hidden if it is to be.
 * Returns the first that is left.
 */
static const struct virtq_done *packed_place_kept(struct virtq_packed_queue *p,
                                                  const struct virtq_done *done,
                                                  const struct virtq_done *end, bool hidden)
{
    struct virtq_slot *slots = p->q.slots;
    struct virtq_packed_desc *from = &p->desc[p->next_avail], *d = from;
    const struct virtq_packed_desc *last = &p->desc[p->q.size];
    const uint64_t *addrs = p->addrs;
    unsigned shown = p->avail_flags | VIRTQ_DESC_F_WRITE, flags = packed_flags(shown, 0, hidden);

    if (end - done > last - d) /* as many at most, and the others later */
        end = done + (last - d);
    for (; done < end; done++) {
        void *cookie = done->cookie;
        size_t id = done->id;
        struct virtq_slot *slot = &slots[id];

        if (!cookie) {
            virtq_slot_free(&p->q, (unsigned)id);
            continue;
        }
        slot->cookie = cookie;
        packed_fill_desc(d, addrs[id], slot->writable, (unsigned)id, flags);
        flags = shown;
        d++;
    }
    p->next_avail = (uint16_t)(p->next_avail + (d - from));
    virtq_count_taken(&p->q, (unsigned)(d - from), 0);
    if (p->next_avail == p->q.size)
        packed_flip_lap(p);
    return done;
}

static void packed_repost(struct virtq *q, const struct virtq_done *done, unsigned n)
{
    struct virtq_packed_queue *p = virtq_packed_of(q);
    struct packed_place first = {p->next_avail, p->avail_flags};
    const struct virtq_done *end = done + n;
    unsigned before = q->in_flight;

    while (done < end)
        done = packed_place_kept(p, done, end, q->in_flight == before);
    if (q->in_flight != before)
        packed_publish(p, first, VIRTQ_DESC_F_WRITE, q->in_flight - before);
}

/* As for the split ring, counted in descriptors. */
static bool packed_kick_missed(struct virtq *q)
{
    uint32_t out = (uint32_t)q->size - q->free_count;
    uint32_t unannounced = q->since_kick < out ? q->since_kick : out;

    return unannounced && packed_wants_kick(virtq_packed_of(q), unannounced);
}

/* ---- notifications (section 2.8.10) ---------------------------------------------------------- */

static bool packed_arm(struct virtq *q)
{
    const struct virtq_packed_queue *p = virtq_packed_of(q);
    uint32_t event = EVENT_ENABLE << EVENT_MODE_SHIFT;

    if (q->batch)
        return true;
    if (q->event_idx)
        event = EVENT_DESC << EVENT_MODE_SHIFT | packed_slot_word(p->next_used, p->used_flags);
    hal_shared_store32(p->driver_event, event);
    return packed_is_used(hal_check16(&p->desc[p->next_used].flags, q->order_platform),
                          p->used_flags);
}

static void packed_disarm(struct virtq *q)
{
    hal_shared_store32(virtq_packed_of(q)->driver_event, EVENT_DISABLE << EVENT_MODE_SHIFT);
}

static uint32_t packed_position(const struct virtq *q)
{
    const struct virtq_packed_queue *p = virtq_packed_of(q);

    return packed_slot_word(p->next_avail, p->avail_flags);
}

const struct virtq_ring virtq_packed = {
    .name = "packed",
    .feature = VIRTIO_F_RING_PACKED,
    .queue_bytes = sizeof(struct virtq_packed_queue),
    .slot_more = sizeof(uint64_t),
    .size_rule = packed_size_rule,
    .lay_out = packed_lay_out,
    .start = packed_start,
    .submit = packed_submit,
    .submit_tables = packed_submit_tables,
    .entry_rest = packed_entry_rest,
    .reap = virtq_packed_reap,
    .reap_kept = virtq_packed_reap_kept,
    .repost = packed_repost,
    .arm = packed_arm,
    .disarm = packed_disarm,
    .kick_missed = packed_kick_missed,
    .position = packed_position,
};

#endif
