/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_chksum.c - the Internet checksum (RFC 1071), 8 bytes at a time, alone or with a copy.
 *
 * As lwIP wants it, the sum is not complemented, and is in the byte order of memory.
 */
#include "arch/cc.h"

/* One's-complement sum of 64 bits: the carry is added to bit 0. */
static inline uint64_t chksum_add(uint64_t sum, uint64_t word)
{
    sum += word;
    return sum + (sum < word);
}

static inline uint64_t chksum_load(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

/* The last len (0..7) bytes as a word, padded with zeros. */
static inline uint64_t chksum_tail(const uint8_t *p, unsigned len)
{
    uint64_t word = 0;

    memcpy(&word, p, len);
    return word;
}

static inline uint16_t chksum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)(sum + (sum >> 16));
}

uint16_t net_chksum(const void *data, int len)
{
    const uint8_t *p = data;
    uint64_t a = 0, b = 0;

    for (; len >= 32; len -= 32, p += 32) {
        a = chksum_add(a, chksum_load(p));
        b = chksum_add(b, chksum_load(p + 8));
        a = chksum_add(a, chksum_load(p + 16));
        b = chksum_add(b, chksum_load(p + 24));
    }
    for (; len >= 8; len -= 8, p += 8)
        a = chksum_add(a, chksum_load(p));
    if (len > 0)
        b = chksum_add(b, chksum_tail(p, (unsigned)len));
    return chksum_fold(chksum_add(a, b));
}

static inline uint64_t chksum_copy8(uint8_t *dst, const uint8_t *src)
{
    uint64_t word = chksum_load(src);

    memcpy(dst, &word, sizeof(word));
    return word;
}

uint16_t net_chksum_copy(void *dst, const void *src, uint16_t len)
{
    const uint8_t *p = src;
    uint8_t *q = dst;
    unsigned left = len;
    uint64_t a = 0, b = 0;

    for (; left >= 32; left -= 32, p += 32, q += 32) {
        a = chksum_add(a, chksum_copy8(q, p));
        b = chksum_add(b, chksum_copy8(q + 8, p + 8));
        a = chksum_add(a, chksum_copy8(q + 16, p + 16));
        b = chksum_add(b, chksum_copy8(q + 24, p + 24));
    }
    for (; left >= 8; left -= 8, p += 8, q += 8)
        a = chksum_add(a, chksum_copy8(q, p));
    if (left) {
        b = chksum_add(b, chksum_tail(p, left));
        memcpy(q, p, left);
    }
    return chksum_fold(chksum_add(a, b));
}
