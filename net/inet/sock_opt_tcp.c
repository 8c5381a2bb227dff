/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_opt_tcp.c - socket options of level IPPROTO_TCP, with Linux' ranges and roundings.
 */
#include <errno.h>
#include <netinet/tcp.h>

#include "sock.h"
#include "socket_ops.h"

void sock_opt_apply_tcp(struct sock *s)
{
    const struct sock_options *o = &s->options;

    tcp_window_fix(s->tcp, &o->buffers);
    if (o->nodelay)
        tcp_nagle_disable(s->tcp);
    else
        tcp_nagle_enable(s->tcp);
    s->tcp->keep_idle = o->keep_idle * 1000u;
    s->tcp->keep_intvl = o->keep_interval * 1000u;
    s->tcp->keep_cnt = o->keep_count;
}

/*
 * Linux keeps TCP_DEFER_ACCEPT as a number of repetitions of the SYN-ACK, the first after a second,
 * each next one after twice as long, two minutes at most: the time is rounded up to when one is
 * due. How many are due in that time, up to `most`; *seconds becomes when the last of them is.
 */
static unsigned opt_defer(uint32_t *seconds, unsigned most)
{
    uint32_t sum = 0, wait = 1;
    unsigned n = 0;

    for (; n < most && sum<*seconds; n++, wait = wait> 60 ? 120 : 2 * wait)
        sum += wait;
    *seconds = sum;
    return n;
}

uint32_t sock_opt_defer_s(const struct sock *s)
{
    uint32_t seconds = UINT32_MAX;

    opt_defer(&seconds, s->options.defer);
    return seconds;
}

int sock_opt_set_tcp(struct sock *s, int name, const void *value, socklen_t len)
{
    struct sock_options *o = &s->options;
    int v, err = socket_int_in(value, len, &v);

    if (s->kind != SOCK_KIND_TCP)
        return -ENOPROTOOPT;
    if (err)
        return err;
    if (name == TCP_NODELAY) {
        o->nodelay = v != 0;
    } else if (name == TCP_KEEPIDLE || name == TCP_KEEPINTVL) {
        if (v < 1 || v > 32767)
            return -EINVAL;
        *(name == TCP_KEEPIDLE ? &o->keep_idle : &o->keep_interval) = (uint16_t)v;
    } else if (name == TCP_KEEPCNT) {
        if (v < 1 || v > 127)
            return -EINVAL;
        o->keep_count = (uint8_t)v;
    } else if (name == TCP_DEFER_ACCEPT) {
        o->defer = (uint8_t)opt_defer(&(uint32_t){v < 0 ? 0 : (uint32_t)v}, UINT8_MAX);
    } else {
        return -ENOPROTOOPT;
    }
    sock_apply_options(s);
    return 0;
}

static int opt_get_tcp(struct sock *s, int name, int *v)
{
    const struct sock_options *o = &s->options;

    if (s->kind != SOCK_KIND_TCP)
        return s->family == AF_INET ? -EOPNOTSUPP : -ENOPROTOOPT;
    switch (name) {
    case TCP_NODELAY:
        *v = o->nodelay;
        return 0;
    case TCP_MAXSEG:
        *v = s->tcp && s->state != SOCK_TCP_LISTENING ? s->tcp->mss : TCP_MSS;
        return 0;
    case TCP_KEEPIDLE:
        *v = o->keep_idle;
        return 0;
    case TCP_KEEPINTVL:
        *v = o->keep_interval;
        return 0;
    case TCP_KEEPCNT:
        *v = o->keep_count;
        return 0;
    case TCP_DEFER_ACCEPT:
        *v = (int)sock_opt_defer_s(s);
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int sock_opt_get_tcp(struct sock *s, int name, void *value, socklen_t *len)
{
    int v, err = opt_get_tcp(s, name, &v);

    if (!err)
        socket_value_out(&v, sizeof(v), value, len);
    return err;
}
