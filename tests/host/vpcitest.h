/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpcitest.h - what the tests of virtio over PCI share: a model behind a function in slot 1, with
 * the driver of testdrv.h.
 */
#ifndef VIREO_VPCITEST_H
#define VIREO_VPCITEST_H

#include "model_pci.h"
#include "testdrv.h"

extern struct model *vpci_model;
extern struct model_vpci vpci;

void vpci_bridge(bool intx);
/* A device with `queues` queues of 64 entries, not yet booted; bare: without capabilities. */
void vpci_plug(unsigned queues, bool bare);
/* The bridge, and a device with one queue. */
void vpci_setup(void);

/* The same with legacy registers only. */
void vpci_plug_legacy(unsigned queues);

/* How the booted device wakes us: "msi-x". */
const char *vpci_wakeup(void);
/* n buffers there and back on each queue, each with one look of the services, none of them late. */
void vpci_traffic(unsigned n);
/* The device was tried and given up: FAILED, and nothing of it kept. */
void vpci_check_given_up(void);

#endif
