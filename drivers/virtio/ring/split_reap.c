/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * split_reap.c - the split virtqueue (virtio 1.4, section 2.7): what the device has used (section
 * 2.7.14). The used ring is read only, each word once.
 */
#include "virtio/ring/split.h"

/* The slot of the last descriptor of a chain of `count` that begins with `slot`. */
static struct virtq_slot *split_chain_tail(struct virtq *q, struct virtq_slot *slot, unsigned count)
{
    for (; count > 1; count--)
        slot = &q->slots[slot->next];
    return slot;
}

/* A used entry, each of its words loaded once. */
static inline uint32_t split_used_id(const struct virtq_used_elem *elem)
{
    return hal_shared_load32(&elem->id);
}

static inline uint32_t split_used_len(const struct virtq_used_elem *elem)
{
    return hal_shared_load32(&elem->len);
}

/*
 * Takes up to n used entries, none beyond the end of the ring; fewer: the id of the next, which the
 * next of done has as its length, is a lie. `keep`, a constant: their descriptors stay with them;
 * else they go in front of the free ones.
 */
static inline unsigned split_take_run(struct virtq_split_queue *s, struct virtq_done *done,
                                      unsigned n, bool keep) __attribute__((always_inline));
static inline unsigned split_take_run(struct virtq_split_queue *s, struct virtq_done *done,
                                      unsigned n, bool keep)
{
    struct virtq *q = &s->q;
    struct virtq_slot *slots = q->slots;
    const struct virtq_used_elem *first = &s->used->ring[s->used_idx & s->mask], *elem = first;
    unsigned more = 0, head = q->free_head, size = q->size;

    for (; elem < first + n; elem++, done++) {
        uint32_t id = split_used_id(elem);
        if (!virtq_id_out(slots, size, id)) {
            done->len = id;
            break;
        }
        struct virtq_slot *slot = &slots[id];
        if (!keep && __builtin_expect(virtq_slot_word(slot) == VIRTQ_SLOT_READ, 1)) {
            virtq_slot_read(slot, done);
        } else {
            unsigned count = virtq_slot_empty(slot, split_used_len(elem), done);
            if (keep) {
                done->id = (uint16_t)id;
                continue;
            }
            slot = split_chain_tail(q, slot, count);
            more += count - 1;
        }
        slot->next = (uint16_t)head;
        head = id;
    }
    n = (unsigned)(elem - first);
    s->used_idx = (uint16_t)(s->used_idx + n);
    if (!keep)
        q->free_head = (uint16_t)head;
    virtq_count_back(q, n, keep ? 0 : n + more);
    return n;
}

static unsigned split_take_used(struct virtq_split_queue *s, struct virtq_done *done, unsigned n)
    __attribute__((noinline));
static unsigned split_take_used(struct virtq_split_queue *s, struct virtq_done *done, unsigned n)
{
    return split_take_run(s, done, n, false);
}

static unsigned split_take_kept(struct virtq_split_queue *s, struct virtq_done *done, unsigned n)
    __attribute__((noinline));
static unsigned split_take_kept(struct virtq_split_queue *s, struct virtq_done *done, unsigned n)
{
    return split_take_run(s, done, n, true);
}

/*
 * IN_ORDER: an entry may stand for several buffers, at most as many as the index says (`ready`).
 * Takes up to n of them; fewer: the queue is broken. Descriptors are free again in the order of the
 * table.
 */
static unsigned split_take_in_order(struct virtq_split_queue *s, struct virtq_done *done,
                                    unsigned n, unsigned ready) __attribute__((noinline, cold));
static unsigned split_take_in_order(struct virtq_split_queue *s, struct virtq_done *done,
                                    unsigned n, unsigned ready)
{
    uint32_t id, len;
    unsigned i = 0;

    for (; i < n; i++) {
        if (!s->q.batch) {
            const struct virtq_used_elem *elem = &s->used->ring[s->used_idx & s->mask];

            id = split_used_id(elem);
            len = split_used_len(elem);
            if (!virtq_in_order_batch(&s->q, id, len, ready - i))
                break;
        }
        virtq_in_order_take(&s->q, &done[i]);
        s->used_idx++;
    }
    return i;
}

