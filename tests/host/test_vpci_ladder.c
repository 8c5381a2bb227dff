/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vpci_ladder.c - virtio over PCI: how interrupts fall from a vector a queue to polling, and
 * that nothing is left of a rung that did not hold (virtio 1.4, sections 4.1.5.1.2, 4.1.5.3).
 */
#include <string.h>

#include "check.h"
#include "vpcitest.h"

enum { QUEUES = 3 };

/* The expected rung of a device with `QUEUES` queues. */
struct rung {
    const char *name;
    unsigned vectors;
};
static const struct rung own = {"msi-x", 4}, shared = {"msi-x shared", 2};
static const struct rung single = {"msi-x single", 1}, line = {"intx", 0};

static unsigned handlers(hal_irq_t first, hal_irq_t end)
{
    unsigned n = 0;

    for (hal_irq_t i = first; i < end; i++)
        n += host_irq_handlers(i);
    return n;
}

/* Only this rung's entries are open, its messages taken and its handlers there. */
static void check_nothing_else(const struct rung *r)
{
    struct hal_msi msi;

    for (unsigned i = 0; i < vpci.fn.msix_size; i++)
        CHECK_EQ(vpci.fn.msix[i].control & 1, i >= r->vectors);
    CHECK_EQ(handlers(HOST_MSI_FIRST, HOST_IRQS), r->vectors);
    CHECK_EQ(handlers(0, HOST_MSI_FIRST), r == &line);
    CHECK_EQ(model_pci_msix_on(&vpci.fn), r->vectors != 0);
    CHECK_EQ(!(model_pci_get(&vpci.fn, 4, 2) & 0x400), r == &line); /* the line's switch */
    host_msi_limit(r->vectors + 1);
    CHECK_EQ(hal_msi_alloc(0, &msi), 0); /* those of the rungs above were given back */
    CHECK(hal_msi_alloc(0, &msi) < 0);
}

static void check_vectors(const struct rung *r)
{
    for (unsigned i = 0; i < QUEUES; i++)
        CHECK_EQ(vpci_model->queues[i].vector, r->vectors == 0      ? 0xffff
                                               : i + 1 < r->vectors ? i + 1
                                                                    : r->vectors - 1);
    CHECK_EQ(vpci.config_vector, r->vectors ? 0 : 0xffff);
}

/* Boots, on to the rung, which has to work: no completion is late, no change missed. */
static void boot_to(const struct rung *r)
{
    host_boot();
    CHECK(strcmp(vpci_wakeup(), r->name) == 0);
    check_vectors(r);
    check_nothing_else(r);
    vpci_traffic(50);
    unsigned before = td.config_changes;
    model_raise(vpci_model, 2, NULL);
    host_run_services();
    CHECK_EQ(td.config_changes, before + 1);
    vpci_traffic(3);
    CHECK_EQ(vpci.isr_reads > 0, r->vectors == 0);
}

static void setup(void)
{
    vpci_bridge(true);
    vpci_plug(QUEUES, false);
}

/* ---- entries of the table -------------------------------------------------------------------- */

static void table_of(unsigned entries, const struct rung *r, unsigned falls)
{
    vpci_bridge(true);
    vpci_plug(QUEUES, true);
    model_pci_bar(&vpci.fn, 1, MODEL_BAR_MEM32, 0x10000);
    model_pci_add_msix(&vpci.fn, entries, 1, 0);
    model_vpci_caps(&vpci);
    boot_to(r);
    CHECK_EQ(host_log_matches("MSI-X with"), falls); /* a line for each */
}

static void table_of_2048(void)
{
    table_of(2048, &own, 0);
}

static void table_of_4(void)
{
    table_of(4, &own, 0);
}

static void table_of_3(void)
{
    table_of(3, &shared, 1);
}

static void table_of_2(void)
{
    table_of(2, &shared, 1);
}

static void table_of_1(void)
{
    table_of(1, &single, 2);
}

/* Queue `rare` has few completions: the others have a vector each, and it has the one of changes.
 */
static void rare_queue(unsigned rare)
{
    unsigned changes, next = 1;

    vpci_bridge(true);
    vpci_plug(QUEUES, true);
    model_pci_add_msix(&vpci.fn, QUEUES, 1, 0);
    model_vpci_caps(&vpci);
    td.cfg[rare].rare = true;
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "msi-x") == 0);
    CHECK_EQ(host_log_matches("MSI-X with"), 0);
    for (unsigned i = 0; i < QUEUES; i++)
        CHECK_EQ(vpci_model->queues[i].vector, i == rare ? 0 : next++);
    check_nothing_else(&(struct rung){"msi-x", QUEUES});
    vpci_traffic(50);
    changes = td.config_changes;
    model_raise(vpci_model, 2, NULL);
    host_run_services();
    CHECK_EQ(td.config_changes, changes + 1);
    vpci_traffic(3);
}

static void rare_last_queue(void)
{
    rare_queue(QUEUES - 1);
}

static void rare_middle_queue(void)
{
    rare_queue(1);
}

