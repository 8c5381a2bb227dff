/*
 * scan.c - enumeration of the root bus through ECAM (PCIe Base 4.0, 7.2.2), configuration accesses,
 * capability walk (PCI 3.0, 6.7).
 */
#include "pci/pci.h"

#define ECAM_FUNCTION        4096u
#define ECAM_BUS             (256u * ECAM_FUNCTION)
#define HEADER_MULTIFUNCTION 0x80u
#define HEADER_TYPE          0x7fu

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
    uint16_t command = pci_read16(f, PCI_COMMAND);

    pci_write16(f, PCI_COMMAND,
                (uint16_t)(on ? command | PCI_COMMAND_MASTER : command & ~PCI_COMMAND_MASTER));
}

hal_irq_t pci_intx(const struct pci_function *f)
{
    unsigned pin = pci_read8(f, PCI_INTERRUPT_PIN);

    return pin >= 1 && pin <= 4 ? hal_pci_intx(f->host, f->dev, pin) : -ENODEV;
}

void pci_intx_enable(const struct pci_function *f, bool on)
{
    uint16_t command = pci_read16(f, PCI_COMMAND);

    pci_write16(
        f, PCI_COMMAND,
        (uint16_t)(on ? command & ~PCI_COMMAND_INTX_DISABLE : command | PCI_COMMAND_INTX_DISABLE));
}

/* A link is usable if it leaves room for the header behind it; the two low bits are reserved. */
static unsigned capability_link(const struct pci_function *f, unsigned at)
{
    unsigned next = pci_read8(f, at) & ~3u;

    return next >= 0x40 ? next : 0;
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

/* Reads what identifies a function; false when there is none (all ones). */
static bool identify(struct pci_function *f)
{
    uint32_t ids = pci_read32(f, PCI_VENDOR_ID);

    if ((ids & 0xffff) == 0xffff || (ids & 0xffff) == 0)
        return false;
    f->vendor = (uint16_t)ids;
    f->device = (uint16_t)(ids >> 16);
    f->revision = pci_read8(f, PCI_REVISION);
    f->subsystem = pci_read16(f, PCI_SUBSYSTEM_ID);
    return true;
}

static void scan_device(const struct hal_pci_host *host, hal_mmio_t bus_base, unsigned dev,
                        void (*found)(const struct pci_function *))
{
    unsigned functions = 1;

    for (unsigned fn = 0; fn < functions; fn++) {
        struct pci_function f = {
            .host = host->index,
            .bus = host->bus_first,
            .dev = (uint8_t)dev,
            .fn = (uint8_t)fn,
            .config = bus_base + (dev * 8 + fn) * ECAM_FUNCTION,
        };
        uint8_t header;

        if (!identify(&f)) {
            if (fn == 0)
                return;
            continue;
        }
        header = pci_read8(&f, PCI_HEADER_TYPE);
        if (fn == 0 && (header & HEADER_MULTIFUNCTION))
            functions = 8;
        if ((header & HEADER_TYPE) == 0)
            found(&f);
    }
}

void pci_scan(void (*found)(const struct pci_function *))
{
    struct hal_pci_host host;

    for (unsigned n = 0; hal_pci_host(n, &host) == 0; n++) {
        hal_mmio_t base = host.ecam.len >= ECAM_BUS ? hal_mmio_map(host.ecam.cpu, ECAM_BUS) : 0;

        if (!base) {
            hal_log(HAL_WARN, "pci", "host %u: no usable configuration space", n);
            continue;
        }
        for (unsigned dev = 0; dev < 32; dev++)
            scan_device(&host, base, dev, found);
    }
}
