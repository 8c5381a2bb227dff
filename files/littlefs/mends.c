/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mends.c - what littlefs 2.8.1 lacks, as functions that scripts/fix-littlefs calls from the copy
 * below build/ (docs/dependencies.md).
 */
#include <lfs2.h>

/*
 * A disk with a cache writes what it was given between two syncs in any order. Metadata that names
 * blocks of a file must not be there before these blocks are. The data of a small file is in the
 * metadata itself.
 */
int littlefs_data_first(struct lfs2 *fs, const struct lfs2_file *file)
{
    return file->flags & LFS2_F_INLINE ? 0 : fs->cfg->sync(fs->cfg);
}

/* At the end of a block, the position belongs to the next block, and the buffer holds this one. */
bool littlefs_buffer_fits(const struct lfs2 *fs, const struct lfs2_file *file)
{
    return (file->flags & LFS2_F_READING) && file->off != fs->cfg->block_size;
}

/* A reader of a directory goes on with the next entry. */
bool littlefs_detaches(uint8_t type)
{
    return type != LFS2_TYPE_DIR;
}

/*
 * The last entry of a block of a directory was deleted: the place behind it, in the next block, is
 * that of another file.
 */
bool littlefs_is_attached(const uint32_t pair[2])
{
    return pair[0] != UINT32_MAX && pair[1] != UINT32_MAX;
}

/* Places of blocks are counted modulo their number. The superblock takes two. */
bool littlefs_has_blocks(uint32_t count)
{
    return count >= 2;
}
