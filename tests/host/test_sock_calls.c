/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_calls.c - which call does what on which socket: opening, addresses, listening,
 * accepting, connecting, options (net/socket/, inet_family.c, sock_file.c, sock_opt.c,
 * sock_addr.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "check.h"
#include "files.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "tasks.h"

#define IN  sizeof(struct sockaddr_in)
#define IN6 sizeof(struct sockaddr_in6)

static char buf[2000];

/* ---- opening --------------------------------------------------------------------------------- */

static void what_can_be_opened(void)
{
    struct stat st;

    host_boot();
    CHECK_FAILS(socket(AF_UNSPEC, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_FAILS(socket(AF_VSOCK, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_FAILS(socket(AF_INET, 77, 0), EINVAL);
    CHECK_FAILS(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    CHECK_FAILS(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
    CHECK_FAILS(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
    CHECK_FAILS(socket(AF_INET, SOCK_RAW, 256), EINVAL);
    CHECK_EQ(net_core.sockets, 0);
    int tcp = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    int udp = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    int raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    CHECK(tcp >= 0 && udp >= 0 && raw >= 0);
    CHECK_EQ(net_core.sockets, 3);
    CHECK_EQ(loop_get(tcp, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    CHECK_EQ(loop_get(udp, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
    CHECK_EQ(loop_get(raw, SOL_SOCKET, SO_TYPE), SOCK_RAW);
    CHECK_EQ(loop_get(tcp, SOL_SOCKET, SO_DOMAIN), AF_INET6);
    CHECK_EQ(loop_get(udp, SOL_SOCKET, SO_DOMAIN), AF_INET);
    CHECK_EQ(loop_get(tcp, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    CHECK_EQ(loop_get(udp, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
    CHECK_EQ(loop_get(raw, SOL_SOCKET, SO_PROTOCOL), IPPROTO_ICMP);
    struct file *f = file_get(tcp);
    CHECK_EQ(f->ops->fstat(f, &st), 0);
    CHECK(S_ISSOCK(st.st_mode));
    CHECK_EQ(fd_close(tcp), 0);
    CHECK_EQ(fd_close(udp), 0);
    CHECK_EQ(fd_close(raw), 0);
    CHECK_EQ(net_core.sockets, 0);
}

static void no_descriptor_is_no_leak(void)
{
    int fd, last = -1, count = 0;

    host_boot();
    for (int i = 3; i < FILES_MAX - 1000; i++)
        CHECK_EQ(file_duplicate(file_get(0), 0), i);
    while ((fd = socket(AF_INET, count % 2 ? SOCK_DGRAM : SOCK_STREAM, 0)) >= 0) {
        last = fd;
        count++;
    }
    CHECK_EQ(errno, EMFILE);
    CHECK_EQ(count, 1000);
    CHECK_FAILS(socket(AF_INET, SOCK_STREAM, 0), EMFILE);
    CHECK_FAILS(socket(AF_INET, SOCK_DGRAM, 0), EMFILE);
    CHECK_EQ(net_core.sockets, count);
    CHECK_EQ(fd_close(last), 0);
    CHECK(socket(AF_INET, SOCK_DGRAM, 0) == last);
}

static void calls_on_other_descriptors(void)
{
    struct msghdr m = {0};
    int v = 1;
    socklen_t len = sizeof(v);

    host_boot();
    CHECK_FAILS(bind(1, loop4(7), IN), ENOTSOCK);
    CHECK_FAILS(listen(1, 1), ENOTSOCK);
    CHECK_FAILS(accept(1, NULL, NULL), ENOTSOCK);
    CHECK_FAILS(connect(77, loop4(7), IN), EBADF);
    CHECK_FAILS(shutdown(77, SHUT_RD), EBADF);
    CHECK_FAILS(getsockname(77, loop4(0), &len), EBADF);
    CHECK_FAILS(getpeername(-1, loop4(0), &len), EBADF);
    CHECK_FAILS(setsockopt(77, SOL_SOCKET, SO_REUSEADDR, &v, len), EBADF);
    CHECK_FAILS(getsockopt(77, SOL_SOCKET, SO_REUSEADDR, &v, &len), EBADF);
    CHECK_FAILS(sendmsg(77, &m, 0), EBADF);
    CHECK_FAILS(recvmsg(77, &m, 0), EBADF);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_FAILS(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, NULL, &len), EFAULT);
    CHECK_FAILS(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, NULL), EFAULT);
    CHECK_FAILS(shutdown(fd, 3), EINVAL);
    CHECK_EQ(file_get(fd)->refs, 1); /* each call dropped what it held */
}

/* ---- states of a stream socket --------------------------------------------------------------- */

static void an_idle_socket(void)
{
    socklen_t len = IN;
    struct sockaddr_in a;

    host_boot();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_FAILS(send(fd, "x", 1, 0), EPIPE);
    CHECK_FAILS(recv(fd, buf, 1, 0), ENOTCONN);
    CHECK_FAILS(shutdown(fd, SHUT_WR), ENOTCONN);
    CHECK_FAILS(accept(fd, NULL, NULL), EINVAL);
    CHECK_FAILS(getpeername(fd, (struct sockaddr *)&a, &len), ENOTCONN);
    CHECK_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    CHECK(a.sin_port == 0 && a.sin_addr.s_addr == INADDR_ANY);
    CHECK_EQ(fd_poll(fd, POLLIN | POLLOUT | POLLHUP), POLLOUT | POLLHUP);
    CHECK_EQ(bind(fd, loop4(70), IN), 0);
    CHECK_FAILS(bind(fd, loop4(71), IN), EINVAL);
    CHECK_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    CHECK(a.sin_port == htons(70) && a.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    CHECK_EQ(fd_close(fd), 0);
    CHECK_EQ(loop_listen(70, 1), fd); /* the port is free again */
}

static void a_listening_socket(void)
{
    socklen_t len = IN;
    struct sockaddr_in a;

    host_boot();
    int fd = loop_listen(7, 1);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
    CHECK_FAILS(send(fd, "x", 1, 0), EPIPE);
    CHECK_FAILS(recv(fd, buf, 1, 0), ENOTCONN);
    CHECK_FAILS(fd_read(fd, buf, 1), ENOTCONN);
    CHECK_EQ(shutdown(fd, SHUT_WR), 0);
    CHECK_FAILS(connect(fd, loop4(8), IN), EISCONN);
    CHECK_FAILS(bind(fd, loop4(8), IN), EINVAL);
    CHECK_FAILS(getpeername(fd, (struct sockaddr *)&a, &len), ENOTCONN);
    loop_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    CHECK_EQ(loop_get(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    CHECK_EQ(fd_poll(fd, POLLIN | POLLOUT | POLLHUP), 0);
    CHECK_EQ(listen(fd, 3), 0);
    int other = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_FAILS(bind(other, loop4(7), IN), EADDRINUSE);
    int free_port = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(listen(free_port, 1), 0); /* on a port of its own */
    CHECK_EQ(getsockname(free_port, (struct sockaddr *)&a, &len), 0);
    CHECK(ntohs(a.sin_port) >= 32768);
    fd_set_nonblock(fd, true);
    CHECK_FAILS(accept(fd, NULL, NULL), EAGAIN);
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_FAILS(listen(udp, 1), EOPNOTSUPP);
    CHECK_FAILS(accept(udp, NULL, NULL), EOPNOTSUPP);
    struct timeval t = {0, 100000};
    fd_set_nonblock(fd, false);
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
    CHECK_FAILS(accept(fd, NULL, NULL), EAGAIN);
}

static void a_refused_connection(void)
{
    host_boot();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_FAILS(connect(fd, loop4(9), IN), ECONNREFUSED);
    CHECK_FAILS(connect(fd, loop4(9), IN), ECONNREFUSED);
    CHECK_FAILS(send(fd, "x", 1, 0), EPIPE);
    CHECK_FAILS(recv(fd, buf, 1, 0), ENOTCONN);
    CHECK_FAILS(bind(fd, loop4(70), IN), EINVAL); /* it keeps the port that it has */
    loop_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    loop_set(fd, IPPROTO_IP, IP_TTL, 7);
    CHECK_EQ(loop_get(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    CHECK_FAILS(connect(fd, loop4(9), IN), ECONNREFUSED);
    CHECK_EQ(loop_get(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    CHECK_EQ(loop_get(fd, IPPROTO_IP, IP_TTL), 7);
    int l = loop_listen(7, 1);
    CHECK_EQ(connect(fd, loop4(7), IN), 0);
    CHECK_EQ(fd_close(fd), 0);
    CHECK_EQ(fd_close(l), 0);
    CHECK_EQ(net_core.sockets, 0);
}

static void connecting_without_waiting(void)
{
    host_boot();
    int l = loop_listen(7, 1), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_FAILS(connect(fd, loop4(7), IN), EINPROGRESS);
    CHECK_FAILS(connect(fd, loop4(7), IN), EALREADY);
    CHECK_FAILS(listen(fd, 1), EINVAL);
    CHECK_FAILS(getpeername(fd, loop4(0), &(socklen_t){IN}), ENOTCONN);
    CHECK_EQ(fd_poll(fd, POLLIN | POLLOUT | POLLHUP), 0);
    CHECK_FAILS(send(fd, "x", 1, 0), EAGAIN); /* gives way, so that the handshake goes on */
    struct pollfd p = {fd, POLLOUT, 0};
    CHECK_EQ(poll(&p, 1, 1000), 1);
    CHECK_EQ(p.revents, POLLOUT);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_ERROR), 0);
    CHECK_EQ(connect(fd, loop4(7), IN), 0); /* the outcome, once */
    CHECK_FAILS(connect(fd, loop4(7), IN), EISCONN);
    CHECK_FAILS(listen(fd, 1), EINVAL);
    CHECK(accept(l, NULL, NULL) >= 0);

    int refused = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_FAILS(connect(refused, loop4(9), IN), EINPROGRESS);
    p = (struct pollfd){refused, POLLOUT, 0};
    CHECK_EQ(poll(&p, 1, 1000), 1);
    CHECK_EQ(p.revents, POLLOUT | POLLERR | POLLHUP);
    CHECK_EQ(loop_get(refused, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    CHECK_EQ(loop_get(refused, SOL_SOCKET, SO_ERROR), 0);
    CHECK_FAILS(connect(refused, loop4(7), IN), ECONNABORTED);
}

static int watched, connect_result = 1, connect_error;

static void connect_to_nobody(void *arg)
{
    (void)arg;
    connect_result = connect(watched, loop4(9), IN);
    connect_error = errno;
}

/* Another task reads SO_ERROR first: connect() still says that it failed. */
static void a_failure_whose_error_was_taken(void)
{
    host_boot();
    watched = socket(AF_INET, SOCK_STREAM, 0);
    task_spawn("connect", connect_to_nobody, NULL, 0);
    task_yield();
    host_run_services();
    CHECK_EQ(loop_get(watched, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    CHECK_EQ(connect_result, 1); /* it had no turn yet */
    AWAIT(connect_result != 1, 1);
    CHECK_EQ(connect_result, -1);
    CHECK_EQ(connect_error, ECONNABORTED);
}

/* ---- the queue of a listener ----------------------------------------------------------------- */

static void the_backlog_is_a_limit(void)
{
    int fd[4];

    host_boot();
    int l = loop_listen(7, 2);
    for (int i = 0; i < 4; i++) {
        fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CHECK_FAILS(connect(fd[i], loop4(7), IN), EINPROGRESS);
    }
    task_sleep_until(hal_now_ns() + 10 * HAL_SEC); /* their SYNs were repeated */
    CHECK(fd_poll(fd[0], POLLOUT) && fd_poll(fd[1], POLLOUT));
    CHECK(!fd_poll(fd[2], POLLOUT) && !fd_poll(fd[3], POLLOUT));
    CHECK_EQ(fd_poll(l, POLLIN), POLLIN);
    CHECK(accept(l, NULL, NULL) >= 0);
    AWAIT(fd_poll(fd[2], POLLOUT) || fd_poll(fd[3], POLLOUT), 60); /* its SYN comes again */
    CHECK_EQ(listen(l, 4), 0);
    AWAIT(fd_poll(fd[2], POLLOUT) && fd_poll(fd[3], POLLOUT), 60);
    for (int i = 0; i < 3; i++)
        CHECK(accept(l, NULL, NULL) >= 0);
    CHECK_EQ(fd_poll(l, POLLIN), 0);
    CHECK_EQ(net_core.tcp_accepted, 4);
}

/* A connection that is reset before accept() leaves the queue, and its place in the backlog. */
static void a_reset_before_accept(void)
{
    struct linger on = {1, 0};
    int fd[3];

    host_boot();
    int l = loop_listen(7, 3);
    for (int i = 0; i < 3; i++) {
        fd[i] = socket(AF_INET, SOCK_STREAM, 0);
        CHECK_EQ(connect(fd[i], loop4(7), IN), 0);
        CHECK_EQ(send(fd[i], &"abc"[i], 1, 0), 1);
        CHECK_EQ(setsockopt(fd[i], SOL_SOCKET, SO_LINGER, &on, sizeof(on)), 0);
    }
    CHECK_EQ(net_core.sockets, 7);
    CHECK_EQ(fd_close(fd[1]), 0);
    task_sleep_until(hal_now_ns() + 100 * HAL_MS);
    for (int i = 0; i < 3; i++) {
        int s = accept(l, NULL, NULL);
        CHECK(s >= 0);
        CHECK_EQ(recv(s, buf, 1, 0), 1);
        CHECK_EQ(buf[0], "abc"[i]);
        if (i == 1)
            CHECK_FAILS(recv(s, buf, 1, 0), ECONNRESET);
        CHECK_EQ(fd_close(s), 0);
    }
    for (int i = 0; i < 20; i++) { /* no more than the backlog and one are kept */
        int s = socket(AF_INET, SOCK_STREAM, 0);
        CHECK_EQ(connect(s, loop4(7), IN), 0);
        CHECK_EQ(setsockopt(s, SOL_SOCKET, SO_LINGER, &on, sizeof(on)), 0);
        CHECK_EQ(fd_close(s), 0);
        task_sleep_until(hal_now_ns() + 10 * HAL_MS);
    }
    fd_set_nonblock(l, true);
    for (int i = 0; i < 3; i++)
        CHECK(accept(l, NULL, NULL) >= 0);
    CHECK_FAILS(accept(l, NULL, NULL), EAGAIN);
}

static void closing_a_listener_ends_what_waits(void)
{
    host_boot();
    int l = loop_listen(7, 3), fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(connect(fd, loop4(7), IN), 0);
    CHECK_EQ(net_core.sockets, 3);
    CHECK_EQ(fd_close(l), 0);
    CHECK_EQ(net_core.sockets, 1);
    CHECK_FAILS(recv(fd, buf, 1, 0), ECONNRESET);
    int again = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_FAILS(connect(again, loop4(7), IN), ECONNREFUSED);
}

static void accept_tells_the_peer(void)
{
    struct sockaddr_in a, b;
    socklen_t len = IN, short_len = 4;

    host_boot();
    int l = loop_listen(7, 3), fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(connect(fd, loop4(7), IN), 0);
    int s = accept4(l, (struct sockaddr *)&a, &len, SOCK_NONBLOCK);
    CHECK(s >= 0 && len == IN);
    CHECK_EQ(getsockname(fd, (struct sockaddr *)&b, &len), 0);
    CHECK(a.sin_port == b.sin_port && a.sin_addr.s_addr == b.sin_addr.s_addr);
    CHECK_EQ(getpeername(fd, (struct sockaddr *)&b, &len), 0);
    CHECK(b.sin_port == htons(7));
    memset(&b, 0x77, sizeof(b));
    CHECK_EQ(getpeername(s, (struct sockaddr *)&b, &short_len), 0); /* as much as fits */
    CHECK_EQ(short_len, IN);
    CHECK_EQ(b.sin_port, a.sin_port);
    CHECK_EQ(b.sin_addr.s_addr, 0x77777777);
    CHECK_FAILS(recv(s, buf, 1, 0), EAGAIN); /* as accept4 was told */
}

/* ---- IPv6 ------------------------------------------------------------------------------------ */

static int listener6(uint16_t port, bool v6only)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);

    loop_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only);
    CHECK_EQ(loop_get(fd, IPPROTO_IPV6, IPV6_V6ONLY), v6only);
    CHECK_EQ(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
    CHECK_EQ(listen(fd, 4), 0);
    return fd;
}

static void both_families_on_one_socket(void)
{
    struct sockaddr_in6 a;
    socklen_t len = sizeof(a);

    host_boot();
    int l = listener6(7, false), four = socket(AF_INET, SOCK_STREAM, 0);
    int six = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_EQ(connect(four, loop4(7), IN), 0);
    int s = accept(l, (struct sockaddr *)&a, &len);
    CHECK(s >= 0 && len == sizeof(a) && a.sin6_family == AF_INET6);
    CHECK(IN6_IS_ADDR_V4MAPPED(&a.sin6_addr) && a.sin6_addr.s6_addr[12] == 127);
    CHECK_EQ(connect(six, loop6(7), IN6), 0);
    s = accept(l, (struct sockaddr *)&a, &len);
    CHECK(s >= 0 && IN6_IS_ADDR_LOOPBACK(&a.sin6_addr));
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    memcpy(&mapped.sin6_addr.s6_addr[12], "\x7f\0\0\1", 4);
    int via = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_EQ(connect(via, (struct sockaddr *)&mapped, sizeof(mapped)), 0);
    CHECK(accept(l, NULL, NULL) >= 0);
}

static void v6only_is_ipv6_alone(void)
{
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(7)};

    host_boot();
    int l = listener6(7, true), four = socket(AF_INET, SOCK_STREAM, 0);
    int six = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_FAILS(connect(four, loop4(7), IN), ECONNREFUSED);
    CHECK_EQ(connect(six, loop6(7), IN6), 0);
    CHECK(accept(l, NULL, NULL) >= 0);
    CHECK_FAILS(setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, 4), EINVAL);
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    int only = socket(AF_INET6, SOCK_STREAM, 0);
    loop_set(only, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    CHECK_FAILS(connect(only, (struct sockaddr *)&mapped, sizeof(mapped)), ENETUNREACH);
    CHECK_FAILS(
        setsockopt(socket(AF_INET, SOCK_STREAM, 0), IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, 4),
        ENOPROTOOPT);
}

static void addresses_of_the_wrong_shape(void)
{
    struct sockaddr_in6 link = {.sin6_family = AF_INET6, .sin6_port = htons(7)};

    host_boot();
    int four = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_FAILS(bind(four, NULL, IN), EINVAL);
    CHECK_FAILS(bind(four, loop4(7), 1), EINVAL);
    CHECK_FAILS(bind(four, loop4(7), IN - 1), EINVAL);
    CHECK_FAILS(bind(six, loop6(7), IN6 - 1), EINVAL);
    CHECK_FAILS(bind(four, loop6(7), IN6), EAFNOSUPPORT);
    CHECK_FAILS(connect(six, loop4(7), IN), EINVAL);
    link.sin6_addr.s6_addr[0] = 0xfe;
    link.sin6_addr.s6_addr[1] = 0x80;
    CHECK_FAILS(connect(six, (struct sockaddr *)&link, sizeof(link)), EINVAL); /* no interface */
    link.sin6_scope_id = 200;
    CHECK_FAILS(connect(six, (struct sockaddr *)&link, sizeof(link)), EINVAL);
}

/* ---- options --------------------------------------------------------------------------------- */

static void options_of_a_socket(void)
{
    int v = 1;

    host_boot();
    int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
    int raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    static const int bits[] = {SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST};
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(loop_get(tcp, SOL_SOCKET, bits[i]), 0);
        loop_set(tcp, SOL_SOCKET, bits[i], 5);
        CHECK_EQ(loop_get(tcp, SOL_SOCKET, bits[i]), 1);
        loop_set(tcp, SOL_SOCKET, bits[i], 0);
        CHECK_EQ(loop_get(tcp, SOL_SOCKET, bits[i]), 0);
    }
    loop_set(raw, SOL_SOCKET, SO_BROADCAST, 1);
    CHECK_EQ(loop_get(raw, SOL_SOCKET, SO_BROADCAST), 1);
    CHECK_EQ(loop_get(tcp, SOL_SOCKET, SO_SNDBUF), TCP_BUFFER_START);
    CHECK_EQ(loop_get(tcp, SOL_SOCKET, SO_RCVBUF), TCP_WINDOW_START);
    CHECK_EQ(loop_get(udp, SOL_SOCKET, SO_RCVBUF), 256 << 10);
    loop_set(udp, SOL_SOCKET, SO_RCVBUF, 1);
    CHECK_EQ(loop_get(udp, SOL_SOCKET, SO_RCVBUF), 4096);
    loop_set(udp, SOL_SOCKET, SO_RCVBUF, 1 << 30);
    CHECK_EQ(loop_get(udp, SOL_SOCKET, SO_RCVBUF), 1 << 20);
    loop_set(udp, SOL_SOCKET, SO_RCVBUF, 10000);
    CHECK_EQ(loop_get(udp, SOL_SOCKET, SO_RCVBUF), 10000);
    loop_set(udp, SOL_SOCKET, SO_RCVBUF, -1);
    CHECK_EQ(loop_get(udp, SOL_SOCKET, SO_RCVBUF), 1 << 20);
    loop_set(tcp, SOL_SOCKET, SO_SNDBUF, 1000);
    CHECK_EQ(loop_get(tcp, SOL_SOCKET, SO_SNDBUF), TCP_BUFFER_MIN);
    loop_set(tcp, SOL_SOCKET, SO_RCVBUF, 50000);
    CHECK_EQ(loop_get(tcp, SOL_SOCKET, SO_RCVBUF), 50000);
    CHECK_FAILS(setsockopt(tcp, SOL_SOCKET, SO_DEBUG, &v, 4), ENOPROTOOPT);
    CHECK_FAILS(setsockopt(tcp, 4711, SO_REUSEADDR, &v, 4), ENOPROTOOPT);
    CHECK_FAILS(setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &v, 3), EINVAL);
    CHECK_FAILS(setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, NULL, 4), EINVAL);
    CHECK_FAILS(getsockopt(tcp, SOL_SOCKET, SO_DEBUG, &v, &(socklen_t){4}), ENOPROTOOPT);
    CHECK_FAILS(getsockopt(tcp, 4711, SO_OOBINLINE, &v, &(socklen_t){4}), EOPNOTSUPP);
}

static void options_of_tcp(void)
{
    static const int seconds[] = {TCP_KEEPIDLE, TCP_KEEPINTVL};
    int v = 1;

    host_boot();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(loop_get(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    loop_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    CHECK_EQ(loop_get(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    loop_set(fd, IPPROTO_TCP, TCP_NODELAY, 0);
    CHECK_EQ(loop_get(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    CHECK(loop_get(fd, IPPROTO_TCP, TCP_MAXSEG) > 0);
    for (unsigned i = 0; i < 2; i++) {
        loop_set(fd, IPPROTO_TCP, seconds[i], 32767);
        CHECK_EQ(loop_get(fd, IPPROTO_TCP, seconds[i]), 32767);
        CHECK_FAILS(setsockopt(fd, IPPROTO_TCP, seconds[i], &(int){0}, 4), EINVAL);
        CHECK_FAILS(setsockopt(fd, IPPROTO_TCP, seconds[i], &(int){32768}, 4), EINVAL);
    }
    loop_set(fd, IPPROTO_TCP, TCP_KEEPCNT, 127);
    CHECK_EQ(loop_get(fd, IPPROTO_TCP, TCP_KEEPCNT), 127);
    CHECK_FAILS(setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &(int){0}, 4), EINVAL);
    CHECK_FAILS(setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &(int){128}, 4), EINVAL);
    CHECK_FAILS(setsockopt(fd, IPPROTO_TCP, 99, &v, 4), ENOPROTOOPT);
    CHECK_FAILS(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, 2), EINVAL);
    CHECK_FAILS(getsockopt(fd, IPPROTO_TCP, 99, &v, &(socklen_t){4}), ENOPROTOOPT);
    CHECK_FAILS(setsockopt(socket(AF_INET, SOCK_DGRAM, 0), IPPROTO_TCP, TCP_NODELAY, &v, 4),
                ENOPROTOOPT);
}

static void options_of_ip(void)
{
    int v = 1;

    host_boot();
    int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
    int six = socket(AF_INET6, SOCK_STREAM, 0);
    loop_set(tcp, IPPROTO_IP, IP_TTL, 3);
    CHECK_EQ(loop_get(tcp, IPPROTO_IP, IP_TTL), 3);
    loop_set(tcp, IPPROTO_IP, IP_TOS, 0x10);
    CHECK_EQ(loop_get(tcp, IPPROTO_IP, IP_TOS), 0x10);
    CHECK_FAILS(setsockopt(tcp, IPPROTO_IP, IP_TTL, &(int){256}, 4), EINVAL);
    CHECK_FAILS(setsockopt(tcp, IPPROTO_IP, IP_TTL, &(int){0}, 4), EINVAL);
    loop_set(udp, IPPROTO_IP, IP_MULTICAST_TTL, 9);
    CHECK_FAILS(setsockopt(tcp, IPPROTO_IP, IP_MULTICAST_TTL, &v, 4), EINVAL);
    CHECK_EQ(setsockopt(tcp, IPPROTO_IP, IP_TTL, &(uint8_t){9}, 1), 0);
    CHECK_EQ(loop_get(tcp, IPPROTO_IP, IP_TTL), 9);
    loop_set(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 5);
    CHECK_EQ(loop_get(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 5);
    CHECK_FAILS(setsockopt(six, IPPROTO_IPV6, 99, &v, 4), ENOPROTOOPT);
    CHECK_FAILS(setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &v, 1), EINVAL);
}

static void timeouts_of_the_wrong_shape(void)
{
    struct timeval t = {0, 1000000};

    host_boot();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_FAILS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), EDOM);
    t = (struct timeval){-1, 0};
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)), 0); /* over at once */
    t = (struct timeval){0, -1};
    CHECK_FAILS(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)), EDOM);
    CHECK_FAILS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t) - 1), EINVAL);
    CHECK_FAILS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, NULL, sizeof(t)), EINVAL);
    t = (struct timeval){2, 345678};
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
    t = (struct timeval){0, 0};
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &(socklen_t){sizeof(t)}), 0);
    CHECK(t.tv_sec == 2 && t.tv_usec == 345678);
    t = (struct timeval){1ll << 33, 0}; /* longer than any image runs */
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)), 0);
    socklen_t len = sizeof(t);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, &len), 0);
    CHECK(t.tv_sec == 0 && t.tv_usec == 0);
    len = 4;
    int type = 0;
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){100}), 0);
    len = 1;
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len), 0);
    CHECK_EQ(len, 1);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void ioctls(void)
{
    int n = -1;

    host_boot();
    struct loop p = loop_pair();
    CHECK_EQ(fd_ioctl(p.far, FIONREAD, &n), 0);
    CHECK_EQ(n, 0);
    CHECK_EQ(fd_write(p.near, "12345", 5), 5);
    AWAIT(fd_ioctl(p.far, FIONREAD, &n) == 0 && n == 5, 5);
    CHECK_EQ(fd_read(p.far, buf, 2), 2);
    CHECK_EQ(fd_ioctl(p.far, FIONREAD, &n), 0);
    CHECK_EQ(n, 3);
    n = 1;
    CHECK_EQ(fd_ioctl(p.near, FIONBIO, &n), 0);
    CHECK_FAILS(fd_read(p.near, buf, 1), EAGAIN);
    CHECK(file_get(p.near)->flags & O_NONBLOCK);
    n = 0;
    CHECK_EQ(fd_ioctl(p.near, FIONBIO, &n), 0);
    CHECK(!(file_get(p.near)->flags & O_NONBLOCK));
    CHECK_FAILS(fd_ioctl(p.near, 0x77, &n), ENOTTY);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(what_can_be_opened, NULL),
        SHOWS(no_descriptor_is_no_leak, NULL),
        SHOWS(calls_on_other_descriptors, NULL),
        SHOWS(an_idle_socket, NULL),
        SHOWS(a_listening_socket, NULL),
        SHOWS(a_refused_connection, NULL),
        SHOWS(connecting_without_waiting, NULL),
        SHOWS(a_failure_whose_error_was_taken, NULL),
        SHOWS(the_backlog_is_a_limit, NULL),
        SHOWS(a_reset_before_accept, NULL),
        SHOWS(closing_a_listener_ends_what_waits, NULL),
        SHOWS(accept_tells_the_peer, NULL),
        SHOWS(both_families_on_one_socket, NULL),
        SHOWS(v6only_is_ipv6_alone, NULL),
        SHOWS(addresses_of_the_wrong_shape, NULL),
        SHOWS(options_of_a_socket, NULL),
        SHOWS(options_of_tcp, NULL),
        SHOWS(options_of_ip, NULL),
        SHOWS(timeouts_of_the_wrong_shape, NULL),
        SHOWS(ioctls, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
