/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bar.c - base address registers (PCI 3.0, 6.2.5): how large each one is, an address for it, and
 * the CPU's way to the registers behind it.
 */
#include "pci/bridge.h"

#if VIREO_PCI

#define BAR_IO        1u
#define BAR_TYPE_64   (2u << 1)
#define BAR_TYPE_MASK (3u << 1)
#define BAR_PREFETCH  (1u << 3)

/* What a register says about itself. */
struct bar_shape {
    uint64_t len; /* bytes, a power of two; 0: there is no such BAR */
    bool io;
    bool wide; /* 64 bits: the next register holds the upper half of the address */
    bool prefetch;
};

/* How many address registers the header has. */
static unsigned bar_registers(const struct pci_function *f)
{
    return (pci_read8(f, PCI_HEADER_TYPE) & PCI_HEADER_TYPE_MASK) == 0 ? PCI_BARS : 2;
}

/* Writes ones, reads which bits stick, and leaves address 0. Decoding is off meanwhile. */
static struct bar_shape bar_probe(const struct pci_function *f, unsigned i)
{
    unsigned off = PCI_BAR0 + 4 * i;
    uint32_t old = pci_read32(f, off);
    struct bar_shape shape = {0};
    uint64_t mask;

    shape.io = old & BAR_IO;
    shape.wide = !shape.io && (old & BAR_TYPE_MASK) == BAR_TYPE_64 && i + 1 < bar_registers(f);
    shape.prefetch = !shape.io && (old & BAR_PREFETCH);
    pci_write32(f, off, 0xffffffff);
    mask = pci_read32(f, off) & ~(shape.io ? 3u : 15u);
    pci_write32(f, off, 0);
    if (shape.wide) {
        pci_write32(f, off + 4, 0xffffffff);
        mask |= (uint64_t)pci_read32(f, off + 4) << 32;
        pci_write32(f, off + 4, 0);
    }
    shape.len = mask & -mask; /* the lowest bit that sticks */
    return shape;
}

/* Chooses a window and an address. A 64-bit BAR goes high if there is room, else low. */
static void bar_place(struct pci_function *f, unsigned i, const struct bar_shape *shape,
                      const struct hal_pci_host *host)
{
    enum pci_space space = shape->io     ? PCI_SPACE_IO
                           : shape->wide ? PCI_SPACE_MEM64
                                         : PCI_SPACE_MEM32;
    uint64_t bus = pci_window_take(f->bridge, host, space, shape->len, shape->prefetch);

    if (!bus && space == PCI_SPACE_MEM64) {
        space = PCI_SPACE_MEM32;
        bus = pci_window_take(f->bridge, host, space, shape->len, shape->prefetch);
    }
    f->bar[i] = (struct pci_bar){0, shape->len, shape->io};
    if (!bus) {
        hal_log(HAL_WARN, "pci", "%02x:%02x.%u: no room for BAR %u", f->bus, f->dev, f->fn, i);
        return;
    }
    pci_write32(f, PCI_BAR0 + 4 * i, (uint32_t)bus);
    if (shape->wide)
        pci_write32(f, PCI_BAR0 + 4 * i + 4, (uint32_t)(bus >> 32));
    f->bar[i].phys = pci_window_cpu(host, space, bus);
}

void pci_assign_bars(struct pci_function *f)
{
    uint8_t command = pci_read8(f, PCI_COMMAND);
    uint8_t decode = 0;
    const struct hal_pci_host *host = pci_host(f->host);

    if (!host)
        return;
    command = (uint8_t)(command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
    pci_write8(f, PCI_COMMAND, command);
    for (unsigned i = 0; i < bar_registers(f); i++) {
        struct bar_shape shape = bar_probe(f, i);

        if (shape.len)
            bar_place(f, i, &shape, host);
        if (f->bar[i].phys)
            decode |= shape.io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
        i += shape.wide;
    }
    pci_write8(f, PCI_COMMAND, command | decode);
}

hal_mmio_t pci_bar_map(const struct pci_function *f, unsigned bar, uint64_t off, uint64_t len)
{
    const struct pci_bar *b = bar < PCI_BARS ? &f->bar[bar] : NULL;

    if (!b || !b->phys || !len || off > b->len || len > b->len - off)
        return 0;
    return hal_mmio_map(b->phys + off, len);
}

#endif
