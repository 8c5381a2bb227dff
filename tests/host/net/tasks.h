/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tasks.h - tasks, wait queues and descriptors for tests of net/: what of platform/vireo an image
 * has from platform/runtime/. Tasks are threads of which one runs at a time. While all are parked,
 * services run and virtual time goes on to the next deadline; a case fails if nothing can wake any
 * task.
 */
#ifndef VIREO_TESTS_NET_TASKS_H
#define VIREO_TESTS_NET_TASKS_H

#include <sys/types.h>

#include "vireo/file.h"
#include "vireo/task.h"

/* Waits until the condition holds, for `seconds` of virtual time at most; else the case fails. */
#define AWAIT(condition, seconds)                                                                  \
    do {                                                                                           \
        uint64_t await_end = hal_now_ns() + (seconds)*HAL_SEC;                                     \
                                                                                                   \
        while (!(condition)) {                                                                     \
            CHECK(hal_now_ns() < await_end);                                                       \
            task_sleep_until(hal_now_ns() + HAL_MS);                                               \
        }                                                                                          \
    } while (0)

/* The result is -1 and errno is this. */
#define CHECK_FAILS(call, error)                                                                   \
    do {                                                                                           \
        errno = 0;                                                                                 \
        CHECK_EQ(call, -1);                                                                        \
        CHECK_EQ(errno, error);                                                                    \
    } while (0)

/* What read(), write() and close() are in an image: those of this process are the host's. */
ssize_t fd_read(int fd, void *buf, size_t len);
ssize_t fd_write(int fd, const void *buf, size_t len);
int fd_close(int fd);
int fd_ioctl(int fd, unsigned long request, void *arg);
void fd_set_nonblock(int fd, bool on);
/* Which of the events hold now, as poll() with no time would say. */
int fd_poll(int fd, int events);

/* getentropy() fails from now on, or gives these 16 bytes. */
void host_no_entropy(void);
void host_set_entropy(const void *bytes);
/* Runs what was given to vireo_before_end(), as the end of an image does. */
void host_end_image(void);
/* Memory that vireo_memory() tells of, in bytes; 64 MiB at first. */
void host_set_ram(uint64_t bytes);

#endif
