/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_recovery.h - loss recovery of TCP: what of the data in flight has arrived, what is lost, and
 * when it is sent again. RFC 2018 and 2883 (SACK), 8985 (RACK-TLP), 6582 (peers without SACK), 3042
 * (limited transmit), 6298 (retransmission timeout), 5682 (spurious timeouts).
 *
 * A segment stays in pcb->unacked from its first sending until it is acknowledged. lwIP calls the
 * functions net_tcp_*() at places that scripts/vireolib/lwip_mends/tcp_recovery.py inserts, and
 * keeps the rest: parsing, queues, states, keep-alive, probes of a closed window.
 */
#ifndef VIREO_TCP_RECOVERY_H
#define VIREO_TCP_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp_timer.h"

struct tcp_pcb;
struct tcp_seg;

/* Segments, linked by net.prev and net.next. */
struct tcp_seg_list {
    struct tcp_seg *first, *last;
};

enum tcp_rec_state {
    TCP_REC_OPEN,     /* nothing is known to be lost */
    TCP_REC_RECOVERY, /* losses are repaired: proportional rate reduction */
    TCP_REC_LOSS,     /* after a retransmission timeout: slow start */
};

/* Flags of a segment. */
enum {
    TCP_SEG_SACKED = 1,
    TCP_SEG_LOST = 2,   /* in the list `lost` */
    TCP_SEG_RESENT = 4, /* in the list `resent` */
    TCP_SEG_AGAIN = 8,  /* sent more than once so far (Karn's rule) */
    TCP_SEG_PIECE = 16, /* cut off another segment after that was sent */
};

/*
 * Of each segment in pcb->unacked: seq and end are what of it is not acknowledged, a SYN and a FIN
 * counted.
 */
struct net_tcp_seg {
    struct tcp_seg *next; /* in the list of its flags */
    union {
        struct tcp_seg *prev;
        struct tcp_seg *run_end; /* SACKed, and the first of a run of these: the last of them */
    };
    uint32_t seq, end;
    uint32_t sent_us; /* when it was last sent */
    uint16_t cut;     /* bytes at its front that were acknowledged, and are still in its pbuf */
    uint16_t size;    /* of data in each packet, but the last, when it was last sent */
    uint8_t flags;
    bool small; /* its pbuf may be used again (tcp_fast_out.c) */
};

/* Bytes of data in the first packet of a segment, and in all but its last. */
static inline uint16_t tcp_seg_packet(const struct net_tcp_seg *s, uint16_t len)
{
    return len < s->size ? len : s->size;
}

/* A range of sequence numbers: first, and one beyond the last. */
struct tcp_range {
    uint32_t left, right;
};

#define TCP_SACK_BLOCKS 4 /* in an acknowledgement (RFC 2018, section 3) */

/* Of each connection. Times of 32 bits are those of tcp_now_us(). */
struct tcp_recovery {
    struct tcp_timer timer; /* what of all waits comes first */
    union {
        uint64_t trouble; /* 0: nothing is known to be lost, late, or sent again to find out */
        struct {
            uint8_t state; /* enum tcp_rec_state */
            uint8_t dup_acks;
            bool timed_out;   /* data below `recover` was sent before a timeout */
            bool reo_wait;    /* reo_due_us holds */
            bool reo_counted; /* reo_round holds */
            bool probing;     /* the tail (RFC 8985, 7.2) */
        };
    };
    uint32_t recover;     /* RECOVERY and LOSS last until this is acknowledged */
    uint64_t progress_ns; /* when data was last acknowledged, or sent with none in flight */
    uint64_t sent_ns;     /* when data was last sent */
    uint64_t set_ns;      /* when the timer was last set */
    uint32_t timer_us;    /* when the retransmission timer was (re)started */
    uint32_t active_us;   /* data was sent or acknowledged: the start of the probe's time */
    uint32_t patience_ms; /* without progress until the connection ends; 0: the usual */
    uint8_t backoff;      /* timeouts in a row */
    uint8_t syn_resends;  /* of a SYN, because of an answer that made no sense */
    bool busy;            /* what is to be sent again, a driver still holds, ... */
    uint32_t busy_us;     /* ... and is asked again then */
    bool limited;         /* the congestion window has kept data back */

    /* The scoreboard (tcp_sack.c). Bytes. */
    struct tcp_seg_list lost;   /* to be sent again, by sequence number */
    struct tcp_seg_list resent; /* sent again and in flight, by the time of that */
    struct tcp_seg *fresh; /* the first in flight that was sent once; all before it are judged */
    struct tcp_seg *top;   /* the first of the highest run of SACKed segments */
    struct tcp_range seen[TCP_SACK_BLOCKS]; /* the blocks of the last acknowledgement */
    uint32_t in_flight;
    uint32_t lost_bytes;
    uint32_t sacked_bytes;
    uint32_t dup_bytes; /* without SACK: what duplicate acknowledgements tell to have arrived */
    uint16_t sacked_segs;
    uint16_t pieces; /* segments with TCP_SEG_PIECE */
    bool force;      /* one segment goes out whatever the window is */

