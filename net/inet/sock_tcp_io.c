/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_tcp_io.c - stream sockets: bytes in and out.
 */
#include <errno.h>

#include "lwip/tcp.h"
#include "sock.h"
#include "socket_ops.h"
#include "tcp_queue.h"

#define PACK_ROOM 1400 /* bytes of a pbuf that takes the data of small segments */
#define PACK_MAX  350  /* a segment of this many bytes is small */

/* Is connected, will be, or was? */
static bool stream_has_connection(const struct sock *s)
{
    return s->state == SOCK_TCP_CONNECTING || s->state == SOCK_TCP_OPEN ||
           s->state == SOCK_TCP_ENDED;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void stream_pop(struct sock *s)
{
    struct pbuf *p = s->rx.head;

    SOCK_QUEUE_POP(&s->rx);
    if (!s->rx.head)
        s->rx_room = 0;
    p->next = NULL;
    pbuf_free(p);
}

/*
 * Has the last pbuf that waits take the data of a small one, which would keep a buffer of a whole
 * frame: so a peer that sends byte by byte holds little more than its bytes. False: no memory.
 */
static bool stream_pack(struct sock *s, const struct pbuf *p)
{
    struct pbuf *last;

    if (s->rx_room < p->len) {
        last = pbuf_alloc(PBUF_RAW, PACK_ROOM, PBUF_RAM);
        if (!last)
            return false;
        last->len = last->tot_len = 0;
        s->rx_room = PACK_ROOM;
        SOCK_QUEUE_APPEND(&s->rx, last);
    }
    last = s->rx.tail;
    memcpy((uint8_t *)last->payload + last->len, p->payload, p->len);
    last->len = last->tot_len = (u16_t)(last->len + p->len);
    s->rx_room = (uint16_t)(s->rx_room - p->len);
    return true;
}

void sock_tcp_queue_rx(struct sock *s, struct pbuf *p)
{
    for (struct pbuf *next; p; p = next) {
        next = p->next;
        p->next = NULL;
        p->tot_len = p->len;
        s->rx_bytes += p->len;
        if (s->rx.head && p->len <= PACK_MAX && stream_pack(s, p)) {
            pbuf_free(p);
            continue;
        }
        SOCK_QUEUE_APPEND(&s->rx, p);
        s->rx_room = 0;
    }
}

/* Opens the window by n bytes that were read. tcp_recved() takes no more than 16 bits. */
void sock_tcp_open_window(struct sock *s, size_t n)
{
    while (n && s->tcp) {
        u16_t part = n > 0xffff ? 0xffff : (u16_t)n;

        tcp_recved(s->tcp, part);
        n -= part;
    }
}

void sock_tcp_drop_rx(struct sock *s)
{
    while (s->rx.head)
        stream_pop(s);
    s->rx_bytes = 0;
}

/* SO_RCVLOWAT, but no more than half of what may wait. */
static uint32_t stream_low_water(const struct sock *s)
{
    uint32_t most = s->tcp ? s->tcp->net.win.receive / 2 : 0;

    return s->low_water < most ? s->low_water : most;
}

bool sock_tcp_can_read(const struct sock *s)
{
    uint32_t low = stream_low_water(s);

    return s->eof || s->read_shut || (s->rx_bytes && s->rx_bytes >= low);
}

/* Copies up to len bytes, and frees them. */
static size_t stream_take(struct sock *s, uint8_t *buf, size_t len)
{
    size_t done = 0;

    while (done < len && s->rx.head) {
        struct pbuf *p = s->rx.head;
        size_t n = len - done < p->len ? len - done : p->len;

        memcpy(buf + done, p->payload, n);
        done += n;
        if (n == p->len)
            stream_pop(s);
        else
            pbuf_remove_header(p, n);
    }
    s->rx_bytes -= (uint32_t)done;
    return done;
}

/* Copies from byte `skip` on, and leaves the data. */
static size_t stream_peek(const struct sock *s, size_t skip, uint8_t *buf, size_t len)
{
    size_t done = 0;

    for (const struct pbuf *p = s->rx.head; p && done < len; p = p->next) {
        size_t n;

        if (skip >= p->len) {
            skip -= p->len;
            continue;
        }
        n = p->len - skip < len - done ? p->len - skip : len - done;
        memcpy(buf + done, (const uint8_t *)p->payload + skip, n);
        skip = 0;
        done += n;
    }
    return done;
}

/* Fills the vector from its byte `at` on, as far as there is data. Bytes copied. */
static size_t stream_scatter(struct sock *s, const struct iovec *iov, int iovcnt, size_t at,
                             int flags)
{
    size_t done = 0;

    for (int i = 0; i < iovcnt && s->rx.head; i++) {
        size_t len = iov[i].iov_len, n;
        uint8_t *base = iov[i].iov_base;

        if (at >= len) {
            at -= len;
            continue;
        }
        n = flags & MSG_PEEK ? stream_peek(s, done, base + at, len - at)
                             : stream_take(s, base + at, len - at);
        done += n;
        if (n < len - at)
            break;
        at = 0;
    }
    return done;
}

/* No data waits. *end: the call ends, with 0 (end of stream) or an error; else it may wait. */
static int stream_why_empty(struct sock *s, bool *end)
{
    *end = true;
    if (s->fin)
        return 0; /* whatever came after it */
    if (s->error)
        return -sock_take_error(s);
    if (!stream_has_connection(s))
        return -ENOTCONN;
    *end = s->eof || s->read_shut;
    return 0;
}

int sock_tcp_await(struct sock *s, uint64_t *deadline, int flags, bool *end)
{
    int err = stream_why_empty(s, end);

    return *end ? err : sock_wait(s, &s->readers, s->read_timeout, deadline, flags);
}

/* Bytes that a call waits for: one, SO_RCVLOWAT, or all. */
static size_t stream_least(const struct sock *s, size_t want, int flags)
{
    size_t low = stream_low_water(s);
    size_t least = (flags & MSG_WAITALL) || want < low ? want : low;

    return least ? least : 1;
}

/* The usual call: into one piece of memory, as much as there is. */
static ssize_t stream_recv_some(struct sock *s, const struct iovec *iov, int flags)
{
    uint64_t deadline = 0;
    size_t n;

    while (!s->rx.head) {
        bool end;
        int err = sock_tcp_await(s, &deadline, flags, &end);

        if (end || err)
            return err;
    }
    n = stream_take(s, iov->iov_base, iov->iov_len);
    sock_tcp_open_window(s, n);
    return (ssize_t)n;
}

static ssize_t stream_recv_any(struct sock *s, const struct iovec *iov, int iovcnt, int flags)
{
    ssize_t want = socket_iov_len(iov, iovcnt);
    uint64_t deadline = 0;
    size_t done = 0, least;
    bool end;
    int err = 0;

    if (flags & MSG_OOB)
        return -EINVAL;
    if (want < 0)
        return want;
    least = stream_least(s, (size_t)want, flags);
    for (;;) {
        size_t n = stream_scatter(s, iov, iovcnt, done, flags);

        done += n;
        if (!(flags & MSG_PEEK))
            sock_tcp_open_window(s, n);
        if (done >= least || (done && (flags & MSG_PEEK)) || (!want && s->rx.head))
            return (ssize_t)done;
        err = sock_tcp_await(s, &deadline, flags, &end);
        if (end || err)
            return done ? (ssize_t)done : err;
    }
}

ssize_t sock_tcp_recv(struct sock *s, const struct iovec *iov, int iovcnt, int flags)
{
    if (iovcnt == 1 && s->low_water <= 1 && !(flags & (MSG_PEEK | MSG_OOB | MSG_WAITALL)) &&
        iov->iov_len - 1 < PTRDIFF_MAX)
        return stream_recv_some(s, iov, flags);
    return stream_recv_any(s, iov, iovcnt, flags);
}

/* ---- sending --------------------------------------------------------------------------------- */

/*
 * Bytes that may be written now. With TCP_NOTSENT_LOWAT, none while so many are unsent; before that
 * a segment at least, so that a low mark does not make many small ones.
 */
static uint32_t stream_room(const struct sock *s)
{
    uint32_t room = tcp_window_room(s->tcp), low = s->options.not_sent_low, left;

    if (!low)
        return room;
    if (tcp_option_unsent(s->tcp) >= low)
        return 0;
    left = low - tcp_option_unsent(s->tcp);
    if (left < tcp_stamp_payload(s->tcp))
        left = tcp_stamp_payload(s->tcp);
    return room < left ? room : left;
}

/* Is less than half of TCP_NOTSENT_LOWAT unsent, but for some bytes that will leave at once? */
static bool stream_few_unsent(const struct sock *s, uint32_t leaving)
{
    uint64_t low = s->options.not_sent_low;

    return !low || tcp_option_unsent(s->tcp) < (low + 1) / 2 + leaving;
}

bool sock_tcp_has_room(const struct sock *s)
{
    return tcp_window_writable(s->tcp) && stream_few_unsent(s, 0);
}

err_t sock_tcp_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct sock *s = arg;

    /* An acknowledgement lets up to twice as much go, after this (RFC 5681, 3.1). */
    if (s->want_write && tcp_window_writable(pcb) && stream_few_unsent(s, 2u * len))
        sock_writable(s);
    return ERR_OK;
}

