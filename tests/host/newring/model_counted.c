/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_counted.c - the device's side of the counted ring (counted.h): takes notice of calls when
 * they are published, judges them, and answers.
 */
#include "model_counted.h"

#include "counted.h"

/* What the device knows of a queue. */
static struct side {
    struct counted_place expose, put;
    uint16_t amended;        /* what the test adds to the count of the last answer */
    unsigned unshown, calls; /* answers whose counts are still to be stored; calls that are out */
} sides[MODEL_QUEUES];

static struct counted_call *call_at(const struct model_queue *q, unsigned i)
{
    return host_dma_pointer(q->desc + sizeof(struct counted_call) * i, sizeof(struct counted_call));
}

static struct counted_answer *answer_at(const struct model_queue *q, unsigned i)
{
    return host_dma_pointer(q->device + sizeof(struct counted_answer) * i,
                            sizeof(struct counted_answer));
}

static uint16_t *awake_word(uint64_t addr)
{
    return host_dma_pointer(addr, sizeof(struct counted_awake));
}

static struct counted_place place_after(const struct model_queue *q, struct counted_place p,
                                        unsigned n)
{
    return (struct counted_place){(uint16_t)((p.at + n) % q->num), (uint16_t)(p.count + n)};
}

static void counted_start_side(struct model *m, struct model_queue *q)
{
    model_judge(q->num >= COUNTED_MIN && q->num <= COUNTED_MAX, m, q, "size", q->num);
    model_check_area(m, q, "calls", q->desc, sizeof(struct counted_call) * q->num, 16);
    model_check_area(m, q, "driver", q->driver, sizeof(struct counted_awake), 4);
    model_check_area(m, q, "answers", q->device,
                     sizeof(struct counted_answer) * q->num + sizeof(struct counted_awake), 8);
    model_check_zeroed(m, q, q->desc, sizeof(struct counted_call) * q->num);
    model_check_zeroed(m, q, q->device, sizeof(struct counted_answer) * q->num);
    sides[q->index] = (struct side){.expose = {0, 1}, .put = {0, 1}};
}

/* ---- taking calls ---------------------------------------------------------------------------- */

static void add_call(struct model *m, struct model_queue *q, struct model_chain *c,
                     const struct counted_call *call)
{
    model_add_segment(
        m, q, c,
        &(struct model_seg){call->addr, call->len, (call->what & VIRTQ_DESC_F_WRITE) != 0});
}

static void walk_table(struct model *m, struct model_queue *q, struct model_chain *c)
{
    struct counted_call call;

    for (uint32_t i = 0; i < c->table_len / sizeof(call); i++)
        if (host_dma_read(c->table + sizeof(call) * i, &call, sizeof(call)))
            add_call(m, q, c, &call);
}

/* The list of calls at p; of its first the count is not looked at. */
static void parse(struct model *m, struct model_queue *q, struct counted_place p,
                  struct model_chain *c)
{
    uint16_t flags;

    memset(c, 0, offsetof(struct model_chain, segs));
    c->place.slot = p.at;
    c->at = p.count;
    c->head = call_at(q, p.at)->what >> COUNTED_ID_SHIFT;
    do {
        struct counted_place now = place_after(q, p, c->slots);
        const struct counted_call *call = call_at(q, now.at);

        flags = call->what & (VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_INDIRECT);
        model_judge(!c->slots || call->count == now.count, m, q, "count in a list", call->count);
        model_judge(call->what >> COUNTED_ID_SHIFT == c->head, m, q, "ids of a list", call->what);
        if (!(flags & VIRTQ_DESC_F_INDIRECT))
            add_call(m, q, c, call);
        else if (model_check_indirect(m, q, c, call->addr, call->len, flags, c->slots > 0))
            walk_table(m, q, c);
    } while (++c->slots < q->num && flags & VIRTQ_DESC_F_NEXT);
    model_judge(!(flags & VIRTQ_DESC_F_NEXT), m, q, "list longer than the ring", c->slots);
    model_judge(c->head < q->num, m, q, "id is none of the driver's", c->head);
}

