/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_tcp_opt.c - what options of TCP do (net/inet/sock_opt_tcp.c, sock_accept.c,
 * net/lwip/tcp_option.c). Their values, ranges and errors are among the facts of tests/apps/facts.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "peer.h"
#include "talker.h"
#include "tasks.h"

#define IN sizeof(struct sockaddr_in)

static char buf[300000];

static void pass_ms(unsigned ms)
{
    task_sleep_until(hal_now_ns() + ms * HAL_MS);
}

/* ---- TCP_DEFER_ACCEPT ------------------------------------------------------------------------ */

static int deferring_listener(int seconds, int backlog)
{
    int l = loop_listen(7, backlog);

    loop_set(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds);
    return l;
}

static int connect_to_7(void)
{
    int c = socket(AF_INET, SOCK_STREAM, 0);

    CHECK_EQ(connect(c, loop4(7), IN), 0);
    return c;
}

static void accept_waits_for_data(void)
{
    host_boot();
    int l = deferring_listener(5, 8), silent = connect_to_7(), talks = connect_to_7();
    pass_ms(2000);
    CHECK_EQ(fd_poll(l, POLLIN), 0);
    fd_set_nonblock(l, true);
    CHECK_FAILS(accept(l, NULL, NULL), EAGAIN);
    CHECK_EQ(send(talks, "hello", 5, 0), 5);
    AWAIT(fd_poll(l, POLLIN), 1);
    int s = accept(l, NULL, NULL);
    CHECK_EQ(recv(s, buf, 100, 0), 5);
    CHECK_EQ(loop_get(s, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0); /* not inherited */
    CHECK_EQ(fd_poll(l, POLLIN), 0);
    CHECK_EQ(fd_close(silent), 0); /* its end counts as well */
    AWAIT(fd_poll(l, POLLIN), 1);
    s = accept(l, NULL, NULL);
    CHECK_EQ(recv(s, buf, 100, 0), 0);
}

/* 5 s become 7, when the third repetition of a SYN-ACK would be due. */
static void accept_waits_no_longer_than_that(void)
{
    host_boot();
    int l = deferring_listener(5, 8), c = connect_to_7();
    uint64_t start = hal_now_ns();
    CHECK_EQ(loop_get(l, IPPROTO_TCP, TCP_DEFER_ACCEPT), 7);
    int s = accept(l, NULL, NULL);
    CHECK(hal_now_ns() - start >= 7 * HAL_SEC && hal_now_ns() - start < 8 * HAL_SEC);
    CHECK_EQ(send(c, "late", 4, 0), 4);
    CHECK_EQ(recv(s, buf, 100, 0), 4);
    CHECK_EQ(fd_poll(l, POLLIN), 0);
}

/* Connections that are reset meanwhile, or whose listener ends. */
static void deferred_connections_end(void)
{
    struct linger at_once = {1, 0};

    host_boot();
    int l = deferring_listener(60, 8), c[3];
    for (int i = 0; i < 3; i++)
        c[i] = connect_to_7();
    pass_ms(10);
    CHECK_EQ(net_core.sockets, 7);
    for (int i = 0; i < 2; i++) { /* the middle one first */
        CHECK_EQ(setsockopt(c[1 - i], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
        CHECK_EQ(fd_close(c[1 - i]), 0);
        pass_ms(10);
        CHECK_EQ(fd_poll(l, POLLIN), 0);
        CHECK_EQ(net_core.sockets, 5 - 2 * i);
    }
    int d = connect_to_7();
    CHECK_EQ(fd_close(l), 0);
    CHECK_FAILS(recv(c[2], buf, 1, 0), ECONNRESET);
    CHECK_FAILS(recv(d, buf, 1, 0), ECONNRESET);
    CHECK_EQ(net_core.sockets, 2);
}

/* Those that wait count for the backlog: one more is not answered. */
static void deferred_connections_fill_the_backlog(void)
{
    host_boot();
    int l = deferring_listener(60, 2);
    connect_to_7();
    connect_to_7();
    int c = socket(AF_INET, SOCK_STREAM, 0);
    fd_set_nonblock(c, true);
    CHECK_FAILS(connect(c, loop4(7), IN), EINPROGRESS);
    pass_ms(500);
    CHECK_EQ(fd_poll(c, POLLOUT), 0);
    CHECK_EQ(fd_poll(l, POLLIN), 0);
}

/* ---- with a peer on the cable ---------------------------------------------------------------- */

static struct peer_tcp c;

/* A connection that the peer has begun; its segments carry 536 bytes. */
static int serve(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(80)};
    int l, s;

    peer_boot(NULL);
    l = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(bind(l, (struct sockaddr *)&any, IN), 0);
    CHECK_EQ(listen(l, 8), 0);
    peer_connect(&c, 4000, 80);
    s = accept(l, NULL, NULL);
    CHECK(s >= 0);
    peer_forget();
    return s;
}

/* The image has sent nothing since, or one segment with this data; which the peer acknowledges. */
static void sent_nothing(void)
{
    task_yield();
    CHECK_EQ(peer_count(PEER_TCP), 0);
}
static void sent_once(const char *data)
{
    task_yield();
    CHECK_EQ(peer_count(PEER_TCP), 1);
    struct heard h = peer_last(PEER_TCP);
    CHECK_EQ(h.len, strlen(data));
    CHECK(memcmp(h.data, data, h.len) == 0);
    c.ack = h.seq + h.len + (h.flags & PEER_FIN ? 1 : 0);
    peer_segment(&c, PEER_ACK, NULL, 0);
    peer_forget();
}

/* ---- TCP_CORK, MSG_MORE ---------------------------------------------------------------------- */

static void a_cork_holds_what_is_not_full(void)
{
    int s = serve();

    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, "head ", 5, 0), 5);
    CHECK_EQ(send(s, "body", 4, 0), 4);
    pass_ms(190);
    sent_nothing();
    loop_set(s, IPPROTO_TCP, TCP_CORK, 0);
    sent_once("head body");
    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, "end", 3, 0), 3);
    CHECK_EQ(shutdown(s, SHUT_WR), 0);
    sent_once("end");
}

