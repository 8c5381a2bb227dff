/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_address.c - waiting for the first address of this machine. A program that starts at once
 * would find no route while DHCP, or the first router of IPv6, has not answered yet.
 */
#include "lwip/dhcp.h"
#include "lwip/prot/dhcp.h"
#include "net_impl.h"

#define NET_WAIT_MS 10000 /* by default */

static bool asks_dhcp(struct net_dev *d)
{
    const struct dhcp *dhcp = netif_dhcp_data(&d->netif);

    return dhcp && dhcp->state != DHCP_STATE_OFF && !d->had_address;
}

/* Is an address being verified, or a router asked for? */
static bool asks_router(const struct netif *netif)
{
    bool tentative = false;

    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        u8_t state = netif_ip6_addr_state(netif, i);

        if (ip6_addr_ispreferred(state) && !ip6_addr_islinklocal(netif_ip6_addr(netif, i)))
            return false;
        tentative |= ip6_addr_istentative(state);
    }
    return tentative || netif->rs_count;
}

bool net_asking(bool ip6)
{
    for (struct net_dev *d = net_core.devs; d; d = d->next)
        if (netif_is_up(&d->netif) && netif_is_link_up(&d->netif) &&
            (ip6 ? asks_router(&d->netif) : asks_dhcp(d)))
            return true;
    return false;
}

uint64_t net_asking_ns(void)
{
    return net_core.wait_ms * HAL_MS;
}

void net_asking_init(void)
{
    net_core.wait_ms = hal_option_u64(NULL, "net_wait_ms", NET_WAIT_MS, 1, 3600000);
}

void net_asking_vain(void)
{
    static bool told;

    if (told)
        return;
    told = true;
    hal_log(
        HAL_WARN, "net",
        "this machine has no address after %llu ms (vireo.net_wait_ms=): what needs the network "
        "fails; ip=ADDRESS/PREFIX sets a fixed address",
        (unsigned long long)net_core.wait_ms);
}
