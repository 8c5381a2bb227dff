/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockets - a server through POSIX sockets: TCP and UDP echo on port 7 over IPv4 and IPv6, driven
 * by one select(); TCP port 9 takes bytes and answers, when the client has half-closed, how many
 * came; a byte 'q' on TCP port 13 ends the image. wait=: seconds that it waits for an address.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../checks.h"
#include "net.h"
#include "vireo.h"

enum { CLIENTS = 32 };

struct client {
    int fd;
    bool counts; /* port 9 */
    unsigned long bytes;
};
static struct client clients[CLIENTS];

static int bound(int type, unsigned short port)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int fd = socket(AF_INET6, type, 0), on = 1;

    check(fd >= 0, "socket for port %u", port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    check(bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0, "bind to port %u", port);
    if (type == SOCK_STREAM)
        check(listen(fd, 16) == 0, "listen on port %u", port);
    return fd;
}

/* Checks before any client has connected. */
static void idle_checks(int listener)
{
    struct pollfd p = {.fd = listener, .events = POLLIN};
    struct timeval t = {0, 30000};
    fd_set set;
    struct sockaddr_in6 self;
    socklen_t len = sizeof(self);
    int error = -1, fd;

    check(poll(&p, 1, 30) == 0 && p.revents == 0, "poll with nothing to do times out");
    check(poll(&p, 1, 0) == 0, "poll with no time returns at once");
    FD_ZERO(&set);
    FD_SET(listener, &set);
    check(select(listener + 1, &set, NULL, NULL, &t) == 0, "select times out");
    check(!FD_ISSET(listener, &set), "select clears the set");
    check(getsockname(listener, (struct sockaddr *)&self, &len) == 0 && ntohs(self.sin6_port) == 7,
          "getsockname");
    len = sizeof(error);
    check(getsockopt(listener, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0, "SO_ERROR");
    fcntl(listener, F_SETFL, O_NONBLOCK);
    check(accept(listener, NULL, NULL) == -1 && errno == EAGAIN, "non-blocking accept");
    fcntl(listener, F_SETFL, 0);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    check(send(fd, "x", 1, 0) == -1 && errno == EPIPE, "send on an unconnected socket");
    check(close(fd) == 0, "close");
    check(close(fd) == -1 && errno == EBADF, "close again");
    check(socket(AF_INET, 77, 0) == -1, "an unknown socket type is refused");
    p.fd = 999;
    check(poll(&p, 1, 0) == 1 && (p.revents & POLLNVAL), "poll names a bad descriptor");
}

struct reader {
    int fd, error;
    ssize_t result;
    bool done;
    struct waitq waiter;
};

static void read_once(void *arg)
{
    struct reader *r = arg;
    char c;

    r->result = read(r->fd, &c, 1);
    r->error = errno;
    r->done = true;
    waitq_wake_all(&r->waiter);
}

static bool reader_ends(struct reader *r, uint64_t within_ns)
{
    uint64_t deadline = hal_now_ns() + within_ns;

    while (!r->done && waitq_wait(&r->waiter, deadline) == 0)
        ;
    return r->done;
}

/* Another task's last close() ends a read(), and the connection. Both ends are here. */
static void close_under_read(int listener)
{
    struct sockaddr_in self = {.sin_family = AF_INET, .sin_port = htons(7)};
    int near = socket(AF_INET, SOCK_STREAM, 0), second;
    static struct reader r;
    char c;

    self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(connect(near, (struct sockaddr *)&self, sizeof(self)) == 0, "connect to this image");
    r.fd = accept(listener, NULL, NULL);
    second = dup(r.fd);
    check(task_spawn("reader", read_once, &r, 0) != NULL, "a task that reads");
    check(!reader_ends(&r, 10 * HAL_MS), "the read waits");
    check(close(second) == 0 && !reader_ends(&r, 10 * HAL_MS), "close of one of two descriptors");
    check(close(r.fd) == 0 && reader_ends(&r, HAL_SEC), "close of the last ends a read");
    check(r.result == -1 && r.error == EBADF, "that read fails with EBADF");
    check(recv(near, &c, 1, 0) == 0, "the peer sees the end");
    close(near);
}

static void take(int listener, bool counts)
{
    struct sockaddr_in6 peer;
    socklen_t len = sizeof(peer);
    int fd = accept(listener, (struct sockaddr *)&peer, &len);

    for (int i = 0; fd >= 0 && i < CLIENTS; i++) {
        if (clients[i].fd < 0) {
            clients[i] = (struct client){.fd = fd, .counts = counts};
            return;
        }
    }
    close(fd);
}

static bool send_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(fd, data, len, 0);

        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static void serve(struct client *c)
{
    static char buf[16384];
    ssize_t n = recv(c->fd, buf, sizeof(buf), 0);
    bool more = n > 0;

    if (n > 0 && c->counts)
        c->bytes += (unsigned long)n;
    else if (n > 0)
        more = send_all(c->fd, buf, (size_t)n);
    else if (n == 0 && c->counts)
        send_all(c->fd, buf, (size_t)snprintf(buf, sizeof(buf), "%lu\n", c->bytes));
    if (!more) {
        close(c->fd);
        c->fd = -1;
    }
}

static void echo_datagram(int fd)
{
    static char buf[9000];
    struct sockaddr_in6 from;
    socklen_t len = sizeof(from);
    ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

    if (n >= 0)
        sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
}

static bool asked_to_quit(int listener)
{
    char c = 0;
    int fd = accept(listener, NULL, NULL);
    bool quit = recv(fd, &c, 1, 0) == 1 && c == 'q';

    close(fd);
    return quit;
}

static void loop(int echo, int count, int quit, int datagrams)
{
    for (;;) {
        fd_set set;
        int last = datagrams;

        FD_ZERO(&set);
        FD_SET(echo, &set);
        FD_SET(count, &set);
        FD_SET(quit, &set);
        FD_SET(datagrams, &set);
        for (int i = 0; i < CLIENTS; i++) {
            if (clients[i].fd >= 0)
                FD_SET(clients[i].fd, &set);
            last = clients[i].fd > last ? clients[i].fd : last;
        }
        if (!check(select(last + 1, &set, NULL, NULL, NULL) > 0, "select") ||
            (FD_ISSET(quit, &set) && asked_to_quit(quit)))
            return;
        if (FD_ISSET(datagrams, &set))
            echo_datagram(datagrams);
        for (int i = 0; i < CLIENTS; i++)
            if (clients[i].fd >= 0 && FD_ISSET(clients[i].fd, &set))
                serve(&clients[i]);
        if (FD_ISSET(echo, &set))
            take(echo, false);
        if (FD_ISSET(count, &set))
            take(count, true);
    }
}

int main(void)
{
    int echo = bound(SOCK_STREAM, 7), count = bound(SOCK_STREAM, 9), quit = bound(SOCK_STREAM, 13);
    int datagrams = bound(SOCK_DGRAM, 7);
    const char *wait = hal_bootarg("wait");
    uint64_t patience = (wait ? (uint64_t)atoi(wait) : 15) * HAL_SEC;
    char text[NET_ADDRESS_TEXT];

    for (int i = 0; i < CLIENTS; i++)
        clients[i].fd = -1;
    idle_checks(echo);
    close_under_read(echo);
    check(net_wait_up(hal_now_ns() + patience) == 0, "an address came");
    for (unsigned n = 0; net_address(n, text) == 0; n++)
        printf("address: %s\n", text);
    vireo_ready();
    loop(echo, count, quit, datagrams);
    return checks_end();
}
