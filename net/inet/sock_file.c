/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_file.c - sockets as files: how they begin, wait and end, and what the descriptor table
 * calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "sock.h"

struct sock *sock_new(enum sock_kind kind, int family)
{
    struct sock *s = net_calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->kind = kind;
    s->family = (uint8_t)family;
    s->rx_limit = SOCK_DGRAM_QUEUE;
    s->low_water = 1;
    s->options = (struct sock_options){.ttl = IP_DEFAULT_TTL,
                                       .hops = IP_DEFAULT_TTL,
                                       .group_ttl = 1,
                                       .group_hops = 1,
                                       .group_loop = true,
                                       .group_loop6 = true,
                                       .keep_idle = 7200,
                                       .keep_interval = 75,
                                       .keep_count = 9,
                                       .congestion = tcp_option_congestion};
    ip_addr_copy(s->bound, *sock_addr_any(s));
    net_core.sockets++;
    return s;
}

void sock_unref(struct sock *s)
{
    if (s->users || !s->closed)
        return;
    net_core.sockets--;
    net_free(s);
}

int sock_install(struct sock *s, int flags)
{
    bool nonblock = flags & SOCK_NONBLOCK;
    int fd = file_install(&sock_file_ops, s, O_RDWR | (nonblock ? O_NONBLOCK : 0));

    if (fd < 0)
        return fd;
    s->nonblock = nonblock;
    s->file = file_get(fd);
    return fd;
}

int sock_wait(struct sock *s, struct waitq *q, uint64_t timeout_ns, uint64_t *deadline, int flags)
{
    int err;

    if (s->closed)
        return -EBADF;
    if (s->nonblock || (flags & MSG_DONTWAIT))
        return -EAGAIN;
    if (*deadline == 0)
        *deadline = timeout_ns ? hal_now_ns() + timeout_ns : HAL_NEVER;
    s->users++;
    err = net_park(q, *deadline);
    s->users--;
    if (s->closed) {
        sock_unref(s);
        return -EBADF;
    }
    return err ? -EAGAIN : 0;
}

void sock_readable(struct sock *s)
{
    waitq_wake_all(&s->readers);
    if (s->file)
        file_ready(s->file, POLLIN | POLLRDNORM);
}

void sock_writable(struct sock *s)
{
    s->want_write = false;
    waitq_wake_all(&s->writers);
    if (s->file)
        file_ready(s->file, POLLOUT | POLLWRNORM);
}

void sock_changed(struct sock *s)
{
    s->want_write = false;
    waitq_wake_all(&s->readers);
    waitq_wake_all(&s->writers);
    waitq_wake_all(&net_core.memory); /* a writer of this socket may wait there */
    if (s->file)
        file_ready(s->file, FILE_ANY);
}

static struct sock *stuck;

void sock_await_means(struct sock *s)
{
    if (s->stuck_link)
        return;
    s->next_stuck = stuck;
    s->stuck_link = &stuck;
    if (stuck)
        stuck->stuck_link = &s->next_stuck;
    stuck = s;
}

static void sock_unstick(struct sock *s)
{
    if (!s->stuck_link)
        return;
    *s->stuck_link = s->next_stuck;
    if (s->next_stuck)
        s->next_stuck->stuck_link = s->stuck_link;
    s->stuck_link = NULL;
}

void sock_means_changed(void)
{
    while (stuck) {
        struct sock *s = stuck;

        sock_unstick(s);
        sock_writable(s);
    }
}

int sock_take_error(struct sock *s)
{
    int err = s->error;

    s->error = 0;
    return err;
}

/* ---- what the descriptor table calls --------------------------------------------------------- */

ssize_t sock_op_recv(struct file *f, void *buf, size_t len, int flags)
{
    struct iovec iov = {buf, len};
    struct sock *s = f->ctx;
    ssize_t n;

    net_enter();
    if (s->closed) {
        n = -EBADF;
    } else if (s->kind == SOCK_KIND_TCP) {
        n = sock_tcp_recv(s, &iov, 1, flags);
    } else {
        struct sock_msg m; /* most of it is for sending */
        m.iov = &iov;
        m.iovcnt = 1;
        m.has_addr = false;
        n = sock_dgram_recv(s, &m, flags);
    }
    net_leave();
    return n;
}

