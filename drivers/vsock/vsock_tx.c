/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_tx.c - the transmit queue (virtio 1.4, sections 5.10.6.1, 5.10.6.3, 5.10.6.4).
 *
 * There are as many buffers as the ring has entries. Data is copied into them within the peer's
 * credit only. Control packets are not queued: a connection has a bit for each packet that it owes,
 * and the packet is made when a buffer is free.
 */
#include "vsock/vsock_impl.h"

#if VIREO_VSOCK

static void vsock_tx_push_free(struct vsock *v, struct vsock_buf *b)
{
    b->next = v->tx_free;
    v->tx_free = b;
}

int vsock_tx_setup(struct vsock *v)
{
    unsigned size = virtq_size(v->txq);

    v->tx_count = size < VSOCK_RING ? size : VSOCK_RING;
    for (unsigned n = 0; n < v->tx_count; n++) {
        uint64_t dma;
        struct vsock_buf *b = hal_dma_alloc(VSOCK_BUF, 16, &dma);

        if (!b)
            return -ENOMEM;
        b->dma = dma + offsetof(struct vsock_buf, hdr);
        vsock_tx_push_free(v, b);
    }
    return 0;
}

bool vsock_tx_reap(struct vsock *v)
{
    struct virtq_done done[16];
    bool any = false;
    int n;

    for (unsigned total = 0; total < VSOCK_RING; total += (unsigned)n) {
        n = virtq_reap(v->txq, done, 16);
        if (n <= 0)
            break;
        any = true;
        for (int i = 0; i < n; i++)
            vsock_tx_push_free(v, done[i].cookie);
    }
    if (any && v->tx_short) {
        v->tx_short = false;
        vsock_conn_room(v);
    }
    return any;
}

bool vsock_tx_room(struct vsock *v)
{
    return virtq_state(v->txq) == VIRTQ_OK && (v->tx_free || vsock_tx_reap(v));
}

/* ---- packets --------------------------------------------------------------------------------- */

/* Takes a free buffer, and writes its header but for op, len, flags and credit. */
static struct vsock_buf *vsock_tx_packet(struct vsock *v, struct vsock_addr peer,
                                         uint32_t local_port)
{
    struct vsock_buf *b = v->tx_free;

    v->tx_free = b->next;
    b->hdr = (struct virtio_vsock_hdr){
        .src_cid = v->cid,
        .dst_cid = peer.cid,
        .src_port = local_port,
        .dst_port = peer.port,
        .type = VIRTIO_VSOCK_TYPE_STREAM,
    };
    return b;
}

static void vsock_tx_stage(struct vsock *v, struct vsock_buf *b)
{
    unsigned n = v->staged++;

    v->tx_segs[n] = (struct virtq_seg){b->dma, (uint32_t)sizeof(b->hdr) + b->hdr.len};
    v->tx_requests[n] = (struct virtq_request){&v->tx_segs[n], 1, 0, b};
    v->stats.tx_bytes += b->hdr.len;
}

/* Submits the staged packets, with at most one kick. The ring has an entry for each buffer. */
static void vsock_tx_submit(struct vsock *v)
{
    int taken = v->staged ? virtq_submit(v->txq, v->tx_requests, v->staged) : 0;

    if (taken != (int)v->staged && virtq_state(v->txq) == VIRTQ_OK)
        virtio_fail(v->dev, "the transmit queue refuses packets");
    taken = taken < 0 ? 0 : taken;
    v->stats.tx_packets += (unsigned)taken;
    for (unsigned n = (unsigned)taken; n < v->staged; n++)
        vsock_tx_push_free(v, v->tx_requests[n].cookie);
    v->staged = 0;
}

/* Section 5.10.6.3: every packet of a connection tells the receive space as it is now. */
static void vsock_tx_stage_op(struct vsock *v, struct vsock_conn *c, struct vsock_buf *b,
                              uint16_t op, uint32_t len)
{
    b->hdr.op = op;
    b->hdr.len = len;
    b->hdr.flags = op == VIRTIO_VSOCK_OP_SHUTDOWN ? c->own_shut : 0;
    b->hdr.buf_alloc = c->buf_alloc;
    b->hdr.fwd_cnt = c->fwd_cnt;
    c->told_fwd_cnt = c->fwd_cnt;
    c->owes &= (uint8_t)~VSOCK_OWES_CREDIT_UPDATE;
    vsock_tx_stage(v, b);
}

/* ---- packets that are owed ------------------------------------------------------------------- */

