/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * script.c - the lies of script.h: one dispatcher behind the model's events, and a function for
 * each deed.
 */
#include "script.h"

#include <stdio.h>

#include "check.h"
#include "model_pci.h"
#include "model_ring.h"

/* What an entry is about to happen to. */
struct moment {
    enum script_when when;
    unsigned at;
    struct model_queue *q;
    const struct model_chain *chain;
    uint32_t *answer;
    void *word;
    unsigned width;
    uint32_t value; /* that was loaded from it */
};

static struct {
    struct model *m;
    const struct script_entry *entries;
    unsigned count, seen[SCRIPT_MAX], done;
    void (*kick)(struct model *m, struct model_queue *q); /* the device's own ear */
    bool running, acting, deaf;
    unsigned unheard;        /* bits: queues whose kick was ignored */
    struct model_chain last; /* given back last */
    bool has_last;
} s;

/* ---- registers ------------------------------------------------------------------------------- */

struct place {
    uint8_t space; /* + 1; 0: there is no such register */
    uint8_t off;
};
#define AT(space, off)                                                                             \
    {                                                                                              \
        MODEL_AT_##space + 1, off                                                                  \
    }

static const struct place places[][REG_DEVICE_CONFIG] = {
    [MODEL_MMIO] = {[REG_IDENTITY] = AT(REGISTERS, 0x000),
                    [REG_FEATURES] = AT(REGISTERS, 0x010),
                    [REG_STATUS] = AT(REGISTERS, 0x070),
                    [REG_QUEUE_MAX] = AT(REGISTERS, 0x034),
                    [REG_QUEUE_USE] = AT(REGISTERS, 0x044),
                    [REG_GENERATION] = AT(REGISTERS, 0x0fc),
                    [REG_CAUSE] = AT(REGISTERS, 0x060),
                    [REG_QUEUE_RESET] = AT(REGISTERS, 0x0c0)},
    [MODEL_MMIO_LEGACY] = {[REG_IDENTITY] = AT(REGISTERS, 0x000),
                           [REG_FEATURES] = AT(REGISTERS, 0x010),
                           [REG_STATUS] = AT(REGISTERS, 0x070),
                           [REG_QUEUE_MAX] = AT(REGISTERS, 0x034),
                           [REG_QUEUE_USE] = AT(REGISTERS, 0x040),
                           [REG_CAUSE] = AT(REGISTERS, 0x060)},
    [MODEL_PCI] = {[REG_IDENTITY] = AT(FUNCTION, 0),
                   [REG_FEATURES] = AT(REGISTERS, 4),
                   [REG_STATUS] = AT(REGISTERS, 20),
                   [REG_QUEUE_MAX] = AT(REGISTERS, 24),
                   [REG_QUEUE_USE] = AT(REGISTERS, 28),
                   [REG_GENERATION] = AT(REGISTERS, 21),
                   [REG_CAUSE] = AT(ISR, 0),
                   [REG_QUEUE_RESET] = AT(REGISTERS, 58),
                   [REG_NUM_QUEUES] = AT(REGISTERS, 18),
                   [REG_NOTIFY_OFF] = AT(REGISTERS, 30),
                   [REG_VECTOR] = AT(REGISTERS, 26)},
    [MODEL_PCI_LEGACY] = {[REG_IDENTITY] = AT(FUNCTION, 0),
                          [REG_FEATURES] = AT(REGISTERS, 0),
                          [REG_STATUS] = AT(REGISTERS, 18),
                          [REG_QUEUE_MAX] = AT(REGISTERS, 12),
                          [REG_QUEUE_USE] = AT(REGISTERS, 8),
                          [REG_CAUSE] = AT(REGISTERS, 19),
                          [REG_VECTOR] = AT(REGISTERS, 22)},
};

