/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_cookie.h - SYN cookies (RFC 4987, section 3.6): an initial sequence number from which the end
 * of a handshake is recognized, though nothing was kept of its beginning.
 */
#ifndef VIREO_TCP_COOKIE_H
#define VIREO_TCP_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip/ip_addr.h"

#define TCP_COOKIE_NS (64 * HAL_SEC) /* a cookie is taken for so long, and up to twice as long */

/* Two ends, and the peer's initial sequence number. */
struct tcp_cookie_of {
    const ip_addr_t *local, *remote;
    u16_t local_port, remote_port;
    u32_t irs;
};

/*
 * The number of the SYN-ACK. It holds the segment size of the peer (bytes, from 48 on), rounded
 * down to one of eight.
 */
u32_t tcp_cookie_make(const struct tcp_cookie_of *of, u16_t mss, uint64_t now_ns);
/* Is iss a cookie that was made of this, and not long ago? *mss: the segment size that it holds. */
bool tcp_cookie_is(const struct tcp_cookie_of *of, u32_t iss, uint64_t now_ns, u16_t *mss);

/* Options of a SYN that a timestamp can hold. */
struct tcp_cookie_options {
    u8_t scale; /* of its windows */
    bool scaled, sack;
};

/* The timestamp of the SYN-ACK, at most 31 ms before `clock`, which is in ms. */
u32_t tcp_cookie_stamp(u32_t clock, const struct tcp_cookie_options *options);
/* What such a timestamp holds, as it is echoed; false: it is none of the last two minutes. */
bool tcp_cookie_read_stamp(u32_t clock, u32_t echo, struct tcp_cookie_options *options);

#endif
