/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_bridge.c - buses behind bridges: numbers, windows, lines and ids (PCI-to-PCI Bridge
 * Architecture 1.2; PCIe 4.0, 7.5.1.3). The model complains about every BAR that a bridge on its
 * way does not pass on, or that another bridge claims.
 */
#include <string.h>

#include "check.h"
#include "model_pci.h"
#include "pci/pci.h"

enum { ROOT_PORT = 4, TO_PCI = 7, CONVENTIONAL = -1 };

static struct model_pci_fn fns[64];
static unsigned plugged;
static struct pci_function seen[64];
static unsigned seen_count;

static uint32_t read_index(struct model_pci_fn *f, unsigned bar, uint64_t off, unsigned width,
                           bool sync)
{
    (void)bar, (void)off, (void)width, (void)sync;
    return (uint32_t)(f - fns);
}

static struct model_pci_fn *plug(struct model_pci_fn *bridge, unsigned dev, unsigned fn)
{
    struct model_pci_fn *f = &fns[plugged++];

    model_pci_add(f, dev, fn, 0x1234, (uint16_t)(f - fns));
    f->bridge = bridge;
    f->read = read_index;
    return f;
}

static struct model_pci_fn *plug_bridge(struct model_pci_fn *above, unsigned dev, int express)
{
    struct model_pci_fn *f = plug(above, dev, 0);

    model_pci_make_bridge(f, express);
    return f;
}

static struct model_pci_fn *plug_bars(struct model_pci_fn *bridge, unsigned dev)
{
    struct model_pci_fn *f = plug(bridge, dev, 0);

    model_pci_bar(f, 0, MODEL_BAR_IO, 0x80);
    model_pci_bar(f, 1, MODEL_BAR_MEM32, 0x1000);
    model_pci_bar(f, 4, MODEL_BAR_MEM64, 0x4000);
    return f;
}

static void machine(uint64_t buses)
{
    struct hal_pci_host h = model_pci_windows();

    h.ecam.len = buses << 20;
    model_pci_bridge(&h, true);
}

/* As a driver does: addresses at once, then registers in every BAR answer, and are this function's.
 */
static void found(const struct pci_function *f)
{
    struct pci_function *s = &seen[seen_count++];

    CHECK(seen_count < 64);
    *s = *f;
    pci_assign_bars(s);
    for (unsigned i = 0; i < PCI_BARS; i++)
        if (s->bar[i].phys && !s->bar[i].io)
            CHECK_EQ(hal_read32(pci_bar_map(s, i, 0, 4)), s->device);
}
static const struct pci_client client = {.found = found};

static const struct pci_function *seen_as(const struct model_pci_fn *m)
{
    for (unsigned i = 0; i < seen_count; i++)
        if (seen[i].device == m - fns)
            return &seen[i];
    check_fail(__FILE__, __LINE__, "function %u was not found", (unsigned)(m - fns));
}

static void check_numbers(const struct model_pci_fn *m, unsigned bus, unsigned requester)
{
    CHECK_EQ(seen_as(m)->bus, bus);
    CHECK_EQ(seen_as(m)->requester, requester);
    CHECK_EQ(model_pci_bus(m), bus);
}

/* The machine of a user: root ports, and a conventional bus with one more behind it. */
static void a_tree(void)
{
    struct model_pci_fn *first, *port, *empty, *pci, *inner, *behind, *legacy, *deep, *last;

    machine(256);
    first = plug_bars(NULL, 0);
    port = plug_bridge(NULL, 1, ROOT_PORT);
    behind = plug_bars(port, 0);
    empty = plug_bridge(NULL, 2, ROOT_PORT);
    pci = plug_bridge(NULL, 3, TO_PCI);
    model_pci_bar(pci, 0, MODEL_BAR_MEM64, 0x100);
    legacy = plug_bars(pci, 5);
    inner = plug_bridge(pci, 7, CONVENTIONAL);
    deep = plug_bars(inner, 9);
    last = plug_bars(NULL, 31);
    pci_scan(&client);
    CHECK_EQ(seen_count, 5);
    check_numbers(first, 0, 0);
    check_numbers(behind, 1, 1 << 8);
    check_numbers(legacy, 3, 3 << 8); /* the bridge's id stands for its bus */
    check_numbers(deep, 4, 3 << 8);
    check_numbers(last, 0, 31 << 3);
    CHECK_EQ(model_pci_get(empty, 0x18, 4), 0x00020200);
    CHECK_EQ(model_pci_get(pci, 0x18, 4), 0x00040300);
    CHECK_EQ(model_pci_get(inner, 0x18, 4), 0x00040403);
    CHECK(!model_pci_claims(empty, false, 0, UINT64_MAX) && pci->bar[0].addr);
    for (unsigned i = 0; i < seen_count; i++)
        CHECK(seen[i].bar[0].phys && seen[i].bar[1].phys && seen[i].bar[4].phys);
}

