/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vpci.c - virtio over PCI: the order of steps, devices that refuse, discovery through
 * capabilities that may say anything, removal (virtio 1.4, sections 3.1, 4.1.2 to 4.1.4).
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "virtio/ring/virtq_impl.h"
#include "vpcitest.h"

enum { STATUS = 20, NUM_QUEUES = 18, QUEUE_SIZE = 24, QUEUE_VECTOR = 26, QUEUE_ENABLE = 28 };

static const struct model_access *find_write(unsigned off, unsigned nth)
{
    for (unsigned i = 0; i < vpci_model->trace_len; i++)
        if (vpci_model->trace[i].write && vpci_model->trace[i].off == off && nth-- == 0)
            return &vpci_model->trace[i];
    return NULL;
}

/* ---- initialisation -------------------------------------------------------------------------- */

static void sequence(void)
{
    static const uint32_t want[] = {0, 1, 3, 11, 15};
    const struct model_access *a, *last = NULL;

    vpci_setup();
    vpci_model->reset_reads = 3;
    host_boot();
    CHECK_EQ(td.probes, 1);
    for (unsigned i = 0; i < 5; i++) {
        a = find_write(STATUS, i);
        CHECK(a && a > last);
        CHECK_EQ(a->v, want[i]);
        last = a;
    }
    CHECK(find_write(STATUS, 5) == NULL && last->sync);
    CHECK(find_write(QUEUE_SIZE, 0) < find_write(QUEUE_ENABLE, 0));
    CHECK(find_write(QUEUE_VECTOR, 0) < find_write(QUEUE_ENABLE, 0));
    CHECK(find_write(QUEUE_ENABLE, 0) < last && find_write(QUEUE_ENABLE, 1) == NULL);
    CHECK_EQ(vpci_model->queues[0].num, 16);
    CHECK(strcmp(vpci_wakeup(), "msi-x") == 0);
    host_shutdown();
    CHECK_EQ(vpci_model->status, 0);
}

static void all_feature_words_are_read(void)
{
    struct virtio_info info;

    vpci_setup();
    vpci_model->offered[0] = 0xffffffff & ~(1u << VIRTIO_F_INDIRECT_DESC);
    vpci_model->offered[1] = vpci_model->offered[2] = vpci_model->offered[3] = 0xffffffff;
    host_boot();
    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK_EQ(info.offered.w[3], 0xffffffff);
    CHECK_EQ(vpci_model->accepted[2], 1u << (TD_WORD_2 - 64));
    CHECK_EQ(vpci_model->accepted[3], 1u << (TD_LAST - 96));
    CHECK(virtio_has(td.dev, TD_LAST));
    CHECK(!(vpci_model->accepted[0] & (1u << 27 | 1u << 24))); /* legacy only */
    CHECK(model_accepted(vpci_model, TD_HIGH) && model_accepted(vpci_model, VIRTIO_F_VERSION_1));
    CHECK(model_accepted(vpci_model, VIRTIO_F_RING_PACKED) &&
          model_accepted(vpci_model, VIRTIO_F_RING_RESET));
}

static void features_refused(void)
{
    vpci_setup();
    vpci_model->refuse_features = true;
    host_boot();
    CHECK_EQ(td.probes, 0);
    vpci_check_given_up();
}

static void without_version_1(void)
{
    vpci_setup();
    model_withdraw(vpci_model, VIRTIO_F_VERSION_1);
    host_boot();
    CHECK_EQ(td.probes, 0);
    vpci_check_given_up();
}

static void queue_is_missing(void)
{
    vpci_setup();
    td.queues = 2;
    td.cfg[1] = td.cfg[0];
    host_boot();
    vpci_check_given_up();
}

/* num_queues counts, whatever the size of a queue behind it reads. */
static void num_queues_counts(void)
{
    vpci_bridge(true);
    vpci_plug(2, false);
    vpci.num_queues = 1;
    host_boot();
    vpci_check_given_up();
}

