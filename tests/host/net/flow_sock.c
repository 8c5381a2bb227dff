/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_sock.c - ends of a flow that are sockets without waiting.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "check.h"
#include "flow.h"
#include "tasks.h"

#define SOCKETS 64

static int open_fds[SOCKETS];
static unsigned open_count;

static const struct sockaddr *sock_address(enum path_side side, bool own, uint16_t port)
{
    static struct sockaddr_in a;

    a = (struct sockaddr_in){.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(own ? PATH_OWN(side) : PATH_ALIAS(side))};
    return (const struct sockaddr *)&a;
}

static void sock_keep(int fd)
{
    CHECK(fd >= 0 && open_count < SOCKETS);
    open_fds[open_count++] = fd;
    fd_set_nonblock(fd, true);
}

static void sock_close(int *fd)
{
    for (unsigned i = 0; i < open_count; i++)
        if (open_fds[i] == *fd) {
            int last = open_fds[--open_count];
            open_fds[i] = last;
            break;
        }
    CHECK_EQ(fd_close(*fd), 0);
    *fd = -1;
}

static int sock_new(const struct flow_end *e, uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

    CHECK(!e->ip6);
    sock_keep(fd);
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)), 0);
    CHECK_EQ(bind(fd, sock_address(e->side, true, port), sizeof(struct sockaddr_in)), 0);
    return fd;
}

void flow_sock_listen(struct flow_end *end, uint16_t port)
{
    end->listener = sock_new(end, port);
    CHECK_EQ(listen(end->listener, 4), 0);
}

void flow_sock_connect(struct flow_end *end, uint16_t from, uint16_t port)
{
    end->fd = sock_new(end, from);
    CHECK_FAILS(connect(end->fd, sock_address(end->side, false, port), sizeof(struct sockaddr_in)),
                EINPROGRESS);
}

static void sock_fail(struct flow_end *e)
{
    e->err = errno;
    sock_close(&e->fd);
    e->closed = true;
}

static void sock_read(struct flow_end *e)
{
    static uint8_t buf[65536];
    ssize_t n;

    if (e->holds || e->fin_got)
        return;
    while ((n = recv(e->fd, buf, 1 + path_random(sizeof(buf)), 0)) > 0)
        flow_check(e, buf, (uint32_t)n);
    if (n == 0)
        e->fin_got = true;
    else if (errno != EAGAIN)
        sock_fail(e);
}

static void sock_write(struct flow_end *e)
{
    while (e->fd >= 0 && e->written < e->to_send) {
        uint32_t len = 1 + path_random(65536);
        const uint8_t *p;
        ssize_t n;

        if (len > e->to_send - e->written)
            len = (uint32_t)(e->to_send - e->written);
        p = flow_bytes(e->key, e->written, &len);
        n = send(e->fd, p, len, 0);
        if (n < 0 && errno != EAGAIN)
            sock_fail(e);
        if (n <= 0)
            return;
        e->written += (uint64_t)n;
    }
}

static void sock_open(struct flow_end *e)
{
    if (e->fd < 0) {
        int fd = accept(e->listener, NULL, NULL);

        if (fd < 0)
            return;
        e->fd = fd;
        sock_keep(fd);
        e->connected = true;
    } else if (fd_poll(e->fd, POLLOUT) & (POLLOUT | POLLERR)) {
        int err = 0;
        socklen_t len = sizeof(err);

        CHECK_EQ(getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
        errno = err;
        if (err)
            sock_fail(e);
        else
            e->connected = true;
    }
}

void flow_sock_step(struct flow_end *e)
{
    if (!e->connected)
        sock_open(e);
    if (e->connected && e->fd >= 0)
        sock_read(e);
    if (e->connected && e->fd >= 0)
        sock_write(e);
    if (e->fd < 0)
        return;
    if (flow_may_end(e)) {
        if (shutdown(e->fd, SHUT_WR) == 0)
            e->fin_sent = true;
        else
            sock_fail(e);
    }
    if (e->fd >= 0 && flow_may_close(e)) {
        sock_close(&e->fd);
        e->closed = true;
    }
}

void flow_sock_abort_all(void)
{
    while (open_count)
        sock_close(&open_fds[open_count - 1]);
}
