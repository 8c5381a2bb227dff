/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netinet/tcp.h - options of level IPPROTO_TCP, with Linux' numbers and meaning (docs/tcp.md). A
 * connection inherits its listener's but for TCP_DEFER_ACCEPT.
 */
#ifndef VIREO_NETINET_TCP_H
#define VIREO_NETINET_TCP_H

#define SOL_TCP 6

#define TCP_NODELAY       1 /* int: small segments leave at once */
#define TCP_MAXSEG        2 /* int, bytes of the largest segment, 88 to 32767; the largest so far */
#define TCP_CORK          3 /* int: only full segments leave; others after 200 ms */
#define TCP_KEEPIDLE      4 /* int, seconds before the first probe */
#define TCP_KEEPINTVL     5 /* int, seconds between probes */
#define TCP_KEEPCNT       6 /* int, probes before the connection is given up */
#define TCP_LINGER2       8 /* int, seconds in FIN_WAIT_2 after close(), 120 at most; -1: none */
#define TCP_DEFER_ACCEPT  9 /* int, seconds that accept() waits for the first data */
#define TCP_WINDOW_CLAMP  10 /* int, bytes: no larger receive window is announced */
#define TCP_CONGESTION    13 /* char[TCP_CA_NAME_MAX]: "cubic", "reno" */
#define TCP_NOTSENT_LOWAT 25 /* unsigned, bytes: with as many unsent ones, no more are taken */

#define TCP_CA_NAME_MAX 16

#endif
