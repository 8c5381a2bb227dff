/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_mask.c - what can ever be accepted (virtio 1.4, sections 2.2 and 6): every driver that is
 * linked is offered each of 128 bits, alone and among others, on each transport. What it accepts is
 * a bit of the tables here. They are written down apart from the drivers' own on purpose: what is
 * not in them is never accepted, and the rows about it do not apply
 * (tests/conformance/not_applicable.csv).
 *
 * With --implemented it prints the tables.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "balloon/balloon.h"
#include "block/block.h"
#include "block/vblk.h"
#include "check.h"
#include "console/vcon.h"
#include "entropy/vrng.h"
#include "model_pci.h"
#include "net/vnet.h"
#include "virtio/virtio.h"
#include "vsock/vsock.h"

#define DEVICES 16 /* of a boot */
#define BITS    128

enum { ON_MMIO = 1, ON_LEGACY = 2, ON_PCI = 4, ON_MODERN = ON_MMIO | ON_PCI, ON_ALL = 7 };

static const struct {
    uint8_t bit, on;
} core[] = {
    {VIRTIO_F_ANY_LAYOUT, ON_LEGACY},      {VIRTIO_F_INDIRECT_DESC, ON_ALL},
    {VIRTIO_F_EVENT_IDX, ON_ALL},          {VIRTIO_F_VERSION_1, ON_MODERN},
    {VIRTIO_F_ACCESS_PLATFORM, ON_MODERN}, {VIRTIO_F_RING_PACKED, ON_MODERN},
    {VIRTIO_F_IN_ORDER, ON_MODERN},        {VIRTIO_F_RING_RESET, ON_MODERN},
    {VIRTIO_F_ORDER_PLATFORM, ON_MODERN},  {VIRTIO_F_NOTIFICATION_DATA, ON_MODERN},
    {VIRTIO_F_NOTIF_CONFIG_DATA, ON_PCI},
};
#define CORE (sizeof(core) / sizeof(core[0]))

/* Fields of the config space that a probe may read, whatever was accepted. */
static void net_config(struct model *m)
{
    for (unsigned i = 0; i < 6; i++)
        model_field(m, i, 1, 2);
    for (unsigned off = 6; off < 12; off += 2)
        model_field(m, off, 2, 1500);
}

static void blk_config(struct model *m)
{
    model_field(m, 0, 8, 64);
    for (unsigned off = 8; off <= 20; off += 4)
        if (off != 16)
            model_field(m, off, 4, 512);
    model_field(m, 16, 2, 1);
    model_field(m, 18, 1, 1);
    model_field(m, 19, 1, 1);
    model_field(m, 24, 1, 0);
    model_field(m, 25, 1, 0);
    model_field(m, 26, 2, 1);
    model_field(m, 28, 4, 1);
    model_field(m, 32, 1, 0);
    for (unsigned off = 36; off <= 68; off += 4)
        if (off != 56)
            model_field(m, off, 4, 8);
    model_field(m, 56, 1, 0);
    model_field(m, 92, 1, 0);
}

static void no_config(struct model *m)
{
    (void)m;
}

static void balloon_config(struct model *m)
{
    model_field(m, 0, 4, 0);
    model_field(m, 4, 4, 0);
}

static void vsock_config(struct model *m)
{
    model_field(m, 0, 8, 3);
}

static void console_config(struct model *m)
{
    model_field(m, 0, 2, 80);
    model_field(m, 2, 2, 25);
    model_field(m, 4, 4, 1);
}

static const struct kind {
    const char *name; /* as the area of features.csv */
    uint32_t id;
    void (*config)(struct model *m);
    uint8_t bits[32], count;
} kinds[] = {
    {"net",
     VIRTIO_ID_NET,
     net_config,
     {0, 1, 2, 3, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21, 23, 53, 57, 59, 63},
     23},
    {"blk", VIRTIO_ID_BLOCK, blk_config, {1, 2, 4, 5, 6, 9, 10, 11, 13, 14, 15, 16}, 12},
    {"rng", 4, no_config, {0}, 0},
    {"balloon", 5, balloon_config, {0, 1}, 2},
    {"vsock", 19, vsock_config, {0, 2}, 2},
    {"console", 3, console_config, {0, 1}, 2},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

extern const struct virtio_driver *const __start_vireo_drivers[];
extern const struct virtio_driver *const __stop_vireo_drivers[];

static bool implemented(const struct kind *k, enum model_transport t, unsigned bit)
{
    unsigned on = t == MODEL_MMIO ? ON_MMIO : t == MODEL_PCI ? ON_PCI : ON_LEGACY;

    if (on == ON_LEGACY && bit > 31)
        return false;
    for (unsigned i = 0; i < CORE; i++)
        if (core[i].bit == bit)
            return core[i].on & on;
    for (unsigned i = 0; i < k->count; i++)
        if (k->bits[i] == bit)
            return true;
    return false;
}

static bool is_offered(const struct model *m, unsigned bit)
{
    return m->offered[bit / 32] >> bit % 32 & 1;
}

/* ---- one boot with many devices of a kind ---------------------------------------------------- */

static struct model models[DEVICES];

static void plug(const struct kind *k, enum model_transport t, unsigned i)
{
    model_init(&models[i], t, k->id);
    k->config(&models[i]);
    if (t == MODEL_PCI)
        model_plug_pci(calloc(1, sizeof(struct model_vpci)), &models[i], i, false);
    else
        model_plug_mmio(&models[i], i);
}

static void check_subset(const struct kind *k, const struct model *m)
{
    CHECK(m->status & 2); /* it was tried */
    for (unsigned bit = 0; bit < BITS; bit++)
        if (model_accepted(m, bit) && !(is_offered(m, bit) && implemented(k, m->transport, bit)))
            check_fail(__FILE__, __LINE__, "%s accepts bit %u on transport %u", k->name, bit,
                       m->transport);
}

typedef void (*offer_fn)(struct model *m, unsigned i);

/* Boots in a process of its own: a machine boots once. */
static void boot_with(const struct kind *k, enum model_transport t, offer_fn offer,
                      void (*check)(const struct kind *k, const struct model *m))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct hal_pci_host h = model_pci_windows();

        model_pci_bridge(&h, true);
        for (unsigned i = 0; i < DEVICES; i++) {
            plug(k, t, i);
            offer(&models[i], i);
        }
        host_boot();
        for (unsigned i = 0; i < DEVICES; i++)
            check(k, &models[i]);
        _exit(host_violations() ? 2 : 0);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK_EQ(status, 0);
}

