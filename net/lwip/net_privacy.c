/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_privacy.c - temporary addresses of IPv6 (RFC 8981), with vireo.net_privacy=1: beside each
 * address that lwIP makes from a router's prefix there is one with a random interface identifier,
 * which connections of this machine begin from (RFC 6724, section 5, rule 7). lwIP verifies the
 * addresses and counts their lifetimes; what is kept here is which they are, and until when they
 * may last at most.
 */
#include <arpa/inet.h>

#include "lwip/nd6.h"
#include "lwip/timeouts.h"
#include "net_hooks.h"
#include "net_impl.h"

/* RFC 8981, 3.8: seconds. */
#define VALID_S     (2 * 86400)
#define PREFERRED_S 86400
#define DESYNC_S    (PREFERRED_S / 5 * 2) /* a random part of it is taken off PREFERRED_S */
#define REGEN_S     5                     /* the next address is made that long before */
#define TRIES       3                     /* addresses in a row that another machine may have */

static bool privacy_on;

bool net_privacy_temporary(const struct netif *netif, int i)
{
    if (!privacy_on)
        return false;
    for (const struct net_dev *d = net_core.devs; d; d = d->next)
        if (&d->netif == netif)
            return d->temporary[i].used;
    return false;
}

static uint32_t privacy_less(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool privacy_same_prefix(const struct net_dev *d, int a, int b)
{
    return ip6_addr_netcmp_zoneless(netif_ip6_addr(&d->netif, a), netif_ip6_addr(&d->netif, b));
}

/* An address that lwIP has made from a prefix, and that no other machine has. */
static bool privacy_is_public(const struct net_dev *d, int i)
{
    u8_t state = netif_ip6_addr_state(&d->netif, i);

    return !ip6_addr_isinvalid(state) && !ip6_addr_isduplicated(state) &&
           !netif_ip6_addr_isstatic(&d->netif, i) && !d->temporary[i].used;
}

/* The address of that kind beside a temporary one; 0: there is none. */
static int privacy_public_of(const struct net_dev *d, int temporary)
{
    for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (privacy_is_public(d, i) && privacy_same_prefix(d, i, temporary))
            return i;
    return 0;
}

/* Its lifetimes are those of its prefix, within its own limits (RFC 8981, 3.4). */
static void privacy_set_lives(struct net_dev *d, int i, int public)
{
    const struct net_temporary *t = &d->temporary[i];
    uint32_t age = (uint32_t)((hal_now_ns() - t->made_ns) / HAL_SEC);
    uint32_t valid = age < VALID_S ? VALID_S - age : 1, preferred = 0;

    if (age < t->preferred_s)
        preferred = privacy_less(t->preferred_s - age, netif_ip6_addr_pref_life(&d->netif, public));
    valid = privacy_less(valid, netif_ip6_addr_valid_life(&d->netif, public));
    netif_ip6_addr_set_valid_life(&d->netif, i, valid);
    netif_ip6_addr_set_pref_life(&d->netif, i, preferred);
    if (preferred && netif_ip6_addr_state(&d->netif, i) == IP6_ADDR_DEPRECATED)
        netif_ip6_addr_set_state(&d->netif, i, IP6_ADDR_PREFERRED);
}

static void privacy_lost(struct net_dev *d, int i)
{
    netif_ip6_addr_set_state(&d->netif, i, IP6_ADDR_INVALID);
    d->temporary[i].used = false;
    if (++d->temporary_lost == TRIES)
        hal_log(HAL_WARN, d->name,
                "other machines have %d temporary addresses in a row: none is made any more",
                TRIES);
}

static void privacy_tend(struct net_dev *d, int i)
{
    u8_t state = netif_ip6_addr_state(&d->netif, i);
    int public = privacy_public_of(d, i);

    if (ip6_addr_isvalid(state))
        d->temporary_lost = 0;
    if (ip6_addr_isinvalid(state))
        d->temporary[i].used = false;
    else if (ip6_addr_isduplicated(state))
        privacy_lost(d, i);
    else if (public)
        privacy_set_lives(d, i, public);
}

/* Is there a temporary address beside this one that new connections can use for a while? */
static bool privacy_has_fresh(const struct net_dev *d, int public)
{
    for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (d->temporary[i].used && privacy_same_prefix(d, i, public) &&
            netif_ip6_addr_pref_life(&d->netif, i) > REGEN_S)
            return true;
    return false;
}

/* A free place; 0: there is none. */
static int privacy_free_place(const struct net_dev *d)
{
    for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (ip6_addr_isinvalid(netif_ip6_addr_state(&d->netif, i)))
            return i;
    return 0;
}

/* An identifier that is not reserved (RFC 5453) and that this machine does not have. */
static void privacy_make_address(struct net_dev *d, int public, ip6_addr_t *out)
{
    uint32_t high, low;

    do {
        high = net_random32();
        low = net_random32();
        *out = *netif_ip6_addr(&d->netif, public);
        out->addr[2] = lwip_htonl(high);
        out->addr[3] = lwip_htonl(low);
    } while ((!high && !low) || high == 0x02005eff || high == 0xfdffffff ||
             netif_get_ip6_addr_match(&d->netif, out) >= 0);
}

static void privacy_make(struct net_dev *d, int public)
{
    int i = privacy_free_place(d);
    struct net_temporary *t = &d->temporary[i];
    char text[NET_ADDRESS_TEXT];
    ip6_addr_t address;

    if (!i || netif_ip6_addr_pref_life(&d->netif, public) <= REGEN_S || d->temporary_lost >= TRIES)
        return;
    privacy_make_address(d, public, &address);
    *t = (struct net_temporary){true, PREFERRED_S - net_random32() % DESYNC_S, hal_now_ns()};
    ip_addr_copy_from_ip6(d->netif.ip6_addr[i], address);
    privacy_set_lives(d, i, public);
    netif_ip6_addr_set_state(&d->netif, i, IP6_ADDR_TENTATIVE);
    hal_log(HAL_INFO, d->name, "temporary address %s",
            inet_ntop(AF_INET6, address.addr, text, sizeof(text)));
}

void net_privacy_update(struct net_dev *d)
{
    static bool busy; /* lwIP tells of each change, of those made here as well */

    if (!privacy_on || busy)
        return;
    busy = true;
    for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (d->temporary[i].used)
            privacy_tend(d, i);
    for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (privacy_is_public(d, i) && !privacy_has_fresh(d, i))
            privacy_make(d, i);
    busy = false;
}

static void privacy_timer(void *arg)
{
    for (struct net_dev *d = net_core.devs; d; d = d->next)
        net_privacy_update(d);
    sys_timeout(1000, privacy_timer, arg);
}

void net_privacy_init(void)
{
    privacy_on = hal_option_u64(NULL, "net_privacy", 0, 0, 1) != 0;
    if (privacy_on)
        sys_timeout(1000, privacy_timer, NULL);
}
