/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_tcp_info.c - TCP_INFO: what a connection knows of itself, with Linux' names and layout.
 * docs/tcp.md says of each member what stands behind it.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include "lwip/priv/tcp_priv.h"
#include "sock.h"
#include "socket_ops.h"

#define INFO_NO_LOSS    INT32_MAX /* tcpi_snd_ssthresh: no loss so far */
#define INFO_REORDERING 3         /* Linux' first value; RACK waits for a time, not for a number */
#define INFO_ACK_DELAY  40000     /* us, of tcp_ack.c */
#define INFO_WINDOW     10        /* segments, before the connection is open (RFC 6928) */

static uint8_t info_state(const struct sock *s)
{
    static const uint8_t states[] = {
        [CLOSED] = TCP_CLOSE,         [LISTEN] = TCP_LISTEN,           [SYN_SENT] = TCP_SYN_SENT,
        [SYN_RCVD] = TCP_SYN_RECV,    [ESTABLISHED] = TCP_ESTABLISHED, [FIN_WAIT_1] = TCP_FIN_WAIT1,
        [FIN_WAIT_2] = TCP_FIN_WAIT2, [CLOSE_WAIT] = TCP_CLOSE_WAIT,   [CLOSING] = TCP_CLOSING,
        [LAST_ACK] = TCP_LAST_ACK,    [TIME_WAIT] = TCP_TIME_WAIT,
    };

    return s->tcp ? states[s->tcp->state] : TCP_CLOSE;
}

static uint8_t info_ca_state(const struct tcp_recovery *r)
{
    if (r->state == TCP_REC_LOSS)
        return TCP_CA_Loss;
    if (r->state == TCP_REC_RECOVERY)
        return TCP_CA_Recovery;
    return r->sacked_bytes || r->dup_bytes ? TCP_CA_Disorder : TCP_CA_Open;
}

/* Bytes as segments, a part of one counted whole. */
static uint32_t info_segments(const struct tcp_pcb *pcb, uint32_t bytes)
{
    return (bytes + tcp_mss(pcb) - 1u) / tcp_mss(pcb);
}

static uint32_t info_resent(const struct tcp_recovery *r)
{
    uint32_t n = 0;

    for (const struct tcp_seg *seg = r->resent.first; seg; seg = seg->net.next)
        n++;
    return n;
}

static uint64_t info_pacing_rate(const struct tcp_pcb *pcb)
{
    uint32_t bytes = tcp_cc_window(&pcb->net.cc);
    uint32_t us = tcp_cc_pacing_us(&pcb->net.cc, bytes, pcb->net.rtt.srtt_us);

    return us ? bytes * UINT64_C(1000000) / us : UINT64_MAX;
}

static uint32_t info_ms_since(uint64_t ns)
{
    return ns ? (uint32_t)((hal_now_ns() - ns) / HAL_MS) : 0;
}

static uint32_t info_ms_since_tick(uint32_t tick)
{
    return tick ? (tcp_ticks - tick) * TCP_SLOW_INTERVAL : 0;
}

static void info_sending(struct tcp_info *i, const struct tcp_pcb *pcb)
{
    const struct tcp_recovery *r = &pcb->net.rec;
    const struct tcp_cc *cc = &pcb->net.cc;

    i->tcpi_ca_state = info_ca_state(r);
    i->tcpi_retransmits = i->tcpi_backoff = r->backoff;
    i->tcpi_probes = pcb->persist_backoff ? pcb->persist_probe : pcb->keep_cnt_sent;
    i->tcpi_snd_mss = tcp_mss(pcb);
    i->tcpi_unacked = info_segments(pcb, pcb->snd_nxt - pcb->lastack);
    i->tcpi_sacked = info_segments(pcb, r->sacked_bytes);
    i->tcpi_lost = info_segments(pcb, r->lost_bytes);
    i->tcpi_retrans = info_resent(r);
    i->tcpi_total_retrans = r->total_resent;
    i->tcpi_reordering = INFO_REORDERING;
    i->tcpi_reord_seen = r->reordering;
    i->tcpi_snd_ssthresh = cc->ssthresh == TCP_CC_MAX ? INFO_NO_LOSS : cc->ssthresh / cc->mss;
    i->tcpi_snd_cwnd = cc->established ? tcp_cc_window(cc) / cc->mss : INFO_WINDOW;
    i->tcpi_pacing_rate = info_pacing_rate(pcb);
    i->tcpi_max_pacing_rate = UINT64_MAX;
    i->tcpi_notsent_bytes = tcp_option_unsent(pcb);
    i->tcpi_snd_wnd = pcb->snd_wnd;
    i->tcpi_last_data_sent = info_ms_since(r->sent_ns);
}

