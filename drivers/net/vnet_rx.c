/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_rx.c - receiving (virtio 1.4, sections 5.1.6.3 and 5.1.6.4).
 *
 * The device starts with VNET_RX_FIRST + VNET_RX_GROW buffers; more are made with the load, up to
 * twice the ring's size and VNET_RX_BYTES. A used buffer is replaced in the ring by a spare one
 * before its frame is delivered.
 */
#include "net/vnet_impl.h"

#if VIREO_NET

static void vnet_rx_push_spare(struct vnet *v, struct vnet_buf *b)
{
    b->next_spare = v->spare;
    v->spare = b;
    v->spare_count++;
}

static struct vnet_buf *vnet_rx_pop_spare(struct vnet *v)
{
    struct vnet_buf *b = v->spare;

    if (!b)
        return NULL;
    v->spare = b->next_spare;
    v->spare_count--;
    return b;
}

/*
 * The segments of a buffer never change: one for header and frame, or two for a legacy device
 * without ANY_LAYOUT, which wants the header in a descriptor of its own.
 */
static void vnet_rx_init_buf(struct vnet *v, struct vnet_buf *b, uint64_t dma)
{
    uint64_t frame = dma + VNET_FRAME_OFFSET;
    uint32_t room = v->frame_max < 1514 ? 1514 : v->frame_max;

    b->rx.dev = v;
    b->rx.data = (uint8_t *)b + VNET_FRAME_OFFSET;
    b->rx.room = room;
    if (v->one_seg) {
        b->segs[0] = (struct virtq_seg){frame - v->hdr_len, v->hdr_len + room};
    } else {
        b->segs[0] = (struct virtq_seg){frame - v->hdr_len, v->hdr_len};
        b->segs[1] = (struct virtq_seg){frame, room};
    }
}

/* Makes n buffers in one piece of memory; false: no memory. They are never freed. */
static bool vnet_rx_grow(struct vnet *v, unsigned n)
{
    uint64_t dma;
    uint8_t *slab = hal_dma_alloc(n * v->buf_stride, 64, HAL_DMA_MAPS ? NULL : &dma);

    if (!slab)
        return false;
    if (HAL_DMA_MAPS) /* vnet_map_buf() knows the addresses */
        dma = 0;
    for (unsigned i = 0; i < n; i++) {
        struct vnet_buf *b = (struct vnet_buf *)(slab + i * v->buf_stride);

        vnet_rx_init_buf(v, b, dma + i * v->buf_stride);
        vnet_rx_push_spare(v, b);
    }
    v->buf_count += n;
    return true;
}

/* Makes buffers until `need` are spare, as far as the limit and memory allow. */
static void vnet_rx_grow_for(struct vnet *v, unsigned need)
{
    if (v->spare_count >= need || (v->grow_after && hal_now_ns() < v->grow_after))
        return;
    v->grow_after = 0;
    while (v->spare_count < need && v->buf_count < v->buf_limit) {
        unsigned left = v->buf_limit - v->buf_count;

        if (!vnet_rx_grow(v, left < VNET_RX_GROW ? left : VNET_RX_GROW)) {
            v->grow_after = hal_now_ns() + HAL_SEC;
            return;
        }
    }
}

int vnet_rx_setup(struct vnet *v)
{
    size_t need = VNET_FRAME_OFFSET + (v->frame_max < 1514 ? 1514 : v->frame_max);
    unsigned first = VNET_RX_FIRST + VNET_RX_GROW;

    v->buf_stride = (need + 63) & ~(size_t)63;
    v->buf_limit = (unsigned)(VNET_RX_BYTES / v->buf_stride);
    if (v->buf_limit > 2 * virtq_size(v->rxq))
        v->buf_limit = 2 * virtq_size(v->rxq);
    if (v->buf_limit < 8)
        v->buf_limit = 8;
    if (first > v->buf_limit)
        first = v->buf_limit;
    v->stats.rx_spare_low = UINT32_MAX;
    while (!vnet_rx_grow(v, first)) {
        first /= 2;
        if (first < 4)
            return -ENOMEM;
    }
    return 0;
}

static struct virtq_request vnet_rx_request(const struct vnet *v, struct vnet_buf *b)
{
    return (struct virtq_request){b->segs, 0, v->one_seg ? 1 : 2, b};
}

/* A buffer that the device no longer has becomes spare. */
static void vnet_rx_take_back(struct vnet *v, struct vnet_buf *b)
{
    if (HAL_DMA_MAPS)
        vnet_unmap_buf(v, b);
    vnet_rx_push_spare(v, b);
}

/* Submits the first n of rx_requests; buffers that the ring does not take become spare. */
static void vnet_rx_submit(struct vnet *v, unsigned n)
{
    int taken = n ? virtq_submit(v->rxq, v->rx_requests, n) : 0;

    for (unsigned i = taken < 0 ? 0 : (unsigned)taken; i < n; i++) {
        vnet_rx_take_back(v, v->rx_requests[i].cookie);
        v->posted--;
    }
}

