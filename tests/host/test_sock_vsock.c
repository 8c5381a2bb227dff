/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_vsock.c - AF_VSOCK sockets (net/vsock/) over the driver and a scripted device: which
 * call does what in which state of a socket, waiting, ports, options.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "check.h"
#include "host.h"
#include "tasks.h"
#include "vsockmodel.h"

#define VM sizeof(struct sockaddr_vm)

static char buf[8192];

static struct sockaddr *vm(uint32_t cid, uint32_t port)
{
    static struct sockaddr_vm a;

    a = (struct sockaddr_vm){.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};
    return (struct sockaddr *)&a;
}

static int fresh(void)
{
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

    CHECK(fd >= 0);
    return fd;
}

/* The machine's host answers each request that the image sends with this. */
static uint16_t answer = VS_RESPONSE;

static void host_side(void *arg)
{
    (void)arg;
    for (unsigned seen = 0;; task_sleep_until(hal_now_ns() + HAL_MS))
        for (; seen < vs.sent_count; seen++) {
            struct vs_packet p = vs.sent[seen];

            if (p.op != VS_REQUEST || !answer)
                continue;
            p = vs_from(p.dst_port, p.src_port, answer);
            vs_deliver(&p);
        }
}

static void boot(void)
{
    vs_boot_plain();
    vs.buf_alloc = 65536;
    task_spawn("host", host_side, NULL, 0);
}

/* A connection to the host's port 80; *port is the image's. */
static int connected(uint32_t *port)
{
    struct sockaddr_vm self;
    socklen_t len = VM;
    int fd = fresh();

    CHECK_EQ(connect(fd, vm(VMADDR_CID_HOST, 80), VM), 0);
    CHECK_EQ(getsockname(fd, (struct sockaddr *)&self, &len), 0);
    CHECK(self.svm_cid == VS_CID && self.svm_port >= 49152 && self.svm_port < 65536);
    *port = self.svm_port;
    return fd;
}

static int listening(uint32_t port, int backlog)
{
    int fd = fresh();

    CHECK_EQ(bind(fd, vm(VMADDR_CID_ANY, port), VM), 0);
    CHECK_EQ(listen(fd, backlog), 0);
    return fd;
}

static void from_host(uint32_t port, uint16_t op)
{
    struct vs_packet p = vs_from(80, port, op);

    vs_deliver(&p);
}

static void data_from_host(uint32_t port, const char *data)
{
    struct vs_packet p = vs_from(80, port, VS_RW);

    p.len = (uint32_t)strlen(data);
    memcpy(p.data, data, p.len);
    vs_deliver(&p);
}

/* ---- opening and addresses ------------------------------------------------------------------- */

static void what_can_be_opened(void)
{
    struct stat st = {0};
    unsigned cid = 0;
    int n = 7;

    boot();
    CHECK_FAILS(socket(AF_VSOCK, SOCK_DGRAM, 0), EPROTOTYPE);
    CHECK_FAILS(socket(AF_VSOCK, SOCK_STREAM, 1), EPROTONOSUPPORT);
    CHECK_FAILS(socket(AF_INET, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_FAILS(socket(AF_UNSPEC, SOCK_STREAM, 0), EAFNOSUPPORT);
    int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK, AF_VSOCK);
    CHECK(fd >= 0 && file_get(fd)->flags & O_NONBLOCK);
    CHECK_EQ(file_get(fd)->ops->fstat(file_get(fd), &st), 0);
    CHECK(S_ISSOCK(st.st_mode));
    CHECK_EQ(fd_ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid), 0);
    CHECK_EQ(cid, VS_CID);
    CHECK_EQ(fd_ioctl(fd, FIONREAD, &n), 0);
    CHECK_EQ(n, 0);
    CHECK_FAILS(fd_ioctl(fd, 77, &n), ENOTTY);
    CHECK_EQ(fd_poll(fd, POLLIN | POLLOUT), POLLHUP);
    CHECK_EQ(fd_close(fd), 0);
    while (socket(AF_VSOCK, SOCK_STREAM, 0) >= 0)
        ;
    CHECK_EQ(errno, EMFILE);
}

