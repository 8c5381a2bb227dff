/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files.h - what the files of libc/ share: the descriptor table behind vireo/file.h, and results
 * in POSIX's way.
 */
#ifndef VIREO_FILES_H
#define VIREO_FILES_H

#include <errno.h>

#include "vireo/file.h"
#include "vireo/task.h"

struct poll_wait;

/* An open file: the public part, and what the descriptor table and poll() keep of it. */
struct open_file {
    struct file file;
    unsigned descriptors;    /* that name it */
    struct poll_wait *waits; /* polls that wait for it */
};

static inline struct open_file *open_file_of(struct file *f)
{
    return (struct open_file *)f;
}

/* A result as POSIX functions return it: a negative errno value becomes -1 and errno. */
static inline long posix_result(long r)
{
    if (r >= 0)
        return r;
    errno = (int)-r;
    return -1;
}

/* Adds a descriptor, the lowest free one from `from` on. The descriptor, -EINVAL or -EMFILE. */
int file_duplicate(struct file *f, int from);
/* Takes a descriptor out of the table: 0, -EBADF, or the result of the file's close(). */
int file_close(int fd);
/* Makes descriptor `to` name the file, and closes what it named before. `to`, or -EBADF. */
int file_replace(struct file *f, int to);

extern struct open_file console_file;

#endif