/*
 * Of n used entries `got` were taken, up to the end of the ring: takes the others from its
 * beginning on, unless the id of the next is a lie.
 */
static unsigned split_take_others(struct virtq_split_queue *s, struct virtq_done *done, unsigned n,
                                  unsigned got, bool keep) __attribute__((noinline, cold));
static unsigned split_take_others(struct virtq_split_queue *s, struct virtq_done *done, unsigned n,
                                  unsigned got, bool keep)
{
    if (!(s->used_idx & s->mask))
        got += keep ? split_take_kept(s, done + got, n - got)
                    : split_take_used(s, done + got, n - got);
    if (got < n)
        virtq_bad_id(&s->q, done[got].len);
    return got;
}

/* Takes what is used, up to max buffers. Apart from virtq_split_reap, which mostly finds nothing.
 */
static int split_take(struct virtq_split_queue *s, struct virtq_done *done, unsigned max,
                      unsigned ready, bool keep) __attribute__((noinline));
static int split_take(struct virtq_split_queue *s, struct virtq_done *done, unsigned max,
                      unsigned ready, bool keep)
{
    struct virtq *q = &s->q;
    unsigned n = ready < max ? ready : max, left = q->size - (s->used_idx & s->mask), got;

    if (ready > q->in_flight) {
        virtq_break(q, "used index ahead of what was made available");
        return -EIO;
    }
    left = left < n ? left : n;
    if (q->in_order)
        n = got = split_take_in_order(s, done, n, ready);
    else
        got = keep ? split_take_kept(s, done, left) : split_take_used(s, done, left);
    if (got < n)
        got = split_take_others(s, done, n, got, keep);
    return got || q->state == VIRTQ_OK ? (int)got : -EIO;
}

/* How many used entries were not looked at yet, by the device's index. */
static inline uint16_t split_ready(const struct virtq_split_queue *s)
{
    return (uint16_t)(hal_observe16(&s->used->idx, s->q.order_platform) - s->used_idx);
}

/* As split_take, of the one entry that is used, where entries stand for one buffer each. `keep`, a
 * constant, as of split_take_run. */
static inline int split_take_one(struct virtq_split_queue *s, struct virtq_done *done, bool keep)
    __attribute__((always_inline));
static inline int split_take_one(struct virtq_split_queue *s, struct virtq_done *done, bool keep)
{
    const struct virtq_used_elem *elem = &s->used->ring[s->used_idx & s->mask];
    struct virtq *q = &s->q;
    uint32_t id = split_used_id(elem);
    struct virtq_slot *slot;
    unsigned count;

    if (!virtq_id_valid(q, id))
        return -EIO;
    slot = &q->slots[id];
    count = virtq_slot_empty(slot, split_used_len(elem), done);
    s->used_idx++;
    if (keep) {
        done->id = (uint16_t)id;
        virtq_count_back(q, 1, 0);
        return 1;
    }
    if (count != 1)
        slot = split_chain_tail(q, slot, count);
    slot->next = q->free_head;
    q->free_head = (uint16_t)id;
    virtq_count_back(q, 1, count);
    return 1;
}

int virtq_split_reap(struct virtq *q, struct virtq_done *done, unsigned max)
{
    struct virtq_split_queue *s = virtq_split_of(q);
    unsigned ready = split_ready(s);

    if (!ready)
        return 0;
    if (ready == 1 && max && q->in_flight && !q->in_order)
        return split_take_one(s, done, false);
    return split_take(s, done, max, ready, false);
}

int virtq_split_reap_kept(struct virtq *q, struct virtq_done *done, unsigned max)
{
    struct virtq_split_queue *s = virtq_split_of(q);
    unsigned ready = split_ready(s);

    if (!ready)
        return 0;
    if (ready == 1 && max && q->in_flight)
        return split_take_one(s, done, true);
    return split_take(s, done, max, ready, true);
}
