/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_udp.h - the short way of a received datagram to its control block.
 */
#ifndef VIREO_NET_UDP_H
#define VIREO_NET_UDP_H

#include "lwip/prot/ip.h"
#include "net_rx.h"

/* May a frame carry a datagram, behind a header of IPv4 or IPv6? */
static inline bool net_udp_likely(const struct vnet_rx *rx)
{
    return rx->head[SIZEOF_ETH_HDR + 9] == IP_PROTO_UDP ||
           rx->head[SIZEOF_ETH_HDR + 6] == IP_PROTO_UDP;
}

/*
 * Hands the datagram of a frame to the one control block that it is for. False: the frame is
 * something else, or something that lwIP has to look at; it was not touched. Entered.
 */
bool net_udp_rx(struct net_dev *d, struct vnet_rx *rx);

#endif
