/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_bar.c - base address registers: how large each is, where it is put, what is decoded, and
 * what of it can be mapped (PCI 3.0, 6.2.5). The model complains about a BAR that is written while
 * it decodes, is not aligned, lies outside of the host's windows or upon another.
 */
#include "check.h"
#include "pcitest.h"

static uint64_t cpu_address(const struct hal_pci_host *h, const struct model_pci_bar *b)
{
    if (b->kind == MODEL_BAR_IO)
        return h->io.cpu + (b->addr - h->io.pci);
    if (b->kind == MODEL_BAR_MEM64 && b->addr >= h->mem64.pci)
        return h->mem64.cpu + (b->addr - h->mem64.pci);
    return h->mem32.cpu + (b->addr - h->mem32.pci);
}

/* CHECKs that the driver's BARs are those that the function decodes. */
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
    pci_scan(&bus_client);
    for (unsigned i = 0; i < bus_seen_count; i++) {
        pci_assign_bars(&bus_seen[i]);
        check_bars(h, &bus_seen[i], &bus_fns[i]);
    }
}

static void bars_random(void)
{
    struct hal_pci_host h = model_pci_windows();

    model_pci_bridge(&h, true);
    for (unsigned i = 0; i < 24; i++)
        random_bars(bus_plug(i, 0));
    assign_all(&h);
    CHECK_EQ(bus_seen_count, 24);
    for (unsigned i = 0; i < 24; i++)
        for (unsigned k = 0; k < 6; k++)
            CHECK(!bus_fns[i].bar[k].kind || bus_seen[i].bar[k].phys);
}

static void bars_of_one_device(void)
{
    struct hal_pci_host h = model_pci_windows();
    struct model_pci_fn *f = bus_plug(1, 0);

    model_pci_bridge(&h, true);
    model_pci_bar(f, 0, MODEL_BAR_IO, 32);
    model_pci_bar(f, 1, MODEL_BAR_MEM32, 4096);
    model_pci_bar(f, 4, MODEL_BAR_MEM64, 1ull << 33); /* the size is in the upper half */
    assign_all(&h);
    CHECK(bus_seen[0].bar[0].phys && bus_seen[0].bar[1].phys && bus_seen[0].bar[4].phys);
    CHECK(f->bar[4].addr >= h.mem64.pci);
    CHECK_EQ(model_pci_get(f, 4, 2) & 7, 3); /* decoding, not mastering */
    CHECK_EQ(bus_seen[0].bar[2].len + bus_seen[0].bar[3].len + bus_seen[0].bar[5].len, 0);
}

static void bars_without_high_window(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem64.len = 0;
    model_pci_bridge(&h, true);
    model_pci_bar(bus_plug(1, 0), 0, MODEL_BAR_MEM64, 0x4000);
    assign_all(&h);
    CHECK_EQ(bus_seen[0].bar[0].len, 0x4000);
    CHECK(bus_fns[0].bar[0].addr >= h.mem32.pci &&
          bus_fns[0].bar[0].addr < h.mem32.pci + h.mem32.len);
}

/* A high window that is full is no reason to do without. */
static void bars_high_window_full(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem64.len = 0x4000;
    model_pci_bridge(&h, true);
    model_pci_bar(bus_plug(1, 0), 0, MODEL_BAR_MEM64, 0x4000);
    model_pci_bar(bus_plug(2, 0), 0, MODEL_BAR_MEM64, 0x4000);
    assign_all(&h);
    CHECK(bus_fns[0].bar[0].addr >= h.mem64.pci && bus_fns[1].bar[0].addr < h.mem64.pci);
    CHECK(bus_seen[1].bar[0].phys);
}

