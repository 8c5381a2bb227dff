/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h - what a scenario over a path (path.h) does: each packet at either side, and the state of
 * all connections at that time. Two runs of a scenario are compared by it.
 */
#ifndef VIREO_TESTS_NET_TRACE_H
#define VIREO_TESTS_NET_TRACE_H

#include <stdint.h>

/*
 * Runs the scenario twice, each time in a process of its own: with and without the short way of
 * segments (net/lwip/tcp_fast.h), which raw sockets of lwIP close, and paths that cut packets.
 * CHECKs that both see the same packets at the same times, and have the same control blocks. The
 * number of packets.
 */
uint64_t trace_both_ways(void (*scenario)(void));
/* At the end of path_boot(). */
void trace_begin(void);

#endif
