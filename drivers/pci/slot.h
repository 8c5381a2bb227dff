/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slot.h - a slot behind a root port or a downstream port, inside drivers/pci (PCI Express Base
 * 4.0, 6.7): its state, which hotplug.c keeps, and its registers, which slot.c reads and writes.
 * All functions run in task context.
 */
#ifndef VIREO_PCI_SLOT_H
#define VIREO_PCI_SLOT_H

#include "pci/bridge.h"

/* Slot capabilities (7.5.3.9) */
enum {
    PCI_SLOT_HAS_BUTTON = 0x01,
    PCI_SLOT_HAS_POWER = 0x02,     /* a power controller */
    PCI_SLOT_HAS_ATTENTION = 0x08, /* an attention indicator */
    PCI_SLOT_HAS_INDICATOR = 0x10, /* a power indicator */
    PCI_SLOT_HAS_HOT_PLUG = 0x40,
    PCI_SLOT_HAS_NO_COMPLETION = 0x40000, /* commands are complete at once */
};
enum pci_slot_led { PCI_SLOT_LED_ON = 1, PCI_SLOT_LED_BLINKS = 2, PCI_SLOT_LED_OFF = 3 };
/* Slot status (7.5.3.11): events, cleared by writing ones, and one level */
enum {
    PCI_SLOT_EVENT_BUTTON = 0x0001,
    PCI_SLOT_EVENT_FAULT = 0x0002,
    PCI_SLOT_EVENT_PRESENCE = 0x0008, /* a card came or went */
    PCI_SLOT_EVENT_COMPLETED = 0x0010,
    PCI_SLOT_EVENT_LINK = 0x0100, /* the link came up or went down */
    PCI_SLOT_EVENTS = 0x011b,     /* all of these */
    PCI_SLOT_PRESENT = 0x0040,    /* a card is in the slot */
};
#define PCI_SLOT_SILENT 0xffffu /* what the status of a port reads that does not answer */

enum pci_slot_state {
    PCI_SLOT_OFF,
    PCI_SLOT_ON,
    PCI_SLOT_ON_SOON,  /* the button was pressed; a second press takes that back */
    PCI_SLOT_OFF_SOON, /* the same */
    PCI_SLOT_LEAVING,  /* the functions of the card are being stopped: no way back */
    PCI_SLOT_LINK,     /* powered on: the link is to come up */
    PCI_SLOT_SETTLE,   /* the link is up: too early for an access */
    PCI_SLOT_ANSWER,   /* until the card answers */
    PCI_SLOT_COOL,     /* powered off: the card still may have power left */
    PCI_SLOT_LOST,     /* the port itself stopped answering; no state follows */
};

struct pci_slot {
    struct pci_slot *next;
    struct pci_bridge *port;
    const struct pci_client *client;
    struct hal_service *service; /* woken by the slot's interrupt */
    uint8_t cap;                 /* offset of the PCI Express capability */

    /* hotplug.c */
    enum pci_slot_state state;
    bool again;            /* in PCI_SLOT_COOL: a card that is there at the end is powered on */
    uint64_t wait_ns;      /* from the end of the state's command to due_ns; 0: for ever */
    uint64_t due_ns;       /* when the state has lasted long enough */
    uint64_t deadline_ns;  /* when the link, or the card, has failed to come up */
    uint64_t look_ns;      /* the next step, if no interrupt comes before */
    uint64_t rate_ns;      /* ahead of now by CARD_TIME for each card powered on recently */
    bool held;             /* the log says that the slot is held back */
    bool link_is_presence; /* a link that goes down is a card that was drawn out */

    /* What slot control is to hold: set by hotplug.c, written by pci_slot_command() */
    enum pci_slot_led indicator; /* the power indicator */
    bool attention;              /* the attention indicator is on */
    bool power;

    /* slot.c */
    uint32_t has;     /* slot capabilities */
    uint16_t kept;    /* bits of slot control that are not about hot-plug */
    uint16_t control; /* slot control as it was last written */
    uint64_t busy_ns; /* a command is under way, and complete by then at the latest; 0: none */
    unsigned events;  /* acknowledged, and not dealt with yet */
    hal_irq_t irq;    /* negative: none */
    bool message;     /* irq is a message, the port's alone; else a line that others may share */
    struct hal_msi msi;
    bool polled;         /* no interrupt tells: hotplug.c looks now and then */
    volatile bool woken; /* an interrupt came since the last step [handler] */
    unsigned streak;     /* calls of the handler since the last step [handler] */
    unsigned runs;       /* steps within the second that began at second_ns */
    uint64_t second_ns;
};

/* Offset of the PCI Express capability of a port whose slot is made for hot-plug; 0: it is not. */
unsigned pci_slot_find(const struct pci_bridge *port);

/* Reads the slot's capabilities and present state; writes nothing. port and cap are set. */
void pci_slot_take_over(struct pci_slot *s);

/* Logs "slot at BUS:DEV.FN: WHAT". */
void pci_slot_say(const struct pci_slot *s, enum hal_level level, const char *what);

/* True if the port can tell whether the link is active; and whether the link is, if it can. */
bool pci_slot_tells_link(const struct pci_slot *s);
bool pci_slot_link_active(const struct pci_slot *s);

/*
 * Attaches the port's message, or its line; where neither can be had the slot is polled. The
 * handler wakes `service`. A line stays off at the port until the first step.
 */
void pci_slot_attach(struct pci_slot *s);
/* The port does not answer any more: its interrupt is masked, or taken away, without an access. */
void pci_slot_detach(struct pci_slot *s);
/* To be called at each step. After too many steps within a second, or too many calls of the
 * handler, the slot is polled, and the log says so. */
void pci_slot_count_runs(struct pci_slot *s, uint64_t now);

/*
 * Clears the events of slot status and adds them to s->events; returns the status after that. An
 * event that comes back each time is left set after 16 tries.
 */
uint16_t pci_slot_acknowledge(struct pci_slot *s);
/* True while a command is under way, for a second at most. */
bool pci_slot_busy(struct pci_slot *s, uint64_t now);
/* Writes slot control if its value has to change; true if it was written. Not while
 * pci_slot_busy(). */
bool pci_slot_command(struct pci_slot *s, uint64_t now);

#endif
