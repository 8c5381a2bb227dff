/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_groups.c - what a network card is told of the stack, beside frames: the multicast groups that
 * it has to deliver (RFC 1112, section 6.4; RFC 2464, section 7), and what the card asks of the
 * stack: to announce this machine's addresses in a new place (virtio 1.4, section 5.1.6.5.4).
 */
#include "lwip/etharp.h"
#include "lwip/igmp.h"
#include "lwip/mld6.h"
#include "lwip/prot/nd6.h"
#include "net/vnet_ctrl.h"
#include "net_impl.h"

/* ---- groups ---------------------------------------------------------------------------------- */

struct group_list {
    uint8_t (*mac)[VNET_MAC_LEN];
    unsigned count, max; /* count is more than max if there is no room */
};

/* Adds the address of a group, whose last bytes are those of its IP address. */
static void groups_add(struct group_list *l, const uint8_t mac[VNET_MAC_LEN])
{
    for (unsigned i = 0; i < l->count && i < l->max; i++)
        if (memcmp(l->mac[i], mac, VNET_MAC_LEN) == 0)
            return; /* several groups share one address */
    if (l->count < l->max)
        memcpy(l->mac[l->count], mac, VNET_MAC_LEN);
    if (l->count <= l->max)
        l->count++;
}

static unsigned groups_of(void *ctx, uint8_t (*mac)[VNET_MAC_LEN], unsigned max)
{
    struct net_dev *d = ctx;
    struct group_list l = {mac, 0, max};

    for (const struct igmp_group *g = netif_igmp_data(&d->netif); g; g = g->next) {
        const uint8_t *ip = (const uint8_t *)&g->group_address.addr;
        const uint8_t of_ip4[] = {0x01, 0x00, 0x5e, ip[1] & 0x7f, ip[2], ip[3]};

        groups_add(&l, of_ip4);
    }
    for (const struct mld_group *g = netif_mld6_data(&d->netif); g; g = g->next) {
        const uint8_t *ip = (const uint8_t *)&g->group_address.addr[3];
        const uint8_t of_ip6[] = {0x33, 0x33, ip[0], ip[1], ip[2], ip[3]};

        groups_add(&l, of_ip6);
    }
    return l.count;
}

/* lwIP's calls when a group is joined first or left last; the card reads the lists later. */
static err_t groups_changed4(struct netif *netif, const ip4_addr_t *group,
                             enum netif_mac_filter_action action)
{
    (void)group;
    (void)action;
    vnet_groups_changed(((struct net_dev *)netif->state)->vnet);
    return ERR_OK;
}

static err_t groups_changed6(struct netif *netif, const ip6_addr_t *group,
                             enum netif_mac_filter_action action)
{
    (void)group;
    (void)action;
    vnet_groups_changed(((struct net_dev *)netif->state)->vnet);
    return ERR_OK;
}

/* ---- announcements --------------------------------------------------------------------------- */

/* In lwIP's nd6.c: an advertisement of an address; flags & 2: to all nodes. */
void nd6_send_na(struct netif *netif, const ip6_addr_t *address, u8_t flags);
#define GROUPS_TO_ALL_NODES 2

/* Advertisements that nobody asked for (RFC 4861, section 7.2.6), and the like of ARP. */
static void groups_announce(void *ctx)
{
    struct net_dev *d = ctx;
    struct netif *netif = &d->netif;
    bool outside = !net_core.entered;

    if (outside)
        net_enter();
    if (!ip4_addr_isany_val(*netif_ip4_addr(netif)))
        etharp_gratuitous(netif);
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)))
            nd6_send_na(netif, netif_ip6_addr(netif, i), ND6_FLAG_OVERRIDE | GROUPS_TO_ALL_NODES);
    igmp_report_groups(netif); /* for switches that deliver a group to its members alone */
    mld6_report_groups(netif);
    if (outside)
        net_leave();
}

static void groups_address(void *ctx)
{
    struct net_dev *d = ctx;

    memcpy(d->netif.hwaddr, vnet_mac(d->vnet), VNET_MAC_LEN);
}

void net_groups_init(struct net_dev *d)
{
    d->ctrl_client = (struct vnet_ctrl_client){groups_of, groups_announce, groups_address, d};
    d->netif.igmp_mac_filter = groups_changed4;
    d->netif.mld_mac_filter = groups_changed6;
    if (vnet_ctrl_attach(d->vnet, &d->ctrl_client))
        hal_log(HAL_WARN, d->name, "out of memory: the card delivers all frames");
}
