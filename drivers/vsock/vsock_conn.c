/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_conn.c - the table of connections, how they end, and their credit (virtio 1.4, sections
 * 5.10.6.2, 5.10.6.3, 5.10.6.6).
 *
 * A connection is in the table until it has ended, and in the list of those that owe a packet until
 * the packet is sent. It is freed when it is in neither, and its caller has closed it.
 */
#include "vsock/vsock_impl.h"

#if VIREO_VSOCK

/* ---- the table ------------------------------------------------------------------------------- */

static struct vsock_conn **vsock_conn_bucket(struct vsock *v, struct vsock_addr peer,
                                             uint32_t local_port)
{
    uint32_t x = (peer.port * 0x9e3779b1u) ^ (local_port * 0x85ebca6bu) ^ peer.cid;

    return &v->buckets[(x ^ x >> 16) % VSOCK_BUCKETS];
}

static bool vsock_same_addr(struct vsock_addr a, struct vsock_addr b)
{
    return a.cid == b.cid && a.port == b.port;
}

struct vsock_conn *vsock_conn_find(struct vsock *v, struct vsock_addr peer, uint32_t local_port)
{
    struct vsock_conn *c = *vsock_conn_bucket(v, peer, local_port);

    while (c && !(vsock_same_addr(c->peer, peer) && c->local_port == local_port))
        c = c->next;
    return c;
}

struct vsock_conn *vsock_conn_new(struct vsock *v, struct vsock_addr peer, uint32_t local_port,
                                  uint32_t space)
{
    struct vsock_conn **at = vsock_conn_bucket(v, peer, local_port);
    struct vsock_conn *c = hal_alloc(sizeof(*c));

    if (!c)
        return NULL;
    c->peer = peer;
    c->local_port = local_port;
    c->buf_alloc = space;
    c->deadline = HAL_NEVER;
    c->next = *at;
    *at = c;
    v->stats.connections++;
    return c;
}

static void vsock_conn_unlink(struct vsock *v, struct vsock_conn *c)
{
    struct vsock_conn **at = vsock_conn_bucket(v, c->peer, c->local_port);

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    v->stats.connections--;
}

bool vsock_port_used(uint32_t port)
{
    for (unsigned i = 0; vsock_device && i < VSOCK_BUCKETS; i++)
        for (struct vsock_conn *c = vsock_device->buckets[i]; c; c = c->next)
            if (c->local_port == port)
                return true;
    return false;
}

/* ---- state ----------------------------------------------------------------------------------- */

static void vsock_conn_become(struct vsock_conn *c, enum vsock_state to)
{
    static const uint8_t legal[] = {
        /* CONNECTED: the peer accepted. ENDED: it refused, or no answer came */
        [VSOCK_STATE_CONNECTING] = 1 << VSOCK_STATE_CONNECTED | 1 << VSOCK_STATE_ENDED,
        /* reset, shut down by both sides, or the device is gone */
        [VSOCK_STATE_CONNECTED] = 1 << VSOCK_STATE_ENDED,
        [VSOCK_STATE_ENDED] = 0,
    };

    hal_debug_assert(legal[c->state] >> to & 1);
    c->state = to;
}

void vsock_conn_established(struct vsock_conn *c)
{
    vsock_conn_become(c, VSOCK_STATE_CONNECTED);
    c->deadline = HAL_NEVER;
}

void vsock_conn_notify(struct vsock_conn *c)
{
    if (c->notify)
        c->notify(c->ctx);
}

void vsock_conn_drop_data(struct vsock *v, struct vsock_conn *c)
{
    struct vsock_buf *b;

    while ((b = c->rx_head)) {
        c->rx_head = b->next;
        vsock_rx_release(v, b);
    }
    c->rx_tail = NULL;
    c->fwd_cnt = c->rx_cnt;
}

static void vsock_conn_free_if_over(struct vsock *v, struct vsock_conn *c)
{
    if (c->state != VSOCK_STATE_ENDED || !c->closed || c->owing)
        return;
    vsock_conn_drop_data(v, c);
    hal_free(c);
}

