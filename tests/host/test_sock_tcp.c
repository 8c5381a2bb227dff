/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_tcp.c - stream sockets over lwIP's loopback: net/inet with net/lwip below.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "host.h"
#include "tasks.h"

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int listener(uint16_t port, int backlog)
{
    struct sockaddr_in a = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0);
    CHECK_EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    CHECK_EQ(listen(fd, backlog), 0);
    return fd;
}

static void hello(void)
{
    struct sockaddr_in a = loopback(7);
    char buf[8];

    host_boot();
    int l = listener(7, 4), c = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(connect(c, (struct sockaddr *)&a, sizeof(a)), 0);
    int s = accept(l, NULL, NULL);
    CHECK(s >= 0);
    CHECK_EQ(send(c, "hello", 5, 0), 5);
    CHECK_EQ(recv(s, buf, sizeof(buf), 0), 5);
    CHECK_EQ(fd_close(c), 0);
    CHECK_EQ(recv(s, buf, sizeof(buf), 0), 0);
    CHECK_EQ(fd_close(s), 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {SHOWS(hello, NULL)};

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
