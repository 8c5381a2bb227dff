/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket_many.c - several messages in a call. What is sent leaves in one batch, unless the call has
 * to wait.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <time.h>

#include "socket_ops.h"
#include "vireo/task.h"

#define MANY_MAX 1024u

static unsigned many_count(unsigned count)
{
    return count < MANY_MAX ? count : MANY_MAX;
}

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags)
{
    struct file *f = socket_hold(fd);
    ssize_t r = 0;
    unsigned n;

    if (!f)
        return -1;
    count = many_count(count);
    for (n = 0; n < count; n++) {
        r = socket_check_vector(&msgs[n].msg_hdr);
        if (!r)
            r = f->ops->socket->sendmsg(f, &msgs[n].msg_hdr, flags);
        if (r < 0)
            break;
        msgs[n].msg_len = (unsigned)r;
    }
    return (int)socket_done(f, n ? (ssize_t)n : r);
}

/* A message for the caller. After the first, an error that is pending stays for the next call. */
static ssize_t many_receive(struct file *f, struct msghdr *msg, bool first, int flags)
{
    int err = socket_check_vector(msg);

    if (err)
        return err;
    if (!first && f->ops->poll(f, POLLERR))
        return -EAGAIN;
    msg->msg_flags = 0;
    return f->ops->socket->recvmsg(f, msg, flags);
}

static bool many_time_is_over(struct timespec *left, uint64_t end_ns)
{
    uint64_t now = hal_now_ns(), ns = now < end_ns ? end_ns - now : 0;

    *left = (struct timespec){.tv_sec = (time_t)(ns / HAL_SEC), .tv_nsec = (long)(ns % HAL_SEC)};
    return !ns;
}

int recvmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags, struct timespec *timeout)
{
    uint64_t end_ns = HAL_NEVER;
    struct file *f = socket_hold(fd);
    ssize_t r = 0;
    unsigned n = 0;

    if (!f)
        return -1;
    if (timeout &&
        (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= (long)HAL_SEC))
        return (int)socket_done(f, -EINVAL);
    if (timeout && (uint64_t)timeout->tv_sec < HAL_NEVER / HAL_SEC / 2)
        end_ns = hal_now_ns() + (uint64_t)timeout->tv_sec * HAL_SEC + (uint64_t)timeout->tv_nsec;
    count = many_count(count);
    while (n < count) {
        r = many_receive(f, &msgs[n].msg_hdr, n == 0, flags & ~MSG_WAITFORONE);
        if (r < 0)
            break;
        msgs[n++].msg_len = (unsigned)r;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (timeout && many_time_is_over(timeout, end_ns))
            break;
    }
    return (int)socket_done(f, n ? (ssize_t)n : r);
}