    /* RACK (RFC 8985, section 5.3) */
    uint32_t rack_us;     /* when the last sent one of those that arrived was sent */
    uint32_t rack_end;    /* its end */
    uint32_t rack_rtt_us; /* its round trip */
    uint32_t fack;        /* the highest end of one that arrived */
    uint32_t reo_round;   /* DSACKs count once until this is acknowledged */
    uint32_t reo_due_us;  /* when a segment that may be reordered is taken as lost */
    uint8_t reo_mult;     /* of the reordering window, in quarters of the least round trip */
    uint8_t reo_persist;  /* recoveries that keep reo_mult */
    bool reordering;      /* was seen */
    bool rack;            /* rack_* hold */

    /* The probe of the tail (section 7.2), and a window that is paced */
    uint32_t probe_end; /* SND.NXT after it */
    bool probe_resent, probe_now;
    bool paced, pace_wait; /* pace_wait: data waits for its turn */
    uint32_t pace_us;      /* when the next byte may leave */

    /* Undoing a reduction that was for nothing */
    bool undo;           /* possible */
    bool frto;           /* the timeout may have been spurious, ... */
    bool frto_new;       /* ... and new data goes before what is lost, to tell */
    uint32_t undo_una;   /* SND.UNA at the reduction */
    uint32_t undo_bytes; /* sent again since, and not known to have been for nothing */
    uint32_t undo_stamp; /* the time stamp of the first of them */

    /* Counters; TCP_INFO tells the first, tests look at the others */
    uint32_t total_resent;   /* segments */
    uint32_t total_timeouts; /* of the retransmission timer */
    uint32_t total_undone;   /* reductions */
};

/* ---- called by lwIP -------------------------------------------------------------------------- */

/*
 * tcp_output() begins: sends again what is lost, as far as windows allow. Returns how far beyond
 * SND.UNA new data may reach, in bytes.
 */
uint32_t net_tcp_window(struct tcp_pcb *pcb);
/* A segment was sent for the first time; lwIP appends it to pcb->unacked next. */
void net_tcp_sent(struct tcp_pcb *pcb, struct tcp_seg *seg);
/*
 * pcb->lastack has moved. The segments below it are still in the queue. Returns what lwIP has to
 * add to the lengths of those it frees to have the bytes that this acknowledgement frees (it may be
 * "negative": bytes in a segment's front were told before).
 */
uint32_t net_tcp_acked(struct tcp_pcb *pcb);
/* A duplicate acknowledgement (RFC 5681, section 2). */
void net_tcp_dup_ack(struct tcp_pcb *pcb);
/*
 * After these, for each segment with ACK: its options are judged (`len` bytes), losses are found,
 * the congestion window follows.
 */
void net_tcp_ack(struct tcp_pcb *pcb, uint32_t ack, const void *options, uint32_t len);
/*
 * net_tcp_acked() and net_tcp_ack() of an acknowledgement of all that was in flight: one segment,
 * which was sent once, at sent_us. pcb->lastack has moved, and nothing is in trouble.
 */
void tcp_recovery_lone(struct tcp_pcb *pcb, uint32_t sent_us);
/* net_tcp_ack() for a segment with data that acknowledges nothing, and says nothing else. */
void tcp_recovery_still(struct tcp_pcb *pcb);
/* The peer's SYN, or the acknowledgement of ours, has come. */
void net_tcp_established(struct tcp_pcb *pcb);
/*
 * The same for a connection that lwIP has not opened (tcp_half_open.c): net.rec.backoff tells how
 * often the SYN-ACK was repeated, tcp_stamp what came. rtt_us: its round trip; 0: not known.
 */
void net_tcp_opened(struct tcp_pcb *pcb, uint32_t rtt_us);
/* The first segment, a SYN, is sent again soon: the peer seems not to know this connection. */
void net_tcp_resend_syn(struct tcp_pcb *pcb);
/*
 * The path carries smaller segments from now on, of pcb->mss: those in flight that are longer count
 * as lost from number `from` on, but not by congestion, and are sent again in pieces. Not called by
 * lwIP.
 */
void tcp_recovery_resize(struct tcp_pcb *pcb, uint32_t from);
/*
 * The connection ends after so many ms without progress (TCP_USER_TIMEOUT); 0: after the usual
 * three minutes. Not called by lwIP.
 */
void tcp_recovery_patience(struct tcp_pcb *pcb, uint32_t ms);
/* A control block is new; its queues are emptied; it is about to be freed. */
void net_tcp_init(struct tcp_pcb *pcb);
void net_tcp_purge(struct tcp_pcb *pcb);
void net_tcp_end(struct tcp_pcb *pcb);

#endif
