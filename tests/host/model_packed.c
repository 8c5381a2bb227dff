/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_packed.c - the device side of the packed virtqueue (virtio 1.4, section 2.8). What it was
 * shown it remembers word by word, so that a descriptor that is changed while the device has it is
 * found when the driver publishes the next time.
 */
#include <stdlib.h>

#include "model_ring.h"

enum { F_AVAIL = 1 << 7, F_USED = 1 << 15 };
enum { ENABLE = 0, DISABLE = 1, DESC = 2 };

/* A slot and the wrap counter of the lap that it is looked at in. */
static struct model_place advance(const struct model_queue *q, struct model_place p, unsigned n)
{
    while (n-- > 0) {
        p.slot = (uint16_t)(p.slot + 1);
        if (p.slot == q->num)
            p = (struct model_place){0, !p.wrap};
    }
    return p;
}

static struct model_packed_desc *slot(const struct model_queue *q, unsigned i)
{
    return host_dma_pointer(q->desc + 16ull * i, 16);
}

static bool is_avail(uint16_t flags, bool wrap)
{
    return !!(flags & F_AVAIL) == wrap && !!(flags & F_USED) != wrap;
}

static uint16_t word_of(struct model_place p)
{
    return (uint16_t)(p.slot | (p.wrap ? 0x8000 : 0));
}

static void start(struct model *m, struct model_queue *q)
{
    model_judge_rows(q->num <= 32768, m, q, "PACK-04", "size", q->num);
    model_check_area(m, q, "descriptor", q->desc, 16ull * q->num, 16);
    model_check_area(m, q, "driver", q->driver, 4, 4);
    model_check_area(m, q, "device", q->device, 4, 4);
    model_check_zeroed(m, q, q->desc, 16ull * q->num);
    model_check_zeroed(m, q, q->device, 4);
    q->shown = calloc(q->num, sizeof(*q->shown));
    q->expose_at = q->put_at = q->shown_at = q->signal_at = (struct model_place){0, true};
}

/* ---- taking a chain -------------------------------------------------------------------------- */

static void walk_table(struct model *m, struct model_queue *q, struct model_chain *c)
{
    for (unsigned i = 0; i < c->table_len / 16; i++) {
        struct model_packed_desc d;

        if (!host_dma_read(c->table + 16ull * i, &d, sizeof(d)))
            return;
        model_judge_rows(!(d.flags & ~F_WRITE), m, q, "PACK-29", "flags in an indirect table",
                         d.flags);
        model_add_segment(m, q, c, &(struct model_seg){d.addr, d.len, (d.flags & F_WRITE) != 0});
    }
}

/* Follows a list from c->place on, at most once round the ring. `first`: flags of its head. */
static void walk(struct model *m, struct model_queue *q, struct model_chain *c, uint16_t first)
{
    struct model_place p = c->place;
    uint16_t flags = first;

    do {
        const struct model_packed_desc *d = slot(q, p.slot);

        if (c->slots)
            flags = d->flags;
        model_judge_rows(is_avail(flags, p.wrap), m, q, "PACK-06 PACK-07 PACK-08 PACK-22",
                         "member of a list is not available", p.slot);
        model_judge_rows(!(flags & ~(7u | F_AVAIL | F_USED)), m, q, "",
                         "undefined descriptor flags", flags);
        model_judge_rows(!c->slots || d->id == c->head, m, q, "", "ids of a list differ", d->id);
        c->head = d->id;
        c->slots++;
        p = advance(q, p, 1);
        if (!(flags & F_INDIRECT)) {
            model_add_segment(m, q, c, &(struct model_seg){d->addr, d->len, flags & F_WRITE});
        } else if (model_check_indirect(m, q, c, d->addr, d->len, flags, c->slots > 1)) {
            walk_table(m, q, c);
            return;
        }
    } while (flags & F_NEXT && c->slots < q->num);
    model_judge_rows(!(flags & F_NEXT), m, q, "PACK-15 PACK-21", "list longer than the queue",
                     c->slots);
}

