/* SPDX-License-Identifier: BSD-2-Clause */
/* service.c - the list of services, and one round over it (hal.h, "services"). */
#include "hal.h"
#include "runtime.h"

/*
 * While tasks keep the CPU busy the loop never arms services, and a device whose interrupt is
 * disarmed would not be noticed. So once this time has passed since they were last armed or run as
 * a whole, all services run in the next round, as if polled.
 */
#define SWEEP_NS 100000ull

static struct hal_service *services; /* in the order in which they were added */
static struct hal_service *running;  /* its run() or arm() is on the stack; NULL: none */
static uint64_t swept_ns; /* when all services last ran in one round; 0: they were just armed */

void hal_service_add(struct hal_service *s)
{
    if (s->next_ns == 0)
        s->next_ns = HAL_NEVER; /* a zeroed service has no time at which it wants to run */
    HAL_LIST_APPEND(&services, s);
}

void hal_service_wake(struct hal_service *s)
{
    s->pending = true;
}

bool services_overdue(uint64_t now)
{
    if (!swept_ns)
        swept_ns = now;
    return now - swept_ns >= SWEEP_NS;
}

bool services_run(uint64_t now)
{
    bool worked = false, sweep = services_overdue(now);

    if (sweep)
        swept_ns = now;
    for (struct hal_service *s = services; s; s = s->next) {
        if (!sweep && !s->pending && !s->polled && s->next_ns > now)
            continue;
        s->pending = false;
        running = s;
        worked |= s->run(s);
        running = NULL;
    }
    return worked;
}

bool services_arm(void)
{
    bool more = false;

    for (struct hal_service *s = services; s; s = s->next) {
        if (!s->arm || s->polled)
            continue;
        running = s;
        if (s->arm(s))
            s->pending = more = true;
        running = NULL;
    }
    swept_ns = 0;
    return more;
}

bool services_polled(void)
{
    for (const struct hal_service *s = services; s; s = s->next)
        if (s->polled)
            return true;
    return false;
}

bool services_pending(void)
{
    for (const struct hal_service *s = services; s; s = s->next)
        if (s->pending)
            return true;
    return false;
}

uint64_t services_next(void)
{
    uint64_t when = HAL_NEVER;

    for (const struct hal_service *s = services; s; s = s->next)
        if (s->next_ns < when)
            when = s->next_ns;
    return when;
}

const char *services_running(void)
{
    return running ? running->name : NULL;
}