static ssize_t sock_op_read(struct file *f, void *buf, size_t len)
{
    const struct sock *s = f->ctx;

    if (!len && s->kind == SOCK_KIND_TCP)
        return 0; /* unlike recv(), it does not wait */
    return sock_op_recv(f, buf, len, 0);
}

ssize_t sock_op_send(struct file *f, const void *buf, size_t len, int flags)
{
    struct iovec iov = {(void *)buf, len};
    struct sock *s = f->ctx;
    ssize_t n;

    net_enter();
    if (s->closed) {
        n = -EBADF;
    } else if (s->kind == SOCK_KIND_TCP) {
        n = sock_tcp_send(s, &iov, 1, NULL, flags);
    } else {
        struct sock_msg m; /* most of it is for receiving */
        m.iov = &iov;
        m.iovcnt = 1;
        m.has_addr = m.directed = false;
        m.netif = 0;
        ip_addr_set_any_val(false, m.source);
        n = sock_dgram_send(s, &m, flags);
    }
    net_leave();
    return n;
}

static ssize_t sock_op_write(struct file *f, const void *buf, size_t len)
{
    return sock_op_send(f, buf, len, 0);
}

static int sock_op_fstat(struct file *f, struct stat *st)
{
    (void)f;
    memset(st, 0, sizeof(*st));
    st->st_mode = S_IFSOCK | 0666;
    st->st_blksize = TCP_OVERSIZE;
    return 0;
}

static int sock_op_ioctl(struct file *f, unsigned long request, void *arg)
{
    struct sock *s = f->ctx;

    if (request == FIONREAD) {
        uint32_t next = s->kind == SOCK_KIND_TCP ? s->rx_bytes : sock_dgram_next(s);

        *(int *)arg = next > INT_MAX ? INT_MAX : (int)next;
        return 0;
    }
    if (request == FIONBIO) {
        s->nonblock = *(int *)arg != 0;
        f->flags = s->nonblock ? f->flags | O_NONBLOCK : f->flags & ~(unsigned)O_NONBLOCK;
        return 0;
    }
    return -ENOTTY;
}

static int sock_op_set_nonblock(struct file *f, bool on)
{
    struct sock *s = f->ctx;

    s->nonblock = on;
    return 0;
}

static int sock_op_poll(struct file *f, int events)
{
    struct sock *s = f->ctx;

    return s->kind == SOCK_KIND_TCP ? sock_tcp_poll(s, events) : sock_dgram_poll(s, events);
}

/* Ends the connection, and the calls that are parked in the socket, which stays. */
static void sock_end(struct sock *s)
{
    s->file = NULL;
    sock_unstick(s);
    if (s->kind == SOCK_KIND_TCP)
        sock_tcp_close(s);
    else
        sock_dgram_close(s);
    s->closed = true;
    sock_changed(s);
}

void sock_discard(struct sock *s)
{
    sock_end(s);
    sock_unref(s);
}

/* The last descriptor is gone while a call holds the file: that call and the peer learn of it. */
static void sock_op_abandon(struct file *f)
{
    struct sock *s = f->ctx;

    net_enter();
    s->users++; /* the file, until op_close */
    sock_end(s);
    net_leave();
}

static int sock_op_close(struct file *f)
{
    struct sock *s = f->ctx;

    net_enter();
    if (!s->closed && s->kind == SOCK_KIND_TCP)
        sock_tcp_linger(s);
    if (s->closed)
        s->users--;
    else
        sock_end(s);
    sock_unref(s);
    net_leave();
    return 0;
}

const struct file_ops sock_file_ops = {
    .name = "socket",
    .socket = &inet_socket_ops,
    .read = sock_op_read,
    .write = sock_op_write,
    .write_loan = sock_op_write_loan,
    .fstat = sock_op_fstat,
    .ioctl = sock_op_ioctl,
    .set_nonblock = sock_op_set_nonblock,
    .poll = sock_op_poll,
    .abandon = sock_op_abandon,
    .close = sock_op_close,
};
