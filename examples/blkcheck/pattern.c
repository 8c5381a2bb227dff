/* SPDX-License-Identifier: BSD-2-Clause */
/* pattern.c - the pattern of blkcheck (pattern.h). */
#include "pattern.h"

#include <stdio.h>
#include <string.h>

#define MIX         0x9e3779b97f4a7c15ull
#define MIX_INVERSE 0xf1de83e19937733dull /* MIX * MIX_INVERSE is 1 modulo 2^64 */

/* Multiplying by an odd number and folding the high half down are both undone exactly. */
static uint64_t word_at(uint64_t index, uint64_t seed)
{
    uint64_t v = (index ^ seed << 40) * MIX;
    return (v ^ v >> 32) + seed;
}

static uint64_t index_of(uint64_t word, uint64_t seed)
{
    uint64_t v = word - seed;
    return (v ^ v >> 32) * MIX_INVERSE ^ seed << 40;
}

void pattern_fill(char *buf, size_t len, uint64_t at, uint64_t seed)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t v = word_at((at + i) / 8, seed);
        memcpy(buf + i, &v, len - i < 8 ? len - i : 8);
    }
}

size_t pattern_check(const char *buf, size_t len, uint64_t at, uint64_t seed)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t v = word_at((at + i) / 8, seed);
        if (memcmp(buf + i, &v, len - i < 8 ? len - i : 8) != 0)
            return i;
    }
    return len;
}

void pattern_explain(const char *buf, size_t len, uint64_t at, uint64_t seed)
{
    uint64_t found = 0;

    memcpy(&found, buf, len < 8 ? len : 8);
    uint64_t index = index_of(found, seed);
    printf("blkcheck: byte %llu holds %016llx instead of %016llx", (unsigned long long)at,
           (unsigned long long)found, (unsigned long long)word_at(at / 8, seed));
    if (len >= 8 && index < 1ull << 38) /* any word undoes to something: few to a place on a disk */
        printf(", which belongs to byte %llu", (unsigned long long)(index * 8));
    else if (found == 0)
        printf(": never written?");
    printf("\n");
}
