/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vpci_caps.c - virtio over PCI: lists of capabilities that are lawful and odd, or endless
 * (virtio 1.4, section 4.1.4). What makes a structure unusable is in test_vpci.c.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "vpcitest.h"

enum { SHARED_MEMORY = 8, VENDOR_DATA = 9 };

static void bare(void)
{
    vpci_bridge(true);
    vpci_plug(2, true);
}

static void works(void)
{
    host_boot();
    CHECK(virtio_find("vtest0") != NULL);
    CHECK(strcmp(vpci_wakeup(), "intx") == 0);
    vpci_traffic(5);
}

/* Lengths beyond the BAR, to the end of 32 bits: what is needed is there. */
static void huge_lengths(void)
{
    bare();
    for (uint8_t t = VCAP_COMMON; t <= VCAP_DEVICE; t++)
        model_vpci_cap(&vpci, t, 4, vpci.region[t].off, 0xffffffff);
    works();
}

/* Notify structures of many megabytes, as page-per-vq=on makes them: a page a queue. */
static void page_per_queue(void)
{
    bare();
    model_pci_bar(&vpci.fn, 4, MODEL_BAR_MEM64, 0x1000000);
    vpci.region[VCAP_NOTIFY].len = 0x800000;
    vpci.multiplier = 4096;
    vpci_model->queues[1].notify_off = 0x7ff; /* the last page */
    model_vpci_caps(&vpci);
    works();
}

static void long_capabilities(void)
{
    bare();
    for (uint8_t t = VCAP_COMMON; t <= VCAP_DEVICE; t++) {
        unsigned at = model_vpci_cap(&vpci, t, 4, vpci.region[t].off, vpci.region[t].len);

        model_pci_put(&vpci.fn, at + 2, 1, 24);
        vpci.fn.cap_free += 8;
    }
    works();
}

/* Shared memory is told as struct virtio_pci_cap64; vendor data begin with another's id. */
static void other_types(void)
{
    bare();
    for (unsigned i = 0; i < 2; i++) {
        unsigned at = model_pci_cap(&vpci.fn, 9, 24);

        model_pci_put(&vpci.fn, at + 2, 2, SHARED_MEMORY << 8 | 24);
        model_pci_put(&vpci.fn, at + 4, 2, i << 8 | 4);
        model_pci_put(&vpci.fn, at + 12, 4, 0x4000);
    }
    model_pci_put(&vpci.fn, model_pci_cap(&vpci.fn, 9, 8) + 2, 4, 0x1234 << 16 | VENDOR_DATA << 8);
    model_vpci_cap(&vpci, 0, 4, 0, 0x1000);
    model_vpci_cap(&vpci, 0xff, 4, 0, 0x1000);
    model_vpci_caps(&vpci);
    works();
}

/* The list ends in itself: it is walked to a limit, and what was found counts. */
static void endless_list(void)
{
    bare();
    model_vpci_caps(&vpci);
    vpci.fn.config[vpci.fn.cap_link] = 0x40;
    works();
}

/* Doorbells in I/O space come first, as modern-pio-notify=on puts them, and do work. */
static void doorbells_in_io_space(void)
{
    bare();
    model_pci_bar(&vpci.fn, 2, MODEL_BAR_IO, 4);
    vpci.region[VCAP_NOTIFY].bar = 2;
    vpci.region[VCAP_NOTIFY].off = 0;
    vpci.region[VCAP_NOTIFY].len = 4;
    vpci.multiplier = 0;
    model_vpci_cap(&vpci, VCAP_NOTIFY, 2, 0, 4);
    vpci.multiplier = 4;
    model_vpci_cap(&vpci, VCAP_NOTIFY, 4, 0x3000, 0x1000);
    vpci.multiplier = 0;
    for (uint8_t t = VCAP_COMMON; t <= VCAP_DEVICE; t++)
        if (t != VCAP_NOTIFY)
            model_vpci_cap(&vpci, t, 4, vpci.region[t].off, vpci.region[t].len);
    works();
}

/* Without an I/O window the next ones count. */
static void doorbells_behind_no_window(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.io.len = 0;
    model_pci_bridge(&h, true);
    vpci_plug(2, true);
    model_pci_bar(&vpci.fn, 2, MODEL_BAR_IO, 4);
    model_vpci_cap(&vpci, VCAP_NOTIFY, 2, 0, 4);
    model_vpci_caps(&vpci);
    works();
}

