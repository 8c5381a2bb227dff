/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_conn.c - stream sockets that connect, and what ICMP and missing neighbours do to sockets.
 *
 * While a card is still asking for its first address, a socket without a route is CONNECTING
 * without lwIP's knowledge. It stands in a list until there is a route, or no hope for one.
 */
#include <errno.h>

#include "lwip/priv/tcp_priv.h"
#include "lwip/timeouts.h"
#include "sock.h"

#define CONN_LOOK_MS 100 /* between two looks at the sockets in the list */

static struct sock *conn_waiting; /* linked by next_waiting */
static bool conn_timer_runs;

/* ---- waiting for an address ------------------------------------------------------------------ */

void sock_conn_stop_waiting(struct sock *s)
{
    struct sock **at = &conn_waiting;

    while (*at && *at != s)
        at = &(*at)->next_waiting;
    if (*at)
        *at = s->next_waiting;
}

void sock_conn_fail(struct sock *s, int error)
{
    struct tcp_pcb *pcb = sock_tcp_let_go(s);

    s->tcp = NULL;
    tcp_abandon(pcb, 0);
    sock_tcp_renew(s, error);
    sock_changed(s);
}

static err_t conn_on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct sock *s = arg;

    (void)err; /* failures come through the error callback */
    sock_tcp_become(s, SOCK_TCP_OPEN);
    sock_opt_apply_tcp(s); /* TCP_SYNCNT counts no more */
    tcp_option_opened(pcb, true);
    sock_writable(s);
    return ERR_OK;
}

/* Sends the SYN, from a port of its own. 0, or why not; then nothing has changed. */
static int conn_send_syn(struct sock *s, const ip_addr_t *from)
{
    err_t err;

    if (s->tcp->local_port && sock_tuple_taken(from, s->tcp->local_port, &s->peer, s->peer_port))
        return -EADDRNOTAVAIL;
    if (sock_bind_any(s))
        return -EADDRNOTAVAIL;
    ip_addr_copy(s->tcp->local_ip, *from);
    s->tcp->ttl = IP_IS_V6_VAL(s->peer) ? s->options.hops : s->options.ttl;
    err = tcp_connect(s->tcp, &s->peer, s->peer_port, conn_on_connected);
    if (err != ERR_OK)
        ip_addr_copy(s->tcp->local_ip, s->bound);
    return err == ERR_RTE ? -ENETUNREACH : -net_errno(err);
}

/* Connects if there is a route. -ENETUNREACH: there is none, and the socket may wait for one. */
static int conn_try(struct sock *s)
{
    struct netif *netif;
    ip_addr_t from;
    int err = sock_route(s, &s->peer, &netif, &from);

    return err ? err : conn_send_syn(s, &from);
}

static void conn_look(struct sock *s)
{
    int err = conn_try(s);

    if (err == -ENETUNREACH && net_asking(IP_IS_V6_VAL(s->peer))) {
        if (hal_now_ns() < s->give_up_ns)
            return;
        net_asking_vain();
    }
    sock_conn_stop_waiting(s);
    if (err)
        sock_conn_fail(s, -err);
}

static void conn_look_at_all(void)
{
    struct sock *next;

    for (struct sock *s = conn_waiting; s; s = next) {
        next = s->next_waiting;
        conn_look(s);
    }
}

static void conn_timer(void *arg)
{
    (void)arg;
    conn_look_at_all();
    conn_timer_runs = conn_waiting != NULL;
    if (conn_timer_runs)
        sys_timeout(CONN_LOOK_MS, conn_timer, NULL);
}

static void conn_wait(struct sock *s)
{
    s->give_up_ns = hal_now_ns() + net_asking_ns();
    s->next_waiting = conn_waiting;
    conn_waiting = s;
    if (!conn_timer_runs) {
        conn_timer_runs = true;
        sys_timeout(CONN_LOOK_MS, conn_timer, NULL);
        net_timers_changed();
    }
}

/* ---- connect() ------------------------------------------------------------------------------- */

/* What connect() says of a socket that cannot begin to connect; 0: it can. *done: it has ended. */
static int conn_present(struct sock *s, bool *done)
{
    bool untold = s->untold;

    *done = true;
    switch (s->state) {
    case SOCK_TCP_CONNECTING:
        return -EALREADY;
    case SOCK_TCP_OPEN:
        s->untold = false;
        return untold ? 0 : -EISCONN;
    case SOCK_TCP_LISTENING:
    case SOCK_TCP_ENDED:
        return -EISCONN;
    case SOCK_TCP_IDLE:
        break;
    }
    s->untold = false;
    if (untold)
        return s->error ? -sock_take_error(s) : -ECONNABORTED; /* SO_ERROR was read meanwhile */
    *done = false;
    return 0;
}

