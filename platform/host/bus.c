/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bus.c (host) - register accesses, which call the model that has the address; the event hook and
 * the event log; broken rules.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

/* An hal_mmio_t is the bus address plus this, so that use of an unmapped address is found. */
#define MMIO_TAG 0x5a00000000000000ull

#define RANGES 64
static struct range {
    uint64_t phys, len;
    const struct host_bus *ops;
    void *ctx;
} ranges[RANGES];
static unsigned range_count;

static unsigned violation_count;
static char first_violation[256];
static const char *excused;
static bool not_judged;

void host_violation(const char *fmt, ...)
{
    char text[sizeof(first_violation)];
    va_list ap;

    if (not_judged)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (excused && !strncmp(text, excused, strlen(excused))) {
        fprintf(stderr, "excused: %s\n", text);
        return;
    }
    if (violation_count++ == 0)
        memcpy(first_violation, text, sizeof(text));
    fprintf(stderr, "violation: %s\n", text);
}

void host_excuse(const char *who)
{
    excused = who;
}

unsigned host_violations(void)
{
    return violation_count;
}

const char *host_first_violation(void)
{
    return first_violation;
}

void host_violations_clear(void)
{
    violation_count = 0;
    first_violation[0] = '\0';
}

void host_judge(bool on)
{
    not_judged = !on;
}

/* ---- events ---------------------------------------------------------------------------------- */

#define EVENTS 65536
static struct host_event events[EVENTS];
static unsigned event_count;
static bool event_log_on;
static host_event_fn hook;
static void *hook_ctx;
static bool in_hook;
bool host_events_on;

void host_set_hook(host_event_fn fn, void *ctx)
{
    hook = fn;
    hook_ctx = ctx;
    host_events_on = hook || event_log_on;
}

void host_log_events(bool on)
{
    event_log_on = on;
    if (on)
        event_count = 0;
    host_events_on = hook || event_log_on;
}

unsigned host_event_count(void)
{
    return event_count;
}

const struct host_event *host_event_at(unsigned n)
{
    return n < event_count ? &events[n] : NULL;
}

static void host_event_record(const struct host_event *e)
{
    if (hook && !in_hook) {
        in_hook = true;
        hook(e, hook_ctx);
        in_hook = false;
    }
    if (event_log_on && event_count < EVENTS)
        events[event_count++] = *e;
}

void host_event(enum host_event_kind kind, const volatile void *word, unsigned width, uint64_t v,
                bool strong)
{
    struct host_event e = {kind, (uintptr_t)word, v, (uint8_t)width, strong};

    if (word && (uintptr_t)word % width != 0)
        host_violation("shared word %p is not aligned to %u", (const void *)word, width);
    if (word && host_dma_owned(word, width))
        host_violation("shared word %p is in a buffer that the device has", (const void *)word);
    host_event_record(&e);
}

/* ---- registers ------------------------------------------------------------------------------- */

void host_bus_add(uint64_t phys, uint64_t len, const struct host_bus *ops, void *ctx)
{
    if (range_count == RANGES) {
        fprintf(stderr, "host_bus_add: more than %u ranges\n", RANGES);
        abort();
    }
    ranges[range_count++] = (struct range){phys, len, ops, ctx};
}

static struct range *host_bus_find(uint64_t phys, uint64_t len)
{
    for (unsigned i = 0; i < range_count; i++) {
        struct range *r = &ranges[i];
        if (phys >= r->phys && len <= r->len && phys - r->phys <= r->len - len)
            return r;
    }
    return NULL;
}

hal_mmio_t hal_mmio_map(uint64_t phys, uint64_t len)
{
    if (host_in_handler())
        host_violation("hal_mmio_map in handler context");
    return len != 0 && host_bus_find(phys, len) ? phys + MMIO_TAG : 0;
}

static struct range *host_bus_check(hal_mmio_t a, unsigned width, const char *what)
{
    uint64_t phys = a - MMIO_TAG;
    struct range *r = a >= MMIO_TAG ? host_bus_find(phys, width) : NULL;

    if (!r)
        host_violation("%s of %u bytes at unmapped %#llx", what, width, (unsigned long long)a);
    else if (phys % width != 0)
        host_violation("%s of %u bytes at misaligned %#llx", what, width, (unsigned long long)phys);
    return r;
}

uint32_t host_mmio_read(hal_mmio_t a, unsigned width, bool sync)
{
    struct range *r = host_bus_check(a, width, "read");
    uint32_t all_ones = width == 4 ? UINT32_MAX : (1u << width * 8) - 1;
    uint32_t v =
        r ? r->ops->read(r->ctx, a - MMIO_TAG - r->phys, width, sync) & all_ones : all_ones;
    struct host_event e = {HOST_READ, a - MMIO_TAG, v, (uint8_t)width, sync};

    if (host_events_on)
        host_event_record(&e);
    return v;
}

void host_mmio_write(hal_mmio_t a, unsigned width, uint32_t v, bool sync)
{
    struct range *r = host_bus_check(a, width, "write");
    struct host_event e = {HOST_WRITE, a - MMIO_TAG, v, (uint8_t)width, sync};

    if (host_events_on)
        host_event_record(&e);
    if (r)
        r->ops->write(r->ctx, a - MMIO_TAG - r->phys, width, v, sync);
}
