/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msix.c - MSI-X (PCI 3.0, 6.8.2): a table in a BAR holds, for each event of the function, the
 * address and the value that the function then writes.
 */
#include "pci/pci.h"

#if VIREO_PCI

enum { MSIX_CONTROL = 2, MSIX_TABLE = 4, MSIX_BYTES = 12 };
enum { MSIX_ENABLE = 0x8000, MSIX_MASK_ALL = 0x4000, MSIX_SIZE = 0x07ff };
enum { ENTRY_ADDR = 0, ENTRY_ADDR_HIGH = 4, ENTRY_DATA = 8, ENTRY_CONTROL = 12, ENTRY_BYTES = 16 };
#define ENTRY_MASKED 1u /* bit of the control word; the others are reserved */

static hal_mmio_t msix_entry(const struct pci_function *f, unsigned entry)
{
    return f->msix.table + entry * ENTRY_BYTES;
}

int pci_msix_open(struct pci_function *f)
{
    unsigned steps = 0, cap = pci_next_capability(f, PCI_CAP_MSIX, 0, &steps);
    unsigned entries;
    uint32_t where;

    f->msix = (struct pci_msix){0};
    if (!cap || cap + MSIX_BYTES > 256)
        return -ENODEV;
    entries = (pci_read16(f, cap + MSIX_CONTROL) & MSIX_SIZE) + 1u;
    where = pci_read32(f, cap + MSIX_TABLE);
    if ((where & 7) < PCI_BARS && f->bar[where & 7].io)
        return -ENODEV;
    f->msix.table = pci_bar_map(f, where & 7, where & ~7u, (uint64_t)entries * ENTRY_BYTES);
    if (!f->msix.table)
        return -ENODEV;
    f->msix.cap = (uint8_t)cap;
    f->msix.entries = (uint16_t)entries;
    for (unsigned i = 0; i < entries; i++)
        hal_write32(msix_entry(f, i) + ENTRY_CONTROL, ENTRY_MASKED);
    return 0;
}

int pci_msix_attach(struct pci_function *f, unsigned entry, hal_irq_fn fn, void *ctx,
                    struct hal_msi *msi)
{
    hal_mmio_t at = msix_entry(f, entry);
    int err;

    if (entry >= f->msix.entries)
        return -ENOSPC;
    err = hal_msi_alloc((uint32_t)f->host << 16 | f->requester, msi);
    if (err)
        return err;
    err = hal_irq_attach(msi->irq, fn, ctx);
    if (err) {
        hal_msi_free(msi);
        return err;
    }
    hal_write32(at + ENTRY_ADDR, (uint32_t)msi->addr);
    hal_write32(at + ENTRY_ADDR_HIGH, (uint32_t)(msi->addr >> 32));
    hal_write32(at + ENTRY_DATA, msi->data);
    hal_write32(at + ENTRY_CONTROL, 0);
    return 0;
}

void pci_msix_detach(struct pci_function *f, unsigned entry, hal_irq_fn fn, void *ctx,
                     const struct hal_msi *msi)
{
    hal_write32(msix_entry(f, entry) + ENTRY_CONTROL, ENTRY_MASKED);
    hal_irq_detach(msi->irq, fn, ctx);
    hal_msi_free(msi);
}

void pci_msix_enable(const struct pci_function *f, bool on)
{
    uint16_t control = pci_read16(f, f->msix.cap + MSIX_CONTROL);

    control = (uint16_t)(control & ~(MSIX_ENABLE | MSIX_MASK_ALL));
    pci_write16(f, f->msix.cap + MSIX_CONTROL, (uint16_t)(on ? control | MSIX_ENABLE : control));
}

#endif
