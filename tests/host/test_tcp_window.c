/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_window.c - windows and send buffers that grow, and those that are set
 * (net/lwip/tcp_window.c, net/inet/).
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "talker.h"
#include "tasks.h"

#define MSS TALKER_MSS
#define ALL SIZE_MAX

static struct talker t;

/* The image's right edge never moves back, and opens by a segment at least or half the buffer. */
static uint32_t last_edge;
static void watch_edge(struct talker *peer, const struct segment *s)
{
    uint32_t edge = s->ack + peer->room;

    CHECK(!last_edge || (int32_t)(edge - last_edge) >= 0);
    last_edge = edge;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void a_window_grows_while_the_application_keeps_up(void)
{
    int fd = talker_pair(&t, 7), rounds = 0;

    talker_listen(watch_edge);
    CHECK_EQ(t.room, 65535);
    for (; rounds < 20 && talker_pcb(&t)->net.win.receive < TCP_BUFFER_MAX; rounds++) {

        uint32_t n = talker_fill(&t, UINT32_MAX);

        for (ssize_t r; n; n -= (uint32_t)r)
            CHECK((r = talker_take(fd, ALL)) > 0);
        talker_pass_ms(50);
    }
    talker_send(&t, SEG_ACK, MSS);
    talker_send(&t, SEG_ACK, MSS);
    CHECK_EQ(t.room, TCP_BUFFER_MAX - 2 * MSS / 128 * 128 - 128);
    CHECK_EQ(talker_take(fd, ALL), 2 * MSS);
    CHECK(rounds <= 9); /* it doubles each time, from 64 KiB */
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_RCVBUF), TCP_BUFFER_MAX);
}

/* The same bytes at a fifth of a window in a round trip, which is taken for 100 ms. */
static void a_slow_stream_needs_no_more(void)
{
    int fd = talker_pair(&t, 7);

    for (int i = 0; i < 400; i++) {
        talker_fill(&t, 9 * MSS);
        CHECK_EQ(talker_take(fd, ALL), 9 * MSS);
        talker_pass_ms(100);
    }
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_RCVBUF), TCP_WINDOW_START);
}

/* Six tenths of a window in each round trip: its end leaves no room for a faster peer. */
static void a_window_grows_before_it_is_full(void)
{
    int fd = talker_pair(&t, 7);

    for (int i = 0; i < 4; i++) {
        talker_pass_ms(100);
        talker_fill(&t, TCP_WINDOW_START * 6 / 10 / MSS * MSS);
        CHECK_EQ(talker_take(fd, ALL), TCP_WINDOW_START * 6 / 10 / MSS * MSS);
    }
    CHECK((uint32_t)loop_get(fd, SOL_SOCKET, SO_RCVBUF) >= 2 * TCP_WINDOW_START);
}

/* A round trip that was measured counts in place of the 100 ms. */
static void a_long_round_trip_needs_more(void)
{
    int fd = talker_pair(&t, 7);

    talker_pcb(&t)->net.rtt.srtt_us = 1000000;
    for (int i = 0; i < 20; i++) {
        talker_fill(&t, 9 * MSS);
        CHECK_EQ(talker_take(fd, ALL), 9 * MSS);
        talker_pass_ms(100);
    }
    CHECK(loop_get(fd, SOL_SOCKET, SO_RCVBUF) > (int)TCP_WINDOW_START);
}

static void what_nobody_reads_lets_nothing_grow(void)
{
    int fd = talker_pair(&t, 7);
    uint32_t n = talker_fill(&t, UINT32_MAX);

    CHECK(n >= 65536 - MSS && n <= 65536 + 4096);
    talker_pass_ms(1000);
    CHECK(t.room < MSS);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_RCVBUF), TCP_WINDOW_START);
    CHECK_EQ(talker_take(fd, ALL), n);
}

/* Rounding gives a sixteenth more at most, however small the segments are. */
static void crumbs_close_a_window(void)
{
    int fd = talker_pair(&t, 7);
    uint32_t n = 0;

    talker_pcb(&t)->net.ack.quick = true; /* so each byte is told */
    for (; n < 80000 && talker_may_send(&t); n++)
        talker_send(&t, SEG_ACK | SEG_PSH, 1);
    CHECK(n >= 65000 && n <= 65536 * 16 / 15);
    CHECK_EQ(talker_take(fd, ALL), n);
}

static void without_the_option_a_window_is_of_16_bits(void)
{
    int fd = talker_pair(&t, SEG_NO_OPTS);

    for (int i = 0; i < 20; i++) {
        talker_fill(&t, UINT32_MAX);
        while (talker_take(fd, ALL) > 0)
            continue;
        talker_pass_ms(10);
        CHECK_EQ(t.image_scale, 0);
        CHECK_EQ(t.room, 0xffff);
    }
    CHECK_EQ(talker_pcb(&t)->rcv_wnd, 0xffff);
}

