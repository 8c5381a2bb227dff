/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_ooseq.c - data that came out of order: lwIP's list, in pieces of up to 32 KiB.
 *
 * lwIP walks its list of packets for each packet that comes, and once more to limit it to 64. Here
 * data that follows other data joins its piece, so a full window of 4 MiB is a list of some 130 and
 * one more for each gap. Data at the end, or behind what came last, is put there without a walk.
 * Where each second segment of a window is lost, as behind a queue that overflowed, all that came
 * is kept: a sender that was told of it by SACK does not send it again.
 * The list stays as lwIP has it: it takes the first pieces when the gap before them is filled.
 *
 * Each piece knows where its stretch of data without a gap begins, which is what a SACK block says.
 */
#include "tcp_ooseq.h"

#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "tcp_ack.h"

#define PIECE_MAX     32768u /* bytes of joined data */
#define GAPS_LEAST    256u   /* that a connection may have */
#define GAP_LEAST     2048u  /* beyond: one for so many bytes of the window */
#define PACKETS_LEAST 64u    /* that are kept of any sizes */
#define PACKET_LEAST  512u   /* beyond: one packet for so many bytes of the window */
#define COPY_MAX      350u   /* a packet of this many bytes is copied out of its frame's buffer */
#define OPTION_ROOM   40u    /* bytes of a header's options */

/* An element of pcb->ooseq. lwIP frees it as a tcp_seg. */
struct piece {
    struct tcp_seg seg;
    struct tcp_hdr header; /* of the first packet, with the last one's FIN */
    u32_t stretch;         /* where the data without a gap begins that this piece is part of */
    u32_t packets;
};

static struct piece *piece_of(struct tcp_seg *s)
{
    return (struct piece *)s;
}

static u32_t piece_begin(const struct tcp_seg *s)
{
    return s->tcphdr->seqno;
}

static u32_t piece_end(const struct tcp_seg *s)
{
    return s->tcphdr->seqno + s->len;
}

static bool piece_ends_stream(const struct tcp_seg *s)
{
    return TCPH_FLAGS(s->tcphdr) & TCP_FIN;
}

/* ---- the list -------------------------------------------------------------------------------- */

/* lwIP has taken pieces from the front, or all: what is known of the list is learnt anew. */
static void ooseq_look(struct tcp_pcb *pcb)
{
    struct tcp_ooseq *o = &pcb->net.ooseq;

    if (o->head == pcb->ooseq)
        return;
    o->head = pcb->ooseq;
    o->tail = o->last = NULL;
    o->pieces = o->packets = 0;
    for (struct tcp_seg *s = pcb->ooseq; s; s = s->next) {
        o->tail = s;
        o->pieces++;
        o->packets += piece_of(s)->packets;
    }
}

/* The last piece that begins at or before that number; NULL: none. */
static struct tcp_seg *ooseq_find(const struct tcp_pcb *pcb, u32_t begin)
{
    const struct tcp_ooseq *o = &pcb->net.ooseq;
    struct tcp_seg *at = o->tail;

    if (!at || TCP_SEQ_LEQ(piece_begin(at), begin))
        return at;
    at = o->last && TCP_SEQ_LEQ(piece_begin(o->last), begin) ? o->last : pcb->ooseq;
    if (TCP_SEQ_GT(piece_begin(at), begin))
        return NULL;
    while (at->next && TCP_SEQ_LEQ(piece_begin(at->next), begin))
        at = at->next;
    return at;
}

/* Takes the piece behind prev (NULL: the first) out of the list. */
static struct tcp_seg *ooseq_unlink(struct tcp_pcb *pcb, struct tcp_seg *prev)
{
    struct tcp_ooseq *o = &pcb->net.ooseq;
    struct tcp_seg **at = prev ? &prev->next : &pcb->ooseq, *s = *at;

    *at = s->next;
    if (o->tail == s)
        o->tail = prev;
    if (o->last == s)
        o->last = NULL;
    o->pieces--;
    o->packets -= piece_of(s)->packets;
    return s;
}

static void ooseq_link(struct tcp_pcb *pcb, struct tcp_seg *prev, struct tcp_seg *s)
{
    struct tcp_ooseq *o = &pcb->net.ooseq;
    struct tcp_seg **at = prev ? &prev->next : &pcb->ooseq;

    s->next = *at;
    *at = s;
    if (!s->next)
        o->tail = s;
    o->pieces++;
    o->packets += piece_of(s)->packets;
}

