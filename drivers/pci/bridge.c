/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bridge.c - PCI-to-PCI bridges (PCI-to-PCI Bridge Architecture 1.2, chapters 3 and 9; PCIe 4.0,
 * 7.5.1.3): bus numbers, and what a function behind bridges is at the root: its requester id, its
 * interrupt line, whether it is still there.
 */
#include "pci/bridge.h"

#if VIREO_PCI

enum { BRIDGE_PRIMARY = 0x18 }; /* primary, secondary, subordinate bus, latency timer */
enum { PORT_ROOT = 4, PORT_DOWNSTREAM = 6, PORT_TO_PCI = 7 };
#define NOT_EXPRESS 0xffu

/* Device/port type of the PCI Express capability. */
static uint8_t bridge_port_type(const struct pci_function *f)
{
    unsigned steps = 0, cap = pci_next_capability(f, PCI_CAP_EXPRESS, 0, &steps);

    if (!cap || cap + PCI_EXPRESS_FLAGS + 2 > 256)
        return NOT_EXPRESS;
    return pci_read16(f, cap + PCI_EXPRESS_FLAGS) >> 4 & 15;
}

bool pci_bridge_is_port(const struct pci_bridge *b)
{
    return b->type == PORT_ROOT || b->type == PORT_DOWNSTREAM;
}

/* ---- from a function up to the root ---------------------------------------------------------- */

static uint16_t bridge_own_requester(const struct pci_bridge *b)
{
    return (uint16_t)(b->fn.bus << 8 | b->fn.dev << 3 | b->fn.fn);
}

/* A bridge to a conventional bus uses its own id for all functions behind it; of several the bridge
 * nearest to the root counts. */
uint16_t pci_bridge_requester(const struct pci_bridge *b, uint16_t own)
{
    for (; b; b = b->parent) {
        if (b->type == PORT_TO_PCI)
            own = (uint16_t)(b->secondary << 8);
        else if (b->type == NOT_EXPRESS)
            own = bridge_own_requester(b);
    }
    return own;
}

/* Each bridge turns the pins by the number of the device (PCI-to-PCI Bridge 1.2, 9.1). */
hal_irq_t pci_intx(const struct pci_function *f)
{
    unsigned pin = pci_read8(f, PCI_INTERRUPT_PIN), dev = f->dev;

    if (pin < 1 || pin > 4)
        return -ENODEV;
    for (const struct pci_bridge *b = f->bridge; b; b = b->parent) {
        pin = (pin - 1 + dev) % 4 + 1;
        dev = b->fn.dev;
    }
    return hal_pci_intx(f->host, dev, pin);
}

bool pci_is_behind(const struct pci_function *f, const struct pci_bridge *port)
{
    const struct pci_bridge *b = f->bridge;

    while (b && b != port)
        b = b->parent;
    return b && b == port;
}

/* A card that was drawn out and put back has lost the bit that lets it reach memory. */
enum pci_presence pci_presence(const struct pci_function *f, const struct pci_bridge *port)
{
    if (pci_read16(f, PCI_VENDOR_ID) != 0xffff)
        return pci_read8(f, PCI_COMMAND) & PCI_COMMAND_MASTER ? PCI_HERE : PCI_GONE;
    return pci_read16(&port->fn, PCI_VENDOR_ID) != 0xffff ? PCI_GONE : PCI_SILENT;
}

/* All bridges, the last one first. They are never freed: the list keeps them visible to a debugger
 * and to a leak checker. */
static struct pci_bridge *bridges;

/* ---- bus numbers ----------------------------------------------------------------------------- */

/* False: the bridge does not keep them. The latency timer is left as it is. */
static bool bridge_write_buses(const struct pci_bridge *b, unsigned secondary, unsigned last)
{
    uint32_t timer = pci_read32(&b->fn, BRIDGE_PRIMARY) & 0xff000000;
    uint32_t v = timer | last << 16 | secondary << 8 | b->fn.bus;

    pci_write32(&b->fn, BRIDGE_PRIMARY, v);
    return pci_read32(&b->fn, BRIDGE_PRIMARY) == v;
}

static void bridge_enable(const struct pci_bridge *b)
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
    b->type = bridge_port_type(f);
    pci_assign_bars(&b->fn); /* its own, for hot-plug and messages: nothing may decode at 0 */
    pci_window_align(f->host);
    pci_window_close(b);
    if (!bridge_write_buses(b, secondary, last)) {
        hal_log(HAL_WARN, "pci", "%02x:%02x.%u: the bridge takes no bus numbers: passed over",
                f->bus, f->dev, f->fn);
        bridge_write_buses(b, 0, 0);
        hal_free(b);
        return NULL;
    }
    b->secondary = (uint8_t)secondary;
    b->open = true;
    b->next = bridges;
    bridges = b;
    bridge_enable(b);
    return b;
}

void pci_bridge_close(struct pci_bridge *b, unsigned last)
{
    b->open = false;
    bridge_write_buses(b, b->secondary, last);
    pci_window_align(b->fn.host);
}

#endif
