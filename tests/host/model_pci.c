/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_pci.c - configuration space behind ECAM, BARs, MSI-X tables and lines (PCI 3.0, chapter 6;
 * PCIe 4.0, 7.2.2).
 */
#include "model_pci.h"

#include <stdio.h>
#include <stdlib.h>

#define FUNCTIONS 64
#define ECAM_BUS  (1u << 20)

enum { COMMAND = 4, STATUS = 6, HEADER = 0x0e, BAR0 = 0x10, SECONDARY = 0x19 };
enum { CAP_POINTER = 0x34, PIN = 0x3d };
enum { DECODE_IO = 1, DECODE_MEM = 2, MASTER = 4, INTX_OFF = 0x400 };
enum { MSIX_ON = 0x8000, MSIX_MASK_ALL = 0x4000 };

static struct model_pci_fn *functions[FUNCTIONS];
static unsigned count;
static struct hal_pci_host host;
static bool wired;

uint32_t model_pci_get(const struct model_pci_fn *f, unsigned off, unsigned width)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < width; i++)
        v |= (uint32_t)f->config[off + i] << 8 * i;
    return v;
}

void model_pci_put(struct model_pci_fn *f, unsigned off, unsigned width, uint32_t v)
{
    for (unsigned i = 0; i < width; i++)
        f->config[off + i] = (uint8_t)(v >> 8 * i);
}

/* Of several that were there one after another, the one that answers. */
static struct model_pci_fn *at_slot(unsigned bus, unsigned dev, unsigned fn)
{
    struct model_pci_fn *found = NULL;

    for (unsigned i = 0; i < count; i++)
        if (model_pci_bus(functions[i]) == (int)bus && functions[i]->dev == dev &&
            functions[i]->fn == fn && (!found || found->gone))
            found = functions[i];
    return found;
}

/* Is there a bus of that number? */
static bool bus_exists(unsigned bus)
{
    for (unsigned i = 0; i < count; i++) {
        const struct model_pci_fn *f = functions[i];

        if (f->config[HEADER] & 1 && model_pci_bus(f) >= 0 && f->config[SECONDARY] == bus)
            return true;
    }
    return bus == host.bus_first;
}

static void wrong(const struct model_pci_fn *f, const char *what, unsigned v)
{
    host_violation("pci %u.%u: %s (%#x)", f->dev, f->fn, what, v);
}

bool model_pci_master(const struct model_pci_fn *f)
{
    return model_pci_get(f, COMMAND, 2) & MASTER;
}

/* ---- BARs ------------------------------------------------------------------------------------ */

static bool decodes(const struct model_pci_fn *f, unsigned i)
{
    unsigned want = f->bar[i].kind == MODEL_BAR_IO ? DECODE_IO : DECODE_MEM;

    return f->bar[i].kind && model_pci_get(f, COMMAND, 2) & want;
}

static uint32_t bar_flags(const struct model_pci_bar *b)
{
    return b->kind == MODEL_BAR_IO ? 1 : b->kind == MODEL_BAR_MEM64 ? (b->plain ? 4 : 0xc) : 0;
}

static uint32_t read_bar(const struct model_pci_fn *f, unsigned i)
{
    if (i > 0 && f->bar[i - 1].kind == MODEL_BAR_MEM64)
        return (uint32_t)(f->bar[i - 1].addr >> 32);
    return (uint32_t)f->bar[i].addr | bar_flags(&f->bar[i]);
}

static void write_bar(struct model_pci_fn *f, unsigned i, uint32_t v)
{
    bool upper = i > 0 && f->bar[i - 1].kind == MODEL_BAR_MEM64;
    struct model_pci_bar *b = &f->bar[i - upper];
    uint64_t addr = upper ? (b->addr & UINT32_MAX) | (uint64_t)v << 32 : (b->addr >> 32 << 32) | v;

    if (decodes(f, i - upper))
        wrong(f, "a BAR is written while it decodes", i);
    if (v != UINT32_MAX && !upper && b->kind && v & (b->size - 1) & ~(uint64_t)15)
        wrong(f, "a BAR is not aligned to its size", v);
    b->addr = b->kind ? addr & ~(b->size - 1) : 0;
    if (b->kind == MODEL_BAR_IO || b->kind == MODEL_BAR_MEM32)
        b->addr &= UINT32_MAX;
}

