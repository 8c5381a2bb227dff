/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_hotplug_bad.c - ports and cards that do not keep to the rules of hot-plug, ports that lack
 * what a slot may have, and machines without room or memory (PCI Express Base 4.0, 6.7).
 */
#include "check.h"
#include "pci/pci.h"
#include "slottest.h"
#include "testdrv.h"

/* ---- ports and cards that do not work -------------------------------------------------------- */

static void does_not_answer(void)
{
    slot_boot_empty();
    slot.link_ns = HAL_NEVER;
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(4 * HAL_SEC);
    CHECK_EQ(host_log_matches("does not answer"), 1);
    CHECK(!model_slot_powered(&slot) && model_slot_attention(&slot));
    CHECK_EQ(slot.powered_on, 1);
    slot.link_ns = 0;
    model_slot_pull(&slot);
    host_run_for(HAL_SEC);
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(HAL_SEC);
    CHECK(!model_slot_attention(&slot));
    slot_check_back(0);
}

static void pulled_while_it_comes_up(void)
{
    slot_boot_empty();
    slot.link_ns = 300 * HAL_MS;
    slot.ready_ns = 300 * HAL_MS;
    for (unsigned i = 0; i < 8; i++) {
        model_slot_plug(&slot, &card.fn, true);
        host_run_for(i * 100 * HAL_MS);
        CHECK_EQ(td.probes, 0);
        model_slot_pull(&slot);
        host_run_for(3 * HAL_SEC);
        CHECK_EQ(model_slot_led(&slot), SLOT_LED_OFF);
        CHECK(!model_slot_powered(&slot));
    }
    CHECK_EQ(slot.powered_on, slot.powered_off);
}

static void commands_never_complete(void)
{
    slot_boot_with(SLOT_WHOLE, case_variant, false);
    slot.never_completes = true;
    slot_press();
    host_run_for(10 * HAL_SEC);
    slot_check_out();
    CHECK_EQ(host_log_matches("never complete"), 1);
}

static void commands_are_slow(void)
{
    slot_build(SLOT_WHOLE, case_variant, true);
    card.fn.gone = false;
    model_slot_fill(&slot, &card.fn, true);
    slot.by_hand = true;
    host_boot();
    for (unsigned i = 0; i < 20; i++) {
        host_run_for(400 * HAL_MS);
        if (i == 1)
            model_slot_event(&slot, SLOT_BUTTON);
        if (slot.busy)
            model_slot_complete(&slot);
    }
    host_run_for(HAL_SEC);
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(host_log_matches("never complete"), 0);
}

static void power_fault(void)
{
    slot_boot();
    model_slot_event(&slot, SLOT_FAULT);
    host_run_for(2 * HAL_SEC);
    slot_check_out();
    CHECK(model_slot_attention(&slot));
    CHECK_EQ(host_log_matches("power fault"), 1);
    slot_press();
    host_run_for(8 * HAL_SEC);
    CHECK(!model_slot_attention(&slot));
    slot_check_back(1);
}

/* An event that comes again whenever it is cleared. The device goes on; the slot is looked at. */
static void storm(void)
{
    slot_boot();
    slot.stuck = SLOT_LINK | SLOT_COMPLETED;
    model_slot_event(&slot, SLOT_COMPLETED);
    host_run_for(5 * HAL_SEC);
    if (case_variant != BY_LOOKING)
        CHECK_EQ(host_log_matches("too many interrupts"), 1);
    if (case_variant == BY_MESSAGE)
        CHECK(host_irq_is_masked(HOST_MSI_FIRST + (hal_irq_t)slot.port.msix[2].data - 0x100));
    slot.stuck = 0;
    host_run_for(5 * HAL_SEC);
    if (slot.card)
        model_slot_pull(&slot);
    host_run_for(3 * HAL_SEC);
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(3 * HAL_SEC);
    CHECK(virtio_works(td.dev));
    slot_traffic();
}

/* The port itself reads all ones: the card may still write to memory. */
static void port_is_gone(void)
{
    slot_boot();
    slot.port.gone = true;
    model_slot_event(&slot, SLOT_PRESENCE);
    if (case_variant == BY_LINE)
        host_irq_pulse(MODEL_PCI_INTX + 2);
    host_run_for(2 * HAL_SEC);
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.taken_back, SLOT_OUT);
    CHECK(td.quarantine);
    CHECK_EQ(host_log_matches("given up"), 1);
}

/* Another device holds the shared line high: the slot's handler does nothing. */
static void line_of_another(void)
{
    slot_boot_with(SLOT_WHOLE, BY_LINE, false);
    slot.port.line_held = true;
    model_pci_level(&slot.port, false);
    slot.port.line_held = false;
    model_pci_level(&slot.port, false);
    host_run_for(2 * HAL_SEC);
    CHECK_EQ(td.deaths, 0);
    slot_press();
    CHECK_EQ(model_slot_led(&slot), SLOT_LED_BLINKS);
}

