/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_reno.c - congestion avoidance of RFC 5681, counted in bytes (RFC 3465): the window grows by a
 * segment when as much as the window was acknowledged, and a loss halves it.
 */
#include "tcp_congestion.h"

static uint32_t reno_reduce(struct tcp_cc *cc, uint32_t window, bool timeout)
{
    (void)timeout;
    cc->state.reno.acked = 0;
    return window / 2;
}

static void reno_grow(struct tcp_cc *cc, uint32_t acked, uint32_t srtt_us, uint32_t now_us)
{
    struct tcp_reno *r = &cc->state.reno;

    (void)srtt_us;
    (void)now_us;
    r->acked += acked;
    if (r->acked < cc->cwnd)
        return;
    r->acked = r->acked - cc->cwnd < cc->cwnd ? r->acked - cc->cwnd : 0;
    cc->cwnd += cc->mss;
}

static void reno_unused(struct tcp_cc *cc, uint32_t now_us)
{
    (void)cc;
    (void)now_us;
}

static void reno_restart(struct tcp_cc *cc)
{
    cc->state.reno.acked = 0;
}

const struct tcp_cc_alg tcp_cc_reno = {"reno", reno_reduce, reno_grow, reno_unused, reno_restart};