static void ports_are_owned(void)
{
    struct sockaddr_vm a = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = 9};
    socklen_t len = VM;

    boot();
    int fd = fresh(), other = fresh();
    CHECK_FAILS(bind(fd, NULL, VM), EINVAL);
    CHECK_FAILS(bind(fd, vm(VMADDR_CID_ANY, 9), VM - 1), EINVAL);
    a.svm_family = 2;
    CHECK_FAILS(bind(fd, (struct sockaddr *)&a, VM), EAFNOSUPPORT);
    a.svm_family = AF_VSOCK;
    a.svm_flags = 1;
    CHECK_FAILS(bind(fd, (struct sockaddr *)&a, VM), EINVAL);
    a.svm_flags = 0;
    a.svm_reserved1 = 1;
    CHECK_FAILS(bind(fd, (struct sockaddr *)&a, VM), EINVAL);
    CHECK_FAILS(bind(fd, vm(VMADDR_CID_HOST, 9), VM), EADDRNOTAVAIL);
    CHECK_EQ(bind(fd, vm(VS_CID, 9), VM), 0);
    CHECK_FAILS(bind(fd, vm(VMADDR_CID_ANY, 10), VM), EINVAL);
    CHECK_FAILS(bind(other, vm(VMADDR_CID_ANY, 9), VM), EADDRINUSE);
    CHECK_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    CHECK(len == VM && a.svm_port == 9 && a.svm_cid == VS_CID);
    CHECK_FAILS(getpeername(fd, (struct sockaddr *)&a, &len), ENOTCONN);
    CHECK_EQ(fd_close(fd), 0);
    CHECK_EQ(bind(other, vm(VMADDR_CID_ANY, 9), VM), 0);
    int free_port = fresh();
    CHECK_EQ(bind(free_port, vm(VMADDR_CID_ANY, VMADDR_PORT_ANY), VM), 0);
    CHECK_EQ(getsockname(free_port, (struct sockaddr *)&a, &len), 0);
    CHECK(a.svm_port >= 49152 && a.svm_port < 65536);
}

/* A port is found without entropy, too, by the time; the log says so once. */
static void ports_without_entropy(void)
{
    struct sockaddr_vm a;
    uint32_t last = 0;

    boot();
    host_no_entropy();
    for (unsigned i = 0; i < 3; i++) {
        socklen_t len = VM;
        int fd = fresh();
        CHECK_EQ(bind(fd, vm(VMADDR_CID_ANY, VMADDR_PORT_ANY), VM), 0);
        CHECK_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
        CHECK(a.svm_port >= 49152 && a.svm_port < 65536 && a.svm_port != last + 1);
        last = a.svm_port;
        task_sleep_until(hal_now_ns() + HAL_MS);
    }
    CHECK_EQ(host_log_matches("without entropy, the ports of sockets can be guessed"), 1);
}

