/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hotplug.c - slots of root ports and downstream ports (PCI Express Base 4.0, 6.7.1, 7.5.3). A card
 * that is plugged in is powered on and scanned; a card that the button asks for is stopped and
 * powered off; a card that was drawn out is given up.
 *
 * One service looks after all slots. A step reads a slot's events, acknowledges them and acts on
 * one of them. Nothing waits in place: each wait of a state is a time at which the service looks
 * again. Latches and interlocks, bridges that are plugged in, SHPC and ACPI are not supported.
 */
#include "pci/slot.h"

#if VIREO_PCI

#define BUTTON_MS      5000            /* within which a second press takes the first one back */
#define POWER_OFF_TIME HAL_SEC         /* until a slot without power counts as cold (6.7.1.8) */
#define LINK_TIME      HAL_SEC         /* for the link to come up */
#define SETTLE_TIME    (100 * HAL_MS)  /* from then to the first access (6.6.1) */
#define ANSWER_TIME    HAL_SEC         /* for the function to answer */
#define SHORT_PERIOD   (10 * HAL_MS)   /* between two looks while a state waits for something */
#define LOOK_PERIOD    (200 * HAL_MS)  /* between two looks at a slot without interrupts */
#define CARD_TIME      (30 * HAL_SEC)  /* one card in this time, in the long run */
#define CARDS_AHEAD    (9 * CARD_TIME) /* ten cards at once before the slot is held back */

static struct pci_slot *slots; /* of all ports; they are never freed */
static uint64_t button_time;   /* in ns; option pci.button_ms */

static bool hotplug_run(struct hal_service *unused);
static struct hal_service hotplug_service;

/* ---- states ---------------------------------------------------------------------------------- */

/* wait: in ns, from the end of the slot's command until the state has lasted long enough; 0: it
 * lasts until an event. */
static void hotplug_enter(struct pci_slot *s, enum pci_slot_state state,
                          enum pci_slot_led indicator, uint64_t wait)
{
    s->state = state;
    s->indicator = indicator;
    s->wait_ns = wait;
    s->due_ns = HAL_NEVER;
}

/*
 * Rate limit, for cards that come and go without end and for ports that pretend it: after ten cards
 * in a short time, waits up to 30 s before powering on. True: held back, the slot waits. Plugging
 * by hand does not reach that rate.
 */
static bool hotplug_hold_back(struct pci_slot *s)
{
    uint64_t now = hal_now_ns(), ahead = s->rate_ns > now ? s->rate_ns - now : 0;

    if (ahead <= CARDS_AHEAD) {
        s->held &= ahead > 0;
        s->rate_ns = now + ahead + CARD_TIME;
        return false;
    }
    if (!s->held)
        pci_slot_say(s, HAL_WARN,
                     "comes and goes all the time: powered on twice a minute from here on");
    s->held = true;
    s->again = true;
    hotplug_enter(s, PCI_SLOT_COOL, PCI_SLOT_LED_OFF, ahead - CARDS_AHEAD);
    return true;
}

static void hotplug_power_on(struct pci_slot *s)
{
    if (hotplug_hold_back(s))
        return;
    pci_slot_say(s, HAL_INFO, "something was plugged in");
    s->power = true;
    s->attention = false;
    hotplug_enter(s, PCI_SLOT_LINK, PCI_SLOT_LED_BLINKS, SHORT_PERIOD);
    s->deadline_ns = HAL_NEVER;
}

/* again: a card that is in the slot once it is cold is powered on. */
static void hotplug_power_off(struct pci_slot *s, bool again)
{
    bool switched = s->has & PCI_SLOT_HAS_POWER;

    s->power = false;
    s->link_is_presence = false;
    s->again = again;
    hotplug_enter(s, PCI_SLOT_COOL, switched ? PCI_SLOT_LED_BLINKS : PCI_SLOT_LED_OFF,
                  switched ? POWER_OFF_TIME : SHORT_PERIOD);
}

/* The events that the loss of power caused are dropped. */
static void hotplug_cooled(struct pci_slot *s, bool present)
{
    s->events = 0;
    if (s->again && present)
        hotplug_power_on(s);
    else
        hotplug_enter(s, PCI_SLOT_OFF, PCI_SLOT_LED_OFF, 0);
}

static void hotplug_card_is_on(struct pci_slot *s)
{
    hotplug_enter(s, PCI_SLOT_ON, PCI_SLOT_LED_ON, 0);
    s->link_is_presence = pci_slot_tells_link(s) && pci_slot_link_active(s);
}

