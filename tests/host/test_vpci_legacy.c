/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vpci_legacy.c - virtio over PCI with the registers of before 1.0 in the I/O space of BAR 0
 * (virtio 1.4, the legacy parts of sections 4.1.2, 4.1.4, 4.1.5), and transitional devices in both
 * roles.
 */
#include <string.h>

#include "check.h"
#include "vpcitest.h"

enum { DRIVER_FEATURES = 4, QUEUE_PFN = 8, QUEUE_SIZE = 12, STATUS = 18 };

static const struct model_access *find_write(unsigned off, unsigned nth)
{
    for (unsigned i = 0; i < vpci_model->trace_len; i++)
        if (vpci_model->trace[i].write && vpci_model->trace[i].off == off && nth-- == 0)
            return &vpci_model->trace[i];
    return NULL;
}

static void setup(unsigned queues)
{
    vpci_bridge(true);
    vpci_plug_legacy(queues);
}

/* No FEATURES_OK, features once, the page last. */
static void sequence(void)
{
    static const uint32_t want[] = {0, 1, 3, 7};
    const struct model_access *a, *last = NULL;

    setup(1);
    vpci_model->reset_reads = 3;
    host_boot();
    for (unsigned i = 0; i < 4; i++) {
        a = find_write(STATUS, i);
        CHECK(a && a > last);
        CHECK_EQ(a->v, want[i]);
        last = a;
    }
    CHECK(find_write(STATUS, 4) == NULL && find_write(DRIVER_FEATURES, 1) == NULL);
    CHECK(find_write(DRIVER_FEATURES, 0) < find_write(QUEUE_PFN, 0));
    CHECK(find_write(QUEUE_PFN, 0) < last && find_write(QUEUE_PFN, 1) == NULL);
    CHECK(find_write(QUEUE_SIZE, 0) == NULL);
    CHECK(virtio_is_legacy(td.dev));
    vpci_traffic(200);
    host_shutdown();
    CHECK_EQ(vpci_model->status, 0);
}

/* The size is the device's, whatever the driver or the user wants. */
static void size_is_the_devices(void)
{
    setup(1);
    vpci_model->queues[0].max = 256;
    host_set_bootargs("vireo.vtest0.qsize=8");
    host_boot();
    CHECK_EQ(virtq_size(td.q[0]), 256);
    CHECK_EQ(host_log_matches("the device decides"), 1);
    vpci_traffic(300);
}

static void size_is_not_usable(void)
{
    setup(1);
    vpci_model->queues[0].max = 48; /* no power of two */
    host_boot();
    vpci_check_given_up();
}

static void page_does_not_stick(void)
{
    setup(1);
    vpci.pfn_lost = true;
    host_boot();
    vpci_check_given_up();
}

static void queue_in_use_is_refused(void)
{
    setup(1);
    vpci.in_use = true;
    host_boot();
    CHECK_EQ(td.probes, 1);
    vpci_check_given_up();
}

/* Bit 30 says that the driver is old and wrong: it is never accepted, nor is what nobody knows. */
static void features(void)
{
    setup(1);
    vpci_model->offered[0] = 0xffffffff & ~(1u << 28);
    vpci_model->offered[1] = 0xffffffff;
    host_boot();
    CHECK(!model_accepted(vpci_model, 30) && model_accepted(vpci_model, TD_A));
    CHECK(model_accepted(vpci_model, 27) && !model_accepted(vpci_model, 24));
    CHECK_EQ(vpci_model->accepted[1] | vpci_model->accepted[2] | vpci_model->accepted[3], 0);
    CHECK(!virtio_has(td.dev, 32));
}

/* ---- the device's own fields ----------------------------------------------------------------- */

static void check_config(struct virtio_device *dev)
{
    uint64_t wide;
    uint16_t narrow;
    uint8_t byte;

    CHECK_EQ(virtio_config_read64(dev, 8, &wide), 0);
    CHECK_EQ(wide, 0x1122334455667788ll);
    CHECK_EQ(virtio_config_read16(dev, 4, &narrow), 0);
    CHECK_EQ(narrow, 0xabcd);
    CHECK_EQ(virtio_config_read(dev, 1, &byte, 1, 1), 0);
    CHECK_EQ(byte, 7);
    CHECK_EQ(virtio_config_write8(dev, 1, 7), 0);
    CHECK_EQ(virtio_config_read(dev, 0x80 - 24, &byte, 1, 1), -EIO); /* behind BAR 0 */
}

static int probe_config(struct virtio_device *dev)
{
    check_config(dev);
    return 0;
}

/* At byte 20, and at 24 once MSI-X is on. */
static void config_moves(void)
{
    setup(1);
    model_field(vpci_model, 1, 1, 7);
    model_field(vpci_model, 4, 2, 0xabcd);
    model_field(vpci_model, 8, 8, 0x1122334455667788ull);
    td.probe = probe_config;
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "msi-x") == 0);
    check_config(td.dev);
}

static void config_stays_without_msix(void)
{
    setup(1);
    model_field(vpci_model, 1, 1, 7);
    model_field(vpci_model, 4, 2, 0xabcd);
    model_field(vpci_model, 8, 8, 0x1122334455667788ull);
    td.probe = probe_config;
    host_msi_limit(0);
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "intx") == 0);
    check_config(td.dev);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static void msix(void)
{
    setup(3);
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "msi-x") == 0);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(vpci_model->queues[i].vector, i + 1);
    CHECK_EQ(vpci.config_vector, 0);
    vpci_traffic(100);
    CHECK_EQ(vpci.messages, 300);
    CHECK_EQ(vpci.isr_reads, 0);
    model_raise(vpci_model, 2, NULL);
    host_run_services();
    CHECK_EQ(td.config_changes, 1);
}

