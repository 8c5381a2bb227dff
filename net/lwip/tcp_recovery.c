/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_recovery.c - finds what is lost, and keeps the state of recovery: RACK (RFC 8985) for peers
 * with SACK, NewReno (RFC 6582) for others, whose duplicate acknowledgements count as a segment
 * each. A reduction of the window that was for nothing is undone: the peer's reports of duplicates
 * show it (RFC 2883, RFC 8985 section 6.2), or data that arrives though a timeout took it as lost
 * (RFC 5682, section 3).
 */
#include "net_impl.h"
#include "tcp_scoreboard.h"

#define DUP_THRESHOLD 3  /* RFC 5681, section 3.2 */
#define REO_PERSIST   16 /* RFC 8985, section 6.2, step 4 */
#define REO_MULT_MAX  254

/* Not for acknowledgements of what was expected, nor in their way. */
static void recovery_judge(struct tcp_pcb *pcb) __attribute__((noinline));

/* ---- RACK: losses by time -------------------------------------------------------------------- */

/* The reordering window (step 4). */
static uint32_t rack_reo_window(const struct tcp_pcb *pcb)
{
    const struct tcp_recovery *r = &pcb->net.rec;
    uint32_t window = pcb->net.rtt.min_us / 4 * (1u + r->reo_mult);

    if (!r->reordering && (r->state != TCP_REC_OPEN || r->sacked_segs >= DUP_THRESHOLD ||
                           r->sacked_bytes >= DUP_THRESHOLD * (uint32_t)pcb->mss))
        return 0;
    return window < pcb->net.rtt.srtt_us ? window : pcb->net.rtt.srtt_us;
}

/* The reordering window grows with what was only late, once a round trip. */
static void rack_adapt(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;

    if (r->reo_counted && !tcp_before(pcb->lastack, r->reo_round))
        r->reo_counted = false;
    if (!tcp_news.late || r->reo_counted)
        return;
    r->reo_counted = true;
    r->reo_round = pcb->snd_nxt;
    r->reordering = true;
    if (r->reo_mult < REO_MULT_MAX)
        r->reo_mult++;
    r->reo_persist = REO_PERSIST;
}

/* A recovery has ended. */
static void rack_end_of_recovery(struct tcp_recovery *r)
{
    if (r->reo_persist && --r->reo_persist == 0)
        r->reo_mult = 0;
}

/*
 * Is a segment lost that was sent before one that arrived? 1: yes. 0: not yet, and reo_due_us says
 * when. -1: nothing that was sent later has arrived.
 */
static int rack_judge(struct tcp_recovery *r, const struct tcp_seg *seg, uint32_t wait,
                      uint32_t now_us)
{
    uint32_t due = seg->net.sent_us + wait;

    if (!r->rack || tcp_before(r->rack_us, seg->net.sent_us) ||
        (r->rack_us == seg->net.sent_us && !tcp_before(seg->net.end, r->rack_end)))
        return -1;
    if (!tcp_before(now_us, due))
        return 1;
    if (!r->reo_wait || tcp_before(due, r->reo_due_us))
        r->reo_due_us = due;
    r->reo_wait = true;
    return 0;
}

/*
 * Segments sent once are in the order of their sending, from `fresh` on; those sent again are, in
 * their list. Each search ends at the first that is not lost.
 */
static bool rack_find(struct tcp_pcb *pcb, uint32_t now_us)
{
    struct tcp_recovery *r = &pcb->net.rec;
    uint32_t wait = r->rack_rtt_us + rack_reo_window(pcb), before = r->lost_bytes;
    struct tcp_seg *seg, *next, *after = NULL;

    r->reo_wait = false;
    for (seg = r->resent.first; seg && rack_judge(r, seg, wait, now_us) > 0; seg = next) {
        next = seg->net.next;
        tcp_score_lost(r, seg, &after);
    }
    after = NULL;
    for (seg = r->fresh; seg; seg = next) {
        next = seg->next;
        if (seg->net.flags & (TCP_SEG_SACKED | TCP_SEG_RESENT | TCP_SEG_LOST))
            continue;
        r->fresh = seg;
        if (rack_judge(r, seg, wait, now_us) <= 0)
            break;
        r->fresh = next;
        tcp_score_lost(r, seg, &after);
    }
    return r->lost_bytes != before;
}

