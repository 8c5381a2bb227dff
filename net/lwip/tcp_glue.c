/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_glue.c - the life of a connection, as Vireo's part of TCP follows it.
 */
#include "tcp_scoreboard.h"

void net_tcp_init(struct tcp_pcb *pcb)
{
    tcp_cc_init(&pcb->net.cc, tcp_option_congestion);
    tcp_rtt_init(&pcb->net.rtt);
    tcp_resend_init(pcb);
}

/* A SYN that was sent again gives no sample: the answer may be to either. */
void net_tcp_established(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;

    net_tcp_acked(pcb);
    if (tcp_news.rtt_us)
        tcp_rtt_sample(&pcb->net.rtt, tcp_news.rtt_us, tcp_news.now_us);
    else if (r->backoff)
        tcp_rtt_syn_lost(&pcb->net.rtt);
    tcp_news.any = false;
    tcp_cc_established(&pcb->net.cc, pcb->mss);
    r->state = TCP_REC_OPEN;
    r->backoff = 0;
}

void net_tcp_purge(struct tcp_pcb *pcb)
{
    tcp_score_clear(&pcb->net.rec);
    tcp_timer_stop(&pcb->net.rec.timer);
}

void net_tcp_end(struct tcp_pcb *pcb)
{
    tcp_option_end(pcb);
    tcp_timer_stop(&pcb->net.rec.timer);
}
