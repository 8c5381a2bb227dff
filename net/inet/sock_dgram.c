/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_dgram.c - datagram (UDP) and raw sockets.
 */
#include <errno.h>
#include <poll.h>

#include "sock.h"
#include "socket_ops.h"

/* Frees the first datagram that waits. */
static void dgram_pop(struct sock *s)
{
    struct sock_dgram *d = s->dgrams.head;

    SOCK_QUEUE_POP(&s->dgrams);
    s->rx_bytes -= d->p->tot_len;
    s->rx_count--;
    pbuf_free(d->p);
    net_free(d);
}

static void dgram_drop_all(struct sock *s)
{
    while (s->dgrams.head)
        dgram_pop(s);
}

/* Puts a datagram into the queue. True: p belongs to the queue; false: there is no room. */
static bool dgram_enqueue(struct sock *s, struct pbuf *p, const ip_addr_t *addr, u16_t port)
{
    struct sock_dgram *d;

    if (s->read_shut || s->rx_count >= SOCK_DGRAM_COUNT || s->rx_bytes + p->tot_len > s->rx_limit)
        return false;
    d = net_malloc(sizeof(*d));
    if (!d)
        return false;
    *d = (struct sock_dgram){NULL, p, *addr, port};
    SOCK_QUEUE_APPEND(&s->dgrams, d);
    s->rx_bytes += p->tot_len;
    s->rx_count++;
    sock_readable(s);
    return true;
}

static void dgram_on_udp(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr,
                         u16_t port)
{
    (void)pcb;
    if (!dgram_enqueue(arg, p, addr, port))
        pbuf_free(p);
}

/* A raw socket gets a copy: lwIP goes on with the packet. */
static u8_t dgram_on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *addr)
{
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);

    (void)pcb;
    if (copy && !dgram_enqueue(arg, copy, addr, 0))
        pbuf_free(copy);
    return 0;
}

static int dgram_open_udp(struct sock *s)
{
    s->udp = udp_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);
    if (!s->udp)
        return -ENOMEM;
    udp_recv(s->udp, dgram_on_udp, s);
    return 0;
}

int sock_dgram_open(struct sock *s, int protocol)
{
    if (s->kind == SOCK_KIND_UDP)
        return dgram_open_udp(s);
    s->raw =
        raw_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6, (u8_t)protocol);
    if (!s->raw)
        return -ENOMEM;
    if (s->family == AF_INET6 && protocol == IPPROTO_ICMPV6) {
        s->raw->chksum_reqd = 1; /* RFC 3542, section 3.1 */
        s->raw->chksum_offset = 2;
    }
    raw_recv(s->raw, dgram_on_raw, s);
    return 0;
}

int sock_dgram_bind(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    if (s->kind == SOCK_KIND_RAW)
        return -net_errno(raw_bind(s->raw, addr));
    if (s->udp->local_port)
        return -EINVAL;
    return -net_errno(udp_bind(s->udp, sock_addr_to_bind(s, addr), port));
}

int sock_dgram_connect(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    err_t err =
        s->kind == SOCK_KIND_RAW ? raw_connect(s->raw, addr) : udp_connect(s->udp, addr, port);

    s->has_peer = err == ERR_OK;
    return err == ERR_RTE ? -ENETUNREACH : -net_errno(err);
}

void sock_dgram_close(struct sock *s)
{
    if (s->kind == SOCK_KIND_RAW)
        raw_remove(s->raw);
    else
        udp_remove(s->udp);
    s->udp = NULL;
    sock_group_leave_all(s);
    dgram_drop_all(s);
}

int sock_dgram_poll(struct sock *s, int events)
{
    int ready = POLLOUT | POLLWRNORM;

    if (s->dgrams.head || s->read_shut)
        ready |= POLLIN | POLLRDNORM;
    if (s->error)
        ready |= POLLERR;
    return ready & events;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static size_t dgram_scatter(const struct pbuf *p, const struct sock_msg *m)
{
    size_t done = 0;

    for (int i = 0; i < m->iovcnt && done < p->tot_len; i++) {
        size_t len = m->iov[i].iov_len;
        u16_t n = len < (size_t)p->tot_len - done ? (u16_t)len : (u16_t)(p->tot_len - done);

        done += pbuf_copy_partial(p, m->iov[i].iov_base, n, (u16_t)done);
    }
    return done;
}

ssize_t sock_dgram_recv(struct sock *s, struct sock_msg *m, int flags)
{
    uint64_t deadline = 0;
    struct sock_dgram *d;
    size_t n;

    while (!(d = s->dgrams.head)) {
        int err;

        if (s->error)
            return -sock_take_error(s);
        if (s->read_shut)
            return 0;
        err = sock_wait(s, &s->readers, s->read_timeout, &deadline, flags);
        if (err)
            return err;
    }
    n = dgram_scatter(d->p, m);
    m->addr = d->addr;
    m->port = d->port;
    m->has_addr = true;
    m->truncated = n < d->p->tot_len;
    if (flags & MSG_TRUNC)
        n = d->p->tot_len;
    if (!(flags & MSG_PEEK))
        dgram_pop(s);
    return (ssize_t)n;
}

/* ---- sending --------------------------------------------------------------------------------- */

static struct pbuf *dgram_gather(const struct sock_msg *m, u16_t len, pbuf_layer layer)
{
    struct pbuf *p = pbuf_alloc(layer, len, PBUF_RAM);
    size_t at = 0;

    for (int i = 0; p && i < m->iovcnt; i++) {
        memcpy((uint8_t *)p->payload + at, m->iov[i].iov_base, m->iov[i].iov_len);
        at += m->iov[i].iov_len;
    }
    return p;
}

static err_t dgram_transmit(struct sock *s, const struct sock_msg *m, struct pbuf *p)
{
    if (s->kind == SOCK_KIND_RAW)
        return m->has_addr ? raw_sendto(s->raw, p, &m->addr) : raw_send(s->raw, p);
    return m->has_addr ? udp_sendto(s->udp, p, &m->addr, m->port) : udp_send(s->udp, p);
}

ssize_t sock_dgram_send(struct sock *s, const struct sock_msg *m, int flags)
{
    ssize_t len = socket_iov_len(m->iov, m->iovcnt);
    struct pbuf *p;
    err_t err;

    (void)flags;
    if (len < 0)
        return len;
    if (s->write_shut)
        return -EPIPE;
    if (s->error)
        return -sock_take_error(s);
    if (len > 65507)
        return -EMSGSIZE;
    if (!m->has_addr && !s->has_peer)
        return -EDESTADDRREQ;
    p = dgram_gather(m, (u16_t)len, s->kind == SOCK_KIND_RAW ? PBUF_IP : PBUF_TRANSPORT);
    if (!p)
        return -ENOBUFS;
    err = dgram_transmit(s, m, p);
    pbuf_free(p);
    if (err == ERR_RTE)
        return -ENETUNREACH;
    if (err == ERR_MEM || err == ERR_BUF)
        return -ENOBUFS;
    if (err == ERR_VAL)
        return -EACCES; /* a broadcast without SO_BROADCAST, or the wrong address family */
    return err == ERR_OK ? len : -net_errno(err);
}