static void queue_in_use_is_refused(void)
{
    vpci_setup();
    vpci.in_use = true;
    host_boot();
    CHECK_EQ(td.probes, 1);
    vpci_check_given_up();
}

static void queue_size_does_not_stick(void)
{
    vpci_setup();
    vpci.size_fixed = true;
    host_boot();
    vpci_check_given_up();
}

static void queue_size_is_bounded(void)
{
    vpci_setup();
    vpci_model->queues[0].max = 48;
    td.cfg[0].size = 512;
    host_boot();
    CHECK_EQ(vpci_model->queues[0].num, 32);
}

static int read_config(struct virtio_device *dev)
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
    CHECK_EQ(virtio_config_read(dev, 16, &byte, 1, 1), -EIO); /* the structure ends here */
    return 0;
}

static void config_space(void)
{
    vpci_bridge(true);
    vpci_plug(1, true);
    vpci.region[VCAP_DEVICE].len = 16;
    model_vpci_caps(&vpci);
    model_field(vpci_model, 1, 1, 7);
    model_field(vpci_model, 4, 2, 0xabcd);
    model_field(vpci_model, 8, 8, 0x1122334455667788ull);
    vpci_model->generation_changes = 3;
    td.probe = read_config;
    host_boot();
    CHECK(virtio_find("vtest0") != NULL);
}

static int read_no_config(struct virtio_device *dev)
{
    uint8_t byte;

    CHECK_EQ(virtio_config_read(dev, 0, &byte, 1, 1), -EIO);
    return 0;
}

static void config_space_is_missing(void)
{
    vpci_bridge(true);
    vpci_plug(1, true);
    for (uint8_t t = VCAP_COMMON; t < VCAP_DEVICE; t++)
        model_vpci_cap(&vpci, t, 4, vpci.region[t].off, vpci.region[t].len);
    td.probe = read_no_config;
    host_boot();
    CHECK(virtio_find("vtest0") != NULL);
}

/* ---- capabilities ---------------------------------------------------------------------------- */

/* Unusable capabilities of every type before the good ones: those are skipped. */
static void first_usable_counts(void)
{
    vpci_bridge(true);
    vpci_plug(1, true);
    model_vpci_cap(&vpci, VCAP_COMMON, 6, 0, 0x1000);                 /* no such BAR */
    model_vpci_cap(&vpci, VCAP_COMMON, 0, 0, 0x20);                   /* an I/O BAR */
    model_vpci_cap(&vpci, VCAP_COMMON, 4, 0, 55);                     /* too short */
    model_vpci_cap(&vpci, VCAP_ISR, 4, 0xffffffff, 2);                /* wraps in 32 bits */
    model_vpci_cap(&vpci, 6, 4, 0, 0x1000);                           /* an unknown type */
    model_pci_put(&vpci.fn, model_pci_cap(&vpci.fn, 9, 4) + 2, 2, 4); /* another vendor's own */
    model_pci_bar(&vpci.fn, 0, MODEL_BAR_IO, 0x20);
    for (uint8_t t = VCAP_COMMON; t <= VCAP_DEVICE; t++)
        model_vpci_cap(&vpci, t, 4, vpci.region[t].off, vpci.region[t].len);
    host_boot();
    CHECK(virtio_find("vtest0") != NULL);
    vpci_traffic(3);
}

/* Of several usable ones the first counts, and PCI_CFG's window is left alone. */
static void later_ones_do_not_count(void)
{
    vpci_bridge(true);
    vpci_plug(1, true);
    model_vpci_caps(&vpci);
    model_vpci_cap(&vpci, VCAP_COMMON, 4, 0x1000, 0x1000);
    model_vpci_cap(&vpci, VCAP_NOTIFY, 4, 0x2000, 0x1000);
    model_vpci_cap(&vpci, VCAP_ISR, 4, 0, 1);
    host_boot();
    CHECK(virtio_find("vtest0") != NULL);
    vpci_traffic(3);
}

