/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_path_mtu.h - paths that are narrower than their first link: what routers say of them (RFC
 * 1191, RFC 8201), when that is believed (RFC 5927, section 7), and how long. All is called
 * entered.
 */
#ifndef VIREO_NET_PATH_MTU_H
#define VIREO_NET_PATH_MTU_H

#include <stdbool.h>

#include "lwip/netif.h"

/*
 * Bytes of IP packets, in both families: a router that names less than 552 leads to segments of 512
 * bytes that routers may cut (Linux' min_pmtu), IPv6 has no link below 1280.
 */
enum { NET_PATH_LEAST4 = 552, NET_PATH_LEAST6 = 1280, NET_PATH_MOST = 65535 };

/*
 * What is known by segments of TCP counts for TCP. A quoted datagram proves little, so what such
 * quotes say counts for datagrams alone.
 */
enum net_path_kind { NET_PATH_TCP, NET_PATH_DATAGRAMS };

/* A router's word that a packet is too long. The packet's numbers are those of its quote. */
struct net_too_big {
    unsigned proto; /* IPPROTO_TCP ... */
    const ip_addr_t *local, *peer;
    u16_t port, peer_port; /* of TCP and UDP */
    u32_t seq;             /* of TCP */
    unsigned len;          /* bytes of the packet, as the quote says */
    unsigned mtu;          /* bytes that pass; 0: the router does not know */
};
void net_path_too_big(const struct net_too_big *t);

/* Are these addresses the same one? */
bool net_path_same(const ip_addr_t *a, const ip_addr_t *b);
/* Bytes of the longest packet to a destination over this interface, as far as routers say. */
unsigned net_path_mtu(const struct netif *netif, const ip_addr_t *to, enum net_path_kind kind);
/*
 * The path has this MTU, at least the least of its family; for ten minutes. False: nothing new, or
 * too many words about one path. Who calls for TCP lets its connections follow.
 */
bool net_path_lower(const ip_addr_t *to, enum net_path_kind kind, unsigned mtu);
/*
 * A connection has found that packets of this length reach a destination, and that longer ones get
 * lost without a word. NET_PATH_MOST: they do not. True: that is news.
 */
bool net_path_found(const ip_addr_t *to, unsigned mtu);
/* What was found so; 0: nothing. */
unsigned net_path_guess(const ip_addr_t *to);

#endif
