/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_route.c - which way a packet would take, and from which address; and waiting for the first
 * address of this machine.
 */
#include <errno.h>

#include "lwip/timeouts.h"
#include "sock.h"

void sock_route_to_self(const struct sock *s, ip_addr_t *addr)
{
    bool six = IP_IS_V6(addr);

    if (!ip_addr_isany(addr))
        return;
    if (!ip_addr_isany(&s->bound) && IP_IS_V6_VAL(s->bound) == six)
        ip_addr_copy(*addr, s->bound);
    else if (six)
        IP_ADDR6_HOST(addr, 0, 0, 0, 1);
    else
        ip_addr_set_ip4_u32_val(*addr, lwip_htonl(INADDR_LOOPBACK));
}

static bool netif_has(const struct netif *netif, const ip_addr_t *a)
{
    if (IP_IS_V4(a))
        return ip4_addr_cmp(ip_2_ip4(a), netif_ip4_addr(netif));
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (!ip6_addr_isinvalid(netif_ip6_addr_state(netif, i)) &&
            ip6_addr_cmp(ip_2_ip6(a), netif_ip6_addr(netif, i)))
            return true;
    return false;
}

bool sock_is_local(const ip_addr_t *a)
{
    const struct netif *netif;

    if (ip_addr_isany(a))
        return false;
    if (ip_addr_isloopback(a))
        return true;
    NETIF_FOREACH(netif)
    {
        if (netif_has(netif, a))
            return true;
    }
    return false;
}

bool sock_is_broadcast(const ip_addr_t *a)
{
    const struct netif *netif;

    if (!IP_IS_V4(a))
        return false;
    if (ip_2_ip4(a)->addr == IPADDR_BROADCAST)
        return true;
    NETIF_FOREACH(netif)
    {
        if (!ip4_addr_isany_val(*netif_ip4_addr(netif)) && ip4_addr_isbroadcast(ip_2_ip4(a), netif))
            return true;
    }
    return false;
}

static const ip_addr_t *route_any(const ip_addr_t *to)
{
    return IP_IS_V4(to) ? IP4_ADDR_ANY : IP6_ADDR_ANY;
}

/* The address that the socket's packets have already, or any. */
static const ip_addr_t *route_source(const struct sock *s, const ip_addr_t *to)
{
    if (IP_IS_V4_VAL(s->bound) != IP_IS_V4(to) || ip_addr_isany(&s->bound) ||
        ip_addr_ismulticast(&s->bound) || sock_is_broadcast(&s->bound))
        return route_any(to);
    return &s->bound;
}

/* What is from a loopback address stays here (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3). */
static bool route_would_leave(const ip_addr_t *from, const ip_addr_t *to)
{
    bool to_all = IP_IS_V4(to) && ip_2_ip4(to)->addr == IPADDR_BROADCAST;

    return ip_addr_isloopback(from) && !sock_is_local(to) && !ip_addr_ismulticast(to) && !to_all;
}

int sock_route(const struct sock *s, const ip_addr_t *to, struct netif **netif, ip_addr_t *from)
{
    const ip_addr_t *source = route_source(s, to), *local;

    if (route_would_leave(source, to))
        return ip_route(route_any(to), to) ? -EINVAL : -ENETUNREACH;
    *netif = ip_route(source, to);
    if (!*netif)
        return -ENETUNREACH;
    local = ip_addr_isany(source) ? ip_netif_get_local_ip(*netif, to) : source;
    if (!local)
        return -ENETUNREACH;
    ip_addr_copy(*from, *local);
    return 0;
}

bool sock_awaits_route(const struct sock *s)
{
    return s->want_route && hal_now_ns() < s->give_up_ns && net_asking(s->family == AF_INET6);
}

static void route_wake_pollers(void *arg)
{
    (void)arg;
    sock_means_changed();
}

/* A call that may not wait: the first begins the time in which others like it are to come again. */
static int route_later(struct sock *s)
{
    if (s->want_route && hal_now_ns() >= s->give_up_ns)
        return -ENETUNREACH;
    if (!s->want_route) {
        s->want_route = true;
        sock_await_means(s);
        s->give_up_ns = hal_now_ns() + net_asking_ns();
        sys_timeout((u32_t)net_core.wait_ms + 1, route_wake_pollers, NULL);
        net_timers_changed();
    }
    return -EAGAIN;
}

int sock_route_wait(struct sock *s, const ip_addr_t *to, int flags, struct netif **netif,
                    ip_addr_t *from)
{
    uint64_t deadline = 0;
    int err;

    while ((err = sock_route(s, to, netif, from)) == -ENETUNREACH && net_asking(IP_IS_V6(to))) {
        bool may_wait = !s->nonblock && !(flags & MSG_DONTWAIT);

        err = may_wait ? sock_wait(s, &net_core.asking, net_asking_ns(), &deadline, flags)
                       : route_later(s);
        if (err == -ENETUNREACH || (err == -EAGAIN && may_wait)) {
            net_asking_vain();
            return -ENETUNREACH;
        }
        if (err)
            return err;
    }
    s->want_route = false;
    return err;
}
