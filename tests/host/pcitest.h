/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcitest.h - what the tests of the PCI bus share: functions without a driver on the root bus, and
 * what a scan finds of them.
 */
#ifndef VIREO_PCITEST_H
#define VIREO_PCITEST_H

#include "model_pci.h"
#include "pci/pci.h"

#define BUS_FUNCTIONS 32

extern struct model_pci_fn bus_fns[BUS_FUNCTIONS];  /* in the order of bus_plug() */
extern struct pci_function bus_seen[BUS_FUNCTIONS]; /* in the order of the scan */
extern unsigned bus_seen_count;
extern const struct pci_client bus_client; /* notes what is found in bus_seen */

/* The host bridge, with all windows and lines. */
void bus_machine(void);
/* A function at dev.fn, without BARs and capabilities. Its device id is 0x100 and its number. */
struct model_pci_fn *bus_plug(unsigned dev, unsigned fn);
/* Scans; the only function that is found, without addresses. */
struct pci_function *bus_scan_one(void);

#endif