/* One structure is described so that it cannot be used: no device, and a word about it. */
static void broken_cap(uint8_t type, uint8_t bar, uint32_t off, uint32_t len, uint8_t cap_len)
{
    vpci_bridge(true);
    vpci_plug(1, true);
    for (uint8_t t = VCAP_COMMON; t <= VCAP_DEVICE; t++) {
        unsigned at = t == type
                          ? model_vpci_cap(&vpci, t, bar, off, len)
                          : model_vpci_cap(&vpci, t, 4, vpci.region[t].off, vpci.region[t].len);

        if (t == type && cap_len)
            model_pci_put(&vpci.fn, at + 2, 1, cap_len);
    }
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK_EQ(vpci_model->trace_len, 0);
    CHECK_EQ(host_live_blocks(), 0);
    CHECK_EQ(host_log_matches("without usable registers"), 1);
    CHECK(!model_pci_master(&vpci.fn));
}

static void cap_common_bar_7(void)
{
    broken_cap(VCAP_COMMON, 7, 0, 0x1000, 0);
}

static void cap_common_bar_without_address(void)
{
    broken_cap(VCAP_COMMON, 2, 0, 0x1000, 0);
}

static void cap_common_beyond_the_bar(void)
{
    broken_cap(VCAP_COMMON, 4, 0x3ff0, 0x38, 0);
}

static void cap_common_wraps(void)
{
    broken_cap(VCAP_COMMON, 4, 0xfffffffc, 0x1000, 0);
}

static void cap_common_misaligned(void)
{
    broken_cap(VCAP_COMMON, 4, 2, 0x38, 0);
}

static void cap_common_cap_len(void)
{
    broken_cap(VCAP_COMMON, 4, 0, 0x1000, 15);
}

static void cap_notify_cap_len(void)
{
    broken_cap(VCAP_NOTIFY, 4, 0x3000, 0x1000, 16); /* no multiplier */
}

static void cap_notify_too_short(void)
{
    broken_cap(VCAP_NOTIFY, 4, 0x3000, 1, 0);
}

static void cap_isr_empty(void)
{
    broken_cap(VCAP_ISR, 4, 0x1000, 0, 0);
}

static void cap_past_the_space(void)
{
    broken_cap(VCAP_ISR, 4, 0x1000, 0x1000, 0xf0);
}

/* A transitional one is driven by its modern registers; its revision says nothing. */
static void transitional_with(uint8_t revision)
{
    vpci_setup();
    model_vpci_transitional(&vpci);
    model_pci_put(&vpci.fn, 8, 1, revision);
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "msi-x") == 0);
    vpci_traffic(3);
}

static void transitional(void)
{
    transitional_with(0);
}

static void transitional_of_another_revision(void)
{
    transitional_with(1);
}

static void modern_of_revision_0(void)
{
    vpci_setup();
    model_pci_put(&vpci.fn, 8, 1, 0);
    host_boot();
    vpci_traffic(3);
}

static void others_are_left_alone(void)
{
    static const uint16_t ids[][2] = {{0x1af5, 0x107f}, {0x1af4, 0x1080}, {0x1af4, 0x1040},
                                      {0x1af4, 0x107d}, {0x1af4, 0x0fff}, {0x1b36, 0x0008}};
    static struct model_vpci other[6];

    vpci_bridge(true);
    for (unsigned i = 0; i < 6; i++) {
        struct model *idle = calloc(1, sizeof(*idle));

        model_init(idle, MODEL_PCI, MODEL_DEVICE_ID);
        model_plug_pci(&other[i], idle, i, false);
        model_pci_put(&other[i].fn, 0, 2, ids[i][0]);
        model_pci_put(&other[i].fn, 2, 2, ids[i][1]);
    }
    host_boot();
    for (unsigned i = 0; i < 6; i++)
        CHECK_EQ(other[i].fn.config_writes, 0);
    CHECK_EQ(host_live_blocks(), 0);
}

/* ---- removal --------------------------------------------------------------------------------- */

static unsigned gone_at;

