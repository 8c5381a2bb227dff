/*
 * bar.c - base address registers (PCI 3.0, 6.2.5): sizing, and addresses from the windows of the
 * host bridge, handed out upward and never taken back.
 */
#include "pci/bridge.h"

#define MAX_HOSTS     4
#define BAR_IO        1u
#define BAR_TYPE_64   (2u << 1)
#define BAR_TYPE_MASK (3u << 1)
#define BAR_PREFETCH  (1u << 3)
#define IO_FIRST      0x1000u /* the lowest ports stay free: 0 would read as "not assigned" */
#define MEM_FIRST     0x1000u

/* What has been handed out of each window, in bytes from its start. */
struct cursors {
    uint64_t io, mem32, mem64;
};
static struct cursors used[MAX_HOSTS];

/* A probed register pair: where it decodes. */
struct bar_shape {
    uint64_t len;
    bool io, wide, prefetch;
};

/* Takes len bytes, naturally aligned on the bus; 0 when they do not fit. */
static uint64_t take(const struct hal_pci_window *w, uint64_t *cursor, uint64_t first, uint64_t len)
{
    uint64_t start = *cursor ? *cursor : first;
    uint64_t bus = (w->pci + start + len - 1) & ~(len - 1);
    uint64_t off = bus - w->pci;

    if (off > w->len || len > w->len - off)
        return 0;
    *cursor = off + len;
    return bus;
}

static uint64_t size_from_mask(uint64_t mask)
{
    return mask ? mask & -mask : 0;
}

/* How many address registers the header has. */
static unsigned registers(const struct pci_function *f)
{
    return (pci_read8(f, PCI_HEADER_TYPE) & PCI_HEADER_TYPE_MASK) == 0 ? PCI_BARS : 2;
}

/* Writes ones and sees which bits stick. Decoding is off meanwhile. */
static struct bar_shape probe_bar(const struct pci_function *f, unsigned i)
{
    unsigned off = PCI_BAR0 + 4 * i;
    uint32_t old = pci_read32(f, off);
    struct bar_shape shape = {0};
    uint64_t mask;

    shape.io = old & BAR_IO;
    shape.wide = !shape.io && (old & BAR_TYPE_MASK) == BAR_TYPE_64 && i + 1 < registers(f);
    shape.prefetch = !shape.io && (old & BAR_PREFETCH);
    pci_write32(f, off, 0xffffffff);
    mask = pci_read32(f, off) & ~(shape.io ? 3u : 15u);
    pci_write32(f, off, 0);
    if (shape.io)
        mask &= 0xffff;
    if (shape.wide) {
        pci_write32(f, off + 4, 0xffffffff);
        mask |= (uint64_t)pci_read32(f, off + 4) << 32;
        pci_write32(f, off + 4, 0);
    }
    shape.len = size_from_mask(mask);
    return shape;
}

/* Chooses a window and an address; a 64-bit BAR goes high if there is a high window. */
static void place_bar(struct pci_function *f, unsigned i, const struct bar_shape *shape,
                      const struct hal_pci_host *host)
{
    const struct hal_pci_window *w = shape->io ? &host->io : &host->mem32;
    struct cursors *c = &used[f->host];
    uint64_t bus = 0;
    enum pci_space space = shape->io ? PCI_SPACE_IO : PCI_SPACE_MEM64;

    if (shape->io) {
        if (pci_bridge_passes(f->bridge, space, true))
            bus = take(w, &c->io, IO_FIRST, shape->len);
    } else if (shape->wide && host->mem64.len &&
               pci_bridge_passes(f->bridge, space, shape->prefetch)) {
        w = &host->mem64;
        bus = take(w, &c->mem64, 0, shape->len);
    }
    if (!bus && !shape->io) {
        w = &host->mem32;
        space = PCI_SPACE_MEM32;
        if (pci_bridge_passes(f->bridge, space, shape->prefetch))
            bus = take(w, &c->mem32, w->pci ? 0 : MEM_FIRST, shape->len);
    }
    f->bar[i] = (struct pci_bar){0, shape->len, shape->io};
    if (!bus) {
        hal_log(HAL_WARN, "pci", "%02x:%02x.%u: no room for BAR %u", f->bus, f->dev, f->fn, i);
        return;
    }
    pci_bridge_cover(f->bridge, space, bus, shape->len);
    pci_write32(f, PCI_BAR0 + 4 * i, (uint32_t)bus);
    if (shape->wide)
        pci_write32(f, PCI_BAR0 + 4 * i + 4, (uint32_t)(bus >> 32));
    f->bar[i].phys = w->cpu + (bus - w->pci);
}

void pci_assign_bars(struct pci_function *f)
{
    uint16_t command = pci_read16(f, PCI_COMMAND);
    uint16_t decode = 0;
    struct hal_pci_host host;

    if (f->host >= MAX_HOSTS || hal_pci_host(f->host, &host))
        return;
    command = (uint16_t)(command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
    pci_write16(f, PCI_COMMAND, command);
    for (unsigned i = 0; i < registers(f); i++) {
        struct bar_shape shape = probe_bar(f, i);

        if (shape.len)
            place_bar(f, i, &shape, &host);
        if (f->bar[i].phys)
            decode |= shape.io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
        i += shape.wide;
    }
    pci_write16(f, PCI_COMMAND, command | decode);
}

static void align_cursor(const struct hal_pci_window *w, uint64_t *cursor, uint64_t first,
                         uint64_t granule)
{
    uint64_t start = *cursor ? *cursor : first;

    *cursor = ((w->pci + start + granule - 1) & ~(granule - 1)) - w->pci;
}

void pci_align_windows(unsigned host_index)
{
    struct hal_pci_host host;
    struct cursors *c = &used[host_index];

    if (host_index >= MAX_HOSTS || hal_pci_host(host_index, &host))
        return;
    align_cursor(&host.io, &c->io, IO_FIRST, PCI_BRIDGE_IO);
    align_cursor(&host.mem32, &c->mem32, host.mem32.pci ? 0 : MEM_FIRST, PCI_BRIDGE_MEM);
    align_cursor(&host.mem64, &c->mem64, 0, PCI_BRIDGE_MEM);
}

hal_mmio_t pci_bar_map(const struct pci_function *f, unsigned bar, uint64_t off, uint64_t len)
{
    const struct pci_bar *b = bar < PCI_BARS ? &f->bar[bar] : NULL;

    if (!b || !b->phys || !len || off > b->len || len > b->len - off)
        return 0;
    return hal_mmio_map(b->phys + off, len);
}
