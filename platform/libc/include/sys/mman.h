/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys/mman.h - memory in pages (POSIX.1-2017), with Linux' numbers. A mapping is memory that is
 * there at once, zeroed, or a copy of a file's bytes as they are at the call. Nothing shares memory
 * with a file: MAP_SHARED with PROT_WRITE is refused.
 */
#ifndef _SYS_MMAN_H
#define _SYS_MMAN_H

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4

#define MAP_SHARED    0x01
#define MAP_PRIVATE   0x02
#define MAP_FIXED     0x10
#define MAP_ANONYMOUS 0x20
#define MAP_ANON      MAP_ANONYMOUS
#define MAP_NORESERVE 0x4000 /* without meaning */
#define MAP_POPULATE  0x8000 /* as is always the case */
#define MAP_STACK     0x20000
#define MAP_FAILED    ((void *)-1L)

#define MS_ASYNC      1
#define MS_INVALIDATE 2
#define MS_SYNC       4

#define MCL_CURRENT 1
#define MCL_FUTURE  2

#define MADV_NORMAL     0
#define MADV_RANDOM     1
#define MADV_SEQUENTIAL 2
#define MADV_WILLNEED   3
#define MADV_DONTNEED   4
#define MADV_FREE       8
#define MADV_HUGEPAGE   14
#define MADV_NOHUGEPAGE 15
#define MADV_DONTFORK   10
#define MADV_DONTDUMP   16

#define POSIX_MADV_NORMAL     0
#define POSIX_MADV_RANDOM     1
#define POSIX_MADV_SEQUENTIAL 2
#define POSIX_MADV_WILLNEED   3
#define POSIX_MADV_DONTNEED   4

/*
 * EINVAL: no length, an offset that is no multiple of a page, MAP_FIXED. ENOTSUP: PROT_EXEC, or
 * writing to a shared file. EBADF, EACCES, ENODEV: the file cannot be read at offsets. ENOMEM.
 */
void *mmap(void *hint, size_t len, int prot, int flags, int fd, off_t at);
/* Whole pages of a mapping; its memory is free when all have gone. EINVAL: there is none. */
int munmap(void *addr, size_t len);
int mprotect(void *addr, size_t len, int prot); /* PROT_EXEC: ENOTSUP; the others change nothing */
int msync(void *addr, size_t len, int flags);   /* nothing is to be written */
/* MADV_DONTNEED zeroes the pages of an anonymous mapping, as on Linux. */
int madvise(void *addr, size_t len, int advice);
int posix_madvise(void *addr, size_t len, int advice);
/* All memory stays where it is. */
int mlock(const void *addr, size_t len);
int munlock(const void *addr, size_t len);
int mlockall(int flags);
int munlockall(void);
/* Memory that processes share: ENOSYS. */
int shm_open(const char *name, int flags, mode_t mode);
int shm_unlink(const char *name);

#ifdef __cplusplus
}
#endif

#endif
