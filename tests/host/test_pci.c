/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_pci.c - the PCI bus: enumeration, the capability walk and lines, on a bus whose functions
 * may say anything (PCI 3.0, chapter 6).
 */
#include "check.h"
#include "pcitest.h"

/* ---- enumeration ----------------------------------------------------------------------------- */

static void scan_finds_what_is_there(void)
{
    static const unsigned where[][2] = {{0, 0}, {1, 0}, {1, 3}, {1, 7}, {31, 0}};
    struct model_pci_fn *multi;

    bus_machine();
    bus_plug(0, 0);
    multi = bus_plug(1, 0);
    model_pci_put(multi, 0x0e, 1, 0x80);
    bus_plug(1, 3);
    bus_plug(1, 7);
    model_pci_put(bus_plug(31, 0), 0x2e, 2, 0xabcd);
    pci_scan(&bus_client);
    CHECK_EQ(bus_seen_count, 5);
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ(bus_seen[i].dev, where[i][0]);
        CHECK_EQ(bus_seen[i].fn, where[i][1]);
        CHECK_EQ(bus_seen[i].vendor, 0x1234);
        CHECK_EQ(bus_seen[i].device, 0x101 + i);
        CHECK_EQ(bus_fns[i].config_writes, 0);
    }
    CHECK_EQ(bus_seen[4].subsystem, 0xabcd);
}

static void scan_passes_over(void)
{
    struct model_pci_fn *bus = bus_plug(2, 0), *none = bus_plug(3, 0), *dead = bus_plug(4, 0);

    bus_machine();
    model_pci_put(bus, 0x0e, 1, 1); /* a bridge */
    model_pci_put(none, 0, 4, 0);   /* vendor 0 */
    dead->gone = true;
    pci_scan(&bus_client);
    CHECK_EQ(bus_seen_count, 0);
}

/* Other functions of a device are found although function 0 is a bridge. */
static void scan_behind_a_bridge_function(void)
{
    bus_machine();
    model_pci_put(bus_plug(5, 0), 0x0e, 1, 0x81);
    bus_plug(5, 1);
    CHECK_EQ(bus_scan_one()->fn, 1);
}

static void scan_without_configuration_space(void)
{
    struct hal_pci_host h = model_pci_windows();

    pci_scan(&bus_client); /* no bridge at all */
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
    h.ecam.len = 0x80000; /* less than a bus */
    model_pci_bridge(&h, true);
    bus_plug(0, 0);
    pci_scan(&bus_client);
    CHECK_EQ(bus_seen_count, 0);
    CHECK(host_logged("configuration space"));
}

/* ---- capabilities ---------------------------------------------------------------------------- */

static unsigned count_caps(const struct pci_function *f, unsigned id)
{
    unsigned steps = 0, at = 0, n = 0;

    while ((at = pci_next_capability(f, id, at, &steps))) {
        CHECK(at >= 0x40 && at <= 0xfc && at % 4 == 0);
        CHECK(++n <= PCI_MAX_CAPABILITIES);
    }
    return n;
}

static void caps_are_found_in_order(void)
{
    struct model_pci_fn *m = bus_plug(1, 0);
    unsigned steps = 0, a, b;
    struct pci_function *f;

    bus_machine();
    model_pci_cap(m, 1, 8);
    a = model_pci_cap(m, 9, 16);
    model_pci_cap(m, 5, 24);
    b = model_pci_cap(m, 9, 20);
    f = bus_scan_one();
    CHECK_EQ(pci_next_capability(f, 9, 0, &steps), a);
    CHECK_EQ(pci_next_capability(f, 9, a, &steps), b);
    CHECK_EQ(pci_next_capability(f, 9, b, &steps), 0);
    CHECK_EQ(count_caps(f, 5), 1);
    CHECK_EQ(count_caps(f, 0x11), 0);
    model_pci_put(m, 6, 2, 0); /* the list does not exist */
    CHECK_EQ(count_caps(f, 9), 0);
}

