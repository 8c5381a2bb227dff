/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_congestion.h - how much of a connection may be in flight: the congestion window. Pure code:
 * it knows neither lwIP nor a clock. Windows and amounts are bytes, times are microseconds of a
 * clock that wraps (tcp_now_us()); a segment is `mss` bytes, whatever the network card is given at
 * once.
 *
 * Who keeps the queues calls, for each acknowledgement, either tcp_cc_acked() or, between
 * tcp_cc_enter_recovery() and tcp_cc_recovered(), tcp_cc_recovering(); and tcp_cc_sent() for each
 * transmission. It sends while less than tcp_cc_window() is in flight.
 */
#ifndef VIREO_TCP_CONGESTION_H
#define VIREO_TCP_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

enum { TCP_CC_CUBIC, TCP_CC_RENO, TCP_CC_COUNT };

#define TCP_CC_MAX 0x3fffffffu /* of a window: the largest that TCP can announce (RFC 7323) */

/* Of tcp_cubic.c. */
struct tcp_cubic {
    uint32_t w_max;       /* the window before the last reduction; 0: none since a timeout */
    uint32_t w_prior;     /* the same, without fast convergence */
    uint32_t epoch_us;    /* when the present stage of congestion avoidance began */
    uint32_t k;           /* when it reaches w_max: seconds / 1024 after that */
    uint32_t origin;      /* the window at that point */
    uint32_t w_est;       /* what Reno would have */
    uint32_t w_est_acked; /* acknowledged, and not yet counted in w_est */
    uint32_t last_us;     /* the last acknowledgement of this epoch */
    uint32_t tick;        /* the time of target and gain: seconds / 1024 of this stage */
    uint32_t target;      /* the window a round trip later */
    uint32_t gain;        /* growth for each acknowledged byte, / 65536 */
    uint32_t part;        /* growth of less than a byte, / 65536 */
    bool epoch;           /* the stage has begun */
};

/* Of tcp_reno.c. */
struct tcp_reno {
    uint32_t acked; /* since the window last grew */
};

union tcp_cc_state {
    struct tcp_cubic cubic;
    struct tcp_reno reno;
};

/* Slow start's search for a delay that rises (RFC 9406). */
struct tcp_hystart {
    uint32_t round_left; /* bytes to acknowledge until the round ends */
    uint32_t last_rtt;   /* the least of the last round; 0: unknown */
    uint32_t rtt;        /* the least of this round */
    uint32_t part_rtt;   /* the least of this part of the round */
    uint32_t part_us;    /* when that part began */
    uint32_t baseline;   /* the least of the part that looked congested */
    uint8_t samples;     /* in this part */
    uint8_t css_rounds;  /* rounds in conservative slow start; 0: not in it */
};

struct tcp_cc {
    uint32_t cwnd;
    uint32_t ssthresh;
    uint32_t mss;
    uint8_t alg;
    bool recovering;  /* between tcp_cc_enter_recovery() and tcp_cc_recovered() */
    bool established; /* tcp_cc_established() was called */
    bool syn_lost;    /* two timeouts came before that */
    bool limited;     /* the window kept data back lately */
    bool can_undo;    /* prior_* hold */
    /* Proportional rate reduction (RFC 9937). */
    uint32_t flight;    /* RecoverFS */
    uint32_t delivered; /* in this recovery */
    uint32_t out;       /* sent in this recovery */
    /* Before the last reduction. */
    uint32_t prior_cwnd, prior_ssthresh;
    union tcp_cc_state prior;
    union tcp_cc_state state;
    struct tcp_hystart hystart;
};

/* ---- for who keeps the queues ---------------------------------------------------------------- */

/* Before the SYN. alg: TCP_CC_*. */
void tcp_cc_init(struct tcp_cc *cc, unsigned alg);
/*
 * The handshake is done: the initial window is that of RFC 6928, ten segments, or one segment if
 * the SYN was lost twice, of which tcp_cc_timeout() told before.
 */
void tcp_cc_established(struct tcp_cc *cc, uint32_t mss);
/*
 * Outside of recovery, `acked` bytes were acknowledged, or SACKed, for the first time.
 * in_flight_before: bytes in flight before that. rtt_us: a sample, 0 for none; srtt_us: the mean, 0
 * if unknown. limited: since the last call the window of tcp_cc_window() has kept data back, not
 * the application and not the peer's window. The window grows only then (RFC 9438, 5.8; RFC 7661,
 * 4.4 in substance: in slow start it may also grow while half of it is used).
 */
