/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deadline.h - a heap of points in time, linked through its members (struct hal_deadline). Adding
 * one takes one comparison; removing any takes, on average, the logarithm of their number.
 */
#ifndef VIREO_DEADLINE_H
#define VIREO_DEADLINE_H

#include "hal.h"

struct deadline_heap {
    struct hal_deadline *root; /* the earliest; NULL: the heap is empty */
};

/* Is there one before when_ns? */
static inline bool deadline_before(const struct deadline_heap *h, uint64_t when_ns)
{
    return h->root && h->root->when_ns < when_ns;
}

/* Adds d, which is in no heap, and stays where it is until it was removed. */
void deadline_add(struct deadline_heap *h, struct hal_deadline *d, uint64_t when_ns);
/* Removes d; does nothing if d is in no heap. */
void deadline_remove(struct deadline_heap *h, struct hal_deadline *d);

#endif
