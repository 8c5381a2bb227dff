/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_file.c - AF_VSOCK sockets as files: how they begin, wait and end, their data, and what the
 * descriptor table calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "vsock_sock.h"

struct vsock_sock *vsock_sock_new(void)
{
    struct vsock_sock *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->cid = VMADDR_CID_ANY;
    s->port = VMADDR_PORT_ANY;
    s->space = VSOCK_SPACE_DEFAULT;
    s->connect_timeout = VSOCK_CONNECT_TIMEOUT;
    vsock_bind_add(s);
    return s;
}

/* Ends the connection or the listener, and frees the port. */
static void vs_end(struct vsock_sock *s)
{
    if (s->kind == VSOCK_KIND_LISTENING)
        vsock_unlisten(&s->listener);
    if (s->conn)
        vsock_close(s->conn);
    s->conn = NULL;
    s->kind = VSOCK_KIND_FRESH;
    s->owns_port = false;
}

void vsock_sock_free(struct vsock_sock *s)
{
    vs_end(s);
    vsock_bind_remove(s);
    free(s);
}

int vsock_sock_install(struct vsock_sock *s, int flags)
{
    bool nonblock = flags & SOCK_NONBLOCK;
    int fd = file_install(&vsock_file_ops, s, O_RDWR | (nonblock ? O_NONBLOCK : 0));

    if (fd < 0)
        return fd;
    s->nonblock = nonblock;
    s->file = file_get(fd);
    return fd;
}

void vsock_sock_changed(void *ctx)
{
    struct vsock_sock *s = ctx;

    waitq_wake_all(&s->waiters);
    if (s->file)
        file_ready(s->file, FILE_ANY);
}

int vsock_sock_wait(struct vsock_sock *s, uint64_t timeout_ns, uint64_t *deadline, int flags)
{
    int err;

    if (s->closed)
        return -EBADF;
    if (s->nonblock || (flags & MSG_DONTWAIT))
        return -EAGAIN;
    if (*deadline == 0)
        *deadline = timeout_ns ? hal_now_ns() + timeout_ns : HAL_NEVER;
    err = waitq_wait(&s->waiters, *deadline);
    if (s->closed)
        return -EBADF;
    return err ? -EAGAIN : 0;
}

/* ---- data ------------------------------------------------------------------------------------ */

/*
 * The same for a call that moves data: -ENOTCONN if another task's connect() has found meanwhile
 * that the connection failed, and has made the socket fresh again.
 */
static int vs_wait_for_data(struct vsock_sock *s, uint64_t timeout_ns, uint64_t *deadline,
                            int flags)
{
    int err = vsock_sock_wait(s, timeout_ns, deadline, flags);

    return err || s->conn ? err : -ENOTCONN;
}

/* Sends one piece: all of it, or as much as went before an error or the deadline. [parks] */
static ssize_t vs_send_piece(struct vsock_sock *s, const struct iovec *piece, uint64_t *deadline,
                             int flags)
{
    size_t sent = 0;

    while (sent < piece->iov_len) {
        size_t left = piece->iov_len - sent;
        int n = vsock_send(s->conn, (const char *)piece->iov_base + sent,
                           left < INT_MAX ? (uint32_t)left : INT_MAX);

        if (n == -EAGAIN)
            n = vs_wait_for_data(s, s->write_timeout, deadline, flags);
        if (n < 0)
            return sent ? (ssize_t)sent : n;
        sent += (size_t)n;
    }
    return (ssize_t)sent;
}

ssize_t vsock_sock_send(struct vsock_sock *s, const struct iovec *iov, int n, int flags)
{
    ssize_t total = 0, want = socket_iov_len(iov, n);
    uint64_t deadline = 0;

    if (flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE))
        return -EOPNOTSUPP;
    if (want < 0)
        return want;
    if (!s->conn || (vsock_status(s->conn) & VSOCK_CONNECTING))
        return -ENOTCONN;
    for (int i = 0; i < n; i++) {
        ssize_t sent = vs_send_piece(s, &iov[i], &deadline, flags);

        if (sent < 0)
            return total ? total : sent;
        total += sent;
        if ((size_t)sent < iov[i].iov_len)
            break;
    }
    return total;
}

/* Copies what is there now into the vector; a peek fills its first buffer only. */
static ssize_t vs_take(struct vsock_sock *s, const struct iovec *iov, int n, bool peek)
{
    ssize_t total = 0;

    for (int i = 0; i < n; i++) {
        uint32_t most = iov[i].iov_len < INT_MAX ? (uint32_t)iov[i].iov_len : INT_MAX;
        int got = most ? vsock_recv(s->conn, iov[i].iov_base, most, peek) : 0;

        if (got < 0)
            return total ? total : got;
        total += got;
        if (peek || (uint32_t)got < most)
            break;
    }
    return total;
}

