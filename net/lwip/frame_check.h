/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_check.h - the checks in front of lwIP: what its parsers take for granted of a packet. They
 * look at the packet alone, and change nothing.
 */
#ifndef VIREO_FRAME_CHECK_H
#define VIREO_FRAME_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip/ip_addr.h"
#include "lwip/prot/tcp.h"

/* What a packet is. Where it is no whole one of TCP or UDP, proto, upper, data and len are 0. */
struct net_segment {
    const uint8_t *packet;     /* its first byte */
    const struct tcp_hdr *tcp; /* NULL: not a whole segment of TCP */
    uint32_t total;            /* bytes of the packet by its own length, without padding */
    uint32_t len;              /* bytes from the header of TCP or UDP on */
    uint8_t proto;             /* IP_PROTO_TCP, IP_PROTO_UDP */
    bool plain;                /* over IPv4, no options of IP, no SYN */
    uint16_t upper, data;      /* where that header begins, and what follows it, in the packet */
};

enum net_verdict {
    NET_BAD,    /* lwIP must not see it */
    NET_GOOD,   /* it may */
    NET_UNSEEN, /* headers may lie beyond the bytes at hand: *s is not set */
};

/*
 * May lwIP see the packet of `len` bytes, padding included, of which the first `have` are at hand,
 * on a multiple of 4? type: of the Ethernet frame, network byte order. Fills *s if it is good.
 */
enum net_verdict net_packet_judge(unsigned type, const uint8_t *packet, unsigned have, unsigned len,
                                  struct net_segment *s);
/*
 * The same for a segment of TCP behind a header of IPv4 without options, which was judged: may lwIP
 * see it? len: bytes of the packet, all at hand. Fills *s if so.
 */
bool net_tcp_judge(const uint8_t *packet, unsigned len, struct net_segment *s);

/* The addresses of a packet of IP, without zones. */
void net_segment_ends(const struct net_segment *s, ip_addr_t *from, ip_addr_t *to);

#endif
