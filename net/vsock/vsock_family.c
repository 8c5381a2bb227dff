/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_family.c - AF_VSOCK as a family of net/socket/: what the functions of <sys/socket.h> call
 * for its sockets (vsock(7) on Linux).
 */
#include <errno.h>
#include <string.h>
#include <sys/time.h>

#include "vsock_sock.h"

static int vs_open(int family, int type, int protocol, int flags)
{
    struct vsock_sock *s;
    int fd;

    (void)family;
    if (type != SOCK_STREAM)
        return -EPROTOTYPE;
    if (protocol != 0 && protocol != AF_VSOCK)
        return -EPROTONOSUPPORT;
    s = vsock_sock_new();
    if (!s)
        return -ENOMEM;
    fd = vsock_sock_install(s, flags);
    if (fd < 0)
        vsock_sock_free(s);
    return fd;
}

/* ---- addresses ------------------------------------------------------------------------------- */

static int vs_bind(struct file *f, const struct sockaddr *sa, socklen_t len)
{
    struct vsock_sock *s = f->ctx;
    struct vsock_addr a;
    int err = vsock_addr_in(sa, len, &a);

    if (err)
        return err;
    if (s->kind != VSOCK_KIND_FRESH || s->owns_port)
        return -EINVAL;
    if (!vsock_up())
        return -ENODEV;
    if (a.cid != VMADDR_CID_ANY && a.cid != vsock_cid())
        return -EADDRNOTAVAIL;
    err = vsock_bind_port(s, a.port);
    if (!err)
        s->cid = a.cid;
    return err;
}

static int vs_getsockname(struct file *f, struct sockaddr *sa, socklen_t *len)
{
    struct vsock_sock *s = f->ctx;

    vsock_addr_out((struct vsock_addr){s->conn ? vsock_cid() : s->cid, s->port}, sa, len);
    return 0;
}

static int vs_getpeername(struct file *f, struct sockaddr *sa, socklen_t *len)
{
    struct vsock_sock *s = f->ctx;

    if (!s->conn || (vsock_status(s->conn) & VSOCK_CONNECTING))
        return -ENOTCONN;
    vsock_addr_out(vsock_peer(s->conn), sa, len);
    return 0;
}

/* ---- connections ----------------------------------------------------------------------------- */

static bool vs_connecting(const struct vsock_sock *s)
{
    return vsock_status(s->conn) & VSOCK_CONNECTING;
}

/* The result of a connect() that has ended. After a failure the socket is fresh again. */
static int vs_connect_result(struct vsock_sock *s)
{
    int err = vsock_error(s->conn);

    s->told = true;
    if (!err)
        return 0;
    vsock_close(s->conn);
    s->conn = NULL;
    s->kind = VSOCK_KIND_FRESH;
    return err;
}

static int vs_wait_connected(struct vsock_sock *s)
{
    uint64_t deadline = HAL_NEVER; /* the driver ends the attempt in time */
    int err;

    while (s->conn && vs_connecting(s)) {
        err = vsock_sock_wait(s, 0, &deadline, 0);
        if (err)
            return err == -EAGAIN ? -EINPROGRESS : err;
    }
    return s->conn ? vs_connect_result(s) : -EBADF;
}

static int vs_begin_connect(struct vsock_sock *s, struct vsock_addr peer)
{
    int err = 0;

    if (!vsock_up())
        return -ENODEV;
    if (peer.port == VMADDR_PORT_ANY || peer.cid == VMADDR_CID_ANY)
        return -EINVAL;
    if (peer.cid < VMADDR_CID_HOST || peer.cid == vsock_cid())
        return -ENETUNREACH; /* there is no loopback */
    if (!s->owns_port)
        err = vsock_bind_port(s, VMADDR_PORT_ANY);
    if (!err)
        err = vsock_connect(peer, s->port, s->space, s->connect_timeout, vsock_sock_changed, s,
                            &s->conn);
    if (err)
        return err;
    s->kind = VSOCK_KIND_CONNECTION;
    s->told = false;
    return 0;
}

