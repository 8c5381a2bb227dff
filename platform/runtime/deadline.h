/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deadline.h - a heap of points in time (hal_now_ns), linked through its members. Adding one takes
 * one comparison; removing any takes, on average, the logarithm of their number.
 */
#ifndef VIREO_DEADLINE_H
#define VIREO_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

/* A member of the structure that waits. Zeroed: not in a heap. */
struct deadline {
    uint64_t when_ns;
    struct deadline *child; /* first of its children, which are due no earlier */
    struct deadline *next;  /* its next sibling */
    struct deadline *prev;  /* its previous sibling; of a first child: the parent */
    bool queued;            /* it is in a heap */
};

struct deadline_heap {
    struct deadline *root; /* the earliest; NULL: the heap is empty */
};

/* Adds d, which is in no heap, and stays where it is until it was removed. */
void deadline_add(struct deadline_heap *h, struct deadline *d, uint64_t when_ns);
/* Removes d; does nothing if d is in no heap. */
void deadline_remove(struct deadline_heap *h, struct deadline *d);

#endif
