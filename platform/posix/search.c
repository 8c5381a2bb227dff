/* SPDX-License-Identifier: BSD-2-Clause */
/* search.c - tables and lists that are searched from one end to the other (POSIX.1-2017). */
#include <search.h>
#include <stdint.h>
#include <string.h>

/* The front of each element of a list, as POSIX has it. */
struct search_link {
    struct search_link *next, *before;
};

void *lfind(const void *key, const void *base, size_t *count, size_t size,
            int (*compare)(const void *, const void *))
{
    const char *at = base;

    for (size_t i = 0; i < *count; i++, at += size)
        if (!compare(key, at))
            return (void *)(uintptr_t)at;
    return NULL;
}

void *lsearch(const void *key, void *base, size_t *count, size_t size,
              int (*compare)(const void *, const void *))
{
    void *found = lfind(key, base, count, size, compare);

    return found ? found : memcpy((char *)base + (*count)++ * size, key, size);
}

void insque(void *element, void *behind)
{
    struct search_link *e = element, *b = behind;

    e->before = b;
    e->next = b ? b->next : NULL;
    if (e->next)
        e->next->before = e;
    if (b)
        b->next = e;
}

void remque(void *element)
{
    struct search_link *e = element;

    if (e->before)
        e->before->next = e->next;
    if (e->next)
        e->next->before = e->before;
}
