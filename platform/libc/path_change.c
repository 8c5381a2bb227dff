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

/* Is there a table that a path could be in? */
static bool path_is_any(const char *path)
{
    return path_mounts && *path;
}

int _unlink(const char *path)
{
    return path_changed(path_is_any(path) ? path_mounts->unlink(path) : PATH_ELSEWHERE, path);
}

/* No file system here has a second name for a file. */
int _link(const char *from, const char *to)
{
    struct stat st;
    int r = path_is_any(from) ? path_mounts->stat(from, &st) : PATH_ELSEWHERE;

    (void)to;
    return path_changed(r ? r : -EPERM, from);
}

int rmdir(const char *path)
{
    return path_changed(path_is_any(path) ? path_mounts->rmdir(path) : PATH_ELSEWHERE, path);
}

int truncate(const char *path, off_t len)
{
    if (len < 0) {
        errno = EINVAL;
        return -1;
    }
    return path_changed(path_is_any(path) ? path_mounts->truncate(path, len) : PATH_ELSEWHERE,
                        path);
}

int mkdir(const char *path, mode_t mode)
{
    int r = path_is_any(path) ? path_mounts->mkdir(path) : PATH_ELSEWHERE;
    struct stat st;

    (void)mode;
    if (r == PATH_ELSEWHERE && stat(path, &st) == 0)
        r = -EEXIST;
    return path_changed(r, NULL);
}

/* newlib's rename() calls this, and has a link() and an unlink() in its place otherwise. */
int _rename_r(struct _reent *reent, const char *from, const char *to)
{
    int r = PATH_ELSEWHERE;

    (void)reent;
    if (!*to)
        r = -ENOENT;
    else if (path_is_any(from))
        r = path_mounts->rename(from, to);
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

/* ---- file systems ---------------------------------------------------------------------------- */

int statvfs(const char *path, struct statvfs *out)
{
    struct stat st;
    int r = path_is_any(path) ? path_mounts->statvfs(path, out) : PATH_ELSEWHERE;

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
