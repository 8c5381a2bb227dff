/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client - goes out into the network. Boot arguments: tcp=ADDRESS/PORT (an echo server there),
 * name=HOST (resolve it; want=ADDRESS is what must come), many=N (resolve N names at once),
 * dead=ADDRESS/PORT (nobody listens), last=ADDRESS/PORT (sends there, and ends at once as end=
 * says).
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../checks.h"
#include "net.h"
#include "vireo.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* "ADDRESS/PORT" of either family; the length of the address, 0 when it is malformed. */
static socklen_t parse(const char *text, union address *out)
{
    char host[64];
    const char *slash = strchr(text, '/');
    unsigned short port = htons((unsigned short)atoi(slash ? slash + 1 : "0"));

    if (!slash || (size_t)(slash - text) >= sizeof(host))
        return 0;
    memcpy(host, text, (size_t)(slash - text));
    host[slash - text] = 0;
    *out = (union address){0};
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = port;
        return sizeof(out->v4);
    }
    if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = port;
        return sizeof(out->v6);
    }
    return 0;
}

static bool receive_all(int fd, char *buf, size_t len)
{
    while (len) {
        ssize_t n = recv(fd, buf, len, 0);

        if (n <= 0)
            return false;
        buf += n;
        len -= (size_t)n;
    }
    return true;
}

static void echo(const char *where)
{
    static char out[50000], in[50000];
    union address a;
    socklen_t len = parse(where, &a);
    int fd = socket(a.any.sa_family, SOCK_STREAM, 0);
    struct timeval limit = {10, 0};

    check(len > 0, "%s is an address", where);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (!check(connect(fd, &a.any, len) == 0, "connect to %s", where))
        return;
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (char)(i * 31 + 7);
    check(send(fd, out, sizeof(out), 0) == (ssize_t)sizeof(out), "send");
    check(receive_all(fd, in, sizeof(in)), "receive");
    check(memcmp(in, out, sizeof(in)) == 0, "what came back is what went out");
    check(shutdown(fd, SHUT_WR) == 0, "shutdown");
    check(recv(fd, in, 1, 0) == 0, "the end of the stream");
    check(close(fd) == 0, "close");
}

/* The same without blocking: connect in progress, POLLOUT, SO_ERROR. */
static void non_blocking(const char *where, int wanted)
{
    union address a;
    socklen_t len = parse(where, &a), size = sizeof(int);
    int fd = socket(a.any.sa_family, SOCK_STREAM, 0), error = -1;
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    check(fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK), "O_NONBLOCK");
    check(connect(fd, &a.any, len) == -1 && errno == EINPROGRESS, "connect to %s begins", where);
    check(poll(&p, 1, 10000) == 1 && (p.revents & (POLLOUT | POLLERR)), "poll tells its end");
    check(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == wanted,
          "SO_ERROR is %d, not %d", error, wanted);
    if (!wanted)
        check(recv(fd, &error, 1, 0) == -1 && errno == EAGAIN, "nothing to read yet");
    check(close(fd) == 0, "close");
}

static void refused(const char *where)
{
    union address a;
    socklen_t len = parse(where, &a);
    int fd = socket(a.any.sa_family, SOCK_STREAM, 0);

    check(connect(fd, &a.any, len) == -1 && errno == ECONNREFUSED, "connect to %s", where);
    close(fd);
    non_blocking(where, ECONNREFUSED);
}

static void resolve(const char *name, const char *wanted)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int r = getaddrinfo(name, "80", &hints, &list);
    bool found = false;

    for (struct addrinfo *a = list; a; a = a->ai_next) {
        const union address *u = (const union address *)a->ai_addr;
        char text[64] = "?";

        if (a->ai_family == AF_INET)
            inet_ntop(AF_INET, &u->v4.sin_addr, text, sizeof(text));
        else
            inet_ntop(AF_INET6, &u->v6.sin6_addr, text, sizeof(text));
        printf("client: %s is %s\n", name, text);
        found |= wanted && strcmp(text, wanted) == 0;
    }
    if (wanted && strcmp(wanted, "none") == 0)
        check(r != 0, "%s does not exist: %s", name, r ? gai_strerror(r) : "it does");
    else
        check(r == 0 && found, "%s resolves (%s)", name, r ? gai_strerror(r) : "0");
    if (r == 0)
        freeaddrinfo(list);
}

static unsigned looked_up;

/* N.many.example has 10.9.0.N. */
static void look_up(void *arg)
{
    unsigned n = (unsigned)(uintptr_t)arg;
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list = NULL;
    char name[32];
    int r;

    snprintf(name, sizeof(name), "%u.many.example", n);
    r = getaddrinfo(name, NULL, &hints, &list);
    looked_up += r == 0 && ((const union address *)list->ai_addr)->v4.sin_addr.s_addr ==
                               htonl(0x0a090000 + n);
    freeaddrinfo(list);
}

static void look_up_at_once(unsigned count)
{
    uint64_t deadline = hal_now_ns() + 20 * HAL_SEC;

    for (unsigned n = 0; n < count; n++)
        check(task_spawn("lookup", look_up, (void *)(uintptr_t)n, 0) != NULL, "task %u", n);
    while (looked_up < count && hal_now_ns() < deadline)
        task_sleep_until(hal_now_ns() + 10 * HAL_MS);
    check(looked_up == count, "%u of %u names are resolved at once", looked_up, count);
}

/* What send() accepts is on its way when the image ends. */
static void send_and_end(const char *where, const char *how)
{
    static char out[100000];
    union address a;
    socklen_t len = parse(where, &a);
    int fd = socket(a.any.sa_family, SOCK_STREAM, 0);

    memset(out, 'x', sizeof(out));
    check(connect(fd, &a.any, len) == 0, "connect to %s", where);
    check(send(fd, out, sizeof(out), 0) == (ssize_t)sizeof(out), "send");
    if (how && strcmp(how, "vireo_exit") == 0)
        vireo_exit(5);
    if (how && strcmp(how, "_exit") == 0)
        _exit(5);
    exit(5);
}

int main(void)
{
    const char *tcp = hal_bootarg("tcp"), *name = hal_bootarg("name"), *dead = hal_bootarg("dead");
    const char *many = hal_bootarg("many");
    char text[NET_ADDRESS_TEXT];

    check(net_wait_up(hal_now_ns() + 15 * HAL_SEC) == 0, "an address came");
    if (tcp && strchr(tcp, ':')) /* IPv6: its address comes a little after IPv4's */
        for (int i = 0; i < 100 && (net_address(1, text) != 0 || !strchr(text, ':')); i++)
            task_sleep_until(hal_now_ns() + 100 * HAL_MS);
    for (unsigned n = 0; net_address(n, text) == 0; n++)
        printf("address: %s\n", text);
    if (tcp) {
        echo(tcp);
        non_blocking(tcp, 0);
    }
    if (dead)
        refused(dead);
    if (name)
        resolve(name, hal_bootarg("want"));
    if (hal_bootarg("last"))
        send_and_end(hal_bootarg("last"), hal_bootarg("end"));
    if (many)
        look_up_at_once((unsigned)atoi(many));
    return checks_end();
}
