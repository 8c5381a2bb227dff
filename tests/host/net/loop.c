/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop.c - the sockets of loop.h.
 */
#include "loop.h"

#include <string.h>

#include "check.h"
#include "tasks.h"

struct sockaddr *loop4(uint16_t port)
{
    static struct sockaddr_in a;

    a = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return (struct sockaddr *)&a;
}

struct sockaddr *loop6(uint16_t port)
{
    static struct sockaddr_in6 a;

    a = (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    return (struct sockaddr *)&a;
}

int loop_listen(uint16_t port, int backlog)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0);
    CHECK_EQ(bind(fd, loop4(port), sizeof(struct sockaddr_in)), 0);
    CHECK_EQ(listen(fd, backlog), 0);
    return fd;
}

struct loop loop_connect(int listener, uint16_t port)
{
    struct loop pair = {.near = socket(AF_INET, SOCK_STREAM, 0)};

    CHECK(pair.near >= 0);
    CHECK_EQ(connect(pair.near, loop4(port), sizeof(struct sockaddr_in)), 0);
    pair.far = accept(listener, NULL, NULL);
    CHECK(pair.far >= 0);
    return pair;
}

struct loop loop_pair(void)
{
    int listener = loop_listen(7, 4);
    struct loop pair = loop_connect(listener, 7);

    CHECK_EQ(fd_close(listener), 0);
    return pair;
}

int loop_datagrams(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    CHECK(fd >= 0);
    CHECK_EQ(bind(fd, loop4(port), sizeof(struct sockaddr_in)), 0);
    return fd;
}

size_t loop_drain(int fd)
{
    static char buf[65536];
    size_t total = 0;
    ssize_t n;

    while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
        total += (size_t)n;
    return total;
}

void loop_set(int fd, int level, int name, int value)
{
    CHECK_EQ(setsockopt(fd, level, name, &value, sizeof(value)), 0);
}

int loop_get(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);

    CHECK_EQ(getsockopt(fd, level, name, &value, &len), 0);
    CHECK_EQ(len, sizeof(value));
    return value;
}
