/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/epoll.h - a set of descriptors that outlives a wait, as Linux has it: epoll(7). */
#ifndef _SYS_EPOLL_H
#define _SYS_EPOLL_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/select.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EPOLL_CLOEXEC O_CLOEXEC

#define EPOLLIN        0x0001u
#define EPOLLPRI       0x0002u
#define EPOLLOUT       0x0004u
#define EPOLLERR       0x0008u
#define EPOLLHUP       0x0010u
#define EPOLLRDNORM    0x0040u
#define EPOLLRDBAND    0x0080u
#define EPOLLWRNORM    0x0100u
#define EPOLLWRBAND    0x0200u
#define EPOLLMSG       0x0400u
#define EPOLLRDHUP     0x2000u
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29) /* without meaning here */
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET        (1u << 31)

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

typedef union epoll_data {
    void *ptr;
    int fd;
    uint32_t u32;
    uint64_t u64;
} epoll_data_t;

struct epoll_event {
    uint32_t events;
    epoll_data_t data;
};

int epoll_create(int size); /* size: above 0, without meaning */
int epoll_create1(int flags);
/*
 * ADD, MOD, DEL. EPERM: the file is always ready, as those of disks. EEXIST, ENOENT. ELOOP: sets of
 * sets, six deep or in a circle. A descriptor leaves the set when the last one of its open file is
 * closed.
 */
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
/* timeout in milliseconds; negative: no limit. */
int epoll_wait(int epfd, struct epoll_event *events, int most, int timeout);
/* There are no signals: the mask changes nothing. */
int epoll_pwait(int epfd, struct epoll_event *events, int most, int timeout, const sigset_t *mask);
int epoll_pwait2(int epfd, struct epoll_event *events, int most, const struct timespec *timeout,
                 const sigset_t *mask); /* timeout NULL: no limit */

#ifdef __cplusplus
}
#endif

#endif
