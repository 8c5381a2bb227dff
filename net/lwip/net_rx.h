/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_rx.h - the way of a frame from a card into lwIP: net_rx.c makes a packet of it, net_input.c
 * judges that, net_join.c joins what follows one another, and net_input.c hands it over. Entered
 * (net_impl.h), but for what a driver calls.
 */
#ifndef VIREO_NET_RX_H
#define VIREO_NET_RX_H

#include "frame_check.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip6.h"
#include "net_impl.h"

/* A packet on its way in, and what is known of it. */
struct net_arrival {
    struct net_dev *dev;
    const struct eth_hdr *eth; /* no device can write there */
    uint16_t type;             /* of Ethernet, network byte order; behind a tag of a priority */
    bool tight;                /* receive buffers are short, so what will be kept is copied */
    bool summed, partial;      /* as in struct net_arriving (net_hooks.h) */
    struct net_segment seg;
};

struct tcp_pcb;

/* lwIP's raw sockets. */
extern struct raw_pcb *raw_pcbs;

/* What a driver calls with a frame, and behind the last one of a batch. ctx: a net_dev. */
void net_rx_frame(void *ctx, struct vnet_rx *rx);
void net_rx_batch_end(void *ctx);

/* Connections of which segments wait. */
extern unsigned net_join_waiting;
/* Puts the data of a packet behind what waits, if that makes one segment. False: it does not. */
bool net_join(const struct net_arrival *a, struct pbuf *data);
/* net_input_pass(), perhaps later, with what follows the packet; before the batch ends. */
void net_join_begin(const struct net_arrival *a, struct pbuf *p);
/* Passes on all that waits. */
void net_join_flush(void);

/* The type of a frame, of which `have` bytes (14 at least) are at hand, and where its packet
 * begins. */
uint16_t net_input_type(const uint8_t *frame, unsigned have, unsigned *skip);
/* May lwIP see the packet? Sets seg if so; counts it if not. */
enum net_verdict net_input_judge(struct net_arrival *a, const uint8_t *packet, unsigned have,
                                 unsigned len);
/* May a packet have that sender? Not a group, and not all of the network (RFC 1122, 3.2.1.3). */
static inline bool net_input_sender4_ok(u32_t from, const struct netif *netif)
{
    u32_t mask = netif_ip4_netmask(netif)->addr;

    return from && (from & PP_HTONL(0xe0000000)) != PP_HTONL(0xe0000000) &&
           (((from ^ netif_ip4_addr(netif)->addr) & mask) || (from | mask) != IPADDR_BROADCAST);
}
/* Is it the address of its interface that it goes to? A card without one has 0.0.0.0. */
static inline bool net_input_is_own4(u32_t to, const struct netif *netif)
{
    return to && to == netif_ip4_addr(netif)->addr;
}
/* Does the packet go from one machine to a valid address of its interface? Its addresses are those
 * of lwIP's packet then, with zones. */
bool net_input_ends6(const struct ip6_hdr *ip, struct netif *netif);
/* A packet that was judged, in the first pbuf as far as its headers go: into lwIP. */
void net_input_pass(const struct net_arrival *a, struct pbuf *p);
/*
 * A segment over IPv4 into lwIP, past its IP, and past the checks where it is a usual one: a frame
 * to this card alone, to its address, from a valid one, no option of IP, not a fragment, right
 * sums. frame: its headers. p: the segment in one pbuf, no longer the caller's. pcb: the connection
 * by net_conn_find4(). partial: as in struct net_arriving.
 */
void net_input_tcp4(struct net_dev *d, const uint8_t *frame, struct pbuf *p, struct tcp_pcb *pcb,
                    bool partial);

#endif
