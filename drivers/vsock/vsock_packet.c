/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_packet.c - what a received packet means (virtio 1.4, sections 5.10.6.2 to 5.10.6.6).
 *
 * The header is copied once and checked before it is used. A packet that its connection cannot get
 * from an honest peer (more data than there is space, a counter that runs backwards, an answer that
 * nobody asked for) ends that connection; one for no connection is answered with a reset.
 */
#include "vsock/vsock_impl.h"

/* Counts a packet that is dropped; the first is logged. */
static bool bad(struct vsock *v, const char *what)
{
    v->stats.rx_bad++;
    if (!v->told_bad)
        hal_log(HAL_WARN, virtio_name(v->dev), "packet dropped: %s", what);
    v->told_bad = true;
    return false;
}

/* The peer broke a rule. */
static void refuse(struct vsock *v, struct vsock_conn *c)
{
    v->stats.resets++;
    vsock_conn_reset(v, c, c->state == VSOCK_STATE_CONNECTING ? -EPROTO : -ECONNRESET);
}

/* ---- connecting (section 5.10.6.6) ----------------------------------------------------------- */

static void request(struct vsock *v, const struct virtio_vsock_hdr *h)
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
    c->state = VSOCK_STATE_CONNECTED;
    if (!vsock_credit_update(c, h)) {
        c->closed = true;
        refuse(v, c);
        return;
    }
    vsock_listener_add(l, c);
    vsock_tx_owe(v, c, VSOCK_OWES_RESPONSE);
}

static void answer(struct vsock *v, struct vsock_conn *c, const struct virtio_vsock_hdr *h)
{
    if (h->op == VIRTIO_VSOCK_OP_RST) {
        vsock_conn_end(v, c, -ECONNREFUSED);
        return;
    }
    if (h->op != VIRTIO_VSOCK_OP_RESPONSE) {
        refuse(v, c);
        return;
    }
    c->state = VSOCK_STATE_CONNECTED;
    c->deadline = HAL_NEVER;
    vsock_conn_notify(c);
}

/* ---- data (section 5.10.6.4) ----------------------------------------------------------------- */

/* Short packets are gathered, so that what is held takes at most twice its size, and a buffer. */
static bool join(struct vsock_conn *c, const struct vsock_buf *b, uint32_t len)
{
    struct vsock_buf *last = c->rx_tail;

    if (!last || len > VSOCK_DATA - last->end)
        return false;
    memcpy(last->data + last->end, b->data, len);
    last->end += len;
    return true;
}

static bool hold(struct vsock_conn *c, struct vsock_buf *b, uint32_t len)
{
    if (join(c, b, len))
        return false;
    b->next = NULL;
    b->at = 0;
    b->end = len;
    if (c->rx_tail)
        c->rx_tail->next = b;
    else
        c->rx_head = b;
    c->rx_tail = b;
    return true;
}

static bool data(struct vsock *v, struct vsock_conn *c, struct vsock_buf *b, uint32_t len,
                 bool may_keep)
{
    bool kept = false;

    if (!len)
        return false;
    if (len > vsock_space_left(c) || (c->peer_shut & VSOCK_SHUT_SEND)) {
        refuse(v, c);
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
        c->fwd_cnt += len; /* on its way when we said that we receive no more */
    else
        kept = hold(c, b, len);
    vsock_conn_notify(c);
    return kept;
}

/* ---- the end (section 5.10.6.6) -------------------------------------------------------------- */

static void peer_shutdown(struct vsock *v, struct vsock_conn *c, uint32_t flags)
{
    c->peer_shut |= flags & VSOCK_SHUT_BOTH;
    if (c->peer_shut == VSOCK_SHUT_BOTH)
        vsock_conn_reset(v, c, 0); /* the answer that ends it in order */
    else
        vsock_conn_notify(c);
}

static void peer_reset(struct vsock *v, struct vsock_conn *c)
{
    bool in_order = c->own_shut == VSOCK_SHUT_BOTH || (c->peer_shut & VSOCK_SHUT_SEND);

    vsock_conn_end(v, c, in_order ? 0 : -ECONNRESET);
}

static bool connected(struct vsock *v, struct vsock_conn *c, const struct virtio_vsock_hdr *h,
                      struct vsock_buf *b, bool may_keep)
{
    switch (h->op) {
    case VIRTIO_VSOCK_OP_RW:
        return data(v, c, b, h->len, may_keep);
    case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
        break;
    case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
        vsock_tx_owe(v, c, VSOCK_OWES_CREDIT_UPDATE);
        break;
    case VIRTIO_VSOCK_OP_SHUTDOWN:
        peer_shutdown(v, c, h->flags);
        break;
    case VIRTIO_VSOCK_OP_RST:
        peer_reset(v, c);
        break;
    default:
        refuse(v, c);
        break;
    }
    return false;
}

/* ---- any packet ------------------------------------------------------------------------------ */

/* Section 5.10.6.2: for us, from somebody that an answer can reach. */
static bool addressed(const struct vsock *v, const struct virtio_vsock_hdr *h)
{
    return !h->src_cid_high && !h->dst_cid_high && h->dst_cid == v->cid && h->src_cid != v->cid &&
           h->src_cid != VSOCK_CID_NONE;
}

static void stranger(struct vsock *v, const struct virtio_vsock_hdr *h)
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
        return bad(v, "shorter than its header");
    memcpy(&h, &b->hdr, sizeof(h));
    if (!addressed(v, &h))
        return bad(v, "not from another CID to this one");
    v->stats.rx_packets++;
    c = h.type == VIRTIO_VSOCK_TYPE_STREAM
            ? vsock_conn_find(v, (struct vsock_addr){h.src_cid, h.src_port}, h.dst_port)
            : NULL;
    if (!c && h.type == VIRTIO_VSOCK_TYPE_STREAM && h.op == VIRTIO_VSOCK_OP_REQUEST)
        request(v, &h);
    else if (!c)
        stranger(v, &h);
    else if (h.op == VIRTIO_VSOCK_OP_RW && h.len > used - sizeof(h))
        refuse(v, c); /* it claims more than it carries */
    else if (h.op != VIRTIO_VSOCK_OP_RST && !vsock_credit_update(c, &h))
        refuse(v, c);
    else if (c->state == VSOCK_STATE_CONNECTING)
        answer(v, c, &h);
    else
        return connected(v, c, &h, b, may_keep);
    return false;
}