void vsock_tx_reply(struct vsock *v, const struct virtio_vsock_hdr *to)
{
    unsigned at = (v->reply_first + v->reply_count) % VSOCK_REPLIES;

    hal_assert(v->reply_count < VSOCK_REPLIES);
    v->replies[at] = (struct vsock_reply){{to->src_cid, to->src_port}, to->dst_port, to->type};
    v->reply_count++;
}

void vsock_tx_owe(struct vsock *v, struct vsock_conn *c, unsigned what)
{
    c->owes |= (uint8_t)what;
    if (c->owing)
        return;
    c->owing = true;
    v->leaving += c->state == VSOCK_STATE_ENDED;
    HAL_QUEUE_APPEND(v->owing_head, v->owing_tail, c, next_owing);
}

static void vsock_tx_send_reply(struct vsock *v)
{
    const struct vsock_reply *r = &v->replies[v->reply_first];
    struct vsock_buf *b = vsock_tx_packet(v, r->peer, r->local_port);

    b->hdr.type = r->type;
    b->hdr.op = VIRTIO_VSOCK_OP_RST;
    vsock_tx_stage(v, b);
    v->reply_first = (v->reply_first + 1) % VSOCK_REPLIES;
    v->reply_count--;
}

/* Sends the most urgent packet that the connection owes. After a reset it owes no other. */
static void vsock_tx_send_owed(struct vsock *v, struct vsock_conn *c)
{
    static const struct {
        uint8_t bit, op;
    } order[] = {
        {VSOCK_OWES_RST, VIRTIO_VSOCK_OP_RST},
        {VSOCK_OWES_REQUEST, VIRTIO_VSOCK_OP_REQUEST},
        {VSOCK_OWES_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE},
        {VSOCK_OWES_SHUTDOWN, VIRTIO_VSOCK_OP_SHUTDOWN},
        {VSOCK_OWES_CREDIT_REQUEST, VIRTIO_VSOCK_OP_CREDIT_REQUEST},
        {VSOCK_OWES_CREDIT_UPDATE, VIRTIO_VSOCK_OP_CREDIT_UPDATE},
    };
    unsigned i = 0;

    while (!(c->owes & order[i].bit))
        i++;
    c->owes &= (uint8_t)~order[i].bit;
    if (order[i].bit == VSOCK_OWES_RST)
        c->owes = 0;
    vsock_tx_stage_op(v, c, vsock_tx_packet(v, c->peer, c->local_port), order[i].op, 0);
}

/* The first connection of the list owes nothing any more: it leaves the list. */
static void vsock_tx_settle_first(struct vsock *v)
{
    struct vsock_conn *c = v->owing_head;

    v->owing_head = c->next_owing;
    if (!v->owing_head)
        v->owing_tail = NULL;
    c->owing = false;
    v->leaving -= c->state == VSOCK_STATE_ENDED;
    vsock_conn_unowed(v, c);
}

void vsock_tx_flush(struct vsock *v)
{
    if (v->dead)
        return;
    while (v->reply_count && vsock_tx_room(v))
        vsock_tx_send_reply(v);
    while (v->owing_head) {
        if (!v->owing_head->owes)
            vsock_tx_settle_first(v);
        else if (vsock_tx_room(v))
            vsock_tx_send_owed(v, v->owing_head);
        else
            break;
    }
    if (v->owing_head || v->reply_count)
        v->tx_short = true;
    vsock_tx_submit(v);
}

/* ---- data ------------------------------------------------------------------------------------ */

int vsock_tx_data(struct vsock *v, struct vsock_conn *c, const uint8_t *data, uint32_t len)
{
    uint32_t room = vsock_credit(c), sent = 0;

    if (len > room)
        len = room;
    while (sent < len && vsock_tx_room(v)) {
        uint32_t part = len - sent < VSOCK_DATA ? len - sent : VSOCK_DATA;
        struct vsock_buf *b = vsock_tx_packet(v, c->peer, c->local_port);

        memcpy(b->data, data + sent, part);
        vsock_tx_stage_op(v, c, b, VIRTIO_VSOCK_OP_RW, part);
        sent += part;
    }
    vsock_tx_submit(v);
    c->tx_cnt += sent;
    return (int)sent;
}

void vsock_tx_take_back(struct vsock *v)
{
    struct vsock_buf *b;

    while ((b = virtq_take_back(v->txq)))
        if (!v->quarantine)
            vsock_tx_push_free(v, b);
}

void vsock_tx_free_all(struct vsock *v)
{
    struct vsock_buf *b;

    while (v->owing_head)
        vsock_tx_settle_first(v);
    while ((b = v->tx_free)) {
        v->tx_free = b->next;
        hal_dma_free(b, VSOCK_BUF);
    }
}

#endif
