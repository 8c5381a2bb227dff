/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet.h - frames for lwIP that are nearly right: the input's bytes with addresses, lengths and
 * checksums made to fit, and answers to what the image sent last.
 */
#ifndef VIREO_FUZZ_PACKET_H
#define VIREO_FUZZ_PACKET_H

#include <stdint.h>

#define PACKET_MAX 1600

struct packet {
    uint8_t at[PACKET_MAX];
    uint32_t len;
};

/* What the image sent: later answers are to this. */
void packet_sent(const uint8_t *frame, uint32_t len);

/* The input's bytes, with what its first byte says made right. */
void packet_any(struct packet *p);
/* Headers of ours, ports and numbers that fit what was sent; the rest from the input. */
void packet_answer(struct packet *p);

#endif
