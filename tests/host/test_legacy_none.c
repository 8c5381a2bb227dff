/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_legacy_none.c - what an image without legacy support says to old devices: this program has
 * legacy_none.c in place of the legacy registers of both transports (scripts/host.mk), as an image
 * built with LEGACY=0 has.
 */
#include "check.h"
#include "vpcitest.h"

static void mmio_is_refused(void)
{
    struct model *m = calloc(1, sizeof(*m));

    model_init(m, MODEL_MMIO_LEGACY, MODEL_DEVICE_ID);
    m->queues[0].max = 64;
    model_plug_mmio(m, 0);
    testdrv_one_queue(16, 2);
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK_EQ(m->resets, 0);
    CHECK_EQ(host_log_matches("-global virtio-mmio.force-legacy=false"), 1);
    CHECK_EQ(host_live_blocks(), 0);
}

static void pci_is_refused(void)
{
    vpci_bridge(true);
    vpci_plug_legacy(1);
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK_EQ(vpci_model->trace_len, 0);
    CHECK_EQ(host_log_matches("disable-modern=off"), 1);
    CHECK(!model_pci_master(&vpci.fn));
    CHECK_EQ(host_live_blocks(), 0);
}

static void modern_mmio(void)
{
    struct model *m;

    testdrv_one_queue(16, 2);
    m = testdrv_boot(MODEL_MMIO, 64, NULL, 0);
    CHECK(m->status & 4);
}

/* The boot argument is nobody's here, and a transitional device is driven as modern. */
static void transitional_pci(void)
{
    vpci_setup();
    model_vpci_transitional(&vpci);
    host_set_bootargs("vireo.pci.legacy=1");
    host_boot();
    CHECK(!virtio_is_legacy(td.dev));
    vpci_traffic(5);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"mmio_is_refused", mmio_is_refused, "FEAT-27"},
        {"pci_is_refused", pci_is_refused, "LEGACY-PCI-07 LEGACY-PCI-08 FEAT-27"},
        {"modern_mmio", modern_mmio, ""},
        {"transitional_pci", transitional_pci, "LEGACY-PCI-07"},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
