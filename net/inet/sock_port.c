/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_port.c - ports: which sockets may have the same one, and a free one that nobody can guess
 * (RFC 6056, section 3.3.1: at random for each socket, then the next free one).
 *
 * Two sockets may have one port if their addresses have nothing in common, or if both agreed to it:
 * with SO_REUSEADDR, unless the other one listens, or with SO_REUSEPORT. These are the rules of
 * Linux. Those of lwIP differ, so its tcp_bind() and udp_bind() are not called.
 */
#include <errno.h>

#include "lwip/priv/tcp_priv.h"
#include "sock.h"

#define PORT_FIRST 32768u /* of those that are given out: the upper half */
#define PORT_COUNT 32768u

/* What decides whether two sockets may have one port. */
struct holder {
    const ip_addr_t *addr;
    bool v6only, reuse_addr, reuse_port, listens;
};

static bool port_is_any(const ip_addr_t *a)
{
    return IP_IS_ANY_TYPE_VAL(*a) || ip_addr_isany(a);
}

/* Does the address take IPv4: an address of IPv4, or `::` of a socket that takes both? */
static bool port_takes_ip4(const struct holder *h)
{
    return IP_IS_V4(h->addr) || (port_is_any(h->addr) && !h->v6only);
}

/* Have two sockets an address in common? */
static bool ports_overlap(const struct holder *a, const struct holder *b)
{
    bool any = port_is_any(a->addr) || port_is_any(b->addr);

    if (port_takes_ip4(a) && port_takes_ip4(b))
        return any || ip_addr_cmp(a->addr, b->addr);
    if (IP_IS_V4(a->addr) || IP_IS_V4(b->addr))
        return false;
    return any || ip6_addr_cmp(ip_2_ip6(a->addr), ip_2_ip6(b->addr));
}

static bool ports_conflict(const struct holder *me, const struct holder *other)
{
    if (me->reuse_port && other->reuse_port)
        return false;
    if (me->reuse_addr && other->reuse_addr && !other->listens)
        return false;
    return ports_overlap(me, other);
}

static struct holder holder_of(const struct sock *s, const ip_addr_t *addr)
{
    return (struct holder){addr, s->v6only, s->options.reuse_addr, s->options.reuse_port,
                           s->kind == SOCK_KIND_TCP && s->state == SOCK_TCP_LISTENING};
}

/* A connection without a socket has an address of its own; it kept SO_REUSEADDR. */
static struct holder holder_of_tcp(const struct tcp_pcb *pcb)
{
    const struct sock *s = sock_of_tcp(pcb);

    if (s)
        return holder_of(s, &pcb->local_ip);
    return (struct holder){.addr = &pcb->local_ip,
                           .reuse_addr = (pcb->so_options & SOF_REUSEADDR) != 0,
                           .listens = pcb->state == LISTEN};
}

static bool tcp_port_taken(const struct sock *s, const struct holder *me, u16_t port)
{
    for (int i = 0; i < NUM_TCP_PCB_LISTS && net_conn_port_used(port); i++)
        for (const struct tcp_pcb *p = *tcp_pcb_lists[i]; p; p = p->next) {
            struct holder other;

            if (p->local_port != port || p == s->tcp)
                continue;
            other = holder_of_tcp(p);
            if (ports_conflict(me, &other))
                return true;
        }
    return false;
}

static bool udp_port_taken(const struct sock *s, const struct holder *me, u16_t port)
{
    for (const struct udp_pcb *p = net_conn_first_udp(port); p; p = net_conn_next_udp(p)) {
        const struct sock *owner = sock_of_udp(p);
        struct holder other = {.addr = &p->local_ip};

        if (p->local_port != port || p == s->udp)
            continue;
        if (owner)
            other = holder_of(owner, &p->local_ip);
        if (ports_conflict(me, &other))
            return true;
    }
    return false;
}

