/*
 * model_ring.c - the device side of the split virtqueue (virtio 1.4, section 2.7). It reads what
 * the driver published at the moment when it is published, judges it, and judges again when it
 * takes it that nothing was changed afterwards. While it holds a buffer, the driver's accesses to
 * it are errors.
 */
#include "model.h"
#include "model_pci.h"

enum { F_NEXT = 1, F_WRITE = 2, F_INDIRECT = 4 };
enum { BIT_INDIRECT = 28, BIT_EVENT_IDX = 29 };

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

static uint16_t load(const uint16_t *p)
{
    return p ? __atomic_load_n(p, __ATOMIC_ACQUIRE) : 0;
}

static void store(uint16_t *p, uint16_t v)
{
    if (p)
        __atomic_store_n(p, v, __ATOMIC_RELEASE);
}

uint16_t model_avail_idx(const struct model_queue *q)
{
    return load(word(q->driver + 2));
}

uint16_t model_avail_flags(const struct model_queue *q)
{
    return load(word(q->driver));
}

uint16_t *model_used_event_word(const struct model_queue *q)
{
    return word(q->driver + 4 + 2ull * q->num);
}

uint16_t model_used_event(const struct model *m, const struct model_queue *q)
{
    (void)m;
    return load(model_used_event_word(q));
}

uint16_t *model_used_idx_word(const struct model_queue *q)
{
    return word(q->device + 2);
}

void model_put_used_idx(struct model_queue *q, uint16_t idx)
{
    store(model_used_idx_word(q), idx);
}

void model_put_used_flags(struct model_queue *q, uint16_t v)
{
    store(word(q->device), v);
}

void model_put_avail_event(struct model_queue *q, uint16_t v)
{
    store(word(q->device + 4 + 8ull * q->num), v);
}

void model_put_used(struct model_queue *q, uint16_t at, uint32_t id, uint32_t len)
{
    uint32_t *elem = host_dma_pointer(q->device + 4 + 8ull * (at % q->num), 8);

    if (elem) {
        __atomic_store_n(&elem[0], id, __ATOMIC_RELAXED);
        __atomic_store_n(&elem[1], len, __ATOMIC_RELAXED);
    }
}

void model_want_kick(struct model *m, struct model_queue *q, bool on)
{
    if (model_accepted(m, BIT_EVENT_IDX))
        model_put_avail_event(q, (uint16_t)(on ? q->seen : q->seen + 0x8000));
    else
        model_put_used_flags(q, !on);
}

void model_start_index(struct model_queue *q, uint16_t start)
{
    q->seen = q->used = q->signalled = q->published = start;
    store(word(q->driver + 2), start);
    model_put_used_idx(q, start);
}

/* ---- taking a chain -------------------------------------------------------------------------- */

static void judge(bool good, struct model *m, struct model_queue *q, const char *what, unsigned v)
{
    if (!good)
        host_violation("%s: queue %u: %s (%u)", m->name, q->index, what, v);
}

static void add_segment(struct model *m, struct model_queue *q, struct model_chain *c,
                        const struct raw_desc *d)
{
    bool write = d->flags & F_WRITE;

    judge(d->len != 0, m, q, "descriptor of length 0", c->count);
    judge(write || c->readable == c->count, m, q, "readable descriptor after a writable", c->count);
    judge(host_dma_pointer(d->addr, d->len) != NULL, m, q, "buffer is no memory", c->count);
    if (c->count == MODEL_SEGS)
        return;
    c->segs[c->count++] = (struct model_seg){d->addr, d->len, write};
    c->readable += !write;
    if (write)
        c->write_bytes += d->len;
    else
        c->read_bytes += d->len;
}

static bool read_desc(uint64_t table, unsigned i, struct raw_desc *d)
{
    return host_dma_read(table + 16ull * i, d, sizeof(*d));
}

/* Follows a list in a table of `entries`, at most that many steps. */
static void walk(struct model *m, struct model_queue *q, struct model_chain *c, uint64_t table,
                 unsigned entries, unsigned at, bool inner)
{
    struct raw_desc d;

    for (unsigned steps = 0;; steps++) {
        judge(steps < entries, m, q, "chain is longer than its table", entries);
        judge(at < entries, m, q, "descriptor index out of range", at);
        if (steps >= entries || at >= entries || !read_desc(table, at, &d))
            return;
        judge(!(d.flags & ~7u), m, q, "undefined descriptor flags", d.flags);
        if (d.flags & F_INDIRECT) {
            judge(!inner && model_accepted(m, BIT_INDIRECT), m, q, "INDIRECT is not allowed here",
                  at);
            judge(!(d.flags & F_NEXT), m, q, "INDIRECT with NEXT", at);
            judge(!(d.flags & F_WRITE), m, q, "INDIRECT with WRITE", at);
            judge(d.len != 0 && d.len % 16 == 0, m, q, "indirect table length", d.len);
            judge(d.len / 16 <= q->num, m, q, "indirect chain longer than the queue", d.len / 16);
            c->indirect = true;
            c->table = d.addr;
            c->table_len = d.len;
            if (!inner)
                walk(m, q, c, d.addr, d.len / 16, 0, true);
            return;
        }
        add_segment(m, q, c, &d);
        if (!(d.flags & F_NEXT))
            return;
        at = d.next;
    }
}

