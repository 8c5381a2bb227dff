/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files.h - what the files of libc/ share: the descriptor table behind vireo/file.h, and the
 * turning of negative errno values into -1 and errno.
 */
#ifndef VIREO_FILES_H
#define VIREO_FILES_H

#include <errno.h>

#include "vireo/file.h"
#include "vireo/task.h"

struct poll_wait;

/* What file_install makes: the public part, how often the table names it, and who polls it. */
struct open_file {
    struct file file;
    unsigned descriptors;
    struct poll_wait *waits;
};

static inline struct open_file *open_file_of(struct file *f)
{
    return (struct open_file *)f;
}

/* Results in POSIX's way. */
static inline long posix_result(long r)
{
    if (r >= 0)
        return r;
    errno = (int)-r;
    return -1;
}

/* Another descriptor, `from` or higher, for the file; or -errno. */
int file_duplicate(struct file *f, int from);
/* Takes the descriptor `fd` out of the table; 0 or -EBADF, or what the file's close says. */
int file_close(int fd);
/* Makes `to` name the file, closing what it named. */
int file_replace(struct file *f, int to);

extern struct open_file console_file;

#endif
