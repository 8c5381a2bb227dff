/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_borrow.c - what was received, lent where it lies (net.h). A loan is a chain of pbufs, taken
 * off the socket's queue. What is lent counts until it comes back: so a socket lends no more than
 * may wait at it.
 */
#include <errno.h>

#include "sock.h"
#include "socket_ops.h"

static bool borrow_is_sock(const struct file *f)
{
    return f->ops == &sock_file_ops;
}

/* Takes up to `count` pbufs of data off the queue; the chain of them. */
static struct pbuf *borrow_from_stream(struct sock *s, struct net_part *parts, unsigned *count)
{
    struct pbuf *all = NULL, **end = &all, *p;
    unsigned n = 0;

    for (; n < *count && (p = s->rx.head); n++) {
        SOCK_QUEUE_POP(&s->rx);
        p->next = NULL;
        parts[n] = (struct net_part){p->payload, p->len};
        s->rx_bytes -= p->len;
        s->lent += p->len;
        *end = p;
        end = &p->next;
    }
    if (!s->rx.head)
        s->rx_room = 0;
    *count = n;
    return all;
}

static ssize_t borrow_bytes(const struct pbuf *p)
{
    ssize_t n = 0;

    for (; p; p = p->next)
        n += p->len;
    return n;
}

static ssize_t borrow_stream(struct sock *s, struct net_part *parts, unsigned *count,
                             struct net_loan **loan, int flags)
{
    uint64_t deadline = 0;

    while (!s->rx.head) {
        bool end;
        int err = sock_tcp_await(s, &deadline, flags, &end);

        if (end || err) {
            *count = 0;
            return err;
        }
    }
    *loan = (struct net_loan *)borrow_from_stream(s, parts, count);
    return borrow_bytes((struct pbuf *)*loan);
}

static ssize_t borrow_dgram(struct sock *s, struct net_part *parts, unsigned *count,
                            struct net_loan **loan, int flags)
{
    int there = sock_dgram_await(s, flags);
    unsigned n = 0;
    struct pbuf *p;

    if (there <= 0) {
        *count = 0;
        return there;
    }
    if (pbuf_clen(sock_dgram_first(s)) > *count)
        return -EMSGSIZE;
    p = sock_dgram_take(s);
    for (struct pbuf *q = p; q; q = q->next)
        if (q->len)
            parts[n++] = (struct net_part){q->payload, q->len};
    *count = n;
    s->rx_bytes += p->tot_len;
    s->lent += p->tot_len;
    if (!p->tot_len) {
        pbuf_free(p);
        return 0;
    }
    *loan = (struct net_loan *)p;
    return p->tot_len;
}

ssize_t net_recv_borrow(int fd, struct net_part *parts, unsigned *count, struct net_loan **loan,
                        int flags)
{
    struct file *f = file_hold(fd);
    ssize_t n;
    struct sock *s;

    *loan = NULL;
    if (!f)
        return -EBADF;
    if (!borrow_is_sock(f) || !*count || (flags & ~MSG_DONTWAIT)) {
        n = borrow_is_sock(f) ? -EINVAL : -ENOTSOCK;
        file_drop(f);
        return n;
    }
    net_enter();
    s = f->ctx;
    n = s->kind == SOCK_KIND_TCP ? borrow_stream(s, parts, count, loan, flags)
                                 : borrow_dgram(s, parts, count, loan, flags);
    net_leave();
    file_drop(f);
    return n;
}

/* What was lent counts no more. */
static void borrow_settle(struct sock *s, ssize_t bytes)
{
    uint32_t n = (size_t)bytes < s->lent ? (uint32_t)bytes : s->lent;

    s->lent -= n;
    if (s->kind == SOCK_KIND_TCP)
        sock_tcp_open_window(s, n);
    else
        s->rx_bytes -= n;
}

void net_recv_return(int fd, struct net_loan *loan)
{
    struct pbuf *p = (struct pbuf *)loan;
    struct file *f = p ? file_get(fd) : NULL;

    if (!p)
        return;
    net_enter();
    if (f && borrow_is_sock(f))
        borrow_settle(f->ctx, borrow_bytes(p));
    pbuf_free(p);
    net_leave();
}
