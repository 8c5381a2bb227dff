/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket_api.c - the functions of <sys/socket.h>. Each calls the operation of the socket's family.
 * A call holds the file of its descriptor, so that another task may close the descriptor meanwhile.
 */
#include <errno.h>
#include <stddef.h>

#include "socket_ops.h"
#include "vireo/task.h"

static struct socket_family *families;

void socket_family_add(struct socket_family *f)
{
    f->next = families;
    families = f;
}

static int socket_result(ssize_t r)
{
    if (r >= 0)
        return (int)r;
    errno = (int)-r;
    return -1;
}

int socket(int domain, int type, int protocol)
{
    int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);

    for (const struct socket_family *f = families; f; f = f->next)
        if (domain != AF_UNSPEC && (f->families[0] == domain || f->families[1] == domain))
            return socket_result(f->open(domain, type & ~flags, protocol, flags));
    return socket_result(-EAFNOSUPPORT);
}

/* ---- calls on a socket ----------------------------------------------------------------------- */

struct file *socket_hold(int fd)
{
    struct file *f = file_hold(fd);

    if (!f) {
        errno = EBADF;
        return NULL;
    }
    if (!f->ops->socket) {
        file_drop(f);
        errno = ENOTSOCK;
        return NULL;
    }
    return f;
}

ssize_t socket_done(struct file *f, ssize_t r)
{
    if (r == -EAGAIN || r == -ENOBUFS)
        task_give_way();
    file_drop(f);
    if (r >= 0)
        return r;
    errno = (int)-r;
    return -1;
}

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct file *f = socket_hold(fd);

    return f ? (int)socket_done(f, f->ops->socket->bind(f, addr, len)) : -1;
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct file *f = socket_hold(fd);

    return f ? (int)socket_done(f, f->ops->socket->connect(f, addr, len)) : -1;
}

int listen(int fd, int backlog)
{
    struct file *f = socket_hold(fd);

    return f ? (int)socket_done(f, f->ops->socket->listen(f, backlog)) : -1;
}

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct file *f = socket_hold(fd);

    return f ? (int)socket_done(f, f->ops->socket->accept(f, addr, len, flags)) : -1;
}

int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    return accept4(fd, addr, len, 0);
}

int shutdown(int fd, int how)
{
    struct file *f = socket_hold(fd);

    if (!f)
        return -1;
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return (int)socket_done(f, -EINVAL);
    return (int)socket_done(f, f->ops->socket->shutdown(f, how));
}

int getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct file *f = socket_hold(fd);

    return f ? (int)socket_done(f, f->ops->socket->getsockname(f, addr, len)) : -1;
}

int getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct file *f = socket_hold(fd);

    return f ? (int)socket_done(f, f->ops->socket->getpeername(f, addr, len)) : -1;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    struct file *f = socket_hold(fd);

    return f ? (int)socket_done(f, f->ops->socket->setsockopt(f, level, name, value, len)) : -1;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    struct file *f = socket_hold(fd);

    if (!f)
        return -1;
    if (!value || !len)
        return (int)socket_done(f, -EFAULT);
    return (int)socket_done(f, f->ops->socket->getsockopt(f, level, name, value, len));
}

/* ---- data ------------------------------------------------------------------------------------ */

int socket_check_vector(const struct msghdr *msg)
{
    return msg->msg_iovlen < 0 || msg->msg_iovlen > SOCKET_PARTS_MAX ? -EMSGSIZE : 0;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
    struct file *f = socket_hold(fd);
    int err = f ? socket_check_vector(msg) : 0;

    if (!f)
        return -1;
    return socket_done(f, err ? err : f->ops->socket->sendmsg(f, msg, flags));
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to,
               socklen_t tolen)
{
    struct iovec iov = {(void *)buf, len};
    struct msghdr msg = {
        .msg_name = (void *)to, .msg_namelen = tolen, .msg_iov = &iov, .msg_iovlen = 1};

    return sendmsg(fd, &msg, flags);
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
    struct file *f = socket_hold(fd);

    return f ? socket_done(f, f->ops->socket->send(f, buf, len, flags)) : -1;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
    struct file *f = socket_hold(fd);
    int err = f ? socket_check_vector(msg) : 0;

    if (!f)
        return -1;
    msg->msg_flags = 0;
    return socket_done(f, err ? err : f->ops->socket->recvmsg(f, msg, flags));
}

ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
                 socklen_t *fromlen)
{
    struct iovec iov = {buf, len};
    struct msghdr msg = {
        .msg_name = from, .msg_namelen = fromlen ? *fromlen : 0, .msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n = recvmsg(fd, &msg, flags);

    if (n >= 0 && fromlen)
        *fromlen = msg.msg_namelen;
    return n;
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    struct file *f = socket_hold(fd);

    return f ? socket_done(f, f->ops->socket->recv(f, buf, len, flags)) : -1;
}