/* After 200 ms it leaves, whether or not acknowledgements and data come meanwhile. */
static void a_cork_holds_for_a_while(void)
{
    int s = serve();

    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, "a", 1, 0), 1);
    pass_ms(150);
    CHECK_EQ(send(s, "b", 1, 0), 1);
    peer_segment(&c, PEER_ACK, NULL, 0);
    pass_ms(45);
    sent_nothing();
    pass_ms(10);
    sent_once("ab");
    pass_ms(150);
    CHECK_EQ(send(s, "next", 4, 0), 4); /* has 200 ms of its own */
    pass_ms(190);
    sent_nothing();
    pass_ms(20);
    sent_once("next");
}

static void a_cork_lets_full_segments_pass(void)
{
    int s = serve();

    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, buf, 2 * 536 + 7, 0), 2 * 536 + 7);
    task_yield();
    CHECK_EQ(peer_count(PEER_TCP), 2);
    CHECK_EQ(peer_last(PEER_TCP).len, 536);
    c.ack = peer_last(PEER_TCP).seq + 536;
    peer_forget();
    peer_segment(&c, PEER_ACK, NULL, 0);
    pass_ms(100);
    sent_nothing();
    pass_ms(110);
    CHECK_EQ(peer_last(PEER_TCP).len, 7);
}

static void nodelay_pushes_through_a_cork(void)
{
    int s = serve();

    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, "now", 3, 0), 3);
    sent_nothing();
    loop_set(s, IPPROTO_TCP, TCP_NODELAY, 1);
    sent_once("now");
    CHECK_EQ(loop_get(s, IPPROTO_TCP, TCP_CORK), 1);
    CHECK_EQ(send(s, "later", 5, 0), 5);
    pass_ms(190);
    sent_nothing();
    loop_set(s, IPPROTO_TCP, TCP_CORK, 0);
    sent_once("later");
    CHECK_EQ(send(s, "x", 1, 0), 1);
    sent_once("x");
}

static void msg_more_holds_for_a_while(void)
{
    int s = serve();

    CHECK_EQ(send(s, "more", 4, MSG_MORE), 4);
    pass_ms(190);
    sent_nothing();
    pass_ms(20);
    sent_once("more");
    CHECK_EQ(send(s, buf, 536 + 4, MSG_MORE), 536 + 4);
    task_yield();
    CHECK_EQ(peer_count(PEER_TCP), 1);
    CHECK_EQ(peer_last(PEER_TCP).len, 536);
    CHECK_EQ(loop_get(s, IPPROTO_TCP, TCP_CORK), 0);
}

