/* SPDX-License-Identifier: BSD-2-Clause */
/* ram.c - how much memory the drivers hold, with the option qsize=QSIZE ("": without). */
#include "port.h"

static size_t held;

static void *take(size_t size, size_t align)
{
    static uint8_t arena[4 << 20] __attribute__((aligned(4096)));
    static size_t at;

    at = (at + align - 1) & ~(align - 1);
    if (size > sizeof(arena) - at)
        return NULL;
    at += size;
    held += size;
    return arena + at - size;
}

void *hal_alloc(size_t size)
{
    size_t *p = take(size + 16, 16);

    if (!p)
        return NULL;
    *p = size + 16;
    return (uint8_t *)p + 16;
}

void hal_free(void *p)
{
    if (p)
        held -= *(size_t *)((uint8_t *)p - 16);
}

void *hal_dma_alloc(size_t size, size_t align, uint64_t *dma)
{
    void *p = take(size, align);

    *dma = (uintptr_t)p;
    return p;
}

void hal_dma_free(void *p, size_t size)
{
    if (p)
        held -= size;
}

const char *hal_option(const char *dev, const char *name)
{
    (void)dev;
    return sizeof(QSIZE) > 1 && hal_same_name(name, "qsize") ? QSIZE : NULL;
}

/* For the test, which has its own end of port_check(): "ram: held=BYTES". */
void port_check_ram(void)
{
    hal_log(HAL_INFO, "ram", "held=%zu", held);
}