static void with_each_driver(enum model_transport t, offer_fn offer,
                             void (*check)(const struct kind *k, const struct model *m))
{
    for (unsigned i = 0; i < KINDS; i++)
        boot_with(&kinds[i], t, offer, check);
}

/* ---- what is offered ------------------------------------------------------------------------- */

static unsigned first_bit;

static void offer_one(struct model *m, unsigned i)
{
    model_offer(m, first_bit + i);
}

static void offer_some(struct model *m, unsigned i)
{
    (void)i;
    for (unsigned w = 0; w < 4; w++)
        m->offered[w] = random32() & (random32() | random32());
    if (m->transport != MODEL_MMIO_LEGACY)
        model_offer(m, VIRTIO_F_VERSION_1);
}

static void offer_all(struct model *m, unsigned i)
{
    (void)i;
    memset(m->offered, 0xff, sizeof(m->offered));
}

/* With all there is, everything that is implemented is accepted. */
static void check_all(const struct kind *k, const struct model *m)
{
    for (unsigned bit = 0; bit < BITS; bit++)
        if (model_accepted(m, bit) != implemented(k, m->transport, bit))
            check_fail(__FILE__, __LINE__, "%s on transport %u: bit %u %s", k->name, m->transport,
                       bit, model_accepted(m, bit) ? "accepted" : "not accepted");
}

static void only_implemented(enum model_transport t)
{
    for (first_bit = 0; first_bit < BITS; first_bit += DEVICES)
        with_each_driver(t, offer_one, check_subset);
    for (unsigned i = 0; i < 8; i++) {
        with_each_driver(t, offer_some, check_subset);
        for (unsigned n = 0; n < 64; n++) /* another set: the child has a copy of our generator */
            random32();
    }
    with_each_driver(t, offer_all, check_all);
}

static void only_implemented_bits_are_accepted(void)
{
    only_implemented(MODEL_MMIO);
    only_implemented(MODEL_MMIO_LEGACY);
    only_implemented(MODEL_PCI);
}

/* A driver that is linked, and not in the table above, would not be tested. */
static void every_driver_is_listed(void)
{
    unsigned n = 0;

    for (const struct virtio_driver *const *d = __start_vireo_drivers; d < __stop_vireo_drivers;
         d++, n++) {
        unsigned i = 0;

        while (i < KINDS && kinds[i].id != (*d)->device_id)
            i++;
        CHECK(i < KINDS);
    }
    CHECK_EQ(n, KINDS + 1); /* disks have two */
}

/* Shared memory regions (section 2.10) come with a device type, not with a bit. */
static void no_driver_of_a_type_with_shared_memory(void)
{
    enum { GPU = 16, FS = 26, PMEM = 27, MEDIA = 48 };

    for (const struct virtio_driver *const *d = __start_vireo_drivers; d < __stop_vireo_drivers;
         d++)
        CHECK((*d)->device_id != GPU && (*d)->device_id != FS && (*d)->device_id != PMEM &&
              (*d)->device_id != MEDIA);
}

static int print_implemented(void)
{
    printf("core:");
    for (unsigned i = 0; i < CORE; i++)
        printf(" %u", core[i].bit);
    for (unsigned i = 0; i < KINDS; i++) {
        printf("\n%s:", kinds[i].name);
        for (unsigned b = 0; b < kinds[i].count; b++)
            printf(" %u", kinds[i].bits[b]);
    }
    printf("\n");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(only_implemented_bits_are_accepted,
              "FEAT-01 FEAT-05 FEAT-06 FEAT-07 FEAT-08 FEAT-14 FEAT-17 FEAT-18 FEAT-21 FEAT-24 "
              "FEAT-29 MMIO-INIT-13"),
        SHOWS(every_driver_is_listed, NULL),
        SHOWS(no_driver_of_a_type_with_shared_memory, NULL),
    };

    /* Links the drivers. */
    if (vnet_get(0) || !vblk_linked[0] ||
        (block_get(0) && block_can(block_get(0), BLOCK_DISCARD)) || !vrng_linked[0] ||
        !balloon_linked[0] || vsock_up() || vcon_port(0))
        return 1;
    if (argc > 1 && !strcmp(argv[1], "--implemented"))
        return print_implemented();
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
