/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_tcp.c - stream sockets: opening, listening, connecting, ending.
 *
 * lwIP frees a connection on its own when it was reset (the error callback says so) and, silently,
 * when both directions have ended. A socket therefore lets go of its connection as soon as both
 * have: from then on lwIP alone sees it through its last states.
 */
#include <errno.h>
#include <poll.h>

#include "lwip/priv/tcp_priv.h"
#include "sock.h"

#define ENDING_POLLS 120 /* of 500 ms, without a byte acknowledged */

/*
 * A connection without a socket. A peer that answers probes of its closed window would hold what is
 * unsent for ever (RFC 9293, 3.8.6.1, leaves the end to us), so one that takes nothing is reset;
 * one that takes some has lwIP's limits of the last states begin anew.
 * arg: 24 bits of the last acknowledgement, and 8 that count the polls since it changed.
 */
static err_t on_ending(void *arg, struct tcp_pcb *pcb)
{
    uintptr_t acked = (u32_t)(pcb->lastack << 8);
    uintptr_t polls = (uintptr_t)arg & 0xff;

    if (acked != ((uintptr_t)arg & ~(uintptr_t)0xff)) {
        polls = 0;
        pcb->tmr = tcp_ticks;
    } else if (polls == ENDING_POLLS) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    tcp_arg(pcb, (void *)(acked | (polls + 1)));
    return ERR_OK;
}

/* lwIP finishes what is left: unsent data, FIN, TIME_WAIT. */
static void let_go(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    if (pcb->state == LISTEN)
        return;
    tcp_poll(pcb, on_ending, 1);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
}

static void discard(struct sock *c)
{
    sock_tcp_close(c);
    c->closed = true;
    sock_unref(c);
}

/* Reset before it was accepted. Its place in the backlog is free again: nothing may stay here. */
static void forget_waiting(struct sock *c)
{
    struct sock *listener = c->listener, *before = NULL;

    for (struct sock *at = listener->accept_head; at != c; at = at->accept_next)
        before = at;
    if (before)
        before->accept_next = c->accept_next;
    else
        listener->accept_head = c->accept_next;
    if (listener->accept_tail == c)
        listener->accept_tail = before;
    discard(c);
}

static void on_error(void *arg, err_t err)
{
    struct sock *s = arg;

    if (!s)
        return;
    s->tcp = NULL;
    if (s->listener) {
        forget_waiting(s);
        return;
    }
    s->eof = true;
    if (err == ERR_CLSD)
        s->error = 0; /* both sides are done */
    else if (s->connecting)
        s->error = err == ERR_RST ? ECONNREFUSED : ETIMEDOUT;
    else
        s->error = err == ERR_ABRT ? ETIMEDOUT : net_errno(err);
    s->connecting = false;
    sock_changed(s);
}

err_t sock_tcp_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct sock *s = arg;

    if (!p) {
        s->eof = true;
        if (pcb->state != CLOSE_WAIT) {
            let_go(pcb);
            s->tcp = NULL;
            net_core.closes++;
        }
        sock_changed(s);
        return ERR_OK;
    }
    if (err != ERR_OK || s->read_shut) {
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
        return ERR_OK;
    }
    for (struct pbuf *next; p; p = next) {
        next = p->next;
        p->next = NULL;
        p->tot_len = p->len;
        if (s->rx_tail)
            s->rx_tail->next = p;
        else
            s->rx_head = p;
        s->rx_tail = p;
        s->rx_bytes += p->len;
    }
    sock_readable(s);
    return ERR_OK;
}

static void attach(struct sock *s, struct tcp_pcb *pcb)
{
    s->tcp = pcb;
    tcp_arg(pcb, s);
    tcp_recv(pcb, sock_tcp_received);
    tcp_sent(pcb, sock_tcp_sent);
    tcp_err(pcb, on_error);
}

int sock_tcp_open(struct sock *s)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);

    if (!pcb)
        return -ENOMEM;
    attach(s, pcb);
    return 0;
}

int sock_tcp_bind(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    if (!s->tcp || s->kind == SOCK_KIND_LISTEN || s->tcp->local_port)
        return -EINVAL;
    if (s->v6only)
        IP_SET_TYPE_VAL(s->tcp->local_ip, IPADDR_TYPE_V6);
    if (s->family == AF_INET6 && !s->v6only && IP_IS_V6(addr) && ip6_addr_isany(ip_2_ip6(addr)))
        addr = IP_ANY_TYPE;
    return -net_errno(tcp_bind(s->tcp, addr, port));
}

/* ---- listening ------------------------------------------------------------------------------- */

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct sock *s = arg;
    struct sock *c = NULL;

    if (err == ERR_OK && pcb && s)
        c = sock_new(SOCK_KIND_TCP, s->family);
    if (!c) {
        net_core.tcp_refused++;
        return ERR_MEM; /* lwIP resets the connection */
    }
    c->connected = true;
    c->v6only = s->v6only;
    c->protocol = IPPROTO_TCP;
    attach(c, pcb);
    tcp_backlog_delayed(pcb);
    c->listener = s;
    if (s->accept_tail)
        s->accept_tail->accept_next = c;
    else
        s->accept_head = c;
    s->accept_tail = c;
    sock_readable(s);
    return ERR_OK;
}

