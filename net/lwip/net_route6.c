/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_route6.c - which of several cards a packet of IPv6 leaves by, and which router it goes to
 * (RFC 4861, 6.3.6; RFC 4191, 3.1: preferences of routers). The rules are those of net_route.c:
 * networks of the cards come before routers, then metric and number of the card decide, and a
 * packet with the address of a card leaves by that one, unless it leads nowhere near.
 */
#include "lwip/ip6.h"
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"
#include "net_hooks.h"
#include "net_impl.h"
#include "net_route.h"

#define KEPT_BITS 5 /* of the number of a kept decision */
#define PROBES    3 /* without an answer, a router is not there */

enum { PREFERENCE_SHIFT = 3 }; /* in the flags of a router advertisement, two bits */

struct route6_kept {
    uint32_t from[4], to[4], epoch;
    struct netif *netif;
};

static struct route6_kept route6_kept[1 << KEPT_BITS];

void net_route6_changed(void)
{
    nd6_clear_destination_cache();
}

/* ---- routers --------------------------------------------------------------------------------- */

/* From 1 on; 0: it is not a router now. */
static unsigned route6_router_rank(const struct nd6_router_list_entry *r)
{
    static const uint8_t preference[] = {2, 3, 2, 1}; /* medium, high, reserved, low */
    const struct nd6_neighbor_cache_entry *n = r->neighbor_entry;
    unsigned rank;

    if (!n || !r->invalidation_timer || !n->netif || !netif_is_up(n->netif) ||
        !netif_is_link_up(n->netif))
        return 0;
    rank = preference[r->flags >> PREFERENCE_SHIFT & 3];
    if (n->state == ND6_INCOMPLETE || (n->state == ND6_PROBE && n->counter.probes_sent >= PROBES))
        return rank;
    return rank + (n->state == ND6_REACHABLE ? 8 : 4);
}

/* The best router; netif NULL: of all cards. */
int net_nd6_router(const struct netif *netif)
{
    unsigned most = 0;
    int best = -1;

    for (int i = 0; i < LWIP_ND6_NUM_ROUTERS; i++) {
        const struct nd6_router_list_entry *r = &default_router_list[i];
        unsigned rank = route6_router_rank(r);

        if (!rank || (netif && r->neighbor_entry->netif != netif))
            continue;
        if (rank > most ||
            (rank == most && net_route_better(r->neighbor_entry->netif,
                                              default_router_list[best].neighbor_entry->netif))) {
            most = rank;
            best = i;
        }
    }
    return best;
}

/* ---- one card -------------------------------------------------------------------------------- */

bool net_route6_on_link(const struct netif *netif, const ip6_addr_t *to)
{
    for (int i = 0; i < LWIP_ND6_NUM_PREFIXES; i++)
        if (prefix_list[i].netif == netif && prefix_list[i].invalidation_timer &&
            ip6_addr_net_eq(to, &prefix_list[i].prefix))
            return true;
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) && netif_ip6_addr_isstatic(netif, i) &&
            ip6_addr_net_eq(to, netif_ip6_addr(netif, i)))
            return true;
    return false;
}

/* Is there an address that a machine beyond the link can answer? */
static bool route6_has_address(const struct netif *netif)
{
    for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) &&
            !ip6_addr_islinklocal(netif_ip6_addr(netif, i)))
            return true;
    return false;
}

/* 0: it does not lead there; more for its own network than for a router. */
static unsigned route6_closeness(const struct netif *netif, const void *address)
{
    const ip6_addr_t *to = address;
    int router;

    if (net_route6_on_link(netif, to))
        return 64;
    router = net_nd6_router(netif);
    if (router < 0)
        return ip6_addr_ismulticast(to);
    return route6_router_rank(&default_router_list[router]) + 16 * route6_has_address(netif);
}

/* ---- the choice ------------------------------------------------------------------------------ */

static bool route6_owns(const struct netif *netif, const void *address)
{
    return netif_get_ip6_addr_match((struct netif *)netif, address) >= 0;
}

struct netif *net_route6(const ip6_addr_t *from, const ip6_addr_t *to)
{
    static const struct net_route_family family = {route6_owns, route6_closeness};
    struct route6_kept *k =
        &route6_kept[((to->addr[3] ^ from->addr[3]) * 0x9e3779b1u) >> (32 - KEPT_BITS)];

    if (k->epoch == net_route_epoch && memcmp(k->to, to->addr, sizeof(k->to)) == 0 &&
        memcmp(k->from, from->addr, sizeof(k->from)) == 0)
        return k->netif;
    k->netif = net_route_choose(&family, ip6_addr_isany(from) ? NULL : from, to);
    memcpy(k->to, to->addr, sizeof(k->to));
    memcpy(k->from, from->addr, sizeof(k->from));
    k->epoch = net_route_epoch;
    return k->netif;
}
