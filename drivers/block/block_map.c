/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block_map.c - which memory is mapped for which transfer, where a mapping is more than an address
 * (HAL_DMA_MAPS 1). Each piece of a request's memory that goes into a transfer is one mapping; they
 * end together, when the device no longer has the transfer.
 */
#include "block/block_impl.h"

int block_map_setup(struct block_device *dev)
{
    dev->maps = hal_alloc(dev->depth * sizeof(*dev->maps));
    return dev->maps ? 0 : -ENOMEM;
}

/* Of data. */
static enum hal_dma_direction block_direction(enum block_op op)
{
    return op == BLOCK_WRITE ? HAL_DMA_TO_DEVICE : HAL_DMA_FROM_DEVICE;
}

uint64_t block_map_range(const struct block_device *dev, void *p, uint32_t len, enum block_op op)
{
    struct block_map *map = dev->map;
    uint64_t addr;

    if (map->count == BLOCK_MAX_SEGS)
        return HAL_DMA_NONE;
    addr = hal_dma_map(p, len, block_direction(op));
    if (addr != HAL_DMA_NONE)
        map->range[map->count++] = (struct block_dma){addr, len};
    return addr;
}

void block_map_end(struct block_map *map, unsigned keep, enum block_op op)
{
    while (map->count > keep) {
        const struct block_dma *d = &map->range[--map->count];

        hal_dma_unmap(d->addr, d->len, block_direction(op));
    }
}
