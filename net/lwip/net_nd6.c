/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_nd6.c - the tables below lwIP's neighbour discovery (RFC 4861, 5.1) as tables that grow
 * (net_table.h): neighbours, and destinations with their next hops. lwIP's nd6.c fills the entries
 * and counts their states; scripts/vireolib/lwip_mends/neighbour.py has the calls.
 */
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"
#include "net_hooks.h"
#include "net_impl.h"
#include "net_route.h"
#include "net_table.h"

#define STALE_MOST 600 /* s: a neighbour or destination that nobody used that long is forgotten */
#define WAIT_EACH  16  /* packets that wait for a neighbour */

struct nd6_neighbor_cache_entry *neighbor_cache;
struct nd6_destination_cache_entry *destination_cache;
unsigned net_nd6_neighbours, net_nd6_destinations;

/* Default routers point at their neighbours. */
static void nd6_moved(const void *old)
{
    const struct nd6_neighbor_cache_entry *from = old;

    for (int i = 0; i < LWIP_ND6_NUM_ROUTERS; i++)
        if (default_router_list[i].neighbor_entry)
            default_router_list[i].neighbor_entry =
                neighbor_cache + (default_router_list[i].neighbor_entry - from);
}

static bool nd6_release_destination(unsigned i);
static struct net_table nd6_neighbours = {.entries = (void **)&neighbor_cache,
                                          .rows = &net_nd6_neighbours,
                                          .entry_bytes = sizeof(struct nd6_neighbor_cache_entry),
                                          .release = net_nd6_release,
                                          .moved = nd6_moved};
static struct net_table nd6_destinations = {.entries = (void **)&destination_cache,
                                            .rows = &net_nd6_destinations,
                                            .entry_bytes =
                                                sizeof(struct nd6_destination_cache_entry),
                                            .release = nd6_release_destination};

/* ---- neighbours ------------------------------------------------------------------------------ */

int net_nd6_find(const ip6_addr_t *ip, const struct netif *netif)
{
    return net_table_find(&nd6_neighbours, netif, ip->addr);
}

int net_nd6_new(const ip6_addr_t *ip, const struct netif *netif, bool asked)
{
    return net_table_take(&nd6_neighbours, netif, ip->addr, asked ? NET_ROW_ASKED : NET_ROW_HEARD);
}

void net_nd6_known(int i)
{
    net_table_move(&nd6_neighbours, (unsigned)i, NET_ROW_KNOWN);
}

void net_nd6_used(int i)
{
    net_table_use(&nd6_neighbours, (unsigned)i);
}

void net_nd6_freed(int i)
{
    if (nd6_neighbours.row[i].class)
        net_table_free(&nd6_neighbours, (unsigned)i);
}

bool net_nd6_may_wait(const struct nd6_q_entry *q)
{
    unsigned n = 0;

    for (; q; q = q->next)
        n++;
    return n < WAIT_EACH;
}

void net_nd6_count(struct net_stats *s)
{
    net_table_count(&nd6_neighbours, s);
}

unsigned net_nd6_waiting(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < net_nd6_neighbours; i++)
        n += neighbor_cache[i].state == ND6_INCOMPLETE && neighbor_cache[i].q;
    return n;
}

/* ---- destinations ---------------------------------------------------------------------------- */

static bool nd6_release_destination(unsigned i)
{
    ip6_addr_set_any(&destination_cache[i].destination_addr);
    net_table_free(&nd6_destinations, i);
    return true;
}

int net_nd6_destination(const ip6_addr_t *ip, const struct netif *netif)
{
    int i = net_table_find(&nd6_destinations, netif, ip->addr);

    if (i >= 0)
        net_table_use(&nd6_destinations, (unsigned)i);
    return i;
}

bool net_nd6_is_destination(unsigned i, const ip6_addr_t *ip, const struct netif *netif)
{
    return i < net_nd6_destinations && ip6_addr_cmp(ip, &destination_cache[i].destination_addr) &&
           nd6_destinations.row[i].netif == netif;
}

/* lwIP looks at neighbor_cache[0] before it knows the neighbour of a new destination. */
int net_nd6_new_destination(const ip6_addr_t *ip, const struct netif *netif)
{
    if (!net_table_start(&nd6_neighbours))
        return -1;
    return net_table_take(&nd6_destinations, netif, ip->addr, NET_ROW_HEARD);
}

void net_nd6_no_destination(unsigned i)
{
    nd6_release_destination(i);
}

void net_nd6_forget_destinations(const ip6_addr_t *next_hop)
{
    for (unsigned i = 0; i < net_nd6_destinations; i++)
        if (nd6_destinations.row[i].class &&
            (!next_hop || ip6_addr_cmp(&destination_cache[i].next_hop_addr, next_hop)))
            nd6_release_destination(i);
}

/* ---- time ------------------------------------------------------------------------------------ */

void net_nd6_second(void)
{
    nd6_neighbours.second++;
    nd6_destinations.second++;
    for (unsigned i = 0; i < net_nd6_neighbours; i++)
        if (neighbor_cache[i].state == ND6_STALE &&
            neighbor_cache[i].counter.stale_time >= STALE_MOST)
            net_nd6_release(i);
    for (unsigned i = 0; i < net_nd6_destinations; i++)
        if (nd6_destinations.row[i].class && ++destination_cache[i].age >= STALE_MOST)
            nd6_release_destination(i);
}
