/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_timer.c - the timers of TCP connections: a hierarchical timing wheel. Time is counted in
 * ticks of 2^18 ns. `base` is the tick up to which all is done. A timer stands at the level of the
 * highest group of six bits in which its tick differs from base, in the slot that this group of its
 * tick numbers: so a slot of level 0 holds one tick, one of level 1 holds 64 of them, and all of a
 * level comes before all of the next. When the time of a slot above level 0 begins, its timers are
 * sorted anew, relative to that time. A timer that is moved to a later time stays in its slot until
 * then. A timer that was set lies in the list of fresh ones until the next run: most are stopped
 * before that, so they never see the wheel.
 */
#include "tcp_timer.h"
#include "vireo/task.h"

#define TICK_SHIFT 18
#define GROUP      6 /* bits of a tick that number the slots of a level */
#define SLOTS      (1u << GROUP)
#define LEVELS     7
#define TICK_LAST  ((UINT64_C(1) << GROUP * LEVELS) - 1) /* 36 years */
#define NO_SLOT    UINT16_MAX /* in the list of fresh or of expired ones */

static struct {
    uint64_t base;
    unsigned levels;       /* bit L: used[L] is not 0 */
    uint64_t used[LEVELS]; /* bit S: slot[L][S] is not empty */
    struct tcp_timer *slot[LEVELS][SLOTS];
    struct tcp_timer *fresh;
    struct hal_service *service; /* of the net */
} wheel;

void tcp_timers_init(struct hal_service *service)
{
    wheel.service = service;
}

uint32_t tcp_now_us(void)
{
    return (uint32_t)(hal_now_ns() / 1000);
}

static void timer_push(struct tcp_timer **list, struct tcp_timer *t)
{
    t->next = *list;
    t->link = list;
    if (t->next)
        t->next->link = &t->next;
    *list = t;
}

static void timer_unlink(struct tcp_timer *t)
{
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    t->link = NULL;
}

static void timer_mark_empty(unsigned level, unsigned slot)
{
    wheel.used[level] &= ~(UINT64_C(1) << slot);
    if (!wheel.used[level])
        wheel.levels &= ~(1u << level);
}

/* The first tick of the earliest slot with timers; UINT64_MAX: there is none. */
static uint64_t timer_first_tick(void)
{
    if (!wheel.levels)
        return UINT64_MAX;
    unsigned level = (unsigned)__builtin_ctz(wheel.levels), shift = level * GROUP;
    uint64_t slot = (uint64_t)__builtin_ctzll(wheel.used[level]);

    return wheel.base >> (shift + GROUP) << (shift + GROUP) | slot << shift;
}

/* The tick by whose begin due_ns has come. */
static uint64_t timer_tick(uint64_t due_ns)
{
    uint64_t tick = (due_ns >> TICK_SHIFT) + 1;

    return tick < TICK_LAST ? tick : TICK_LAST;
}

/* Puts the timer where its due_ns belongs. */
static void timer_place(struct tcp_timer *t)
{
    uint64_t tick = timer_tick(t->due_ns);

    if (tick <= wheel.base)
        tick = wheel.base + 1;
    unsigned level = (63u - (unsigned)__builtin_clzll(tick ^ wheel.base)) / GROUP;
    unsigned shift = level * GROUP, slot = (unsigned)(tick >> shift) % SLOTS;

    t->tick = tick;
    t->slot = (uint16_t)(level * SLOTS + slot);
    timer_push(&wheel.slot[level][slot], t);
    wheel.used[level] |= UINT64_C(1) << slot;
    wheel.levels |= 1u << level;
}

/* Time has passed since the last run. Without it, a near timer would be sorted as a far one. */
static void timer_catch_up(uint64_t now)
{
    uint64_t first = timer_first_tick();

    if (now >= first)
        now = first;
    if (now && now - 1 > wheel.base)
        wheel.base = now - 1;
}

/* Sorts the fresh timers into the wheel, at tick `now`. */
static void timer_sort_fresh(uint64_t now)
{
    struct tcp_timer *t;

    timer_catch_up(now);
    while ((t = wheel.fresh)) {
        timer_unlink(t);
        timer_place(t);
    }
}

void tcp_timer_set(struct tcp_timer *t, uint64_t due_ns)
{
    uint64_t tick = timer_tick(due_ns), next_ns = tick << TICK_SHIFT;

    if (due_ns == HAL_NEVER) {
        tcp_timer_stop(t);
        return;
    }
    t->due_ns = due_ns;
    if (t->link && tick >= t->tick)
        return;
    tcp_timer_stop(t);
    t->tick = tick;
    t->slot = NO_SLOT;
    timer_push(&wheel.fresh, t);
    if (next_ns < wheel.service->next_ns) {
        wheel.service->next_ns = next_ns;
        hal_service_changed(wheel.service);
    }
}

void tcp_timer_stop(struct tcp_timer *t)
{
    if (!t->link)
        return;
    timer_unlink(t);
    if (t->slot != NO_SLOT && !wheel.slot[t->slot / SLOTS][t->slot % SLOTS])
        timer_mark_empty(t->slot / SLOTS, t->slot % SLOTS);
}

/*
 * Moves the timers of the earliest slot, which base has reached, to where they belong, or to the
 * end of the list of expired ones. Returns where that list ends now.
 */
static struct tcp_timer **timer_open_slot(struct tcp_timer **expired)
{
    unsigned level = (unsigned)__builtin_ctz(wheel.levels);
    unsigned slot = (unsigned)__builtin_ctzll(wheel.used[level]);
    struct tcp_timer *t;

    timer_mark_empty(level, slot);
    while ((t = wheel.slot[level][slot])) {
        timer_unlink(t);
        if (t->due_ns >> TICK_SHIFT < wheel.base) {
            t->slot = NO_SLOT;
            timer_push(expired, t);
            expired = &t->next;
        } else {
            timer_place(t);
        }
    }
    return expired;
}

void tcp_timers_run(uint64_t now_ns)
{
    uint64_t now = now_ns >> TICK_SHIFT, first;
    struct tcp_timer *expired = NULL, **end = &expired, *t;

    if (wheel.fresh)
        timer_sort_fresh(now);
    while ((first = timer_first_tick()) <= now) {
        wheel.base = first;
        end = timer_open_slot(end);
    }
    while ((t = expired)) {
        timer_unlink(t);
        if (t->due_ns <= now_ns)
            t->fire(t);
        else /* moved by a fire() before it */
            timer_place(t);
    }
}

uint64_t tcp_timers_next(void)
{
    uint64_t first;

    if (wheel.fresh)
        timer_sort_fresh(hal_now_ns() >> TICK_SHIFT);
    first = timer_first_tick();
    return first == UINT64_MAX ? HAL_NEVER : first << TICK_SHIFT;
}
