/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path_change.c - calls that change the tree of names, and those about a file system (POSIX.1-2017,
 * XSH). A path that leads to a file system in the mount table goes there (path_mounts). The tree at
 * "/" is read-only, so what leads there fails as POSIX says for such a file system: with EROFS, or
 * with the error of looking the path up.
 */
#include <reent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "files.h"
#include "vireo/path.h"

int _unlink(const char *path);
int _link(const char *from, const char *to);

static int path_refuse(const char *must_exist)
{
    struct stat st;

    if (must_exist && stat(must_exist, &st) < 0)
        return -1;
    errno = EROFS;
    return -1;
}

/* The result of a call of a file system; ELSEWHERE: that for a path of the tree at "/". */
static int path_changed(int r, const char *must_exist)
{
    return r == PATH_ELSEWHERE ? path_refuse(must_exist) : (int)posix_result(r);
}

/*
 * The path from "/" on, if there is a table that it could be in. Otherwise NULL, and *r is the
 * result: ELSEWHERE, or an error.
 */
static const char *path_in_mounts(const char *path, char whole[PATH_MAX], int *r)
{
    *r = PATH_ELSEWHERE;
    if (!path_mounts || !*path)
        return NULL;
    path = path_from_root(path, whole);
    if (!path)
        *r = -ENAMETOOLONG;
    return path;
}

int _unlink(const char *path)
{
    char whole[PATH_MAX];
    int r;
    const char *from_root = path_in_mounts(path, whole, &r);

    return path_changed(from_root ? path_mounts->unlink(from_root) : r, path);
}

/* No file system here has a second name for a file. */
int _link(const char *from, const char *to)
{
    char whole[PATH_MAX];
    struct stat st;
    int r;
    const char *from_root = path_in_mounts(from, whole, &r);

    (void)to;
    if (from_root)
        r = path_mounts->stat(from_root, &st);
    return path_changed(r ? r : -EPERM, from);
}

int rmdir(const char *path)
{
    char whole[PATH_MAX];
    int r;
    const char *from_root = path_in_mounts(path, whole, &r);

    return path_changed(from_root ? path_mounts->rmdir(from_root) : r, path);
}

int truncate(const char *path, off_t len)
{
    char whole[PATH_MAX];
    int r;
    const char *from_root = path_in_mounts(path, whole, &r);

    if (len < 0) {
        errno = EINVAL;
        return -1;
    }
    return path_changed(from_root ? path_mounts->truncate(from_root, len) : r, path);
}

int mkdir(const char *path, mode_t mode)
{
    char whole[PATH_MAX];
    struct stat st;
    int r;
    const char *from_root = path_in_mounts(path, whole, &r);

    (void)mode;
    if (from_root)
        r = path_mounts->mkdir(from_root);
    if (r == PATH_ELSEWHERE && stat(path, &st) == 0)
        r = -EEXIST;
    return path_changed(r, NULL);
}

/* newlib's rename() calls this, and has a link() and an unlink() in its place otherwise. */
int _rename_r(struct _reent *reent, const char *from, const char *to)
{
    char whole_from[PATH_MAX], whole_to[PATH_MAX];
    int r;
    const char *source = path_in_mounts(from, whole_from, &r);
    const char *target = path_from_root(to, whole_to);

    (void)reent;
    if (!*to)
        r = -ENOENT;
    else if (!target)
        r = -ENAMETOOLONG;
    else if (source)
        r = path_mounts->rename(source, target);
    return path_changed(r, from);
}

/* A file, or an empty directory. */
int remove(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -1;
    return S_ISDIR(st.st_mode) ? rmdir(path) : unlink(path);
}

/* newlib's tmpfile() calls this. */
int _remove_r(struct _reent *reent, const char *path)
{
    (void)reent;
    return remove(path);
}

/* ---- file systems ---------------------------------------------------------------------------- */

int statvfs(const char *path, struct statvfs *out)
{
    char whole[PATH_MAX];
    struct stat st;
    int r;
    const char *from_root = path_in_mounts(path, whole, &r);

    if (from_root)
        r = path_mounts->statvfs(from_root, out);
    if (r == PATH_ELSEWHERE && stat(path, &st) < 0)
        return -1;
    return (int)posix_result(r == PATH_ELSEWHERE ? -ENOSYS : r);
}

int fstatvfs(int fd, struct statvfs *out)
{
    struct file *f = file_hold(fd);
    int r = f ? -ENOSYS : -EBADF;

    if (f && f->ops->statvfs) {
        memset(out, 0, sizeof(*out));
        r = f->ops->statvfs(f, out);
    }
    if (f)
        file_drop(f);
    return (int)posix_result(r);
}
