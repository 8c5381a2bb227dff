/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acks.h - a congestion window (tcp_congestion.h) and its acknowledgements by hand, without lwIP
 * and without a path.
 */
#ifndef VIREO_TESTS_NET_ACKS_H
#define VIREO_TESTS_NET_ACKS_H

#include "tcp_congestion.h"

#define MSS 1460u
#define MS  1000u /* microseconds */

extern struct tcp_cc cc;
extern uint32_t now; /* microseconds; wraps in the first second */
extern uint32_t rtt; /* 100 ms at first */

/* A connection with its initial window. */
void acks_begin(unsigned alg);
/* Congestion avoidance at that window, with no loss before. */
void acks_set_window(uint32_t segments);
/* Acknowledgements of a segment each, `total` bytes of them, spread over `us`. The window is full.
 */
void acks_some(uint32_t total, uint32_t us);
/* A round trip in which all of the window is acknowledged. */
void acks_round_trip(void);
/* The rest of a round of HyStart++, in which each round trip takes that long. */
void acks_hystart_round(uint32_t us);
/* One segment is lost of a full window, which is known after a round trip, and sent again. */
void acks_lose_one(void);

/* Is it what it should be, but for that part of it? Says so if not. */
bool acks_near(double is, double should, double part);

#endif
