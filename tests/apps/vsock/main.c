/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock - a server and a client through AF_VSOCK sockets: port 7 echoes, port 9 takes bytes and
 * answers, when the client has half-closed, how many came and their sum; a byte 'q' on port 13 ends
 * the image. Before that it is a client of the host's ports 1000 (echo), 1001 (a source that ends)
 * and 1002 (nobody). peer=0: it is no client. Without a device it ends at once.
 */
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../checks.h"
#include "vireo.h"

enum { CLIENTS = 32, BULK = 600000 };

static char buf[65536];

static struct sockaddr *vm(unsigned cid, unsigned port)
{
    static struct sockaddr_vm a;

    a = (struct sockaddr_vm){.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};
    return (struct sockaddr *)&a;
}

static int bound(unsigned port)
{
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

    check(fd >= 0, "socket for port %u", port);
    check(bind(fd, vm(VMADDR_CID_ANY, port), sizeof(struct sockaddr_vm)) == 0, "bind to %u", port);
    check(listen(fd, 16) == 0, "listen on %u", port);
    return fd;
}

/* ---- checks before any client has connected -------------------------------------------------- */

static void bad_calls(int listener)
{
    struct pollfd p = {.fd = listener, .events = POLLIN};
    struct sockaddr_vm self = {0};
    socklen_t len = sizeof(self);
    unsigned cid = 0;
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

    check(socket(AF_VSOCK, SOCK_DGRAM, 0) == -1 && errno == EPROTOTYPE, "no datagrams");
    check(socket(2, SOCK_STREAM, 0) == -1 && errno == EAFNOSUPPORT, "no AF_INET in this image");
    check(bind(fd, vm(VMADDR_CID_ANY, 7), sizeof(self)) == -1 && errno == EADDRINUSE, "port taken");
    check(bind(fd, vm(VMADDR_CID_HOST, 77), sizeof(self)) == -1 && errno == EADDRNOTAVAIL,
          "bind to the host's address");
    check(connect(fd, vm(VMADDR_CID_LOCAL, 7), sizeof(self)) == -1 && errno == ENETUNREACH,
          "there is no loopback");
    check(connect(fd, vm(VMADDR_CID_HOST, 7), 4) == -1 && errno == EINVAL, "short address");
    check(send(fd, "x", 1, 0) == -1 && errno == ENOTCONN, "send on an unconnected socket");
    check(recv(fd, buf, 1, 0) == -1 && errno == ENOTCONN, "recv on an unconnected socket");
    check(ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid) == 0 && cid > 2, "cid %u", cid);
    check(close(fd) == 0 && close(fd) == -1 && errno == EBADF, "close, and again");
    check(bind(1, vm(VMADDR_CID_ANY, 7), sizeof(self)) == -1 && errno == ENOTSOCK, "no socket");
    check(getsockname(listener, (struct sockaddr *)&self, &len) == 0 && self.svm_port == 7,
          "getsockname");
    check(poll(&p, 1, 20) == 0, "poll with nothing to do times out");
    fcntl(listener, F_SETFL, O_NONBLOCK);
    check(accept(listener, NULL, NULL) == -1 && errno == EAGAIN, "non-blocking accept");
}

/* ---- a client -------------------------------------------------------------------------------- */

static int connected(unsigned port)
{
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
    int err = connect(fd, vm(VMADDR_CID_HOST, port), sizeof(struct sockaddr_vm));

    check(err == 0, "connect to port %u of the host", port);
    return fd;
}

static void refused(void)
{
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0), error = 0;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    socklen_t len = sizeof(error);

    check(connect(fd, vm(VMADDR_CID_HOST, 1002), sizeof(struct sockaddr_vm)) == -1 &&
              errno == ECONNREFUSED,
          "a refused connection");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    check(connect(fd, vm(VMADDR_CID_HOST, 1002), sizeof(struct sockaddr_vm)) == -1 &&
              errno == EINPROGRESS,
          "a non-blocking connection is in progress");
    check(poll(&p, 1, 5000) == 1 && (p.revents & POLLERR), "poll tells the refusal");
    check(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == ECONNREFUSED,
          "SO_ERROR tells why");
    close(fd);
}

/* A peer that does not answer at all. */
static void unanswered(void)
{
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
    struct timeval t = {0, 200000};

    check(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &t, sizeof(t)) == 0,
          "timeout set");
    check(connect(fd, vm(VMADDR_CID_HOST, 1003), sizeof(struct sockaddr_vm)) == -1 &&
              errno == ETIMEDOUT,
          "a connection that nobody answers");
    close(fd);
}

