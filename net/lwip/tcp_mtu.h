/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_mtu.h - the size of segments: by the interface, the peer, the application, and what is known
 * of the path (net_path_mtu.h). pcb->mss is the result, of which options of TCP take their part.
 * lwIP includes this file. Sizes are bytes.
 */
#ifndef VIREO_TCP_MTU_H
#define VIREO_TCP_MTU_H

#include <stdint.h>

struct ip_addr;
struct net_too_big;
struct netif;
struct tcp_pcb;
struct tcp_seg;

struct tcp_mtu {
    uint16_t peer; /* the peer's largest segment (its MSS option); 0: not heard yet */
    uint16_t user; /* TCP_MAXSEG; 0: none */
};

/* ---- called by lwIP -------------------------------------------------------------------------- */

/* The MSS option of a SYN over this interface (RFC 6691): what may come, whatever the path. */
uint16_t tcp_mtu_offer(const struct tcp_pcb *pcb, const struct netif *netif);
/* A connection opens: pcb->mss is the peer's, and becomes what segments may have. */
void tcp_mtu_begin(struct tcp_pcb *pcb);
/*
 * Before a segment of pcb->unsent is sent: one that is longer than segments are by now becomes
 * several. Its rest stands behind it. A segment that the driver holds, or that no memory is left to
 * divide, stays. seg may be NULL.
 */
void tcp_mtu_fit(struct tcp_pcb *pcb, struct tcp_seg *seg);
/* What may be added to a segment of this length, where segments have `mss` at most. */
static inline uint16_t tcp_mtu_space(unsigned mss, unsigned len)
{
    return (uint16_t)(len < mss ? mss - len : 0);
}

/* ---- called by tcp_half_open.c --------------------------------------------------------------- */

/* The same of a SYN-ACK to this address. */
uint16_t tcp_mtu_of_link(const struct ip_addr *to, const struct netif *netif);

/* ---- called by sockets ----------------------------------------------------------------------- */

/* TCP_MAXSEG: the largest segment in both directions; 0: no limit. */
void tcp_mtu_limit(struct tcp_pcb *pcb, uint16_t mss);

/* ---- called by net_path_mtu.c and net_lease.c ------------------------------------------------ */

/* The length of the packet on its way that a quote is about; 0: none of ours is (RFC 5927). */
unsigned tcp_mtu_sent(const struct net_too_big *t);
/* The path to this address (NULL: any), or its first link, has changed: its connections follow. */
void tcp_mtu_follow(const struct ip_addr *to);
/* What was known of the path is too old. */
void tcp_mtu_forgotten(const struct ip_addr *to);

#endif
