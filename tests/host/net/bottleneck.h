/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bottleneck.h - senders that share a link: congestion windows (tcp_congestion.h) with the least
 * sender around each that obeys them. The link forwards a packet after the other, drops what its
 * queue has no room for, and reorders nothing. Virtual time, in microseconds.
 */
#ifndef VIREO_TESTS_NET_BOTTLENECK_H
#define VIREO_TESTS_NET_BOTTLENECK_H

#include "tcp_congestion.h"

#define BOTTLENECK_MSS   1460u
#define BOTTLENECK_FLOWS 4
#define BOTTLENECK_QUEUE 2048 /* packets, at most */

struct flow {
    struct tcp_cc cc;
    unsigned alg;
    uint64_t start_us;
    /* What happened. */
    uint64_t delivered;  /* packets */
    unsigned recoveries; /* reductions by loss */
    unsigned timeouts;
    uint64_t drops;
    /* Of the sender. */
    bool started;
    uint32_t in_flight, srtt_us;
    uint64_t next, expected; /* the number of the next packet, and of the next acknowledgement */
    uint64_t recover;        /* recovery ends with the acknowledgement of this number */
    uint64_t paced_us;       /* the next packet may leave then */
    uint64_t heard_us;       /* the last acknowledgement */
};

struct bottleneck {
    uint32_t packet_us; /* the link sends a packet in this time */
    uint32_t rtt_us;    /* of the path, without the queue */
    unsigned queue;     /* packets that fit */
    unsigned flows;
    struct flow flow[BOTTLENECK_FLOWS];
    uint64_t now_us;
    uint64_t busy_us; /* how long the link has sent */
};

/* Lets time pass until then. The first call begins with an empty link. */
void bottleneck_run(struct bottleneck *b, uint64_t until_us);

#endif