/* Writes and reads at once through an echo, as much as does not fit into any buffer. */
static void echo_bulk(void)
{
    int fd = connected(1000);
    size_t sent = 0, got = 0;
    bool same = true;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (got < BULK) {
        struct pollfd p = {.fd = fd, .events = (short)(POLLIN | (sent < BULK ? POLLOUT : 0))};
        if (poll(&p, 1, 10000) != 1)
            break;
        if (p.revents & POLLOUT) {
            size_t n = BULK - sent < sizeof(buf) ? BULK - sent : sizeof(buf);
            for (size_t i = 0; i < n; i++)
                buf[i] = (char)((sent + i) * 7 + ((sent + i) >> 8));
            ssize_t w = send(fd, buf, n, 0);
            sent += w > 0 ? (size_t)w : 0;
        }
        ssize_t r = recv(fd, buf, sizeof(buf), 0);
        for (ssize_t i = 0; i < r; i++, got++)
            same &= buf[i] == (char)(got * 7 + (got >> 8));
        if (r == 0)
            break;
    }
    check(sent == BULK && got == BULK && same, "echo of %d bytes: %zu sent, %zu came back", BULK,
          sent, got);
    fcntl(fd, F_SETFL, 0);
    check(shutdown(fd, SHUT_WR) == 0 && send(fd, "x", 1, 0) == -1 && errno == EPIPE,
          "no sending after SHUT_WR");
    check(recv(fd, buf, 1, 0) == 0, "the echo ends when we do");
    close(fd);
}

static void sink(void)
{
    int fd = connected(1001), n = 0;
    struct timeval t = {5, 0};
    ssize_t r;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
    check(recv(fd, buf, 5, MSG_PEEK | MSG_WAITALL) >= 1, "peek");
    while ((r = recv(fd, buf, sizeof(buf), 0)) > 0)
        n += (int)r;
    check(r == 0 && n == 300000, "the source ends after %d bytes", n);
    close(fd);
}

/* ---- a server -------------------------------------------------------------------------------- */

static struct client {
    int fd;
    bool counts;
    unsigned long bytes, sum;
} clients[CLIENTS];

static void add(int listener, bool counts)
{
    struct sockaddr_vm peer;
    socklen_t len = sizeof(peer);
    int fd = accept(listener, (struct sockaddr *)&peer, &len);

    for (int i = 0; fd >= 0 && i < CLIENTS; i++)
        if (clients[i].fd < 0) {
            clients[i] = (struct client){.fd = fd, .counts = counts};
            check(peer.svm_cid == VMADDR_CID_HOST && len == sizeof(peer), "a client of the host");
            return;
        }
}

/* False: the client is done. */
static bool serve(struct client *c)
{
    ssize_t n = read(c->fd, buf, sizeof(buf));

    if (n <= 0) {
        if (n == 0 && c->counts) {
            int len = snprintf(buf, sizeof(buf), "%lu %lu", c->bytes, c->sum);
            return write(c->fd, buf, (size_t)len) != len;
        }
        return false;
    }
    for (ssize_t i = 0; c->counts && i < n; i++)
        c->sum += (unsigned char)buf[i];
    c->bytes += (unsigned long)n;
    return c->counts || write(c->fd, buf, (size_t)n) == n;
}

static void server(int echo, int count, int quit)
{
    for (;;) {
        struct pollfd p[CLIENTS + 3] = {{echo, POLLIN, 0}, {count, POLLIN, 0}, {quit, POLLIN, 0}};
        for (int i = 0; i < CLIENTS; i++)
            p[i + 3] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
        poll(p, CLIENTS + 3, -1);
        if (p[0].revents)
            add(echo, false);
        if (p[1].revents)
            add(count, true);
        if (p[2].revents)
            return;
        for (int i = 0; i < CLIENTS; i++)
            if (clients[i].fd >= 0 && p[i + 3].revents && !serve(&clients[i])) {
                close(clients[i].fd);
                clients[i].fd = -1;
            }
    }
}

int main(void)
{
    const char *peer = hal_bootarg("peer");
    int echo = bound(7), count = bound(9), quit = bound(13);

    if (checks_failed)
        return checks_end();
    for (int i = 0; i < CLIENTS; i++)
        clients[i].fd = -1;
    bad_calls(echo);
    if (!peer || *peer != '0') {
        refused();
        unanswered();
        sink();
        echo_bulk();
    }
    vireo_ready();
    server(echo, count, quit);
    return checks_end();
}
