/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_fast.c - header prediction: the segment that an open connection expects next is handled here
 * in place of lwIP's tcp_input(), tcp_process() and tcp_receive(), with the same effect: data in
 * order, the acknowledgement of the only segment in flight, or both. Each test in front names what
 * the long way would do; all of them come before anything is changed.
 */
#include "tcp_fast.h"

#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "net_rx.h"
#include "tcp_scoreboard.h"

/* Flags of a control block that ends, or whose queues lwIP itself repairs. */
#define FAST_ODD_FLAGS (TF_INFR | TF_CLOSEPEND | TF_RXCLOSED | TF_FIN | TF_RTO)

/* A segment that was found to be the next one. */
struct fast_segment {
    struct tcp_pcb *pcb;
    struct tcp_seg *acked; /* what it acknowledges; NULL: nothing */
    uint32_t seq, ack, len, window;
};

/* ---- is it the next one? --------------------------------------------------------------------- */

/* Open, with its own sums of numbers alone: nothing out of order, lost, refused, or about to end.
 */
static bool fast_is_calm(const struct tcp_pcb *pcb)
{
    const struct tcp_recovery *r = &pcb->net.rec;
    uint32_t odd = (uint32_t)(pcb->state ^ ESTABLISHED) | (pcb->flags & FAST_ODD_FLAGS) |
                   pcb->persist_backoff | pcb->netif_idx | pcb->net.conn.sleeps | r->lost_bytes |
                   r->sacked_bytes | r->dup_bytes;

    return !(odd | r->trouble) && !pcb->ooseq && !pcb->net.ooseq.head && !pcb->refused_data;
}

/* The header's length and flags: an ACK, perhaps with PSH, and the option that was agreed alone. */
static bool fast_header_fits(const struct tcp_pcb *pcb, const struct tcp_hdr *h)
{
    uint16_t word = h->_hdrlen_rsvd_flags & (uint16_t)~PP_HTONS(TCP_PSH);
    const uint32_t *option = (const void *)(h + 1);

    if (!(pcb->flags & TF_TIMESTAMP))
        return word == PP_HTONS(TCP_HLEN / 4 << 12 | TCP_ACK);
    return word == PP_HTONS((TCP_HLEN + LWIP_TCP_OPT_LEN_TS_OUT) / 4 << 12 | TCP_ACK) &&
           option[0] == PP_HTONL(0x0101080a);
}

/* A timestamp that goes back is that of an old segment (RFC 7323, 5.3). */
static bool fast_stamp_fits(const struct tcp_pcb *pcb, const struct tcp_hdr *h)
{
    const uint32_t *option = (const void *)(h + 1);

    return !(pcb->flags & TF_TIMESTAMP) || !tcp_before(lwip_ntohl(option[1]), pcb->ts_recent);
}

/*
 * Does it acknowledge nothing, or the only segment in flight, sent once and in one piece? What
 * acknowledges nothing has data: else it opens a window, or is a duplicate.
 */
static bool fast_ack_fits(struct fast_segment *s)
{
    struct tcp_seg *seg = s->pcb->unacked;

    s->acked = NULL;
    if (s->ack == s->pcb->lastack)
        return s->len;
    s->acked = seg;
    return seg && s->ack == seg->net.end && !seg->next && !seg->net.flags && !seg->net.cut &&
           s->ack == s->pcb->snd_nxt;
}

static bool fast_expects(struct fast_segment *s, const struct net_arrival *a)
{
    const struct tcp_hdr *h = a->seg.tcp;
    const struct ip_hdr *ip = (const struct ip_hdr *)a->seg.packet;
    const struct netif *netif = &a->dev->netif;
    struct tcp_pcb *pcb;

    if (ip->dest.addr != netif_ip4_addr(netif)->addr || !netif_is_up(netif))
        return false;
    pcb = net_conn_find4(ip, h);
    if (!pcb || !fast_is_calm(pcb) || !fast_header_fits(pcb, h))
        return false;
    s->pcb = pcb;
    s->seq = lwip_ntohl(h->seqno);
    s->ack = lwip_ntohl(h->ackno);
    s->len = a->seg.total - a->seg.data;
    s->window = (uint32_t)lwip_ntohs(h->wnd) << pcb->snd_scale;
    return s->seq == pcb->rcv_nxt && s->len <= pcb->rcv_wnd && s->window &&
           fast_stamp_fits(pcb, h) && fast_ack_fits(s);
}

/* ---- what it says ---------------------------------------------------------------------------- */

