/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_cut.c - cuts segments: in two, where the peer has one part of them only, or where what may be
 * sent ends; or at the front. No data is copied, but for what stands behind the headers in the
 * first pbuf of a segment, which is a packet's worth at most: further data is in pbufs of its own,
 * and both parts refer to these.
 */
#include "lwip/memp.h"
#include "net_impl.h"
#include "tcp_queue.h"
#include "tcp_scoreboard.h"

/* A part of another pbuf's data. */
struct cut_share {
    struct pbuf_custom pc;
    struct pbuf *of;
};

/* ---- data that several segments have --------------------------------------------------------- */

static void cut_share_end(struct pbuf *p)
{
    struct cut_share *s = (struct cut_share *)(void *)p;

    pbuf_free(s->of);
    net_free(s);
}

static bool cut_is_share(const struct pbuf *p)
{
    return p->flags & PBUF_FLAG_IS_CUSTOM &&
           ((const struct pbuf_custom *)(const void *)p)->custom_free_function == cut_share_end;
}

struct pbuf *tcp_cut_share(struct pbuf *p, uint16_t at, uint16_t len)
{
    struct cut_share *s = net_malloc(sizeof(*s));

    if (!s)
        return NULL;
    s->of = cut_is_share(p) ? ((struct cut_share *)(void *)p)->of : p;
    s->pc.custom_free_function = cut_share_end;
    pbuf_ref(s->of);
    return pbuf_alloced_custom(PBUF_RAW, len, PBUF_ROM, &s->pc, (uint8_t *)p->payload + at, len);
}

/* ---- the front ------------------------------------------------------------------------------- */

/* The bytes of headers in the segment's first pbuf, that of TCP and its options included. */
static uint16_t cut_header_len(const struct tcp_seg *seg)
{
    return (uint16_t)((uint8_t *)seg->tcphdr - (uint8_t *)seg->p->payload +
                      TCPH_HDRLEN_BYTES(seg->tcphdr));
}

/* Removes `len` bytes of data at the front of the pbufs. */
static void cut_pbufs(struct pbuf *p, uint16_t skip, uint16_t len)
{
    uint16_t here = (uint16_t)(p->len - skip), part = here < len ? here : len;
    uint8_t *data = (uint8_t *)p->payload + skip;
    struct pbuf *q;

    memmove(data, data + part, here - part);
    p->len = (uint16_t)(p->len - part);
    p->tot_len = (uint16_t)(p->tot_len - len);
    len = (uint16_t)(len - part);
    while ((q = p->next) && len >= q->len) {
        len = (uint16_t)(len - q->len);
        p->next = q->next;
        q->next = NULL;
        q->tot_len = q->len;
        pbuf_free(q);
    }
    if (len)
        pbuf_remove_header(q, len);
}

void tcp_cut_front(struct tcp_pcb *pcb, struct tcp_seg *seg, uint32_t from)
{
    uint16_t len = (uint16_t)(from - lwip_ntohl(seg->tcphdr->seqno));

    pcb->snd_queuelen = (uint16_t)(pcb->snd_queuelen - pbuf_clen(seg->p));
    cut_pbufs(seg->p, cut_header_len(seg), len);
    pcb->snd_queuelen = (uint16_t)(pcb->snd_queuelen + pbuf_clen(seg->p));
    seg->len = (uint16_t)(seg->len - len);
    seg->tcphdr->seqno = lwip_htonl(from);
    seg->net.cut = 0;
}

/* ---- in two ---------------------------------------------------------------------------------- */

/*
 * Headers for the second part, and what of its data the pbuf q has from byte `off` on: NULL if no
 * memory is left. Data of the first pbuf of a segment is copied behind the headers.
 */
static struct pbuf *cut_head(const struct tcp_seg *seg, struct pbuf *q, uint16_t off)
{
    uint16_t header = TCPH_HDRLEN_BYTES(seg->tcphdr), here = (uint16_t)(q->len - off);
    uint16_t copied = q == seg->p ? here : 0;
    struct pbuf *p = pbuf_alloc(PBUF_IP, (uint16_t)(header + copied), PBUF_RAM), *share;

