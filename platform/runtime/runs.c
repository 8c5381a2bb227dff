/* SPDX-License-Identifier: BSD-2-Clause */
/* runs.c - free memory as a list of runs in order of address (runs.h). */
#include "runs.h"

#include "hal.h"

static uintptr_t run_start(const struct run *run)
{
    return (uintptr_t)run;
}

static uintptr_t run_end(const struct run *run)
{
    return (uintptr_t)run + run->len;
}

/* *at: where len bytes would lie at the top of a run. False: the run has no room. */
static bool run_top_fit(const struct run *run, size_t len, size_t align, uintptr_t *at)
{
    if (run->len < len)
        return false;
    *at = (run_end(run) - len) & ~(uintptr_t)(align - 1);
    return *at >= run_start(run);
}

void runs_cut(struct runs *r, struct run *from, void *p, size_t len)
{
    uintptr_t low = (uintptr_t)p, high = low + len, end = run_end(from);
    struct run **link = &r->first;

    hal_assert(low >= run_start(from) && high >= low && high <= end);
    while (*link != from)
        link = &(*link)->next;
    struct run *rest = from->next;
    if (high < end) {
        struct run *above = (struct run *)high;
        above->next = rest;
        above->len = end - high;
        rest = above;
    }
    if (low > run_start(from)) {
        from->len = low - run_start(from);
        from->next = rest;
    } else {
        *link = rest;
    }
    r->total -= len;
}

void *runs_take(struct runs *r, size_t len, size_t align)
{
    struct run *best = NULL;
    uintptr_t best_at = 0, at;

    if (len == 0 || len > r->total)
        return NULL;
    if (align < r->granule)
        align = r->granule;
    for (struct run *run = r->first; run; run = run->next)
        if ((!best || run->len <= best->len) && run_top_fit(run, len, align, &at)) {
            best = run;
            best_at = at;
        }
    if (!best)
        return NULL;
    runs_cut(r, best, (void *)best_at, len);
    return (void *)best_at;
}

struct run *runs_give(struct runs *r, void *p, size_t len)
{
    struct run *run = p, *before = NULL, *after = r->first;

    hal_assert(len && !(((uintptr_t)p | len) & (r->granule - 1)));
    while (after && after < run) {
        before = after;
        after = after->next;
    }
    if ((before && run_end(before) > (uintptr_t)p) ||
        (after && run_start(after) < (uintptr_t)p + len))
        hal_panic("memory at %p, %zu bytes, was freed twice", p, len);

    r->total += len;
    run->len = len;
    run->next = after;
    if (after && run_start(after) == run_end(run)) {
        run->len += after->len;
        run->next = after->next;
    }
    if (!before) {
        r->first = run;
        return run;
    }
    if (run_end(before) != run_start(run)) {
        before->next = run;
        return run;
    }
    before->len += run->len;
    before->next = run->next;
    return before;
}

bool runs_hold(const struct runs *r, const void *p)
{
    for (const struct run *run = r->first; run && run_start(run) <= (uintptr_t)p; run = run->next)
        if ((uintptr_t)p < run_end(run))
            return true;
    return false;
}
