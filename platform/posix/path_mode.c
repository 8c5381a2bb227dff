/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path_mode.c - modes, owners and times of files, links, and limits of names (POSIX.1-2017). No
 * file system here keeps modes, owners or times: who sets them for a file that can be written
 * hears that it is done, and of one that cannot, that its file system is read-only. There are no
 * symbolic links that a name does not follow.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include "files.h"
#include "vireo/path.h"

int lchmod(const char *path, mode_t mode);
int lutimes(const char *path, const struct timeval times[2]);

static int mode_of(const struct stat *st)
{
    if (st->st_mode & 0222)
        return 0;
    errno = EROFS;
    return -1;
}

static int mode_at(const char *path)
{
    struct stat st;

    return stat(path, &st) < 0 ? -1 : mode_of(&st);
}

static int mode_at_file(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0 ? -1 : mode_of(&st);
}

int chmod(const char *path, mode_t mode)
{
    (void)mode;
    return mode_at(path);
}

int lchmod(const char *path, mode_t mode)
{
    return chmod(path, mode);
}

int fchmod(int fd, mode_t mode)
{
    (void)mode;
    return mode_at_file(fd);
}

int chown(const char *path, uid_t owner, gid_t group)
{
    (void)owner, (void)group;
    return mode_at(path);
}

int lchown(const char *path, uid_t owner, gid_t group)
{
    return chown(path, owner, group);
}

int fchown(int fd, uid_t owner, gid_t group)
{
    (void)owner, (void)group;
    return mode_at_file(fd);
}

int utime(const char *path, const struct utimbuf *times)
{
    (void)times;
    return mode_at(path);
}

int utimes(const char *path, const struct timeval times[2])
{
    (void)times;
    return mode_at(path);
}

int lutimes(const char *path, const struct timeval times[2])
{
    return utimes(path, times);
}

int futimes(int fd, const struct timeval times[2])
{
    (void)times;
    return mode_at_file(fd);
}

int futimens(int fd, const struct timespec times[2])
{
    (void)times;
    return mode_at_file(fd);
}

mode_t umask(mode_t mask)
{
    static mode_t now = 022;
    mode_t before = now;

    now = mask & 0777;
    return before;
}

/* ---- links and special files: none ----------------------------------------------------------- */

/* What exists is no link. */
ssize_t readlink(const char *path, char *buf, size_t len)
{
    struct stat st;

    (void)buf, (void)len;
    return stat(path, &st) < 0 ? -1 : posix_result(-EINVAL);
}

/* No file system here has such a file: EEXIST, EROFS where nothing can be made, EPERM. */
static int mode_make(const char *path)
{
    char whole[PATH_MAX];
    const char *from_root = path_from_root(path, whole);
    struct stat st;

    if (stat(path, &st) == 0)
        return (int)posix_result(-EEXIST);
    if (errno != ENOENT || !from_root || !*path)
        return -1;
    if (!path_mounts || path_mounts->stat(from_root, &st) == PATH_ELSEWHERE)
        return (int)posix_result(-EROFS);
    return (int)posix_result(-EPERM);
}

int symlink(const char *target, const char *path)
{
    (void)target;
    return mode_make(path);
}

int mkfifo(const char *path, mode_t mode)
{
    (void)mode;
    return mode_make(path);
}

int mknod(const char *path, mode_t mode, dev_t dev)
{
    (void)mode, (void)dev;
    return mode_make(path);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static long mode_limit(int name)
{
    switch (name) {
    case _PC_LINK_MAX:
        return 1;
    case _PC_NAME_MAX:
        return NAME_MAX;
    case _PC_PATH_MAX:
        return PATH_MAX;
    case _PC_PIPE_BUF:
        return PIPE_BUF;
    case _PC_MAX_CANON:
    case _PC_MAX_INPUT:
        return MAX_CANON;
    case _PC_NO_TRUNC:
    case _PC_CHOWN_RESTRICTED:
        return 1;
    case _PC_VDISABLE:
        return 0;
    case _PC_FILESIZEBITS:
        return 64;
    default:
        return posix_result(-EINVAL);
    }
}

long pathconf(const char *path, int name)
{
    struct stat st;

    return stat(path, &st) < 0 ? -1 : mode_limit(name);
}

long fpathconf(int fd, int name)
{
    return file_get(fd) ? mode_limit(name) : posix_result(-EBADF);
}
