/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal_arena.c - memory for drivers in a kernel without an allocator (hal.h, "memory"), as weak
 * functions: ranges that vireo_give_memory() was given, in a list by address, first fit. For memory
 * that a device finds at the CPU's address and sees as the CPU does.
 */
#include "vireo_drivers.h"

#define ARENA_UNIT   sizeof(struct arena_range) /* all ranges are multiples of it */
#define ARENA_HEADER 16                         /* in front of what hal_alloc() gives */

/* The head of a free range. */
struct arena_range {
    struct arena_range *next;
    size_t size;
} __attribute__((aligned(16)));

static struct arena_range *arena_free;

static size_t arena_round(size_t size)
{
    return (size + ARENA_UNIT - 1) & ~(ARENA_UNIT - 1);
}

static char *arena_end(struct arena_range *r)
{
    return (char *)r + r->size;
}

/* b is behind a: makes them one if they touch. */
static void arena_join(struct arena_range *a, struct arena_range *b)
{
    if (!b || arena_end(a) != (char *)b)
        return;
    a->size += b->size;
    a->next = b->next;
}

/* size: a multiple of the unit, above 0 */
static void arena_put(void *p, size_t size)
{
    struct arena_range *r = (struct arena_range *)p, *before = NULL;

    for (struct arena_range *at = arena_free; at && at < r; at = at->next)
        before = at;
    r->size = size;
    r->next = before ? before->next : arena_free;
    if (before)
        before->next = r;
    else
        arena_free = r;
    arena_join(r, r->next);
    if (before)
        arena_join(before, r);
}

static void *arena_carve(size_t size, size_t align)
{
    struct arena_range **at = &arena_free;

    if (!size || size > SIZE_MAX / 2)
        return NULL;
    size = arena_round(size);
    for (; *at; at = &(*at)->next) {
        struct arena_range *r = *at;
        uintptr_t p = ((uintptr_t)r + align - 1) & ~((uintptr_t)align - 1);
        size_t skip = (size_t)(p - (uintptr_t)r);

        if (skip > r->size || r->size - skip < size)
            continue;
        size_t left = r->size - skip - size;

        *at = r->next;
        if (skip)
            arena_put(r, skip);
        if (left)
            arena_put((char *)r + skip + size, left);
        memset((void *)p, 0, size);
        return (void *)p;
    }
    return NULL;
}

void vireo_give_memory(void *p, size_t len)
{
    uintptr_t begin = ((uintptr_t)p + ARENA_UNIT - 1) & ~(ARENA_UNIT - 1);
    uintptr_t end = ((uintptr_t)p + len) & ~(ARENA_UNIT - 1);

    if (begin >= end)
        return;
    arena_put((void *)begin, (size_t)(end - begin));
}

HAL_WEAK void *hal_alloc(size_t size)
{
    char *p = size <= SIZE_MAX / 2 ? (char *)arena_carve(size + ARENA_HEADER, 16) : NULL;

    if (!p)
        return NULL;
    *(size_t *)(void *)p = arena_round(size + ARENA_HEADER);
    return p + ARENA_HEADER;
}

HAL_WEAK void hal_free(void *p)
{
    char *begin;

    if (!p)
        return;
    begin = (char *)p - ARENA_HEADER;
    arena_put(begin, *(size_t *)(void *)begin);
}

HAL_WEAK void *hal_dma_alloc(size_t size, size_t align, uint64_t *dma)
{
    void *p = arena_carve(size, align < ARENA_UNIT ? ARENA_UNIT : align);

    if (dma)
        *dma = (uintptr_t)p;
    return p;
}

HAL_WEAK void hal_dma_free(void *p, size_t size)
{
    if (p)
        arena_put(p, arena_round(size));
}

HAL_WEAK uint64_t hal_dma_addr(const void *p, size_t len)
{
    (void)len;
    return (uintptr_t)p;
}
