/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runs.h - free memory as a list of runs in order of address. The head of a run lies in the run's
 * own first bytes, so the list needs no memory beside the free one, and adding a gigabyte takes no
 * longer than adding a page. The page allocator and the pool of device memory are such lists.
 *
 * Memory in the list belongs to the list, and no other code touches it. Memory that was taken
 * belongs to the caller.
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
    size_t granule; /* addresses and lengths are multiples of it; bytes, a power of two, >= 16 */
    size_t total;   /* bytes in the list */
};

/*
 * Takes len bytes (a multiple of the granule) aligned to `align` (a power of two) from the top of
 * the smallest run that has room; of several of one size, of the highest. NULL: no run has room.
 * The bytes are not cleared.
 */
void *runs_take(struct runs *r, size_t len, size_t align);

/*
 * Gives [p, p + len) to the list, joins it with the runs that it touches, and returns the run that
 * holds it now. Panics if a byte of it is in the list already: the memory was freed twice.
 */
struct run *runs_give(struct runs *r, void *p, size_t len);

/* Takes [p, p + len) out of the free run `from`, which must hold all of it. */
void runs_cut(struct runs *r, struct run *from, void *p, size_t len);

/* Is the byte at p in the list? */
bool runs_hold(const struct runs *r, const void *p);

#endif
