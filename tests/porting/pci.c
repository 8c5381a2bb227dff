/* SPDX-License-Identifier: BSD-2-Clause */
/* pci.c - the PCI Express host of QEMU's riscv64 virt board; addresses of its device tree. */
#include "port.h"

void port_attach_pci(void)
{
    static const struct hal_pci_host host = {
        .bus_last = 255,
        .ecam = {.cpu = 0x30000000, .pci = 0x30000000, .len = 0x10000000},
        .io = {.cpu = 0x03000000, .pci = 0, .len = 0x10000},
        .mem32 = {.cpu = 0x40000000, .pci = 0x40000000, .len = 0x40000000},
    };

    virtio_pci_attach(&host);
}
