/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_sack.c - the scoreboard: what of the data in flight has arrived, by acknowledgements and by
 * the peer's SACK option (RFC 2018, 2883).
 *
 * A segment in pcb->unacked is in flight, SACKed, or lost. SACKed segments that follow each other
 * are a run, whose first one knows the last, so that a search steps over all of it. A block mostly
 * lengthens the highest run, and is not searched for; a block that was there before is not looked
 * at. So the work for an acknowledgement grows with what it changes, or with the number of holes,
 * never with the window.
 */
#include "net_impl.h"
#include "tcp_scoreboard.h"

#define OPTION_END        0
#define OPTION_NOP        1
#define OPTION_SACK       5
#define OPTION_TIMESTAMPS 8

/* Of a connection, cut within packets: a peer's odd blocks must not cost memory without end. */
#define PIECES_MAX 256

struct tcp_news tcp_news;

/* ---- lists ----------------------------------------------------------------------------------- */

/* Puts seg behind `after`; NULL: first. */
static void score_link(struct tcp_seg_list *l, struct tcp_seg *seg, struct tcp_seg *after)
{
    seg->net.prev = after;
    seg->net.next = after ? after->net.next : l->first;
    if (seg->net.next)
        seg->net.next->net.prev = seg;
    else
        l->last = seg;
    if (after)
        after->net.next = seg;
    else
        l->first = seg;
}

static void score_unlink(struct tcp_seg_list *l, struct tcp_seg *seg)
{
    if (seg->net.prev)
        seg->net.prev->net.next = seg->net.next;
    else
        l->first = seg->net.next;
    if (seg->net.next)
        seg->net.next->net.prev = seg->net.prev;
    else
        l->last = seg->net.prev;
}

/* ---- states of a segment --------------------------------------------------------------------- */

static uint32_t score_len(const struct tcp_seg *seg)
{
    return seg->net.end - seg->net.seq;
}

/* The segment is in flight, or lost, no more. */
static void score_leave(struct tcp_recovery *r, struct tcp_seg *seg)
{
    if (seg->net.flags & TCP_SEG_LOST) {
        score_unlink(&r->lost, seg);
        r->lost_bytes -= score_len(seg);
    } else {
        if (seg->net.flags & TCP_SEG_RESENT)
            score_unlink(&r->resent, seg);
        r->in_flight -= score_len(seg);
    }
    seg->net.flags &= (uint8_t) ~(TCP_SEG_LOST | TCP_SEG_RESENT);
}

/*
 * In the list by sequence number. *after: where the last one was put, NULL at first; who marks
 * several in ascending order does not search the list for each.
 */
void tcp_score_lost(struct tcp_recovery *r, struct tcp_seg *seg, struct tcp_seg **after)
{
    struct tcp_seg *at = *after;

    score_leave(r, seg);
    if (at && tcp_before(seg->net.seq, at->net.seq))
        at = NULL;
    if (r->lost.last && tcp_before(r->lost.last->net.seq, seg->net.seq))
        at = r->lost.last;
    for (struct tcp_seg *next = at ? at->net.next : r->lost.first;
         next && tcp_before(next->net.seq, seg->net.seq); next = next->net.next)
        at = next;
    score_link(&r->lost, seg, at);
    seg->net.flags |= TCP_SEG_LOST;
    r->lost_bytes += score_len(seg);
    tcp_news.lost += score_len(seg);
    *after = seg;
}

void tcp_score_resent(struct tcp_recovery *r, struct tcp_seg *seg, uint32_t now_us)
{
    if (seg == r->fresh)
        r->fresh = seg->next;
    score_leave(r, seg);
    score_link(&r->resent, seg, r->resent.last);
    seg->net.flags |= TCP_SEG_RESENT | TCP_SEG_AGAIN;
    seg->net.sent_us = now_us;
    r->in_flight += score_len(seg);
    r->undo_bytes += score_len(seg);
    r->total_resent += (score_len(seg) + seg->net.size - 1) / seg->net.size;
}

void tcp_score_unlose(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    struct tcp_seg *seg;

    while ((seg = r->lost.first)) {
        score_leave(r, seg);
        r->in_flight += score_len(seg);
        if (seg->net.flags & TCP_SEG_AGAIN) {
            score_link(&r->resent, seg, NULL); /* sent before all that is in the list */
            seg->net.flags |= TCP_SEG_RESENT;
        } else if (!r->fresh || tcp_before(seg->net.seq, r->fresh->net.seq)) {
            r->fresh = seg;
        }
    }
}

