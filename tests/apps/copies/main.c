/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * copies - memcpy, memmove and the sums of vireo/sum.h as this CPU has them, held against loops of
 * single bytes: each length, at each alignment of both ends, and memory that overlaps.
 */
#include "../checks.h"
#include "vireo/sum.h"

#define ROOM  1024
#define EDGE  64 /* bytes around what is copied */
#define MOST  600
#define SHIFT 160 /* the farthest that overlapping memory lies apart */

/* A call, since a compiler may write a loop of its own for it. */
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;

static uint8_t from[ROOM], to[ROOM], expected[ROOM];

static void fill(uint8_t *p, unsigned seed)
{
    for (unsigned i = 0; i < ROOM; i++)
        p[i] = (uint8_t)((i + seed) * 167 + (i >> 8) * 31);
}

static void check_copies(void)
{
    unsigned wrong = 0;

    fill(from, 1);
    for (unsigned len = 0; len <= MOST; len++)
        for (unsigned at = 0; at < 16; at++) {
            unsigned src = EDGE + at * 7 % 16, dst = EDGE + at;

            fill(to, 77);
            memcpy(expected, to, ROOM);
            for (unsigned i = 0; i < len; i++)
                expected[dst + i] = from[src + i];
            wrong += copy(to + dst, from + src, len) != to + dst;
            for (unsigned i = 0; i < ROOM; i++)
                wrong += to[i] != expected[i];
        }
    check(!wrong, "copies of up to %d bytes: %u wrong", MOST, wrong);
}

static bool moved(unsigned src, unsigned dst, unsigned len)
{
    fill(to, 5);
    for (unsigned i = 0; i < ROOM; i++)
        expected[i] = i - dst < len ? to[src + i - dst] : to[i];
    if (move(to + dst, to + src, len) != to + dst)
        return false;
    for (unsigned i = 0; i < ROOM; i++)
        if (to[i] != expected[i])
            return false;
    return true;
}

static void check_overlaps(void)
{
    unsigned wrong = 0;

    for (unsigned len = 0; len <= MOST; len += len < 300 ? 1 : 37)
        for (unsigned apart = 0; apart <= SHIFT; apart += apart < 20 ? 1 : 9)
            wrong += !moved(EDGE, EDGE + apart, len) + !moved(EDGE + apart, EDGE, len);
    check(!wrong, "memory that overlaps: %u wrong", wrong);
}

/* Both are the same number of 16 bits, in one's complement. */
static bool same_sum(uint64_t a, uint64_t b)
{
    return (a % 0xffff) == (b % 0xffff);
}

static uint64_t slow_sum(const uint8_t *p, size_t len)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < len; i += 2)
        sum += (uint64_t)(p[i] | p[i + 1] << 8);
    return sum;
}

static void check_sums(void)
{
    unsigned wrong = 0;

    for (size_t blocks = 1; blocks <= 14; blocks++)
        for (unsigned at = 0; at < 16; at++) {
            uint64_t sum;

            fill(from, at);
            memset(from + at, 0xff, blocks % 5 * 20);
            sum = slow_sum(from + at, 64 * blocks);
            memset(to, 0, ROOM);
            wrong += !same_sum(sum64(from + at, blocks), sum);
            wrong += !same_sum(sum64_copy(to + 16 - at, from + at, blocks), sum);
            wrong += memcmp(to + 16 - at, from + at, 64 * blocks) != 0;
            wrong += to[15 - at] != 0 || to[16 - at + 64 * blocks] != 0;
        }
    check(!wrong, "sums: %u wrong", wrong);
}

int main(void)
{
    check_copies();
    check_overlaps();
    check_sums();
    return checks_end();
}
