/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_ring.c - the device side of a virtqueue, whatever its format (virtio 1.4, section 2.6). It
 * reads what the driver published at the moment when it is published, judges it, and judges again
 * when it takes it that nothing was changed afterwards. While it holds a buffer, the driver's
 * accesses to it are errors.
 */
#include "model_ring.h"

#include <stdlib.h>

#include "model_pci.h"

void model_judge_rows(bool good, struct model *m, struct model_queue *q, const char *rows,
                      const char *what, unsigned v)
{
    if (!m->lied)
        model_rule(good, rows, "%s: queue %u: %s (%u)", m->name, q->index, what, v);
}

/* Two rows of the same rule, one for each format. */
static const char *by_ring(const struct model *m, const char *split, const char *packed)
{
    return model_accepted(m, BIT_PACKED) ? packed : split;
}

/* ---- the life of a queue --------------------------------------------------------------------- */

static void give_back(struct model_chain *c)
{
    for (unsigned i = 0; c->owned && i < c->count; i++)
        host_dma_return(c->segs[i].addr, c->segs[i].len);
    if (c->owned && c->indirect)
        host_dma_return(c->table, c->table_len);
    c->owned = false;
}

void model_check_area(struct model *m, struct model_queue *q, const char *what, uint64_t addr,
                      uint64_t len, unsigned align)
{
    model_rule(addr % align == 0, by_ring(m, "SPLIT-01", "PACK-01"),
               "%s: queue %u: %s area at %#llx is not aligned to %u", m->name, q->index, what,
               (unsigned long long)addr, align);
    model_rule(host_dma_is_block(addr, len), by_ring(m, "SPLIT-02", "PACK-02"),
               "%s: queue %u: %s area at %#llx is no DMA memory", m->name, q->index, what,
               (unsigned long long)addr);
}

void model_check_zeroed(struct model *m, struct model_queue *q, uint64_t addr, uint64_t len)
{
    uint8_t b = 0;

    for (uint64_t i = 0; i < len; i++) {
        if (host_dma_read(addr + i, &b, 1) && b != 0)
            break;
        b = 0;
    }
    model_rule(b == 0,
               model_is_legacy(m) ? "LEGACY-MMIO-14"
                                  : by_ring(m, "MMIO-INIT-09", "MMIO-INIT-09 PACK-05"),
               "%s: queue %u: ring memory is not zeroed", m->name, q->index);
}

void model_start_queue(struct model *m, struct model_queue *q)
{
    model_rule(q->num <= q->max, model_is_legacy(m) ? "LEGACY-MMIO-15" : "MMIO-REG-14",
               "%s: queue %u: size %u, at most %u", m->name, q->index, q->num, q->max);
    if (q->num == 0 || q->num > q->max || q->num > MODEL_RING_MAX) {
        q->num = 0;
        return;
    }
    q->ring = model_accepted(m, BIT_PACKED) ? &model_packed_ring : &model_split_ring;
    if (m->ring)
        q->ring = m->ring;
    q->exposed = calloc(q->num, sizeof(*q->exposed));
    q->held = calloc(q->num, sizeof(*q->held));
    q->ring->start(m, q);
    q->ready = true;
}

void model_let_all_go(struct model_queue *q)
{
    for (unsigned h = 0; q->exposed && h < q->num; h++) {
        give_back(&q->exposed[h]);
        give_back(&q->held[h]);
    }
}

/* The device drops the queue's buffers, and no longer reaches their memory. */
void model_reset_queue(struct model_queue *q)
{
    model_let_all_go(q);
    free(q->exposed);
    free(q->held);
    free(q->shown);
    q->exposed = q->held = NULL;
    q->shown = NULL;
    memset(q->outstanding, 0, sizeof(q->outstanding));
    q->num = 0;
    q->desc = q->driver = q->device = 0;
    q->halves = q->align = q->pfn = 0;
    q->ready = q->checked_idle = false;
    q->vector = 0xffff;
    q->seen = q->used = q->signalled = q->published = q->next_slot = 0;
    q->expose_next = q->pop_next = 0;
    q->slots_out = q->pending_count = q->skipped = q->skipped_slots = 0;
}

void model_kick(struct model *m, uint32_t queue, bool sync)
{
    struct model_queue *q = queue < MODEL_QUEUES ? &m->queues[queue] : NULL;

    model_rule(m->status & 4, "INIT-19", "%s: kick of queue %u in status %#x", m->name, queue,
               m->status);
    model_rule(sync, "", "%s: kick of queue %u without ordering", m->name, queue);
    model_rule(q && q->ready, "", "%s: kick of queue %u, which is not ready", m->name, queue);
    if (!q || !q->ready)
        return;
    q->kicks++;
    if (m->on.kick)
        m->on.kick(m, q);
}

uint16_t model_position(const struct model_queue *q)
{
    return q->ring->position(q);
}

/* ---- taking a chain -------------------------------------------------------------------------- */