/* Waits for data, with MSG_WAITALL and a single buffer for all of it. [parks] */
static ssize_t vs_recv_all(struct vsock_sock *s, const struct iovec *iov, int n, int flags)
{
    bool all = (flags & MSG_WAITALL) && n == 1 && !(flags & MSG_PEEK);
    struct iovec rest = *iov;
    uint64_t deadline = 0;
    ssize_t total = 0;

    for (;;) {
        ssize_t got = vs_take(s, all ? &rest : iov, n, flags & MSG_PEEK);

        if (got > 0) {
            total += got;
            rest.iov_base = (char *)rest.iov_base + got;
            rest.iov_len -= (size_t)got;
        }
        if (got == 0 || (got > 0 && (!all || !rest.iov_len)))
            return total;
        if (got == -EAGAIN)
            got = vs_wait_for_data(s, s->read_timeout, &deadline, flags);
        if (got < 0)
            return total ? total : got;
    }
}

ssize_t vsock_sock_recv(struct vsock_sock *s, const struct iovec *iov, int n, int flags)
{
    ssize_t want = socket_iov_len(iov, n);

    if (flags & ~(MSG_DONTWAIT | MSG_PEEK | MSG_WAITALL | MSG_NOSIGNAL))
        return -EOPNOTSUPP;
    if (want <= 0)
        return want;
    if (!s->conn || (vsock_status(s->conn) & VSOCK_CONNECTING))
        return -ENOTCONN;
    return vs_recv_all(s, iov, n, flags);
}

/* ---- what the descriptor table calls --------------------------------------------------------- */

static ssize_t vs_op_read(struct file *f, void *buf, size_t len)
{
    struct iovec iov = {buf, len};

    return vsock_sock_recv(f->ctx, &iov, 1, 0);
}

static ssize_t vs_op_write(struct file *f, const void *buf, size_t len)
{
    struct iovec iov = {(void *)buf, len};

    return vsock_sock_send(f->ctx, &iov, 1, 0);
}

static int vs_op_fstat(struct file *f, struct stat *st)
{
    (void)f;
    st->st_mode = S_IFSOCK | 0666;
    st->st_blksize = 4096;
    return 0;
}

static int vs_op_set_nonblock(struct file *f, bool on)
{
    struct vsock_sock *s = f->ctx;

    s->nonblock = on;
    return 0;
}

static int vs_op_ioctl(struct file *f, unsigned long request, void *arg)
{
    struct vsock_sock *s = f->ctx;

    switch (request) {
    case FIONREAD:
        *(int *)arg = s->conn ? (int)vsock_waiting(s->conn) : 0;
        return 0;
    case FIONBIO:
        s->nonblock = *(int *)arg != 0;
        f->flags = s->nonblock ? f->flags | O_NONBLOCK : f->flags & ~(unsigned)O_NONBLOCK;
        return 0;
    case IOCTL_VM_SOCKETS_GET_LOCAL_CID:
        *(unsigned *)arg = vsock_cid();
        return 0;
    default:
        return -ENOTTY;
    }
}

static int vs_poll_connection(struct vsock_sock *s)
{
    unsigned now = vsock_status(s->conn);
    int events = 0;

    if (now & VSOCK_CAN_READ)
        events |= POLLIN | POLLRDNORM;
    if (now & VSOCK_CAN_WRITE)
        events |= POLLOUT | POLLWRNORM;
    if (now & VSOCK_ENDED)
        events |= POLLHUP | (vsock_error(s->conn) && !s->told ? POLLERR : 0);
    return events;
}

static int vs_op_poll(struct file *f, int events)
{
    struct vsock_sock *s = f->ctx;
    int now = POLLHUP;

    if (s->kind == VSOCK_KIND_CONNECTION)
        now = vs_poll_connection(s);
    else if (s->kind == VSOCK_KIND_LISTENING)
        now = (s->listener.waiting ? POLLIN | POLLRDNORM : 0) | (vsock_up() ? 0 : POLLERR);
    return now & (events | POLLERR | POLLHUP);
}

/* The last descriptor is gone while a call holds the file: that call and the peer learn of it. */
static void vs_op_abandon(struct file *f)
{
    struct vsock_sock *s = f->ctx;

    s->file = NULL;
    s->closed = true;
    vs_end(s);
    waitq_wake_all(&s->waiters);
}

static int vs_op_close(struct file *f)
{
    vsock_sock_free(f->ctx);
    return 0;
}

const struct file_ops vsock_file_ops = {
    .name = "vsock",
    .socket = &vsock_socket_ops,
    .read = vs_op_read,
    .write = vs_op_write,
    .fstat = vs_op_fstat,
    .ioctl = vs_op_ioctl,
    .set_nonblock = vs_op_set_nonblock,
    .poll = vs_op_poll,
    .abandon = vs_op_abandon,
    .close = vs_op_close,
};
