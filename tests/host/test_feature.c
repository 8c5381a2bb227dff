/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_feature.c - feature negotiation (virtio 1.4, sections 2.2 and 6): what is accepted is
 * offered, known, and has all that it needs.
 */
#include <string.h>

#include "check.h"
#include "model_pci.h"
#include "testdrv.h"

#define DEVICES     16
#define BAD_FEATURE 30 /* what a legacy driver must never accept */

static struct model models[DEVICES];

static void plug_all(enum model_transport t)
{
    struct hal_pci_host h = model_pci_windows();

    if (t == MODEL_PCI)
        model_pci_bridge(&h, true);
    testdrv_one_queue(16, 2);
    for (unsigned i = 0; i < DEVICES; i++) {
        model_init(&models[i], t, MODEL_DEVICE_ID);
        models[i].queues[0].max = 16;
        if (t == MODEL_PCI)
            model_plug_pci(calloc(1, sizeof(struct model_vpci)), &models[i], i, false);
        else
            model_plug_mmio(&models[i], i);
    }
}

static bool offered(const struct model *m, unsigned bit)
{
    return m->offered[bit / 32] >> bit % 32 & 1;
}

/* The driver's own bits, as testdrv.c names them; the core's, without dependencies to speak of. */
static bool expected(const struct model *m, unsigned bit)
{
    bool legacy = m->transport == MODEL_MMIO_LEGACY;

    if (!offered(m, bit) || (legacy && bit > 31) || (m->transport != MODEL_PCI && bit > 63))
        return false;
    switch (bit) {
    case TD_A:
    case TD_B:
    case TD_HIGH:
    case VIRTIO_F_INDIRECT_DESC:
    case VIRTIO_F_EVENT_IDX:
        return true;
    case TD_WORD_2:
        return true;
    case TD_LAST:
        return offered(m, TD_WORD_2);
    case TD_NEEDS_A:
        return offered(m, TD_A);
    case TD_NEEDS_B_AND_2:
        return offered(m, TD_A) && offered(m, TD_B) && offered(m, TD_NEEDS_A);
    case VIRTIO_F_ANY_LAYOUT:
        return legacy;
    case VIRTIO_F_VERSION_1:
    case VIRTIO_F_ACCESS_PLATFORM:
    case VIRTIO_F_RING_PACKED:
    case VIRTIO_F_IN_ORDER:
    case VIRTIO_F_RING_RESET:
    case VIRTIO_F_ORDER_PLATFORM:
    case VIRTIO_F_NOTIFICATION_DATA:
        return !legacy;
    case VIRTIO_F_NOTIF_CONFIG_DATA:
        return m->transport == MODEL_PCI;
    default:
        return false;
    }
}

static void check_accepted(const struct model *m)
{
    for (unsigned bit = 0; bit < 128; bit++)
        if (model_accepted(m, bit) != expected(m, bit))
            check_fail(__FILE__, __LINE__, "bit %u %s, offered %08x %08x %08x %08x", bit,
                       model_accepted(m, bit) ? "accepted" : "not accepted", m->offered[3],
                       m->offered[2], m->offered[1], m->offered[0]);
}

static void random_sets(enum model_transport t)
{
    plug_all(t);
    for (unsigned i = 0; i < DEVICES; i++) {
        for (unsigned w = 0; w < 4; w++)
            models[i].offered[w] = random32() & random32();
        models[i].offered[0] |= random_below(16);
        if (t != MODEL_MMIO_LEGACY)
            model_offer(&models[i], VIRTIO_F_VERSION_1);
    }
    host_boot();
    CHECK_EQ(td.probes, DEVICES);
    for (unsigned i = 0; i < DEVICES; i++)
        check_accepted(&models[i]);
}

static void random_modern(void)
{
    random_sets(MODEL_MMIO);
}

static void random_legacy(void)
{
    random_sets(MODEL_MMIO_LEGACY);
}

