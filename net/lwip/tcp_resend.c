/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_resend.c - when data is sent: the part of tcp_output() that decides how much may go, sending
 * again what is lost, and the one timer of a connection. It waits for the retransmission timeout
 * (RFC 6298), the probe of the tail (RFC 8985, section 7), segments that may only be reordered
 * (section 6.2), the next turn of a paced window, or a driver that still holds what is to be sent.
 */
#include <stddef.h>

#include "net_impl.h"
#include "tcp_queue.h"
#include "tcp_scoreboard.h"

#define SYN_RESENDS    6
#define R2_MS          180000u /* RFC 9293, section 3.8.3 */
#define BUSY_US        10000u  /* until a driver is looked at again that holds a segment */
#define PROBE_FIRST_US 1000000u
#define PROBE_LEAST_US 2000u   /* beyond two round trips: clocks tick */
#define PROBE_DELAY_US 200000u /* for a peer that delays its acknowledgement of one segment */

enum resend_wait { WAIT_TIMEOUT, WAIT_PROBE, WAIT_REORDERING, WAIT_PACE, WAIT_DRIVER };

/* The time, in one call of tcp_output(). */
static struct {
    uint64_t ns;
    uint32_t us;
} resend_now;

static void resend_now_is(uint64_t ns)
{
    resend_now.ns = ns;
    resend_now.us = (uint32_t)(ns / 1000);
}