/* ---- no end of it ---------------------------------------------------------------------------- */

static unsigned lines(void)
{
    return host_log_lines(HAL_INFO) + host_log_lines(HAL_WARN) + host_log_lines(HAL_ERROR);
}

/* For a minute, now long enough to be served, now not. Then it stays, and works. */
static void flaps_for_ever(unsigned has)
{
    slot_boot_with(has, case_variant, true);
    host_log_clear();
    for (unsigned i = 0; i < 240; i++) {
        model_slot_pull(&slot);
        host_run_for(i % 2 * 300 * HAL_MS);
        model_slot_plug(&slot, &card.fn, true);
        host_run_for((i % 3 ? 1 : 500) * HAL_MS);
    }
    CHECK_EQ(host_log_matches("comes and goes"), 1);
    CHECK(host_log_matches("was plugged in") <= 12);
    CHECK(lines() < 80);
    host_run_for(32 * HAL_SEC);
    slot_check_back(td.returns);
}

static void flaps_for_ever_with_power(void)
{
    flaps_for_ever(SLOT_WHOLE);
}

static void flaps_for_ever_without_power(void)
{
    flaps_for_ever(SLOT_HAS_HOT_PLUG | SLOT_HAS_LEDS | SLOT_NO_COMPLETION);
}

/* The twelfth card is the first that works: it comes to its turn. */
static void bad_cards_before_a_good_one(void)
{
    slot_boot_empty();
    slot.link_ns = HAL_NEVER;
    for (unsigned i = 1; i <= 11; i++) {
        model_slot_plug(&slot, &card.fn, true);
        host_run_for(3 * HAL_SEC);
        model_slot_pull(&slot);
        host_run_for(HAL_SEC);
        CHECK_EQ(slot.powered_on, i);
    }
    slot.link_ns = 0;
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(HAL_SEC);
    CHECK_EQ(slot.powered_on, 11);
    host_run_for(30 * HAL_SEC);
    slot_check_back(0);
}

/* Three times a minute by hand, however long, and as fast as it can be asked for: no pause. */
static void nobody_is_kept_waiting(void)
{
    slot_boot();
    for (unsigned i = 1; i <= 9; i++) {
        model_slot_pull(&slot);
        host_run_for(2 * HAL_SEC);
        model_slot_plug(&slot, &card.fn, true);
        host_run_for(HAL_SEC);
        slot_check_back(i);
        host_run_for(17 * HAL_SEC);
    }
    for (unsigned i = 10; i < 50; i++) {
        slot_press();
        host_run_for(7 * HAL_SEC);
        model_slot_pull(&slot);
        host_run_for(HAL_SEC);
        model_slot_plug(&slot, &card.fn, true);
        host_run_for(HAL_SEC);
        slot_check_back(i);
    }
}

/* ---- little to work with --------------------------------------------------------------------- */

/* No button, no power controller, no indicators, no command is ever complete. */
static void bare_slot(void)
{
    slot_boot_with(SLOT_HAS_HOT_PLUG | SLOT_NO_COMPLETION, case_variant, true);
    model_slot_pull(&slot);
    host_run_for(HAL_SEC);
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.taken_back, SLOT_OUT);
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(HAL_SEC);
    CHECK_EQ(td.returns, 1);
    slot_traffic();
}

static void button_without_power(void)
{
    slot_boot_with(SLOT_HAS_HOT_PLUG | SLOT_HAS_BUTTON, BY_MESSAGE, true);
    slot_press();
    host_run_for(6 * HAL_SEC);
    CHECK_EQ(td.deaths, 1);
    CHECK(!td.quarantine);
    slot_press();
    host_run_for(6 * HAL_SEC);
    CHECK_EQ(td.returns, 1);
    slot_traffic();
}

/* A port without a slot, or whose slot is not for hot-plug, is left alone. */
static void no_hot_plug(void)
{
    slot_build(SLOT_WHOLE & ~(unsigned)SLOT_HAS_HOT_PLUG, BY_MESSAGE, true);
    card.fn.gone = false;
    model_slot_fill(&slot, &card.fn, true);
    host_boot();
    CHECK_EQ(td.probes, 1);
    slot_press();
    CHECK_EQ(slot.commands, 0);
    CHECK(!model_pci_msix_on(&slot.port));
}

/* A machine whose windows have no room but for the port's own BAR. */
static void boot_without_room(bool window)
{
    struct hal_pci_host h = model_pci_windows();

    h.mem64.len = 0;
    h.mem32.len = 0x100000;
    model_pci_bridge(&h, true);
    model_slot_add(&slot, 2, SLOT_WHOLE, true, true);
    testdrv_one_queue(16, 2);
    td.recovers = true;
    slot_card(&card, &the_model, MODEL_RECOVERS_ID, true);
    card.window = window;
    for (unsigned t = VCAP_COMMON; !window && t <= VCAP_DEVICE; t++)
        model_vpci_cap(&card, (uint8_t)t, 4, card.region[t].off, card.region[t].len);
    if (window)
        model_vpci_caps(&card);
    host_boot();
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(HAL_SEC);
}