static void expose_one(struct model *m, struct model_queue *q)
{
    struct model_chain *c = model_next_exposed(q);
    struct side *s = &sides[q->index];

    parse(m, q, s->expose, c);
    s->calls += c->slots;
    model_judge(s->calls <= q->num, m, q, "more calls out than the ring holds", s->calls);
    s->expose = place_after(q, s->expose, c->slots);
    model_exposed(m, q, c);
}

static void look(struct model *m, struct model_queue *q)
{
    struct side *s = &sides[q->index];

    while (model_load16(&call_at(q, s->expose.at)->count) == s->expose.count)
        expose_one(m, q);
}

static void on_event(struct model *m, struct model_queue *q, const struct host_event *e)
{
    struct side *s = &sides[q->index];
    const struct counted_call *call = call_at(q, s->expose.at);

    if (e->kind != HOST_PUBLISH)
        return;
    if (e->addr != (uintptr_t)&call->count) {
        model_judge(e->addr - (uintptr_t)call_at(q, 0) >= sizeof(*call) * q->num, m, q,
                    "published at the wrong entry", s->expose.at);
        return;
    }
    model_judge(call->count != s->expose.count, m, q, "seen before it is published", call->count);
    model_judge(e->v == s->expose.count, m, q, "published with the wrong count", (unsigned)e->v);
    expose_one(m, q);
    look(m, q);
}

static void parse_again(struct model *m, struct model_queue *q, const struct model_chain *c,
                        struct model_chain *now)
{
    parse(m, q, (struct counted_place){c->place.slot, c->at}, now);
}

/* A call that was taken may be written over. */
static void check_held(struct model *m, struct model_queue *q, const struct model_chain *c)
{
    (void)m;
    (void)q;
    (void)c;
}

/* ---- answering ------------------------------------------------------------------------------- */

static void put(struct model *m, struct model_queue *q, const struct model_chain *c, uint32_t len)
{
    struct side *s = &sides[q->index];
    struct counted_answer *a = answer_at(q, s->put.at);

    (void)m;
    a->len = len;
    a->id = c->head;
    s->amended = 0;
    s->calls -= c->slots;
    s->put = place_after(q, s->put, 1);
    s->unshown++;
}

static void amend(struct model_queue *q, enum model_used_word which, uint32_t v)
{
    struct side *s = &sides[q->index];
    struct counted_answer *a = answer_at(q, (s->put.at + q->num - 1) % q->num);

    if (which == MODEL_USED_ID)
        a->id = (uint16_t)v;
    else if (which == MODEL_USED_LEN)
        a->len = v;
    else
        s->amended = (uint16_t)v;
}

/* The first one last, so that all are seen at once. */
static void show(struct model *m, struct model_queue *q)
{
    struct side *s = &sides[q->index];

    (void)m;
    for (unsigned back = 1; back <= s->unshown; back++) {
        unsigned at = (s->put.at + q->num - back) % q->num;
        unsigned count = s->put.count - back + (back == 1 ? s->amended : 0u);

        model_store16(&answer_at(q, at)->count, (uint16_t)count);
    }
    s->unshown = 0;
}

static bool wants_irq(struct model *m, struct model_queue *q)
{
    (void)m;
    return !model_load16(awake_word(q->driver));
}

static void want_kick(struct model *m, struct model_queue *q, bool on)
{
    (void)m;
    model_store16(awake_word(q->device + sizeof(struct counted_answer) * q->num), !on);
}

static uint16_t position(const struct model_queue *q)
{
    return sides[q->index].expose.count;
}

void model_counted_start_count(struct model_queue *q, uint16_t count)
{
    sides[q->index].expose.count = sides[q->index].put.count = count;
}

const struct model_ring model_counted_ring = {
    .start = counted_start_side,
    .look = look,
    .on_event = on_event,
    .parse_again = parse_again,
    .check_held = check_held,
    .put = put,
    .amend = amend,
    .show = show,
    .wants_irq = wants_irq,
    .want_kick = want_kick,
    .position = position,
};
