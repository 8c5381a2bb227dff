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

/* Section 2.8.13; the entries of an indirect table look the same. */
struct virtq_packed_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t id;
    uint16_t flags;
};
_Static_assert(sizeof(struct virtq_packed_desc) == VIRTQ_DESC_BYTES, "layout of a descriptor");

/* Section 2.8.1: what a wrap counter of 1 stands for. */
enum {
    F_AVAIL = 1 << 7,
    F_USED = 1 << 15,
};

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
    p->avail_flags = F_AVAIL;
    p->used_flags = F_AVAIL | F_USED;
    p->says_write = false;
    for (unsigned i = 0; i < q->size; i++)
        q->slots[i].next = (uint16_t)(i + 1);
    hal_shared_store32(p->driver_event, EVENT_DISABLE << EVENT_MODE_SHIFT);
}

/* Slot and wrap counter in one word, as events and NOTIFICATION_DATA have them. */
static uint32_t packed_slot_word(unsigned slot, unsigned flags)
{
    return slot | (flags & F_AVAIL ? EVENT_WRAP : 0u);
}

/* ---- submitting (section 2.8.21) ------------------------------------------------------------- */

/*
 * Fills the next slot. Its flags go to *kept if that is not NULL, to be published later. When the
 * slot is the last of the ring, what follows has the flipped wrap counter, also within a chain.
 */
static void packed_write_desc(struct virtq_packed_queue *p, uint64_t addr, uint32_t len,
                              unsigned id, unsigned flags, uint16_t *kept)
{
    struct virtq_packed_desc *d = &p->desc[p->next_avail];

    d->addr = addr;
    d->len = len;
    d->id = (uint16_t)id;
    *(kept ? kept : &d->flags) = (uint16_t)(flags | p->avail_flags);
    if (++p->next_avail == p->q.size) {
        p->next_avail = 0;
        p->avail_flags ^= F_AVAIL | F_USED;
    }
}

/* Section 2.8.7: the entries follow one another, and have no flag but WRITE. */
static void packed_place_indirect(struct virtq_packed_queue *p, const struct virtq_request *r,
                                  unsigned id, uint16_t *kept)
{
    unsigned count = (unsigned)r->readable + r->writable;
    size_t first = (size_t)id * p->q.max_segs;
    struct virtq_packed_desc *table = (struct virtq_packed_desc *)p->q.tables + first;

    for (unsigned i = 0; i < count; i++)
        table[i] = (struct virtq_packed_desc){
            .addr = r->segs[i].addr,
            .len = r->segs[i].len,
            .flags = i >= r->readable ? VIRTQ_DESC_F_WRITE : 0,
        };
    packed_write_desc(p, p->q.tables_dma + first * sizeof(*table),
                      (uint32_t)(count * sizeof(*table)), id, VIRTQ_DESC_F_INDIRECT, kept);
}

/* The id belongs into the last descriptor; QEMU before 8.2 takes it from the first. */
static void packed_place_chain(struct virtq_packed_queue *p, const struct virtq_request *r,
                               unsigned id, uint16_t *kept)
{
    unsigned count = (unsigned)r->readable + r->writable;

    for (unsigned i = 0; i < count; i++)
        packed_write_desc(p, r->segs[i].addr, r->segs[i].len, id, virtq_segment_flags(r, i, count),
                          i ? NULL : kept);
}

/*
 * Places one request. The flags of its first descriptor go to *kept if that is not NULL.
 * -ENOSPC: the ring is full.
 */
