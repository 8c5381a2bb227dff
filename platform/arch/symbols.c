/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * symbols.c - names of functions, from the table that the build adds to the image.
 *
 * Section vireo_symtab has an entry for each function, in order of address: the distance from the
 * function before, or from __image_start (bytes; seven bits in each byte, the lowest first, the top
 * bit set in all but the last); how many characters its name begins with that the name before
 * begins with, too; the others, the top bit set in the last. In the first of the two links of a
 * build the section is empty.
 */
#include "symbols.h"

#define NAME_MAX 128 /* characters of a name that are told, with the zero behind them */

extern const uint8_t __start_vireo_symtab[], __stop_vireo_symtab[];
extern const char __image_start[], __text_end[];

struct entry {
    uint32_t offset; /* of the function, from __image_start */
    char name[NAME_MAX];
};

bool symbol_is_code(uintptr_t addr)
{
    return addr >= (uintptr_t)__image_start && addr < (uintptr_t)__text_end;
}

static const uint8_t *symbol_distance(const uint8_t *p, uint32_t *offset)
{
    for (unsigned shift = 0; shift < 32; shift += 7) {
        *offset += (uint32_t)(*p & 0x7f) << shift;
        if (!(*p++ & 0x80))
            break;
    }
    return p;
}

/* Copies the rest of a name behind the characters that it shares. Returns what follows. */
static const uint8_t *symbol_name(const uint8_t *p, char *name)
{
    size_t at = *p++;

    for (;; p++, at++) {
        if (at < NAME_MAX - 1) {
            name[at] = (char)(*p & 0x7f);
            name[at + 1] = '\0';
        }
        if (*p & 0x80)
            return p + 1;
    }
}

const char *symbol_find(uintptr_t addr, unsigned *offset)
{
    static struct entry e; /* only a fault looks for names */
    const uint8_t *p = __start_vireo_symtab, *behind;
    uint32_t want = (uint32_t)(addr - (uintptr_t)__image_start), next = 0;
    bool found = false;

    if (!symbol_is_code(addr))
        return NULL;
    e.offset = 0;
    while (p < __stop_vireo_symtab) {
        behind = symbol_distance(p, &next);
        if (next > want)
            break;
        e.offset = next;
        p = symbol_name(behind, e.name);
        found = true;
    }
    *offset = want - e.offset;
    return found ? e.name : NULL;
}
