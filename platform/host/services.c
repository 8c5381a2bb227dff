/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * services.c (host) - virtual time, the service loop, the init table and shutdown.
 */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"

#define ROUNDS 10000

static uint64_t now = HAL_MS;
static uint64_t step = 1000;
static struct hal_service *services;
static struct hal_service *changes; /* hal_service_changed, since arm() was called */

/* Calls that host_at was asked for. */
#define ALARMS 32
static struct {
    uint64_t when;
    void (*fn)(void *ctx);
    void *ctx;
} alarms[ALARMS];
static unsigned alarm_count;
static bool ringing;

static void host_ring_alarms(void)
{
    if (ringing)
        return;
    ringing = true;
    for (unsigned i = 0; i < alarm_count;) {
        void (*fn)(void *) = alarms[i].fn;
        void *ctx = alarms[i].ctx;

        if (alarms[i].when > now) {
            i++;
            continue;
        }
        alarms[i] = alarms[--alarm_count];
        fn(ctx);
        i = 0;
    }
    ringing = false;
}

void host_at(uint64_t when, void (*fn)(void *ctx), void *ctx)
{
    if (alarm_count == ALARMS) {
        fprintf(stderr, "host_at: more than %u alarms\n", ALARMS);
        abort();
    }
    alarms[alarm_count].when = when;
    alarms[alarm_count].fn = fn;
    alarms[alarm_count++].ctx = ctx;
}

/* Time passes, and alarms ring: not inside of a handler, nor of another alarm. */
static void host_time_pass(uint64_t ns)
{
    now += ns;
    if (alarm_count && !host_in_handler())
        host_ring_alarms();
}

uint64_t hal_now_ns(void)
{
    host_time_pass(step);
    return now;
}

void host_relax(void)
{
    host_time_pass(10 * step);
}

void host_advance(uint64_t ns)
{
    host_time_pass(ns);
}

void host_time_step(uint64_t ns)
{
    step = ns;
}

/* Weak, as hal_service_wake: a test of drivers/hal_services.c has those there. */
__attribute__((weak)) void hal_service_add(struct hal_service *s)
{
    for (struct hal_service *o = services; o; o = o->next) {
        if (o == s) {
            host_violation("service %s added twice", s->name);
            return;
        }
    }
    if (s->next_ns == 0)
        s->next_ns = HAL_NEVER;
    s->next = services;
    services = s;
    s->loop.changes = &changes;
    s->loop.due.when_ns = HAL_NEVER;
    hal_service_changed(s);
}

/* Would a loop that does not look at each service know what this one wants? */
static void host_check_noted(const struct hal_service *s)
{
    if (!s->loop.changes || s->loop.changed)
        return;
    if (s->next_ns < s->loop.due.when_ns)
        host_violation("service %s is due earlier, without hal_service_changed", s->name);
    if (s->polled && !s->loop.polled)
        host_violation("service %s is polled, without hal_service_changed", s->name);
}

static bool host_run_service(struct hal_service *s)
{
    bool did;

    s->pending = false;
    did = s->run(s);
    hal_service_changed(s);
    return did;
}

__attribute__((weak)) void hal_service_wake(struct hal_service *s)
{
    s->pending = true;
}

bool host_run_round(void)
{
    bool did = false;

    for (struct hal_service *s = services, *next; s; s = next) {
        next = s->next;
        if (!s->pending)
            host_check_noted(s);
        if (s->pending || s->polled || s->next_ns <= now)
            did |= host_run_service(s);
    }
    return did;
}

/* Arms those that ran or changed since. */
static bool host_arm_changed(void)
{
    bool work = false;
    struct hal_service *s;

    while ((s = changes)) {
        changes = s->loop.next_changed;
        if (s->arm && s->arm(s))
            s->pending = work = true;
        s->loop.changed = false;
        s->loop.due.when_ns = s->next_ns;
        s->loop.polled = s->polled;
    }
    return work;
}

static bool host_any_pending(void)
{
    for (struct hal_service *s = services; s; s = s->next)
        if (s->pending)
            return true;
    return false;
}

void host_run_services(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (host_run_round())
            continue;
        if (!host_arm_changed() && !host_any_pending())
            return;
    }
    host_violation("the services still have work after %u rounds", ROUNDS);
}

uint64_t host_next_due(void)
{
    uint64_t when = HAL_NEVER;

    for (struct hal_service *s = services; s; s = s->next)
        if (s->next_ns < when)
            when = s->next_ns;
    for (unsigned i = 0; i < alarm_count; i++)
        if (alarms[i].when < when)
            when = alarms[i].when;
    return when;
}

void host_run_for(uint64_t ns)
{
    uint64_t end = now + ns;

    for (unsigned i = 0; i < 100 * ROUNDS; i++) {
        host_run_services();
        uint64_t when = host_next_due();
        if (now >= end || when > end)
            break;
        host_time_pass(when > now ? when - now : 0);
    }
    if (now < end)
        host_time_pass(end - now);
}

/* ---- start-up -------------------------------------------------------------------------------- */

extern const struct hal_init __start_vireo_init[] __attribute__((weak));
extern const struct hal_init __stop_vireo_init[] __attribute__((weak));

/* Of drivers/vireo_drivers.h: there if a driver is linked. */
struct virtio_driver;
int vireo_start(const struct virtio_driver *const *drivers) __attribute__((weak));

void host_boot(void)
{
    for (unsigned level = 0; level < HAL_INIT_LEVELS; level++) {
        if (level == HAL_INIT_DEVICE && vireo_start)
            vireo_start(NULL);
        for (const struct hal_init *i = __start_vireo_init; i < __stop_vireo_init; i++)
            if (i->level == level)
                i->fn();
    }
}

#define SHUTDOWNS 32
static struct {
    hal_shutdown_fn fn;
    void *ctx;
} shutdowns[SHUTDOWNS];
static unsigned shutdown_count;

int hal_on_shutdown(hal_shutdown_fn fn, void *ctx)
{
    if (shutdown_count == SHUTDOWNS)
        return -ENOMEM;
    shutdowns[shutdown_count].fn = fn;
    shutdowns[shutdown_count++].ctx = ctx;
    return 0;
}

void host_shutdown(void)
{
    while (shutdown_count > 0) {
        shutdown_count--;
        shutdowns[shutdown_count].fn(shutdowns[shutdown_count].ctx);
    }
}
