/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_cubic.c - CUBIC (RFC 9438): the window is a cubic function of the time since the last loss,
 * flat where that loss happened, and never less than what Reno would have. Integers only: time is
 * counted in ticks of 1/1024 s, windows in bytes. The cube root is taken once a stage, the division
 * once a tick.
 */
#include "tcp_congestion.h"

#define PAUSE_US 200000u    /* longer than a peer delays an acknowledgement */
#define FAR      (1u << 18) /* ticks from k, four minutes: the curve is beyond any window */

/* C is 0.4 segments per cubic second (RFC 9438, 4.1). d ticks from the flat point: in bytes. */
static uint64_t cubic_rise(uint32_t d, uint32_t mss)
{
    uint64_t cube = (uint64_t)d * d * d; /* 54 bits at most */

    return (cube >> 10) * (mss * 2 / 5) >> 20;
}

/* The largest number whose cube is at most v, below 2^21. */
static uint32_t cubic_root(uint64_t v)
{
    uint32_t root = 0;

    for (uint32_t bit = 1u << 20; bit; bit >>= 1) {
        uint64_t r = root | bit;

        if (r * r * r <= v)
            root |= bit;
    }
    return root;
}

/* W_cubic of RFC 9438, 4.2. */
static uint32_t cubic_curve(const struct tcp_cubic *c, uint32_t tick, uint32_t mss)
{
    if (tick < c->k) {
        uint64_t below = cubic_rise(c->k - tick, mss);

        return below < c->origin ? c->origin - (uint32_t)below : 0;
    }
    uint64_t w = c->origin + cubic_rise(tick - c->k < FAR ? tick - c->k : FAR, mss);

    return w < TCP_CC_MAX ? (uint32_t)w : TCP_CC_MAX;
}

/* Multiplied, not divided: 1024 / 10^6 is 4398047 / 2^32. */
static uint32_t cubic_ticks(uint32_t us)
{
    return (uint32_t)((uint64_t)us * 4398047 >> 32);
}

static void cubic_begin(struct tcp_cc *cc, uint32_t now_us)
{
    struct tcp_cubic *c = &cc->state.cubic;

    c->epoch = true;
    c->epoch_us = c->last_us = now_us;
    c->w_est = cc->cwnd;
    c->w_est_acked = c->part = 0;
    c->tick = UINT32_MAX;
    c->k = 0;
    c->origin = cc->cwnd;
    if (c->w_max > cc->cwnd) {
        /* In ticks: the cube root of segments / 0.4, times 1024 (RFC 9438, 4.2). */
        c->k = cubic_root(((uint64_t)(c->w_max - cc->cwnd) << 30) / cc->mss / 2 * 5);
        c->origin = c->w_max;
    }
}

/* The Reno-friendly region (RFC 9438, 4.3). */
static void cubic_estimate(struct tcp_cc *cc, uint32_t acked)
{
    struct tcp_cubic *c = &cc->state.cubic;

    c->w_est_acked += acked;
    if (c->w_est_acked < cc->cwnd)
        return;
    c->w_est_acked = c->w_est_acked - cc->cwnd < cc->cwnd ? c->w_est_acked - cc->cwnd : 0;
    c->w_est += c->w_est < c->w_prior ? cc->mss * 9 / 17 : cc->mss;
    if (c->w_est > TCP_CC_MAX)
        c->w_est = TCP_CC_MAX;
}

static void cubic_aim(struct tcp_cc *cc, uint32_t tick, uint32_t srtt_us)
{
    struct tcp_cubic *c = &cc->state.cubic;
    uint32_t most = cc->cwnd + cc->cwnd / 2, target;

    target = cubic_curve(c, tick + cubic_ticks(srtt_us), cc->mss);
    if (target > most)
        target = most;
    if (target < cc->cwnd)
        target = cc->cwnd;
    c->tick = tick;
    c->target = target;
    c->gain = (uint32_t)(((uint64_t)(target - cc->cwnd) << 16) / cc->cwnd);
}

static void cubic_grow(struct tcp_cc *cc, uint32_t acked, uint32_t srtt_us, uint32_t now_us)
{
    struct tcp_cubic *c = &cc->state.cubic;
    uint32_t pause;

    if (!c->epoch || cubic_ticks(now_us - c->epoch_us) >= c->k + FAR)
        cubic_begin(cc, now_us);
    pause = now_us - c->last_us;
    c->last_us = now_us;
    if (pause > srtt_us + PAUSE_US)
        c->epoch_us += pause;
    uint32_t tick = cubic_ticks(now_us - c->epoch_us);
    if (tick != c->tick)
        cubic_aim(cc, tick, srtt_us);
    cubic_estimate(cc, acked);

    uint64_t growth = (uint64_t)acked * c->gain + c->part;
    uint64_t window = cc->cwnd + (growth >> 16);
    c->part = (uint32_t)growth & 0xffff;
    if (cc->cwnd < c->target)
        cc->cwnd = window < c->target ? (uint32_t)window : c->target;
    if (cc->cwnd < c->w_est)
        cc->cwnd = c->w_est;
}

static uint32_t cubic_reduce(struct tcp_cc *cc, uint32_t window, bool timeout)
{
    struct tcp_cubic *c = &cc->state.cubic;

    c->epoch = false;
    c->w_prior = window;
    if (timeout)
        c->w_max = 0; /* the next stage begins at its own flat point (RFC 9438, 4.8) */
    else if (window < c->w_max)
        c->w_max = (uint32_t)((uint64_t)window * 17 / 20); /* room for a new flow (4.7) */
    else
        c->w_max = window;
    return (uint32_t)((uint64_t)window * 7 / 10);
}

/* An application that paused, or a full peer, does not let the curve rise (RFC 9438, 5.8). */
static void cubic_unused(struct tcp_cc *cc, uint32_t now_us)
{
    struct tcp_cubic *c = &cc->state.cubic;

    c->epoch_us += now_us - c->last_us;
    c->last_us = now_us;
}

static void cubic_restart(struct tcp_cc *cc)
{
    cc->state.cubic.epoch = false;
}

const struct tcp_cc_alg tcp_cc_cubic = {"cubic", cubic_reduce, cubic_grow, cubic_unused,
                                        cubic_restart};
