/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_rx_buf.c - how many receive buffers and records there are, and how they are made. Frames
 * mostly find enough: compiled to be small.
 */
#include "net/vnet_impl.h"

#if VIREO_NET

/*
 * The segments of a buffer never change: one for header and frame, or two for a legacy device
 * without ANY_LAYOUT, which wants the header in a descriptor of its own.
 */
static void vnet_rx_init_buf(struct vnet *v, struct vnet_buf *b, uint8_t *memory, uint64_t dma)
{
    uint64_t frame = dma + vnet_frame_offset(v);

    b->frame = memory + vnet_frame_offset(v);
    if (v->one_seg) {
        b->segs[0] = (struct virtq_seg){frame - v->hdr_len, v->hdr_len + v->buf_room};
    } else {
        b->segs[0] = (struct virtq_seg){frame - v->hdr_len, v->hdr_len};
        b->segs[1] = (struct virtq_seg){frame, v->buf_room};
    }
}

/* Private memory, zeroed; NULL: there is none. */
static void *vnet_rx_slab(struct vnet *v, size_t bytes)
{
    struct vnet_slab *slab = hal_alloc(sizeof(*slab) + bytes);

    if (!slab)
        return NULL;
    slab->next = v->slabs;
    v->slabs = slab;
    return slab->memory;
}

void vnet_rx_cleanup(struct vnet *v)
{
    while (v->slabs) {
        struct vnet_slab *slab = v->slabs;

        v->slabs = slab->next;
        hal_free(slab);
    }
}

void vnet_rx_have(struct vnet *v, unsigned count)
{
    unsigned room = virtq_size(v->rxq) / (v->one_seg ? 1 : 2), most = count * 2 / 3;

    v->buf_count = count;
    v->rx_target = most < room ? most : room;
}

/* Makes n buffers, their memory in one piece; false: no memory. They are never freed. */
static bool vnet_rx_grow(struct vnet *v, unsigned n)
{
    size_t stride = (vnet_frame_offset(v) + v->buf_room + 63) & ~(size_t)63;
    uint64_t dma = 0; /* with HAL_DMA_MAPS, vnet_map_buf() knows the addresses */
    uint8_t *slab = hal_dma_alloc(n * stride, 64, HAL_DMA_MAPS ? NULL : &dma);
    struct vnet_buf *bufs = slab ? vnet_rx_slab(v, n * sizeof(*bufs)) : NULL;

    if (!bufs) {
        hal_dma_free(slab, n * stride);
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        vnet_rx_init_buf(v, &bufs[i], slab + i * stride, dma + i * stride);
        vnet_rx_push_spare(v, &bufs[i]);
    }
    vnet_rx_have(v, v->buf_count + n);
    return true;
}

/* Makes n records; false: no memory. They are never freed. */
static bool vnet_rx_grow_records(struct vnet *v, unsigned n)
{
    struct vnet_record *r = vnet_rx_slab(v, n * sizeof(*r));

    for (unsigned i = 0; r && i < n; i++) {
        r[i].rx.dev = v;
        r[i].next_spare = v->spare_records;
        v->spare_records = &r[i];
        v->record_count++;
    }
    return r != NULL;
}

/* How many of `count` to make at a time, of at most buf_limit; 0: no more. */
static unsigned vnet_rx_step(const struct vnet *v, unsigned count)
{
    unsigned left = count < v->buf_limit ? v->buf_limit - count : 0;

    return left < VNET_RX_GROW ? left : VNET_RX_GROW;
}

void vnet_rx_grow_for(struct vnet *v, unsigned need)
{
    bool memory = true;

    if (v->grow_after && hal_now_ns() < v->grow_after)
        return;
    v->grow_after = 0;
    while (memory && v->spare_count < need && v->buf_count < v->buf_limit)
        memory = vnet_rx_grow(v, vnet_rx_step(v, v->buf_count));
    while (memory && v->record_count - v->records_held < need && v->record_count < v->buf_limit)
        memory = vnet_rx_grow_records(v, vnet_rx_step(v, v->record_count));
    if (!memory)
        v->grow_after = hal_now_ns() + HAL_SEC;
}

/*
 * Most buffers for a ring: it is full, the stack holds half of the others before vnet_rx_tight()
 * tells it to copy, and the other half replaces a batch.
 */
static unsigned vnet_rx_most(unsigned ring)
{
    unsigned others = ring < VNET_BATCH ? 2 * ring : 2 * VNET_BATCH;

    return ring + (others > ring ? others : ring);
}

/* Buffers in so many bytes; more than 8. */
static unsigned vnet_rx_in(const struct vnet *v, size_t bytes)
{
    size_t n = bytes / (vnet_frame_offset(v) + v->buf_room);

    return n < 8 ? 8 : (unsigned)n;
}

/* Section 5.1.6.3.1: 1526 bytes at the least, header included. */
static void vnet_rx_choose_sizes(struct vnet *v)
{
    bool joins = v->negotiated & (VNET_RX_TSO4 | VNET_RX_TSO6);

    v->plain_max = v->frame_max < 1514 ? 1514 : v->frame_max;
    v->buf_room = v->plain_max;
    if (v->mergeable && (joins || v->buf_room > VNET_RX_PAGE - vnet_frame_offset(v)))
        v->buf_room = VNET_RX_PAGE - vnet_frame_offset(v);
    v->buf_limit = vnet_rx_in(v, joins ? VNET_RX_JOINED : VNET_RX_BYTES);
    if (v->buf_limit > vnet_rx_most(virtq_size(v->rxq)))
        v->buf_limit = vnet_rx_most(virtq_size(v->rxq));
    if (v->buf_limit < 8)
        v->buf_limit = 8;
}

void vnet_rx_room(struct vnet *v, size_t bytes)
{
    v->buf_limit = vnet_rx_in(v, bytes);
    if (v->buf_limit > VNET_RX_COUNT)
        v->buf_limit = VNET_RX_COUNT;
}

int vnet_rx_setup(struct vnet *v)
{
    unsigned first;

    vnet_rx_choose_sizes(v);
    v->rx_segs = v->one_seg ? 1 : 2;
    v->rx_keeps = !HAL_DMA_MAPS && v->one_seg && virtq_keeps(v->rxq);
    first = VNET_RX_FIRST / (vnet_frame_offset(v) + v->buf_room);
    if (first < 16)
        first = 16;
    if (first > v->buf_limit)
        first = v->buf_limit;
    v->stats.rx_spare_low = UINT32_MAX;
    if (!vnet_rx_grow_records(v, vnet_rx_step(v, 0)))
        return -ENOMEM;
    while (first >= 4 && !vnet_rx_grow(v, first))
        first /= 2;
    return first >= 4 ? 0 : -ENOMEM;
}

#endif
