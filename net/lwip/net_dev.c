/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_dev.c - a network device as an lwIP interface: frames in and out without a copy, link state,
 * and the addresses that applications wait for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/mld6.h"
#include "lwip/nd6.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "net_route.h"
#include "net_rx.h"

#define DEV_RX_LEAST (256u << 10) /* bounds of memory for a card's receive buffers */
#define DEV_RX_MOST  (16u << 20)

/* ---- transmit -------------------------------------------------------------------------------- */

/* A multicast without hops stays in this machine, whose sockets have heard it (RFC 1112, 6.1). */
static err_t dev_output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    if (ip4_addr_ismulticast(to) && !IPH_TTL((const struct ip_hdr *)p->payload))
        return ERR_OK;
    return etharp_output(netif, p, to);
}

/* The same of IPv6 (RFC 3493, 5.2). */
static err_t dev_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    if (ip6_addr_ismulticast(to) && !IP6H_HOPLIM((const struct ip6_hdr *)p->payload))
        return ERR_OK;
    return ethip6_output(netif, p, to);
}

/* ---- state ----------------------------------------------------------------------------------- */

static bool dev_has_address(const struct net_dev *d, const ip_addr_t *a)
{
    if (IP_IS_V4(a))
        return ip4_addr_cmp(ip_2_ip4(a), netif_ip4_addr(&d->netif));
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (ip6_addr_cmp(ip_2_ip6(a), netif_ip6_addr(&d->netif, i)))
            return true;
    return false;
}

/* Ends a connection with an error for its owner. The peer is not told: no frame can reach it. */
static void dev_end_connection(struct tcp_pcb *pcb, err_t err)
{
    tcp_err_fn told = pcb->errf;
    void *arg = pcb->callback_arg;

    tcp_err(pcb, NULL);
    tcp_abandon(pcb, 0);
    if (told)
        told(arg, err);
}

/*
 * The device was given up: calls that wait for one of its connections end with an error. Listening
 * and datagram sockets do not change, since a device may be plugged in again.
 */
static void dev_end_connections(struct net_dev *d)
{
    struct tcp_pcb *next;

    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = next) {
        next = pcb->next;
        if (dev_has_address(d, &pcb->local_ip))
            dev_end_connection(pcb, ERR_IF);
    }
}

static bool dev_ip6_usable(const struct netif *netif, int i)
{
    return ip6_addr_ispreferred(netif_ip6_addr_state(netif, i)) &&
           !ip6_addr_islinklocal(netif_ip6_addr(netif, i));
}

bool net_dev_usable(const struct net_dev *d)
{
    if (!netif_is_up(&d->netif) || !netif_is_link_up(&d->netif))
        return false;
    if (!ip4_addr_isany_val(*netif_ip4_addr(&d->netif)))
        return true;
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (dev_ip6_usable(&d->netif, i))
            return true;
    return false;
}

/* For net_wait_up() and calls that need an address: the device may have become usable. */
static void dev_wake_waiters(const struct net_dev *d)
{
    if (net_dev_usable(d))
        waitq_wake_all(&net_core.address);
    waitq_wake_all(&net_core.asking);
    if (net_core.events)
        net_core.events->address();
}

static void dev_link_changed(void *ctx, bool up)
{
    struct net_dev *d = ctx;
    bool outside = !net_core.entered;

    if (outside)
        net_enter();
    if (up)
        netif_set_link_up(&d->netif);
    else
        net_route_cable_out(&d->netif);
    d->tx_offloads = vnet_offloads(d->vnet);
    if (vnet_is_dead(d->vnet)) {
        net_tx_drop(d);
        dev_end_connections(d);
    }
    dev_wake_waiters(d);
    net_kick();
    if (outside)
        net_leave();
}

static void dev_tell_address(struct net_dev *d)
{
    char address[IP4ADDR_STRLEN_MAX], gateway[IP4ADDR_STRLEN_MAX];
    const ip4_addr_t *ip = netif_ip4_addr(&d->netif);

    if (ip4_addr_isany_val(*ip)) {
        d->told = false;
        return;
    }
    if (d->told)
        return;
    d->told = d->had_address = true;
    ip4addr_ntoa_r(ip, address, sizeof(address));
    ip4addr_ntoa_r(netif_ip4_gw(&d->netif), gateway, sizeof(gateway));
    hal_log(HAL_INFO, d->name, "address %s gateway %s (%s)", address, gateway,
            d->is_static ? "static" : "DHCP");
}

