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

#ifdef VIREO_DEBUG
/* What was done so far, for tests of the cost. */
extern struct littlefs_work {
    unsigned copies;   /* steps of copies */
    unsigned near;     /* pieces of metadata that were in the cache */
    unsigned filtered; /* tags that littlefs_filter() went past */
    unsigned summed;   /* bytes */
    unsigned reads;    /* of the disk */
} littlefs_work;
#define LITTLEFS_COUNT(what, n) (littlefs_work.what += (n))
#else
#define LITTLEFS_COUNT(what, n) (void)0
#endif

#define LITTLEFS_COPY 256u /* bytes on the stack of a call of littlefs that copies */

/* How many of `left` bytes, one at least, the next step of a copy takes (mends.c). */
uint32_t littlefs_copy_length(uint32_t left);
/*
 * Where [off, off + size) of a block lies in the cache of littlefs that reads go through, which
 * holds `clen` bytes from `coff` of block `cblock`. NULL: the cache does not hold all of that, or
 * the block is `dirty`, the one that is being written.
 */
static inline const uint8_t *littlefs_near(uint32_t dirty, const uint8_t *cache, uint32_t cblock,
                                           uint32_t coff, uint32_t clen, uint32_t block,
                                           uint32_t off, uint32_t size)
{
    if (block != cblock || block == dirty || off - coff >= clen || size > clen - (off - coff))
        return NULL;
    LITTLEFS_COUNT(near, 1);
    return cache + (off - coff);
}

/* Reads a tag of a directory from there. False: it is not there. */
static inline bool littlefs_tag_near(const uint8_t *cache, uint32_t cblock, uint32_t coff,
                                     uint32_t clen, uint32_t block, uint32_t off, uint32_t *tag)
{
    const uint8_t *near =
        littlefs_near(UINT32_MAX, cache, cblock, coff, clen, block, off, sizeof(*tag));

    if (near)
        memcpy(tag, near, sizeof(*tag));
    return near;
}

/*
 * Up to where the sums of a block of a directory were found to be right, since littlefs wrote to
 * that block last; 0: nothing is known (mends.c).
 */
uint32_t littlefs_proven(const struct lfs2 *fs, uint32_t block);
/* The sums are right up to `end`. 0: the block is about to be written. */
void littlefs_prove(const struct lfs2 *fs, uint32_t block, uint32_t end);
/* Nothing is known of any file system: another one may be in the place of *fs. */
void littlefs_prove_none(void);

struct lfs2_cache;
struct lfs2_mdir;
/*
 * Goes on in a directory from the tag *ptag at *off, as far as tags are in the cache, and compares
 * each with *tag by `filter`. True: that said so (mends.c).
 */
bool littlefs_filter(const struct lfs2_cache *cache, const struct lfs2_mdir *dir, uint32_t *off,
                     uint32_t *ptag, void *tag,
                     int (*filter)(void *tag, uint32_t other, const void *buffer));

/* Is what was written to the disk read back, and compared (mends.c)? */
bool littlefs_reads_back(const struct lfs2 *fs);

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
