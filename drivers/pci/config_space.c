/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_space.c - the configuration space of one function: accesses, the command register, the
 * list of capabilities (PCI 3.0, 6.2.2, 6.7). The lowest file of drivers/pci: calls none of the
 * others.
 */
#include "pci/pci.h"

#if VIREO_PCI

#define CAPABILITY_FIRST 0x40u /* behind the header */

uint8_t pci_read8(const struct pci_function *f, unsigned off)
{
    return hal_read8(f->config + off);
}

uint16_t pci_read16(const struct pci_function *f, unsigned off)
{
    return hal_read16(f->config + off);
}

uint32_t pci_read32(const struct pci_function *f, unsigned off)
{
    return hal_read32(f->config + off);
}

void pci_write8(const struct pci_function *f, unsigned off, uint8_t v)
{
    hal_write8(f->config + off, v);
}

void pci_write16(const struct pci_function *f, unsigned off, uint16_t v)
{
    hal_write16(f->config + off, v);
}

void pci_write32(const struct pci_function *f, unsigned off, uint32_t v)
{
    hal_write32(f->config + off, v);
}

void pci_set_master(const struct pci_function *f, bool on)
{
    uint8_t command = pci_read8(f, PCI_COMMAND);

    pci_write8(f, PCI_COMMAND,
               (uint8_t)(on ? command | PCI_COMMAND_MASTER : command & ~PCI_COMMAND_MASTER));
}

void pci_intx_enable(const struct pci_function *f, bool on)
{
    const unsigned off = PCI_COMMAND + 1, disable = PCI_COMMAND_INTX_DISABLE >> 8;
    uint8_t command = pci_read8(f, off);

    pci_write8(f, off, (uint8_t)(on ? command & ~disable : command | disable));
}

/* The offset that the link at `at` holds; 0: the list ends here, or the link leads into the header.
 * The two low bits are reserved. */
static unsigned capability_link(const struct pci_function *f, unsigned at)
{
    unsigned next = pci_read8(f, at) & ~3u;

    return next >= CAPABILITY_FIRST ? next : 0;
}

unsigned pci_next_capability(const struct pci_function *f, unsigned id, unsigned after,
                             unsigned *steps)
{
    unsigned at;

    if (!(pci_read16(f, PCI_STATUS) & PCI_STATUS_CAPABILITIES))
        return 0;
    at = capability_link(f, after ? after + 1 : PCI_CAPABILITIES);
    while (at && (*steps)++ < PCI_MAX_CAPABILITIES) {
        if (pci_read8(f, at) == id)
            return at;
        at = capability_link(f, at + 1);
    }
    return 0;
}

#endif
