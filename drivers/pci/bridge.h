/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bridge.h - PCI-to-PCI bridges, inside drivers/pci (PCI-to-PCI Bridge Architecture 1.2).
 */
#ifndef VIREO_PCI_BRIDGE_H
#define VIREO_PCI_BRIDGE_H

#include "pci/pci.h"

#define PCI_HEADER_TYPE_MASK 0x7fu
#define PCI_BRIDGE_IO        0x1000u   /* windows begin and end at multiples: I/O */
#define PCI_BRIDGE_MEM       0x100000u /* memory */
#define PCI_MAX_DEPTH        8         /* bridges behind bridges */

/* The three windows of a bridge. What lies in the host's high window takes the prefetchable one. */
enum pci_space { PCI_SPACE_IO, PCI_SPACE_MEM32, PCI_SPACE_MEM64, PCI_SPACES };

struct pci_bridge {
    struct pci_bridge *next;
    struct pci_bridge *parent; /* NULL: on the root bus */
    struct pci_function fn;
    uint8_t secondary;          /* number of its bus */
    bool open;                  /* its bus is being scanned: the windows may grow */
    bool slot;                  /* what is behind it may be exchanged later, inside the windows */
    uint64_t given[PCI_SPACES]; /* then: the next address that may be given */
    bool passes[PCI_SPACES];
    struct {
        uint64_t first, last; /* bus addresses; first > last: closed */
    } window[PCI_SPACES];
};

/*
 * Takes a bridge over: buses secondary and up to last behind it, windows closed. NULL: no memory,
 * or the bridge does not take the numbers; logged.
 */
struct pci_bridge *pci_bridge_open(const struct pci_function *f, unsigned secondary, unsigned last);
/* The scan behind it is over; `last` is the highest bus number that was given. */
void pci_bridge_close(struct pci_bridge *b, unsigned last);
/* Only device 0 can be behind it (a root port or a downstream port, PCIe 4.0, 7.3.1)? */
bool pci_bridge_is_port(const struct pci_bridge *b);
/* As whom functions behind it appear at the root: `own`, or what a conventional bus makes of it. */
uint16_t pci_bridge_requester(const struct pci_bridge *b, uint16_t own);

/* May an address of that space be given to what lies behind b and all above it? b NULL: yes. */
bool pci_bridge_passes(const struct pci_bridge *b, enum pci_space space, bool prefetchable);
/* Size of the window of b, in bytes; 0: closed. */
uint64_t pci_bridge_room(const struct pci_bridge *b, enum pci_space space);
/* What is plugged into b's slot: an aligned piece of its window, 0 when there is none. */
uint64_t pci_bridge_take(struct pci_bridge *b, enum pci_space space, uint64_t len,
                         bool prefetchable);
/* The slot is empty: all of its windows may be given again. */
void pci_bridge_clear(struct pci_bridge *b);
/* Widens the windows of b and all above it. */
void pci_bridge_cover(struct pci_bridge *b, enum pci_space space, uint64_t bus, uint64_t len);

/* bar.c: the next address of each window is a multiple of what a bridge can tell apart. */
void pci_align_windows(unsigned host);
/* Widens the windows of b, which is open, to what a slot keeps for what comes. */
void pci_reserve_for_slot(struct pci_bridge *b);

/* scan.c: does what was plugged in behind a port say who it is? */
bool pci_slot_answers(const struct pci_bridge *port);
/* Finds it. Bridges among it get no bus numbers. */
void pci_scan_slot(struct pci_bridge *port, const struct pci_client *client);

/*
 * hotplug.c: has the port b, which is open and was scanned, a slot that can be served? Then it is
 * from now on, by interrupts or a look now and then.
 */
void pci_slot_serve(struct pci_bridge *b, const struct pci_client *client);

#endif
