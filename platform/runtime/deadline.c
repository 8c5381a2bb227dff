/* SPDX-License-Identifier: BSD-2-Clause */
/* deadline.c - a pairing heap (deadline.h). */
#include "deadline.h"

#include <stddef.h>

/* Joins two heaps by their roots, and returns the root of both. Either may be NULL. */
static struct hal_deadline *deadline_join(struct hal_deadline *a, struct hal_deadline *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->when_ns < a->when_ns) {
        struct hal_deadline *t = a;
        a = b;
        b = t;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    a->next = a->prev = NULL;
    return a;
}

/* Joins siblings into one heap: in pairs from the first on, then all pairs from the last on. */
static struct hal_deadline *deadline_join_siblings(struct hal_deadline *first)
{
    struct hal_deadline *pairs = NULL, *all = NULL;

    while (first) {
        struct hal_deadline *a = first, *b = a->next;
        first = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = deadline_join(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct hal_deadline *rest = pairs->next;
        pairs->next = NULL;
        all = deadline_join(all, pairs);
        pairs = rest;
    }
    return all;
}

void deadline_add(struct deadline_heap *h, struct hal_deadline *d, uint64_t when_ns)
{
    *d = (struct hal_deadline){.when_ns = when_ns, .queued = true};
    h->root = deadline_join(h->root, d);
}

void deadline_remove(struct deadline_heap *h, struct hal_deadline *d)
{
    if (!d->queued)
        return;
    d->queued = false;
    if (h->root == d) {
        h->root = deadline_join_siblings(d->child);
        return;
    }
    if (d->prev->child == d)
        d->prev->child = d->next;
    else
        d->prev->next = d->next;
    if (d->next)
        d->next->prev = d->prev;
    h->root = deadline_join(h->root, deadline_join_siblings(d->child));
}
