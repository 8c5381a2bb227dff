/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c - memory for drivers: an array in units of 64 bytes, and a byte for each unit that says
 * whether the unit is used. Memory of the image is where it is, for the CPU and for devices.
 */
#include "kernel.h"

#define UNIT  64u
#define UNITS 32768u /* 2 MiB */

extern char __image_begin[], __image_end[]; /* code, data, stack and `units`: kernel.ld */

static uint8_t units[UNITS * UNIT] __attribute__((aligned(4096)));
static bool used[UNITS];

static bool memory_is_free(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        if (used[i])
            return false;
    return true;
}

static void *memory_take(size_t size, size_t align)
{
    size_t count = (size + UNIT - 1) / UNIT, step = align > UNIT ? align / UNIT : 1;

    for (size_t i = 0; count <= UNITS && i <= UNITS - count; i += step)
        if (!used[i] && memory_is_free(i, count)) {
            memset(used + i, true, count);
            return memset(units + i * UNIT, 0, size);
        }
    return NULL;
}

static void memory_give(void *p, size_t size)
{
    memset(used + ((uint8_t *)p - units) / UNIT, false, (size + UNIT - 1) / UNIT);
}

void *hal_dma_alloc(size_t size, size_t align, uint64_t *dma)
{
    void *p = memory_take(size, align);

    *dma = (uintptr_t)p;
    return p;
}

void hal_dma_free(void *p, size_t size)
{
    if (p)
        memory_give(p, size);
}

/* The size stands in the 16 bytes in front. */
void *hal_alloc(size_t size)
{
    size_t *p = size <= SIZE_MAX - 16 ? memory_take(size + 16, 16) : NULL;

    if (!p)
        return NULL;
    *p = size + 16;
    return (uint8_t *)p + 16;
}

void hal_free(void *p)
{
    size_t *front = (size_t *)((uint8_t *)p - 16);

    if (p)
        memory_give(front, *front);
}

uint64_t hal_dma_addr(const void *p, size_t len)
{
    uintptr_t at = (uintptr_t)p, begin = (uintptr_t)__image_begin, end = (uintptr_t)__image_end;

    return at >= begin && at <= end && len <= end - at ? at : HAL_DMA_NONE;
}
