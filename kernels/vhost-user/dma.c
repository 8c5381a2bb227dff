/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma.c - mappings (HAL_DMA_MAPS 1). The back-end reaches one range of memory. Data in it is lent
 * where it lies; data elsewhere is copied into it before, out of it after the device's use. A bus
 * address is the address in this process: the back-end is told so.
 */
#include <stdlib.h>
#include <string.h>

#include "process.h"

/* Data that was copied, by the address of the copy. */
struct copy {
    struct copy *next;
    uint8_t *copy;
    void *data;
};
static struct copy *copies;

static bool dma_is_shared(const void *p, size_t len)
{
    uintptr_t at = (uintptr_t)p, begin = (uintptr_t)process_memory;

    return at >= begin && len <= PROCESS_MEMORY && at - begin <= PROCESS_MEMORY - len;
}

uint64_t hal_dma_map(void *p, size_t len, enum hal_dma_direction direction)
{
    struct copy *c;
    uint64_t dma;

    if (dma_is_shared(p, len))
        return (uintptr_t)p;
    c = malloc(sizeof(*c));
    if (!c)
        return HAL_DMA_NONE;
    *c = (struct copy){copies, hal_dma_alloc(len, 16, &dma), p};
    if (!c->copy) {
        free(c);
        return HAL_DMA_NONE;
    }
    copies = c;
    if (direction & HAL_DMA_TO_DEVICE)
        memcpy(c->copy, p, len);
    return dma;
}

void hal_dma_unmap(uint64_t dma, size_t len, enum hal_dma_direction direction)
{
    for (struct copy **at = &copies; *at; at = &(*at)->next) {
        struct copy *c = *at;

        if ((uintptr_t)c->copy != dma)
            continue;
        if (direction & HAL_DMA_FROM_DEVICE)
            memcpy(c->data, c->copy, len);
        *at = c->next;
        hal_dma_free(c->copy, len);
        free(c);
        return;
    }
}
