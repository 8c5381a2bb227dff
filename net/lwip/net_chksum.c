/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_chksum.c - the Internet checksum (RFC 1071), 64 bytes at a time, alone or with a copy.
 *
 * As lwIP wants it, the sum is not complemented, and is in the byte order of memory.
 */
#include "arch/cc.h"
#include "vireo/sum.h"

static inline uint16_t chksum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)(sum + (sum >> 16));
}

/* Fewer than 8 bytes as a word, padded with zeros. */
static inline uint64_t chksum_few(const uint8_t *p, size_t len)
{
    uint64_t word = 0;

    for (unsigned shift = 0; len; len--, shift += 8)
        word |= (uint64_t)*p++ << shift;
    return word;
}

/* The last (1 to 7) of 8 bytes, padded with zeros. */
static inline uint64_t chksum_last(uint64_t word, size_t len)
{
    return word >> (64 - 8 * len);
}

uint16_t net_chksum(const void *data, int len)
{
    const uint8_t *p = data;
    size_t left = len > 0 ? (size_t)len : 0, blocks = left / 64;
    uint64_t sum = 0;

    if (left < 8)
        return chksum_fold(chksum_few(p, left));
    if (blocks) {
        sum = sum64(p, blocks);
        p += 64 * blocks;
    }
    for (left %= 64; left >= 8; left -= 8, p += 8)
        sum = sum_add(sum, sum_load(p));
    if (left)
        sum = sum_add(sum, chksum_last(sum_load(p + left - 8), left));
    return chksum_fold(sum);
}

uint16_t net_chksum_copy(void *dst, const void *src, uint16_t len)
{
    const uint8_t *p = src;
    uint8_t *q = dst;
    size_t left = len, blocks = left / 64;
    uint64_t sum = 0;

    if (left < 8) {
        for (size_t i = 0; i < left; i++)
            q[i] = p[i];
        return chksum_fold(chksum_few(p, left));
    }
    if (blocks) {
        sum = sum64_copy(q, p, blocks);
        p += 64 * blocks;
        q += 64 * blocks;
    }
    for (left %= 64; left >= 8; left -= 8, p += 8, q += 8)
        sum = sum_add(sum, sum_copy8(q, p));
    if (left) /* some of these 8 bytes were copied before */
        sum = sum_add(sum, chksum_last(sum_copy8(q + left - 8, p + left - 8), left));
    return chksum_fold(sum);
}