/* An update of the window, which acknowledges nothing, lets bytes go, too. */
static void stream_leaves(struct tcp_pcb *pcb, uint32_t n)
{
    struct sock *s = pcb->callback_arg;

    if (s && s->want_write && stream_few_unsent(s, n) && tcp_window_writable(pcb))
        sock_writable(s);
}

void sock_tcp_want_write(struct sock *s)
{
    s->want_write = true;
    if (s->tcp && s->options.not_sent_low)
        s->tcp->net.opt.leaves = stream_leaves;
}

/*
 * Hands bytes from `at` on to TCP, which copies them into segments; of a lent pbuf, it refers to
 * them. How many; fewer than len if the send buffer is full, or if memory is short
 * (*short_of_memory).
 */
static size_t stream_push(struct sock *s, const struct iovec *iov, struct pbuf *lent, size_t at,
                          bool more, bool *short_of_memory)
{
    size_t done = 0, len = iov->iov_len - at;

    for (size_t room; done < len && (room = stream_room(s));) {
        size_t n = len - done < room ? len - done : room;
        u8_t flags = TCP_WRITE_FLAG_COPY;
        err_t err = ERR_MEM;

        if (n > UINT16_MAX)
            n = UINT16_MAX;
        if (more || done + n < len)
            flags |= TCP_WRITE_FLAG_MORE;
        while (!tcp_sndqueuelen(s->tcp) || net_mem_admit(NET_MEM_TX)) {
            err = lent ? tcp_queue_lend(s->tcp, lent, (u16_t)(at + done), (u16_t)n, flags)
                       : tcp_write(s->tcp, (uint8_t *)iov->iov_base + at + done, (u16_t)n, flags);
            if (err != ERR_MEM || n <= TCP_OVERSIZE)
                break;
            n /= 2;
        }
        if (err != ERR_OK) {
            *short_of_memory = !tcp_window_queue_full(s->tcp);
            return done;
        }
        done += n;
    }
    return done;
}

