/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_ooseq.h - data that came out of order, and what the peer is told of it (SACK: RFC 2018,
 * RFC 2883). Called entered (net_impl.h).
 */
#ifndef VIREO_TCP_OOSEQ_H
#define VIREO_TCP_OOSEQ_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_pcb;
struct tcp_seg;

/* Of each connection: its member net.ooseq, beside lwIP's list pcb->ooseq and pcb->rcv_sacks. */
struct tcp_ooseq {
    struct tcp_seg *head; /* of the list when it was last looked at: lwIP takes from its front */
    struct tcp_seg *tail;
    struct tcp_seg *last;            /* where data was put last; NULL: not known */
    uint32_t pieces;                 /* elements of the list */
    uint32_t packets;                /* received packets in them */
    uint32_t again_begin, again_end; /* data that came twice, and of which no ACK has told yet */
};

/* Keeps the data of a segment that lies within the window behind a gap, if there is room for it. */
void tcp_ooseq_keep(struct tcp_pcb *pcb, const struct tcp_seg *in);
/* Data of these sequence numbers came once more. */
void tcp_ooseq_again(struct tcp_pcb *pcb, uint32_t begin, uint32_t end);
/* Has data that was kept come to its turn since this was asked last? */
bool tcp_ooseq_filled(struct tcp_pcb *pcb);

/* Memory is short: what waits behind gaps is dropped, of all connections. False: there is none. */
bool tcp_ooseq_drop_all(void);

/* How many blocks an ACK tells whose other options take `used` bytes; and writes them. */
uint8_t tcp_ooseq_blocks(const struct tcp_pcb *pcb, unsigned used);
void tcp_ooseq_write(struct tcp_pcb *pcb, uint32_t *option, unsigned blocks);

#endif
