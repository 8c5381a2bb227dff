/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/eventfd.h - a counter as a file, as Linux has it: eventfd(2). */
#ifndef _SYS_EVENTFD_H
#define _SYS_EVENTFD_H

#include <fcntl.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EFD_SEMAPHORE 1
#define EFD_NONBLOCK  O_NONBLOCK
#define EFD_CLOEXEC   O_CLOEXEC

typedef uint64_t eventfd_t;

/*
 * read() takes the count, or 1 of it (EFD_SEMAPHORE), and waits while it is 0; write() adds 8
 * bytes, and waits while the sum would exceed 2^64 - 2.
 */
int eventfd(unsigned count, int flags);
int eventfd_read(int fd, eventfd_t *value);
int eventfd_write(int fd, eventfd_t value);

#ifdef __cplusplus
}
#endif

#endif
