/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_call.c - what a socket layer calls on a connection (virtio 1.4, sections 5.10.6.3, 5.10.6.4
 * and 5.10.6.6).
 */
#include "vsock/vsock_impl.h"

#if VIREO_VSOCK

int vsock_connect(struct vsock_addr peer, uint32_t local_port, uint32_t space, uint64_t timeout_ns,
                  vsock_notify_fn notify, void *ctx, struct vsock_conn **out)
{
    struct vsock *v = vsock_device;
    struct vsock_conn *c;

    if (!vsock_up())
        return -ENXIO;
    if (vsock_conn_find(v, peer, local_port))
        return -EADDRINUSE;
    c = vsock_conn_new(v, peer, local_port, space);
    if (!c)
        return -ENOMEM;
    c->notify = notify;
    c->ctx = ctx;
    vsock_conn_deadline(v, c, hal_now_ns() + timeout_ns);
    vsock_tx_owe(v, c, VSOCK_OWES_REQUEST);
    vsock_tx_flush(v);
    *out = c;
    return 0;
}

/* Ends directions. Once both have ended, the peer has VSOCK_CLOSE_TIMEOUT to send its reset. */
static void vsock_begin_end(struct vsock *v, struct vsock_conn *c, unsigned how)
{
    c->own_shut |= (uint8_t)how;
    vsock_tx_owe(v, c, VSOCK_OWES_SHUTDOWN);
    if (c->own_shut == VSOCK_SHUT_BOTH && c->deadline == HAL_NEVER)
        vsock_conn_deadline(v, c, hal_now_ns() + VSOCK_CLOSE_TIMEOUT);
}

void vsock_close(struct vsock_conn *c)
{
    struct vsock *v = vsock_device;

    c->notify = NULL;
    c->closed = true;
    vsock_conn_drop_data(v, c);
    if (c->state == VSOCK_STATE_CONNECTING)
        vsock_conn_reset(v, c, 0);
    else if (c->state == VSOCK_STATE_CONNECTED)
        vsock_begin_end(v, c, VSOCK_SHUT_BOTH);
    else if (!c->owing)
        vsock_conn_unowed(v, c);
    vsock_tx_flush(v);
}

void vsock_shutdown(struct vsock_conn *c, unsigned how)
{
    if (c->state != VSOCK_STATE_CONNECTED || (c->own_shut | how) == c->own_shut)
        return;
    vsock_begin_end(vsock_device, c, how);
    vsock_tx_flush(vsock_device);
    vsock_conn_notify(c);
}

/* 0: data can be sent now; -EAGAIN: later (asks the peer for credit if there is none); or an error.
 */
static int vsock_blocked(struct vsock *v, struct vsock_conn *c)
{
    if (c->state == VSOCK_STATE_ENDED)
        return c->error ? c->error : -EPIPE;
    if ((c->own_shut & VSOCK_SHUT_SEND) || (c->peer_shut & VSOCK_SHUT_RECEIVE))
        return -EPIPE;
    if (c->state == VSOCK_STATE_CONNECTED && vsock_credit(c) && !c->owes && vsock_tx_room(v))
        return 0;
    c->wants_room = true;
    if (c->state == VSOCK_STATE_CONNECTED && !vsock_credit(c)) {
        if (!c->asked)
            vsock_tx_owe(v, c, VSOCK_OWES_CREDIT_REQUEST);
        c->asked = true;
    } else {
        v->tx_short = true;
    }
    return -EAGAIN;
}

int vsock_send(struct vsock_conn *c, const void *buf, uint32_t len)
{
    struct vsock *v = vsock_device;
    int err;

    vsock_tx_flush(v); /* packets that the connection owes go first */
    err = vsock_blocked(v, c);
    if (err) {
        vsock_tx_flush(v);
        return err;
    }
    return vsock_tx_data(v, c, buf, len < INT32_MAX ? len : INT32_MAX);
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Copies received bytes, which stay; how many. */
static uint32_t vsock_copy_out(const struct vsock_conn *c, uint8_t *out, uint32_t len)
{
    uint32_t done = 0;

    for (const struct vsock_buf *b = c->rx_head; b && done < len; b = b->next) {
        uint32_t part = b->end - b->at;

        part = part < len - done ? part : len - done;
        memcpy(out + done, b->data + b->at, part);
        done += part;
    }
    return done;
}

/* Drops the first len bytes that were received. */
static void vsock_consume(struct vsock *v, struct vsock_conn *c, uint32_t len)
{
    c->fwd_cnt += len;
    while (len) {
        struct vsock_buf *b = c->rx_head;
        uint32_t part = b->end - b->at;

        part = part < len ? part : len;
        b->at += part;
        len -= part;
        if (b->at < b->end)
            break;
        c->rx_head = b->next;
        if (!c->rx_head)
            c->rx_tail = NULL;
        vsock_rx_release(v, b);
    }
}

/* Tells the peer of freed space once that is a quarter of all: before the peer has to wait. */
static void vsock_tell_space(struct vsock *v, struct vsock_conn *c)
{
    if (c->state != VSOCK_STATE_CONNECTED || c->fwd_cnt - c->told_fwd_cnt < c->buf_alloc / 4)
        return;
    vsock_tx_owe(v, c, VSOCK_OWES_CREDIT_UPDATE);
    vsock_tx_flush(v);
}

int vsock_recv(struct vsock_conn *c, void *buf, uint32_t len, bool peek)
{
    uint32_t n = c->own_shut & VSOCK_SHUT_RECEIVE
                     ? 0
                     : vsock_copy_out(c, buf, len < INT32_MAX ? len : INT32_MAX);

    if (n) {
        if (!peek) {
            vsock_consume(vsock_device, c, n);
            vsock_tell_space(vsock_device, c);
        }
        return (int)n;
    }
    if (c->own_shut & VSOCK_SHUT_RECEIVE)
        return 0;
    if (c->state == VSOCK_STATE_ENDED)
        return c->error;
    return c->peer_shut & VSOCK_SHUT_SEND ? 0 : -EAGAIN;
}

uint32_t vsock_waiting(const struct vsock_conn *c)
{
    return c->rx_cnt - c->fwd_cnt;
}

void vsock_set_space(struct vsock_conn *c, uint32_t space)
{
    if (space <= c->buf_alloc)
        return;
    c->buf_alloc = space;
    if (c->state != VSOCK_STATE_CONNECTED)
        return;
    vsock_tx_owe(vsock_device, c, VSOCK_OWES_CREDIT_UPDATE);
    vsock_tx_flush(vsock_device);
}

/* ---- state ----------------------------------------------------------------------------------- */

unsigned vsock_status(struct vsock_conn *c)
{
    bool ended = c->state == VSOCK_STATE_ENDED;
    bool done = ended || (c->peer_shut & VSOCK_SHUT_SEND) || (c->own_shut & VSOCK_SHUT_RECEIVE);
    unsigned bits = 0;

    if (c->state == VSOCK_STATE_CONNECTING)
        return VSOCK_CONNECTING;
    if (c->rx_head || done)
        bits |= VSOCK_CAN_READ;
    if (ended || vsock_blocked(vsock_device, c) != -EAGAIN)
        bits |= VSOCK_CAN_WRITE;
    if (done)
        bits |= VSOCK_PEER_DONE;
    if (ended)
        bits |= VSOCK_ENDED;
    vsock_tx_flush(vsock_device);
    return bits;
}

int vsock_error(const struct vsock_conn *c)
{
    return c->error;
}

struct vsock_addr vsock_peer(const struct vsock_conn *c)
{
    return c->peer;
}

#endif
