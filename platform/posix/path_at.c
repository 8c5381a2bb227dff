/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path_at.c - the working directory, and calls whose path names start at an open directory
 * (POSIX.1-2017). Each finds the whole name, and is then the call without "at".
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

char *canonicalize_file_name(const char *path);
char *get_current_dir_name(void);

/* ---- names ----------------------------------------------------------------------------------- */

/* Takes "." and ".." and doubled slashes out of a whole name, in place. */
static void path_shorten(char *name)
{
    char *out = name, *in = name;

    while (*in) {
        size_t len;

        in += strspn(in, "/");
        len = strcspn(in, "/");
        if (len == 2 && in[0] == '.' && in[1] == '.') {
            while (out > name && *--out != '/')
                ;
        } else if (len && !(len == 1 && in[0] == '.')) {
            *out++ = '/';
            memmove(out, in, len);
            out += len;
        }
        in += len;
    }
    if (out == name)
        *out++ = '/';
    *out = 0;
}

/* The name of what `path` stands for from "/" on, without dots, of at most PATH_MAX bytes. */
static int path_whole(const char *path, char out[PATH_MAX])
{
    char whole[PATH_MAX];
    const char *from_root = *path ? path_from_root(path, whole) : path;

    if (!from_root || strlen(from_root) + 2 > PATH_MAX)
        return -ENAMETOOLONG;
    if (!*from_root)
        return -ENOENT;
    out[0] = '/';
    strcpy(out + 1, from_root);
    path_shorten(out);
    return 0;
}

/*
 * A name that starts at a directory as one that starts at the working directory, or at "/": *path,
 * or in `out`. -EBADF, -ENOTDIR, -ENAMETOOLONG.
 */
static int path_at(int dir, const char **path, char out[PATH_MAX])
{
    struct file *f = file_get(dir);
    const char *at = f ? file_path(f) : NULL;

    if (dir == AT_FDCWD || **path == '/' || !**path)
        return 0;
    if (!at)
        return f ? (f->ops->readdir ? -ENOMEM : -ENOTDIR) : -EBADF;
    if (snprintf(out, PATH_MAX, "%s/%s", at, *path) >= PATH_MAX)
        return -ENAMETOOLONG;
    *path = out;
    return 0;
}

/* ---- the working directory ------------------------------------------------------------------- */

int chdir(const char *path)
{
    char whole[PATH_MAX];
    struct stat st;
    char *name = NULL;
    int err = path_whole(path, whole);

    if (!err && stat(path, &st) < 0)
        return -1;
    if (!err && !S_ISDIR(st.st_mode))
        err = -ENOTDIR;
    if (!err && strcmp(whole, "/") && !(name = strdup(whole)))
        err = -ENOMEM;
    if (!err) {
        free(path_working);
        path_working = name;
    }
    return (int)posix_result(err);
}

int fchdir(int fd)
{
    char name[PATH_MAX];
    const char *path = ".";
    int err = path_at(fd, &path, name);

    return err ? (int)posix_result(err) : chdir(path);
}

char *get_current_dir_name(void)
{
    return getcwd(NULL, 0);
}

/* A symbolic link in a tree is followed, but its name stays. */
char *realpath(const char *path, char *restrict out)
{
    char whole[PATH_MAX];
    struct stat st;
    int err = path_whole(path, whole);

    if (err || stat(path, &st) < 0) {
        if (err)
            errno = -err;
        return NULL;
    }
    return out ? strcpy(out, whole) : strdup(whole);
}

char *canonicalize_file_name(const char *path)
{
    return realpath(path, NULL);
}

/* ---- calls that start at a directory --------------------------------------------------------- */

int openat(int dir, const char *path, int flags, ...)
{
    char name[PATH_MAX];
    int err = path_at(dir, &path, name);

    return err ? (int)posix_result(err) : open(path, flags, 0666);
}

int fstatat(int dir, const char *path, struct stat *st, int flags)
{
    char name[PATH_MAX];
    int err = path_at(dir, &path, name);

    if (!*path && (flags & AT_EMPTY_PATH) && dir != AT_FDCWD)
        return fstat(dir, st);
    return err ? (int)posix_result(err) : stat(path, st);
}

int faccessat(int dir, const char *path, int mode, int flags)
{
    char name[PATH_MAX];
    int err = path_at(dir, &path, name);

    (void)flags;
    return err ? (int)posix_result(err) : access(path, mode);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
    char name[PATH_MAX];
    int err = path_at(dir, &path, name);

    return err ? (int)posix_result(err) : mkdir(path, mode);
}

int unlinkat(int dir, const char *path, int flags)
{
    char name[PATH_MAX];
    int err = path_at(dir, &path, name);

    if (err)
        return (int)posix_result(err);
    return flags & AT_REMOVEDIR ? rmdir(path) : unlink(path);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    char from_name[PATH_MAX], to_name[PATH_MAX];
    int err = path_at(from_dir, &from, from_name);

    if (!err)
        err = path_at(to_dir, &to, to_name);
    return err ? (int)posix_result(err) : rename(from, to);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    char from_name[PATH_MAX], to_name[PATH_MAX];
    int err = path_at(from_dir, &from, from_name);

    (void)flags;
    if (!err)
        err = path_at(to_dir, &to, to_name);
    return err ? (int)posix_result(err) : link(from, to);
}

int symlinkat(const char *target, int dir, const char *path)
{
    char name[PATH_MAX];
    int err = path_at(dir, &path, name);

    return err ? (int)posix_result(err) : symlink(target, path);
}

ssize_t readlinkat(int dir, const char *path, char *buf, size_t len)
{
    char name[PATH_MAX];
    int err = path_at(dir, &path, name);

    return err ? posix_result(err) : readlink(path, buf, len);
}

int fchmodat(int dir, const char *path, mode_t mode, int flags)
{
    char name[PATH_MAX];
    int err = path_at(dir, &path, name);

    (void)flags;
    return err ? (int)posix_result(err) : chmod(path, mode);
}

int fchownat(int dir, const char *path, uid_t owner, gid_t group, int flags)
{
    char name[PATH_MAX];
    int err = path_at(dir, &path, name);

    (void)flags;
    return err ? (int)posix_result(err) : chown(path, owner, group);
}

int mkfifoat(int dir, const char *path, mode_t mode)
{
    char name[PATH_MAX];
    int err = path_at(dir, &path, name);

    return err ? (int)posix_result(err) : mkfifo(path, mode);
}

int mknodat(int dir, const char *path, mode_t mode, dev_t dev)
{
    char name[PATH_MAX];
    int err = path_at(dir, &path, name);

    return err ? (int)posix_result(err) : mknod(path, mode, dev);
}

int utimensat(int dir, const char *path, const struct timespec times[2], int flags)
{
    char name[PATH_MAX];
    int err = path_at(dir, &path, name);
    struct stat st;

    (void)times, (void)flags;
    if (err)
        return (int)posix_result(err);
    return stat(path, &st) < 0 ? -1 : chmod(path, st.st_mode);
}
