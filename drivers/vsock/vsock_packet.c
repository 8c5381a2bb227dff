/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_packet.c - received packets (virtio 1.4, sections 5.10.6.2 to 5.10.6.6).
 *
 * The header is copied once, and the copy is checked before it is used. A packet that no honest
 * peer sends on a connection (more data than there is space, a counter that runs backwards, an
 * answer that nobody asked for) ends the connection. A packet without a connection is answered with
 * a reset.
 */
#include "vsock/vsock_impl.h"

#if VIREO_VSOCK

/* Drops a packet: counts it, and logs the first. */
static bool vsock_packet_bad(struct vsock *v, const char *what)
{
    v->stats.rx_bad++;
    if (!v->told_bad)
        hal_log(HAL_WARN, virtio_name(v->dev), "packet dropped: %s", what);
    v->told_bad = true;
    return false;
}

/* The peer broke a rule: the connection ends with a reset. */
static void vsock_packet_refuse(struct vsock *v, struct vsock_conn *c)
{
    v->stats.resets++;
    vsock_conn_reset(v, c, c->state == VSOCK_STATE_CONNECTING ? -EPROTO : -ECONNRESET);
}

/* ---- connecting (section 5.10.6.6) ----------------------------------------------------------- */

/* The peer asks for a connection. */
static void vsock_packet_request(struct vsock *v, const struct virtio_vsock_hdr *h)
{
    struct vsock_addr peer = {h->src_cid, h->src_port};
    struct vsock_listener *l = vsock_listener_find(h->dst_port);
    struct vsock_conn *c = NULL;

    if (l && l->waiting < l->backlog)
        c = vsock_conn_new(v, peer, h->dst_port, l->space);
    if (!c) {
        v->stats.rx_unknown++;
        vsock_tx_reply(v, h);
        return;
    }
    vsock_conn_established(c);
    if (!vsock_credit_update(c, h)) {
        c->closed = true;
        vsock_packet_refuse(v, c);
        return;
    }
    vsock_listener_add(l, c);
    vsock_tx_owe(v, c, VSOCK_OWES_RESPONSE);
}

/* A packet for a connection that waits for an answer. */
static void vsock_packet_answer(struct vsock *v, struct vsock_conn *c,
                                const struct virtio_vsock_hdr *h)
{
    if (h->op == VIRTIO_VSOCK_OP_RST) {
        vsock_conn_end(v, c, -ECONNREFUSED);
        return;
    }
    if (h->op != VIRTIO_VSOCK_OP_RESPONSE) {
        vsock_packet_refuse(v, c);
        return;
    }
    vsock_conn_established(c);
    vsock_conn_notify(c);
}

/* ---- data (section 5.10.6.4) ----------------------------------------------------------------- */

/*
 * Copies a short packet behind the last one, if there is room: so the buffers that a connection
 * holds are at most twice as large as their data, and one buffer more.
 */
static bool vsock_packet_join(struct vsock_conn *c, const struct vsock_buf *b, uint32_t len)
{
    struct vsock_buf *last = c->rx_tail;

    if (!last || len > VSOCK_DATA - last->end)
        return false;
    memcpy(last->data + last->end, b->data, len);
    last->end += len;
    return true;
}

/* Keeps received data for vsock_recv. True: the connection owns the buffer now. */
static bool vsock_packet_hold(struct vsock_conn *c, struct vsock_buf *b, uint32_t len)
{
    if (vsock_packet_join(c, b, len))
        return false;
    b->at = 0;
    b->end = len;
    HAL_QUEUE_APPEND(c->rx_head, c->rx_tail, b, next);
    return true;
}

static bool vsock_packet_data(struct vsock *v, struct vsock_conn *c, struct vsock_buf *b,
                              uint32_t len, bool may_keep)
{
    bool kept = false;

    if (!len)
        return false;
    if (len > vsock_space_left(c) || (c->peer_shut & VSOCK_SHUT_SEND)) {
        vsock_packet_refuse(v, c);
        return false;
    }
    if (!may_keep && !(c->own_shut & VSOCK_SHUT_RECEIVE)) {
        hal_log(HAL_ERROR, virtio_name(v->dev), "out of memory: a connection is reset");
        vsock_conn_reset(v, c, -ENOMEM);
        return false;
    }
    v->stats.rx_bytes += len;
    c->rx_cnt += len;
    if (c->own_shut & VSOCK_SHUT_RECEIVE)
        c->fwd_cnt += len; /* sent before the peer knew that the image receives no more */
    else
        kept = vsock_packet_hold(c, b, len);
    vsock_conn_notify(c);
    return kept;
}

