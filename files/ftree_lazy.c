/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ftree_lazy.c - trees that are looked up on their disk. Behind the archive there may be an index
 * of its paths, which scripts/mkdisk writes for large trees: then nothing is read but what is
 * looked up, and an entry comes into the tree when it is wanted first.
 *
 * The index only says at which byte of the archive the header of a path is; that header is then
 * read and judged like any other. An index that is wrong is left alone, and all headers are read.
 *
 * The last 512 bytes of the disk, in little-endian numbers: "vireoIDX", u32 version (1), u32 number
 * of records, u64 place of the records, u64 place and u64 length of the texts, u64 end of the
 * archive. A record: u64 place of the header, u32 place of the path in the texts, u16 length of the
 * directory's path in front of it, u16 length of the path. Records are in order of directory, then
 * of name, both as bytes, so what is in a directory is together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ftree.h"
#include "tar.h"
#include "vireo/task.h"

#define LAZY_MAGIC   "vireoIDX"
#define LAZY_VERSION 1u

struct lazy_end {
    char magic[8];
    uint32_t version, count;
    uint64_t records, text, text_len, archive_end;
};

struct lazy_record {
    uint64_t header;
    uint32_t text;
    uint16_t dir_len, path_len;
};

struct ftree_lazy {
    struct ftree *tree;
    struct lazy_end where;
    struct task_mutex lock;
    bool all;  /* all headers were read: the index counts no more */
    bool busy; /* an entry is being taken: what that looks up itself must be there already */
    char path[FTREE_PATH_MAX + 1];
};

/* ---- reading the index ----------------------------------------------------------------------- */

/* Does an array of `count` items of `size` bytes at `at` end within the source? */
static bool lazy_fits(const struct ftree_source *s, uint64_t at, uint64_t count, uint64_t size)
{
    return at <= s->size && count <= (s->size - at) / size;
}

/* Is the archive as long as when the index was made? Where it ends there is no name. */
static int lazy_check_end(const struct ftree_source *s, const struct lazy_end *e)
{
    uint64_t name;
    int err = ftree_read(s, &name, sizeof(name), e->archive_end, NULL);

    return err ? err : name ? -ENOENT : 0;
}

int ftree_lazy_open(struct ftree *t)
{
    const struct ftree_source *s = &t->source;
    struct lazy_end e;
    int err;

    if (s->size < 2 * TAR_BLOCK)
        return -ENOENT;
    err = ftree_read(s, &e, sizeof(e), s->size - TAR_BLOCK, NULL);
    if (err)
        return err;
    if (memcmp(e.magic, LAZY_MAGIC, sizeof(e.magic)) || e.version != LAZY_VERSION ||
        !lazy_fits(s, e.records, e.count, sizeof(struct lazy_record)) ||
        !lazy_fits(s, e.text, e.text_len, 1) || !lazy_fits(s, e.archive_end, 1, TAR_BLOCK))
        return -ENOENT;
    err = lazy_check_end(s, &e);
    if (err)
        return err;
    t->lazy = calloc(1, sizeof(*t->lazy));
    if (!t->lazy)
        return -ENOMEM;
    t->lazy->tree = t;
    t->lazy->where = e;
    return 0;
}

/* Reads record i, and its path into l->path. 0, -EIO. */
static int lazy_record(struct ftree_lazy *l, uint32_t i, struct lazy_record *r)
{
    const struct ftree_source *s = &l->tree->source;
    int err = ftree_read(s, r, sizeof(*r), l->where.records + (uint64_t)i * sizeof(*r), NULL);

    if (err)
        return err;
    if (r->path_len > FTREE_PATH_MAX || r->dir_len >= r->path_len || r->text > l->where.text_len ||
        r->path_len > l->where.text_len - r->text)
        return -EIO;
    err = ftree_read(s, l->path, r->path_len, l->where.text + r->text, NULL);
    l->path[r->path_len] = '\0';
    return err;
}

/* Which comes first, a or b? Negative: a; 0: they are equal. */
static int lazy_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

    return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* The part of a path behind the directory's, which is dir_len bytes. */
static size_t lazy_name_at(size_t dir_len)
{
    return dir_len ? dir_len + 1 : 0;
}

