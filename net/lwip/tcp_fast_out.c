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

#define OUT_ODD_FLAGS  (TF_CLOSEPEND | TF_NAGLEMEMERR)
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

/* Nothing is in flight, and nothing holds a packet back, or rides with it. */
static bool out_is_free(const struct tcp_pcb *pcb)
{
    const struct net_tcp *n = &pcb->net;
    unsigned odd = (pcb->flags & OUT_ODD_FLAGS) | pcb->persist_backoff | pcb->netif_idx |
                   n->conn.sleeps | n->opt.cork | n->rec.paced | n->rec.probe_now | n->mtu.next |
                   n->mtu.probe | net_paths_cut;

    return !odd && !pcb->unacked && pcb->snd_nxt == pcb->lastack && !n->opt.leaves &&
           pcb != tcp_input_pcb && IP_IS_V4_VAL(pcb->remote_ip);
}

/* Nothing is queued, either, and a write is welcome. */
static bool out_is_idle(const struct tcp_pcb *pcb)
{
    return out_is_free(pcb) && !pcb->unsent && !(pcb->flags & TF_FIN) &&
           pcb->snd_lbb == pcb->lastack &&
           (pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT) && net_mem_below(NET_MEM_TX);
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

/* size: bytes of TCP. */
static void out_pbuf(struct pbuf *p, uint16_t size)
{
    *p = (struct pbuf){.payload = (uint8_t *)p + OUT_ROOM,
                       .tot_len = size,
                       .len = size,
                       .type_internal = (u8_t)PBUF_RAM,
                       .ref = 1};
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
    out_pbuf(p, size);
    memcpy((uint8_t *)p->payload + TCP_HLEN + options, data, len);
    seg->next = NULL;
    seg->len = len;
    seg->flags = options ? TF_SEG_OPTS_TS : 0;
    seg->tcphdr = p->payload;
    return seg;
}

/* The header, with the acknowledgement of what has come. flags: TCP_*. */
static void out_header(struct tcp_pcb *pcb, struct tcp_hdr *h, unsigned flags, uint64_t now_ns)
{
    unsigned words = TCP_HLEN / 4;
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
    TCPH_HDRLEN_FLAGS_SET(h, words, flags);
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

/* Sends the only segment of pcb->unsent. packet: bytes of data that one may have. */
static err_t out_send(struct tcp_pcb *pcb, const struct tcp_way *way, uint32_t packet,
                      unsigned flags)
{
    uint64_t now_ns = tcp_news.fresh == pcb ? tcp_news.now_ns : hal_now_ns();
    struct tcp_seg *seg = pcb->unsent;
    err_t err;

    tcp_news.fresh = NULL;
    tcp_resend_begin(pcb, now_ns);
    out_header(pcb, seg->tcphdr, flags, now_ns);
    seg->net.size = (uint16_t)packet;
    tcp_option_said(&pcb->net.opt, seg->len, packet, 0);
    lwip_stats.tcp.xmit++;
    err = net_way_send(way, seg->p, (uint16_t)packet, pcb->ttl, pcb->tos);
    if (err != ERR_OK) {
        tcp_set_flags(pcb, TF_NAGLEMEMERR);
        return err;
    }
    pcb->unsent = NULL;
    pcb->unsent_oversize = 0;
    tcp_clear_flags(pcb, TF_ACK_DELAY | TF_ACK_NOW);
    pcb->snd_nxt += TCP_TCPLEN(seg);
    net_tcp_sent(pcb, seg);
    pcb->unacked = seg;
    return ERR_OK;
}

bool tcp_fast_write(struct tcp_pcb *pcb, const void *data, size_t len)
{
    uint32_t half = pcb->snd_wnd_max / 2;
    uint32_t packet = LWIP_MIN(half, pcb->mss) - out_options(pcb);
    const struct tcp_way *way;
    struct tcp_seg *seg;

    if (!out_is_idle(pcb) || half < OUT_HALF_LEAST || len - 1 >= packet || len > pcb->snd_wnd ||
        len > pcb->snd_buf || !(way = out_way(pcb, len)) ||
        !(seg = out_segment(pcb, data, (uint16_t)len)))
        return false;
    out_queue(pcb, seg);
    if (out_send(pcb, way, packet, TCP_ACK | TCP_PSH) == ERR_OK)
        seg->net.small = len <= OUT_SMALL;
    return true;
}

bool tcp_fast_queue(struct tcp_pcb *pcb, const void *data, size_t len)
{
    struct tcp_seg *seg;

    if (!out_is_idle(pcb) || len - 1 >= tcp_stamp_payload(pcb) || len > pcb->snd_buf ||
        !(seg = out_segment(pcb, data, (uint16_t)len)))
        return false;
    *seg->tcphdr = (struct tcp_hdr){.src = lwip_htons(pcb->local_port),
                                    .dest = lwip_htons(pcb->remote_port),
                                    .seqno = lwip_htonl(pcb->snd_lbb)};
    TCPH_HDRLEN_SET(seg->tcphdr, (TCP_HLEN + out_options(pcb)) / 4);
    out_queue(pcb, seg);
    return true;
}

/* Is it one packet in one pbuf, which was not touched since it was queued, and fits the window? */
static bool out_is_packet(const struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t packet)
{
    const struct pbuf *p = seg->p;

    return !seg->next && !p->next && p->ref == 1 && p->type_internal == (u8_t)PBUF_RAM &&
           p->payload == seg->tcphdr && seg->tcphdr->seqno == lwip_htonl(pcb->snd_nxt) &&
           seg->flags == (pcb->flags & TF_TIMESTAMP ? TF_SEG_OPTS_TS : 0) && TCP_TCPLEN(seg) &&
           seg->len <= packet && seg->len <= pcb->snd_wnd && pcb->state >= ESTABLISHED;
}

bool tcp_fast_output(struct tcp_pcb *pcb, err_t *err)
{
    const struct tcp_seg *seg = pcb->unsent;
    uint32_t packet = tcp_queue_packet(pcb, seg);
    const struct tcp_way *way;

    if (!out_is_free(pcb) || !out_is_packet(pcb, seg, packet) || !(way = out_way(pcb, seg->len)))
        return false;
    *err = out_send(pcb, way, packet, TCPH_FLAGS(seg->tcphdr) | TCP_ACK);
    return true;
}

bool tcp_fast_ack(struct tcp_pcb *pcb, err_t *err)
{
    const struct tcp_way *way;
    struct pbuf *p;

    if (pcb->netif_idx || net_paths_cut || !IP_IS_V4_VAL(pcb->remote_ip) ||
        tcp_ooseq_blocks(pcb, 0) || !(way = out_way(pcb, 0)) ||
        !(p = net_malloc(OUT_ROOM + OUT_HEADERS - IP_HLEN)))
        return false;
    out_pbuf(p, (uint16_t)(TCP_HLEN + out_options(pcb)));
    tcp_option_said(&pcb->net.opt, 0, 0, 0);
    out_header(pcb, p->payload, TCP_ACK, hal_now_ns());
    lwip_stats.tcp.xmit++;
    *err = net_way_send(way, p, 0, pcb->ttl, pcb->tos);
    pbuf_free(p);
    if (*err == ERR_OK)
        tcp_clear_flags(pcb, TF_ACK_DELAY | TF_ACK_NOW);
    else /* tcp_fasttmr() tries again */
        tcp_set_flags(pcb, TF_ACK_DELAY | TF_ACK_NOW);
    return true;
}
