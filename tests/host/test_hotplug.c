/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_hotplug.c - cards that come and go while the machine runs (PCI Express Base 4.0, 6.7.1):
 * asked for by a button, drawn out without notice, put back, exchanged. The device has requests out
 * all the time.
 */
#include <string.h>

#include "check.h"
#include "entropy/vrng.h"
#include "slottest.h"
#include "testdrv.h"

/* ---- by the rules ---------------------------------------------------------------------------- */

static void orderly(void)
{
    unsigned resets;

    slot_boot();
    resets = (unsigned)the_model.resets;
    slot_press();
    CHECK_EQ(model_slot_led(&slot), SLOT_LED_BLINKS);
    host_run_for(4 * HAL_SEC);
    CHECK_EQ(td.deaths, 0);
    CHECK(the_model.status & 4 && virtio_works(td.dev));
    host_run_for(HAL_SEC);
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(slot.powered_off, 1);
    CHECK(the_model.resets >= resets + 2); /* by the driver, then by the power */
    CHECK_EQ(model_slot_led(&slot), SLOT_LED_BLINKS);
    host_run_for(1200 * HAL_MS);
    slot_check_out();
    host_run_for(20 * HAL_SEC); /* it is still in: nobody asked for it */
    CHECK_EQ(slot.powered_on, 0);
}

static void cancelled(void)
{
    slot_boot();
    slot_press();
    slot_press();
    CHECK_EQ(model_slot_led(&slot), SLOT_LED_ON);
    host_run_for(10 * HAL_SEC);
    CHECK_EQ(td.deaths + slot.powered_off, 0);
    CHECK(virtio_works(td.dev));
}

static void by_the_button_back_in(void)
{
    slot_boot();
    slot_press();
    host_run_for(8 * HAL_SEC);
    slot_check_out();
    slot_press();
    CHECK_EQ(model_slot_led(&slot), SLOT_LED_BLINKS);
    CHECK_EQ(slot.powered_on, 0);
    host_run_for(6 * HAL_SEC);
    slot_check_back(1);
}

/* A second press takes the first one back on this side too. */
static void button_on_and_off(void)
{
    slot_boot();
    slot_press();
    host_run_for(8 * HAL_SEC);
    slot_press();
    slot_press();
    host_run_for(8 * HAL_SEC);
    slot_check_out();
    CHECK_EQ(slot.powered_on, 0);
}

static void exchanged_in_order(void)
{
    slot_boot();
    for (unsigned i = 1; i <= 5; i++) {
        slot_press();
        host_run_for(8 * HAL_SEC);
        CHECK_EQ(td.deaths, i);
        model_slot_pull(&slot);
        host_run_for(HAL_SEC);
        model_slot_plug(&slot, &card.fn, true);
        host_run_for(HAL_SEC);
        slot_check_back(i);
    }
}

static void never_there_at_boot(void)
{
    slot_boot_empty();
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(HAL_SEC);
    CHECK_EQ(td.probes, 1);
    slot_check_back(0);
    CHECK_EQ(host_log_lines(HAL_WARN) + host_log_lines(HAL_ERROR), 0);
}

/* In the slot at boot, but without power: the scan did not see it. */
static void powered_on_after_boot(void)
{
    slot_build(SLOT_WHOLE, case_variant, true);
    model_slot_reset(&slot);
    model_slot_plug(&slot, &card.fn, true);
    host_boot();
    CHECK_EQ(td.probes, 0);
    host_run_for(HAL_SEC);
    slot_check_back(0);
}

static void slow_card(void)
{
    slot_boot_empty();
    slot.link_ns = 700 * HAL_MS;
    slot.ready_ns = 800 * HAL_MS;
    slot.not_ready_says_1 = true;
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(1500 * HAL_MS);
    CHECK_EQ(td.probes, 0);
    host_run_for(500 * HAL_MS);
    slot_check_back(0);
}

/* The card's reset is slow: the power stays on until it is complete, and the memory is freed. */
static void slow_to_let_go(void)
{
    slot_boot();
    the_model.reset_reads = 1000;
    slot_press();
    host_run_for(4720 * HAL_MS);
    CHECK(!virtio_works(td.dev));
    CHECK_EQ(td.deaths + slot.powered_off, 0);
    slot_press(); /* too late */
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(slot.powered_off, 1);
    host_run_for(1200 * HAL_MS);
    slot_check_out();
    CHECK_EQ(host_log_lines(HAL_ERROR), 0);
    CHECK_EQ(host_log_matches("vtest0: unplugged"), 1);
}

/* The card's reset never completes: after a second the power is off and its memory quarantined. */
static void never_lets_go(void)
{
    slot_boot();
    the_model.reset_never = true;
    slot_press();
    host_run_for(5500 * HAL_MS);
    CHECK_EQ(td.deaths + slot.powered_off, 0);
    host_run_for(500 * HAL_MS);
    CHECK_EQ(td.deaths, 1);
    CHECK(td.quarantine);
    CHECK_EQ(slot.powered_off, 1);
}

