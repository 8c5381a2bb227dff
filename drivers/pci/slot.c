/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slot.c - the registers of a port's slot (PCI Express Base 4.0, 6.7.3, 7.5.3): what it has, its
 * interrupts and events, and the commands that it is given, one at a time. hotplug.c decides.
 */
#include "pci/slot.h"

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
#define LINK_TELLS  0x00100000u /* link capabilities: the status tells whether it is active */
#define LINK_ACTIVE 0x2000u
/* Slot control: which events interrupt is told by the bits of the status, but for the link */
enum {
    CONTROL_INTERRUPT = 0x0020,
    CONTROL_ATTENTION_SHIFT = 6,
    CONTROL_INDICATOR_SHIFT = 8,
    CONTROL_POWER_OFF = 0x0400,
    CONTROL_LINK = 0x1000,
    CONTROL_KEPT = 0x6000, /* what is not about hot-plug */
};

#define COMMAND_TIME  HAL_SEC /* a command is complete by then (6.7.3.2) */
#define LOOKS_AT_ONCE 16      /* at a status that is never without events */
#define STORM_PER_SEC 200     /* runs that an interrupt asked for */
#define STORM_CALLS   250000  /* handler calls without one: others on the line end theirs */

static uint16_t read_word(const struct slot *s, unsigned off)
{
    return pci_read16(&s->port->fn, s->cap + off);
}

void pci_slot_say(const struct slot *s, enum hal_level level, const char *what)
{
    const struct pci_function *f = &s->port->fn;

    hal_log(level, "pci", "slot at %02x:%02x.%u: %s", f->bus, f->dev, f->fn, what);
}

/* ---- what it has ----------------------------------------------------------------------------- */

unsigned pci_slot_find(const struct pci_bridge *b)
{
    unsigned steps = 0, cap = pci_next_capability(&b->fn, PCI_CAP_EXPRESS, 0, &steps);

    if (!pci_bridge_is_port(b) || cap + EXPRESS_BYTES > 256 ||
        !(pci_read16(&b->fn, cap + PCI_EXPRESS_FLAGS) & FLAGS_SLOT) ||
        !(pci_read32(&b->fn, cap + SLOT_CAPABILITIES) & HAS_HOT_PLUG))
        return 0;
    return cap;
}

void pci_slot_take_over(struct slot *s)
{
    s->has = pci_read32(&s->port->fn, s->cap + SLOT_CAPABILITIES);
    s->control = read_word(s, SLOT_CONTROL);
    s->kept = s->control & CONTROL_KEPT;
    s->power = !(s->has & HAS_POWER && s->control & CONTROL_POWER_OFF);
}

bool pci_slot_link_active(const struct slot *s)
{
    return read_word(s, LINK_STATUS) & LINK_ACTIVE;
}

bool pci_slot_tells_link(const struct slot *s)
{
    return pci_read32(&s->port->fn, s->cap + LINK_CAPABILITIES) & LINK_TELLS;
}

/* ---- interrupts ------------------------------------------------------------------------------ */

/*
 * A line is silenced at the port until the service has acknowledged what happened; a message comes
 * once. If that ends nothing, the line is masked, and the slot is looked at now and then.
 */
static void on_interrupt(void *ctx)
{
    struct slot *s = ctx;
    uint16_t status = s->message ? EVENTS : read_word(s, SLOT_STATUS);

    if (++s->streak >= STORM_CALLS)
        hal_irq_mask(s->irq);
    if (!(status & EVENTS) && s->streak % 1024)
        return;
    if (!s->message)
        pci_intx_enable(&s->port->fn, false);
    s->woken = true;
    hal_service_wake(s->service);
}

/* PCIe 7.5.3.2: which message is the port's to say, once messages are switched on. */
static int attach_message(struct slot *s)
{
    struct pci_function *f = &s->port->fn;
    unsigned entry;
    int err = pci_msix_open(f);

    if (err)
        return err;
    pci_msix_enable(f, true);
    entry = read_word(s, PCI_EXPRESS_FLAGS) >> FLAGS_MESSAGE_SHIFT & FLAGS_MESSAGE;
    s->message = true;
    err = pci_msix_attach(f, entry, on_interrupt, s, &s->msi);
    if (err) {
        pci_msix_enable(f, false);
        s->message = false;
        return err;
    }
    s->irq = s->msi.irq;
    return 0;
}

void pci_slot_attach(struct slot *s)
{
    s->irq = -ENODEV;
    pci_intx_enable(&s->port->fn, false);
    if (!attach_message(s))
        return;
    s->irq = pci_intx(&s->port->fn);
    if (s->irq >= 0 && !hal_irq_attach(s->irq, on_interrupt, s))
        return; /* the first run switches it on */
    s->irq = -ENODEV;
    s->polled = true;
}

void pci_slot_detach(struct slot *s)
{
    if (s->message)
        hal_irq_mask(s->irq);
    else if (s->irq >= 0)
        hal_irq_detach(s->irq, on_interrupt, s);
}

void pci_slot_count_runs(struct slot *s, uint64_t now)
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

/* Indicators and a power controller that are not there are not written. */
static uint16_t wanted_control(const struct slot *s)
{
    unsigned v = s->kept | EVENT_PRESENCE | (s->polled ? 0 : CONTROL_INTERRUPT);

    if (s->has & HAS_BUTTON)
        v |= EVENT_BUTTON;
    if (s->has & HAS_POWER)
        v |= EVENT_FAULT | (s->power ? 0 : CONTROL_POWER_OFF);
    if (s->has & HAS_INDICATOR)
        v |= (unsigned)s->indicator << CONTROL_INDICATOR_SHIFT;
    if (s->has & HAS_ATTENTION)
        v |= (unsigned)(s->attention ? LED_ON : LED_OFF) << CONTROL_ATTENTION_SHIFT;
    if (!(s->has & HAS_NO_COMPLETION))
        v |= EVENT_COMPLETED;
    if (s->link_tells)
        v |= CONTROL_LINK;
    return (uint16_t)v;
}

bool pci_slot_busy(struct slot *s, uint64_t now)
{
    if (!s->busy_ns)
        return false;
    if (s->events & EVENT_COMPLETED) {
        s->busy_ns = 0;
    } else if (now >= s->busy_ns) {
        pci_slot_say(s, HAL_WARN, "commands never complete: not waited for any more");
        s->has |= HAS_NO_COMPLETION;
        s->busy_ns = 0;
    }
    return s->busy_ns;
}

bool pci_slot_command(struct slot *s, uint64_t now)
{
    uint16_t v = wanted_control(s);

    if (v == s->control)
        return false;
    s->control = v;
    s->events &= ~(unsigned)EVENT_COMPLETED;
    pci_write16(&s->port->fn, s->cap + SLOT_CONTROL, v);
    s->busy_ns = s->has & HAS_NO_COMPLETION ? 0 : now + COMMAND_TIME;
    return true;
}

/* ---- events ---------------------------------------------------------------------------------- */

uint16_t pci_slot_acknowledge(struct slot *s)
{
    uint16_t status = read_word(s, SLOT_STATUS);

    for (unsigned i = 0; i < LOOKS_AT_ONCE && status & EVENTS && status != ALL_ONES; i++) {
        pci_write16(&s->port->fn, s->cap + SLOT_STATUS, status & EVENTS);
        s->events |= status & EVENTS;
        status = read_word(s, SLOT_STATUS);
    }
    return status;
}
