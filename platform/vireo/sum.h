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
 * Pairs of words of 32 bits are added to lanes of 64, whose carries no memory is long enough for:
 * 128 bytes a turn, before that 64 if their count is odd.
 */
#define SUM64_LOAD64  "ldp q0, q1, [%[p]], #64\n ldp q2, q3, [%[p], #-32]\n"
#define SUM64_STORE64 "stp q0, q1, [%[q]], #64\n stp q2, q3, [%[q], #-32]\n"
#define SUM64_ADD64                                                                                \
    "uadalp v16.2d, v0.4s\n uadalp v17.2d, v1.4s\n uadalp v16.2d, v2.4s\n"                         \
    "uadalp v17.2d, v3.4s\n"
#define SUM64_LOAD128                                                                              \
    "ldp q0, q1, [%[p]], #128\n ldp q2, q3, [%[p], #-96]\n"                                        \
    "ldp q4, q5, [%[p], #-64]\n ldp q6, q7, [%[p], #-32]\n"
#define SUM64_STORE128                                                                             \
    "stp q0, q1, [%[q]], #128\n stp q2, q3, [%[q], #-96]\n"                                        \
    "stp q4, q5, [%[q], #-64]\n stp q6, q7, [%[q], #-32]\n"
#define SUM64_ADD128                                                                               \
    SUM64_ADD64 "uadalp v16.2d, v4.4s\n uadalp v17.2d, v5.4s\n uadalp v16.2d, v6.4s\n"             \
                "uadalp v17.2d, v7.4s\n"
#define SUM64(store64, store128)                                                                   \
    "movi v16.2d, #0\n movi v17.2d, #0\n tbz %[n], #0, 2f\n" SUM64_LOAD64 store64 SUM64_ADD64      \
    "2: lsr %[n], %[n], #1\n cbz %[n], 3f\n"                                                       \
    "1: " SUM64_LOAD128 store128 SUM64_ADD128 "subs %[n], %[n], #1\n b.ne 1b\n"                    \
    "3: add v16.2d, v16.2d, v17.2d\n addp d16, v16.2d\n fmov %[sum], d16\n"
#define SUM64_CLOBBERS "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "cc", "memory"

static inline uint64_t sum64(const uint8_t *p, size_t blocks)
{
    uint64_t sum;

    __asm__ volatile(SUM64("", "")
                     : [sum] "=r"(sum), [p] "+r"(p), [n] "+r"(blocks)
                     :
                     : SUM64_CLOBBERS);
    return sum;
}

static inline uint64_t sum64_copy(uint8_t *q, const uint8_t *p, size_t blocks)
{
    uint64_t sum;

    __asm__ volatile(SUM64(SUM64_STORE64, SUM64_STORE128)
                     : [sum] "=&r"(sum), [p] "+r"(p), [q] "+r"(q), [n] "+r"(blocks)
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