static bool inside(const struct hal_pci_window *w, const struct model_pci_bar *b)
{
    return b->addr >= w->pci && b->addr - w->pci < w->len && b->size <= w->len - (b->addr - w->pci);
}

static bool same_space(const struct model_pci_bar *a, const struct model_pci_bar *b)
{
    return (a->kind == MODEL_BAR_IO) == (b->kind == MODEL_BAR_IO);
}

static void check_overlap(struct model_pci_fn *f, unsigned i)
{
    const struct model_pci_bar *b = &f->bar[i];

    for (unsigned n = 0; n < count; n++) {
        for (unsigned k = 0; k < 6; k++) {
            const struct model_pci_bar *o = &functions[n]->bar[k];

            if (o != b && !functions[n]->gone && decodes(functions[n], k) && o->addr &&
                same_space(o, b) && o->addr < b->addr + b->size && b->addr < o->addr + o->size)
                wrong(f, "two BARs decode one address", i);
        }
    }
}

/* The bridges above it, and no others, pass the BAR on. */
static void check_bridges(struct model_pci_fn *f, unsigned i)
{
    const struct model_pci_bar *b = &f->bar[i];
    bool io = b->kind == MODEL_BAR_IO;

    if (!model_pci_reached(f, io, b->addr, b->size))
        wrong(f, "a bridge does not pass a BAR on", i);
    for (unsigned n = 0; n < count; n++) {
        bool above = false;

        for (const struct model_pci_fn *up = f->bridge; up; up = up->bridge)
            above |= up == functions[n];
        if (!above && functions[n]->config[HEADER] & 1 &&
            model_pci_claims(functions[n], io, b->addr, b->size))
            wrong(f, "a bridge on another way claims a BAR", i);
    }
}

/* Decoding was switched on. A BAR at 0 has no address; nothing may then be at 0. */
static void check_bars(struct model_pci_fn *f)
{
    for (unsigned i = 0; i < 6; i++) {
        const struct model_pci_bar *b = &f->bar[i];
        bool high = b->kind == MODEL_BAR_MEM64 && inside(&host.mem64, b);

        if (!decodes(f, i) || b->addr == 0)
            continue;
        if (!high && !inside(b->kind == MODEL_BAR_IO ? &host.io : &host.mem32, b))
            wrong(f, "a BAR lies outside of the bridge's windows", i);
        check_overlap(f, i);
        check_bridges(f, i);
    }
}

/* ---- configuration space --------------------------------------------------------------------- */

static bool is_bar(const struct model_pci_fn *f, unsigned off)
{
    return off >= BAR0 && off < BAR0 + (f->config[HEADER] & 1 ? 8 : 24);
}

static bool in_data_window(const struct model_pci_fn *f, unsigned off)
{
    return f->window && off >= f->window && off < f->window + 4;
}

static uint32_t config_read_true(void *ctx, uint64_t offset, unsigned width, bool sync)
{
    unsigned bus = (unsigned)(offset / ECAM_BUS) + host.bus_first;
    unsigned dev = offset >> 15 & 31, fn = offset >> 12 & 7, off = offset & 0xfff;
    struct model_pci_fn *f = at_slot(bus, dev, fn), *first = at_slot(bus, dev, 0);

    (void)ctx;
    if (!bus_exists(bus) || (fn && (!first || !(first->config[HEADER] & 0x80 || first->gone))))
        host_violation("pci %u.%u: configuration of what cannot be there is read", dev, fn);
    if (!f && off != 0 && !(first && first->gone))
        host_violation("pci %u.%u: absent, but offset %#x is read", dev, fn, off);
    if (!f || f->gone)
        return UINT32_MAX;
    if (off + width > MODEL_PCI_CONFIG) {
        wrong(f, "a read beyond the 256 bytes of PCI", off);
        return 0;
    }
    if (in_data_window(f, off))
        return f->window_access(f, false, off - f->window, width, 0, sync);
    if (is_bar(f, off) && width == 4)
        return read_bar(f, (off - BAR0) / 4);
    if (is_bar(f, off))
        wrong(f, "a part of a BAR is read", off);
    return model_pci_get(f, off, width);
}

