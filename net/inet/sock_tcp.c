/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_tcp.c - stream sockets: opening, ending, and lwIP's callbacks.
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

void sock_tcp_become(struct sock *s, enum sock_tcp_state state)
{
#define TO(state) (1u << SOCK_TCP_##state)
    static const uint8_t legal[] = {
        /* LISTENING, CONNECTING: by these calls. OPEN: a connection that was accepted. ENDED: its
         * control block is gone */
        [SOCK_TCP_IDLE] = TO(LISTENING) | TO(CONNECTING) | TO(OPEN) | TO(ENDED) | TO(IDLE),
        /* IDLE: shutdown(). ENDED: lwIP took its control block, as memory was short, or it is
         * closed */
        [SOCK_TCP_LISTENING] = TO(IDLE) | TO(ENDED),
        /* OPEN: the peer answered. IDLE: it refused, no answer came, or the socket gave up */
        [SOCK_TCP_CONNECTING] = TO(OPEN) | TO(IDLE) | TO(ENDED),
        /* ENDED: reset, or both directions have ended. IDLE: disconnected */
        [SOCK_TCP_OPEN] = TO(ENDED) | TO(IDLE),
        [SOCK_TCP_ENDED] = TO(IDLE),
    };
#undef TO

    hal_debug_assert(legal[s->state] >> state & 1);
    s->state = state;
}

/* The control block is lwIP's alone from now on, or gone. */
static void sock_tcp_lose_pcb(struct sock *s)
{
    s->tcp = NULL;
    sock_tcp_become(s, SOCK_TCP_ENDED);
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
    pcb->tmr = tcp_ticks; /* lwIP's limits of the last states count from now */
    tcp_poll(pcb, conn_on_ending, 1);
    tcp_recv(pcb, NULL);
    pcb->net.opt.leaves = NULL;
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
}

static int conn_error_of(const struct sock *s, err_t err)
{
    if (s->state == SOCK_TCP_CONNECTING)
        return err == ERR_RST ? ECONNREFUSED : err == ERR_IF ? ENETDOWN : ETIMEDOUT;
    if (err == ERR_CLSD)
        return 0; /* both directions have ended */
    if (err == ERR_RST && s->fin)
        return EPIPE; /* the peer has ended already, and hears no more */
    return err == ERR_ABRT ? ETIMEDOUT : net_errno(err);
}

static void conn_on_error(void *arg, err_t err)
{
    struct sock *s = arg;
    int error;

    if (!s)
        return;
    error = conn_error_of(s, err);
    if (s->state == SOCK_TCP_CONNECTING) {
        sock_tcp_renew(s, error);
        sock_changed(s);
        return;
    }
    sock_tcp_lose_pcb(s);
    if (s->listener && sock_accept_forgets(s))
        return;
    s->eof = true;
    s->error = error;
    sock_changed(s);
}

struct sock *sock_of_tcp(const struct tcp_pcb *pcb)
{
    if (pcb->state == LISTEN)
        return sock_of_listener((const struct tcp_pcb_listen *)pcb);
    return pcb->errf == conn_on_error ? pcb->callback_arg : NULL;
}

/* Nobody will read what comes: the peer learns of it (RFC 1122, section 4.2.2.13). */
static err_t conn_refuse_data(struct sock *s, struct tcp_pcb *pcb)
{
    conn_orphan(pcb);
    sock_tcp_lose_pcb(s);
    s->eof = true;
    sock_changed(s);
    tcp_abort(pcb);
    return ERR_ABRT;
}

/* lwIP's callback: data, owned from now on, or the end of the stream (p is NULL). */
static err_t conn_on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct sock *s = arg;

    (void)err; /* ERR_OK with data */
    if (!p) {
        s->eof = s->fin = true;
        sock_accept_ready(s);
        if (pcb->state != CLOSE_WAIT) {
            conn_orphan(pcb);
            sock_tcp_lose_pcb(s);
            net_core.closes++;
        }
        sock_changed(s);
        return ERR_OK;
    }
    if (s->read_shut && s->write_shut) {
        pbuf_free(p);
        return conn_refuse_data(s, pcb);
    }
    sock_tcp_queue_rx(s, p);
    if (s->early)
        sock_accept_ready(s);
    sock_readable(s);
    return ERR_OK;
}

void sock_tcp_attach(struct sock *s, struct tcp_pcb *pcb)
{
    s->tcp = pcb;
    sock_apply_options(s);
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
    sock_tcp_attach(s, pcb);
    if (s->v6only)
        IP_SET_TYPE_VAL(pcb->local_ip, IPADDR_TYPE_V6);
    return 0;
}

void sock_tcp_renew(struct sock *s, int error)
{
    sock_conn_stop_waiting(s);
    s->error = error;
    s->eof = s->fin = s->read_shut = s->write_shut = false;
    if (sock_tcp_open(s)) {
        sock_tcp_lose_pcb(s);
        return;
    }
    sock_tcp_become(s, SOCK_TCP_IDLE);
    if (s->port)
        sock_keep_port(s);
}

