/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_tcp.c - stream sockets over lwIP's loopback: connecting, data, windows, ends, and what
 * each call answers in each state of a socket (net/inet/sock_tcp.c, sock_tcp_io.c).
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "tasks.h"

#define IN sizeof(struct sockaddr_in)

static char buf[300000];

static char pattern(size_t i)
{
    return (char)(i * 7 + (i >> 8));
}

static void fill(size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf[i] = pattern(i);
}

/* lwIP's side of the accepted end of a pair. */
static struct tcp_pcb *far_pcb(void)
{
    struct tcp_pcb *pcb = tcp_active_pcbs;

    while (pcb && pcb->local_port != 7)
        pcb = pcb->next;
    CHECK(pcb != NULL);
    return pcb;
}

/* Bytes that were received, and that the application has not read. */
static size_t unread(const struct tcp_pcb *pcb)
{
    return pcb->net.win.receive - pcb->rcv_wnd;
}

/* ---- data ------------------------------------------------------------------------------------ */

static unsigned given_back;

static void give_back(void *arg)
{
    CHECK(arg == buf);
    given_back++;
}

/* Lent bytes go back when they are acknowledged, and when the connection is gone; else never. */
static void lent_data(void)
{
    size_t got = 0;

    host_boot();
    struct loop c = loop_pair();
    fill(65535);
    CHECK_EQ(net_send_lent(c.near, buf, 0, 0, give_back, buf), -1);
    CHECK_EQ(net_send_lent(c.near, buf, 65536, 0, give_back, buf), -1);
    CHECK_EQ(errno, EINVAL);
    CHECK_EQ(net_send_lent(loop_datagrams(9), buf, 5, 0, give_back, buf), -1);
    CHECK_EQ(errno, EOPNOTSUPP);
    CHECK_EQ(net_send_lent(-1, buf, 5, 0, give_back, buf), -1);
    CHECK_EQ(errno, EBADF);
    CHECK_EQ(net_send_lent(c.near, buf, 10000, MSG_DONTWAIT, give_back, buf), 10000);
    CHECK_EQ(given_back, 0);
    while (got < 10000) {
        static char in[4096];
        ssize_t n = recv(c.far, in, sizeof(in), 0);

        CHECK(n > 0 && memcmp(in, buf + got, (size_t)n) == 0);
        got += (size_t)n;
    }
    host_run_for(50 * HAL_MS);
    CHECK_EQ(given_back, 1);
    CHECK_EQ(net_send_lent(c.near, buf, 65535, MSG_DONTWAIT, give_back, buf) > 0, 1);
    while (net_send_lent(c.near, buf, 65535, MSG_DONTWAIT, give_back, buf) > 0)
        ;
    CHECK_EQ(errno, EAGAIN);
    given_back = 0;
    net_enter();
    tcp_abort(far_pcb());
    net_leave();
    host_run_for(50 * HAL_MS);
    CHECK(given_back > 0);
    CHECK_EQ(net_send_lent(c.near, buf, 5, MSG_DONTWAIT, give_back, buf), -1);
}

static int sender_fd;

/* A task that sends that many bytes of buf. */
static void send_all(void *arg)
{
    size_t n = *(size_t *)arg;

    CHECK_EQ(send(sender_fd, buf, n, 0), n);
}

static void bytes_arrive_in_order(void)
{
    static char got[sizeof(buf)];
    size_t n = sizeof(buf), have = 0;

    host_boot();
    struct loop p = loop_pair();
    fill(n);
    sender_fd = p.near;
    task_spawn("sender", send_all, &n, 0);
    while (have < n) {
        ssize_t r = recv(p.far, got + have, 1 + random_below(9000), 0);
        CHECK(r > 0);
        have += (size_t)r;
    }
    CHECK(memcmp(buf, got, n) == 0);
}

/* One recv() of more than 65,535 bytes, of which lwIP is told in steps of 16 bits. */
static void a_long_recv_gives_the_whole_window_back(void)
{
    size_t n = 150000;

    host_boot();
    struct loop p = loop_pair();
    const struct tcp_pcb *far = far_pcb();
    loop_set(p.far, SOL_SOCKET, SO_RCVBUF, 192 << 10);
    fill(n);
    sender_fd = p.near;
    task_spawn("sender", send_all, &n, 0);
    int waiting = 0;
    AWAIT(fd_ioctl(p.far, FIONREAD, &waiting) == 0 && waiting == (int)n, 10);
    CHECK_EQ(unread(far), n);
    CHECK_EQ(recv(p.far, buf, sizeof(buf), 0), n);
    CHECK_EQ(unread(far), 0);
}

