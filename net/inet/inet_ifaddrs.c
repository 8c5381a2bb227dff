/* SPDX-License-Identifier: BSD-2-Clause */
/* inet_ifaddrs.c - getifaddrs(): a list in one block of memory, so that one free() ends it. */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/netif.h"
#include "net_impl.h"

/* An entry and what it points to. */
struct ifaddrs_entry {
    struct ifaddrs front;
    char name[IF_NAMESIZE];
    struct sockaddr_in6 addr, mask; /* or, of IPv4, a struct sockaddr_in at the same place */
    struct sockaddr_in broadcast;
};

static unsigned ifaddrs_flags(const struct netif *netif)
{
    unsigned flags = 0;

    if (netif_is_up(netif))
        flags |= IFF_UP;
    if (netif_is_link_up(netif))
        flags |= IFF_RUNNING;
    if (netif->flags & NETIF_FLAG_BROADCAST)
        flags |= IFF_BROADCAST | IFF_MULTICAST;
    else
        flags |= IFF_LOOPBACK;
    return flags;
}

static void ifaddrs_name(struct ifaddrs_entry *e, const struct netif *netif)
{
    if (!if_indextoname(netif_get_index(netif), e->name))
        e->name[0] = 0;
    e->front.ifa_name = e->name;
    e->front.ifa_flags = ifaddrs_flags(netif);
    e->front.ifa_addr = (struct sockaddr *)&e->addr;
    e->front.ifa_netmask = (struct sockaddr *)&e->mask;
}

static struct sockaddr_in ifaddrs_in(uint32_t addr)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {addr}};
}

static void ifaddrs_fill_ip4(struct ifaddrs_entry *e, const struct netif *netif)
{
    uint32_t addr = netif_ip4_addr(netif)->addr, mask = netif_ip4_netmask(netif)->addr;
    struct sockaddr_in in = ifaddrs_in(addr);

    ifaddrs_name(e, netif);
    memcpy(&e->addr, &in, sizeof(in));
    in = ifaddrs_in(mask);
    memcpy(&e->mask, &in, sizeof(in));
    if (e->front.ifa_flags & IFF_BROADCAST) {
        e->broadcast = ifaddrs_in(addr | ~mask);
        e->front.ifa_broadaddr = (struct sockaddr *)&e->broadcast;
    }
}

static void ifaddrs_fill_ip6(struct ifaddrs_entry *e, const struct netif *netif, int i)
{
    const ip6_addr_t *addr = netif_ip6_addr(netif, i);
    size_t prefix = ip6_addr_isloopback(addr) ? 16 : 8; /* bytes: RFC 4291, section 2.5.1 */

    ifaddrs_name(e, netif);
    e->addr = (struct sockaddr_in6){.sin6_family = AF_INET6};
    memcpy(&e->addr.sin6_addr, addr->addr, sizeof(e->addr.sin6_addr));
    if (ip6_addr_islinklocal(addr))
        e->addr.sin6_scope_id = netif_get_index(netif);
    e->mask = (struct sockaddr_in6){.sin6_family = AF_INET6};
    memset(&e->mask.sin6_addr, 0xff, prefix);
}

/* The entries of one interface from `e` on, or with e NULL only their number. */
static unsigned ifaddrs_of(const struct netif *netif, struct ifaddrs_entry *e)
{
    unsigned n = 0;

    if (!ip4_addr_isany_val(*netif_ip4_addr(netif))) {
        if (e)
            ifaddrs_fill_ip4(&e[n], netif);
        n++;
    }
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (!ip6_addr_isvalid(netif_ip6_addr_state(netif, i)))
            continue;
        if (e)
            ifaddrs_fill_ip6(&e[n], netif, i);
        n++;
    }
    return n;
}

int getifaddrs(struct ifaddrs **list)
{
    struct ifaddrs_entry *all;
    const struct netif *netif;
    unsigned n = 0, at = 0;

    NETIF_FOREACH(netif)
    {
        n += ifaddrs_of(netif, NULL);
    }
    *list = NULL;
    if (!n)
        return 0;
    all = calloc(n, sizeof(*all));
    if (!all) {
        errno = ENOMEM;
        return -1;
    }
    NETIF_FOREACH(netif)
    {
        at += ifaddrs_of(netif, all + at);
    }
    for (unsigned i = 0; i + 1 < n; i++)
        all[i].front.ifa_next = &all[i + 1].front;
    *list = &all->front;
    return 0;
}

void freeifaddrs(struct ifaddrs *list)
{
    free(list);
}