/* Where queues share a vector, a queue of few completions shares with them. */
static void rare_queue_on_lower_rungs(void)
{
    vpci_bridge(true);
    vpci_plug(QUEUES, true);
    model_pci_add_msix(&vpci.fn, 2, 1, 0);
    model_vpci_caps(&vpci);
    td.cfg[QUEUES - 1].rare = true;
    boot_to(&shared);
}

/* ---- messages of the machine ----------------------------------------------------------------- */

static void messages(unsigned n, const struct rung *r)
{
    setup();
    host_msi_limit(n);
    boot_to(r);
}

static void messages_4(void)
{
    messages(4, &own);
}

static void messages_3(void)
{
    messages(3, &shared);
}

static void messages_1(void)
{
    messages(1, &single);
}

static void messages_0(void)
{
    messages(0, &line);
}

/* ---- what the device maps -------------------------------------------------------------------- */

static void maps(unsigned vectors, const struct rung *r)
{
    setup();
    vpci.vectors = vectors;
    boot_to(r);
}

static void maps_3(void)
{
    maps(3, &shared);
}

static void maps_1(void)
{
    maps(1, &single);
}

static void maps_0(void)
{
    maps(0, &line);
    CHECK_EQ(host_log_matches("MSI-X with"), 3);
}

/* One that gets none is enough for a rung to break, and what others got is taken back. */
static void vectorless(unsigned bits)
{
    setup();
    vpci.vectorless = bits;
    boot_to(&line);
    CHECK_EQ(host_log_matches("MSI-X with"), 3);
}

static void changes_get_no_vector(void)
{
    vectorless(1u << 31);
}

static void last_queue_gets_no_vector(void)
{
    vectorless(1u << (QUEUES - 1));
}

/* One queue needs two vectors: with one entry they are one. */
static void one_queue(void)
{
    vpci_bridge(true);
    vpci_plug(1, true);
    model_pci_add_msix(&vpci.fn, 1, 1, 0);
    model_vpci_caps(&vpci);
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "msi-x single") == 0);
    CHECK_EQ(host_log_matches("MSI-X with"), 1);
    vpci_traffic(20);
}

static void no_line_either(void)
{
    vpci_bridge(false);
    vpci_plug(QUEUES, false);
    vpci.vectors = 0;
    host_boot();
    CHECK(strcmp(vpci_wakeup(), "polled") == 0);
    check_nothing_else(&(struct rung){"polled", 0});
}

/* ---- devices that ask for a reset ------------------------------------------------------------ */

static void reset_wanted_at(unsigned entries)
{
    vpci_bridge(true);
    vpci_plug(QUEUES, true);
    model_pci_add_msix(&vpci.fn, entries, 1, 0);
    model_vpci_caps(&vpci);
    host_boot();
    CHECK_EQ(testdrv_submit(td.q[1], 1), 1);
    vpci_model->status |= 64;
    model_raise(vpci_model, 2, NULL);
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.taken_back, 1);
    CHECK_EQ(handlers(0, HOST_IRQS), 0);
    CHECK(!model_pci_msix_on(&vpci.fn));
}

static void reset_wanted_shared(void)
{
    reset_wanted_at(2);
}

static void reset_wanted_single(void)
{
    reset_wanted_at(1);
}

static uint64_t interrupts(void)
{
    struct virtio_info info;

    CHECK_EQ(virtio_info(0, &info), 0);
    return info.interrupts;
}

/* The function sends the message of that entry 100,100 times; how often its handler was called. */
static uint64_t messages_without_end(unsigned entry)
{
    uint64_t before = interrupts();

    for (unsigned i = 0; i < 100100; i++)
        model_pci_message(&vpci.fn, entry);
    return interrupts() - before;
}

/* All messages are masked in the interrupt controller: the table is the device's, and it may write
 * what it likes. So no handler runs any more, and the device works, polled. */
static void storm_on(unsigned entries, unsigned entry)
{
    vpci_bridge(true);
    vpci_plug(QUEUES, true);
    model_pci_add_msix(&vpci.fn, entries, 1, 0);
    model_vpci_caps(&vpci);
    host_boot();
    for (unsigned i = 0; i < entries; i++)
        CHECK(!host_irq_is_masked(HOST_MSI_FIRST + (hal_irq_t)i));
    CHECK_EQ(messages_without_end(entry), 100000);
    CHECK(strcmp(vpci_wakeup(), "polled") == 0);
    CHECK_EQ(host_log_matches("storm"), 1);
    for (unsigned i = 0; i < entries; i++) {
        CHECK(host_irq_is_masked(HOST_MSI_FIRST + (hal_irq_t)i));
        CHECK_EQ(messages_without_end(i), 0);
    }
    CHECK_EQ(testdrv_submit(td.q[2], 1), 1);
    CHECK_EQ(model_serve(vpci_model, &vpci_model->queues[2]), 1);
    host_run_round();
    CHECK_EQ(td.done_count, 1);
}

static void storm_own(void)
{
    storm_on(QUEUES + 1, 2);
}

