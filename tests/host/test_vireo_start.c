/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vireo_start.c - the drivers as a kernel without Vireo's runtime uses them
 * (drivers/vireo_drivers.h): a list of drivers, windows and hosts that only the kernel knows, and
 * the loop of hal_services.c, which this program has in place of the host's.
 */
#include <string.h>

#include "diskmodel.h"
#include "vireo_drivers.h"

static const struct virtio_driver *const disks[] = {&vblk_driver, NULL};
static const struct virtio_driver *const cards[] = {&vnet_driver, NULL};
static const struct virtio_driver *const none[] = {NULL};
static struct hal_virtio_mmio window;
static struct hal_pci_host host;

/* The disk is on its bus, and the HAL does not tell of it. */
static void plug(void)
{
    const unsigned *bits =
        (const unsigned[]){DISK_F_FLUSH, VIRTIO_F_EVENT_IDX, VIRTIO_F_RING_PACKED};

    disk_plug(case_variant & 2 ? MODEL_PCI : MODEL_MMIO, bits, case_variant & 1 ? 3 : 2);
    if (case_variant & 2)
        CHECK_EQ(hal_pci_host(0, &host), 0);
    else
        CHECK_EQ(hal_virtio_mmio(0, &window), 0);
    host_hide(true);
}

static int attach(void)
{
    return case_variant & 2 ? virtio_pci_attach(&host) : virtio_mmio_attach(&window);
}

/* What a kernel does between its other work. Time is virtual: a sleep is a jump. */
static void run(const struct io *io)
{
    for (unsigned i = 0; i < 1000 && !io->calls; i++) {
        uint64_t when = vireo_poll(), now = hal_now_ns();

        CHECK(!vireo_pending() || !when);
        CHECK(when != HAL_NEVER || io->calls);
        if (when > now && !vireo_pending())
            host_advance(when - now);
    }
    CHECK_EQ(io->calls, 1);
}

static void check_works(void)
{
    static uint8_t out[4096], in[4096];
    static struct io w, r;

    disk.dev = block_get(0);
    CHECK(disk.dev != NULL);
    memset(out, 0x5a, sizeof(out));
    io_start(&w, BLOCK_WRITE, 8, out, sizeof(out));
    run(&w);
    CHECK_EQ(w.r.result, 0);
    io_start(&r, BLOCK_READ, 8, in, sizeof(in));
    run(&r);
    CHECK_EQ(r.r.result, 0);
    CHECK(memcmp(in, out, sizeof(in)) == 0);
}

static void attached_by_hand(void)
{
    plug();
    CHECK_EQ(vireo_start(disks), 0);
    CHECK(!block_get(0));
    CHECK_EQ(attach(), 0);
    check_works();
}

static void by_the_list_of_the_configuration(void)
{
    plug();
    CHECK_EQ(vireo_start(virtio_drivers), 0);
    CHECK_EQ(attach(), 0);
    check_works();
    for (unsigned id = 1; id < 20; id++) {
        unsigned n = 0;

        for (unsigned i = 0; virtio_drivers[i]; i++)
            n += virtio_drivers[i]->device_id == id;
        CHECK_EQ(n, (id >= VIRTIO_ID_NET && id <= VIRTIO_ID_BALLOON) || id == VIRTIO_ID_VSOCK);
    }
}

static void by_what_is_linked(void)
{
    plug();
    CHECK_EQ(vireo_start(NULL), 0);
    CHECK_EQ(attach(), 0);
    check_works();
}

static void found_by_the_start(void)
{
    plug();
    host_hide(false);
    CHECK_EQ(vireo_start(disks), 0);
    check_works();
    CHECK_EQ(vireo_start(disks), -EBUSY);
}

static void driver_not_in_the_list(void)
{
    plug();
    CHECK_EQ(vireo_start(none), -ENODEV);
    CHECK(host_logged("no driver: give vireo_start() a list"));
    CHECK_EQ(vireo_start(cards), 0);
    CHECK_EQ(attach(), case_variant & 2 ? 0 : -ENODEV);
    CHECK(!block_get(0) && !virtio_find("vblk0"));
}

