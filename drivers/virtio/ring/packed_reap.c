/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packed_reap.c - the packed virtqueue (virtio 1.4, section 2.8): what the device has used (section
 * 2.8.22). A descriptor is read only after its flags have shown that the device used it; then its
 * id and length are loaded once.
 */
#include "virtio/ring/packed.h"

#if VIREO_PACKED

/* The next used descriptor lies behind the whole chain, of `count` descriptors. */
static inline struct packed_place packed_skip(struct packed_place place, unsigned count,
                                              unsigned size)
{
    place.slot += count;
    if (place.slot >= size) {
        place.slot -= size;
        place.lap ^= PACKED_AVAIL | PACKED_USED;
    }
    return place;
}

/* A used descriptor, of which each word is loaded once: first its flags. False: it was not used
 * yet. */
static inline bool packed_load_flags(const struct virtq_packed_desc *d, unsigned lap, bool platform,
                                     unsigned *flags)
{
    *flags = hal_observe16(&d->flags, platform);
    return packed_is_used(*flags, lap);
}

/*
 * Sections 2.8.3 and 2.8.4: the length counts if WRITE is set. QEMU never sets WRITE, so the flag
 * decides only on a device that has set it before: *says_write is WRITE then, else 0.
 */
static inline uint32_t packed_load_len(const struct virtq_packed_desc *d, unsigned flags,
                                       uint16_t *says_write)
{
    uint32_t len = hal_shared_load32(&d->len);

    if (__builtin_expect(((flags ^ *says_write) & VIRTQ_DESC_F_WRITE) == 0, 1))
        return len;
    *says_write |= flags & VIRTQ_DESC_F_WRITE;
    return flags & VIRTQ_DESC_F_WRITE ? len : 0;
}

/*
 * Takes up to max used descriptors, the first of which has these flags; fewer: there are no more,
 * or the queue is broken. `keep`, a constant: their ids stay with them; else they go in front of
 * the free ones. platform: a constant. What each round needs is in local variables, since the order
 * of each load makes memory be read again; the ring's end is looked for behind a run and behind a
 * chain.
 */
static inline unsigned packed_take_used(struct virtq_packed_queue *p, struct virtq_done *done,
                                        unsigned max, unsigned flags, bool keep, bool platform)
    __attribute__((always_inline));
static inline unsigned packed_take_used(struct virtq_packed_queue *p, struct virtq_done *done,
                                        unsigned max, unsigned flags, bool keep, bool platform)
{
    struct virtq_slot *slots = p->q.slots, *slot;
    const struct virtq_packed_desc *d = &p->desc[p->next_used], *last = &p->desc[p->q.size];
    const struct virtq_done *from = done, *end = done + max, *stop;
    unsigned more = 0, head = p->q.free_head, size = p->q.size, lap = p->used_flags, count;
    uint16_t says_write = p->says_write;
    uint32_t bad = 0; /* 1 more than an id that is none */
    bool again;

    do {
        stop = end - done < last - d ? end : done + (last - d);
        again = false;
        do {
            uint32_t id = hal_shared_load16(&d->id);
            if (!virtq_id_out(slots, size, id)) {
                bad = id + 1;
                break;
            }
            slot = &slots[id];
            count = 1;
            if (!keep && __builtin_expect(virtq_slot_word(slot) == VIRTQ_SLOT_READ, 1))
                virtq_slot_read(slot, done);
            else
                count = virtq_slot_empty(slot, packed_load_len(d, flags, &says_write), done);
            if (keep) {
                done++->id = (uint16_t)id;
                d++;
                continue;
            }
            slot->next = (uint16_t)head;
            head = id;
            done++;
            d += count;
            if (count != 1) {
                more += count - 1;
                again = true;
                break;
            }
        } while (done < stop && packed_load_flags(d, lap, platform, &flags));
        if (d >= last) {
            d -= size;
            lap ^= PACKED_AVAIL | PACKED_USED;
            again = true;
        }
    } while (again && done < end && packed_load_flags(d, lap, platform, &flags));
    max = (unsigned)(done - from);
    p->says_write = says_write;
    p->next_used = (uint16_t)(d - p->desc);
    p->used_flags = (uint16_t)lap;
    if (!keep)
        p->q.free_head = (uint16_t)head;
    virtq_count_back(&p->q, max, keep ? 0 : max + more);
    if (bad)
        virtq_bad_id(&p->q, bad - 1);
    return max;
}

