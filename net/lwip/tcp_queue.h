/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_queue.h - what is queued to be sent. A segment of a queue stands for many packets: it has up
 * to 64 KiB of data, is handed down in one piece, and becomes packets in the network card, or just
 * before it (net_tx.c). lwIP calls these functions at places that
 * scripts/vireolib/lwip_mends/tcp_queue.py inserts. Lengths are bytes of data.
 */
#ifndef VIREO_TCP_QUEUE_H
#define VIREO_TCP_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lwip/err.h"

struct netif;
struct pbuf;
struct tcp_pcb;
struct tcp_seg;

/* ---- called by lwIP -------------------------------------------------------------------------- */

/*
 * The work of tcp_write(), whose arguments these are: data is copied into segments of pcb->unsent,
 * or referred to. ERR_MEM: nothing was changed.
 */
err_t tcp_queue_write(struct tcp_pcb *pcb, const void *data, uint16_t len, uint8_t flags);
/*
 * The first segment of pcb->unsent, of more than a packet, is about to be sent as far as `window`
 * (beyond SND.UNA) allows: what has to wait becomes a segment of its own behind it. ERR_MEM: no
 * memory is left for that.
 */
err_t tcp_queue_fit(struct tcp_pcb *pcb, uint32_t window);
/* A segment is sent now: its packets' size, and its sum, or what of it the interface completes. */
void tcp_queue_seal(struct tcp_pcb *pcb, struct tcp_seg *seg, struct netif *netif);

/* ---- called by sockets ----------------------------------------------------------------------- */

/*
 * Like tcp_queue_write(), with data of a pbuf (one, with no other behind it), which is referred to
 * until it is acknowledged and no device has it any more. The caller keeps its reference.
 */
err_t tcp_queue_lend(struct tcp_pcb *pcb, struct pbuf *data, uint16_t at, uint16_t len,
                     uint8_t flags);

/*
 * tcp_write() with a copy of the data, and tcp_output(), where nothing is queued or in flight and
 * the data is one packet that may leave now (tcp_fast_out.c). False: nothing was changed.
 */
bool tcp_fast_write(struct tcp_pcb *pcb, const void *data, size_t len);
/*
 * tcp_write() with a copy of the data, likewise, of which more will follow: it is queued. Behind it
 * comes tcp_output(). False: nothing was changed.
 */
bool tcp_fast_queue(struct tcp_pcb *pcb, const void *data, size_t len);
/*
 * tcp_output() of a connection that has nothing in flight, where one packet waits that may leave
 * now, an end of the stream among what it says. False: nothing was changed. *err: what that
 * returns.
 */
bool tcp_fast_output(struct tcp_pcb *pcb, err_t *err);
/* tcp_send_empty_ack(), likewise, where no SACK block is to be told. */
bool tcp_fast_ack(struct tcp_pcb *pcb, err_t *err);
/*
 * As tcp_seg_free() of a segment of this connection that was acknowledged, sent once and never cut.
 * A small one may be kept for the next write. At the connection's end it is freed.
 */
void tcp_fast_reuse(struct tcp_pcb *pcb, struct tcp_seg *seg);
void tcp_fast_reuse_end(const struct tcp_pcb *pcb);

/* ---- called by loss recovery and the search for longer packets ------------------------------- */

/* Divides a segment of pcb->unsent so that it keeps `keep` bytes, at least 1. */
err_t tcp_queue_divide(struct tcp_pcb *pcb, struct tcp_seg *seg, uint16_t keep);

/* ---- tcp_cut.c ------------------------------------------------------------------------------- */

/* A pbuf that refers to a part of another one's data, which lives as long. NULL: no memory. */
struct pbuf *tcp_cut_share(struct pbuf *p, uint16_t at, uint16_t len);
/*
 * Cuts a segment of either queue in two, of which the first keeps `keep` bytes. The second stands
 * behind it, and is returned; its flags are the first one's, but PSH and FIN, which it has alone.
 * The ends of the queues and the members net are the caller's. NULL: no memory.
 */
struct tcp_seg *tcp_cut_two(struct tcp_pcb *pcb, struct tcp_seg *seg, uint16_t keep);

#endif
