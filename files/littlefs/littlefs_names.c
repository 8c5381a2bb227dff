/* SPDX-License-Identifier: BSD-2-Clause */
/* littlefs_names.c - calls with a path: what is there, and what changes names (POSIX.1-2017, XSH).
 */
#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "littlefs.h"

/* The type of what is at a tidy path, LFS2_TYPE_REG or LFS2_TYPE_DIR, or an errno value. */
static int littlefs_type(struct littlefs *fs, const struct littlefs_path *path)
{
    struct lfs2_info info;
    int err = lfs2_stat(&fs->lfs, path->text, &info);

    if (err)
        return littlefs_error(fs, err);
    return info.type == LFS2_TYPE_REG && path->folder ? -ENOTDIR : info.type;
}

/* An open file tells more than the disk. */
static int littlefs_stat_file(struct littlefs *fs, const struct littlefs_path *path,
                              struct stat *st)
{
    struct littlefs_node *n;
    int err = littlefs_node_get(fs, path->text, 0, &n);

    if (err)
        return err == LFS2_ERR_ISDIR ? -EISDIR : littlefs_error(fs, err);
    littlefs_node_stat(n, st);
    err = littlefs_error(fs, littlefs_node_put(n));
    return path->folder && !err ? -ENOTDIR : err;
}

int littlefs_stat(void *ctx, const char *path, struct stat *st)
{
    struct littlefs *fs = ctx;
    struct littlefs_path tidy;
    int err = littlefs_tidy(path, &tidy);

    if (err)
        return err;
    littlefs_enter(fs);
    err = *tidy.text ? littlefs_stat_file(fs, &tidy, st) : -EISDIR;
    if (err == -EISDIR) {
        st->st_mode = S_IFDIR | (littlefs_read_only(fs) ? 0555 : 0777);
        st->st_nlink = 1;
        err = 0;
    }
    littlefs_leave(fs, 0);
    return err;
}

static int littlefs_mkdir_at(struct littlefs *fs, const struct littlefs_path *path)
{
    int type = *path->text ? littlefs_type(fs, path) : LFS2_TYPE_DIR;

    if (type != -ENOENT)
        return type < 0 ? type == -ENOTDIR && path->folder ? -EEXIST : type : -EEXIST;
    return littlefs_read_only(fs) ? -EROFS : littlefs_error(fs, lfs2_mkdir(&fs->lfs, path->text));
}

/* Is a directory open? An errno value: it cannot be read. */
static int littlefs_is_open(struct littlefs *fs, const char *path)
{
    lfs2_dir_t dir;
    int err = fs->dirs ? lfs2_dir_open(&fs->lfs, &dir, path) : 0;
    bool open = false;

    if (err || !fs->dirs)
        return littlefs_error(fs, err);
    for (struct littlefs_dir *d = fs->dirs; d; d = d->next)
        open = open || d->dir.head[0] == dir.head[0] || d->dir.head[0] == dir.head[1];
    lfs2_dir_close(&fs->lfs, &dir);
    return open;
}

/* Takes a name away. */
static int littlefs_remove(struct littlefs *fs, const struct littlefs_path *path)
{
    int err;

    if (littlefs_read_only(fs))
        return -EROFS;
    err = lfs2_remove(&fs->lfs, path->text);
    littlefs_nodes_keep(fs);
    return littlefs_error(fs, err);
}

/* littlefs goes on with what a directory was whose blocks others have by now: EBUSY. */
static int littlefs_rmdir_at(struct littlefs *fs, const struct littlefs_path *path)
{
    int type = *path->text ? littlefs_type(fs, path) : -EBUSY, open;

    if (type != LFS2_TYPE_DIR)
        return type < 0 ? type : -ENOTDIR;
    open = littlefs_is_open(fs, path->text);
    return open < 0 ? open : open ? -EBUSY : littlefs_remove(fs, path);
}

static int littlefs_unlink_at(struct littlefs *fs, const struct littlefs_path *path)
{
    int type = *path->text ? littlefs_type(fs, path) : LFS2_TYPE_DIR;

    if (type != LFS2_TYPE_REG)
        return type < 0 ? type : -EISDIR;
    return littlefs_remove(fs, path);
}

