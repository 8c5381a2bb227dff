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

int vnet_tx_setup(struct vnet *v)
{
    v->tx_hdr = hal_dma_alloc(VNET_HDR_MAX, 16, &v->tx_hdr_dma);
    v->tx_segs = hal_alloc(VNET_TX_PENDING * (v->tx_pieces + 1) * sizeof(*v->tx_segs));
    if (!v->tx_hdr || !v->tx_segs)
        return -ENOMEM;
    return HAL_DMA_MAPS ? vnet_map_setup(v) : 0;
}

void vnet_tx_cleanup(struct vnet *v)
{
    if (v->tx_hdr)
        hal_dma_free(v->tx_hdr, VNET_HDR_MAX);
    hal_free(v->tx_segs);
    if (HAL_DMA_MAPS) {
        hal_free(v->tx_map_records);
        hal_free(v->tx_map_ranges);
    }
}

/* A frame that the device no longer has, or never had, is the stack's again. */
static void vnet_tx_ended(struct vnet *v, void *cookie)
{
    if (HAL_DMA_MAPS)
        cookie = vnet_map_end(v, cookie, false);
    v->client->tx_done(v->client->ctx, cookie);
}

void vnet_tx_room(struct vnet *v)
{
    if (!v->tx_blocked || v->tx_count == VNET_TX_PENDING)
        return;
    v->tx_blocked = false;
    v->client->tx_room(v->client->ctx);
}

void vnet_tx_schedule(struct vnet *v)
{
    if (v->tx_scheduled || (!v->tx_count && !virtq_in_flight(v->txq)))
        return;
    v->tx_scheduled = true;
    /* Frames that the ring did not take go out when completions have made room. */
    virtio_wake_at(v->dev, hal_now_ns() + (v->tx_count ? HAL_MS : VNET_TX_RECLAIM));
}

/* Drops the n oldest frames that are queued: they were not handed to the device. */
static void vnet_tx_drop_pending(struct vnet *v, unsigned n)
{
    for (; n; n--) {
        void *cookie = v->tx_requests[v->tx_first].cookie;

        v->tx_first = (v->tx_first + 1) % VNET_TX_PENDING;
        v->tx_count--;
        v->stats.tx_lost++;
        vnet_tx_ended(v, cookie);
    }
}

bool vnet_tx_reap(struct vnet *v)
{
    struct virtq_done done[16];
    unsigned total = 0;
    int n = 0;

    while (total < VNET_RING && (n = virtq_reap(v->txq, done, 16)) > 0) {
        total += (unsigned)n;
        for (int i = 0; i < n; i++)
            vnet_tx_ended(v, done[i].cookie);
    }
    if (n < 0)
        v->tx_up = false;
    return total != 0;
}

/* Submits the queued frames up to the end of the array. True: all were taken, go on. */
static bool vnet_tx_flush_run(struct vnet *v)
{
    unsigned run = VNET_TX_PENDING - v->tx_first;
    int taken;

    if (run > v->tx_count)
        run = v->tx_count;
    taken = virtq_submit(v->txq, &v->tx_requests[v->tx_first], run);
    if (taken < 0) {
        if (taken != -EIO)
            vnet_tx_drop_pending(v, 1);
        v->tx_up = taken != -EIO;
        return v->tx_up;
    }
    for (int i = 0; i < taken; i++)
        v->stats.tx_bytes += v->tx_bytes[v->tx_first + (unsigned)i];
    v->stats.tx_frames += (unsigned)taken;
    v->tx_first = (v->tx_first + (unsigned)taken) % VNET_TX_PENDING;
    v->tx_count -= (unsigned)taken;
    return (unsigned)taken == run;
}

void vnet_flush(struct vnet *v)
{
    if (!v->tx_up || v->tx_drain)
        return;
    while (v->tx_count && vnet_tx_flush_run(v))
        ;
    vnet_tx_schedule(v);
}

bool vnet_queued(const struct vnet *v)
{
    return v->tx_count != 0;
}

