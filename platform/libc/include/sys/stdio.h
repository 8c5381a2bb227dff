/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/stdio.h - newlib's header, which <stdio.h> includes; and POSIX's functions for lines. */
#include_next <sys/stdio.h>
#ifndef VIREO_SYS_STDIO_H
#define VIREO_SYS_STDIO_H

#include <stddef.h>
#include <sys/types.h>

#if __POSIX_VISIBLE >= 200809
#ifdef __cplusplus
extern "C" {
#endif
ssize_t getline(char **__restrict line, size_t *__restrict size, struct __sFILE *__restrict f);
ssize_t getdelim(char **__restrict line, size_t *__restrict size, int end,
                 struct __sFILE *__restrict f);
#ifdef __cplusplus
}
#endif
#endif

#endif
