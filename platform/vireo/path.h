/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo/path.h - what path names stand for. libc's open(), stat() and opendir() call this table,
 * and so link the folder that defines it (files/). An image that opens no file holds no code of
 * that folder.
 */
#ifndef VIREO_PATH_H
#define VIREO_PATH_H

#include <sys/types.h>

struct stat;
struct statvfs;

/* Paths are NUL-terminated, and the caller's. Both functions may park. Errors are -errno. */
struct path_ops {
    int (*open)(const char *path, int flags, int mode); /* a new descriptor; O_* as in <fcntl.h> */
    int (*stat)(const char *path, struct stat *st);     /* 0; st is zeroed before */
};
extern const struct path_ops path_root;

/*
 * The file systems that the image mounts (files/mount.h): the same, and what changes the tree of
 * names. Each function gives 0, or open a descriptor; an error; or PATH_ELSEWHERE: the path leads
 * to no such file system. rename: -EXDEV: only one of the paths does, or they lead to two.
 */
#define PATH_ELSEWHERE (-4096)
struct path_mounts {
    int (*open)(const char *path, int flags, int mode);
    int (*stat)(const char *path, struct stat *st);
    int (*mkdir)(const char *path);
    int (*rmdir)(const char *path);
    int (*unlink)(const char *path);
    int (*rename)(const char *from, const char *to);
    int (*truncate)(const char *path, off_t size);
    int (*statvfs)(const char *path, struct statvfs *out);
};
extern const struct path_mounts *path_mounts; /* NULL: the image has none */

#endif
