/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * service.c - the services, and one round over those for which there is something to do (hal.h,
 * "services"). A round costs by what happened, not by how many services exist: each is in the lists
 * in which it has a reason to be.
 */
#include "board.h"
#include "deadline.h"
#include "hal.h"
#include "runtime.h"

/*
 * While tasks keep the CPU busy the loop never arms services, and a device whose interrupt is
 * disarmed would not be noticed. So once this time has passed since services were last armed or
 * swept, all that are not armed run in the next round, as if polled. One whose last run found
 * nothing to do is armed instead.
 */
#define SWEEP_NS 100000ull

struct services services;
struct runtime_round runtime_round; /* set by the loop (task.c) */

/* What most rounds do not need stands apart, so that a round is short. */
static void service_note(struct hal_service *s) __attribute__((noinline, cold));
static void services_note_changes(void) __attribute__((noinline, cold));
static void services_sweep(uint64_t now) __attribute__((noinline, cold));
static void services_wake_due(uint64_t now) __attribute__((noinline, cold));
void hal_service_add(struct hal_service *s) __attribute__((cold));
static void service_run_again(struct hal_service *s) __attribute__((noinline, cold));
static void services_wake_again(void) __attribute__((noinline, cold));
static bool services_run_polled(void) __attribute__((noinline));

/* ---- the lists ------------------------------------------------------------------------------- */

void hal_service_wake(struct hal_service *s)
{
    if (s->pending)
        return;
    unsigned long state = arch_irq_save();
    if (!s->pending) {
        s->pending = true;
        s->loop.next_woken = NULL;
        *(services.woken ? services.woken_end : &services.woken) = s;
        services.woken_end = &s->loop.next_woken;
    }
    arch_irq_restore(state);
}

/* Takes the list of those that were woken. */
static struct hal_service *services_take_woken(void)
{
    unsigned long state = arch_irq_save();
    struct hal_service *s = services.woken;

    services.woken = NULL;
    arch_irq_restore(state);
    return s;
}

/* when_ns is HAL_NEVER while the service is not in the heap. */
static void service_set_due(struct hal_service *s)
{
    deadline_remove(&services.due, &s->loop.due);
    s->loop.due.when_ns = s->next_ns;
    if (s->next_ns != HAL_NEVER)
        deadline_add(&services.due, &s->loop.due, s->next_ns);
}

/* A service without arm() is never in this list, and is marked as if it were. */
static inline void service_list_unarmed(struct hal_service *s)
{
    s->loop.unarmed = true;
    s->loop.next_unarmed = services.unarmed;
    services.unarmed = s;
}

/* Notes an earlier time, and that the service is polled. A time that was put off is noted when it
 * comes. */
static void service_note(struct hal_service *s)
{
    struct hal_service_loop *l = &s->loop;

    if (s->next_ns < l->due.when_ns)
        service_set_due(s);
    if (s->polled && !l->polled) {
        l->polled = true;
        l->next_polled = services.polled;
        services.polled = s;
    }
}

static void services_note_changes(void)
{
    struct hal_service *s;

    while ((s = services.changes)) {
        services.changes = s->loop.next_changed;
        s->loop.changed = false;
        service_note(s);
        if (!s->loop.unarmed)
            service_list_unarmed(s);
    }
}

void hal_service_add(struct hal_service *s)
{
    if (s->next_ns == 0)
        s->next_ns = HAL_NEVER; /* a zeroed service has no time at which it wants to run */
    s->loop.changes = &services.changes;
    s->loop.due.when_ns = HAL_NEVER;
    s->loop.unarmed = !s->arm;
    hal_service_changed(s);
}

/* The service that is due first, and is the root of the heap; NULL: none wants to run by time. */
static struct hal_service *service_first_due(void)
{
    while (services.due.root) {
        struct hal_service *s = (struct hal_service *)((char *)services.due.root -
                                                       offsetof(struct hal_service, loop.due));

        if (s->next_ns == s->loop.due.when_ns)
            return s;
        service_set_due(s);
    }
    return NULL;
}

/* ---- a round --------------------------------------------------------------------------------- */

/* Calls run() or arm(). What that changes is noted here, and not by hal_service_changed. */
static inline bool service_call(struct hal_service *s, bool (*fn)(struct hal_service *))
{
    bool listed = s->loop.changed, result;

    s->loop.changed = true;
    services.running = s;
    result = fn(s);
    services.running = NULL;
    s->loop.changed = listed;
    if (s->next_ns < s->loop.due.when_ns || (s->polled && !s->loop.polled))
        service_note(s);
    return result;
}