void tcp_score_lose_all(struct tcp_pcb *pcb, bool reneged)
{
    struct tcp_recovery *r = &pcb->net.rec;
    struct tcp_seg *after = NULL;

    if (reneged) {
        r->top = NULL;
        r->sacked_segs = 0;
        memset(r->seen, 0, sizeof(r->seen));
    }
    for (struct tcp_seg *seg = pcb->unacked; seg; seg = seg->next) {
        if (reneged && (seg->net.flags & TCP_SEG_SACKED)) {
            seg->net.flags &= (uint8_t)~TCP_SEG_SACKED;
            r->sacked_bytes -= score_len(seg);
            r->in_flight += score_len(seg);
        }
        if (!(seg->net.flags & (TCP_SEG_SACKED | TCP_SEG_LOST)))
            tcp_score_lost(r, seg, &after);
    }
    r->fresh = NULL;
    r->reo_wait = false;
    r->dup_bytes = 0;
}

void tcp_score_clear(struct tcp_recovery *r)
{
    r->lost = r->resent = (struct tcp_seg_list){NULL, NULL};
    r->fresh = r->top = NULL;
    r->in_flight = r->lost_bytes = r->sacked_bytes = r->dup_bytes = 0;
    r->sacked_segs = r->pieces = 0;
}

/* ---- what arrived ---------------------------------------------------------------------------- */

void tcp_news_begin(struct tcp_pcb *pcb)
{
    if (tcp_news.any)
        return;
    tcp_news = (struct tcp_news){.any = true, .now_ns = hal_now_ns()};
    tcp_news.now_us = (uint32_t)(tcp_news.now_ns / 1000);
    tcp_news.in_flight = tcp_flight(&pcb->net.rec);
}

/* Was (us, end) sent after what RACK has last? (RFC 8985, section 6.2, RACK_sent_after) */
static bool rack_newer(const struct tcp_recovery *r, uint32_t us, uint32_t end)
{
    return !r->rack || tcp_before(r->rack_us, us) ||
           (us == r->rack_us && tcp_before(r->rack_end, end));
}

/* Bytes that were sent again had no need of it. All of those: nothing was lost. */
static void score_needless(struct tcp_recovery *r, uint32_t len)
{
    if (!r->undo || !r->undo_bytes)
        return;
    r->undo_bytes -= len < r->undo_bytes ? len : r->undo_bytes;
    tcp_news.spurious |= !r->undo_bytes;
}

/*
 * A segment that was sent again arrived sooner than any has: it was the copy before that arrived
 * (RFC 8985, section 6.2, step 2). If much sooner, that is sure, and the segment was only late.
 */
static void score_earlier_copy(struct tcp_pcb *pcb, uint32_t len, uint32_t rtt)
{
    if (rtt > pcb->net.rtt.min_us - pcb->net.rtt.min_us / 4)
        return;
    tcp_news.late = true;
    score_needless(&pcb->net.rec, len);
}

/*
 * len bytes of a segment that was in flight, or lost, have arrived, up to `end`. If it was sent
 * before a timeout, that may have been long ago, and only the word of it was late.
 */
static void score_delivered(struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t len,
                            uint32_t end)
{
    struct tcp_recovery *r = &pcb->net.rec;
    uint32_t rtt = tcp_news.now_us - seg->net.sent_us;
    bool again = seg->net.flags & TCP_SEG_AGAIN;

    tcp_news.delivered += len;
    if (!again && !(r->timed_out && !tcp_before(r->recover, end))) {
        tcp_news.rtt_last_us = rtt ? rtt : 1;
        if (!tcp_news.rtt_us)
            tcp_news.rtt_us = tcp_news.rtt_last_us;
    }
    if (!again)
        tcp_news.original |= !tcp_before(r->recover, end);
    if (tcp_before(r->fack, end))
        r->fack = end;
    else if (!again && tcp_before(end, r->fack))
        r->reordering = true;
    if (again && rtt < pcb->net.rtt.min_us) {
        score_earlier_copy(pcb, len, rtt);
        return;
    }
    if (rack_newer(r, seg->net.sent_us, end)) {
        r->rack = true;
        r->rack_us = seg->net.sent_us;
        r->rack_end = end;
        r->rack_rtt_us = rtt;
    }
}

uint32_t tcp_score_lone(struct tcp_recovery *r, uint32_t sent_us, uint32_t end)
{
    uint32_t rtt = tcp_news.now_us - sent_us;

    r->in_flight = 0;
    r->fresh = NULL;
    if (tcp_before(r->fack, end))
        r->fack = end;
    if (rack_newer(r, sent_us, end)) {
        r->rack = true;
        r->rack_us = sent_us;
        r->rack_end = end;
        r->rack_rtt_us = rtt;
    }
    return rtt ? rtt : 1;
}

/* The first segment of a run is acknowledged: the next one is the first now. */
static void run_shorten(struct tcp_recovery *r, struct tcp_seg *seg)
{
    struct tcp_seg *next = seg == seg->net.run_end ? NULL : seg->next;

    if (next)
        next->net.run_end = seg->net.run_end;
    if (r->top == seg)
        r->top = next;
}