/* Bus numbers and windows of a bridge: low bits tell what it can do, and may be written as 0. */
static bool is_window(const struct model_pci_fn *f, unsigned off)
{
    return f->config[HEADER] & 1 && off >= 0x18 && off < 0x34;
}

/* Bits that do not stick may be written with their own value only; STATUS is cleared by ones. */
static void write_plain(struct model_pci_fn *f, unsigned off, unsigned width, uint32_t v)
{
    for (unsigned i = 0; i < width; i++) {
        unsigned at = off + i;
        uint8_t now = (uint8_t)(v >> 8 * i), mask = f->writable[at], old = f->config[at];

        if (at == STATUS || at == STATUS + 1)
            now ? wrong(f, "status bits are cleared", now) : (void)0;
        else if ((now ^ old) & ~mask && !is_window(f, at))
            wrong(f, "a read-only bit is written", at);
        f->config[at] = (uint8_t)((old & ~mask) | (now & mask));
    }
}

static void send_pending(struct model_pci_fn *f)
{
    for (unsigned i = 0; i < f->msix_size && model_pci_msix_on(f); i++)
        if (f->msix[i].pending && !(f->msix[i].control & 1))
            model_pci_message(f, i);
}

static void check_msix_on(const struct model_pci_fn *f)
{
    for (unsigned i = 0; i < f->msix_size; i++)
        if (!(f->msix[i].control & 1) && f->msix[i].addr != HOST_MSI_DOORBELL)
            wrong(f, "MSI-X is switched on with a wild entry", i);
}

/* What the function says of it, unless it is another function's. */
static uint32_t config_read(void *ctx, uint64_t offset, unsigned width, bool sync)
{
    uint32_t v = config_read_true(ctx, offset, width, sync);
    struct model_pci_fn *f = at_slot((unsigned)(offset / ECAM_BUS) + host.bus_first,
                                     offset >> 15 & 31, offset >> 12 & 7);

    return f && f->answer && !f->gone ? f->answer(f, offset & 0xfff, width, v) : v;
}

static void config_write(void *ctx, uint64_t offset, unsigned width, uint32_t v, bool sync)
{
    unsigned bus = (unsigned)(offset / ECAM_BUS) + host.bus_first;
    unsigned dev = offset >> 15 & 31, fn = offset >> 12 & 7, off = offset & 0xfff;
    struct model_pci_fn *f = at_slot(bus, dev, fn);
    uint32_t command;
    bool msix;

    (void)ctx;
    if (!f || off + width > MODEL_PCI_CONFIG) {
        host_violation("pci %u.%u: configuration write at %#x", dev, fn, off);
        return;
    }
    f->config_writes++;
    if (f->gone)
        return;
    if (in_data_window(f, off)) {
        f->window_access(f, true, off - f->window, width, v, sync);
        return;
    }
    if (f->write_config && f->write_config(f, off, width, v))
        return;
    command = model_pci_get(f, COMMAND, 2);
    msix = model_pci_msix_on(f);
    if (is_bar(f, off) && width != 4)
        wrong(f, "a part of a BAR is written", off);
    else if (is_bar(f, off))
        write_bar(f, (off - BAR0) / 4, v);
    else
        write_plain(f, off, width, v);
    if (model_pci_get(f, COMMAND, 2) & ~command & (DECODE_IO | DECODE_MEM))
        check_bars(f);
    if (!msix && model_pci_msix_on(f))
        check_msix_on(f);
    send_pending(f);
    if (f->changed)
        f->changed(f);
}

static const struct host_bus config_bus = {config_read, config_write};

/* ---- MSI-X ----------------------------------------------------------------------------------- */