static void parse(struct model *m, struct model_queue *q, struct model_place p, uint16_t first,
                  struct model_chain *c)
{
    memset(c, 0, offsetof(struct model_chain, segs));
    c->place = p;
    walk(m, q, c, first);
    model_judge_rows(c->head < q->num, m, q, "", "id is none of the driver's", c->head);
}

/* What lies in the slots of a chain when it is exposed must lie there until it is used. */
static void remember(struct model_queue *q, const struct model_chain *c, uint16_t first)
{
    for (unsigned i = 0; i < c->slots; i++) {
        unsigned n = advance(q, c->place, i).slot;

        q->shown[n].desc = *slot(q, n);
        q->shown[n].out = true;
        if (i == 0)
            q->shown[n].desc.flags = first;
    }
    q->slots_out += c->slots;
}

/* Section 2.8.16: what is the device's stays as it is. */
static void check_untouched(struct model *m, struct model_queue *q)
{
    for (unsigned i = 0; i < q->num; i++)
        if (q->shown[i].out)
            model_judge_rows(!memcmp(&q->shown[i].desc, slot(q, i), 16), m, q,
                             "INIT-20 PACK-10 PACK-11", "a descriptor of the device's is changed",
                             i);
}

static void check_held(struct model *m, struct model_queue *q, const struct model_chain *c)
{
    (void)c; /* its slots may hold used descriptors of others by now */
    check_untouched(m, q);
}

static void expose_one(struct model *m, struct model_queue *q, uint16_t first)
{
    struct model_chain *c = model_next_exposed(q);

    parse(m, q, q->expose_at, first, c);
    model_judge_rows(q->slots_out + c->slots <= q->num, m, q, "PACK-17 PACK-18",
                     "more than the ring holds", c->slots);
    remember(q, c, first);
    q->expose_at = advance(q, q->expose_at, c->slots);
    model_exposed(m, q, c);
}

/* Exposes what follows, as a device does that looks ahead; a whole ring at most. */
static void look(struct model *m, struct model_queue *q)
{
    while (q->slots_out < q->num) {
        uint16_t flags = model_load16(&slot(q, q->expose_at.slot)->flags);

        if (!is_avail(flags, q->expose_at.wrap))
            return;
        expose_one(m, q, flags);
    }
}

static void parse_again(struct model *m, struct model_queue *q, const struct model_chain *c,
                        struct model_chain *now)
{
    parse(m, q, c->place, slot(q, c->place.slot)->flags, now);
}

static void check_event(struct model *m, struct model_queue *q, uint32_t v)
{
    bool event_idx = model_accepted(m, BIT_EVENT_IDX);

    model_judge_rows(v >> 16 <= (event_idx ? DESC : DISABLE), m, q,
                     event_idx ? "NOTIF-PACK-03 NOTIF-PACK-05 NOTIF-PACK-06"
                               : "NOTIF-PACK-02 NOTIF-PACK-03 NOTIF-PACK-05 NOTIF-PACK-06",
                     "driver event flags", v >> 16);
    model_judge_rows(v >> 16 != DESC || (v & 0x7fff) < q->num, m, q, "NOTIF-PACK-05",
                     "driver event slot", v & 0x7fff);
}

/*
 * The head of a batch is published; nothing of it may have been available before, and all that
 * follows it is complete by now.
 */
static void publish(struct model *m, struct model_queue *q, uint16_t flags)
{
    const struct model_packed_desc *d = slot(q, q->expose_at.slot);

    model_judge_rows(!is_avail(d->flags, q->expose_at.wrap), m, q, "PACK-19 PACK-33 PACK-34",
                     "exposed before it is published", q->expose_at.slot);
    model_judge_rows(is_avail(flags, q->expose_at.wrap), m, q, "PACK-08",
                     "published, and not available", flags);
    if (!m->scribbles && !m->lied)
        check_untouched(m, q);
    expose_one(m, q, flags);
    look(m, q);
}