    if (!p)
        return NULL;
    memcpy(p->payload, seg->tcphdr, header);
    if (copied)
        memcpy((uint8_t *)p->payload + header, (uint8_t *)q->payload + off, copied);
    if (copied || !here)
        return p;
    share = tcp_cut_share(q, off, here);
    if (!share) {
        pbuf_free(p);
        return NULL;
    }
    pbuf_cat(p, share);
    return p;
}

/* Data from byte `at` of the pbufs of a segment on becomes that of p; at: with headers. */
static struct pbuf *cut_chain(const struct tcp_seg *seg, uint16_t at)
{
    uint16_t tail = (uint16_t)(seg->p->tot_len - at), off = at;
    struct pbuf *p, *q;

    for (q = seg->p; off > q->len; q = q->next)
        off = (uint16_t)(off - q->len);
    p = cut_head(seg, q, off);
    if (!p)
        return NULL;
    if (q->next)
        pbuf_cat(p, q->next);
    q->next = NULL;
    q->len = off;
    for (q = seg->p; q; q = q->next)
        q->tot_len = (uint16_t)(q->tot_len - tail);
    return p;
}

struct tcp_seg *tcp_cut_two(struct tcp_pcb *pcb, struct tcp_seg *seg, uint16_t keep)
{
    struct tcp_seg *piece = memp_malloc(MEMP_TCP_SEG);
    uint16_t before = pbuf_clen(seg->p);
    struct pbuf *p = piece ? cut_chain(seg, (uint16_t)(cut_header_len(seg) + keep)) : NULL;

    if (!p) {
        memp_free(MEMP_TCP_SEG, piece);
        return NULL;
    }
    *piece = *seg;
    piece->p = p;
    piece->net.small = false;
    piece->len = (uint16_t)(seg->len - keep);
    piece->tcphdr = p->payload;
    piece->tcphdr->seqno = lwip_htonl(lwip_ntohl(seg->tcphdr->seqno) + keep);
    TCPH_FLAGS_SET(seg->tcphdr, TCPH_FLAGS(seg->tcphdr) & ~(TCP_FIN | TCP_PSH));
    seg->len = keep;
    seg->next = piece;
    pcb->snd_queuelen =
        (uint16_t)(pcb->snd_queuelen - before + pbuf_clen(seg->p) + pbuf_clen(piece->p));
    return piece;
}

/* The piece stands behind the segment: in the queue, and in the list of its state. */
static void cut_insert(struct tcp_pcb *pcb, struct tcp_seg *seg, struct tcp_seg *piece)
{
    struct tcp_recovery *r = &pcb->net.rec;
    struct tcp_seg_list *l = seg->net.flags & TCP_SEG_LOST     ? &r->lost
                             : seg->net.flags & TCP_SEG_RESENT ? &r->resent
                                                               : NULL;

    if (pcb->net.unacked_last == seg)
        pcb->net.unacked_last = piece;
    if (!l)
        return;
    piece->net.prev = seg;
    if (piece->net.next)
        piece->net.next->net.prev = piece;
    else
        l->last = piece;
    seg->net.next = piece;
}

bool tcp_cut_seg(struct tcp_pcb *pcb, struct tcp_seg *seg, uint32_t at)
{
    uint16_t keep = (uint16_t)(at - lwip_ntohl(seg->tcphdr->seqno));
    bool between = tcp_seg_between(seg, at);
    struct tcp_seg *piece;

    if (keep >= seg->len || seg->p->ref != 1 || !(piece = tcp_cut_two(pcb, seg, keep)))
        return false;
    piece->net.seq = at;
    piece->net.cut = 0;
    seg->net.end = at;
    piece->net.flags &= (uint8_t)~TCP_SEG_PIECE;
    if (!between) { /* of cuts between packets there are not too many */
        piece->net.flags |= TCP_SEG_PIECE;
        pcb->net.rec.pieces++;
    }
    cut_insert(pcb, seg, piece);
    return true;
}
