/* SPDX-License-Identifier: BSD-2-Clause */
/* ulimit.h - the largest file, in blocks of 512 bytes (POSIX.1-2017). */
#ifndef _ULIMIT_H
#define _ULIMIT_H

#ifdef __cplusplus
extern "C" {
#endif

#define UL_GETFSIZE 1
#define UL_SETFSIZE 2

long ulimit(int cmd, ...);

#ifdef __cplusplus
}
#endif

#endif