/* The name of a register, by where it lies. */
static unsigned name_of(const struct model *m, enum model_space space, unsigned off)
{
    if (space == MODEL_AT_CONFIG)
        return REG_DEVICE_CONFIG + (off & 255);
    for (unsigned r = REG_ANY + 1; r < REG_DEVICE_CONFIG; r++)
        if (places[m->transport][r].space == space + 1 && places[m->transport][r].off == off)
            return r;
    return space == MODEL_AT_FUNCTION ? REG_FUNCTION + off : REG_ANY;
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool inside(uintptr_t at, uint64_t bus, size_t len)
{
    const void *start = host_dma_pointer(bus, len);

    return start && at - (uintptr_t)start < len;
}

static unsigned word_of_split(const struct model_queue *q, unsigned off)
{
    if (off == 2)
        return WORD_USED_IDX;
    if (off == 0 || off == 4 + 8 * q->num)
        return WORD_SUPPRESS;
    return off % 8 == 4 ? WORD_USED_ID : WORD_USED_LEN;
}

/* Which word of a queue it is; WORD_ANY: none. Sets the queue. */
static unsigned word_at(struct model *m, uintptr_t at, struct model_queue **q)
{
    for (unsigned i = 0; i < MODEL_QUEUES; i++) {
        *q = &m->queues[i];
        if (!(*q)->ready)
            continue;
        bool split = (*q)->ring == &model_split_ring;
        uint64_t base = split ? (*q)->device : (*q)->desc;
        size_t len = split ? 6 + 8ull * (*q)->num : 16ull * (*q)->num;

        if (!split && inside(at, (*q)->device, 4))
            return WORD_SUPPRESS;
        if (!inside(at, base, len))
            continue;
        unsigned off = (unsigned)(at - (uintptr_t)host_dma_pointer(base, len));
        if (split)
            return word_of_split(*q, off);
        return off % 16 == 14 ? WORD_USED_IDX : off % 16 == 12 ? WORD_USED_ID : WORD_USED_LEN;
    }
    *q = NULL;
    return WORD_DATA;
}

/* ---- deeds ----------------------------------------------------------------------------------- */

static struct model_queue *queue_of(const struct moment *at)
{
    return at->q ? at->q : &s.m->queues[0];
}

static void change_word(const struct script_entry *e, const struct moment *at)
{
    uint32_t v = e->add ? at->value + e->v : e->v;

    if (!at->word)
        return;
    if (at->width == 1)
        __atomic_store_n((uint8_t *)at->word, (uint8_t)v, __ATOMIC_RELAXED);
    else if (at->width == 2)
        __atomic_store_n((uint16_t *)at->word, (uint16_t)v, __ATOMIC_RELAXED);
    else
        __atomic_store_n((uint32_t *)at->word, v, __ATOMIC_RELAXED);
}

static void forge(struct model_queue *q, uint32_t id, uint32_t len)
{
    if (!q->ready || q->pending_count)
        return;
    s.m->lied = true;
    model_forge(s.m, q, id, len);
    model_let_go(q, id);
    model_show(s.m, q);
}

/* Stale entries become visible. The driver takes their buffers for done, so the device drops them.
 */
static void jump(struct model_queue *q, uint32_t by)
{
    if (!q->ready)
        return;
    s.m->lied = true;
    if (q->ring != &model_split_ring) {
        for (uint32_t i = 0; i < by && i < q->num && !q->pending_count; i++)
            forge(q, i, 0);
        return;
    }
    for (uint32_t i = 0; i < by && i < q->num; i++) {
        const uint32_t *elem = host_dma_pointer(q->device + 4 + 8ull * ((q->used + i) % q->num), 8);

        model_let_go(q, elem ? *elem : UINT32_MAX);
    }
    q->used = (uint16_t)(q->used + by);
    model_put_used_idx(q, q->used);
}

static void suppress(struct model_queue *q, uint32_t v)
{
    if (!q->ready)
        return;
    if (q->ring != &model_split_ring) {
        model_put_device_event(q, v);
        return;
    }
    model_put_used_flags(q, (uint16_t)v);
    model_put_avail_event(q, (uint16_t)v);
}

/* Address, length and the list of what the device holds; nothing that tells whose a slot is. */
static void rewrite(struct model_queue *q, uint32_t v)
{
    bool split = q->ready && q->ring == &model_split_ring;

    s.m->scribbles = true;
    for (unsigned id = 0; q->ready && id < q->num; id++) {
        const struct model_chain *c = &q->held[id];
        uint64_t junk[2] = {v * 0x100000001ull, v * 0x100000001ull};

        if (!c->count || !q->outstanding[id])
            continue;
        host_dma_write(q->desc + 16ull * (split ? c->head : c->place.slot), junk, split ? 16 : 12);
        if (c->indirect)
            host_dma_write(c->table, junk, 16);
    }
}

static void write_late(uint32_t v)
{
    uint8_t junk[64];

    memset(junk, (int)v, sizeof(junk));
    for (unsigned i = 0; s.has_last && i < s.last.count; i++)
        if (s.last.segs[i].write)
            host_dma_write(s.last.segs[i].addr, junk,
                           s.last.segs[i].len < 64 ? s.last.segs[i].len : 64);
}

static void change_config(uint32_t off, uint32_t v)
{
    s.m->config[off % MODEL_CONFIG] = (uint8_t)v;
    s.m->generation++;
    if (s.m->status & 4)
        model_raise(s.m, 2, NULL);
}

static void hear(void *ctx)
{
    unsigned waiting = s.unheard;

    (void)ctx;
    s.deaf = false;
    s.unheard = 0;
    for (unsigned i = 0; i < MODEL_QUEUES && !s.m->gone; i++)
        if (waiting >> i & 1 && s.m->queues[i].ready && s.kick)
            s.kick(s.m, &s.m->queues[i]);
}

static void be_deaf(uint32_t us, const struct moment *at)
{
    s.deaf = true;
    if (at->when == AT_KICK)
        s.unheard |= 1u << at->q->index;
    if (us)
        host_at(hal_now_ns() + us * HAL_US, hear, NULL);
}

static void used_word(const struct script_entry *e, const struct moment *at)
{
    bool id = e->what == DO_USED_ID;
    uint32_t right = id ? at->chain->head : at->chain->write_bytes, v = e->v;

    if (e->add)
        v += right;
    model_amend(at->q, id ? MODEL_USED_ID : MODEL_USED_LEN, v);
    if (!id)
        return;
    s.m->lied = true;
    model_let_go(at->q, at->q->ring == &model_split_ring ? v : (uint16_t)v);
}

/* What an entry does to what is being read, loaded or put right now. */
static bool change(const struct script_entry *e, const struct moment *at)
{
    switch (e->what) {
    case DO_ANSWER:
    case DO_TOGGLE:
        if (at->answer)
            *at->answer = e->what == DO_ANSWER ? e->v : *at->answer ^ e->v;
        host_excuse(s.m->name);
        return true;
    case DO_CHANGE:
        change_word(e, at);
        s.m->lied |= at->at == WORD_USED_IDX;
        return true;
    case DO_USED_ID:
    case DO_USED_LEN:
        if (at->chain)
            used_word(e, at);
        return true;
    case DO_USED_FLAGS:
        if (at->chain)
            model_amend(at->q, MODEL_USED_FLAGS, e->v);
        s.m->lied = true;
        return true;
    default:
        return false;
    }
}

/* What it does to a queue or the memory. */
static bool attack(const struct script_entry *e, const struct moment *at)
{
    struct model_queue *q = queue_of(at);

    switch (e->what) {
    case DO_FORGE:
        forge(q, e->v, e->arg);
        return true;
    case DO_JUMP:
        jump(q, e->v);
        return true;
    case DO_SUPPRESS:
        suppress(q, e->v);
        return true;
    case DO_REWRITE:
        rewrite(q, e->v);
        return true;
    case DO_LATE:
        write_late(e->v);
        return true;
    case DO_CONFIG:
        change_config(e->arg, e->v);
        return true;
    case DO_CAPABILITY:
        if (s.m->pci)
            model_pci_put(&s.m->pci->fn, e->arg % MODEL_PCI_CONFIG, 1, e->v);
        return true;
    default:
        return false;
    }
}

/* What becomes of the device. */
static void behave(const struct script_entry *e, const struct moment *at)
{
    struct model *m = s.m;

    switch (e->what) {
    case DO_SILENCE:
    case DO_DELAY:
        be_deaf(e->v, at);
        break;
    case DO_MUTE:
        m->dead_silent = true;
        break;
    case DO_INTERRUPT:
        model_raise(m, e->v & 3, queue_of(at));
        break;
    case DO_NEEDS_RESET:
        m->status |= m->status & 4 ? 0x40 : 0;
        model_raise(m, 2, NULL);
        break;
    case DO_SLOW_RESET:
        m->reset_reads = e->v;
        break;
    case DO_NO_RESET:
        m->reset_never = true;
        break;
    default: /* DO_VANISH */
        host_excuse(m->name);
        m->gone = true;
        if (m->pci)
            m->pci->fn.gone = true;
    }
}

/* ---- moments --------------------------------------------------------------------------------- */

static bool comes_now(unsigned i, const struct moment *at)
{
    const struct script_entry *e = &s.entries[i];
    uint32_t n = e->n ? e->n : 1, times = e->times ? e->times : 1;

    if (e->when != at->when || (e->at && e->at != at->at))
        return false;
    s.seen[i]++;
    return s.seen[i] >= n && s.seen[i] - n < times;
}

/* A deed does not cause moments of its own. */
static void happens(const struct moment *at)
{
    if (!s.running || s.acting || s.m->gone)
        return;
    s.acting = true;
    for (unsigned i = 0; i < s.count; i++) {
        if (!comes_now(i, at))
            continue;
        s.done++;
        if (!change(&s.entries[i], at) && !attack(&s.entries[i], at))
            behave(&s.entries[i], at);
    }
    s.acting = false;
}

static uint32_t on_access(struct model *m, enum model_space space, unsigned off, bool write,
                          uint32_t v)
{
    struct moment at = {.when = AT_ACCESS, .at = name_of(m, space, off)};

    happens(&at);
    at.when = AT_READ;
    at.answer = &v;
    if (!write)
        happens(&at);
    return v;
}

static void on_kick(struct model *m, struct model_queue *q)
{
    struct moment at = {.when = AT_KICK, .q = q};

    happens(&at);
    if (s.deaf || m->gone)
        s.unheard |= 1u << q->index;
    else if (s.kick)
        s.kick(m, q);
}

static void on_put(struct model *m, struct model_queue *q, const struct model_chain *c)
{
    struct moment at = {.when = AT_USED, .q = q, .chain = c};

    (void)m;
    memcpy(&s.last, c, sizeof(s.last));
    s.has_last = true;
    happens(&at);
}

static void on_event(const struct host_event *e, void *ctx)
{
    struct moment at = {.when = AT_LOAD,
                        .word = (void *)(uintptr_t)e->addr,
                        .width = e->width,
                        .value = (uint32_t)e->v};

    model_hear(e, ctx);
    if (e->kind != HOST_LOAD && e->kind != HOST_OBSERVE && e->kind != HOST_CHECKED)
        return;
    at.at = word_at(ctx, (uintptr_t)e->addr, &at.q);
    happens(&at);
}

static void on_time(void *entry)
{
    const struct script_entry *e = entry;
    struct moment at = {.when = AT_TIME};

    if (!s.running || s.m->gone || e < s.entries || e >= s.entries + s.count)
        return;
    s.done++;
    s.acting = true;
    if (!change(e, &at) && !attack(e, &at))
        behave(e, &at);
    s.acting = false;
}

/* ---- the script ------------------------------------------------------------------------------ */

void script_begin(struct model *m, const struct script_entry *entries, unsigned n)
{
    struct moment at = {.when = AT_ONCE};

    CHECK(n <= SCRIPT_MAX && !s.running);
    if (s.m != m) {
        s.m = m;
        s.kick = m->on.kick;
        m->on.kick = on_kick;
        m->on.access = on_access;
        m->on.put = on_put;
    }
    host_set_hook(on_event, m);
    s.entries = entries;
    s.count = n;
    memset(s.seen, 0, sizeof(s.seen));
    s.done = 0;
    s.running = true;
    for (unsigned i = 0; i < n; i++)
        if (entries[i].when == AT_TIME)
            host_at(hal_now_ns() + entries[i].n * HAL_US, on_time, (void *)&entries[i]);
    happens(&at);
}

void script_end(void)
{
    s.running = false;
    s.m->dead_silent = s.m->reset_never = false;
    s.m->reset_reads = 0;
    hear(NULL);
}

unsigned script_done(void)
{
    return s.done;
}

void script_print(const struct script_entry *e)
{
    static const char *const when[SCRIPT_MOMENTS] = {"ONCE", "ACCESS", "READ", "KICK",
                                                     "LOAD", "USED",   "TIME"};
    static const char *const what[SCRIPT_DEEDS] = {
        "ANSWER", "TOGGLE",   "CHANGE",    "USED_ID",     "USED_LEN",   "USED_FLAGS", "FORGE",
        "JUMP",   "SUPPRESS", "REWRITE",   "LATE",        "CONFIG",     "CAPABILITY", "SILENCE",
        "DELAY",  "MUTE",     "INTERRUPT", "NEEDS_RESET", "SLOW_RESET", "NO_RESET",   "VANISH"};

    fprintf(stderr,
            "    {.when = AT_%s, .at = %u, .n = %u, .times = %u, .what = DO_%s, "
            ".add = %d, .v = %#x, .arg = %#x},\n",
            when[e->when], e->at, e->n, e->times, what[e->what], e->add, e->v, e->arg);
}
