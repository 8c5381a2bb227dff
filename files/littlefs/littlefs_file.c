/* SPDX-License-Identifier: BSD-2-Clause */
/* littlefs_file.c - descriptors of files and directories: the operations behind them. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "littlefs.h"

#define GAP_STEP 512u /* zeros that are written at a time */

/* ---- files ----------------------------------------------------------------------------------- */

static ssize_t littlefs_file_pread(struct file *f, void *buf, size_t len, off_t at)
{
    struct littlefs_node *n = f->ctx;
    lfs2_ssize_t got;

    if (at < 0)
        return -EINVAL;
    if (len > LFS2_FILE_MAX)
        len = LFS2_FILE_MAX;
    littlefs_enter(n->fs);
    if (at >= lfs2_file_size(&n->fs->lfs, &n->file) || !len)
        return littlefs_leave(n->fs, 0);
    got = lfs2_file_seek(&n->fs->lfs, &n->file, (lfs2_soff_t)at, LFS2_SEEK_SET);
    if (got == LFS2_ERR_NOSPC) { /* what was overwritten is given up */
        littlefs_node_mend(n, got);
        got = lfs2_file_seek(&n->fs->lfs, &n->file, (lfs2_soff_t)at, LFS2_SEEK_SET);
    }
    if (got >= 0)
        got = lfs2_file_read(&n->fs->lfs, &n->file, buf, (lfs2_size_t)len);
    return littlefs_leave(n->fs, got);
}

/* Sets the size, which is not larger. An error of littlefs. */
static int littlefs_cut(struct littlefs_node *n, lfs2_soff_t size)
{
    int err = lfs2_file_truncate(&n->fs->lfs, &n->file, (lfs2_off_t)size);

    return err ? littlefs_node_mend(n, err) : 0;
}

/* Appends zeros up to `at`. An error of littlefs; the size is then as it was. */
static int littlefs_fill_gap(struct littlefs_node *n, lfs2_soff_t at)
{
    static const uint8_t zeros[GAP_STEP];
    lfs2_t *lfs = &n->fs->lfs;
    lfs2_soff_t was = lfs2_file_size(lfs, &n->file), end = was;
    lfs2_ssize_t err = end < at ? lfs2_file_seek(lfs, &n->file, end, LFS2_SEEK_SET) : 0;

    while (err >= 0 && end < at) {
        lfs2_size_t step = lfs2_min((uint32_t)(at - end), GAP_STEP);

        err = lfs2_file_write(lfs, &n->file, zeros, step);
        end += (lfs2_soff_t)step;
    }
    if (err >= 0)
        return 0;
    littlefs_node_mend(n, err);
    if (lfs2_file_size(lfs, &n->file) > was)
        littlefs_cut(n, was);
    return err;
}

/* Sets the size. An error of littlefs; a file that cannot grow so far keeps its size. */
static int littlefs_resize(struct littlefs_node *n, lfs2_soff_t size)
{
    lfs2_soff_t was = lfs2_file_size(&n->fs->lfs, &n->file);
    int err = size > was ? littlefs_fill_gap(n, size) : size < was ? littlefs_cut(n, size) : 0;

    if (!err && size != was)
        littlefs_node_touch(n);
    return err;
}

/* Writes at a place. How many bytes, or an error of littlefs. */
static lfs2_ssize_t littlefs_write_at(struct littlefs_node *n, const void *buf, size_t len,
                                      lfs2_soff_t at)
{
    lfs2_t *lfs = &n->fs->lfs;
    lfs2_ssize_t done;

    if ((size_t)(LFS2_FILE_MAX - at) < len)
        len = (size_t)(LFS2_FILE_MAX - at);
    if (!len)
        return LFS2_ERR_FBIG;
    done = littlefs_fill_gap(n, at);
    if (!done)
        done = lfs2_file_seek(lfs, &n->file, at, LFS2_SEEK_SET);
    if (done < 0)
        return littlefs_node_mend(n, done);
    done = lfs2_file_write(lfs, &n->file, buf, (lfs2_size_t)len);
    if (done < 0 && n->file.pos > (lfs2_off_t)at) {
        n->file.flags &= ~(uint32_t)LFS2_F_ERRED; /* what was taken before the error counts */
        done = (lfs2_ssize_t)(n->file.pos - (lfs2_off_t)at);
    }
    if (done < 0)
        return littlefs_node_mend(n, done);
    littlefs_node_touch(n);
    return done;
}