static void calls_on_an_idle_socket(void)
{
    boot();
    int fd = fresh();
    CHECK_FAILS(send(fd, "x", 1, 0), ENOTCONN);
    CHECK_FAILS(recv(fd, buf, 1, 0), ENOTCONN);
    CHECK_EQ(recv(fd, buf, 0, 0), 0);
    CHECK_FAILS(shutdown(fd, SHUT_WR), ENOTCONN);
    CHECK_FAILS(accept(fd, NULL, NULL), EINVAL);
    CHECK_FAILS(connect(fd, vm(VMADDR_CID_HOST, VMADDR_PORT_ANY), VM), EINVAL);
    CHECK_FAILS(connect(fd, vm(VMADDR_CID_ANY, 80), VM), EINVAL);
    CHECK_FAILS(connect(fd, vm(VMADDR_CID_LOCAL, 80), VM), ENETUNREACH);
    CHECK_FAILS(connect(fd, vm(VS_CID, 80), VM), ENETUNREACH);
    CHECK_FAILS(connect(fd, NULL, VM), EINVAL);
    CHECK_FAILS(sendto(fd, "x", 1, 0, vm(VMADDR_CID_HOST, 80), VM), EOPNOTSUPP);
    CHECK_FAILS(send(fd, "x", 1, MSG_PEEK), EOPNOTSUPP);
    CHECK_FAILS(recv(fd, buf, 1, MSG_TRUNC), EOPNOTSUPP);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void a_client(void)
{
    struct sockaddr_vm peer;
    socklen_t len = VM;
    uint32_t port;
    int n;

    boot();
    int fd = connected(&port);
    CHECK_EQ(getpeername(fd, (struct sockaddr *)&peer, &len), 0);
    CHECK(peer.svm_cid == VMADDR_CID_HOST && peer.svm_port == 80);
    CHECK_FAILS(connect(fd, vm(VMADDR_CID_HOST, 81), VM), EISCONN);
    CHECK_FAILS(listen(fd, 1), EINVAL);
    CHECK_FAILS(bind(fd, vm(VMADDR_CID_ANY, 9), VM), EINVAL);
    CHECK_FAILS(sendto(fd, "x", 1, 0, vm(VMADDR_CID_HOST, 80), VM), EISCONN);
    CHECK_EQ(fd_poll(fd, POLLIN | POLLOUT), POLLOUT);
    struct iovec out[] = {{"one", 3}, {"", 0}, {"two", 3}};
    struct msghdr m = {.msg_iov = out, .msg_iovlen = 3};
    CHECK_EQ(sendmsg(fd, &m, 0), 6);
    task_yield();
    CHECK_EQ(vs_last(VS_RW)->len, 3);
    CHECK_EQ(fd_write(fd, "three", 5), 5);
    data_from_host(port, "answer");
    task_yield();
    CHECK_EQ(fd_poll(fd, POLLIN), POLLIN);
    CHECK_EQ(fd_ioctl(fd, FIONREAD, &n), 0);
    CHECK_EQ(n, 6);
    CHECK_EQ(recv(fd, buf, 3, MSG_PEEK), 3);
    struct iovec in[] = {{buf, 2}, {buf + 2, 10}};
    m = (struct msghdr){.msg_iov = in, .msg_iovlen = 2, .msg_name = &peer, .msg_namelen = VM};
    CHECK_EQ(recvmsg(fd, &m, 0), 6);
    CHECK(memcmp(buf, "answer", 6) == 0 && m.msg_namelen == 0);
    CHECK_FAILS(recv(fd, buf, 1, MSG_DONTWAIT), EAGAIN);
    struct vs_packet end = vs_from(80, port, VS_SHUTDOWN);
    end.flags = VSOCK_SHUT_SEND;
    vs_deliver(&end);
    CHECK_EQ(fd_read(fd, buf, 10), 0);
    CHECK_EQ(shutdown(fd, SHUT_WR), 0);
    task_yield();
    CHECK_EQ(vs_last(VS_SHUTDOWN)->flags, VSOCK_SHUT_SEND);
    CHECK_FAILS(send(fd, "x", 1, 0), EPIPE);
    CHECK_EQ(shutdown(fd, SHUT_RD), 0);
    task_yield();
    CHECK(vs_last(VS_SHUTDOWN)->flags & VSOCK_SHUT_RECEIVE);
    CHECK_EQ(fd_close(fd), 0);
}

static void a_refused_connection(void)
{
    uint32_t port;

    boot();
    answer = VS_RST;
    int fd = fresh();
    CHECK_FAILS(connect(fd, vm(VMADDR_CID_HOST, 80), VM), ECONNREFUSED);
    answer = VS_RESPONSE;
    CHECK_EQ(connect(fd, vm(VMADDR_CID_HOST, 80), VM), 0); /* it can be used again */
    answer = VS_RST;
    fd = fresh();
    fd_set_nonblock(fd, true);
    CHECK_FAILS(connect(fd, vm(VMADDR_CID_HOST, 80), VM), EINPROGRESS);
    CHECK_FAILS(connect(fd, vm(VMADDR_CID_HOST, 80), VM), EALREADY);
    CHECK_FAILS(send(fd, "x", 1, 0), ENOTCONN);
    CHECK_FAILS(recv(fd, buf, 1, 0), ENOTCONN);
    CHECK_FAILS(shutdown(fd, SHUT_WR), ENOTCONN);
    CHECK_FAILS(getpeername(fd, vm(0, 0), &(socklen_t){VM}), ENOTCONN);
    struct pollfd p = {fd, POLLOUT, 0};
    CHECK_EQ(poll(&p, 1, 1000), 1);
    CHECK(p.revents & POLLERR && p.revents & POLLHUP);
    int error = 0;
    socklen_t len = sizeof(error);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
    CHECK_EQ(error, ECONNREFUSED);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
    CHECK_EQ(error, 0);
    CHECK_EQ(fd_poll(fd, POLLIN) & POLLERR, 0);
    fd = fresh();
    fd_set_nonblock(fd, true);
    CHECK_FAILS(connect(fd, vm(VMADDR_CID_HOST, 80), VM), EINPROGRESS);
    p = (struct pollfd){fd, POLLOUT, 0};
    CHECK_EQ(poll(&p, 1, 1000), 1);
    CHECK_FAILS(connect(fd, vm(VMADDR_CID_HOST, 80), VM), ECONNREFUSED); /* tells it as well */
    answer = VS_RESPONSE;
    connected(&port);
}

static void a_connection_that_nobody_answers(void)
{
    struct timeval t = {0, 300000}, got;
    socklen_t len = sizeof(got);

    boot();
    answer = 0;
    int fd = fresh();
    uint64_t began = hal_now_ns();
    CHECK_FAILS(connect(fd, vm(VMADDR_CID_HOST, 80), VM), ETIMEDOUT);
    CHECK(hal_now_ns() - began >= 2 * HAL_SEC && hal_now_ns() - began < 3 * HAL_SEC);
    CHECK_EQ(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &t, sizeof(t)), 0);
    CHECK_EQ(getsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &got, &len), 0);
    CHECK(got.tv_sec == 0 && got.tv_usec == 300000);
    began = hal_now_ns();
    CHECK_FAILS(connect(fd, vm(VMADDR_CID_HOST, 80), VM), ETIMEDOUT);
    CHECK(hal_now_ns() - began >= 300 * HAL_MS && hal_now_ns() - began < 400 * HAL_MS);
    t = (struct timeval){0, 0};
    CHECK_EQ(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &t, sizeof(t)), 0);
    CHECK_EQ(getsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &got, &len), 0);
    CHECK_EQ(got.tv_sec, 2);
}

