/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hotplug.c - slots of root ports and downstream ports (PCI Express Base 4.0, 6.7.1, 7.5.3): what
 * is plugged in is powered on and found, what is asked to leave is stopped and powered off, what
 * was drawn out is given up.
 *
 * One service looks after all slots. It reads what happened, acknowledges it and acts; every wait
 * is a time at which it looks again. Not here: latches and interlocks, bridges that are plugged in,
 * and the ways of SHPC and ACPI.
 */
#include "pci/slot.h"

#define BUTTON_MS      5000           /* in which a second press takes the first one back */
#define POWER_OFF_TIME HAL_SEC        /* before anything relies on it (6.7.1.8) */
#define LINK_TIME      HAL_SEC        /* for the link to come up */
#define SETTLE_TIME    (100 * HAL_MS) /* from then to the first access (6.6.1) */
#define ANSWER_TIME    HAL_SEC        /* for the function to answer */
#define SHORT_PERIOD   (10 * HAL_MS)  /* while something is waited for */
#define LOOK_PERIOD    (200 * HAL_MS) /* without interrupts */
#define PLUG_TIME      (30 * HAL_SEC) /* for each card, in the long run */
#define PLUGS_AHEAD    (9 * PLUG_TIME)

static struct slot *slots;
static uint64_t button_time; /* boot argument vireo.pci.button_ms */
static bool run(struct hal_service *unused);
static struct hal_service service = {.name = "pci", .run = run, .next_ns = HAL_NEVER};

/* ---- states ---------------------------------------------------------------------------------- */

static void enter(struct slot *s, enum slot_state state, enum led indicator, uint64_t wait)
{
    s->state = state;
    s->indicator = indicator;
    s->wait = wait;
    s->due_ns = HAL_NEVER;
}

/*
 * Cards that come and go without end, or a port that says so: beyond a few, what is there by the
 * next half a minute is powered on. Nobody who plugs by hand comes as far.
 */
static bool hold_back(struct slot *s)
{
    uint64_t now = hal_now_ns(), ahead = s->plugs_ns > now ? s->plugs_ns - now : 0;

    if (ahead <= PLUGS_AHEAD) {
        s->held &= ahead > 0;
        s->plugs_ns = now + ahead + PLUG_TIME;
        return false;
    }
    if (!s->held)
        pci_slot_say(s, HAL_WARN,
                     "comes and goes all the time: powered on twice a minute from here on");
    s->held = true;
    s->again = true;
    enter(s, SLOT_COOL, LED_OFF, ahead - PLUGS_AHEAD);
    return true;
}

static void power_on(struct slot *s)
{
    if (hold_back(s))
        return;
    pci_slot_say(s, HAL_INFO, "something was plugged in");
    s->power = true;
    s->attention = false;
    enter(s, SLOT_LINK, LED_BLINKS, SHORT_PERIOD);
    s->deadline_ns = HAL_NEVER;
}

/* again: what is there by then is powered on. */
static void power_off(struct slot *s, bool again)
{
    bool switched = s->has & HAS_POWER;

    s->power = false;
    s->link_tells = false;
    s->again = again;
    enter(s, SLOT_COOL, switched ? LED_BLINKS : LED_OFF, switched ? POWER_OFF_TIME : SHORT_PERIOD);
}

/* What the port saw of the power going away is no news. */
static void cooled(struct slot *s, bool present)
{
    s->events = 0;
    if (s->again && present)
        power_on(s);
    else
        enter(s, SLOT_OFF, LED_OFF, 0);
}

static void serve_it(struct slot *s)
{
    enter(s, SLOT_ON, LED_ON, 0);
    s->link_tells = pci_slot_tells_link(s) && pci_slot_link_active(s);
}

