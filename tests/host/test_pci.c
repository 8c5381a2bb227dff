/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_pci.c - the PCI bus: enumeration, addresses for BARs, the capability walk and MSI-X tables,
 * on a bus whose functions may say anything (PCI 3.0, chapter 6).
 */
#include <string.h>

#include "check.h"
#include "model_pci.h"
#include "pci/pci.h"

static struct model_pci_fn fns[32];
static unsigned plugged;
static struct pci_function seen[32];
static unsigned seen_count;

static void found(const struct pci_function *f)
{
    CHECK(seen_count < 32);
    seen[seen_count++] = *f;
}
static const struct pci_client client = {.found = found};

static struct model_pci_fn *plug(unsigned dev, unsigned fn)
{
    struct model_pci_fn *f = &fns[plugged++];

    model_pci_add(f, dev, fn, 0x1234, (uint16_t)(0x100 + plugged));
    return f;
}

static void bridge(void)
{
    struct hal_pci_host h = model_pci_windows();

    model_pci_bridge(&h, true);
}

/* The only function, as the scan finds it. */
static struct pci_function *scan_one(void)
{
    pci_scan(&client);
    CHECK_EQ(seen_count, 1);
    return &seen[0];
}

/* ---- enumeration ----------------------------------------------------------------------------- */

static void scan_finds_what_is_there(void)
{
    static const unsigned where[][2] = {{0, 0}, {1, 0}, {1, 3}, {1, 7}, {31, 0}};
    struct model_pci_fn *multi;

    bridge();
    plug(0, 0);
    multi = plug(1, 0);
    model_pci_put(multi, 0x0e, 1, 0x80);
    plug(1, 3);
    plug(1, 7);
    model_pci_put(plug(31, 0), 0x2e, 2, 0xabcd);
    pci_scan(&client);
    CHECK_EQ(seen_count, 5);
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ(seen[i].dev, where[i][0]);
        CHECK_EQ(seen[i].fn, where[i][1]);
        CHECK_EQ(seen[i].vendor, 0x1234);
        CHECK_EQ(seen[i].device, 0x101 + i);
        CHECK_EQ(fns[i].config_writes, 0);
    }
    CHECK_EQ(seen[4].subsystem, 0xabcd);
}

static void scan_passes_over(void)
{
    struct model_pci_fn *bus = plug(2, 0), *none = plug(3, 0), *dead = plug(4, 0);

    bridge();
    model_pci_put(bus, 0x0e, 1, 1); /* a bridge */
    model_pci_put(none, 0, 4, 0);   /* vendor 0 */
    dead->gone = true;
    pci_scan(&client);
    CHECK_EQ(seen_count, 0);
}

/* Its other functions count, whatever function 0 is. */
static void scan_behind_a_bridge_function(void)
{
    bridge();
    model_pci_put(plug(5, 0), 0x0e, 1, 0x81);
    plug(5, 1);
    CHECK_EQ(scan_one()->fn, 1);
}

static void scan_without_configuration_space(void)
{
    struct hal_pci_host h = model_pci_windows();

    pci_scan(&client); /* no bridge at all */
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
    h.ecam.len = 0x80000; /* less than a bus */
    model_pci_bridge(&h, true);
    plug(0, 0);
    pci_scan(&client);
    CHECK_EQ(seen_count, 0);
    CHECK(host_logged("configuration space"));
}

/* ---- BARs ------------------------------------------------------------------------------------ */

static uint64_t cpu_address(const struct hal_pci_host *h, const struct model_pci_bar *b)
{
    if (b->kind == MODEL_BAR_IO)
        return h->io.cpu + (b->addr - h->io.pci);
    if (b->kind == MODEL_BAR_MEM64 && b->addr >= h->mem64.pci)
        return h->mem64.cpu + (b->addr - h->mem64.pci);
    return h->mem32.cpu + (b->addr - h->mem32.pci);
}

