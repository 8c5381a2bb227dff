/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_fast_out.c - one small write on a connection that has nothing queued and nothing in flight: a
 * request, or an answer. Its packet is made at once and handed to the card, in place of lwIP's
 * tcp_write() and tcp_output(), with the same effect. All tests come before anything is changed.
 */
#include <string.h>

#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "net_way.h"
#include "tcp_queue.h"
#include "tcp_scoreboard.h"

#define OUT_ODD_FLAGS  (TF_CLOSEPEND | TF_FIN | TF_NAGLEMEMERR)
#define OUT_HALF_LEAST 64u /* of the peer's largest window: what is less has rules of its own */
#define OUT_HEADERS    (IP_HLEN + TCP_HLEN + LWIP_TCP_OPT_LEN_TS_OUT)
/* In front of the header of TCP: as pbuf_alloc() leaves. */
#define OUT_ROOM (LWIP_MEM_ALIGN_SIZE(sizeof(struct pbuf) + PBUF_TRANSPORT) - TCP_HLEN)
/* Bytes of data in a small pbuf. */
#define OUT_SMALL 64u

/*
 * The small segment that was acknowledged last: who sends and hears by turns needs no other. It is
 * a connection's, which takes it along when it ends.
 */
static struct tcp_seg *out_spare;
static const struct tcp_pcb *out_spare_of;

/* Nothing is queued or in flight, and nothing holds a small packet back, or rides with it. */
static bool out_is_idle(const struct tcp_pcb *pcb)
{
    const struct net_tcp *n = &pcb->net;
    unsigned odd = (pcb->flags & OUT_ODD_FLAGS) | pcb->persist_backoff | pcb->netif_idx |
                   n->conn.sleeps | n->opt.cork | n->rec.paced | n->rec.probe_now | n->mtu.next |
                   n->mtu.probe | net_paths_cut;

    return !odd && !pcb->unsent && !pcb->unacked && pcb->snd_lbb == pcb->lastack &&
           pcb->snd_nxt == pcb->lastack && !n->opt.leaves && pcb != tcp_input_pcb &&
           (pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT) && net_mem_below(NET_MEM_TX) &&
           IP_IS_V4_VAL(pcb->remote_ip);
}

/* Bytes of the options that each segment has. */
static uint16_t out_options(const struct tcp_pcb *pcb)
{
    return pcb->flags & TF_TIMESTAMP ? LWIP_TCP_OPT_LEN_TS_OUT : 0;
}

/* Looks for the way of the connection's packets, once for each change of routes or neighbours. */
static const struct tcp_way *out_find_way(struct tcp_pcb *pcb) __attribute__((noinline));
static const struct tcp_way *out_find_way(struct tcp_pcb *pcb)
{
    const struct netif *netif = tcp_route(pcb, &pcb->local_ip, &pcb->remote_ip);
    const struct tcp_way *way = netif ? net_way_find(&pcb->local_ip, &pcb->remote_ip, netif) : NULL;

    pcb->net.way = way;
    pcb->net.way_serial = way ? way->serial : 0;
    return way;
}

/* The way of a packet with so much data, if one is known. */
static const struct tcp_way *out_way(struct tcp_pcb *pcb, size_t len)
{
    const struct tcp_way *way = pcb->net.way;

    if (!way || !net_way_holds(way, pcb->net.way_serial))
        way = out_find_way(pcb);
    return way && len + OUT_HEADERS <= way->netif->mtu ? way : NULL;
}

void tcp_fast_reuse(struct tcp_pcb *pcb, struct tcp_seg *seg)
{
    if (!seg->net.small || out_spare || seg->p->ref != 1 || seg->p->next) {
        tcp_seg_free(seg);
        return;
    }
    out_spare = seg;
    out_spare_of = pcb;
}

void tcp_fast_reuse_end(const struct tcp_pcb *pcb)
{
    if (pcb != out_spare_of || !out_spare)
        return;
    tcp_seg_free(out_spare);
    out_spare = NULL;
}

/* A segment without a content, and a pbuf for so many bytes of data. NULL: no memory. */
static struct tcp_seg *out_new(uint16_t len)
{
    struct tcp_seg *seg = out_spare;
    bool small = len <= OUT_SMALL;
    struct pbuf *p;

    if (small && seg) {
        out_spare = NULL;
        return seg;
    }
    p = net_malloc(OUT_ROOM + OUT_HEADERS - IP_HLEN + (small ? OUT_SMALL : len));
    seg = p ? memp_malloc(MEMP_TCP_SEG) : NULL;
    if (!seg) {
        net_free(p);
        return NULL;
    }
    seg->p = p;
    return seg;
}

