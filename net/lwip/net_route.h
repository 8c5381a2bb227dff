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

#endif
