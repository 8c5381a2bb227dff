/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * receiver.h - a connection from side A of the path (path.h) to a scripted receiver at side B,
 * which keeps what it hears, and acknowledges what a test says. A packet takes 10 ms. Bytes of the
 * stream have their offset as number, and whole segments are numbered from 0 on.
 */
#ifndef VIREO_TESTS_NET_RECEIVER_H
#define VIREO_TESTS_NET_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip/priv/tcp_priv.h"
#include "path.h"

#define SEG 1460u /* bytes of a whole segment */

struct told {
    uint64_t ns;      /* when it arrived */
    uint32_t at, len; /* of the stream */
    uint32_t stamp;
    unsigned flags;
};

extern struct receiver {
    bool sack;     /* the peer knows SACK */
    bool mute;     /* SYNs are not answered */
    bool stamps;   /* it knows time stamps, ... */
    uint32_t echo; /* ... and echoes this one */
    unsigned window;
    struct tcp_pcb *pcb; /* the image's end; NULL: gone */
    int err;             /* how it went */
    uint32_t base;       /* the number of the stream's first byte */
    unsigned heard;      /* segments with data, SYN or FIN, since receiver_forget() */
    struct told told[4096];
} receiver;

/* Boots, and connects; returns when the connection is open. */
void receiver_boot(bool sack);
/* The same, with SACK and time stamps. */
void receiver_boot_stamps(void);
/* Boots, and sends a SYN that nobody answers. */
void receiver_boot_mute(void);
/* The image's end writes so many bytes; they go out as windows allow. */
void receiver_feed(uint32_t bytes);
void receiver_run_ms(uint64_t ms);
void receiver_forget(void);
/* How often a byte was sent, since receiver_forget(); and a whole segment's first byte. */
unsigned receiver_times(uint32_t at);
unsigned receiver_times_seg(unsigned seg);
/* The last of what was heard; CHECKs that there is one. */
struct told receiver_last(void);

/* A range of bytes that arrived; right 0: none. */
struct arrived {
    uint32_t left, right;
};
/* Acknowledges bytes below `to`, with up to four blocks, and lets 20 ms pass, in which the answer
 * arrives. */
void receiver_ack(uint32_t to, struct arrived a, struct arrived b, struct arrived c);
/* The same in whole segments, without letting time pass. */
void receiver_say(unsigned to, unsigned left, unsigned right);
/* Nothing but an acknowledgement, with these numbers as they are. */
void receiver_raw(uint32_t ack, unsigned blocks, const uint32_t *edges);

#define NONE              ((struct arrived){0, 0})
#define SEGS(left, right) ((struct arrived){(left)*SEG, (right)*SEG})

#endif