static int vs_connect(struct file *f, const struct sockaddr *sa, socklen_t len)
{
    struct vsock_sock *s = f->ctx;
    struct vsock_addr peer;
    int err = vsock_addr_in(sa, len, &peer);

    if (err)
        return err;
    if (s->kind == VSOCK_KIND_LISTENING)
        return -EOPNOTSUPP;
    if (s->kind == VSOCK_KIND_CONNECTION && vs_connecting(s))
        return s->nonblock ? -EALREADY : vs_wait_connected(s);
    if (s->kind == VSOCK_KIND_CONNECTION)
        return s->told || !vsock_error(s->conn) ? -EISCONN : vs_connect_result(s);
    err = vs_begin_connect(s, peer);
    return err ? err : vs_wait_connected(s);
}

static int vs_listen(struct file *f, int backlog)
{
    struct vsock_sock *s = f->ctx;
    int err = 0;

    if (backlog < 1)
        backlog = 1;
    if (backlog > SOMAXCONN)
        backlog = SOMAXCONN;
    s->listener.backlog = (unsigned)backlog;
    if (s->kind == VSOCK_KIND_LISTENING)
        return 0;
    if (s->kind != VSOCK_KIND_FRESH)
        return -EINVAL;
    if (!vsock_up())
        return -ENODEV;
    if (!s->owns_port)
        err = vsock_bind_port(s, VMADDR_PORT_ANY);
    if (err)
        return err;
    s->listener.port = s->port;
    s->listener.space = s->space;
    s->listener.notify = vsock_sock_changed;
    s->listener.ctx = s;
    err = vsock_listen(&s->listener);
    if (!err)
        s->kind = VSOCK_KIND_LISTENING;
    return err;
}

static int vs_take_waiting(struct vsock_sock *s, int flags)
{
    struct vsock_sock *c = vsock_sock_new();
    int fd;

    if (!c)
        return -ENOMEM;
    fd = vsock_sock_install(c, flags);
    if (fd < 0) {
        vsock_sock_free(c);
        return fd;
    }
    c->kind = VSOCK_KIND_CONNECTION;
    c->conn = vsock_accept(&s->listener, vsock_sock_changed, c);
    c->cid = s->cid;
    c->port = s->port;
    c->space = s->space;
    c->told = true;
    return fd;
}

static int vs_accept(struct file *f, struct sockaddr *sa, socklen_t *len, int flags)
{
    struct vsock_sock *s = f->ctx;
    uint64_t deadline = 0;
    int fd;

    while (s->kind == VSOCK_KIND_LISTENING && !s->listener.waiting) {
        int err = vsock_up() ? vsock_sock_wait(s, s->read_timeout, &deadline, 0) : -ENETDOWN;

        if (err)
            return err;
    }
    if (s->kind != VSOCK_KIND_LISTENING)
        return -EINVAL;
    fd = vs_take_waiting(s, flags);
    if (fd >= 0)
        vs_getpeername(file_get(fd), sa, len);
    return fd;
}

static int vs_shutdown(struct file *f, int how)
{
    struct vsock_sock *s = f->ctx;

    if (!s->conn || (vsock_status(s->conn) & (VSOCK_CONNECTING | VSOCK_ENDED)))
        return -ENOTCONN;
    vsock_shutdown(s->conn, (how != SHUT_WR ? VSOCK_SHUT_RECEIVE : 0) |
                                (how != SHUT_RD ? VSOCK_SHUT_SEND : 0));
    return 0;
}

/* ---- data ------------------------------------------------------------------------------------ */

static ssize_t vs_sendmsg(struct file *f, const struct msghdr *msg, int flags)
{
    struct vsock_sock *s = f->ctx;

    if (msg->msg_name && msg->msg_namelen)
        return s->conn ? -EISCONN : -EOPNOTSUPP;
    return vsock_sock_send(s, msg->msg_iov, msg->msg_iovlen, flags);
}

static ssize_t vs_recvmsg(struct file *f, struct msghdr *msg, int flags)
{
    msg->msg_namelen = 0;
    return vsock_sock_recv(f->ctx, msg->msg_iov, msg->msg_iovlen, flags);
}

static ssize_t vs_send(struct file *f, const void *buf, size_t len, int flags)
{
    struct iovec iov = {(void *)buf, len};

    return vsock_sock_send(f->ctx, &iov, 1, flags);
}

static ssize_t vs_recv(struct file *f, void *buf, size_t len, int flags)
{
    struct iovec iov = {buf, len};

    return vsock_sock_recv(f->ctx, &iov, 1, flags);
}

/* ---- options --------------------------------------------------------------------------------- */

