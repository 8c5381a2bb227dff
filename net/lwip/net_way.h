/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_way.h - packets of TCP over IPv4 that go where one went before: with the headers of that one,
 * without a look at neighbours. What is kept (card, neighbour, addresses) holds until one of them
 * changes, and for a second at most. lwIP's tcp_out.c calls this in place of ip_output_if().
 */
#ifndef VIREO_NET_WAY_H
#define VIREO_NET_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip4.h"
#include "net_impl.h"
#include "net_route.h"

/* The IP header is aligned to 4 in a frame, as lwIP has it. */
struct way_headers {
    struct eth_hdr eth;
    struct ip_hdr ip;
} __attribute__((packed));

/* What is kept of a pair of addresses; not to be written by others. */
struct tcp_way {
    uint32_t serial; /* another one when this memory is used for another pair */
    uint32_t from, to;
    uint32_t routes, neighbours; /* net_route_epoch (0: none), net_arp_epoch */
    uint16_t sum;                /* of what is the same in each packet, not complemented */
    uint16_t pseudo;             /* of TCP's pseudo header but the length (RFC 9293, 3.1) */
    struct netif *netif;
    struct way_headers headers;
};

/* A way that was found, and had that number: does it hold still, for the same addresses? */
static inline bool net_way_holds(const struct tcp_way *w, uint32_t serial)
{
    return w->serial == serial && w->routes == net_route_epoch && w->neighbours == net_arp_epoch;
}
/* The way between these addresses of IPv4 over a card; NULL: none that holds is known. */
const struct tcp_way *net_way_find(const ip_addr_t *from, const ip_addr_t *to,
                                   const struct netif *netif);
/*
 * Sends a segment of one packet, in one pbuf, that no router cuts; its sum is made here, or by the
 * card. p begins with the header of TCP, with a sum of 0, behind room for those in front; it stays
 * the caller's. size: bytes of data that a packet may have; 0: the sum is made here in any case.
 */
err_t net_way_send(const struct tcp_way *w, struct pbuf *p, uint16_t size, uint8_t ttl,
                   uint8_t tos);
/* Sends a segment, all sums of which are made. As ip_output_if(), for TCP. */
err_t net_way_tcp(struct pbuf *p, const ip_addr_t *from, const ip_addr_t *to, u8_t ttl, u8_t tos,
                  struct netif *netif);

#endif