static void info_times(struct tcp_info *i, const struct tcp_pcb *pcb)
{
    const struct tcp_rtt *rtt = &pcb->net.rtt;

    i->tcpi_rto = tcp_rtt_rto(rtt, pcb->net.rec.backoff);
    i->tcpi_rtt = rtt->srtt_us;
    i->tcpi_rttvar = rtt->rttvar_us;
    i->tcpi_min_rtt = rtt->srtt_us ? rtt->min_us : UINT32_MAX;
    i->tcpi_last_data_recv = info_ms_since_tick(pcb->net.opt.data_tick);
    i->tcpi_last_ack_recv = info_ms_since_tick(pcb->tmr);
}

static void info_counts(struct tcp_info *i, const struct tcp_option *o)
{
    i->tcpi_segs_in = o->segs_in;
    i->tcpi_segs_out = o->segs_out;
    i->tcpi_data_segs_in = o->data_in;
    i->tcpi_data_segs_out = o->data_out;
    i->tcpi_bytes_received = o->bytes_in;
    i->tcpi_bytes_acked = o->bytes_acked;
    i->tcpi_bytes_sent = o->bytes_out;
    i->tcpi_bytes_retrans = o->bytes_again;
}

/* Of the path to the peer. */
static void info_path(struct tcp_info *i, const struct sock *s)
{
    struct netif *netif = ip_route(&s->tcp->local_ip, &s->tcp->remote_ip);
    int mtu;

    if (!sock_mtu_get(s, &mtu))
        i->tcpi_pmtu = (uint32_t)mtu;
    if (netif && s->state == SOCK_TCP_OPEN)
        i->tcpi_advmss = tcp_mtu_offer(s->tcp, netif);
}

static void info_receiving(struct tcp_info *i, const struct tcp_pcb *pcb)
{
    i->tcpi_ato = INFO_ACK_DELAY;
    i->tcpi_rcv_mss = pcb->net.ack.full;
    i->tcpi_rcv_ssthresh = i->tcpi_rcv_space = pcb->net.win.receive;
}

/* What was agreed in the SYNs. */
static void info_options(struct tcp_info *i, const struct tcp_pcb *pcb)
{
    if (pcb->flags & TF_SACK)
        i->tcpi_options |= TCPI_OPT_SACK;
    if (pcb->flags & TF_TIMESTAMP)
        i->tcpi_options |= TCPI_OPT_TIMESTAMPS;
    if (pcb->flags & TF_WND_SCALE) {
        i->tcpi_options |= TCPI_OPT_WSCALE;
        i->tcpi_snd_wscale = pcb->snd_scale & 15;
        i->tcpi_rcv_wscale = pcb->rcv_scale & 15;
    }
}

static void info_of_listener(struct tcp_info *i, const struct sock *s)
{
    i->tcpi_unacked = s->rx_count;
    i->tcpi_sacked = ((const struct tcp_pcb_listen *)s->tcp)->backlog;
}

void sock_tcp_info(struct sock *s, void *value, socklen_t *len)
{
    struct tcp_info i = {.tcpi_state = info_state(s)};
    struct tcp_pcb *pcb = s->tcp;

    if (i.tcpi_state == TCP_LISTEN) {
        info_of_listener(&i, s);
    } else if (pcb) {
        tcp_option_count(pcb);
        info_sending(&i, pcb);
        info_times(&i, pcb);
        info_counts(&i, &pcb->net.opt);
        info_receiving(&i, pcb);
        info_options(&i, pcb);
        info_path(&i, s);
    }
    socket_value_out(&i, sizeof(i), value, len);
}
