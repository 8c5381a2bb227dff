/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_http_server.c - the poll() loop of examples/httpd over TCP of this machine: with all places
 * taken by clients that do nothing, the next client is served.
 */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "server.h"
#include "table.h"

#define PLACES  24u
#define CLIENTS 30u

static uint16_t port;
static pid_t server;

static int connect_to_server(void)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0);
    return fd;
}

/* A free port; the server is a process of its own, which ends with the case. */
static void start(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(any);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(bind(fd, (struct sockaddr *)&any, len) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&any, &len) == 0);
    close(fd);
    port = ntohs(any.sin_port);
    int listener = server_listen(port);
    CHECK(listener >= 0);
    server = fork();
    if (server == 0) {
        server_run(listener, PLACES);
        _exit(1);
    }
    close(listener);
}

/* Asks for a page; the milliseconds until the answer begins, at most `limit`. */
static unsigned served_after(unsigned limit)
{
    static const char request[] = "GET /source?bytes=1 HTTP/1.1\r\nHost: h\r\n\r\n";
    char text[16] = "";
    unsigned waited = 0;
    int fd = connect_to_server();

    CHECK(send(fd, request, sizeof(request) - 1, 0) > 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (waited < limit && poll(&p, 1, 50) == 0)
        waited += 50;
    if (waited < limit)
        CHECK(recv(fd, text, 12, 0) == 12 && strcmp(text, "HTTP/1.1 200") == 0);
    close(fd);
    return waited;
}

/* More clients than places, each of which sends `text` and then nothing. */
static void crowd(const char *text, unsigned limit)
{
    int fds[CLIENTS];

    start();
    for (unsigned i = 0; i < CLIENTS; i++) {
        fds[i] = connect_to_server();
        CHECK(send(fds[i], text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
    }
    unsigned ms = served_after(30000);
    kill(server, SIGKILL);
    for (unsigned i = 0; i < CLIENTS; i++)
        close(fds[i]);
    if (ms > limit)
        check_fail(__FILE__, __LINE__, "served after %u ms", ms);
}

static void test_silent(void)
{
    crowd("", 8000);
}

static void test_idle(void)
{
    crowd("GET /source?bytes=1 HTTP/1.1\r\nHost: h\r\n\r\n", 12000);
}

static void test_slow(void)
{
    crowd("GET /", 16000);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"http_silent_clients", test_silent},
        {"http_idle_clients", test_idle},
        {"http_slow_clients", test_slow},
    };
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
