/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_rx.c - the receive queue (virtio 1.4, sections 5.10.6.1 and 5.10.6.4).
 *
 * A batch of used buffers is replaced in the ring by spare ones, or by themselves. Receiving goes
 * on while the transmit queue is full: a connection keeps the packets that it owes, and resets to
 * others wait in v->replies. Receiving stops (5.10.6.1) only when VSOCK_REPLIES resets are owed:
 * those of v->replies, and those of connections that have ended.
 */
#include "vsock/vsock_impl.h"

#if VIREO_VSOCK

static void vsock_buf_push(struct vsock_buf **list, struct vsock_buf *b)
{
    b->next = *list;
    *list = b;
}

static struct vsock_buf *vsock_buf_pop(struct vsock_buf **list)
{
    struct vsock_buf *b = *list;

    if (b)
        *list = b->next;
    return b;
}

static bool vsock_rx_add_spare(struct vsock *v)
{
    uint64_t dma;
    struct vsock_buf *b = hal_dma_alloc(VSOCK_BUF, 16, &dma);

    if (!b)
        return false;
    b->dma = dma + offsetof(struct vsock_buf, hdr);
    vsock_buf_push(&v->spare, b);
    v->stats.buffers++;
    return true;
}

/* A spare buffer, or a new one; NULL: no memory. The space of all connections bounds how many. */
static struct vsock_buf *vsock_rx_take_spare(struct vsock *v)
{
    if (!v->spare)
        vsock_rx_add_spare(v);
    return vsock_buf_pop(&v->spare);
}

/* Buffers that the ring should hold: a legacy device may have a longer ring than was wanted. */
static unsigned vsock_rx_slots(const struct vsock *v)
{
    unsigned size = virtq_size(v->rxq);

    return size < VSOCK_RING ? size : VSOCK_RING;
}

int vsock_rx_setup(struct vsock *v)
{
    for (unsigned n = 0; n < vsock_rx_slots(v); n++)
        if (!vsock_rx_add_spare(v))
            return n < 4 ? -ENOMEM : 0;
    return 0;
}

static void vsock_rx_request(struct vsock *v, unsigned n, struct vsock_buf *b)
{
    v->rx_segs[n] = (struct virtq_seg){b->dma, sizeof(b->hdr) + VSOCK_DATA};
    v->rx_requests[n] = (struct virtq_request){&v->rx_segs[n], 0, 1, b};
}

/* Submits the first n of rx_requests; buffers that a broken ring does not take become spare. */
static void vsock_rx_submit(struct vsock *v, unsigned n)
{
    int taken = n ? virtq_submit(v->rxq, v->rx_requests, n) : 0;

    taken = taken < 0 ? 0 : taken;
    v->posted += (unsigned)taken;
    for (unsigned i = (unsigned)taken; i < n; i++)
        vsock_buf_push(&v->spare, v->rx_requests[i].cookie);
}

void vsock_rx_post(struct vsock *v)
{
    unsigned n = 0;

    while (v->posted + n < vsock_rx_slots(v) && v->spare) {
        vsock_rx_request(v, n, vsock_buf_pop(&v->spare));
        n++;
    }
    vsock_rx_submit(v, n);
}

void vsock_rx_release(struct vsock *v, struct vsock_buf *b)
{
    if (v->quarantine)
        return; /* the device may still write there */
    if (!v->dead) {
        vsock_buf_push(&v->spare, b);
        return;
    }
    v->stats.buffers--;
    hal_dma_free(b, VSOCK_BUF);
}

/*
 * How many packets may be received now: each may owe a reset, and no more than VSOCK_REPLIES can be
 * owed. Sent resets make room.
 */
static unsigned vsock_rx_batch(struct vsock *v)
{
    unsigned used = v->reply_count + v->leaving;
    unsigned room = used < VSOCK_REPLIES ? VSOCK_REPLIES - used : 0;

    if (!room)
        v->stats.rx_stopped++;
    virtq_hold(v->rxq, !room);
    return room < VSOCK_RING ? room : VSOCK_RING;
}

bool vsock_rx_service(struct vsock *v)
{
    unsigned most = vsock_rx_batch(v), fresh = 0;
    int n = most ? virtq_reap(v->rxq, v->done, most) : 0;

    if (n <= 0)
        return false;
    v->posted -= (unsigned)n;
    /* Without another buffer, the packet's own goes back into the ring: the ring never shrinks. */
    for (int i = 0; i < n; i++) {
        struct vsock_buf *b = v->done[i].cookie;
        struct vsock_buf *other = vsock_rx_take_spare(v);

        if (!vsock_packet(v, b, v->done[i].len, other != NULL))
            vsock_buf_push(&v->spare, b);
        if (!other)
            other = vsock_buf_pop(&v->spare);
        vsock_rx_request(v, fresh++, other);
    }
    vsock_rx_submit(v, fresh);
    vsock_rx_post(v);
    if ((unsigned)n == most)
        virtio_wake(v->dev);
    return true;
}

/* Buffers that the device may still write to are never used again. */
void vsock_rx_take_back(struct vsock *v)
{
    struct vsock_buf *b;

    while ((b = virtq_take_back(v->rxq)))
        if (!v->quarantine)
            vsock_buf_push(&v->spare, b);
        else
            v->stats.buffers--;
    v->posted = 0;
}

/* Buffers that connections hold come back through vsock_rx_release. */
void vsock_rx_free_all(struct vsock *v)
{
    struct vsock_buf *b;

    while ((b = vsock_buf_pop(&v->spare))) {
        hal_dma_free(b, VSOCK_BUF);
        v->stats.buffers--;
    }
}

#endif
