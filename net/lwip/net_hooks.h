/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_hooks.h - functions of the port that lwIP calls (lwipopts.h names this file).
 */
#ifndef VIREO_NET_HOOKS_H
#define VIREO_NET_HOOKS_H

#include <stdbool.h>

#include "lwip/ip_addr.h"
#include "lwip/pbuf.h"
#include "lwip/prot/ip4.h"

struct netif;

/* The initial sequence number of a connection. Host byte order. */
u32_t net_tcp_choose_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                         u16_t remote_port);

/*
 * The identification of an IPv4 packet with these flags, network byte order: 0 where DF keeps it in
 * one piece (RFC 6864, 4.1), else each number once before one comes again, in an order that nobody
 * can guess.
 */
u16_t net_ip4_id(u16_t flags);
/* The next unpredictable number. */
u32_t net_random32(void);

/*
 * Fragments (net_reass.c): how many buffers may hold some, of each family; a sender holds more or
 * less; and does the datagram of sender a make room before that of b? Addresses of 4 or 16 bytes;
 * the time that is left, in any unit.
 */
extern unsigned net_reass_most;
void net_reass_count(const void *source, unsigned bytes, int buffers);
bool net_reass_goes_first(const void *a, unsigned left_a, const void *b, unsigned left_b,
                          unsigned bytes);

/* A packet to the image itself waits for netif_poll(), the first one of its interface. */
void net_loop_queued(void);

/* An ICMP or ICMPv6 message (p is behind its IP header) that lwIP does not use itself. */
void net_icmp4_input(const struct pbuf *p);
void net_icmp6_input(const struct pbuf *p);
/* May an ICMP or ICMPv6 error be sent now? Counts it if so (RFC 1812, 4.3.2.8; RFC 4443, 2.4). */
bool net_icmp_allowed(void);
/* An error about a datagram is due: its sum becomes whole. p is behind the header of UDP. */
void net_icmp_quotes_udp(struct pbuf *p);
/* A name server of a card; 0 begins its list of that family anew, and what is too much is left. */
void net_names_set(struct netif *netif, unsigned number, const ip_addr_t *addr);
/* A neighbour that was asked for has not answered. */
void net_arp_failed(const struct netif *netif, const ip4_addr_t *ip);
void net_nd6_failed(const struct netif *netif, const ip6_addr_t *ip);

/* What the port knows of the packet that lwIP is given now; all false: lwIP has to look. */
extern struct net_arriving {
    bool summed;  /* the sums of its headers and of TCP or UDP are right */
    bool partial; /* beside that: the sum in its header of TCP or UDP is the pseudo header's */
    bool ours;    /* it came to an address of its interface: no group, not all */
} net_arriving;
/* The chain without the empty pbufs in front of the first byte, which are freed. */
struct pbuf *net_payload(struct pbuf *p);

/* A datagram with this flag is not cut (pbuf.flags). */
#define NET_PBUF_WHOLE 0x40u
/* How many paths of TCP are so narrow that their routers may cut packets, and is this one? */
extern unsigned net_paths_cut;
bool net_path_cut(const ip4_addr_t *to);
/* The flags of a packet of IPv4 (RFC 791, 3.1): segments of TCP carry DF (RFC 1191). */
static inline u16_t net_ip4_flags(const struct pbuf *p, u8_t proto, const ip4_addr_t *to)
{
    bool whole = proto == 6 ? !net_paths_cut || !net_path_cut(to) : (p->flags & NET_PBUF_WHOLE);

    return whole ? PP_HTONS(IP_DF) : 0;
}
/* Bytes of the longest packet of IPv6 to a destination, if p (with its header) may be cut. */
u16_t net_path_ip6_mtu(const struct pbuf *p, const struct netif *netif, const ip6_addr_t *to);
/* A router advertises the MTU of the link (RFC 4861, 4.6.4), at least 1280. */
void net_path_ip6_link(struct netif *netif, u16_t mtu);

/* Is the i-th address of an interface a temporary one (RFC 8981)? */
bool net_privacy_temporary(const struct netif *netif, int i);

/* A message of a DHCP server (type: 2 offer, 5 ACK, 6 NAK): false if lwIP is not to act on it. */
bool net_lease_agreeable(struct netif *netif, const struct pbuf *p, u8_t type);
/* lwIP is about to take the address that the message agrees to. Its routes may change *gateway. */
void net_lease_bound(struct netif *netif, ip4_addr_t *gateway);
/* The interface that a packet leaves by; NULL: there is no route. from may be NULL. */
struct netif *net_route4(const ip4_addr_t *from, const ip4_addr_t *to);
/* The same of IPv6, between addresses that are not those of a link; and is one on the card's link?
 */
struct netif *net_route6(const ip6_addr_t *from, const ip6_addr_t *to);
bool net_route6_on_link(const struct netif *netif, const ip6_addr_t *to);
/* The next hop of a packet of this card; NULL: there is none. */
const ip4_addr_t *net_next_hop4(const struct netif *netif, const ip4_addr_t *to);
/* Addresses, routes, routers or links have changed: what packets would do is decided anew. */
void net_route_changed(void);
/* The default router for a card, NULL: for any; -1: there is none. */
int net_nd6_router(const struct netif *netif);

/*
 * The tables of nd6.c (net_nd6.c). Rows are numbers; -1: none, or no room. find: the neighbour with
 * that address; new: a row for it, asked: this machine looks for it, else it has told of itself.
 * known: it has answered; used: a packet goes to it; freed: lwIP has emptied the row.
 */
extern unsigned net_nd6_neighbours, net_nd6_destinations; /* rows */
int net_nd6_find(const ip6_addr_t *ip, const struct netif *netif);
int net_nd6_new(const ip6_addr_t *ip, const struct netif *netif, bool asked);
void net_nd6_known(int i);
void net_nd6_used(int i);
void net_nd6_freed(int i);
/* Empties a row; false: it is that of a router. In lwIP's nd6.c. */
bool net_nd6_release(unsigned i);
/* May one packet more wait for a neighbour for which these do? */
struct nd6_q_entry;
bool net_nd6_may_wait(const struct nd6_q_entry *q);
int net_nd6_destination(const ip6_addr_t *ip, const struct netif *netif);
bool net_nd6_is_destination(unsigned i, const ip6_addr_t *ip, const struct netif *netif);
int net_nd6_new_destination(const ip6_addr_t *ip, const struct netif *netif);
void net_nd6_no_destination(unsigned i);
/* Those with this next hop; NULL: all. */
void net_nd6_forget_destinations(const ip6_addr_t *next_hop);
/* Once a second. */
void net_nd6_second(void);

#endif
