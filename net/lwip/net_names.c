/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_names.c - the list of name servers, in place of lwIP's resolver (src/core/dns.c), of which
 * the image has nothing else: net/inet/ asks the servers. Servers with an IPv4 address, of ip= or
 * DHCP, and those with an IPv6 address, of router advertisements (RFC 8106), each have half of the
 * list.
 */
#include "lwip/dns.h"

#define NAMES_HALF (DNS_MAX_SERVERS / 2)

static ip_addr_t names_servers[DNS_MAX_SERVERS];

void dns_init(void)
{
}

void dns_tmr(void)
{
}

/* number: as the source counts its servers; with addr NULL, as dns_getserver() counts them. */
void dns_setserver(u8_t number, const ip_addr_t *addr)
{
    if (!addr) {
        if (number < DNS_MAX_SERVERS)
            ip_addr_set_zero(&names_servers[number]);
    } else if (number < NAMES_HALF) {
        names_servers[number + (IP_IS_V6(addr) ? NAMES_HALF : 0)] = *addr;
    }
}

const ip_addr_t *dns_getserver(u8_t number)
{
    return number < DNS_MAX_SERVERS ? &names_servers[number] : IP_ADDR_ANY;
}
