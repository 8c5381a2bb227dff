/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_names.c - the lists of name servers, one of each card, in place of lwIP's resolver
 * (src/core/dns.c), of which the image has nothing else: net/inet/ asks the servers. Servers with
 * an IPv4 address, of ip= or DHCP, and those with an IPv6 address, of router advertisements (RFC
 * 8106), each have half of a list. Those count whose card has a cable, and an address of IPv4 for
 * theirs; if a family has none, all do. Cards with a lower metric come first.
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

/* The card behind d (NULL: the first one) by metric; NULL: there is none. */
static const struct net_dev *names_next(const struct net_dev *d)
{
    const struct net_dev *best = NULL;
    uint64_t after = d ? (uint64_t)d->metric << 32 | d->index : 0, least = UINT64_MAX;

    for (const struct net_dev *each = net_core.devs; each; each = each->next) {
        uint64_t at = (uint64_t)each->metric << 32 | each->index;

        if ((!d || at > after) && at < least) {
            least = at;
            best = each;
        }
    }
    return best;
}

static bool names_count(const struct net_dev *d, bool six)
{
    return netif_is_up(&d->netif) && netif_is_link_up(&d->netif) &&
           (six || !ip4_addr_isany_val(*netif_ip4_addr(&d->netif)));
}

static bool names_equal(const ip_addr_t *a, const ip_addr_t *b) __attribute__((noinline));
static bool names_equal(const ip_addr_t *a, const ip_addr_t *b)
{
    return ip_addr_eq(a, b);
}

/* The servers at `first` of each list, each once; all: of every card. How many. */
static unsigned names_list(unsigned first, bool all, const ip_addr_t *list[NAMES_HALF])
{
    unsigned n = 0, k;

    for (const struct net_dev *d = names_next(NULL); d; d = names_next(d))
        for (unsigned i = first; i < first + NAMES_HALF && (all || names_count(d, first)); i++) {
            for (k = 0; k < n && !names_equal(list[k], &d->names[i]); k++)
                ;
            if (k == n && n < NAMES_HALF && !ip_addr_isany(&d->names[i]))
                list[n++] = &d->names[i];
        }
    return n;
}

/* Nobody asks the server any more that dns_getserver() counts so; addr is NULL. */
void dns_setserver(u8_t number, const ip_addr_t *addr)
{
    ip_addr_t gone = *dns_getserver(number);

    (void)addr;
    for (struct net_dev *d = net_core.devs; d; d = d->next)
        for (unsigned i = 0; i < DNS_MAX_SERVERS; i++)
            if (names_equal(&d->names[i], &gone))
                ip_addr_set_zero(&d->names[i]);
}

const ip_addr_t *dns_getserver(u8_t number)
{
    const ip_addr_t *list[NAMES_HALF];
    unsigned at = number % NAMES_HALF, first = number - at, n = 0;

    for (unsigned all = 0; number < DNS_MAX_SERVERS && !n && all < 2; all++)
        n = names_list(first, all, list);
    return at < n ? list[at] : IP_ADDR_ANY;
}
