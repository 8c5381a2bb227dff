/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan.c - enumeration through ECAM (PCIe Base 4.0, 7.2.2), bridges included, configuration
 * accesses, capability walk (PCI 3.0, 6.7).
 */
#include "pci/bridge.h"

#define ECAM_FUNCTION        4096u
#define ECAM_BUS             (256u * ECAM_FUNCTION)
#define HEADER_MULTIFUNCTION 0x80u

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

void pci_intx_enable(const struct pci_function *f, bool on)
{
    const unsigned off = PCI_COMMAND + 1, disable = PCI_COMMAND_INTX_DISABLE >> 8;
    uint8_t command = pci_read8(f, off);

    pci_write8(f, off, (uint8_t)(on ? command & ~disable : command | disable));
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

/* ---- enumeration ----------------------------------------------------------------------------- */

struct scan {
    const struct hal_pci_host *host;
    unsigned bus_top; /* highest bus number given so far */
    unsigned bus_end; /* highest that has configuration space */
    const struct pci_client *client;
};

static void scan_bus(struct scan *s, unsigned bus, struct pci_bridge *via, unsigned depth);

/* Reads what identifies a function; false when there is none (all ones). */
static bool identify(struct pci_function *f)
{
    uint32_t ids = pci_read32(f, PCI_VENDOR_ID);

    if ((ids & 0xffff) == 0xffff || (ids & 0xffff) == 0)
        return false;
    f->vendor = (uint16_t)ids;
    f->device = (uint16_t)(ids >> 16);
    f->requester = pci_bridge_requester(f->bridge, (uint16_t)(f->bus << 8 | f->dev << 3 | f->fn));
    return true;
}

static void scan_bridge(struct scan *s, const struct pci_function *f, unsigned depth)
{
    struct pci_bridge *b;
    unsigned bus = s->bus_top + 1;

    if (depth == PCI_MAX_DEPTH || bus > s->bus_end) {
        hal_log(HAL_WARN, "pci", "%02x:%02x.%u: no bus number for what is behind this bridge",
                f->bus, f->dev, f->fn);
        return;
    }
    b = pci_bridge_open(f, bus, s->bus_end);
    if (!b)
        return;
    s->bus_top = bus;
    scan_bus(s, bus, b, depth + 1);
    if (s->client->leave)
        pci_slot_serve(b, s->client);
    pci_bridge_close(b, s->bus_top);
}

/* One function; its header type, or -ENODEV. */
static int scan_function(struct scan *s, struct pci_function *f, unsigned depth)
{
    uint8_t header;

    if (!identify(f))
        return -ENODEV;
    header = pci_read8(f, PCI_HEADER_TYPE);
    if ((header & PCI_HEADER_TYPE_MASK) == 0) {
        f->subsystem = pci_read16(f, PCI_SUBSYSTEM_ID);
        s->client->found(f);
    } else if ((header & PCI_HEADER_TYPE_MASK) == 1) {
        scan_bridge(s, f, depth);
    }
    return header;
}

static void scan_device(struct scan *s, hal_mmio_t base, unsigned bus, struct pci_bridge *via,
                        unsigned dev, unsigned depth)
{
    unsigned functions = 1;

    for (unsigned fn = 0; fn < functions; fn++) {
        struct pci_function f = {
            .host = s->host->index,
            .bridge = via,
            .bus = (uint8_t)bus,
            .dev = (uint8_t)dev,
            .fn = (uint8_t)fn,
            .config = base + (dev * 8 + fn) * ECAM_FUNCTION,
        };
        int header = scan_function(s, &f, depth);

        if (fn == 0 && header < 0)
            return;
        if (fn == 0 && (header & HEADER_MULTIFUNCTION))
            functions = 8;
    }
}

static hal_mmio_t map_bus(const struct hal_pci_host *host, unsigned bus)
{
    uint64_t off = (uint64_t)(bus - host->bus_first) * ECAM_BUS;

    return hal_mmio_map(host->ecam.cpu + off, ECAM_BUS);
}

static void scan_bus(struct scan *s, unsigned bus, struct pci_bridge *via, unsigned depth)
{
    hal_mmio_t base = map_bus(s->host, bus);
    unsigned devices = via && pci_bridge_is_port(via) ? 1 : 32;

    if (!base) {
        hal_log(HAL_WARN, "pci", "bus %u: its configuration space cannot be mapped", bus);
        return;
    }
    for (unsigned dev = 0; dev < devices; dev++)
        scan_device(s, base, bus, via, dev, depth);
}

void pci_scan(const struct pci_client *client)
{
    struct hal_pci_host host;
    int err;

    for (unsigned n = 0; (err = hal_pci_host(n, &host)) != -ENOENT; n++) {
        if (err)
            continue; /* it has said why it cannot be used */
        uint64_t buses = host.ecam.len / ECAM_BUS;
        struct scan s = {.host = &host, .bus_top = host.bus_first, .client = client};

        if (!buses) {
            hal_log(HAL_WARN, "pci", "host %u: no usable configuration space", n);
            continue;
        }
        s.bus_end = buses - 1 < (uint64_t)(host.bus_last - host.bus_first)
                        ? host.bus_first + (unsigned)buses - 1
                        : host.bus_last;
        scan_bus(&s, host.bus_first, NULL, 0);
    }
}

/* ---- afterwards ------------------------------------------------------------------------------ */

/* Not there: all ones. There, but not ready yet: vendor 1 (PCIe Base 4.0, 2.3.2). */
bool pci_slot_answers(const struct pci_bridge *port)
{
    struct hal_pci_host host;
    hal_mmio_t base;
    uint16_t vendor;

    if (hal_pci_host(port->fn.host, &host))
        return false;
    base = map_bus(&host, port->secondary);
    vendor = base ? hal_read16(base + PCI_VENDOR_ID) : 0;
    return vendor > 1 && vendor != 0xffff;
}

void pci_scan_slot(struct pci_bridge *port, const struct pci_client *client)
{
    struct hal_pci_host host;
    struct scan s = {.host = &host, .client = client}; /* no number for buses further on */

    if (hal_pci_host(port->fn.host, &host))
        return;
    pci_bridge_clear(port);
    scan_bus(&s, port->secondary, port, 1);
}

bool pci_is_behind(const struct pci_function *f, const struct pci_bridge *port)
{
    const struct pci_bridge *b = f->bridge;

    while (b && b != port)
        b = b->parent;
    return b && b == port;
}

/* A function that was drawn out and put back has forgotten that it may reach memory. */
enum pci_presence pci_presence(const struct pci_function *f, const struct pci_bridge *port)
{
    if (pci_read16(f, PCI_VENDOR_ID) != 0xffff)
        return pci_read8(f, PCI_COMMAND) & PCI_COMMAND_MASTER ? PCI_HERE : PCI_GONE;
    return pci_read16(&port->fn, PCI_VENDOR_ID) != 0xffff ? PCI_GONE : PCI_SILENT;
}
