/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnet_tx.c - transmitting (virtio 1.4, sections 5.1.6.1 and 5.1.6.2).
 *
 * Frames are queued, then handed over in one batch. The header is all zero (no offload), written
 * into the packet's headroom where there is some; otherwise a descriptor points to one constant
 * zero header that all frames share.
 */
#include "net/vnet_impl.h"

int vnet_tx_setup(struct vnet *v)
{
    v->tx_hdr = hal_dma_alloc(VNET_HDR_MAX, 16, &v->tx_hdr_dma);
    return v->tx_hdr ? 0 : -ENOMEM;
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
    /* What the ring did not take goes out when completions have made room. */
    virtio_wake_at(v->dev, hal_now_ns() + (v->tx_count ? HAL_MS : VNET_TX_RECLAIM));
}

/* From the oldest frame on, those that wait to be handed over: n of them will never be sent. */
static void drop_pending(struct vnet *v, unsigned n)
{
    for (; n; n--) {
        void *cookie = v->tx_requests[v->tx_first].cookie;

        v->tx_first = (v->tx_first + 1) % VNET_TX_PENDING;
        v->tx_count--;
        v->stats.tx_lost++;
        v->client->tx_done(v->client->ctx, cookie);
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
            v->client->tx_done(v->client->ctx, done[i].cookie);
    }
    if (n < 0)
        v->tx_up = false;
    return total != 0;
}

/* The queue of pending frames is a ring of its own: what lies in one piece. True: go on. */
static bool flush_run(struct vnet *v)
{
    unsigned run = VNET_TX_PENDING - v->tx_first;
    int taken;

    if (run > v->tx_count)
        run = v->tx_count;
    taken = virtq_submit(v->txq, &v->tx_requests[v->tx_first], run);
    if (taken < 0) {
        if (taken != -EIO)
            drop_pending(v, 1);
        v->tx_up = taken != -EIO;
        return v->tx_up;
    }
    for (int i = 0; i < taken; i++)
        v->stats.tx_bytes += v->tx_pending[v->tx_first + (unsigned)i].bytes;
    v->stats.tx_frames += (unsigned)taken;
    v->tx_first = (v->tx_first + (unsigned)taken) % VNET_TX_PENDING;
    v->tx_count -= (unsigned)taken;
    return (unsigned)taken == run;
}

void vnet_flush(struct vnet *v)
{
    if (!v->tx_up || v->tx_drain)
        return;
    while (v->tx_count && flush_run(v))
        ;
    vnet_tx_schedule(v);
}

bool vnet_queued(const struct vnet *v)
{
    return v->tx_count != 0;
}

/* Makes sure that one more frame can be queued. */
static bool have_room(struct vnet *v)
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

/* The header's descriptor, or none when the frame's headroom takes it. */
static unsigned place_header(struct vnet *v, struct virtq_seg *seg, const struct vnet_piece *first,
                             bool in_front)
{
    if (in_front) {
        memset((uint8_t *)first->data - v->hdr_len, 0, v->hdr_len);
        return 0;
    }
    *seg = (struct virtq_seg){v->tx_hdr_dma, v->hdr_len};
    return 1;
}

static int fill(struct vnet *v, struct vnet_pending *p, const struct vnet_piece *pieces, unsigned n,
                unsigned headroom)
{
    bool in_front = v->one_seg && headroom >= v->hdr_len;
    unsigned at = place_header(v, p->segs, pieces, in_front);

    p->bytes = 0;
    for (unsigned i = 0; i < n; i++) {
        uint32_t extra = in_front && i == 0 ? v->hdr_len : 0;
        uint8_t *data = (uint8_t *)pieces[i].data - extra;
        uint64_t dma = hal_dma_addr(data, pieces[i].len + extra);

        if (dma == HAL_DMA_NONE)
            return -EFAULT;
        p->segs[at++] = (struct virtq_seg){dma, pieces[i].len + extra};
        p->bytes += pieces[i].len;
    }
    return p->bytes > v->frame_max ? -EMSGSIZE : (int)at;
}

/* Section 2.7.5.3.1: no chain is longer than its queue. */
static int segs_max(const struct vnet *v)
{
    unsigned size = virtq_size(v->txq);

    return (int)(size < VNET_TX_PIECES + 1 ? size : VNET_TX_PIECES + 1);
}

/* While the queue is being recovered, frames are lost as on a cable that is pulled for a moment. */
static int not_sent(struct vnet *v, void *cookie)
{
    if (v->dead)
        return -EIO;
    v->stats.tx_lost++;
    v->client->tx_done(v->client->ctx, cookie);
    return 0;
}

int vnet_send(struct vnet *v, const struct vnet_piece *pieces, unsigned n, unsigned headroom,
              void *cookie)
{
    unsigned slot;
    int segs;

    if (n == 0 || n > VNET_TX_PIECES)
        return -EMSGSIZE;
    if (!v->tx_up)
        return not_sent(v, cookie);
    if (!have_room(v)) {
        v->tx_blocked = true;
        v->stats.tx_full++;
        return -EAGAIN;
    }
    slot = (v->tx_first + v->tx_count) % VNET_TX_PENDING;
    segs = fill(v, &v->tx_pending[slot], pieces, n, headroom);
    if (segs < 0)
        return segs;
    if (segs > segs_max(v))
        return -EMSGSIZE;
    v->tx_requests[slot] =
        (struct virtq_request){v->tx_pending[slot].segs, (uint16_t)segs, 0, cookie};
    v->tx_count++;
    return 0;
}

/* ---- deadline and recovery ------------------------------------------------------------------- */

static void start_watch(struct vnet *v)
{
    v->tx_quiet_ns = v->tx_busy_ns = v->tx_looked_ns = 0;
    v->tx_drain = false;
}

/*
 * It may be the peer who takes nothing, for as long as he likes. What a reset in vain shows is that
 * the card has twice the time before the next, so that it is not given up for that.
 */
static void wait_longer_next(struct vnet *v)
{
    uint64_t longer = 2 * v->tx_patience_ns;

    if (longer <= VNET_TX_PATIENCE)
        v->tx_patience_ns = longer;
}

/*
 * A queue with frames in it that completes none for so long has failed. That would not find a
 * single frame that never comes back among others that do; so, when the queue has not been empty
 * for as long, what is to be sent waits until it is. Only time in which we could have looked
 * counts: a machine that was stopped does not blame its device.
 */
void vnet_tx_watch(struct vnet *v)
{
    uint64_t completed = virtq_stats(v->txq)->completed, now, passed;

    if (!virtq_in_flight(v->txq)) {
        start_watch(v);
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
        virtq_fail(v->txq, "a frame is not sent in time");
        wait_longer_next(v);
    }
    v->tx_drain = v->tx_busy_ns >= v->tx_timeout_ns;
}

/*
 * Frames in the ring and in the queue are lost. Their memory goes back to the stack, unless the
 * device may still read it.
 */
void vnet_tx_lost(struct vnet *v)
{
    void *cookie;

    v->tx_up = false;
    while ((cookie = virtq_take_back(v->txq))) {
        v->stats.tx_lost++;
        if (!v->quarantine)
            v->client->tx_done(v->client->ctx, cookie);
    }
    drop_pending(v, v->tx_count);
    start_watch(v);
}

void vnet_tx_back(struct vnet *v)
{
    v->tx_up = true;
    vnet_tx_room(v);
}