/* 6.6.1, 2.3.2: waits for the link, then a tenth of a second, then for the card to answer. */
static void hotplug_bring_up(struct pci_slot *s, uint64_t now)
{
    s->due_ns = now + SHORT_PERIOD;
    if (s->deadline_ns == HAL_NEVER)
        s->deadline_ns = now + (s->state == PCI_SLOT_LINK ? LINK_TIME : ANSWER_TIME);
    if (s->state == PCI_SLOT_LINK) {
        if (!pci_slot_tells_link(s) || pci_slot_link_active(s) || now >= s->deadline_ns)
            hotplug_enter(s, PCI_SLOT_SETTLE, PCI_SLOT_LED_BLINKS, SETTLE_TIME);
    } else if (s->state == PCI_SLOT_SETTLE) {
        hotplug_enter(s, PCI_SLOT_ANSWER, PCI_SLOT_LED_BLINKS, SHORT_PERIOD);
        s->deadline_ns = HAL_NEVER;
    } else if (pci_scan_answers(s->port)) {
        hotplug_card_is_on(s);
        pci_scan_slot(s->port, s->client);
    } else if (now >= s->deadline_ns) {
        pci_slot_say(s, HAL_ERROR, "what was plugged in does not answer");
        s->attention = true;
        hotplug_power_off(s, false);
    }
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool hotplug_in_use(const struct pci_slot *s)
{
    return s->state == PCI_SLOT_ON || s->state == PCI_SLOT_OFF_SOON || s->state == PCI_SLOT_LEAVING;
}

/* The power stays on until no function behind the port reaches memory any more. */
static void hotplug_let_leave(struct pci_slot *s)
{
    if (!s->client->retire(s->port)) {
        hotplug_enter(s, PCI_SLOT_LEAVING, PCI_SLOT_LED_BLINKS, SHORT_PERIOD);
        return;
    }
    s->client->leave(s->port);
    pci_slot_say(s, HAL_INFO, "stopped, and powered off");
    hotplug_power_off(s, false);
    s->rate_ns -= s->rate_ns > CARD_TIME ? CARD_TIME : 0; /* leaving in order does not count */
}

static void hotplug_time_is_up(struct pci_slot *s, bool present, uint64_t now)
{
    switch (s->state) {
    case PCI_SLOT_OFF_SOON:
    case PCI_SLOT_LEAVING:
        hotplug_let_leave(s);
        break;
    case PCI_SLOT_ON_SOON:
        hotplug_power_on(s);
        break;
    case PCI_SLOT_COOL:
        hotplug_cooled(s, present);
        break;
    default:
        hotplug_bring_up(s, now);
        break;
    }
}

/* 6.7.1.5: a press asks for the other state, a second press takes that back. False: ignored. */
static bool hotplug_button(struct pci_slot *s, bool present)
{
    bool leaves = s->state == PCI_SLOT_ON;

    if (leaves || (s->state == PCI_SLOT_OFF && present)) {
        pci_slot_say(s, HAL_INFO, leaves ? "button: to be unplugged" : "button: to be powered on");
        hotplug_enter(s, leaves ? PCI_SLOT_OFF_SOON : PCI_SLOT_ON_SOON, PCI_SLOT_LED_BLINKS,
                      button_time);
    } else if (s->state == PCI_SLOT_OFF_SOON || s->state == PCI_SLOT_ON_SOON) {
        pci_slot_say(s, HAL_INFO, "button again: stays as it is");
        leaves = s->state == PCI_SLOT_ON_SOON;
        hotplug_enter(s, leaves ? PCI_SLOT_OFF : PCI_SLOT_ON,
                      leaves ? PCI_SLOT_LED_OFF : PCI_SLOT_LED_ON, 0);
    } else {
        return false;
    }
    return true;
}

static void hotplug_drawn_out(struct pci_slot *s)
{
    pci_slot_say(s, HAL_WARN, "drawn out without notice");
    if (hotplug_in_use(s))
        s->client->leave(s->port);
    hotplug_power_off(s, true);
}

/*
 * A card, or its link, came or went. A card that runs, or is being powered on, and is announced
 * again was away meanwhile. While a card is being powered on its link may come and go. False: the
 * state has no use for the event.
 */
static bool hotplug_presence(struct pci_slot *s, unsigned events, bool present)
{
    bool off = s->state == PCI_SLOT_OFF || s->state == PCI_SLOT_ON_SOON;

    if (off && present)
        hotplug_power_on(s);
    else if (off)
        hotplug_enter(s, PCI_SLOT_OFF, PCI_SLOT_LED_OFF, 0);
    else if (s->state == PCI_SLOT_COOL)
        return false;
    else if (hotplug_in_use(s) || events & PCI_SLOT_EVENT_PRESENCE || !present)
        hotplug_drawn_out(s);
    else if (s->state == PCI_SLOT_LINK)
        return false;
    else
        hotplug_enter(s, PCI_SLOT_SETTLE, PCI_SLOT_LED_BLINKS, SETTLE_TIME);
    return true;
}

static bool hotplug_fault(struct pci_slot *s)
{
    if (s->state == PCI_SLOT_OFF || s->state == PCI_SLOT_COOL)
        return false;
    pci_slot_say(s, HAL_ERROR, "power fault");
    if (hotplug_in_use(s))
        s->client->leave(s->port);
    s->attention = true;
    hotplug_power_off(s, false);
    return true;
}

/* What the card does now is unknown: it may still write to memory. */
static void hotplug_lose(struct pci_slot *s)
{
    bool used = hotplug_in_use(s);

    pci_slot_say(s, HAL_ERROR, "the port does not answer any more: given up");
    hotplug_enter(s, PCI_SLOT_LOST, PCI_SLOT_LED_OFF, 0);
    pci_slot_detach(s);
    if (used)
        s->client->leave(s->port);
}

/* ---- the service ----------------------------------------------------------------------------- */

/*
 * Acts on one event, or on the state's time being up: each changes the state, and each state has a
 * command of its own. An event that the state has no use for does not delay the state's end.
 */
static bool hotplug_react(struct pci_slot *s, uint16_t status, uint64_t now)
{
    unsigned events = s->events;
    bool present = status & PCI_SLOT_PRESENT;
    bool there = present && (!s->link_is_presence || pci_slot_link_active(s));

    s->events = 0;
    if (events & PCI_SLOT_EVENT_FAULT && hotplug_fault(s))
        return true;
    if ((events & (PCI_SLOT_EVENT_PRESENCE | PCI_SLOT_EVENT_LINK) ||
         (hotplug_in_use(s) && !there)) &&
        hotplug_presence(s, events, present))
        return true;
    if (events & PCI_SLOT_EVENT_BUTTON && hotplug_button(s, present))
        return true;
    if (now < s->due_ns)
        return false;
    hotplug_time_is_up(s, present, now);
    return true;
}

static bool hotplug_step(struct pci_slot *s, uint64_t now)
{
    bool did = false;
    uint16_t status;

    s->woken = false;
    pci_slot_count_runs(s, now);
    status = pci_slot_acknowledge(s);
    if (status == PCI_SLOT_SILENT) {
        hotplug_lose(s);
        return true;
    }
    if (!pci_slot_busy(s, now)) {
        did = hotplug_react(s, status, now);
        did |= pci_slot_command(s, now);
    }
    if (!s->busy_ns && s->wait_ns) {
        s->due_ns = now + s->wait_ns;
        s->wait_ns = 0;
    }
    if (!s->message && !s->polled)
        pci_intx_enable(&s->port->fn, true);
    return did;
}

static uint64_t hotplug_next_look(const struct pci_slot *s, uint64_t now)
{
    bool soon = s->busy_ns && s->polled;
    uint64_t at = s->busy_ns && s->busy_ns < s->due_ns ? s->busy_ns : s->due_ns;
    uint64_t look = s->state == PCI_SLOT_LOST ? HAL_NEVER
                    : soon                    ? now + SHORT_PERIOD
                    : s->polled               ? now + LOOK_PERIOD
                                              : HAL_NEVER;

    return look < at ? look : at;
}

static bool hotplug_run(struct hal_service *unused)
{
    uint64_t now = hal_now_ns(), next = HAL_NEVER;
    bool did = false;

    (void)unused;
    for (struct pci_slot *s = slots; s; s = s->next) {
        if (s->state != PCI_SLOT_LOST && (s->woken || now >= s->look_ns)) {
            did |= hotplug_step(s, now);
            s->look_ns = hotplug_next_look(s, now);
        }
        next = s->look_ns < next ? s->look_ns : next;
    }
    hotplug_service.next_ns = next;
    return did;
}

/* ---- start ----------------------------------------------------------------------------------- */

/* A card that has power was found by the scan. A card without power is powered on now. */
static void hotplug_take_over(struct pci_slot *s)
{
    uint16_t status = pci_slot_acknowledge(s);

    pci_slot_take_over(s);
    s->events = 0;
    hotplug_enter(s, PCI_SLOT_OFF, PCI_SLOT_LED_OFF, 0);
    if (status & PCI_SLOT_PRESENT && s->power)
        hotplug_card_is_on(s);
    else if (status & PCI_SLOT_PRESENT)
        s->events = PCI_SLOT_EVENT_PRESENCE;
    s->woken = true;
}

void pci_hotplug_serve(struct pci_bridge *port, const struct pci_client *client)
{
    unsigned cap = pci_slot_find(port);
    struct pci_slot *s = cap ? hal_alloc(sizeof(*s)) : NULL;

    if (!s) {
        if (cap)
            hal_log(HAL_ERROR, "pci", "no memory for a slot: nothing can be plugged in there");
        return;
    }
    s->port = port;
    s->client = client;
    s->cap = (uint8_t)cap;
    s->service = &hotplug_service;
    pci_window_keep_for_slot(port);
    pci_slot_attach(s);
    hotplug_take_over(s);
    if (!slots) {
        button_time = hal_option_u64("pci", "button_ms", BUTTON_MS, 1, 60000) * HAL_MS;
        hotplug_service.name = "pci";
        hotplug_service.run = hotplug_run;
        hal_service_add(&hotplug_service);
    }
    s->next = slots;
    slots = s;
    hal_service_wake(&hotplug_service);
}

#endif
