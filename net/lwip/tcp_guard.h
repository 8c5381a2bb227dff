/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_guard.h - which segments lwIP may act on (RFC 9293, 3.10.7; RFC 5961), and what is answered
 * to the others. lwIP includes this file in its tcp.h.
 */
#ifndef VIREO_TCP_GUARD_H
#define VIREO_TCP_GUARD_H

#include <stdbool.h>
#include <stdint.h>

struct pbuf;
struct tcp_hdr;
struct tcp_pcb;

/* Of each connection. */
struct net_tcp_guard {
    uint64_t challenges_ns; /* when it may challenge in full number again; see net_allow() */
    bool met;               /* SYNs of both ends have crossed */
};

/*
 * May lwIP act on the segment, for a connection or a listener? h: its header in host byte order; p:
 * its data. 0: yes; else what RFC 9293 demands has been done, and the segment ends here.
 */
int net_tcp_check(struct tcp_pcb *pcb, struct tcp_hdr *h, struct pbuf *p);

/* May a segment of no connection be answered by a reset now? Counts it if so. */
bool net_tcp_may_reset(void);
/*
 * A connection that this end begins meets a SYN of its peer: it is in SYN-RECEIVED afterwards, and
 * its SYN, with an ACK, is sent again. The SYN's options are known already.
 */
void net_tcp_meet(struct tcp_pcb *pcb, const struct tcp_hdr *h);
/* Is this such a connection, and is its SYN acknowledged? Then a SYN-ACK ends the handshake. */
bool net_tcp_met(const struct tcp_pcb *pcb, uint32_t ack);

#endif
