/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_group.c - memberships of multicast groups (IP_ADD_MEMBERSHIP). lwIP counts the members of a
 * group on an interface; each socket keeps a list of its own, so that closing it ends them.
 */
#include <errno.h>

#include "lwip/igmp.h"
#include "sock.h"

struct sock_group {
    struct sock_group *next;
    ip4_addr_t interface, group;
};

/* The link to this membership, or the end of the list (*link is NULL). *count: before it. */
static struct sock_group **group_find(struct sock *s, const ip4_addr_t *interface,
                                      const ip4_addr_t *group, unsigned *count)
{
    struct sock_group **at = &s->groups;

    *count = 0;
    for (; *at; at = &(*at)->next, ++*count)
        if (ip4_addr_cmp(&(*at)->interface, interface) && ip4_addr_cmp(&(*at)->group, group))
            break;
    return at;
}

int sock_group_join(struct sock *s, const ip4_addr_t *interface, const ip4_addr_t *group)
{
    unsigned count;
    struct sock_group **at = group_find(s, interface, group, &count), *g;

    if (*at)
        return -EADDRINUSE;
    if (count == SOCK_GROUPS_MAX || !(g = net_malloc(sizeof(*g))))
        return -ENOBUFS;
    if (igmp_joingroup(interface, group) != ERR_OK) {
        net_free(g);
        return -EADDRNOTAVAIL;
    }
    *g = (struct sock_group){NULL, *interface, *group};
    *at = g;
    return 0;
}

static void group_leave(struct sock_group **at)
{
    struct sock_group *g = *at;

    *at = g->next;
    igmp_leavegroup(&g->interface, &g->group);
    net_free(g);
}

int sock_group_leave(struct sock *s, const ip4_addr_t *interface, const ip4_addr_t *group)
{
    unsigned count;
    struct sock_group **at = group_find(s, interface, group, &count);

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
