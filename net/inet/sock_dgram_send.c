/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_dgram_send.c - datagram (UDP) and raw sockets: sending. The way of a datagram is kept for
 * those behind it (net_flow.h).
 */
#include <errno.h>

#include "net_flow.h"
#include "sock.h"
#include "socket_ops.h"

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

/* lwIP's control block has one limit of hops for both families, and one interface for groups. */
static void dgram_prepare(struct sock *s, const ip_addr_t *to)
{
    const struct sock_options *o = &s->options;
    bool six = IP_IS_V6(to);

    s->udp->ttl = six ? o->hops : o->ttl;
    if (!ip_addr_ismulticast(to))
        return;
    if (s->kind == SOCK_KIND_RAW) {
        raw_set_multicast_ttl(s->raw, six ? o->group_hops : o->group_ttl);
        if (six ? o->group_loop6 : o->group_loop)
            raw_set_flags(s->raw, RAW_FLAGS_MULTICAST_LOOP);
        else
            raw_clear_flags(s->raw, RAW_FLAGS_MULTICAST_LOOP);
        return;
    }
    udp_set_multicast_ttl(s->udp, six ? o->group_hops : o->group_ttl);
    udp_set_multicast_netif_index(s->udp, six ? o->group_netif6 : o->group_netif);
    if (six ? o->group_loop6 : o->group_loop)
        udp_set_flags(s->udp, UDP_FLAGS_MULTICAST_LOOP);
    else
        udp_clear_flags(s->udp, UDP_FLAGS_MULTICAST_LOOP);
}

static err_t dgram_transmit(struct sock *s, const struct sock_msg *m, struct pbuf *p,
                            struct netif *netif, const ip_addr_t *from, bool broadcast)
{
    if (s->kind == SOCK_KIND_RAW)
        return raw_sendto_if_src(s->raw, p, &m->addr, netif, from);
    if (broadcast)
        p->flags |= PBUF_FLAG_MCASTLOOP; /* the sockets of this machine hear it, too */
    return udp_sendto_if_src(s->udp, p, &m->addr, m->port, netif, from);
}

/* The interface and the source of the message, by what it or the socket says, or by route. */
static int dgram_route(struct sock *s, struct sock_msg *m, int flags, struct netif **netif,
                       ip_addr_t *from)
{
    unsigned number = m->netif;
    int err = 0;

    if (!number && ip_addr_ismulticast(&m->addr))
        number = IP_IS_V6_VAL(m->addr) ? s->options.group_netif6 : s->options.group_netif;
    if (number) {
        const ip_addr_t *local;

        *netif = sock_netif(number);
        local = *netif ? ip_netif_get_local_ip(*netif, &m->addr) : NULL;
        if (!local)
            return -ENODEV;
        *from = ip_addr_isany(&s->bound) ? *local : s->bound;
        if (IP_IS_V6_VAL(m->addr) && ip6_addr_has_scope(ip_2_ip6(&m->addr), IP6_UNKNOWN))
            ip6_addr_assign_zone(ip_2_ip6(&m->addr), IP6_UNKNOWN, *netif);
    } else {
        err = sock_route_wait(s, &m->addr, flags, netif, from);
    }
    if (!err && !ip_addr_isany(&m->source))
        ip_addr_copy(*from, m->source);
    if (!err && ip_addr_isloopback(from) && ((*netif)->flags & NETIF_FLAG_ETHARP) &&
        !sock_is_local(&m->addr) && !ip_addr_ismulticast(&m->addr))
        return -EINVAL;
    return err;
}

/* ---- a flow ---------------------------------------------------------------------------------- */

void sock_dgram_forget_flow(struct sock *s)
{
    net_free(s->flow);
    s->flow = NULL;
}

/* Keeps the way that a datagram has gone. Without memory the next one finds it again. */
static void dgram_keep_flow(struct sock *s, const struct sock_msg *m, struct netif *netif,
                            const ip_addr_t *from)
{
    bool whole;
    int err = sock_mtu_judge(s, &m->addr, netif, 0, &whole);
    const struct net_flow_way way = {.netif = netif,
                                     .from = *from,
                                     .to = m->addr,
                                     .from_port = s->udp->local_port,
                                     .to_port = m->port,
                                     .ttl = s->udp->ttl,
                                     .tos = s->udp->tos,
                                     .whole = whole,
                                     .mtu = sock_mtu_of(s, &m->addr, netif)};

    err = sock_is_local(&m->addr) ? -EINVAL : err;
    if (!s->flow && !err)
        s->flow = net_malloc(sizeof(*s->flow));
    if (s->flow && (err || !net_flow_begin(s->flow, &way)))
        sock_dgram_forget_flow(s);
}