/* ---- the end (section 5.10.6.6) -------------------------------------------------------------- */

static void vsock_packet_shutdown(struct vsock *v, struct vsock_conn *c, uint32_t flags)
{
    c->peer_shut |= flags & VSOCK_SHUT_BOTH;
    if (c->peer_shut == VSOCK_SHUT_BOTH)
        vsock_conn_reset(v, c, 0); /* ends the connection in order */
    else
        vsock_conn_notify(c);
}

static void vsock_packet_reset(struct vsock *v, struct vsock_conn *c)
{
    bool in_order = c->own_shut == VSOCK_SHUT_BOTH || (c->peer_shut & VSOCK_SHUT_SEND);

    vsock_conn_end(v, c, in_order ? 0 : -ECONNRESET);
}

/* A packet for an established connection. True: the connection owns the buffer now. */
static bool vsock_packet_connected(struct vsock *v, struct vsock_conn *c,
                                   const struct virtio_vsock_hdr *h, struct vsock_buf *b,
                                   bool may_keep)
{
    switch (h->op) {
    case VIRTIO_VSOCK_OP_RW:
        return vsock_packet_data(v, c, b, h->len, may_keep);
    case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
        break;
    case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
        vsock_tx_owe(v, c, VSOCK_OWES_CREDIT_UPDATE);
        break;
    case VIRTIO_VSOCK_OP_SHUTDOWN:
        vsock_packet_shutdown(v, c, h->flags);
        break;
    case VIRTIO_VSOCK_OP_RST:
        vsock_packet_reset(v, c);
        break;
    default:
        vsock_packet_refuse(v, c);
        break;
    }
    return false;
}

/* ---- any packet ------------------------------------------------------------------------------ */

/* Section 5.10.6.2: is it for this CID, and from one that an answer can reach? */
static bool vsock_packet_is_addressed(const struct vsock *v, const struct virtio_vsock_hdr *h)
{
    return !h->src_cid_high && !h->dst_cid_high && h->dst_cid == v->cid && h->src_cid != v->cid &&
           h->src_cid != VSOCK_CID_NONE;
}

/* A packet without a connection. */
static void vsock_packet_stranger(struct vsock *v, const struct virtio_vsock_hdr *h)
{
    v->stats.rx_unknown++;
    if (h->op != VIRTIO_VSOCK_OP_RST)
        vsock_tx_reply(v, h);
}

bool vsock_packet(struct vsock *v, struct vsock_buf *b, uint32_t used, bool may_keep)
{
    struct virtio_vsock_hdr h;
    struct vsock_conn *c;

    if (used < sizeof(h))
        return vsock_packet_bad(v, "shorter than its header");
    memcpy(&h, &b->hdr, sizeof(h));
    if (!vsock_packet_is_addressed(v, &h))
        return vsock_packet_bad(v, "not from another CID to this one");
    v->stats.rx_packets++;
    c = h.type == VIRTIO_VSOCK_TYPE_STREAM
            ? vsock_conn_find(v, (struct vsock_addr){h.src_cid, h.src_port}, h.dst_port)
            : NULL;
    if (!c && h.type == VIRTIO_VSOCK_TYPE_STREAM && h.op == VIRTIO_VSOCK_OP_REQUEST)
        vsock_packet_request(v, &h);
    else if (!c)
        vsock_packet_stranger(v, &h);
    else if (h.op == VIRTIO_VSOCK_OP_RW && h.len > used - sizeof(h))
        vsock_packet_refuse(v, c); /* len is more than the device wrote */
    else if (h.op != VIRTIO_VSOCK_OP_RST && !vsock_credit_update(c, &h))
        vsock_packet_refuse(v, c);
    else if (c->state == VSOCK_STATE_CONNECTING)
        vsock_packet_answer(v, c, &h);
    else
        return vsock_packet_connected(v, c, &h, b, may_keep);
    return false;
}

#endif
