/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_tcp.c - stream sockets: opening, listening, connecting, ending.
 *
 * lwIP frees a control block on its own: when the connection was reset (the error callback says
 * so), and without a word when both directions have ended. So a socket forgets its control block as
 * soon as both have ended, and lwIP alone takes the connection through its last states.
 */
#include <errno.h>
#include <poll.h>

#include "lwip/priv/tcp_priv.h"
#include "sock.h"

#define ENDING_POLLS 120 /* of 500 ms, without a byte acknowledged */

/* The one place that changes the state of a TCP socket. */
static void sock_tcp_become(struct sock *s, enum sock_tcp_state state)
{
#define TO(state) (1u << SOCK_TCP_##state)
    static const uint8_t legal[] = {
        /* LISTENING, CONNECTING: by these calls. OPEN: a connection that was accepted. FAILED: its
         * control block is gone */
        [SOCK_TCP_IDLE] = TO(LISTENING) | TO(CONNECTING) | TO(OPEN) | TO(FAILED),
        /* lwIP took its control block, as memory was short, or it is closed */
        [SOCK_TCP_LISTENING] = TO(ENDED),
        /* OPEN: the peer answered. FAILED: it refused, or no answer came */
        [SOCK_TCP_CONNECTING] = TO(OPEN) | TO(FAILED),
        /* reset, or both directions have ended */
        [SOCK_TCP_OPEN] = TO(ENDED),
        [SOCK_TCP_ENDED] = 0,
        [SOCK_TCP_FAILED] = 0,
    };
#undef TO

    hal_debug_assert(legal[s->state] >> state & 1);
    s->state = state;
}

/* The control block is lwIP's alone from now on, or gone. */
static void sock_tcp_lose_pcb(struct sock *s)
{
    s->tcp = NULL;
    sock_tcp_become(s, s->state == SOCK_TCP_OPEN || s->state == SOCK_TCP_LISTENING
                           ? SOCK_TCP_ENDED
                           : SOCK_TCP_FAILED);
}

/*
 * lwIP's poll callback of a connection without a socket. A peer that answers probes of its closed
 * window would keep unsent data here for ever (RFC 9293, 3.8.6.1, leaves the end to the sender), so
 * a connection of which nothing is acknowledged is reset. Each acknowledgement restarts lwIP's own
 * limit of the last states.
 * arg: 24 bits of the last acknowledged number, and 8 that count the polls since it changed.
 */
static err_t conn_on_ending(void *arg, struct tcp_pcb *pcb)
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

/* Takes the socket off its connection; lwIP sends the rest, then FIN, and keeps TIME_WAIT. */
static void conn_orphan(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    if (pcb->state == LISTEN)
        return;
    tcp_poll(pcb, conn_on_ending, 1);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
}

/*
 * The connection was reset before accept(). lwIP has given its place in the backlog back already;
 * the socket leaves the listener's queue as well.
 */
static void accept_forget(struct sock *c)
{
    struct sock *listener = c->listener, *before = NULL;

    for (struct sock *at = listener->accepted.head; at != c; at = at->next)
        before = at;
    if (before)
        before->next = c->next;
    else
        listener->accepted.head = c->next;
    if (listener->accepted.tail == c)
        listener->accepted.tail = before;
    sock_discard(c);
}

static void conn_on_error(void *arg, err_t err)
{
    struct sock *s = arg;
    bool connecting;

    if (!s)
        return;
    connecting = s->state == SOCK_TCP_CONNECTING;
    sock_tcp_lose_pcb(s);
    if (s->listener) {
        accept_forget(s);
        return;
    }
    s->eof = true;
    if (err == ERR_CLSD)
        s->error = 0; /* both directions have ended */
    else if (connecting)
        s->error = err == ERR_RST ? ECONNREFUSED : ETIMEDOUT;
    else
        s->error = err == ERR_ABRT ? ETIMEDOUT : net_errno(err);
    sock_changed(s);
}