/* As lwIP's tcp_process() begins, and tcp_stamp_old(). */
static void fast_heard(const struct fast_segment *s, const struct tcp_hdr *h)
{
    const uint32_t *option = (const void *)(h + 1);
    struct tcp_pcb *pcb = s->pcb;

    lwip_stats.ip.recv++;
    lwip_stats.tcp.recv++;
    lwip_stats.tcp.cachehit++;
    tcp_option_heard(&pcb->net.opt, s->len, tcp_ticks);
    pcb->tmr = tcp_ticks;
    pcb->keep_cnt_sent = 0;
    pcb->persist_probe = 0;
    if ((pcb->flags & TF_TIMESTAMP) && TCP_SEQ_LEQ(s->seq, pcb->ts_lastacksent)) {
        pcb->ts_recent = lwip_ntohl(option[1]);
        pcb->net.stamp.recent_tick = tcp_ticks;
    }
}

/* The peer's window (RFC 9293, 3.10.7.4). */
static void fast_window(const struct fast_segment *s)
{
    struct tcp_pcb *pcb = s->pcb;

    if (!(TCP_SEQ_LT(pcb->snd_wl1, s->seq) ||
          (pcb->snd_wl1 == s->seq && TCP_SEQ_LT(pcb->snd_wl2, s->ack)) ||
          (pcb->snd_wl2 == s->ack && s->window > pcb->snd_wnd)))
        return;
    pcb->snd_wnd = s->window;
    if (pcb->snd_wnd_max < pcb->snd_wnd)
        pcb->snd_wnd_max = pcb->snd_wnd;
    pcb->snd_wl1 = s->seq;
    pcb->snd_wl2 = s->ack;
}

/* The only segment in flight has arrived. */
static void fast_acked(const struct fast_segment *s)
{
    struct tcp_pcb *pcb = s->pcb;
    struct tcp_seg *seg = s->acked;
    uint32_t sent_us = seg->net.sent_us;

    pcb->lastack = s->ack;
    pcb->unacked = NULL;
    pcb->snd_queuelen = (u16_t)(pcb->snd_queuelen - pbuf_clen(seg->p));
    tcp_seg_free(seg);
    pcb->polltmr = 0;
    if (!pcb->unsent)
        pcb->unsent_oversize = 0;
    tcp_window_acked(pcb);
    tcp_recovery_lone(pcb, sent_us);
}

/* ---- the application ------------------------------------------------------------------------- */

/* Hands the data over; false: the control block is gone. */
static bool fast_deliver(struct tcp_pcb *pcb, struct pbuf *data)
{
    err_t err;

    if (pcb->flags & TF_RXCLOSED) { /* since the acknowledgement was told */
        pbuf_free(data);
        tcp_abort(pcb);
        return false;
    }
    TCP_EVENT_RECV(pcb, data, ERR_OK, err);
    if (err == ERR_ABRT)
        return false;
    if (err != ERR_OK)
        pcb->refused_data = data;
    return true;
}

/* Has the application closed the connection within a callback? The control block is gone then. */
static bool fast_closed(struct tcp_pcb *pcb)
{
    return (tcp_recv_flags & TF_CLOSED) && tcp_input_delayed_close(pcb);
}

/* Tells the application. False: the control block is gone. */
static bool fast_tell(struct tcp_pcb *pcb, uint32_t acked, struct pbuf *data)
{
    err_t err = ERR_OK;

    if (acked)
        TCP_EVENT_SENT(pcb, (u16_t)acked, err);
    if (err == ERR_ABRT || fast_closed(pcb))
        return false;
    if (data && !fast_deliver(pcb, data))
        return false;
    return !fast_closed(pcb);
}

/* What tcp_output() would do that has nothing to send is nothing. */
static void fast_output(struct tcp_pcb *pcb)
{
    if (pcb->unsent || (pcb->flags & (TF_ACK_NOW | TF_NAGLEMEMERR)))
        tcp_output(pcb);
    else
        tcp_news.fresh = NULL;
}

bool tcp_fast_input(const struct net_arrival *a, struct pbuf *p)
{
    uint32_t acked = 0, data = a->seg.data;
    struct fast_segment s;
    bool there;

    if (!fast_expects(&s, a))
        return false;
    fast_heard(&s, a->seg.tcp);
    fast_window(&s);
    if (s.acked) {
        acked = s.acked->len;
        fast_acked(&s);
    } else if (s.pcb->unacked) {
        tcp_recovery_still(s.pcb);
    }
    p->payload = (uint8_t *)p->payload + data;
    p->len = (u16_t)(p->len - data);
    p->tot_len = (u16_t)(p->tot_len - data);
    if (s.len) {
        s.pcb->rcv_nxt += s.len;
        s.pcb->rcv_wnd -= s.len;
        tcp_window_announce(s.pcb);
        tcp_ack_data(s.pcb, s.len);
        p = net_payload(p);
    } else {
        pbuf_free(p);
        p = NULL;
    }
    tcp_recv_flags = 0;
    tcp_input_pcb = s.pcb;
    there = fast_tell(s.pcb, acked, p);
    tcp_input_pcb = NULL;
    if (there)
        fast_output(s.pcb);
    return true;
}