/* ---- peers without SACK ---------------------------------------------------------------------- */

/* A segment has left the network (RFC 6582). No more can than there are behind the missing one. */
void net_tcp_dup_ack(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    uint32_t most, add = pcb->mss, first;

    if ((pcb->flags & TF_SACK) || !pcb->unacked || r->state == TCP_REC_LOSS)
        return;
    tcp_news_begin(pcb);
    first = tcp_seg_packet(&pcb->unacked->net, pcb->unacked->len);
    most = pcb->snd_nxt - pcb->lastack - first;
    if (r->dup_bytes + add > most)
        add = most > r->dup_bytes ? most - r->dup_bytes : 0;
    r->dup_bytes += add;
    tcp_news.delivered += add;
    if (r->dup_acks < UINT8_MAX)
        r->dup_acks++;
}

/* SND.UNA has moved: what duplicates told of is acknowledged, but for the missing segment itself.
 */
static void reno_advanced(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    uint32_t acked = tcp_news.delivered, told;

    r->dup_acks = 0;
    if (!r->dup_bytes)
        return;
    told = acked > pcb->mss ? acked - pcb->mss : 0;
    if (r->state != TCP_REC_RECOVERY || told > r->dup_bytes)
        told = r->dup_bytes;
    r->dup_bytes -= told;
    tcp_news.delivered = acked > told ? acked - told : 0;
}

static bool reno_find(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    struct tcp_seg *head = pcb->unacked, *after = NULL;
    bool third = r->state == TCP_REC_OPEN && r->dup_acks >= DUP_THRESHOLD;
    bool partial = r->state == TCP_REC_RECOVERY && tcp_news.advanced;

    if (!head || !(third || partial) || (head->net.flags & (TCP_SEG_LOST | TCP_SEG_RESENT)))
        return false;
    tcp_cut_seg(pcb, head, head->net.seq + head->net.size);
    if (r->fresh == head)
        r->fresh = head->next;
    tcp_score_lost(r, head, &after);
    r->force = partial;
    return true;
}

/* ---- the state ------------------------------------------------------------------------------- */

static void recovery_begin(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;

    r->recover = pcb->snd_nxt;
    r->undo = true;
    r->undo_una = pcb->lastack;
    r->undo_bytes = 0;
    r->probing = false;
}

static void recovery_enter(struct tcp_pcb *pcb, uint32_t in_flight)
{
    struct tcp_recovery *r = &pcb->net.rec;

    if (r->state != TCP_REC_OPEN || tcp_mtu_probe_alone(pcb))
        return;
    r->state = TCP_REC_RECOVERY;
    r->force = true;
    recovery_begin(pcb);
    tcp_cc_enter_recovery(&pcb->net.cc, in_flight);
}

void tcp_recovery_reordered(struct tcp_pcb *pcb, uint32_t now_us)
{
    uint32_t in_flight = tcp_flight(&pcb->net.rec);

    if (rack_find(pcb, now_us))
        recovery_enter(pcb, in_flight);
}

/*
 * What a timeout takes as lost may only be late: if data arrives that was not sent again, all may
 * have been (RFC 5682). What came before, duplicates may show as long as nothing is acknowledged.
 */
void tcp_recovery_timeout(struct tcp_pcb *pcb, bool reneged)
{
    struct tcp_recovery *r = &pcb->net.rec;

    tcp_score_lose_all(pcb, reneged);
    r->frto = (pcb->flags & TF_SACK) && !reneged && (r->state == TCP_REC_OPEN || r->frto);
    if (!r->backoff)
        recovery_begin(pcb);
    r->recover = pcb->snd_nxt;
    r->state = TCP_REC_LOSS;
    r->timed_out = true;
    r->force = r->probing = r->frto_new = false;
}