/* What the driver believes is what the function decodes. */
static void check_bars(const struct hal_pci_host *h, const struct pci_function *f,
                       const struct model_pci_fn *m)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        if (!f->bar[i].phys)
            continue;
        CHECK_EQ(f->bar[i].len, m->bar[i].size);
        CHECK_EQ(f->bar[i].io, m->bar[i].kind == MODEL_BAR_IO);
        CHECK(m->bar[i].addr && m->bar[i].addr % m->bar[i].size == 0);
        CHECK_EQ(f->bar[i].phys, cpu_address(h, &m->bar[i]));
    }
}

static void random_bars(struct model_pci_fn *f)
{
    for (unsigned i = 0; i < 6; i++) {
        unsigned kind = random_below(4);

        if (kind == MODEL_BAR_MEM64 && i < 5)
            model_pci_bar(f, i++, kind, 16ull << random_below(30));
        else if (kind == MODEL_BAR_MEM32)
            model_pci_bar(f, i, kind, 16ull << random_below(22));
        else if (kind == MODEL_BAR_IO)
            model_pci_bar(f, i, kind, 4ull << random_below(8));
    }
}

static void assign_all(const struct hal_pci_host *h)
{
    pci_scan(&client);
    for (unsigned i = 0; i < seen_count; i++) {
        pci_assign_bars(&seen[i]);
        check_bars(h, &seen[i], &fns[i]);
    }
}

static void bars_random(void)
{
    struct hal_pci_host h = model_pci_windows();

    model_pci_bridge(&h, true);
    for (unsigned i = 0; i < 24; i++)
        random_bars(plug(i, 0));
    assign_all(&h);
    CHECK_EQ(seen_count, 24);
    for (unsigned i = 0; i < 24; i++)
        for (unsigned k = 0; k < 6; k++)
            CHECK(!fns[i].bar[k].kind || seen[i].bar[k].phys);
}

static void bars_of_one_device(void)
{
    struct hal_pci_host h = model_pci_windows();
    struct model_pci_fn *f = plug(1, 0);

    model_pci_bridge(&h, true);
    model_pci_bar(f, 0, MODEL_BAR_IO, 32);
    model_pci_bar(f, 1, MODEL_BAR_MEM32, 4096);
    model_pci_bar(f, 4, MODEL_BAR_MEM64, 1ull << 33); /* the size is in the upper half */
    assign_all(&h);
    CHECK(seen[0].bar[0].phys && seen[0].bar[1].phys && seen[0].bar[4].phys);
    CHECK(f->bar[4].addr >= h.mem64.pci);
    CHECK_EQ(model_pci_get(f, 4, 2) & 7, 3); /* decoding, not mastering */
    CHECK_EQ(seen[0].bar[2].len + seen[0].bar[3].len + seen[0].bar[5].len, 0);
}

static void bars_without_high_window(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem64.len = 0;
    model_pci_bridge(&h, true);
    model_pci_bar(plug(1, 0), 0, MODEL_BAR_MEM64, 0x4000);
    assign_all(&h);
    CHECK_EQ(seen[0].bar[0].len, 0x4000);
    CHECK(fns[0].bar[0].addr >= h.mem32.pci && fns[0].bar[0].addr < h.mem32.pci + h.mem32.len);
}

/* A high window that is full is no reason to do without. */
static void bars_high_window_full(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem64.len = 0x4000;
    model_pci_bridge(&h, true);
    model_pci_bar(plug(1, 0), 0, MODEL_BAR_MEM64, 0x4000);
    model_pci_bar(plug(2, 0), 0, MODEL_BAR_MEM64, 0x4000);
    assign_all(&h);
    CHECK(fns[0].bar[0].addr >= h.mem64.pci && fns[1].bar[0].addr < h.mem64.pci);
    CHECK(seen[1].bar[0].phys);
}