static void bars_no_room(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem64.len = 0;
    h.mem32.len = 0x3000;
    model_pci_bridge(&h, true);
    model_pci_bar(bus_plug(1, 0), 0, MODEL_BAR_MEM32, 0x4000); /* larger than the window */
    model_pci_bar(&bus_fns[0], 1, MODEL_BAR_MEM32, 0x1000);
    model_pci_bar(&bus_fns[0], 2, MODEL_BAR_MEM64, 1ull << 63);
    model_pci_bar(bus_plug(2, 0), 0, MODEL_BAR_MEM32, 0x1000);
    model_pci_bar(&bus_fns[1], 1, MODEL_BAR_MEM32, 0x1000); /* fits exactly */
    model_pci_bar(&bus_fns[1], 2, MODEL_BAR_MEM32, 0x1000);
    assign_all(&h);
    CHECK_EQ(bus_seen[0].bar[0].phys + bus_seen[0].bar[2].phys, 0);
    CHECK_EQ(bus_seen[0].bar[0].len, 0x4000); /* known, and not mapped */
    CHECK_EQ(pci_bar_map(&bus_seen[0], 0, 0, 4), 0);
    CHECK(bus_seen[0].bar[1].phys && bus_seen[1].bar[0].phys && bus_seen[1].bar[1].phys);
    CHECK_EQ(bus_seen[1].bar[2].phys, 0);
    CHECK_EQ(host_log_matches("no room"), 3);
}

/* A function none of whose BARs found room decodes nothing. */
static void bars_none_placed(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem32.len = h.mem64.len = h.io.len = 0;
    model_pci_bridge(&h, true);
    model_pci_bar(bus_plug(1, 0), 0, MODEL_BAR_MEM32, 0x1000);
    model_pci_bar(&bus_fns[0], 1, MODEL_BAR_IO, 0x10);
    assign_all(&h);
    CHECK_EQ(model_pci_get(&bus_fns[0], 4, 2) & 7, 0);
}

/* A window that begins at bus address 0: no BAR gets that address. */
static void bars_window_at_zero(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem64.len = 0;
    h.mem32.pci = 0;
    model_pci_bridge(&h, true);
    for (unsigned i = 1; i < 4; i++) {
        model_pci_bar(bus_plug(i, 0), 0, MODEL_BAR_MEM32, 16);
        model_pci_bar(&bus_fns[i - 1], 1, MODEL_BAR_IO, 4);
    }
    assign_all(&h);
    for (unsigned i = 0; i < 3; i++)
        CHECK(bus_seen[i].bar[0].phys && bus_seen[i].bar[1].phys);
}

static void bars_survive_removal(void)
{
    struct pci_function *f;

    bus_machine();
    bus_plug(1, 0);
    f = bus_scan_one();
    bus_fns[0].gone = true;
    pci_assign_bars(f);
    f->host = 99;
    pci_assign_bars(f);
}

/* The function was left decoding and mastering: both are off while addresses change. */
static void bars_of_a_function_at_work(void)
{
    struct hal_pci_host h = model_pci_windows();
    struct model_pci_fn *f = bus_plug(1, 0);

    model_pci_bridge(&h, true);
    model_pci_bar(f, 0, MODEL_BAR_IO, 32);
    model_pci_bar(f, 1, MODEL_BAR_MEM32, 4096);
    model_pci_put(f, 4, 2, 0x407);
    assign_all(&h);
    CHECK_EQ(model_pci_get(f, 4, 2), 0x403); /* the line's switch is left alone */
}

/* Only the kinds of space are decoded in which a BAR has an address. */
static void bars_decode_what_has_room(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.io.len = 0;
    model_pci_bridge(&h, true);
    model_pci_bar(bus_plug(1, 0), 0, MODEL_BAR_IO, 32);
    model_pci_bar(&bus_fns[0], 1, MODEL_BAR_MEM32, 4096);
    model_pci_bar(bus_plug(2, 0), 0, MODEL_BAR_IO, 32);
    assign_all(&h);
    CHECK_EQ(model_pci_get(&bus_fns[0], 4, 2) & 7, 2);
    CHECK_EQ(model_pci_get(&bus_fns[1], 4, 2) & 7, 0);
    CHECK(bus_seen[0].bar[0].io && bus_seen[0].bar[0].len == 32 && !bus_seen[0].bar[1].io);
}

