/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_slot.c - the slot of a root port (PCI Express Base 4.0, 6.7.1, 7.5.3.6 to 7.5.3.11).
 */
#include "model_slot.h"

#include "host.h"

enum { COMMAND = 4, PIN = 0x3d };
enum {
    FLAGS = 2,
    LINK_CAPS = 0x0c,
    LINK_STATUS = 0x12,
    CAPS = 0x14,
    CONTROL = 0x18,
    STATUS = 0x1a
};
enum { LINK_TELLS = 0x100000, LINK_ACTIVE = 0x2000 };
enum { INTERRUPT = 0x20, POWER_OFF = 0x400, INTERLOCK = 0x800, ON_LINK = 0x1000 };
#define EVENTS (SLOT_BUTTON | SLOT_FAULT | SLOT_PRESENCE | SLOT_COMPLETED | SLOT_LINK)
#define SETTLE (100 * HAL_MS)

static unsigned get(const struct model_slot *s, unsigned off)
{
    return model_pci_get(&s->port, s->cap + off, 2);
}

static void set(struct model_slot *s, unsigned off, unsigned v)
{
    model_pci_put(&s->port, s->cap + off, 2, v);
}

static unsigned has(const struct model_slot *s)
{
    return model_pci_get(&s->port, s->cap + CAPS, 4);
}

bool model_slot_powered(const struct model_slot *s)
{
    return !(has(s) & SLOT_HAS_POWER) || !(get(s, CONTROL) & POWER_OFF);
}

unsigned model_slot_led(const struct model_slot *s)
{
    return get(s, CONTROL) >> 8 & 3;
}

bool model_slot_attention(const struct model_slot *s)
{
    return (get(s, CONTROL) >> 6 & 3) == SLOT_LED_ON;
}

/* ---- interrupts (6.7.3.4) -------------------------------------------------------------------- */

static void notify(struct model_slot *s)
{
    unsigned control = get(s, CONTROL), on = control & 0x1f;
    bool now;

    if (control & ON_LINK)
        on |= SLOT_LINK;
    now = control & INTERRUPT && get(s, STATUS) & on;
    if (now && !s->notified && model_pci_msix_on(&s->port)) {
        s->messages++;
        model_pci_message(&s->port, get(s, FLAGS) >> 9 & 31);
    }
    s->notified = now;
    model_pci_level(&s->port, now);
}

static void changed(struct model_pci_fn *f)
{
    struct model_slot *s = (struct model_slot *)f;

    model_pci_level(f, s->notified);
}

void model_slot_event(struct model_slot *s, unsigned bits)
{
    set(s, STATUS, get(s, STATUS) | bits);
    notify(s);
}

void model_slot_complete(struct model_slot *s)
{
    s->busy = false;
    model_slot_event(s, SLOT_COMPLETED);
}

/* ---- the card -------------------------------------------------------------------------------- */

/* The card loses all register values, and no longer reaches memory. */
static void forget(struct model_pci_fn *card, bool is_virtio)
{
    model_pci_put(card, COMMAND, 2, 0);
    for (unsigned i = 0; i < 6; i++)
        card->bar[i].addr = 0;
    if (card->msix_cap)
        model_pci_put(card, card->msix_cap + 2, 2, card->msix_size - 1);
    for (unsigned i = 0; i < card->msix_size; i++)
        card->msix[i] = (struct model_pci_msix_entry){0xbaddead0000u + i, 0xbeef, 0, false};
    if (is_virtio)
        model_reset(((struct model_vpci *)card)->m);
}

static void no_power(struct model_slot *s)
{
    s->link_at = s->ready_at = HAL_NEVER;
    if (!s->card)
        return;
    s->card->gone = true;
    if (s->is_virtio)
        model_reset(((struct model_vpci *)s->card)->m);
}

static void with_power(struct model_slot *s)
{
    uint64_t now = hal_now_ns();

    if (!s->card)
        return;
    forget(s->card, s->is_virtio);
    s->card->gone = false;
    s->link_at = s->link_ns == HAL_NEVER ? HAL_NEVER : now + s->link_ns;
    s->ready_at = s->link_ns == HAL_NEVER ? HAL_NEVER : s->link_at + SETTLE + s->ready_ns;
}

/*
 * Too early is any access in the first tenth of a second, but for the question whether it is still
 * there where nobody knows that it was away; then it may not be ready yet.
 */
static uint32_t card_answer(struct model_pci_fn *card, unsigned off, unsigned width, uint32_t v)
{
    struct model_slot *s = (struct model_slot *)card->bridge;
    uint64_t now = hal_now_ns(), ones = width == 4 ? UINT32_MAX : (1u << 8 * width) - 1;

    if (now < s->link_at || now >= s->ready_at)
        return s->link_at == HAL_NEVER || now < s->link_at ? (uint32_t)ones : v;
    if (now < s->link_at + SETTLE && (off || model_slot_led(s) != SLOT_LED_ON))
        host_violation("a card is accessed %u us after its link came up",
                       (unsigned)((now - s->link_at) / HAL_US));
    return s->not_ready_says_1 && off == 0 ? 0xffff0001 & (uint32_t)ones : (uint32_t)ones;
}