/* A connection that is reset while it holds a segment. */
static void a_corked_connection_ends(void)
{
    int s = serve();

    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, "x", 1, 0), 1);
    peer_segment(&c, PEER_RST | PEER_ACK, NULL, 0);
    pass_ms(1000);
    CHECK_FAILS(send(s, "x", 1, 0), ECONNRESET);
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
    int s = serve();

    loop_set(s, SOL_SOCKET, SO_KEEPALIVE, 1);
    for (unsigned i = 0; i < 7199; i++)
        pass_ms(1000);
    sent_nothing();
    unsigned t = 7199 + seconds_to_the_error(s, 2000);
    CHECK(t >= 7200 + 9 * 75 && t <= 7200 + 9 * 75 + 5); /* ticks of 500 ms */
    CHECK_EQ(peer_count(PEER_TCP), 10);                  /* the probes, and a reset */
    CHECK(peer_last(PEER_TCP).flags & PEER_RST);
    CHECK_FAILS(recv(s, buf, 1, 0), ETIMEDOUT);
}

static void answers_keep_alive(void)
{
    int s = serve();

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
    int s = serve();

    keep_alive(s, 5, 2, 3);
    CHECK_EQ(shutdown(s, SHUT_WR), 0);
    sent_once("");
    unsigned t = seconds_to_the_error(s, 20);
    CHECK(t >= 11 && t <= 12);
    CHECK_FAILS(recv(s, buf, 1, 0), ETIMEDOUT);
}

/* While data is on its way, its own timeouts judge the peer. */
static void keep_alive_waits_for_data(void)
{
    int s = serve();

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
    int s = serve();
    uint64_t start;

    if (linger2)
        loop_set(s, IPPROTO_TCP, TCP_LINGER2, linger2);
    pass_ms(200 * 1000);
    peer_forget();
    CHECK_EQ(fd_close(s), 0);
    sent_once("");
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

/* ---- TCP_CONGESTION -------------------------------------------------------------------------- */

static void check_congestion(int fd, const char *name)
{
    char value[TCP_CA_NAME_MAX];
    socklen_t len = sizeof(value);

    CHECK_EQ(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, value, &len), 0);
    CHECK_EQ(len, sizeof(value));
    CHECK(strcmp(value, name) == 0);
}

static void set_congestion(int fd, const char *name)
{
    CHECK_EQ(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)), 0);
}

static void congestion_control_is_chosen(void)
{
    host_boot();
    int l = loop_listen(7, 4);
    check_congestion(l, "cubic");
    set_congestion(l, "reno");
    struct loop p = loop_connect(l, 7);
    check_congestion(p.near, "cubic");
    check_congestion(p.far, "reno"); /* inherited */
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        CHECK_EQ(pcb->net.cc.alg, pcb->local_port == 7 ? TCP_CC_RENO : TCP_CC_CUBIC);
    set_congestion(p.far, "cubic");
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        CHECK_EQ(pcb->net.cc.alg, TCP_CC_CUBIC);
    CHECK_FAILS(setsockopt(l, IPPROTO_TCP, TCP_CONGESTION, "bbr", 3), ENOENT);
    CHECK_FAILS(setsockopt(l, IPPROTO_TCP, TCP_CONGESTION, "", 0), EINVAL);
    check_congestion(l, "reno");
}

static void congestion_control_by_default(void)
{
    peer_boot("ip=10.0.2.15/24 vireo.tcp_congestion=reno");
    check_congestion(socket(AF_INET, SOCK_STREAM, 0), "reno");
}

static void congestion_control_by_a_wrong_default(void)
{
    peer_boot("ip=10.0.2.15/24 vireo.tcp_congestion=vegas");
    check_congestion(socket(AF_INET, SOCK_STREAM, 0), "cubic");
    CHECK(host_logged("vireo.tcp_congestion="));
}

/* ---- TCP_WINDOW_CLAMP, TCP_NOTSENT_LOWAT ----------------------------------------------------- */

