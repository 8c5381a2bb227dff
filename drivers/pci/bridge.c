/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bridge.c - PCI-to-PCI bridges (PCI-to-PCI Bridge Architecture 1.2, chapter 3; PCIe 4.0, 7.5.1.3):
 * bus numbers, and windows that grow with what is placed behind the bridge. The scan goes depth
 * first and addresses are given upward, so the window of the bridge that is being scanned ends
 * where the next address is taken, and never runs into another.
 */
#include "pci/bridge.h"

enum {
    BRIDGE_PRIMARY = 0x18, /* primary, secondary, subordinate bus, latency timer */
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
enum { PORT_ROOT = 4, PORT_DOWNSTREAM = 6, PORT_TO_PCI = 7 };
#define NOT_EXPRESS 0xffu

static uint16_t own_requester(const struct pci_function *f)
{
    return (uint16_t)(f->bus << 8 | f->dev << 3 | f->fn);
}

/* Device/port type of the PCI Express capability. */
static unsigned port_type(const struct pci_function *f)
{
    unsigned steps = 0, cap = pci_next_capability(f, PCI_CAP_EXPRESS, 0, &steps);

    return cap && cap + PCI_EXPRESS_FLAGS + 2 <= 256
               ? pci_read16(f, cap + PCI_EXPRESS_FLAGS) >> 4 & 15
               : NOT_EXPRESS;
}

bool pci_bridge_is_port(const struct pci_bridge *b)
{
    unsigned type = port_type(&b->fn);

    return type == PORT_ROOT || type == PORT_DOWNSTREAM;
}

/* A conventional bus carries no ids: its bridge speaks for all, the one nearest to the root last.
 */
uint16_t pci_bridge_requester(const struct pci_bridge *b, uint16_t own)
{
    for (; b; b = b->parent) {
        unsigned type = port_type(&b->fn);

        if (type == PORT_TO_PCI)
            own = (uint16_t)(b->secondary << 8);
        else if (type == NOT_EXPRESS)
            own = own_requester(&b->fn);
    }
    return own;
}

/* ---- windows --------------------------------------------------------------------------------- */

/* Base above limit closes a window; the bits below the granule are not stored. */
static void write_io(const struct pci_function *f, uint64_t first, uint64_t last)
{
    pci_write8(f, BRIDGE_IO_BASE, (uint8_t)(first >> 8 & 0xf0));
    pci_write8(f, BRIDGE_IO_LIMIT, (uint8_t)(last >> 8 & 0xf0));
    pci_write32(f, BRIDGE_IO_BASE_HIGH, (uint32_t)(first >> 16 | (last >> 16) << 16));
}

static void write_mem32(const struct pci_function *f, uint64_t first, uint64_t last)
{
    pci_write16(f, BRIDGE_MEM_BASE, (uint16_t)(first >> 16 & 0xfff0));
    pci_write16(f, BRIDGE_MEM_LIMIT, (uint16_t)(last >> 16 & 0xfff0));
}

static void write_mem64(const struct pci_function *f, uint64_t first, uint64_t last)
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
    [PCI_SPACE_IO] = {write_io, PCI_BRIDGE_IO},
    [PCI_SPACE_MEM32] = {write_mem32, PCI_BRIDGE_MEM},
    [PCI_SPACE_MEM64] = {write_mem64, PCI_BRIDGE_MEM},
};

static void close_windows(struct pci_bridge *b)
{
    for (unsigned s = 0; s < PCI_SPACES; s++) {
        b->window[s].first = UINT64_MAX;
        spaces[s].write(&b->fn, UINT32_MAX, 0);
    }
    b->passes[PCI_SPACE_MEM32] = true;
    /* The optional ones: registers that are not there read 0; 64-bit addresses are told by a 1. */
    b->passes[PCI_SPACE_IO] = pci_read8(&b->fn, BRIDGE_IO_BASE) & 0xf0;
    b->passes[PCI_SPACE_MEM64] = (pci_read16(&b->fn, BRIDGE_PREF_BASE) & 15) == 1;
}

bool pci_bridge_passes(const struct pci_bridge *b, enum pci_space space, bool prefetchable)
{
    for (; b; b = b->parent)
        if (!b->open || !b->passes[space] || (space == PCI_SPACE_MEM64 && !prefetchable))
            return false;
    return true;
}

void pci_bridge_cover(struct pci_bridge *b, enum pci_space space, uint64_t bus, uint64_t len)
{
    uint64_t granule = spaces[space].granule;

    for (; b; b = b->parent) {
        if (b->window[space].first > bus)
            b->window[space].first = bus & ~(granule - 1);
        b->window[space].last = (bus + len - 1) | (granule - 1);
        spaces[space].write(&b->fn, b->window[space].first, b->window[space].last);
    }
}

uint64_t pci_bridge_room(const struct pci_bridge *b, enum pci_space space)
{
    return b->window[space].first > b->window[space].last
               ? 0
               : b->window[space].last - b->window[space].first + 1;
}

uint64_t pci_bridge_take(struct pci_bridge *b, enum pci_space space, uint64_t len,
                         bool prefetchable)
{
    uint64_t at = (b->given[space] + len - 1) & ~(len - 1), last = b->window[space].last;

    if (!pci_bridge_room(b, space) || at < b->given[space] || at > last || len - 1 > last - at ||
        (space == PCI_SPACE_MEM64 && !prefetchable))
        return 0;
    b->given[space] = at + len;
    return at;
}

void pci_bridge_clear(struct pci_bridge *b)
{
    for (unsigned s = 0; s < PCI_SPACES; s++)
        b->given[s] = b->window[s].first;
}

static struct pci_bridge *bridges; /* all of them, the last one first; they are never freed */

/* ---- bus numbers ----------------------------------------------------------------------------- */

/* False: the bridge does not keep them. The latency timer is left as it is. */
static bool write_buses(const struct pci_bridge *b, unsigned secondary, unsigned last)
{
    uint32_t timer = pci_read32(&b->fn, BRIDGE_PRIMARY) & 0xff000000;
    uint32_t v = timer | last << 16 | secondary << 8 | b->fn.bus;

    pci_write32(&b->fn, BRIDGE_PRIMARY, v);
    return pci_read32(&b->fn, BRIDGE_PRIMARY) == v;
}

static void enable(const struct pci_bridge *b)
{
    uint8_t command = pci_read8(&b->fn, PCI_COMMAND);

    pci_write8(&b->fn, PCI_COMMAND,
               (uint8_t)(command | PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
}

struct pci_bridge *pci_bridge_open(const struct pci_function *f, unsigned secondary, unsigned last)
{
    struct pci_bridge *b = hal_alloc(sizeof(*b));

    if (!b) {
        hal_log(HAL_ERROR, "pci", "no memory for a bridge");
        return NULL;
    }
    b->fn = *f;
    b->parent = f->bridge;
    pci_assign_bars(&b->fn); /* its own, for hot-plug and messages: nothing may decode at 0 */
    pci_align_windows(f->host);
    close_windows(b);
    if (!write_buses(b, secondary, last)) {
        hal_log(HAL_WARN, "pci", "%02x:%02x.%u: the bridge takes no bus numbers: passed over",
                f->bus, f->dev, f->fn);
        write_buses(b, 0, 0);
        hal_free(b);
        return NULL;
    }
    b->secondary = (uint8_t)secondary;
    b->open = true;
    b->next = bridges;
    bridges = b;
    enable(b);
    return b;
}

void pci_bridge_close(struct pci_bridge *b, unsigned last)
{
    b->open = false;
    write_buses(b, b->secondary, last);
    pci_align_windows(b->fn.host);
}
