/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fcntl.h - newlib's header, with what it lacks: advice about files, and space for them
 * (POSIX.1-2017; fallocate() and sync_file_range() as on Linux).
 */
#ifndef VIREO_FCNTL_H
#define VIREO_FCNTL_H

#include_next <fcntl.h>

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POSIX_FADV_NORMAL     0
#define POSIX_FADV_RANDOM     1
#define POSIX_FADV_SEQUENTIAL 2
#define POSIX_FADV_WILLNEED   3
#define POSIX_FADV_DONTNEED   4
#define POSIX_FADV_NOREUSE    5

/* Both return an error number, and leave errno as it is. */
int posix_fadvise(int fd, off_t at, off_t len, int advice);
int posix_fallocate(int fd, off_t at, off_t len);

#define FALLOC_FL_KEEP_SIZE  0x01
#define FALLOC_FL_PUNCH_HOLE 0x02
#define FALLOC_FL_ZERO_RANGE 0x10

int fallocate(int fd, int mode, off_t at, off_t len);

#define SYNC_FILE_RANGE_WAIT_BEFORE 1
#define SYNC_FILE_RANGE_WRITE       2
#define SYNC_FILE_RANGE_WAIT_AFTER  4

int sync_file_range(int fd, off_t at, off_t len, unsigned flags);

#ifdef __cplusplus
}
#endif

#endif
