/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_route.c - which of several cards a packet of IPv4 leaves by, and to which next hop, where
 * lwIP has one default card alone. The longest prefix decides: of the networks of the cards, of the
 * routes that DHCP gave, or none of a router; then the metric, then the number of the card. A
 * packet with the address of a card leaves by that card (RFC 1122, 3.3.4.2, the strong model),
 * unless it leads nowhere near. What was found is kept until addresses, routes or links change.
 */
#include "net_route.h"

#include "lwip/etharp.h"
#include "net_hooks.h"
#include "net_impl.h"

#define KEPT_BITS 8   /* of the number of a kept decision */
#define METRIC    100 /* of a card, by default */

struct route_kept {
    uint32_t from, to, epoch;
    struct netif *netif;
};

struct hop_kept {
    uint32_t to, epoch;
    const struct netif *netif;
    ip4_addr_t via; /* "any": there is none */
};

static struct route_kept route_kept[1 << KEPT_BITS];
static struct hop_kept hop_kept[1 << KEPT_BITS];
uint32_t net_route_epoch = 1;

/* Where decisions about an address are kept. */
static unsigned route_slot(uint32_t key)
{
    return key * 0x9e3779b1u >> (32 - KEPT_BITS);
}

void net_route_changed(void)
{
    net_route_epoch++;
    net_route6_changed();
}

void net_route_cable_out(struct netif *netif)
{
    netif_set_link_down(netif);
    etharp_cleanup_netif(netif);
}

unsigned net_route_metric_of(const char *card)
{
    return (unsigned)hal_option_u64(card, "metric", METRIC, 0, UINT32_MAX);
}

bool net_route_better(const struct netif *a, const struct netif *b)
{
    unsigned metric_a = ((const struct net_dev *)a->state)->metric;
    unsigned metric_b = ((const struct net_dev *)b->state)->metric;

    return metric_a != metric_b ? metric_a < metric_b : a->num < b->num;
}

bool net_route_is_card(const struct netif *netif)
{
    return netif->flags & NETIF_FLAG_ETHARP;
}

/* ---- one card -------------------------------------------------------------------------------- */

static bool route_on_link(const struct netif *netif, const ip4_addr_t *to)
{
    return ip4_addr_netcmp(to, netif_ip4_addr(netif), netif_ip4_netmask(netif));
}

/*
 * How closely the card leads there: twice the length of the prefix, and more for its own network
 * than for a route. 0: not at all. *via: the next hop; NULL: there is none to tell.
 */
static unsigned route_closeness(const struct netif *netif, const ip4_addr_t *to,
                                const ip4_addr_t **via)
{
    unsigned bits = 0, closeness = 0;

    *via = net_lease_gateway(netif, to, &bits);
    if (*via)
        closeness = 4 + 2 * bits;
    if (route_on_link(netif, to)) {
        bits = (unsigned)__builtin_popcount(ip4_addr_get_u32(netif_ip4_netmask(netif)));
        if (5 + 2 * bits > closeness) {
            *via = to;
            return 5 + 2 * bits;
        }
    }
    if (closeness)
        return closeness;
    if (!ip4_addr_isany_val(*netif_ip4_gw(netif))) {
        *via = netif_ip4_gw(netif);
        return 2;
    }
    if (ip4_addr_islinklocal(to) || ip4_addr_ismulticast(to))
        *via = to;
    return *via || ip4_addr_get_u32(to) == IPADDR_BROADCAST;
}

static const ip4_addr_t *route_hop(const struct netif *netif, const ip4_addr_t *to)
{
    const ip4_addr_t *via;

    if (ip4_addr_isbroadcast(to, netif))
        return IP4_ADDR_BROADCAST;
    if (ip4_addr_ismulticast(to))
        return to;
    route_closeness(netif, to, &via);
    return via ? via : IP4_ADDR_ANY4;
}

const ip4_addr_t *net_next_hop4(const struct netif *netif, const ip4_addr_t *to)
{
    struct hop_kept *k = &hop_kept[route_slot(ip4_addr_get_u32(to))];

    if (k->to != ip4_addr_get_u32(to) || k->netif != netif || k->epoch != net_route_epoch) {
        k->via = *route_hop(netif, to);
        k->to = ip4_addr_get_u32(to);
        k->netif = netif;
        k->epoch = net_route_epoch;
    }
    return ip4_addr_isany_val(k->via) ? NULL : &k->via;
}

/* ---- the choice ------------------------------------------------------------------------------ */

static struct netif *route_owner(const struct net_route_family *f, const void *ip)
{
    struct netif *netif;

    NETIF_FOREACH(netif)
    {
        if (f->owns(netif, ip))
            return netif;
    }
    return NULL;
}

/* 0: the card leads nowhere near, or cannot send now. */
static unsigned route_measure(const struct net_route_family *f, const struct netif *netif,
                              const void *to)
{
    bool usable = net_route_is_card(netif) && netif_is_up(netif) && netif_is_link_up(netif);

    return usable ? f->closeness(netif, to) : 0;
}

static struct netif *route_closest(const struct net_route_family *f, const void *to)
{
    struct netif *netif, *best = NULL;
    unsigned most = 0;

    NETIF_FOREACH(netif)
    {
        unsigned closeness = route_measure(f, netif, to);

        if (closeness > most || (closeness && closeness == most && net_route_better(netif, best))) {
            best = netif;
            most = closeness;
        }
    }
    return best;
}

struct netif *net_route_choose(const struct net_route_family *f, const void *from, const void *to)
{
    struct netif *own = route_owner(f, to);

    if (own) /* this machine itself, with or without a cable */
        return own;
    own = from ? route_owner(f, from) : NULL;
    if (own && !net_route_is_card(own)) /* nothing from loopback leaves (RFC 1122, 3.2.1.3) */
        return f->closeness(own, to) ? own : NULL;
    if (own && !netif_is_link_up(own))
        return NULL;
    return own && route_measure(f, own, to) ? own : route_closest(f, to);
}

/* All of 127.0.0.0/8 is this machine. */
static bool route4_owns(const struct netif *netif, const void *address)
{
    const ip4_addr_t *ip = address;

    return ip4_addr_cmp(ip, netif_ip4_addr(netif)) ||
           (ip4_addr_isloopback(ip) && !net_route_is_card(netif));
}

static unsigned route4_closeness(const struct netif *netif, const void *to)
{
    const ip4_addr_t *via;

    if (!net_route_is_card(netif))
        return ip4_addr_ismulticast((const ip4_addr_t *)to) ||
               ip4_addr_get_u32((const ip4_addr_t *)to) == IPADDR_BROADCAST;
    return ip4_addr_isany_val(*netif_ip4_addr(netif)) ? 0 : route_closeness(netif, to, &via);
}

struct netif *net_route4(const ip4_addr_t *from, const ip4_addr_t *to)
{
    static const struct net_route_family family = {route4_owns, route4_closeness};
    uint32_t source = from ? ip4_addr_get_u32(from) : 0, target = ip4_addr_get_u32(to);
    struct route_kept *k = &route_kept[route_slot(target ^ source)];

    if (k->to == target && k->from == source && k->epoch == net_route_epoch)
        return k->netif;
    k->netif = net_route_choose(&family, source ? from : NULL, to);
    k->from = source;
    k->to = target;
    k->epoch = net_route_epoch;
    return k->netif;
}
