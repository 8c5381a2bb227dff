/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_check.h - the checks in front of lwIP: what its parsers take for granted of a frame.
 * They look at the frame alone, and change nothing.
 */
#ifndef VIREO_FRAME_CHECK_H
#define VIREO_FRAME_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip/ip_addr.h"
#include "lwip/prot/tcp.h"

/* The TCP segment in a frame. Not a whole segment: tcp is NULL, and nothing else is set. */
struct net_segment {
    ip_addr_t src, dst;        /* without zones */
    const struct tcp_hdr *tcp; /* in the frame */
    unsigned len;              /* bytes of header, options and data */
};

/*
 * May lwIP see the frame: `len` bytes, contiguous, from its Ethernet header on (at least 14)? The
 * Ethernet header ends on a multiple of 4. Fills *s if so.
 */
bool net_frame_ok(const uint8_t *frame, unsigned len, struct net_segment *s);

#endif
