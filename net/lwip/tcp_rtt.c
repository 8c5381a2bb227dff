/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_rtt.c - the round-trip time and the retransmission timeout of RFC 6298. Its formulas are for
 * one sample in a round trip. With a sample for each acknowledgement, the deviation would forget a
 * slow round trip within the next one. So the timeout follows the largest deviation of a round
 * trip: at once if that is larger, by a quarter of the difference if not.
 */
#include "tcp_rtt.h"

#define LEAST_US  30000000u /* how long a least round trip is believed, and twice that at most */
#define SAMPLE_US 60000000u /* larger ones would overflow, and say no more */

void tcp_rtt_init(struct tcp_rtt *r)
{
    *r = (struct tcp_rtt){.rto_us = TCP_RTO_FIRST_US};
}

void tcp_rtt_syn_lost(struct tcp_rtt *r)
{
    if (!r->srtt_us)
        r->rto_us = TCP_RTO_SYN_LOST_US;
}

static void rtt_first(struct tcp_rtt *r, uint32_t rtt_us, uint32_t now_us)
{
    r->srtt_8 = rtt_us * 8;
    r->rttvar_us = r->dev_us = rtt_us / 2;
    r->round_us = now_us;
    r->min_us = r->least_us = rtt_us;
    r->least_since_us = now_us;
}

/*
 * RFC 6298, 2.3: a quarter of the difference. But a sample below the mean is no reason to wait much
 * longer, as it would be after a single slow one.
 */
static void rtt_deviation(struct tcp_rtt *r, uint32_t rtt_us)
{
    bool below = rtt_us < r->srtt_us;
    uint32_t dev = below ? r->srtt_us - rtt_us : rtt_us - r->srtt_us;

    if (dev <= r->dev_us)
        r->dev_us -= (r->dev_us - dev) / 4;
    else
        r->dev_us += (dev - r->dev_us) / (below ? 32 : 4);
}

static void rtt_round(struct tcp_rtt *r, uint32_t rtt_us, uint32_t now_us)
{
    if (r->dev_us > r->round_dev_us)
        r->round_dev_us = r->dev_us;
    if (r->dev_us > r->rttvar_us)
        r->rttvar_us = r->dev_us;
    if (now_us - r->round_us < rtt_us)
        return;
    if (r->round_dev_us < r->rttvar_us)
        r->rttvar_us -= (r->rttvar_us - r->round_dev_us) / 4;
    r->round_dev_us = 0;
    r->round_us = now_us;
}

/* Of two half minutes: one that is over, and the present one. */
static void rtt_least(struct tcp_rtt *r, uint32_t rtt_us, uint32_t now_us)
{
    uint32_t age = now_us - r->least_since_us;

    if (age >= LEAST_US) {
        r->min_us = age < 2 * LEAST_US ? r->least_us : rtt_us;
        r->least_us = rtt_us;
        r->least_since_us = now_us;
    }
    if (rtt_us < r->least_us)
        r->least_us = rtt_us;
    if (rtt_us < r->min_us)
        r->min_us = rtt_us;
}

void tcp_rtt_sample(struct tcp_rtt *r, uint32_t rtt_us, uint32_t now_us)
{
    if (rtt_us == 0)
        rtt_us = 1;
    if (rtt_us > SAMPLE_US)
        rtt_us = SAMPLE_US;
    if (!r->srtt_us) {
        rtt_first(r, rtt_us, now_us);
    } else {
        rtt_deviation(r, rtt_us);
        rtt_round(r, rtt_us, now_us);
        rtt_least(r, rtt_us, now_us);
        r->srtt_8 += rtt_us - r->srtt_us; /* an eighth of the difference (RFC 6298, 2.3) */
    }
    r->srtt_us = r->srtt_8 / 8 ? r->srtt_8 / 8 : 1;
    uint32_t beyond = 4 * r->rttvar_us;
    r->rto_us = r->srtt_us + (beyond > TCP_RTO_MIN_US ? beyond : TCP_RTO_MIN_US);
    if (r->rto_us > TCP_RTO_MAX_US)
        r->rto_us = TCP_RTO_MAX_US;
}

uint32_t tcp_rtt_rto(const struct tcp_rtt *r, unsigned backoff)
{
    uint32_t rto = r->rto_us;

    for (; backoff && rto < TCP_RTO_MAX_US; backoff--)
        rto *= 2;
    return rto < TCP_RTO_MAX_US ? rto : TCP_RTO_MAX_US;
}
