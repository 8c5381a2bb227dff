/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_tcp_time.c - how long connections live: keep-alive, peers that say nothing or keep
 * their window closed, connecting, and waiting for the other side's end (net/inet/sock_opt_tcp.c,
 * sock_end.c, net/lwip/tcp_option.c, tcp_resend.c).
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "peer.h"
#include "served.h"
#include "tasks.h"

#define IN sizeof(struct sockaddr_in)

static char buf[100];
static struct peer_tcp c; /* the other end of served() */

static void pass_ms(unsigned ms)
{
    task_sleep_until(hal_now_ns() + ms * HAL_MS);
}

/* ---- keep-alive ------------------------------------------------------------------------------ */

static void keep_alive(int s, int idle, int interval, int count)
{
    loop_set(s, SOL_SOCKET, SO_KEEPALIVE, 1);
    loop_set(s, IPPROTO_TCP, TCP_KEEPIDLE, idle);
    loop_set(s, IPPROTO_TCP, TCP_KEEPINTVL, interval);
    loop_set(s, IPPROTO_TCP, TCP_KEEPCNT, count);
}

/* Seconds until the socket has an error. */
static unsigned seconds_to_the_error(int s, unsigned limit)
{
    uint64_t start = hal_now_ns();

    AWAIT(fd_poll(s, POLLERR), limit);
    return (unsigned)((hal_now_ns() - start) / HAL_SEC);
}

/* Two hours, then nine probes, 75 s apart, and as long again for the last one's answer. */
static void keep_alive_by_default(void)
{
    int s = served(&c);

    loop_set(s, SOL_SOCKET, SO_KEEPALIVE, 1);
    for (unsigned i = 0; i < 7199; i++)
        pass_ms(1000);
    served_sent_nothing();
    unsigned t = 7199 + seconds_to_the_error(s, 2000);
    CHECK(t >= 7200 + 9 * 75 && t <= 7200 + 9 * 75 + 5); /* ticks of 500 ms */
    CHECK_EQ(peer_count(PEER_TCP), 10);                  /* the probes, and a reset */
    CHECK(peer_last(PEER_TCP).flags & PEER_RST);
    CHECK_FAILS(recv(s, buf, 1, 0), ETIMEDOUT);
}

static void answers_keep_alive(void)
{
    int s = served(&c);

    keep_alive(s, 5, 2, 3);
    for (unsigned i = 0; i < 20; i++) {
        AWAIT(peer_count(PEER_TCP) > i, 6);
        struct heard h = peer_last(PEER_TCP);
        CHECK(h.len == 0 && h.seq == c.ack - 1 && h.ack == c.seq);
        peer_segment(&c, PEER_ACK, NULL, 0);
    }
    unsigned t = seconds_to_the_error(s, 20);
    CHECK(t >= 11 && t <= 12);
}

/* This side has ended its direction, and waits for the rest of an answer. */
static void keep_alive_of_half_a_connection(void)
{
    int s = served(&c);

    keep_alive(s, 5, 2, 3);
    CHECK_EQ(shutdown(s, SHUT_WR), 0);
    served_sent_once(&c, "");
    unsigned t = seconds_to_the_error(s, 20);
    CHECK(t >= 11 && t <= 12);
    CHECK_FAILS(recv(s, buf, 1, 0), ETIMEDOUT);
}

/* While data is on its way, its own timeouts judge the peer. */
static void keep_alive_waits_for_data(void)
{
    int s = served(&c);

    keep_alive(s, 1, 1, 1);
    CHECK_EQ(send(s, "data", 4, 0), 4);
    pass_ms(8000);
    CHECK_EQ(fd_poll(s, POLLERR), 0);
    CHECK_EQ(peer_last(PEER_TCP).len, 4);
    c.ack += 4;
    peer_segment(&c, PEER_ACK, NULL, 0);
    unsigned t = seconds_to_the_error(s, 20);
    CHECK(t >= 2 && t <= 3);
}

/* ---- TCP_LINGER2 ----------------------------------------------------------------------------- */