static void dev_status_changed(struct netif *netif)
{
    struct net_dev *d = netif->state;

    if (ip4_addr_isany_val(*netif_ip4_addr(netif)))
        net_names_forget(d, false);
    dev_tell_address(d);
    net_privacy_update(d);
    dev_wake_waiters(d);
}

/* Called by lwIP from netif_add: hardware address, limits and functions of the interface. */
static err_t dev_init(struct netif *netif)
{
    struct net_dev *d = netif->state;
    unsigned mtu = vnet_mtu(d->vnet);

    d->tx_offloads = vnet_offloads(d->vnet);
    netif->name[0] = 'v';
    netif->name[1] = 'n';
    netif->hwaddr_len = VNET_MAC_LEN;
    memcpy(netif->hwaddr, vnet_mac(d->vnet), VNET_MAC_LEN);
    netif->mtu = (u16_t)mtu;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
                   NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
    netif->output = dev_output4;
    netif->output_ip6 = dev_output6;
    netif->linkoutput = net_tx_output;
    netif->hostname = net_core.hostname;
    return ERR_OK;
}

static void dev_start_ip6(struct netif *netif)
{
    ip6_addr_t all_nodes;

    netif_create_ip6_linklocal_address(netif, 1);
    netif_set_ip6_autoconfig_enabled(netif, 1);
    ip6_addr_set_allnodes_linklocal(&all_nodes);
    mld6_joingroup_netif(netif, &all_nodes);
}

/*
 * Memory for the receive buffers of a card: of the first one, a sixteenth of all that there is
 * (net_mem_limit() is a quarter), of others a part of that; each of them works with the least.
 */
static size_t dev_rx_room(const struct net_dev *d)
{
    uint64_t room = net_mem_limit() / 4 / (d->index + 1u);

    return room < DEV_RX_LEAST ? DEV_RX_LEAST : room > DEV_RX_MOST ? DEV_RX_MOST : (size_t)room;
}

struct net_dev *net_add_device(struct vnet *v)
{
    struct net_dev *d = net_calloc(1, sizeof(*d));

    if (!d) {
        hal_log(HAL_ERROR, vnet_name(v), "out of memory: the device is not used");
        return NULL;
    }
    d->vnet = v;
    netif_add_noaddr(&d->netif, d, dev_init, NULL); /* fails if dev_init does, and that does not */
    d->client = (struct vnet_client){net_rx_frame, net_rx_batch_end, net_tx_done,
                                     net_tx_room,  dev_link_changed, d};
    for (const struct net_dev *other = net_core.devs; other; other = other->next)
        d->index++;
    d->metric = net_route_metric_of(vnet_name(v));
    vnet_rx_room(v, dev_rx_room(d));
    HAL_LIST_APPEND(&net_core.devs, d);
    strncpy(d->name, vnet_name(v), sizeof(d->name) - 1);
    if (vnet_attach(v, &d->client))
        return NULL;
    net_groups_init(d);
    if (!netif_default)
        netif_set_default(&d->netif);
    netif_set_status_callback(&d->netif, dev_status_changed);
    netif_set_up(&d->netif);
    if (vnet_link_up(v))
        netif_set_link_up(&d->netif);
    dev_start_ip6(&d->netif);
    return d;
}

/* ---- for applications ------------------------------------------------------------------------ */

static bool dev_any_usable(void)
{
    for (const struct net_dev *d = net_core.devs; d; d = d->next)
        if (net_dev_usable(d))
            return true;
    return false;
}

int net_wait_up(uint64_t deadline_ns)
{
    int err = net_core.devs ? 0 : -ENODEV;

    net_enter();
    while (!err && !dev_any_usable())
        err = net_park(&net_core.address, deadline_ns);
    net_leave();
    return err;
}

static int dev_ip6_text(unsigned n, char text[NET_ADDRESS_TEXT])
{
    for (const struct net_dev *d = net_core.devs; d; d = d->next)
        for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
            if (dev_ip6_usable(&d->netif, i) && n-- == 0) {
                inet_ntop(AF_INET6, netif_ip6_addr(&d->netif, i)->addr, text, NET_ADDRESS_TEXT);
                return 0;
            }
    return -ENOENT;
}

int net_address(unsigned n, char text[NET_ADDRESS_TEXT])
{
    for (const struct net_dev *d = net_core.devs; d; d = d->next)
        if (!ip4_addr_isany_val(*netif_ip4_addr(&d->netif)) && n-- == 0) {
            ip4addr_ntoa_r(netif_ip4_addr(&d->netif), text, NET_ADDRESS_TEXT);
            return 0;
        }
    return dev_ip6_text(n, text);
}

const char *net_hostname(void)
{
    return net_core.hostname;
}