/* How many buffers the ring should hold: two thirds; the others replace those of a batch. */
static unsigned vnet_rx_target(const struct vnet *v)
{
    unsigned room = virtq_size(v->rxq) / (v->one_seg ? 1 : 2);
    unsigned most = v->buf_count * 2 / 3;

    return most < room ? most : room;
}

void vnet_rx_post(struct vnet *v)
{
    unsigned target = vnet_rx_target(v);
    unsigned n = 0;

    while (v->posted < target && n < VNET_BATCH && v->spare) {
        if (HAL_DMA_MAPS && !vnet_map_buf(v, v->spare))
            break;
        v->rx_requests[n++] = vnet_rx_request(v, vnet_rx_pop_spare(v));
        v->posted++;
    }
    vnet_rx_submit(v, n);
}

bool vnet_rx_starves(struct vnet *v)
{
    if (v->spare && v->posted < vnet_rx_target(v))
        vnet_rx_post(v);
    return v->spare && v->posted < vnet_rx_target(v);
}

/* Bytes of the frame by the length that the device reports; 0: it cannot be, drop the frame. */
static uint32_t vnet_rx_frame_length(struct vnet *v, const struct virtq_done *d,
                                     const struct vnet_buf *b)
{
    uint32_t least = v->hdr_len + VNET_ETH_HLEN;

    if (d->len < least || d->len - v->hdr_len > b->rx.room) {
        v->stats.rx_bad_length++;
        return 0;
    }
    return d->len - v->hdr_len;
}

/* Puts one used buffer among those to deliver, if it may be; returns the buffer to post. */
static struct vnet_buf *vnet_rx_replace(struct vnet *v, const struct virtq_done *d,
                                        unsigned *deliver)
{
    struct vnet_buf *b = d->cookie;
    struct vnet_buf *fresh;
    uint32_t len = vnet_rx_frame_length(v, d, b);

    if (HAL_DMA_MAPS)
        vnet_unmap_buf(v, b);
    if (!len)
        return b;
    if (!v->client) {
        v->stats.rx_no_client++;
        return b;
    }
    fresh = vnet_rx_pop_spare(v);
    if (!fresh) {
        v->stats.rx_no_spare++;
        return b;
    }
    b->rx.len = len;
    v->deliver[(*deliver)++] = b;
    return fresh;
}

/* Adds b to the first n of rx_requests; the number of those then. */
static unsigned vnet_rx_add(struct vnet *v, unsigned n, struct vnet_buf *b)
{
    if (HAL_DMA_MAPS && !vnet_map_buf(v, b)) {
        vnet_rx_push_spare(v, b);
        v->posted--;
        return n;
    }
    v->rx_requests[n] = vnet_rx_request(v, b);
    return n + 1;
}

bool vnet_rx_service(struct vnet *v)
{
    unsigned deliver = 0, again = 0;
    int n = virtq_reap(v->rxq, v->done, VNET_BATCH);

    if (n <= 0) /* nothing, or a broken queue: the core recovers that */
        return false;
    vnet_rx_grow_for(v, (unsigned)n);
    for (int i = 0; i < n; i++)
        again = vnet_rx_add(v, again, vnet_rx_replace(v, &v->done[i], &deliver));
    vnet_rx_submit(v, again);
    if (v->posted < vnet_rx_target(v))
        vnet_rx_post(v);
    if (v->spare_count < v->stats.rx_spare_low)
        v->stats.rx_spare_low = v->spare_count;

    for (unsigned i = 0; i < deliver; i++) {
        struct vnet_rx *rx = &v->deliver[i]->rx;

        v->stats.rx_frames++;
        v->stats.rx_bytes += rx->len;
        v->held++;
        v->client->input(v->client->ctx, rx);
    }
    if (n == VNET_BATCH)
        virtio_wake(v->dev);
    return true;
}

void vnet_rx_free(struct vnet_rx *rx)
{
    rx->dev->held--;
    vnet_rx_push_spare(rx->dev, (struct vnet_buf *)rx);
}

bool vnet_rx_tight(const struct vnet *v)
{
    unsigned most = v->grow_after ? v->buf_count : v->buf_limit;

    return v->held * 2 > most - v->posted;
}

/*
 * Takes back the buffers of the ring; those that the stack holds are not touched. Buffers that the
 * device may still write to are never used again: they no longer count, so that others can be made.
 */
void vnet_rx_lost(struct vnet *v)
{
    struct vnet_buf *b;

    while ((b = virtq_take_back(v->rxq))) {
        if (v->quarantine)
            v->buf_count--;
        else
            vnet_rx_take_back(v, b);
        v->posted--;
    }
}

void vnet_rx_back(struct vnet *v)
{
    vnet_rx_grow_for(v, VNET_RX_GROW);
    vnet_rx_post(v);
}

#endif
