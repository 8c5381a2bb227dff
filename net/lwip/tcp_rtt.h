/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_rtt.h - the round-trip time of a connection and the retransmission timeout (RFC 6298). Pure
 * code. Times are microseconds.
 */
#ifndef VIREO_TCP_RTT_H
#define VIREO_TCP_RTT_H

#include <stdbool.h>
#include <stdint.h>

#define TCP_RTO_FIRST_US    1000000u   /* before a measurement (RFC 6298, 2.1) */
#define TCP_RTO_SYN_LOST_US 3000000u   /* of data, if that sent the SYN again (RFC 6298, 5.7) */
#define TCP_RTO_MIN_US      200000u    /* beyond the mean: a peer may delay its acknowledgement */
#define TCP_RTO_MAX_US      120000000u /* backed off */

/* All zeros: nothing was measured. */
struct tcp_rtt {
    uint32_t srtt_us;   /* the smoothed mean; 0: nothing was measured */
    uint32_t rttvar_us; /* the deviation that the timeout allows for */
    uint32_t rto_us;    /* without back-off */
    uint32_t min_us;    /* the least of the last half a minute to a minute; 0: not measured */
    /* Of tcp_rtt.c only. */
    uint32_t srtt_8;       /* the mean, times 8 */
    uint32_t dev_us;       /* the smoothed mean deviation, by each sample */
    uint32_t round_us;     /* when the present round trip began */
    uint32_t round_dev_us; /* the largest dev_us in this round trip */
    uint32_t least_us;     /* of the present half minute */
    uint32_t least_since_us;
};

/* Before the SYN. */
void tcp_rtt_init(struct tcp_rtt *r);
/* The timer of a SYN or SYN-ACK fired. */
void tcp_rtt_syn_lost(struct tcp_rtt *r);
/*
 * A round trip took rtt_us (0 counts as 1). Of a segment that was sent once, or known from a time
 * stamp (Karn's rule, RFC 6298, 3). There may be one for each acknowledgement.
 */
void tcp_rtt_sample(struct tcp_rtt *r, uint32_t rtt_us, uint32_t now_us);
/* The timeout after it has fired `backoff` times in a row: doubled each time, to two minutes. */
uint32_t tcp_rtt_rto(const struct tcp_rtt *r, unsigned backoff);

#endif
