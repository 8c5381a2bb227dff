/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_fast.h - the short way of TCP's usual segments, past lwIP's tcp_input(). What goes it has the
 * same effect as by the long way. Called entered (net_impl.h).
 */
#ifndef VIREO_TCP_FAST_H
#define VIREO_TCP_FAST_H

#include <stdbool.h>

#include "lwip/prot/ip.h"
#include "net_rx.h"

/*
 * A segment over IPv4 whose sums are right, in p from the header of IP on: is it the next one of an
 * open connection where nothing is lost or ends? Then it is handled, and p is no longer the
 * caller's. False: nothing was changed; the segment goes the long way.
 */
bool tcp_fast_input(const struct net_arrival *a, struct pbuf *p);
/*
 * A frame as it comes from a driver, with a whole segment over IPv4; sums are looked at here. If it
 * is not the next one, lwIP's tcp_input() has it, past IP. False: it was not touched.
 */
bool tcp_fast_rx(struct net_dev *d, struct vnet_rx *rx);
/* May a frame carry such a segment? */
static inline bool tcp_fast_likely(const struct vnet_rx *rx)
{
    return rx->head[SIZEOF_ETH_HDR + 9] == IP_PROTO_TCP;
}

#endif
