/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_its.c - the model of a GICv3's ITS, and what the platform's arch/ and board supply to the
 * code that drives it (model_its.h).
 */
#include <string.h>

#include "model_its.h"

#define VALID      (1ull << 63)
#define INDIRECT   (1ull << 62)
#define ADDRESS    0x0000fffffffff000ull
#define QUIESCENT  (1u << 31)
#define ITS_LENGTH 0x20000u
#define SHARE      (3u << 10)
#define NON_CACHED 1u
#define CACHED     7u

enum { R_CTLR = 0, R_TYPER = 8, R_PROPBASER = 0x70, R_PENDBASER = 0x78 };
enum { SYNC = 5, MAPD = 8, MAPC, MAPTI, INV = 12, DISCARD = 15 };

struct model_its model_its;
struct virt_machine virt;
bool arch_secure;
static const struct gic_lines *announced;
#define FLUSHES 256u
static const void *flushed[FLUSHES]; /* the last ones, for a reader that does not snoop */

/* ---- what the code under test is given ------------------------------------------------------- */

static struct model_its *its = &model_its;

unsigned long arch_irq_save(void)
{
    return 0;
}

void arch_irq_restore(unsigned long state)
{
    (void)state;
}

void arch_memory_sync(void)
{
    its->shows++;
}

void arch_cache_flush(const void *p, size_t len)
{
    (void)len;
    flushed[its->shows++ % FLUSHES] = p;
}

/* To a reader that does not snoop, memory is as it was flushed last. */
static void check_flushed(uint64_t bus, const char *what)
{
    const void *p = host_dma_pointer(bus, 1);

    for (unsigned i = 0; i < FLUSHES; i++) {
        if (flushed[i] != p)
            continue;
        flushed[i] = NULL;
        return;
    }
    if (!its->shareable)
        host_violation("%s: not flushed", what);
}

struct gic_v3_frames gic_v3_frames(void)
{
    return (struct gic_v3_frames){hal_mmio_map(MODEL_DIST_PHYS, 0x10000),
                                  hal_mmio_map(MODEL_RDIST_PHYS, 0x20000), MODEL_RDIST_PHYS};
}

void irq_add_lines(const struct gic_lines *lines)
{
    if (announced)
        host_violation("LPIs are announced twice");
    announced = lines;
}