/* Any sizes, read in any pieces. */
static void the_edge_never_moves_back(void)
{
    int fd = talker_pair(&t, 7);
    uint32_t unread = 0;

    talker_listen(watch_edge);
    for (int i = 0; i < 20000; i++) {
        uint32_t n = 1 + random_below(random_below(4) ? MSS : 40);

        if (talker_may_send(&t) >= n) {
            /* with CWR (RFC 3168) a segment goes the way of lwIP */
            talker_send(&t, SEG_ACK | (random_below(2) ? SEG_PSH : SEG_CWR), n);
            unread += n;
        }
        if (random_below(30) == 0)
            while (unread && random_below(50)) {
                ssize_t r = talker_take(fd, 1 + random_below(3000));
                CHECK(r > 0);
                unread -= (uint32_t)r;
            }
        CHECK_EQ(talker_pcb(&t)->net.win.receive - talker_pcb(&t)->rcv_wnd, unread);
    }
    talker_pass_ms(500);
    CHECK_EQ(t.heard.ack, t.seq);
    CHECK_EQ(fd_close(fd), 0);
}

/* A window of a few bytes is never opened (RFC 9293, 3.8.6.2.2). */
static void no_silly_windows(void)
{
    int fd = talker_pair(&t, 7);
    uint32_t n = talker_fill(&t, UINT32_MAX);

    if (talker_may_send(&t))
        talker_send(&t, SEG_ACK, talker_may_send(&t));
    talker_pass_ms(500);
    CHECK(t.room < 128);
    talker_listen(watch_edge);
    for (uint32_t read = 0; read < 20000; read += 100) {
        uint32_t room = t.room;

        CHECK_EQ(talker_take(fd, 100), 100);
        CHECK(t.room == room || t.room >= room + 2 * MSS - 128);
        room = t.room;
        talker_ahead(&t, -1, SEG_ACK, 1); /* asks for the window */
        CHECK(t.room == room || t.room >= room + MSS - 128);
    }
    CHECK(t.room > 10000);
    CHECK(n > 0);
    CHECK_EQ(fd_close(fd), 0);
}

/* An open window is told with the next acknowledgement, not in a segment of its own. */
static void news_that_the_peer_does_not_need_waits(void)
{
    int fd = talker_pair(&t, 7);

    talker_fill(&t, 20 * MSS);
    talker_pass_ms(500);
    unsigned before = t.count;
    while (talker_take(fd, MSS) > 0)
        continue;
    talker_pass_ms(500);
    CHECK_EQ(t.count, before);
    uint32_t n = talker_fill(&t, 40 * MSS);
    CHECK_EQ(n, 40 * MSS);
    talker_pass_ms(500);
    before = t.count;
    while (talker_take(fd, MSS) > 0)
        continue;
    CHECK(t.count > before && t.count <= before + 3);
    CHECK(t.room > 32768);
}

/* ---- sizes that are set ---------------------------------------------------------------------- */

static void a_fixed_window(void)
{
    host_set_ram(256 << 20);
    talker_boot();
    int l = talker_socket(80);
    loop_set(l, SOL_SOCKET, SO_RCVBUF, 10000);
    CHECK_EQ(loop_get(l, SOL_SOCKET, SO_RCVBUF), 10000);
    CHECK_EQ(listen(l, 8), 0);
    static struct talker other = {.port = 4001, .image_port = 80, .scale = 7};
    loop_set(l, SOL_SOCKET, SO_RCVBUF, 20000);
    talker_syn(&other);
    CHECK_EQ(other.heard.window, 20000 / 128 * 128);
    loop_set(l, SOL_SOCKET, SO_RCVBUF, 10000);
    t = (struct talker){.port = 4000, .image_port = 80, .scale = 7};
    talker_syn(&t);
    CHECK_EQ(t.heard.window, 10000 / 128 * 128);
    talker_ack(&t);
    int fd = accept(l, NULL, NULL);
    fd_set_nonblock(fd, true);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_RCVBUF), 10000);
    for (int i = 0; i < 50; i++) {
        CHECK(talker_fill(&t, UINT32_MAX) <= 10000 + 625);
        CHECK(talker_take(fd, ALL) > 0);
    }
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_RCVBUF), 10000);
    loop_set(fd, SOL_SOCKET, SO_RCVBUF, 200000); /* at once */
    talker_send(&t, SEG_ACK, MSS);
    talker_send(&t, SEG_ACK, MSS);
    CHECK(t.room > 190000);
    loop_set(fd, SOL_SOCKET, SO_RCVBUF, 20000); /* as it is read: what is announced stays */
    talker_listen(watch_edge);
    talker_send(&t, SEG_ACK, MSS);
    CHECK(talker_take(fd, ALL) > 0);
    CHECK(talker_fill(&t, UINT32_MAX) > 150000);
    CHECK_EQ(talker_pcb(&t)->rcv_nxt, t.seq);
    while (talker_take(fd, 1000) > 0)
        continue;
    talker_pass_ms(50);
    while (talker_may_send(&t) >= MSS) {
        talker_send(&t, SEG_ACK, MSS);
        while (talker_take(fd, ALL) > 0)
            continue;
        if (talker_may_send(&t) <= 20000)
            break;
    }
    CHECK(t.room <= 20000 + 2 * MSS);
    CHECK(talker_pcb(&t)->net.win.receive <= 20000 + 1250);
    loop_set(fd, SOL_SOCKET, SO_RCVBUF, 1);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_RCVBUF), TCP_BUFFER_MIN);
    loop_set(fd, SOL_SOCKET, SO_RCVBUF, -1);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_RCVBUF), TCP_BUFFER_MAX);
}