static void bars_no_room(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem64.len = 0;
    h.mem32.len = 0x3000;
    model_pci_bridge(&h, true);
    model_pci_bar(plug(1, 0), 0, MODEL_BAR_MEM32, 0x4000); /* larger than the window */
    model_pci_bar(&fns[0], 1, MODEL_BAR_MEM32, 0x1000);
    model_pci_bar(&fns[0], 2, MODEL_BAR_MEM64, 1ull << 63);
    model_pci_bar(plug(2, 0), 0, MODEL_BAR_MEM32, 0x1000);
    model_pci_bar(&fns[1], 1, MODEL_BAR_MEM32, 0x1000); /* fits exactly */
    model_pci_bar(&fns[1], 2, MODEL_BAR_MEM32, 0x1000);
    assign_all(&h);
    CHECK_EQ(seen[0].bar[0].phys + seen[0].bar[2].phys, 0);
    CHECK(seen[0].bar[1].phys && seen[1].bar[0].phys && seen[1].bar[1].phys);
    CHECK_EQ(seen[1].bar[2].phys, 0);
    CHECK_EQ(host_log_matches("no room"), 3);
}

/* A function none of whose BARs found room decodes nothing. */
static void bars_none_placed(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem32.len = h.mem64.len = h.io.len = 0;
    model_pci_bridge(&h, true);
    model_pci_bar(plug(1, 0), 0, MODEL_BAR_MEM32, 0x1000);
    model_pci_bar(&fns[0], 1, MODEL_BAR_IO, 0x10);
    assign_all(&h);
    CHECK_EQ(model_pci_get(&fns[0], 4, 2) & 7, 0);
}

/* A window that begins at bus address 0: no BAR gets that address. */
static void bars_window_at_zero(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem64.len = 0;
    h.mem32.pci = 0;
    model_pci_bridge(&h, true);
    for (unsigned i = 1; i < 4; i++) {
        model_pci_bar(plug(i, 0), 0, MODEL_BAR_MEM32, 16);
        model_pci_bar(&fns[i - 1], 1, MODEL_BAR_IO, 4);
    }
    assign_all(&h);
    for (unsigned i = 0; i < 3; i++)
        CHECK(seen[i].bar[0].phys && seen[i].bar[1].phys);
}

static void bars_survive_removal(void)
{
    struct pci_function *f;

    bridge();
    plug(1, 0);
    f = scan_one();
    fns[0].gone = true;
    pci_assign_bars(f);
    f->host = 99;
    pci_assign_bars(f);
}

static void bar_map_is_bounded(void)
{
    struct pci_function *f;

    bridge();
    model_pci_bar(plug(1, 0), 0, MODEL_BAR_MEM64, 0x1000);
    model_pci_bar(&fns[0], 2, MODEL_BAR_IO, 0x20);
    f = scan_one();
    CHECK_EQ(pci_bar_map(f, 0, 0, 4), 0); /* no address yet */
    pci_assign_bars(f);
    CHECK(pci_bar_map(f, 0, 0, 0x1000) != 0 && pci_bar_map(f, 0, 0xfff, 1) != 0);
    CHECK_EQ(pci_bar_map(f, 0, 0, 0x1001), 0);
    CHECK_EQ(pci_bar_map(f, 0, 0x1000, 1), 0);
    CHECK_EQ(pci_bar_map(f, 0, 0xffffffff, 2), 0);
    CHECK_EQ(pci_bar_map(f, 0, UINT64_MAX, 2), 0);
    CHECK_EQ(pci_bar_map(f, 0, 2, UINT64_MAX), 0);
    CHECK_EQ(pci_bar_map(f, 0, 0, 0), 0);
    CHECK_EQ(pci_bar_map(f, 1, 0, 1) | pci_bar_map(f, 3, 0, 1), 0);
    CHECK(pci_bar_map(f, 2, 0, 0x20) != 0); /* through the host's I/O window */
    CHECK_EQ(pci_bar_map(f, 2, 0, 0x21), 0);
    CHECK_EQ(pci_bar_map(f, 6, 0, 1) | pci_bar_map(f, 255, 0, 1), 0);
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
    struct model_pci_fn *m = plug(1, 0);
    unsigned steps = 0, a, b;
    struct pci_function *f;

    bridge();
    model_pci_cap(m, 1, 8);
    a = model_pci_cap(m, 9, 16);
    model_pci_cap(m, 5, 24);
    b = model_pci_cap(m, 9, 20);
    f = scan_one();
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
    struct model_pci_fn *m = plug(1, 0);

    bridge();
    for (unsigned i = 0; i < 48; i++)
        model_pci_cap(m, 9, 4);
    CHECK_EQ(count_caps(scan_one(), 9), 48);
}