static void a_server(void)
{
    struct sockaddr_vm peer;
    socklen_t len = VM;

    boot();
    int l = listening(7, 2);
    CHECK_FAILS(connect(l, vm(VMADDR_CID_HOST, 80), VM), EOPNOTSUPP);
    CHECK_FAILS(bind(l, vm(VMADDR_CID_ANY, 8), VM), EINVAL);
    CHECK_EQ(fd_poll(l, POLLIN), 0);
    from_host(7, VS_REQUEST);
    task_yield();
    CHECK_EQ(fd_poll(l, POLLIN), POLLIN);
    int s = accept4(l, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK);
    CHECK(s >= 0 && peer.svm_cid == VMADDR_CID_HOST && peer.svm_port == 80);
    CHECK_FAILS(recv(s, buf, 1, 0), EAGAIN);
    CHECK_EQ(getsockname(s, (struct sockaddr *)&peer, &len), 0);
    CHECK(peer.svm_cid == VS_CID && peer.svm_port == 7);
    for (uint32_t i = 0; i < 3; i++) { /* one more than may wait */
        struct vs_packet p = vs_from(81 + i, 7, VS_REQUEST);
        vs_deliver(&p);
    }
    task_yield();
    CHECK_EQ(vs_count(VS_RST), 1);
    CHECK_EQ(listen(l, 3), 0);
    struct vs_packet third = vs_from(90, 7, VS_REQUEST);
    vs_deliver(&third);
    task_yield();
    CHECK_EQ(vs_count(VS_RST), 1);
    CHECK(accept(l, NULL, NULL) >= 0);
    CHECK(accept(l, NULL, NULL) >= 0);
    fd_set_nonblock(l, true);
    CHECK(accept(l, NULL, NULL) >= 0);
    CHECK_FAILS(accept(l, NULL, NULL), EAGAIN);
    fd_set_nonblock(l, false);
    struct timeval t = {0, 50000};
    CHECK_EQ(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
    CHECK_FAILS(accept(l, NULL, NULL), EAGAIN);
    CHECK_EQ(fd_close(l), 0);
    from_host(7, VS_REQUEST);
    task_yield();
    int again = fresh();
    CHECK_EQ(bind(again, vm(VMADDR_CID_ANY, 7), VM), 0); /* though connections use it */
    int any = fresh();
    CHECK_EQ(listen(any, 0), 0);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void timeouts(void)
{
    struct timeval t = {0, 200000}, got;
    socklen_t len = sizeof(got);
    uint32_t port;

    boot();
    int fd = connected(&port);
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)), 0);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &got, &len), 0);
    CHECK(got.tv_usec == 200000);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &got, &len), 0);
    CHECK(got.tv_usec == 200000);
    uint64_t began = hal_now_ns();
    CHECK_FAILS(recv(fd, buf, 1, 0), EAGAIN);
    CHECK(hal_now_ns() - began >= 200 * HAL_MS && hal_now_ns() - began < 300 * HAL_MS);
    size_t sent = 0;
    while (sent < 65536)
        sent += (size_t)send(fd, buf, sizeof(buf), 0);
    CHECK_EQ(sent, 65536); /* the room that the host promised */
    began = hal_now_ns();
    CHECK_FAILS(send(fd, buf, 10, 0), EAGAIN);
    CHECK(hal_now_ns() - began >= 200 * HAL_MS && hal_now_ns() - began < 300 * HAL_MS);
    CHECK_EQ(fd_poll(fd, POLLOUT), 0);
    struct vs_packet more = vs_from(80, port, VS_UPDATE);
    more.fwd_cnt = 5;
    vs_deliver(&more);
    CHECK_EQ(send(fd, buf, 10, 0), 5); /* as much as there is room for */
}