static int vs_set_space(struct vsock_sock *s, const void *value, socklen_t len)
{
    uint64_t v;

    if (!value || len < sizeof(v))
        return -EINVAL;
    memcpy(&v, value, sizeof(v));
    v = v < VSOCK_SPACE_MIN ? VSOCK_SPACE_MIN : v > VSOCK_SPACE_MAX ? VSOCK_SPACE_MAX : v;
    s->space = s->listener.space = (uint32_t)v;
    if (s->conn)
        vsock_set_space(s->conn, s->space);
    return 0;
}

static int vs_setsockopt(struct file *f, int level, int name, const void *value, socklen_t len)
{
    struct vsock_sock *s = f->ctx;

    if (level == AF_VSOCK && name == SO_VM_SOCKETS_BUFFER_SIZE)
        return vs_set_space(s, value, len);
    if (level == AF_VSOCK && name == SO_VM_SOCKETS_CONNECT_TIMEOUT) {
        uint64_t ns;
        int err = socket_timeout_in(value, len, &ns);

        if (!err)
            s->connect_timeout = ns ? ns : VSOCK_CONNECT_TIMEOUT;
        return err;
    }
    if (level == SOL_SOCKET && name == SO_RCVTIMEO)
        return socket_timeout_in(value, len, &s->read_timeout);
    if (level == SOL_SOCKET && name == SO_SNDTIMEO)
        return socket_timeout_in(value, len, &s->write_timeout);
    return -ENOPROTOOPT;
}

/* SO_ERROR: why a connection failed; 0 the next time. */
static int vs_take_error(struct vsock_sock *s)
{
    int err = s->conn && !s->told ? -vsock_error(s->conn) : 0;

    if (err)
        s->told = true;
    return err;
}

static int vs_get_int(struct vsock_sock *s, int name, int *v)
{
    switch (name) {
    case SO_ERROR:
        *v = vs_take_error(s);
        return 0;
    case SO_TYPE:
        *v = SOCK_STREAM;
        return 0;
    case SO_DOMAIN:
        *v = AF_VSOCK;
        return 0;
    case SO_PROTOCOL:
        *v = 0;
        return 0;
    case SO_ACCEPTCONN:
        *v = s->kind == VSOCK_KIND_LISTENING;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int vs_getsockopt(struct file *f, int level, int name, void *value, socklen_t *len)
{
    struct vsock_sock *s = f->ctx;
    uint64_t space = s->space;
    int v, err = -ENOPROTOOPT;

    if (level == AF_VSOCK && name == SO_VM_SOCKETS_BUFFER_SIZE)
        socket_value_out(&space, sizeof(space), value, len);
    else if (level == AF_VSOCK && name == SO_VM_SOCKETS_CONNECT_TIMEOUT)
        socket_timeout_out(s->connect_timeout, value, len);
    else if (level == SOL_SOCKET && name == SO_RCVTIMEO)
        socket_timeout_out(s->read_timeout, value, len);
    else if (level == SOL_SOCKET && name == SO_SNDTIMEO)
        socket_timeout_out(s->write_timeout, value, len);
    else if (level == SOL_SOCKET && !(err = vs_get_int(s, name, &v)))
        socket_value_out(&v, sizeof(v), value, len);
    else
        return err;
    return 0;
}

/* ---- the family ------------------------------------------------------------------------------ */

const struct socket_ops vsock_socket_ops = {
    .bind = vs_bind,
    .connect = vs_connect,
    .listen = vs_listen,
    .accept = vs_accept,
    .shutdown = vs_shutdown,
    .getsockname = vs_getsockname,
    .getpeername = vs_getpeername,
    .setsockopt = vs_setsockopt,
    .getsockopt = vs_getsockopt,
    .sendmsg = vs_sendmsg,
    .recvmsg = vs_recvmsg,
    .send = vs_send,
    .recv = vs_recv,
};

struct socket_family vsock_socket_family = {
    .name = "vsock", .families = {AF_VSOCK, AF_UNSPEC}, .open = vs_open};

static void vsock_add_family(void)
{
    socket_family_add(&vsock_socket_family);
    if (!vsock_up())
        hal_log(HAL_WARN, "vsock",
                "no socket device: start QEMU with -device vhost-vsock-device,guest-cid=3, or with "
                "a vhost-user-vsock-device");
}
HAL_INIT(HAL_INIT_STACK, vsock_add_family);
