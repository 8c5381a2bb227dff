/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window.c - bus addresses: the windows of the host bridge, and those of the bridges below it
 * (PCI-to-PCI Bridge Architecture 1.2, 3.2.5; PCIe 4.0, 7.5.1.3).
 *
 * Addresses are given upward and never taken back. The scan goes depth first, so the windows of the
 * bridge that is being scanned end where the next address is given, and no two bridges overlap.
 * After the scan only slots give addresses, each out of what its own windows kept.
 */
#include "pci/bridge.h"

#if VIREO_PCI

enum {
    BRIDGE_IO_BASE = 0x1c,
    BRIDGE_IO_LIMIT = 0x1d,
    BRIDGE_MEM_BASE = 0x20,
    BRIDGE_MEM_LIMIT = 0x22,
    BRIDGE_PREF_BASE = 0x24,
    BRIDGE_PREF_LIMIT = 0x26,
    BRIDGE_PREF_BASE_HIGH = 0x28,
    BRIDGE_PREF_LIMIT_HIGH = 0x2c,
    BRIDGE_IO_BASE_HIGH = 0x30, /* base and limit, 16 bits each */
};
#define GRANULE_IO  0x1000u   /* a bridge's windows begin and end at multiples of these: I/O */
#define GRANULE_MEM 0x100000u /* memory */
#define IO_FIRST    0x1000u   /* the lowest ports stay free: 0 would read as "not assigned" */
#define MEM_FIRST   0x1000u   /* the same in a window that begins at bus address 0 */
#define SLOT_ROOM   0x200000u /* what a slot keeps of each space for memory, in bytes */

/* ---- the host's windows ---------------------------------------------------------------------- */

static struct hal_pci_host hosts[PCI_MAX_HOSTS]; /* by index; without configuration space: none */

void pci_host_add(const struct hal_pci_host *host)
{
    if (host->index < PCI_MAX_HOSTS)
        hosts[host->index] = *host;
}

const struct hal_pci_host *pci_host(unsigned index)
{
    return index < PCI_MAX_HOSTS && hosts[index].ecam.len ? &hosts[index] : NULL;
}

/* The offset behind the last address given, in bytes from the start of the window; 0: none was. */
static uint64_t window_used[PCI_MAX_HOSTS][PCI_SPACES];

static const struct hal_pci_window *window_of(const struct hal_pci_host *host, enum pci_space space)
{
    const struct hal_pci_window *const windows[PCI_SPACES] = {
        [PCI_SPACE_IO] = &host->io,
        [PCI_SPACE_MEM32] = &host->mem32,
        [PCI_SPACE_MEM64] = &host->mem64,
    };

    return windows[space];
}

/* Offset of the next free byte whose bus address is a multiple of align (a power of two). */
static uint64_t window_next(const struct hal_pci_host *host, enum pci_space space, uint64_t align)
{
    const struct hal_pci_window *w = window_of(host, space);
    uint64_t first = space == PCI_SPACE_IO      ? IO_FIRST
                     : space == PCI_SPACE_MEM32 ? (w->pci ? 0 : MEM_FIRST)
                                                : 0;
    uint64_t start = window_used[host->index][space];

    return ((w->pci + (start ? start : first) + align - 1) & ~(align - 1)) - w->pci;
}

/* Takes len bytes (a power of two) at a multiple of len; 0: they do not fit. */
static uint64_t window_take_host(const struct hal_pci_host *host, enum pci_space space,
                                 uint64_t len)
{
    const struct hal_pci_window *w = window_of(host, space);
    uint64_t off = window_next(host, space, len);

    if (off > w->len || len > w->len - off)
        return 0;
    window_used[host->index][space] = off + len;
    return w->pci + off;
}

uint64_t pci_window_cpu(const struct hal_pci_host *host, enum pci_space space, uint64_t bus)
{
    const struct hal_pci_window *w = window_of(host, space);

    return w->cpu + (bus - w->pci);
}

/* ---- a bridge's windows ---------------------------------------------------------------------- */

/* Base above limit closes a window. The bits below the granule are not stored. */
static void window_write_io(const struct pci_function *f, uint64_t first, uint64_t last)
{
    pci_write8(f, BRIDGE_IO_BASE, (uint8_t)(first >> 8 & 0xf0));
    pci_write8(f, BRIDGE_IO_LIMIT, (uint8_t)(last >> 8 & 0xf0));
    pci_write32(f, BRIDGE_IO_BASE_HIGH, (uint32_t)(first >> 16 | (last >> 16) << 16));
}

static void window_write_mem32(const struct pci_function *f, uint64_t first, uint64_t last)
{
    pci_write16(f, BRIDGE_MEM_BASE, (uint16_t)(first >> 16 & 0xfff0));
    pci_write16(f, BRIDGE_MEM_LIMIT, (uint16_t)(last >> 16 & 0xfff0));
}