int sock_tcp_listen(struct sock *s, int backlog)
{
    struct tcp_pcb *pcb;
    err_t err = ERR_OK;

    if (backlog < 1)
        backlog = 1;
    if (backlog > SOMAXCONN)
        backlog = SOMAXCONN;
    if (s->kind == SOCK_KIND_LISTEN) {
        tcp_backlog_set(s->tcp, backlog);
        return 0;
    }
    if (!s->tcp || s->connected || s->connecting)
        return -EINVAL;
    if (!s->tcp->local_port && (err = tcp_bind(s->tcp, &s->tcp->local_ip, 0)) != ERR_OK)
        return -net_errno(err);
    pcb = tcp_listen_with_backlog_and_err(s->tcp, (u8_t)backlog, &err);
    if (!pcb)
        return -net_errno(err);
    s->kind = SOCK_KIND_LISTEN;
    s->tcp = pcb;
    tcp_arg(pcb, s);
    tcp_accept(pcb, on_accept);
    return 0;
}

static struct sock *pop_accepted(struct sock *s)
{
    struct sock *c = s->accept_head;

    if (!c)
        return NULL;
    s->accept_head = c->accept_next;
    if (!s->accept_head)
        s->accept_tail = NULL;
    c->accept_next = NULL;
    c->listener = NULL;
    return c;
}

int sock_tcp_accept(struct sock *s, struct sock **out)
{
    uint64_t deadline = 0;
    struct sock *c;
    int err;

    if (s->kind != SOCK_KIND_LISTEN)
        return -EINVAL;
    for (;;) {
        if ((c = pop_accepted(s)))
            break;
        if ((err = sock_wait(s, &s->readers, s->read_timeout, &deadline, 0)))
            return err;
    }
    tcp_backlog_accepted(c->tcp);
    net_core.tcp_accepted++;
    *out = c;
    return 0;
}

/* ---- connecting ------------------------------------------------------------------------------ */

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct sock *s = arg;

    (void)pcb;
    (void)err; /* failures come through on_error */
    s->connecting = false;
    s->connected = true;
    sock_writable(s);
    return ERR_OK;
}

static int start_connect(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    err_t err;

    if (s->kind == SOCK_KIND_LISTEN)
        return -EOPNOTSUPP;
    if (s->connecting)
        return -EALREADY;
    if (s->connected)
        return -EISCONN;
    if (s->error)
        return -sock_take_error(s);
    if (!s->tcp)
        return -EINVAL;
    if (ip_addr_isany(addr) || ip_addr_ismulticast(addr) || port == 0)
        return -EADDRNOTAVAIL;
    s->connecting = true;
    err = tcp_connect(s->tcp, addr, port, on_connected);
    if (err == ERR_OK)
        return 0;
    s->connecting = false;
    return err == ERR_RTE ? -ENETUNREACH : -net_errno(err);
}

int sock_tcp_connect(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    uint64_t deadline = 0;
    int err = start_connect(s, addr, port);

    if (err)
        return err;
    while (s->connecting) {
        err = sock_wait(s, &s->writers, s->write_timeout, &deadline, 0);
        if (err)
            return err == -EAGAIN ? -EINPROGRESS : err;
    }
    return s->connected ? 0 : -sock_take_error(s);
}

/* ---- ending ---------------------------------------------------------------------------------- */

static int shut_write(struct sock *s)
{
    err_t err;

    if (s->write_shut)
        return 0;
    s->write_shut = true;
    if (!s->tcp)
        return 0;
    err = tcp_shutdown(s->tcp, 0, 1);
    if (err != ERR_OK)
        return -net_errno(err);
    if (s->eof && s->tcp) { /* the other direction has ended before */
        let_go(s->tcp);
        s->tcp = NULL;
    }
    return 0;
}

int sock_tcp_shutdown(struct sock *s, int how)
{
    int err = 0;

    if (s->kind == SOCK_KIND_LISTEN || !s->connected)
        return -ENOTCONN;
    if (how == SHUT_RD || how == SHUT_RDWR) {
        s->read_shut = true;
        sock_tcp_drop_rx(s);
    }
    if (how == SHUT_WR || how == SHUT_RDWR)
        err = shut_write(s);
    sock_changed(s);
    return err;
}

void sock_tcp_close(struct sock *s)
{
    struct tcp_pcb *pcb = s->tcp;
    struct sock *c;

    while ((c = pop_accepted(s)))
        discard(c);
    s->tcp = NULL;
    if (pcb) {
        let_go(pcb);
        if (s->reset_on_close && s->kind == SOCK_KIND_TCP && s->connected)
            tcp_abort(pcb);
        else if (tcp_close(pcb) != ERR_OK) /* resets when there is unread data */
            tcp_abort(pcb);
        net_core.closes++;
    }
    sock_tcp_drop_rx(s);
    net_kick();
}

/* ---- readiness ------------------------------------------------------------------------------- */

static bool can_write(struct sock *s)
{
    if (!s->tcp || !s->connected)
        return false;
    if (s->starved == net_core.memory_epoch ||
        (tcp_sndqueuelen(s->tcp) && !net_mem_admit(NET_MEM_TX)))
        return false;
    return tcp_sndbuf(s->tcp) > TCP_SNDLOWAT && tcp_sndqueuelen(s->tcp) < TCP_SNDQUEUELOWAT;
}

int sock_tcp_poll(struct sock *s, int events)
{
    int ready = 0;

    if (s->kind == SOCK_KIND_LISTEN)
        return s->accept_head ? events & (POLLIN | POLLRDNORM) : 0;
    if (s->rx_head || s->eof || s->read_shut)
        ready |= POLLIN | POLLRDNORM;
    if (s->error)
        ready |= POLLERR | POLLIN | POLLRDNORM;
    if (!s->tcp && !s->connecting)
        ready |= POLLOUT | POLLWRNORM | POLLHUP;
    else if (!s->connected && !s->connecting)
        ready |= POLLOUT | POLLHUP;
    else if (s->write_shut || can_write(s))
        ready |= POLLOUT | POLLWRNORM;
    else if (events & (POLLOUT | POLLWRNORM))
        s->want_write = true;
    return ready & events;
}