void tcp_recovery_resize(struct tcp_pcb *pcb, uint32_t from)
{
    struct tcp_recovery *r = &pcb->net.rec;
    struct tcp_seg *after = NULL;

    for (struct tcp_seg *seg = pcb->unacked; seg; seg = seg->next) {
        if (tcp_seg_packet(&seg->net, seg->len) <= tcp_seg_most(pcb, seg) ||
            !tcp_before(from, seg->net.end) || (seg->net.flags & (TCP_SEG_SACKED | TCP_SEG_LOST)))
            continue;
        if (tcp_before(seg->net.seq, from) && tcp_cut_seg(pcb, seg, from))
            continue; /* the packets in front have passed */
        if (r->fresh == seg)
            r->fresh = seg->next;
        tcp_score_lost(r, seg, &after);
    }
    tcp_output(pcb);
}

static void recovery_undo(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;

    tcp_score_unlose(pcb);
    tcp_cc_undo(&pcb->net.cc);
    r->state = TCP_REC_OPEN;
    r->undo = r->frto = r->frto_new = r->force = false;
    r->rack = false; /* what was sent again may not be what arrived */
    r->dup_bytes = 0;
    r->total_undone++;
}

/* All that was in flight when the trouble began is acknowledged. */
static void recovery_finish(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;

    if (r->state == TCP_REC_RECOVERY)
        tcp_cc_recovered(&pcb->net.cc);
    r->state = TCP_REC_OPEN;
    r->frto = r->frto_new = r->force = false;
    r->dup_bytes = 0;
    rack_end_of_recovery(r);
}

/* An acknowledgement beyond a probe that sent the tail again: the tail was lost (section 7.4). */
static void probe_judge(struct tcp_pcb *pcb, uint32_t ack)
{
    struct tcp_recovery *r = &pcb->net.rec;

    if (!r->probing || tcp_before(ack, r->probe_end))
        return;
    if (r->probe_resent && ack == r->probe_end && tcp_news.advanced && !tcp_news.dsack)
        return; /* of either copy: the next one tells */
    r->probing = false;
    if (!r->probe_resent || tcp_news.dsack || ack == r->probe_end || r->state != TCP_REC_OPEN)
        return;
    tcp_cc_enter_recovery(&pcb->net.cc, tcp_news.in_flight);
    tcp_cc_recovered(&pcb->net.cc);
}

static void recovery_progress(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;

    r->timer_us = r->active_us = tcp_news.now_us;
    r->progress_ns = tcp_news.now_ns;
    r->backoff = 0;
    if (!(pcb->flags & TF_SACK))
        reno_advanced(pcb);
}

/*
 * The congestion window follows what arrived. Outside of recovery it stays as it is while SND.UNA
 * does (RFC 3042).
 */
static void recovery_control(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;

    if (r->state == TCP_REC_RECOVERY) {
        tcp_cc_recovering(&pcb->net.cc, tcp_news.delivered, tcp_news.lost, tcp_flight(r),
                          tcp_news.advanced);
    } else if (tcp_news.advanced && tcp_news.delivered) {
        tcp_cc_acked(&pcb->net.cc, tcp_news.delivered, tcp_news.in_flight, tcp_news.rtt_last_us,
                     pcb->net.rtt.srtt_us, tcp_news.now_us, r->limited);
        r->limited = false;
    }
}

/*
 * After a timeout (RFC 5682, section 3): what arrives was sent once, so the timeout came too early;
 * or only the first segment has arrived, which was sent again. Then new data is sent before
 * anything else is sent again, to tell by the next acknowledgement.
 */
static void frto_judge(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    const struct tcp_seg *next = pcb->unsent;

    if (tcp_news.original) {
        recovery_undo(pcb);
        return;
    }
    if (!tcp_news.advanced && !tcp_news.delivered)
        return;
    r->frto = r->frto_new =
        !r->frto_new && tcp_news.advanced && next && tcp_do_output_nagle(pcb) &&
        pcb->snd_nxt + LWIP_MIN(next->len, pcb->mss) - pcb->lastack <= pcb->snd_wnd;
}

/*
 * The segment that fills the first hole was sent before anything was sent again, as the echo of its
 * time stamp tells (Eifel, RFC 3522).
 */
static bool recovery_was_late(const struct tcp_pcb *pcb)
{
    const struct tcp_recovery *r = &pcb->net.rec;

    return r->state != TCP_REC_OPEN && r->undo_bytes && tcp_news.advanced &&
           (pcb->flags & TF_TIMESTAMP) && tcp_stamp.there &&
           tcp_before(tcp_stamp.echo, r->undo_stamp);
}

