/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slot.h - a slot behind a root port or a downstream port, inside drivers/pci (PCI Express Base
 * 4.0, 6.7): its state, which hotplug.c keeps, and its registers, which slot.c reads and writes.
 */
#ifndef VIREO_PCI_SLOT_H
#define VIREO_PCI_SLOT_H

#include "pci/bridge.h"

/* Slot capabilities */
enum {
    HAS_BUTTON = 0x01,
    HAS_POWER = 0x02,
    HAS_ATTENTION = 0x08,
    HAS_INDICATOR = 0x10,
    HAS_HOT_PLUG = 0x40,
    HAS_NO_COMPLETION = 0x40000,
};
enum led { LED_ON = 1, LED_BLINKS = 2, LED_OFF = 3 };
/* Slot status */
enum {
    EVENT_BUTTON = 0x0001,
    EVENT_FAULT = 0x0002,
    EVENT_PRESENCE = 0x0008,
    EVENT_COMPLETED = 0x0010,
    STATUS_PRESENT = 0x0040,
    EVENT_LINK = 0x0100,
};
#define EVENTS   (EVENT_BUTTON | EVENT_FAULT | EVENT_PRESENCE | EVENT_COMPLETED | EVENT_LINK)
#define ALL_ONES 0xffffu

enum slot_state {
    SLOT_OFF,
    SLOT_ON,
    SLOT_ON_SOON,  /* the button was pressed: may be taken back */
    SLOT_OFF_SOON, /* the same */
    SLOT_LEAVING,  /* what is in it is being stopped: no way back */
    SLOT_LINK,     /* powered on: the link is to come up */
    SLOT_SETTLE,   /* it is up: too early for an access */
    SLOT_ANSWER,   /* until the function answers */
    SLOT_COOL,     /* powered off: nothing may rely on it yet */
    SLOT_LOST,     /* the port itself does not answer any more */
};

struct slot {
    struct slot *next;
    struct pci_bridge *port;
    const struct pci_client *client;
    struct hal_service *service; /* which looks after it */
    uint8_t cap;                 /* offset of the PCI Express capability */
    uint32_t has;                /* slot capabilities */
    uint16_t kept;               /* of slot control */
    enum slot_state state;
    bool again; /* SLOT_COOL: what is there then is powered on */

    uint64_t plugs_ns; /* ahead of the time by PLUG_TIME for each card of late */
    bool held;         /* that there were too many is told */

    uint16_t control;   /* what was written last */
    enum led indicator; /* what is wanted */
    bool attention, power;
    bool link_tells;  /* a link that goes down is a card that was drawn out */
    uint64_t busy_ns; /* a command is under way, until then at most; 0: none */

    unsigned events; /* acknowledged, and not dealt with yet */
    uint64_t wait;   /* from the end of the state's command on; 0: for ever */
    uint64_t due_ns, deadline_ns;

    hal_irq_t irq; /* negative: none */
    bool message;  /* it is the port's alone; else a line, which others may share */
    struct hal_msi msi;
    bool polled;
    volatile bool woken; /* [handler] */
    unsigned streak;     /* handler calls since the last run [handler] */
    unsigned runs;       /* that an interrupt asked for, in this second */
    uint64_t second_ns;
    uint64_t look_ns; /* the next run, if nothing happens before */
};

/* The PCI Express capability of a port whose slot takes and gives cards while it runs; or 0. */
unsigned pci_slot_find(const struct pci_bridge *b);
/* What it has and how it stands; port and cap are set. */
void pci_slot_take_over(struct slot *s);
void pci_slot_say(const struct slot *s, enum hal_level level, const char *what);

/* Does the port tell whether the link is active; is it? */
bool pci_slot_tells_link(const struct slot *s);
bool pci_slot_link_active(const struct slot *s);

/* A message of the port's own, its line, or none: then it is polled. */
void pci_slot_attach(struct slot *s);
/* The port does not answer any more. */
void pci_slot_detach(struct slot *s);
/* At each run. After a storm the port's interrupts are not asked for any more. */
void pci_slot_count_runs(struct slot *s, uint64_t now);

/* Clears the events; the status. An event that comes again and again is left for later. */
uint16_t pci_slot_acknowledge(struct slot *s);
/* Is a command under way? */
bool pci_slot_busy(struct slot *s, uint64_t now);
/* Writes what is wanted and was not written; true if it was. Not while one is under way. */
bool pci_slot_command(struct slot *s, uint64_t now);

#endif