/* at < 0: at the end, and *end is where the data ends then. */
static ssize_t littlefs_file_put(struct file *f, const void *buf, size_t len, off_t at, off_t *end)
{
    struct littlefs_node *n = f->ctx;
    lfs2_ssize_t done;
    int err;

    if (!len)
        return 0;
    if (at > LFS2_FILE_MAX)
        return -EFBIG;
    littlefs_enter(n->fs);
    if (at < 0)
        at = lfs2_file_size(&n->fs->lfs, &n->file);
    done = littlefs_write_at(n, buf, len, (lfs2_soff_t)at);
    if (done > 0 && end)
        *end = at + done;
    if (done > 0 && (f->flags & O_SYNC)) {
        err = littlefs_node_sync(n);
        done = err ? err : done;
    }
    return littlefs_leave(n->fs, done);
}

static ssize_t littlefs_file_pwrite(struct file *f, const void *buf, size_t len, off_t at)
{
    return at < 0 ? -EINVAL : littlefs_file_put(f, buf, len, at, NULL);
}

/* In one step, so that two tasks that append do not write over each other. */
static ssize_t littlefs_file_write(struct file *f, const void *buf, size_t len)
{
    return littlefs_file_put(f, buf, len, f->flags & O_APPEND ? -1 : f->pos, &f->pos);
}

static ssize_t littlefs_file_read(struct file *f, void *buf, size_t len)
{
    ssize_t n = littlefs_file_pread(f, buf, len, f->pos);

    if (n > 0)
        f->pos += n;
    return n;
}

static int littlefs_file_truncate(struct file *f, off_t size)
{
    struct littlefs_node *n = f->ctx;

    if (size > LFS2_FILE_MAX)
        return -EFBIG;
    littlefs_enter(n->fs);
    return littlefs_leave(n->fs, littlefs_resize(n, (lfs2_soff_t)size));
}

static int littlefs_file_stat(struct file *f, struct stat *st)
{
    struct littlefs_node *n = f->ctx;

    littlefs_enter(n->fs);
    littlefs_node_stat(n, st);
    return littlefs_leave(n->fs, 0);
}

static int littlefs_file_sync(struct file *f)
{
    struct littlefs_node *n = f->ctx;

    littlefs_enter(n->fs);
    return littlefs_leave(n->fs, littlefs_node_sync(n));
}

static int littlefs_file_statvfs(struct file *f, struct statvfs *out)
{
    struct littlefs_node *n = f->ctx;

    return littlefs_statvfs(n->fs, "", out);
}

static int littlefs_file_close(struct file *f)
{
    struct littlefs_node *n = f->ctx;
    struct littlefs *fs = n->fs;

    littlefs_enter(fs);
    return littlefs_leave(fs, littlefs_node_put(n));
}

static const struct file_ops littlefs_file_ops = {
    .name = "littlefs file",
    .read = littlefs_file_read,
    .write = littlefs_file_write,
    .pread = littlefs_file_pread,
    .pwrite = littlefs_file_pwrite,
    .fstat = littlefs_file_stat,
    .fsync = littlefs_file_sync,
    .truncate = littlefs_file_truncate,
    .statvfs = littlefs_file_statvfs,
    .close = littlefs_file_close,
};

/* ---- directories ----------------------------------------------------------------------------- */

static int littlefs_dir_read(struct file *f, char name[256], bool *is_dir)
{
    struct littlefs_dir *d = f->ctx;
    struct lfs2_info info;
    int r;

    littlefs_enter(d->fs);
    do
        r = lfs2_dir_read(&d->fs->lfs, &d->dir, &info);
    while (r > 0 && (!strcmp(info.name, ".") || !strcmp(info.name, "..")));
    if (r > 0) {
        memcpy(name, info.name, strlen(info.name) + 1);
        *is_dir = info.type == LFS2_TYPE_DIR;
    }
    return littlefs_leave(d->fs, r);
}

static int littlefs_dir_stat(struct file *f, struct stat *st)
{
    (void)f;
    st->st_mode = S_IFDIR | 0777;
    st->st_nlink = 1;
    return 0;
}

/* What changes a directory is durable when the call has returned. */
static int littlefs_dir_sync(struct file *f)
{
    (void)f;
    return 0;
}

static int littlefs_dir_statvfs(struct file *f, struct statvfs *out)
{
    struct littlefs_dir *d = f->ctx;

    return littlefs_statvfs(d->fs, "", out);
}

