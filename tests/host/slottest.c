/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slottest.c - the slot, the card and the checks of slottest.h.
 */
#include "slottest.h"

#include "check.h"
#include "testdrv.h"
#include "virtio/device.h"
#include "virtio/ring/virtq_impl.h"

struct model_slot slot;
struct model_vpci card, other_card;
struct model the_model, other_model;

void slot_machine(bool intx)
{
    struct hal_pci_host h = model_pci_windows();

    model_pci_bridge(&h, intx);
}

void slot_card(struct model_vpci *v, struct model *model, uint32_t id, bool bare)
{
    model_init(model, MODEL_PCI, id);
    model->queues[0].max = 64;
    model_plug_pci(v, model, 0, bare);
    v->fn.bridge = &slot.port;
    v->fn.gone = true;
    model_watch(model);
}

void slot_build(unsigned has, unsigned how, bool link)
{
    slot_machine(how != BY_LOOKING);
    model_slot_add(&slot, 2, has, how == BY_MESSAGE, link);
    testdrv_one_queue(16, 2);
    td.recovers = true;
    slot_card(&card, &the_model, MODEL_RECOVERS_ID, false);
}

static void put_out(void)
{
    for (unsigned i = 0; i < SLOT_OUT; i++)
        CHECK_EQ(testdrv_submit(td.q[0], i), 1);
}

void slot_boot_with(unsigned has, unsigned how, bool link)
{
    slot_build(has, how, link);
    card.fn.gone = false;
    model_slot_fill(&slot, &card.fn, true);
    host_boot();
    CHECK_EQ(td.probes, 1);
    host_run_services();
    put_out();
}

void slot_boot(void)
{
    slot_boot_with(SLOT_WHOLE, case_variant, case_variant == BY_MESSAGE);
}

void slot_boot_empty(void)
{
    slot_build(SLOT_WHOLE, case_variant, true);
    host_boot();
    CHECK_EQ(td.probes, 0);
    host_run_services();
    CHECK_EQ(model_slot_led(&slot), SLOT_LED_OFF);
}

unsigned slot_devices(void)
{
    unsigned n = 0;

    for (struct virtio_device *d = virtio_next(NULL); d; d = virtio_next(d))
        n++;
    return n;
}

void slot_traffic(void)
{
    unsigned before = td.done_count;

    host_run_services();
    for (unsigned i = 0; i < 40; i++) {
        CHECK_EQ(testdrv_submit(td.q[0], 100 + i), 1);
        CHECK_EQ(model_serve(&the_model, &the_model.queues[0]), 1);
        host_run_services();
        CHECK_EQ(td.done_count, before + i + 1);
    }
    CHECK(virtio_works(td.dev));
}

void slot_check_out(void)
{
    CHECK_EQ(td.deaths, 1);
    CHECK_EQ(td.taken_back, SLOT_OUT);
    CHECK(!td.quarantine);
    CHECK(!virtio_works(td.dev) && td.dev->away); /* nothing touches it */
    CHECK_EQ(testdrv_submit(td.q[0], 7), -EIO);
    CHECK_EQ(the_model.status, 0);
    CHECK_EQ(model_slot_led(&slot), SLOT_LED_OFF);
    CHECK(!model_slot_powered(&slot));
    CHECK_EQ(host_log_matches("too many interrupts"), 0);
}

void slot_check_back(unsigned times)
{
    CHECK_EQ(td.probes, 1);
    CHECK_EQ(td.returns, times);
    CHECK_EQ(slot_devices(), 1);
    CHECK(virtio_find("vtest0") == td.dev);
    CHECK_EQ(model_slot_led(&slot), SLOT_LED_ON);
    slot_traffic();
}

void slot_press(void)
{
    model_slot_event(&slot, SLOT_BUTTON);
    host_run_for(300 * HAL_MS); /* longer than a look now and then */
}
