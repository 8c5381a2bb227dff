/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_option.h - settings of a connection that lwIP's code asks for (options of IPPROTO_TCP), and
 * what is counted for TCP_INFO. lwIP includes this file in its tcp.h. Called entered (net_impl.h).
 */
#ifndef VIREO_TCP_OPTION_H
#define VIREO_TCP_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp_timer.h"

struct tcp_pcb;

#define TCP_FIN_WAIT_S 60 /* in FIN_WAIT_2, once the application has closed the connection */

/* Of each connection. All zeros: what it is without any option. */
struct tcp_option {
    struct tcp_timer hold; /* ends the wait of a segment that is not full */
    uint32_t held;         /* the sequence number of that segment */
    bool cork;             /* only full segments leave */
    bool push;             /* but this time */
    int16_t fin_wait_s;    /* in place of TCP_FIN_WAIT_S; -1: no time at all */
    void (*leaves)(struct tcp_pcb *pcb, uint32_t n); /* n unsent bytes leave now; or NULL */
    uint32_t stuck;    /* ticks of lwIP's slow timer in which the peer's window was closed */
    uint32_t stuck_at; /* what was acknowledged then */
    /* Since the connection was opened, for TCP_INFO. */
    uint32_t segs_in, segs_out, data_in, data_out; /* data_: of them, those with data */
    uint32_t data_tick;                            /* tcp_ticks when data came last */
    uint32_t seen_in, seen_out;                    /* up to where the next two count */
    uint64_t bytes_in, bytes_acked;
    uint64_t bytes_out, bytes_again; /* bytes_again: of them, those sent before */
};

/* ---- what lwIP calls ------------------------------------------------------------------------- */

/* Is the first segment of pcb->unsent, of a corked connection, to wait for more data? */
bool tcp_option_holds(struct tcp_pcb *pcb);
/* The ticks of lwIP's slow timer that a closed connection may spend in FIN_WAIT_2. */
uint32_t tcp_option_fin_wait(const struct tcp_pcb *pcb);
/* Does keep-alive watch the connection now? Not while data is on its way (RFC 9293, 3.8.4). */
bool tcp_option_keeps_alive(const struct tcp_pcb *pcb);
/*
 * Each tick of the slow timer. True: the connection ends, since its peer's window was closed for
 * pcb->net.rec.patience_ms. (tcp_resend.c watches that time while data is in flight.)
 */
bool tcp_option_tick(struct tcp_pcb *pcb);
/* A segment came, with `len` bytes of data. */
static inline void tcp_option_heard(struct tcp_option *o, uint32_t len, uint32_t tick)
{
    o->segs_in++;
    if (!len)
        return;
    o->data_in++;
    o->data_tick = tick;
}
/*
 * A segment goes out, in packets of `packet` bytes of data. old: bytes from its beginning to
 * SND.NXT, which were sent before.
 */
static inline void tcp_option_said(struct tcp_option *o, uint32_t len, uint32_t packet,
                                   uint32_t old)
{
    uint32_t packets = len <= packet ? 1 : (len + packet - 1) / packet;

    o->segs_out += packets;
    if (!len)
        return;
    o->data_out += packets;
    o->bytes_out += len;
    o->bytes_again += old < len ? old : len;
}

/* The same of one packet that is sent for the first time, with data. */
static inline void tcp_option_said_one(struct tcp_option *o, uint32_t len)
{
    o->segs_out++;
    o->data_out++;
    o->bytes_out += len;
}

/* ---- what sockets and tcp_glue.c call
 * ----------------------------------------------------------------------- */

/* Reads vireo.tcp_congestion=. Once, before the first connection. */
void tcp_option_init(void);
/* TCP_CC_... of a connection that names no other. */
extern uint8_t tcp_option_congestion;
/* A connection opens. active: connect() did it, and Linux counts its SYN as a byte. */
void tcp_option_opened(struct tcp_pcb *pcb, bool active);
/* Brings bytes_in and bytes_acked up to date; at least once while 2 GiB are transferred. */
void tcp_option_count(struct tcp_pcb *pcb);
/* Bytes that wait to be sent for the first time. */
uint32_t tcp_option_unsent(const struct tcp_pcb *pcb);
/* The control block is about to be freed. */
void tcp_option_end(struct tcp_pcb *pcb);
/* Sends what is queued; a corked connection, or one of which `more` (MSG_MORE), full segments. */
void tcp_option_output(struct tcp_pcb *pcb, bool more);
/* Sends all that is queued, corked or not, as far as the windows and Nagle's rule allow. */
void tcp_option_push(struct tcp_pcb *pcb);

#endif