static int late_port;
static void data_comes_late(void *arg)
{
    (void)arg;
    task_sleep_until(hal_now_ns() + 50 * HAL_MS);
    data_from_host((uint32_t)late_port, "late");
    task_sleep_until(hal_now_ns() + 50 * HAL_MS);
    data_from_host((uint32_t)late_port, "later");
}

static void waitall_waits_for_all(void)
{
    uint32_t port;

    boot();
    int fd = connected(&port);
    late_port = (int)port;
    task_spawn("late", data_comes_late, NULL, 0);
    CHECK_EQ(recv(fd, buf, 9, MSG_WAITALL), 9);
    CHECK(memcmp(buf, "latelater", 9) == 0);
    from_host(port, VS_RST);
    CHECK_FAILS(recv(fd, buf, 9, MSG_WAITALL), ECONNRESET);
}

static int parked, ended_with;
static void read_once(void *arg)
{
    (void)arg;
    ssize_t r = fd_read(parked, buf, 1);
    ended_with = r < 0 ? errno : 0;
}

static void close_ends_a_read(void)
{
    uint32_t port;

    boot();
    parked = connected(&port);
    ended_with = -1;
    task_spawn("reader", read_once, NULL, 0);
    task_sleep_until(hal_now_ns() + 10 * HAL_MS);
    CHECK_EQ(ended_with, -1);
    CHECK_EQ(fd_close(parked), 0);
    AWAIT(ended_with != -1, 1);
    CHECK_EQ(ended_with, EBADF);
    AWAIT(vs_count(VS_SHUTDOWN) + vs_count(VS_RST) > 0, 1); /* the peer learns of it */
}

/* ---- options --------------------------------------------------------------------------------- */