/* SHUT_RD keeps what came, and what comes. */
static void shut_for_reading_keeps_data(void)
{
    host_boot();
    struct loop p = loop_pair();
    const struct tcp_pcb *far = far_pcb();
    CHECK_EQ(send(p.near, buf, 30000, 0), 30000);
    AWAIT(unread(far) == 30000, 5);
    CHECK_EQ(shutdown(p.far, SHUT_RD), 0);
    CHECK_EQ(recv(p.far, buf, sizeof(buf), 0), 30000);
    CHECK_EQ(recv(p.far, buf, 10, 0), 0);
    CHECK_EQ(send(p.near, buf, 5000, 0), 5000);
    task_sleep_until(hal_now_ns() + HAL_SEC);
    CHECK_EQ(recv(p.far, buf, sizeof(buf), 0), 5000);
    CHECK_EQ(recv(p.far, buf, 10, 0), 0);
    CHECK_EQ(shutdown(p.far, SHUT_RDWR), 0); /* now nobody will read what comes */
    CHECK_EQ(send(p.near, "x", 1, 0), 1);
    AWAIT(fd_poll(p.near, POLLERR), 5);
    CHECK_FAILS(send(p.near, "x", 1, 0), EPIPE);
}

static void peek_takes_nothing(void)
{
    struct iovec two[] = {{buf, 3}, {buf + 3, 100}};
    struct msghdr m = {.msg_iov = two, .msg_iovlen = 2};

    host_boot();
    struct loop p = loop_pair();
    CHECK_EQ(send(p.near, "abcdef", 6, 0), 6);
    CHECK_EQ(send(p.near, "ghi", 3, 0), 3);
    AWAIT(recv(p.far, buf, 100, MSG_PEEK) == 9, 5);
    memset(buf, 0, 16);
    CHECK_EQ(recvmsg(p.far, &m, MSG_PEEK), 9);
    CHECK_EQ(unread(far_pcb()), 9);
    CHECK(memcmp(buf, "abcdefghi", 9) == 0);
    socklen_t len = IN;
    CHECK_EQ(recvfrom(p.far, buf, 4, 0, loop4(1), &len), 4);
    CHECK_EQ(len, 0); /* a stream names no sender */
    CHECK_EQ(recv(p.far, buf, 100, MSG_PEEK), 5);
    CHECK(memcmp(buf, "efghi", 5) == 0);
    CHECK_EQ(recvmsg(p.far, &m, 0), 5);
    CHECK_EQ(m.msg_namelen, 0);
    CHECK(memcmp(buf, "efghi", 5) == 0);
    CHECK_FAILS(recv(p.far, buf, 1, MSG_DONTWAIT), EAGAIN);
}

static int late_fd;
static void send_late(void *arg)
{
    (void)arg;
    task_sleep_until(hal_now_ns() + 100 * HAL_MS);
    CHECK_EQ(send(late_fd, "late", 4, 0), 4);
}

static void waitall_waits_for_all(void)
{
    host_boot();
    struct loop p = loop_pair();
    CHECK_EQ(send(p.near, "early", 5, 0), 5);
    late_fd = p.near;
    task_spawn("late", send_late, NULL, 0);
    CHECK_EQ(recv(p.far, buf, 9, MSG_WAITALL), 9);
    CHECK(memcmp(buf, "earlylate", 9) == 0);
    CHECK_EQ(send(p.near, "end", 3, 0), 3);
    CHECK_EQ(shutdown(p.near, SHUT_WR), 0);
    CHECK_EQ(recv(p.far, buf, 9, MSG_WAITALL), 3); /* all that will ever come */
}

static void vectors(void)
{
    struct iovec out[] = {{"one", 3}, {"", 0}, {"two", 3}}, in[] = {{buf, 2}, {buf + 2, 20}};
    struct msghdr m = {.msg_iov = out, .msg_iovlen = 3};
    struct iovec huge[] = {{buf, SIZE_MAX / 2}, {buf, SIZE_MAX / 2}};

    host_boot();
    struct loop p = loop_pair();
    CHECK_EQ(sendmsg(p.near, &m, 0), 6);
    AWAIT(recv(p.far, buf, 10, MSG_PEEK) == 6, 5);
    m = (struct msghdr){.msg_iov = in, .msg_iovlen = 2};
    CHECK_EQ(recvmsg(p.far, &m, 0), 6);
    CHECK(memcmp(buf, "onetwo", 6) == 0);
    m = (struct msghdr){.msg_iov = huge, .msg_iovlen = 2};
    CHECK_FAILS(sendmsg(p.near, &m, 0), EINVAL);
    CHECK_FAILS(recvmsg(p.far, &m, 0), EINVAL);
    CHECK_FAILS(recv(p.far, buf, 0, MSG_DONTWAIT), EAGAIN);
}