void model_add_segment(struct model *m, struct model_queue *q, struct model_chain *c,
                       const struct model_seg *seg)
{
    model_judge_rows(seg->len != 0, m, q, "", "descriptor of length 0", c->count);
    model_judge_rows(seg->write || c->readable == c->count, m, q,
                     by_ring(m, "VQ-04", "VQ-04 PACK-16"), "readable descriptor after a writable",
                     c->count);
    model_judge_rows(host_dma_pointer(seg->addr, seg->len) != NULL, m, q,
                     by_ring(m, "SPLIT-06 FEAT-16", "FEAT-16"), "buffer is no memory", c->count);
    if (!model_accepted(m, BIT_INDIRECT))
        model_kept(by_ring(m, "SPLIT-12", "PACK-28"));
    if (c->count == MODEL_SEGS)
        return;
    c->segs[c->count++] = *seg;
    c->readable += !seg->write;
    if (seg->write)
        c->write_bytes += seg->len;
    else
        c->read_bytes += seg->len;
}

bool model_check_indirect(struct model *m, struct model_queue *q, struct model_chain *c,
                          uint64_t addr, uint32_t len, uint16_t flags, bool inner)
{
    model_judge_rows(model_accepted(m, BIT_INDIRECT), m, q, by_ring(m, "SPLIT-12", "PACK-28"),
                     "INDIRECT was not negotiated", c->count);
    model_judge_rows(!inner, m, q, by_ring(m, "SPLIT-13", "PACK-27 PACK-31"),
                     "INDIRECT inside of a list", c->count);
    model_judge_rows(!(flags & F_NEXT), m, q, by_ring(m, "SPLIT-15", "PACK-31"),
                     "INDIRECT with NEXT", c->count);
    model_judge_rows(!(flags & F_WRITE), m, q, "", "INDIRECT with WRITE", c->count);
    model_judge_rows(len != 0 && len % 16 == 0, m, q, by_ring(m, "SPLIT-17", "PACK-32"),
                     "indirect table length", len);
    model_judge_rows(len / 16 <= q->num, m, q, by_ring(m, "SPLIT-14", "PACK-30"),
                     "indirect chain longer than the queue", len / 16);
    model_judge_rows(addr % 16 == 0, m, q, "", "indirect table is not aligned", (unsigned)addr);
    c->indirect = true;
    c->table = addr;
    c->table_len = len;
    return !inner;
}

static void copy_chain(struct model_chain *to, const struct model_chain *from)
{
    memcpy(to, from, offsetof(struct model_chain, segs) + from->count * sizeof(from->segs[0]));
}

static void own(const struct model *m, struct model_chain *c)
{
    c->owned = true;
    for (unsigned i = m->cached ? c->readable : 0; i < c->count; i++)
        host_dma_own(c->segs[i].addr, c->segs[i].len);
    if (c->indirect)
        host_dma_own(c->table, c->table_len);
}

bool model_same_chain(const struct model_chain *a, const struct model_chain *b)
{
    if (a->head != b->head || a->count != b->count || a->indirect != b->indirect)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (a->segs[i].addr != b->segs[i].addr || a->segs[i].len != b->segs[i].len ||
            a->segs[i].write != b->segs[i].write)
            return false;
    return true;
}

struct model_chain *model_next_exposed(struct model_queue *q)
{
    give_back(&q->exposed[q->expose_next]); /* after a lie it may still be there */
    return &q->exposed[q->expose_next];
}

void model_disown(struct model *m, uint64_t addr)
{
    for (unsigned i = 0; i < MODEL_QUEUES; i++) {
        struct model_queue *q = &m->queues[i];

        for (unsigned k = 0; q->exposed && k < q->num; k++) {
            if (q->held[k].count && q->held[k].segs[0].addr == addr)
                model_let_go(q, q->held[k].head);
            if (q->exposed[k].owned && q->exposed[k].segs[0].addr == addr)
                model_let_go(q, q->exposed[k].head);
        }
    }
}

void model_exposed(struct model *m, struct model_queue *q, struct model_chain *c)
{
    model_judge_rows(c->head >= q->num || !q->outstanding[c->head], m, q,
                     by_ring(m, "INIT-20 SPLIT-21", "PACK-10"), "id is already out", c->head);
    if (c->head < q->num)
        q->outstanding[c->head] = true;
    own(m, c);
    q->published++;
    q->expose_next = (q->expose_next + 1) % q->num;
}

bool model_pop(struct model *m, struct model_queue *q, struct model_chain *c)
{
    struct model_chain now, *exposed;

    if (!q->ready)
        return false;
    q->ring->look(m, q);
    if (q->published == q->seen)
        return false;
    exposed = &q->exposed[q->pop_next];
    copy_chain(c, exposed);
    q->ring->parse_again(m, q, c, &now);
    model_judge_rows(model_same_chain(&now, c), m, q,
                     by_ring(m, "INIT-20 SPLIT-20", "INIT-20 PACK-11"),
                     "a published chain was changed", c->head);
    exposed->count = 0;
    exposed->indirect = exposed->owned = false;
    q->pop_next = (q->pop_next + 1) % q->num;
    q->seen++;
    q->pops++;
    if (c->head >= q->num)
        return false;
    give_back(&q->held[c->head]); /* after a lie two may have the same id */
    copy_chain(&q->held[c->head], c);
    return true;
}

