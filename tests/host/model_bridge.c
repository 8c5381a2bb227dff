/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_bridge.c - the bridges of the model's PCI bus: bus numbers and windows (PCI-to-PCI Bridge
 * Architecture 1.2, chapter 3).
 */
#include "model_pci.h"

enum { COMMAND = 4, HEADER = 0x0e, SECONDARY = 0x19, SUBORDINATE = 0x1a };
enum { IO = 0x1c, MEM = 0x20, PREF = 0x24, PREF_HIGH = 0x28, IO_HIGH = 0x30 };
enum { DECODE_IO = 1, DECODE_MEM = 2 };

void model_pci_make_bridge(struct model_pci_fn *f, int express)
{
    model_pci_put(f, HEADER, 1, 1 | (f->config[HEADER] & 0x80));
    for (unsigned off = 0x18; off < 0x1b; off++)
        f->writable[off] = 0xff;
    f->writable[IO] = f->writable[IO + 1] = 0xf0;
    for (unsigned off = MEM; off < PREF + 4; off += 2) {
        f->writable[off] = 0xf0;
        f->writable[off + 1] = 0xff;
    }
    for (unsigned off = PREF_HIGH; off < IO_HIGH + 4; off++)
        f->writable[off] = 0xff;
    model_pci_put(f, IO, 2, 0x0101);   /* 32-bit I/O addresses */
    model_pci_put(f, PREF, 2, 0x0001); /* 64-bit ones */
    model_pci_put(f, PREF + 2, 2, 0x0001);
    if (express >= 0)
        model_pci_put(f, model_pci_cap(f, 0x10, 60) + 2, 2, (unsigned)express << 4 | 2);
}

int model_pci_bus(const struct model_pci_fn *f)
{
    unsigned bus;

    if (!f->bridge)
        return 0;
    bus = f->bridge->config[SECONDARY];
    for (const struct model_pci_fn *up = f->bridge; up; up = up->bridge)
        if (!bus || bus < up->config[SECONDARY] || bus > up->config[SUBORDINATE] || up->gone)
            return -1;
    return (int)bus;
}

struct range {
    uint64_t first, last;
};

static struct range memory(const struct model_pci_fn *b, unsigned off)
{
    uint64_t first = model_pci_get(b, off, 2) & 0xfff0, last = model_pci_get(b, off + 2, 2) | 15;
    struct range r = {first << 16, last << 16 | 0xffff};

    if (off == PREF) {
        r.first |= (uint64_t)model_pci_get(b, PREF_HIGH, 4) << 32;
        r.last |= (uint64_t)model_pci_get(b, PREF_HIGH + 4, 4) << 32;
    }
    return r;
}

static struct range ports(const struct model_pci_fn *b)
{
    uint64_t first = model_pci_get(b, IO, 1) & 0xf0, last = model_pci_get(b, IO + 1, 1) | 0x0f;

    return (struct range){first << 8 | (uint64_t)model_pci_get(b, IO_HIGH, 2) << 16,
                          last << 8 | 0xff | (uint64_t)model_pci_get(b, IO_HIGH + 2, 2) << 16};
}

static unsigned windows_of(const struct model_pci_fn *b, bool io, struct range *out)
{
    if (!(model_pci_get(b, COMMAND, 2) & (io ? DECODE_IO : DECODE_MEM)))
        return 0;
    if (io) {
        out[0] = ports(b);
        return 1;
    }
    out[0] = memory(b, MEM);
    out[1] = memory(b, PREF);
    return 2;
}

static bool passes(const struct model_pci_fn *b, bool io, uint64_t addr, uint64_t len)
{
    struct range r[2];
    unsigned n = windows_of(b, io, r);

    for (unsigned i = 0; i < n; i++)
        if (addr >= r[i].first && addr + len - 1 <= r[i].last)
            return true;
    return false;
}

bool model_pci_claims(const struct model_pci_fn *b, bool io, uint64_t addr, uint64_t len)
{
    struct range r[2];
    unsigned n = windows_of(b, io, r);

    for (unsigned i = 0; i < n; i++)
        if (r[i].first <= r[i].last && addr <= r[i].last && addr + len - 1 >= r[i].first)
            return true;
    return false;
}

bool model_pci_reached(const struct model_pci_fn *f, bool io, uint64_t addr, uint64_t len)
{
    for (const struct model_pci_fn *up = f->bridge; up; up = up->bridge)
        if (!passes(up, io, addr, len))
            return false;
    return true;
}
