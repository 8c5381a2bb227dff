/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vireo/path.h - what path names stand for. libc's open(), stat() and opendir() call this table,
 * and so link the folder that defines it (files/). An image that opens no file holds no code of
 * that folder.
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
