/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.c - calls with a path name: open, stat, access (POSIX.1-2017), by path_root. Path names
 * there count from "/"; here they may start at the working directory.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "vireo/path.h"

int _open(const char *path, int flags, int mode);
int _stat(const char *path, struct stat *st);

char *path_working;

const char *path_from_root(const char *path, char whole[PATH_MAX])
{
    size_t front;

    if (!path_working || *path == '/' || !*path)
        return path;
    front = strlen(path_working);
    if (front + 1 + strlen(path) >= PATH_MAX)
        return NULL;
    memcpy(whole, path_working, front);
    whole[front] = '/';
    strcpy(whole + front + 1, path);
    return whole;
}

static int libc_path_stat(const char *path, struct stat *st)
{
    char whole[PATH_MAX];

    if (!*path)
        return -ENOENT;
    memset(st, 0, sizeof(*st));
    path = path_from_root(path, whole);
    return path ? path_root.stat(path, st) : -ENAMETOOLONG;
}

char *file_path(struct file *f)
{
    return f->ops->readdir ? ((struct named_file *)f)->path : NULL;
}

/* Calls that start at a directory find its name at the open file. */
static void path_remember(int fd, const char *path)
{
    struct file *f = file_get(fd);

    if (f && f->ops->readdir)
        ((struct named_file *)f)->path = strdup(path);
}

int _open(const char *path, int flags, int mode)
{
    char whole[PATH_MAX];
    int fd;

    path = path_from_root(path, whole);
    if (!path || !*path)
        return (int)posix_result(path ? -ENOENT : -ENAMETOOLONG);
    fd = path_root.open(path, flags, mode);
    if (fd >= 0)
        path_remember(fd, path);
    return (int)posix_result(fd);
}

int _stat(const char *path, struct stat *st)
{
    return (int)posix_result(libc_path_stat(path, st));
}

/* There are no symbolic links that a path name does not follow. */
int lstat(const char *path, struct stat *st)
{
    return _stat(path, st);
}

int access(const char *path, int mode)
{
    struct stat st;
    int r = libc_path_stat(path, &st);

    if (r == 0 && (mode & W_OK) && !(st.st_mode & 0222))
        r = -EROFS;
    return (int)posix_result(r);
}

/* Without `buf` the caller frees the result; its size may then be 0. */
char *getcwd(char *buf, size_t size)
{
    const char *now = path_working ? path_working : "/";
    size_t need = strlen(now) + 1;

    if (size < need && (buf || size)) {
        errno = size ? ERANGE : EINVAL;
        return NULL;
    }
    return buf ? strcpy(buf, now) : strdup(now);
}
