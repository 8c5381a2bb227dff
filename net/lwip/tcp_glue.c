/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_glue.c - the life of a connection, as Vireo's part of TCP follows it.
 */
#include "tcp_queue.h"
#include "tcp_scoreboard.h"

void net_tcp_init(struct tcp_pcb *pcb)
{
    tcp_cc_init(&pcb->net.cc, tcp_option_congestion);
    tcp_rtt_init(&pcb->net.rtt);
    tcp_resend_init(pcb);
}

#define ECHO_MS_OFF 2u /* by which a timestamp may differ from the time of sending */

/*
 * A segment that was sent again is acknowledged. Its round trip is known if the echo of a timestamp
 * (RFC 7323, 4) tells that the last copy has arrived. Of a copy before that, the acknowledgement
 * may have been lost, and how long its round trip took is not known.
 */
static uint32_t glue_echo_us(const struct tcp_pcb *pcb)
{
    uint32_t us = tcp_news.now_us - tcp_news.again_us, ms;

    if (!(pcb->flags & TF_TIMESTAMP) || !tcp_stamp.there)
        return 0;
    ms = tcp_stamp_clock(pcb->net.stamp.offset) - tcp_stamp.echo;
    return ms - us / 1000 + ECHO_MS_OFF <= 2 * ECHO_MS_OFF ? us : 0;
}

bool tcp_news_measure(struct tcp_pcb *pcb)
{
    uint32_t us = tcp_news.rtt_us;

    if (!us && tcp_news.again)
        us = glue_echo_us(pcb);
    if (us)
        tcp_rtt_sample(&pcb->net.rtt, us, tcp_news.now_us);
    return us;
}

/*
 * Of a SYN that was sent again, after 1, 2, 4 seconds: does the echo tell that the first one had
 * arrived? Then no loss of ours is known.
 */
static bool glue_first_arrived(const struct tcp_pcb *pcb)
{
    uint32_t waits_ms = ((1u << pcb->net.rec.backoff) - 1) * 1000;

    return waits_ms && (pcb->flags & TF_TIMESTAMP) && tcp_stamp.there &&
           tcp_stamp_clock(pcb->net.stamp.offset) - tcp_stamp.echo >= waits_ms;
}

/* rtt: was the round trip of the handshake measured? */
static void glue_established(struct tcp_pcb *pcb, bool rtt)
{
    struct tcp_recovery *r = &pcb->net.rec;

    if (!rtt && r->backoff)
        tcp_rtt_syn_lost(&pcb->net.rtt);
    if (glue_first_arrived(pcb))
        tcp_cc_timeout(&pcb->net.cc, 0, false); /* once at most (RFC 6928, section 2) */
    tcp_cc_established(&pcb->net.cc, pcb->mss);
    r->state = TCP_REC_OPEN;
    r->backoff = 0;
    tcp_window_established(pcb);
}

void net_tcp_established(struct tcp_pcb *pcb)
{
    net_tcp_acked(pcb);
    glue_established(pcb, tcp_news_measure(pcb));
    tcp_news.any = false;
}

void net_tcp_opened(struct tcp_pcb *pcb, uint32_t rtt_us)
{
    struct tcp_recovery *r = &pcb->net.rec;

    r->active_us = tcp_now_us();
    if (rtt_us)
        tcp_rtt_sample(&pcb->net.rtt, rtt_us, r->active_us);
    if (r->backoff)
        tcp_cc_timeout(&pcb->net.cc, 0, r->backoff > 1);
    glue_established(pcb, rtt_us != 0);
}

void net_tcp_purge(struct tcp_pcb *pcb)
{
    tcp_score_clear(&pcb->net.rec);
    tcp_fast_reuse_end(pcb);
    tcp_news.fresh = NULL;
    tcp_timer_stop(&pcb->net.rec.timer);
    tcp_timer_stop(&pcb->net.ack.timer);
}

void net_tcp_end(struct tcp_pcb *pcb)
{
    tcp_option_end(pcb);
    tcp_news.fresh = NULL;
    tcp_timer_stop(&pcb->net.rec.timer);
}