struct tcp_pcb *sock_tcp_let_go(struct sock *s)
{
    struct tcp_pcb *pcb = s->tcp;

    if (pcb)
        conn_orphan(pcb);
    return pcb;
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

/* The listener ends, and is a bound socket again. */
static void conn_stop_listening(struct sock *s)
{
    struct tcp_pcb *pcb = sock_tcp_let_go(s);

    sock_accept_drop_all(s);
    tcp_close(pcb);
    sock_tcp_renew(s, 0);
}

int sock_tcp_shutdown(struct sock *s, int how)
{
    int err = 0;

    if (s->state == SOCK_TCP_LISTENING) {
        if (how != SHUT_WR)
            conn_stop_listening(s);
        sock_changed(s);
        return 0;
    }
    if (s->state == SOCK_TCP_CONNECTING) {
        sock_tcp_disconnect(s);
        sock_changed(s);
        return 0;
    }
    if (s->state != SOCK_TCP_OPEN)
        return -ENOTCONN;
    if (how != SHUT_WR)
        s->read_shut = true;
    if (how != SHUT_RD)
        err = conn_shut_write(s);
    sock_changed(s);
    return err;
}

/* Ends the connection, or what the socket is otherwise. pcb: its control block, let go. */
static void conn_close(struct sock *s, struct tcp_pcb *pcb)
{
    bool reset = s->state == SOCK_TCP_OPEN && ((s->linger && !s->linger_s) || s->rx.head);

    sock_tcp_lose_pcb(s);
    if (reset || tcp_close(pcb) != ERR_OK)
        tcp_abort(pcb);
    net_core.closes++;
}

void sock_tcp_disconnect(struct sock *s)
{
    bool connected = s->state == SOCK_TCP_OPEN || s->state == SOCK_TCP_CONNECTING;
    struct tcp_pcb *pcb = sock_tcp_let_go(s);

    if (s->state == SOCK_TCP_LISTENING) {
        sock_accept_drop_all(s);
        tcp_close(pcb);
    } else if (pcb) {
        tcp_abandon(pcb, s->state == SOCK_TCP_OPEN);
    }
    sock_tcp_drop_rx(s);
    s->tcp = NULL;
    s->untold = false;
    sock_tcp_renew(s, connected ? ECONNRESET : 0);
}

void sock_tcp_close(struct sock *s)
{
    struct tcp_pcb *pcb = sock_tcp_let_go(s);

    sock_conn_stop_waiting(s);
    sock_accept_drop_all(s);
    if (pcb)
        conn_close(s, pcb);
    sock_tcp_drop_rx(s);
    net_kick();
}

void sock_tcp_linger(struct sock *s)
{
    uint64_t deadline;
    int err = 0;

    if (!s->linger || !s->linger_s)
        return;
    deadline = hal_now_ns() + s->linger_s * HAL_SEC;
    s->users++;
    while (!err && s->state == SOCK_TCP_OPEN && tcp_sndqueuelen(s->tcp)) {
        s->want_write = true; /* what wakes writers at last is an empty queue */
        err = net_park(&s->writers, deadline);
    }
    s->users--;
}

/* ---- readiness ------------------------------------------------------------------------------- */

/* Would a write find too little memory? */
static bool conn_starves(const struct sock *s)
{
    return s->state == SOCK_TCP_OPEN && (s->starved == net_core.memory_epoch ||
                                         (tcp_sndqueuelen(s->tcp) && !net_mem_admit(NET_MEM_TX)));
}

static bool conn_can_write(const struct sock *s)
{
    return s->state == SOCK_TCP_OPEN && !conn_starves(s) && sock_tcp_has_room(s);
}

/* What holds in any state but LISTENING. */
static int conn_poll(struct sock *s)
{
    bool over = s->state == SOCK_TCP_ENDED || (s->state == SOCK_TCP_IDLE && s->untold);
    int ready = 0;

    if (sock_tcp_can_read(s) || over)
        ready |= POLLIN | POLLRDNORM;
    if (s->eof || s->read_shut || over)
        ready |= POLLRDHUP;
    if (over || s->state == SOCK_TCP_IDLE || (s->write_shut && (s->read_shut || s->eof)))
        ready |= POLLOUT | POLLWRNORM | POLLHUP;
    else if (s->write_shut || conn_can_write(s))
        ready |= POLLOUT | POLLWRNORM;
    return s->error ? ready | POLLERR : ready;
}

int sock_tcp_poll(struct sock *s, int events)
{
    int ready;

    if (s->state == SOCK_TCP_LISTENING)
        return s->accepted.head ? events & (POLLIN | POLLRDNORM) : 0;
    ready = conn_poll(s);
    if (!(ready & (POLLOUT | POLLWRNORM)) && (events & (POLLOUT | POLLWRNORM))) {
        sock_tcp_want_write(s);
        if (conn_starves(s))
            sock_await_means(s);
    }
    return ready & events;
}
