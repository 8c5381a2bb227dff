/* SPDX-License-Identifier: BSD-2-Clause */
/* path.c - calls with a path name: open, stat, access (POSIX.1-2017), by path_root. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "vireo/path.h"

int _open(const char *path, int flags, int mode);
int _stat(const char *path, struct stat *st);

static int libc_path_stat(const char *path, struct stat *st)
{
    if (!*path)
        return -ENOENT;
    memset(st, 0, sizeof(*st));
    return path_root.stat(path, st);
}

int _open(const char *path, int flags, int mode)
{
    return (int)posix_result(*path ? path_root.open(path, flags, mode) : -ENOENT);
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
    if (size < 2 && (buf || size)) {
        errno = size ? ERANGE : EINVAL;
        return NULL;
    }
    return buf ? strcpy(buf, "/") : strdup("/");
}
