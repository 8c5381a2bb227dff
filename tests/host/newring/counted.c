/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counted.c - the driver's side of the counted ring, as docs/another-ring.md explains it step by
 * step.
 */
#include "counted.h"

_Static_assert(sizeof(struct counted_call) == VIRTQ_DESC_BYTES, "layout of a call");

static struct counted_queue *counted_of(const struct virtq *q)
{
    return (struct counted_queue *)q;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static unsigned counted_size_rule(unsigned wanted)
{
    if (wanted < COUNTED_MIN)
        return 0;
    return wanted < COUNTED_MAX ? wanted : COUNTED_MAX;
}

static void counted_lay_out(struct virtq *q, unsigned used_align)
{
    size_t calls = q->size * sizeof(struct counted_call);
    size_t answers = q->size * sizeof(struct counted_answer);

    q->avail_dma = calls;
    q->used_dma = (calls + sizeof(struct counted_awake) + used_align - 1) & ~(used_align - 1ull);
    q->ring_bytes = q->used_dma + answers + sizeof(struct counted_awake);
}

/* No interrupt is wanted before the first arming. */
static void counted_start(struct virtq *q)
{
    struct counted_queue *c = counted_of(q);
    uint8_t *base = q->memory;

    c->calls = q->memory;
    c->driver = (struct counted_awake *)(base + (q->avail_dma - q->desc_dma));
    c->answers = (const struct counted_answer *)(base + (q->used_dma - q->desc_dma));
    c->device = (const struct counted_awake *)&c->answers[q->size];
    c->next_call = c->next_answer = (struct counted_place){.at = 0, .count = 1};
    for (unsigned i = 0; i < q->size; i++)
        q->slots[i].next = (uint16_t)(i + 1);
    hal_shared_store16(&c->driver->awake, 1);
}

static void counted_advance(const struct virtq *q, struct counted_place *p)
{
    p->at = (uint16_t)(p->at + 1u < q->size ? p->at + 1 : 0);
    p->count++;
}

/* ---- submitting ------------------------------------------------------------------------------ */

/* Fills the next call. Its count goes to *kept if that is not NULL, to be published later. */
static void counted_write_call(struct counted_queue *c, const struct virtq_seg *seg, unsigned id,
                               unsigned flags, uint16_t *kept)
{
    struct counted_call *call = &c->calls[c->next_call.at];

    call->addr = seg->addr;
    call->len = seg->len;
    call->what = (uint16_t)(id << COUNTED_ID_SHIFT | flags);
    *(kept ? kept : &call->count) = c->next_call.count;
    counted_advance(&c->q, &c->next_call);
}

static void counted_place_indirect(struct counted_queue *c, const struct virtq_request *r,
                                   unsigned id, unsigned count, uint16_t *kept)
{
    size_t first = (size_t)id * c->q.max_segs;
    struct counted_call *table = (struct counted_call *)c->q.tables + first;
    struct virtq_seg whole = {c->q.tables_dma + first * sizeof(*table),
                              (uint32_t)(count * sizeof(*table))};

    for (unsigned i = 0; i < count; i++)
        table[i] = (struct counted_call){.addr = r->segs[i].addr,
                                         .len = r->segs[i].len,
                                         .what = virtq_segment_flags(r, i, count)};
    counted_write_call(c, &whole, id, VIRTQ_DESC_F_INDIRECT, kept);
}

/* Places one request behind what is published. -ENOSPC: the ring is full. */
static int counted_place_request(struct counted_queue *c, const struct virtq_request *r,
                                 uint16_t *kept)
{
    struct virtq *q = &c->q;
    unsigned count = (unsigned)r->readable + r->writable, id = q->free_head;
    bool indirect = q->indirect && count > 1;
    uint32_t writable;

    if (!virtq_request_valid(q, r, &writable))
        return -EINVAL;
    if (q->free_count < (indirect ? 1 : count))
        return -ENOSPC;
    if (indirect)
        counted_place_indirect(c, r, id, count, kept);
    for (unsigned i = 0; !indirect && i < count; i++)
        counted_write_call(c, &r->segs[i], id, virtq_segment_flags(r, i, count), i ? NULL : kept);
    virtq_slot_take(q, id, r, writable, indirect ? 1 : count);
    q->free_head = q->slots[id].next;
    return 0;
}

static bool counted_wants_kick(const struct counted_queue *c)
{
    return !hal_check16(&c->device->awake, c->q.order_platform);
}

/*
 * The device takes calls in order, so the whole batch is hidden behind its first call until the
 * count of that one is published.
 */
static int counted_submit(struct virtq *q, const struct virtq_request *reqs, unsigned n)
{
    struct counted_queue *c = counted_of(q);
    uint16_t *first = &c->calls[c->next_call.at].count;
    unsigned taken = 0;
    uint16_t kept = 0;
    int err = 0;

    while (taken < n && !(err = counted_place_request(c, &reqs[taken], taken ? NULL : &kept)))
        taken++;
    if (!taken)
        return err == -ENOSPC ? 0 : err;
    hal_publish16(first, kept, q->order_platform);
    q->since_kick += taken;
    q->wants_kick = counted_wants_kick(c);
    return (int)taken;
}

static bool counted_kick_missed(struct virtq *q)
{
    return q->since_kick && counted_wants_kick(counted_of(q));
}

/* ---- reaping --------------------------------------------------------------------------------- */

/* The next answer, each of its words loaded once and checked. False: none, or the queue broke. */
static bool counted_take_answer(struct counted_queue *c, struct virtq_done *done)
{
    const struct counted_answer *a = &c->answers[c->next_answer.at];
    struct virtq *q = &c->q;
    uint32_t id, len;

    if (hal_observe16(&a->count, q->order_platform) != c->next_answer.count)
        return false;
    id = hal_shared_load16(&a->id);
    len = hal_shared_load32(&a->len);
    if (!virtq_id_valid(q, id))
        return false;
    if (len > q->slots[id].writable) {
        virtq_break(q, "an answer is longer than its buffer");
        return false;
    }
    counted_advance(q, &c->next_answer);
    virtq_slot_finish(q, id, len, done);
    q->slots[id].next = q->free_head;
    q->free_head = (uint16_t)id;
    return true;
}

static int counted_reap(struct virtq *q, struct virtq_done *done, unsigned max)
{
    unsigned n = 0;

    while (n < max && counted_take_answer(counted_of(q), &done[n]))
        n++;
    return n || q->state == VIRTQ_OK ? (int)n : -EIO;
}

/* ---- notifications --------------------------------------------------------------------------- */

static bool counted_arm(struct virtq *q)
{
    const struct counted_queue *c = counted_of(q);
    const struct counted_answer *a = &c->answers[c->next_answer.at];

    hal_shared_store16(&c->driver->awake, 0);
    return hal_check16(&a->count, q->order_platform) == c->next_answer.count;
}

static void counted_disarm(struct virtq *q)
{
    hal_shared_store16(&counted_of(q)->driver->awake, 1);
}

static uint32_t counted_position(const struct virtq *q)
{
    return counted_of(q)->next_call.count;
}

const struct virtq_ring virtq_counted = {
    .name = "counted",
    .feature = COUNTED_F_RING,
    .queue_bytes = sizeof(struct counted_queue),
    .size_rule = counted_size_rule,
    .lay_out = counted_lay_out,
    .start = counted_start,
    .submit = counted_submit,
    .reap = counted_reap,
    .arm = counted_arm,
    .disarm = counted_disarm,
    .kick_missed = counted_kick_missed,
    .position = counted_position,
};
