/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * littlefs_node.c - files that are open. To littlefs two openings of a file are two files, of which
 * the last to be closed wins; so each file is opened once, and descriptors share that.
 */
#include <sys/stat.h>

#include "littlefs.h"

/* The two blocks of a pair may change places. */
struct littlefs_node *littlefs_node_of(struct littlefs *fs, const lfs2_file_t *file)
{
    const lfs2_block_t *a = file->m.pair;
    struct littlefs_node *n;

    for (n = fs->nodes; n; n = n->next) {
        const lfs2_block_t *b = n->file.m.pair;

        if (&n->file != file && n->file.id == file->id && littlefs_is_attached(n->file.m.pair) &&
            ((a[0] == b[0] && a[1] == b[1]) || (a[0] == b[1] && a[1] == b[0])))
            return n;
    }
    return NULL;
}

/*
 * The attribute is read now, and written with each change of the file; to littlefs the file is
 * changed by that alone that it has an attribute.
 */
static int littlefs_node_open(struct littlefs_node *n, const char *path, int flags)
{
    int err;

    n->attr = (struct lfs2_attr){LITTLEFS_TIME, &n->time, sizeof(n->time)};
    n->config = (struct lfs2_file_config){.attrs = &n->attr, .attr_count = 1};
    flags |= littlefs_read_only(n->fs) ? LFS2_O_RDONLY : LFS2_O_RDWR;
    err = lfs2_file_opencfg(&n->fs->lfs, &n->file, path, flags, &n->config);
    if (!err)
        n->file.flags &= ~(uint32_t)LFS2_F_DIRTY;
    return err;
}

int littlefs_node_get(struct littlefs *fs, const char *path, int flags, struct littlefs_node **out)
{
    struct littlefs_node *n = calloc(1, sizeof(*n)), *other;
    int err;

    if (!n)
        return LFS2_ERR_NOMEM;
    n->fs = fs;
    err = littlefs_node_open(n, path, flags);
    other = err ? NULL : littlefs_node_of(fs, &n->file);
    if (other)
        lfs2_file_close(&fs->lfs, &n->file); /* nothing was written to it */
    if (err || other)
        free(n);
    if (err)
        return err;
    if (!other) {
        n->next = fs->nodes;
        fs->nodes = n;
        if (flags & LFS2_O_CREAT)
            littlefs_node_touch(n);
    }
    *out = other ? other : n;
    (*out)->users++;
    return 0;
}

void littlefs_node_touch(struct littlefs_node *n)
{
    n->time = littlefs_now();
    n->file.flags |= LFS2_F_DIRTY;
}

/*
 * littlefs marks a file after an error, and then never writes it again, nor says so. What is in
 * memory is sound, so the mark is taken off: the next sync tries again. Where the rest of a file
 * could not be copied behind what was overwritten, the changes since the last sync are given up.
 */
int littlefs_node_mend(struct littlefs_node *n, int err)
{
    n->file.flags &= ~(uint32_t)LFS2_F_ERRED;
    if (err != LFS2_ERR_NOSPC || n->file.flags & LFS2_F_INLINE ||
        !(n->file.flags & LFS2_F_WRITING) || n->file.pos >= n->file.ctz.size)
        return err;
    n->file.flags &= ~(uint32_t)(LFS2_F_WRITING | LFS2_F_READING);
    n->file.cache.block = UINT32_MAX;
    n->file.pos = 0;
    n->error = err;
    return err;
}

int littlefs_node_sync(struct littlefs_node *n)
{
    int err = lfs2_file_sync(&n->fs->lfs, &n->file), told = n->error;

    if (err)
        err = littlefs_node_mend(n, err);
    n->error = 0;
    return err ? err : told;
}

int littlefs_node_put(struct littlefs_node *n)
{
    struct littlefs_node **link = &n->fs->nodes;
    int err;

    if (--n->users)
        return 0;
    err = littlefs_node_sync(n);
    if (err)
        n->file.flags |= LFS2_F_ERRED; /* not once more */
    lfs2_file_close(&n->fs->lfs, &n->file);
    while (*link != n)
        link = &(*link)->next;
    *link = n->next;
    free(n);
    return err;
}

void littlefs_node_stat(const struct littlefs_node *n, struct stat *st)
{
    st->st_mode = S_IFREG | (littlefs_read_only(n->fs) ? 0444 : 0666);
    st->st_nlink = littlefs_is_attached(n->file.m.pair);
    st->st_size = lfs2_file_size(&n->fs->lfs, (lfs2_file_t *)&n->file);
    st->st_blksize = (blksize_t)n->fs->config.block_size;
    st->st_blocks = (blkcnt_t)((st->st_size + 511) / 512);
    st->st_mtim.tv_sec = (time_t)(n->time / 1000000000u);
    st->st_mtim.tv_nsec = (long)(n->time % 1000000000u);
    st->st_ctim = st->st_atim = st->st_mtim;
}

void littlefs_nodes_keep(struct littlefs *fs)
{
    for (struct littlefs_node *n = fs->nodes; n; n = n->next)
        if (!littlefs_is_attached(n->file.m.pair))
            n->file.flags |= LFS2_F_DIRTY;
}

int littlefs_node_move(struct littlefs_node *n, const char *path)
{
    lfs2_file_t there;
    int err =
        lfs2_file_opencfg(&n->fs->lfs, &there, path, LFS2_O_RDONLY, &(struct lfs2_file_config){0});

    if (err)
        return err;
    n->file.m = there.m;
    n->file.id = there.id;
    return lfs2_file_close(&n->fs->lfs, &there);
}
