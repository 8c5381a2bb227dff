/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_msix.c - MSI-X tables: where they may lie, what an entry holds and when it is masked, and
 * the messages of the machine (PCI 3.0, 6.8.2). The model complains about an entry that is changed
 * while it is not masked, and about an enabled function with an entry that nobody wrote.
 */
#include "check.h"
#include "pcitest.h"

static unsigned rings;

static void ring(void *ctx)
{
    CHECK(ctx == &rings);
    rings++;
}

static struct pci_function *with_table(unsigned entries, unsigned bar, uint32_t off)
{
    struct model_pci_fn *m = bus_plug(1, 0);
    struct pci_function *f;

    bus_machine();
    model_pci_bar(m, 1, MODEL_BAR_MEM32, 0x1000);
    model_pci_bar(m, 2, MODEL_BAR_IO, 0x100);
    model_pci_add_msix(m, entries, bar, off);
    f = bus_scan_one();
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
        CHECK_EQ(bus_fns[0].msix[i].control & 1, 1);
    for (unsigned i = 0; i < 2; i++)
        CHECK_EQ(pci_msix_attach(f, i, ring, &rings, &msi[i]), 0);
    CHECK_EQ(pci_msix_attach(f, 3, ring, &rings, &msi[3]), -ENOSPC);
    pci_set_master(f, true);
    pci_msix_enable(f, true);
    model_pci_message(&bus_fns[0], 0);
    model_pci_message(&bus_fns[0], 1);
    CHECK_EQ(rings, 2);
    model_pci_message(&bus_fns[0], 2); /* masked: it waits */
    CHECK_EQ(rings, 2);
    CHECK(bus_fns[0].msix[2].pending && msi[0].data != msi[1].data);
    pci_msix_detach(f, 1, ring, &rings, &msi[1]);
    CHECK_EQ(bus_fns[0].msix[1].control & 1, 1);
    CHECK_EQ(host_irq_handlers(msi[1].irq), 0);
    model_pci_message(&bus_fns[0], 1);
    CHECK_EQ(rings, 2);
    pci_msix_enable(f, false);
    CHECK(!model_pci_msix_on(&bus_fns[0]));
}

static void msix_gone_wrong(void)
{
    static const struct {
        uint16_t entries;
        uint8_t bar;
        uint32_t off;
    } bad[] = {{1, 1, 0xff8},       {2, 1, 0x1000}, {2, 1, 0xff0},     {257, 1, 0}, {2048, 1, 0},
               {1, 1, 0xfffffff8u}, {1, 0, 0},      {1, 2, 0},         {1, 3, 0},   {1, 6, 0},
               {1, 7, 0},           {1, 5, 0x100},  {3, 1, 0xffffff8u}};
    struct pci_function *f = with_table(1, 1, 0);
    unsigned cap = bus_fns[0].msix_cap;

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        model_pci_put(&bus_fns[0], cap + 2, 2, bad[i].entries - 1u);
        model_pci_put(&bus_fns[0], cap + 4, 4, bad[i].off | bad[i].bar);
        CHECK_EQ(pci_msix_open(f), -ENODEV);
    }
    CHECK_EQ(f->msix.entries, 0);
}

/* A function that had a table and has none any more: nothing of the old one is used. */
static void msix_lost(void)
{
    struct pci_function *f = with_table(2, 1, 0);
    struct hal_msi msi;

    CHECK_EQ(pci_msix_open(f), 0);
    model_pci_put(&bus_fns[0], bus_fns[0].msix_cap + 4, 4, 0xff0 | 1);
    CHECK_EQ(pci_msix_open(f), -ENODEV);
    CHECK_EQ(f->msix.entries, 0);
    CHECK_EQ(pci_msix_attach(f, 0, ring, &rings, &msi), -ENOSPC);
}