static void window_write_mem64(const struct pci_function *f, uint64_t first, uint64_t last)
{
    pci_write16(f, BRIDGE_PREF_BASE, (uint16_t)(first >> 16 & 0xfff0));
    pci_write16(f, BRIDGE_PREF_LIMIT, (uint16_t)(last >> 16 & 0xfff0));
    pci_write32(f, BRIDGE_PREF_BASE_HIGH, (uint32_t)(first >> 32));
    pci_write32(f, BRIDGE_PREF_LIMIT_HIGH, (uint32_t)(last >> 32));
}

static const struct {
    void (*write)(const struct pci_function *f, uint64_t first, uint64_t last);
    uint32_t granule;
} spaces[PCI_SPACES] = {
    [PCI_SPACE_IO] = {window_write_io, GRANULE_IO},
    [PCI_SPACE_MEM32] = {window_write_mem32, GRANULE_MEM},
    [PCI_SPACE_MEM64] = {window_write_mem64, GRANULE_MEM},
};

void pci_window_close(struct pci_bridge *b)
{
    for (unsigned s = 0; s < PCI_SPACES; s++) {
        b->window[s].first = UINT64_MAX;
        spaces[s].write(&b->fn, UINT32_MAX, 0);
    }
    b->passes[PCI_SPACE_MEM32] = true;
    /* The other two are optional: registers of a missing window read 0, and a 1 in the low bits
     * says that the window takes 64-bit addresses. */
    b->passes[PCI_SPACE_IO] = pci_read8(&b->fn, BRIDGE_IO_BASE) & 0xf0;
    b->passes[PCI_SPACE_MEM64] = (pci_read16(&b->fn, BRIDGE_PREF_BASE) & 15) == 1;
}

/* True if b and all bridges above it are being scanned and pass such addresses on. */
static bool window_passes(const struct pci_bridge *b, enum pci_space space, bool prefetchable)
{
    for (; b; b = b->parent)
        if (!b->open || !b->passes[space] || (space == PCI_SPACE_MEM64 && !prefetchable))
            return false;
    return true;
}

/* Widens the windows of b and of all bridges above it, so that they pass [bus, bus + len) on. */
static void window_cover(struct pci_bridge *b, enum pci_space space, uint64_t bus, uint64_t len)
{
    uint64_t granule = spaces[space].granule;

    for (; b; b = b->parent) {
        if (b->window[space].first > bus)
            b->window[space].first = bus & ~(granule - 1);
        b->window[space].last = (bus + len - 1) | (granule - 1);
        spaces[space].write(&b->fn, b->window[space].first, b->window[space].last);
    }
}

/* Size of b's window, in bytes; 0: closed. */
static uint64_t window_size(const struct pci_bridge *b, enum pci_space space)
{
    return b->window[space].first > b->window[space].last
               ? 0
               : b->window[space].last - b->window[space].first + 1;
}

/* Takes len bytes of what b's slot kept; 0: they do not fit. */
static uint64_t window_take_slot(struct pci_bridge *b, enum pci_space space, uint64_t len,
                                 bool prefetchable)
{
    uint64_t at = (b->given[space] + len - 1) & ~(len - 1), last = b->window[space].last;

    if (!window_size(b, space) || at < b->given[space] || at > last || len - 1 > last - at ||
        (space == PCI_SPACE_MEM64 && !prefetchable))
        return 0;
    b->given[space] = at + len;
    return at;
}

/* ---- both ------------------------------------------------------------------------------------ */

uint64_t pci_window_take(struct pci_bridge *b, const struct hal_pci_host *host,
                         enum pci_space space, uint64_t len, bool prefetchable)
{
    uint64_t bus;

    if (b && b->slot && !b->open)
        return window_take_slot(b, space, len, prefetchable);
    if (!window_passes(b, space, prefetchable))
        return 0;
    bus = window_take_host(host, space, len);
    if (bus)
        window_cover(b, space, bus, len);
    return bus;
}

void pci_window_align(unsigned host_index)
{
    const struct hal_pci_host *host = pci_host(host_index);

    if (!host)
        return;
    for (unsigned s = 0; s < PCI_SPACES; s++)
        window_used[host_index][s] = window_next(host, s, spaces[s].granule);
}

/* Whole granules, so that each follows the one before. A host without high memory gives none. */
static void window_reserve(struct pci_bridge *b, const struct hal_pci_host *host,
                           enum pci_space space)
{
    while (window_size(b, space) < SLOT_ROOM)
        if (!pci_window_take(b, host, space, GRANULE_MEM, true))
            return;
}

void pci_window_keep_for_slot(struct pci_bridge *b)
{
    const struct hal_pci_host *host = pci_host(b->fn.host);

    b->slot = true;
    if (!host)
        return;
    pci_window_align(b->fn.host);
    window_reserve(b, host, PCI_SPACE_MEM32);
    window_reserve(b, host, PCI_SPACE_MEM64);
}

void pci_window_empty_slot(struct pci_bridge *b)
{
    for (unsigned s = 0; s < PCI_SPACES; s++)
        b->given[s] = b->window[s].first;
}

#endif
