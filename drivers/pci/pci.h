/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.h - PCI Express functions as drivers see them: enumeration over ECAM, BARs that this code
 * assigns (no firmware ran before), capabilities, MSI-X and INTx. PCI Local Bus 3.0, PCIe Base 4.0.
 */
#ifndef VIREO_PCI_H
#define VIREO_PCI_H

#include "hal.h"

#define PCI_BARS             6
#define PCI_MAX_CAPABILITIES 48 /* a walk never looks at more, whatever the links say */

/* Configuration space; header type 0 is a function with a driver, type 1 a bridge */
enum {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_ID = 0x2e, /* header type 0 only */
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,
};
enum {
    PCI_COMMAND_IO = 0x001,
    PCI_COMMAND_MEMORY = 0x002,
    PCI_COMMAND_MASTER = 0x004,
    PCI_COMMAND_INTX_DISABLE = 0x400,
};
enum { PCI_STATUS_CAPABILITIES = 0x10 };
enum { PCI_CAP_VENDOR = 0x09, PCI_CAP_EXPRESS = 0x10, PCI_CAP_MSIX = 0x11 };
enum { PCI_EXPRESS_FLAGS = 2 }; /* in the PCI Express capability */

/* A base address register that was sized and given an address. */
struct pci_bar {
    uint64_t phys; /* for the CPU, of I/O space as well; 0: no room, or no window */
    uint64_t len;  /* 0: not there */
    bool io;
};

struct pci_msix {
    uint8_t cap;      /* offset of the capability; 0: the function has none */
    uint16_t entries; /* of the table; 0: not in use */
    hal_mmio_t table;
};

struct pci_bridge;

struct pci_function {
    unsigned host;
    struct pci_bridge *bridge; /* whose bus it is on; NULL: the root bus */
    uint16_t requester;        /* how its messages and its DMA are told apart: bus << 8 | devfn */
    uint8_t bus, dev, fn;
    uint16_t vendor, device, subsystem;
    hal_mmio_t config; /* this function's 4 KiB of ECAM */
    struct pci_bar bar[PCI_BARS];
    struct pci_msix msix;
};

/* Who hears of functions. Both are called in task context, later on from a service. */
struct pci_client {
    /*
     * A function answers, at the scan or plugged in since; its BARs are not yet assigned. The
     * structure lives on the caller's stack: copy what is kept.
     */
    void (*found)(const struct pci_function *f);
    /*
     * All behind this port is to go: it stops. True once it has, within two seconds; until then
     * this is called again. NULL, as leave: nothing is plugged in or out after the scan.
     */
    bool (*retire)(const struct pci_bridge *port);
    /*
     * All behind this port goes now: it was asked to and is still there, or has gone already, which
     * pci_presence() tells of each function.
     */
    void (*leave)(const struct pci_bridge *port);
};

/*
 * Enumerates every host bridge once, giving numbers to the buses behind bridges, and serves the
 * slots of their ports from then on (hotplug.c). The client must live for ever.
 */
void pci_scan(const struct pci_client *client);

/* Is the function on the bus of that port, or on one below? */
bool pci_is_behind(const struct pci_function *f, const struct pci_bridge *port);

/*
 * Is a function that was let reach memory (pci_set_master) still there, behind this port? GONE:
 * certainly not, and what may answer in its place cannot reach memory. SILENT: nobody knows, the
 * port does not answer either.
 */
enum pci_presence { PCI_HERE, PCI_GONE, PCI_SILENT };
enum pci_presence pci_presence(const struct pci_function *f, const struct pci_bridge *port);

uint8_t pci_read8(const struct pci_function *f, unsigned off);
uint16_t pci_read16(const struct pci_function *f, unsigned off);
uint32_t pci_read32(const struct pci_function *f, unsigned off);
void pci_write8(const struct pci_function *f, unsigned off, uint8_t v);
void pci_write16(const struct pci_function *f, unsigned off, uint16_t v);
void pci_write32(const struct pci_function *f, unsigned off, uint32_t v);

/*
 * Sizes all BARs, gives them addresses from the host's windows and switches decoding on. Behind a
 * bridge it has to be called in found(): a bridge's windows grow while its bus is scanned, no
 * later. What is plugged in later shares the 2 MiB of each kind that its slot was left.
 */
void pci_assign_bars(struct pci_function *f);

/*
 * Registers [off, off+len) of a BAR, mapped; I/O space through the host's window for it. 0: the BAR
 * does not exist, has no address or is too small.
 */
hal_mmio_t pci_bar_map(const struct pci_function *f, unsigned bar, uint64_t off, uint64_t len);

/* Lets the function reach memory, or stops it. */
void pci_set_master(const struct pci_function *f, bool on);

/*
 * Offset of the next capability with this id after `after` (0: the first); 0: no more. `steps`
 * counts the links followed over a whole walk; start it at 0.
 */
unsigned pci_next_capability(const struct pci_function *f, unsigned id, unsigned after,
                             unsigned *steps);

/*
 * MSI-X: with pci_msix_open the table is found and all entries are masked; pci_msix_attach gives
 * an entry its message and handler; pci_msix_enable switches the function over.
 * -ENODEV: no (usable) capability, or no message can be had from the machine; -ENOSPC: used up.
 */
int pci_msix_open(struct pci_function *f);
int pci_msix_attach(struct pci_function *f, unsigned entry, hal_irq_fn fn, void *ctx,
                    struct hal_msi *msi);
void pci_msix_detach(struct pci_function *f, unsigned entry, hal_irq_fn fn, void *ctx,
                     const struct hal_msi *msi);
void pci_msix_enable(const struct pci_function *f, bool on);

/* The function's INTx line, negative when it has none; and its switch in the command register,
 * whose byte nothing else changes. [handler] */
hal_irq_t pci_intx(const struct pci_function *f);
void pci_intx_enable(const struct pci_function *f, bool on);

#endif