/* Accesses from its bus bear the bridge's own id, not that of a function behind it. */
static void ids_behind_a_conventional_bridge(void)
{
    struct model_pci_fn *bridge, *f;

    machine(256);
    bridge = plug_bridge(NULL, 4, CONVENTIONAL);
    f = plug(bridge, 3, 0);
    pci_scan(&client);
    check_numbers(f, 1, 4 << 3);
    CHECK(model_pci_master(bridge));
}

/* A pin that does not exist reaches no line, though the bridge would make one of it. */
static void no_fifth_pin(void)
{
    struct model_pci_fn *f;

    machine(256);
    f = plug(plug_bridge(NULL, 1, CONVENTIONAL), 2, 0);
    pci_scan(&client);
    for (unsigned pin = 5; pin < 256; pin++) {
        model_pci_put(f, 0x3d, 1, pin);
        CHECK(pci_intx(seen_as(f)) < 0);
    }
}

static unsigned calls;

static void lower(void *f)
{
    calls++;
    model_pci_level(f, false);
}

/* The line that the driver listens to is the one that the pin reaches through all bridges. */
static void lines_turn(void)
{
    struct model_pci_fn *bridge = NULL;

    machine(256);
    for (unsigned depth = 0; depth < 5; depth++) {
        for (unsigned pin = 1; pin <= 4; pin++)
            model_pci_put(plug(bridge, 2 * pin + depth, 0), 0x3d, 1, pin);
        bridge = plug_bridge(bridge, 1 + depth, CONVENTIONAL);
    }
    pci_scan(&client);
    CHECK_EQ(seen_count, 20);
    for (unsigned i = 0; i < seen_count; i++) {
        struct model_pci_fn *m = &fns[seen[i].device];
        hal_irq_t line = pci_intx(&seen[i]);

        CHECK_EQ(hal_irq_attach(line, lower, m), 0);
        model_pci_level(m, true);
        CHECK_EQ(calls, i + 1);
        hal_irq_detach(line, lower, m);
    }
}

/* There is one device on a link; others are not looked for. */
static void a_port_has_one_device(void)
{
    struct model_pci_fn *port;

    machine(256);
    port = plug_bridge(NULL, 1, ROOT_PORT);
    plug(port, 1, 0);
    pci_scan(&client);
    CHECK_EQ(seen_count, 0);
}

static void numbers_run_out(void)
{
    struct model_pci_fn *bridge = NULL;

    machine(3);
    for (unsigned i = 0; i < 4; i++) {
        bridge = plug_bridge(bridge, 0, CONVENTIONAL);
        plug_bars(bridge, 1);
    }
    pci_scan(&client);
    CHECK_EQ(seen_count, 2);
    CHECK(host_logged("no bus number"));
}

static void too_deep(void)
{
    struct model_pci_fn *bridge = NULL;

    machine(256);
    for (unsigned i = 0; i < 12; i++) {
        bridge = plug_bridge(bridge, 0, CONVENTIONAL);
        plug_bars(bridge, 1);
    }
    pci_scan(&client);
    CHECK_EQ(seen_count, 8);
    CHECK(host_logged("no bus number"));
}

/* A bridge that does not keep its numbers would show the bus that it is on itself. */
static void numbers_do_not_stick(void)
{
    struct model_pci_fn *bridge;

    machine(256);
    bridge = plug_bridge(NULL, 1, ROOT_PORT);
    bridge->writable[0x19] = 0;
    plug(bridge, 0, 0);
    plug_bars(NULL, 2);
    pci_scan(&client);
    CHECK_EQ(seen_count, 1);
    CHECK(host_logged("takes no bus numbers"));
    CHECK_EQ(model_pci_get(bridge, 0x18, 3), 0);
}

/* Without an I/O window no port address; without 64 bits everything is low. */
static void a_poor_bridge(void)
{
    struct model_pci_fn *bridge, *f, *deep;
    struct hal_pci_host h = model_pci_windows();

    machine(256);
    bridge = plug_bridge(NULL, 1, CONVENTIONAL);
    f = plug_bars(bridge, 0);
    deep = plug_bars(plug_bridge(bridge, 1, CONVENTIONAL), 0); /* behind a better one */
    model_pci_put(bridge, 0x1c, 2, 0);
    bridge->writable[0x1c] = bridge->writable[0x1d] = 0;
    model_pci_put(bridge, 0x24, 4, 0);
    memset(&bridge->writable[0x24], 0, 12);
    pci_scan(&client);
    CHECK_EQ(seen_as(f)->bar[0].phys, 0);
    CHECK(seen_as(f)->bar[4].phys && seen_as(f)->bar[4].phys < h.mem32.cpu + h.mem32.len);
    CHECK(seen_as(deep)->bar[0].phys == 0 &&
          seen_as(deep)->bar[4].phys < h.mem32.cpu + h.mem32.len);
    CHECK_EQ(host_log_matches("no room for BAR 0"), 2);
}