/* lwIP's callback: data, owned from now on, or the end of the stream (p is NULL). */
static err_t conn_on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct sock *s = arg;

    if (!p) {
        s->eof = true;
        if (pcb->state != CLOSE_WAIT) {
            conn_orphan(pcb);
            sock_tcp_lose_pcb(s);
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
        p->tot_len = p->len;
        SOCK_QUEUE_APPEND(&s->rx, p);
        s->rx_bytes += p->len;
    }
    sock_readable(s);
    return ERR_OK;
}

static void conn_attach(struct sock *s, struct tcp_pcb *pcb)
{
    s->tcp = pcb;
    tcp_arg(pcb, s);
    tcp_recv(pcb, conn_on_received);
    tcp_sent(pcb, sock_tcp_sent);
    tcp_err(pcb, conn_on_error);
}

int sock_tcp_open(struct sock *s)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);

    if (!pcb)
        return -ENOMEM;
    conn_attach(s, pcb);
    return 0;
}

int sock_tcp_bind(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    if (s->state != SOCK_TCP_IDLE || s->tcp->local_port)
        return -EINVAL;
    if (s->v6only)
        IP_SET_TYPE_VAL(s->tcp->local_ip, IPADDR_TYPE_V6);
    return -net_errno(tcp_bind(s->tcp, sock_addr_to_bind(s, addr), port));
}

/* ---- listening ------------------------------------------------------------------------------- */

static err_t accept_on_new(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct sock *s = arg;
    struct sock *c = NULL;

    if (err == ERR_OK && pcb && s)
        c = sock_new(SOCK_KIND_TCP, s->family);
    if (!c) {
        net_core.tcp_refused++;
        return ERR_MEM; /* lwIP resets the connection */
    }
    sock_tcp_become(c, SOCK_TCP_OPEN);
    c->v6only = s->v6only;
    c->protocol = IPPROTO_TCP;
    conn_attach(c, pcb);
    tcp_backlog_delayed(pcb);
    c->listener = s;
    SOCK_QUEUE_APPEND(&s->accepted, c);
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
    if (s->state == SOCK_TCP_LISTENING) {
        tcp_backlog_set(s->tcp, backlog);
        return 0;
    }
    if (s->state != SOCK_TCP_IDLE)
        return -EINVAL;
    if (!s->tcp->local_port && (err = tcp_bind(s->tcp, &s->tcp->local_ip, 0)) != ERR_OK)
        return -net_errno(err);
    pcb = tcp_listen_with_backlog_and_err(s->tcp, (u8_t)backlog, &err);
    if (!pcb)
        return -net_errno(err);
    sock_tcp_become(s, SOCK_TCP_LISTENING);
    s->tcp = pcb;
    tcp_arg(pcb, s);
    tcp_accept(pcb, accept_on_new);
    return 0;
}

static struct sock *accept_pop(struct sock *s)
{
    struct sock *c = s->accepted.head;

    if (!c)
        return NULL;
    SOCK_QUEUE_POP(&s->accepted);
    c->listener = NULL;
    return c;
}

int sock_tcp_accept(struct sock *s, struct sock **out)
{
    uint64_t deadline = 0;
    struct sock *c;
    int err;

    if (s->state != SOCK_TCP_LISTENING)
        return -EINVAL;
    while (!(c = accept_pop(s)))
        if ((err = sock_wait(s, &s->readers, s->read_timeout, &deadline, 0)))
            return err;
    tcp_backlog_accepted(c->tcp);
    net_core.tcp_accepted++;
    *out = c;
    return 0;
}

/* ---- connecting ------------------------------------------------------------------------------ */

static err_t conn_on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct sock *s = arg;

    (void)pcb;
    (void)err; /* failures come through conn_on_error */
    sock_tcp_become(s, SOCK_TCP_OPEN);
    sock_writable(s);
    return ERR_OK;
}

