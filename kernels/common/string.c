/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * string.c - the three functions of libc that drivers use. Compiled so that the compiler does not
 * make calls of these very functions out of the loops (-fno-tree-loop-distribute-patterns).
 */
#include "kernel.h"

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    const uint8_t *f = from;

    for (uint8_t *t = to; n; n--)
        *t++ = *f++;
    return to;
}

void *memset(void *p, int c, size_t n)
{
    for (uint8_t *t = p; n; n--)
        *t++ = (uint8_t)c;
    return p;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;

    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}