/* Drawn out during its reset: the card no longer reaches memory. */
static void drawn_out_while_it_lets_go(void)
{
    slot_boot();
    the_model.reset_never = true;
    slot_press();
    host_run_for(4900 * HAL_MS);
    CHECK_EQ(td.deaths + slot.powered_off, 0);
    model_slot_pull(&slot);
    host_run_for(2 * HAL_SEC);
    slot_check_out();
}

static void button_of_an_empty_slot(void)
{
    slot_boot_empty();
    slot_press();
    host_run_for(8 * HAL_SEC);
    CHECK_EQ(slot.powered_on, 0);
    CHECK_EQ(model_slot_led(&slot), SLOT_LED_OFF);
}

/* ---- without notice -------------------------------------------------------------------------- */

static void drawn_out(void)
{
    unsigned writes;

    slot_boot();
    writes = card.fn.config_writes;
    model_slot_pull(&slot);
    host_run_for(2 * HAL_SEC);
    slot_check_out();
    CHECK_EQ(card.fn.config_writes, writes);
    host_run_for(5 * HAL_SEC);
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(HAL_SEC);
    slot_check_back(1);
}

/* The device is found missing before the slot is looked at: its port knows that it cannot write. */
static void missed_before_the_slot_is_looked_at(void)
{
    slot_boot_with(SLOT_WHOLE, BY_LOOKING, false);
    model_slot_pull(&slot);
    virtio_fail(td.dev, "test");
    host_run_services();
    CHECK_EQ(td.deaths, 1);
    host_run_for(2 * HAL_SEC);
    slot_check_out();
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(HAL_SEC);
    slot_check_back(1);
}

/* Out and in before the service looked: the card in the slot has no queues. */
static void out_and_in(void)
{
    slot_boot();
    model_slot_pull(&slot);
    model_slot_plug(&slot, &card.fn, true);
    host_advance(200 * HAL_MS); /* it answers already */
    host_run_for(3 * HAL_SEC);
    CHECK_EQ(td.deaths, 1);
    CHECK(!td.quarantine);
    CHECK_EQ(td.taken_back, SLOT_OUT);
    slot_check_back(1);
}

/* The link alone tells: no event for presence, and the card is there. */
static void link_lost(void)
{
    slot_boot_with(SLOT_WHOLE, BY_MESSAGE, true);
    card.fn.gone = true;
    model_slot_event(&slot, SLOT_LINK);
    host_run_for(10 * HAL_MS);
    CHECK_EQ(td.deaths, 1);
    host_run_for(3 * HAL_SEC);
    slot_check_back(1);
}

static void flapping(void)
{
    slot_boot();
    for (unsigned i = 0; i < 50; i++) {
        model_slot_pull(&slot);
        if (i % 3)
            host_run_for(i * HAL_MS);
        model_slot_plug(&slot, &card.fn, true);
        if (i % 4)
            host_run_for(i * 3 * HAL_MS);
    }
    host_run_for(5 * HAL_SEC);
    CHECK(td.returns >= 1);
    slot_check_back(td.returns);
}

/* The port says that the card is out, and it is not: it is stopped all the same. */
static void lie_about_presence(void)
{
    unsigned resets;

    slot_boot_with(SLOT_WHOLE | SLOT_NO_COMPLETION, BY_MESSAGE, false);
    resets = (unsigned)the_model.resets;
    model_pci_put(&slot.port, slot.cap + 0x1a, 2, 0);
    model_slot_event(&slot, SLOT_PRESENCE);
    host_run_for(10 * HAL_MS);
    CHECK(the_model.resets >= resets + 2);
    CHECK_EQ(td.deaths, 1);
}

/* ---- exchanged ------------------------------------------------------------------------------- */

static void another_type(void)
{
    struct vrng_info info;

    slot_boot();
    slot_card(&other_card, &other_model, SLOT_ENTROPY_ID, false);
    model_slot_pull(&slot);
    host_run_for(2 * HAL_SEC);
    model_slot_plug(&slot, &other_card.fn, true);
    host_run_for(HAL_SEC);
    CHECK_EQ(td.returns, 0);
    CHECK_EQ(slot_devices(), 2);
    CHECK_EQ(vrng_info(0, &info), 0);
    CHECK(strcmp(info.name, "vrng0") == 0 && other_model.status == 15);
    CHECK_EQ(model_serve(&other_model, &other_model.queues[0]), 1);
    host_run_services();
    CHECK_EQ(vrng_info(0, &info), 0);
    CHECK_EQ(info.answers, 1);
    model_slot_pull(&slot);
    host_run_for(2 * HAL_SEC);
    CHECK_EQ(vrng_info(0, &info), 0);
    CHECK(!info.alive && td.deaths == 1);
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(HAL_SEC);
    CHECK_EQ(slot_devices(), 2);
    CHECK_EQ(td.returns, 1);
    slot_traffic();
}

