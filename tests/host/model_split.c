/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_split.c - the device side of the split virtqueue (virtio 1.4, section 2.7).
 */
#include "model_ring.h"

struct raw_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

/* ---- words of the rings ---------------------------------------------------------------------- */

static uint16_t *word(uint64_t bus)
{
    return host_dma_pointer(bus, 2);
}

uint16_t model_avail_idx(const struct model_queue *q)
{
    return model_load16(word(q->driver + 2));
}

uint16_t model_avail_flags(const struct model_queue *q)
{
    return model_load16(word(q->driver));
}

uint16_t *model_used_event_word(const struct model_queue *q)
{
    return word(q->driver + 4 + 2ull * q->num);
}

uint16_t model_used_event(const struct model_queue *q)
{
    return model_load16(model_used_event_word(q));
}

uint16_t *model_used_idx_word(const struct model_queue *q)
{
    return word(q->device + 2);
}

void model_put_used_idx(struct model_queue *q, uint16_t idx)
{
    model_store16(model_used_idx_word(q), idx);
}

void model_put_used_flags(struct model_queue *q, uint16_t v)
{
    model_store16(word(q->device), v);
}

void model_put_avail_event(struct model_queue *q, uint16_t v)
{
    model_store16(word(q->device + 4 + 8ull * q->num), v);
}

void model_put_used(struct model_queue *q, uint16_t at, uint32_t id, uint32_t len)
{
    uint32_t *elem = host_dma_pointer(q->device + 4 + 8ull * (at % q->num), 8);

    if (elem) {
        __atomic_store_n(&elem[0], id, __ATOMIC_RELAXED);
        __atomic_store_n(&elem[1], len, __ATOMIC_RELAXED);
    }
}

void model_start_index(struct model_queue *q, uint16_t start)
{
    q->seen = q->used = q->signalled = q->published = start;
    model_store16(word(q->driver + 2), start);
    model_put_used_idx(q, start);
}

/* ---- taking a chain -------------------------------------------------------------------------- */

static void start(struct model *m, struct model_queue *q)
{
    uint64_t avail = 6 + 2ull * q->num, used = 6 + 8ull * q->num;

    model_judge_rows(!(q->num & (q->num - 1)), m, q, "SPLIT-03", "size is no power of two", q->num);
    model_check_area(m, q, "descriptor", q->desc, 16ull * q->num, 16);
    model_check_area(m, q, "driver", q->driver, avail, 2);
    model_check_area(m, q, "device", q->device, used, 4);
    model_check_zeroed(m, q, q->desc, 16ull * q->num);
    model_check_zeroed(m, q, q->device, used);
    model_judge_rows(model_load16(word(q->device)) == 0, m, q, "NOTIF-05", "used flags", 0);
}

static bool read_desc(uint64_t table, unsigned i, struct raw_desc *d)
{
    return host_dma_read(table + 16ull * i, d, sizeof(*d));
}

/* Follows a list in a table of `entries`, at most that many steps. */
static void walk(struct model *m, struct model_queue *q, struct model_chain *c, uint64_t table,
                 unsigned entries, unsigned at, bool inner)
{
    bool in_order = model_accepted(m, BIT_IN_ORDER);
    struct raw_desc d;

    for (unsigned steps = 0;; steps++) {
        model_judge_rows(steps < entries, m, q, "SPLIT-04 SPLIT-05",
                         "chain is longer than its table", entries);
        model_judge_rows(at < entries, m, q, "SPLIT-08", "descriptor index out of range", at);
        if (steps >= entries || at >= entries || !read_desc(table, at, &d))
            return;
        model_judge_rows(!(d.flags & ~7u), m, q, "", "undefined descriptor flags", d.flags);
        c->slots += !inner;
        if (d.flags & F_INDIRECT) {
            if (model_check_indirect(m, q, c, d.addr, d.len, d.flags, inner))
                walk(m, q, c, d.addr, d.len / 16, 0, true);
            return;
        }
        model_add_segment(m, q, c, &(struct model_seg){d.addr, d.len, (d.flags & F_WRITE) != 0});
        if (!(d.flags & F_NEXT))
            return;
        if (in_order)
            model_judge_rows(d.next == (inner ? at + 1 : (at + 1) % entries), m, q,
                             inner ? "SPLIT-16" : "SPLIT-11", "IN_ORDER, and next is not the next",
                             d.next);
        at = d.next;
    }
}