/* A whole segment is acknowledged. */
static void score_ack(struct tcp_pcb *pcb, struct tcp_seg *seg)
{
    struct tcp_recovery *r = &pcb->net.rec;

    if (seg->net.flags & TCP_SEG_SACKED) {
        run_shorten(r, seg);
        r->sacked_bytes -= score_len(seg);
        r->sacked_segs--;
    } else {
        score_delivered(pcb, seg, score_len(seg), seg->net.end);
        score_leave(r, seg);
    }
    if (seg->net.flags & TCP_SEG_PIECE)
        r->pieces--;
}

/* Segments that were sent once, and in this order, are acknowledged: all of nearly all paths. */
static void score_ack_plain(struct tcp_pcb *pcb, const struct tcp_seg *first,
                            const struct tcp_seg *last, uint32_t bytes)
{
    pcb->net.rec.in_flight -= bytes;
    score_delivered(pcb, first, bytes, first->net.end);
    if (last != first)
        score_delivered(pcb, last, 0, last->net.end);
}

/* The front of a segment is acknowledged, up to `una`. */
static void score_ack_front(struct tcp_pcb *pcb, struct tcp_seg *seg, uint32_t una)
{
    struct tcp_recovery *r = &pcb->net.rec;
    uint32_t len = una - seg->net.seq;

    if (seg->net.flags & TCP_SEG_SACKED) {
        r->sacked_bytes -= len;
    } else {
        score_delivered(pcb, seg, len, una);
        if (seg->net.flags & TCP_SEG_LOST)
            r->lost_bytes -= len;
        else
            r->in_flight -= len;
    }
    seg->net.seq = una;
    seg->net.cut = (uint16_t)(seg->net.cut + len);
}

/* A probe of the closed window was acknowledged, which is the front of unsent data. */
static uint32_t score_ack_unsent(struct tcp_pcb *pcb, uint32_t una)
{
    struct tcp_seg *seg = pcb->unsent;
    uint32_t first = lwip_ntohl(seg->tcphdr->seqno);

    if (!tcp_before(first, una) || !tcp_before(una, first + seg->len) || seg->p->ref != 1)
        return 0;
    tcp_cut_front(pcb, seg, una);
    return una - first;
}

uint32_t net_tcp_acked(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    struct tcp_seg *seg = pcb->unacked, *first = NULL, *last = NULL;
    uint32_t una = pcb->lastack, told = 0, plain = 0;
    bool again = false;

    tcp_news_begin(pcb);
    tcp_news.advanced = true;
    if (seg) {
        tcp_news.again = seg->net.flags & TCP_SEG_AGAIN;
        tcp_news.again_us = seg->net.sent_us;
    }
    for (; seg && !tcp_before(una, seg->net.end); seg = seg->next) {
        told -= seg->net.cut;
        if (seg->net.flags) {
            again |= seg->net.flags & TCP_SEG_AGAIN;
            score_ack(pcb, seg);
        } else {
            plain += score_len(seg);
            first = first ? first : seg;
            last = seg;
        }
    }
    if (first)
        score_ack_plain(pcb, first, last, plain);
    if (r->fresh && !tcp_before(una, r->fresh->net.end))
        r->fresh = seg;
    if (seg && tcp_before(seg->net.seq, una)) {
        told += una - seg->net.seq;
        score_ack_front(pcb, seg, una);
    }
    if (!seg && pcb->unsent)
        told += score_ack_unsent(pcb, una);
    if (!tcp_before(una, r->recover))
        r->timed_out = false;
    if (again) /* what waited behind a hole says how long that took, not the path (Karn's rule) */
        tcp_news.rtt_us = tcp_news.rtt_last_us = 0;
    return told;
}

/* ---- SACK blocks ----------------------------------------------------------------------------- */

static void score_sack(struct tcp_pcb *pcb, struct tcp_seg *seg)
{
    struct tcp_recovery *r = &pcb->net.rec;

    score_delivered(pcb, seg, score_len(seg), seg->net.end);
    score_leave(r, seg);
    if (r->fresh == seg)
        r->fresh = seg->next;
    seg->net.flags |= TCP_SEG_SACKED;
    r->sacked_bytes += score_len(seg);
    r->sacked_segs++;
}

/* A SACKed segment lengthens the run before it, or begins one, and joins the one behind it. */
static struct tcp_seg *run_join(struct tcp_recovery *r, struct tcp_seg *run, struct tcp_seg *seg)
{
    struct tcp_seg *next = seg->next;

    if (!run)
        run = seg;
    run->net.run_end = seg;
    if (next && (next->net.flags & TCP_SEG_SACKED)) {
        run->net.run_end = next->net.run_end;
        if (r->top == next)
            r->top = run;
    }
    if (!r->top || tcp_before(r->top->net.seq, run->net.seq))
        r->top = run;
    return run;
}

