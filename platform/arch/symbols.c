/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * symbols.c - names of functions, from the table that the build adds to the image.
 *
 * Section vireo_symtab: uint32 count; count words {uint32 address - __image_start} in order of
 * address; the names in the same order, each ending in a zero byte. In the first of the two links
 * of a build it is empty.
 */
#include "symbols.h"

extern const uint32_t __start_vireo_symtab[], __stop_vireo_symtab[];
extern const char __image_start[], __text_end[];

bool symbol_is_code(uintptr_t addr)
{
    return addr >= (uintptr_t)__image_start && addr < (uintptr_t)__text_end;
}

/* The name of number n; the table has no offsets of names, since only a fault looks one up. */
static const char *symbol_name(const uint32_t *table, uint32_t n)
{
    const char *name = (const char *)&table[1 + table[0]];
    const char *end = (const char *)__stop_vireo_symtab;

    while (n-- && name < end)
        name += __builtin_strlen(name) + 1;
    return name < end ? name : NULL;
}

const char *symbol_find(uintptr_t addr, unsigned *offset)
{
    const uint32_t *table = __start_vireo_symtab;
    uintptr_t words = ((uintptr_t)__stop_vireo_symtab - (uintptr_t)table) / sizeof(*table);

    if (!symbol_is_code(addr) || !words || !table[0] || table[0] > words - 1)
        return NULL;
    uint32_t want = (uint32_t)(addr - (uintptr_t)__image_start);
    uint32_t low = 0, high = table[0]; /* the last address at or below `want` is in [low, high) */
    if (table[1] > want)
        return NULL;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (table[1 + mid] <= want)
            low = mid;
        else
            high = mid;
    }
    *offset = want - table[1 + low];
    return symbol_name(table, low);
}
