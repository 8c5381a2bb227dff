/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_cookie.c - SYN cookies: 29 bits of a keyed hash of both ends, the peer's number and the
 * time, and three that hold the segment size, hidden by three more of the hash. Who guesses finds
 * one in 2^28 segments to be right.
 */
#include "tcp_cookie.h"

#include "net_impl.h"

enum { SIZE_BITS = 3, SIZES = 1 << SIZE_BITS };
enum { SCALE_MAX = 14, SCALE_NONE = 15 }; /* RFC 7323, 2.3; in four bits */

#define STAMP_BITS 31u

/* Segment sizes: the least that is taken, RFC 9293's default, IPv6's, tunnels', Ethernet's. */
static const u16_t cookie_mss[SIZES] = {48, 256, 536, 1220, 1360, 1400, 1440, 1460};

static u32_t cookie_hash(const struct tcp_cookie_of *of, uint32_t time)
{
    struct {
        uint32_t local[4], remote[4], ports, irs, time;
    } id = {{0}, {0}, (uint32_t)of->local_port << 16 | of->remote_port, of->irs, time};

    if (IP_IS_V6(of->local)) {
        memcpy(id.local, ip_2_ip6(of->local)->addr, sizeof(id.local));
        memcpy(id.remote, ip_2_ip6(of->remote)->addr, sizeof(id.remote));
    } else {
        id.local[0] = ip_2_ip4(of->local)->addr;
        id.remote[0] = ip_2_ip4(of->remote)->addr;
    }
    return (u32_t)net_hash(&id, sizeof(id));
}

static uint32_t cookie_time(uint64_t now_ns)
{
    return (uint32_t)(now_ns / TCP_COOKIE_NS);
}

u32_t tcp_cookie_make(const struct tcp_cookie_of *of, u16_t mss, uint64_t now_ns)
{
    u32_t size = SIZES - 1;

    while (size && cookie_mss[size] > mss)
        size--;
    return cookie_hash(of, cookie_time(now_ns)) ^ size;
}

bool tcp_cookie_is(const struct tcp_cookie_of *of, u32_t iss, uint64_t now_ns, u16_t *mss)
{
    for (uint32_t age = 0; age < 2; age++) {
        u32_t rest = iss ^ cookie_hash(of, cookie_time(now_ns) - age);

        if (rest < SIZES) {
            *mss = cookie_mss[rest];
            return true;
        }
    }
    return false;
}

/* ---- options, in five bits of a timestamp ---------------------------------------------------- */

u32_t tcp_cookie_stamp(u32_t clock, const struct tcp_cookie_options *options)
{
    u32_t scale = options->scale < SCALE_MAX ? options->scale : SCALE_MAX;
    u32_t bits = (options->scaled ? scale : SCALE_NONE) << 1 | options->sack;
    u32_t stamp = (clock & ~STAMP_BITS) | bits;

    return bits > (clock & STAMP_BITS) ? stamp - STAMP_BITS - 1 : stamp;
}

bool tcp_cookie_read_stamp(u32_t clock, u32_t echo, struct tcp_cookie_options *options)
{
    u8_t scale = (u8_t)((echo & STAMP_BITS) >> 1);

    if (clock - echo > 2 * TCP_COOKIE_NS / HAL_MS)
        return false;
    *options = (struct tcp_cookie_options){scale < SCALE_MAX ? scale : SCALE_MAX,
                                           scale != SCALE_NONE, echo & 1};
    return true;
}