/* Each bit alone, a few at a time, and all of them. */
static void single_bits(enum model_transport t, unsigned from)
{
    plug_all(t);
    for (unsigned i = 0; i < DEVICES; i++)
        model_offer(&models[i], from + i);
    host_boot();
    CHECK_EQ(td.probes, DEVICES);
    for (unsigned i = 0; i < DEVICES; i++) {
        check_accepted(&models[i]);
        CHECK_EQ(models[i].status, t == MODEL_MMIO_LEGACY ? 7 : 15);
    }
    CHECK_EQ(host_log_lines(HAL_WARN) + host_log_lines(HAL_ERROR), 0);
}

static void single_bits_0(void)
{
    single_bits(MODEL_MMIO, 0);
}

static void single_bits_16(void)
{
    single_bits(MODEL_MMIO, 16);
}

static void single_bits_32(void)
{
    single_bits(MODEL_MMIO, 32);
}

static void single_bits_48(void)
{
    single_bits(MODEL_MMIO, 48);
}

/* 128 bits, with dependencies among the last of them. */
static void random_pci(void)
{
    random_sets(MODEL_PCI);
}

static void single_bits_64(void)
{
    single_bits(MODEL_PCI, 64);
}

static void single_bits_112(void)
{
    single_bits(MODEL_PCI, 112);
}

static void single_bits_legacy_16(void)
{
    single_bits(MODEL_MMIO_LEGACY, 16);
}

static void everything_offered(enum model_transport t)
{
    plug_all(t);
    memset(models[0].offered, 0xff, sizeof(models[0].offered));
    host_boot();
    check_accepted(&models[0]);
    CHECK(!model_accepted(&models[0], BAD_FEATURE));
}

static void everything_offered_modern(void)
{
    everything_offered(MODEL_MMIO);
}

static void everything_offered_legacy(void)
{
    everything_offered(MODEL_MMIO_LEGACY);
}

/* QEMU's virtio-mmio answers every selector above 0 with word 1. */
static void high_words_are_not_trusted(void)
{
    plug_all(MODEL_MMIO);
    models[0].alias_features = true;
    model_offer(&models[0], TD_HIGH);
    host_boot();
    check_accepted(&models[0]);
    CHECK_EQ(models[0].accepted[2], 0);
    CHECK_EQ(models[0].accepted[3], 0);
}

static void boot_argument_denies(void)
{
    host_set_bootargs("vireo.deny=event_idx,a vireo.vtest1.deny=b");
    plug_all(MODEL_MMIO);
    for (unsigned i = 0; i < DEVICES; i++) {
        model_offer(&models[i], TD_A);
        model_offer(&models[i], TD_B);
        model_offer(&models[i], TD_NEEDS_A);
        model_offer(&models[i], VIRTIO_F_EVENT_IDX);
    }
    host_boot();
    /* The first device is in the last slot. */
    const struct model *first = &models[DEVICES - 1], *second = &models[DEVICES - 2];
    CHECK(!model_accepted(first, TD_A) && model_accepted(first, TD_B));
    CHECK(!model_accepted(first, TD_NEEDS_A) && !model_accepted(first, VIRTIO_F_EVENT_IDX));
    CHECK(model_accepted(second, TD_A) && !model_accepted(second, TD_B));
    CHECK(model_accepted(second, VIRTIO_F_EVENT_IDX));
    CHECK(!host_logged("no feature"));
}

/* A misspelt name is told, with those that there are. */
static void boot_argument_denies_what_does_not_exist(void)
{
    host_set_bootargs("vireo.vtest0.deny=a,evnt_idx,,b vireo.vtest1.deny=event_idxx");
    plug_all(MODEL_MMIO);
    host_boot();
    CHECK_EQ(host_log_matches("no feature evnt_idx; there is: any_layout version_1"), 1);
    CHECK_EQ(host_log_matches("no feature event_idxx; there is"), 1);
    CHECK_EQ(host_log_matches("no feature"), 2);
}

/*
 * A device that does not do what it offers is asked once more, from a reset on, for the least; both
 * sets are in the log, by name.
 */
