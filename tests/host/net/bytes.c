/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bytes.c - the numbers of peer.h in packets.
 */
#include "peer.h"

void peer_put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

void peer_put32(uint8_t *p, uint32_t v)
{
    peer_put16(p, v >> 16);
    peer_put16(p + 2, v);
}

uint32_t peer_get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

uint32_t peer_get32(const uint8_t *p)
{
    return peer_get16(p) << 16 | peer_get16(p + 2);
}
