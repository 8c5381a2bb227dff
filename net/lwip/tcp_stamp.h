/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_stamp.h - TCP's timestamps, and protection against old segments (RFC 7323, sections 3 to 5).
 * Called entered (net_impl.h).
 */
#ifndef VIREO_TCP_STAMP_H
#define VIREO_TCP_STAMP_H

#include <stdbool.h>
#include <stdint.h>

struct ip_addr;
struct tcp_hdr;
struct tcp_pcb;

/*
 * Of each connection: its member net.stamp. lwIP has the rest: TF_TIMESTAMP (both sides agreed),
 * pcb->ts_recent, and pcb->ts_lastacksent, which is pcb->rcv_nxt at the last ACK, agreed or not.
 */
struct tcp_stamps {
    uint32_t offset;      /* of this connection's clock */
    uint32_t recent_tick; /* tcp_ticks when pcb->ts_recent was set */
    uint32_t told_tick;   /* when an old segment without data was answered last */
};

/* The option of the segment that lwIP looks at. */
extern struct tcp_stamp {
    bool there;
    uint32_t value; /* the sender's clock */
    uint32_t echo;  /* this side's clock, as the sender heard it; 0 in a SYN */
} tcp_stamp;

extern bool tcp_stamp_on;

/* Reads vireo.tcp_timestamps=. Once. */
void tcp_stamp_init(void);
/* The offset of a connection's clock, of what net_tcp_secret() makes of its ends. */
uint32_t tcp_stamp_offset(uint64_t secret);
/* A clock of that offset: milliseconds since some time. It wraps. */
uint32_t tcp_stamp_clock(uint32_t offset);
/* The connection's addresses and ports are known: its clock begins, if it has none yet. */
void tcp_stamp_open(struct tcp_pcb *pcb);
/* Both sides use the option; value: the peer's clock, to be echoed. */
void tcp_stamp_agreed(struct tcp_pcb *pcb, uint32_t value);
/* Has the connection's data room for the option? In SYN-SENT it is not known yet. */
bool tcp_stamp_reserved(const struct tcp_pcb *pcb);
/* Bytes of data that a full segment has. */
uint32_t tcp_stamp_payload(const struct tcp_pcb *pcb);

/* ---- what lwIP calls ------------------------------------------------------------------------- */

/* Reads the options of a segment into tcp_stamp, if they are a timestamp alone, or none at all;
 * false: tcp_parseopt() shall. rest: what of them lies in another pbuf, or NULL. */
bool tcp_stamp_read(const struct tcp_hdr *h, unsigned len, const void *rest);
/* tcp_parseopt() has found the option, whose eight bytes next() gives. flags: the segment's. */
void tcp_stamp_option(struct tcp_pcb *pcb, unsigned flags, uint8_t (*next)(void));
/* Writes the option, or 12 NOPs if room was reserved for it in vain. */
void tcp_stamp_write(const struct tcp_pcb *pcb, uint32_t *option);
/*
 * Is the segment, which is no reset, an old one, or one without the option that was agreed? Then
 * lwIP drops it; an ACK is on its way if one is due. Else its stamp may be the next to be echoed.
 */
bool tcp_stamp_old(struct tcp_pcb *pcb, uint32_t seq, uint32_t len, unsigned flags);

#endif