void model_hear(const struct host_event *e, void *ctx)
{
    struct model *m = ctx;

    if (e->kind != HOST_PUBLISH && e->kind != HOST_STORE)
        return;
    for (unsigned i = 0; i < MODEL_QUEUES; i++)
        if (m->queues[i].ready)
            m->queues[i].ring->on_event(m, &m->queues[i], e);
}

void model_watch(struct model *m)
{
    host_set_hook(model_hear, m);
}

/* ---- giving it back -------------------------------------------------------------------------- */

uint32_t model_gather(const struct model_chain *c, uint32_t off, void *buf, uint32_t len)
{
    uint32_t done = 0;

    for (unsigned i = 0; i < c->readable && done < len; i++) {
        uint32_t n = c->segs[i].len;
        if (off >= n) {
            off -= n;
            continue;
        }
        n = n - off < len - done ? n - off : len - done;
        host_dma_read(c->segs[i].addr + off, (uint8_t *)buf + done, n);
        done += n;
        off = 0;
    }
    return done;
}

uint32_t model_scatter(const struct model_chain *c, uint32_t off, const void *buf, uint32_t len)
{
    uint32_t done = 0;

    for (unsigned i = c->readable; i < c->count && done < len; i++) {
        uint32_t n = c->segs[i].len;
        if (off >= n) {
            off -= n;
            continue;
        }
        n = n - off < len - done ? n - off : len - done;
        host_dma_write(c->segs[i].addr + off, (const uint8_t *)buf + done, n);
        done += n;
        off = 0;
    }
    return done;
}

/* More than one has this id only if the device gave back what it had not taken yet. */
void model_let_go(struct model_queue *q, uint32_t id)
{
    if (id >= q->num || !q->outstanding[id])
        return;
    q->outstanding[id] = false;
    give_back(&q->held[id]);
    q->held[id].count = 0;
    q->held[id].indirect = false;
    for (unsigned i = 0; i < q->num; i++)
        if (q->exposed[i].head == id)
            give_back(&q->exposed[i]);
}

void model_push(struct model *m, struct model_queue *q, const struct model_chain *c, uint32_t len)
{
    if (!m->scribbles && !m->lied)
        q->ring->check_held(m, q, c);
    model_let_go(q, c->head);
    q->ring->put(m, q, c, len);
    if (m->on.put)
        m->on.put(m, q, c);
    q->used = (uint16_t)(q->used + 1 + q->skipped);
    q->pushes += 1 + q->skipped;
    q->skipped = q->skipped_slots = 0;
}

void model_skip(struct model_queue *q, const struct model_chain *c)
{
    model_let_go(q, c->head);
    q->skipped++;
    q->skipped_slots += c->slots;
}

void model_forge(struct model *m, struct model_queue *q, uint32_t id, uint32_t len)
{
    struct model_chain c = {.head = (uint16_t)id, .slots = 1};

    if (id < q->num && q->held[id].count)
        c.slots = q->held[id].slots;
    if (q->ring == &model_split_ring)
        model_put_used(q, q->used, id, len);
    else
        q->ring->put(m, q, &c, len);
    q->used++;
}

void model_amend(struct model_queue *q, enum model_used_word which, uint32_t v)
{
    q->ring->amend(q, which, v);
}

void model_show(struct model *m, struct model_queue *q)
{
    q->ring->show(m, q);
}

bool model_wants_irq(struct model *m, struct model_queue *q)
{
    return q->ring->wants_irq(m, q);
}

void model_publish(struct model *m, struct model_queue *q)
{
    q->ring->show(m, q);
    host_full_barrier();
    if (q->ring->wants_irq(m, q)) {
        q->irqs++;
        if (!m->dead_silent)
            model_raise(m, 1, q);
    }
}

void model_complete(struct model *m, struct model_queue *q, const struct model_chain *c,
                    uint32_t len)
{
    model_push(m, q, c, len);
    model_publish(m, q);
}

unsigned model_serve(struct model *m, struct model_queue *q)
{
    struct model_chain c;
    unsigned n = 0;

    while (model_pop(m, q, &c)) {
        model_push(m, q, &c, c.write_bytes);
        n++;
    }
    if (n)
        model_publish(m, q);
    model_want_kick(m, q, true);
    return n;
}

void model_want_kick(struct model *m, struct model_queue *q, bool on)
{
    q->ring->want_kick(m, q, on);
}

bool model_has_more(struct model *m, struct model_queue *q)
{
    q->ring->look(m, q);
    return q->published != q->seen;
}

void model_raise(struct model *m, uint32_t cause, struct model_queue *q)
{
    if (m->pci) {
        model_vpci_raise(m, cause, q);
        return;
    }
    m->interrupt_status |= cause;
    if (m->irq >= 0)
        host_irq_set(m->irq, true);
}
