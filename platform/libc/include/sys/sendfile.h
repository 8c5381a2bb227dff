/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/sendfile.h - from a file to a socket, as Linux has it: sendfile(2). */
#ifndef _SYS_SENDFILE_H
#define _SYS_SENDFILE_H

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Writes up to `count` bytes of a file with offsets to another file: from *at on, which moves, or
 * from the file's own offset if at is NULL. Returns how many; 0: the end of the file. From a disk
 * or a file tree to a TCP socket nothing is copied: what is in the cache, or in memory, goes out
 * from there, as long as no more than a quarter of the cache is on its way.
 */
ssize_t sendfile(int out, int in, off_t *at, size_t count);

#ifdef __cplusplus
}
#endif

#endif
