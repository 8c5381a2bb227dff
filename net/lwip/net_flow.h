/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_flow.h - datagrams of one socket to one destination of IPv4: what was decided for the first
 * one is kept for the others, with their headers, until routes, addresses or paths change.
 */
#ifndef VIREO_NET_FLOW_H
#define VIREO_NET_FLOW_H

#include <stdbool.h>

#include "lwip/netif.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/udp.h"

struct net_flow {
    uint32_t epoch;     /* net_route_epoch when it was made */
    uint32_t mac_epoch; /* net_arp_epoch when the MAC was found; 0: it was not */
    uint16_t port;      /* the destination's */
    uint16_t most;      /* bytes of a datagram that one packet carries */
    ip4_addr_t to;
    struct netif *netif;
    uint32_t ip_sum, udp_sum; /* of what all datagrams have in common */
    struct eth_hdr eth;
    struct ip_hdr ip;   /* with neither length nor identification nor sum */
    struct udp_hdr udp; /* without length and sum */
};

/* What the datagrams of a flow have in common. Ports are in host byte order. */
struct net_flow_way {
    struct netif *netif;
    ip4_addr_t from, to;
    uint16_t from_port, to_port;
    uint8_t ttl, tos;
    bool whole;   /* no router may cut them */
    unsigned mtu; /* of the path */
};

/* Begins the flow. False: it cannot be one, since the destination is not one machine beyond a card.
 * It is none of this machine's addresses. */
bool net_flow_begin(struct net_flow *f, const struct net_flow_way *way);
/* Would a datagram of `len` bytes go the same way? */
bool net_flow_fits(const struct net_flow *f, const ip4_addr_t *to, uint16_t port, size_t len);
/* Sends a datagram, which has room for headers in front (PBUF_TRANSPORT); it stays the caller's. */
err_t net_flow_send(struct net_flow *f, struct pbuf *p);

#endif
