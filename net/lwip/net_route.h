/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_route.h - routes of the cards: what net_route.c (IPv4) and net_route6.c (IPv6) share, and
 * what others may ask. lwIP calls net_route4() and net_route6() (net_hooks.h).
 */
#ifndef VIREO_NET_ROUTE_H
#define VIREO_NET_ROUTE_H

#include <stdbool.h>

#include "lwip/netif.h"

/* Changes whenever a packet may have to leave by another card than before, to another router, or
 * over a path of another MTU. */
extern uint32_t net_route_epoch;
/* The cable is out: the link is down, and the neighbours of IPv4 beyond it are forgotten. */
void net_route_cable_out(struct netif *netif);
/* The part of it for IPv6: lwIP forgets which router leads to a destination. */
void net_route6_changed(void);

/* Is it a network card, and so in a struct net_dev? */
bool net_route_is_card(const struct netif *netif);
/* By vireo.vnetN.metric=. */
unsigned net_route_metric_of(const char *card);
/* Of two cards that lead equally far: is a the better one? */
bool net_route_better(const struct netif *a, const struct netif *b);

/* What the choice of a card asks of IPv4 or IPv6, whose addresses are behind the pointers. */
struct net_route_family {
    /* Is it an address of the interface? */
    bool (*owns)(const struct netif *netif, const void *address);
    /* How closely does a card that is up, with its cable in, lead there? 0: not at all. The
     * loopback interface, which is asked about packets of its own: does it lead there? (IPv4:
     * to groups; lwIP itself keeps packets of IPv6 there.) */
    unsigned (*closeness)(const struct netif *netif, const void *to);
};
/* The interface by which a packet leaves. from NULL: from any address. NULL: there is none. */
struct netif *net_route_choose(const struct net_route_family *f, const void *from, const void *to);

#endif