static void caps_bad_links(void)
{
    static const struct {
        uint8_t link;
        unsigned more; /* capabilities found after the first */
    } bad[] = {{0, 0},    {1, 0},    {3, 0},    {0x04, 0}, {0x10, 0}, {0x3f, 0},
               {0x50, 1}, {0x51, 1}, {0x53, 1}, {0xfc, 0}, {0xff, 0}};
    struct model_pci_fn *m = plug(1, 0);
    struct pci_function *f;

    bridge();
    model_pci_cap(m, 9, 16);
    model_pci_cap(m, 9, 16);
    f = scan_one();
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        m->config[0x41] = bad[i].link;
        CHECK_EQ(count_caps(f, 9), 1 + bad[i].more);
    }
    m->config[0x34] = 0x3f;
    CHECK_EQ(count_caps(f, 9), 0);
}

static void caps_cycles_end(void)
{
    struct model_pci_fn *m = plug(1, 0);
    struct pci_function *f;

    bridge();
    model_pci_cap(m, 9, 16);
    model_pci_cap(m, 1, 16);
    model_pci_cap(m, 9, 16);
    f = scan_one();
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
    struct model_pci_fn *m = plug(1, 0);
    struct pci_function *f;

    bridge();
    f = scan_one();
    for (unsigned n = 0; n < 2000; n++) {
        for (unsigned i = 0x34; i < 256; i++)
            m->config[i] = (uint8_t)(random_below(3) ? random32() : 9);
        m->config[6] = 0x10;
        count_caps(f, 9);
        count_caps(f, 0x11);
    }
}

/* ---- MSI-X ----------------------------------------------------------------------------------- */

static unsigned rings;

static void ring(void *ctx)
{
    CHECK(ctx == &rings);
    rings++;
}

static struct pci_function *with_table(unsigned entries, unsigned bar, uint32_t off)
{
    struct model_pci_fn *m = plug(1, 0);
    struct pci_function *f;

    bridge();
    model_pci_bar(m, 1, MODEL_BAR_MEM32, 0x1000);
    model_pci_bar(m, 2, MODEL_BAR_IO, 0x100);
    model_pci_add_msix(m, entries, bar, off);
    f = scan_one();
    pci_assign_bars(f);
    return f;
}

static void msix_messages(void)
{
    struct pci_function *f = with_table(3, 1, 0x40);
    struct hal_msi msi[4];

    CHECK_EQ(pci_msix_open(f), 0);
    CHECK_EQ(f->msix.entries, 3);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(fns[0].msix[i].control & 1, 1);
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ(pci_msix_attach(f, i, ring, &rings, &msi[i]), 0);
    CHECK_EQ(pci_msix_attach(f, 3, ring, &rings, &msi[3]), -ENOSPC);
    pci_set_master(f, true);
    pci_msix_enable(f, true);
    model_pci_message(&fns[0], 0);
    model_pci_message(&fns[0], 1);
    CHECK_EQ(rings, 2);
    model_pci_message(&fns[0], 2); /* masked: it waits */
    CHECK_EQ(rings, 2);
    CHECK(fns[0].msix[2].pending && msi[0].data != msi[1].data);
    pci_msix_detach(f, 1, ring, &rings, &msi[1]);
    CHECK_EQ(fns[0].msix[1].control & 1, 1);
    CHECK_EQ(host_irq_handlers(msi[1].irq), 0);
    model_pci_message(&fns[0], 1);
    CHECK_EQ(rings, 2);
    pci_msix_enable(f, false);
    CHECK(!model_pci_msix_on(&fns[0]));
}

static void msix_gone_wrong(void)
{
    static const struct {
        uint16_t entries;
        uint8_t bar;
        uint32_t off;
    } bad[] = {{2, 1, 0x1000},      {2, 1, 0xff0}, {257, 1, 0},   {2048, 1, 0},
               {1, 1, 0xfffffff8u}, {1, 0, 0},     {1, 2, 0},     {1, 3, 0},
               {1, 6, 0},           {1, 7, 0},     {1, 5, 0x100}, {3, 1, 0xffffff8u}};
    struct pci_function *f = with_table(1, 1, 0);
    unsigned cap = fns[0].msix_cap;

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        model_pci_put(&fns[0], cap + 2, 2, bad[i].entries - 1u);
        model_pci_put(&fns[0], cap + 4, 4, bad[i].off | bad[i].bar);
        CHECK_EQ(pci_msix_open(f), -ENODEV);
    }
    CHECK_EQ(f->msix.entries, 0);
}

