/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slottest.h - what the tests of hot-plug share: a port with a slot at 2.0, a virtio card in it or
 * beside it with requests of the driver of testdrv.h, and what is true when it is out or back.
 */
#ifndef VIREO_SLOTTEST_H
#define VIREO_SLOTTEST_H

#include "model_slot.h"

#define SLOT_OUT        3 /* requests that are with the device, never answered */
#define SLOT_ENTROPY_ID 4

extern struct model_slot slot;
extern struct model_vpci card, other_card;
extern struct model the_model, other_model; /* behind them */

/* How the port tells of events: the variants of a case. */
enum { BY_MESSAGE, BY_LINE, BY_LOOKING };
#define EACH_WAY(f)                                                                                \
    {#f "_message", f, NULL, BY_MESSAGE}, {#f "_line", f, NULL, BY_LINE},                          \
    {                                                                                              \
#f "_looking", f, NULL, BY_LOOKING                                                         \
    }

void slot_machine(bool intx);
/* A card of that device type for the slot, not in it; bare: without capabilities. */
void slot_card(struct model_vpci *v, struct model *model, uint32_t id, bool bare);
/* A machine whose slot has these capabilities, and a card that is not in it. */
void slot_build(unsigned has, unsigned how, bool link);
/* The same, booted with the card in it, and its requests out. */
void slot_boot_with(unsigned has, unsigned how, bool link);
/* A slot that has everything, told as the case's variant says: with the card, or empty. */
void slot_boot(void);
void slot_boot_empty(void);

/* The button is pressed, and the service notices. */
void slot_press(void);
/* How many devices the core knows. */
unsigned slot_devices(void);
void slot_traffic(void);
/* CHECKs that the card is out, each waiter got an error, and the memory is the driver's. */
void slot_check_out(void);
/* CHECKs that the device works under its old name, and came back `times` times. */
void slot_check_back(unsigned times);

#endif
