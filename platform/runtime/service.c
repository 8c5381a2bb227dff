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

static struct hal_service *volatile woken, *woken_last; /* first come, first served [handler] */
static struct hal_service *changes;                     /* hal_service_changed: not noted yet */
static struct hal_service *unarmed;                     /* ran since they were last armed */
static struct hal_service *polled;                      /* in each round */
static struct deadline_heap due;    /* those with a time at which they want to run */
static struct hal_service *running; /* its run() or arm() is on the stack; NULL: none */
static unsigned round;              /* number of this one */
static uint64_t swept_ns;           /* when the last sweep was; 0: services were just armed */

struct runtime_round runtime_round; /* set by the loop (task.c) */

/* What most rounds do not need stands apart, so that an empty round is short. */
static void service_set_due(struct hal_service *s) __attribute__((noinline));
static void service_note(struct hal_service *s) __attribute__((noinline));
static void services_note_changes(void) __attribute__((noinline));
static void services_sweep(uint64_t now) __attribute__((noinline));
static void services_wake_polled(void) __attribute__((noinline));
static void services_wake_due(uint64_t now) __attribute__((noinline));
static bool services_run_woken(void) __attribute__((noinline));

/* ---- the lists ------------------------------------------------------------------------------- */

void hal_service_wake(struct hal_service *s)
{
    unsigned long state = arch_irq_save();

    if (!s->pending) {
        s->pending = true;
        HAL_QUEUE_APPEND(woken, woken_last, s, loop.next_woken);
    }
    arch_irq_restore(state);
}

/* The service that was woken first, of one or more. It is pending no longer. */
static struct hal_service *service_take(void)
{
    unsigned long state = arch_irq_save();
    struct hal_service *s = woken;

    woken = s->loop.next_woken;
    if (!woken)
        woken_last = NULL;
    s->pending = false;
    arch_irq_restore(state);
    return s;
}

/* when_ns is HAL_NEVER while the service is not in the heap. */
static void service_set_due(struct hal_service *s)
{
    deadline_remove(&due, &s->loop.due);
    s->loop.due.when_ns = s->next_ns;
    if (s->next_ns != HAL_NEVER)
        deadline_add(&due, &s->loop.due, s->next_ns);
}

/* Puts a service where it belongs by what it says of itself now. A time that was put off is noted
 * when it comes. */
static void service_note(struct hal_service *s)
{
    struct hal_service_loop *l = &s->loop;

    if (s->next_ns < l->due.when_ns)
        service_set_due(s);
    if (s->polled && !l->polled) {
        l->polled = true;
        l->next_polled = polled;
        polled = s;
    }
    if (s->arm && !l->unarmed) {
        l->unarmed = true;
        l->next_unarmed = unarmed;
        unarmed = s;
    }
}

static void services_note_changes(void)
{
    struct hal_service *s;

    while ((s = changes)) {
        changes = s->loop.next_changed;
        s->loop.changed = false;
        service_note(s);
    }
}

void hal_service_add(struct hal_service *s)
{
    if (s->next_ns == 0)
        s->next_ns = HAL_NEVER; /* a zeroed service has no time at which it wants to run */
    s->loop.changes = &changes;
    s->loop.due.when_ns = HAL_NEVER;
    hal_service_changed(s);
}

/* The service that is due first, and is the root of the heap; NULL: none wants to run by time. */
static struct hal_service *service_first_due(void)
{
    while (due.root) {
        struct hal_service *s =
            (struct hal_service *)((char *)due.root - offsetof(struct hal_service, loop.due));

        if (s->next_ns == s->loop.due.when_ns)
            return s;
        service_set_due(s);
    }
    return NULL;
}

/* ---- a round --------------------------------------------------------------------------------- */

/* Is there something to note of it? */
static bool service_has_news(const struct hal_service *s)
{
    const struct hal_service_loop *l = &s->loop;

    return s->next_ns < l->due.when_ns || (s->polled && !l->polled) || (s->arm && !l->unarmed);
}

/* Calls run() or arm(). What that changes is noted here, and not by hal_service_changed. */
static bool service_call(struct hal_service *s, bool (*fn)(struct hal_service *))
{
    bool listed = s->loop.changed, result;

    s->loop.changed = true;
    running = s;
    result = fn(s);
    running = NULL;
    s->loop.changed = listed;
    if (service_has_news(s))
        service_note(s);
    return result;
}

/* Arms the first of the list, which then leaves the list. True: there is work. */
static bool service_arm_first(void)
{
    struct hal_service *s = unarmed;
    bool work;

    unarmed = s->loop.next_unarmed;
    work = !s->polled && service_call(s, s->arm);
    s->loop.unarmed = false;
    if (work)
        hal_service_wake(s);
    return work;
}

bool services_overdue(uint64_t now)
{
    if (!swept_ns)
        swept_ns = now;
    return now - swept_ns >= SWEEP_NS;
}

static void services_sweep(uint64_t now)
{
    struct hal_service *s = unarmed, *next;

    swept_ns = now;
    for (unarmed = NULL; s; s = next) {
        next = s->loop.next_unarmed;
        s->loop.next_unarmed = unarmed;
        unarmed = s;
        if (s->loop.worked)
            hal_service_wake(s);
        else
            service_arm_first();
    }
}

static void services_wake_polled(void)
{
    for (struct hal_service **link = &polled, *s; (s = *link);) {
        if (s->polled) {
            hal_service_wake(s);
            link = &s->loop.next_polled;
        } else {
            s->loop.polled = false;
            *link = s->loop.next_polled;
        }
    }
}

static void services_wake_due(uint64_t now)
{
    struct hal_service *s;

    while ((s = service_first_due()) && s->next_ns <= now) {
        deadline_remove(&due, &s->loop.due);
        s->loop.due.when_ns = HAL_NEVER;
        hal_service_wake(s);
    }
}

/* Runs what was woken, once each; what is woken once more stays for the next round. */
static bool services_run_woken(void)
{
    struct hal_service *s, *again = NULL, *last = NULL;
    bool worked = false;

    for (round++; woken;) {
        s = service_take();
        if (s->loop.round == round) {
            HAL_QUEUE_APPEND(again, last, s, loop.next_woken);
            continue;
        }
        s->loop.round = round;
        worked |= s->loop.worked = service_call(s, s->run);
    }
    while ((s = again)) {
        again = s->loop.next_woken;
        hal_service_wake(s);
    }
    return worked;
}

bool services_run(uint64_t now)
{
    if (changes)
        services_note_changes();
    if (services_overdue(now))
        services_sweep(now);
    if (polled)
        services_wake_polled();
    if (due.root && due.root->when_ns <= now)
        services_wake_due(now);
    return woken && services_run_woken();
}

bool services_arm(void)
{
    bool more = false;

    while (changes || unarmed) {
        if (changes)
            services_note_changes();
        else
            more |= service_arm_first();
    }
    swept_ns = 0;
    return more;
}

/* ---- questions ------------------------------------------------------------------------------- */

bool services_polled(void)
{
    for (const struct hal_service *s = polled; s; s = s->loop.next_polled)
        if (s->polled)
            return true;
    return false;
}

bool services_pending(void)
{
    return woken != NULL;
}

uint64_t services_next(void)
{
    const struct hal_service *s = service_first_due();

    return s ? s->next_ns : HAL_NEVER;
}

const char *services_running(void)
{
    return running ? running->name : NULL;
}
