/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vpci_notify.c - virtio over PCI: what a kick says with NOTIFICATION_DATA and
 * NOTIF_CONFIG_DATA (virtio 1.4, sections 2.9, 4.1.4.3, 4.1.5.2), and devices whose structures are
 * too short for what they offer. The model compares each kick with what was negotiated.
 */
#include <string.h>

#include "check.h"
#include "virtio/device.h"
#include "virtio/ring/split.h"
#include "vpcitest.h"

enum { QUEUES = 3 };

static void setup(void)
{
    vpci_bridge(true);
    vpci_plug(QUEUES, true);
    for (unsigned i = 0; i < QUEUES; i++)
        vpci_model->queues[i].notif_data = (uint16_t)(0xa5f0 + i);
}

/* With the capabilities as they are by now. */
static void boot(void)
{
    model_pci_add_msix(&vpci.fn, QUEUES + 1, 1, 0);
    model_vpci_caps(&vpci);
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "msi-x") == 0);
}

static void near_the_wrap(void)
{
    for (unsigned i = 0; i < QUEUES; i++) {
        model_start_index(&vpci_model->queues[i], 0xfff8);
        virtq_split_of(td.q[i])->avail_idx = virtq_split_of(td.q[i])->used_idx = 0xfff8;
    }
}

static void data(void)
{
    setup();
    model_offer(vpci_model, VIRTIO_F_NOTIFICATION_DATA);
    boot();
    CHECK(virtio_has(td.dev, VIRTIO_F_NOTIFICATION_DATA));
    near_the_wrap();
    vpci_traffic(40);
}

static void config_data(void)
{
    setup();
    model_offer(vpci_model, VIRTIO_F_NOTIF_CONFIG_DATA);
    boot();
    CHECK(virtio_has(td.dev, VIRTIO_F_NOTIF_CONFIG_DATA));
    vpci_traffic(10);
}

static void both(void)
{
    setup();
    model_offer(vpci_model, VIRTIO_F_NOTIFICATION_DATA);
    model_offer(vpci_model, VIRTIO_F_NOTIF_CONFIG_DATA);
    boot();
    near_the_wrap();
    vpci_traffic(40);
}

/* A packed ring tells its next slot and its wrap counter: a ring of 16 is gone round twice. */
static void both_packed(void)
{
    setup();
    model_offer(vpci_model, VIRTIO_F_RING_PACKED);
    model_offer(vpci_model, VIRTIO_F_NOTIFICATION_DATA);
    model_offer(vpci_model, VIRTIO_F_NOTIF_CONFIG_DATA);
    boot();
    CHECK(virtio_has(td.dev, VIRTIO_F_RING_PACKED));
    vpci_traffic(40);
}

/* All queues share one doorbell: only the value tells them apart. */
static void both_in_one_doorbell(void)
{
    setup();
    vpci.multiplier = 0;
    vpci.region[VCAP_NOTIFY].len = 4;
    model_offer(vpci_model, VIRTIO_F_NOTIFICATION_DATA);
    model_offer(vpci_model, VIRTIO_F_NOTIF_CONFIG_DATA);
    boot();
    CHECK(virtio_has(td.dev, VIRTIO_F_NOTIFICATION_DATA));
    vpci_traffic(10);
}

static void both_through_the_window(void)
{
    setup();
    vpci.window = true;
    model_offer(vpci_model, VIRTIO_F_NOTIFICATION_DATA);
    model_offer(vpci_model, VIRTIO_F_NOTIF_CONFIG_DATA);
    host_set_bootargs("vireo.pci.window=1");
    boot();
    vpci_traffic(10);
}

/* ---- structures that lack what is offered ---------------------------------------------------- */

static void data_needs_4_bytes(void)
{
    setup();
    vpci.multiplier = 0;
    vpci.region[VCAP_NOTIFY].len = 2;
    model_offer(vpci_model, VIRTIO_F_NOTIFICATION_DATA);
    boot();
    CHECK(!virtio_has(td.dev, VIRTIO_F_NOTIFICATION_DATA));
    vpci_traffic(5);
}

static void data_needs_aligned_doorbells(void)
{
    setup();
    vpci.multiplier = 2;
    model_offer(vpci_model, VIRTIO_F_NOTIFICATION_DATA);
    boot();
    CHECK(!virtio_has(td.dev, VIRTIO_F_NOTIFICATION_DATA));
    vpci_traffic(5);
}

/* The last doorbell lies inside, and its second half does not. */
static void data_past_the_end(void)
{
    setup();
    vpci.region[VCAP_NOTIFY].len = 10;
    model_offer(vpci_model, VIRTIO_F_NOTIFICATION_DATA);
    model_pci_add_msix(&vpci.fn, QUEUES + 1, 1, 0);
    model_vpci_caps(&vpci);
    host_boot();
    CHECK_EQ(td.probes, 1);
    vpci_check_given_up();
}

static void config_data_needs_the_field(void)
{
    setup();
    vpci.region[VCAP_COMMON].len = 56;
    model_offer(vpci_model, VIRTIO_F_NOTIF_CONFIG_DATA);
    boot();
    CHECK(!virtio_has(td.dev, VIRTIO_F_NOTIF_CONFIG_DATA));
    CHECK(!td.dev->transport->admits(td.dev, VIRTIO_F_RING_RESET));
    vpci_traffic(5);
}

static void reset_needs_the_field(void)
{
    setup();
    vpci.region[VCAP_COMMON].len = 58;
    model_offer(vpci_model, VIRTIO_F_NOTIF_CONFIG_DATA);
    boot();
    CHECK(virtio_has(td.dev, VIRTIO_F_NOTIF_CONFIG_DATA));
    CHECK(!td.dev->transport->admits(td.dev, VIRTIO_F_RING_RESET));
    vpci_traffic(5);
}

/* The device takes its time over a queue's reset: only a 0 ends it. */
static void reset_is_waited_for(void)
{
    setup();
    vpci.queue_reset_reads = 5;
    model_offer(vpci_model, VIRTIO_F_RING_RESET);
    boot();
    CHECK_EQ(virtq_reset(td.q[1]), 0);
    CHECK_EQ(vpci.queue_resets, 1);
    CHECK_EQ(vpci.reset_left, 0);
    CHECK_EQ(virtq_restart(td.q[1]), 0);
    vpci_traffic(5);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(data, "PCI-NOTIF-04 PCI-NOTIF-06 NOTIF-14 NOTIF-15"),
        SHOWS(config_data, "FEAT-24 PCI-NOTIF-03 PCI-NOTIF-07 NOTIF-13"),
        SHOWS(both, "PCI-NOTIF-04 PCI-NOTIF-08 NOTIF-14 NOTIF-15"),
        SHOWS(both_packed, "PCI-NOTIF-04 PCI-NOTIF-08 NOTIF-16"),
        SHOWS(both_in_one_doorbell, "PCI-NOTIF-02 PCI-NOTIF-08"),
        SHOWS(both_through_the_window, "PCI-NOTIF-08 PCI-CFG-04"),
        SHOWS(data_needs_4_bytes, "PCI-NOTIF-03 PCI-NOTIF-05"),
        SHOWS(data_needs_aligned_doorbells, ""),
        SHOWS(data_past_the_end, ""),
        SHOWS(config_data_needs_the_field, "PCI-COMMON-15 PCI-NOTIF-05"),
        SHOWS(reset_is_waited_for, "PCI-COMMON-07 PCI-COMMON-08 RST-02"),
        SHOWS(reset_needs_the_field, "PCI-COMMON-16"),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