static void on_event(struct model *m, struct model_queue *q, const struct host_event *e)
{
    if (e->kind == HOST_PUBLISH && e->addr == (uintptr_t)&slot(q, q->expose_at.slot)->flags)
        publish(m, q, (uint16_t)e->v);
    else if (e->kind == HOST_PUBLISH && e->addr - (uintptr_t)slot(q, 0) < 16ull * q->num)
        model_judge_rows(false, m, q, "PACK-07", "published at the wrong slot", q->expose_at.slot);
    else if (e->kind == HOST_STORE && e->addr == (uintptr_t)host_dma_pointer(q->driver, 4))
        check_event(m, q, (uint32_t)e->v);
}

/* ---- giving it back -------------------------------------------------------------------------- */

static void release_slots(struct model_queue *q, struct model_place p, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        q->shown[advance(q, p, i).slot].out = false;
    q->slots_out -= n;
}

/*
 * One used descriptor, at the first slot of the chain or batch. Its flags are stored by show().
 * Section 2.8.3: WRITE tells that something was written.
 */
static void put(struct model *m, struct model_queue *q, const struct model_chain *c, uint32_t len)
{
    struct model_packed_desc *d = slot(q, q->put_at.slot);
    uint16_t flags = q->put_at.wrap ? F_AVAIL | F_USED : 0;

    if (len && !m->no_write_flag)
        flags |= F_WRITE;
    flags |= m->used_flags;
    d->id = c->head;
    d->len = len;
    q->pending[q->pending_count++] = (struct model_pending){q->put_at.slot, flags};
    release_slots(q, q->put_at, q->skipped_slots + c->slots);
    q->put_at = advance(q, q->put_at, q->skipped_slots + c->slots);
}

static void amend(struct model_queue *q, enum model_used_word which, uint32_t v)
{
    struct model_pending *p = &q->pending[q->pending_count - 1];

    if (which == MODEL_USED_ID)
        slot(q, p->slot)->id = (uint16_t)v;
    else if (which == MODEL_USED_LEN)
        slot(q, p->slot)->len = v;
    else
        p->flags ^= (uint16_t)v;
}

/* The first one last, so that all are seen at once. */
static void show(struct model *m, struct model_queue *q)
{
    (void)m;
    while (q->pending_count > 0) {
        const struct model_pending *p = &q->pending[--q->pending_count];

        model_store16(&slot(q, p->slot)->flags, p->flags);
    }
    q->shown_at = q->put_at;
}

uint32_t model_driver_event(const struct model_queue *q)
{
    return model_load32(host_dma_pointer(q->driver, 4));
}

void model_put_device_event(struct model_queue *q, uint32_t v)
{
    model_store32(host_dma_pointer(q->device, 4), v);
}

bool model_packed_event_reference(const struct model_queue *q, struct model_place from,
                                  struct model_place to, uint16_t event)
{
    struct model_place p = from;

    for (unsigned n = 0; n < 2 * q->num; n++) {
        if (n > 0 && word_of(p) == word_of(to))
            return false;
        if (word_of(p) == event)
            return true;
        p = advance(q, p, 1);
    }
    return false;
}

static bool wants_irq(struct model *m, struct model_queue *q)
{
    uint32_t event = model_driver_event(q);
    struct model_place from = q->signal_at;

    check_event(m, q, event);
    q->signal_at = q->shown_at;
    if (event >> 16 == DESC)
        return word_of(from) != word_of(q->shown_at) &&
               model_packed_event_reference(q, from, q->shown_at, (uint16_t)event);
    return event >> 16 != DISABLE;
}

/* Where the device looks next. */
static struct model_place seen_at(const struct model_queue *q)
{
    return q->seen == q->published ? q->expose_at : q->exposed[q->pop_next].place;
}

static void want_kick(struct model *m, struct model_queue *q, bool on)
{
    uint32_t event = DISABLE << 16;

    if (on && model_accepted(m, BIT_EVENT_IDX))
        event = (uint32_t)DESC << 16 | word_of(seen_at(q));
    else if (on)
        event = ENABLE << 16;
    model_put_device_event(q, event);
}

static uint16_t position(const struct model_queue *q)
{
    return word_of(q->expose_at);
}

const struct model_ring model_packed_ring = {
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
