/* SPDX-License-Identifier: BSD-2-Clause */
/* ftree_file.c - open files and directories of a tree: the operations behind their descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ftree.h"

struct ftree_file {
    const struct ftree *tree;
    uint32_t entry;
    uint32_t child; /* of a directory: the entry that readdir gives next */
    struct bcache_stream stream;
};

static ssize_t ftree_file_pread(struct file *f, void *buf, size_t len, off_t at)
{
    struct ftree_file *tf = f->ctx;
    const struct ftree_entry *e = &tf->tree->entries[tf->entry];
    const struct ftree_source *s = &tf->tree->source;
    ssize_t n;

    if (at < 0)
        return -EINVAL;
    if ((uint64_t)at >= e->size)
        return 0;
    if (len > e->size - (uint64_t)at)
        len = (size_t)(e->size - (uint64_t)at);
    if (s->memory) {
        memcpy(buf, s->memory + e->data + at, len);
        return (ssize_t)len;
    }
    n = disk_read(s->disk, buf, len, e->data + (uint64_t)at, &tf->stream);
    return n || !len ? n : -EIO; /* 0: the disk has shrunk, and ends before the file does */
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
    st->st_mtime = st->st_ctime = st->st_atime = (time_t)e->mtime;
    return st->st_size >= 0 && (uint64_t)st->st_size == size ? 0 : -EOVERFLOW;
}

static int ftree_file_stat(struct file *f, struct stat *st)
{
    struct ftree_file *tf = f->ctx;

    return ftree_stat(tf->tree, tf->entry, st);
}

static int ftree_dir_read(struct file *f, char name[256], bool *is_dir)
{
    struct ftree_file *tf = f->ctx;
    const struct ftree *t = tf->tree;
    const struct ftree_entry *e, *dir = &t->entries[tf->entry];
    size_t skip = dir->path_len ? dir->path_len + 1u : 0;
    uint32_t target;

    if (tf->child == FTREE_NONE)
        return 0;
    e = &t->entries[tf->child];
    tf->child = e->sibling;
    memcpy(name, t->text + e->path + skip, e->path_len - skip + 1);
    *is_dir = e->type == FTREE_DIR ||
              (e->type == FTREE_LINK && !ftree_resolve(t, t->text + e->path, &target) &&
               t->entries[target].type == FTREE_DIR);
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
    .fstat = ftree_file_stat,
    .fsync = ftree_file_fsync,
    .close = ftree_file_close,
};

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

int ftree_open(const struct ftree *t, uint32_t entry, int flags)
{
    const struct ftree_entry *e = &t->entries[entry];
    int err = ftree_check_flags(e, flags), fd;
    struct ftree_file *tf;

    if (err)
        return err;
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
