/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path_change.c - calls that would change the tree of names. The tree is read-only, so each fails
 * as POSIX says for such a file system: with EROFS, or with the error of looking the path up.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

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

int _unlink(const char *path)
{
    return path_refuse(path);
}

int _link(const char *from, const char *to)
{
    (void)to;
    return path_refuse(from);
}

int rmdir(const char *path)
{
    return path_refuse(path);
}

int truncate(const char *path, off_t len)
{
    (void)len;
    return path_refuse(path);
}

int mkdir(const char *path, mode_t mode)
{
    struct stat st;

    (void)mode;
    if (stat(path, &st) == 0) {
        errno = EEXIST;
        return -1;
    }
    return path_refuse(NULL);
}