/* ---- room to send ---------------------------------------------------------------------------- */

/* Fills the connection, the peer's window included, until nothing more is taken: how much was. */
static size_t stuff(int fd)
{
    size_t total = 0, before;
    ssize_t n;

    do {
        before = total;
        while ((n = send(fd, buf, 10000, MSG_DONTWAIT)) > 0)
            total += (size_t)n;
        CHECK_EQ(n, -1);
        CHECK_EQ(errno, EAGAIN);
        task_sleep_until(hal_now_ns() + HAL_SEC);
    } while (total != before);
    return total;
}

static void a_full_connection_waits_for_room(void)
{
    struct timeval t = {0, 200000};

    host_boot();
    struct loop p = loop_pair();
    CHECK(fd_poll(p.near, POLLOUT) == POLLOUT);
    size_t total = stuff(p.near);
    CHECK(total >= TCP_SND_BUF + TCP_WND / 2);
    CHECK_EQ(fd_poll(p.near, POLLOUT), 0);
    CHECK_EQ(setsockopt(p.near, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)), 0);
    uint64_t began = hal_now_ns();
    CHECK_FAILS(send(p.near, buf, 10000, 0), EAGAIN);
    CHECK(hal_now_ns() - began >= 200 * HAL_MS && hal_now_ns() - began < 300 * HAL_MS);
    fd_set_nonblock(p.far, true);
    struct pollfd fds[] = {{p.near, POLLOUT, 0}};
    CHECK_EQ(poll(fds, 1, 0), 0);
    size_t drained = 0;
    for (int i = 0; i < 50 && !(fd_poll(p.near, POLLOUT) & POLLOUT); i++) {
        drained += loop_drain(p.far);
        task_sleep_until(hal_now_ns() + 100 * HAL_MS);
    }
    CHECK(fd_poll(p.near, POLLOUT) & POLLOUT);
    CHECK_EQ(send(p.near, buf, 10000, MSG_DONTWAIT), 10000);
    CHECK_EQ(shutdown(p.near, SHUT_WR), 0);
    fd_set_nonblock(p.far, false);
    drained += loop_drain(p.far);
    CHECK_EQ(drained, total + 10000);
}

/* A task that sleeps in send() is woken when the peer reads. */
static void send_goes_on_when_the_peer_reads(void)
{
    size_t n = sizeof(buf);

    host_boot();
    struct loop p = loop_pair();
    size_t before = stuff(p.near);
    sender_fd = p.near;
    task_spawn("sender", send_all, &n, 0);
    size_t got = 0;
    while (got < before + n) {
        ssize_t r = recv(p.far, buf, 50000, 0);
        CHECK(r > 0);
        got += (size_t)r;
    }
}