void vsock_conn_unowed(struct vsock *v, struct vsock_conn *c)
{
    vsock_conn_free_if_over(v, c);
}

static void vsock_conn_leave(struct vsock *v, struct vsock_conn *c, int error)
{
    vsock_conn_become(c, VSOCK_STATE_ENDED);
    vsock_conn_unlink(v, c);
    c->error = error;
    c->deadline = HAL_NEVER;
    c->owes = 0;
    v->leaving += c->owing;
    if (c->listener) { /* no caller will ever own it */
        vsock_listener_drop(c);
        c->closed = true;
    }
    vsock_conn_notify(c);
}

void vsock_conn_end(struct vsock *v, struct vsock_conn *c, int error)
{
    vsock_conn_leave(v, c, error);
    vsock_conn_free_if_over(v, c);
}

void vsock_conn_reset(struct vsock *v, struct vsock_conn *c, int error)
{
    vsock_conn_leave(v, c, error);
    vsock_tx_owe(v, c, VSOCK_OWES_RST);
}

void vsock_conn_end_all(struct vsock *v, int error)
{
    for (unsigned i = 0; i < VSOCK_BUCKETS; i++)
        while (v->buckets[i])
            vsock_conn_end(v, v->buckets[i], error);
}

/* ---- time ------------------------------------------------------------------------------------ */

void vsock_conn_deadline(struct vsock *v, struct vsock_conn *c, uint64_t at)
{
    c->deadline = at;
    if (at < v->deadline) {
        v->deadline = at;
        virtio_wake_at(v->dev, at);
    }
}

void vsock_conn_timeouts(struct vsock *v, uint64_t now)
{
    v->deadline = HAL_NEVER;
    for (unsigned i = 0; i < VSOCK_BUCKETS; i++)
        for (struct vsock_conn *c = v->buckets[i], *next; c; c = next) {
            next = c->next;
            if (c->deadline <= now)
                vsock_conn_reset(v, c, c->state == VSOCK_STATE_CONNECTING ? -ETIMEDOUT : 0);
            else if (c->deadline < v->deadline)
                v->deadline = c->deadline;
        }
}

/* ---- credit (section 5.10.6.3) --------------------------------------------------------------- */

/* Notifies a sender that waited for credit or a buffer. */
static void vsock_conn_tell_room(struct vsock_conn *c)
{
    if (!c->wants_room || !vsock_credit(c))
        return;
    c->wants_room = false;
    vsock_conn_notify(c);
}

/* The counters run freely: differences of 32 bits are right when a counter wraps. */
uint32_t vsock_credit(const struct vsock_conn *c)
{
    uint32_t out = c->tx_cnt - c->peer_fwd_cnt;

    return out < c->peer_buf_alloc ? c->peer_buf_alloc - out : 0; /* buf_alloc may shrink */
}

bool vsock_credit_update(struct vsock_conn *c, const struct virtio_vsock_hdr *h)
{
    bool had_credit = vsock_credit(c);

    /* The peer cannot forward more than was sent, nor less than it told before. */
    if (h->fwd_cnt - c->peer_fwd_cnt > c->tx_cnt - c->peer_fwd_cnt)
        return false;
    c->peer_fwd_cnt = h->fwd_cnt;
    c->peer_buf_alloc = h->buf_alloc;
    c->asked = false;
    if (!had_credit)
        vsock_conn_tell_room(c);
    return true;
}

/* By the present fwd_cnt, which may be more than the peer was told, never less. */
uint32_t vsock_space_left(const struct vsock_conn *c)
{
    uint32_t held = c->rx_cnt - c->fwd_cnt;

    return held < c->buf_alloc ? c->buf_alloc - held : 0;
}

void vsock_conn_room(struct vsock *v)
{
    for (unsigned i = 0; i < VSOCK_BUCKETS; i++)
        for (struct vsock_conn *c = v->buckets[i]; c; c = c->next)
            vsock_conn_tell_room(c);
}

#endif