/* Joins the piece behind s to it, if that is one piece afterwards. */
static void ooseq_join(struct tcp_pcb *pcb, struct tcp_seg *s)
{
    struct tcp_seg *next = s ? s->next : NULL;

    if (!next || piece_end(s) != piece_begin(next) || s->len + next->len > PIECE_MAX ||
        !s->p->tot_len || !next->p->tot_len)
        return;
    ooseq_unlink(pcb, s);
    if (piece_ends_stream(next))
        TCPH_SET_FLAG(s->tcphdr, TCP_FIN);
    s->len = (u16_t)(s->len + next->len);
    piece_of(s)->packets += piece_of(next)->packets;
    pcb->net.ooseq.packets += piece_of(next)->packets;
    pbuf_cat(s->p, next->p);
    next->p = NULL;
    tcp_seg_free(next);
}

/* ---- SACK blocks ----------------------------------------------------------------------------- */

/* The newest block stands first; others that it covers are gone (RFC 2018, section 4). */
static void sack_add(struct tcp_pcb *pcb, u32_t begin, u32_t end)
{
    struct tcp_sack_range blocks[LWIP_TCP_MAX_SACK_NUM] = {{begin, end}};
    unsigned n = 1;

    if (!(pcb->flags & TF_SACK) || begin == end)
        return;
    for (unsigned i = 0; i < LWIP_TCP_MAX_SACK_NUM && n < LWIP_TCP_MAX_SACK_NUM; i++) {
        const struct tcp_sack_range *old = &pcb->rcv_sacks[i];

        if (old->left != old->right &&
            (TCP_SEQ_LT(old->right, begin) || TCP_SEQ_GT(old->left, end)))
            blocks[n++] = *old;
    }
    memcpy(pcb->rcv_sacks, blocks, sizeof(blocks));
}

/* Reports the stretch of a piece, and tells the pieces behind where that begins. */
static void ooseq_report(struct tcp_pcb *pcb, struct tcp_seg *s)
{
    u32_t begin = piece_of(s)->stretch, end = piece_end(s);

    for (s = s->next; s && piece_begin(s) == end; s = s->next) {
        piece_of(s)->stretch = begin;
        end = piece_end(s);
    }
    sack_add(pcb, begin, end);
}

void tcp_ooseq_again(struct tcp_pcb *pcb, uint32_t begin, uint32_t end)
{
    pcb->net.ooseq.again_begin = begin;
    pcb->net.ooseq.again_end = end;
    tcp_ack_lossy(pcb);
}

static bool sack_again(const struct tcp_pcb *pcb)
{
    return pcb->flags & TF_SACK && pcb->net.ooseq.again_begin != pcb->net.ooseq.again_end;
}

uint8_t tcp_ooseq_blocks(const struct tcp_pcb *pcb, unsigned used)
{
    unsigned most = (OPTION_ROOM - 4 - used) / 8, n = sack_again(pcb);

    for (unsigned i = 0; i < LWIP_TCP_MAX_SACK_NUM && LWIP_TCP_SACK_VALID(pcb, i); i++)
        n++;
    return (uint8_t)(n < most ? n : most);
}

static uint32_t *sack_put(uint32_t *at, u32_t begin, u32_t end)
{
    *at++ = lwip_htonl(begin);
    *at++ = lwip_htonl(end);
    return at;
}

void tcp_ooseq_write(struct tcp_pcb *pcb, uint32_t *option, unsigned blocks)
{
    struct tcp_ooseq *o = &pcb->net.ooseq;
    unsigned again = sack_again(pcb);

    *option++ = lwip_htonl(0x01010500 + 2 + blocks * 8);
    if (again)
        option = sack_put(option, o->again_begin, o->again_end);
    for (unsigned i = 0; i + again < blocks; i++)
        option = sack_put(option, pcb->rcv_sacks[i].left, pcb->rcv_sacks[i].right);
    o->again_begin = o->again_end;
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* Is there room for another packet? Out of order, data is the first that a shortage drops. */
static bool ooseq_may_keep(const struct tcp_pcb *pcb)
{
    const struct tcp_ooseq *o = &pcb->net.ooseq;
    uint32_t window = pcb->net.win.receive;

    return o->pieces < GAPS_LEAST + window / GAP_LEAST &&
           o->packets < PACKETS_LEAST + window / PACKET_LEAST && net_mem_admit(NET_MEM_OOSEQ);
}

/* The packet's bytes from `skip` on, len of them, as a reference of their own. NULL: no memory. */
static struct pbuf *ooseq_data(const struct tcp_seg *in, u32_t skip, u32_t len)
{
    struct pbuf *from = in->p, *p;

    if (len <= COPY_MAX) {
        p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM);
        if (p)
            pbuf_copy_partial(in->p, p->payload, (u16_t)len, (u16_t)skip);
        return p;
    }
    while (!from->len && from->next) /* the pbuf of its headers is not kept */
        from = from->next;
    pbuf_ref(from);
    p = skip ? pbuf_free_header(from, (u16_t)skip) : from;
    if (len < p->tot_len)
        pbuf_realloc(p, (u16_t)len);
    return p;
}

