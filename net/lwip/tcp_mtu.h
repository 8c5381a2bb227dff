/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_mtu.h - the size of segments: by the interface, the peer, the application, and what is known
 * of the path (net_path_mtu.h). pcb->mss is the result, of which options of TCP take their part.
 * lwIP includes this file. Sizes are bytes.
 */
#ifndef VIREO_TCP_MTU_H
#define VIREO_TCP_MTU_H

#include <stdbool.h>
#include <stdint.h>

struct ip_addr;
struct net_too_big;
struct netif;
struct tcp_pcb;
struct tcp_seg;

struct tcp_mtu {
    uint16_t peer; /* the peer's largest segment (its MSS option); 0: not heard yet */
    uint16_t user; /* TCP_MAXSEG; 0: none */
    /* The search (tcp_mtu_probe.c): bytes of IP packets. */
    uint16_t passes;    /* packets have no more as long as it goes on, or has ended below `peer` */
    uint16_t fails;     /* as many are too many */
    uint16_t next;      /* as many are tried next; 0: the search has ended */
    uint8_t tries;      /* probes of that length that are lost */
    uint16_t probe;     /* one with as many is on its way, or about to be; 0: none */
    uint32_t probe_end; /* the sequence number behind it */
    uint32_t stuck_una; /* SND.UNA at the last timeout of a full segment ... */
    bool stuck;         /* ... if there was one */
};

/* ---- called by lwIP, tcp_resend.c and tcp_queue.c
 * -------------------------------------------------------------------------- */

/* The MSS option of a SYN over this interface (RFC 6691): what may come, whatever the path. */
uint16_t tcp_mtu_offer(const struct tcp_pcb *pcb, const struct netif *netif);
/* A connection opens: pcb->mss is the peer's, and becomes what segments may have. */
void tcp_mtu_begin(struct tcp_pcb *pcb);
/* A timeout: what is lost is about to be sent again. Twice a full one: the path may lose these. */
void tcp_mtu_timeout(struct tcp_pcb *pcb);
/* A segment that is too long is about to be sent again in pieces: perhaps a probe. */
void tcp_mtu_probe_lost(struct tcp_pcb *pcb, const struct tcp_seg *seg);
/* Is a probe all that is lost? Then nothing is congested. */
bool tcp_mtu_probe_alone(const struct tcp_pcb *pcb);
/* The search goes on. True: the first segment that is unsent is longer than others on purpose. */
bool tcp_mtu_probe_step(struct tcp_pcb *pcb);
/* Is this segment of either queue such a probe, and still whole? It is one packet. */
bool tcp_mtu_probe_is(const struct tcp_pcb *pcb, const struct tcp_seg *seg);

/* ---- called by tcp_half_open.c --------------------------------------------------------------- */

/* The same of a SYN-ACK to this address. user: TCP_MAXSEG of the listener; 0: none. */
uint16_t tcp_mtu_of_link(const struct ip_addr *to, const struct netif *netif, unsigned user);

/* ---- called by sockets ----------------------------------------------------------------------- */

/* TCP_MAXSEG: the largest segment in both directions; 0: no limit. */
void tcp_mtu_limit(struct tcp_pcb *pcb, uint16_t mss);

/* ---- called by net_path_mtu.c and net_lease.c ------------------------------------------------ */

/* The length of the packet on its way that a quote is about; 0: none of ours is (RFC 5927). */
unsigned tcp_mtu_sent(const struct net_too_big *t);
/* The quoted segment, and longer ones behind it, are lost for their length: they go again. */
void tcp_mtu_resend(const struct net_too_big *t);
/* The path to this address (NULL: any), or its first link, has changed: its connections follow. */
void tcp_mtu_follow(const struct ip_addr *to);
/* What was known of the path is too old. */
void tcp_mtu_forgotten(const struct ip_addr *to);

/* ---- between tcp_mtu.c and tcp_mtu_probe.c --------------------------------------------------- */

/* Reads vireo.tcp_mtu_probe=. */
void tcp_mtu_init(void);
/* Bytes of the headers of IP and TCP, without options. */
unsigned tcp_mtu_headers(const struct tcp_pcb *pcb);
/* Bytes of the longest packet by peer, application, first link, and what routers say. */
unsigned tcp_mtu_longest(const struct tcp_pcb *pcb);
/* One of these has changed, or the search has found something: pcb->mss follows. */
void tcp_mtu_update(struct tcp_pcb *pcb);
/* The path has this MTU for sure. */
void tcp_mtu_path_is(struct tcp_pcb *pcb, unsigned mtu);
/* The path may be wider by now. */
void tcp_mtu_try_longer(struct tcp_pcb *pcb);

#endif
