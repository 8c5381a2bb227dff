/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.h - PCI Express functions as drivers see them: enumeration over ECAM, BARs that this code
 * assigns (no firmware ran before), capabilities, MSI-X, INTx, hot-plug. PCI Local Bus 3.0, PCIe
 * Base 4.0.
 *
 * All functions run in task context, in the found(), retire() and leave() of a client too; those
 * marked [handler] may also run in an interrupt handler.
 */
#ifndef VIREO_PCI_H
#define VIREO_PCI_H

#include "hal.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PCI_BARS             6
#define PCI_MAX_CAPABILITIES 48 /* links that one walk follows at most */
#define PCI_MAX_HOSTS        4  /* host bridges whose functions get addresses: index 0 to 3 */

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

/* A base address register, once pci_assign_bars() has sized it. */
struct pci_bar {
    uint64_t phys; /* the CPU's address, of I/O space as well; 0: no room for it */
    uint64_t len;  /* in bytes, a power of two; 0: there is no such BAR */
    bool io;
};

struct pci_msix {
    uint8_t cap;      /* offset of the capability; 0: the function has none */
    uint16_t entries; /* of the table, 1 to 2,048; 0: pci_msix_open() has not found it */
    hal_mmio_t table;
};

struct pci_bridge;

/*
 * A function that was found. Plain data: a copy is valid as long as the function is present; the
 * client hears when functions come and leave. Only the copy that pci_assign_bars() and
 * pci_msix_open() were called with has BARs and a table.
 */
struct pci_function {
    unsigned host;             /* number of the host bridge, from 0 */
    struct pci_bridge *bridge; /* whose bus it is on; NULL: the root bus */
    uint16_t requester;        /* id of its messages and DMA at the root: bus << 8 | devfn */
    uint8_t bus, dev, fn;
    uint16_t vendor, device, subsystem;
    hal_mmio_t config; /* its 4 KiB of ECAM */
    struct pci_bar bar[PCI_BARS];
    struct pci_msix msix;
};

/* ---- enumeration ----------------------------------------------------------------------------- */

/* Callbacks for functions that come and leave: from the scan, later from the hot-plug service. */
struct pci_client {
    /*
     * A function answers, at the scan or plugged in since; its BARs have no addresses yet. The
     * structure belongs to the caller and ends with the call: copy what is kept.
     */
    void (*found)(const struct pci_function *f);
    /*
     * The bus behind a root port or a downstream port was scanned. pci_hotplug_serve if cards may
     * be plugged in and out from then on, else NULL.
     */
    void (*port)(struct pci_bridge *port, const struct pci_client *client);
    /*
     * All functions behind this port are to stop, since the card is to be taken out. True: none of
     * them reaches memory any more, or a reset did not complete and never will; this must be known
     * within two seconds. False: call again. Needed with pci_hotplug_serve only, as leave.
     */
    bool (*retire)(const struct pci_bridge *port);
    /*
     * All functions behind this port leave now: after retire(), or without notice. pci_presence()
     * tells of each function whether it is still there.
     */
    void (*leave)(const struct pci_bridge *port);
};

/*
 * Enumerates the buses of a host bridge and numbers those behind bridges; calls found() for each
 * function but bridges. Once for each host. *host is copied; host->index tells it from others. The
 * client must live for ever. What cannot be enumerated (no bus number left) is logged and left out.
 * 0; -EINVAL: no configuration space.
 */
int pci_scan_host(const struct hal_pci_host *host, const struct pci_client *client);
/* The host bridge of this number; NULL: none was scanned, or its functions get no addresses. */
const struct hal_pci_host *pci_host(unsigned index);
/* pci_scan_host() for every host bridge that hal_pci_host() tells of. */
void pci_scan(const struct pci_client *client);

/*
 * hotplug.c: if the port has a slot for hot-plug, takes it into use: keeps addresses for later
 * cards, attaches the port's interrupt, or looks at the slot now and then without one. For
 * pci_client.port. Without memory nothing can be plugged in there, and the log says so.
 */
void pci_hotplug_serve(struct pci_bridge *port, const struct pci_client *client);

/* True if the function is on the bus of that port, or on one below. Reads no register. */
bool pci_is_behind(const struct pci_function *f, const struct pci_bridge *port);

