/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_tx.c - transmitting (virtio 1.4, sections 5.1.6.1 and 5.1.6.2).
 *
 * Frames are queued, then handed over in one batch. The virtio header is written into the packet's
 * headroom if that is large enough; otherwise a descriptor points to one header of zeroes (no
 * offload) that all frames share.
 */
#include "net/vnet_impl.h"

#if VIREO_NET

/* The segments of a request: those that vnet_tx_setup() gave it, of tx_segs; NULL: there is no room
 * for another frame. */
static inline struct virtq_seg *vnet_tx_first_seg(const struct virtq_request *r)
{
    return (struct virtq_seg *)(uintptr_t)r->segs;
}

void vnet_tx_ended(struct vnet *v, void *cookie)
{
    if (HAL_DMA_MAPS)
        cookie = vnet_map_end(v, cookie, false);
    v->client->tx_done(v->client->ctx, cookie);
}

void vnet_tx_room(struct vnet *v)
{
    if (!v->tx_blocked || !vnet_tx_close_up(v))
        return;
    v->tx_blocked = false;
    v->client->tx_room(v->client->ctx);
}

void vnet_tx_schedule(struct vnet *v)
{
    bool queued = vnet_queued(v);

    if (v->tx_scheduled || (!queued && !virtq_in_flight(v->txq)))
        return;
    v->tx_scheduled = true;
    /* Frames that the ring did not take go out when completions have made room. */
    virtio_wake_at(v->dev, hal_now_ns() + (queued ? HAL_MS : VNET_TX_RECLAIM));
}

/* The same of n frames that were reaped. */
static inline void vnet_tx_all_ended(struct vnet *v, unsigned n)
{
    void (*tx_done)(void *ctx, void *cookie) = v->client->tx_done;
    const struct virtq_done *done = v->tx_done, *end = done + n;
    void *ctx = v->client->ctx;

    for (; done < end; done++)
        if (HAL_DMA_MAPS)
            vnet_tx_ended(v, done->cookie);
        else
            tx_done(ctx, done->cookie);
}

bool vnet_tx_reap(struct vnet *v)
{
    unsigned total = 0;
    int n = 0;

    while (total < VNET_RING && (n = virtq_reap(v->txq, v->tx_done, VNET_TX_REAP)) > 0) {
        total += (unsigned)n;
        vnet_tx_all_ended(v, (unsigned)n);
        if (n < VNET_TX_REAP || !virtq_in_flight(v->txq))
            break;
    }
    if (n < 0)
        vnet_tx_up(v, false);
    return total != 0;
}

void vnet_flush(struct vnet *v)
{
    unsigned n;
    int taken;

    if (!v->tx_up)
        return;
    do {
        n = (unsigned)(v->tx_next - v->tx_first);
        taken = virtq_submit(v->txq, v->tx_first, n);
        if (taken == (int)n)
            v->tx_next = v->tx_first = v->tx_requests;
    } while (taken != (int)n && vnet_tx_some_taken(v, taken));
    vnet_tx_schedule(v);
}

bool vnet_queued(const struct vnet *v)
{
    return v->tx_next != v->tx_first;
}

/* Makes room for one more frame in the queue, if possible; false: there is none. */
static bool vnet_tx_have_room(struct vnet *v)
{
    if (!vnet_tx_full(v))
        return true;
    vnet_flush(v);
    if (!vnet_tx_close_up(v)) {
        vnet_tx_reap(v);
        vnet_flush(v);
    }
    return vnet_tx_close_up(v);
}

/* Did the device agree to what it has to do, and does that lie within a frame of `bytes`? */
static bool vnet_tx_meta_ok(const struct vnet *v, const struct vnet_meta *m, uint32_t bytes)
{
    unsigned kind = m->gso & ~(unsigned)VNET_GSO_ECN;

    if (!m->flags && !m->gso)
        return true;
    if (m->flags != VNET_NEEDS_CSUM || !(v->offloads & VNET_TX_CSUM) ||
        m->csum_start < VNET_ETH_HLEN || m->csum_start + m->csum_offset + 2u > bytes)
        return false;
    if (!m->gso)
        return true;
    if (!(kind == VNET_GSO_TCP4 && v->offloads & VNET_TX_TSO4) &&
        !(kind == VNET_GSO_TCP6 && v->offloads & VNET_TX_TSO6))
        return false;
    return (!(m->gso & VNET_GSO_ECN) || v->offloads & VNET_TX_ECN) && m->gso_size &&
           m->hdr_len > m->csum_start && m->hdr_len < bytes &&
           m->hdr_len + m->gso_size <= v->frame_max;
}