bool model_pci_msix_on(const struct model_pci_fn *f)
{
    return f->msix_cap && model_pci_get(f, f->msix_cap + 2, 2) & MSIX_ON;
}

void model_pci_message(struct model_pci_fn *f, unsigned entry)
{
    bool all = model_pci_get(f, f->msix_cap + 2, 2) & MSIX_MASK_ALL;

    if (!model_pci_msix_on(f) || entry >= f->msix_size || !model_pci_master(f))
        return;
    f->msix[entry].pending = all || f->msix[entry].control & 1;
    if (!f->msix[entry].pending)
        host_msi_write(f->msix[entry].addr, f->msix[entry].data);
}

static bool in_table(const struct model_pci_fn *f, unsigned bar, uint64_t off)
{
    return f->msix_cap && bar == f->table_bar && off >= f->table_off &&
           off - f->table_off < 16ull * f->msix_size;
}

static uint32_t *half(uint64_t *v, bool high)
{
    return (uint32_t *)v + high; /* little-endian, as all that is tested here */
}

static uint32_t *table_word(struct model_pci_fn *f, uint64_t off)
{
    struct model_pci_msix_entry *e = &f->msix[(off - f->table_off) / 16];
    uint32_t *word[] = {half(&e->addr, false), half(&e->addr, true), &e->data, &e->control};

    return word[(off - f->table_off) % 16 / 4];
}

static void table_write(struct model_pci_fn *f, uint64_t off, unsigned width, uint32_t v)
{
    const struct model_pci_msix_entry *e = &f->msix[(off - f->table_off) / 16];
    bool control = (off - f->table_off) % 16 == 12;

    if (width != 4)
        wrong(f, "the MSI-X table is written in parts", width);
    else if (!control && !(e->control & 1))
        wrong(f, "an unmasked MSI-X entry is changed", (unsigned)off);
    else
        *table_word(f, off) = v;
    send_pending(f);
}

/* ---- what BARs decode ------------------------------------------------------------------------ */

struct window {
    struct hal_pci_window *w;
    bool io;
};

/* The function at the address; one that is gone only if no other decodes it. */
static struct model_pci_fn *target(const struct window *w, uint64_t offset, unsigned *bar,
                                   uint64_t *off)
{
    struct model_pci_fn *gone = NULL;
    uint64_t addr = w->w->pci + offset;

    for (unsigned n = 0; n < count; n++) {
        for (unsigned i = 0; i < 6; i++) {
            const struct model_pci_bar *b = &functions[n]->bar[i];

            if (!b->kind || !b->addr || (b->kind == MODEL_BAR_IO) != w->io || addr < b->addr ||
                addr - b->addr >= b->size)
                continue;
            if (!decodes(functions[n], i) && !functions[n]->gone) {
                wrong(functions[n], "access to a BAR while decoding is off", i);
                continue;
            }
            if (!model_pci_reached(functions[n], w->io, addr, 1))
                continue;
            *bar = i;
            *off = addr - b->addr;
            if (!functions[n]->gone)
                return functions[n];
            gone = functions[n];
        }
    }
    if (gone)
        return gone;
    host_violation("pci: nobody decodes %#llx", (unsigned long long)addr);
    return NULL;
}

static uint32_t window_read(void *ctx, uint64_t offset, unsigned width, bool sync)
{
    unsigned bar;
    uint64_t off;
    struct model_pci_fn *f = target(ctx, offset, &bar, &off);

    if (!f || f->gone)
        return UINT32_MAX;
    if (in_table(f, bar, off))
        return width == 4 ? *table_word(f, off) : (wrong(f, "table read in parts", width), 0);
    return f->read ? f->read(f, bar, off, width, sync) : 0;
}

static void window_write(void *ctx, uint64_t offset, unsigned width, uint32_t v, bool sync)
{
    unsigned bar;
    uint64_t off;
    struct model_pci_fn *f = target(ctx, offset, &bar, &off);

    if (!f || f->gone)
        return;
    if (in_table(f, bar, off))
        table_write(f, off, width, v);
    else if (f->write)
        f->write(f, bar, off, width, v, sync);
}

