/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vpci_irq.c - virtio over PCI: interrupts by MSI-X, by the line and not at all, doorbells
 * (virtio 1.4, sections 4.1.4.4, 4.1.5).
 */
#include <string.h>

#include "check.h"
#include "vpcitest.h"

/* ---- interrupts ------------------------------------------------------------------------------ */

static void msix_traffic(void)
{
    vpci_bridge(true);
    vpci_plug(3, false);
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "msi-x") == 0);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(vpci_model->queues[i].vector, i + 1);
        CHECK_EQ(host_irq_handlers(HOST_MSI_FIRST + (hal_irq_t)i), 1);
    }
    CHECK_EQ(vpci.config_vector, 0);
    vpci_traffic(200);
    CHECK_EQ(vpci.messages, 600);
    CHECK_EQ(vpci.isr_reads, 0);
    model_raise(vpci_model, 2, NULL);
    host_run_services();
    CHECK_EQ(td.config_changes, 1);
}

static void msix_needs_reset(void)
{
    vpci_setup();
    host_boot();
    CHECK_EQ(testdrv_submit(td.q[0], 1), 1);
    vpci_model->status |= 64;
    model_raise(vpci_model, 2, NULL);
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.taken_back, 1);
    CHECK(!td.quarantine && !model_pci_msix_on(&vpci.fn));
    for (hal_irq_t i = 0; i < HOST_IRQS; i++)
        CHECK_EQ(host_irq_handlers(i), 0);
}

static void intx_after(void)
{
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "intx") == 0);
    CHECK(!model_pci_msix_on(&vpci.fn));
    CHECK_EQ(host_irq_handlers(MODEL_PCI_INTX + 1), 1);
    CHECK_EQ(vpci_model->queues[0].vector, 0xffff);
    for (hal_irq_t i = HOST_MSI_FIRST; i < HOST_IRQS; i++)
        CHECK_EQ(host_irq_handlers(i), 0);
    vpci_traffic(200);
    CHECK_EQ(vpci.isr_reads, 200); /* once each */
    CHECK_EQ(vpci.messages, 0);
    model_raise(vpci_model, 2, NULL);
    host_run_services();
    CHECK_EQ(td.config_changes, 1);
    CHECK_EQ(vpci.isr_reads, 201);
}

static void intx_no_capability(void)
{
    vpci_bridge(true);
    vpci_plug(1, true);
    model_vpci_caps(&vpci);
    intx_after();
}

/* The vectors' fields mean something with MSI-X only: such a device may read anything there. */
static void intx_no_vector_fields(void)
{
    vpci_bridge(true);
    vpci_plug(1, true);
    model_vpci_caps(&vpci);
    vpci.vector_fields_lost = true;
    intx_after();
}

static void intx_no_messages(void)
{
    vpci_setup();
    host_msi_limit(0);
    intx_after();
}

static void intx_table_out_of_the_bar(void)
{
    vpci_bridge(true);
    vpci_plug(1, true);
    model_pci_add_msix(&vpci.fn, 4, 1, 0xff8);
    model_vpci_caps(&vpci);
    intx_after();
}

static void intx_table_in_a_missing_bar(void)
{
    vpci_bridge(true);
    vpci_plug(1, true);
    model_pci_add_msix(&vpci.fn, 4, 6, 0);
    model_vpci_caps(&vpci);
    intx_after();
}

static void intx_config_vector_does_not_stick(void)
{
    vpci_setup();
    vpci.vectors = 0;
    intx_after();
}

/* The line is shared: an interrupt of another device is not ours, and costs one look. */
static void intx_of_another_device(void)
{
    vpci_setup();
    host_msi_limit(0);
    host_boot();
    host_run_services();
    unsigned services = td.services;
    host_irq_pulse(MODEL_PCI_INTX + 1);
    CHECK_EQ(vpci.isr_reads, 1);
    host_run_services();
    CHECK_EQ(td.services, services);
    vpci_traffic(3);
}

/* Another device holds the line high from the start: the line is masked, the device polled. */
static void intx_line_held(void)
{
    vpci_setup();
    host_msi_limit(0);
    vpci.fn.line_held = true;
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "polled") == 0);
    CHECK(host_irq_is_masked(MODEL_PCI_INTX + 1));
    CHECK(model_pci_get(&vpci.fn, 4, 2) & 0x400); /* and the function's own switch is off */
    CHECK_EQ(testdrv_submit(td.q[0], 0), 1);
    CHECK_EQ(model_serve(vpci_model, &vpci_model->queues[0]), 1);
    host_run_round();
    CHECK_EQ(td.done_count, 1);
}