/* Makes room for one more frame in the queue, if possible; false: there is none. */
static bool vnet_tx_have_room(struct vnet *v)
{
    if (v->tx_count < VNET_TX_PENDING)
        return true;
    vnet_flush(v);
    if (v->tx_count == VNET_TX_PENDING) {
        vnet_tx_reap(v);
        vnet_flush(v);
    }
    return v->tx_count < VNET_TX_PENDING;
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
    else
        memcpy(at, &h, v->hdr_len);
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
        uint64_t dma = hal_dma_map((uint8_t *)pieces[i].data - extra, len, HAL_DMA_TO_DEVICE);

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

int vnet_send(struct vnet *v, const struct vnet_piece *pieces, unsigned n, unsigned headroom,
              const struct vnet_meta *meta, void *cookie)
{
    bool in_front = v->one_seg && headroom >= v->hdr_len;
    int bytes = vnet_tx_check(v, pieces, n, in_front, meta), count;
    struct virtq_seg *segs;
    unsigned slot;

    if (bytes < 0)
        return bytes;
    if (!v->tx_up)
        return vnet_tx_not_sent(v, cookie);
    if (!vnet_tx_have_room(v)) {
        v->tx_blocked = true;
        v->stats.tx_full++;
        return -EAGAIN;
    }
    slot = (v->tx_first + v->tx_count) % VNET_TX_PENDING;
    segs = &v->tx_segs[slot * (v->tx_pieces + 1)];
    if (in_front)
        vnet_tx_write_header(v, (uint8_t *)pieces[0].data - v->hdr_len, meta);
    count = vnet_tx_fill(v, segs, pieces, n, in_front);
    if (count < 0)
        return count;
    if (HAL_DMA_MAPS)
        cookie = vnet_map_keep(v, &segs[count - (int)n], n, cookie);
    v->tx_bytes[slot] = (uint32_t)bytes;
    v->tx_requests[slot] = (struct virtq_request){segs, (uint16_t)count, 0, cookie};
    v->stats.tx_cut += meta && meta->gso;
    v->tx_count++;
    return 0;
}

/* ---- deadline and recovery ------------------------------------------------------------------- */

/* The queue is empty: both times start again at 0, and frames go out. */
static void vnet_tx_start_watch(struct vnet *v)
{
    v->tx_quiet_ns = v->tx_busy_ns = v->tx_looked_ns = 0;
    v->tx_drain = false;
}

/*
 * The host may simply not be reading. After a futile reset, the timeout is doubled, so that the
 * card is not given up.
 */
static void vnet_tx_double_patience(struct vnet *v)
{
    uint64_t longer = 2 * v->tx_patience_ns;

    if (longer <= VNET_TX_PATIENCE)
        v->tx_patience_ns = longer;
}

/*
 * The timeout. A queue that holds frames and completes none of them for tx_patience_ns has failed.
 * That does not find one frame that never completes among others that do: so a queue that was not
 * empty for tx_timeout_ns gets no more frames until it is. Between two looks at most VNET_TX_LOOK
 * counts: if the machine was stopped, that is not the device's fault.
 */
void vnet_tx_watch(struct vnet *v)
{
    uint64_t completed = virtq_stats(v->txq)->completed, now, passed;

    if (!virtq_in_flight(v->txq)) {
        vnet_tx_start_watch(v);
        return;
    }
    now = hal_now_ns();
    passed = v->tx_looked_ns ? now - v->tx_looked_ns : 0;
    passed = passed < VNET_TX_LOOK ? passed : VNET_TX_LOOK;
    v->tx_looked_ns = now;
    v->tx_busy_ns += passed;
    v->tx_quiet_ns = completed == v->tx_completed ? v->tx_quiet_ns + passed : 0;
    if (completed != v->tx_completed)
        v->tx_patience_ns = v->tx_timeout_ns;
    v->tx_completed = completed;
    if (v->tx_quiet_ns >= v->tx_patience_ns && v->tx_up) {
        virtq_fail(v->txq, "a frame was not sent in time");
        vnet_tx_double_patience(v);
    }
    v->tx_drain = v->tx_busy_ns >= v->tx_timeout_ns;
}

/*
 * Drops the frames of the ring and of the queue. Their memory is the stack's again, unless the
 * device may still read it.
 */
void vnet_tx_lost(struct vnet *v)
{
    void *cookie;

    v->tx_up = false;
    while ((cookie = virtq_take_back(v->txq))) {
        v->stats.tx_lost++;
        if (!v->quarantine)
            vnet_tx_ended(v, cookie);
        else if (HAL_DMA_MAPS)
            vnet_map_end(v, cookie, true);
    }
    vnet_tx_drop_pending(v, v->tx_count);
    vnet_tx_start_watch(v);
}

void vnet_tx_back(struct vnet *v)
{
    v->tx_up = true;
    vnet_tx_room(v);
}

#endif