static void caps_longest_list(void)
{
    struct model_pci_fn *m = bus_plug(1, 0);

    bus_machine();
    for (unsigned i = 0; i < 48; i++)
        model_pci_cap(m, 9, 4);
    CHECK_EQ(count_caps(bus_scan_one(), 9), 48);
}

static void caps_bad_links(void)
{
    static const struct {
        uint8_t link;
        unsigned more; /* capabilities found after the first */
    } bad[] = {{0, 0},    {1, 0},    {3, 0},    {0x04, 0}, {0x10, 0}, {0x3f, 0},
               {0x50, 1}, {0x51, 1}, {0x53, 1}, {0xfc, 0}, {0xff, 0}};
    struct model_pci_fn *m = bus_plug(1, 0);
    struct pci_function *f;

    bus_machine();
    model_pci_cap(m, 9, 16);
    model_pci_cap(m, 9, 16);
    f = bus_scan_one();
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        m->config[0x41] = bad[i].link;
        CHECK_EQ(count_caps(f, 9), 1 + bad[i].more);
    }
    m->config[0x34] = 0x3f;
    CHECK_EQ(count_caps(f, 9), 0);
}

static void caps_cycles_end(void)
{
    struct model_pci_fn *m = bus_plug(1, 0);
    struct pci_function *f;

    bus_machine();
    model_pci_cap(m, 9, 16);
    model_pci_cap(m, 1, 16);
    model_pci_cap(m, 9, 16);
    f = bus_scan_one();
    m->config[0x41] = 0x40; /* itself */
    CHECK_EQ(count_caps(f, 9), 48);
    CHECK_EQ(count_caps(f, 5), 0);
    m->config[0x41] = 0x50;
    m->config[0x61] = 0x50; /* a lasso */
    CHECK(count_caps(f, 9) <= 48);
    CHECK_EQ(count_caps(f, 5), 0);
    m->gone = true;
    CHECK_EQ(count_caps(f, 9), 0);
    CHECK(count_caps(f, 0xff) <= 48);
}

static void caps_random_bytes(void)
{
    struct model_pci_fn *m = bus_plug(1, 0);
    struct pci_function *f;

    bus_machine();
    f = bus_scan_one();
    for (unsigned n = 0; n < 2000; n++) {
        for (unsigned i = 0x34; i < 256; i++)
            m->config[i] = (uint8_t)(random_below(3) ? random32() : 9);
        m->config[6] = 0x10;
        count_caps(f, 9);
        count_caps(f, 0x11);
    }
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void intx_lines(void)
{
    struct pci_function *f;

    bus_machine();
    bus_plug(6, 0);
    f = bus_scan_one();
    CHECK(pci_intx(f) < 0); /* pin 0: none */
    for (unsigned pin = 1; pin <= 4; pin++) {
        model_pci_put(&bus_fns[0], 0x3d, 1, pin);
        CHECK_EQ(pci_intx(f), MODEL_PCI_INTX + (6 + pin - 1) % 4);
    }
    model_pci_put(&bus_fns[0], 0x3d, 1, 5);
    CHECK(pci_intx(f) < 0);
    model_pci_put(&bus_fns[0], 0x3d, 1, 255);
    CHECK(pci_intx(f) < 0);
    pci_intx_enable(f, false);
    CHECK_EQ(model_pci_get(&bus_fns[0], 4, 2), 0x400);
    pci_set_master(f, true);
    pci_intx_enable(f, true);
    CHECK_EQ(model_pci_get(&bus_fns[0], 4, 2), 4);
    pci_set_master(f, false);
    CHECK_EQ(model_pci_get(&bus_fns[0], 4, 2), 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"scan_finds_what_is_there", scan_finds_what_is_there},
        {"scan_passes_over", scan_passes_over},
        {"scan_behind_a_bridge_function", scan_behind_a_bridge_function},
        {"scan_without_configuration_space", scan_without_configuration_space},
        {"caps_are_found_in_order", caps_are_found_in_order},
        {"caps_longest_list", caps_longest_list},
        {"caps_bad_links", caps_bad_links},
        {"caps_cycles_end", caps_cycles_end},
        {"caps_random_bytes", caps_random_bytes},
        {"intx_lines", intx_lines},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