/* Earlier software left MSI-X on, and the function masked. */
static void msix_left_on(void)
{
    struct pci_function *f = with_table(2, 1, 0);
    struct hal_msi msi;

    model_pci_put(&bus_fns[0], bus_fns[0].msix_cap + 2, 2, 0xc001);
    CHECK_EQ(pci_msix_open(f), 0);
    CHECK_EQ(f->msix.entries, 2);
    CHECK_EQ(pci_msix_attach(f, 1, ring, &rings, &msi), 0);
    pci_set_master(f, true);
    pci_msix_enable(f, true);
    CHECK_EQ(model_pci_get(&bus_fns[0], bus_fns[0].msix_cap + 2, 2), 0x8001);
    model_pci_message(&bus_fns[0], 1);
    CHECK_EQ(rings, 1);
    pci_msix_enable(f, false);
    CHECK_EQ(model_pci_get(&bus_fns[0], bus_fns[0].msix_cap + 2, 2), 0x0001);
}

/* The address has 64 bits, and the entries hold rubbish before. */
static void msix_entry_is_whole(void)
{
    struct pci_function *f = with_table(3, 1, 0x80);
    struct hal_msi msi[3];

    CHECK_EQ(pci_msix_open(f), 0);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(pci_msix_attach(f, i, ring, &rings, &msi[i]), 0);
        CHECK_EQ(bus_fns[0].msix[i].addr, msi[i].addr);
        CHECK_EQ(bus_fns[0].msix[i].data, msi[i].data);
        CHECK_EQ(bus_fns[0].msix[i].control, 0);
    }
}

/* The capability's header fits the end of the space, the capability does not. */
static void msix_at_the_end_of_the_space(void)
{
    struct model_pci_fn *m = bus_plug(1, 0);
    struct pci_function *f;

    bus_machine();
    model_pci_bar(m, 0, MODEL_BAR_MEM32, 0x1000);
    model_pci_put(m, 6, 2, 0x10);
    f = bus_scan_one();
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
    CHECK_EQ(bus_fns[0].msix[1].control & 1, 1);
}

/* A detached entry can be attached again: the machine has as many messages as the table entries.
 */
static void msix_messages_come_back(void)
{
    struct pci_function *f = with_table(2, 1, 0);
    struct hal_msi msi[2];

    CHECK_EQ(pci_msix_open(f), 0);
    host_msi_limit(2);
    for (unsigned n = 0; n < 5; n++) {
        for (unsigned i = 0; i < 2; i++)
            CHECK_EQ(pci_msix_attach(f, i, ring, &rings, &msi[i]), 0);
        for (unsigned i = 0; i < 2; i++)
            pci_msix_detach(f, i, ring, &rings, &msi[i]);
    }
    CHECK_EQ(bus_fns[0].msix[0].control & bus_fns[0].msix[1].control & 1, 1);
}

/* No room for the handler: the message goes back, and the entry stays masked. */
static void msix_no_room_for_the_handler(void)
{
    struct pci_function *f = with_table(1, 1, 0);
    struct hal_msi msi;
    unsigned handlers = 0;

    CHECK_EQ(pci_msix_open(f), 0);
    host_msi_limit(1);
    while (!hal_irq_attach(HOST_MSI_FIRST, ring, &rings))
        handlers++;
    CHECK_EQ(pci_msix_attach(f, 0, ring, &rings, &msi), -ENOMEM);
    CHECK_EQ(bus_fns[0].msix[0].control & 1, 1);
    while (handlers--)
        hal_irq_detach(HOST_MSI_FIRST, ring, &rings);
    CHECK_EQ(pci_msix_attach(f, 0, ring, &rings, &msi), 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"msix_messages", msix_messages},
        {"msix_gone_wrong", msix_gone_wrong},
        {"msix_lost", msix_lost},
        {"msix_left_on", msix_left_on},
        {"msix_entry_is_whole", msix_entry_is_whole},
        {"msix_at_the_end_of_the_space", msix_at_the_end_of_the_space},
        {"msix_no_messages", msix_no_messages},
        {"msix_messages_come_back", msix_messages_come_back},
        {"msix_no_room_for_the_handler", msix_no_room_for_the_handler},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
