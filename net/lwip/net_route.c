/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_route.c - which of several cards a packet of IPv4 leaves by, where lwIP has one default card
 * alone. Networks of the cards come first, in lwIP; then the routes that DHCP gave, then routers.
 * A packet with the address of a card leaves by that one, if it leads there.
 */
#include "net_hooks.h"
#include "net_impl.h"

static bool route_usable(const struct netif *netif)
{
    return netif_is_up(netif) && netif_is_link_up(netif) &&
           !ip4_addr_isany_val(*netif_ip4_addr(netif)) &&
           !ip4_addr_isloopback(netif_ip4_addr(netif));
}

static bool route_on_link(const ip4_addr_t *to)
{
    const struct netif *netif;

    NETIF_FOREACH(netif)
    {
        if (route_usable(netif) &&
            ip4_addr_netcmp(to, netif_ip4_addr(netif), netif_ip4_netmask(netif)))
            return true;
    }
    return false;
}

/* How well does the card lead to the destination? 0: not at all. */
static unsigned route_rank(const struct netif *netif, const ip4_addr_t *to)
{
    if (net_lease_gateway(netif, to))
        return 3;
    if (!ip4_addr_isany_val(*netif_ip4_gw(netif)))
        return 2;
    return ip4_addr_ismulticast(to) || to->addr == IPADDR_BROADCAST;
}

struct netif *net_route4(const ip4_addr_t *from, const ip4_addr_t *to)
{
    struct netif *netif, *best = NULL;
    bool any = !from || ip4_addr_isany(from);
    unsigned best_rank = 0;

    if (ip4_addr_isloopback(to) || route_on_link(to))
        return NULL;
    NETIF_FOREACH(netif)
    {
        unsigned rank = 0;

        if (route_usable(netif) && (any || ip4_addr_cmp(from, netif_ip4_addr(netif))))
            rank = route_rank(netif, to);
        if (rank && rank >= best_rank) { /* lwIP's list has the last card first */
            best = netif;
            best_rank = rank;
        }
    }
    return best;
}