static void set_cwnd(struct tcp_pcb *pcb, uint32_t bytes)
{
    pcb->net.cc.cwnd = bytes;
}

static void a_send_buffer_grows_with_the_congestion_window(void)
{
    int fd = talker_pair(&t, 7);
    struct tcp_pcb *pcb = talker_pcb(&t);

    t.window = 8 << 20;
    talker_ack(&t);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_SNDBUF), 2 * pcb->net.cc.cwnd);
    CHECK_EQ(talker_write_all(fd), 2 * pcb->net.cc.cwnd);
    CHECK_EQ(fd_poll(fd, POLLOUT), 0);
    set_cwnd(pcb, 100000);
    talker_ack(&t);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_SNDBUF) / 10000, 20);
    CHECK_EQ(fd_poll(fd, POLLOUT), POLLOUT);
    CHECK(talker_write_all(fd) > 150000);
    set_cwnd(pcb, TCP_BUFFER_MAX);
    talker_ack(&t);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_SNDBUF), TCP_BUFFER_MAX);
    talker_write_all(fd);
    CHECK_EQ(pcb->snd_buf, 0);
    CHECK_EQ(fd_poll(fd, POLLOUT), 0);
    for (int i = 0; i < 10; i++)
        talker_ack(&t);
    CHECK_EQ(pcb->snd_buf, TCP_BUFFER_MAX);
    CHECK_EQ(fd_poll(fd, POLLOUT), POLLOUT);
}

/* Of a peer with a small window more is never on its way. */
static void a_small_window_needs_a_small_send_buffer(void)
{
    int fd = talker_pair(&t, SEG_NO_OPTS);

    t.window = 10000;
    talker_ack(&t);
    for (int i = 0; i < 100; i++) {
        set_cwnd(talker_pcb(&t), 1 << 20);
        talker_write_all(fd);
        talker_ack(&t);
    }
    CHECK(loop_get(fd, SOL_SOCKET, SO_SNDBUF) <= 2 * 0xffff);
}

/* A third of it free is worth a write. */
static void a_fixed_send_buffer(void)
{
    int fd = talker_pair(&t, 7);
    struct tcp_pcb *pcb = talker_pcb(&t);

    loop_set(fd, SOL_SOCKET, SO_SNDBUF, 60000);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_SNDBUF), 60000);
    t.window = 8 << 20;
    talker_ack(&t);
    CHECK_EQ(talker_write_all(fd), 60000);
    for (int i = 0; i < 100; i++) {
        talker_ack(&t);
        CHECK_EQ(fd_poll(fd, POLLOUT) != 0, pcb->snd_buf >= 20000);
        if (pcb->snd_buf > 50000)
            talker_write_all(fd);
        CHECK(pcb->snd_lbb - pcb->lastack <= 60000);
    }
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_SNDBUF), 60000);
}

/* Writes of one byte, each a packet buffer of its own. */
static void tiny_writes_have_a_limit(void)
{
    int fd = talker_pair(&t, 7), n = 0;

    loop_set(fd, SOL_SOCKET, SO_SNDBUF, 1 << 20);
    talker_pcb(&t)->flags |= TF_NODELAY;
    while (n < 5000 && send(fd, "x", 1, 0) == 1)
        n++;
    CHECK(n >= 512 && n < 5000);
    CHECK_EQ(fd_poll(fd, POLLOUT), 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(a_window_grows_while_the_application_keeps_up, NULL),
        SHOWS(a_slow_stream_needs_no_more, NULL),
        SHOWS(a_window_grows_before_it_is_full, NULL),
        SHOWS(a_long_round_trip_needs_more, NULL),
        SHOWS(what_nobody_reads_lets_nothing_grow, NULL),
        SHOWS(crumbs_close_a_window, NULL),
        SHOWS(without_the_option_a_window_is_of_16_bits, NULL),
        SHOWS(the_edge_never_moves_back, NULL),
        SHOWS(no_silly_windows, NULL),
        SHOWS(news_that_the_peer_does_not_need_waits, NULL),
        SHOWS(a_fixed_window, NULL),
        SHOWS(a_send_buffer_grows_with_the_congestion_window, NULL),
        SHOWS(a_small_window_needs_a_small_send_buffer, NULL),
        SHOWS(a_fixed_send_buffer, NULL),
        SHOWS(tiny_writes_have_a_limit, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