static void vanish(const struct host_event *e, void *ctx)
{
    (void)ctx;
    if ((e->kind == HOST_READ || e->kind == HOST_WRITE) && gone_at && --gone_at == 0)
        vpci.fn.gone = vpci_model->gone = true;
}

/* Boots, in a process of its own, a device that is gone from the n-th access on. Was it reached? */
static bool boot_vanishing(unsigned n)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        gone_at = n;
        host_set_hook(vanish, NULL);
        host_boot();
        host_run_for(HAL_SEC);
        _exit(host_violations() ? 1 : gone_at ? 2 : 0);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 1)
        check_fail(__FILE__, __LINE__, "gone at access %u: status %#x", n, (unsigned)status);
    return WEXITSTATUS(status) == 0;
}

/* Gone at each access of the boot in turn: it ends, and breaks no rule of the bus. */
static void vanishes_during_boot(void)
{
    unsigned n = 1;

    vpci_setup();
    while (boot_vanishing(n))
        n++;
    CHECK(n > 100);
}

static void vanishes_while_working(void)
{
    vpci_setup();
    host_boot();
    vpci_traffic(5);
    CHECK_EQ(testdrv_submit(td.q[0], 1), 1);
    vpci.fn.gone = true;
    virtio_fail(td.dev, "test");
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK(td.quarantine);
}

int main(int argc, char **argv)
{
#define CASE(f)                                                                                    \
    {                                                                                              \
#f, f                                                                                      \
    }
    static const struct test_case cases[] = {
        SHOWS(sequence,
              "INIT-01 INIT-02 INIT-05 INIT-07 INIT-08 INIT-12 INIT-13 INIT-15 INIT-16 RST-01 "
              "VQ-01 PCI-DISC-01 PCI-DISC-04 PCI-LAYOUT-01 PCI-LAYOUT-02 PCI-LAYOUT-03 PCI-CAP-08 "
              "PCI-COMMON-01 PCI-COMMON-04 PCI-COMMON-05 PCI-COMMON-06 PCI-COMMON-12 PCI-COMMON-13 "
              "PCI-COMMON-15 PCI-COMMON-16 PCI-COMMON-19"),
        SHOWS(all_feature_words_are_read, "FEAT-06 PCI-COMMON-12"),
        SHOWS(features_refused, "INIT-14 INIT-17"),
        SHOWS(without_version_1, "FEAT-10"),
        CASE(queue_is_missing),
        SHOWS(num_queues_counts, "PCI-COMMON-18"),
        CASE(queue_in_use_is_refused),
        CASE(queue_size_does_not_stick),
        SHOWS(queue_size_is_bounded, "PCI-COMMON-03 SPLIT-03"),
        SHOWS(config_space, "PCI-LAYOUT-01 CFG-06"),
        SHOWS(config_space_is_missing, "CFG-05"),
        SHOWS(first_usable_counts, "PCI-CAP-01 PCI-CAP-02 PCI-CAP-04 PCI-CAP-07"),
        CASE(later_ones_do_not_count),
        SHOWS(cap_common_bar_7, "PCI-CAP-04 PCI-CAP-11"),
        CASE(cap_common_bar_without_address),
        CASE(cap_common_beyond_the_bar),
        CASE(cap_common_wraps),
        CASE(cap_common_misaligned),
        CASE(cap_common_cap_len),
        CASE(cap_notify_cap_len),
        SHOWS(cap_notify_too_short, "PCI-CAP-07 PCI-CAP-11"),
        SHOWS(cap_isr_empty, "PCI-CAP-07 PCI-CAP-11"),
        CASE(cap_past_the_space),
        SHOWS(transitional, "PCI-DISC-02"),
        SHOWS(transitional_of_another_revision, "PCI-DISC-03"),
        SHOWS(modern_of_revision_0, "PCI-DISC-03"),
        SHOWS(others_are_left_alone, "PCI-DISC-01"),
        CASE(vanishes_during_boot),
        CASE(vanishes_while_working),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