static void refused_once(void)
{
    struct model *m = &models[0];

    testdrv_one_queue(16, 2);
    model_init(m, MODEL_MMIO, MODEL_DEVICE_ID);
    model_offer(m, TD_A);
    model_offer(m, VIRTIO_F_EVENT_IDX);
    model_offer(m, VIRTIO_F_ACCESS_PLATFORM);
    m->queues[0].max = 16;
    m->refuse[0] = 1u << VIRTIO_F_EVENT_IDX;
    model_plug_mmio(m, 0);
    host_boot();
    CHECK_EQ(td.probes, 1);
    CHECK_EQ(m->refused, 1);
    CHECK_EQ(m->resets, 2);
    CHECK(!model_accepted(m, VIRTIO_F_EVENT_IDX) && !model_accepted(m, TD_A));
    CHECK(model_accepted(m, VIRTIO_F_VERSION_1) && model_accepted(m, VIRTIO_F_ACCESS_PLATFORM));
    CHECK(host_logged("trying fewer"));
    CHECK(host_logged("features: a event_idx version_1 access_platform"));
    CHECK(host_logged("offered: a event_idx version_1 access_platform"));
    CHECK(host_logged("features: version_1 access_platform"));
}

static void refused_twice(void)
{
    struct model *m = &models[0];

    testdrv_one_queue(16, 2);
    model_init(m, MODEL_MMIO, MODEL_DEVICE_ID);
    model_offer(m, TD_A);
    m->refuse_features = true;
    model_plug_mmio(m, 0);
    host_boot();
    CHECK_EQ(td.probes, 0);
    CHECK_EQ(m->refused, 2); /* and no third time */
    CHECK(m->status & 128);
    CHECK(host_logged("refuses these features as well"));
}

static void names(void)
{
    char buf[64], tiny[6];
    struct virtio_info info;

    plug_all(MODEL_MMIO);
    model_offer(&models[DEVICES - 1], TD_NEEDS_A);
    model_offer(&models[DEVICES - 1], TD_A);
    model_offer(&models[DEVICES - 1], VIRTIO_F_EVENT_IDX);
    host_boot();
    const struct virtio_device *dev = virtio_find("vtest0");
    virtio_feature_names(dev, buf, sizeof(buf));
    CHECK(strcmp(buf, "a needs_a event_idx version_1") == 0);
    memset(tiny, 'x', sizeof(tiny));
    virtio_feature_names(dev, tiny, 5);
    CHECK(strcmp(tiny, "a ne") == 0 && tiny[5] == 'x');
    CHECK_EQ(virtio_info(0, &info), 0);
    CHECK(virtio_features_has(&info.accepted, TD_A) && virtio_features_has(&info.offered, TD_A));
    CHECK(!virtio_features_has(&info.accepted, 200));
}

int main(int argc, char **argv)
{
#define CASE(f)                                                                                    \
    {                                                                                              \
#f, f                                                                                      \
    }
    static const struct test_case cases[] = {
        SHOWS(random_modern, "INIT-09 FEAT-01 FEAT-02 FEAT-03 FEAT-12 FEAT-14 FEAT-18 MMIO-REG-24"),
        SHOWS(random_legacy, "FEAT-01 FEAT-02 FEAT-28 LEGACY-MMIO-02"),
        SHOWS(single_bits_0, "FEAT-02 FEAT-03 FEAT-04 FEAT-09 FEAT-11"),
        SHOWS(single_bits_16, "FEAT-04 FEAT-09 FEAT-11"),
        SHOWS(single_bits_32, "FEAT-04 FEAT-09 FEAT-11 FEAT-14 FEAT-18"),
        SHOWS(single_bits_48, "FEAT-04 FEAT-09 FEAT-11"),
        SHOWS(random_pci, "FEAT-01 FEAT-02 FEAT-03 FEAT-06 PCI-COMMON-12"),
        SHOWS(single_bits_64, "FEAT-04 FEAT-06"),
        SHOWS(single_bits_112, "FEAT-04 FEAT-06"),
        SHOWS(single_bits_legacy_16, "FEAT-28 FEAT-29"),
        SHOWS(everything_offered_modern, "FEAT-06 FEAT-12"),
        SHOWS(everything_offered_legacy, "FEAT-28 FEAT-29"),
        SHOWS(high_words_are_not_trusted, "MMIO-REG-24"),
        SHOWS(boot_argument_denies, "FEAT-02 FEAT-12"),
        {"boot_argument_denies_what_does_not_exist", boot_argument_denies_what_does_not_exist, ""},
        CASE(refused_once),
        CASE(refused_twice),
        CASE(names),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