static int littlefs_dir_close(struct file *f)
{
    struct littlefs_dir *d = f->ctx, **link = &d->fs->dirs;
    struct littlefs *fs = d->fs;

    littlefs_enter(fs);
    lfs2_dir_close(&fs->lfs, &d->dir);
    while (*link != d)
        link = &(*link)->next;
    *link = d->next;
    free(d);
    return littlefs_leave(fs, 0);
}

static const struct file_ops littlefs_dir_ops = {
    .name = "littlefs directory",
    .fstat = littlefs_dir_stat,
    .fsync = littlefs_dir_sync,
    .readdir = littlefs_dir_read,
    .statvfs = littlefs_dir_statvfs,
    .close = littlefs_dir_close,
};

/* ---- opening --------------------------------------------------------------------------------- */

static int littlefs_open_dir(struct littlefs *fs, const char *path, int flags)
{
    struct littlefs_dir *d;
    int err;

    if ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)))
        return -EISDIR;
    d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->fs = fs;
    err = lfs2_dir_open(&fs->lfs, &d->dir, path);
    if (err) {
        free(d);
        return littlefs_error(fs, err);
    }
    d->next = fs->dirs;
    fs->dirs = d;
    err = file_install(&littlefs_dir_ops, d, (unsigned)flags);
    if (err < 0) {
        lfs2_dir_close(&fs->lfs, &d->dir);
        fs->dirs = d->next;
        free(d);
    }
    return err;
}

/* Why flags do not suit a file that is there, or 0. */
static int littlefs_judge_flags(struct littlefs *fs, const struct littlefs_path *path, int flags)
{
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if (path->folder || (flags & O_DIRECTORY))
        return -ENOTDIR;
    if (((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC)) && littlefs_read_only(fs))
        return -EROFS;
    return 0;
}

/* Makes a file that is not there. */
static int littlefs_create(struct littlefs *fs, const struct littlefs_path *path, int flags,
                           struct littlefs_node **n)
{
    if (!(flags & O_CREAT))
        return -ENOENT;
    if (littlefs_read_only(fs))
        return -EROFS;
    if (path->folder || (flags & O_DIRECTORY))
        return path->folder ? -EISDIR : -EINVAL;
    return littlefs_error(fs, littlefs_node_get(fs, path->text, LFS2_O_CREAT | LFS2_O_EXCL, n));
}

/* Opens or makes a file, without a descriptor. -EISDIR: it is a directory. */
static int littlefs_open_node(struct littlefs *fs, const struct littlefs_path *path, int flags,
                              struct littlefs_node **n)
{
    int err = littlefs_node_get(fs, path->text, 0, n);

    if (err == LFS2_ERR_NOENT)
        return littlefs_create(fs, path, flags, n);
    if (err)
        return littlefs_error(fs, err);
    err = littlefs_judge_flags(fs, path, flags);
    if (!err && (flags & O_TRUNC))
        err = littlefs_error(fs, littlefs_resize(*n, 0));
    if (err)
        littlefs_node_put(*n);
    return err;
}

static int littlefs_open_at(struct littlefs *fs, const struct littlefs_path *path, int flags)
{
    struct littlefs_node *n;
    int err = *path->text ? littlefs_open_node(fs, path, flags, &n) : -EISDIR;

    if (err == -EISDIR && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if (err == -EISDIR)
        return littlefs_open_dir(fs, path->text, flags);
    if (err)
        return err;
    err = file_install(&littlefs_file_ops, n, (unsigned)flags);
    if (err < 0)
        littlefs_node_put(n);
    return err;
}

int littlefs_open(void *ctx, const char *path, int flags, int mode)
{
    struct littlefs *fs = ctx;
    struct littlefs_path tidy;
    int err = littlefs_tidy(path, &tidy);

    (void)mode;
    if (err)
        return err;
    littlefs_enter(fs);
    err = littlefs_open_at(fs, &tidy, flags);
    littlefs_leave(fs, 0);
    return err;
}

int littlefs_truncate(void *ctx, const char *path, off_t size)
{
    struct littlefs *fs = ctx;
    struct littlefs_path tidy;
    struct littlefs_node *n;
    int err = littlefs_tidy(path, &tidy), end;

    if (err || size > LFS2_FILE_MAX)
        return err ? err : -EFBIG;
    littlefs_enter(fs);
    err = *tidy.text ? littlefs_open_node(fs, &tidy, O_WRONLY, &n) : -EISDIR;
    if (!err) {
        err = littlefs_error(fs, littlefs_resize(n, (lfs2_soff_t)size));
        end = littlefs_error(fs, littlefs_node_put(n));
        err = err ? err : end;
    }
    littlefs_leave(fs, 0);
    return err;
}
