/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_class_config.c - classes of bugs that drivers have had with what a device says of itself:
 * numbers of queues, their sizes, features, a configuration that never settles, capabilities. See
 * test_class_ring.c.
 */
#include <string.h>

#include "rig.h"
#include "script.h"
#include "virtio/ring/virtq_impl.h"

static void boot_with(const struct script_entry *lies, unsigned n)
{
    rig_make(NULL, 0);
    script_begin(rig.m, lies, n);
    rig_boot();
}

/* CHECKs that the device is refused, that the log says why, and that no memory of it is kept. */
static void check_refused(const char *why)
{
    CHECK(rig.dev == NULL && virtio_find("vrig0") == NULL);
    CHECK_EQ(host_log_matches(why), 1);
    CHECK_EQ(host_live_blocks(), 1); /* the rig's own buffers */
}

/* ---- 20, 25, 36: queues ---------------------------------------------------------------------- */

static void class_20_no_queues(void)
{
    static const struct script_entry lie[] = {
        {.when = AT_READ, .at = REG_NUM_QUEUES, .times = FOR_EVER, .what = DO_ANSWER, .v = 0}};

    boot_with(lie, 1);
    check_refused("has no queue 0");
}

static void class_20_many_queues(void)
{
    static const struct script_entry lie[] = {
        {.when = AT_READ, .at = REG_NUM_QUEUES, .times = FOR_EVER, .what = DO_ANSWER, .v = 0xffff}};

    boot_with(lie, 1);
    CHECK(script_done() > 0);
    rig_check_works();
}

static void class_25_queue_size_0(void)
{
    rig_make(NULL, 0);
    rig.mq->max = 0;
    rig_boot();
    check_refused("has no queue 0");
}

/* The largest size is what the ring's rules make of it; legacy PCI leaves no choice. */
static void size_told(uint32_t told, unsigned used)
{
    const struct script_entry size[] = {
        {.when = AT_READ, .at = REG_QUEUE_MAX, .what = DO_ANSWER, .v = told}};

    boot_with(size, 1);
    if (rig_bus() == RIG_PCI_LEGACY) {
        check_refused("no usable size");
        return;
    }
    CHECK(rig.dev != NULL);
    CHECK_EQ(virtq_size(rig.q), used);
    script_end();
    rig_check_works();
}

static void class_25_queue_size_odd(void)
{
    size_told(11, rig_is_packed() ? 11 : 8);
}

/* Only what the driver wanted is allocated, whatever the device says that it has. */
static void class_36_allocation_from_device(void)
{
    uint64_t allocs = host_allocs();

    size_told(0x8000, RIG_SIZE);
    CHECK(host_allocs() - allocs < 12);
    if (rig.q)
        CHECK(rig.q->ring_bytes <= 3 * 4096);
}

/* A smaller one after a reset: it is not the device that it was. */
static void class_25_queue_size_changes(void)
{
    rig_make(NULL, 0);
    rig_boot();
    rig_check_works();
    rig.mq->max = RIG_SIZE / 2;
    virtio_fail(rig.dev, "a test says so");
    CHECK_EQ(rig_settle(), RIG_GIVEN_UP);
    CHECK(!rig.quarantine);
    CHECK(host_logged("another size"));
}

/* ---- 21, 34: features ------------------------------------------------------------------------ */

/* Everything is offered: what no driver knows is not taken. */
static void class_34_unknown_features(void)
{
    rig_make(NULL, 0);
    for (unsigned bit = 0; bit < (model_is_legacy(rig.m) ? 24 : 128); bit++)
        if (bit < 24 || bit >= 44)
            model_offer(rig.m, bit);
    rig_boot();
    CHECK(rig.dev != NULL);
    CHECK_EQ(rig.m->accepted[0] & 0xffffff, 0);
    CHECK_EQ(rig.m->accepted[1] >> 12 | rig.m->accepted[2] | rig.m->accepted[3], 0);
    rig_check_works();
}

/* The device refuses the offered features; with fewer it works. */
static void class_34_features_refused(void)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX};

    rig_make(bits, 1);
    rig.m->refuse[0] = 1u << VIRTIO_F_EVENT_IDX;
    rig_boot();
    CHECK(rig.dev != NULL);
    CHECK(!virtio_has(rig.dev, VIRTIO_F_EVENT_IDX));
    CHECK_EQ(rig.m->refused, 1);
    rig_check_works();
}

static void class_34_all_features_refused(void)
{
    rig_make(NULL, 0);
    rig.m->refuse_features = true;
    rig_boot();
    check_refused("refuses these features as well");
    CHECK_EQ(rig.m->refused, 2);
}

/* After a reset it offers less than what the driver's state rests on. */
static void class_34_features_change(void)
{
    static const unsigned bits[] = {VIRTIO_F_EVENT_IDX};

    rig_make(bits, 1);
    rig_boot();
    rig_check_works();
    model_withdraw(rig.m, VIRTIO_F_EVENT_IDX);
    virtio_fail(rig.dev, "a test says so");
    CHECK_EQ(rig_settle(), RIG_GIVEN_UP);
    CHECK(host_logged("features are no longer offered"));
}

/* ---- 22: a configuration that never settles -------------------------------------------------- */

static int config_error;
static unsigned config_reads;

static void count_read(struct model *m, unsigned off)
{
    (void)off;
    config_reads++;
    if (model_is_legacy(m))
        m->config[0]++; /* no counter there: two readings that differ tell the same */
}