void tcp_cc_acked(struct tcp_cc *cc, uint32_t acked, uint32_t in_flight_before, uint32_t rtt_us,
                  uint32_t srtt_us, uint32_t now_us, bool limited);
/*
 * Data was lost: the only reduction until tcp_cc_recovered(). in_flight: before the acknowledgement
 * that shows the loss, with what is now known as lost. That acknowledgement is also given to
 * tcp_cc_recovering(), afterwards.
 */
void tcp_cc_enter_recovery(struct tcp_cc *cc, uint32_t in_flight);
/*
 * In recovery, each acknowledgement: `delivered` bytes were acknowledged or SACKed for the first
 * time, lost_now bytes were found to be lost (a retransmission among them counts again), in_flight:
 * after both. advanced: SND.UNA moved.
 */
void tcp_cc_recovering(struct tcp_cc *cc, uint32_t delivered, uint32_t lost_now, uint32_t in_flight,
                       bool advanced);
/* `bytes` were sent, new or again. Recovery counts what it has let out (prr_out of RFC 9937). */
static inline void tcp_cc_sent(struct tcp_cc *cc, uint32_t bytes)
{
    cc->out += bytes;
}
/* All that was in flight when recovery began is acknowledged. */
void tcp_cc_recovered(struct tcp_cc *cc);
/*
 * The retransmission timer fired; recovery, if there was one, is over, and slow start begins with
 * one segment. in_flight: with all that is now taken as lost. again: the timer is backed off. Then,
 * or in recovery, ssthresh is not lowered a second time (RFC 5681, 3.1). Before
 * tcp_cc_established(): a SYN was lost.
 */
void tcp_cc_timeout(struct tcp_cc *cc, uint32_t in_flight, bool again);
/*
 * The last reduction was spurious (RFC 4015, RFC 5682, DSACK): its windows are given back, and
 * recovery is over. Nothing happens if it was undone before.
 */
void tcp_cc_undo(struct tcp_cc *cc);
/*
 * Data is sent after a pause of idle_us in which nothing was in flight: after more than a timeout
 * the window is not larger than the initial one (RFC 5681, 4.1).
 */
void tcp_cc_idle(struct tcp_cc *cc, uint32_t idle_us, uint32_t rto_us);
/* The path's MTU changed, and with it the size of a segment. */
void tcp_cc_mss(struct tcp_cc *cc, uint32_t mss);

/* How much may be in flight. */
static inline uint32_t tcp_cc_window(const struct tcp_cc *cc)
{
    return cc->cwnd;
}
static inline bool tcp_cc_slow_start(const struct tcp_cc *cc)
{
    return cc->cwnd < cc->ssthresh;
}

/*
 * In how many microseconds that many bytes may leave; 0: at once. Who sends may be a millisecond
 * ahead: it keeps the time at which the next byte may leave, adds this, and waits when that time is
 * more than TCP_PACE_AHEAD_US from now.
 */
#define TCP_PACE_AHEAD_US 1000u
uint32_t tcp_cc_pacing_us(const struct tcp_cc *cc, uint32_t bytes, uint32_t srtt_us);

/* ---- for socket options ---------------------------------------------------------------------- */

/* The name of an algorithm ("cubic"); NULL: there is no such number. */
const char *tcp_cc_name(unsigned alg);
/* The number of an algorithm; -1: there is none of that name. */
int tcp_cc_find(const char *name);
/* Another algorithm, at any time. The windows stay. */
void tcp_cc_choose(struct tcp_cc *cc, unsigned alg);

/* ---- for algorithms -------------------------------------------------------------------------- */

/*
 * An algorithm is a file with one of these, and an entry in the list of tcp_congestion.c. Its state
 * is a member of union tcp_cc_state, all zeros at first.
 */
struct tcp_cc_alg {
    const char *name;
    /* Congestion: the new ssthresh, where `window` was in use. timeout: and nothing got through. */
    uint32_t (*reduce)(struct tcp_cc *cc, uint32_t window, bool timeout);
    /* Congestion avoidance: cwnd grows for `acked` bytes. */
    void (*grow)(struct tcp_cc *cc, uint32_t acked, uint32_t srtt_us, uint32_t now_us);
    /* Time passed in which the window was not full: it does not count as growth. */
    void (*unused)(struct tcp_cc *cc, uint32_t now_us);
    /* The window was set by other causes: what follows is a new stage. */
    void (*restart)(struct tcp_cc *cc);
};
extern const struct tcp_cc_alg tcp_cc_cubic, tcp_cc_reno;

#endif
