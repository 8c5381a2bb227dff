/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inet_if.c - <net/if.h>: interfaces of lwIP by the names that the log has.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/netif.h"
#include "net_impl.h"

static const char *if_name(const struct netif *netif)
{
    for (const struct net_dev *d = net_core.devs; d; d = d->next)
        if (&d->netif == netif)
            return d->name;
    return "lo";
}

unsigned if_nametoindex(const char *name)
{
    const struct netif *netif;

    NETIF_FOREACH(netif)
    {
        if (strcmp(if_name(netif), name) == 0)
            return netif_get_index(netif);
    }
    errno = ENODEV;
    return 0;
}

char *if_indextoname(unsigned index, char *name)
{
    const struct netif *netif;

    NETIF_FOREACH(netif)
    {
        if (netif_get_index(netif) == index)
            return strcpy(name, if_name(netif));
    }
    errno = ENXIO;
    return NULL;
}

struct if_nameindex *if_nameindex(void)
{
    const struct netif *netif;
    struct if_nameindex *list;
    unsigned n = 0;

    NETIF_FOREACH(netif)
    {
        n++;
    }
    list = calloc(n + 1, sizeof(*list));
    if (!list) {
        errno = ENOBUFS;
        return NULL;
    }
    n = 0;
    NETIF_FOREACH(netif)
    {
        list[n++] = (struct if_nameindex){netif_get_index(netif), (char *)if_name(netif)};
    }
    return list;
}

void if_freenameindex(struct if_nameindex *list)
{
    free(list);
}
