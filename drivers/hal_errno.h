/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hal_errno.h - the errno values that drivers return (negated). Where there is a C library, its
 * <errno.h> is taken; a kernel that has a header of its own for them says
 * -DVIREO_ERRNO_H='<sys/errno.h>'. What no header has defined gets newlib's value, so that a value
 * of a driver can travel to an application of an image unchanged.
 */
#ifndef VIREO_HAL_ERRNO_H
#define VIREO_HAL_ERRNO_H

/* Freestanding, an <errno.h> that the compiler finds may be that of another system. */
#ifdef VIREO_ERRNO_H
#include VIREO_ERRNO_H
#elif __STDC_HOSTED__ && defined(__has_include)
#if __has_include(<errno.h>)
#include <errno.h>
#endif
#endif

#ifndef ENOENT
#define ENOENT 2
#endif
#ifndef EIO
#define EIO 5
#endif
#ifndef ENXIO
#define ENXIO 6
#endif
#ifndef EAGAIN
#define EAGAIN 11
#endif
#ifndef ENOMEM
#define ENOMEM 12
#endif
#ifndef EFAULT
#define EFAULT 14
#endif
#ifndef EBUSY
#define EBUSY 16
#endif
#ifndef EEXIST
#define EEXIST 17
#endif
#ifndef ENODEV
#define ENODEV 19
#endif
#ifndef EINVAL
#define EINVAL 22
#endif
#ifndef ENOSPC
#define ENOSPC 28
#endif
#ifndef EROFS
#define EROFS 30
#endif
#ifndef EPIPE
#define EPIPE 32
#endif
#ifndef ERANGE
#define ERANGE 34
#endif
#ifndef EPROTO
#define EPROTO 71
#endif
#ifndef ECONNRESET
#define ECONNRESET 104
#endif
#ifndef ECONNREFUSED
#define ECONNREFUSED 111
#endif
#ifndef EADDRINUSE
#define EADDRINUSE 112
#endif
#ifndef EOVERFLOW
#define EOVERFLOW 139
#endif
#ifndef ESTALE
#define ESTALE 133
#endif
#ifndef ENOTSUP
#define ENOTSUP 134
#endif
#ifndef ETIMEDOUT
#define ETIMEDOUT 116
#endif
#ifndef EMSGSIZE
#define EMSGSIZE 122
#endif

#if EIO <= 0
#error "drivers return -EIO: the errno values of VIREO_ERRNO_H have to be above 0"
#endif

#endif
