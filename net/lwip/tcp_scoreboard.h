/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_scoreboard.h - the inside of TCP's loss recovery: the state of each segment in flight
 * (tcp_sack.c), cutting segments (tcp_cut.c), finding losses (tcp_recovery.c), sending again
 * (tcp_resend.c). All is called entered.
 */
#ifndef VIREO_TCP_SCOREBOARD_H
#define VIREO_TCP_SCOREBOARD_H

#include <string.h>

#include "lwip/priv/tcp_priv.h"

/* What one acknowledgement has told so far. */
struct tcp_news {
    /* now_ns is still the time when lwIP calls tcp_output() of this connection next, which is at
     * the end of the segment's processing; NULL: of none. */
    const struct tcp_pcb *fresh;
    uint64_t now_ns;
    uint32_t now_us;
    uint32_t in_flight;   /* before it */
    uint32_t delivered;   /* bytes that arrived, and of which this was not known */
    uint32_t rtt_us;      /* a sample of the oldest of them (0: none), ... */
    uint32_t rtt_last_us; /* ... and of the newest */
    uint32_t lost;        /* bytes found to be lost */
    uint32_t again_us;    /* when the first segment was last sent */
    bool any;
    bool advanced; /* SND.UNA moved */
    bool again;    /* the first segment that is acknowledged was sent more than once */
    bool dsack;    /* it tells of a duplicate (RFC 2883) */
    bool late;     /* something was sent again that was only late */
    bool spurious; /* all that was sent again since the last reduction was only late */
    bool original; /* a segment arrived that was sent once, before the last timeout */
};
extern struct tcp_news tcp_news;

static inline bool tcp_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* Bytes in flight, as the congestion window counts them. */
static inline uint32_t tcp_flight(const struct tcp_recovery *r)
{
    return r->in_flight > r->dup_bytes ? r->in_flight - r->dup_bytes : 0;
}

/* Bytes of data that a segment with these options may have. */
static inline uint32_t tcp_seg_most(const struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
    return pcb->mss - (LWIP_TCP_OPT_LENGTH(seg->flags));
}

/*
 * The most data of a packet that this segment becomes now: with its options, but no more than half
 * of the largest window that the peer has announced (RFC 9293, 3.8.6.2.1).
 */
static inline uint16_t tcp_queue_packet(const struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
    uint32_t half = pcb->snd_wnd_max / 2, mss = half && half < pcb->mss ? half : pcb->mss;
    uint32_t options = LWIP_TCP_OPT_LENGTH(seg->flags);

    return (uint16_t)(mss > options ? mss - options : 1);
}

/* Is this sequence number between two of the packets that a segment was sent in? */
static inline bool tcp_seg_between(const struct tcp_seg *seg, uint32_t at)
{
    return (at - lwip_ntohl(seg->tcphdr->seqno)) % seg->net.size == 0;
}

/* ---- tcp_glue.c ------------------------------------------------------------------------------ */

/*
 * The round trip that the news tell of: of a segment that was sent once, else by a timestamp.
 * False: they tell of none.
 */
bool tcp_news_measure(struct tcp_pcb *pcb);

/* ---- tcp_sack.c ------------------------------------------------------------------------------ */

/* The news begin, unless they have. */
void tcp_news_begin(struct tcp_pcb *pcb);
/* A segment in flight is lost: it will be sent again. after: as of tcp_score_place(). */
void tcp_score_lost(struct tcp_recovery *r, struct tcp_seg *seg, struct tcp_seg **after);
/* A lost segment, or one in flight for a probe, was sent again at now_us. */
void tcp_score_resent(struct tcp_recovery *r, struct tcp_seg *seg, uint32_t now_us);
/* All lost segments count as in flight again: the reason to take them as lost was none. */
void tcp_score_unlose(struct tcp_pcb *pcb);
/* All that is not SACKed is lost; with `reneged`, nothing counts as SACKed (RFC 2018, section 8).
 */
void tcp_score_lose_all(struct tcp_pcb *pcb, bool reneged);
/* The only segment in flight, sent once at sent_us, has arrived. Returns its round trip, 1 at
 * least.
 */
uint32_t tcp_score_lone(struct tcp_recovery *r, uint32_t sent_us, uint32_t end);
/* Nothing is in flight: the queues are gone. */
void tcp_score_clear(struct tcp_recovery *r);
/* Reads the options of an acknowledgement for `ack`, and marks what they say has arrived. */
void tcp_score_options(struct tcp_pcb *pcb, uint32_t ack, const uint8_t *o, uint32_t len);

/* ---- tcp_cut.c ------------------------------------------------------------------------------- */

/*
 * Cuts a segment of pcb->unacked in two, so that the second begins at sequence number `at`, within
 * its data. False: it stays whole, since memory is short or a driver holds it.
 */
bool tcp_cut_seg(struct tcp_pcb *pcb, struct tcp_seg *seg, uint32_t at);
/* Removes the front of a segment from its pbuf: data before sequence number `from`. No driver holds
 * the segment. */
void tcp_cut_front(struct tcp_pcb *pcb, struct tcp_seg *seg, uint32_t from);

/* ---- tcp_resend.c ---------------------------------------------------------------------------- */

/* Sets the timer of the connection for what it waits for first. */
void tcp_resend_wait(struct tcp_pcb *pcb, uint64_t now_ns);
void tcp_resend_init(struct tcp_pcb *pcb);
/* Nothing is in flight, and something is sent now, of which net_tcp_sent() tells next. */
void tcp_resend_begin(struct tcp_pcb *pcb, uint64_t now_ns);

/* ---- tcp_recovery.c -------------------------------------------------------------------------- */

/* The time of segments that may only be reordered is up. */
void tcp_recovery_reordered(struct tcp_pcb *pcb, uint32_t now_us);
/* The retransmission timer fired. reneged: as of tcp_score_lose_all(). */
void tcp_recovery_timeout(struct tcp_pcb *pcb, bool reneged);

/* ---- lwIP's tcp_out.c ------------------------------------------------------------------------ */

err_t tcp_write_checks(struct tcp_pcb *pcb, u16_t len);
struct tcp_seg *tcp_create_segment(const struct tcp_pcb *pcb, struct pbuf *p, u8_t hdrflags,
                                   u32_t seqno, u8_t optflags);

struct netif *tcp_route(const struct tcp_pcb *pcb, const ip_addr_t *src, const ip_addr_t *dst);
err_t tcp_output_segment(struct tcp_seg *seg, struct tcp_pcb *pcb, struct netif *netif);

#endif