/* The last register has none behind it for an upper half. */
static void bars_last_claims_64_bits(void)
{
    struct hal_pci_host h = model_pci_windows();

    model_pci_bridge(&h, true);
    model_pci_bar(bus_plug(1, 0), 5, MODEL_BAR_MEM64, 0x2000);
    assign_all(&h);
    CHECK_EQ(bus_seen[0].bar[5].len, 0x2000);
    CHECK(bus_seen[0].bar[5].phys && bus_fns[0].bar[5].addr < UINT32_MAX);
}

/* On the root bus no bridge keeps a BAR with side effects out of the high window. */
static void bars_not_prefetchable(void)
{
    struct hal_pci_host h = model_pci_windows();

    model_pci_bridge(&h, true);
    model_pci_bar(bus_plug(1, 0), 2, MODEL_BAR_MEM64, 0x4000);
    bus_fns[0].bar[2].plain = true;
    assign_all(&h);
    CHECK_EQ(bus_seen[0].bar[2].len, 0x4000);
    CHECK(bus_fns[0].bar[2].addr >= h.mem64.pci);
}

/* The bus address is aligned, wherever the window begins. */
static void bars_window_begins_anywhere(void)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem32.pci += 0x1230;
    h.mem32.cpu += 0x560;
    h.io.pci = 0x34;
    model_pci_bridge(&h, true);
    for (unsigned i = 0; i < 6; i++) {
        model_pci_bar(bus_plug(i, 0), 0, MODEL_BAR_MEM32, 0x10000u >> 2 * i);
        model_pci_bar(&bus_fns[i], 1, MODEL_BAR_IO, 4u << i);
    }
    assign_all(&h);
    for (unsigned i = 0; i < 6; i++)
        CHECK(bus_seen[i].bar[0].phys && bus_seen[i].bar[1].phys);
}

static uint32_t read_nothing(void *ctx, uint64_t offset, unsigned width, bool sync)
{
    (void)ctx, (void)offset, (void)width, (void)sync;
    return 0;
}

/* Without an address there is nothing to map, also where the machine has registers at 0. */
static void bar_map_without_an_address(void)
{
    static const struct host_bus low = {read_nothing, NULL};
    struct hal_pci_host h = model_pci_windows();

    h.mem32.len = h.mem64.len = 0;
    model_pci_bridge(&h, true);
    host_bus_add(0, 0x10000, &low, NULL);
    model_pci_bar(bus_plug(1, 0), 0, MODEL_BAR_MEM32, 0x4000);
    assign_all(&h);
    CHECK_EQ(bus_seen[0].bar[0].len, 0x4000);
    CHECK_EQ(pci_bar_map(&bus_seen[0], 0, 0x1000, 4), 0);
}

static void bar_map_is_bounded(void)
{
    struct pci_function *f;

    bus_machine();
    model_pci_bar(bus_plug(1, 0), 0, MODEL_BAR_MEM64, 0x1000);
    model_pci_bar(&bus_fns[0], 2, MODEL_BAR_IO, 0x20);
    f = bus_scan_one();
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

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"bars_random", bars_random},
        {"bars_of_one_device", bars_of_one_device},
        {"bars_without_high_window", bars_without_high_window},
        {"bars_high_window_full", bars_high_window_full},
        {"bars_no_room", bars_no_room},
        {"bars_none_placed", bars_none_placed},
        {"bars_window_at_zero", bars_window_at_zero},
        {"bars_survive_removal", bars_survive_removal},
        {"bars_of_a_function_at_work", bars_of_a_function_at_work},
        {"bars_decode_what_has_room", bars_decode_what_has_room},
        {"bars_last_claims_64_bits", bars_last_claims_64_bits},
        {"bars_not_prefetchable", bars_not_prefetchable},
        {"bars_window_begins_anywhere", bars_window_begins_anywhere},
        {"bar_map_without_an_address", bar_map_without_an_address},
        {"bar_map_is_bounded", bar_map_is_bounded},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
