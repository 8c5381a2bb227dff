/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_opt.c - socket options of level SOL_SOCKET. An unknown option of any level is refused with
 * ENOPROTOOPT, never ignored.
 *
 * TCP's buffers grow by themselves (tcp_window.h). SO_RCVBUF and SO_SNDBUF set fixed ones, from
 * 4 KiB to vireo.tcp_buffer=, and tell the present ones. For a datagram socket SO_RCVBUF is the
 * limit of its queue in bytes, from 4 KiB to 1 MiB.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/time.h>

#include "sock.h"
#include "socket_ops.h"

/* The member of the socket's options that holds a switch; NULL: the option is none. */
static bool *opt_switch(struct sock *s, int name)
{
    switch (name) {
    case SO_REUSEADDR:
        return &s->options.reuse_addr;
    case SO_REUSEPORT:
        return &s->options.reuse_port;
    case SO_KEEPALIVE:
        return &s->options.keepalive;
    case SO_BROADCAST:
        return &s->options.broadcast;
    case SO_OOBINLINE:
        return &s->oob_inline;
    default:
        return NULL;
    }
}

void sock_apply_options(struct sock *s)
{
    const struct sock_options *o = &s->options;
    bool reuse = s->kind == SOCK_KIND_UDP || o->reuse_addr;

    if (!s->udp)
        return;
    /* UDP: with SO_REUSEADDR lwIP gives broadcasts and multicasts to each socket of a port. */
    s->udp->so_options = (u8_t)((reuse ? SOF_REUSEADDR : 0) | (o->keepalive ? SOF_KEEPALIVE : 0) |
                                (o->broadcast ? SOF_BROADCAST : 0));
    s->udp->tos = o->tos;
    s->udp->ttl = s->has_peer && IP_IS_V6_VAL(s->udp->remote_ip) ? o->hops : o->ttl;
    if (s->kind == SOCK_KIND_TCP && s->tcp->state == LISTEN) {
        ((struct tcp_pcb_listen *)s->tcp)->fixed = o->buffers;
        ((struct tcp_pcb_listen *)s->tcp)->net.mss = o->maxseg;
    } else if (s->kind == SOCK_KIND_TCP) {
        sock_opt_apply_tcp(s);
    }
}

/* ---- setting --------------------------------------------------------------------------------- */

static int opt_set_linger(struct sock *s, const void *value, socklen_t len)
{
    struct linger l;

    if (!value || len < sizeof(l))
        return -EINVAL;
    memcpy(&l, value, sizeof(l));
    s->linger = l.l_onoff != 0;
    if (s->linger)
        s->linger_s =
            (uint16_t)(l.l_linger < 0 || l.l_linger > UINT16_MAX ? UINT16_MAX : l.l_linger);
    return 0;
}

/* A negative number is a large one, as Linux has it. */
static uint32_t opt_queue_limit(int v)
{
    if (v < 0 || v > (1 << 20))
        return 1 << 20;
    return v < 4096 ? 4096 : (uint32_t)v;
}

/* SO_RCVBUF and SO_SNDBUF. */
static int opt_set_buffer(struct sock *s, int name, int v)
{
    uint32_t limit = v < 0 ? tcp_window_max() : (uint32_t)v;

    if (s->kind != SOCK_KIND_TCP) {
        if (name == SO_RCVBUF)
            s->rx_limit = opt_queue_limit(v);
        return 0;
    }
    if (limit < TCP_BUFFER_MIN)
        limit = TCP_BUFFER_MIN;
    if (limit > tcp_window_max())
        limit = tcp_window_max();
    *(name == SO_RCVBUF ? &s->options.buffers.receive : &s->options.buffers.send) = limit;
    sock_apply_options(s);
    return 0;
}

static int opt_get_buffer(const struct sock *s, int name)
{
    bool receive = name == SO_RCVBUF;
    struct tcp_fixed now = s->options.buffers;

    if (s->kind != SOCK_KIND_TCP)
        return receive ? (int)s->rx_limit : (int)SOCK_DGRAM_QUEUE;
    if (s->tcp && s->state == SOCK_TCP_OPEN)
        now = (struct tcp_fixed){.receive = s->tcp->net.win.goal, .send = s->tcp->net.win.send};
    if (!now.receive)
        now.receive = TCP_WINDOW_START;
    if (!now.send)
        now.send = TCP_BUFFER_START;
    return (int)(receive ? now.receive : now.send);
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
    if (opt_switch(s, name)) {
        *opt_switch(s, name) = v != 0;
        sock_apply_options(s);
        return 0;
    }
    switch (name) {
    case SO_RCVBUF:
    case SO_SNDBUF:
        return opt_set_buffer(s, name, v);
    case SO_RCVLOWAT:
        s->low_water = v < 0 ? INT_MAX : v ? (uint32_t)v : 1;
        if (s->kind == SOCK_KIND_TCP)
            sock_readable(s);
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int sock_setopt(struct sock *s, int level, int name, const void *value, socklen_t len)
{
    switch (level) {
    case SOL_SOCKET:
        return opt_set_socket(s, name, value, len);
    case IPPROTO_TCP:
        return sock_opt_set_tcp(s, name, value, len);
    case IPPROTO_IP:
        return sock_opt_set_ip(s, name, value, len);
    case IPPROTO_IPV6:
        return sock_opt_set_ip6(s, name, value, len);
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
    if (opt_switch(s, name)) {
        *v = *opt_switch(s, name);
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
    case SO_DONTROUTE:
        *v = 0;
        return 0;
    case SO_SNDBUF:
    case SO_RCVBUF:
        *v = opt_get_buffer(s, name);
        return 0;
    case SO_RCVLOWAT:
        *v = (int)s->low_water;
        return 0;
    case SO_SNDLOWAT:
        *v = 1;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int sock_getopt(struct sock *s, int level, int name, void *value, socklen_t *len)
{
    struct linger linger = {s->linger, s->linger_s};
    int v, err;

    switch (level) {
    case IPPROTO_TCP:
        return sock_opt_get_tcp(s, name, value, len);
    case IPPROTO_IP:
        return sock_opt_get_ip(s, name, value, len);
    case IPPROTO_IPV6:
        return sock_opt_get_ip6(s, name, value, len);
    case SOL_SOCKET:
        break;
    default:
        return -EOPNOTSUPP;
    }
    if (name == SO_RCVTIMEO)
        socket_timeout_out(s->read_timeout, value, len);
    else if (name == SO_SNDTIMEO)
        socket_timeout_out(s->write_timeout, value, len);
    else if (name == SO_LINGER)
        socket_value_out(&linger, sizeof(linger), value, len);
    else if ((err = opt_get_socket(s, name, &v)))
        return err;
    else
        socket_value_out(&v, sizeof(v), value, len);
    return 0;
}
