/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_map.c - the mappings of frames, where a mapping is more than an address (HAL_DMA_MAPS 1). A
 * receive buffer is mapped while it is in the ring. The pieces of a frame that is sent are mapped
 * from vnet_send until the frame left the ring; a record stands for the frame's cookie meanwhile.
 */
#include "net/vnet_impl.h"

/* ---- receive --------------------------------------------------------------------------------- */

bool vnet_map_buf(struct vnet *v, struct vnet_buf *b)
{
    uint64_t dma =
        hal_dma_map(b->frame - v->hdr_len, v->hdr_len + v->buf_room, HAL_DMA_FROM_DEVICE);

    if (dma == HAL_DMA_NONE)
        return false;
    b->segs[0].addr = dma;
    if (!v->one_seg)
        b->segs[1].addr = dma + v->hdr_len;
    return true;
}

void vnet_unmap_buf(struct vnet *v, struct vnet_buf *b)
{
    hal_dma_unmap(b->segs[0].addr, v->hdr_len + v->buf_room, HAL_DMA_FROM_DEVICE);
}

/* ---- transmit -------------------------------------------------------------------------------- */

int vnet_map_setup(struct vnet *v)
{
    unsigned n = virtq_size(v->txq) + VNET_TX_PENDING;

    v->tx_map_records = hal_alloc(n * sizeof(*v->tx_map_records));
    v->tx_map_ranges = hal_alloc(n * v->tx_pieces * sizeof(*v->tx_map_ranges));
    if (!v->tx_map_records || !v->tx_map_ranges)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        v->tx_map_records[i].range = &v->tx_map_ranges[i * v->tx_pieces];
        v->tx_map_records[i].next = v->tx_maps;
        v->tx_maps = &v->tx_map_records[i];
    }
    return 0;
}

void *vnet_map_keep(struct vnet *v, const struct virtq_seg *segs, unsigned n, void *cookie)
{
    struct vnet_map *map = v->tx_maps;

    v->tx_maps = map->next;
    map->cookie = cookie;
    map->count = n;
    memcpy(map->range, segs, n * sizeof(*segs));
    return map;
}

void *vnet_map_end(struct vnet *v, struct vnet_map *map, bool quarantine)
{
    if (!quarantine)
        vnet_map_undo(map->range, map->count);
    map->next = v->tx_maps;
    v->tx_maps = map;
    return map->cookie;
}

void vnet_map_undo(const struct virtq_seg *segs, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        hal_dma_unmap(segs[i].addr, segs[i].len, HAL_DMA_TO_DEVICE);
}
