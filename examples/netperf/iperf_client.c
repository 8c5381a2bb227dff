/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iperf_client.c - `iperf3 -c` in this image: one test against a server.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <vireo.h>

#include "iperf.h"

/* What a datagram from either end says before the first of the test. */
#define UDP_HELLO 0x36373839u

enum { UDP_TRIES = 10, UDP_WAIT_MS = 300, LOOK_MS = 10, DELIVERY_LOOKS = 200 };

static struct iperf_test test;
static struct sockaddr_in server;
static char text[IPERF_TEXT_MAX];

static int open_connection(int type)
{
    int fd = socket(AF_INET, type, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void make_cookie(void)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

    getentropy(test.cookie, IPERF_COOKIE - 1);
    for (int i = 0; i < IPERF_COOKIE - 1; i++)
        test.cookie[i] = letters[(unsigned char)test.cookie[i] % 32];
    test.cookie[IPERF_COOKIE - 1] = '\0';
}

/* A datagram there, until the server's comes back. */
static bool greet(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint32_t word = UDP_HELLO;

    for (int i = 0; i < UDP_TRIES; i++) {
        send(fd, &word, sizeof(word), 0);
        if (poll(&p, 1, UDP_WAIT_MS) > 0)
            return recv(fd, &word, sizeof(word), 0) > 0;
    }
    return false;
}

static bool create_streams(void)
{
    const struct iperf_params *p = &test.params;

    for (uint32_t i = 0; i < p->streams * (p->both_ways ? 2 : 1); i++) {
        int fd = open_connection(p->udp ? SOCK_DGRAM : SOCK_STREAM);

        if (fd < 0 || !(p->udp ? greet(fd) : iperf_send_all(fd, test.cookie, IPERF_COOKIE)) ||
            !iperf_add_stream(&test, fd, p->both_ways ? i < p->streams : !p->reverse))
            return false;
    }
    return true;
}

/* Has the server's end all that was sent? It reads nothing more once the test has ended. */
static bool all_delivered(void)
{
    for (unsigned i = 0; i < test.stream_count; i++) {
        const struct iperf_stream *s = &test.streams[i];
        struct tcp_info info;
        socklen_t len = sizeof(info);

        if (s->sends && !getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &len) &&
            (info.tcpi_unacked || info.tcpi_notsent_bytes))
            return false;
    }
    return true;
}

/* Waits for the time or the bytes of the test; false: the server has ended it. */
static bool run_streams(void)
{
    uint64_t until = hal_now_ns() + test.params.time_ns;
    struct pollfd p = {.fd = test.control, .events = POLLIN};

    iperf_start_streams(&test);
    while (!iperf_carried(&test)) {
        if (test.params.time_ns && hal_now_ns() >= until)
            break;
        if (poll(&p, 1, LOOK_MS) > 0)
            return false;
    }
    for (int i = 0; i < DELIVERY_LOOKS && test.params.bytes && !all_delivered(); i++)
        task_sleep_until(hal_now_ns() + LOOK_MS * HAL_MS);
    return true;
}

/* Does what the server's state asks for. 1: go on; 0: all is done; -1: the test failed. */
static int step(signed char state)
{
    static char own[IPERF_TEXT_MAX];

    switch (state) {
    case PARAM_EXCHANGE:
        iperf_write_params(&test.params, text);
        return iperf_send_text(test.control, text) ? 1 : -1;
    case CREATE_STREAMS:
        return create_streams() ? 1 : -1;
    case TEST_START:
        return 1;
    case TEST_RUNNING:
        return run_streams() && iperf_send_state(test.control, TEST_END) ? 1 : -1;
    case EXCHANGE_RESULTS:
        iperf_end_streams(&test);
        iperf_write_results(&test, own);
        return iperf_send_text(test.control, own) && iperf_receive_text(test.control, text) ? 1
                                                                                            : -1;
    case DISPLAY_RESULTS:
        iperf_report(&test, text);
        iperf_send_state(test.control, IPERF_DONE);
        return 0;
    case ACCESS_DENIED:
        printf("netperf: the server of iperf has another client\n");
        return -1;
    default:
        return -1;
    }
}

int iperf_run(const char *host, uint16_t port, const struct iperf_params *params)
{
    signed char state = 0;
    int result = 1;

    test.params = *params;
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    if (!inet_aton(host, &server.sin_addr) || (test.control = open_connection(SOCK_STREAM)) < 0) {
        perror("netperf: the server of iperf");
        return -1;
    }
    make_cookie();
    if (!iperf_send_all(test.control, test.cookie, IPERF_COOKIE))
        result = -1;
    while (result > 0)
        result = iperf_receive_all(test.control, &state, 1) ? step(state) : -1;
    if (result < 0) {
        printf("netperf: the test of iperf failed after state %d\n", state);
        if (!test.ended_ns)
            iperf_end_streams(&test);
    }
    close(test.control);
    return result;
}