/* A poll() for room that began before there was any is woken. */
static void poll_wakes_when_there_is_room(void)
{
    size_t got = 0;

    host_boot();
    struct loop p = loop_pair();
    stuff(p.near);
    struct pollfd fds[] = {{p.near, POLLOUT, 0}};
    CHECK_EQ(poll(fds, 1, 50), 0);
    fd_set_nonblock(p.far, true);
    while (poll(fds, 1, 100) == 0)
        got += loop_drain(p.far);
    CHECK_EQ(fds[0].revents, POLLOUT);
    CHECK(got > 0);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void each_direction_ends_alone(void)
{
    host_boot();
    struct loop p = loop_pair();
    loop_set(p.far, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    CHECK_EQ(far_pcb()->keep_idle, 30000);
    CHECK_EQ(send(p.near, "last", 4, 0), 4);
    CHECK_EQ(shutdown(p.near, SHUT_WR), 0);
    CHECK_EQ(shutdown(p.near, SHUT_WR), 0); /* again: nothing to do */
    CHECK_FAILS(send(p.near, "x", 1, 0), EPIPE);
    CHECK_EQ(fd_poll(p.near, POLLOUT), POLLOUT); /* a send would not wait: it fails */
    CHECK_EQ(recv(p.far, buf, 10, 0), 4);
    CHECK_EQ(recv(p.far, buf, 10, 0), 0);
    CHECK_EQ(recv(p.far, buf, 10, 0), 0);
    CHECK_EQ(fd_poll(p.far, POLLIN | POLLOUT), POLLIN | POLLOUT);
    CHECK_EQ(send(p.far, "back", 4, 0), 4);
    CHECK_EQ(recv(p.near, buf, 10, 0), 4);
    CHECK_EQ(shutdown(p.far, SHUT_WR), 0);
    CHECK_FAILS(shutdown(p.far, SHUT_RDWR), ENOTCONN); /* the rest is lwIP's */
    CHECK_EQ(fd_poll(p.far, POLLHUP), POLLHUP);
    CHECK_EQ(recv(p.near, buf, 10, 0), 0);
    AWAIT(fd_poll(p.near, POLLHUP), 5);
    CHECK_EQ(fd_poll(p.far, POLLHUP), POLLHUP);
    CHECK_EQ(fd_poll(p.far, POLLERR), 0);
    CHECK_FAILS(connect(p.near, loop4(7), IN), EISCONN);
    CHECK_FAILS(getpeername(p.near, loop4(7), &(socklen_t){IN}), ENOTCONN);
    CHECK_FAILS(shutdown(p.near, SHUT_RDWR), ENOTCONN);
}

static void what_came_before_the_end_is_read(void)
{
    host_boot();
    struct loop p = loop_pair();
    CHECK_EQ(send(p.near, buf, 20000, 0), 20000);
    CHECK_EQ(fd_close(p.near), 0);
    CHECK_EQ(fd_close(p.near), -1);
    CHECK_EQ(loop_drain(p.far), 20000);
    CHECK_FAILS(recv(p.near, buf, 1, 0), EBADF);
}

static void unread_data_resets(void)
{
    host_boot();
    struct loop p = loop_pair();
    CHECK_EQ(send(p.near, "unread", 6, 0), 6);
    AWAIT(fd_poll(p.far, POLLIN), 5);
    CHECK_EQ(fd_close(p.far), 0);
    AWAIT(fd_poll(p.near, POLLERR), 5);
    CHECK_EQ(fd_poll(p.near, POLLIN | POLLOUT | POLLHUP), POLLIN | POLLOUT | POLLHUP);
    CHECK_FAILS(recv(p.near, buf, 1, 0), ECONNRESET);
    CHECK_EQ(recv(p.near, buf, 1, 0), 0);
    CHECK_FAILS(send(p.near, "x", 1, 0), EPIPE);
}

static void send_tells_a_reset_once(void)
{
    host_boot();
    struct loop p = loop_pair();
    CHECK_EQ(send(p.near, "unread", 6, 0), 6);
    AWAIT(fd_poll(p.far, POLLIN), 5);
    CHECK_EQ(fd_close(p.far), 0);
    AWAIT(fd_poll(p.near, POLLERR), 5);
    CHECK_FAILS(send(p.near, "x", 1, 0), ECONNRESET);
    CHECK_FAILS(send(p.near, "x", 1, 0), EPIPE);
}

static void linger_resets(void)
{
    struct linger on = {1, 0}, later = {1, 5}, got;
    socklen_t len = sizeof(got);

    host_boot();
    struct loop p = loop_pair();
    CHECK_EQ(setsockopt(p.near, SOL_SOCKET, SO_LINGER, &later, sizeof(later)), 0);
    CHECK_EQ(getsockopt(p.near, SOL_SOCKET, SO_LINGER, &got, &len), 0);
    CHECK(got.l_onoff && got.l_linger == 5);
    CHECK_FAILS(setsockopt(p.near, SOL_SOCKET, SO_LINGER, &on, 4), EINVAL);
    CHECK_EQ(setsockopt(p.near, SOL_SOCKET, SO_LINGER, &on, sizeof(on)), 0);
    CHECK_EQ(getsockopt(p.near, SOL_SOCKET, SO_LINGER, &got, &len), 0);
    CHECK(got.l_onoff && !got.l_linger);
    CHECK_EQ(fd_close(p.near), 0);
    CHECK_FAILS(recv(p.far, buf, 1, 0), ECONNRESET);
}

struct reader {
    int fd, error;
    ssize_t result;
    bool done;
};

static void read_once(void *arg)
{
    struct reader *r = arg;
    char c;

    r->result = fd_read(r->fd, &c, 1);
    r->error = errno;
    r->done = true;
}

static void close_ends_a_read(void)
{
    static struct reader r;

    host_boot();
    struct loop p = loop_pair();
    r.fd = p.far;
    task_spawn("reader", read_once, &r, 0);
    task_sleep_until(hal_now_ns() + 50 * HAL_MS);
    CHECK(!r.done);
    CHECK_EQ(net_core.sockets, 2);
    CHECK_EQ(fd_close(p.far), 0);
    AWAIT(r.done, 1);
    CHECK_EQ(r.result, -1);
    CHECK_EQ(r.error, EBADF);
    CHECK_EQ(recv(p.near, buf, 1, 0), 0);
    CHECK_EQ(net_core.sockets, 1);
}

static void accept_once(void *arg)
{
    struct reader *r = arg;

    r->result = accept(r->fd, NULL, NULL);
    r->error = errno;
    r->done = true;
}

static void close_ends_an_accept(void)
{
    static struct reader r;

    host_boot();
    r.fd = loop_listen(7, 1);
    task_spawn("accept", accept_once, &r, 0);
    task_sleep_until(hal_now_ns() + 50 * HAL_MS);
    CHECK_EQ(fd_close(r.fd), 0);
    AWAIT(r.done, 1);
    CHECK_EQ(r.result, -1);
    CHECK_EQ(r.error, EBADF);
    CHECK_EQ(net_core.sockets, 0);
}

static void recv_ends_after_its_time(void)
{
    struct timeval t = {1, 500000}, got;
    socklen_t len = sizeof(got);

    host_boot();
    struct loop p = loop_pair();
    CHECK_EQ(setsockopt(p.near, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
    CHECK_EQ(getsockopt(p.near, SOL_SOCKET, SO_RCVTIMEO, &got, &len), 0);
    CHECK(got.tv_sec == 1 && got.tv_usec == 500000);
    uint64_t began = hal_now_ns();
    CHECK_FAILS(recv(p.near, buf, 1, 0), EAGAIN);
    CHECK(hal_now_ns() - began >= 1500 * HAL_MS && hal_now_ns() - began < 1600 * HAL_MS);
}

static void trickle(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 30; i++) {
        task_sleep_until(hal_now_ns() + 100 * HAL_MS);
        CHECK_EQ(send(late_fd, "x", 1, 0), 1);
    }
}

/* Data that comes meanwhile does not restart the timeout. */
static void a_timeout_is_for_the_whole_call(void)
{
    struct timeval t = {1, 0};

    host_boot();
    struct loop p = loop_pair();
    late_fd = p.far;
    task_spawn("trickle", trickle, NULL, 0);
    CHECK_EQ(setsockopt(p.near, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
    uint64_t began = hal_now_ns();
    ssize_t n = recv(p.near, buf, 20, MSG_WAITALL);
    CHECK(n >= 7 && n <= 10);
    CHECK(hal_now_ns() - began < 1100 * HAL_MS);
}

/* A loop of calls that never park lets services run: what it waits for arrives. */
static void a_loop_that_does_not_wait(void)
{
    unsigned n = 0;

    host_boot();
    struct loop p = loop_pair();
    CHECK_EQ(send(p.near, "x", 1, 0), 1);
    while (recv(p.far, buf, 1, MSG_DONTWAIT) < 0)
        CHECK(errno == EAGAIN && ++n < 1000);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(lent_data, NULL),
        SHOWS(bytes_arrive_in_order, NULL),
        SHOWS(a_long_recv_gives_the_whole_window_back, NULL),
        SHOWS(shut_for_reading_keeps_data, NULL),
        SHOWS(peek_takes_nothing, NULL),
        SHOWS(waitall_waits_for_all, NULL),
        SHOWS(vectors, NULL),
        SHOWS(a_full_connection_waits_for_room, NULL),
        SHOWS(send_goes_on_when_the_peer_reads, NULL),
        SHOWS(poll_wakes_when_there_is_room, NULL),
        SHOWS(each_direction_ends_alone, NULL),
        SHOWS(what_came_before_the_end_is_read, NULL),
        SHOWS(unread_data_resets, NULL),
        SHOWS(send_tells_a_reset_once, NULL),
        SHOWS(linger_resets, NULL),
        SHOWS(close_ends_a_read, NULL),
        SHOWS(close_ends_an_accept, NULL),
        SHOWS(recv_ends_after_its_time, NULL),
        SHOWS(a_timeout_is_for_the_whole_call, NULL),
        SHOWS(a_loop_that_does_not_wait, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