/*
 * Is a function that may reach memory (pci_set_master) still present behind this port? GONE: no,
 * and a function that answers in its place cannot reach memory. SILENT: the port does not answer
 * either, so the function may still write to memory.
 */
enum pci_presence { PCI_HERE, PCI_GONE, PCI_SILENT };
enum pci_presence pci_presence(const struct pci_function *f, const struct pci_bridge *port);

/* ---- configuration space --------------------------------------------------------------------- */

/*
 * One access at offset `off` in bytes, a multiple of the width, below 256 for a function that may
 * be a conventional one. A function that is gone reads all ones. [handler]
 */
uint8_t pci_read8(const struct pci_function *f, unsigned off);
uint16_t pci_read16(const struct pci_function *f, unsigned off);
uint32_t pci_read32(const struct pci_function *f, unsigned off);
void pci_write8(const struct pci_function *f, unsigned off, uint8_t v);
void pci_write16(const struct pci_function *f, unsigned off, uint16_t v);
void pci_write32(const struct pci_function *f, unsigned off, uint32_t v);

/* Lets the function reach memory and send messages, or stops both. */
void pci_set_master(const struct pci_function *f, bool on);

/*
 * Offset (0x40 to 0xfc, a multiple of 4) of the next capability with this id behind the one at
 * `after` (0: the first); 0: there is no other. `steps` counts the links followed over a whole
 * walk, PCI_MAX_CAPABILITIES at most: start it at 0. The capability may end beyond the 256 bytes.
 */
unsigned pci_next_capability(const struct pci_function *f, unsigned id, unsigned after,
                             unsigned *steps);

/* ---- base address registers ------------------------------------------------------------------ */

/*
 * Sizes all BARs, gives them addresses from the host's windows and switches decoding on: of the
 * kinds of space in which a BAR got an address. f->bar has the result; a BAR without room is
 * logged. Mastering is off afterwards. Behind a bridge this is for found() alone: a bridge's
 * windows grow while its bus is scanned, no later. What is plugged in later shares the 2 MiB of
 * each kind of memory that its slot kept. The addresses are the function's for ever, or until
 * another card is in the slot.
 */
void pci_assign_bars(struct pci_function *f);

/*
 * Maps registers [off, off + len) of a BAR, of I/O space through the host's window for it; in
 * bytes; both may have any value. 0: the BAR does not exist, has no address or is too small.
 */
hal_mmio_t pci_bar_map(const struct pci_function *f, unsigned bar, uint64_t off, uint64_t len);

/* ---- interrupts ------------------------------------------------------------------------------ */

/*
 * MSI-X (PCI 3.0, 6.8.2), in this order: open, attach for each entry in use, enable; and back:
 * disable, detach. The BARs have addresses before.
 *
 * open: finds the table and masks all entries. May be called again after a reset of the function.
 * -ENODEV: the function has no capability, or its table does not lie in a BAR for memory.
 */
int pci_msix_open(struct pci_function *f);
/*
 * Gives an entry (from 0) a message of the machine, unmasks it and calls fn(ctx) for each message
 * from then on. *msi is the caller's to keep, for detach. -ENOSPC: there is no such entry, or the
 * machine has no message left; -ENODEV: the machine has none for this function; else what
 * hal_irq_attach() says. After an error nothing is held, and the entry is masked.
 */
int pci_msix_attach(struct pci_function *f, unsigned entry, hal_irq_fn fn, void *ctx,
                    struct hal_msi *msi);
/* Masks the entry, takes the handler away, gives the message back: the reverse of attach. The
 * function must still be there. */
void pci_msix_detach(struct pci_function *f, unsigned entry, hal_irq_fn fn, void *ctx,
                     const struct hal_msi *msi);
/* Switches the function from its line to messages, or back. After pci_msix_open(). */
void pci_msix_enable(const struct pci_function *f, bool on);

/* The line that the function's INTx pin reaches, through all bridges above; negative: none. */
hal_irq_t pci_intx(const struct pci_function *f);
/* Lets the function drive its line, or not: a byte of the command register that nothing else
 * changes. [handler] */
void pci_intx_enable(const struct pci_function *f, bool on);

#ifdef __cplusplus
}
#endif

#endif