static const struct host_bus window_bus = {window_read, window_write};

/* ---- building it ----------------------------------------------------------------------------- */

struct hal_pci_host model_pci_windows(void)
{
    return (struct hal_pci_host){
        .index = 0,
        .bus_first = 0,
        .bus_last = 255,
        .ecam = {0x4010000000ull, 0, 0x10000000},
        .io = {0x3eff0000, 0, 0x10000},
        .mem32 = {0x10000000, 0x40000000, 0x2eff0000},
        .mem64 = {0x8000000000ull, 0x18000000000ull, 0x8000000000ull},
    };
}

void model_pci_bridge(const struct hal_pci_host *h, bool intx)
{
    static struct window windows[] = {{&host.io, true}, {&host.mem32, false}, {&host.mem64, false}};

    host = *h;
    wired = intx;
    host_add_pci(&host, intx ? MODEL_PCI_INTX : -1);
    if (host.ecam.len)
        host_bus_add(host.ecam.cpu, host.ecam.len, &config_bus, NULL);
    for (unsigned i = 0; i < 3; i++)
        if (windows[i].w->len)
            host_bus_add(windows[i].w->cpu, windows[i].w->len, &window_bus, &windows[i]);
}

void model_pci_add(struct model_pci_fn *f, unsigned dev, unsigned fn, uint16_t vendor,
                   uint16_t device)
{
    memset(f, 0, sizeof(*f));
    f->dev = (uint8_t)dev;
    f->fn = (uint8_t)fn;
    model_pci_put(f, 0, 2, vendor);
    model_pci_put(f, 2, 2, device);
    f->writable[COMMAND] = 0x47;
    f->writable[COMMAND + 1] = 0x05;
    f->cap_link = CAP_POINTER;
    f->cap_free = 0x40;
    if (count == FUNCTIONS)
        abort();
    functions[count++] = f;
}

void model_pci_bar(struct model_pci_fn *f, unsigned i, enum model_pci_bar_kind kind, uint64_t size)
{
    f->bar[i] = (struct model_pci_bar){kind, size, 0, false};
}

unsigned model_pci_cap(struct model_pci_fn *f, uint8_t id, unsigned len)
{
    unsigned at = f->cap_free;

    if (at + len > MODEL_PCI_CONFIG)
        abort();
    f->cap_free += (len + 3) & ~3u;
    model_pci_put(f, STATUS, 2, 0x10);
    f->config[f->cap_link] = (uint8_t)at;
    f->config[at] = id;
    f->cap_link = at + 1;
    return at;
}

void model_pci_add_msix(struct model_pci_fn *f, unsigned entries, unsigned bar, uint32_t off)
{
    unsigned at = model_pci_cap(f, 0x11, 12);

    f->msix_cap = at;
    f->msix_size = entries < MODEL_PCI_MSIX ? entries : MODEL_PCI_MSIX;
    f->table_bar = bar;
    f->table_off = off;
    model_pci_put(f, at + 2, 2, entries - 1);
    model_pci_put(f, at + 4, 4, off | bar);
    model_pci_put(f, at + 8, 4, (off + 0x800) | bar);
    f->writable[at + 3] = 0xc0;
    for (unsigned i = 0; i < f->msix_size; i++)
        f->msix[i] = (struct model_pci_msix_entry){0xbaddead0000u + i, 0xbeef, 0, false};
}

void model_pci_level(struct model_pci_fn *f, bool high)
{
    bool off = model_pci_get(f, COMMAND, 2) & INTX_OFF || model_pci_msix_on(f);
    unsigned pin = f->config[PIN], dev = f->dev;

    for (const struct model_pci_fn *up = f->bridge; pin && up; up = up->bridge) {
        pin = (pin - 1 + dev) % 4 + 1;
        dev = up->dev;
    }
    if (wired && pin >= 1 && pin <= 4)
        host_irq_set(MODEL_PCI_INTX + (hal_irq_t)((dev + pin - 1) % 4),
                     (high && !off) || f->line_held);
}
