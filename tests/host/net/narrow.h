/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * narrow.h - a connection over a path that may become narrow: side A sends to side B, and what A
 * sends is watched. case_variant is 6 for IPv6.
 */
#ifndef VIREO_TESTS_NET_NARROW_H
#define VIREO_TESTS_NET_NARROW_H

#include "flow.h"

enum { FULL = 1500, MB = 1 << 20 };

/* Of the connection from A to B, and of another one if its `peer` is set. */
extern struct flow_end a, b, c, d;

/* What side A has sent since narrow_forget(). */
extern struct narrow {
    uint32_t longest;                 /* bytes of a packet */
    unsigned whole, cuttable;         /* segments of IPv4 with data, with and without DF */
    uint32_t offered;                 /* the MSS option of its last SYN */
    uint64_t last_arrival, worst_gap; /* between data that arrives at B */
    uint8_t packet[FULL];             /* the last one of over 600 bytes */
    uint32_t len;
    bool recovered; /* A took a loss as a sign of congestion */
} narrow;
void narrow_forget(void);

bool narrow_ip6(void);
/* Bytes of the headers of IP and TCP. */
unsigned narrow_headers(void);

/* More boot arguments, with a space in front. */
extern const char *narrow_bootarg;
void narrow_boot(void);
/* A sends so much to a port of B. */
void narrow_begin(uint64_t bytes, uint16_t port);
/* A sends without end, 5 MB a second. */
void narrow_begin_endless(void);
/* What was written until now is all; it arrives. */
void narrow_end(void);
void narrow_all_arrives(uint64_t bytes);
/* Conditions for path_run(): a MB has arrived; and what a condition calls first. */
bool narrow_half(void);
void narrow_step(void);
void narrow_run(uint64_t ns);

#endif