/* A vector that the device refuses: what was mapped is undone while the registers are there. */
static void msix_shared(void)
{
    setup(3);
    vpci.vectors = 2;
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "msi-x shared") == 0);
    vpci_traffic(20);
}

static void intx(void)
{
    setup(2);
    host_msi_limit(0);
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "intx") == 0);
    vpci_traffic(100);
    CHECK_EQ(vpci.isr_reads, 200);
    model_raise(vpci_model, 2, NULL);
    host_run_services();
    CHECK_EQ(td.config_changes, 1);
}

static void polled(void)
{
    setup(1);
    host_set_bootargs("vireo.poll=1");
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "polled") == 0);
    CHECK_EQ(testdrv_submit(td.q[0], 1), 1);
    CHECK_EQ(model_serve(vpci_model, &vpci_model->queues[0]), 1);
    host_run_round();
    CHECK_EQ(td.done_count, 1);
}

static void asks_for_a_reset(void)
{
    setup(1);
    host_boot();
    CHECK_EQ(testdrv_submit(td.q[0], 1), 1);
    vpci_model->status |= 64;
    model_raise(vpci_model, 2, NULL);
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.taken_back, 1);
    CHECK(!td.quarantine && !model_pci_msix_on(&vpci.fn));
}

/* ---- which registers ------------------------------------------------------------------------- */

static void transitional_as_legacy(void)
{
    setup(2);
    model_pci_bar(&vpci.fn, 4, MODEL_BAR_MEM64, 0x4000);
    model_vpci_caps(&vpci);
    host_set_bootargs("vireo.pci.legacy=1");
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "msi-x") == 0);
    vpci_traffic(50);
}

/* The argument is about transitional devices only. */
static void modern_stays_modern(void)
{
    vpci_setup();
    host_set_bootargs("vireo.pci.legacy=1");
    host_boot();
    CHECK(!virtio_is_legacy(td.dev));
    vpci_traffic(5);
}

/* Capabilities that cannot be used are as good as none. */
static void broken_capabilities(void)
{
    setup(1);
    model_vpci_cap(&vpci, VCAP_COMMON, 4, 0, 0x1000);
    model_vpci_cap(&vpci, VCAP_NOTIFY, 7, 0, 0x1000);
    host_boot();
    CHECK(virtio_is_legacy(td.dev));
    vpci_traffic(5);
}

static void refused(void)
{
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK_EQ(host_log_matches("disable-modern=off"), 1);
    CHECK_EQ(host_live_blocks(), 0);
    CHECK(!model_pci_master(&vpci.fn));
}

static void bar_0_is_memory(void)
{
    setup(1);
    model_pci_bar(&vpci.fn, 0, MODEL_BAR_MEM32, 0x80);
    refused();
}

static void bar_0_is_too_short(void)
{
    setup(1);
    model_pci_bar(&vpci.fn, 0, MODEL_BAR_IO, 16);
    refused();
}

static void bar_0_is_missing(void)
{
    setup(1);
    model_pci_bar(&vpci.fn, 0, MODEL_BAR_NONE, 0);
    refused();
}

static void no_io_window(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.io.len = 0;
    model_pci_bridge(&h, true);
    vpci_plug_legacy(1);
    refused();
}

/* An id of the modern range has no legacy registers, whatever BAR 0 is. */
static void modern_ids_have_none(void)
{
    setup(1);
    model_pci_put(&vpci.fn, 2, 2, 0x1040 + MODEL_DEVICE_ID);
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK_EQ(host_log_matches("without usable registers"), 1);
    CHECK_EQ(host_live_blocks(), 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"sequence", sequence,
         "LEGACY-INIT-01 LEGACY-PCI-01 LEGACY-PCI-09 LEGACY-PCI-10 LEGACY-PCI-11 LEGACY-VQ-02 "
         "LEGACY-VQ-03"},
        {"size_is_the_devices", size_is_the_devices, "LEGACY-PCI-12 LEGACY-VQ-01"},
        {"size_is_not_usable", size_is_not_usable, ""},
        {"page_does_not_stick", page_does_not_stick, ""},
        {"queue_in_use_is_refused", queue_in_use_is_refused, ""},
        {"features", features, "LEGACY-PCI-04 FEAT-28 FEAT-29"},
        {"config_moves", config_moves, "LEGACY-PCI-03 LEGACY-PCI-13"},
        {"config_stays_without_msix", config_stays_without_msix, "LEGACY-PCI-03"},
        {"msix", msix, "LEGACY-PCI-09"},
        {"msix_shared", msix_shared, "PCI-MSIX-05"},
        {"intx", intx, "PCI-ISR-04 PCI-ISR-05 PCI-ISR-06"},
        {"polled", polled, ""},
        {"asks_for_a_reset", asks_for_a_reset, ""},
        {"transitional_as_legacy", transitional_as_legacy, ""},
        {"modern_stays_modern", modern_stays_modern, ""},
        {"broken_capabilities", broken_capabilities, "LEGACY-PCI-05 LEGACY-PCI-06"},
        {"bar_0_is_memory", bar_0_is_memory, "LEGACY-PCI-01"},
        {"bar_0_is_too_short", bar_0_is_too_short, ""},
        {"bar_0_is_missing", bar_0_is_missing, ""},
        {"no_io_window", no_io_window, ""},
        {"modern_ids_have_none", modern_ids_have_none, ""},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