static void parse(struct model *m, struct model_queue *q, uint16_t idx, struct model_chain *c)
{
    memset(c, 0, offsetof(struct model_chain, segs));
    c->head = load(word(q->driver + 4 + 2ull * (idx % q->num)));
    judge(c->head < q->num, m, q, "head out of range", c->head);
    if (c->head >= q->num)
        return;
    walk(m, q, c, q->desc, q->num, c->head, false);
    judge(c->count <= q->num, m, q, "chain longer than the queue", c->count);
}

static void copy_chain(struct model_chain *to, const struct model_chain *from)
{
    memcpy(to, from, offsetof(struct model_chain, segs) + from->count * sizeof(from->segs[0]));
}

static void own(const struct model_chain *c)
{
    for (unsigned i = 0; i < c->count; i++)
        host_dma_own(c->segs[i].addr, c->segs[i].len);
    if (c->indirect)
        host_dma_own(c->table, c->table_len);
}

void model_give_back(const struct model_chain *c)
{
    for (unsigned i = 0; i < c->count; i++)
        host_dma_return(c->segs[i].addr, c->segs[i].len);
    if (c->indirect)
        host_dma_return(c->table, c->table_len);
}

static bool same(const struct model_chain *a, const struct model_chain *b)
{
    if (a->head != b->head || a->count != b->count || a->indirect != b->indirect)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (a->segs[i].addr != b->segs[i].addr || a->segs[i].len != b->segs[i].len ||
            a->segs[i].write != b->segs[i].write)
            return false;
    return true;
}

/* The driver may not touch what the device holds: it is as it was when it was taken. */
static void check_held(struct model *m, struct model_queue *q, const struct model_chain *c)
{
    struct model_chain now;

    memset(&now, 0, offsetof(struct model_chain, segs));
    now.head = c->head;
    walk(m, q, &now, q->desc, q->num, now.head, false);
    if (!same(&now, c))
        host_violation("%s: queue %u: a chain that the device holds was changed", m->name,
                       q->index);
}

/* Section 2.7.7.1: 0 or 1, and always 0 with event index. */
static void check_flags(struct model *m, struct model_queue *q)
{
    uint16_t flags = model_avail_flags(q);

    judge(flags <= !model_accepted(m, BIT_EVENT_IDX), m, q, "available flags", flags);
}

/* Takes notice of everything that was published: from here on it belongs to the device. */
void model_expose(struct model *m, struct model_queue *q, uint16_t idx)
{
    check_flags(m, q);
    judge((uint16_t)(idx - q->seen) <= q->num, m, q, "available index jumps", idx);
    if ((uint16_t)(idx - q->seen) > q->num)
        return;
    while (q->published != idx) {
        struct model_chain *c = &q->exposed[q->published % q->num];

        parse(m, q, q->published, c);
        judge(c->head >= q->num || !q->outstanding[c->head], m, q, "head is already out", c->head);
        if (c->head < q->num)
            q->outstanding[c->head] = true;
        own(c);
        q->published++;
    }
}

bool model_pop(struct model *m, struct model_queue *q, struct model_chain *c)
{
    struct model_chain now;
    uint16_t idx = q->num ? model_avail_idx(q) : 0;

    if (!q->ready || idx == q->seen)
        return false;
    model_expose(m, q, idx);
    copy_chain(c, &q->exposed[q->seen % q->num]);
    parse(m, q, q->seen, &now);
    if (!same(&now, c))
        host_violation("%s: queue %u: a published chain was changed", m->name, q->index);
    q->exposed[q->seen % q->num].count = 0;
    q->exposed[q->seen % q->num].indirect = false;
    q->seen++;
    q->pops++;
    if (c->head >= q->num)
        return false;
    copy_chain(&q->held[c->head], c);
    return true;
}

static void on_event(const struct host_event *e, void *ctx)
{
    struct model *m = ctx;

    if (e->kind != HOST_PUBLISH)
        return;
    for (unsigned i = 0; i < MODEL_QUEUES; i++) {
        struct model_queue *q = &m->queues[i];
        if (q->ready && e->addr == (uintptr_t)word(q->driver + 2))
            model_expose(m, q, (uint16_t)e->v);
    }
}

void model_watch(struct model *m)
{
    host_set_hook(on_event, m);
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

void model_push(struct model *m, struct model_queue *q, const struct model_chain *c, uint32_t len)
{
    if (!m->scribbles)
        check_held(m, q, c);
    model_give_back(c);
    q->held[c->head].count = 0;
    q->held[c->head].indirect = false;
    q->outstanding[c->head] = false;
    model_put_used(q, q->used, c->head, len);
    q->used++;
    q->pushes++;
}

bool model_event_reference(uint16_t old, uint16_t new, uint16_t event)
{
    for (uint16_t i = old; i != new; i++)
        if (i == event)
            return true;
    return false;
}

void model_publish(struct model *m, struct model_queue *q)
{
    bool wanted;

    model_put_used_idx(q, q->used);
    host_full_barrier();
    if (model_accepted(m, BIT_EVENT_IDX))
        wanted = model_event_reference(q->signalled, q->used, model_used_event(m, q));
    else
        wanted = !(model_avail_flags(q) & 1);
    q->signalled = q->used;
    if (wanted) {
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
