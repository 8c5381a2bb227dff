/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal_services.c - the services of hal.h for a kernel that has no loop for them: vireo_poll() of
 * vireo_drivers.h. A kernel that sleeps in another thread replaces hal_service_wake() by one that
 * also wakes that thread.
 */
#include "vireo_drivers.h"

#define POLL_ROUNDS 64 /* of one vireo_poll(): then the kernel has its turn */

static struct hal_service *services; /* in the order in which they were added */

HAL_WEAK void hal_service_add(struct hal_service *s)
{
    if (s->next_ns == 0)
        s->next_ns = HAL_NEVER;
    HAL_LIST_APPEND(&services, s);
}

HAL_WEAK void hal_service_wake(struct hal_service *s)
{
    s->pending = true;
}

static bool poll_run(void)
{
    bool worked = false;

    for (struct hal_service *s = services; s; s = s->next) {
        if (!s->pending && !s->polled && s->next_ns > hal_now_ns())
            continue;
        s->pending = false;
        worked |= s->run(s);
    }
    return worked;
}

static bool poll_arm(void)
{
    bool more = false;

    for (struct hal_service *s = services; s; s = s->next)
        if (s->arm && !s->polled && s->arm(s))
            s->pending = more = true;
    return more;
}

static uint64_t poll_next(void)
{
    uint64_t when = HAL_NEVER;

    for (const struct hal_service *s = services; s; s = s->next) {
        if (s->polled)
            return 0;
        when = s->next_ns < when ? s->next_ns : when;
    }
    return when;
}

uint64_t vireo_poll(void)
{
    for (unsigned i = 0; i < POLL_ROUNDS; i++)
        if (!poll_run() && !poll_arm())
            return vireo_pending() ? 0 : poll_next();
    return 0;
}

bool vireo_pending(void)
{
    for (const struct hal_service *s = services; s; s = s->next)
        if (s->pending)
            return true;
    return false;
}
