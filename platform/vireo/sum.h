/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo/sum.h - one's-complement sums of memory (RFC 1071), as fast as the CPU makes them.
 */
#ifndef VIREO_SUM_H
#define VIREO_SUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* One's-complement sum of 64 bits: the carry is added to bit 0. */
static inline uint64_t sum_add(uint64_t sum, uint64_t word)
{
    sum += word;
    return sum + (sum < word);
}

static inline uint64_t sum_load(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

static inline uint64_t sum_copy8(uint8_t *dst, const uint8_t *src)
{
    uint64_t word = sum_load(src);

    memcpy(dst, &word, sizeof(word));
    return word;
}

/*
 * The sum of `blocks` blocks of 64 bytes, one at least, as words of 64 bits; sum64_copy() copies
 * them, too, to where they do not overlap.
 */
#ifdef __aarch64__

/*
 * Eight words with one chain of carries, of which the last one goes into the next block's: nothing
 * in the loop but adcs changes the carry.
 */
#define SUM64_ADD8                                                                                 \
    "adcs %[sum], %[sum], x8\n adcs %[sum], %[sum], x9\n adcs %[sum], %[sum], x10\n"               \
    "adcs %[sum], %[sum], x11\n adcs %[sum], %[sum], x12\n adcs %[sum], %[sum], x13\n"             \
    "adcs %[sum], %[sum], x14\n adcs %[sum], %[sum], x15\n"
#define SUM64_CLOBBERS "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "cc", "memory"

static inline uint64_t sum64(const uint8_t *p, size_t blocks)
{
    uint64_t sum = 0;

    __asm__ volatile("adds xzr, xzr, xzr\n" /* no carry */
                     "1: ldp x8, x9, [%[p]]\n ldp x10, x11, [%[p], #16]\n"
                     "ldp x12, x13, [%[p], #32]\n ldp x14, x15, [%[p], #48]\n" SUM64_ADD8
                     "add %[p], %[p], #64\n sub %[n], %[n], #1\n cbnz %[n], 1b\n"
                     "adc %[sum], %[sum], xzr\n"
                     : [sum] "+r"(sum), [p] "+r"(p), [n] "+r"(blocks)
                     :
                     : SUM64_CLOBBERS);
    return sum;
}

static inline uint64_t sum64_copy(uint8_t *q, const uint8_t *p, size_t blocks)
{
    uint64_t sum = 0;

    __asm__ volatile("adds xzr, xzr, xzr\n"
                     "1: ldp x8, x9, [%[p]]\n ldp x10, x11, [%[p], #16]\n"
                     "ldp x12, x13, [%[p], #32]\n ldp x14, x15, [%[p], #48]\n"
                     "stp x8, x9, [%[q]]\n stp x10, x11, [%[q], #16]\n"
                     "stp x12, x13, [%[q], #32]\n stp x14, x15, [%[q], #48]\n" SUM64_ADD8
                     "add %[p], %[p], #64\n add %[q], %[q], #64\n"
                     "sub %[n], %[n], #1\n cbnz %[n], 1b\n"
                     "adc %[sum], %[sum], xzr\n"
                     : [sum] "+r"(sum), [p] "+r"(p), [q] "+r"(q), [n] "+r"(blocks)
                     :
                     : SUM64_CLOBBERS);
    return sum;
}

#else

static inline uint64_t sum64(const uint8_t *p, size_t blocks)
{
    uint64_t a = 0, b = 0;

    for (const uint8_t *end = p + 64 * blocks; p < end; p += 16) {
        a = sum_add(a, sum_load(p));
        b = sum_add(b, sum_load(p + 8));
    }
    return sum_add(a, b);
}

static inline uint64_t sum64_copy(uint8_t *q, const uint8_t *p, size_t blocks)
{
    uint64_t a = 0, b = 0;

    for (const uint8_t *end = p + 64 * blocks; p < end; p += 16, q += 16) {
        a = sum_add(a, sum_copy8(q, p));
        b = sum_add(b, sum_copy8(q + 8, p + 8));
    }
    return sum_add(a, b);
}

#endif

#endif