/* 0, or why the socket cannot send, now or ever. */
static int stream_may_send(struct sock *s)
{
    if (s->error)
        return -sock_take_error(s);
    return !stream_has_connection(s) || s->write_shut || s->state == SOCK_TCP_ENDED ? -EPIPE : 0;
}

/* Parks until there is room in the send buffer, or memory that others must free first. [parks] */
static int stream_wait_for_room(struct sock *s, bool memory, uint64_t *deadline, int flags)
{
    sock_tcp_want_write(s);
    if (memory) {
        s->starved = net_core.memory_epoch;
        sock_await_means(s);
    }
    if (memory && sock_tcp_has_room(s))
        return sock_wait(s, &net_core.memory, s->write_timeout, deadline, flags);
    return sock_wait(s, &s->writers, s->write_timeout, deadline, flags);
}

/* Sends one piece of the vector, all of it unless there is an error. *sent grows. [parks] */
static int stream_send_piece(struct sock *s, const struct iovec *iov, struct pbuf *lent, bool more,
                             int flags, uint64_t *deadline, size_t *sent)
{
    size_t done = 0;

    while (done < iov->iov_len) {
        bool memory = false;
        int err = stream_may_send(s);

        if (err)
            return err;
        if (s->state == SOCK_TCP_OPEN) {
            size_t n = stream_push(s, iov, lent, done, more, &memory);

            done += n;
            *sent += n;
            if (done == iov->iov_len)
                return 0;
            tcp_option_output(s->tcp, true);
            if (s->options.not_sent_low && n && stream_room(s))
                continue;
        }
        if (s->tcp && (err = stream_wait_for_room(s, memory, deadline, flags)))
            return err;
    }
    return 0;
}

static ssize_t stream_send_all(struct sock *s, const struct iovec *iov, int iovcnt,
                               struct pbuf *lent, int flags)
{
    ssize_t want = socket_iov_len(iov, iovcnt);
    uint64_t deadline = 0;
    size_t sent = 0;
    int err = want < 0 ? (int)want : flags & MSG_OOB ? -EOPNOTSUPP : stream_may_send(s);

    for (int i = 0; !err && i < iovcnt; i++)
        err = stream_send_piece(s, &iov[i], lent,
                                (flags & (MSG_MORE | SOCK_MSG_BATCH)) || i + 1 < iovcnt, flags,
                                &deadline, &sent);
    if (err == -EBADF)
        return sent ? (ssize_t)sent : err;
    if (s->tcp && sent && !(flags & SOCK_MSG_BATCH))
        tcp_option_output(s->tcp, flags & MSG_MORE);
    return sent ? (ssize_t)sent : err;
}

/* Does the write go out at once, or wait for more, as one packet? */
static bool stream_send_lone(struct sock *s, const struct iovec *iov, int flags)
{
    if (s->state != SOCK_TCP_OPEN || s->error || s->write_shut || s->options.not_sent_low ||
        (flags & (MSG_OOB | SOCK_MSG_BATCH)))
        return false;
    if (!(flags & MSG_MORE))
        return tcp_fast_write(s->tcp, iov->iov_base, iov->iov_len);
    if (!tcp_fast_queue(s->tcp, iov->iov_base, iov->iov_len))
        return false;
    tcp_option_output(s->tcp, true);
    return true;
}

ssize_t sock_tcp_send(struct sock *s, const struct iovec *iov, int iovcnt, struct pbuf *lent,
                      int flags)
{
    if (iovcnt == 1 && !lent && stream_send_lone(s, iov, flags))
        return (ssize_t)iov->iov_len;
    return stream_send_all(s, iov, iovcnt, lent, flags);
}
