/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_congestion.c - the congestion window of a connection (RFC 5681): what all algorithms have in
 * common. Slow start that ends before the queue overflows (HyStart++, RFC 9406), the initial window
 * (RFC 6928), proportional rate reduction (RFC 9937), undoing, the restart after a pause, pacing.
 * The algorithms decide about congestion avoidance and about how far a loss lowers the window.
 */
#include "tcp_congestion.h"

#include <string.h>

static const struct tcp_cc_alg *const algorithms[TCP_CC_COUNT] = {
    [TCP_CC_CUBIC] = &tcp_cc_cubic,
    [TCP_CC_RENO] = &tcp_cc_reno,
};

static const struct tcp_cc_alg *cc_alg(const struct tcp_cc *cc)
{
    return algorithms[cc->alg];
}

static uint32_t cc_min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t cc_max(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* ---- algorithms by name ---------------------------------------------------------------------- */

const char *tcp_cc_name(unsigned alg)
{
    return alg < TCP_CC_COUNT ? algorithms[alg]->name : NULL;
}

int tcp_cc_find(const char *name)
{
    for (unsigned i = 0; i < TCP_CC_COUNT; i++)
        if (strcmp(algorithms[i]->name, name) == 0)
            return (int)i;
    return -1;
}

void tcp_cc_choose(struct tcp_cc *cc, unsigned alg)
{
    if (alg == cc->alg)
        return;
    cc->alg = (uint8_t)alg;
    memset(&cc->state, 0, sizeof(cc->state));
    cc->can_undo = false; /* what it would give back is the other algorithm's */
}

/* ---- the beginning --------------------------------------------------------------------------- */

void tcp_cc_init(struct tcp_cc *cc, unsigned alg)
{
    *cc = (struct tcp_cc){.alg = (uint8_t)alg, .ssthresh = TCP_CC_MAX, .mss = 1, .cwnd = 1};
}

/* RFC 6928, 2. */
static uint32_t cc_initial_window(uint32_t mss)
{
    return cc_min(10 * mss, cc_max(2 * mss, 14600));
}

void tcp_cc_established(struct tcp_cc *cc, uint32_t mss)
{
    cc->mss = cc_max(mss, 1);
    cc->established = true;
    cc->cwnd = cc->syn_lost ? cc->mss : cc_initial_window(cc->mss);
}

/* ---- slow start ------------------------------------------------------------------------------ */

#define HYSTART_SAMPLES    8
#define HYSTART_RISE_LEAST 4000u /* microseconds */
#define HYSTART_RISE_MOST  16000u
#define CSS_ROUNDS         5
#define CSS_DIVISOR        4 /* conservative slow start grows so many times slower */
#define UNPACED_SEGMENTS   8 /* by which one acknowledgement lets the window grow, at most */

static void hystart_end_round(struct tcp_cc *cc, uint32_t in_flight)
{
    struct tcp_hystart *h = &cc->hystart;

    h->round_left = in_flight;
    h->last_rtt = h->rtt;
    h->rtt = 0;
    if (h->css_rounds && ++h->css_rounds > CSS_ROUNDS)
        cc->ssthresh = cc_max(cc->cwnd, 2 * cc->mss);
}

/* A part of a round, with its least round trip, is over. */
static void hystart_judge(struct tcp_hystart *h, uint32_t rtt_us)
{
    uint32_t rise = cc_max(HYSTART_RISE_LEAST, cc_min(h->last_rtt / 8, HYSTART_RISE_MOST));

    if (h->css_rounds) {
        if (rtt_us < h->baseline)
            h->css_rounds = 0; /* the delay did not last: slow start goes on */
    } else if (h->last_rtt && rtt_us >= h->last_rtt + rise) {
        h->baseline = rtt_us;
        h->css_rounds = 1;
    }
}

/*
 * RFC 9406 judges the least round trip of a whole round, and so learns of a queue that grew in this
 * round from the next one, when the window has doubled. Here each part of a round is judged that
 * has enough samples, and takes an eighth of a round trip, so that acknowledgements which were held
 * up together are not a part by themselves.
 */
static void hystart_sample(struct tcp_hystart *h, uint32_t rtt_us, uint32_t now_us)
{
    if (!h->samples) {
        h->part_rtt = rtt_us;
        h->part_us = now_us;
    }
    h->rtt = h->rtt ? cc_min(h->rtt, rtt_us) : rtt_us;
    h->part_rtt = cc_min(h->part_rtt, rtt_us);
    if (h->samples < HYSTART_SAMPLES)
        h->samples++;
    if (h->samples == HYSTART_SAMPLES && now_us - h->part_us >= rtt_us / 8) {
        hystart_judge(h, h->part_rtt);
        h->samples = 0;
    }
}

/* RFC 9406, 4.2, in the first slow start: does the round trip grow longer? */
static void hystart_acked(struct tcp_cc *cc, uint32_t acked, uint32_t in_flight_before,
                          uint32_t rtt_us, uint32_t now_us)
{
    struct tcp_hystart *h = &cc->hystart;

    if (rtt_us)
        hystart_sample(h, rtt_us, now_us);
    if (acked < h->round_left)
        h->round_left -= acked;
    else
        hystart_end_round(cc, in_flight_before - cc_min(acked, in_flight_before));
}

/*
 * Pacing costs a timer for each burst. It pays where a burst is longer than queues on the way may
 * be, which RFC 6928 takes to be more than ten segments, and where the round trip is much longer
 * than the timer's precision.
 */
#define PACED_SEGMENTS 16
#define PACED_RTT_US   2000

static bool cc_paced(const struct tcp_cc *cc, uint32_t srtt_us)
{
    return srtt_us >= PACED_RTT_US && cc->cwnd > PACED_SEGMENTS * cc->mss;
}

uint32_t tcp_cc_pacing_us(const struct tcp_cc *cc, uint32_t bytes, uint32_t srtt_us)
{
    uint64_t window = cc->cwnd;

    if (!cc_paced(cc, srtt_us))
        return 0;
    /* Twice the window in a round trip, for it doubles; else 1.2 times, so that it is used up. */
    if (cc->cwnd < cc->ssthresh / 2)
        return (uint32_t)((uint64_t)bytes * srtt_us / (window * 2));
    return (uint32_t)((uint64_t)bytes * srtt_us * 5 / (window * 6));
}

/* The window grows by what was acknowledged. Returns what is left for congestion avoidance. */
static uint32_t cc_slow_start(struct tcp_cc *cc, uint32_t acked, uint32_t srtt_us)
{
    uint32_t growth = acked, room = cc->ssthresh - cc->cwnd;

    if (!cc_paced(cc, srtt_us))
        growth = cc_min(growth, UNPACED_SEGMENTS * cc->mss);
    if (cc->hystart.css_rounds)
        growth /= CSS_DIVISOR;
    if (growth <= room) {
        cc->cwnd += growth;
        return 0;
    }
    cc->cwnd = cc->ssthresh;
    return acked - room;
}

void tcp_cc_acked(struct tcp_cc *cc, uint32_t acked, uint32_t in_flight_before, uint32_t rtt_us,
                  uint32_t srtt_us, uint32_t now_us, bool limited)
{
    bool slow = tcp_cc_slow_start(cc);

    cc->limited = limited;
    if (!limited && !(slow && in_flight_before > cc->cwnd / 2)) {
        cc_alg(cc)->unused(cc, now_us);
        return;
    }
    if (cc->ssthresh == TCP_CC_MAX) {
        hystart_acked(cc, acked, in_flight_before, rtt_us, now_us);
        slow = tcp_cc_slow_start(cc);
    }
    if (slow)
        acked = cc_slow_start(cc, acked, srtt_us);
    if (acked)
        cc_alg(cc)->grow(cc, acked, srtt_us, now_us);
    cc->cwnd = cc_min(cc->cwnd, TCP_CC_MAX);
}

/* ---- loss ------------------------------------------------------------------------------------ */

/* Keeps the windows for an undo, and lowers ssthresh from what was in use. */
static void cc_reduce(struct tcp_cc *cc, uint32_t in_flight, bool timeout)
{
    uint32_t window = cc->limited ? cc->cwnd : cc_min(cc->cwnd, in_flight);

    cc->prior_cwnd = cc->cwnd;
    cc->prior_ssthresh = cc->ssthresh;
    cc->prior = cc->state;
    cc->can_undo = true;
    cc->ssthresh = cc_max(cc_alg(cc)->reduce(cc, window, timeout), 2 * cc->mss);
    memset(&cc->hystart, 0, sizeof(cc->hystart));
}

void tcp_cc_enter_recovery(struct tcp_cc *cc, uint32_t in_flight)
{
    if (cc->recovering)
        return;
    cc_reduce(cc, in_flight, false);
    cc->recovering = true;
    cc->flight = cc_max(in_flight, cc->mss);
    cc->delivered = cc->out = 0;
}

/* RFC 9937, 6. */
void tcp_cc_recovering(struct tcp_cc *cc, uint32_t delivered, uint32_t lost_now, uint32_t in_flight,
                       bool advanced)
{
    uint64_t send = 0, due;

    if (!cc->recovering || (!delivered && cc->out))
        return;
    cc->delivered += delivered;
    if (in_flight > cc->ssthresh) {
        due = ((uint64_t)cc->delivered * cc->ssthresh + cc->flight - 1) / cc->flight;
        if (due > cc->out)
            send = due - cc->out;
    } else {
        send = delivered;
        if (cc->delivered > cc->out)
            send = cc_max(delivered, cc->delivered - cc->out);
        if (advanced && !lost_now)
            send += cc->mss;
        if (send > cc->ssthresh - in_flight)
            send = cc->ssthresh - in_flight;
    }
    if (!cc->out && send < cc->mss)
        send = cc->mss; /* the first retransmission is always sent */
    if (send > TCP_CC_MAX)
        send = TCP_CC_MAX;
    cc->cwnd = cc_max(cc_min(in_flight + (uint32_t)send, TCP_CC_MAX), cc->mss);
}

void tcp_cc_recovered(struct tcp_cc *cc)
{
    if (!cc->recovering)
        return;
    cc->recovering = false;
    cc->cwnd = cc->ssthresh;
    cc_alg(cc)->restart(cc);
}

void tcp_cc_timeout(struct tcp_cc *cc, uint32_t in_flight, bool again)
{
    if (!cc->established) {
        cc->syn_lost = again; /* once may be a delay (RFC 6928, section 2) */
        return;
    }
    if (cc->recovering) { /* the loss before was real, whatever this timeout turns out to be */
        cc->prior_cwnd = cc->prior_ssthresh = cc->ssthresh;
        cc->prior = cc->state;
        cc->recovering = false;
    } else if (!again) {
        cc_reduce(cc, in_flight, true);
    }
    cc->cwnd = cc->mss;
    cc_alg(cc)->restart(cc);
}

void tcp_cc_undo(struct tcp_cc *cc)
{
    if (!cc->can_undo)
        return;
    cc->can_undo = false;
    cc->recovering = false;
    cc->cwnd = cc_max(cc->cwnd, cc->prior_cwnd);
    cc->ssthresh = cc_max(cc->prior_ssthresh, 2 * cc->mss); /* which may have grown */
    cc->state = cc->prior;
}

/* ---- pauses and the path --------------------------------------------------------------------- */

void tcp_cc_idle(struct tcp_cc *cc, uint32_t idle_us, uint32_t rto_us)
{
    uint32_t initial = cc_initial_window(cc->mss);

    if (idle_us <= rto_us || !cc->established)
        return;
    if (cc->cwnd > initial) {
        cc->ssthresh = cc_max(cc->ssthresh, cc->cwnd - cc->cwnd / 4);
        cc->cwnd = initial;
    }
    memset(&cc->hystart, 0, sizeof(cc->hystart));
    cc_alg(cc)->restart(cc);
}

void tcp_cc_mss(struct tcp_cc *cc, uint32_t mss)
{
    bool initial = cc->cwnd == cc_initial_window(cc->mss);

    cc->mss = cc_max(mss, 1);
    if (initial && cc->ssthresh == TCP_CC_MAX)
        cc->cwnd = cc_initial_window(cc->mss);
    cc->cwnd = cc_max(cc->cwnd, cc->mss);
    cc->ssthresh = cc_max(cc->ssthresh, 2 * cc->mss);
}
