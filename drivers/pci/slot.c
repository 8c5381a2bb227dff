/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slot.c - the registers of a port's slot (PCI Express Base 4.0, 6.7.3, 7.5.3): its capabilities,
 * its interrupt and events, and its commands, one at a time. What to do with them is decided in
 * hotplug.c.
 */
#include "pci/slot.h"

#if VIREO_PCI

/* In the PCI Express capability (7.5.3.1, 7.5.3.6, 7.5.3.8 to 7.5.3.11) */
enum {
    LINK_CAPABILITIES = 0x0c,
    LINK_STATUS = 0x12,
    SLOT_CAPABILITIES = 0x14,
    SLOT_CONTROL = 0x18,
    SLOT_STATUS = 0x1a,
    EXPRESS_BYTES = 0x1c,
};
enum { FLAGS_SLOT = 0x0100, FLAGS_MESSAGE_SHIFT = 9, FLAGS_MESSAGE = 31 };
#define LINK_TELLS                                                                                 \
    0x00100000u /* link capabilities: link status tells whether the link is active                 \
                 */
#define LINK_ACTIVE 0x2000u
/* Slot control. An event is switched on by the bit that it has in slot status; the link is not. */
enum {
    CONTROL_INTERRUPT = 0x0020,
    CONTROL_ATTENTION_SHIFT = 6,
    CONTROL_INDICATOR_SHIFT = 8,
    CONTROL_POWER_OFF = 0x0400,
    CONTROL_LINK = 0x1000,
    CONTROL_KEPT = 0x6000, /* bits that are not about hot-plug */
};

#define COMMAND_TIME  HAL_SEC /* after which a command counts as complete (6.7.3.2) */
#define LOOKS_AT_ONCE 16      /* at a status that always has events */
#define STORM_PER_SEC 200     /* steps of the service that an interrupt asked for */
#define STORM_CALLS   250000  /* calls of the handler without a step: of a line that stays high */

static uint16_t slot_read16(const struct pci_slot *s, unsigned off)
{
    return pci_read16(&s->port->fn, s->cap + off);
}

void pci_slot_say(const struct pci_slot *s, enum hal_level level, const char *what)
{
    const struct pci_function *f = &s->port->fn;

    hal_log(level, "pci", "slot at %02x:%02x.%u: %s", f->bus, f->dev, f->fn, what);
}

/* ---- capabilities ---------------------------------------------------------------------------- */

unsigned pci_slot_find(const struct pci_bridge *b)
{
    unsigned steps = 0, cap = pci_next_capability(&b->fn, PCI_CAP_EXPRESS, 0, &steps);

    if (!pci_bridge_is_port(b) || cap + EXPRESS_BYTES > 256 ||
        !(pci_read16(&b->fn, cap + PCI_EXPRESS_FLAGS) & FLAGS_SLOT) ||
        !(pci_read32(&b->fn, cap + SLOT_CAPABILITIES) & PCI_SLOT_HAS_HOT_PLUG))
        return 0;
    return cap;
}

void pci_slot_take_over(struct pci_slot *s)
{
    s->has = pci_read32(&s->port->fn, s->cap + SLOT_CAPABILITIES);
    s->control = slot_read16(s, SLOT_CONTROL);
    s->kept = s->control & CONTROL_KEPT;
    s->power = !(s->has & PCI_SLOT_HAS_POWER && s->control & CONTROL_POWER_OFF);
}

bool pci_slot_link_active(const struct pci_slot *s)
{
    return slot_read16(s, LINK_STATUS) & LINK_ACTIVE;
}

bool pci_slot_tells_link(const struct pci_slot *s)
{
    return pci_read32(&s->port->fn, s->cap + LINK_CAPABILITIES) & LINK_TELLS;
}

/* ---- interrupts ------------------------------------------------------------------------------ */

/*
 * A message comes once. A line is silenced at the port until the service has acknowledged the
 * events; a line that stays high all the same is masked, and the slot is polled.
 */
static void slot_interrupt(void *ctx)
{
    struct pci_slot *s = ctx;
    uint16_t status = s->message ? PCI_SLOT_EVENTS : slot_read16(s, SLOT_STATUS);

    if (++s->streak >= STORM_CALLS)
        hal_irq_mask(s->irq);
    if (!(status & PCI_SLOT_EVENTS) && s->streak % 1024)
        return;
    if (!s->message)
        pci_intx_enable(&s->port->fn, false);
    s->woken = true;
    hal_service_wake(s->service);
}

