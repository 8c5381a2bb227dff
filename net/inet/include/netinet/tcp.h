/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netinet/tcp.h - options of level IPPROTO_TCP, with Linux' numbers and meaning.
 */
#ifndef VIREO_NETINET_TCP_H
#define VIREO_NETINET_TCP_H

#define TCP_NODELAY      1 /* int: small segments leave at once */
#define TCP_MAXSEG       2 /* int, read only */
#define TCP_CORK         3 /* int: only full segments leave; others after 200 ms */
#define TCP_KEEPIDLE     4 /* int, seconds before the first probe */
#define TCP_KEEPINTVL    5 /* int, seconds between probes */
#define TCP_KEEPCNT      6 /* int, probes before the connection is given up */
#define TCP_LINGER2      8 /* int, seconds in FIN_WAIT_2 after close(), 120 at most; -1: none */
#define TCP_DEFER_ACCEPT 9 /* int, seconds that accept() waits for a connection's first data */

#endif
