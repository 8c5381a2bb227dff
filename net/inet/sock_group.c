/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_group.c - interfaces by number, and memberships of multicast groups (IP_ADD_MEMBERSHIP,
 * IPV6_JOIN_GROUP). lwIP counts the members of a group on an interface; each socket keeps a list of
 * its own, so that closing it ends them.
 */
#include <errno.h>

#include "lwip/igmp.h"
#include "lwip/mld6.h"
#include "sock.h"

struct sock_group {
    struct sock_group *next;
    struct netif *netif;
    ip_addr_t group;
};

struct netif *sock_netif(unsigned number)
{
    return number && number < 256 ? netif_get_by_index((u8_t)number) : NULL;
}

struct netif *sock_netif_of(const ip4_addr_t *addr)
{
    struct netif *netif;

    NETIF_FOREACH(netif)
    {
        if (ip4_addr_cmp(netif_ip4_addr(netif), addr))
            return netif;
    }
    return NULL;
}

/* The link to this membership, or the end of the list (*link is NULL). *count: before it. */
static struct sock_group **group_find(struct sock *s, const struct netif *netif,
                                      const ip_addr_t *group, unsigned *count)
{
    struct sock_group **at = &s->groups;

    *count = 0;
    for (; *at; at = &(*at)->next, ++*count)
        if ((*at)->netif == netif && ip_addr_cmp(&(*at)->group, group))
            break;
    return at;
}

/* The loopback interface has no group of its own: it hears them all. */
static bool group_is_counted(const struct netif *netif, const ip_addr_t *group)
{
    return netif->flags & (IP_IS_V4(group) ? NETIF_FLAG_IGMP : NETIF_FLAG_MLD6);
}

static err_t group_enter(struct netif *netif, const ip_addr_t *group)
{
    if (!group_is_counted(netif, group))
        return ERR_OK;
    return IP_IS_V4(group) ? igmp_joingroup_netif(netif, ip_2_ip4(group))
                           : mld6_joingroup_netif(netif, ip_2_ip6(group));
}

int sock_group_join(struct sock *s, struct netif *netif, const ip_addr_t *group)
{
    struct sock_group **at, *g;
    unsigned count;

    if (!netif)
        return -ENODEV;
    at = group_find(s, netif, group, &count);
    if (*at)
        return -EADDRINUSE;
    if (count == SOCK_GROUPS_MAX || !(g = net_malloc(sizeof(*g))))
        return -ENOBUFS;
    if (group_enter(netif, group) != ERR_OK) {
        net_free(g);
        return -ENOBUFS;
    }
    *g = (struct sock_group){NULL, netif, *group};
    *at = g;
    return 0;
}

static void group_leave(struct sock_group **at)
{
    struct sock_group *g = *at;

    *at = g->next;
    if (group_is_counted(g->netif, &g->group)) {
        if (IP_IS_V4_VAL(g->group))
            igmp_leavegroup_netif(g->netif, ip_2_ip4(&g->group));
        else
            mld6_leavegroup_netif(g->netif, ip_2_ip6(&g->group));
    }
    net_free(g);
}

int sock_group_leave(struct sock *s, struct netif *netif, const ip_addr_t *group)
{
    unsigned count;
    struct sock_group **at = group_find(s, netif, group, &count);

    if (!*at)
        return -EADDRNOTAVAIL;
    group_leave(at);
    return 0;
}

void sock_group_leave_all(struct sock *s)
{
    while (s->groups)
        group_leave(&s->groups);
}