/* 6.6.1, 2.3.2: the link, then a tenth of a second, then until the function says who it is. */
static void bring_up(struct slot *s, uint64_t now)
{
    s->due_ns = now + SHORT_PERIOD;
    if (s->deadline_ns == HAL_NEVER)
        s->deadline_ns = now + (s->state == SLOT_LINK ? LINK_TIME : ANSWER_TIME);
    if (s->state == SLOT_LINK) {
        if (!pci_slot_tells_link(s) || pci_slot_link_active(s) || now >= s->deadline_ns)
            enter(s, SLOT_SETTLE, LED_BLINKS, SETTLE_TIME);
    } else if (s->state == SLOT_SETTLE) {
        enter(s, SLOT_ANSWER, LED_BLINKS, SHORT_PERIOD);
        s->deadline_ns = HAL_NEVER;
    } else if (pci_slot_answers(s->port)) {
        serve_it(s);
        pci_scan_slot(s->port, s->client);
    } else if (now >= s->deadline_ns) {
        pci_slot_say(s, HAL_ERROR, "what was plugged in does not answer");
        s->attention = true;
        power_off(s, false);
    }
}

/* ---- what happens ---------------------------------------------------------------------------- */

static bool in_use(const struct slot *s)
{
    return s->state == SLOT_ON || s->state == SLOT_OFF_SOON || s->state == SLOT_LEAVING;
}

/* The power stays on until nothing behind the port reaches memory any more. */
static void let_leave(struct slot *s)
{
    if (!s->client->retire(s->port)) {
        enter(s, SLOT_LEAVING, LED_BLINKS, SHORT_PERIOD);
        return;
    }
    s->client->leave(s->port);
    pci_slot_say(s, HAL_INFO, "stopped, and powered off");
    power_off(s, false);
    s->plugs_ns -= s->plugs_ns > PLUG_TIME ? PLUG_TIME : 0; /* this one kept to the rules */
}

static void time_is_up(struct slot *s, bool present, uint64_t now)
{
    switch (s->state) {
    case SLOT_OFF_SOON:
    case SLOT_LEAVING:
        let_leave(s);
        break;
    case SLOT_ON_SOON:
        power_on(s);
        break;
    case SLOT_COOL:
        cooled(s, present);
        break;
    default:
        bring_up(s, now);
        break;
    }
}

/* 6.7.1.5: a press asks for the other state, a second one takes that back. */
static bool button(struct slot *s, bool present)
{
    bool leaves = s->state == SLOT_ON;

    if (leaves || (s->state == SLOT_OFF && present)) {
        pci_slot_say(s, HAL_INFO, leaves ? "button: to be unplugged" : "button: to be powered on");
        enter(s, leaves ? SLOT_OFF_SOON : SLOT_ON_SOON, LED_BLINKS, button_time);
    } else if (s->state == SLOT_OFF_SOON || s->state == SLOT_ON_SOON) {
        pci_slot_say(s, HAL_INFO, "button again: stays as it is");
        leaves = s->state == SLOT_ON_SOON;
        enter(s, leaves ? SLOT_OFF : SLOT_ON, leaves ? LED_OFF : LED_ON, 0);
    } else {
        return false;
    }
    return true;
}

static void drawn_out(struct slot *s)
{
    pci_slot_say(s, HAL_WARN, "drawn out without notice");
    if (in_use(s))
        s->client->leave(s->port);
    power_off(s, true);
}

/*
 * A card or its link came or went. One that runs, or is being powered on, and comes once more was
 * away meanwhile; while it is powered on its link may come and go.
 */
static bool presence(struct slot *s, unsigned events, bool present)
{
    bool off = s->state == SLOT_OFF || s->state == SLOT_ON_SOON;

    if (off && present)
        power_on(s);
    else if (off)
        enter(s, SLOT_OFF, LED_OFF, 0);
    else if (s->state == SLOT_COOL)
        return false;
    else if (in_use(s) || events & EVENT_PRESENCE || !present)
        drawn_out(s);
    else if (s->state == SLOT_LINK)
        return false;
    else
        enter(s, SLOT_SETTLE, LED_BLINKS, SETTLE_TIME);
    return true;
}

static bool fault(struct slot *s)
{
    if (s->state == SLOT_OFF || s->state == SLOT_COOL)
        return false;
    pci_slot_say(s, HAL_ERROR, "power fault");
    if (in_use(s))
        s->client->leave(s->port);
    s->attention = true;
    power_off(s, false);
    return true;
}