static int read_config(struct virtio_device *dev)
{
    uint64_t v;

    config_error = virtio_config_read64(dev, 0, &v);
    return config_error;
}

static void class_22_generation_never_settles(void)
{
    rig_make(NULL, 0);
    model_field(rig.m, 0, 8, 0x1122334455667788ull);
    rig.m->on.config_read = count_read;
    rig.m->generation_never_settles = true;
    rig.probe = read_config;
    rig_boot();
    CHECK_EQ(config_error, -EIO);
    CHECK(config_reads >= 32 && config_reads <= 64); /* 16 tries of two words, or of two by two */
    check_refused("does not settle");
}

/* ---- 26, 27: capabilities -------------------------------------------------------------------- */

/* Offset of the virtio capability of this type. */
static unsigned cap_of(unsigned type)
{
    unsigned at = rig_vpci.fn.config[0x34];

    while (at && (rig_vpci.fn.config[at] != 9 || rig_vpci.fn.config[at + 3] != type))
        at = rig_vpci.fn.config[at + 1];
    CHECK(at != 0);
    return at;
}

static struct {
    unsigned type, off, width;
    uint32_t v;
} lie;

static void tell_it(void)
{
    host_excuse(rig.m->name); /* what lies where it says, nobody knows */
    model_pci_put(&rig_vpci.fn, cap_of(lie.type) + lie.off, lie.width, lie.v);
}

/* One field of one capability is wrong: the device is refused, and the log says so. */
static void capability(unsigned type, unsigned off, unsigned width, uint32_t v)
{
    lie.type = type;
    lie.off = off;
    lie.width = width;
    lie.v = v;
    rig_make(NULL, 0);
    rig.plugged = tell_it;
    rig_boot();
    CHECK(rig.dev == NULL);
    CHECK_EQ(host_log_matches("without usable registers"), 1);
    CHECK_EQ(host_live_blocks(), 1);
}

static void class_26_capability_of_no_bar(void)
{
    capability(VCAP_COMMON, 4, 1, 7);
}

static void class_26_capability_overflows(void)
{
    capability(VCAP_COMMON, 8, 4, 0xfffffff0);
}

static void class_26_capability_beyond_bar(void)
{
    capability(VCAP_NOTIFY, 8, 4, 0x4000);
}

static void class_26_capability_too_short(void)
{
    capability(VCAP_COMMON, 12, 4, 8);
}

static void class_26_capability_unaligned(void)
{
    capability(VCAP_COMMON, 8, 4, 2);
}

static void class_26_capability_of_another(void)
{
    capability(VCAP_ISR, 0, 1, 0x10);
}

static void close_the_ring(void)
{
    unsigned at = rig_vpci.fn.config[0x34], first = at;

    while (rig_vpci.fn.config[at + 1])
        at = rig_vpci.fn.config[at + 1];
    rig_vpci.fn.config[at + 1] = (uint8_t)first;
}

/* The list has no end: it is walked to a limit, and what was found counts. */
static void class_26_capability_list_is_endless(void)
{
    rig_make(NULL, 0);
    rig.plugged = close_the_ring;
    rig_boot();
    CHECK(rig.dev != NULL);
    rig_check_works();
}

static void class_27_notify_offset(void)
{
    static const struct script_entry off[] = {
        {.when = AT_READ, .at = REG_NOTIFY_OFF, .times = FOR_EVER, .what = DO_ANSWER, .v = 0xffff}};

    boot_with(off, 1);
    check_refused("does not take queue");
}

/* The product is more than 32 bits hold, and 0 in those. */
static void multiply(void)
{
    rig.mq->notify_off = 0x8000;
    model_pci_put(&rig_vpci.fn, cap_of(VCAP_NOTIFY) + 16, 4, 0x20000);
}

static void class_27_notify_multiplier(void)
{
    rig_make(NULL, 0);
    rig.plugged = multiply;
    rig_boot();
    check_refused("does not take queue");
}

int main(int argc, char **argv)
{
#define CLASS(f, variants)                                                                         \
    {                                                                                              \
#f, f, NULL, 0, variants                                                                   \
    }
    static const struct test_case cases[] = {
        CLASS(class_20_no_queues, rig_pci),
        CLASS(class_20_many_queues, rig_pci),
        CLASS(class_22_generation_never_settles, rig_all),
        CLASS(class_25_queue_size_0, rig_all),
        CLASS(class_25_queue_size_odd, rig_all),
        CLASS(class_25_queue_size_changes, rig_all),
        CLASS(class_26_capability_of_no_bar, rig_pci),
        CLASS(class_26_capability_overflows, rig_pci),
        CLASS(class_26_capability_beyond_bar, rig_pci),
        CLASS(class_26_capability_too_short, rig_pci),
        CLASS(class_26_capability_unaligned, rig_pci),
        CLASS(class_26_capability_of_another, rig_pci),
        CLASS(class_26_capability_list_is_endless, rig_pci),
        CLASS(class_27_notify_offset, rig_pci),
        CLASS(class_27_notify_multiplier, rig_pci),
        CLASS(class_34_unknown_features, rig_all),
        CLASS(class_34_features_refused, rig_modern),
        CLASS(class_34_all_features_refused, rig_modern),
        CLASS(class_34_features_change, rig_all),
        CLASS(class_36_allocation_from_device, rig_all),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