/* Nothing but what was expected: no segment can be found to be lost. */
static bool recovery_is_plain(const struct tcp_recovery *r)
{
    return r->state == TCP_REC_OPEN && !r->sacked_bytes && !r->dup_acks && !r->resent.first &&
           !r->reo_wait && !r->reo_counted && !tcp_news.late;
}

static void recovery_judge(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    uint32_t now_us = tcp_news.now_us;

    if (recovery_was_late(pcb)) {
        tcp_news.spurious = tcp_news.late = true;
        r->reordering |= r->state == TCP_REC_RECOVERY;
    }
    if (tcp_news.spurious && r->undo)
        recovery_undo(pcb);
    if (r->state == TCP_REC_LOSS && r->frto)
        frto_judge(pcb);
    if (r->state != TCP_REC_OPEN && !tcp_before(pcb->lastack, r->recover))
        recovery_finish(pcb);
    if (pcb->flags & TF_SACK) {
        rack_adapt(pcb);
        if (rack_find(pcb, now_us))
            recovery_enter(pcb, tcp_news.in_flight);
    } else if (reno_find(pcb)) {
        recovery_enter(pcb, tcp_news.in_flight);
    }
}

/* Can an acknowledgement with options of that length tell anything? */
static bool recovery_listens(const struct tcp_pcb *pcb, uint32_t len)
{
    return tcp_news.any || pcb->unacked || (len && (pcb->net.rec.probing || pcb->net.rec.undo));
}

/* The time of the news, which tcp_output() takes over. */
static void recovery_now(const struct tcp_pcb *pcb)
{
    tcp_news.now_ns = hal_now_ns();
    tcp_news.now_us = (uint32_t)(tcp_news.now_ns / 1000);
    tcp_news.fresh = pcb;
}

void tcp_recovery_lone(struct tcp_pcb *pcb, uint32_t sent_us)
{
    struct tcp_recovery *r = &pcb->net.rec;
    uint32_t in_flight = r->in_flight, rtt_us;

    recovery_now(pcb);
    rtt_us = tcp_score_lone(r, sent_us, pcb->lastack);
    r->timer_us = r->active_us = tcp_news.now_us;
    r->progress_ns = tcp_news.now_ns;
    r->backoff = 0;
    tcp_rtt_sample(&pcb->net.rtt, rtt_us, tcp_news.now_us);
    tcp_cc_acked(&pcb->net.cc, in_flight, in_flight, rtt_us, pcb->net.rtt.srtt_us, tcp_news.now_us,
                 r->limited);
    r->limited = false;
}

void tcp_recovery_still(struct tcp_pcb *pcb)
{
    recovery_now(pcb);
    if (!pcb->snd_wnd)
        pcb->net.rec.progress_ns = tcp_news.now_ns;
    tcp_resend_wait(pcb, tcp_news.now_ns);
}

void net_tcp_ack(struct tcp_pcb *pcb, uint32_t ack, const void *options, uint32_t len)
{
    if (!recovery_listens(pcb, len) || tcp_before(pcb->snd_nxt, ack)) {
        tcp_news.any = false;
        return;
    }
    if (!tcp_news.any)
        tcp_news_begin(pcb);
    if (len && !(tcp_stamp.there && len == LWIP_TCP_OPT_LEN_TS_OUT)) /* more than that alone */
        tcp_score_options(pcb, ack, options, len);
    if (tcp_news.advanced)
        recovery_progress(pcb);
    else if (!pcb->snd_wnd) /* a closed window is no reason to give up (RFC 9293, 3.8.6.1) */
        pcb->net.rec.progress_ns = tcp_news.now_ns;
    tcp_news_measure(pcb);
    probe_judge(pcb, ack);
    if (!recovery_is_plain(&pcb->net.rec))
        recovery_judge(pcb);
    recovery_control(pcb);
    tcp_resend_wait(pcb, tcp_news.now_ns);
    tcp_news.any = false;
    tcp_news.fresh = pcb;
}
