/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_opt.c - socket options. An unknown option is refused with ENOPROTOOPT, never ignored.
 *
 * TCP's windows are fixed (lwipopts.h): for a stream, SO_RCVBUF and SO_SNDBUF can be read, and
 * setting them changes nothing, as POSIX permits. For a datagram socket SO_RCVBUF is the limit of
 * its queue in bytes, from 4 KiB to 1 MiB.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

#include "sock.h"
#include "socket_ops.h"

/* lwIP's word of options of the control block; NULL: there is none any more. */
static uint8_t *opt_ip_options(struct sock *s)
{
    if (s->kind == SOCK_KIND_UDP)
        return &s->udp->so_options;
    if (s->kind == SOCK_KIND_RAW)
        return &s->raw->so_options;
    return s->tcp ? &s->tcp->so_options : NULL;
}

/* The bit of a name in that word; 0: the option is none of them. */
static uint8_t opt_bit(int name)
{
    switch (name) {
    case SO_REUSEADDR:
    case SO_REUSEPORT:
        return SOF_REUSEADDR;
    case SO_KEEPALIVE:
        return SOF_KEEPALIVE;
    case SO_BROADCAST:
        return SOF_BROADCAST;
    default:
        return 0;
    }
}

/* ---- setting --------------------------------------------------------------------------------- */

static int opt_set_bit(struct sock *s, uint8_t bit, int on)
{
    uint8_t *options = opt_ip_options(s);

    if (!options)
        return -EINVAL; /* the connection has ended */
    *options = (uint8_t)(on ? *options | bit : *options & ~bit);
    return 0;
}

static int opt_set_linger(struct sock *s, const void *value, socklen_t len)
{
    struct linger l;

    if (!value || len < sizeof(l))
        return -EINVAL;
    memcpy(&l, value, sizeof(l));
    if (l.l_onoff && l.l_linger)
        return -EDOM;
    s->reset_on_close = l.l_onoff != 0;
    return 0;
}

static int opt_set_socket(struct sock *s, int name, const void *value, socklen_t len)
{
    int v, err;

    if (name == SO_RCVTIMEO)
        return socket_timeout_in(value, len, &s->read_timeout);
    if (name == SO_SNDTIMEO)
        return socket_timeout_in(value, len, &s->write_timeout);
    if (name == SO_LINGER)
        return opt_set_linger(s, value, len);
    if ((err = socket_int_in(value, len, &v)))
        return err;
    if (opt_bit(name))
        return opt_set_bit(s, opt_bit(name), v);
    if (name == SO_RCVBUF || name == SO_SNDBUF) {
        if (v <= 0)
            return -EINVAL;
        if (name == SO_RCVBUF)
            s->rx_limit = (uint32_t)(v < 4096 ? 4096 : v > (1 << 20) ? 1 << 20 : v);
        return 0;
    }
    return -ENOPROTOOPT;
}

static int opt_set_keepalive(u32_t *ms, int seconds)
{
    if (seconds < 1 || seconds > 86400)
        return -EINVAL;
    *ms = (u32_t)seconds * 1000;
    return 0;
}

