/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_fast.c - header prediction: the segment that an open connection expects next is handled here
 * in place of lwIP's tcp_input(), tcp_process() and tcp_receive(), with the same effect: data in
 * order, the acknowledgement of the only segment in flight, or both; and the peer's end where this
 * side has closed before. Each test in front names what the long way would do; all of them come
 * before anything is changed.
 */
#include "tcp_fast.h"

#include <stddef.h>
#include <string.h>

#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "net_rx.h"
#include "tcp_queue.h"
#include "tcp_scoreboard.h"

/* Flags of a control block that ends, or whose queues lwIP itself repairs. */
#define FAST_ODD_FLAGS (TF_INFR | TF_CLOSEPEND | TF_RXCLOSED | TF_FIN | TF_RTO)

/* A segment that was found to be the next one. */
struct fast_segment {
    struct tcp_pcb *pcb;
    struct tcp_seg *acked; /* what it acknowledges; NULL: nothing */
    uint32_t seq, ack, len, window;
    uint32_t stamp; /* the sender's clock, if timestamps were agreed */
    bool fin;       /* the peer's end */
};
static struct fast_segment fast_now; /* one is looked at at a time */

/* ---- is it the next one? --------------------------------------------------------------------- */

/* In that state, and with its own sums of numbers alone: nothing out of order, lost, or refused. */
static inline bool fast_is_calm(const struct tcp_pcb *pcb, unsigned state, unsigned odd_flags)
{
    const struct tcp_recovery *r = &pcb->net.rec;
    uint32_t odd = (uint32_t)(pcb->state ^ state) | (pcb->flags & odd_flags) |
                   pcb->persist_backoff | pcb->netif_idx | pcb->net.conn.sleeps | r->lost_bytes |
                   r->sacked_bytes | r->dup_bytes;

    return !(odd | r->trouble) && !pcb->ooseq && !pcb->net.ooseq.head && !pcb->refused_data;
}

/*
 * The header's length and flags: an ACK, perhaps with PSH, with FIN where that is expected, and the
 * option that was agreed alone.
 */
static bool fast_header_fits(const struct tcp_pcb *pcb, const struct tcp_hdr *h, bool fin)
{
    uint16_t word =
        (h->_hdrlen_rsvd_flags & (uint16_t)~PP_HTONS(TCP_PSH)) ^ (fin ? PP_HTONS(TCP_FIN) : 0);
    const uint32_t *option = (const void *)(h + 1);

    if (!(pcb->flags & TF_TIMESTAMP))
        return word == PP_HTONS(TCP_HLEN / 4 << 12 | TCP_ACK);
    return word == PP_HTONS((TCP_HLEN + LWIP_TCP_OPT_LEN_TS_OUT) / 4 << 12 | TCP_ACK) &&
           option[0] == PP_HTONL(0x0101080a);
}

/* A timestamp that goes back is that of an old segment (RFC 7323, 5.3). */
static bool fast_stamp_fits(struct fast_segment *s, const struct tcp_hdr *h)
{
    const uint32_t *option = (const void *)(h + 1);

    if (!(s->pcb->flags & TF_TIMESTAMP))
        return true;
    s->stamp = lwip_ntohl(option[1]);
    return !tcp_before(s->stamp, s->pcb->ts_recent);
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
        return s->len || s->fin;
    s->acked = seg;
    return seg && s->ack == seg->net.end && !seg->next && !seg->net.flags && !seg->net.cut &&
           s->ack == s->pcb->snd_nxt;
}

/*
 * This side has closed, nobody is told of anything, and the peer acknowledges the end, which is the
 * last that there was to send, or ends after that has arrived: no more than that.
 */
static bool fast_ends(const struct fast_segment *s)
{
    const struct tcp_pcb *pcb = s->pcb;

    return (s->acked || s->fin) && !s->len && !pcb->unsent && !pcb->sent && !pcb->recv &&
           fast_is_calm(pcb, s->fin ? FIN_WAIT_2 : FIN_WAIT_1,
                        FAST_ODD_FLAGS & ~(TF_FIN | TF_RXCLOSED));
}

/* len: bytes of the segment with its header. s->pcb: its connection. */
static bool fast_expects(struct fast_segment *s, const struct tcp_hdr *h, uint32_t len)
    __attribute__((noinline));
static bool fast_expects(struct fast_segment *s, const struct tcp_hdr *h, uint32_t len)
{
    struct tcp_pcb *pcb = s->pcb;
    bool open = fast_is_calm(pcb, ESTABLISHED, FAST_ODD_FLAGS);

    s->fin = pcb->state == FIN_WAIT_2;
    if ((!open && pcb->state != FIN_WAIT_1 && !s->fin) || !fast_header_fits(pcb, h, s->fin) ||
        len < TCPH_HDRLEN_BYTES(h))
        return false;
    s->seq = lwip_ntohl(h->seqno);
    s->ack = lwip_ntohl(h->ackno);
    s->len = len - TCPH_HDRLEN_BYTES(h);
    s->window = (uint32_t)lwip_ntohs(h->wnd) << pcb->snd_scale;
    if (!s->window || !fast_stamp_fits(s, h) || !fast_ack_fits(s))
        return false;
    return s->seq == pcb->rcv_nxt && s->len + s->fin <= pcb->rcv_wnd && (open || fast_ends(s));
}