/* Memory with side effects stays out of prefetchable windows, and the high one is no other. */
static void not_prefetchable(void)
{
    struct hal_pci_host h = model_pci_windows();
    struct model_pci_fn *bridge, *f;

    machine(256);
    bridge = plug_bridge(NULL, 1, CONVENTIONAL);
    f = plug_bars(bridge, 0);
    f->bar[4].plain = true;
    pci_scan(&client);
    CHECK(f->bar[1].addr && f->bar[4].addr);
    CHECK(f->bar[4].addr < h.mem32.pci + h.mem32.len);
}

/* Ports that need the upper 16 bits of a bridge's I/O window. */
static void ports_beyond_64k(void)
{
    struct hal_pci_host h = model_pci_windows();
    struct model_pci_fn *bridge, *f;

    h.io.pci = 0x34f000;
    model_pci_bridge(&h, true);
    bridge = plug_bridge(NULL, 1, CONVENTIONAL);
    f = plug_bars(bridge, 0);
    plug_bars(NULL, 2);
    pci_scan(&client);
    CHECK(f->bar[0].addr >= h.io.pci);
    CHECK_EQ(model_pci_get(bridge, 0x30, 4), 0x00350035);
}

/* A bridge has two BARs: the registers behind them are its bus numbers. They get addresses too. */
static void bars_of_a_bridge(void)
{
    struct model_pci_fn *bridge, *f;

    machine(256);
    bridge = plug_bridge(NULL, 1, CONVENTIONAL);
    model_pci_bar(bridge, 0, MODEL_BAR_MEM32, 0x1000);
    model_pci_bar(bridge, 1, MODEL_BAR_MEM64, 0x2000); /* no register is left for the upper half */
    model_pci_put(bridge, 0x1b, 1, 0x40);              /* the latency timer */
    bridge->writable[0x1b] = 0xff;
    f = plug_bars(bridge, 0);
    pci_scan(&client);
    CHECK(bridge->bar[0].addr && bridge->bar[1].addr && f->bar[1].addr);
    CHECK_EQ(model_pci_get(bridge, 0x18, 4), 0x40010100);
}

static void random_bars(struct model_pci_fn *f)
{
    for (unsigned i = 0; i < 6; i++) {
        unsigned kind = random_below(4);

        if (kind == MODEL_BAR_MEM64 && i < 5)
            model_pci_bar(f, i++, kind, 16ull << random_below(26));
        else if (kind == MODEL_BAR_MEM32)
            model_pci_bar(f, i, kind, 16ull << random_below(18));
        else if (kind == MODEL_BAR_IO)
            model_pci_bar(f, i, kind, 16ull << random_below(5));
    }
}

static void random_trees(void)
{
    struct model_pci_fn *bridges[20] = {NULL};
    unsigned n = 1, ends = 0, next_dev[20] = {0};

    machine(256);
    while (plugged < 60) {
        unsigned at = random_below(n), dev = next_dev[at]++;
        struct model_pci_fn *above = bridges[at];

        if (dev > 31)
            continue;

        if (random_below(4) == 0 && n < 7) {
            bridges[n++] = plug_bridge(above, dev, random_below(2) ? TO_PCI : CONVENTIONAL);
        } else {
            random_bars(plug(above, dev, 0));
            ends++;
        }
    }
    pci_scan(&client);
    CHECK_EQ(seen_count, ends);
    CHECK_EQ(host_log_lines(HAL_WARN), 0);
}

/* Addresses that come too late would run into those given since. */
static void addresses_after_the_scan(void)
{
    struct model_pci_fn *bridge;
    struct pci_function late;

    machine(256);
    bridge = plug_bridge(NULL, 1, CONVENTIONAL);
    plug_bars(bridge, 0);
    plug_bars(NULL, 2);
    pci_scan(&client);
    late = *seen_as(&fns[1]);
    memset(late.bar, 0, sizeof(late.bar));
    pci_assign_bars(&late);
    for (unsigned i = 0; i < PCI_BARS; i++)
        CHECK_EQ(late.bar[i].phys, 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"a_tree", a_tree},
        {"ids_behind_a_conventional_bridge", ids_behind_a_conventional_bridge},
        {"lines_turn", lines_turn},
        {"no_fifth_pin", no_fifth_pin},
        {"a_port_has_one_device", a_port_has_one_device},
        {"numbers_run_out", numbers_run_out},
        {"too_deep", too_deep},
        {"numbers_do_not_stick", numbers_do_not_stick},
        {"a_poor_bridge", a_poor_bridge},
        {"not_prefetchable", not_prefetchable},
        {"ports_beyond_64k", ports_beyond_64k},
        {"bars_of_a_bridge", bars_of_a_bridge},
        {"random_trees", random_trees},
        {"addresses_after_the_scan", addresses_after_the_scan},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
