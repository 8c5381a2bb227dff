/* SPDX-License-Identifier: BSD-2-Clause */
/* poll.h - waiting for several descriptors (POSIX.1-2017, <poll.h>). */
#ifndef _POLL_H
#define _POLL_H

#include <sys/select.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POLLIN     0x0001
#define POLLPRI    0x0002
#define POLLOUT    0x0004
#define POLLERR    0x0008
#define POLLHUP    0x0010
#define POLLNVAL   0x0020
#define POLLRDNORM 0x0040
#define POLLRDBAND 0x0080
#define POLLWRNORM 0x0100
#define POLLWRBAND 0x0200
#define POLLRDHUP  0x2000 /* the peer of a stream sends no more */

typedef unsigned int nfds_t;

struct pollfd {
    int fd;
    short events;
    short revents;
};

/* timeout in milliseconds; negative: no limit. */
int poll(struct pollfd *fds, nfds_t nfds, int timeout);
/* timeout NULL: no limit. No signal interrupts a wait: the mask changes nothing. */
int ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *mask);

#ifdef __cplusplus
}
#endif

#endif
