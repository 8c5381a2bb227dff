/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * symbols.c - names of functions, from the table that the build adds to the image.
 *
 * Section vireo_symtab: uint32 count; count pairs {uint32 address - __image_start, uint32 offset of
 * the name from the start of the strings}, sorted by address; NUL-terminated strings. In the first
 * of the two links of a build it is empty.
 */
#include "symbols.h"

extern const uint32_t __start_vireo_symtab[], __stop_vireo_symtab[];
extern const char __image_start[], __text_end[];

bool symbol_is_code(uintptr_t addr)
{
    return addr >= (uintptr_t)__image_start && addr < (uintptr_t)__text_end;
}

const char *symbol_find(uintptr_t addr, unsigned *offset)
{
    const uint32_t *table = __start_vireo_symtab;
    uintptr_t words = ((uintptr_t)__stop_vireo_symtab - (uintptr_t)table) / sizeof(*table);

    if (!symbol_is_code(addr) || !words || !table[0] || table[0] > (words - 1) / 2)
        return NULL;
    uint32_t want = (uint32_t)(addr - (uintptr_t)__image_start);
    uint32_t low = 0, high = table[0]; /* the last pair at or below `want` is in [low, high) */
    if (table[1] > want)
        return NULL;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (table[1 + 2 * mid] <= want)
            low = mid;
        else
            high = mid;
    }
    const char *name = (const char *)&table[1 + 2 * table[0]] + table[2 + 2 * low];
    if (name >= (const char *)__stop_vireo_symtab)
        return NULL;
    *offset = want - table[1 + 2 * low];
    return name;
}
