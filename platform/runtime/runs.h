/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runs.h - free memory as an address-ordered list of runs. The head of a run lies in the run's own
 * first bytes, so a list costs nothing beside it and a gigabyte is as cheap as a page. Both the
 * page allocator and the pool of device memory are made of it.
 */
#ifndef VIREO_RUNS_H
#define VIREO_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run {
    struct run *next;
    size_t len; /* bytes, this head included */
};

struct runs {
    struct run *first;
    size_t granule; /* every address and length is a multiple of it; a power of two, >= 16 */
    size_t total;   /* bytes in the list */
};

/*
 * Takes len bytes aligned to `align` (a power of two) from the top of the smallest run that has
 * room, the highest of several. NULL: none has. The contents are arbitrary.
 */
void *runs_take(struct runs *r, size_t len, size_t align);

/*
 * Gives memory to the list, joined with its neighbours, and returns the run that it is now part of.
 * Memory that is in the list already is a panic: something was freed twice.
 */
struct run *runs_give(struct runs *r, void *p, size_t len);

/* Takes [p, p + len) out of the free run `from`, which must hold it all. */
void runs_cut(struct runs *r, struct run *from, void *p, size_t len);

/* Is the byte at p free? */
bool runs_hold(const struct runs *r, const void *p);

#endif