/* The capability's header fits the end of the space, the capability does not. */
static void msix_at_the_end_of_the_space(void)
{
    struct model_pci_fn *m = plug(1, 0);
    struct pci_function *f;

    bridge();
    model_pci_bar(m, 0, MODEL_BAR_MEM32, 0x1000);
    model_pci_put(m, 6, 2, 0x10);
    f = scan_one();
    pci_assign_bars(f);
    for (unsigned at = 0xf8; at <= 0xfc; at += 4) {
        m->config[0x34] = (uint8_t)at;
        m->config[at] = PCI_CAP_MSIX;
        CHECK_EQ(pci_msix_open(f), -ENODEV);
    }
}

static void msix_no_messages(void)
{
    struct pci_function *f = with_table(2, 1, 0);
    struct hal_msi msi;

    CHECK_EQ(pci_msix_open(f), 0);
    host_msi_limit(0);
    CHECK_EQ(pci_msix_attach(f, 0, ring, &rings, &msi), -ENODEV);
    host_msi_limit(1);
    CHECK_EQ(pci_msix_attach(f, 0, ring, &rings, &msi), 0);
    CHECK_EQ(pci_msix_attach(f, 1, ring, &rings, &msi), -ENOSPC);
    CHECK_EQ(fns[0].msix[1].control & 1, 1);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void intx_lines(void)
{
    struct pci_function *f;

    bridge();
    plug(6, 0);
    f = scan_one();
    CHECK(pci_intx(f) < 0); /* pin 0: none */
    for (unsigned pin = 1; pin <= 4; pin++) {
        model_pci_put(&fns[0], 0x3d, 1, pin);
        CHECK_EQ(pci_intx(f), MODEL_PCI_INTX + (6 + pin - 1) % 4);
    }
    model_pci_put(&fns[0], 0x3d, 1, 5);
    CHECK(pci_intx(f) < 0);
    model_pci_put(&fns[0], 0x3d, 1, 255);
    CHECK(pci_intx(f) < 0);
    pci_intx_enable(f, false);
    CHECK_EQ(model_pci_get(&fns[0], 4, 2), 0x400);
    pci_set_master(f, true);
    pci_intx_enable(f, true);
    CHECK_EQ(model_pci_get(&fns[0], 4, 2), 4);
    pci_set_master(f, false);
    CHECK_EQ(model_pci_get(&fns[0], 4, 2), 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"scan_finds_what_is_there", scan_finds_what_is_there},
        {"scan_passes_over", scan_passes_over},
        {"scan_behind_a_bridge_function", scan_behind_a_bridge_function},
        {"scan_without_configuration_space", scan_without_configuration_space},
        {"bars_random", bars_random},
        {"bars_of_one_device", bars_of_one_device},
        {"bars_without_high_window", bars_without_high_window},
        {"bars_high_window_full", bars_high_window_full},
        {"bars_no_room", bars_no_room},
        {"bars_none_placed", bars_none_placed},
        {"bars_window_at_zero", bars_window_at_zero},
        {"bars_survive_removal", bars_survive_removal},
        {"bar_map_is_bounded", bar_map_is_bounded},
        {"caps_are_found_in_order", caps_are_found_in_order},
        {"caps_longest_list", caps_longest_list},
        {"caps_bad_links", caps_bad_links},
        {"caps_cycles_end", caps_cycles_end},
        {"caps_random_bytes", caps_random_bytes},
        {"msix_messages", msix_messages},
        {"msix_gone_wrong", msix_gone_wrong},
        {"msix_at_the_end_of_the_space", msix_at_the_end_of_the_space},
        {"msix_no_messages", msix_no_messages},
        {"intx_lines", intx_lines},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