/* Then its registers are reached through configuration space. */
static void no_room_but_a_window(void)
{
    boot_without_room(true);
    slot_check_back(0);
    CHECK(card.window_uses > 0);
}

static void no_room(void)
{
    boot_without_room(false);
    CHECK_EQ(td.probes, 0);
    CHECK(host_logged("no room for BAR") && host_logged("without usable registers"));
    CHECK_EQ(model_slot_led(&slot), SLOT_LED_ON);
    model_slot_pull(&slot);
    host_run_for(3 * HAL_SEC);
    CHECK_EQ(model_slot_led(&slot), SLOT_LED_OFF);
}

/* The windows of a slot lie inside those of the host, below its port, and belong to that slot
 * alone.
 */
static void rooms_of_slots(void)
{
    static struct model_slot slots[6];
    static struct model_pci_fn fns[6];

    slot_machine(true);
    for (unsigned i = 0; i < 6; i++) {
        model_slot_add(&slots[i], i + 1, SLOT_WHOLE, i % 2, true);
        model_pci_add(&fns[i], 0, 0, 0x1234, (uint16_t)i);
        fns[i].bridge = &slots[i].port;
        model_pci_bar(&fns[i], 0, MODEL_BAR_MEM32, 0x1000);
        model_pci_bar(&fns[i], 2, MODEL_BAR_MEM64, 0x40000);
        if (i % 3 == 0)
            model_slot_fill(&slots[i], &fns[i], false);
        else
            fns[i].gone = true;
    }
    host_boot();
    for (unsigned i = 0; i < 6; i++) {
        uint64_t first = (uint64_t)model_pci_get(&slots[i].port, 0x20, 2) << 16;
        uint64_t last = (uint64_t)model_pci_get(&slots[i].port, 0x22, 2) << 16 | 0xfffff;

        CHECK_EQ(last - first + 1, 0x200000);
        for (unsigned k = 0; k < i; k++)
            CHECK(!model_pci_claims(&slots[k].port, false, first, 0x200000));
    }
}

/* A card with these BARs (32 bits; 64 bits, prefetchable or plain) is put in; kept for look-ups. */
static const struct model_pci_fn *put_in(uint64_t mem32, uint64_t mem64, bool plain)
{
    static struct model_pci_fn fn;
    static unsigned times;

    if (!times++)
        model_pci_add(&fn, 0, 0, 0x1234, 1);
    else
        model_slot_pull(&slot);
    host_run_for(40 * HAL_SEC); /* sooner, the slot would be held back in the end */
    model_pci_bar(&fn, 0, mem32 ? MODEL_BAR_MEM32 : MODEL_BAR_NONE, mem32);
    model_pci_bar(&fn, 2, mem64 ? MODEL_BAR_MEM64 : MODEL_BAR_NONE, mem64);
    fn.bar[2].plain = plain;
    model_slot_plug(&slot, &fn, false);
    host_run_for(HAL_SEC);
    return &fn;
}

/* A client that only gives addresses to the functions that it finds. */
static struct pci_function placed;

static void place(const struct pci_function *f)
{
    placed = *f;
    pci_assign_bars(&placed);
}

static bool retire_nothing(const struct pci_bridge *port)
{
    (void)port;
    return true;
}

static void leave_nothing(const struct pci_bridge *port)
{
    (void)port;
}

/* Windows of a slot are 2 MiB each: what fits gets an address in them, aligned, whatever was in
 * before; what does not gets none. The windows stay as they are. */
static void addresses_in_a_slot(void)
{
    static const struct pci_client client = {place, pci_hotplug_serve, retire_nothing,
                                             leave_nothing};
    const struct model_pci_fn *f;
    unsigned window;

    slot_machine(true);
    model_slot_add(&slot, 2, SLOT_WHOLE, true, true);
    pci_scan(&client);
    host_run_services();
    window = model_pci_get(&slot.port, 0x20, 4);
    f = put_in(0x100000, 0x100000, false);
    CHECK(placed.bar[0].phys && placed.bar[2].phys && f->bar[2].addr > UINT32_MAX);
    f = put_in(0x400000, 0x100000, false);
    CHECK(!placed.bar[0].phys && placed.bar[0].len == 0x400000 && placed.bar[2].phys);
    f = put_in(0x1000, 0x100000, true); /* not where it would be prefetched, but aligned */
    CHECK(placed.bar[0].phys && placed.bar[2].phys && f->bar[2].addr < UINT32_MAX);
    f = put_in(0x1000, 0x400000, false); /* neither high nor low */
    CHECK(!placed.bar[2].phys);
    f = put_in(0x1000, 0x400000, true);
    CHECK(!placed.bar[2].phys);
    CHECK_EQ(model_pci_get(&slot.port, 0x20, 4), window);
}

