/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * segment.h - a TCP segment in an IP packet: read, and made.
 */
#ifndef VIREO_TESTS_NET_SEGMENT_H
#define VIREO_TESTS_NET_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

enum { SEG_FIN = 1, SEG_SYN = 2, SEG_RST = 4, SEG_PSH = 8, SEG_ACK = 16, SEG_CWR = 128 };
#define SEG_BLOCKS  4
#define SEG_NO_OPTS (-1)

/* Numbers in host byte order. Options that are not there are 0. */
struct segment {
    uint16_t sport, dport;
    uint32_t seq, ack;
    unsigned flags, window; /* the window unscaled */
    const uint8_t *data;
    uint32_t len; /* of data */
    uint32_t mss; /* option 2 */
    int scale;    /* option 3; < 0: none */
    bool sack_ok; /* option 4 */
    bool stamped; /* option 8 */
    uint32_t stamp, echo;
    unsigned blocks; /* option 5 */
    struct {
        uint32_t start, end;
    } block[SEG_BLOCKS];
};

/* Reads an IPv4 or IPv6 packet; false (and *s zero): not a whole segment of TCP. */
bool segment_read(struct segment *s, const uint8_t *packet, uint32_t len);
/* Makes an IPv4 packet with right sums; addresses in host byte order. Returns its length. */
uint32_t segment_make(const struct segment *s, uint32_t from, uint32_t to, uint8_t *packet);
/*
 * What a card does to a packet of which the sum is that of the pseudo header: CHECKs that sum,
 * completes it, and makes packets with `size` bytes of data of one that has more. fn is called for
 * each.
 */
void segment_cut(const uint8_t *packet, uint32_t len, uint32_t size,
                 void (*fn)(void *arg, const uint8_t *packet, uint32_t len), void *arg);
/* Sequence numbers that the segment takes. */
static inline uint32_t segment_span(const struct segment *s)
{
    return s->len + !!(s->flags & SEG_SYN) + !!(s->flags & SEG_FIN);
}

/* The sum of 16-bit words (RFC 1071), added to another; and what a header holds of it. */
uint32_t segment_sum(uint32_t sum, const uint8_t *p, uint32_t len);
uint16_t segment_folded(uint32_t sum);
/* A sum at `at`, after `len` bytes under it changed (RFC 1624). len is even. */
void segment_sum_change(uint8_t *at, const uint8_t *old, const uint8_t *new, uint32_t len);

#endif