/* Seconds that the connection of a closed socket lives in FIN_WAIT_2, after a long silence. */
static unsigned seconds_in_fin_wait_2(int linger2)
{
    int s = served(&c);
    uint64_t start;

    if (linger2)
        loop_set(s, IPPROTO_TCP, TCP_LINGER2, linger2);
    pass_ms(200 * 1000);
    peer_forget();
    CHECK_EQ(fd_close(s), 0);
    served_sent_once(&c, "");
    start = hal_now_ns();
    AWAIT(!tcp_active_pcbs, 200);
    return (unsigned)((hal_now_ns() - start) / HAL_SEC);
}

static void fin_wait_2_of_60_s(void)
{
    unsigned s = seconds_in_fin_wait_2(0);

    CHECK(s >= 60 && s <= 61);
}
static void fin_wait_2_of_5_s(void)
{
    unsigned s = seconds_in_fin_wait_2(5);

    CHECK(s >= 5 && s <= 6);
}
static void fin_wait_2_of_no_time(void)
{
    CHECK(seconds_in_fin_wait_2(-1) <= 1);
}

/* ---- TCP_SYNCNT, TCP_USER_TIMEOUT ------------------------------------------------------------ */

/* How long connect() tries a peer that says nothing, with so many repetitions: seconds. */
static unsigned seconds_of_connect(int syn_count, unsigned user_timeout, unsigned *syns)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(8080), .sin_addr.s_addr = htonl(PEER_IP)};
    uint64_t start;
    int fd;

    peer_boot(NULL);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (syn_count)
        loop_set(fd, IPPROTO_TCP, TCP_SYNCNT, syn_count);
    loop_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)user_timeout);
    start = hal_now_ns();
    CHECK_FAILS(connect(fd, (struct sockaddr *)&a, IN), ETIMEDOUT);
    *syns = peer_count(PEER_TCP);
    return (unsigned)((hal_now_ns() - start) / HAL_SEC);
}

static void connect_repeats_its_syn(void)
{
    unsigned syns, s = seconds_of_connect(2, 0, &syns);

    CHECK_EQ(s, 7); /* after 1 and 3 s, and 4 s for the answer */
    CHECK_EQ(syns, 3);
}
static void connect_for_three_minutes(void)
{
    unsigned syns, s = seconds_of_connect(0, 0, &syns);

    CHECK_EQ(s, 180);
    CHECK_EQ(syns, 1 + 7);
}
/* Not data: that is for TCP_USER_TIMEOUT. */
static void syncnt_is_for_connecting(void)
{
    int s = served(&c);

    loop_set(s, IPPROTO_TCP, TCP_SYNCNT, 1);
    CHECK_EQ(send(s, "data", 4, 0), 4);
    pass_ms(20 * 1000);
    CHECK_EQ(fd_poll(s, POLLERR), 0);
}
static void connect_until_the_user_timeout(void)
{
    unsigned syns, s = seconds_of_connect(6, 5000, &syns);

    CHECK_EQ(s, 5);
    CHECK_EQ(syns, 3);
}

/* Data that nobody acknowledges. */
static void user_timeout_of_data(void)
{
    int s = served(&c);

    loop_set(s, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
    pass_ms(20 * 1000); /* a silence does not count */
    CHECK_EQ(send(s, "data", 4, 0), 4);
    pass_ms(3000);
    c.ack = peer_last(PEER_TCP).seq + 2; /* half of it: the time begins anew */
    peer_segment(&c, PEER_ACK, NULL, 0);
    CHECK_EQ(seconds_to_the_error(s, 30), 5);
    CHECK_FAILS(recv(s, buf, 1, 0), ETIMEDOUT);
}

/* The time is set, or made shorter, while data waits. */
static void user_timeout_is_set_late(void)
{
    int s = served(&c);

    CHECK_EQ(send(s, "data", 4, 0), 4);
    pass_ms(14 * 1000); /* it was sent again after 12.8 s, and would be after 25.6 s */
    loop_set(s, IPPROTO_TCP, TCP_USER_TIMEOUT, 16 * 1000);
    unsigned t = seconds_to_the_error(s, 30);
    CHECK(t >= 1 && t <= 2);
}

/* A peer with a closed window answers each probe. */
static unsigned seconds_of_a_closed_window(unsigned user_timeout, unsigned limit)
{
    int s = served(&c);
    uint64_t start = hal_now_ns();

    c.window = 0;
    CHECK_EQ(send(s, "data", 4, 0), 4);
    served_sent_once(&c, "data");
    loop_set(s, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)user_timeout);
    CHECK_EQ(send(s, "more", 4, 0), 4);
    while (!fd_poll(s, POLLERR) && hal_now_ns() < start + limit * HAL_SEC) {
        pass_ms(100);
        peer_segment(&c, PEER_ACK, NULL, 0);
    }
    if (fd_poll(s, POLLERR))
        CHECK_FAILS(send(s, buf, 1, 0), ETIMEDOUT);
    return (unsigned)((hal_now_ns() - start) / HAL_SEC);
}

