/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_tx_watch.c - what few frames meet that are sent: a full ring, the timeout, and recovery.
 * Compiled to be small.
 */
#include "net/vnet_impl.h"

#if VIREO_NET

int vnet_tx_setup(struct vnet *v)
{
    v->near_next = VNET_TX_NEAR;
    v->tx_next = v->tx_first = v->tx_requests;
    vnet_tx_up(v, false);
    v->tx_hdr = hal_dma_alloc(VNET_HDR_MAX, 16, &v->tx_hdr_dma);
    v->tx_segs = hal_alloc(VNET_TX_PENDING * (v->tx_pieces + 1) * sizeof(*v->tx_segs));
    if (!v->tx_hdr || !v->tx_segs)
        return -ENOMEM;
    for (unsigned i = 0; i < VNET_TX_PENDING; i++)
        v->tx_requests[i].segs = &v->tx_segs[i * (v->tx_pieces + 1)];
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

void vnet_tx_up(struct vnet *v, bool up)
{
    v->tx_up = up;
    v->tx_headroom = UINT32_MAX;
    v->tx_sums = v->offloads & VNET_TX_CSUM ? VNET_NEEDS_CSUM : UINT32_MAX;
    if (up && v->one_seg && !HAL_DMA_MAPS && v->hdr_len == sizeof(struct virtio_net_hdr))
        v->tx_headroom = v->hdr_len;
}

/* ---- frames that wait or are dropped --------------------------------------------------------- */

/*
 * What is queued is moved to the front when at least half of the queue is free there, so that a
 * frame is moved for a frame that left, at most, however few the ring takes at a time.
 */
bool vnet_tx_close_up(struct vnet *v)
{
    unsigned gap = (unsigned)(v->tx_first - v->tx_requests);

    if (!vnet_tx_full(v))
        return true;
    if (gap < VNET_TX_PENDING / 2)
        return false;
    for (struct virtq_request *r = v->tx_first; r < v->tx_next; r++) {
        struct virtq_request free = r[-(ptrdiff_t)gap];

        r[-(ptrdiff_t)gap] = *r;
        *r = free; /* its segments */
    }
    v->tx_first = v->tx_requests;
    v->tx_next -= gap;
    return true;
}

/* n frames have left the queue. */
static void vnet_tx_left(struct vnet *v, unsigned n)
{
    v->tx_first += n;
    if (!vnet_queued(v))
        v->tx_next = v->tx_first = v->tx_requests;
}

/* Bytes of the frame of a request, without its header. */
static uint32_t vnet_tx_request_bytes(const struct vnet *v, const struct virtq_request *r)
{
    uint32_t bytes = 0;

    for (unsigned i = 0; i < r->readable; i++)
        bytes += r->segs[i].len;
    return bytes - v->hdr_len;
}

static void vnet_tx_drop_pending(struct vnet *v, unsigned n)
{
    for (; n; n--) {
        const struct virtq_request *r = v->tx_first;
        void *cookie = r->cookie;

        v->stats.tx_bytes -= vnet_tx_request_bytes(v, r);
        vnet_tx_left(v, 1);
        v->stats.tx_lost++;
        vnet_tx_ended(v, cookie);
    }
}

bool vnet_tx_some_taken(struct vnet *v, int taken)
{
    if (taken >= 0)
        vnet_tx_left(v, (unsigned)taken);
    else if (taken == -EIO)
        vnet_tx_up(v, false);
    else
        vnet_tx_drop_pending(v, 1);
    return taken < 0 && taken != -EIO && vnet_queued(v);
}

/* ---- deadline and recovery ------------------------------------------------------------------- */

/* The queue is empty: all times start again at 0. */
static void vnet_tx_start_watch(struct vnet *v)
{
    v->tx_quiet_ns = v->tx_busy_ns = v->tx_looked_ns = 0;
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
 * When the queue has not been empty for VNET_TX_MARK, frames that are out are marked, with a look
 * at each slot. If as many were completed since, all of the marked ones would be back, had the
 * device kept their order: one that is still out after tx_timeout_ns was overtaken by others for so
 * long, and will never be completed.
 */
static bool vnet_tx_withheld(struct vnet *v, uint64_t completed, uint64_t passed)
{
    uint64_t before = v->tx_busy_ns;

    v->tx_busy_ns += passed;
    if (before < VNET_TX_MARK) {
        if (v->tx_busy_ns < VNET_TX_MARK)
            return false;
        virtq_mark(v->txq);
        v->tx_busy_ns = VNET_TX_MARK;
        v->tx_overtaken = completed + virtq_in_flight(v->txq);
    }
    if (v->tx_busy_ns - VNET_TX_MARK < v->tx_timeout_ns || completed < v->tx_overtaken)
        return false;
    v->tx_busy_ns = 0;
    return virtq_marked(v->txq);
}

/*
 * The timeout. A queue that holds frames and completes none of them for tx_patience_ns has failed,
 * and so has one that withholds a frame while it completes others. Between two looks at most
 * VNET_TX_LOOK counts: if the machine was stopped, that is not the device's fault.
 */
void vnet_tx_watch(struct vnet *v)
{
    uint64_t completed = virtq_stats(v->txq)->completed, now, passed;
    bool quiet = completed == v->tx_completed;

    if (!virtq_in_flight(v->txq)) {
        vnet_tx_start_watch(v);
        return;
    }
    now = hal_now_ns();
    passed = v->tx_looked_ns ? now - v->tx_looked_ns : 0;
    passed = passed < VNET_TX_LOOK ? passed : VNET_TX_LOOK;
    v->tx_looked_ns = now;
    v->tx_completed = completed;
    v->tx_quiet_ns = quiet ? v->tx_quiet_ns + passed : 0;
    if (!quiet)
        v->tx_patience_ns = v->tx_timeout_ns;
    if (!v->tx_up)
        return;
    if (vnet_tx_withheld(v, completed, passed)) {
        virtq_fail(v->txq, "a frame was not sent in time, and others were");
    } else if (v->tx_quiet_ns >= v->tx_patience_ns) {
        virtq_fail(v->txq, "a frame was not sent in time");
        vnet_tx_double_patience(v);
    }
}

/*
 * Drops the frames of the ring and of the queue. Their memory is the stack's again, unless the
 * device may still read it.
 */
void vnet_tx_lost(struct vnet *v)
{
    void *cookie;

    vnet_tx_up(v, false);
    while ((cookie = virtq_take_back(v->txq))) {
        v->stats.tx_lost++;
        if (!v->quarantine)
            vnet_tx_ended(v, cookie);
        else if (HAL_DMA_MAPS)
            vnet_map_end(v, cookie, true);
    }
    vnet_tx_drop_pending(v, (unsigned)(v->tx_next - v->tx_first));
    vnet_tx_start_watch(v);
}

void vnet_tx_back(struct vnet *v)
{
    vnet_tx_up(v, true);
    vnet_tx_room(v);
}

#endif
