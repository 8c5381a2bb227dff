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

#ifdef VIREO_DEBUG
struct littlefs_work littlefs_work;
#endif

/* A step costs some hundred instructions, of whatever length. */
uint32_t littlefs_copy_length(uint32_t left)
{
    LITTLEFS_COUNT(copies, 1);
    return lfs2_min(left, LITTLEFS_COPY);
}

/*
 * What was written is in the cache of the disk, and would be read from there, not from the disk,
 * which tells of its errors itself.
 */
bool littlefs_reads_back(const struct lfs2 *fs)
{
    (void)fs;
    return false;
}

/* ---- what is known of directories ------------------------------------------------------------ */

/*
 * Blocks of directories whose sums were right, of all file systems. A look-up reads the directory
 * from its start; what has been checked, and not been written since, need not be summed again.
 */
#define PROOFS 256u

static struct {
    const struct lfs2 *fs;
    uint32_t block, end;
} proofs[PROOFS];

uint32_t littlefs_proven(const struct lfs2 *fs, uint32_t block)
{
    return proofs[block % PROOFS].block == block && proofs[block % PROOFS].fs == fs
               ? proofs[block % PROOFS].end
               : 0;
}

void littlefs_prove(const struct lfs2 *fs, uint32_t block, uint32_t end)
{
    if (!end && !littlefs_proven(fs, block))
        return;
    proofs[block % PROOFS].fs = fs;
    proofs[block % PROOFS].block = block;
    proofs[block % PROOFS].end = end;
}

void littlefs_prove_none(void)
{
    memset(proofs, 0, sizeof(proofs));
}

/* ---- a directory that is written anew -------------------------------------------------------- */

/*
 * Each of its tags is compared with all later ones: is one of them of the same thing, or does it
 * move the numbers of entries? A tag (lfs2.h) has its type in bits 20 to 30, the number of its
 * entry in bits 10 to 19, and its length in bits 0 to 9, where 0x3ff is that of a deletion.
 */
#define TAG_VALID  0x80000000u
#define TAG_SPLICE 0x40000000u /* of the first digit of a type: the kind */
#define TAG_KIND   0x70000000u
#define TAG_ENTRY  0x000ffc00u
#define TAG_LENGTH 0x000003ffu

static uint32_t littlefs_tag_bytes(uint32_t tag)
{
    uint32_t len = tag & TAG_LENGTH;

    return 4 + (len == TAG_LENGTH ? 0 : len);
}

/* What littlefs has tags for in memory alone: it acts on them itself. */
static bool littlefs_tag_is_order(uint32_t tag)
{
    uint32_t type = tag >> 20 & 0x7ff;

    return type == LFS2_FROM_NOOP || type == LFS2_FROM_MOVE || type == LFS2_FROM_USERATTRS;
}

bool littlefs_filter(const struct lfs2_cache *cache, const struct lfs2_mdir *dir, uint32_t *off,
                     uint32_t *ptag, void *tag,
                     int (*filter)(void *tag, uint32_t other, const void *buffer))
{
    uint32_t *own = tag, at = *off, last = *ptag, next, other;
    uint32_t end = cache->size < dir->off + 3 ? cache->size : dir->off + 3;
    bool all = (*own & TAG_LENGTH) == TAG_LENGTH, found = false;

    if (cache->block != dir->pair[0] || cache->off)
        return false;
    while (!found && (next = at + littlefs_tag_bytes(last)) + 4 <= end) {
        memcpy(&other, cache->buffer + next, 4);
        other = (lfs2_frombe32(other) ^ last) | TAG_VALID;
        if (all || !((other ^ *own) & TAG_ENTRY) || (other & TAG_KIND) == TAG_SPLICE) {
            if (littlefs_tag_is_order(other))
                break;
            found = filter(tag, other, NULL);
        }
        at = next;
        last = other;
        LITTLEFS_COUNT(filtered, 1);
    }
    *off = at;
    *ptag = last;
    return found;
}