static void storm_shared(void)
{
    storm_on(2, 1);
}

static void storm_single(void)
{
    storm_on(1, 0);
}

static void storm_of_changes(void)
{
    storm_on(QUEUES + 1, 0);
}

/* The line is not the function's alone: its own switch silences it, and others are still heard. */
static void storm_on_a_shared_line(void)
{
    hal_irq_t irq = MODEL_PCI_INTX + 1;

    setup();
    host_msi_limit(0);
    host_boot();
    CHECK_EQ(host_irq_handlers(irq), 1);
    for (unsigned i = 0; i < 100000 && strcmp(vpci_wakeup(), "intx") == 0; i++)
        host_irq_pulse(irq);
    CHECK(strcmp(vpci_wakeup(), "polled") == 0);
    CHECK(model_pci_get(&vpci.fn, 4, 2) & 0x400);
    CHECK(!host_irq_is_masked(irq));
}

/* ---- handlers -------------------------------------------------------------------------------- */

/* The cause if it has to be read, an order, then what disarms and wakes: none drains. */
static void handler_does_little(const struct rung *r)
{
    unsigned reads = 0, orders = 0;
    struct model_chain c;

    setup();
    host_msi_limit(r->vectors);
    host_boot();
    CHECK(strcmp(vpci_wakeup(), r->name) == 0);
    CHECK_EQ(testdrv_submit(td.q[1], 1), 1);
    CHECK(model_pop(vpci_model, &vpci_model->queues[1], &c));
    host_run_services();
    host_set_hook(NULL, NULL);
    host_log_events(true);
    model_complete(vpci_model, &vpci_model->queues[1], &c, 32);
    host_log_events(false);
    for (unsigned i = 0; i < host_event_count(); i++) {
        const struct host_event *e = host_event_at(i);

        CHECK(e->kind != HOST_OBSERVE && e->kind != HOST_LOAD && e->kind != HOST_WRITE);
        CHECK(e->kind != HOST_READ || !orders);
        reads += e->kind == HOST_READ;
        orders += e->kind == HOST_ACK_ORDER;
    }
    CHECK_EQ(reads, r == &line);
    CHECK_EQ(orders, 1);
    CHECK_EQ(td.done_count, 0);
    host_run_round(); /* without arming, which would find it as well */
    CHECK_EQ(td.done_count, 1);
}

static void handler_own(void)
{
    handler_does_little(&own);
}

static void handler_shared(void)
{
    handler_does_little(&shared);
}

static void handler_single(void)
{
    handler_does_little(&single);
}

static void handler_line(void)
{
    handler_does_little(&line);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(table_of_2048, "PCI-MSIX-01 PCI-MSIX-03"),
        SHOWS(table_of_4, "PCI-MSIX-01 PCI-MSIX-04"),
        SHOWS(table_of_3, "PCI-MSIX-01 PCI-MSIX-04 PCI-ISR-07"),
        SHOWS(table_of_2, "PCI-MSIX-01 PCI-MSIX-04 PCI-ISR-07"),
        SHOWS(table_of_1, "PCI-MSIX-01 PCI-MSIX-04 PCI-ISR-07 PCI-ISR-08"),
        SHOWS(rare_last_queue, "PCI-MSIX-01 PCI-MSIX-04 PCI-ISR-08"),
        SHOWS(rare_middle_queue, "PCI-MSIX-01 PCI-ISR-08"),
        SHOWS(rare_queue_on_lower_rungs, "PCI-MSIX-01 PCI-ISR-07"),
        SHOWS(messages_4, ""),
        SHOWS(messages_3, "PCI-ISR-07"),
        SHOWS(messages_1, "PCI-ISR-08"),
        SHOWS(messages_0, "PCI-ISR-05 PCI-MSIX-07"),
        SHOWS(maps_3, "PCI-MSIX-05 PCI-MSIX-06"),
        SHOWS(maps_1, "PCI-MSIX-05 PCI-MSIX-06 PCI-ISR-08"),
        SHOWS(maps_0, "PCI-MSIX-05 PCI-MSIX-06"),
        SHOWS(changes_get_no_vector, "PCI-MSIX-05 PCI-MSIX-06"),
        SHOWS(last_queue_gets_no_vector, "PCI-MSIX-05 PCI-MSIX-06 PCI-MSIX-07"),
        SHOWS(one_queue, "PCI-MSIX-01"),
        SHOWS(no_line_either, "PCI-MSIX-06"),
        SHOWS(reset_wanted_shared, "INIT-23"),
        SHOWS(reset_wanted_single, "INIT-23 PCI-ISR-08"),
        SHOWS(storm_own, ""),
        SHOWS(storm_shared, ""),
        SHOWS(storm_single, ""),
        SHOWS(storm_of_changes, ""),
        SHOWS(storm_on_a_shared_line, ""),
        SHOWS(handler_own, ""),
        SHOWS(handler_shared, ""),
        SHOWS(handler_single, ""),
        SHOWS(handler_line, "PCI-ISR-04"),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