static void polled_without_any_interrupt(void)
{
    vpci_bridge(false);
    vpci_plug(1, false);
    host_msi_limit(0);
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "polled") == 0);
    CHECK_EQ(testdrv_submit(td.q[0], 1), 1);
    CHECK_EQ(model_serve(vpci_model, &vpci_model->queues[0]), 1);
    host_run_round();
    CHECK_EQ(td.done_count, 1);
    CHECK_EQ(vpci.messages, 0);
}

/* A polled device has no handler, so the causes are read now and then. */
static void polled_config_change(void)
{
    vpci_bridge(false);
    vpci_plug(1, false);
    host_msi_limit(0);
    host_boot();
    for (unsigned i = 0; i < 3; i++) {
        model_raise(vpci_model, 2, NULL);
        host_advance(100 * HAL_MS);
        host_run_round();
        CHECK_EQ(td.config_changes, i + 1);
    }
}

static void polled_by_boot_argument(void)
{
    vpci_setup();
    host_set_bootargs("vireo.vtest0.poll=1");
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "polled") == 0);
    CHECK(model_pci_msix_on(&vpci.fn)); /* for the sleep, by the best rung */
    CHECK_EQ(vpci.messages, 0);
}

/* ---- notifications --------------------------------------------------------------------------- */

static void doorbells(void)
{
    vpci_bridge(true);
    vpci_plug(3, false);
    vpci_model->queues[0].notify_off = 5;
    vpci_model->queues[1].notify_off = 0;
    vpci_model->queues[2].notify_off = 0x3ff; /* the last one inside */
    host_boot();
    CHECK(virtio_find("vtest0") != NULL);
    vpci_traffic(10);
}

static void doorbell_multiplier_0(void)
{
    vpci_bridge(true);
    vpci_plug(2, true);
    vpci.multiplier = 0;
    vpci.region[VCAP_NOTIFY].len = 2;
    model_vpci_caps(&vpci);
    vpci_model->queues[1].notify_off = 0xffff;
    host_boot();
    CHECK(virtio_find("vtest0") != NULL);
    vpci_traffic(10);
}

static void doorbell_outside(uint16_t off, uint32_t multiplier, uint32_t len)
{
    vpci_bridge(true);
    vpci_plug(1, true);
    vpci.multiplier = multiplier;
    vpci.region[VCAP_NOTIFY].len = len;
    model_vpci_caps(&vpci);
    vpci_model->queues[0].notify_off = off;
    host_boot();
    CHECK_EQ(td.probes, 1);
    vpci_check_given_up();
}

static void doorbell_past_the_end(void)
{
    doorbell_outside(0x400, 4, 0x1000);
}

static void doorbell_half_past_the_end(void)
{
    doorbell_outside(1, 2, 3);
}

static void doorbell_wraps_32_bits(void)
{
    doorbell_outside(0x8000, 0x20000, 0x1000); /* 2^32 */
}

static void doorbell_is_odd(void)
{
    doorbell_outside(3, 1, 0x1000);
}

int main(int argc, char **argv)
{
#define CASE(f)                                                                                    \
    {                                                                                              \
#f, f                                                                                      \
    }
    static const struct test_case cases[] = {
        SHOWS(msix_traffic, "PCI-ISR-01 PCI-MSIX-04"),
        SHOWS(msix_needs_reset, "INIT-23"),
        SHOWS(intx_no_capability, "PCI-ISR-04 PCI-ISR-06"),
        SHOWS(intx_no_vector_fields, ""),
        SHOWS(intx_no_messages, "PCI-ISR-04 PCI-ISR-06"),
        CASE(intx_table_out_of_the_bar),
        CASE(intx_table_in_a_missing_bar),
        SHOWS(intx_config_vector_does_not_stick, "PCI-MSIX-05 PCI-MSIX-06"),
        CASE(intx_of_another_device),
        CASE(intx_line_held),
        CASE(polled_without_any_interrupt),
        CASE(polled_config_change),
        CASE(polled_by_boot_argument),
        SHOWS(doorbells, "PCI-NOTIF-01 PCI-NOTIF-03 PCI-NOTIF-05 NOTIF-13 VQ-01"),
        SHOWS(doorbell_multiplier_0, "PCI-NOTIF-02 PCI-NOTIF-03 PCI-NOTIF-05"),
        CASE(doorbell_past_the_end),
        CASE(doorbell_half_past_the_end),
        CASE(doorbell_wraps_32_bits),
        CASE(doorbell_is_odd),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
