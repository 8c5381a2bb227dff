/*
 * hotplug.c - slots of root ports and downstream ports (PCI Express Base 4.0, 6.7.1, 7.5.3): what
 * is plugged in is powered on and found, what is asked to leave is stopped and powered off, what
 * was drawn out is given up.
 *
 * One service looks after all slots. It reads what happened, acknowledges it and acts; every wait
 * is a time at which it looks again. Not here: latches and interlocks, bridges that are plugged in,
 * and the ways of SHPC and ACPI.
 */
#include "pci/bridge.h"

/* In the PCI Express capability (7.5.3.1, 7.5.3.6, 7.5.3.8 to 7.5.3.11) */
enum { LINK_CAPABILITIES = 0x0c, LINK_STATUS = 0x12, EXPRESS_BYTES = 0x1c };
enum { SLOT_CAPABILITIES = 0x14, SLOT_CONTROL = 0x18, SLOT_STATUS = 0x1a };
enum { FLAGS_SLOT = 0x0100, FLAGS_MESSAGE_SHIFT = 9, FLAGS_MESSAGE = 31 };
#define LINK_TELLS  0x00100000u /* link capabilities: the status tells whether it is active */
#define LINK_ACTIVE 0x2000u
/* Slot capabilities */
enum { HAS_BUTTON = 0x01, HAS_POWER = 0x02, HAS_ATTENTION = 0x08, HAS_INDICATOR = 0x10 };
enum { HAS_HOT_PLUG = 0x40, HAS_NO_COMPLETION = 0x40000 };
/* Slot control: which events interrupt is told by the bits of the status, but for the link */
enum { CONTROL_INTERRUPT = 0x0020, CONTROL_POWER_OFF = 0x0400, CONTROL_LINK = 0x1000 };
enum { CONTROL_ATTENTION_SHIFT = 6, CONTROL_INDICATOR_SHIFT = 8 };
enum { CONTROL_KEPT = 0x6000 }; /* what is not about hot-plug */
enum led { LED_ON = 1, LED_BLINKS = 2, LED_OFF = 3 };
/* Slot status */
enum { EVENT_BUTTON = 0x0001, EVENT_FAULT = 0x0002, EVENT_PRESENCE = 0x0008 };
enum { EVENT_COMPLETED = 0x0010, EVENT_LINK = 0x0100, STATUS_PRESENT = 0x0040 };
#define EVENTS   (EVENT_BUTTON | EVENT_FAULT | EVENT_PRESENCE | EVENT_COMPLETED | EVENT_LINK)
#define ALL_ONES 0xffffu

#define BUTTON_MS      5000           /* in which a second press takes the first one back */
#define COMMAND_TIME   HAL_SEC        /* a command is complete by then (6.7.3.2) */
#define POWER_OFF_TIME HAL_SEC        /* before anything relies on it (6.7.1.8) */
#define LINK_TIME      HAL_SEC        /* for the link to come up */
#define SETTLE_TIME    (100 * HAL_MS) /* from then to the first access (6.6.1) */
#define ANSWER_TIME    HAL_SEC        /* for the function to answer */
#define SHORT_PERIOD   (10 * HAL_MS)  /* while something is waited for */
#define LOOK_PERIOD    (200 * HAL_MS) /* without interrupts */
#define PLUG_TIME      (30 * HAL_SEC) /* for each card, in the long run */
#define PLUGS_AHEAD    (9 * PLUG_TIME)
#define LOOKS_AT_ONCE  16     /* at a status that is never without events */
#define STORM_PER_SEC  200    /* runs that an interrupt asked for */
#define STORM_CALLS    250000 /* handler calls without one: others on the line end theirs */

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
    uint8_t cap;   /* offset of the PCI Express capability */
    uint32_t has;  /* slot capabilities */
    uint16_t kept; /* of slot control */
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

