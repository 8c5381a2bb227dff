/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bridge.h - PCI-to-PCI bridges and the addresses behind them, inside drivers/pci (PCI-to-PCI
 * Bridge Architecture 1.2). All functions run in task context.
 *
 * The files of this folder, each of which calls only those above it:
 *   config_space.c  accesses to one function's configuration space
 *   window.c        bus addresses out of the windows of the host and of bridges
 *   bar.c           the BARs of a function
 *   msix.c          the MSI-X table of a function
 *   bridge.c        bus numbers; how bridges change requester ids and interrupt lines
 *   scan.c          enumeration
 *   slot.c          the registers of a port's slot (slot.h)
 *   hotplug.c       the service that powers slots on and off
 */
#ifndef VIREO_PCI_BRIDGE_H
#define VIREO_PCI_BRIDGE_H

#include "pci/pci.h"

#define PCI_HEADER_TYPE_MASK 0x7fu
#define PCI_MAX_DEPTH        8 /* bridges behind bridges */

/* The three windows of a bridge. BARs in the host's high window use the prefetchable one. */
enum pci_space { PCI_SPACE_IO, PCI_SPACE_MEM32, PCI_SPACE_MEM64, PCI_SPACES };

/* A bridge that has bus numbers. It lives for ever: functions behind it point to it. */
struct pci_bridge {
    struct pci_bridge *next;
    struct pci_bridge *parent; /* NULL: on the root bus */
    struct pci_function fn;
    uint8_t secondary; /* number of the bus behind it */
    uint8_t type;      /* device/port type of its PCI Express capability; 0xff: it has none */
    bool open;         /* its bus is being scanned: the windows may grow */

    /* used by window.c alone */
    bool slot;                  /* addresses come out of what its windows kept for a slot */
    uint64_t given[PCI_SPACES]; /* then: the next bus address that may be given */
    bool passes[PCI_SPACES];    /* it has such a window */
    struct {
        uint64_t first, last; /* bus addresses; first > last: closed */
    } window[PCI_SPACES];
};

/* ---- window.c -------------------------------------------------------------------------------- */

/* A host bridge that is about to be scanned: copies what it has. */
void pci_host_add(const struct hal_pci_host *host);

/* Finds out which windows b has, and closes them. No address behind b was given yet. */
void pci_window_close(struct pci_bridge *b);

/*
 * Allocates bus addresses for a BAR behind b (NULL: on the root bus): len bytes, a power of two, at
 * a multiple of len. Widens the windows of b and of those above it; once b's scan is over, only a
 * slot has addresses left, and these lie inside its windows. Behind a bridge, the host's high
 * window (MEM64) takes prefetchable memory alone. Returns the bus address; 0: no room. The address
 * stays taken for ever, or until pci_window_empty_slot().
 */
uint64_t pci_window_take(struct pci_bridge *b, const struct hal_pci_host *host,
                         enum pci_space space, uint64_t len, bool prefetchable);

/* The CPU's address of a bus address that pci_window_take() gave. */
uint64_t pci_window_cpu(const struct hal_pci_host *host, enum pci_space space, uint64_t bus);

/*
 * Skips addresses up to the next that a bridge's window can begin at, in every window of the host:
 * before the first and after the last address behind a bridge.
 */
void pci_window_align(unsigned host);

/*
 * Makes b, which is open, the port of a slot: its windows grow to 2 MiB of each kind of memory that
 * the host has, or to what is left of it, for cards that are plugged in later. They begin at a
 * multiple of 1 MiB, so a BAR of 2 MiB may not fit.
 */
void pci_window_keep_for_slot(struct pci_bridge *b);

/* Nothing is in b's slot any more: all addresses of the slot may be given again. */
void pci_window_empty_slot(struct pci_bridge *b);

/* ---- bridge.c -------------------------------------------------------------------------------- */

/*
 * Takes a bridge into use: its own BARs get addresses, its windows are closed, it passes on
 * accesses to the buses secondary..last. Returns the bridge, open for the scan. NULL: no memory, or
 * the bridge does not keep the bus numbers; the log says which. f is copied.
 */
struct pci_bridge *pci_bridge_open(const struct pci_function *f, unsigned secondary, unsigned last);

/* The scan behind b is over: from now on it passes on no bus number above `last`, the highest that
 * was given, and its windows stay as they are. */
void pci_bridge_close(struct pci_bridge *b, unsigned last);

/* True for a root port or a downstream port, behind which only device 0 can be (PCIe 4.0, 7.3.1).
 */
bool pci_bridge_is_port(const struct pci_bridge *b);

/*
 * The requester id under which a function on b's bus appears at the root: `own`, or that of the
 * last conventional bridge on the way, since a conventional bus carries no ids. b NULL: `own`.
 */
uint16_t pci_bridge_requester(const struct pci_bridge *b, uint16_t own);

/* ---- scan.c ---------------------------------------------------------------------------------- */

/* True if function 0 in the port's slot answers and is ready for use (PCIe 4.0, 2.3.2). */
bool pci_scan_answers(const struct pci_bridge *port);

/*
 * Calls client->found for each function in the port's slot, which was empty until now: its
 * addresses are given again. Bridges among the functions are passed over, for want of bus numbers.
 */
void pci_scan_slot(struct pci_bridge *port, const struct pci_client *client);

#endif