/* A call with a path. */
static int littlefs_with_path(void *ctx, const char *path,
                              int (*call)(struct littlefs *fs, const struct littlefs_path *path))
{
    struct littlefs *fs = ctx;
    struct littlefs_path tidy;
    int err = littlefs_tidy(path, &tidy);

    if (err)
        return err;
    littlefs_enter(fs);
    err = call(fs, &tidy);
    littlefs_leave(fs, 0);
    return err;
}

int littlefs_mkdir(void *fs, const char *path)
{
    return littlefs_with_path(fs, path, littlefs_mkdir_at);
}

int littlefs_rmdir(void *fs, const char *path)
{
    return littlefs_with_path(fs, path, littlefs_rmdir_at);
}

int littlefs_unlink(void *fs, const char *path)
{
    return littlefs_with_path(fs, path, littlefs_unlink_at);
}

/* ---- rename ---------------------------------------------------------------------------------- */

/* Why one thing cannot take the other's name, or 0. type: of what is renamed. */
static int littlefs_judge_rename(struct littlefs *fs, const struct littlefs_path *from, int type,
                                 const struct littlefs_path *to)
{
    size_t len = strlen(from->text);
    int there = littlefs_type(fs, to), open;

    if (type == LFS2_TYPE_DIR && !strncmp(to->text, from->text, len) && to->text[len] == '/')
        return -EINVAL;
    if (there == -ENOENT)
        return type == LFS2_TYPE_REG && to->folder ? -ENOTDIR : 0;
    if (there < 0)
        return there;
    if (type != there)
        return type == LFS2_TYPE_DIR ? -ENOTDIR : -EISDIR;
    open = type == LFS2_TYPE_DIR ? littlefs_is_open(fs, to->text) : 0;
    return open < 0 ? open : open ? -EBUSY : 0;
}

/* To littlefs an open file that is renamed is one that was deleted. */
static int littlefs_rename_file(struct littlefs *fs, const char *from, const char *to)
{
    struct littlefs_node *n;
    int err = littlefs_node_get(fs, from, 0, &n), end;

    if (err)
        return err;
    err = littlefs_node_sync(n);
    if (!err)
        err = lfs2_rename(&fs->lfs, from, to);
    if (!err)
        err = littlefs_node_move(n, to);
    littlefs_nodes_keep(fs);
    end = littlefs_node_put(n);
    return err ? err : end;
}

static int littlefs_rename_at(struct littlefs *fs, const struct littlefs_path *from,
                              const struct littlefs_path *to)
{
    int type = *from->text ? littlefs_type(fs, from) : -EBUSY, err;

    if (type < 0)
        return type;
    if (!*to->text)
        return -EBUSY;
    if (!strcmp(from->text, to->text))
        return 0;
    err = littlefs_judge_rename(fs, from, type, to);
    if (err)
        return err;
    if (littlefs_read_only(fs))
        return -EROFS;
    err = type == LFS2_TYPE_REG ? littlefs_rename_file(fs, from->text, to->text)
                                : lfs2_rename(&fs->lfs, from->text, to->text);
    return littlefs_error(fs, err);
}

int littlefs_rename(void *ctx, const char *from, const char *to)
{
    struct littlefs *fs = ctx;
    struct littlefs_path old, new;
    int err = littlefs_tidy(from, &old);

    if (!err)
        err = littlefs_tidy(to, &new);
    if (err)
        return err;
    littlefs_enter(fs);
    err = littlefs_rename_at(fs, &old, &new);
    littlefs_leave(fs, 0);
    return err;
}

/* ---- the file system ------------------------------------------------------------------------- */

int littlefs_statvfs(void *ctx, const char *path, struct statvfs *out)
{
    struct littlefs *fs = ctx;
    struct littlefs_path tidy;
    int err = littlefs_tidy(path, &tidy), used;

    if (err)
        return err;
    littlefs_enter(fs);
    err = littlefs_type(fs, &tidy);
    used = err < 0 ? 0 : lfs2_fs_size(&fs->lfs);
    if (err < 0 || used < 0)
        return littlefs_leave(fs, 0), err < 0 ? err : littlefs_error(fs, used);
    out->f_bsize = out->f_frsize = fs->config.block_size;
    out->f_blocks = fs->lfs.block_count;
    out->f_bfree = out->f_bavail =
        (unsigned)used < fs->lfs.block_count ? fs->lfs.block_count - (unsigned)used : 0;
    out->f_flag = ST_NOSUID | (littlefs_read_only(fs) ? ST_RDONLY : 0);
    out->f_namemax = fs->lfs.name_max;
    return littlefs_leave(fs, 0);
}
