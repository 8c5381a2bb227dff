/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_rx.c - the receive queue (virtio 1.4, sections 5.10.6.1 and 5.10.6.4).
 *
 * A batch of used buffers is replaced in the ring by spare ones, or by themselves. Receiving goes
 * on while the transmit queue is full: what a connection owes is kept at the connection, and resets
 * to strangers wait in a table. Only when that table is full, or as many connections are over but
 * for their reset, does receiving stop (5.10.6.1).
 */
#include "vsock/vsock_impl.h"

static void push(struct vsock_buf **list, struct vsock_buf *b)
{
    b->next = *list;
    *list = b;
}

static struct vsock_buf *pop(struct vsock_buf **list)
{
    struct vsock_buf *b = *list;

    if (b)
        *list = b->next;
    return b;
}

static bool add_spare(struct vsock *v)
{
    uint64_t dma;
    struct vsock_buf *b = hal_dma_alloc(VSOCK_BUF, 16, &dma);

    if (!b)
        return false;
    b->dma = dma + offsetof(struct vsock_buf, hdr);
    push(&v->spare, b);
    v->stats.buffers++;
    return true;
}

/* A buffer to post. The pool grows with what connections hold, which their space bounds. */
static struct vsock_buf *take_spare(struct vsock *v)
{
    if (!v->spare)
        add_spare(v);
    return pop(&v->spare);
}

/* A ring whose size the device has fixed may be longer than what is wanted. */
static unsigned slots(const struct vsock *v)
{
    unsigned size = virtq_size(v->rxq);

    return size < VSOCK_RING ? size : VSOCK_RING;
}

int vsock_rx_setup(struct vsock *v)
{
    for (unsigned n = 0; n < slots(v); n++)
        if (!add_spare(v))
            return n < 4 ? -ENOMEM : 0;
    return 0;
}

static void request(struct vsock *v, unsigned n, struct vsock_buf *b)
{
    v->rx_segs[n] = (struct virtq_seg){b->dma, sizeof(b->hdr) + VSOCK_DATA};
    v->rx_requests[n] = (struct virtq_request){&v->rx_segs[n], 0, 1, b};
}

/* Submits the first n of rx_requests; what a broken ring does not take becomes spare again. */
static void submit(struct vsock *v, unsigned n)
{
    int taken = n ? virtq_submit(v->rxq, v->rx_requests, n) : 0;

    taken = taken < 0 ? 0 : taken;
    v->posted += (unsigned)taken;
    for (unsigned i = (unsigned)taken; i < n; i++)
        push(&v->spare, v->rx_requests[i].cookie);
}

/* Fills the ring as far as there are buffers. */
void vsock_rx_post(struct vsock *v)
{
    unsigned n = 0;

    while (v->posted + n < slots(v) && v->spare) {
        request(v, n, pop(&v->spare));
        n++;
    }
    submit(v, n);
}

void vsock_rx_release(struct vsock *v, struct vsock_buf *b)
{
    if (v->quarantine)
        return; /* the device may still write there */
    if (!v->dead) {
        push(&v->spare, b);
        return;
    }
    v->stats.buffers--;
    hal_dma_free(b, VSOCK_BUF);
}

/*
 * Each packet may cost one reset, to a stranger or of a connection that is over: no more are taken
 * than can be remembered. The transmit queue makes room.
 */
static unsigned batch(struct vsock *v)
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
    unsigned most = batch(v), fresh = 0;
    int n = most ? virtq_reap(v->rxq, v->done, most) : 0;

    if (n <= 0)
        return false;
    v->posted -= (unsigned)n;
    /* A packet for which there is no other buffer loses its connection, not the ring its slot. */
    for (int i = 0; i < n; i++) {
        struct vsock_buf *b = v->done[i].cookie;
        struct vsock_buf *other = take_spare(v);

        if (!vsock_packet(v, b, v->done[i].len, other != NULL))
            push(&v->spare, b);
        if (!other)
            other = pop(&v->spare);
        request(v, fresh++, other);
    }
    submit(v, fresh);
    vsock_rx_post(v);
    if ((unsigned)n == most)
        virtio_wake(v->dev);
    return true;
}

/* What no reset ever completed for may still be written to: nobody uses it again. */
void vsock_rx_take_back(struct vsock *v)
{
    struct vsock_buf *b;

    while ((b = virtq_take_back(v->rxq)))
        if (!v->quarantine)
            push(&v->spare, b);
        else
            v->stats.buffers--;
    v->posted = 0;
}

/* Buffers that connections still hold come back through vsock_rx_release. */
void vsock_rx_free_all(struct vsock *v)
{
    struct vsock_buf *b;

    while ((b = pop(&v->spare))) {
        hal_dma_free(b, VSOCK_BUF);
        v->stats.buffers--;
    }
}
