/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_check.h - the checks in front of lwIP: what its parsers take for granted of a frame.
 */
#ifndef VIREO_FRAME_CHECK_H
#define VIREO_FRAME_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip/ip_addr.h"
#include "lwip/prot/tcp.h"

/* A TCP segment that is no fragment; else tcp is NULL. */
struct net_segment {
    ip_addr_t src, dst;
    const struct tcp_hdr *tcp;
    unsigned len; /* header, options and data */
};

/* Is the frame, of len bytes from its Ethernet header on (at least 14), one that lwIP may see? */
bool net_frame_ok(const uint8_t *frame, unsigned len, struct net_segment *s);

#endif