static inline bool service_run(struct hal_service *s)
{
    bool worked = service_call(s, s->run);

    s->loop.worked = worked;
    if (!s->loop.unarmed)
        service_list_unarmed(s);
    return worked;
}

/* Arms the first of the list, which then leaves the list. True: there is work. */
static inline bool service_arm_first(void)
{
    struct hal_service *s = services.unarmed;
    bool work;

    services.unarmed = s->loop.next_unarmed;
    work = !s->polled && service_call(s, s->arm);
    s->loop.unarmed = false;
    if (work)
        hal_service_wake(s);
    return work;
}

bool services_overdue(uint64_t now)
{
    if (!services.swept_ns)
        services.swept_ns = now;
    return now - services.swept_ns >= SWEEP_NS;
}

static void services_sweep(uint64_t now)
{
    struct hal_service *s = services.unarmed, *next;

    services.swept_ns = now;
    for (services.unarmed = NULL; s; s = next) {
        next = s->loop.next_unarmed;
        s->loop.next_unarmed = services.unarmed;
        services.unarmed = s;
        if (s->loop.worked)
            hal_service_wake(s);
        else
            service_arm_first();
    }
}

static void services_wake_due(uint64_t now)
{
    struct hal_service *s;

    while ((s = service_first_due()) && s->next_ns <= now) {
        deadline_remove(&services.due, &s->loop.due);
        s->loop.due.when_ns = HAL_NEVER;
        hal_service_wake(s);
    }
}

/* Those that were woken once more in a round, after they had run, run in the next one. */
static struct {
    struct hal_service *first, *last;
} again;

static void service_run_again(struct hal_service *s)
{
    HAL_QUEUE_APPEND(again.first, again.last, s, loop.next_woken);
}

static void services_wake_again(void)
{
    struct hal_service *s;

    while ((s = again.first)) {
        again.first = s->loop.next_woken;
        s->pending = false;
        hal_service_wake(s);
    }
    again.last = NULL;
}

/* Runs those that are polled, but for those that were woken, which run in their turn. */
static bool services_run_polled(void)
{
    bool worked = false;

    for (struct hal_service **link = &services.polled, *s; (s = *link);) {
        if (!s->polled) {
            s->loop.polled = false;
            *link = s->loop.next_polled;
            continue;
        }
        link = &s->loop.next_polled;
        if (s->pending)
            continue;
        s->loop.round = services.round;
        worked |= service_run(s);
    }
    return worked;
}

/* What most rounds do not have: changes, times that have come, services that are polled. */
static bool services_run_rare(uint64_t now) __attribute__((noinline, cold));
static bool services_run_rare(uint64_t now)
{
    if (services.changes)
        services_note_changes();
    if (services_overdue(now))
        services_sweep(now);
    if (deadline_before(&services.due, now + 1))
        services_wake_due(now);
    return services.polled && services_run_polled();
}

/* Runs s, which was woken. */
static inline bool service_run_woken(struct hal_service *s)
{
    if (s->loop.round == services.round) {
        service_run_again(s);
        return false;
    }
    s->loop.round = services.round;
    s->pending = false;
    return service_run(s);
}

bool services_run(uint64_t now)
{
    struct hal_service *s, *next;
    bool worked = false;

    services.round++;
    if (services.changes || services.polled || services_overdue(now) ||
        deadline_before(&services.due, now + 1))
        worked = services_run_rare(now);
    while (services.woken)
        for (s = services_take_woken(); s; s = next) {
            next = s->loop.next_woken;
            worked |= service_run_woken(s);
        }
    if (again.first)
        services_wake_again();
    return worked;
}

bool services_arm(void)
{
    bool more = false;

    for (;;) {
        if (services.changes)
            services_note_changes();
        if (!services.unarmed)
            break;
        more |= service_arm_first();
    }
    services.swept_ns = 0;
    return more;
}

/* ---- questions ------------------------------------------------------------------------------- */

bool services_any_polled(void)
{
    for (const struct hal_service *s = services.polled; s; s = s->loop.next_polled)
        if (s->polled)
            return true;
    return false;
}

uint64_t services_next(void)
{
    const struct hal_service *s = service_first_due();

    return s ? s->next_ns : HAL_NEVER;
}
