/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_opt_tcp.c - socket options of level IPPROTO_TCP, with Linux' ranges and roundings.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include "lwip/priv/tcp_priv.h"
#include "sock.h"
#include "socket_ops.h"

#define LINGER2_MAX 120  /* seconds */
#define SYN_COUNT   7    /* in the three minutes of RFC 9293, 3.8.3 */
#define CLAMP_MIN   1152 /* bytes, as on Linux */

/*
 * Linux counts TCP_DEFER_ACCEPT and TCP_SYNCNT in repetitions of a SYN: the first is due after a
 * second, each next one after twice as long, two minutes at most. How many are due in some seconds,
 * up to `most`; *seconds becomes when the last of them is, rounded up.
 */
static unsigned opt_repetitions(uint32_t *seconds, unsigned most)
{
    uint32_t sum = 0, wait = 1;
    unsigned n = 0;

    while (n < most && sum < *seconds) {
        sum += wait;
        wait = wait > 60 ? 120 : 2 * wait;
        n++;
    }
    *seconds = sum;
    return n;
}

static uint32_t opt_seconds(unsigned repetitions)
{
    uint32_t seconds = UINT32_MAX;

    opt_repetitions(&seconds, repetitions);
    return seconds;
}

uint32_t sock_opt_defer_s(const struct sock *s)
{
    return opt_seconds(s->options.defer);
}

/* When a connection ends that makes no progress, ms; 0: nothing is set. */
static uint32_t opt_patience(const struct sock *s)
{
    const struct sock_options *o = &s->options;
    uint32_t syn = o->syn_count ? opt_seconds(o->syn_count + 1u) * 1000 : 0;

    if (s->state == SOCK_TCP_OPEN || !syn || (o->user_timeout && o->user_timeout < syn))
        return o->user_timeout;
    return syn;
}

/*
 * Probes of keep-alive before the connection ends. With TCP_USER_TIMEOUT it ends when that time is
 * over, at the next probe, whatever TCP_KEEPCNT says; no more than 250 are sent.
 */
static void opt_apply_keepalive(struct tcp_pcb *pcb, const struct sock_options *o)
{
    uint32_t idle = o->keep_idle * 1000u, interval = o->keep_interval * 1000u;
    uint32_t count = o->keep_count, limit = o->user_timeout;

    if (limit) {
        count = limit > idle ? (limit - idle + interval - 1) / interval : 1;
        if (count > 250) {
            count = 250;
            interval = (limit - idle) / count + 1;
        }
    }
    pcb->keep_idle = idle;
    pcb->keep_intvl = interval;
    pcb->keep_cnt = count;
}

void sock_opt_apply_tcp(struct sock *s)
{
    const struct sock_options *o = &s->options;

    tcp_window_fix(s->tcp, &o->buffers);
    if (o->nodelay)
        tcp_nagle_disable(s->tcp);
    else
        tcp_nagle_enable(s->tcp);
    opt_apply_keepalive(s->tcp, o);
    tcp_recovery_patience(s->tcp, opt_patience(s));
    tcp_cc_choose(&s->tcp->net.cc, o->congestion);
    s->tcp->net.ack.quick = o->quick_ack > 0;
    s->tcp->net.opt.cork = o->cork;
    s->tcp->net.opt.fin_wait_s = o->linger2;
    tcp_mtu_limit(s->tcp, o->maxseg);
}

/* What an option has that must lie in a range. 0: value is stored. */
static int opt_set_ranged(struct sock_options *o, int name, int v)
{
    int least = name == TCP_MAXSEG ? 88 : 1;
    int most = name == TCP_KEEPCNT || name == TCP_SYNCNT ? 127 : 32767;

    if (v < least || v > most)
        return -EINVAL;
    if (most == 127)
        *(name == TCP_KEEPCNT ? &o->keep_count : &o->syn_count) = (uint8_t)v;
    else
        *(name == TCP_MAXSEG     ? &o->maxseg
          : name == TCP_KEEPIDLE ? &o->keep_idle
                                 : &o->keep_interval) = (uint16_t)v;
    return 0;
}

/* TCP_WINDOW_CLAMP; none (0) is for sockets without a connection. */
static int opt_set_clamp(struct sock *s, int v)
{
    if (!v && s->state != SOCK_TCP_IDLE && s->state != SOCK_TCP_ENDED)
        return -EINVAL;
    s->options.buffers.clamp = v && v < CLAMP_MIN ? CLAMP_MIN : (uint32_t)v;
    return 0;
}