static bool score_cut(struct tcp_pcb *pcb, struct tcp_seg *seg, uint32_t at)
{
    return (tcp_seg_between(seg, at) || pcb->net.rec.pieces < PIECES_MAX) &&
           tcp_cut_seg(pcb, seg, at);
}

/*
 * Marks what a block covers. A segment that it covers in part is cut at the block's border; if that
 * cannot be, it counts as not arrived, and false is returned.
 */
static bool score_block(struct tcp_pcb *pcb, struct tcp_range b)
{
    struct tcp_recovery *r = &pcb->net.rec;
    struct tcp_seg *run = NULL, *seg = pcb->unacked;
    bool whole = true;

    if (r->top && !tcp_before(b.left, r->top->net.seq)) {
        run = r->top;
        seg = run->net.run_end->next;
    }
    while (seg && tcp_before(seg->net.seq, b.right)) {
        if (seg->net.flags & TCP_SEG_SACKED) {
            run = seg;
            seg = run->net.run_end->next;
        } else if (tcp_before(seg->net.seq, b.left)) {
            if (tcp_before(b.left, seg->net.end))
                whole &= score_cut(pcb, seg, b.left);
            run = NULL;
            seg = seg->next;
        } else {
            if (tcp_before(b.right, seg->net.end) && !score_cut(pcb, seg, b.right))
                return false;
            score_sack(pcb, seg);
            run = run_join(r, run, seg);
            seg = run->net.run_end->next;
        }
    }
    return whole;
}

/*
 * A report of a duplicate (RFC 2883): of data that was sent again, as far as is known here. Once
 * all of that is reported, nothing was lost.
 */
static void score_duplicate(struct tcp_recovery *r, struct tcp_range b)
{
    tcp_news.dsack = tcp_news.late = true;
    if (!tcp_before(b.left, r->undo_una))
        score_needless(r, b.right - b.left);
}

/* The first block may be such a report: of what is acknowledged, or part of the second block. */
static bool score_is_duplicate(const struct tcp_pcb *pcb, uint32_t ack, const struct tcp_range *b,
                               unsigned n)
{
    if (!pcb->net.rec.total_resent)
        return false;
    if (!tcp_before(ack, b->right))
        return ack - b->left <= pcb->snd_wnd_max;
    return n > 1 && !tcp_before(b[0].left, b[1].left) && !tcp_before(b[1].right, b[0].right);
}

static void score_blocks(struct tcp_pcb *pcb, uint32_t ack, const struct tcp_range *b, unsigned n)
{
    struct tcp_recovery *r = &pcb->net.rec;
    unsigned i = 0, seen = 0;
    struct tcp_range now_seen[TCP_SACK_BLOCKS] = {0};

    if (n && tcp_before(b->left, b->right) && score_is_duplicate(pcb, ack, b, n)) {
        score_duplicate(r, *b);
        i++;
    }
    for (; i < n; i++) {
        bool known = false;

        if (!tcp_before(pcb->lastack, b[i].left) || !tcp_before(b[i].left, b[i].right) ||
            tcp_before(pcb->snd_nxt, b[i].right))
            continue; /* not of data in flight: no receiver sends it */
        for (unsigned k = 0; k < TCP_SACK_BLOCKS; k++)
            known |= r->seen[k].left == b[i].left && r->seen[k].right == b[i].right;
        if (known || score_block(pcb, b[i]))
            now_seen[seen++] = b[i];
    }
    memcpy(r->seen, now_seen, sizeof(r->seen));
}

static uint32_t option_number(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The blocks of a SACK option; 0 of a malformed one. */
static unsigned option_blocks(const uint8_t *o, struct tcp_range *out)
{
    unsigned n = (o[1] - 2u) / 8;

    if ((o[1] - 2u) % 8 || n > TCP_SACK_BLOCKS)
        return 0;
    for (unsigned i = 0; i < n; i++)
        out[i] = (struct tcp_range){option_number(o + 2 + 8 * i), option_number(o + 6 + 8 * i)};
    return n;
}

void tcp_score_options(struct tcp_pcb *pcb, uint32_t ack, const uint8_t *o, uint32_t len)
{
    struct tcp_range blocks[TCP_SACK_BLOCKS];

    while (len && *o != OPTION_END) {
        if (*o == OPTION_NOP) {
            o++;
            len--;
            continue;
        }
        if (len < 2 || o[1] < 2 || o[1] > len)
            return;
        if (*o == OPTION_SACK && (pcb->flags & TF_SACK))
            score_blocks(pcb, ack, blocks, option_blocks(o, blocks));
        len -= o[1];
        o += o[1];
    }
}
