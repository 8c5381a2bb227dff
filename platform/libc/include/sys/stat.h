/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/stat.h - newlib's header, which declares lstat() for few systems only. */
#include_next <sys/stat.h>
#ifndef VIREO_SYS_STAT_H
#define VIREO_SYS_STAT_H

int lstat(const char *__restrict path, struct stat *__restrict st);

#endif