static int packed_place(struct virtq_packed_queue *p, const struct virtq_request *r, uint16_t *kept)
{
    struct virtq *q = &p->q;
    unsigned count = (unsigned)r->readable + r->writable;
    bool indirect = q->indirect && count > 1;
    unsigned id = q->free_head;
    uint32_t writable;

    if (!virtq_request_valid(q, r, &writable))
        return -EINVAL;
    if (q->free_count < (indirect ? 1 : count))
        return -ENOSPC;
    if (indirect)
        packed_place_indirect(p, r, id, kept);
    else
        packed_place_chain(p, r, id, kept);
    virtq_slot_take(q, id, r, writable, indirect ? 1 : count);
    q->free_head = q->in_order ? p->next_avail : q->slots[id].next;
    return 0;
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

/*
 * The device takes descriptors in the order of the ring, so the whole batch is hidden behind its
 * first descriptor until the flags of that one are published.
 */
static int packed_submit(struct virtq *q, const struct virtq_request *reqs, unsigned n, bool *kick)
{
    struct virtq_packed_queue *p = virtq_packed_of(q);
    uint16_t *first = &p->desc[p->next_avail].flags;
    unsigned before = q->free_count, taken = 0;
    uint16_t kept = 0;
    int err = 0;

    while (taken < n && !(err = packed_place(p, &reqs[taken], taken ? NULL : &kept)))
        taken++;
    if (!taken)
        return err == -ENOSPC ? 0 : err;
    hal_publish16(first, kept, q->order_platform);
    q->since_kick += before - q->free_count;
    *kick = packed_wants_kick(p, before - q->free_count);
    return (int)taken;
}

/* As for the split ring, counted in descriptors. */
static bool packed_kick_missed(struct virtq *q)
{
    uint32_t out = (uint32_t)q->size - q->free_count;
    uint32_t unannounced = q->since_kick < out ? q->since_kick : out;

    return unannounced && packed_wants_kick(virtq_packed_of(q), unannounced);
}

/* ---- reaping (section 2.8.22) ---------------------------------------------------------------- */

static bool packed_is_used(const struct virtq_packed_queue *p, uint16_t flags)
{
    return (flags & (F_AVAIL | F_USED)) == p->used_flags;
}

/*
 * Sections 2.8.3 and 2.8.4: the length counts if WRITE is set. QEMU never sets WRITE, so the flag
 * decides only on a device that has set it before.
 */
static uint32_t packed_used_length(struct virtq_packed_queue *p, uint16_t flags, uint32_t len)
{
    if (flags & VIRTQ_DESC_F_WRITE)
        p->says_write = true;
    else if (p->says_write)
        return 0;
    return len;
}

/* The next used descriptor lies behind the whole chain, of `count` descriptors. */
static void packed_skip(struct virtq_packed_queue *p, unsigned count)
{
    unsigned next = p->next_used + count;

    if (next >= p->q.size) {
        next -= p->q.size;
        p->used_flags ^= F_AVAIL | F_USED;
    }
    p->next_used = (uint16_t)next;
}

/* The next used descriptor, each of its words loaded once. False: there is none. */
static bool packed_load_used(struct virtq_packed_queue *p, uint32_t *id, uint32_t *len)
{
    const struct virtq_packed_desc *d = &p->desc[p->next_used];
    uint16_t flags = hal_observe16(&d->flags, p->q.order_platform);

    if (!packed_is_used(p, flags))
        return false;
    *id = hal_shared_load16(&d->id);
    *len = packed_used_length(p, flags, hal_shared_load32(&d->len));
    return true;
}

static bool packed_take_used(struct virtq_packed_queue *p, struct virtq_done *done)
{
    struct virtq *q = &p->q;
    uint32_t id, len;

    if (!packed_load_used(p, &id, &len) || !virtq_id_valid(q, id))
        return false;
    packed_skip(p, q->slots[id].count);
    virtq_slot_finish(q, id, len, done);
    q->slots[id].next = q->free_head;
    q->free_head = (uint16_t)id;
    return true;
}

/* IN_ORDER: a used descriptor may stand for several buffers. Each call takes one of them. */
static bool packed_take_in_order(struct virtq_packed_queue *p, struct virtq_done *done)
{
    struct virtq *q = &p->q;
    uint32_t id, len;

    if (!q->batch &&
        (!packed_load_used(p, &id, &len) || !virtq_in_order_batch(q, id, len, q->in_flight)))
        return false;
    packed_skip(p, q->slots[q->oldest].count);
    virtq_in_order_take(q, done);
    return true;
}

static int packed_reap(struct virtq *q, struct virtq_done *done, unsigned max)
{
    struct virtq_packed_queue *p = virtq_packed_of(q);
    unsigned n = 0;

    while (n < max &&
           (q->in_order ? packed_take_in_order(p, &done[n]) : packed_take_used(p, &done[n])))
        n++;
    return n || q->state == VIRTQ_OK ? (int)n : -EIO;
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
    return packed_is_used(p, hal_check16(&p->desc[p->next_used].flags, q->order_platform));
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
    .size_rule = packed_size_rule,
    .lay_out = packed_lay_out,
    .start = packed_start,
    .submit = packed_submit,
    .reap = packed_reap,
    .arm = packed_arm,
    .disarm = packed_disarm,
    .kick_missed = packed_kick_missed,
    .position = packed_position,
};

#endif