/* May the message go, and the way of the one before? */
static inline bool dgram_follows(const struct sock *s, const struct sock_msg *m, ssize_t len,
                                 int flags)
{
    const ip_addr_t *to = m->has_addr ? &m->addr : &s->udp->remote_ip;

    return s->flow && len >= 0 && !(flags & MSG_OOB) && !s->error && !s->write_shut &&
           !m->directed && (m->has_addr || s->has_peer) &&
           net_flow_fits(s->flow, to, m->has_addr ? m->port : s->peer_port, (size_t)len);
}

static int dgram_errno(err_t err)
{
    if (err == ERR_RTE)
        return -ENETUNREACH;
    if (err == ERR_MEM || err == ERR_BUF)
        return -ENOBUFS;
    return err == ERR_VAL ? -EMSGSIZE : -net_errno(err);
}

/* ---- a message ------------------------------------------------------------------------------- */

static int dgram_may_send(struct sock *s, const struct sock_msg *m, ssize_t len, int flags)
{
    if (len < 0)
        return (int)len;
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (len > 65507)
        return -EMSGSIZE;
    if (s->error)
        return -sock_take_error(s);
    if (s->write_shut)
        return -EPIPE;
    return m->has_addr || s->has_peer ? 0 : -EDESTADDRREQ;
}

/* Where the message goes, and from where; what no socket may do is refused. [parks] */
static int dgram_find_way(struct sock *s, struct sock_msg *m, int flags, struct netif **netif,
                          ip_addr_t *from)
{
    int error = s->kind == SOCK_KIND_UDP ? sock_bind_any(s) : 0;

    if (error)
        return error;
    if (!m->has_addr) {
        ip_addr_copy(m->addr, s->udp->remote_ip);
        m->port = s->peer_port;
    }
    if (s->kind == SOCK_KIND_UDP && !m->port)
        return -EINVAL;
    sock_route_to_self(s, &m->addr);
    if ((error = dgram_route(s, m, flags, netif, from)))
        return error;
    return sock_is_broadcast(&m->addr) && !s->options.broadcast ? -EACCES : 0;
}

/* A message of which nothing is known from the one before. */
static ssize_t dgram_send_new(struct sock *s, struct sock_msg m, size_t len, int flags)
    __attribute__((noinline, cold));
static ssize_t dgram_send_new(struct sock *s, struct sock_msg m, size_t len, int flags)
{
    bool sums = s->kind == SOCK_KIND_RAW && s->raw->chksum_reqd, whole;
    struct netif *netif;
    struct pbuf *p;
    ip_addr_t from;
    err_t err;
    int error = dgram_find_way(s, &m, flags, &netif, &from);

    if (error)
        return error;
    if (sums && len < SOCK_ICMP6_SUM + 2)
        return -EINVAL;
    if ((error = sock_mtu_judge(s, &m.addr, netif, len, &whole)))
        return error;
    p = dgram_gather(&m, (u16_t)len, s->kind == SOCK_KIND_RAW ? PBUF_IP : PBUF_TRANSPORT);
    if (!p)
        return -ENOBUFS;
    if (whole)
        p->flags |= NET_PBUF_WHOLE;
    if (sums) /* lwIP's sum counts what stands there */
        memset((uint8_t *)p->payload + SOCK_ICMP6_SUM, 0, 2);
    dgram_prepare(s, &m.addr);
    err = dgram_transmit(s, &m, p, netif, &from, sock_is_broadcast(&m.addr));
    pbuf_free(p);
    if (err != ERR_OK)
        return dgram_errno(err);
    if (s->kind == SOCK_KIND_UDP && !m.directed)
        dgram_keep_flow(s, &m, netif, &from);
    return (ssize_t)len;
}

/* Bytes of the message; -EINVAL: more than a ssize_t holds. */
static inline ssize_t dgram_len(const struct sock_msg *m)
{
    if (m->iovcnt == 1 && (ssize_t)m->iov->iov_len >= 0)
        return (ssize_t)m->iov->iov_len;
    return socket_iov_len(m->iov, m->iovcnt);
}

ssize_t sock_dgram_send(struct sock *s, const struct sock_msg *m, int flags)
{
    ssize_t len = dgram_len(m);
    err_t err;
    int error;

    if (dgram_follows(s, m, len, flags)) {
        err = net_flow_send(s->flow, m->iov, m->iovcnt, (size_t)len);
        return err == ERR_OK ? len : dgram_errno(err);
    }
    error = dgram_may_send(s, m, len, flags);
    return error ? error : dgram_send_new(s, *m, (size_t)len, flags);
}
