/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_names.c - the lists of name servers, one of each card, in place of lwIP's resolver
 * (src/core/dns.c), of which the image has nothing else: net/inet/ asks the servers. Servers with
 * an IPv4 address, of ip= or DHCP, and those with an IPv6 address, of router advertisements (RFC
 * 8106), each have half of a list. Those count whose card has a cable, and an address of IPv4 for
 * theirs; if there are none, all do. Cards with a lower metric come first.
 */
#include "lwip/dns.h"
#include "net_impl.h"

#define NAMES_HALF (DNS_MAX_SERVERS / 2)

void dns_init(void)
{
}

void dns_tmr(void)
{
}

void net_names_forget(struct net_dev *d, bool six)
{
    memset(&d->names[six ? NAMES_HALF : 0], 0, NAMES_HALF * sizeof(d->names[0]));
}

void net_names_set(struct netif *netif, unsigned number, const ip_addr_t *addr)
{
    struct net_dev *d = netif->state;
    bool six = IP_IS_V6(addr);

    if (!number)
        net_names_forget(d, six);
    if (number < NAMES_HALF)
        d->names[number + (six ? NAMES_HALF : 0)] = *addr;
}

static bool names_first(const struct net_dev *a, const struct net_dev *b)
{
    return a->metric != b->metric ? a->metric < b->metric : a->index < b->index;
}

/* The card behind d (NULL: the first one) by metric; NULL: there is none. */
static struct net_dev *names_next(const struct net_dev *d)
{
    struct net_dev *best = NULL;

    for (struct net_dev *each = net_core.devs; each; each = each->next)
        if ((!d || names_first(d, each)) && (!best || names_first(each, best)))
            best = each;
    return best;
}

static bool names_count(const struct net_dev *d, bool six)
{
    return netif_is_up(&d->netif) && netif_is_link_up(&d->netif) &&
           (six || !ip4_addr_isany_val(*netif_ip4_addr(&d->netif)));
}

static bool names_has(const ip_addr_t *const *list, unsigned n, const ip_addr_t *addr)
{
    while (n && !ip_addr_eq(list[n - 1], addr))
        n--;
    return n;
}

/* The servers of a family, each once; all: of every card. How many. */
static unsigned names_list(bool six, bool all, const ip_addr_t *list[NAMES_HALF])
{
    unsigned n = 0;

    for (const struct net_dev *d = names_next(NULL); d; d = names_next(d)) {
        const ip_addr_t *names = &d->names[six ? NAMES_HALF : 0];

        for (unsigned i = 0; i < NAMES_HALF && n < NAMES_HALF && (all || names_count(d, six)); i++)
            if (!ip_addr_isany(&names[i]) && !names_has(list, n, &names[i]))
                list[n++] = &names[i];
    }
    return n;
}

/* number: as dns_getserver() counts them. addr NULL: nobody asks it any more; else for the first
 * card, as net_names_set(). */
void dns_setserver(u8_t number, const ip_addr_t *addr)
{
    ip_addr_t gone = *dns_getserver(number);

    if (addr && net_core.devs)
        net_names_set(&net_core.devs->netif, number, addr);
    for (struct net_dev *d = net_core.devs; d && !addr; d = d->next)
        for (unsigned i = 0; i < DNS_MAX_SERVERS; i++)
            if (ip_addr_eq(&d->names[i], &gone))
                ip_addr_set_zero(&d->names[i]);
}

const ip_addr_t *dns_getserver(u8_t number)
{
    const ip_addr_t *list[2][NAMES_HALF];
    unsigned n[2], six = number / NAMES_HALF;
    bool all = false;

    do
        for (unsigned i = 0; i < 2; i++)
            n[i] = names_list(i, all, list[i]);
    while (!n[0] && !n[1] && (all = !all));
    return six < 2 && number % NAMES_HALF < n[six] ? list[six][number % NAMES_HALF] : IP_ADDR_ANY;
}
