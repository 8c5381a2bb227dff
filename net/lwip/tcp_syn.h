/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_syn.h - SYNs and SYN-ACKs, read and written without a control block.
 */
#ifndef VIREO_TCP_SYN_H
#define VIREO_TCP_SYN_H

#include <stdbool.h>

#include "lwip/ip_addr.h"
#include "tcp_cookie.h"

struct netif;
struct pbuf;
struct tcp_hdr;
struct tcp_pcb_listen;

/* What a SYN or SYN-ACK says. */
struct tcp_syn {
    u16_t mss; /* 0: no such option */
    u16_t window;
    struct tcp_cookie_options options;
    bool stamped;
    u32_t stamp, echo; /* RFC 7323 */
};

/*
 * Reads a segment, whose header is in host byte order and whole, and whose options lie within it
 * (frame_check.c).
 */
void tcp_syn_read(struct tcp_syn *says, const struct tcp_hdr *h);
/* A SYN, a SYN-ACK or an ACK, by its flags, without ports and sum. NULL: no memory. */
struct pbuf *tcp_syn_write(const struct tcp_syn *says, unsigned flags, u32_t seq, u32_t ack);
/* Its ports (host byte order). */
void tcp_syn_ports(struct pbuf *p, u16_t from, u16_t to);
/*
 * Makes its sum, sends it, for a listener, and frees it. mac: a neighbour that is not known yet is
 * reached there, and is not asked for, since it may not exist; NULL: as other packets go.
 */
void tcp_syn_output(struct pbuf *p, struct netif *netif, const ip_addr_t *src, const ip_addr_t *dst,
                    const struct tcp_pcb_listen *l, const uint8_t *mac);

#endif
