/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_mtu.c - datagrams that are longer than their path: cut, or refused, as the socket's
 * IP_MTU_DISCOVER and IPV6_MTU_DISCOVER say. TCP fits its segments by itself (net/lwip/tcp_mtu.c).
 */
#include <errno.h>

#include "net_path_mtu.h"
#include "sock.h"

/* Which of the two options counts for packets to this address. */
static uint8_t mtu_discover(const struct sock *s, const ip_addr_t *to)
{
    return IP_IS_V6(to) ? s->options.mtu_discover6 : s->options.mtu_discover;
}

bool sock_mtu_asks(const struct sock *s, const ip_addr_t *to)
{
    uint8_t discover = mtu_discover(s, to);

    return discover == IP_PMTUDISC_DO || discover == IP_PMTUDISC_PROBE;
}

/* The MTU of the first link alone, if the socket finds out about the path by itself. */
unsigned sock_mtu_of(const struct sock *s, const ip_addr_t *to, const struct netif *netif)
{
    unsigned mtu = IP_IS_V6(to) ? netif_mtu6(netif) : netif->mtu;

    if (mtu_discover(s, to) >= IP_PMTUDISC_PROBE)
        return mtu ? mtu : NET_PATH_MOST;
    return net_path_mtu(netif, to, NET_PATH_DATAGRAMS);
}

int sock_mtu_judge(const struct sock *s, const ip_addr_t *to, const struct netif *netif, size_t len,
                   bool *whole)
{
    bool fits;

    len += IP_IS_V6(to) ? IP6_HLEN : IP_HLEN;
    if (s->kind == SOCK_KIND_UDP)
        len += UDP_HLEN;
    fits = len <= sock_mtu_of(s, to, netif);
    *whole = sock_mtu_asks(s, to) || (fits && mtu_discover(s, to) == IP_PMTUDISC_WANT);
    return fits || !sock_mtu_asks(s, to) ? 0 : -EMSGSIZE;
}

int sock_mtu_get(const struct sock *s, int *mtu)
{
    const struct netif *netif;
    bool connected = s->kind == SOCK_KIND_TCP ? s->state == SOCK_TCP_OPEN : s->has_peer;

    if (!connected || !s->udp)
        return -ENOTCONN;
    netif = ip_route(&s->udp->local_ip, &s->udp->remote_ip);
    if (!netif)
        return -ENETUNREACH;
    *mtu = (int)(s->kind == SOCK_KIND_TCP ? net_path_mtu(netif, &s->udp->remote_ip, NET_PATH_TCP)
                                          : sock_mtu_of(s, &s->udp->remote_ip, netif));
    return 0;
}
