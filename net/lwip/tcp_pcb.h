/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_pcb.h - what Vireo's part of TCP keeps in lwIP's control blocks (pcb->net) and in segments of
 * their queues (seg->net). lwIP zeroes a new control block, and includes this file in its tcp.h.
 */
#ifndef VIREO_TCP_PCB_H
#define VIREO_TCP_PCB_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp_congestion.h"
#include "tcp_guard.h"
#include "tcp_mtu.h"
#include "tcp_option.h"
#include "tcp_rtt.h"
#include "tcp_window.h"

struct tcp_pcb;
struct tcp_seg;

/* Of each connection. */
struct net_tcp {
    struct tcp_seg *unacked_last; /* the end of pcb->unacked, where the next sent segment goes */
    struct tcp_cc cc;             /* how much may be in flight */
    struct tcp_rtt rtt;           /* the round trip, and the retransmission timeout */
    struct net_tcp_guard guard;
    struct tcp_mtu mtu;
    struct tcp_window win; /* how much may be received and queued */
    struct tcp_option opt; /* settings */
};

/* Of each segment in pcb->unsent and pcb->unacked. */
struct net_tcp_seg {
    uint32_t sent_us; /* when it was last sent */
};

#endif
