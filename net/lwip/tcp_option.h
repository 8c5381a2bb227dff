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
};

/* ---- what lwIP calls ------------------------------------------------------------------------- */

/* Is the first segment of pcb->unsent, of a corked connection, to wait for more data? */
bool tcp_option_holds(struct tcp_pcb *pcb);
/* The ticks of lwIP's slow timer that a closed connection may spend in FIN_WAIT_2. */
uint32_t tcp_option_fin_wait(const struct tcp_pcb *pcb);
/* Does keep-alive watch the connection now? Not while data is on its way (RFC 9293, 3.8.4). */
bool tcp_option_keeps_alive(const struct tcp_pcb *pcb);
/* The control block is about to be freed. */
void tcp_option_end(struct tcp_pcb *pcb);

/* ---- what sockets call ----------------------------------------------------------------------- */

/* Reads vireo.tcp_congestion=. Once, before the first connection. */
void tcp_option_init(void);
/* TCP_CC_... of a connection that names no other. */
extern uint8_t tcp_option_congestion;
/* Bytes that wait to be sent for the first time. */
uint32_t tcp_option_unsent(const struct tcp_pcb *pcb);
/* Sends what is queued; a corked connection, or one of which `more` (MSG_MORE), full segments. */
void tcp_option_output(struct tcp_pcb *pcb, bool more);
/* Sends all that is queued, corked or not, as far as the windows and Nagle's rule allow. */
void tcp_option_push(struct tcp_pcb *pcb);

#endif
