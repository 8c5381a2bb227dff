/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_tx.h - frames on their way from lwIP to the driver. A frame may stand for many packets of
 * TCP, and may have the sum of the pseudo header only: pbuf.tx_size tells of both. The network card
 * makes packets and sums of them, or net_tx.c does. All is called entered.
 */
#ifndef VIREO_NET_TX_H
#define VIREO_NET_TX_H

#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "net/vnet.h"

struct net_dev;

/* ---- sums ------------------------------------------------------------------------------------ */

/*
 * The sum of a segment of TCP, whose header is at p->payload, with a sum of 0: all of it, or that
 * of the pseudo header where the interface completes it, or where the segment has more than `size`
 * bytes of data, and becomes packets of that size.
 */
void net_tx_seal(struct pbuf *p, const struct netif *netif, uint16_t size, const ip_addr_t *src,
                 const ip_addr_t *dst);
/* A frame stays in this machine: its sum becomes whole. p begins with its IP header. */
void net_tx_complete(struct pbuf *p);

/* ---- packets --------------------------------------------------------------------------------- */

#define NET_TX_HEADERS 134 /* bytes of the longest headers: 14, IPv4 with options 60, TCP 60 */
#define NET_TX_PARTS   7   /* pieces of memory that the data of a packet is in */

/* A walk over the packets of a frame. */
struct net_tx_cut {
    const struct pbuf *p;
    const struct pbuf *from;   /* where the data of the next packet is: ... */
    uint16_t off;              /* ... from this byte on */
    uint16_t ip, tcp, data;    /* offsets of headers and data in the frame */
    uint16_t size, done, left; /* data of a packet; of all, before and from `from` on */
    uint16_t pseudo;           /* the sum of the pseudo header without its length */
    uint16_t number;           /* of packets so far */
};

/* ip: bytes in front of the IP header. All headers are in the first pbuf. */
void net_tx_cut_begin(struct net_tx_cut *c, struct pbuf *p, uint16_t ip);
/*
 * The next packet: writes its headers, c->data bytes, with all sums or (not `whole`) that of TCP of
 * the pseudo header only. Returns in how many pieces its data is; 0: there is no other packet.
 */
unsigned net_tx_cut_next(struct net_tx_cut *c, uint8_t *headers,
                         struct vnet_piece parts[NET_TX_PARTS], bool whole);

/* ---- an interface ---------------------------------------------------------------------------- */

/* netif->linkoutput of a network device. */
err_t net_tx_output(struct netif *netif, struct pbuf *p);
/*
 * The same of a frame in one pbuf of the kind PBUF_RAM. If p->tx_size is set, it is a packet of TCP
 * over IPv4 without options, of which the card completes the sum.
 */
err_t net_tx_lone(struct net_dev *d, struct pbuf *p);
/* Of struct vnet_client; ctx: the struct net_dev. */
void net_tx_done(void *ctx, void *cookie);
void net_tx_room(void *ctx);
/* The device is gone: what waits for it is dropped. */
void net_tx_drop(struct net_dev *d);

#endif
