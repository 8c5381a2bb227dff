/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deadline.h - a heap of points in time that needs no memory of its own: adding costs a comparison,
 * removing the earliest or any other costs the logarithm of their number (amortised).
 */
#ifndef VIREO_DEADLINE_H
#define VIREO_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

/* Part of whatever waits. Zero-initialised: not in the heap. */
struct deadline {
    uint64_t when_ns;
    struct deadline *child; /* first of those that are due no earlier than this one */
    struct deadline *next;  /* its next sibling */
    struct deadline *prev;  /* its previous sibling, or the parent of a first child */
    bool queued;
};

struct deadline_heap {
    struct deadline *root; /* the earliest; NULL: none */
};

void deadline_add(struct deadline_heap *h, struct deadline *d, uint64_t when_ns);
/* Allowed for one that is not in the heap. */
void deadline_remove(struct deadline_heap *h, struct deadline *d);

#endif
