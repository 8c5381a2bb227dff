/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vpci_window.c - virtio over PCI without a BAR that can be mapped: all accesses through
 * VIRTIO_PCI_CAP_PCI_CFG (virtio 1.4, section 4.1.4.9). The model judges each of them.
 */
#include <string.h>

#include "check.h"
#include "vpcitest.h"

static void plug(unsigned queues)
{
    vpci_plug(queues, true);
    model_pci_add_msix(&vpci.fn, 4, 1, 0);
    vpci.window = true;
    model_vpci_caps(&vpci);
}

static int config(struct virtio_device *dev)
{
    uint64_t wide;
    uint16_t narrow;
    uint8_t byte;

    CHECK_EQ(virtio_config_read64(dev, 8, &wide), 0);
    CHECK_EQ(wide, 0x1122334455667788ll);
    CHECK_EQ(virtio_config_read16(dev, 6, &narrow), 0);
    CHECK_EQ(narrow, 0xabcd);
    CHECK_EQ(virtio_config_read(dev, 5, &byte, 1, 1), 0);
    CHECK_EQ(byte, 7);
    CHECK_EQ(virtio_config_write8(dev, 5, 9), 0);
    CHECK_EQ(vpci_model->config[5], 9);
    return 0;
}

static void fields(void)
{
    model_field(vpci_model, 5, 1, 7);
    model_field(vpci_model, 6, 2, 0xabcd);
    model_field(vpci_model, 8, 8, 0x1122334455667788ull);
    td.probe = config;
}

static void bridge_without_memory(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem32.len = h.mem64.len = 0;
    model_pci_bridge(&h, true);
}

/* No BAR at all can be placed, so there is no MSI-X table either; a handler cannot use the window.
 */
static void no_memory_at_all(void)
{
    bridge_without_memory();
    plug(2);
    fields();
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "polled") == 0);
    CHECK_EQ(host_log_matches("through configuration space"), 1);
    CHECK_EQ(model_pci_get(&vpci.fn, 4, 2) & 3, 0); /* nothing decodes */
    for (unsigned i = 0; i < 50; i++) {
        CHECK_EQ(testdrv_submit(td.q[i % 2], i), 1);
        CHECK_EQ(vpci_model->queues[i % 2].kicks, i / 2 + 1);
        CHECK_EQ(model_serve(vpci_model, &vpci_model->queues[i % 2]), 1);
        host_run_round();
        CHECK_EQ(td.done_count, i + 1);
    }
    model_raise(vpci_model, 2, NULL);
    host_advance(100 * HAL_MS);
    host_run_round();
    CHECK_EQ(td.config_changes, 1);
    CHECK(vpci.window_uses > 100);
}

/* Room for the MSI-X table, and none for the structures. */
static void messages_still_work(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem64.len = 0;
    h.mem32.len = 0x3000;
    model_pci_bridge(&h, true);
    plug(2);
    fields();
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "msi-x") == 0);
    vpci_traffic(50);
    model_raise(vpci_model, 2, NULL);
    host_run_services();
    CHECK_EQ(td.config_changes, 1);
}

/* The boot argument forces it on a device that could be mapped; the kick is through it, too. */
static void forced(void)
{
    unsigned before;

    vpci_bridge(true);
    plug(1);
    host_set_bootargs("vireo.pci.window=1");
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "msi-x") == 0);
    host_run_services();
    before = vpci.window_uses;
    CHECK_EQ(testdrv_submit(td.q[0], 0), 1);
    CHECK_EQ(vpci.window_uses, before + 1);
    CHECK_EQ(vpci_model->queues[0].kicks, 1);
}

/* Without the argument, and with a BAR, the window is left alone. */
static void not_used_without_need(void)
{
    vpci_bridge(true);
    plug(1);
    host_boot();
    vpci_traffic(5);
    CHECK_EQ(vpci.window_uses, 0);
    CHECK_EQ(model_pci_get(&vpci.fn, vpci.fn.window - 8, 4), 0);
}

/* Of several structures of a kind, one that can be mapped is better than an earlier one that
 * cannot. */
static void one_that_can_be_mapped_is_better(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.io.len = 0;
    model_pci_bridge(&h, true);
    vpci_plug(1, true);
    model_pci_bar(&vpci.fn, 0, MODEL_BAR_IO, 0x20);
    model_vpci_cap(&vpci, VCAP_NOTIFY, 0, 0, 4);
    vpci.window = true;
    model_vpci_caps(&vpci);
    host_boot();
    CHECK_EQ(host_log_matches("through configuration space"), 0);
    vpci_traffic(5);
    CHECK_EQ(vpci.window_uses, 0);
}

/* Only the doorbells lie where they cannot be mapped: the rest goes the short way. */
static void doorbells_alone(void)
{
    struct hal_pci_host h = model_pci_windows();
    unsigned before;

    h.io.len = 0;
    model_pci_bridge(&h, true);
    vpci_plug(2, true);
    model_pci_bar(&vpci.fn, 0, MODEL_BAR_IO, 0x20);
    vpci.region[VCAP_NOTIFY].bar = 0;
    vpci.region[VCAP_NOTIFY].off = 0;
    vpci.region[VCAP_NOTIFY].len = 0x20;
    vpci.window = true;
    model_vpci_caps(&vpci);
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "intx") == 0);
    host_run_services();
    before = vpci.window_uses;
    CHECK_EQ(before, 0);
    vpci_traffic(5);
    CHECK_EQ(vpci.window_uses, vpci_model->queues[0].kicks + vpci_model->queues[1].kicks);
}

/* A structure that no BAR of the function could hold is not there, window or not. */
static void no_such_bar(void)
{
    bridge_without_memory();
    vpci_plug(1, true);
    vpci.window = true;
    model_vpci_caps(&vpci);
    model_pci_bar(&vpci.fn, 4, MODEL_BAR_NONE, 0);
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK_EQ(vpci.window_uses, 0);
    CHECK_EQ(host_log_matches("without usable registers"), 1);
    CHECK_EQ(host_live_blocks(), 0);
}

/* A window's capability that is too short is none. */
static void no_window(void)
{
    bridge_without_memory();
    plug(1);
    model_pci_put(&vpci.fn, vpci.fn.window - 14, 1, 16);
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK_EQ(vpci.window_uses, 0);
    CHECK_EQ(host_live_blocks(), 0);
}

static void asks_for_a_reset(void)
{
    bridge_without_memory();
    plug(1);
    host_boot();
    CHECK_EQ(testdrv_submit(td.q[0], 1), 1);
    vpci_model->status |= 64;
    model_raise(vpci_model, 2, NULL);
    host_advance(100 * HAL_MS);
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.taken_back, 1);
}

#define RULES "PCI-CFG-01 PCI-CFG-02 PCI-CFG-03 PCI-CFG-04 PCI-CFG-05"

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(no_memory_at_all, RULES),
        SHOWS(messages_still_work, RULES),
        SHOWS(forced, RULES),
        SHOWS(not_used_without_need, "PCI-CAP-08"),
        SHOWS(one_that_can_be_mapped_is_better, "PCI-CAP-02"),
        SHOWS(doorbells_alone, RULES),
        SHOWS(no_such_bar, ""),
        SHOWS(no_window, ""),
        SHOWS(asks_for_a_reset, ""),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
