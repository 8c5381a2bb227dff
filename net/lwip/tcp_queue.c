/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_queue.c - what is queued to be sent. A write becomes segments of up to 64 KiB, a whole number
 * of packets each but for the last one: headers in a pbuf, and data in others. What fits into one
 * packet is in one pbuf, headers and data, so that a card needs one descriptor.
 *
 * How much of a segment is sent is decided when it is sent: by the windows, and by Nagle's
 * algorithm, which holds the last packet only if that is not full (RFC 9293, 3.7.4). The rest
 * becomes a segment behind it, and no data is copied for that (tcp_cut.c).
 */
#include "tcp_queue.h"

#include <string.h>

#include "lwip/inet_chksum.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "net_path_mtu.h"
#include "net_tx.h"
#include "tcp_scoreboard.h"

#define HEADERS_MOST 114u /* Ethernet 14, IPv6 40, TCP 60: a packet with them has 16 bits */
#define PACKETS_MOST 64u  /* of one segment */
#define PIECES_MOST  (VNET_TX_PIECES - 2) /* pbufs: a cut may add one */

/* ---- sizes ----------------------------------------------------------------------------------- */

/* Where routers may cut packets, each has a number of its own, and a segment is one packet. */
static bool queue_is_single(const struct tcp_pcb *pcb)
{
    return net_paths_cut && IP_IS_V4_VAL(pcb->remote_ip) && net_path_cut(ip_2_ip4(&pcb->remote_ip));
}

