/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_window.h - how much a connection may receive before its application has read it, and how much
 * it may hold to send. Both limits grow with the path; the sum over all connections is bounded by
 * memory. Called entered (net_impl.h).
 */
#ifndef VIREO_TCP_WINDOW_H
#define VIREO_TCP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_pcb;

#define TCP_BUFFER_MIN   4096u         /* bytes that an application can set */
#define TCP_BUFFER_START (16u << 10)   /* of a send buffer; of a window when memory is short */
#define TCP_WINDOW_START (64u << 10)   /* of a window */
#define TCP_BUFFER_MAX   (4096u << 10) /* by default, where there is memory for it */

/* Sizes that an application has set, in bytes; 0: the limit grows by itself. */
struct tcp_fixed {
    uint32_t receive, send;
    uint32_t clamp; /* TCP_WINDOW_CLAMP: a window grows to this at most */
};

/* Of each connection: its member net.win. */
struct tcp_window {
    struct tcp_fixed fixed;
    uint32_t receive;   /* the limit: pcb->rcv_wnd and what the application has not read together */
    uint32_t goal;      /* what the limit falls to as the application reads; not above the limit */
    uint32_t over;      /* how much of the limit is there since the window's edge was rounded up */
    uint32_t send;      /* the limit of bytes queued: unsent and not acknowledged */
    uint32_t read;      /* bytes that the application has read since round_us */
    uint32_t round_us;  /* tcp_now_us() */
    uint32_t read_tick; /* tcp_ticks when it read last */
};

/* The shift of every window that this machine announces with the option (RFC 7323, 2.2). */
extern uint8_t tcp_window_scale;

/* Reads vireo.tcp_buffer=. Once, after net_mem_init(). */
void tcp_window_init(void);
/* Bytes that a limit may reach; those that an application sets have this limit, too. */
uint32_t tcp_window_max(void);

/* ---- what lwIP calls ------------------------------------------------------------------------- */

/* A connection begins: before its SYN or SYN-ACK. */
void tcp_window_open(struct tcp_pcb *pcb, const struct tcp_fixed *fixed);
/* The connection is open, and its MSS known. */
void tcp_window_established(struct tcp_pcb *pcb);
/* What the SYN-ACK of such a connection announces; scaled: the peer's SYN has that option. */
uint16_t tcp_window_of_syn(const struct tcp_fixed *fixed, bool scaled);
/* The peer's SYN has the option of window scaling. */
void tcp_window_scaled(struct tcp_pcb *pcb);
/*
 * What the next segment announces: pcb->rcv_ann_wnd. Returns by how many bytes the peer's window
 * opens thereby. The right edge never moves back but for the rounding of the scale when the window
 * is full (RFC 9293, 3.8.6.2.1), and opens by a segment or half of the limit at least (3.8.6.2.2).
 */
uint32_t tcp_window_announce(struct tcp_pcb *pcb);
/* The application has read `len` bytes, of which pcb->rcv_wnd tells already. */
void tcp_window_read(struct tcp_pcb *pcb, uint32_t len);
/* Is a segment of its own worth it to tell the peer that its window opens by `gain` bytes? */
bool tcp_window_tell(const struct tcp_pcb *pcb, uint32_t gain);
/* New data was acknowledged: pcb->snd_buf and the send buffer's limit. */
void tcp_window_acked(struct tcp_pcb *pcb);
/* Are as many pbufs queued to be sent as may be? A limit for tiny writes. */
bool tcp_window_queue_full(const struct tcp_pcb *pcb);

/* ---- what sockets call ----------------------------------------------------------------------- */

/* Sets fixed sizes, or none; they count at once, but a window does not shrink until it is read. */
void tcp_window_fix(struct tcp_pcb *pcb, const struct tcp_fixed *fixed);
/* Bytes that may be written now; less than pcb->snd_buf while memory is short. */
uint32_t tcp_window_room(const struct tcp_pcb *pcb);
/* Is a third of the send buffer free, so that a write is worth it? */
bool tcp_window_writable(const struct tcp_pcb *pcb);

#endif