static bool resend_outstanding(const struct tcp_recovery *r)
{
    return r->in_flight || r->lost_bytes || r->sacked_bytes;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static bool resend_may_probe(const struct tcp_pcb *pcb)
{
    const struct tcp_recovery *r = &pcb->net.rec;

    return (pcb->flags & TF_SACK) && pcb->state >= ESTABLISHED && r->state == TCP_REC_OPEN &&
           !r->probing && !r->sacked_bytes && !r->backoff;
}

/* RFC 8985, section 7.2 */
static uint32_t resend_probe_us(const struct tcp_pcb *pcb)
{
    uint32_t srtt = pcb->net.rtt.srtt_us;

    if (!srtt)
        return PROBE_FIRST_US;
    return 2 * srtt + (pcb->net.rec.in_flight <= pcb->mss ? PROBE_DELAY_US : PROBE_LEAST_US);
}

static void resend_sooner(uint32_t *due, enum resend_wait *what, uint32_t other,
                          enum resend_wait why)
{
    if (tcp_before(other, *due)) {
        *due = other;
        *what = why;
    }
}

/* What a connection waits for first, and until when. */
static enum resend_wait resend_next(const struct tcp_pcb *pcb, uint32_t *due)
{
    const struct tcp_recovery *r = &pcb->net.rec;
    enum resend_wait what = WAIT_TIMEOUT;

    if (r->busy) {
        *due = r->busy_us;
        return WAIT_DRIVER;
    }
    *due = r->timer_us + tcp_rtt_rto(&pcb->net.rtt, r->backoff);
    if (r->reo_wait) {
        resend_sooner(due, &what, r->reo_due_us, WAIT_REORDERING);
    } else if (resend_may_probe(pcb)) { /* before the timeout, if not sooner */
        resend_sooner(due, &what, r->active_us + resend_probe_us(pcb), WAIT_PROBE);
        what = WAIT_PROBE;
    }
    if (r->pace_wait)
        resend_sooner(due, &what, r->pace_us, WAIT_PACE);
    return what;
}

static uint64_t resend_end_ns(const struct tcp_recovery *r)
{
    return r->progress_ns + (r->patience_ms ? r->patience_ms : R2_MS) * HAL_MS;
}

static void resend_set(struct tcp_pcb *pcb, uint64_t now_ns)
{
    struct tcp_recovery *r = &pcb->net.rec;
    uint32_t due;

    resend_next(pcb, &due);
    due -= (uint32_t)(now_ns / 1000);
    uint64_t due_ns = now_ns + ((int32_t)due < 0 ? 0 : due * UINT64_C(1000));
    uint64_t end_ns = resend_end_ns(r);

    r->set_ns = now_ns;
    tcp_timer_set(&r->timer, due_ns < end_ns ? due_ns : end_ns);
}

/*
 * A timer that nobody needs stays: to move it is cheaper than to set it again. One that fires too
 * early is moved then, so as long as nothing is lost it is enough to look once a millisecond.
 */
void tcp_resend_wait(struct tcp_pcb *pcb, uint64_t now_ns)
{
    struct tcp_recovery *r = &pcb->net.rec;

    if (!resend_outstanding(r))
        return;
    if (tcp_timer_pending(&r->timer) && now_ns - r->set_ns < HAL_MS && !r->reo_wait &&
        !r->pace_wait && r->state == TCP_REC_OPEN)
        return;
    resend_set(pcb, now_ns);
}

void tcp_recovery_patience(struct tcp_pcb *pcb, uint32_t ms)
{
    if (ms == pcb->net.rec.patience_ms)
        return;
    pcb->net.rec.patience_ms = ms;
    if (resend_outstanding(&pcb->net.rec))
        resend_set(pcb, hal_now_ns());
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Microseconds in which data may leave at once; 0: the next turn of a paced window is to come. */
static uint32_t resend_turn_us(struct tcp_recovery *r)
{
    int32_t us;

    if (!r->paced)
        return UINT32_MAX;
    us = (int32_t)(resend_now.us + TCP_PACE_AHEAD_US - r->pace_us);
    if (us > 2 * (int32_t)TCP_PACE_AHEAD_US) { /* late, or after a pause */
        us = 2 * (int32_t)TCP_PACE_AHEAD_US;
        r->pace_us = resend_now.us - TCP_PACE_AHEAD_US;
    }
    r->pace_wait = us <= 0;
    return us > 0 ? (uint32_t)us : 0;
}

static void resend_pace(struct tcp_pcb *pcb, uint32_t bytes)
{
    struct tcp_recovery *r = &pcb->net.rec;

    if (r->paced)
        r->pace_us += tcp_cc_pacing_us(&pcb->net.cc, bytes, pcb->net.rtt.srtt_us);
}

/* A driver holds the segment, or no memory is left to cut it. */
static void resend_is_busy(struct tcp_recovery *r)
{
    r->busy = true;
    r->busy_us = resend_now.us + BUSY_US;
}

/* One segment of pcb->unacked once more. False: not now. */
static bool resend_segment(struct tcp_pcb *pcb, struct tcp_seg *seg)
{
    struct tcp_recovery *r = &pcb->net.rec;
    struct netif *netif;

    if (seg->p->ref != 1) {
        resend_is_busy(r);
        return false;
    }
    netif = tcp_route(pcb, &pcb->local_ip, &pcb->remote_ip);
    if (seg->net.cut)
        tcp_cut_front(pcb, seg, seg->net.seq);
    if (!r->undo_bytes)
        r->undo_stamp = tcp_stamp_clock(pcb->net.stamp.offset);
    if (!netif || tcp_output_segment(seg, pcb, netif) != ERR_OK) {
        tcp_set_flags(pcb, TF_NAGLEMEMERR); /* tcp_txnow() comes back to it, or the timer */
        return false;
    }
    tcp_score_resent(r, seg, resend_now.us);
    tcp_cc_sent(&pcb->net.cc, seg->net.end - seg->net.seq);
    resend_pace(pcb, seg->net.end - seg->net.seq);
    r->sent_ns = resend_now.ns;
    if (seg == pcb->unacked)
        r->timer_us = resend_now.us;
    return true;
}

/* The segment goes out although the window may be full: nothing else would (RFC 6675, 4.3). */
static bool resend_forced(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;

    return r->force || !tcp_flight(r);
}

/* The first packet of a segment that is sent now. */
static uint32_t resend_packet(const struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
    uint32_t packet = tcp_queue_packet(pcb, seg);

    return seg->len < packet || tcp_mtu_probe_is(pcb, seg) ? seg->len : packet;
}

/* Bytes of a paced window that may leave in its turn: `least`, a packet, if any. */
static uint32_t resend_burst(struct tcp_pcb *pcb, uint32_t least)
{
    uint32_t turn = resend_turn_us(&pcb->net.rec), us, burst;

    if (!pcb->net.rec.paced)
        return UINT32_MAX;
    if (!turn)
        return 0;
    us = tcp_cc_pacing_us(&pcb->net.cc, pcb->mss, pcb->net.rtt.srtt_us);
    burst = (us ? turn / us + 1 : 1) * pcb->mss;
    return burst < least ? least : burst;
}

/*
 * How much of a lost segment goes out now: as many whole packets as the congestion window and the
 * peer's allow, and the pace.
 */
static uint32_t resend_part(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
    struct tcp_recovery *r = &pcb->net.rec;
    uint32_t window = tcp_cc_window(&pcb->net.cc), flight = tcp_flight(r);
    uint32_t room = flight < window ? window - flight : 0, at = seg->net.seq - pcb->lastack;
    uint32_t packet = tcp_queue_packet(pcb, seg), len = seg->net.end - seg->net.seq;
    uint32_t least = len < packet ? len : packet, open = at < pcb->snd_wnd ? pcb->snd_wnd - at : 0;

    if (room < least && resend_forced(pcb))
        room = least;
    room = LWIP_MIN(room, resend_burst(pcb, least));
    if (seg == pcb->unacked && open < least)
        open = least; /* the peer's window has shrunk */
    room = LWIP_MIN(room, open);
    return room >= len ? len : room / packet * packet;
}

/*
 * What is lost goes out again, as far as may be. What has to wait for a window needs a larger one.
 */
static void resend_lost(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    struct tcp_seg *seg;
    uint32_t part;

    r->busy = false;
    while ((seg = r->lost.first)) {
        r->limited = true;
        if (pcb->net.mtu.probe)
            tcp_mtu_probe_lost(pcb, seg);
        part = resend_part(pcb, seg);
        if (!part)
            return;
        if (part < seg->net.end - seg->net.seq && !tcp_cut_seg(pcb, seg, seg->net.seq + part)) {
            resend_is_busy(r);
            return;
        }
        if (!resend_segment(pcb, seg))
            return;
        r->force = r->limited = false;
    }
}

/* Nothing is in flight, and something is about to be. */
static void resend_begin(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    uint64_t idle_ns = resend_now.ns - r->sent_ns;

    if (r->backoff)
        return; /* sending has failed so far */
    r->progress_ns = resend_now.ns;
    r->timer_us = resend_now.us;
    if (r->sent_ns && idle_ns > pcb->net.rtt.rto_us * UINT64_C(1000)) {
        uint64_t idle_us = idle_ns / 1000;

        tcp_cc_idle(&pcb->net.cc, idle_us < UINT32_MAX ? (uint32_t)idle_us : UINT32_MAX,
                    pcb->net.rtt.rto_us);
    }
    if (!tcp_timer_pending(&r->timer))
        resend_set(pcb, resend_now.ns);
}

void tcp_resend_begin(struct tcp_pcb *pcb, uint64_t now_ns)
{
    resend_now_is(now_ns);
    resend_begin(pcb);
}

/* Bytes of new data that the congestion window allows now. */
static uint32_t resend_room(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    uint32_t window = tcp_cc_window(&pcb->net.cc), flight = tcp_flight(r);
    uint32_t room = flight < window ? window - flight : 0, burst, packet;

    if (r->probe_now)
        return pcb->mss;
    packet = resend_packet(pcb, pcb->unsent);
    if (!flight && room < packet)
        room = packet; /* one longer than the window is by now, or nothing would go on */
    if (r->lost.first && !r->frto_new)
        return 0;
    if (room < pcb->snd_lbb - pcb->snd_nxt && pcb->snd_nxt - pcb->lastack + room < pcb->snd_wnd)
        r->limited = true;
    burst = resend_burst(pcb, packet);
    if (burst < room && burst < pcb->snd_lbb - pcb->snd_nxt)
        r->pace_wait = true;
    return LWIP_MIN(room, burst);
}

/* Is the window paced by now? */
static void resend_look_at_pace(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    bool paced = tcp_cc_pacing_us(&pcb->net.cc, pcb->mss, pcb->net.rtt.srtt_us);

    if (paced && !r->paced)
        r->pace_us = resend_now.us;
    r->paced = paced;
    r->pace_wait &= paced;
}

/* Nothing is in flight, or lost, and one packet is all that waits: a request, or an answer. */
static bool resend_is_alone(const struct tcp_pcb *pcb)
{
    const struct tcp_recovery *r = &pcb->net.rec;
    const struct tcp_seg *seg = pcb->unsent;

    return !pcb->unacked && !seg->next && !r->lost.first && !r->paced && !r->probe_now &&
           pcb->state >= ESTABLISHED && seg->len <= tcp_queue_packet(pcb, seg);
}

uint32_t net_tcp_window(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    bool fresh = tcp_news.fresh == pcb;
    uint32_t room;

    tcp_news.fresh = NULL;
    if (!pcb->unsent && !r->lost.first)
        return 0;
    resend_now_is(fresh ? tcp_news.now_ns : hal_now_ns());
    if (pcb->unsent && resend_is_alone(pcb)) {
        resend_begin(pcb);
        return LWIP_MIN(pcb->snd_wnd, pcb->snd_nxt - pcb->lastack + pcb->unsent->len);
    }
    resend_look_at_pace(pcb);
    if (r->lost.first && !r->frto_new)
        resend_lost(pcb);
    if (!pcb->unsent)
        return 0;
    if (!pcb->unacked)
        resend_begin(pcb);
    if (pcb->state < ESTABLISHED)
        return LWIP_MIN(pcb->snd_wnd, 1u); /* the SYN only */
    room = pcb->snd_nxt - pcb->lastack + resend_room(pcb);
    if (r->pace_wait)
        resend_set(pcb, resend_now.ns);
    return LWIP_MIN(pcb->snd_wnd, room);
}

/*
 * A packet is in flight, and nothing else. A timer that fires too early is moved then: one that is
 * set for no later than what is needed now at least stays, so that a request and its answer set
 * none.
 */
static void resend_watch(struct tcp_pcb *pcb)
{
    const struct tcp_recovery *r = &pcb->net.rec;

    if (!tcp_timer_pending(&r->timer) || r->state != TCP_REC_OPEN || r->pace_wait || r->reo_wait ||
        r->timer.due_ns > resend_now.ns + PROBE_DELAY_US * UINT64_C(1000))
        resend_set(pcb, resend_now.ns);
}

void net_tcp_sent(struct tcp_pcb *pcb, struct tcp_seg *seg)
{
    struct tcp_recovery *r = &pcb->net.rec;
    uint32_t before = r->in_flight, len = TCP_TCPLEN(seg);

    seg->net.seq = lwip_ntohl(seg->tcphdr->seqno);
    seg->net.end = seg->net.seq + len;
    seg->net.sent_us = resend_now.us;
    seg->net.flags = 0;
    seg->net.cut = 0;
    seg->net.small = false;
    r->in_flight += len;
    tcp_cc_sent(&pcb->net.cc, len);
    r->sent_ns = resend_now.ns;
    r->active_us = resend_now.us;
    if (!pcb->unacked)
        r->fack = seg->net.seq;
    if (!r->fresh)
        r->fresh = seg;
    pcb->net.unacked_last = seg;
    resend_pace(pcb, len);
    if (!before && len <= pcb->mss)
        resend_watch(pcb);
    else if (before <= pcb->mss || r->pace_wait)
        resend_set(pcb, resend_now.ns);
}

/* ---- the timer ------------------------------------------------------------------------------- */

/* The packet of the segment that is sent again: the first, or the last. NULL: not now. */
static struct tcp_seg *resend_one(struct tcp_pcb *pcb, struct tcp_seg *seg, bool last)
{
    uint32_t size = seg->net.size, first = lwip_ntohl(seg->tcphdr->seqno);
    uint32_t at = last ? first + (seg->len - 1) / size * size : seg->net.seq + size;

    if (seg->len <= size || !tcp_before(seg->net.seq, at))
        return seg;
    if (!tcp_cut_seg(pcb, seg, at))
        return NULL;
    return last ? seg->next : seg;
}

/*
 * The tail of what was sent may be lost, and no acknowledgement would tell: new data, or the last
 * segment again, makes the peer answer (RFC 8985, section 7.3).
 */
static void resend_probe(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    uint32_t before = pcb->snd_nxt;
    struct tcp_seg *seg = pcb->net.unacked_last;
    bool last = seg->net.end - pcb->lastack <= pcb->snd_wnd; /* else the window has shrunk */

    r->probe_now = true;
    tcp_output(pcb);
    r->probe_now = false;
    r->probe_resent = pcb->snd_nxt == before;
    seg = r->probe_resent ? resend_one(pcb, last ? seg : pcb->unacked, last) : NULL;
    r->probe_resent = seg && resend_segment(pcb, seg);
    r->probing = true;
    r->probe_end = pcb->snd_nxt;
    r->timer_us = resend_now.us;
}

/* The retransmission timeout (RFC 6298, section 5.4 to 5.6). */
static void resend_timeout(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    bool reneged = pcb->unacked->net.flags & TCP_SEG_SACKED;

    if (pcb->unacked->p->ref != 1) {
        resend_is_busy(r);
        return;
    }
    tcp_cc_timeout(&pcb->net.cc, tcp_flight(r) + r->lost_bytes, r->backoff);
    tcp_recovery_timeout(pcb, reneged);
    r->timer_us = resend_now.us;
    if (r->backoff < UINT8_MAX)
        r->backoff++;
    r->total_timeouts++;
    tcp_mtu_timeout(pcb);
    tcp_output(pcb);
}

/* Nothing is in flight: what is unsent did not go out, or there is nothing. */
static void resend_unsent(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;

    if (!pcb->unsent || pcb->persist_backoff)
        return;
    if (r->backoff < UINT8_MAX)
        r->backoff++;
    if (tcp_output(pcb) == ERR_OK) {
        r->backoff = 0; /* it is kept back on purpose */
        return;
    }
    r->timer_us = resend_now.us;
    resend_set(pcb, resend_now.ns);
}

static void resend_act(struct tcp_pcb *pcb, enum resend_wait what)
{
    switch (what) {
    case WAIT_TIMEOUT:
        resend_timeout(pcb);
        break;
    case WAIT_PROBE:
        resend_probe(pcb);
        break;
    case WAIT_REORDERING:
        tcp_recovery_reordered(pcb, resend_now.us);
        tcp_output(pcb);
        break;
    case WAIT_PACE:
        pcb->net.rec.pace_wait = false;
        tcp_output(pcb);
        break;
    case WAIT_DRIVER:
        pcb->net.rec.busy = false;
        tcp_output(pcb);
        break;
    }
}

static void resend_fire(struct tcp_timer *t)
{
    struct tcp_pcb *pcb =
        (struct tcp_pcb *)(void *)((char *)t - offsetof(struct tcp_pcb, net.rec.timer));
    struct tcp_recovery *r = &pcb->net.rec;
    enum resend_wait what;
    uint32_t due;

    resend_now_is(hal_now_ns());
    if ((pcb->unacked || (pcb->unsent && r->backoff)) && resend_now.ns >= resend_end_ns(r)) {
        tcp_abandon(pcb, 0);
        return;
    }
    if (!pcb->unacked) {
        resend_unsent(pcb);
        return;
    }
    what = resend_next(pcb, &due);
    if (!tcp_before(resend_now.us, due))
        resend_act(pcb, what);
    tcp_resend_wait(pcb, resend_now.ns);
}

void tcp_resend_init(struct tcp_pcb *pcb)
{
    pcb->net.rec.timer.fire = resend_fire;
}

void net_tcp_resend_syn(struct tcp_pcb *pcb)
{
    struct tcp_recovery *r = &pcb->net.rec;
    struct tcp_seg *after = NULL, *seg = pcb->unacked;

    if (!seg || r->syn_resends >= SYN_RESENDS)
        return;
    r->syn_resends++;
    if (!(seg->net.flags & TCP_SEG_LOST)) {
        if (r->fresh == seg)
            r->fresh = seg->next;
        tcp_score_lost(r, seg, &after);
    }
}