/* The header of a frame: all zeroes, or with what the device has to do. */
static void vnet_tx_write_header(const struct vnet *v, uint8_t *at, const struct vnet_meta *m)
{
    struct virtio_net_hdr h = {0};

    if (m && m->flags)
        h = (struct virtio_net_hdr){
            .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
            .gso_type = m->gso,
            .hdr_len = m->hdr_len,
            .gso_size = m->gso_size,
            .csum_start = m->csum_start,
            .csum_offset = m->csum_offset,
        };
    if (v->hdr_len == sizeof(h))
        memcpy(at, &h, sizeof(h));
    else if (v->hdr_len < sizeof(h))
        memcpy(at, &h, v->hdr_len);
    else
        memcpy(at, &(struct virtio_net_hdr_hash){.plain = h}, sizeof(struct virtio_net_hdr_hash));
}

/* May a frame's piece or the whole of a usual one be at `at`, by what is known of its surroundings?
 */
static inline bool vnet_tx_is_near(const struct vnet *v, uintptr_t at)
{
    return at - v->near < v->near_span;
}

/*
 * Notes where bus addresses follow each other around `at`, so that frames need not be mapped one by
 * one. Where so much does not, half of it is tried next time.
 */
static void vnet_tx_look_around(struct vnet *v, uintptr_t at)
{
    uintptr_t from = at & ~((uintptr_t)v->near_next - 1);
    size_t most = v->frame_max + VNET_HDR_MAX;
    uint64_t dma = hal_dma_map((void *)from, v->near_next, HAL_DMA_TO_DEVICE);

    if (dma == HAL_DMA_NONE) {
        v->near_next = v->near_next > 8 * most ? v->near_next / 2 : 0;
        return;
    }
    v->near = from;
    v->near_span = v->near_next - most;
    v->near_offset = dma - from;
}

/* As hal_dma_map. Where a mapping is an address alone, most are known from those before. */
static uint64_t vnet_tx_map(struct vnet *v, uint8_t *p, uint32_t len)
{
    uintptr_t at = (uintptr_t)p;

    if (HAL_DMA_MAPS)
        return hal_dma_map(p, len, HAL_DMA_TO_DEVICE);
    if (!vnet_tx_is_near(v, at) && v->near_next)
        vnet_tx_look_around(v, at);
    if (vnet_tx_is_near(v, at) && len <= v->frame_max)
        return at + v->near_offset;
    return hal_dma_map(p, len, HAL_DMA_TO_DEVICE);
}

/* Describes the frame in segs; the number of segments, or an error. */
static int vnet_tx_fill(struct vnet *v, struct virtq_seg *segs, const struct vnet_piece *pieces,
                        unsigned n, bool in_front)
{
    uint32_t extra = in_front ? v->hdr_len : 0;
    unsigned at = 0;

    if (!in_front)
        segs[at++] = (struct virtq_seg){v->tx_hdr_dma, v->hdr_len};
    for (unsigned i = 0; i < n; i++, extra = 0) {
        uint32_t len = pieces[i].len + extra;
        uint64_t dma = vnet_tx_map(v, (uint8_t *)pieces[i].data - extra, len);

        if (dma == HAL_DMA_NONE) {
            if (HAL_DMA_MAPS)
                vnet_map_undo(&segs[at - i], i);
            return -EFAULT;
        }
        segs[at++] = (struct virtq_seg){dma, len};
    }
    return (int)at;
}

/* Most segments of a frame. Section 2.7.5.3.1: no chain is longer than its queue. */
static int vnet_tx_segs_max(const struct vnet *v)
{
    unsigned size = virtq_size(v->txq);

    return (int)(size < v->tx_pieces + 1 ? size : v->tx_pieces + 1);
}

/* A frame that comes while the queue is being recovered is dropped; with a dead device, refused. */
static int vnet_tx_not_sent(struct vnet *v, void *cookie)
{
    if (v->dead)
        return -EIO;
    v->stats.tx_lost++;
    v->client->tx_done(v->client->ctx, cookie);
    return 0;
}

static uint32_t vnet_tx_length(const struct vnet_piece *pieces, unsigned n)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < n; i++)
        bytes += pieces[i].len;
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

