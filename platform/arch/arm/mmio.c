/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmio.c - virtual addresses for device registers. Registers below RAM_LIMIT have their own
 * address. Others, as in QEMU's PCI windows above 4 GiB, have addresses from RAM_LIMIT on, in
 * places of a multiple of 2 MiB, so that many small ranges side by side share one place.
 */
#include "arch.h"
#include "paging.h"

#define PLACES      128u
#define PLACE_BYTES 0x200000ull
#define PLACE_END   0xffe00000ull

static struct {
    uint64_t phys, len; /* multiples of PLACE_BYTES */
    uintptr_t at;
} places[PLACES];
static unsigned place_count;
static uint64_t next_free = RAM_LIMIT;

uintptr_t paging_place(uint64_t phys, uint64_t len)
{
    uint64_t first = phys & ~(PLACE_BYTES - 1);
    uint64_t end = (phys + len + PLACE_BYTES - 1) & ~(PLACE_BYTES - 1);

    if (end <= RAM_LIMIT)
        return (uintptr_t)phys;
    for (unsigned i = 0; i < place_count; i++)
        if (first >= places[i].phys && end <= places[i].phys + places[i].len)
            return places[i].at + (uintptr_t)(phys - places[i].phys);
    if (place_count == PLACES || end - first > PLACE_END - next_free)
        return 0;
    uintptr_t at = (uintptr_t)next_free;
    places[place_count].phys = first;
    places[place_count].len = end - first;
    places[place_count++].at = at;
    next_free += end - first;
    return at + (uintptr_t)(phys - first);
}
