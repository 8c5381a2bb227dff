/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bar.c - base address registers (PCI 3.0, 6.2.5): sizing, and addresses from the windows of the
 * host bridge, handed out upward and never taken back. What is plugged into a slot later gets
 * addresses that were reserved for the slot.
 */
#include "pci/bridge.h"

#define MAX_HOSTS     4
#define BAR_IO        1u
#define BAR_TYPE_64   (2u << 1)
#define BAR_TYPE_MASK (3u << 1)
#define BAR_PREFETCH  (1u << 3)
#define IO_FIRST      0x1000u /* the lowest ports stay free: 0 would read as "not assigned" */
#define MEM_FIRST     0x1000u
#define SLOT_ROOM     0x200000u /* what a slot keeps of each space for memory, in bytes */

/* What has been handed out of each window, in bytes from its start. */
static uint64_t used[MAX_HOSTS][PCI_SPACES];

/* A probed register pair: where it decodes. */
struct bar_shape {
    uint64_t len;
    bool io, wide, prefetch;
};

static const struct hal_pci_window *window_of(const struct hal_pci_host *host, enum pci_space space)
{
    const struct hal_pci_window *const windows[PCI_SPACES] = {
        [PCI_SPACE_IO] = &host->io,
        [PCI_SPACE_MEM32] = &host->mem32,
        [PCI_SPACE_MEM64] = &host->mem64,
    };

    return windows[space];
}

/* The next byte that may be given, aligned on the bus; as an offset into the window. */
static uint64_t next_offset(const struct hal_pci_host *host, enum pci_space space, uint64_t align)
{
    const struct hal_pci_window *w = window_of(host, space);
    uint64_t first = space == PCI_SPACE_IO      ? IO_FIRST
                     : space == PCI_SPACE_MEM32 ? (w->pci ? 0 : MEM_FIRST)
                                                : 0;
    uint64_t start = used[host->index][space];

    return ((w->pci + (start ? start : first) + align - 1) & ~(align - 1)) - w->pci;
}

/* Takes len bytes, naturally aligned on the bus; 0 when they do not fit. */
static uint64_t take(const struct hal_pci_host *host, enum pci_space space, uint64_t len)
{
    const struct hal_pci_window *w = window_of(host, space);
    uint64_t off = next_offset(host, space, len);

    if (off > w->len || len > w->len - off)
        return 0;
    used[host->index][space] = off + len;
    return w->pci + off;
}

/* The same for what lies behind bridges (none: NULL), which widen, or in a slot. */
static uint64_t take_behind(struct pci_bridge *b, const struct hal_pci_host *host,
                            enum pci_space space, const struct bar_shape *shape)
{
    uint64_t bus;

    if (b && b->slot && !b->open)
        return pci_bridge_take(b, space, shape->len, shape->prefetch);
    if (!pci_bridge_passes(b, space, shape->prefetch))
        return 0;
    bus = take(host, space, shape->len);
    if (bus)
        pci_bridge_cover(b, space, bus, shape->len);
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
    enum pci_space space = shape->io     ? PCI_SPACE_IO
                           : shape->wide ? PCI_SPACE_MEM64
                                         : PCI_SPACE_MEM32;
    const struct hal_pci_window *w;
    uint64_t bus = take_behind(f->bridge, host, space, shape);

    if (!bus && space == PCI_SPACE_MEM64) {
        space = PCI_SPACE_MEM32;
        bus = take_behind(f->bridge, host, space, shape);
    }
    w = window_of(host, space);
    f->bar[i] = (struct pci_bar){0, shape->len, shape->io};
    if (!bus) {
        hal_log(HAL_WARN, "pci", "%02x:%02x.%u: no room for BAR %u", f->bus, f->dev, f->fn, i);
        return;
    }
    pci_write32(f, PCI_BAR0 + 4 * i, (uint32_t)bus);
    if (shape->wide)
        pci_write32(f, PCI_BAR0 + 4 * i + 4, (uint32_t)(bus >> 32));
    f->bar[i].phys = w->cpu + (bus - w->pci);
}

void pci_assign_bars(struct pci_function *f)
{
    uint8_t command = pci_read8(f, PCI_COMMAND);
    uint8_t decode = 0;
    struct hal_pci_host host;

    if (f->host >= MAX_HOSTS || hal_pci_host(f->host, &host))
        return;
    command = (uint8_t)(command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
    pci_write8(f, PCI_COMMAND, command);
    for (unsigned i = 0; i < registers(f); i++) {
        struct bar_shape shape = probe_bar(f, i);

        if (shape.len)
            place_bar(f, i, &shape, &host);
        if (f->bar[i].phys)
            decode |= shape.io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
        i += shape.wide;
    }
    pci_write8(f, PCI_COMMAND, command | decode);
}

void pci_align_windows(unsigned host_index)
{
    struct hal_pci_host host;

    if (host_index >= MAX_HOSTS || hal_pci_host(host_index, &host))
        return;
    for (unsigned s = 0; s < PCI_SPACES; s++)
        used[host_index][s] =
            next_offset(&host, s, s == PCI_SPACE_IO ? PCI_BRIDGE_IO : PCI_BRIDGE_MEM);
}

/* Whole granules, so that the next one follows the last; 64-bit ones need not exist. */
static void reserve(struct pci_bridge *b, const struct hal_pci_host *host, enum pci_space space)
{
    const struct bar_shape granule = {.len = PCI_BRIDGE_MEM, .prefetch = true};

    while (pci_bridge_room(b, space) < SLOT_ROOM)
        if (!take_behind(b, host, space, &granule))
            return;
}

void pci_reserve_for_slot(struct pci_bridge *b)
{
    struct hal_pci_host host;

    if (b->fn.host >= MAX_HOSTS || hal_pci_host(b->fn.host, &host))
        return;
    pci_align_windows(b->fn.host);
    reserve(b, &host, PCI_SPACE_MEM32);
    reserve(b, &host, PCI_SPACE_MEM64);
}

hal_mmio_t pci_bar_map(const struct pci_function *f, unsigned bar, uint64_t off, uint64_t len)
{
    const struct pci_bar *b = bar < PCI_BARS ? &f->bar[bar] : NULL;

    if (!b || !b->phys || !len || off > b->len || len > b->len - off)
        return 0;
    return hal_mmio_map(b->phys + off, len);
}