/* Could a frame like that be sent at any time? If not, an error. */
static int vnet_tx_check(const struct vnet *v, const struct vnet_piece *pieces, unsigned n,
                         bool in_front, const struct vnet_meta *meta)
{
    uint32_t bytes;

    if (n == 0 || (int)n + !in_front > vnet_tx_segs_max(v) || n > v->tx_pieces)
        return -EMSGSIZE;
    bytes = vnet_tx_length(pieces, n);
    if (bytes > (meta && meta->gso ? VNET_FRAME_MAX : v->frame_max))
        return -EMSGSIZE;
    if (meta && (!vnet_tx_meta_ok(v, meta, bytes) || (meta->flags && !in_front)))
        return -EINVAL;
    return (int)bytes;
}

/* Queues the frame whose segments are in the next request, r. */
static inline int vnet_tx_queue(struct vnet *v, struct virtq_request *r, unsigned count,
                                uint32_t bytes, void *cookie)
{
    r->readable = (uint16_t)count;
    r->writable = 0;
    r->cookie = cookie;
    v->tx_next = r + 1;
    v->stats.tx_bytes += bytes;
    return 0;
}

static int vnet_tx_send_any(struct vnet *v, const struct vnet_piece *pieces, unsigned n,
                            unsigned headroom, const struct vnet_meta *meta, void *cookie)
    __attribute__((noinline));
static int vnet_tx_send_any(struct vnet *v, const struct vnet_piece *pieces, unsigned n,
                            unsigned headroom, const struct vnet_meta *meta, void *cookie)
{
    bool in_front = v->one_seg && headroom >= v->hdr_len;
    int bytes = vnet_tx_check(v, pieces, n, in_front, meta), count;
    struct virtq_request *r;
    struct virtq_seg *segs;

    if (bytes < 0)
        return bytes;
    if (!v->tx_up)
        return vnet_tx_not_sent(v, cookie);
    if (!vnet_tx_have_room(v)) {
        v->tx_blocked = true;
        v->stats.tx_full++;
        return -EAGAIN;
    }
    r = v->tx_next;
    segs = vnet_tx_first_seg(r);
    if (in_front)
        vnet_tx_write_header(v, (uint8_t *)pieces[0].data - v->hdr_len, meta);
    count = vnet_tx_fill(v, segs, pieces, n, in_front);
    if (count < 0)
        return count;
    if (HAL_DMA_MAPS)
        cookie = vnet_map_keep(v, &segs[count - (int)n], n, cookie);
    v->stats.tx_cut += meta && meta->gso;
    return vnet_tx_queue(v, r, (unsigned)count, (uint32_t)bytes, cookie);
}

/* Is a sum all that the device has to do, and does it do that, and lie within `bytes`? */
static inline bool vnet_tx_sum_only(const struct vnet *v, const struct vnet_meta *m, uint32_t bytes)
{
    return (unsigned)(m->flags | m->gso << 8) == v->tx_sums && m->csum_start >= VNET_ETH_HLEN &&
           m->csum_start + m->csum_offset + 2u <= bytes;
}

/*
 * The frame that is sent most: in one piece, near the one before, with room in front, and a sum or
 * nothing for the device to do. No function is called for it.
 */
int vnet_send(struct vnet *v, const struct vnet_piece *pieces, unsigned n, unsigned headroom,
              const struct vnet_meta *meta, void *cookie)
{
    struct virtq_request *r = v->tx_next;
    struct virtq_seg *seg = vnet_tx_first_seg(r);
    uintptr_t at;
    uint32_t len;

    if (n != 1 || headroom < v->tx_headroom || !seg)
        return vnet_tx_send_any(v, pieces, n, headroom, meta, cookie);
    at = (uintptr_t)pieces->data - sizeof(struct virtio_net_hdr);
    len = pieces->len;
    if (len > v->frame_max || !vnet_tx_is_near(v, at))
        return vnet_tx_send_any(v, pieces, n, headroom, meta, cookie);
    memset((void *)at, 0, sizeof(struct virtio_net_hdr));
    if (meta) {
        if (!vnet_tx_sum_only(v, meta, len))
            return vnet_tx_send_any(v, pieces, n, headroom, meta, cookie);
        memcpy((void *)at, meta, sizeof(*meta));
    }
    seg->addr = at + v->near_offset;
    seg->len = len + (uint32_t)sizeof(struct virtio_net_hdr);
    return vnet_tx_queue(v, r, 1, len, cookie);
}

#endif
