/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lfs2_config.h - what littlefs needs from below, in place of its lfs2_util.h: small functions on
 * words, memory, the sum, and what becomes of messages and failed assertions. The calls that
 * scripts/fix-littlefs puts into the copy of littlefs are declared here, too (mends.c).
 */
#ifndef VIREO_LFS2_CONFIG_H
#define VIREO_LFS2_CONFIG_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LFS2_TRACE(...)
#define LFS2_DEBUG(...)
#define LFS2_WARN(...)
#define LFS2_ERROR(...)
/* Ends the image: what littlefs believes of itself does not hold. */
void littlefs_failed(int line) __attribute__((noreturn));
#define LFS2_ASSERT(test) ((test) ? (void)0 : littlefs_failed(__LINE__))

static inline uint32_t lfs2_max(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static inline uint32_t lfs2_min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t lfs2_aligndown(uint32_t a, uint32_t to)
{
    return a - a % to;
}

static inline uint32_t lfs2_alignup(uint32_t a, uint32_t to)
{
    return lfs2_aligndown(a + to - 1, to);
}

/* The exponent of the smallest power of two that is not below a, which is above 1. */
static inline uint32_t lfs2_npw2(uint32_t a)
{
    return a > 1 ? 32 - (uint32_t)__builtin_clz(a - 1) : 0;
}

static inline uint32_t lfs2_ctz(uint32_t a)
{
    return a ? (uint32_t)__builtin_ctz(a) : 0;
}

static inline uint32_t lfs2_popc(uint32_t a)
{
    return (uint32_t)__builtin_popcount(a);
}

/* Which of two counters that wrap around is ahead: the sign of a - b. */
static inline int lfs2_scmp(uint32_t a, uint32_t b)
{
    return (int)(a - b);
}

/* Every machine of Vireo is little-endian. */
static inline uint32_t lfs2_fromle32(uint32_t a)
{
    return a;
}

static inline uint32_t lfs2_tole32(uint32_t a)
{
    return a;
}

static inline uint32_t lfs2_frombe32(uint32_t a)
{
    return __builtin_bswap32(a);
}

static inline uint32_t lfs2_tobe32(uint32_t a)
{
    return __builtin_bswap32(a);
}

static inline void *lfs2_malloc(size_t size)
{
    return malloc(size);
}

static inline void lfs2_free(void *p)
{
    free(p);
}

/* CRC-32 of 0x04c11db7, reflected, without inversions (crc.c). */
uint32_t lfs2_crc(uint32_t crc, const void *buffer, size_t size);

struct lfs2;
struct lfs2_file;

/* Before a file's metadata is written: its data is on the disk (mends.c). 0 or an error. */
int littlefs_data_first(struct lfs2 *fs, const struct lfs2_file *file);
/* May a seek go on with what the file's buffer holds (mends.c)? */
bool littlefs_buffer_fits(const struct lfs2 *fs, const struct lfs2_file *file);
/* Does an open thing with this pair still have an entry there (mends.c)? */
bool littlefs_is_attached(const uint32_t pair[2]);
/* Can a file system have so many blocks, as its superblock says (mends.c)? */
bool littlefs_has_blocks(uint32_t count);
/* Is an open thing of this type detached when the entry that it names is deleted (mends.c)? */
bool littlefs_detaches(uint8_t type);

#endif
