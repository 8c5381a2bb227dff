/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_pcb.h - what Vireo's part of TCP keeps in lwIP's control blocks (pcb->net) and in segments of
 * their queues (seg->net). lwIP zeroes a new control block, and includes this file in its tcp.h.
 */
#ifndef VIREO_TCP_PCB_H
#define VIREO_TCP_PCB_H

#include <stdbool.h>
#include <stdint.h>

#include "net_conn.h"
#include "tcp_ack.h"
#include "tcp_congestion.h"
#include "tcp_guard.h"
#include "tcp_mtu.h"
#include "tcp_ooseq.h"
#include "tcp_option.h"
#include "tcp_recovery.h"
#include "tcp_rtt.h"
#include "tcp_stamp.h"
#include "tcp_window.h"

struct tcp_way;
struct tcp_pcb;
struct tcp_seg;

/* Of each connection. The ends of its queues hold if these are not empty. */
struct net_tcp {
    struct net_conn conn;
    struct tcp_seg *unsent_last;
    struct tcp_seg *unacked_last;
    struct tcp_recovery rec; /* what is lost, and when it is sent again */
    struct tcp_cc cc;        /* how much may be in flight */
    struct tcp_rtt rtt;      /* the round trip, and the retransmission timeout */
    struct net_tcp_guard guard;
    struct tcp_mtu mtu;
    struct tcp_acks ack;
    struct tcp_ooseq ooseq;
    struct tcp_stamps stamp;
    struct tcp_window win;     /* how much may be received and queued */
    struct tcp_option opt;     /* settings */
    const struct tcp_way *way; /* of packets, while it holds; NULL: none was found yet */
    uint32_t way_serial;
};

#endif
