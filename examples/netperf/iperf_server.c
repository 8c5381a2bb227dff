/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iperf_server.c - `iperf3 -s` in this image: one client at a time, others are told to wait.
 */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <vireo.h>

#include "iperf.h"

/* What a datagram from either end says before the first of the test. */
#define UDP_ANSWER 0x39383736u

enum { BACKLOG = 8, LOOK_NS = 10000000, SETTLED = 20 };

static struct iperf_test test;
static char text[IPERF_TEXT_MAX];

/* A socket on that port, or -1. */
static int open_port(uint16_t port, int type)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, type, 0), one = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
        (type != SOCK_STREAM || listen(fd, BACKLOG) == 0))
        return fd;
    close(fd);
    return -1;
}

static bool ready_to_read(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, IPERF_WAIT_S * 1000) > 0;
}

static void set_patience(int fd, unsigned s)
{
    struct timeval t = {.tv_sec = s};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
}

static void deny(int fd)
{
    iperf_send_state(fd, ACCESS_DENIED);
    close(fd);
}

/* ---- streams --------------------------------------------------------------------------------- */

/* The next connection with this test's cookie, or -1: none came in time. */
static int accept_stream(int listener)
{
    char cookie[IPERF_COOKIE];

    while (ready_to_read(listener)) {
        int fd = accept(listener, NULL, NULL);

        if (fd < 0)
            return -1;
        set_patience(fd, IPERF_WAIT_S);
        if (iperf_receive_all(fd, cookie, sizeof(cookie)) &&
            memcmp(cookie, test.cookie, sizeof(cookie)) == 0) {
            set_patience(fd, 0);
            return fd;
        }
        deny(fd);
    }
    return -1;
}

/* A socket for the next sender of a datagram, or -1. *port_fd waits for the one after that. */
static int accept_datagrams(int *port_fd, uint16_t port)
{
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    uint32_t word = UDP_ANSWER;
    int fd = *port_fd;

    if (!ready_to_read(fd) ||
        recvfrom(fd, text, sizeof(text), 0, (struct sockaddr *)&from, &len) <
            (ssize_t)sizeof(word) ||
        connect(fd, (struct sockaddr *)&from, len) < 0)
        return -1;
    *port_fd = open_port(port, SOCK_DGRAM);
    return send(fd, &word, sizeof(word), 0) == (ssize_t)sizeof(word) ? fd : -1;
}

static bool accept_streams(int listener, int *port_fd, uint16_t port)
{
    const struct iperf_params *p = &test.params;
    unsigned all = p->streams * (p->both_ways ? 2 : 1);

    for (unsigned i = 0; i < all; i++) {
        int fd = p->udp ? accept_datagrams(port_fd, port) : accept_stream(listener);

        if (fd < 0 || !iperf_add_stream(&test, fd, p->reverse || i >= p->streams))
            return false;
    }
    return true;
}

/* ---- the steps of a test --------------------------------------------------------------------- */

/* Of a test of so many bytes, the last ones may still be on their way. */
static void drain(void)
{
    uint64_t had = 0;

    for (int quiet = 0; quiet < SETTLED && !iperf_carried(&test);) {
        task_sleep_until(hal_now_ns() + LOOK_NS);
        quiet = iperf_bytes(&test) == had ? quiet + 1 : 0;
        had = iperf_bytes(&test);
    }
}

/* While streams run: until the client says that the test is over. false: it is gone. */
static bool attend(int listener)
{
    for (;;) {
        struct pollfd both[2] = {{.fd = test.control, .events = POLLIN},
                                 {.fd = listener, .events = POLLIN}};
        signed char state;

        if (poll(both, 2, -1) < 0)
            return false;
        if (both[1].revents)
            deny(accept(listener, NULL, NULL));
        if (!both[0].revents)
            continue;
        if (recv(test.control, &state, 1, 0) != 1 || state == CLIENT_TERMINATE)
            return false;
        if (state == TEST_END) {
            if (test.params.bytes)
                drain();
            return true;
        }
    }
}

static bool agree(void)
{
    static const uint32_t errors[2];

    if (!iperf_send_state(test.control, PARAM_EXCHANGE) || !iperf_receive_text(test.control, text))
        return false;
    if (iperf_read_params(text, &test.params))
        return iperf_send_state(test.control, CREATE_STREAMS);
    iperf_send_state(test.control, SERVER_ERROR);
    iperf_send_all(test.control, errors, sizeof(errors));
    printf("netperf: a client asked for what this server does not do: %s\n", text);
    return false;
}

static void exchange_results(void)
{
    static char own[IPERF_TEXT_MAX];
    signed char state;

    iperf_write_results(&test, own);
    if (!iperf_send_state(test.control, EXCHANGE_RESULTS) ||
        !iperf_receive_text(test.control, text) || !iperf_send_text(test.control, own) ||
        !iperf_send_state(test.control, DISPLAY_RESULTS))
        return;
    iperf_report(&test, text);
    iperf_receive_all(test.control, &state, 1); /* IPERF_DONE */
}

static void serve_client(int listener, int *port_fd, uint16_t port)
{
    bool ended = false;

    if (!iperf_receive_all(test.control, test.cookie, IPERF_COOKIE) || !agree())
        return;
    if (accept_streams(listener, port_fd, port) && iperf_send_state(test.control, TEST_START) &&
        iperf_send_state(test.control, TEST_RUNNING)) {
        iperf_start_streams(&test);
        ended = attend(listener);
    }
    iperf_end_streams(&test);
    if (ended)
        exchange_results();
    else
        printf("netperf: a client of iperf went away\n");
}

int iperf_serve(uint16_t port)
{
    int listener = open_port(port, SOCK_STREAM), port_fd = open_port(port, SOCK_DGRAM);

    if (listener < 0 || port_fd < 0) {
        perror("netperf: the port of iperf");
        return -1;
    }
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
        memset(&test, 0, sizeof(test));
        test.control = fd;
        set_patience(fd, IPERF_WAIT_S);
        serve_client(listener, &port_fd, port);
    }
    perror("netperf: accept");
    return -1;
}