static void windows_that_cannot_be(void)
{
    struct hal_virtio_mmio w;

    plug();
    CHECK_EQ(vireo_start(disks), 0);
    w = window;
    w.len = 0xff;
    CHECK_EQ(virtio_mmio_attach(&w), -EINVAL);
    w.len = 1ull << 32;
    CHECK_EQ(virtio_mmio_attach(&w), -EINVAL);
    CHECK_EQ(host_log_matches("its length is wrong"), 2);
    model_plug_empty(1);
    w = window;
    w.phys += w.len;
    CHECK_EQ(virtio_mmio_attach(&w), -ENODEV);
    host.ecam.len = 0;
    CHECK_EQ(virtio_pci_attach(&host), -EINVAL);
    host_fail_alloc_after(0);
    CHECK_EQ(virtio_mmio_attach(&window), -ENOMEM);
    host_fail_alloc_after(-1);
    CHECK_EQ(virtio_mmio_attach(&window), 0);
    check_works();
}

static void attached_twice(void)
{
    attached_by_hand();
    CHECK_EQ(attach(), -EBUSY);
    check_works();
    if (case_variant & 2) {
        host.index = 4;
        CHECK_EQ(virtio_pci_attach(&host), -EINVAL);
    }
}

static void stopped(void)
{
    attached_by_hand();
    CHECK(disk.m->status != 0);
    vireo_stop();
    CHECK_EQ(disk.m->status, 0);
    vireo_stop();
    CHECK_EQ(disk.m->status, 0);
}

/* A device without a line: the loop is told to come back at once. */
static void polled(void)
{
    plug();
    window.irq = -1;
    CHECK_EQ(vireo_start(disks), 0);
    CHECK_EQ(attach(), 0);
    CHECK_EQ(vireo_poll(), 0);
    CHECK(host_logged("no interrupt is available: polled"));
    check_works();
    CHECK_EQ(vireo_poll(), 0);
}

static unsigned runs, arms;
static bool busy;

static bool service_run(struct hal_service *s)
{
    runs++;
    s->next_ns = HAL_NEVER;
    return busy;
}

static bool service_arm(struct hal_service *s)
{
    (void)s;
    arms++;
    return arms == 1; /* something came in between, once */
}

static void loop_of_services(void)
{
    static struct hal_service s = {.name = "s", .run = service_run, .arm = service_arm};
    uint64_t when = hal_now_ns() + HAL_SEC;

    hal_service_add(&s);
    CHECK_EQ(s.next_ns, HAL_NEVER);
    CHECK(vireo_poll() == HAL_NEVER);
    CHECK(runs == 1 && arms == 2); /* armed, run since work had come, armed again */
    hal_service_wake(&s);
    CHECK(vireo_pending());
    CHECK(vireo_poll() == HAL_NEVER && !vireo_pending() && runs == 2 && arms == 3);
    s.next_ns = when;
    CHECK(vireo_poll() == when && runs == 2);
    host_advance(HAL_SEC);
    CHECK(vireo_poll() == HAL_NEVER && runs == 3);
    busy = s.polled = true;
    CHECK(vireo_poll() == 0 && runs == 3 + 64); /* the kernel has its turn */
    busy = false;
    CHECK(vireo_poll() == 0 && runs == 3 + 65);
}

static const struct test_variant ways[] = {
    {"mmio-split", 0}, {"mmio-packed", 1}, {"pci-split", 2}, {"pci-packed", 3}, {NULL, 0}};

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"attached_by_hand", attached_by_hand, NULL, 0, ways},
        {"by_the_list_of_the_configuration", by_the_list_of_the_configuration, NULL, 0, ways},
        {"by_what_is_linked", by_what_is_linked, NULL, 0, ways},
        {"found_by_the_start", found_by_the_start, NULL, 0, ways},
        {"driver_not_in_the_list", driver_not_in_the_list, NULL, 0, ways},
        {"windows_that_cannot_be", windows_that_cannot_be, NULL, 0, NULL},
        {"attached_twice", attached_twice, NULL, 0, ways},
        {"stopped", stopped, NULL, 0, ways},
        {"polled", polled, NULL, 0, NULL},
        {"loop_of_services", loop_of_services, NULL, 0, NULL},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
