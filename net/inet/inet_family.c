/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inet_family.c - AF_INET and AF_INET6 as families of net/socket/: what the functions of
 * <sys/socket.h> call for their sockets.
 */
#include <errno.h>
#include <string.h>

#include "sock.h"
#include "socket_ops.h"

#define SOCK_MAX 11 /* numbers from here on are no types, as on Linux */

/* Leaves the stack, and hands the result on. */
static ssize_t inet_done(ssize_t result)
{
    net_leave();
    return result;
}

/* Enters the stack: the socket of a file. */
static struct sock *inet_enter(struct file *f)
{
    net_enter();
    return f->ctx;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int inet_kind(int type, int protocol)
{
    if (type < 0 || type >= SOCK_MAX || protocol < 0 || protocol >= 256)
        return -EINVAL;
    switch (type) {
    case SOCK_STREAM:
        return protocol == 0 || protocol == IPPROTO_TCP ? SOCK_KIND_TCP : -EPROTONOSUPPORT;
    case SOCK_DGRAM:
        return protocol == 0 || protocol == IPPROTO_UDP ? SOCK_KIND_UDP : -EPROTONOSUPPORT;
    case SOCK_RAW:
        return protocol > 0 ? SOCK_KIND_RAW : -EPROTONOSUPPORT;
    default:
        return -ESOCKTNOSUPPORT;
    }
}

static int inet_open_kind(struct sock *s, int protocol)
{
    s->protocol = s->kind == SOCK_KIND_TCP   ? IPPROTO_TCP
                  : s->kind == SOCK_KIND_UDP ? IPPROTO_UDP
                                             : (uint8_t)protocol;
    return s->kind == SOCK_KIND_TCP ? sock_tcp_open(s) : sock_dgram_open(s, protocol);
}

static int inet_open_socket(int family, int type, int protocol, int flags)
{
    int kind = inet_kind(type, protocol);
    struct sock *s;
    int err;

    if (kind < 0)
        return kind;
    s = sock_new((enum sock_kind)kind, family);
    if (!s)
        return -ENOMEM;
    err = inet_open_kind(s, protocol);
    if (err) {
        s->closed = true;
        sock_unref(s);
        return err;
    }
    err = sock_install(s, flags);
    if (err < 0)
        sock_discard(s);
    return err;
}

static int inet_open(int family, int type, int protocol, int flags)
{
    net_enter();
    return (int)inet_done(inet_open_socket(family, type, protocol, flags));
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* Linux takes AF_UNSPEC with 0.0.0.0 for AF_INET, since old programs leave the family out. */
static int inet_address_in(struct sock *s, const struct sockaddr *sa, socklen_t len,
                           ip_addr_t *addr, u16_t *port)
{
    struct sockaddr_in in;

    if (s->family == AF_INET && len >= sizeof(in) && sa->sa_family == AF_UNSPEC) {
        memcpy(&in, sa, sizeof(in));
        if (in.sin_addr.s_addr != INADDR_ANY)
            return -EAFNOSUPPORT;
        in.sin_family = AF_INET;
        return sock_addr_in(s, (struct sockaddr *)&in, sizeof(in), addr, port);
    }
    return sock_addr_in(s, sa, len, addr, port);
}

/* A group of a link without the number of the link? */
static bool inet_lacks_scope(const struct sockaddr *sa)
{
    struct sockaddr_in6 in6;

    memcpy(&in6, sa, sizeof(in6));
    return IN6_IS_ADDR_MC_LINKLOCAL(&in6.sin6_addr) && !in6.sin6_scope_id;
}

static int inet_bind_to(struct sock *s, const struct sockaddr *sa, socklen_t len)
{
    ip_addr_t addr;
    u16_t port;
    int err = sa ? inet_address_in(s, sa, len, &addr, &port) : -EINVAL;

    if (!err && s->family == AF_INET6 && inet_lacks_scope(sa))
        err = -EINVAL;
    if (err == -ENETUNREACH)
        return -EINVAL; /* an address of IPv4, and IPV6_V6ONLY */
    if (err)
        return err;
    if (s->kind == SOCK_KIND_RAW)
        return sock_dgram_bind_raw(s, &addr);
    if (s->kind == SOCK_KIND_TCP && s->state != SOCK_TCP_IDLE)
        return -EINVAL;
    return sock_bind(s, &addr, port);
}

static int inet_bind(struct file *f, const struct sockaddr *addr, socklen_t len)
{
    struct sock *s = inet_enter(f);

    return (int)inet_done(inet_bind_to(s, addr, len));
}

static int inet_disconnect(struct sock *s)
{
    if (s->kind == SOCK_KIND_TCP)
        sock_tcp_disconnect(s);
    else
        sock_dgram_disconnect(s);
    sock_changed(s);
    return 0;
}

static int inet_connect_to(struct sock *s, const struct sockaddr *sa, socklen_t len)
{
    ip_addr_t addr;
    u16_t port;
    int err;

    if (sa && len >= sizeof(sa->sa_family) && sa->sa_family == AF_UNSPEC)
        return inet_disconnect(s);
    err = sock_addr_peer(s, sa, len, &addr, &port);
    if (err)
        return err;
    return s->kind == SOCK_KIND_TCP ? sock_tcp_connect(s, &addr, port)
                                    : sock_dgram_connect(s, &addr, port);
}

static int inet_connect(struct file *f, const struct sockaddr *addr, socklen_t len)
{
    struct sock *s = inet_enter(f);

    return (int)inet_done(inet_connect_to(s, addr, len));
}

static int inet_local_name(struct sock *s, struct sockaddr *sa, socklen_t *len)
{
    const ip_addr_t *addr = s->udp ? &s->udp->local_ip : &s->bound;

    sock_addr_out(s, addr,
                  s->kind == SOCK_KIND_RAW   ? 0
                  : s->kind == SOCK_KIND_UDP ? s->udp->local_port
                                             : s->port,
                  sa, len);
    return 0;
}

static int inet_getsockname(struct file *f, struct sockaddr *addr, socklen_t *len)
{
    struct sock *s = inet_enter(f);

    return (int)inet_done(inet_local_name(s, addr, len));
}

static int inet_peer_name(struct sock *s, struct sockaddr *sa, socklen_t *len)
{
    if (s->kind == SOCK_KIND_TCP ? s->state != SOCK_TCP_OPEN
                                 : !s->has_peer || (s->kind == SOCK_KIND_UDP && !s->peer_port))
        return -ENOTCONN;
    sock_addr_out(s, &s->udp->remote_ip,
                  s->kind == SOCK_KIND_RAW   ? 0
                  : s->kind == SOCK_KIND_UDP ? s->udp->remote_port
                                             : s->tcp->remote_port,
                  sa, len);
    return 0;
}

static int inet_getpeername(struct file *f, struct sockaddr *addr, socklen_t *len)
{
    struct sock *s = inet_enter(f);

    return (int)inet_done(inet_peer_name(s, addr, len));
}

/* ---- connections ----------------------------------------------------------------------------- */

static int inet_listen(struct file *f, int backlog)
{
    struct sock *s = inet_enter(f);

    return (int)inet_done(s->kind == SOCK_KIND_TCP ? sock_tcp_listen(s, backlog) : -EOPNOTSUPP);
}

/* The connection leaves the listener's queue when it has a descriptor, not before. */
static int inet_accept_one(struct sock *s, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct sock *c;
    int err = s->kind == SOCK_KIND_TCP ? sock_tcp_accept(s, &c) : -EOPNOTSUPP;

    if (err)
        return err;
    err = sock_install(c, flags);
    if (err < 0)
        return err;
    sock_tcp_accepted(s);
    if (inet_peer_name(c, addr, len) && len)
        *len = 0; /* the connection was reset meanwhile: its address is not known any more */
    return err;
}

static int inet_accept(struct file *f, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct sock *s = inet_enter(f);

    return (int)inet_done(inet_accept_one(s, addr, len, flags));
}

static int inet_shut(struct sock *s, int how)
{
    if (s->kind == SOCK_KIND_TCP)
        return sock_tcp_shutdown(s, how);
    if (!s->has_peer)
        return -ENOTCONN;
    s->read_shut |= how != SHUT_WR;
    s->write_shut |= how != SHUT_RD;
    sock_changed(s);
    return 0;
}

static int inet_shutdown(struct file *f, int how)
{
    struct sock *s = inet_enter(f);

    return (int)inet_done(inet_shut(s, how));
}

/* ---- data ------------------------------------------------------------------------------------ */

static ssize_t inet_send_dgram(struct sock *s, const struct msghdr *msg, int flags)
{
    struct sock_msg m; /* most of it is for receiving */
    int err = 0;

    m.iov = msg->msg_iov;
    m.iovcnt = msg->msg_iovlen;
    m.has_addr = false;
    m.netif = 0;
    m.directed = false;
    ip_addr_set_any_val(false, m.source);
    if (msg->msg_name) {
        err = sock_addr_peer(s, msg->msg_name, msg->msg_namelen, &m.addr, &m.port);
        m.has_addr = true;
    }
    if (!err && msg->msg_controllen)
        err = sock_cmsg_in(s, msg, &m);
    return err ? err : sock_dgram_send(s, &m, flags);
}

static ssize_t inet_sendmsg(struct file *f, const struct msghdr *msg, int flags)
{
    struct sock *s = inet_enter(f);

    return inet_done(s->kind == SOCK_KIND_TCP
                         ? sock_tcp_send(s, msg->msg_iov, msg->msg_iovlen, NULL, flags)
                         : inet_send_dgram(s, msg, flags));
}

static ssize_t inet_recv_dgram(struct sock *s, struct msghdr *msg, int flags)
{
    struct sock_msg m; /* most of it is for sending */
    ssize_t n;

    m.iov = msg->msg_iov;
    m.iovcnt = msg->msg_iovlen;
    m.has_addr = msg->msg_name || s->wants;
    m.truncated = false;
    n = sock_dgram_recv(s, &m, flags);
    if (n < 0)
        return n;
    if (msg->msg_name && m.has_addr)
        sock_addr_out(s, &m.origin.from, m.origin.port, msg->msg_name, &msg->msg_namelen);
    else
        msg->msg_namelen = 0;
    msg->msg_flags = m.truncated ? MSG_TRUNC : 0;
    if (s->wants && m.has_addr)
        sock_cmsg_out(s, &m.origin, msg);
    else
        msg->msg_controllen = 0;
    return n;
}

static ssize_t inet_recv_stream(struct sock *s, struct msghdr *msg, int flags)
{
    ssize_t n = sock_tcp_recv(s, msg->msg_iov, msg->msg_iovlen, flags);

    if (n >= 0) {
        msg->msg_namelen = 0;
        msg->msg_flags = 0;
        msg->msg_controllen = 0;
    }
    return n;
}

static ssize_t inet_recvmsg(struct file *f, struct msghdr *msg, int flags)
{
    struct sock *s = inet_enter(f);

    return inet_done(s->kind == SOCK_KIND_TCP ? inet_recv_stream(s, msg, flags)
                                              : inet_recv_dgram(s, msg, flags));
}

/* ---- options --------------------------------------------------------------------------------- */

static int inet_setsockopt(struct file *f, int level, int name, const void *value, socklen_t len)
{
    struct sock *s = inet_enter(f);

    sock_dgram_forget_flow(s);
    return (int)inet_done(sock_setopt(s, level, name, value, len));
}

static int inet_getsockopt(struct file *f, int level, int name, void *value, socklen_t *len)
{
    struct sock *s = inet_enter(f);

    return (int)inet_done(sock_getopt(s, level, name, value, len));
}

const struct socket_ops inet_socket_ops = {
    .bind = inet_bind,
    .connect = inet_connect,
    .listen = inet_listen,
    .accept = inet_accept,
    .shutdown = inet_shutdown,
    .getsockname = inet_getsockname,
    .getpeername = inet_getpeername,
    .setsockopt = inet_setsockopt,
    .getsockopt = inet_getsockopt,
    .sendmsg = inet_sendmsg,
    .recvmsg = inet_recvmsg,
    .send = sock_op_send,
    .recv = sock_op_recv,
};

struct socket_family net_socket_family = {
    .name = "inet", .families = {AF_INET, AF_INET6}, .open = inet_open};

static void inet_add_family(void)
{
    socket_family_add(&net_socket_family);
    sock_end_init();
}
HAL_INIT(HAL_INIT_BUS, inet_add_family);
