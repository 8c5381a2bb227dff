/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * configure.h - how littlefs is used, by images and by programs of the host (scripts/datadisk.c):
 * all that must agree between those who write to one disk.
 */
#ifndef VIREO_LITTLEFS_CONFIGURE_H
#define VIREO_LITTLEFS_CONFIGURE_H

#include <lfs2.h>

#define LITTLEFS_TIME      1 /* attribute: nanoseconds since 1970, little-endian, 64 bits */
#define LITTLEFS_BLOCK_MIN 512u
#define LITTLEFS_BLOCK_MAX 65536u

/* All of *c but the context, the four functions and block_count. blocks: of the disk. */
void littlefs_configure(struct lfs2_config *c, uint32_t block_size, uint32_t blocks);

/*
 * The block size of the file system whose superblock, or the second copy of one, may lie at byte
 * `at` of the disk: `copy` has 32 bytes from there. 0: there is none.
 */
uint32_t littlefs_size_in(const uint8_t copy[32], uint32_t at);

#endif