static int opt_set_congestion(struct sock *s, const void *value, socklen_t len)
{
    char name[TCP_CA_NAME_MAX] = "";
    int alg;

    if (!value || len < 1)
        return -EINVAL;
    memcpy(name, value, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
    alg = tcp_cc_find(name);
    if (alg < 0)
        return -ENOENT;
    s->options.congestion = (uint8_t)alg;
    sock_apply_options(s);
    return 0;
}

/* What an option changes at once in a connection. */
static void opt_act(struct sock *s, int name, int v)
{
    switch (name) {
    case TCP_CORK:
        if (!v)
            tcp_output(s->tcp);
        break;
    case TCP_NODELAY:
        if (v)
            tcp_option_push(s->tcp); /* even if the connection is corked, and stays it */
        break;
    case TCP_QUICKACK:
        if (v && (s->tcp->flags & TF_ACK_DELAY)) {
            tcp_ack_now(s->tcp);
            tcp_output(s->tcp);
        }
        break;
    case TCP_NOTSENT_LOWAT:
        if (s->want_write && sock_tcp_has_room(s))
            sock_writable(s);
        break;
    }
}

int sock_opt_set_tcp(struct sock *s, int name, const void *value, socklen_t len)
{
    struct sock_options *o = &s->options;
    int v, err;

    if (s->kind != SOCK_KIND_TCP)
        return -ENOPROTOOPT;
    if (name == TCP_CONGESTION)
        return opt_set_congestion(s, value, len);
    if ((err = socket_int_in(value, len, &v)))
        return err;
    switch (name) {
    case TCP_NODELAY:
    case TCP_CORK:
        *(name == TCP_CORK ? &o->cork : &o->nodelay) = v != 0;
        break;
    case TCP_KEEPIDLE:
    case TCP_KEEPINTVL:
    case TCP_KEEPCNT:
    case TCP_MAXSEG:
    case TCP_SYNCNT:
        if ((err = opt_set_ranged(o, name, v)))
            return err;
        break;
    case TCP_WINDOW_CLAMP:
        if ((err = opt_set_clamp(s, v)))
            return err;
        break;
    case TCP_NOTSENT_LOWAT:
        o->not_sent_low = (uint32_t)v;
        break;
    case TCP_QUICKACK:
        o->quick_ack = v ? 1 : -1;
        break;
    case TCP_USER_TIMEOUT:
        if (v < 0)
            return -EINVAL;
        o->user_timeout = (uint32_t)v;
        break;
    case TCP_LINGER2:
        o->linger2 = (int16_t)(v < 0 ? -1 : v > LINGER2_MAX ? LINGER2_MAX : v);
        break;
    case TCP_DEFER_ACCEPT:
        o->defer = (uint8_t)opt_repetitions(&(uint32_t){v < 0 ? 0 : (uint32_t)v}, UINT8_MAX);
        break;
    default:
        return -ENOPROTOOPT;
    }
    sock_apply_options(s);
    if (s->state == SOCK_TCP_OPEN && s->tcp)
        opt_act(s, name, v);
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
    case TCP_CORK:
        *v = o->cork;
        return 0;
    case TCP_MAXSEG:
        if (s->tcp && s->state == SOCK_TCP_OPEN)
            *v = tcp_mss(s->tcp);
        else
            *v = o->maxseg ? o->maxseg : 536;
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
    case TCP_WINDOW_CLAMP:
        *v = (int)o->buffers.clamp;
        return 0;
    case TCP_NOTSENT_LOWAT:
        *v = (int)o->not_sent_low;
        return 0;
    case TCP_USER_TIMEOUT:
        *v = (int)o->user_timeout;
        return 0;
    case TCP_QUICKACK:
        *v = o->quick_ack >= 0;
        return 0;
    case TCP_SYNCNT:
        *v = o->syn_count ? o->syn_count : SYN_COUNT;
        return 0;
    case TCP_LINGER2:
        *v = o->linger2 ? o->linger2 : TCP_FIN_WAIT_S;
        return 0;
    case TCP_DEFER_ACCEPT:
        *v = (int)sock_opt_defer_s(s);
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static void opt_get_congestion(const struct sock *s, void *value, socklen_t *len)
{
    char name[TCP_CA_NAME_MAX] = "";

    strcpy(name, tcp_cc_name(s->options.congestion));
    socket_value_out(name, sizeof(name), value, len);
}

int sock_opt_get_tcp(struct sock *s, int name, void *value, socklen_t *len)
{
    int v, err;

    if (s->kind == SOCK_KIND_TCP && name == TCP_CONGESTION)
        opt_get_congestion(s, value, len);
    else if (s->kind == SOCK_KIND_TCP && name == TCP_INFO)
        sock_tcp_info(s, value, len);
    else if ((err = opt_get_tcp(s, name, &v)))
        return err;
    else
        socket_value_out(&v, sizeof(v), value, len);
    return 0;
}