static void user_timeout_of_a_closed_window(void)
{
    unsigned s = seconds_of_a_closed_window(7000, 60);

    CHECK(s >= 7 && s <= 8);
}
/* Without it the connection lives as long as probes are answered (RFC 9293, 3.8.6.1). */
static void a_closed_window_for_long(void)
{
    CHECK(seconds_of_a_closed_window(0, 1800) >= 1800);
}

static void user_timeout_of_keep_alive(void)
{
    int s = served(&c);

    keep_alive(s, 5, 2, 3);
    loop_set(s, IPPROTO_TCP, TCP_USER_TIMEOUT, 14000);
    unsigned t = seconds_to_the_error(s, 60);
    CHECK(t >= 15 && t <= 16);
    CHECK(loop_get(s, IPPROTO_TCP, TCP_KEEPCNT) == 3);
}

/* ---- ends that wait for the peer ------------------------------------------------------------- */

/* Seconds that close() waits with SO_LINGER 5 for a peer that has vanished. */
static unsigned seconds_of_close(unsigned user_timeout)
{
    struct linger five = {1, 5};
    int s = served(&c);
    uint64_t start;

    CHECK_EQ(setsockopt(s, SOL_SOCKET, SO_LINGER, &five, sizeof(five)), 0);
    loop_set(s, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)user_timeout);
    CHECK_EQ(send(s, "data", 4, 0), 4);
    start = hal_now_ns();
    CHECK_EQ(fd_close(s), 0);
    return (unsigned)((hal_now_ns() - start) / HAL_SEC);
}

static void close_lingers(void)
{
    CHECK_EQ(seconds_of_close(0), 5);
    CHECK(tcp_active_pcbs != NULL); /* goes on without the socket, ... */
    AWAIT(tcp_active_pcbs == NULL, 200);
    CHECK(net_core.sockets == 1);
}
static void close_lingers_until_the_user_timeout(void)
{
    CHECK_EQ(seconds_of_close(2000), 2);
    CHECK(tcp_active_pcbs == NULL);
}

/* What is held back leaves at the end of the image, though nobody may hear it. */
static void the_end_of_an_image_lets_corked_data_go(void)
{
    int s = served(&c);
    uint64_t start = hal_now_ns();

    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, "held", 4, 0), 4);
    served_sent_nothing();
    host_end_image();
    struct heard h = peer_last(PEER_TCP);
    CHECK(h.len == 4 && (h.flags & PEER_FIN));
    CHECK(peer_count(PEER_TCP) > 1);               /* it is sent again in this time, ... */
    CHECK_EQ((hal_now_ns() - start) / HAL_SEC, 3); /* ... which is bounded */
    CHECK(host_logged("though 4 bytes of 1 connections"));
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(keep_alive_by_default, NULL),
        SHOWS(answers_keep_alive, NULL),
        SHOWS(keep_alive_of_half_a_connection, NULL),
        SHOWS(keep_alive_waits_for_data, NULL),
        SHOWS(fin_wait_2_of_60_s, NULL),
        SHOWS(fin_wait_2_of_5_s, NULL),
        SHOWS(fin_wait_2_of_no_time, NULL),
        SHOWS(connect_repeats_its_syn, NULL),
        SHOWS(connect_for_three_minutes, NULL),
        SHOWS(syncnt_is_for_connecting, NULL),
        SHOWS(connect_until_the_user_timeout, NULL),
        SHOWS(user_timeout_of_data, NULL),
        SHOWS(user_timeout_is_set_late, NULL),
        SHOWS(user_timeout_of_a_closed_window, NULL),
        SHOWS(a_closed_window_for_long, NULL),
        SHOWS(user_timeout_of_keep_alive, NULL),
        SHOWS(close_lingers, NULL),
        SHOWS(close_lingers_until_the_user_timeout, NULL),
        SHOWS(the_end_of_an_image_lets_corked_data_go, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