/* A segment with the data, in one pbuf with room for headers. NULL: no memory. */
static struct tcp_seg *out_segment(const struct tcp_pcb *pcb, const void *data, uint16_t len)
{
    uint16_t options = out_options(pcb), size = (uint16_t)(TCP_HLEN + options + len);
    struct tcp_seg *seg = out_new(len);
    struct pbuf *p;

    if (!seg)
        return NULL;
    p = seg->p;
    *p = (struct pbuf){.payload = (uint8_t *)p + OUT_ROOM,
                       .tot_len = size,
                       .len = size,
                       .type_internal = (u8_t)PBUF_RAM,
                       .ref = 1};
    memcpy((uint8_t *)p->payload + TCP_HLEN + options, data, len);
    seg->next = NULL;
    seg->len = len;
    seg->flags = options ? TF_SEG_OPTS_TS : 0;
    seg->tcphdr = p->payload;
    return seg;
}

/* The header, with the acknowledgement of what has come. */
static void out_header(struct tcp_pcb *pcb, struct tcp_hdr *h, uint64_t now_ns)
{
    uint16_t words = TCP_HLEN / 4;
    uint32_t *option = (void *)(h + 1);

    if (pcb->flags & TF_TIMESTAMP) {
        words += LWIP_TCP_OPT_LEN_TS_OUT / 4;
        option[0] = PP_HTONL(0x0101080a);
        option[1] = lwip_htonl(pcb->net.stamp.offset + (uint32_t)(now_ns / HAL_MS));
        option[2] = lwip_htonl(pcb->ts_recent);
    }
    h->src = lwip_htons(pcb->local_port);
    h->dest = lwip_htons(pcb->remote_port);
    h->seqno = lwip_htonl(pcb->snd_nxt);
    h->ackno = lwip_htonl(pcb->rcv_nxt);
    TCPH_HDRLEN_FLAGS_SET(h, words, TCP_ACK | TCP_PSH);
    h->wnd = lwip_htons(TCPWND_MIN16(RCV_WND_SCALE(pcb, pcb->rcv_ann_wnd)));
    h->chksum = 0;
    h->urgp = 0;
    pcb->rcv_ann_right_edge = pcb->rcv_nxt + pcb->rcv_ann_wnd;
    pcb->ts_lastacksent = pcb->rcv_nxt;
}

/* As of tcp_write(). */
static void out_queue(struct tcp_pcb *pcb, struct tcp_seg *seg)
{
    pcb->unsent = pcb->net.unsent_last = seg;
    pcb->snd_lbb += seg->len;
    pcb->snd_buf -= seg->len;
    pcb->snd_queuelen = 1;
    pcb->unsent_oversize = 0;
}

bool tcp_fast_write(struct tcp_pcb *pcb, const void *data, size_t len)
{
    uint32_t half = pcb->snd_wnd_max / 2;
    uint32_t packet = LWIP_MIN(half, pcb->mss) - out_options(pcb);
    const struct tcp_way *way;
    struct tcp_seg *seg;
    uint64_t now_ns;

    if (!out_is_idle(pcb) || half < OUT_HALF_LEAST || len - 1 >= packet || len > pcb->snd_wnd ||
        len > pcb->snd_buf || !(way = out_way(pcb, len)) ||
        !(seg = out_segment(pcb, data, (uint16_t)len)))
        return false;
    now_ns = hal_now_ns();
    tcp_news.fresh = NULL;
    tcp_resend_begin(pcb, now_ns);
    out_header(pcb, seg->tcphdr, now_ns);
    out_queue(pcb, seg);
    seg->net.size = (uint16_t)packet;
    tcp_option_said_one(&pcb->net.opt, seg->len);
    lwip_stats.tcp.xmit++;
    if (net_way_send(way, seg->p, (uint16_t)packet, pcb->ttl, pcb->tos) != ERR_OK) {
        tcp_set_flags(pcb, TF_NAGLEMEMERR);
        return true;
    }
    pcb->unsent = NULL;
    tcp_clear_flags(pcb, TF_ACK_DELAY | TF_ACK_NOW);
    pcb->snd_nxt += seg->len;
    net_tcp_sent(pcb, seg);
    seg->net.small = seg->len <= OUT_SMALL;
    pcb->unacked = seg;
    return true;
}