static struct slot *slots;
static uint64_t button_time; /* boot argument vireo.pci.button_ms */
static bool run(struct hal_service *unused);
static struct hal_service service = {.name = "pci", .run = run, .next_ns = HAL_NEVER};

static uint16_t read_word(const struct slot *s, unsigned off)
{
    return pci_read16(&s->port->fn, s->cap + off);
}

static void say(const struct slot *s, enum hal_level level, const char *what)
{
    const struct pci_function *f = &s->port->fn;

    hal_log(level, "pci", "slot at %02x:%02x.%u: %s", f->bus, f->dev, f->fn, what);
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
    hal_service_wake(&service);
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

static void attach_interrupt(struct slot *s)
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

/* After a storm the port's interrupts are not asked for any more. */
static void count_runs(struct slot *s, uint64_t now)
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
    say(s, HAL_ERROR, "too many interrupts: looked at five times a second from here on");
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

/* True while one is under way. */
static bool is_busy(struct slot *s, uint64_t now)
{
    if (!s->busy_ns)
        return false;
    if (s->events & EVENT_COMPLETED) {
        s->busy_ns = 0;
    } else if (now >= s->busy_ns) {
        say(s, HAL_WARN, "commands never complete: not waited for any more");
        s->has |= HAS_NO_COMPLETION;
        s->busy_ns = 0;
    }
    return s->busy_ns;
}

/* Writes what is wanted and was not written; true if it was. */
static bool send_command(struct slot *s, uint64_t now)
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

/* ---- states ---------------------------------------------------------------------------------- */

static void enter(struct slot *s, enum slot_state state, enum led indicator, uint64_t wait)
{
    s->state = state;
    s->indicator = indicator;
    s->wait = wait;
    s->due_ns = HAL_NEVER;
}

static bool link_is_active(const struct slot *s)
{
    return read_word(s, LINK_STATUS) & LINK_ACTIVE;
}

static bool tells_link(const struct slot *s)
{
    return pci_read32(&s->port->fn, s->cap + LINK_CAPABILITIES) & LINK_TELLS;
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
        say(s, HAL_WARN, "comes and goes all the time: powered on twice a minute from here on");
    s->held = true;
    s->again = true;
    enter(s, SLOT_COOL, LED_OFF, ahead - PLUGS_AHEAD);
    return true;
}

static void power_on(struct slot *s)
{
    if (hold_back(s))
        return;
    say(s, HAL_INFO, "something was plugged in");
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
    s->link_tells = tells_link(s) && link_is_active(s);
}

/* 6.6.1, 2.3.2: the link, then a tenth of a second, then until the function says who it is. */
static void bring_up(struct slot *s, uint64_t now)
{
    s->due_ns = now + SHORT_PERIOD;
    if (s->deadline_ns == HAL_NEVER)
        s->deadline_ns = now + (s->state == SLOT_LINK ? LINK_TIME : ANSWER_TIME);
    if (s->state == SLOT_LINK) {
        if (!tells_link(s) || link_is_active(s) || now >= s->deadline_ns)
            enter(s, SLOT_SETTLE, LED_BLINKS, SETTLE_TIME);
    } else if (s->state == SLOT_SETTLE) {
        enter(s, SLOT_ANSWER, LED_BLINKS, SHORT_PERIOD);
        s->deadline_ns = HAL_NEVER;
    } else if (pci_slot_answers(s->port)) {
        serve_it(s);
        pci_scan_slot(s->port, s->client);
    } else if (now >= s->deadline_ns) {
        say(s, HAL_ERROR, "what was plugged in does not answer");
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
    say(s, HAL_INFO, "stopped, and powered off");
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
        say(s, HAL_INFO, leaves ? "button: to be unplugged" : "button: to be powered on");
        enter(s, leaves ? SLOT_OFF_SOON : SLOT_ON_SOON, LED_BLINKS, button_time);
    } else if (s->state == SLOT_OFF_SOON || s->state == SLOT_ON_SOON) {
        say(s, HAL_INFO, "button again: stays as it is");
        leaves = s->state == SLOT_ON_SOON;
        enter(s, leaves ? SLOT_OFF : SLOT_ON, leaves ? LED_OFF : LED_ON, 0);
    } else {
        return false;
    }
    return true;
}

static void drawn_out(struct slot *s)
{
    say(s, HAL_WARN, "drawn out without notice");
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
    say(s, HAL_ERROR, "power fault");
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

    say(s, HAL_ERROR, "the port does not answer any more: given up");
    enter(s, SLOT_LOST, LED_OFF, 0);
    if (s->message)
        hal_irq_mask(s->irq);
    else if (s->irq >= 0)
        hal_irq_detach(s->irq, on_interrupt, s);
    if (used)
        s->client->leave(s->port);
}

/* ---- the service ----------------------------------------------------------------------------- */

/* Clears the events; the status. An event that comes again and again is left for later. */
static uint16_t acknowledge(struct slot *s)
{
    uint16_t status = read_word(s, SLOT_STATUS);

    for (unsigned i = 0; i < LOOKS_AT_ONCE && status & EVENTS && status != ALL_ONES; i++) {
        pci_write16(&s->port->fn, s->cap + SLOT_STATUS, status & EVENTS);
        s->events |= status & EVENTS;
        status = read_word(s, SLOT_STATUS);
    }
    return status;
}

/*
 * One thing at a time: what it makes of the slot has its own command. What the state has no use for
 * does not keep its time from being up.
 */
static bool react(struct slot *s, uint16_t status, uint64_t now)
{
    unsigned events = s->events;
    bool present = status & STATUS_PRESENT;
    bool there = present && (!s->link_tells || link_is_active(s));

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
    count_runs(s, now);
    status = acknowledge(s);
    if (status == ALL_ONES) {
        lose(s);
        return true;
    }
    if (!is_busy(s, now))
        did = react(s, status, now) | send_command(s, now);
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

/* The PCI Express capability of a port whose slot takes and gives cards while it runs; or 0. */
static unsigned find_slot(const struct pci_bridge *b)
{
    unsigned steps = 0, cap = pci_next_capability(&b->fn, PCI_CAP_EXPRESS, 0, &steps);

    if (!pci_bridge_is_port(b) || cap + EXPRESS_BYTES > 256 ||
        !(pci_read16(&b->fn, cap + PCI_EXPRESS_FLAGS) & FLAGS_SLOT) ||
        !(pci_read32(&b->fn, cap + SLOT_CAPABILITIES) & HAS_HOT_PLUG))
        return 0;
    return cap;
}

/* What was there before the scan was found by it, unless it is powered off: then it is powered on.
 */
static void take_over(struct slot *s)
{
    uint16_t status = acknowledge(s);

    s->control = read_word(s, SLOT_CONTROL);
    s->kept = s->control & CONTROL_KEPT;
    s->power = !(s->has & HAS_POWER && s->control & CONTROL_POWER_OFF);
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
    unsigned cap = find_slot(b);
    struct slot *s = cap ? hal_alloc(sizeof(*s)) : NULL;

    if (!s) {
        if (cap)
            hal_log(HAL_ERROR, "pci", "no memory for a slot: nothing can be plugged in there");
        return;
    }
    s->port = b;
    s->client = client;
    s->cap = (uint8_t)cap;
    s->has = pci_read32(&b->fn, cap + SLOT_CAPABILITIES);
    b->slot = true;
    pci_reserve_for_slot(b);
    attach_interrupt(s);
    take_over(s);
    if (!slots) {
        button_time = hal_option_u64("pci", "button_ms", BUTTON_MS, 1, 60000) * HAL_MS;
        hal_service_add(&service);
    }
    s->next = slots;
    slots = s;
    hal_service_wake(&service);
}