static int refuse(struct virtio_device *dev)
{
    (void)dev;
    return -ENODEV;
}

static void refused_by_the_driver(void)
{
    slot_boot();
    model_slot_pull(&slot);
    host_run_for(2 * HAL_SEC);
    td.returned = refuse;
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(3 * HAL_SEC);
    CHECK_EQ(slot_devices(), 1);
    CHECK(!virtio_works(td.dev));
    CHECK(!model_pci_master(&card.fn));
    CHECK_EQ(host_log_matches("but not usable"), 1);
    CHECK_EQ(model_slot_led(&slot), SLOT_LED_ON);
    model_slot_pull(&slot);
    host_run_for(2 * HAL_SEC);
    td.returned = NULL;
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(3 * HAL_SEC);
    CHECK(virtio_works(td.dev));
    slot_traffic();
}

/* The same card with the registers of before 1.0 at first: its rings are not a modern card's. */
static void other_registers(void)
{
    slot_build(SLOT_WHOLE, BY_MESSAGE, true);
    model_init(&other_model, MODEL_PCI_LEGACY, MODEL_RECOVERS_ID);
    other_model.queues[0].max = 16;
    model_plug_pci(&other_card, &other_model, 0, false);
    other_card.fn.bridge = &slot.port;
    model_watch(&other_model);
    model_slot_fill(&slot, &other_card.fn, true);
    host_boot();
    CHECK(virtio_works(td.dev) && virtio_is_legacy(td.dev));
    model_slot_pull(&slot);
    host_run_for(2 * HAL_SEC);
    model_slot_plug(&slot, &card.fn, true);
    host_run_for(HAL_SEC);
    CHECK_EQ(host_log_matches("registers are of another kind"), 1);
    CHECK(!virtio_works(td.dev) && virtio_is_legacy(td.dev));
    CHECK_EQ(td.returns, 0);
    CHECK_EQ(the_model.status, 0);
    CHECK(!model_pci_master(&card.fn));
    model_slot_pull(&slot);
    host_run_for(2 * HAL_SEC);
    model_slot_plug(&slot, &other_card.fn, true);
    host_run_for(HAL_SEC);
    CHECK(virtio_works(td.dev));
    CHECK_EQ(td.returns, 1);
}

static void two_functions(void)
{
    struct vrng_info info;

    slot_build(SLOT_WHOLE, BY_MESSAGE, true);
    slot_card(&other_card, &other_model, SLOT_ENTROPY_ID, false);
    other_card.fn.fn = 3;
    model_pci_put(&card.fn, 0x0e, 1, 0x80);
    card.fn.gone = other_card.fn.gone = false;
    model_slot_fill(&slot, &card.fn, true);
    host_boot();
    CHECK_EQ(slot_devices(), 2);
    other_card.fn.gone = true;
    model_slot_pull(&slot);
    host_run_for(2 * HAL_SEC);
    CHECK_EQ(vrng_info(0, &info), 0);
    CHECK(!info.alive && td.deaths == 1);
}

static void a_bridge_is_passed_over(void)
{
    static struct model_pci_fn bridge;

    slot_boot_empty();
    model_pci_add(&bridge, 0, 0, 0x1234, 1);
    model_pci_make_bridge(&bridge, -1);
    model_slot_plug(&slot, &bridge, false);
    host_run_for(HAL_SEC);
    CHECK(host_logged("no bus number"));
    CHECK_EQ(model_slot_led(&slot), SLOT_LED_ON);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        EACH_WAY(orderly),
        EACH_WAY(cancelled),
        EACH_WAY(by_the_button_back_in),
        EACH_WAY(button_on_and_off),
        EACH_WAY(exchanged_in_order),
        EACH_WAY(never_there_at_boot),
        EACH_WAY(powered_on_after_boot),
        EACH_WAY(slow_card),
        EACH_WAY(slow_to_let_go),
        EACH_WAY(never_lets_go),
        SHOWS(drawn_out_while_it_lets_go, NULL),
        EACH_WAY(button_of_an_empty_slot),
        EACH_WAY(drawn_out),
        SHOWS(missed_before_the_slot_is_looked_at, NULL),
        EACH_WAY(out_and_in),
        SHOWS(link_lost, NULL),
        EACH_WAY(flapping),
        SHOWS(lie_about_presence, NULL),
        EACH_WAY(another_type),
        EACH_WAY(refused_by_the_driver),
        SHOWS(other_registers, NULL),
        SHOWS(two_functions, NULL),
        SHOWS(a_bridge_is_passed_over, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