static void parse(struct model *m, struct model_queue *q, uint16_t idx, struct model_chain *c)
{
    memset(c, 0, offsetof(struct model_chain, segs));
    c->at = idx;
    c->head = model_load16(word(q->driver + 4 + 2ull * (idx % q->num)));
    model_judge_rows(c->head < q->num, m, q, "SPLIT-21", "head out of range", c->head);
    if (c->head >= q->num)
        return;
    walk(m, q, c, q->desc, q->num, c->head, false);
    model_judge_rows(c->count <= q->num, m, q, c->indirect ? "SPLIT-14" : "SPLIT-04",
                     "chain longer than the queue", c->count);
}

/* Section 2.7.7.1: 0 or 1, and always 0 with event index. */
static void check_flags(struct model *m, struct model_queue *q)
{
    uint16_t flags = model_avail_flags(q);

    bool event = model_accepted(m, BIT_EVENT_IDX);

    model_judge_rows(flags <= !event, m, q, event ? "NOTIF-03" : "NOTIF-01", "available flags",
                     flags);
}

static void expose(struct model *m, struct model_queue *q, uint16_t idx)
{
    check_flags(m, q);
    model_judge_rows((uint16_t)(idx - q->seen) <= q->num, m, q,
                     "SPLIT-09 SPLIT-19 SPLIT-20 SPLIT-27", "available index jumps", idx);
    if ((uint16_t)(idx - q->seen) > q->num)
        return;
    while (q->published != idx) {
        struct model_chain *c = model_next_exposed(q);

        parse(m, q, q->published, c);
        if (model_accepted(m, BIT_IN_ORDER)) {
            model_judge_rows(c->head == q->next_slot, m, q, "SPLIT-10",
                             "IN_ORDER, and not the next head", c->head);
            q->next_slot = (uint16_t)((c->head + c->slots) % q->num);
        }
        model_exposed(m, q, c);
    }
}

static void look(struct model *m, struct model_queue *q)
{
    expose(m, q, model_avail_idx(q));
}

static void parse_again(struct model *m, struct model_queue *q, const struct model_chain *c,
                        struct model_chain *now)
{
    parse(m, q, c->at, now);
}

static void check_held(struct model *m, struct model_queue *q, const struct model_chain *c)
{
    struct model_chain now;

    memset(&now, 0, offsetof(struct model_chain, segs));
    now.head = c->head;
    walk(m, q, &now, q->desc, q->num, now.head, false);
    model_judge_rows(model_same_chain(&now, c), m, q, "INIT-20",
                     "a chain of the device was changed", c->head);
}

static void on_event(struct model *m, struct model_queue *q, const struct host_event *e)
{
    if (e->kind == HOST_PUBLISH && e->addr == (uintptr_t)word(q->driver + 2))
        expose(m, q, (uint16_t)e->v);
}

/* ---- giving it back -------------------------------------------------------------------------- */

/* Section 2.7.9: the entry of a batch lies where that of its first buffer would. */
static void put(struct model *m, struct model_queue *q, const struct model_chain *c, uint32_t len)
{
    (void)m;
    model_put_used(q, q->used, c->head, len);
}

/* In on.put: q->used is still the place of the entry. */
static void amend(struct model_queue *q, enum model_used_word which, uint32_t v)
{
    uint32_t *elem = host_dma_pointer(q->device + 4 + 8ull * (q->used % q->num), 8);

    if (elem && which != MODEL_USED_FLAGS)
        __atomic_store_n(&elem[which == MODEL_USED_LEN], v, __ATOMIC_RELAXED);
}

static void show(struct model *m, struct model_queue *q)
{
    (void)m;
    model_put_used_idx(q, q->used);
}

bool model_event_reference(uint16_t old, uint16_t new, uint16_t event)
{
    for (uint16_t i = old; i != new; i++)
        if (i == event)
            return true;
    return false;
}

static bool wants_irq(struct model *m, struct model_queue *q)
{
    bool wanted = model_accepted(m, BIT_EVENT_IDX)
                      ? model_event_reference(q->signalled, q->used, model_used_event(q))
                      : !(model_avail_flags(q) & 1);

    q->signalled = q->used;
    return wanted;
}

static void want_kick(struct model *m, struct model_queue *q, bool on)
{
    if (model_accepted(m, BIT_EVENT_IDX))
        model_put_avail_event(q, (uint16_t)(on ? q->seen : q->seen + 0x8000));
    else
        model_put_used_flags(q, !on);
}

static uint16_t position(const struct model_queue *q)
{
    return model_avail_idx(q);
}

const struct model_ring model_split_ring = {
    .start = start,
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