static int opt_set_tcp(struct sock *s, int name, const void *value, socklen_t len)
{
    int v, err = socket_int_in(value, len, &v);

    if (err)
        return err;
    if (s->kind != SOCK_KIND_TCP || s->state == SOCK_TCP_LISTENING)
        return -ENOPROTOOPT; /* lwIP's control block of a listener has none of these */
    if (!s->tcp)
        return -EINVAL;
    switch (name) {
    case TCP_NODELAY:
        if (v)
            tcp_nagle_disable(s->tcp);
        else
            tcp_nagle_enable(s->tcp);
        return 0;
    case TCP_KEEPIDLE:
        return opt_set_keepalive(&s->tcp->keep_idle, v);
    case TCP_KEEPINTVL:
        return opt_set_keepalive(&s->tcp->keep_intvl, v);
    case TCP_KEEPCNT:
        if (v < 1 || v > 127)
            return -EINVAL;
        s->tcp->keep_cnt = (u32_t)v;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int opt_set_membership(struct sock *s, int name, const void *value, socklen_t len)
{
    struct ip_mreq mreq;
    ip4_addr_t group, interface;

    if (!value || len < sizeof(mreq))
        return -EINVAL;
    if (s->kind != SOCK_KIND_UDP)
        return -ENOPROTOOPT;
    memcpy(&mreq, value, sizeof(mreq));
    ip4_addr_set_u32(&group, mreq.imr_multiaddr.s_addr);
    ip4_addr_set_u32(&interface, mreq.imr_interface.s_addr);
    if (!ip4_addr_ismulticast(&group))
        return -EINVAL;
    return name == IP_ADD_MEMBERSHIP ? sock_group_join(s, &interface, &group)
                                     : sock_group_leave(s, &interface, &group);
}

static int opt_set_ip(struct sock *s, int name, const void *value, socklen_t len)
{
    int v, err;

    if (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP)
        return opt_set_membership(s, name, value, len);
    if ((err = socket_int_in(value, len, &v)))
        return err;
    if (!s->tcp)
        return -EINVAL;
    if (v < 0 || v > 255)
        return -EINVAL;
    if (name == IP_TTL)
        s->tcp->ttl = (u8_t)v; /* the same member of every kind of control block (IP_PCB) */
    else if (name == IP_TOS)
        s->tcp->tos = (u8_t)v;
    else if (name == IP_MULTICAST_TTL && s->kind == SOCK_KIND_UDP)
        udp_set_multicast_ttl(s->udp, (u8_t)v);
    else
        return -ENOPROTOOPT;
    return 0;
}

static int opt_set_ip6(struct sock *s, int name, const void *value, socklen_t len)
{
    int v, err = socket_int_in(value, len, &v);

    if (err)
        return err;
    if (s->family != AF_INET6)
        return -ENOPROTOOPT;
    if (name == IPV6_UNICAST_HOPS)
        return opt_set_ip(s, IP_TTL, value, len);
    if (name != IPV6_V6ONLY)
        return -ENOPROTOOPT;
    if (s->has_peer || s->state != SOCK_TCP_IDLE || s->tcp->local_ip.type == IPADDR_TYPE_V4)
        return -EINVAL;
    s->v6only = v != 0;
    return 0;
}

int sock_setopt(struct sock *s, int level, int name, const void *value, socklen_t len)
{
    switch (level) {
    case SOL_SOCKET:
        return opt_set_socket(s, name, value, len);
    case IPPROTO_TCP:
        return opt_set_tcp(s, name, value, len);
    case IPPROTO_IP:
        return opt_set_ip(s, name, value, len);
    case IPPROTO_IPV6:
        return opt_set_ip6(s, name, value, len);
    default:
        return -ENOPROTOOPT;
    }
}

/* ---- getting --------------------------------------------------------------------------------- */

static int opt_socket_type(const struct sock *s)
{
    return s->kind == SOCK_KIND_TCP   ? SOCK_STREAM
           : s->kind == SOCK_KIND_UDP ? SOCK_DGRAM
                                      : SOCK_RAW;
}

static int opt_get_socket(struct sock *s, int name, int *v)
{
    const uint8_t *options = opt_ip_options(s);

    if (opt_bit(name)) {
        *v = options && (*options & opt_bit(name));
        return 0;
    }
    switch (name) {
    case SO_ERROR:
        *v = sock_take_error(s);
        return 0;
    case SO_TYPE:
        *v = opt_socket_type(s);
        return 0;
    case SO_DOMAIN:
        *v = s->family;
        return 0;
    case SO_PROTOCOL:
        *v = s->protocol;
        return 0;
    case SO_ACCEPTCONN:
        *v = s->state == SOCK_TCP_LISTENING;
        return 0;
    case SO_SNDBUF:
        *v = TCP_SND_BUF;
        return 0;
    case SO_RCVBUF:
        *v = s->kind == SOCK_KIND_TCP ? TCP_WND : (int)s->rx_limit;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int opt_get_tcp(struct sock *s, int name, int *v)
{
    if (s->kind != SOCK_KIND_TCP || s->state == SOCK_TCP_LISTENING)
        return -ENOPROTOOPT; /* lwIP's control block of a listener has none of these */
    if (!s->tcp)
        return -EINVAL;
    switch (name) {
    case TCP_NODELAY:
        *v = tcp_nagle_disabled(s->tcp) != 0;
        return 0;
    case TCP_MAXSEG:
        *v = s->tcp->mss;
        return 0;
    case TCP_KEEPIDLE:
        *v = (int)(s->tcp->keep_idle / 1000);
        return 0;
    case TCP_KEEPINTVL:
        *v = (int)(s->tcp->keep_intvl / 1000);
        return 0;
    case TCP_KEEPCNT:
        *v = (int)s->tcp->keep_cnt;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int opt_get_ip(struct sock *s, int level, int name, int *v)
{
    if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY && s->family == AF_INET6) {
        *v = s->v6only;
        return 0;
    }
    if (!s->tcp)
        return -EINVAL;
    if ((level == IPPROTO_IP && name == IP_TTL) ||
        (level == IPPROTO_IPV6 && name == IPV6_UNICAST_HOPS))
        *v = s->tcp->ttl;
    else if (level == IPPROTO_IP && name == IP_TOS)
        *v = s->tcp->tos;
    else
        return -ENOPROTOOPT;
    return 0;
}

static int opt_get_int(struct sock *s, int level, int name, int *v)
{
    switch (level) {
    case SOL_SOCKET:
        return opt_get_socket(s, name, v);
    case IPPROTO_TCP:
        return opt_get_tcp(s, name, v);
    case IPPROTO_IP:
    case IPPROTO_IPV6:
        return opt_get_ip(s, level, name, v);
    default:
        return -ENOPROTOOPT;
    }
}

int sock_getopt(struct sock *s, int level, int name, void *value, socklen_t *len)
{
    struct linger linger = {s->reset_on_close, 0};
    int v, err = 0;

    if (level == SOL_SOCKET && name == SO_RCVTIMEO)
        socket_timeout_out(s->read_timeout, value, len);
    else if (level == SOL_SOCKET && name == SO_SNDTIMEO)
        socket_timeout_out(s->write_timeout, value, len);
    else if (level == SOL_SOCKET && name == SO_LINGER)
        socket_value_out(&linger, sizeof(linger), value, len);
    else if (!(err = opt_get_int(s, level, name, &v)))
        socket_value_out(&v, sizeof(v), value, len);
    return err;
}
