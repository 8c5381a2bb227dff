/* SPDX-License-Identifier: BSD-2-Clause */
/* ftree_file.c - open files and directories of a tree: the operations behind their descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ftree.h"

#define LOAN_MAX 61440 /* bytes of memory in one loan */

struct ftree_file {
    const struct ftree *tree;
    uint32_t entry;
    uint32_t child; /* of a directory: the entry that readdir gives next */
    struct bcache_stream stream;
};

/* Reads bytes of the archive from `from` on. The number of bytes, or -errno. */
static ssize_t ftree_file_fetch(struct ftree_file *tf, void *buf, size_t len, uint64_t from)
{
    const struct ftree_source *s = &tf->tree->source;
    ssize_t n;

    if (s->memory) {
        memcpy(buf, s->memory + from, len);
        return (ssize_t)len;
    }
    n = disk_read(s->disk, buf, len, from, &tf->stream);
    return n || !len ? n : -EIO; /* 0: the disk has shrunk, and ends before the file does */
}

/* The first piece that ends behind byte `at` of the file, or map->count. */
static uint32_t ftree_file_piece(const struct ftree_map *map, uint64_t at)
{
    uint32_t low = 0, high = map->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (map->pieces[middle].at + map->pieces[middle].len <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Reads a file with holes, which are zeros. What was read before an error counts. */
static ssize_t ftree_file_read_map(struct ftree_file *tf, const struct ftree_map *map, uint8_t *buf,
                                   size_t len, uint64_t at)
{
    uint32_t i = ftree_file_piece(map, at);
    size_t done = 0;
    ssize_t n = 0;

    while (done < len && n >= 0) {
        const struct ftree_piece *p = i < map->count ? &map->pieces[i] : NULL;
        uint64_t here = at + done, hole = p && p->at > here ? p->at - here : p ? 0 : len;
        uint64_t left = p && !hole ? p->at + p->len - here : hole;
        size_t step = left < len - done ? (size_t)left : len - done;

        if (hole) {
            memset(buf + done, 0, step);
            n = (ssize_t)step;
        } else {
            n = ftree_file_fetch(tf, buf + done, step, p->data + (here - p->at));
        }
        done += n > 0 ? (size_t)n : 0;
        i += !hole && n == (ssize_t)left;
    }
    return done ? (ssize_t)done : n;
}

/* How many of len bytes at `at` the file has: 0 at its end; -EINVAL. */
static ssize_t ftree_file_clip(const struct ftree_entry *e, size_t len, off_t at)
{
    if (at < 0)
        return -EINVAL;
    if ((uint64_t)at >= e->size)
        return 0;
    if (len > e->size - (uint64_t)at)
        len = (size_t)(e->size - (uint64_t)at);
    return (ssize_t)len;
}

static ssize_t ftree_file_pread(struct file *f, void *buf, size_t len, off_t at)
{
    struct ftree_file *tf = f->ctx;
    const struct ftree_entry *e = &tf->tree->entries[tf->entry];
    ssize_t n = ftree_file_clip(e, len, at);

    if (n <= 0)
        return n;
    if (e->map != FTREE_NONE)
        return ftree_file_read_map(tf, tf->tree->maps[e->map], buf, (size_t)n, (uint64_t)at);
    return ftree_file_fetch(tf, buf, (size_t)n, e->data + (uint64_t)at);
}

/* Memory of the archive never changes. A file with holes is read. */
static ssize_t ftree_file_lend(struct file *f, size_t len, off_t at, struct file_loan *loan)
{
    struct ftree_file *tf = f->ctx;
    const struct ftree_entry *e = &tf->tree->entries[tf->entry];
    const struct ftree_source *s = &tf->tree->source;
    ssize_t n = ftree_file_clip(e, len, at);

    if (n <= 0)
        return n;
    if (e->map != FTREE_NONE)
        return -EBUSY;
    if (!s->memory)
        return disk_lend(s->disk, (size_t)n, e->data + (uint64_t)at, &tf->stream, loan);
    if (n > LOAN_MAX)
        n = LOAN_MAX;
    *loan = (struct file_loan){.data = s->memory + e->data + at, .len = (size_t)n};
    return n;
}

int ftree_stat(const struct ftree *t, uint32_t entry, struct stat *st)
{
    const struct ftree_entry *e = &t->entries[entry];

    *st = (struct stat){0};
    st->st_mode = (e->type == FTREE_DIR ? S_IFDIR : S_IFREG) | (e->mode & 0555);
    st->st_ino = (ino_t)(entry + 1);
    st->st_nlink = 1;
    uint64_t size = e->type == FTREE_FILE ? e->size : 0;
    st->st_size = (off_t)size;
    st->st_blksize = 4096;
    st->st_blocks = (blkcnt_t)((st->st_size + 511) / 512);
    st->st_mtim = (struct timespec){.tv_sec = (time_t)e->mtime, .tv_nsec = (long)e->mtime_ns};
    st->st_ctim = st->st_atim = st->st_mtim;
    return st->st_size >= 0 && (uint64_t)st->st_size == size ? 0 : -EOVERFLOW;
}

static int ftree_file_stat(struct file *f, struct stat *st)
{
    struct ftree_file *tf = f->ctx;

    return ftree_stat(tf->tree, tf->entry, st);
}

/* Does a link lead to a directory? Its path is copied, since a look-up may move the tree's texts.
 */
static bool ftree_leads_to_dir(const struct ftree *t, const struct ftree_entry *link)
{
    char *path = strdup(t->text + link->path);
    uint32_t target;
    bool dir = path && !ftree_resolve(t, path, &target) && t->entries[target].type == FTREE_DIR;

    free(path);
    return dir;
}

static int ftree_dir_read(struct file *f, char name[256], bool *is_dir)
{
    struct ftree_file *tf = f->ctx;
    const struct ftree *t = tf->tree;
    const struct ftree_entry *e, *dir = &t->entries[tf->entry];
    size_t skip = dir->path_len ? dir->path_len + 1u : 0;

    if (tf->child == FTREE_NONE)
        return 0;
    e = &t->entries[tf->child];
    tf->child = e->sibling;
    memcpy(name, t->text + e->path + skip, e->path_len - skip + 1);
    *is_dir = e->type == FTREE_DIR || (e->type == FTREE_LINK && ftree_leads_to_dir(t, e));
    return 1;
}

static int ftree_file_fsync(struct file *f)
{
    (void)f;
    return 0;
}

static int ftree_file_close(struct file *f)
{
    free(f->ctx);
    return 0;
}

static const struct file_ops ftree_file_ops = {
    .name = "file",
    .pread = ftree_file_pread,
    .lend = ftree_file_lend,
    .fstat = ftree_file_stat,
    .fsync = ftree_file_fsync,
    .close = ftree_file_close,
};

bool ftree_file_place(struct file *f, struct disk_place *p)
{
    struct ftree_file *tf = f->ctx;
    const struct ftree_entry *e;

    if (f->ops != &ftree_file_ops || tf->tree->source.memory)
        return false;
    e = &tf->tree->entries[tf->entry];
    *p = (struct disk_place){tf->tree->source.disk, e->data, e->size, &tf->stream};
    return e->map == FTREE_NONE;
}

static const struct file_ops ftree_dir_ops = {
    .name = "directory",
    .fstat = ftree_file_stat,
    .readdir = ftree_dir_read,
    .close = ftree_file_close,
};

static int ftree_check_flags(const struct ftree_entry *e, int flags)
{
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
        return e->type == FTREE_DIR ? -EISDIR : -EROFS;
    if ((flags & O_DIRECTORY) && e->type != FTREE_DIR)
        return -ENOTDIR;
    return 0;
}

/* Has all that is in a directory be in the tree. */
static int ftree_fill_dir(const struct ftree *t, uint32_t entry)
{
    char *dir = strdup(t->text + t->entries[entry].path);
    int err = dir ? ftree_lazy_want(t->lazy, dir, strlen(dir), true) : -ENOMEM;

    free(dir);
    t->entries[entry].whole = !err;
    return err;
}

int ftree_open(const struct ftree *t, uint32_t entry, int flags)
{
    const struct ftree_entry *e = &t->entries[entry];
    int err = ftree_check_flags(e, flags), fd;
    struct ftree_file *tf;

    if (!err && t->lazy && e->type == FTREE_DIR && !e->whole)
        err = ftree_fill_dir(t, entry);
    if (err)
        return err;
    e = &t->entries[entry];
    tf = calloc(1, sizeof(*tf));
    if (!tf)
        return -ENOMEM;
    tf->tree = t;
    tf->entry = entry;
    tf->child = e->child;
    fd = file_install(e->type == FTREE_DIR ? &ftree_dir_ops : &ftree_file_ops, tf, (unsigned)flags);
    if (fd < 0)
        free(tf);
    return fd;
}
