/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys/uio.h - reading and writing several buffers at once (POSIX.1-2017, <sys/uio.h>; preadv and
 * pwritev as Linux and the BSDs have them).
 */
#ifndef _SYS_UIO_H
#define _SYS_UIO_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iovec {
    void *iov_base;
    size_t iov_len;
};

ssize_t readv(int fd, const struct iovec *iov, int count);
ssize_t writev(int fd, const struct iovec *iov, int count);
/* At the place `at` of a file with offsets, whose own offset stays. */
ssize_t preadv(int fd, const struct iovec *iov, int count, off_t at);
ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t at);

#ifdef __cplusplus
}
#endif

#endif