void model_slot_plug(struct model_slot *s, struct model_pci_fn *card, bool is_virtio)
{
    card->bridge = &s->port;
    card->answer = card_answer;
    card->gone = true;
    forget(card, is_virtio);
    s->card = card;
    s->is_virtio = is_virtio;
    set(s, STATUS, get(s, STATUS) | SLOT_PRESENT);
    if (model_slot_powered(s))
        with_power(s);
    model_slot_event(s, SLOT_PRESENCE);
}

void model_slot_pull(struct model_slot *s)
{
    no_power(s);
    s->card = NULL;
    set(s, STATUS, get(s, STATUS) & ~(unsigned)SLOT_PRESENT);
    model_slot_event(s, SLOT_PRESENCE);
}

/* ---- registers ------------------------------------------------------------------------------- */

static uint32_t port_answer(struct model_pci_fn *f, unsigned off, unsigned width, uint32_t v)
{
    struct model_slot *s = (struct model_slot *)f;
    bool tells = model_pci_get(f, s->cap + LINK_CAPS, 4) & LINK_TELLS;

    if (off != s->cap + LINK_STATUS || width != 2 || !tells)
        return v;
    return s->card && !s->card->gone && hal_now_ns() >= s->link_at ? v | LINK_ACTIVE : v;
}

static void check_control(struct model_slot *s, unsigned v, unsigned old)
{
    bool led = has(s) & SLOT_HAS_LEDS;
    uint64_t now = hal_now_ns();

    if (s->busy && now < s->busy_ns)
        host_violation("slot control %#x: the command before is not complete", v);
    if (v & INTERLOCK)
        host_violation("slot control %#x: the interlock is toggled", v);
    if (led != !!(v & 0x3c0) || (led && (!(v & 0x300) || !(v & 0xc0))))
        host_violation("slot control %#x: an indicator is written wrongly", v);
    if (!(has(s) & SLOT_HAS_POWER) && v & POWER_OFF)
        host_violation("slot control %#x: there is no power controller", v);
    if (old & POWER_OFF && !(v & POWER_OFF) && s->powered_off && now < s->off_ns + HAL_SEC)
        host_violation("slot control %#x: power comes back too early", v);
}

static void write_control(struct model_slot *s, unsigned v)
{
    unsigned old = get(s, CONTROL);

    check_control(s, v, old);
    s->commands++;
    set(s, CONTROL, v);
    if (v & ~old & POWER_OFF) {
        s->powered_off++;
        s->off_ns = hal_now_ns();
        no_power(s);
    } else if (old & ~v & POWER_OFF) {
        s->powered_on++;
        with_power(s);
    }
    if (has(s) & SLOT_NO_COMPLETION) {
        notify(s);
        return;
    }
    s->busy = true;
    s->busy_ns = hal_now_ns() + 999 * HAL_MS;
    if (s->never_completes || s->by_hand)
        notify(s);
    else
        model_slot_complete(s);
}

static bool write_config(struct model_pci_fn *f, unsigned off, unsigned width, uint32_t v)
{
    struct model_slot *s = (struct model_slot *)f;

    if (off != s->cap + CONTROL && off != s->cap + STATUS)
        return false;
    if (width != 2)
        host_violation("slot register %#x is written with %u bytes", off - s->cap, width);
    if (off == s->cap + CONTROL) {
        write_control(s, v);
    } else {
        if (v & ~(get(s, STATUS) & EVENTS))
            host_violation("slot status: %#x is cleared, and was not set", v);
        set(s, STATUS, get(s, STATUS) & ~(v & EVENTS));
        notify(s);
        if (s->stuck)
            model_slot_event(s, s->stuck);
    }
    return true;
}

/* ---- building it ----------------------------------------------------------------------------- */

void model_slot_add(struct model_slot *s, unsigned dev, unsigned caps, bool msix, bool link)
{
    memset(s, 0, sizeof(*s));
    model_pci_add(&s->port, dev, 0, 0x1b36, 0x000c);
    model_pci_make_bridge(&s->port, 4);
    s->cap = s->port.config[0x34];
    model_pci_put(&s->port, s->cap + FLAGS, 2, 0x0142);
    model_pci_put(&s->port, s->cap + CAPS, 4, caps);
    if (link)
        model_pci_put(&s->port, s->cap + LINK_CAPS, 4, LINK_TELLS);
    model_pci_put(&s->port, PIN, 1, 1);
    s->link_at = s->ready_at = HAL_NEVER;
    if (msix) {
        model_pci_bar(&s->port, 0, MODEL_BAR_MEM32, 0x1000);
        model_pci_add_msix(&s->port, 3, 0, 0);
        model_pci_put(&s->port, s->cap + FLAGS, 2, 0x0142 | 2 << 9); /* the last entry is its */
    }
    s->port.answer = port_answer;
    s->port.write_config = write_config;
    s->port.changed = changed;
    model_slot_reset(s);
}

void model_slot_fill(struct model_slot *s, struct model_pci_fn *card, bool is_virtio)
{
    card->bridge = &s->port;
    card->answer = card_answer;
    s->card = card;
    s->is_virtio = is_virtio;
    model_slot_reset(s);
}

void model_slot_reset(struct model_slot *s)
{
    unsigned leds = has(s) & SLOT_HAS_LEDS ? s->card ? 0x1c0 : 0x3c0 : 0;

    set(s, CONTROL, leds | (has(s) & SLOT_HAS_POWER && !s->card ? POWER_OFF : 0));
    set(s, STATUS, s->card ? SLOT_PRESENT : 0);
    if (s->card)
        s->link_at = s->ready_at = 0;
}