/* The port says which entry is its message once messages are switched on (7.5.3.2). */
static int slot_attach_message(struct pci_slot *s)
{
    struct pci_function *f = &s->port->fn;
    unsigned entry;
    int err = pci_msix_open(f);

    if (err)
        return err;
    pci_msix_enable(f, true);
    entry = slot_read16(s, PCI_EXPRESS_FLAGS) >> FLAGS_MESSAGE_SHIFT & FLAGS_MESSAGE;
    s->message = true;
    err = pci_msix_attach(f, entry, slot_interrupt, s, &s->msi);
    if (err) {
        pci_msix_enable(f, false);
        s->message = false;
        return err;
    }
    s->irq = s->msi.irq;
    return 0;
}

void pci_slot_attach(struct pci_slot *s)
{
    s->irq = -ENODEV;
    pci_intx_enable(&s->port->fn, false);
    if (!slot_attach_message(s))
        return;
    s->irq = pci_intx(&s->port->fn);
    if (s->irq >= 0 && !hal_irq_attach(s->irq, slot_interrupt, s))
        return; /* the first step switches it on */
    s->irq = -ENODEV;
    s->polled = true;
}

void pci_slot_detach(struct pci_slot *s)
{
    if (s->message)
        hal_irq_mask(s->irq);
    else if (s->irq >= 0)
        hal_irq_detach(s->irq, slot_interrupt, s);
}

void pci_slot_count_runs(struct pci_slot *s, uint64_t now)
{
    bool stuck = s->streak >= STORM_CALLS;

    s->streak = 0;
    if (now - s->second_ns >= HAL_SEC) {
        s->second_ns = now;
        s->runs = 0;
    }
    if (s->polled || (++s->runs <= STORM_PER_SEC && !stuck))
        return;
    if (s->message)
        hal_irq_mask(s->irq);
    s->polled = true;
    pci_slot_say(s, HAL_ERROR, "too many interrupts: looked at five times a second from here on");
}

/* ---- commands (6.7.3.2) ---------------------------------------------------------------------- */

/* Bits of indicators and of a power controller that are missing stay 0. */
static uint16_t slot_wanted_control(const struct pci_slot *s)
{
    unsigned v = s->kept | PCI_SLOT_EVENT_PRESENCE | (s->polled ? 0 : CONTROL_INTERRUPT);

    if (s->has & PCI_SLOT_HAS_BUTTON)
        v |= PCI_SLOT_EVENT_BUTTON;
    if (s->has & PCI_SLOT_HAS_POWER)
        v |= PCI_SLOT_EVENT_FAULT | (s->power ? 0 : CONTROL_POWER_OFF);
    if (s->has & PCI_SLOT_HAS_INDICATOR)
        v |= (unsigned)s->indicator << CONTROL_INDICATOR_SHIFT;
    if (s->has & PCI_SLOT_HAS_ATTENTION)
        v |= (unsigned)(s->attention ? PCI_SLOT_LED_ON : PCI_SLOT_LED_OFF)
             << CONTROL_ATTENTION_SHIFT;
    if (!(s->has & PCI_SLOT_HAS_NO_COMPLETION))
        v |= PCI_SLOT_EVENT_COMPLETED;
    if (s->link_is_presence)
        v |= CONTROL_LINK;
    return (uint16_t)v;
}

bool pci_slot_busy(struct pci_slot *s, uint64_t now)
{
    if (!s->busy_ns)
        return false;
    if (s->events & PCI_SLOT_EVENT_COMPLETED) {
        s->busy_ns = 0;
    } else if (now >= s->busy_ns) {
        pci_slot_say(s, HAL_WARN, "commands never complete: not waited for any more");
        s->has |= PCI_SLOT_HAS_NO_COMPLETION;
        s->busy_ns = 0;
    }
    return s->busy_ns;
}

bool pci_slot_command(struct pci_slot *s, uint64_t now)
{
    uint16_t v = slot_wanted_control(s);

    if (v == s->control)
        return false;
    s->control = v;
    s->events &= ~(unsigned)PCI_SLOT_EVENT_COMPLETED;
    pci_write16(&s->port->fn, s->cap + SLOT_CONTROL, v);
    s->busy_ns = s->has & PCI_SLOT_HAS_NO_COMPLETION ? 0 : now + COMMAND_TIME;
    return true;
}

/* ---- events ---------------------------------------------------------------------------------- */

uint16_t pci_slot_acknowledge(struct pci_slot *s)
{
    uint16_t status = slot_read16(s, SLOT_STATUS);

    for (unsigned i = 0; i < LOOKS_AT_ONCE && status & PCI_SLOT_EVENTS && status != PCI_SLOT_SILENT;
         i++) {
        pci_write16(&s->port->fn, s->cap + SLOT_STATUS, status & PCI_SLOT_EVENTS);
        s->events |= status & PCI_SLOT_EVENTS;
        status = slot_read16(s, SLOT_STATUS);
    }
    return status;
}

#endif
