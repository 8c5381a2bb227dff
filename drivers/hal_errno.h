/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal_errno.h - the errno values that drivers return (negated). They are newlib's, so that a value
 * can travel to an application unchanged; where there is a libc, its own <errno.h> is taken.
 */
#ifndef VIREO_HAL_ERRNO_H
#define VIREO_HAL_ERRNO_H

#if __has_include(<errno.h>)
#include <errno.h>
#else
#define ENOENT       2
#define EIO          5
#define ENXIO        6
#define EAGAIN       11
#define ENOMEM       12
#define EFAULT       14
#define EBUSY        16
#define EEXIST       17
#define ENODEV       19
#define EINVAL       22
#define ENOSPC       28
#define EROFS        30
#define EPIPE        32
#define ERANGE       34
#define EPROTO       71
#define ECONNRESET   104
#define ECONNREFUSED 111
#define EADDRINUSE   112
#define EOVERFLOW    139
#define ESTALE       133
#define ENOTSUP      134
#define ETIMEDOUT    116
#define EMSGSIZE     122
#endif

#endif