/* Nobody knows what the card does now: it may still write. */
static void lose(struct slot *s)
{
    bool used = in_use(s);

    pci_slot_say(s, HAL_ERROR, "the port does not answer any more: given up");
    enter(s, SLOT_LOST, LED_OFF, 0);
    pci_slot_detach(s);
    if (used)
        s->client->leave(s->port);
}

/* ---- the service ----------------------------------------------------------------------------- */

/*
 * One thing at a time: what it makes of the slot has its own command. What the state has no use for
 * does not keep its time from being up.
 */
static bool react(struct slot *s, uint16_t status, uint64_t now)
{
    unsigned events = s->events;
    bool present = status & STATUS_PRESENT;
    bool there = present && (!s->link_tells || pci_slot_link_active(s));

    s->events = 0;
    if (events & EVENT_FAULT && fault(s))
        return true;
    if ((events & (EVENT_PRESENCE | EVENT_LINK) || (in_use(s) && !there)) &&
        presence(s, events, present))
        return true;
    if (events & EVENT_BUTTON && button(s, present))
        return true;
    if (now < s->due_ns)
        return false;
    time_is_up(s, present, now);
    return true;
}

static bool step(struct slot *s, uint64_t now)
{
    bool did = false;
    uint16_t status;

    s->woken = false;
    pci_slot_count_runs(s, now);
    status = pci_slot_acknowledge(s);
    if (status == ALL_ONES) {
        lose(s);
        return true;
    }
    if (!pci_slot_busy(s, now))
        did = react(s, status, now) | pci_slot_command(s, now);
    if (!s->busy_ns && s->wait) {
        s->due_ns = now + s->wait;
        s->wait = 0;
    }
    if (!s->message && !s->polled)
        pci_intx_enable(&s->port->fn, true);
    return did;
}

static uint64_t next_look(const struct slot *s, uint64_t now)
{
    bool soon = s->busy_ns && s->polled;
    uint64_t at = s->busy_ns && s->busy_ns < s->due_ns ? s->busy_ns : s->due_ns;
    uint64_t look = s->state == SLOT_LOST ? HAL_NEVER
                    : soon                ? now + SHORT_PERIOD
                    : s->polled           ? now + LOOK_PERIOD
                                          : HAL_NEVER;

    return look < at ? look : at;
}

static bool run(struct hal_service *unused)
{
    uint64_t now = hal_now_ns(), next = HAL_NEVER;
    bool did = false;

    (void)unused;
    for (struct slot *s = slots; s; s = s->next) {
        if (s->state != SLOT_LOST && (s->woken || now >= s->look_ns)) {
            did |= step(s, now);
            s->look_ns = next_look(s, now);
        }
        next = s->look_ns < next ? s->look_ns : next;
    }
    service.next_ns = next;
    return did;
}

/* ---- start ----------------------------------------------------------------------------------- */

/* What was there was found by the scan, unless it is powered off: then it is powered on. */
static void take_over(struct slot *s)
{
    uint16_t status = pci_slot_acknowledge(s);

    pci_slot_take_over(s);
    s->events = 0;
    enter(s, SLOT_OFF, LED_OFF, 0);
    if (status & STATUS_PRESENT && s->power)
        serve_it(s);
    else if (status & STATUS_PRESENT)
        s->events = EVENT_PRESENCE;
    s->woken = true;
}

void pci_slot_serve(struct pci_bridge *b, const struct pci_client *client)
{
    unsigned cap = pci_slot_find(b);
    struct slot *s = cap ? hal_alloc(sizeof(*s)) : NULL;

    if (!s) {
        if (cap)
            hal_log(HAL_ERROR, "pci", "no memory for a slot: nothing can be plugged in there");
        return;
    }
    s->port = b;
    s->client = client;
    s->cap = (uint8_t)cap;
    s->service = &service;
    b->slot = true;
    pci_reserve_for_slot(b);
    pci_slot_attach(s);
    take_over(s);
    if (!slots) {
        button_time = hal_option_u64("pci", "button_ms", BUTTON_MS, 1, 60000) * HAL_MS;
        hal_service_add(&service);
    }
    s->next = slots;
    slots = s;
    hal_service_wake(&service);
}
