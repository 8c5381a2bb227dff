/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_tcp_opt.c - what options of TCP do (net/inet/sock_opt_tcp.c, sock_accept.c,
 * net/lwip/tcp_option.c). Their values, ranges and errors are among the facts of tests/apps/facts.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "tasks.h"

#define IN sizeof(struct sockaddr_in)

static char buf[300000];

static void pass_ms(unsigned ms)
{
    task_sleep_until(hal_now_ns() + ms * HAL_MS);
}

/* ---- TCP_DEFER_ACCEPT ------------------------------------------------------------------------ */

static int deferring_listener(int seconds, int backlog)
{
    int l = loop_listen(7, backlog);

    loop_set(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds);
    return l;
}

static int connect_to_7(void)
{
    int c = socket(AF_INET, SOCK_STREAM, 0);

    CHECK_EQ(connect(c, loop4(7), IN), 0);
    return c;
}

static void accept_waits_for_data(void)
{
    host_boot();
    int l = deferring_listener(5, 8), silent = connect_to_7(), talks = connect_to_7();
    pass_ms(2000);
    CHECK_EQ(fd_poll(l, POLLIN), 0);
    fd_set_nonblock(l, true);
    CHECK_FAILS(accept(l, NULL, NULL), EAGAIN);
    CHECK_EQ(send(talks, "hello", 5, 0), 5);
    AWAIT(fd_poll(l, POLLIN), 1);
    int s = accept(l, NULL, NULL);
    CHECK_EQ(recv(s, buf, 100, 0), 5);
    CHECK_EQ(loop_get(s, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0); /* not inherited */
    CHECK_EQ(fd_poll(l, POLLIN), 0);
    CHECK_EQ(fd_close(silent), 0); /* its end counts as well */
    AWAIT(fd_poll(l, POLLIN), 1);
    s = accept(l, NULL, NULL);
    CHECK_EQ(recv(s, buf, 100, 0), 0);
}

/* 5 s become 7, when the third repetition of a SYN-ACK would be due. */
static void accept_waits_no_longer_than_that(void)
{
    host_boot();
    int l = deferring_listener(5, 8), c = connect_to_7();
    uint64_t start = hal_now_ns();
    CHECK_EQ(loop_get(l, IPPROTO_TCP, TCP_DEFER_ACCEPT), 7);
    int s = accept(l, NULL, NULL);
    CHECK(hal_now_ns() - start >= 7 * HAL_SEC && hal_now_ns() - start < 8 * HAL_SEC);
    CHECK_EQ(send(c, "late", 4, 0), 4);
    CHECK_EQ(recv(s, buf, 100, 0), 4);
    CHECK_EQ(fd_poll(l, POLLIN), 0);
}

/* Connections that are reset meanwhile, or whose listener ends. */
static void deferred_connections_end(void)
{
    struct linger at_once = {1, 0};

    host_boot();
    int l = deferring_listener(60, 8), c[3];
    for (int i = 0; i < 3; i++)
        c[i] = connect_to_7();
    pass_ms(10);
    CHECK_EQ(net_core.sockets, 7);
    for (int i = 0; i < 2; i++) { /* the middle one first */
        CHECK_EQ(setsockopt(c[1 - i], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
        CHECK_EQ(fd_close(c[1 - i]), 0);
        pass_ms(10);
        CHECK_EQ(fd_poll(l, POLLIN), 0);
        CHECK_EQ(net_core.sockets, 5 - 2 * i);
    }
    int d = connect_to_7();
    CHECK_EQ(fd_close(l), 0);
    CHECK_FAILS(recv(c[2], buf, 1, 0), ECONNRESET);
    CHECK_FAILS(recv(d, buf, 1, 0), ECONNRESET);
    CHECK_EQ(net_core.sockets, 2);
}

/* Those that wait count for the backlog: one more is not answered. */
static void deferred_connections_fill_the_backlog(void)
{
    host_boot();
    int l = deferring_listener(60, 2);
    connect_to_7();
    connect_to_7();
    int c = socket(AF_INET, SOCK_STREAM, 0);
    fd_set_nonblock(c, true);
    CHECK_FAILS(connect(c, loop4(7), IN), EINPROGRESS);
    pass_ms(500);
    CHECK_EQ(fd_poll(c, POLLOUT), 0);
    CHECK_EQ(fd_poll(l, POLLIN), 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(accept_waits_for_data, NULL),
        SHOWS(accept_waits_no_longer_than_that, NULL),
        SHOWS(deferred_connections_end, NULL),
        SHOWS(deferred_connections_fill_the_backlog, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
