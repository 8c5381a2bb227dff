/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/statvfs.h - how large and how full a file system is (POSIX.1-2017, <sys/statvfs.h>). */
#ifndef _SYS_STATVFS_H
#define _SYS_STATVFS_H

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ST_RDONLY 1
#define ST_NOSUID 2

struct statvfs {
    unsigned long f_bsize;  /* bytes in which the file system writes best */
    unsigned long f_frsize; /* bytes of a block, in which f_blocks counts */
    unsigned long f_blocks, f_bfree, f_bavail;
    unsigned long f_files, f_ffree, f_favail; /* 0: there is no limit */
    unsigned long f_fsid;
    unsigned long f_flag; /* ST_... */
    unsigned long f_namemax;
};

/* ENOSYS: the path leads to no file system that has a size, such as a tar archive. */
int statvfs(const char *__restrict path, struct statvfs *__restrict out);
int fstatvfs(int fd, struct statvfs *out);

#ifdef __cplusplus
}
#endif

#endif
