/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_cut.c - cuts segments that were sent: in two, where the peer has one part of them only, or at
 * the front. lwIP keeps a segment's headers and the first of its data in one pbuf, further data in
 * pbufs behind that one, and the sum of all data in the segment.
 */
#include "lwip/inet_chksum.h"
#include "lwip/memp.h"
#include "tcp_scoreboard.h"

/* The bytes of headers in the segment's first pbuf, that of TCP and its options included. */
static uint16_t cut_header_len(const struct tcp_seg *seg)
{
    return (uint16_t)((uint8_t *)seg->tcphdr - (uint8_t *)seg->p->payload +
                      TCPH_HDRLEN_BYTES(seg->tcphdr));
}

/* Sums a piece of data, as lwIP does when it appends data to a segment. */
static void cut_sum_piece(struct tcp_seg *seg, const void *data, uint16_t len)
{
    uint32_t sum = (uint16_t)~inet_chksum(data, len) + (uint32_t)seg->chksum;

    sum = (sum & 0xffff) + (sum >> 16);
    if (len % 2) {
        sum = (sum & 0xff) << 8 | sum >> 8;
        seg->chksum_swapped ^= 1;
    }
    seg->chksum = (uint16_t)sum;
}

static void cut_sum(struct tcp_seg *seg)
{
    uint16_t skip = cut_header_len(seg);

    seg->chksum = 0;
    seg->chksum_swapped = 0;
    for (struct pbuf *q = seg->p; q; q = q->next) {
        if (q->len > skip)
            cut_sum_piece(seg, (uint8_t *)q->payload + skip, (uint16_t)(q->len - skip));
        skip = 0;
    }
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
    cut_sum(seg);
}

/* A segment for the data behind the first `keep` bytes, which it copies. NULL: no memory. */
static struct tcp_seg *cut_copy(const struct tcp_seg *seg, uint16_t keep)
{
    uint16_t header = TCPH_HDRLEN_BYTES(seg->tcphdr), len = (uint16_t)(seg->len - keep);
    struct pbuf *p = pbuf_alloc(PBUF_IP, (uint16_t)(header + len), PBUF_RAM);
    struct tcp_seg *piece = memp_malloc(MEMP_TCP_SEG);

    if (!p || !piece) {
        if (p)
            pbuf_free(p);
        memp_free(MEMP_TCP_SEG, piece);
        return NULL;
    }
    *piece = *seg;
    piece->p = p;
    piece->len = len;
    piece->tcphdr = p->payload;
    memcpy(p->payload, seg->tcphdr, header);
    pbuf_copy_partial(seg->p, (uint8_t *)p->payload + header, len,
                      (uint16_t)(seg->p->tot_len - len));
    return piece;
}

/* The piece stands behind the segment: in the queue, and in the list of its state. */
static void cut_insert(struct tcp_pcb *pcb, struct tcp_seg *seg, struct tcp_seg *piece)
{
    struct tcp_recovery *r = &pcb->net.rec;
    struct tcp_seg_list *l = seg->net.flags & TCP_SEG_LOST     ? &r->lost
                             : seg->net.flags & TCP_SEG_RESENT ? &r->resent
                                                               : NULL;

    seg->next = piece;
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
    uint32_t first = lwip_ntohl(seg->tcphdr->seqno);
    uint16_t keep = (uint16_t)(at - first);
    struct tcp_seg *piece;

    if (keep >= seg->len || seg->p->ref != 1 || !(piece = cut_copy(seg, keep)))
        return false;
    piece->tcphdr->seqno = lwip_htonl(at);
    piece->net.seq = at;
    piece->net.cut = 0;
    piece->net.flags |= TCP_SEG_PIECE;
    pcb->net.rec.pieces++;
    TCPH_FLAGS_SET(seg->tcphdr, TCPH_FLAGS(seg->tcphdr) & ~(TCP_FIN | TCP_PSH));
    pcb->snd_queuelen = (uint16_t)(pcb->snd_queuelen - pbuf_clen(seg->p) + pbuf_clen(piece->p));
    pbuf_realloc(seg->p, (uint16_t)(seg->p->tot_len - piece->len));
    pcb->snd_queuelen = (uint16_t)(pcb->snd_queuelen + pbuf_clen(seg->p));
    seg->len = keep;
    seg->net.end = at;
    cut_sum(seg);
    cut_sum(piece);
    cut_insert(pcb, seg, piece);
    return true;
}