static struct talker t;

/* The peer sends as much as it may, and all is read: the window at last. */
static uint32_t window_after_much(int fd)
{
    for (unsigned i = 0; i < 12; i++) {
        talker_fill(&t, UINT32_MAX);
        while (talker_take(fd, sizeof(buf)) > 0)
            continue;
        talker_pass_ms(20);
    }
    talker_send(&t, SEG_ACK | SEG_PSH, 1); /* is told the present one */
    talker_send(&t, SEG_ACK | SEG_PSH, 1);
    CHECK_EQ(talker_take(fd, sizeof(buf)), 2);
    return t.room;
}

static void a_clamp_bounds_the_window(void)
{
    int fd = talker_pair(&t, 7);

    loop_set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 100000);
    uint32_t window = window_after_much(fd);
    CHECK(window <= 100000 && window > 70000);
    loop_set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000); /* it closes as data comes */
    window = window_after_much(fd);
    CHECK(window <= 20000 && window > 10000);
}

static void a_clamp_of_a_listener(void)
{
    talker_boot();
    int l = talker_socket(80);
    loop_set(l, IPPROTO_TCP, TCP_WINDOW_CLAMP, 9000);
    CHECK_EQ(listen(l, 4), 0);
    t = (struct talker){.port = 4000, .image_port = 80, .scale = 7};
    int fd = talker_accepted(&t, l);
    CHECK(t.room <= 9000);
    CHECK(window_after_much(fd) <= 9000);
}

/* No more is taken than the congestion window and the mark allow. */
static void few_unsent_bytes_are_taken(void)
{
    int fd = talker_pair(&t, 7);

    loop_set(fd, SOL_SOCKET, SO_SNDBUF, 200000);
    loop_set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 8000);
    CHECK_EQ(fd_poll(fd, POLLOUT), POLLOUT);
    size_t taken = talker_write_all(fd);
    CHECK(taken >= 9 * TALKER_MSS + 8000 && taken < 11 * TALKER_MSS + 8000);
    CHECK_EQ(fd_poll(fd, POLLOUT), 0);
    t.window = 2 * TALKER_MSS;
    talker_ack(&t);
    CHECK_EQ(fd_poll(fd, POLLOUT), 0); /* over 4000 are left */
    talker_ack(&t);
    talker_ack(&t);
    CHECK_EQ(fd_poll(fd, POLLOUT), POLLOUT);
    CHECK_EQ(send(fd, buf, 1, MSG_DONTWAIT), 1);
    loop_set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1); /* a segment is taken, even so */
    t.window = 100 * TALKER_MSS;
    talker_ack(&t);
    talker_ack(&t);
    CHECK(send(fd, buf, 100000, MSG_DONTWAIT) >= (ssize_t)TALKER_MSS);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(accept_waits_for_data, NULL),
        SHOWS(accept_waits_no_longer_than_that, NULL),
        SHOWS(deferred_connections_end, NULL),
        SHOWS(deferred_connections_fill_the_backlog, NULL),
        SHOWS(a_cork_holds_what_is_not_full, NULL),
        SHOWS(a_cork_holds_for_a_while, NULL),
        SHOWS(a_cork_lets_full_segments_pass, NULL),
        SHOWS(nodelay_pushes_through_a_cork, NULL),
        SHOWS(msg_more_holds_for_a_while, NULL),
        SHOWS(a_corked_connection_ends, NULL),
        SHOWS(keep_alive_by_default, NULL),
        SHOWS(answers_keep_alive, NULL),
        SHOWS(keep_alive_of_half_a_connection, NULL),
        SHOWS(keep_alive_waits_for_data, NULL),
        SHOWS(fin_wait_2_of_60_s, NULL),
        SHOWS(fin_wait_2_of_5_s, NULL),
        SHOWS(fin_wait_2_of_no_time, NULL),
        SHOWS(congestion_control_is_chosen, NULL),
        SHOWS(congestion_control_by_default, NULL),
        SHOWS(congestion_control_by_a_wrong_default, NULL),
        SHOWS(a_clamp_bounds_the_window, NULL),
        SHOWS(a_clamp_of_a_listener, NULL),
        SHOWS(few_unsent_bytes_are_taken, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
