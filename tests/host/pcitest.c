/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcitest.c - the functions and the client of pcitest.h.
 */
#include "pcitest.h"

#include "check.h"

struct model_pci_fn bus_fns[BUS_FUNCTIONS];
static unsigned plugged;
struct pci_function bus_seen[BUS_FUNCTIONS];
unsigned bus_seen_count;

static void found(const struct pci_function *f)
{
    CHECK(bus_seen_count < BUS_FUNCTIONS);
    bus_seen[bus_seen_count++] = *f;
}
const struct pci_client bus_client = {.found = found};

void bus_machine(void)
{
    struct hal_pci_host h = model_pci_windows();

    model_pci_bridge(&h, true);
}

struct model_pci_fn *bus_plug(unsigned dev, unsigned fn)
{
    struct model_pci_fn *f = &bus_fns[plugged++];

    model_pci_add(f, dev, fn, 0x1234, (uint16_t)(0x100 + plugged));
    return f;
}

struct pci_function *bus_scan_one(void)
{
    pci_scan(&bus_client);
    CHECK_EQ(bus_seen_count, 1);
    return &bus_seen[0];
}
