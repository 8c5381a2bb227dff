/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_slot.h - a root port with a slot, and cards that are put into it and drawn out, for host
 * tests (PCI Express Base 4.0, 6.7.1, 7.5.3). Strict: a command before the last one is complete, a
 * reserved indicator, power that comes back too early, an access to a card that cannot answer yet
 * are all broken rules.
 */
#ifndef VIREO_MODEL_SLOT_H
#define VIREO_MODEL_SLOT_H

#include "model_pci.h"

/* Slot capabilities; a whole one has all of the first four. */
enum {
    SLOT_HAS_BUTTON = 0x01,
    SLOT_HAS_POWER = 0x02,
    SLOT_HAS_LEDS = 0x18, /* attention, power */
    SLOT_HAS_HOT_PLUG = 0x40,
    SLOT_WHOLE = 0x5b,
    SLOT_NO_COMPLETION = 0x40000,
};
/* Events of slot status, and its level */
enum {
    SLOT_BUTTON = 0x01,
    SLOT_FAULT = 0x02,
    SLOT_PRESENCE = 0x08,
    SLOT_COMPLETED = 0x10,
    SLOT_PRESENT = 0x40,
    SLOT_LINK = 0x100,
};
enum { SLOT_LED_ON = 1, SLOT_LED_BLINKS = 2, SLOT_LED_OFF = 3 };

struct model_slot {
    struct model_pci_fn port; /* first: one is the other */
    unsigned cap;
    struct model_pci_fn *card; /* the card in the slot; NULL: none */
    bool is_virtio;            /* the card is the head of a struct model_vpci */

    /* what a bad port or card does */
    bool never_completes;  /* commands */
    bool by_hand;          /* commands are complete when the test completes them */
    unsigned stuck;        /* events that come again as soon as they are cleared */
    uint64_t link_ns;      /* how long the link takes; HAL_NEVER: it never comes up */
    uint64_t ready_ns;     /* how long the card takes after that, and after the 100 ms */
    bool not_ready_says_1; /* until then its vendor id reads 1 */

    bool notified, busy;
    uint64_t busy_ns, off_ns, link_at, ready_at;
    unsigned commands, powered_on, powered_off, messages;
};

/*
 * A root port at dev.0 with the slot capabilities `has`, with one MSI-X entry or none; link: its
 * status tells whether the link is active.
 */
void model_slot_add(struct model_slot *s, unsigned dev, unsigned has, bool msix, bool link);
/* Before the boot: there, and powered if the slot can be. */
void model_slot_fill(struct model_slot *s, struct model_pci_fn *card, bool is_virtio);
/* The machine is as a reset leaves it: call it last before the boot, filled or not. */
void model_slot_reset(struct model_slot *s);

/* Puts a card into the slot (one that was in it before, or a new one), or draws it out. */
void model_slot_plug(struct model_slot *s, struct model_pci_fn *card, bool is_virtio);
void model_slot_pull(struct model_slot *s);
/* Events happen; `bits` of slot status. */
void model_slot_event(struct model_slot *s, unsigned bits);
void model_slot_complete(struct model_slot *s);

bool model_slot_powered(const struct model_slot *s);
unsigned model_slot_led(const struct model_slot *s);
bool model_slot_attention(const struct model_slot *s); /* the other indicator is on */

#endif
