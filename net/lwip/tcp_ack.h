/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_ack.h - when data is acknowledged (RFC 9293, 3.8.6.3; RFC 5681, 4.2). Called entered.
 */
#ifndef VIREO_TCP_ACK_H
#define VIREO_TCP_ACK_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp_timer.h"

struct tcp_pcb;

/* Of each connection: its member net.ack. */
struct tcp_acks {
    struct tcp_timer timer; /* an ACK that waits for data to go with is sent then */
    uint32_t full;          /* bytes of the peer's full segments, as far as is known */
    uint32_t enough;        /* with due: so many bytes are acknowledged at the end of a batch */
    struct tcp_pcb *next;   /* with due: another one */
    bool due;               /* an ACK waits for the end of the batch, or for the CPU to sleep */
    bool young;             /* the segment that waits came since the timer was set */
    bool quick;             /* TCP_QUICKACK: every segment is acknowledged at once */
    uint8_t after_loss;     /* packets that are still acknowledged at once, as a loss was seen */
};

/* Before the connection's SYN or SYN-ACK; and before its memory is freed. */
void tcp_ack_open(struct tcp_pcb *pcb);
void tcp_ack_end(struct tcp_pcb *pcb);
/* A segment of `len` bytes of data came in order: sets TF_ACK_NOW or TF_ACK_DELAY. */
void tcp_ack_data(struct tcp_pcb *pcb, uint32_t len);
/* Data came twice: the peer's segments or the ACKs of this side are lost. */
void tcp_ack_lossy(struct tcp_pcb *pcb);
/* The frames of a batch were delivered: sends the ACKs that are due. */
void tcp_ack_batch_end(void);
/* The CPU is about to sleep: sends those that only wait for more data, too. True: there were some.
 */
bool tcp_ack_before_sleep(void);

#endif