/* How the path of the record r, in l->path, compares with `path`, whose directory is dir_len. */
static int lazy_order(const struct ftree_lazy *l, const struct lazy_record *r, const char *path,
                      size_t dir_len, size_t len)
{
    int order = lazy_compare(l->path, r->dir_len, path, dir_len);
    size_t mine = lazy_name_at(r->dir_len), its = lazy_name_at(dir_len);

    return order ? order : lazy_compare(l->path + mine, r->path_len - mine, path + its, len - its);
}

/* The first record that is not in front of `path`. 0, -EIO. */
static int lazy_search(struct ftree_lazy *l, const char *path, size_t dir_len, size_t len,
                       uint32_t *at)
{
    uint32_t low = 0, high = l->where.count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct lazy_record r;
        int err = lazy_record(l, middle, &r);

        if (err)
            return err;
        if (lazy_order(l, &r, path, dir_len, len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low;
    return 0;
}

/* ---- entries --------------------------------------------------------------------------------- */

/* The index is wrong, or cannot be read: all headers are read. 0, -ENOMEM. */
static int lazy_give_up(struct ftree_lazy *l)
{
    int err;

    hal_log(HAL_WARN, l->tree->source.name,
            "the index behind its archive is wrong: all of the archive is read. Make the disk "
            "again with mkdisk");
    err = tar_index(l->tree);
    l->all = !err;
    return err;
}

/* Takes the entry of record r, whose path is in l->path, into the tree. 0, -ENOMEM, -EIO, -EINVAL:
 * its header is not there. */
static int lazy_take(struct ftree_lazy *l, const struct lazy_record *r)
{
    int err;

    if (ftree_find(l->tree, l->path, r->path_len) != FTREE_NONE)
        return 0;
    err = tar_index_one(l->tree, r->header);
    if (err)
        return err;
    return ftree_find(l->tree, l->path, r->path_len) == FTREE_NONE ? -EINVAL : 0;
}

/* Has the first len bytes of path, a path of its own, be in the tree if the archive has them. */
static int lazy_want_one(struct ftree_lazy *l, const char *path, size_t len)
{
    size_t dir_len = len;
    struct lazy_record r;
    uint32_t at;
    int err;

    while (dir_len && path[dir_len - 1] != '/')
        dir_len--;
    dir_len -= dir_len > 0;
    err = lazy_search(l, path, dir_len, len, &at);
    if (!err && at < l->where.count)
        err = lazy_record(l, at, &r);
    if (err || at == l->where.count || lazy_order(l, &r, path, dir_len, len))
        return err;
    return lazy_take(l, &r);
}

/* Those above it first, which would else be made as if the archive did not name them. */
static int lazy_want_path(struct ftree_lazy *l, const char *path, size_t len)
{
    int err = 0;

    for (size_t n = 1; n <= len && !err; n++)
        if ((n == len || path[n] == '/') && ftree_find(l->tree, path, n) == FTREE_NONE)
            err = lazy_want_one(l, path, n);
    return err;
}

/* Everything in a directory. `dir` is a copy, since the tree's texts may move. */
static int lazy_want_dir(struct ftree_lazy *l, const char *dir, size_t len)
{
    uint32_t at;
    int err = lazy_search(l, dir, len, lazy_name_at(len), &at);

    for (; !err && at < l->where.count; at++) {
        struct lazy_record r;

        err = lazy_record(l, at, &r);
        if (err || lazy_compare(l->path, r.dir_len, dir, len))
            break;
        err = lazy_take(l, &r);
    }
    return err;
}

int ftree_lazy_want(struct ftree_lazy *l, const char *path, size_t len, bool inside)
{
    int err = 0;

    if (l->all || len > FTREE_PATH_MAX)
        return 0;
    task_mutex_lock(&l->lock);
    if (!l->all && !l->busy) {
        l->busy = true;
        err = inside ? lazy_want_dir(l, path, len) : lazy_want_path(l, path, len);
        if (err == -EINVAL || err == -EIO)
            err = lazy_give_up(l);
        l->busy = false;
    }
    task_mutex_unlock(&l->lock);
    return err;
}