/* A piece of bytes begin to end of the packet. NULL: no memory. */
static struct tcp_seg *piece_new(const struct tcp_seg *in, u32_t begin, u32_t end, bool fin)
{
    struct piece *n = net_malloc(sizeof(*n));
    u32_t skip = begin - in->tcphdr->seqno;

    if (!n)
        return NULL;
    *n = (struct piece){.seg = *in, .header = *in->tcphdr, .stretch = begin};
    n->seg.tcphdr = &n->header;
    n->seg.len = (u16_t)(end - begin);
    n->header.seqno = begin;
    TCPH_UNSET_FLAG(&n->header, TCP_FIN);
    if (fin)
        TCPH_SET_FLAG(&n->header, TCP_FIN);
    n->seg.p = ooseq_data(in, skip, end - begin);
    if (!n->seg.p) {
        net_free(n);
        return NULL;
    }
    n->packets = pbuf_clen(n->seg.p);
    return &n->seg;
}

/* Frees the pieces behind prev that end at or before `end`; with fin all. True: one had the FIN. */
static bool ooseq_drop_covered(struct tcp_pcb *pcb, struct tcp_seg *prev, u32_t end, bool fin)
{
    struct tcp_seg *next;
    bool had_fin = false;

    while ((next = prev ? prev->next : pcb->ooseq) && (fin || TCP_SEQ_GEQ(end, piece_end(next)))) {
        had_fin |= piece_ends_stream(next);
        tcp_seg_free(ooseq_unlink(pcb, prev));
    }
    return had_fin;
}

static void ooseq_insert(struct tcp_pcb *pcb, struct tcp_seg *prev, struct tcp_seg *s)
{
    bool follows = prev && piece_end(prev) == piece_begin(s);
    u32_t begin = piece_begin(s);

    if (follows)
        piece_of(s)->stretch = piece_of(prev)->stretch;
    ooseq_link(pcb, prev, s);
    ooseq_join(pcb, s);
    ooseq_join(pcb, prev);
    if (follows && piece_end(prev) != begin)
        s = prev; /* they are one */
    pcb->net.ooseq.last = s;
    ooseq_report(pcb, s);
}

void tcp_ooseq_keep(struct tcp_pcb *pcb, const struct tcp_seg *in)
{
    u32_t begin = piece_begin(in), end = piece_end(in);
    bool fin = piece_ends_stream(in);
    struct tcp_seg *prev, *next, *s;

    ooseq_look(pcb);
    prev = ooseq_find(pcb, begin);
    if (prev && (piece_ends_stream(prev) || TCP_SEQ_LT(end, piece_end(prev)) ||
                 (end == piece_end(prev) && !fin))) {
        tcp_ooseq_again(pcb, begin, end);
        ooseq_report(pcb, prev);
        return;
    }
    if (!ooseq_may_keep(pcb))
        return;
    if (prev && TCP_SEQ_LT(begin, piece_end(prev)))
        begin = piece_end(prev);
    fin |= ooseq_drop_covered(pcb, prev, end, fin);
    next = prev ? prev->next : pcb->ooseq;
    if (next && TCP_SEQ_GT(end, piece_begin(next))) {
        end = piece_begin(next);
        fin = false;
    }
    s = piece_new(in, begin, end, fin);
    if (s)
        ooseq_insert(pcb, prev, s);
    pcb->net.ooseq.head = pcb->ooseq;
}

bool tcp_ooseq_filled(struct tcp_pcb *pcb)
{
    bool filled = pcb->ooseq != pcb->net.ooseq.head;

    ooseq_look(pcb);
    return filled;
}

bool tcp_ooseq_drop_all(void)
{
    bool any = false;

    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
        any |= pcb->ooseq != NULL;
        tcp_free_ooseq(pcb);
    }
    return any;
}
