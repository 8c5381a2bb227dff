/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo/path.h - where path names lead. libc's open(), stat() and opendir() call this table, and so
 * link the room that defines it (files/). An image that opens nothing holds none of that room.
 */
#ifndef VIREO_PATH_H
#define VIREO_PATH_H

struct stat;

/* Paths are NUL-terminated, and the caller's. Both functions may park. Errors are -errno. */
struct path_ops {
    int (*open)(const char *path, int flags, int mode); /* a new descriptor; O_* as in <fcntl.h> */
    int (*stat)(const char *path, struct stat *st);     /* 0; st is zeroed before */
};
extern const struct path_ops path_root;

#endif
