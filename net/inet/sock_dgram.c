/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_dgram.c - datagram (UDP) and raw sockets.
 */
#include <errno.h>
#include <poll.h>

#include "sock.h"
#include "socket_ops.h"

static void drop_all(struct sock *s)
{
    while (s->dg_head) {
        struct sock_dgram *d = s->dg_head;

        s->dg_head = d->next;
        pbuf_free(d->p);
        net_free(d);
    }
    s->dg_tail = NULL;
    s->rx_bytes = s->rx_count = 0;
}

/* Takes p over, or says no. */
static bool enqueue(struct sock *s, struct pbuf *p, const ip_addr_t *addr, u16_t port)
{
    struct sock_dgram *d;

    if (s->read_shut || s->rx_count >= SOCK_DGRAM_COUNT || s->rx_bytes + p->tot_len > s->rx_limit)
        return false;
    d = net_malloc(sizeof(*d));
    if (!d)
        return false;
    *d = (struct sock_dgram){NULL, p, *addr, port};
    if (s->dg_tail)
        s->dg_tail->next = d;
    else
        s->dg_head = d;
    s->dg_tail = d;
    s->rx_bytes += p->tot_len;
    s->rx_count++;
    sock_readable(s);
    return true;
}

static void on_udp(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr,
                   u16_t port)
{
    (void)pcb;
    if (!enqueue(arg, p, addr, port))
        pbuf_free(p);
}

/* Raw sockets look at packets that the stack handles too: each gets a copy. */
static u8_t on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *addr)
{
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);

    (void)pcb;
    if (copy && !enqueue(arg, copy, addr, 0))
        pbuf_free(copy);
    return 0;
}

static int open_udp(struct sock *s)
{
    s->udp = udp_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);
    if (!s->udp)
        return -ENOMEM;
    udp_recv(s->udp, on_udp, s);
    return 0;
}

int sock_dgram_open(struct sock *s, int protocol)
{
    if (s->kind == SOCK_KIND_UDP)
        return open_udp(s);
    s->raw =
        raw_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6, (u8_t)protocol);
    if (!s->raw)
        return -ENOMEM;
    if (s->family == AF_INET6 && protocol == IPPROTO_ICMPV6) {
        s->raw->chksum_reqd = 1; /* RFC 3542, section 3.1 */
        s->raw->chksum_offset = 2;
    }
    raw_recv(s->raw, on_raw, s);
    return 0;
}

int sock_dgram_bind(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    if (s->kind == SOCK_KIND_RAW)
        return -net_errno(raw_bind(s->raw, addr));
    if (s->udp->local_port)
        return -EINVAL;
    if (s->family == AF_INET6 && !s->v6only && IP_IS_V6(addr) && ip6_addr_isany(ip_2_ip6(addr)))
        addr = IP_ANY_TYPE;
    return -net_errno(udp_bind(s->udp, addr, port));
}

int sock_dgram_connect(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    err_t err =
        s->kind == SOCK_KIND_RAW ? raw_connect(s->raw, addr) : udp_connect(s->udp, addr, port);

    s->connected = err == ERR_OK;
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
    drop_all(s);
}

int sock_dgram_poll(struct sock *s, int events)
{
    int ready = POLLOUT | POLLWRNORM;

    if (s->dg_head || s->read_shut)
        ready |= POLLIN | POLLRDNORM;
    if (s->error)
        ready |= POLLERR;
    return ready & events;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static size_t scatter(const struct pbuf *p, const struct sock_msg *m)
{
    size_t done = 0;

    for (int i = 0; i < m->iovcnt && done < p->tot_len; i++) {
        size_t len = m->iov[i].iov_len;
        u16_t n = len < (size_t)p->tot_len - done ? (u16_t)len : (u16_t)(p->tot_len - done);

        done += pbuf_copy_partial(p, m->iov[i].iov_base, n, (u16_t)done);
    }
    return done;
}

static void pop(struct sock *s)
{
    struct sock_dgram *d = s->dg_head;

    s->dg_head = d->next;
    if (!s->dg_head)
        s->dg_tail = NULL;
    s->rx_bytes -= d->p->tot_len;
    s->rx_count--;
    pbuf_free(d->p);
    net_free(d);
}

ssize_t sock_dgram_recv(struct sock *s, struct sock_msg *m, int flags)
{
    uint64_t deadline = 0;
    struct sock_dgram *d;
    size_t n;

    while (!(d = s->dg_head)) {
        int err;

        if (s->error)
            return -sock_take_error(s);
        if (s->read_shut)
            return 0;
        err = sock_wait(s, &s->readers, s->read_timeout, &deadline, flags);
        if (err)
            return err;
    }
    n = scatter(d->p, m);
    m->addr = d->addr;
    m->port = d->port;
    m->has_addr = true;
    m->truncated = n < d->p->tot_len;
    if (flags & MSG_TRUNC)
        n = d->p->tot_len;
    if (!(flags & MSG_PEEK))
        pop(s);
    return (ssize_t)n;
}

/* ---- sending --------------------------------------------------------------------------------- */

static struct pbuf *gather(const struct sock_msg *m, u16_t len, pbuf_layer layer)
{
    struct pbuf *p = pbuf_alloc(layer, len, PBUF_RAM);
    size_t at = 0;

    for (int i = 0; p && i < m->iovcnt; i++) {
        memcpy((uint8_t *)p->payload + at, m->iov[i].iov_base, m->iov[i].iov_len);
        at += m->iov[i].iov_len;
    }
    return p;
}

static err_t transmit(struct sock *s, const struct sock_msg *m, struct pbuf *p)
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
    if (!m->has_addr && !s->connected)
        return -EDESTADDRREQ;
    p = gather(m, (u16_t)len, s->kind == SOCK_KIND_RAW ? PBUF_IP : PBUF_TRANSPORT);
    if (!p)
        return -ENOBUFS;
    err = transmit(s, m, p);
    pbuf_free(p);
    if (err == ERR_RTE)
        return -ENETUNREACH;
    if (err == ERR_MEM || err == ERR_BUF)
        return -ENOBUFS;
    if (err == ERR_VAL)
        return -EACCES; /* a broadcast without SO_BROADCAST, or the wrong address family */
    return err == ERR_OK ? len : -net_errno(err);
}
