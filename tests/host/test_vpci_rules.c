/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vpci_rules.c - rules of virtio over PCI that need a case of their own: revisions, odd but
 * lawful capabilities, a configuration that changes while it is read, queues that read as size 0,
 * two causes in one interrupt (virtio 1.4, section 4.1).
 */
#include <string.h>

#include "check.h"
#include "virtio/ring/virtq_impl.h"
#include "vpcitest.h"

enum { QUEUE_SIZE = 24, QUEUE_ENABLE = 28 };

static unsigned count_writes(unsigned off)
{
    unsigned n = 0;

    for (unsigned i = 0; i < vpci_model->trace_len; i++)
        n += vpci_model->trace[i].write && vpci_model->trace[i].off == off;
    return n;
}

/* ---- discovery ------------------------------------------------------------------------------- */

static void revision(uint16_t device, uint8_t value)
{
    vpci_setup();
    model_pci_put(&vpci.fn, 2, 2, device);
    model_pci_put(&vpci.fn, 8, 1, value);
    if (device < 0x1040)
        model_pci_put(&vpci.fn, 0x2e, 2, MODEL_DEVICE_ID);
    host_boot();
    CHECK(virtio_find("vtest0") != NULL);
    vpci_traffic(2);
}

static void modern_of_revision_0(void)
{
    revision(0x1040 + MODEL_DEVICE_ID, 0);
}

static void modern_of_revision_255(void)
{
    revision(0x1040 + MODEL_DEVICE_ID, 255);
}

static void transitional_of_revision_1(void)
{
    revision(0x1005, 1);
}

/* ---- capabilities ---------------------------------------------------------------------------- */

/* Types that are none of ours (shared memory, vendor data, any number) say what they like. */
static void other_types_are_skipped(void)
{
    static const uint8_t types[] = {0, 6, 7, 8, 9, 10, 255};

    vpci_bridge(true);
    vpci_plug(1, true);
    for (unsigned i = 0; i < sizeof(types); i++)
        model_vpci_cap(&vpci, types[i], (uint8_t)i, 0xfffffff0u, 0xffffffffu);
    for (uint8_t t = VCAP_COMMON; t <= VCAP_DEVICE; t++)
        model_vpci_cap(&vpci, t, 4, vpci.region[t].off, vpci.region[t].len);
    host_boot();
    CHECK(virtio_find("vtest0") != NULL);
    vpci_traffic(2);
}

/* A later version of the standard may append to a capability. */
static void longer_capabilities(void)
{
    unsigned extra[] = {16, 4, 8, 12};

    vpci_bridge(true);
    vpci_plug(1, true);
    for (uint8_t t = VCAP_COMMON; t <= VCAP_DEVICE; t++) {
        unsigned at = model_vpci_cap(&vpci, t, 4, vpci.region[t].off, vpci.region[t].len);
        unsigned more = extra[t - VCAP_COMMON];

        model_pci_put(&vpci.fn, at + 2, 1, model_pci_get(&vpci.fn, at + 2, 1) + more);
        memset(&vpci.fn.config[vpci.fn.cap_free], 0xee, more);
        vpci.fn.cap_free += more;
    }
    host_boot();
    CHECK(virtio_find("vtest0") != NULL);
    vpci_traffic(2);
}

/* Structures of megabytes, of which only the first bytes are known today. */
static void huge_structures(void)
{
    vpci_bridge(true);
    vpci_plug(1, true);
    model_pci_bar(&vpci.fn, 4, MODEL_BAR_MEM64, 64u << 20);
    for (uint8_t t = VCAP_COMMON; t <= VCAP_DEVICE; t++) {
        vpci.region[t].off = (uint32_t)t << 23;
        vpci.region[t].len = 8u << 20;
    }
    model_vpci_caps(&vpci);
    host_boot();
    CHECK(virtio_find("vtest0") != NULL);
    vpci_traffic(2);
}

/* ---- config space ---------------------------------------------------------------------------- */

static uint64_t config_value;

static int read_config(struct virtio_device *dev)
{
    return virtio_config_read64(dev, 8, &config_value);
}

/* The other half changes, and the 8-bit counter goes round, right after the first was read. */
static void tear(struct model *m, unsigned off)
{
    if (off != 8 || m->generation != 0xff)
        return;
    model_field(m, 8, 8, 0x3333333344444444ull);
    m->generation = 0;
}

static void torn_config(void)
{
    vpci_setup();
    model_field(vpci_model, 8, 8, 0x1111111122222222ull);
    vpci_model->generation = 0xff;
    vpci_model->on.config_read = tear;
    td.probe = read_config;
    host_boot();
    CHECK(virtio_find("vtest0") != NULL);
    CHECK(config_value == 0x3333333344444444ull);
}

/* ---- queues ---------------------------------------------------------------------------------- */

/* num_queues counts the queue, but its size reads as 0: the queue does not exist. */
static void queue_of_size_0(void)
{
    vpci_bridge(true);
    vpci_plug(2, false);
    vpci_model->queues[1].max = 0;
    vpci.num_queues = 2;
    host_boot();
    CHECK_EQ(count_writes(QUEUE_ENABLE), 0);
    vpci_check_given_up();
}

/* ---- interrupts ------------------------------------------------------------------------------ */

/* One line, one look at the ISR: every queue is served, and the configuration looked at. */
static void intx_with_both_causes(void)
{
    struct model_chain c;

    vpci_bridge(true);
    vpci_plug(3, false);
    host_msi_limit(0);
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "intx") == 0);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(testdrv_submit(td.q[i], i), 1);
    host_run_services();
    host_irq_hold(true);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(model_pop(vpci_model, &vpci_model->queues[i], &c));
        model_complete(vpci_model, &vpci_model->queues[i], &c, 32);
    }
    model_raise(vpci_model, 2, NULL);
    vpci_model->dead_silent = true; /* no other one will come */
    unsigned reads = vpci.isr_reads;
    host_irq_hold(false);
    host_run_services();
    CHECK_EQ(vpci.isr_reads, reads + 1);
    CHECK_EQ(td.done_count, 3);
    CHECK_EQ(td.config_changes, 1);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(virtq_stats(td.q[i])->late, 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(modern_of_revision_0, "PCI-DISC-03"),
        SHOWS(modern_of_revision_255, "PCI-DISC-03"),
        SHOWS(transitional_of_revision_1, "PCI-DISC-02 PCI-DISC-03"),
        SHOWS(other_types_are_skipped, "PCI-CAP-01 PCI-VNDR-01"),
        SHOWS(longer_capabilities, "PCI-CAP-03"),
        SHOWS(huge_structures, "PCI-CAP-06 CFG-04"),
        SHOWS(torn_config, "PCI-COMMON-17 CFG-01 CFG-02"),
        SHOWS(queue_of_size_0, "PCI-COMMON-14"),
        SHOWS(intx_with_both_causes, "PCI-ISR-02 PCI-ISR-03 PCI-ISR-04 PCI-ISR-05 PCI-ISR-06"),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
