/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/stat.h - newlib's header, and what it declares for few systems only. */
#include_next <sys/stat.h>
#ifndef VIREO_SYS_STAT_H
#define VIREO_SYS_STAT_H

#ifdef __cplusplus
extern "C" {
#endif

int lstat(const char *__restrict path, struct stat *__restrict st);
int mknod(const char *path, mode_t mode, dev_t dev); /* EPERM, or a better reason */
int lchmod(const char *path, mode_t mode);

/* In place of nanoseconds, for utimensat() and futimens(). */
#ifndef UTIME_NOW
#define UTIME_NOW  (-2L)
#define UTIME_OMIT (-1L)
#endif

#ifdef __cplusplus
}
#endif

#endif
