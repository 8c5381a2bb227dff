/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netinet/tcp.h - options of level IPPROTO_TCP.
 */
#ifndef VIREO_NETINET_TCP_H
#define VIREO_NETINET_TCP_H

#define TCP_NODELAY   1 /* int: small segments leave at once */
#define TCP_MAXSEG    2 /* int, read only */
#define TCP_KEEPIDLE  3 /* int, seconds before the first probe */
#define TCP_KEEPINTVL 4 /* int, seconds between probes */
#define TCP_KEEPCNT   5 /* int, probes before the connection is given up */

#endif