/* Is the packet one for this interface? */
static inline bool fast_is_own(const struct netif *netif, const struct ip_hdr *ip)
{
    return net_input_is_own4(ip->dest.addr, netif) && netif_is_up(netif);
}

/* ---- what it says ---------------------------------------------------------------------------- */

/* As lwIP's tcp_process() begins, and tcp_stamp_old(). */
static inline void fast_heard(const struct fast_segment *s)
{
    struct tcp_pcb *pcb = s->pcb;

    lwip_stats.ip.recv++;
    lwip_stats.tcp.recv++;
    lwip_stats.tcp.cachehit++;
    tcp_option_heard(&pcb->net.opt, s->len, tcp_ticks);
    if (!(pcb->flags & TF_RXCLOSED))
        pcb->tmr = tcp_ticks;
    pcb->keep_cnt_sent = 0;
    pcb->persist_probe = 0;
    if ((pcb->flags & TF_TIMESTAMP) && TCP_SEQ_LEQ(s->seq, pcb->ts_lastacksent)) {
        pcb->ts_recent = s->stamp;
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
    pcb->snd_queuelen = (u16_t)(pcb->snd_queuelen - (seg->p->next ? pbuf_clen(seg->p) : 1));
    tcp_fast_reuse(pcb, seg);
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
    if (err == ERR_ABRT || fast_closed(pcb)) {
        if (data)
            pbuf_free(data);
        return false;
    }
    if (data && !fast_deliver(pcb, data))
        return false;
    return !fast_closed(pcb);
}

/* lwIP shows the application what it has refused before. ERR_ABRT: the control block is gone. */
err_t net_tcp_refused(struct tcp_pcb *pcb)
{
    err_t err;

    tcp_recv_flags = 0;
    tcp_input_pcb = pcb; /* a close within the callback leaves the control block for now */
    err = tcp_process_refused_data(pcb);
    if (err != ERR_ABRT && fast_closed(pcb))
        err = ERR_ABRT;
    tcp_input_pcb = NULL;
    if (err != ERR_ABRT)
        tcp_output(pcb);
    return err;
}

/* What tcp_output() would do that has nothing to send is nothing. */
static void fast_output(struct tcp_pcb *pcb)
{
    if (pcb->unsent || (pcb->flags & (TF_ACK_NOW | TF_NAGLEMEMERR)))
        tcp_output(pcb);
    else
        tcp_news.fresh = NULL;
}

/* Both sides have ended, and the peer is told that its end has come. */
static void fast_time_wait(struct tcp_pcb *pcb)
{
    pcb->rcv_nxt++;
    pcb->rcv_wnd--;
    tcp_window_announce(pcb);
    pcb->rcv_wnd++; /* nobody reads the end, as data are read */
    tcp_ack_now(pcb);
    tcp_pcb_purge(pcb);
    TCP_RMV_ACTIVE(pcb);
    pcb->state = TIME_WAIT;
    TCP_REG(&tcp_tw_pcbs, pcb);
    tcp_output(pcb);
}

/* Takes the segment over. data: its pbufs, NULL: none; the control block's, or the application's.
 */
static void fast_take(const struct fast_segment *s, struct pbuf *data) __attribute__((noinline));
static void fast_take(const struct fast_segment *s, struct pbuf *data)
{
    struct tcp_pcb *pcb = s->pcb;
    uint32_t acked = 0;
    bool there;

    fast_heard(s);
    fast_window(s);
    if (s->fin) {
        fast_time_wait(pcb);
        return;
    }
    if (s->acked) {
        acked = s->acked->len;
        fast_acked(s);
        if (pcb->state == FIN_WAIT_1)
            pcb->state = FIN_WAIT_2;
    } else if (pcb->unacked) {
        tcp_recovery_still(pcb);
    }
    if (data) {
        pcb->rcv_nxt += s->len;
        pcb->rcv_wnd -= s->len;
        tcp_window_announce(pcb);
        tcp_ack_data(pcb, s->len);
    }
    tcp_recv_flags = 0;
    tcp_input_pcb = pcb;
    there = fast_tell(pcb, acked, data);
    tcp_input_pcb = NULL;
    if (there)
        fast_output(pcb);
}

bool tcp_fast_input(const struct net_arrival *a, struct pbuf *p)
{
    uint32_t data = a->seg.data;
    struct fast_segment *s = &fast_now;

    if (!fast_is_own(&a->dev->netif, (const void *)a->seg.packet))
        return false;
    s->pcb = net_conn_find4((const void *)a->seg.packet, a->seg.tcp);
    if (!s->pcb || !fast_expects(s, a->seg.tcp, a->seg.len))
        return false;
    if (!s->len) {
        pbuf_free(p);
        fast_take(s, NULL);
        return true;
    }
    p->payload = (uint8_t *)p->payload + data;
    p->len = (u16_t)(p->len - data);
    p->tot_len = (u16_t)(p->tot_len - data);
    fast_take(s, net_payload(p));
    return true;
}

/* ---- frames that a card has copied as a whole ------------------------------------------------ */

static inline uint32_t fast_load(const void *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

/*
 * The bytes of a segment of TCP in a frame to this card alone, behind a header of IPv4 without
 * options and with a right sum (RFC 791); 0: it is none.
 */
static inline uint32_t fast_over_ip4(const struct net_dev *d, const struct vnet_rx *rx)
{
    const uint8_t *own = d->netif.hwaddr, *packet = rx->head + SIZEOF_ETH_HDR;
    const struct ip_hdr *ip = (const void *)packet;
    uint32_t total = lwip_ntohs(IPH_LEN(ip)), odd;
    uint64_t sum = 0;

#pragma GCC unroll 5
    for (unsigned i = 0; i < IP_HLEN; i += 4)
        sum += fast_load(packet + i);
    odd = (fast_load(rx->head) ^ fast_load(own)) | (fast_load(rx->head + 2) ^ fast_load(own + 2)) |
          ((fast_load(packet - 2) ^ PP_HTONL(0x08004500)) & PP_HTONL(0xffffff00)) |
          (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF)) | (IPH_PROTO(ip) ^ IP_PROTO_TCP);
    return !odd && sum % 0xffff == 0 && total >= IP_HLEN + TCP_HLEN &&
                   total <= rx->len - SIZEOF_ETH_HDR
               ? total - IP_HLEN
               : 0;
}

/* Is the sum of the segment right, or was it for the card to say so? */
static inline bool fast_sum_ok(const struct vnet_rx *rx, uint32_t len)
{
    const uint8_t *segment = rx->head + SIZEOF_ETH_HDR + IP_HLEN;

    if (rx->meta.flags & VNET_NEEDS_CSUM)
        return rx->meta.csum_start == SIZEOF_ETH_HDR + IP_HLEN &&
               rx->meta.csum_offset == offsetof(struct tcp_hdr, chksum);
    return (rx->meta.flags & VNET_CSUM_VALID) ||
           ((uint64_t)PP_HTONS(IP_PROTO_TCP) + lwip_htons((u16_t)len) + fast_load(segment - 8) +
            fast_load(segment - 4) + net_chksum(segment, (int)len)) %
                   0xffff ==
               0;
}

static void fast_free(struct pbuf *p)
{
    vnet_rx_free((struct vnet_rx *)p);
}

/* The data, in the frame's memory, which goes back with it. */
static inline struct pbuf *fast_pbuf(const struct net_dev *d, struct vnet_rx *rx, uint32_t at,
                                     uint32_t len)
{
    struct pbuf_custom *pc = (struct pbuf_custom *)rx->stack;

    pc->custom_free_function = fast_free;
    pc->pbuf = (struct pbuf){.payload = rx->head + at,
                             .tot_len = (u16_t)len,
                             .len = (u16_t)len,
                             .type_internal = PBUF_REF,
                             .flags = PBUF_FLAG_IS_CUSTOM,
                             .ref = 1,
                             .if_idx = netif_get_index(&d->netif)};
    return &pc->pbuf;
}

bool tcp_fast_rx(struct net_dev *d, struct vnet_rx *rx)
{
    uint32_t at = SIZEOF_ETH_HDR + IP_HLEN, len;
    const struct ip_hdr *ip = (const void *)(rx->head + SIZEOF_ETH_HDR);
    const struct tcp_hdr *h = (const void *)(rx->head + at);
    struct fast_segment *s = &fast_now;

    if (rx->data || rx->meta.gso || raw_pcbs || net_join_waiting || !(len = fast_over_ip4(d, rx)) ||
        vnet_rx_tight(d->vnet) || !fast_is_own(&d->netif, ip) || !fast_sum_ok(rx, len))
        return false;
    s->pcb = net_conn_find4(ip, h);
    if (!s->pcb || !fast_expects(s, h, len)) {
        if (!net_input_sender4_ok(ip->src.addr, &d->netif))
            return false;
        net_input_tcp4(d, rx->head, fast_pbuf(d, rx, at, len), s->pcb,
                       rx->meta.flags & VNET_NEEDS_CSUM);
        return true;
    }
    if (s->len) {
        fast_take(s, fast_pbuf(d, rx, at + len - s->len, s->len));
    } else {
        vnet_rx_free(rx);
        fast_take(s, NULL);
    }
    return true;
}
