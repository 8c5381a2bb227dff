/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan.c - enumeration through ECAM (PCIe Base 4.0, 7.2.2): every bus once, depth first, at the
 * boot; and what is in a port's slot later on.
 */
#include "pci/bridge.h"

#if VIREO_PCI

#define ECAM_FUNCTION        4096u
#define ECAM_BUS             (256u * ECAM_FUNCTION)
#define HEADER_MULTIFUNCTION 0x80u

struct scan {
    const struct hal_pci_host *host;
    unsigned bus_top; /* highest bus number given so far */
    unsigned bus_end; /* highest that has configuration space */
    const struct pci_client *client;
};

static void scan_bus(struct scan *s, unsigned bus, struct pci_bridge *via, unsigned depth);

/* Reads what identifies a function; false when there is none (all ones). */
static bool scan_identify(struct pci_function *f)
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
    if (s->client->port && pci_bridge_is_port(b))
        s->client->port(b, s->client);
    pci_bridge_close(b, s->bus_top);
}

/* One function; its header type, or -ENODEV. */
static int scan_function(struct scan *s, struct pci_function *f, unsigned depth)
{
    uint8_t header;

    if (!scan_identify(f))
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
        if (fn == 0 && ((unsigned)header & HEADER_MULTIFUNCTION))
            functions = 8;
    }
}

static hal_mmio_t scan_map_bus(const struct hal_pci_host *host, unsigned bus)
{
    uint64_t off = (uint64_t)(bus - host->bus_first) * ECAM_BUS;

    return hal_mmio_map(host->ecam.cpu + off, ECAM_BUS);
}

static void scan_bus(struct scan *s, unsigned bus, struct pci_bridge *via, unsigned depth)
{
    hal_mmio_t base = scan_map_bus(s->host, bus);
    unsigned places = via && pci_bridge_is_port(via) ? 1 : 32;

    if (!base) {
        hal_log(HAL_WARN, "pci", "bus %u: its configuration space cannot be mapped", bus);
        return;
    }
    for (unsigned dev = 0; dev < places; dev++)
        scan_device(s, base, bus, via, dev, depth);
}

int pci_scan_host(const struct hal_pci_host *host, const struct pci_client *client)
{
    uint64_t buses = host->ecam.len / ECAM_BUS;
    struct scan s = {.host = host, .bus_top = host->bus_first, .client = client};

    if (!buses) {
        hal_log(HAL_WARN, "pci", "host %u: no usable configuration space", host->index);
        return -EINVAL;
    }
    s.bus_end = buses - 1 < (uint64_t)(host->bus_last - host->bus_first)
                    ? host->bus_first + (unsigned)buses - 1
                    : host->bus_last;
    pci_host_add(host);
    scan_bus(&s, host->bus_first, NULL, 0);
    return 0;
}

void pci_scan(const struct pci_client *client)
{
    struct hal_pci_host host;
    int err;

    for (unsigned n = 0; (err = hal_pci_host(n, &host)) != -ENOENT; n++)
        if (!err) /* else the log says why it cannot be used */
            pci_scan_host(&host, client);
}

/* ---- afterwards ------------------------------------------------------------------------------ */

/* Not there: all ones. There, but not ready yet: vendor 1 (PCIe Base 4.0, 2.3.2). */
bool pci_scan_answers(const struct pci_bridge *port)
{
    const struct hal_pci_host *host = pci_host(port->fn.host);
    hal_mmio_t base;
    uint16_t vendor;

    if (!host)
        return false;
    base = scan_map_bus(host, port->secondary);
    vendor = base ? hal_read16(base + PCI_VENDOR_ID) : 0;
    return vendor > 1 && vendor != 0xffff;
}

void pci_scan_slot(struct pci_bridge *port, const struct pci_client *client)
{
    const struct hal_pci_host *host = pci_host(port->fn.host);
    struct scan s = {.host = host, .client = client}; /* no number for buses further on */

    if (!host)
        return;
    pci_window_empty_slot(port);
    scan_bus(&s, port->secondary, port, 1);
}

#endif