static int conn_start(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    err_t err;

    if (s->state == SOCK_TCP_LISTENING)
        return -EOPNOTSUPP;
    if (s->state == SOCK_TCP_CONNECTING)
        return -EALREADY;
    if (s->state == SOCK_TCP_OPEN || s->state == SOCK_TCP_ENDED)
        return -EISCONN;
    if (s->error)
        return -sock_take_error(s);
    if (s->state == SOCK_TCP_FAILED)
        return -EINVAL;
    if (ip_addr_isany(addr) || ip_addr_ismulticast(addr) || port == 0)
        return -EADDRNOTAVAIL;
    err = tcp_connect(s->tcp, addr, port, conn_on_connected);
    if (err == ERR_OK) {
        sock_tcp_become(s, SOCK_TCP_CONNECTING);
        return 0;
    }
    return err == ERR_RTE ? -ENETUNREACH : -net_errno(err);
}

int sock_tcp_connect(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    uint64_t deadline = 0;
    int err = conn_start(s, addr, port);

    if (err)
        return err;
    while (s->state == SOCK_TCP_CONNECTING) {
        err = sock_wait(s, &s->writers, s->write_timeout, &deadline, 0);
        if (err)
            return err == -EAGAIN ? -EINPROGRESS : err;
    }
    if (s->state != SOCK_TCP_FAILED)
        return 0;
    err = sock_take_error(s);
    return err ? -err : -ECONNABORTED; /* SO_ERROR was read meanwhile */
}

/* ---- ending ---------------------------------------------------------------------------------- */

static int conn_shut_write(struct sock *s)
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
        conn_orphan(s->tcp);
        sock_tcp_lose_pcb(s);
    }
    return 0;
}

int sock_tcp_shutdown(struct sock *s, int how)
{
    int err = 0;

    if (s->state != SOCK_TCP_OPEN && s->state != SOCK_TCP_ENDED)
        return -ENOTCONN;
    if (how == SHUT_RD || how == SHUT_RDWR) {
        s->read_shut = true;
        sock_tcp_drop_rx(s);
    }
    if (how == SHUT_WR || how == SHUT_RDWR)
        err = conn_shut_write(s);
    sock_changed(s);
    return err;
}

void sock_tcp_close(struct sock *s)
{
    bool reset = s->reset_on_close && s->state == SOCK_TCP_OPEN;
    struct tcp_pcb *pcb = s->tcp;
    struct sock *c;

    while ((c = accept_pop(s)))
        sock_discard(c);
    if (pcb) {
        sock_tcp_lose_pcb(s);
        conn_orphan(pcb);
        if (reset || tcp_close(pcb) != ERR_OK) /* tcp_close resets if there is unread data */
            tcp_abort(pcb);
        net_core.closes++;
    }
    sock_tcp_drop_rx(s);
    net_kick();
}

/* ---- readiness ------------------------------------------------------------------------------- */

static bool conn_can_write(struct sock *s)
{
    if (s->state != SOCK_TCP_OPEN)
        return false;
    if (s->starved == net_core.memory_epoch ||
        (tcp_sndqueuelen(s->tcp) && !net_mem_admit(NET_MEM_TX)))
        return false;
    return tcp_sndbuf(s->tcp) > TCP_SNDLOWAT && tcp_sndqueuelen(s->tcp) < TCP_SNDQUEUELOWAT;
}

int sock_tcp_poll(struct sock *s, int events)
{
    int ready = 0;

    if (s->state == SOCK_TCP_LISTENING)
        return s->accepted.head ? events & (POLLIN | POLLRDNORM) : 0;
    if (s->rx.head || s->eof || s->read_shut)
        ready |= POLLIN | POLLRDNORM;
    if (s->error)
        ready |= POLLERR | POLLIN | POLLRDNORM;
    if (s->state == SOCK_TCP_ENDED || s->state == SOCK_TCP_FAILED)
        ready |= POLLOUT | POLLWRNORM | POLLHUP;
    else if (s->state == SOCK_TCP_IDLE)
        ready |= POLLOUT | POLLHUP;
    else if (s->write_shut || conn_can_write(s))
        ready |= POLLOUT | POLLWRNORM;
    else if (events & (POLLOUT | POLLWRNORM))
        s->want_write = true;
    return ready & events;
}
