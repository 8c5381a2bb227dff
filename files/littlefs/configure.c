/* SPDX-License-Identifier: BSD-2-Clause */
/* configure.c - how littlefs is used (configure.h). */
#include "configure.h"

#define CACHE_BYTES   4096u   /* of memory for each open file, and twice for the file system */
#define LOOKAHEAD_MAX 262144u /* bytes of the map of free blocks: 8 GiB in blocks of 4 KiB */

void littlefs_configure(struct lfs2_config *c, uint32_t block_size, uint32_t blocks)
{
    c->cache_size = lfs2_min(block_size, CACHE_BYTES);
    c->read_size = c->cache_size; /* each tag of a directory is read alone: the rest comes along */
    c->prog_size = 16;
    c->block_size = block_size;
    c->block_cycles = -1; /* a disk levels its wear itself */
    c->lookahead_size = lfs2_min(lfs2_alignup(blocks / 8 + 1, 8), LOOKAHEAD_MAX);
    c->metadata_max = lfs2_min(block_size, CACHE_BYTES);
}

/* The second copy lies in the second block. */
uint32_t littlefs_size_in(const uint8_t copy[32], uint32_t at)
{
    uint32_t size;

    if (memcmp(copy + 8, "littlefs", 8))
        return 0;
    memcpy(&size, copy + 24, sizeof(size));
    if (size < LITTLEFS_BLOCK_MIN || size > LITTLEFS_BLOCK_MAX || size & (size - 1))
        return 0;
    return at && at != size ? 0 : size;
}
