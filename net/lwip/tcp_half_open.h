/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_half_open.h - connections that a peer has begun to open. lwIP hears of them when their
 * handshake is done. lwIP includes this file in its tcp.h.
 */
#ifndef VIREO_TCP_HALF_OPEN_H
#define VIREO_TCP_HALF_OPEN_H

#include <stdint.h>

struct pbuf;
struct tcp_hdr;
struct tcp_pcb_listen;

/* Of each listener. */
struct net_tcp_listen {
    struct tcp_pcb_listen *next; /* in net_conn.c's chain of the port */
    uint64_t cookies_ns;         /* the end of a handshake may be a cookie's until then */
    uint16_t half_open;          /* connections in the table */
    uint16_t mss;                /* TCP_MAXSEG; 0: none */
};

/*
 * A segment for a listener, in host byte order, with its data. 0: lwIP may act on it; else it is
 * dealt with.
 */
int net_tcp_listening(struct tcp_pcb_listen *l, struct tcp_hdr *h, struct pbuf *p);

#endif