static int conn_begin(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    int err;

    ip_addr_copy(s->peer, *addr);
    s->peer_port = port;
    sock_route_to_self(s, &s->peer);
    if (ip_addr_ismulticast(&s->peer) || sock_is_broadcast(&s->peer))
        return -ENETUNREACH;
    err = conn_try(s);
    if (err == -ENETUNREACH && net_asking(IP_IS_V6_VAL(s->peer)))
        conn_wait(s);
    else if (err)
        return err;
    s->error = 0;
    sock_tcp_become(s, SOCK_TCP_CONNECTING);
    return 0;
}

int sock_tcp_connect(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    uint64_t deadline = 0;
    bool done;
    int err = conn_present(s, &done);

    if (done || (err = conn_begin(s, addr, port)))
        return err;
    s->untold = true;
    while (s->state == SOCK_TCP_CONNECTING) {
        err = sock_wait(s, &s->writers, s->write_timeout, &deadline, 0);
        if (err)
            return err == -EAGAIN ? -EINPROGRESS : err;
    }
    s->untold = false;
    if (s->state != SOCK_TCP_IDLE)
        return 0;
    err = sock_take_error(s);
    return err ? -err : -ECONNABORTED;
}

/* ---- what the network says ------------------------------------------------------------------- */

/* An error about a SYN ends it; one about an open connection may be a lie, or pass (RFC 5461). */
static void unreachable_tcp(const struct tcp_pcb *pcb, u32_t seq, int error)
{
    struct sock *s = sock_of_tcp(pcb);

    if (pcb->state == SYN_SENT && s && s->state == SOCK_TCP_CONNECTING && seq == pcb->lastack)
        sock_conn_fail(s, error);
}

static void unreachable_udp(const struct udp_pcb *pcb, int error, bool hard)
{
    struct sock *s = sock_of_udp(pcb);

    if (!s || !hard || (error == EMSGSIZE && !sock_mtu_asks(s, &pcb->remote_ip)))
        return;
    s->error = error;
    sock_changed(s);
}

static void on_unreachable(unsigned proto, const ip_addr_t *local, u16_t port,
                           const ip_addr_t *peer, u16_t peer_port, u32_t seq, int error, bool hard)
{
    if (proto == IPPROTO_TCP) {
        struct tcp_pcb *p = net_conn_find(peer, peer_port, local, port);

        if (p && p->state != TIME_WAIT)
            unreachable_tcp(p, seq, error);
        return;
    }
    for (struct udp_pcb *p = net_conn_first_udp(port); p; p = net_conn_next_udp(p))
        if (p->local_port == port && p->remote_port == peer_port &&
            (p->flags & UDP_FLAGS_CONNECTED) && ip_addr_cmp(&p->local_ip, local) &&
            ip_addr_cmp(&p->remote_ip, peer)) {
            unreachable_udp(p, error, hard);
            return;
        }
    if (hard && error != EMSGSIZE && net_core.question_refused)
        net_core.question_refused(port, peer, peer_port);
}

/* Is the neighbour the next hop of packets to this address? */
static bool conn_goes_over(const struct netif *netif, const ip_addr_t *to,
                           const ip_addr_t *neighbour)
{
    if (IP_IS_V4(to) != IP_IS_V4(neighbour))
        return false;
    if (ip_addr_cmp(to, neighbour))
        return true;
    return IP_IS_V4(to) && ip4_addr_cmp(netif_ip4_gw(netif), ip_2_ip4(neighbour)) &&
           !ip4_addr_netcmp(ip_2_ip4(to), netif_ip4_addr(netif), netif_ip4_netmask(netif));
}

static void on_missing(const struct netif *netif, const ip_addr_t *neighbour)
{
    struct tcp_pcb *next;

    for (struct tcp_pcb *p = tcp_active_pcbs; p; p = next) {
        struct sock *s = sock_of_tcp(p);

        next = p->next;
        if (p->state == SYN_SENT && s && s->state == SOCK_TCP_CONNECTING &&
            conn_goes_over(netif, &p->remote_ip, neighbour))
            sock_conn_fail(s, EHOSTUNREACH);
    }
}

static void on_address(void)
{
    conn_look_at_all();
    sock_means_changed(); /* datagram sockets may have a route now */
}

static const struct net_events conn_events = {.address = on_address,
                                              .memory = sock_means_changed,
                                              .unreachable = on_unreachable,
                                              .missing = on_missing};

static void conn_init(void)
{
    net_core.events = &conn_events;
}
HAL_INIT(HAL_INIT_BUS, conn_init);