static uint64_t space_of(int fd)
{
    uint64_t v = 0;
    socklen_t len = sizeof(v);

    CHECK_EQ(getsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &v, &len), 0);
    return v;
}

static uint64_t space_after(int fd, uint64_t v)
{
    CHECK_EQ(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &v, sizeof(v)), 0);
    return space_of(fd);
}

static void options(void)
{
    static const struct {
        int name, value;
    } ints[] = {{SO_TYPE, SOCK_STREAM},
                {SO_DOMAIN, AF_VSOCK},
                {SO_PROTOCOL, 0},
                {SO_ERROR, 0},
                {SO_ACCEPTCONN, 0}};
    uint32_t port;
    int v;

    boot();
    int fd = connected(&port), l = listening(7, 1);
    CHECK_EQ(space_of(fd), VSOCK_SPACE_DEFAULT);
    CHECK_EQ(space_after(fd, 1), VSOCK_SPACE_MIN);
    CHECK_EQ(space_after(fd, 1ull << 40), VSOCK_SPACE_MAX);
    CHECK_EQ(space_after(fd, 70000), 70000);
    CHECK_EQ(space_after(l, 5000), 5000);
    from_host(7, VS_REQUEST);
    int s = accept(l, NULL, NULL);
    CHECK_EQ(space_of(s), 5000);
    CHECK_EQ(vs_last(VS_RESPONSE)->buf_alloc, 5000);
    l = fresh();
    CHECK_EQ(space_after(l, 6000), 6000); /* before it listens */
    CHECK_EQ(bind(l, vm(VMADDR_CID_ANY, 8), VM), 0);
    CHECK_EQ(listen(l, 1), 0);
    from_host(8, VS_REQUEST);
    s = accept(l, NULL, NULL);
    CHECK_EQ(vs_last(VS_RESPONSE)->buf_alloc, 6000);
    CHECK_FAILS(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &v, 4), EINVAL);
    CHECK_FAILS(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, NULL, 8), EINVAL);
    CHECK_FAILS(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &v, 4), EINVAL);
    CHECK_FAILS(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, 4), ENOPROTOOPT);
    CHECK_FAILS(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, &(socklen_t){4}), ENOPROTOOPT);
    CHECK_FAILS(getsockopt(fd, 5, 5, &v, &(socklen_t){4}), ENOPROTOOPT);
    for (unsigned i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
        CHECK_EQ(getsockopt(fd, SOL_SOCKET, ints[i].name, &v, &(socklen_t){4}), 0);
        CHECK_EQ(v, ints[i].value);
    }
    CHECK_EQ(getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &v, &(socklen_t){4}), 0);
    CHECK_EQ(v, 1);
    v = 1;
    CHECK_EQ(fd_ioctl(fd, FIONBIO, &v), 0);
    CHECK_FAILS(recv(fd, buf, 1, 0), EAGAIN);
    v = 0;
    CHECK_EQ(fd_ioctl(fd, FIONBIO, &v), 0);
    CHECK(!(file_get(fd)->flags & O_NONBLOCK));
}

static void no_device(void)
{
    host_boot();
    CHECK(host_logged("no socket device"));
    int fd = fresh();
    CHECK_FAILS(bind(fd, vm(VMADDR_CID_ANY, 7), VM), ENODEV);
    CHECK_FAILS(connect(fd, vm(VMADDR_CID_HOST, 7), VM), ENODEV);
    CHECK_FAILS(listen(fd, 7), ENODEV);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(what_can_be_opened, NULL),
        SHOWS(ports_are_owned, NULL),
        SHOWS(ports_without_entropy, NULL),
        SHOWS(calls_on_an_idle_socket, NULL),
        SHOWS(a_client, NULL),
        SHOWS(a_refused_connection, NULL),
        SHOWS(a_connection_that_nobody_answers, NULL),
        SHOWS(a_server, NULL),
        SHOWS(timeouts, NULL),
        SHOWS(waitall_waits_for_all, NULL),
        SHOWS(close_ends_a_read, NULL),
        SHOWS(options, NULL),
        SHOWS(no_device, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