/* The most data of a segment. */
static uint16_t queue_most(const struct tcp_pcb *pcb, uint32_t packet)
{
    uint32_t most = 0xffff - HEADERS_MOST;

    if (queue_is_single(pcb))
        return (uint16_t)packet;
    return (uint16_t)(LWIP_MIN(most / packet, PACKETS_MOST) * packet);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* What a write adds: the rest of the last segment, then segments of its own. */
struct queue_write {
    struct tcp_pcb *pcb;
    const uint8_t *data;
    struct pbuf *lent; /* the data is this pbuf's, from byte lent_at on; NULL: it is at `data` */
    uint16_t lent_at;
    uint16_t len, at;               /* at: what has a place */
    uint16_t packet, most;          /* data of a full packet, and the most of a segment */
    uint8_t flags;                  /* TCP_WRITE_FLAG_* */
    uint8_t options;                /* TF_SEG_OPTS_* */
    struct tcp_seg *last;           /* of pcb->unsent; NULL: that is empty */
    uint16_t filled;                /* bytes that go to the end of its last pbuf ... */
    uint16_t room;                  /* ... and how many may follow there, of the newest pbuf */
    struct pbuf *more;              /* behind that pbuf */
    struct tcp_seg *first, *newest; /* new segments */
    uint16_t pbufs;                 /* new ones */
};

static uint16_t queue_left(const struct queue_write *w)
{
    return (uint16_t)(w->len - w->at);
}

/* Will more data come before this is sent? */
static bool queue_grows(const struct queue_write *w)
{
    const struct tcp_pcb *pcb = w->pcb;

    return w->flags & TCP_WRITE_FLAG_MORE ||
           (!(pcb->flags & TF_NODELAY) && (pcb->unsent || pcb->unacked || w->first));
}

/*
 * A pbuf behind `header` bytes for the next n bytes of the data, and for as many as `room` in all,
 * if more are expected.
 */
static struct pbuf *queue_copy(struct queue_write *w, pbuf_layer layer, uint16_t header, uint16_t n,
                               uint16_t room)
{
    uint16_t space = queue_grows(w) && room > n ? room : n;
    struct pbuf *p = pbuf_alloc(layer, (uint16_t)(header + space), PBUF_RAM);

    if (!p)
        return NULL;
    memcpy((uint8_t *)p->payload + header, w->data + w->at, n);
    p->len = p->tot_len = (uint16_t)(header + n);
    w->room = (uint16_t)(space - n);
    return p;
}

/* A pbuf of data only, for the next n bytes. */
static struct pbuf *queue_data(struct queue_write *w, uint16_t n, uint16_t room)
{
    struct pbuf *p;

    if (w->lent && n == w->lent->tot_len && !w->lent->next) {
        pbuf_ref(w->lent); /* all of it is in one place */
        return w->lent;
    }
    if (w->lent)
        return tcp_cut_share(w->lent, (uint16_t)(w->lent_at + w->at), n);
    if (w->flags & TCP_WRITE_FLAG_COPY)
        return queue_copy(w, PBUF_RAW, 0, n, room);
    p = pbuf_alloc(PBUF_RAW, n, PBUF_ROM);
    if (p)
        ((struct pbuf_rom *)(void *)p)->payload = w->data + w->at;
    return p;
}

/*
 * To the last segment: into the room that its last pbuf has, then in a pbuf behind that, which has
 * room for as much as the segment has by then: so few pbufs hold it however small writes are.
 */
static bool queue_extend(struct queue_write *w)
{
    struct tcp_seg *last = w->last;
    uint16_t space, n, room;

    if (!last || !last->len || last->len >= w->most || TCPH_FLAGS(last->tcphdr) & TCP_FIN)
        return true;
    space = (uint16_t)(w->most - last->len);
    if (w->flags & TCP_WRITE_FLAG_COPY) {
        w->room = w->pcb->unsent_oversize;
        w->filled = LWIP_MIN(LWIP_MIN(w->room, space), w->len);
        w->room = (uint16_t)(w->room - w->filled);
        w->at = w->filled;
        space = (uint16_t)(space - w->filled);
    }
    if (!queue_left(w) || !space || pbuf_clen(last->p) >= PIECES_MOST)
        return true;
    n = LWIP_MIN(space, queue_left(w));
    room = LWIP_MAX(last->len, w->packet);
    w->more = queue_data(w, n, LWIP_MIN(room, space));
    w->at = (uint16_t)(w->at + n);
    w->pbufs++;
    return w->more != NULL;
}

/* The pbufs of a segment with the next n bytes: one, where these fit into a packet. */
static struct pbuf *queue_pbufs(struct queue_write *w, uint16_t n)
{
    uint16_t header = LWIP_TCP_OPT_LENGTH(w->options);
    struct pbuf *p, *data;

    w->pbufs++;
    if (n <= w->packet && w->flags & TCP_WRITE_FLAG_COPY)
        return queue_copy(w, PBUF_TRANSPORT, header, n, w->packet);
    data = queue_data(w, n, n);
    p = data ? pbuf_alloc(PBUF_TRANSPORT, header, PBUF_RAM) : NULL;
    if (!p) {
        if (data)
            pbuf_free(data);
        return NULL;
    }
    w->pbufs++;
    pbuf_cat(p, data);
    return p;
}

static bool queue_segment(struct queue_write *w)
{
    uint16_t n = LWIP_MIN(queue_left(w), w->most);
    struct pbuf *p = queue_pbufs(w, n);
    struct tcp_seg *seg =
        p ? tcp_create_segment(w->pcb, p, 0, w->pcb->snd_lbb + w->at, w->options) : NULL;

    if (!seg)
        return false;
    if (w->first)
        w->newest->next = seg;
    else
        w->first = seg;
    w->newest = seg;
    w->at = (uint16_t)(w->at + n);
    return true;
}

/* The last segment gets its part. */
static void queue_commit_last(struct queue_write *w)
{
    uint16_t more = w->more ? w->more->tot_len : 0, n = (uint16_t)(w->filled + more);
    struct pbuf *p = w->last->p;

    for (;; p = p->next) {
        p->tot_len = (uint16_t)(p->tot_len + n);
        if (!p->next)
            break;
    }
    if (w->filled)
        memcpy((uint8_t *)p->payload + p->len, w->data, w->filled);
    p->len = (uint16_t)(p->len + w->filled);
    p->next = w->more;
    w->last->len = (uint16_t)(w->last->len + n);
}

static void queue_commit(struct queue_write *w)
{
    struct tcp_pcb *pcb = w->pcb;
    struct tcp_seg *end = w->newest ? w->newest : w->last;

    if (w->filled || w->more)
        queue_commit_last(w);
    if (w->last)
        w->last->next = w->first;
    else
        pcb->unsent = w->first;
    pcb->net.unsent_last = end;
    if (w->filled || w->more || w->first)
        pcb->unsent_oversize = w->room;
    pcb->snd_lbb += w->len;
    pcb->snd_buf -= w->len;
    pcb->snd_queuelen = (uint16_t)(pcb->snd_queuelen + w->pbufs);
    if (!(w->flags & TCP_WRITE_FLAG_MORE))
        TCPH_SET_FLAG(end->tcphdr, TCP_PSH);
}

static err_t queue_add(struct queue_write *w)
{
    struct tcp_pcb *pcb = w->pcb;
    bool ok;

    if (!w->len)
        return ERR_OK;
    w->packet = (uint16_t)tcp_stamp_payload(pcb);
    w->most = queue_most(pcb, w->packet);
    w->options = tcp_stamp_reserved(pcb) ? TF_SEG_OPTS_TS : 0;
    w->last = pcb->unsent ? pcb->net.unsent_last : NULL;
    ok = queue_extend(w);
    while (ok && queue_left(w))
        ok = queue_segment(w);
    if (ok) {
        queue_commit(w);
        return ERR_OK;
    }
    if (w->more)
        pbuf_free(w->more);
    tcp_segs_free(w->first);
    tcp_set_flags(pcb, TF_NAGLEMEMERR);
    TCP_STATS_INC(tcp.memerr);
    return ERR_MEM;
}

err_t tcp_queue_write(struct tcp_pcb *pcb, const void *data, uint16_t len, uint8_t flags)
{
    struct queue_write w = {.pcb = pcb, .data = data, .len = len, .flags = flags};

    return queue_add(&w);
}

/*
 * A pbuf that fits goes to the end of the last segment, as it is: what queue_add() comes to there.
 * False: it does not fit.
 */
static bool queue_append(struct tcp_pcb *pcb, struct pbuf *data, uint8_t flags)
{
    struct tcp_seg *last = pcb->unsent ? pcb->net.unsent_last : NULL;
    uint16_t len = data->tot_len;
    unsigned pieces = 1;
    struct pbuf *p;

    if (!last || !last->len || data->next || TCPH_FLAGS(last->tcphdr) & TCP_FIN ||
        last->len + len > queue_most(pcb, (uint16_t)tcp_stamp_payload(pcb)))
        return false;
    for (p = last->p;; p = p->next, pieces++) {
        p->tot_len = (uint16_t)(p->tot_len + len);
        if (!p->next)
            break;
    }
    if (pieces >= PIECES_MOST) { /* one of many times: all as before */
        for (p = last->p; p; p = p->next)
            p->tot_len = (uint16_t)(p->tot_len - len);
        return false;
    }
    p->next = data;
    pbuf_ref(data);
    last->len = (uint16_t)(last->len + len);
    pcb->unsent_oversize = 0;
    pcb->snd_lbb += len;
    pcb->snd_buf -= len;
    pcb->snd_queuelen++;
    if (!(flags & TCP_WRITE_FLAG_MORE))
        TCPH_SET_FLAG(last->tcphdr, TCP_PSH);
    return true;
}

err_t tcp_queue_lend(struct tcp_pcb *pcb, struct pbuf *data, uint16_t at, uint16_t len,
                     uint8_t flags)
{
    err_t err = tcp_write_checks(pcb, len);
    struct queue_write w;

    if (err != ERR_OK)
        return err;
    if (!at && len == data->tot_len && queue_append(pcb, data, flags))
        return ERR_OK;
    w = (struct queue_write){.pcb = pcb,
                             .lent = data,
                             .lent_at = at,
                             .len = len,
                             .flags = flags & (uint8_t)~TCP_WRITE_FLAG_COPY};
    return queue_add(&w);
}

/* ---- sending --------------------------------------------------------------------------------- */

err_t tcp_queue_divide(struct tcp_pcb *pcb, struct tcp_seg *seg, uint16_t keep)
{
    struct tcp_seg *next = seg->next, *rest;

    if (keep >= seg->len)
        return ERR_OK;
    if (seg->p->ref != 1 || !(rest = tcp_cut_two(pcb, seg, keep)))
        return ERR_MEM;
    rest->next = next;
    if (next)
        return ERR_OK;
    pcb->net.unsent_last = rest;
    pcb->unsent_oversize = 0;
    return ERR_OK;
}

/* Does Nagle's algorithm, or a cork, hold a packet that is not full behind full ones? */
static bool queue_holds_last(const struct tcp_pcb *pcb)
{
    if (pcb->flags & (TF_NAGLEMEMERR | TF_FIN))
        return false;
    return (pcb->net.opt.cork && !pcb->net.opt.push) ||
           (!(pcb->flags & TF_NODELAY) && pcb->snd_buf);
}

/*
 * Acknowledgements that come packet by packet would have segments go out that are as small. While
 * many packets are out, and nothing paces them, some of those are waited for.
 */
static bool queue_waits(const struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t part,
                        uint32_t packet)
{
    const struct tcp_recovery *r = &pcb->net.rec;
    uint32_t least = LWIP_MIN(tcp_flight(r) / 8, 16 * packet);

    return part < least && part < seg->len && r->state == TCP_REC_OPEN && !r->sacked_bytes &&
           !r->dup_bytes && !r->paced && !r->probe_now;
}

/* How much of the first segment is sent now: full packets, or all; 0: nothing, it waits. */
static uint32_t queue_part(const struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t window)
{
    uint32_t packet = tcp_queue_packet(pcb, seg),
             at = lwip_ntohl(seg->tcphdr->seqno) - pcb->lastack;
    uint32_t room = window > at ? window - at : 0, part = seg->len;

    if (queue_is_single(pcb) && part > packet)
        part = packet;
    if (room < part) {
        part = room / packet * packet;
        return queue_waits(pcb, seg, part, packet) ? 0 : part;
    }
    if (part > packet && part % packet && !seg->next && queue_holds_last(pcb))
        part -= part % packet;
    return part;
}

err_t tcp_queue_fit(struct tcp_pcb *pcb, uint32_t window)
{
    uint32_t part;

    if ((pcb->net.mtu.next || pcb->net.mtu.probe) && tcp_mtu_probe_step(pcb))
        return ERR_OK;
    if (!pcb->unsent || pcb->unsent->len <= tcp_queue_packet(pcb, pcb->unsent))
        return ERR_OK;
    part = queue_part(pcb, pcb->unsent, window);
    return part ? tcp_queue_divide(pcb, pcb->unsent, (uint16_t)part) : ERR_OK;
}

void tcp_queue_seal(struct tcp_pcb *pcb, struct tcp_seg *seg, struct netif *netif)
{
    bool whole = tcp_mtu_probe_is(pcb, seg);

    seg->net.size = whole ? seg->len : tcp_queue_packet(pcb, seg);
    net_tx_seal(seg->p, netif, seg->net.size, &pcb->local_ip, &pcb->remote_ip);
    tcp_option_said(&pcb->net.opt, seg->len, seg->net.size,
                    pcb->snd_nxt - lwip_ntohl(seg->tcphdr->seqno));
    if (pcb->net.opt.leaves)
        pcb->net.opt.leaves(pcb, seg->len);
}
