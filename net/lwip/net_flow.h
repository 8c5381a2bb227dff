/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_flow.h - datagrams of one socket to one destination: what was decided for the first one is
 * kept for the others, with their headers, until routes, addresses or paths change.
 */
#ifndef VIREO_NET_FLOW_H
#define VIREO_NET_FLOW_H

#include <stdbool.h>
#include <sys/uio.h>

#include "lwip/ip_addr.h"
#include "lwip/netif.h"
#include "net_conn.h"
#include "net_route.h"

#define NET_FLOW_HEADERS 64 /* bytes: Ethernet, IPv6 and UDP, from a multiple of 4 on */

struct net_flow {
    uint32_t epoch;     /* net_route_epoch when it was made */
    uint32_t mac_epoch; /* net_arp_epoch when the MAC was found; 0: it was not, or IPv6 */
    uint16_t port;      /* the destination's */
    uint16_t most;      /* bytes of a datagram that one packet carries */
    ip_addr_t to;
    struct netif *netif;
    uint32_t ip_sum, udp_sum; /* of what all datagrams have in common */
    /* At the end: the headers, with neither lengths nor identification nor sums. */
    uint8_t headers[NET_FLOW_HEADERS] __attribute__((aligned(16)));
};

/* What the datagrams of a flow have in common. Ports are in host byte order. */
struct net_flow_way {
    struct netif *netif;
    ip_addr_t from, to;
    uint16_t from_port, to_port;
    uint8_t ttl, tos;
    bool whole;   /* IPv4: no router may cut them */
    unsigned mtu; /* of the path */
};

/* Begins the flow. False: it cannot be one, since the destination is not one machine beyond a card.
 * It is none of this machine's addresses. */
bool net_flow_begin(struct net_flow *f, const struct net_flow_way *way);
/* Would a datagram of `len` bytes go the same way? */
static inline bool net_flow_fits(const struct net_flow *f, const ip_addr_t *to, uint16_t port,
                                 size_t len)
{
    return f->epoch == net_route_epoch && f->port == port && len <= f->most &&
           ip_2_ip4(&f->to)->addr == ip_2_ip4(to)->addr && IP_GET_TYPE(&f->to) == IP_GET_TYPE(to) &&
           (IP_IS_V4(to) || net_conn_is(&f->to, to));
}
/* Sends a datagram that fits, of `len` bytes in all parts. ERR_MEM: no memory, or the card's queue
 * is full. */
err_t net_flow_send(struct net_flow *f, const struct iovec *iov, int parts, size_t len);
/* Sends the datagram of a pbuf that fits, of the kind PBUF_RAM, with NET_FLOW_ROOM bytes in front;
 * it stays the caller's, and is the frame or the packet then. */
#define NET_FLOW_ROOM (NET_FLOW_HEADERS + PBUF_LINK_ENCAPSULATION_HLEN)
err_t net_flow_pass(struct net_flow *f, struct pbuf *p);

#endif