const struct gic_lines *model_its_lines(void)
{
    return announced;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static uint32_t page_of(uint64_t baser)
{
    return 4096u << 2 * (baser >> 8 & 3);
}

static const uint64_t *device_table(void)
{
    for (unsigned n = 0; n < MODEL_ITS_TABLES; n++)
        if (its->table[n].type == 1)
            return &its->baser[n];
    return NULL;
}

static unsigned device_entry(void)
{
    return its->table[device_table() - its->baser].entry;
}

/* Is there an entry for a device id? */
static bool has_entry(uint32_t id)
{
    static bool seen_first[65536];
    uint64_t v = *device_table(), first;
    uint64_t pages = (v & 0xff) + 1, page = page_of(v);
    uint64_t each = page / device_entry();

    if (!(v & INDIRECT))
        return id < pages * each;
    if (id / each >= pages * (page / 8) || !host_dma_read((v & ADDRESS) + id / each * 8, &first, 8))
        return false;
    if (first & VALID && !host_dma_is_block(first & ADDRESS, page))
        host_violation("a second-level table is no memory");
    if (first & VALID && !seen_first[id / each]) {
        check_flushed(first & ADDRESS, "second-level table");
        check_flushed((v & ADDRESS) + id / each * 8, "first-level entry");
        seen_first[id / each] = true;
    }
    return first & VALID;
}

static struct model_its_device *device_of(uint32_t id)
{
    for (unsigned i = 0; i < MODEL_ITS_DEVICES; i++)
        if (its->device[i].mapped && its->device[i].id == id)
            return &its->device[i];
    return NULL;
}

static void map_device(uint32_t id, const uint64_t *w)
{
    struct model_its_device *d = device_of(id);
    uint64_t itt = w[2] & 0x000fffffffffff00ull;
    unsigned bits = (w[1] & 31) + 1;
    size_t len = (size_t)its->itt_entry << bits;

    if (id >> its->device_bits || !has_entry(id))
        host_violation("MAPD of device id %#x, which has no entry", id);
    if (d)
        host_dma_return(d->itt, (size_t)its->itt_entry << d->bits);
    if (d)
        *d = (struct model_its_device){0};
    if (!(w[2] & VALID)) {
        if (!d)
            host_violation("MAPD takes back device id %#x, which is not mapped", id);
        return;
    }
    for (d = its->device; d->mapped; d++)
        ;
    if (bits > its->event_bits || bits > 6 || !host_dma_is_block(itt, len))
        host_violation("MAPD: %u bits, table %#llx", bits, (unsigned long long)itt);
    *d = (struct model_its_device){.mapped = true, .id = id, .itt = itt, .bits = bits};
    host_dma_own(itt, len);
}

static bool lpi_mapped(uint32_t lpi)
{
    for (unsigned i = 0; i < MODEL_ITS_DEVICES; i++)
        for (unsigned e = 0; its->device[i].mapped && e < 64; e++)
            if (its->device[i].event[e].lpi == lpi)
                return true;
    return false;
}

static void load_config(struct model_its_device *d, unsigned event)
{
    uint64_t base = its->propbaser & ADDRESS;
    uint8_t byte = 0;

    if (!host_dma_read(base + d->event[event].lpi - 8192, &byte, 1) || !(byte & 2))
        host_violation("configuration of LPI %u is %#x", d->event[event].lpi, byte);
    check_flushed(base + d->event[event].lpi - 8192, "configuration of an LPI");
    d->event[event].enabled = byte & 1;
}

static void on_event(unsigned code, uint32_t id, const uint64_t *w)
{
    struct model_its_device *d = device_of(id);
    uint32_t event = (uint32_t)w[1], lpi = (uint32_t)(w[1] >> 32);

    if (!d || event >> d->bits || (code != MAPTI && !d->event[event].lpi)) {
        host_violation("command %u for device id %#x, event %u: not mapped", code, id, event);
        return;
    }
    if (code == MAPTI) {
        unsigned bits = its->propbaser & 31;
        if (lpi < 8192 || lpi >> (bits + 1) || lpi_mapped(lpi) || (w[2] & 0xffff) ||
            !its->collection || (its->lpi_bits && lpi - 8192 >= 1u << its->lpi_bits))
            host_violation("MAPTI of LPI %u", lpi);
        d->event[event].lpi = lpi;
        load_config(d, event);
    } else if (code == INV) {
        load_config(d, event);
    } else {
        d->event[event].lpi = 0;
    }
}

/* ---- commands -------------------------------------------------------------------------------- */

static uint64_t own_target(void)
{
    return its->target_address ? MODEL_RDIST_PHYS : MODEL_ITS_CPU << 16;
}

static void execute(const uint64_t *w)
{
    unsigned code = w[0] & 0xff;
    uint32_t id = (uint32_t)(w[0] >> 32);

    its->unsynced = code != SYNC;
    if (code == SYNC || code == MAPC) {
        if ((w[2] & 0x000fffffffff0000ull) != own_target())
            host_violation("command %u for redistributor %#llx", code, (unsigned long long)w[2]);
        its->syncs += code == SYNC;
        its->collection |= code == MAPC && (w[2] & VALID) && !(w[2] & 0xffff);
    } else if (code == MAPD) {
        map_device(id, w);
    } else if (code == MAPTI || code == INV || code == DISCARD) {
        on_event(code, id, w);
    } else {
        host_violation("command %u is unknown", code);
    }
}

/* One command a look at CREADR. */
static void work(void)
{
    uint64_t at = (its->cbaser & ADDRESS) + its->creadr, w[4];

    if (its->creadr == its->cwriter || its->creadr & 1 || its->commands >= its->dead_after)
        return;
    if (its->commands >= its->stall_after) {
        its->creadr |= 1;
        return;
    }
    if (!host_dma_read(at, w, sizeof(w)))
        host_violation("the command queue is no memory");
    check_flushed(at, "command");
    execute(w);
    its->commands++;
    its->creadr = (its->creadr + 32) % (4096 * ((uint32_t)(its->cbaser & 0xff) + 1));
    if (its->creadr == its->cwriter && its->unsynced)
        host_violation("commands without a SYNC");
}

/* ---- registers ------------------------------------------------------------------------------- */

static bool is_on(void)
{
    return its->ctlr & 1;
}

static void switch_on(void)
{
    for (unsigned n = 0; n < MODEL_ITS_TABLES; n++) {
        uint64_t v = its->baser[n];
        size_t len = ((v & 0xff) + 1) * page_of(v);
        if (its->table[n].type && (v >> 59 & 7) != (its->shareable ? CACHED : NON_CACHED))
            host_violation("table %u with cacheability %u", n, (unsigned)(v >> 59 & 7));
        if (its->table[n].type &&
            (!(v & VALID) || (v & ADDRESS) % page_of(v) || !host_dma_is_block(v & ADDRESS, len)))
            host_violation("switched on with table %u at %#llx", n, (unsigned long long)v);
    }
    if (!(its->cbaser & VALID) || (its->cbaser & 0xffff000) % 65536 || its->cwriter ||
        !host_dma_is_block(its->cbaser & ADDRESS, 4096))
        host_violation("switched on with the queue at %#llx", (unsigned long long)its->cbaser);
    if (!(its->lpi_ctlr & 1))
        host_violation("switched on without LPIs");
}

static uint64_t put_half(uint64_t old, uint64_t off, uint32_t v)
{
    return off & 4 ? (old & UINT32_MAX) | (uint64_t)v << 32 : (old & ~(uint64_t)UINT32_MAX) | v;
}

static void write_baser(unsigned n, uint64_t off, uint32_t v)
{
    uint64_t new = put_half(its->baser[n], off, v), fixed = 7ull << 56 | 31ull << 48;
    unsigned size = new >> 8 & 3;

    if (is_on() || !(its->ctlr & QUIESCENT))
        host_violation("GITS_BASER%u is written while it is on", n);
    if (!its->table[n].type || its->forgets_tables)
        return;
    while (!(its->page_sizes >> size & 1))
        size = (size + 1) % 4;
    new = (new & ~(fixed | 3ull << 8)) | (uint64_t)size << 8;
    if (!its->two_levels || its->table[n].type != 1)
        new &= ~INDIRECT;
    if (!its->shareable)
        new &= ~(uint64_t)SHARE;
    its->baser[n] =
        new | (uint64_t)its->table[n].type << 56 | (uint64_t)(its->table[n].entry - 1) << 48;
}

static void write_its(void *ctx, uint64_t off, unsigned width, uint32_t v, bool sync)
{
    (void)ctx;
    (void)sync;
    its->accesses++;
    if (width != 4)
        host_violation("GITS write of %u bytes at %#llx", width, (unsigned long long)off);
    if (off >= GITS_BASER && off < GITS_BASER + 64) {
        write_baser((off - GITS_BASER) / 8, off, v);
    } else if ((off & ~4ull) == GITS_CBASER) {
        if (is_on())
            host_violation("GITS_CBASER is written while it is on");
        its->cbaser = put_half(its->cbaser, off, v & ~(off & 4 || its->shareable ? 0 : SHARE));
    } else if (off == GITS_CWRITER) {
        if (is_on() && its->shows == its->shows_at_write)
            host_violation("GITS_CWRITER without a barrier behind the commands");
        its->shows_at_write = its->shows;
        its->cwriter = v;
    } else if (off == GITS_CTLR) {
        if (!is_on() && v & 1)
            switch_on();
        its->ctlr = (v & 1) | (v & 1 || its->never_quiescent ? 0 : QUIESCENT);
    } else if (off != GITS_CWRITER + 4 || v) {
        host_violation("GITS write at %#llx", (unsigned long long)off);
    }
}

static uint64_t typer(void)
{
    return 1 | (uint64_t)(its->itt_entry - 1) << 4 | (uint64_t)(its->event_bits - 1) << 8 |
           (uint64_t)(its->device_bits - 1) << 13 | (uint64_t)its->target_address << 19;
}

static uint32_t read_its(void *ctx, uint64_t off, unsigned width, bool sync)
{
    uint64_t v = 0;

    (void)ctx;
    (void)sync;
    its->accesses++;
    if (width != 4)
        host_violation("GITS read of %u bytes at %#llx", width, (unsigned long long)off);
    if (its->dead)
        return UINT32_MAX;
    if (off == GITS_CREADR) {
        work();
        return its->creadr;
    }
    if (off >= GITS_BASER && off < GITS_BASER + 64)
        v = its->baser[(off - GITS_BASER) / 8];
    else if ((off & ~4ull) == GITS_TYPER)
        v = typer();
    else if ((off & ~4ull) == GITS_CBASER)
        v = its->cbaser;
    else if (off == GITS_CTLR)
        v = its->ctlr;
    else
        host_violation("GITS read at %#llx", (unsigned long long)off);
    return (uint32_t)(off & 4 ? v >> 32 : v);
}

static uint32_t read_dist(void *ctx, uint64_t off, unsigned width, bool sync)
{
    (void)ctx;
    (void)sync;
    its->accesses++;
    if (width != 4 || off != 4)
        host_violation("GICD read of %u bytes at %#llx", width, (unsigned long long)off);
    return (its->id_bits - 1) << 19 | (its->lpi_bits ? its->lpi_bits - 1 : 0) << 11;
}

static void write_dist(void *ctx, uint64_t off, unsigned width, uint32_t v, bool sync)
{
    (void)ctx;
    (void)sync;
    host_violation("GICD write of %u bytes, %#x at %#llx", width, v, (unsigned long long)off);
}

static uint32_t read_redist(void *ctx, uint64_t off, unsigned width, bool sync)
{
    (void)ctx;
    (void)sync;
    its->accesses++;
    if (width != 4)
        host_violation("GICR read of %u bytes at %#llx", width, (unsigned long long)off);
    switch (off) {
    case R_CTLR:
        return its->lpi_ctlr;
    case R_TYPER:
        return MODEL_ITS_CPU << 8 | !its->no_lpis;
    case R_PROPBASER:
        return (uint32_t)its->propbaser;
    case R_PENDBASER:
        return (uint32_t)its->pendbaser;
    default:
        host_violation("GICR read at %#llx", (unsigned long long)off);
        return 0;
    }
}

static void lpis_on(void)
{
    unsigned bits = (its->propbaser & 31) + 1;

    if (bits < 14 || bits > its->id_bits || (its->propbaser & 0x60) ||
        !host_dma_is_block(its->propbaser & ADDRESS, (1u << bits) - 8192))
        host_violation("LPI configuration at %#llx", (unsigned long long)its->propbaser);
    if ((its->pendbaser & ADDRESS) % 65536 ||
        !host_dma_is_block(its->pendbaser & ADDRESS, (1u << bits) / 8))
        host_violation("pending LPIs at %#llx", (unsigned long long)its->pendbaser);
    if ((its->propbaser >> 7 & 7) != (its->shareable ? CACHED : NON_CACHED) ||
        (its->pendbaser >> 7 & 7) != (its->shareable ? CACHED : NON_CACHED))
        host_violation("LPI tables with cacheability %#llx", (unsigned long long)its->propbaser);
    host_dma_own(its->pendbaser & ADDRESS, (1u << bits) / 8);
}

static void write_redist(void *ctx, uint64_t off, unsigned width, uint32_t v, bool sync)
{
    uint32_t kept = off & 4 || its->shareable ? v : v & ~SHARE;

    (void)ctx;
    its->accesses++;
    if (width != 4)
        host_violation("GICR write of %u bytes at %#llx", width, (unsigned long long)off);
    if (off == R_CTLR) {
        if (v & 1 && !sync)
            host_violation("LPIs are switched on without a barrier");
        if (its->lpis_stuck_off || (its->lpis_stuck_on && its->lpi_ctlr & 1))
            return;
        if (v & 1 && !(its->lpi_ctlr & 1))
            lpis_on();
        its->lpi_ctlr = v & 1;
        return;
    }
    if (its->lpi_ctlr & 1)
        host_violation("a table of LPIs is moved while they are on");
    if ((off & ~4ull) == R_PROPBASER)
        its->propbaser = put_half(its->propbaser, off, kept);
    else if ((off & ~4ull) == R_PENDBASER)
        its->pendbaser = put_half(its->pendbaser, off, off & 4 ? kept & ~(1u << 30) : kept);
    else
        host_violation("GICR write at %#llx", (unsigned long long)off);
}

/* ---- for tests ------------------------------------------------------------------------------- */

void model_its_init(void)
{
    *its = (struct model_its){
        .table = {{1, 8}, {4, 8}},
        .page_sizes = 7,
        .two_levels = true,
        .shareable = true,
        .device_bits = 16,
        .event_bits = 16,
        .itt_entry = 12,
        .id_bits = 16,
        .stall_after = UINT64_MAX,
        .dead_after = UINT64_MAX,
        .ctlr = QUIESCENT,
    };
}

void model_its_plug(uint32_t first_device_id)
{
    static const struct host_bus gits = {read_its, write_its}, gicd = {read_dist, write_dist},
                                 gicr = {read_redist, write_redist};

    host_bus_add(MODEL_ITS_PHYS, ITS_LENGTH, &gits, NULL);
    host_bus_add(MODEL_DIST_PHYS, 0x10000, &gicd, NULL);
    host_bus_add(MODEL_RDIST_PHYS, 0x20000, &gicr, NULL);
    for (unsigned n = 0; n < MODEL_ITS_TABLES; n++)
        if (its->table[n].type)
            its->baser[n] = (uint64_t)its->table[n].type << 56 | (uint64_t)(its->table[n].entry - 1)
                                                                     << 48;
    virt.gic.version = 3;
    virt.msi[VIRT_MSI_ITS] = (struct virt_part){{MODEL_ITS_PHYS, ITS_LENGTH}, 7};
    virt.pci_count = 1;
    virt.pci[0].msi =
        (struct virt_map){.mask = ~0u, .count = 1, .entry = {{0, 0x10000, 7, first_device_id}}};
}

uint32_t model_its_message(uint32_t device, uint32_t event)
{
    struct model_its_device *d = device_of(device);

    if (!is_on() || !(its->lpi_ctlr & 1) || !d || event >> d->bits || !d->event[event].enabled)
        return 0;
    return d->event[event].lpi;
}