static void everything_in_io_space(void)
{
    bare();
    model_pci_bar(&vpci.fn, 0, MODEL_BAR_IO, 0x100);
    for (unsigned t = VCAP_COMMON; t <= VCAP_DEVICE; t++) {
        vpci.region[t].bar = 0;
        vpci.region[t].off = 0x40 * (t - 1);
        vpci.region[t].len = 0x40;
    }
    model_vpci_caps(&vpci);
    works();
}

static void bar_of_32_bits(void)
{
    bare();
    model_pci_bar(&vpci.fn, 4, MODEL_BAR_MEM32, 0x4000);
    model_vpci_caps(&vpci);
    works();
}

/* An I/O BAR holds no MSI-X table. */
static void msix_table_in_io_space(void)
{
    bare();
    model_pci_bar(&vpci.fn, 0, MODEL_BAR_IO, 0x100);
    model_pci_add_msix(&vpci.fn, 4, 0, 0);
    model_vpci_caps(&vpci);
    works();
}

/* ---- rubbish --------------------------------------------------------------------------------- */

static uint32_t any(const uint32_t *of, unsigned n)
{
    return of[random_below(n)];
}

/* Registers without a meaning. */
static uint32_t rubbish_read(struct model_pci_fn *f, unsigned bar, uint64_t off, unsigned width,
                             bool sync)
{
    (void)f, (void)bar, (void)off, (void)width, (void)sync;
    return random_below(3) ? random_below(4) : random32();
}

static void rubbish_write(struct model_pci_fn *f, unsigned bar, uint64_t off, unsigned width,
                          uint32_t v, bool sync)
{
    (void)f, (void)bar, (void)off, (void)width, (void)v, (void)sync;
}

static void rubbish_capability(void)
{
    static const uint32_t lengths[] = {0, 2, 12, 15, 16, 20, 24, 0xf0, 0xff};
    static const uint32_t places[] = {0,      1,      2,          4,          0x3c8,     0xffc,
                                      0x3000, 0x3fc8, 0x80000000, 0xfffffffc, 0xffffffff};
    unsigned at = model_pci_cap(&vpci.fn, random_below(8) ? 9 : 0x11, 20);

    model_pci_put(&vpci.fn, at + 2, 1, any(lengths, 9));
    model_pci_put(&vpci.fn, at + 3, 1, random_below(7));
    model_pci_put(&vpci.fn, at + 4, 1, random_below(8));
    model_pci_put(&vpci.fn, at + 8, 4, any(places, 11));
    model_pci_put(&vpci.fn, at + 12, 4, any(places, 11));
    model_pci_put(&vpci.fn, at + 16, 4, any(places, 11));
}

/* A list of such, some of them behind the one before that; in a process of its own. */
static void boot_rubbish(void)
{
    bare();
    model_pci_bar(&vpci.fn, 0, MODEL_BAR_IO, 0x20);
    model_pci_bar(&vpci.fn, 2, MODEL_BAR_MEM32, 0x1000);
    vpci.fn.read = rubbish_read;
    vpci.fn.write = rubbish_write;
    for (unsigned n = 2 + random_below(7); n; n--)
        rubbish_capability();
    if (random_below(2))
        vpci.fn.config[vpci.fn.cap_link] = (uint8_t)random32();
    memset(&vpci.fn.writable[0x40], 0xff, MODEL_PCI_CONFIG - 0x40);
    host_boot();
    host_run_for(HAL_SEC);
    host_shutdown();
    _exit(host_violations() ? 1 : 0);
}

/* Whatever the list says: the image starts and ends, and nothing beside the BARs is touched. */
static void rubbish(void)
{
    for (unsigned i = 0; i < 400; i++) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0)
            boot_rubbish();
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
        CHECK_EQ(status, 0);
        for (unsigned k = i % 7; k <= 7; k++)
            random32(); /* the child's are its own */
    }
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(huge_lengths, "PCI-CAP-05 PCI-CAP-06"),
        SHOWS(page_per_queue, "PCI-CAP-05 PCI-CAP-09 PCI-NOTIF-01"),
        SHOWS(long_capabilities, "PCI-CAP-03"),
        SHOWS(other_types, "PCI-CAP-01 PCI-VNDR-01 PCI-VNDR-02"),
        SHOWS(endless_list, ""),
        SHOWS(doorbells_in_io_space, "PCI-CAP-02 PCI-NOTIF-02"),
        SHOWS(doorbells_behind_no_window, "PCI-CAP-02"),
        SHOWS(everything_in_io_space, ""),
        SHOWS(bar_of_32_bits, ""),
        SHOWS(msix_table_in_io_space, ""),
        SHOWS(rubbish, "PCI-CAP-04 PCI-CAP-07"),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