static bool port_taken(const struct sock *s, const struct holder *me, u16_t port)
{
    return s->kind == SOCK_KIND_TCP ? tcp_port_taken(s, me, port) : udp_port_taken(s, me, port);
}

/* A port that no socket at all has, as far as their addresses overlap; 0: there is none. */
static u16_t port_choose(const struct sock *s, const ip_addr_t *addr)
{
    struct holder me = {.addr = addr, .v6only = s->v6only};
    uint32_t start = net_random32();

    for (uint32_t i = 0; i < PORT_COUNT; i++) {
        u16_t port = (u16_t)(PORT_FIRST + (start + i) % PORT_COUNT);

        if (!port_taken(s, &me, port))
            return port;
    }
    return 0;
}

/* ---- binding --------------------------------------------------------------------------------- */

static void port_enter_udp(struct udp_pcb *pcb)
{
    pcb->next = udp_pcbs;
    udp_pcbs = pcb;
    net_conn_enter_udp(pcb);
}

static void port_leave_udp(struct udp_pcb *pcb)
{
    for (struct udp_pcb **at = &udp_pcbs; *at; at = &(*at)->next)
        if (*at == pcb) {
            *at = pcb->next;
            break;
        }
    net_conn_leave_udp(pcb);
    pcb->local_port = 0;
}

/* Enters the control block with this address and port in lwIP's list. */
static void port_enter(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    ip_addr_copy(s->udp->local_ip, *addr);
    if (s->kind == SOCK_KIND_TCP) {
        s->tcp->local_port = s->port = port;
        TCP_REG(&tcp_bound_pcbs, s->tcp);
    } else {
        s->udp->local_port = port;
        port_enter_udp(s->udp);
    }
}

bool sock_has_port(const struct sock *s)
{
    return s->kind == SOCK_KIND_TCP ? s->tcp->local_port : s->udp->local_port;
}

static bool port_address_exists(const struct sock *s, const ip_addr_t *addr)
{
    if (port_is_any(addr) || sock_is_local(addr))
        return true;
    if (IP_IS_V4(addr))
        return sock_is_broadcast(addr) || ip_addr_ismulticast(addr);
    return s->kind != SOCK_KIND_TCP && ip_addr_ismulticast(addr);
}

int sock_bind(struct sock *s, const ip_addr_t *addr, u16_t port)
{
    struct holder me;

    if (port_is_any(addr) && s->family == AF_INET6)
        addr = sock_addr_any(s);
    if (!port_address_exists(s, addr))
        return ip_addr_ismulticast(addr) ? -EINVAL : -EADDRNOTAVAIL;
    if (sock_has_port(s))
        return -EINVAL;
    me = holder_of(s, addr);
    s->port_bound = port != 0;
    if (port && port_taken(s, &me, port))
        return -EADDRINUSE;
    if (!port && !(port = port_choose(s, addr)))
        return -EADDRINUSE;
    ip_addr_copy(s->bound, *addr);
    port_enter(s, addr, port);
    return 0;
}

int sock_bind_any(struct sock *s)
{
    u16_t port;

    if (sock_has_port(s))
        return 0;
    port = port_choose(s, &s->udp->local_ip);
    if (!port)
        return -EADDRINUSE;
    port_enter(s, &s->udp->local_ip, port);
    return 0;
}

void sock_keep_port(struct sock *s)
{
    port_enter(s, &s->bound, s->port);
}

void sock_lose_port(struct sock *s)
{
    port_leave_udp(s->udp);
}

int sock_may_listen(const struct sock *s)
{
    struct holder me = holder_of(s, &s->tcp->local_ip);

    return tcp_port_taken(s, &me, s->tcp->local_port) ? -EADDRINUSE : 0;
}

bool sock_tuple_taken(const ip_addr_t *local, u16_t port, const ip_addr_t *peer, u16_t peer_port)
{
    return net_conn_find(peer, peer_port, local, port) != NULL;
}
