/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netinet/tcp.h - options of level IPPROTO_TCP, with Linux' numbers and meaning.
 */
#ifndef VIREO_NETINET_TCP_H
#define VIREO_NETINET_TCP_H

#define TCP_NODELAY      1 /* int: small segments leave at once */
#define TCP_MAXSEG       2 /* int, read only */
#define TCP_KEEPIDLE     4 /* int, seconds before the first probe */
#define TCP_KEEPINTVL    5 /* int, seconds between probes */
#define TCP_KEEPCNT      6 /* int, probes before the connection is given up */
#define TCP_DEFER_ACCEPT 9 /* int, seconds that accept() waits for a connection's first data */

#endif