/* Takes what is used, up to max buffers. Apart from virtq_packed_reap, which mostly finds nothing.
 */
static unsigned packed_take(struct virtq_packed_queue *p, struct virtq_done *done, unsigned max,
                            unsigned flags) __attribute__((noinline));
static unsigned packed_take(struct virtq_packed_queue *p, struct virtq_done *done, unsigned max,
                            unsigned flags)
{
    return packed_take_used(p, done, max, flags, false, false);
}

static unsigned packed_take_kept(struct virtq_packed_queue *p, struct virtq_done *done,
                                 unsigned max, unsigned flags) __attribute__((noinline));
static unsigned packed_take_kept(struct virtq_packed_queue *p, struct virtq_done *done,
                                 unsigned max, unsigned flags)
{
    return packed_take_used(p, done, max, flags, true, false);
}

/* With ORDER_PLATFORM, which few devices have. */
static unsigned packed_take_far(struct virtq_packed_queue *p, struct virtq_done *done, unsigned max,
                                unsigned flags, bool keep) __attribute__((noinline, cold));
static unsigned packed_take_far(struct virtq_packed_queue *p, struct virtq_done *done, unsigned max,
                                unsigned flags, bool keep)
{
    return packed_take_used(p, done, max, flags, keep, true);
}

/* IN_ORDER: a used descriptor may stand for several buffers. Takes up to max of them. */
static unsigned packed_take_in_order(struct virtq_packed_queue *p, struct virtq_done *done,
                                     unsigned max) __attribute__((noinline, cold));
static unsigned packed_take_in_order(struct virtq_packed_queue *p, struct virtq_done *done,
                                     unsigned max)
{
    struct packed_place place = {p->next_used, p->used_flags};
    struct virtq *q = &p->q;
    unsigned n = 0, flags;

    for (; n < max; n++) {
        const struct virtq_packed_desc *d = &p->desc[place.slot];

        if (!q->batch &&
            (!packed_load_flags(d, place.lap, q->order_platform, &flags) ||
             !virtq_in_order_batch(q, hal_shared_load16(&d->id),
                                   packed_load_len(d, flags, &p->says_write), q->in_flight)))
            break;
        place = packed_skip(place, q->slots[q->oldest].count, q->size);
        virtq_in_order_take(q, &done[n]);
    }
    p->next_used = (uint16_t)place.slot;
    p->used_flags = (uint16_t)place.lap;
    return n;
}

/* Is the next descriptor used? Its flags. */
static inline bool packed_ready(const struct virtq_packed_queue *p, unsigned *flags)
{
    return packed_load_flags(&p->desc[p->next_used], p->used_flags, p->q.order_platform, flags);
}

int virtq_packed_reap(struct virtq *q, struct virtq_done *done, unsigned max)
{
    struct virtq_packed_queue *p = virtq_packed_of(q);
    unsigned n, flags;

    if (q->in_order)
        n = packed_take_in_order(p, done, max);
    else if (!packed_ready(p, &flags))
        return 0;
    else if (q->order_platform)
        n = packed_take_far(p, done, max, flags, false);
    else
        n = packed_take(p, done, max, flags);
    return n || q->state == VIRTQ_OK ? (int)n : -EIO;
}

int virtq_packed_reap_kept(struct virtq *q, struct virtq_done *done, unsigned max)
{
    struct virtq_packed_queue *p = virtq_packed_of(q);
    unsigned n, flags;

    if (!packed_ready(p, &flags))
        return 0;
    n = q->order_platform ? packed_take_far(p, done, max, flags, true)
                          : packed_take_kept(p, done, max, flags);
    return n || q->state == VIRTQ_OK ? (int)n : -EIO;
}

#endif