static void no_memory_for_the_card(void)
{
    int64_t blocks;

    slot_boot_empty();
    blocks = host_live_blocks();
    for (int64_t n = 0; !virtio_find("vtest0"); n++) {
        CHECK(n < 20);
        CHECK_EQ(host_live_blocks(), blocks);
        model_slot_pull(&slot);
        host_run_for(3 * HAL_SEC);
        host_fail_alloc_after(n);
        model_slot_plug(&slot, &card.fn, true);
        host_run_for(HAL_SEC);
        host_fail_alloc_after(-1);
    }
    CHECK(host_log_matches("no memory") >= 1);
    slot_traffic();
}

static void no_memory_for_the_slot(void)
{
    slot_build(SLOT_WHOLE, BY_MESSAGE, true);
    host_fail_alloc_after(1); /* after the bridge */
    host_boot();
    CHECK(host_logged("nothing can be plugged in there"));
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(HAL_SEC);
    CHECK_EQ(td.probes + slot.commands, 0);
}

/* However often: nothing is kept of what has gone, neither memory nor addresses. */
static void nothing_leaks(void)
{
    int64_t blocks = 0;

    slot_build(SLOT_WHOLE, case_variant, true);
    model_pci_bar(&card.fn, 0, MODEL_BAR_MEM32, 0x100000); /* half of what a slot keeps */
    model_slot_plug(&slot, &card.fn, true);
    host_boot();
    host_run_for(HAL_SEC);
    slot_traffic();
    for (unsigned i = 0; i < 20; i++) {
        model_slot_pull(&slot);
        host_run_for(2 * HAL_SEC);
        model_slot_plug(&slot, &card.fn, true);
        host_run_for(30 * HAL_SEC); /* sooner, it would be held back in the end */
        slot_check_back(i + 1);
        if (i == 0)
            blocks = host_live_blocks();
        CHECK_EQ(host_live_blocks(), blocks);
    }
    CHECK_EQ(host_log_matches("no room"), 0);
}

/* Bits of slot control that are not about hot-plug stay as they were. */
static void kept_bits(void)
{
    unsigned control;

    slot_build(SLOT_WHOLE, case_variant, true);
    card.fn.gone = false;
    model_slot_fill(&slot, &card.fn, true);
    control = model_pci_get(&slot.port, slot.cap + 0x18, 2);
    model_pci_put(&slot.port, slot.cap + 0x18, 2, control | 0x6000);
    host_boot();
    host_run_services();
    CHECK(slot.commands > 0);
    CHECK_EQ(model_pci_get(&slot.port, slot.cap + 0x18, 2) & 0x6000, 0x6000);
    model_slot_pull(&slot);
    host_run_for(3 * HAL_SEC);
    CHECK(!model_slot_powered(&slot));
    CHECK_EQ(model_pci_get(&slot.port, slot.cap + 0x18, 2) & 0x6000, 0x6000);
}

/* The boot argument, for machines where nobody presses a button by mistake. */
static void time_of_the_button(void)
{
    host_set_bootargs("vireo.pci.button_ms=10");
    slot_boot();
    model_slot_event(&slot, SLOT_BUTTON);
    host_run_for(300 * HAL_MS);
    CHECK_EQ(td.deaths, 1);
    host_run_for(1200 * HAL_MS);
    slot_check_out();
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_WAY(does_not_answer),
        EACH_WAY(pulled_while_it_comes_up),
        EACH_WAY(commands_never_complete),
        EACH_WAY(commands_are_slow),
        EACH_WAY(power_fault),
        EACH_WAY(storm),
        EACH_WAY(port_is_gone),
        EACH_WAY(flaps_for_ever_with_power),
        EACH_WAY(flaps_for_ever_without_power),
        EACH_WAY(bad_cards_before_a_good_one),
        EACH_WAY(nobody_is_kept_waiting),
        SHOWS(line_of_another, NULL),
        EACH_WAY(bare_slot),
        SHOWS(button_without_power, NULL),
        SHOWS(no_hot_plug, NULL),
        SHOWS(no_room_but_a_window, NULL),
        SHOWS(no_room, NULL),
        SHOWS(rooms_of_slots, NULL),
        SHOWS(addresses_in_a_slot, NULL),
        SHOWS(no_memory_for_the_card, NULL),
        SHOWS(no_memory_for_the_slot, NULL),
        EACH_WAY(nothing_leaks),
        EACH_WAY(kept_bits),
        EACH_WAY(time_of_the_button),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
