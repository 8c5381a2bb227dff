/*
 * sock_api.c - the functions of <sys/socket.h>.
 */
#include <errno.h>
#include <string.h>

#include "sock.h"
#include "sock_api.h"

/* The socket behind a descriptor; NULL with errno set. */
static struct sock *lookup(int fd)
{
    struct file *f = file_get(fd);

    if (!f) {
        errno = EBADF;
        return NULL;
    }
    if (f->ops != &sock_ops) {
        errno = ENOTSOCK;
        return NULL;
    }
    return f->ctx;
}

/* Leaves the stack; a negative result becomes -1 with errno. */
static ssize_t done(ssize_t result)
{
    net_leave();
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int kind_of(int type, int protocol)
{
    switch (type) {
    case SOCK_STREAM:
        return protocol == 0 || protocol == IPPROTO_TCP ? SOCK_KIND_TCP : -EPROTONOSUPPORT;
    case SOCK_DGRAM:
        return protocol == 0 || protocol == IPPROTO_UDP ? SOCK_KIND_UDP : -EPROTONOSUPPORT;
    case SOCK_RAW:
        return protocol > 0 && protocol < 256 ? SOCK_KIND_RAW : -EPROTONOSUPPORT;
    default: return -EINVAL;
    }
}

static int open_kind(struct sock *s, int protocol)
{
    static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP};

    s->protocol = s->kind == SOCK_KIND_RAW ? (uint8_t)protocol : protocols[s->kind];
    return s->kind == SOCK_KIND_TCP ? sock_tcp_open(s) : sock_dgram_open(s, protocol);
}

static void abandon(struct sock *s)
{
    if (s->kind <= SOCK_KIND_LISTEN)
        sock_tcp_close(s);
    else
        sock_dgram_close(s);
    s->closed = true;
    sock_unref(s);
}

static int open_socket(int family, int type, int protocol)
{
    int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
    int kind = kind_of(type & ~flags, protocol);
    struct sock *s;
    int err;

    if (family != AF_INET && family != AF_INET6)
        return -EAFNOSUPPORT;
    if (kind < 0)
        return kind;
    s = sock_new((enum sock_kind)kind, family);
    if (!s)
        return -ENOMEM;
    err = open_kind(s, protocol);
    if (err) {
        s->closed = true;
        sock_unref(s);
        return err;
    }
    err = sock_install(s, flags);
    if (err < 0)
        abandon(s);
    return err;
}

int socket(int domain, int type, int protocol)
{
    net_enter();
    return (int)done(open_socket(domain, type, protocol));
}

/* ---- addresses ------------------------------------------------------------------------------- */

static int bind_to(struct sock *s, const struct sockaddr *sa, socklen_t len)
{
    ip_addr_t addr;
    u16_t port;
    int err = sock_addr_in(s, sa, len, &addr, &port);

    if (err)
        return err;
    return s->kind <= SOCK_KIND_LISTEN ? sock_tcp_bind(s, &addr, port)
                                       : sock_dgram_bind(s, &addr, port);
}

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct sock *s = lookup(fd);

    if (!s)
        return -1;
    net_enter();
    return (int)done(bind_to(s, addr, len));
}

static int connect_to(struct sock *s, const struct sockaddr *sa, socklen_t len)
{
    ip_addr_t addr;
    u16_t port;
    int err = sock_addr_in(s, sa, len, &addr, &port);

    if (err)
        return err;
    return s->kind <= SOCK_KIND_LISTEN ? sock_tcp_connect(s, &addr, port)
                                       : sock_dgram_connect(s, &addr, port);
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct sock *s = lookup(fd);

    if (!s)
        return -1;
    net_enter();
    return (int)done(connect_to(s, addr, len));
}

static int local_name(struct sock *s, struct sockaddr *sa, socklen_t *len)
{
    if (!s->udp)
        return -EINVAL;
    sock_addr_out(s, &s->udp->local_ip,
                  s->kind == SOCK_KIND_RAW  ? 0
                  : s->kind == SOCK_KIND_UDP ? s->udp->local_port
                                             : s->tcp->local_port,
                  sa, len);
    return 0;
}

int getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct sock *s = lookup(fd);

    if (!s)
        return -1;
    net_enter();
    return (int)done(local_name(s, addr, len));
}

static int peer_name(struct sock *s, struct sockaddr *sa, socklen_t *len)
{
    if (!s->connected || !s->udp || s->kind == SOCK_KIND_LISTEN)
        return -ENOTCONN;
    sock_addr_out(s, &s->udp->remote_ip,
                  s->kind == SOCK_KIND_RAW  ? 0
                  : s->kind == SOCK_KIND_UDP ? s->udp->remote_port
                                             : s->tcp->remote_port,
                  sa, len);
    return 0;
}

int getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct sock *s = lookup(fd);

    if (!s)
        return -1;
    net_enter();
    return (int)done(peer_name(s, addr, len));
}

/* ---- connections ----------------------------------------------------------------------------- */

int listen(int fd, int backlog)
{
    struct sock *s = lookup(fd);

    if (!s)
        return -1;
    net_enter();
    return (int)done(s->kind <= SOCK_KIND_LISTEN ? sock_tcp_listen(s, backlog) : -EOPNOTSUPP);
}

static int accept_one(struct sock *s, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct sock *c;
    int err = s->kind <= SOCK_KIND_LISTEN ? sock_tcp_accept(s, &c) : -EOPNOTSUPP;

    if (err)
        return err;
    err = sock_install(c, flags);
    if (err < 0) {
        abandon(c);
        return err;
    }
    if (peer_name(c, addr, len) && len)
        *len = 0; /* reset already: its address is gone */
    return err;
}

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct sock *s = lookup(fd);

    if (!s)
        return -1;
    net_enter();
    return (int)done(accept_one(s, addr, len, flags));
}

int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    return accept4(fd, addr, len, 0);
}

static int shut(struct sock *s, int how)
{
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (s->kind <= SOCK_KIND_LISTEN)
        return sock_tcp_shutdown(s, how);
    if (!s->connected)
        return -ENOTCONN;
    s->read_shut |= how != SHUT_WR;
    s->write_shut |= how != SHUT_RD;
    sock_changed(s);
    return 0;
}

int shutdown(int fd, int how)
{
    struct sock *s = lookup(fd);

    if (!s)
        return -1;
    net_enter();
    return (int)done(shut(s, how));
}

/* ---- data ------------------------------------------------------------------------------------ */

static ssize_t send_to(int fd, struct sock_msg *m, int flags, const struct sockaddr *to,
                       socklen_t tolen)
{
    struct sock *s = lookup(fd);
    int err = 0;

    if (!s)
        return -1;
    net_enter();
    if (to && s->kind > SOCK_KIND_LISTEN) {
        err = sock_addr_in(s, to, tolen, &m->addr, &m->port);
        m->has_addr = true;
    }
    if (err)
        return done(err);
    return done(s->kind <= SOCK_KIND_LISTEN ? sock_tcp_send(s, m, flags)
                                            : sock_dgram_send(s, m, flags));
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to,
               socklen_t tolen)
{
    struct iovec iov = {(void *)buf, len};
    struct sock_msg m = {.iov = &iov, .iovcnt = 1};

    return send_to(fd, &m, flags, to, tolen);
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
    return sendto(fd, buf, len, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
    struct sock_msg m = {.iov = msg->msg_iov, .iovcnt = msg->msg_iovlen};

    return send_to(fd, &m, flags, msg->msg_name, msg->msg_namelen);
}

static ssize_t recv_from(int fd, struct sock_msg *m, int flags, struct sockaddr *from,
                         socklen_t *fromlen)
{
    struct sock *s = lookup(fd);
    ssize_t n;

    if (!s)
        return -1;
    net_enter();
    n = s->kind <= SOCK_KIND_LISTEN ? sock_tcp_recv(s, m, flags) : sock_dgram_recv(s, m, flags);
    if (n >= 0 && m->has_addr)
        sock_addr_out(s, &m->addr, m->port, from, fromlen);
    else if (n >= 0 && fromlen)
        *fromlen = 0;
    return done(n);
}

ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
                 socklen_t *fromlen)
{
    struct iovec iov = {buf, len};
    struct sock_msg m = {.iov = &iov, .iovcnt = 1};

    return recv_from(fd, &m, flags, from, fromlen);
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    return recvfrom(fd, buf, len, flags, NULL, NULL);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
    struct sock_msg m = {.iov = msg->msg_iov, .iovcnt = msg->msg_iovlen};
    socklen_t fromlen = msg->msg_namelen;
    ssize_t n = recv_from(fd, &m, flags, msg->msg_name, msg->msg_name ? &fromlen : NULL);

    if (n < 0)
        return n;
    msg->msg_namelen = msg->msg_name ? fromlen : 0;
    msg->msg_flags = m.truncated ? MSG_TRUNC : 0;
    msg->msg_controllen = 0;
    return n;
}

/* ---- options --------------------------------------------------------------------------------- */

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    struct sock *s = lookup(fd);

    if (!s)
        return -1;
    net_enter();
    return (int)done(sock_setopt(s, level, name, value, len));
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    struct sock *s = lookup(fd);

    if (!s)
        return -1;
    net_enter();
    return (int)done(sock_getopt(s, level, name, value, len));
}
