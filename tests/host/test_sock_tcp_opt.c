/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_tcp_opt.c - what options of TCP do (net/inet/sock_opt_tcp.c, sock_accept.c,
 * net/lwip/tcp_option.c): those that tell when data is taken, sent or handed over. Values, ranges
 * and errors are among the facts of tests/apps/facts.
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
#include "served.h"
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

static struct peer_tcp c; /* the other end of served() */
static struct talker t;

/* ---- TCP_CORK, MSG_MORE ---------------------------------------------------------------------- */

static void a_cork_holds_what_is_not_full(void)
{
    int s = served(&c);

    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, "head ", 5, 0), 5);
    CHECK_EQ(send(s, "body", 4, 0), 4);
    pass_ms(190);
    served_sent_nothing();
    loop_set(s, IPPROTO_TCP, TCP_CORK, 0);
    served_sent_once(&c, "head body");
    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, "end", 3, 0), 3);
    CHECK_EQ(shutdown(s, SHUT_WR), 0);
    served_sent_once(&c, "end");
}

/* After 200 ms it leaves, whether or not acknowledgements and data come meanwhile. */
static void a_cork_holds_for_a_while(void)
{
    int s = served(&c);

    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, "a", 1, 0), 1);
    pass_ms(150);
    CHECK_EQ(send(s, "b", 1, 0), 1);
    peer_segment(&c, PEER_ACK, NULL, 0);
    pass_ms(45);
    served_sent_nothing();
    pass_ms(10);
    served_sent_once(&c, "ab");
    pass_ms(150);
    CHECK_EQ(send(s, "next", 4, 0), 4); /* has 200 ms of its own */
    pass_ms(190);
    served_sent_nothing();
    pass_ms(20);
    served_sent_once(&c, "next");
}

/* A segment that was filled has left before: its time is not that of the next one. */
static void each_corked_segment_has_its_time(void)
{
    int s = served(&c);

    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, buf, 1, 0), 1);
    pass_ms(150);
    CHECK_EQ(send(s, buf, 536, 0), 536);
    task_yield();
    CHECK_EQ(peer_last(PEER_TCP).len, 536);
    c.ack += 536;
    peer_segment(&c, PEER_ACK, NULL, 0);
    peer_forget();
    pass_ms(100);
    served_sent_nothing();
    pass_ms(100);
    CHECK_EQ(peer_last(PEER_TCP).len, 1);
}

static void a_cork_does_not_hold_a_syn(void)
{
    host_boot();
    loop_listen(7, 4);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    uint64_t start = hal_now_ns();
    loop_set(fd, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(connect(fd, loop4(7), IN), 0);
    CHECK(hal_now_ns() - start < 100 * HAL_MS);
}

static void a_cork_lets_full_segments_pass(void)
{
    int s = served(&c);

    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, buf, 2 * 536 + 7, 0), 2 * 536 + 7);
    task_yield();
    CHECK_EQ(peer_count(PEER_TCP), 2);
    CHECK_EQ(peer_last(PEER_TCP).len, 536);
    c.ack = peer_last(PEER_TCP).seq + 536;
    peer_forget();
    peer_segment(&c, PEER_ACK, NULL, 0);
    pass_ms(100);
    served_sent_nothing();
    pass_ms(110);
    CHECK_EQ(peer_last(PEER_TCP).len, 7);
}

static void a_cork_with_timestamps(void)
{
    talker_boot();
    int l = talker_socket(80);
    CHECK_EQ(listen(l, 4), 0);
    t = (struct talker){.port = 4000, .image_port = 80, .scale = 7, .stamped = true};
    int fd = talker_accepted(&t, l);
    CHECK(t.stamped);
    loop_set(fd, IPPROTO_TCP, TCP_CORK, 1);
    t.count = 0;
    CHECK_EQ(send(fd, buf, 2 * (TALKER_MSS - 12), 0), 2 * (TALKER_MSS - 12));
    talker_pass_ms(10);
    CHECK_EQ(t.count, 2);
    talker_ack(&t);
}

static void nodelay_pushes_through_a_cork(void)
{
    int s = served(&c);

    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, "now", 3, 0), 3);
    served_sent_nothing();
    loop_set(s, IPPROTO_TCP, TCP_NODELAY, 1);
    served_sent_once(&c, "now");
    CHECK_EQ(loop_get(s, IPPROTO_TCP, TCP_CORK), 1);
    CHECK_EQ(send(s, "later", 5, 0), 5);
    pass_ms(190);
    served_sent_nothing();
    loop_set(s, IPPROTO_TCP, TCP_CORK, 0);
    served_sent_once(&c, "later");
    CHECK_EQ(send(s, "x", 1, 0), 1);
    served_sent_once(&c, "x");
}

static void msg_more_holds_for_a_while(void)
{
    int s = served(&c);

    CHECK_EQ(send(s, "more ", 5, MSG_MORE), 5);
    served_sent_nothing();
    CHECK_EQ(send(s, "data", 4, 0), 4);
    served_sent_once(&c, "more data");
    CHECK_EQ(send(s, "more", 4, MSG_MORE), 4);
    pass_ms(190);
    served_sent_nothing();
    pass_ms(20);
    served_sent_once(&c, "more");
    CHECK_EQ(send(s, buf, 536 + 4, MSG_MORE), 536 + 4);
    task_yield();
    CHECK_EQ(peer_count(PEER_TCP), 1);
    CHECK_EQ(peer_last(PEER_TCP).len, 536);
    CHECK_EQ(loop_get(s, IPPROTO_TCP, TCP_CORK), 0);
}

/* A connection that is reset while it holds a segment. */
static void a_corked_connection_ends(void)
{
    int s = served(&c);

    loop_set(s, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(send(s, "x", 1, 0), 1);
    peer_segment(&c, PEER_RST | PEER_ACK, NULL, 0);
    pass_ms(1000);
    CHECK_FAILS(send(s, "x", 1, 0), ECONNRESET);
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
    talker_pass_ms(50);
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
    const struct tcp_pcb *pcb = talker_pcb(&t);
    CHECK_EQ(pcb->snd_lbb - pcb->lastack, taken);
    CHECK(pcb->snd_lbb - pcb->snd_nxt >= 8000 && pcb->snd_lbb - pcb->snd_nxt < 8000 + TALKER_MSS);
    CHECK_EQ(fd_poll(fd, POLLOUT), 0);
    t.window = 2 * TALKER_MSS;
    talker_ack(&t);
    CHECK(pcb->snd_lbb - pcb->snd_nxt > 4000);
    for (; pcb->snd_lbb - pcb->snd_nxt >= 4000; talker_ack(&t))
        CHECK_EQ(fd_poll(fd, POLLOUT), 0);
    CHECK_EQ(fd_poll(fd, POLLOUT), POLLOUT);
    CHECK_EQ(send(fd, buf, 1, MSG_DONTWAIT), 1);
    loop_set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1); /* a segment is taken, even so */
    t.window = 100 * TALKER_MSS;
    talker_ack(&t);
    talker_ack(&t);
    CHECK(send(fd, buf, 100000, MSG_DONTWAIT) >= (ssize_t)TALKER_MSS);
}

static int sender_fd;

static void send_much(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(send(sender_fd, buf, sizeof(buf), 0), sizeof(buf));
    CHECK_EQ(shutdown(sender_fd, SHUT_WR), 0);
}

/* Sends that wait, with a mark of a byte, and with one of some segments: nothing holds them up. */
static void few_unsent_bytes_and_sends_that_wait(void)
{
    static const int marks[] = {1, 5000, 100000};

    host_boot();
    int l = loop_listen(7, 4);
    for (unsigned i = 0; i < 3; i++) {
        struct loop p = loop_connect(l, 7);
        uint64_t start = hal_now_ns();

        loop_set(p.near, IPPROTO_TCP, TCP_NOTSENT_LOWAT, marks[i]);
        sender_fd = p.near;
        task_spawn("sender", send_much, NULL, 0);
        CHECK_EQ(loop_drain(p.far), 5 * sizeof(buf));
        CHECK((hal_now_ns() - start) / HAL_MS < 200);
        fd_close(p.near);
        fd_close(p.far);
    }
}

static void send_some(void *arg)
{
    (void)arg;
    send(sender_fd, buf, 100000, 0);
}

/*
 * The window closes with an acknowledgement, and opens later, by an update that acknowledges
 * nothing: the writer is woken as the last packet leaves.
 */
static void an_update_of_the_window_wakes_a_writer(void)
{
    int fd = talker_pair(&t, 7);
    const struct tcp_pcb *pcb = talker_pcb(&t);

    loop_set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1);
    fd_set_nonblock(fd, false);
    sender_fd = fd;
    task_spawn("sender", send_some, NULL, 0);
    task_yield();
    talker_pass_ms(1);
    t.window = 0;
    talker_ack(&t);
    task_yield(); /* the writer finds a packet unsent, and waits again */
    uint32_t taken = pcb->snd_lbb;
    CHECK(pcb->snd_nxt == pcb->lastack && taken == pcb->snd_nxt + TALKER_MSS);
    t.window = TALKER_MSS + 128; /* one packet: windows are told in units of 128 */
    talker_ack(&t);
    task_yield();
    CHECK(pcb->snd_nxt == taken && pcb->snd_lbb == taken + TALKER_MSS);
}

/* ---- TCP_QUICKACK ---------------------------------------------------------------------------- */

static void quick_acknowledgements(void)
{
    int s = served(&c);

    peer_segment(&c, PEER_ACK | PEER_PSH, "data", 4);
    served_sent_nothing(); /* it waits for data to go with */
    loop_set(s, IPPROTO_TCP, TCP_QUICKACK, 1);
    served_sent_once(&c, "");
    peer_segment(&c, PEER_ACK | PEER_PSH, "data", 4);
    served_sent_once(&c, "");
    loop_set(s, IPPROTO_TCP, TCP_QUICKACK, 0);
    peer_segment(&c, PEER_ACK | PEER_PSH, "data", 4);
    served_sent_nothing();
    pass_ms(50);
    served_sent_once(&c, "");
}

/* ---- TCP_INFO -------------------------------------------------------------------------------- */

static struct tcp_info info_of(int fd)
{
    struct tcp_info i;
    socklen_t len = sizeof(i);

    CHECK_EQ(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len), 0);
    CHECK_EQ(len, sizeof(i));
    return i;
}

static void what_a_connection_knows(void)
{
    int s = served(&c);
    struct tcp_info i = info_of(s);

    CHECK_EQ(i.tcpi_state, TCP_ESTABLISHED);
    CHECK(i.tcpi_snd_mss == 536 && i.tcpi_snd_cwnd == 10 && i.tcpi_snd_ssthresh == INT32_MAX);
    CHECK(i.tcpi_bytes_acked == 0 && i.tcpi_bytes_received == 0 && i.tcpi_options == 0);
    CHECK_EQ(i.tcpi_snd_wnd, 0x4000);
    peer_segment(&c, PEER_ACK | PEER_PSH, buf, 300);
    peer_segment(&c, PEER_ACK | PEER_PSH, buf, 400);
    CHECK_EQ(send(s, buf, 536 + 100, 0), 536 + 100);
    task_yield();
    i = info_of(s);
    CHECK(i.tcpi_bytes_received == 700 && i.tcpi_data_segs_in == 2 && i.tcpi_rcv_mss == 536);
    CHECK(i.tcpi_bytes_sent == 536 && i.tcpi_data_segs_out == 1 && i.tcpi_unacked == 1);
    CHECK_EQ(i.tcpi_notsent_bytes, 100); /* Nagle's rule */
    CHECK(i.tcpi_bytes_acked == 0 && i.tcpi_total_retrans == 0 && i.tcpi_retransmits == 0);
    c.ack += 536;
    peer_segment(&c, PEER_ACK, NULL, 0);
    i = info_of(s);
    CHECK(i.tcpi_bytes_acked == 536 && i.tcpi_bytes_sent == 636 && i.tcpi_notsent_bytes == 0);
    CHECK(i.tcpi_rtt > 0 && i.tcpi_rto >= 200000 && i.tcpi_min_rtt <= i.tcpi_rtt);
    CHECK_EQ(i.tcpi_segs_in, 4); /* with the last one of the handshake */
    c.seq += 100;                /* out of order: lwIP's part */
    peer_segment(&c, PEER_ACK | PEER_PSH, buf, 200);
    CHECK_EQ(info_of(s).tcpi_segs_in, 5);
    CHECK_EQ(info_of(s).tcpi_data_segs_in, 3);
}

/* Timeouts without an answer. */
static void what_a_silent_peer_leads_to(void)
{
    int s = served(&c);
    struct tcp_info i;

    CHECK_EQ(send(s, buf, 2 * 536, 0), 2 * 536);
    AWAIT(info_of(s).tcpi_retransmits == 2, 10);
    i = info_of(s);
    CHECK_EQ(i.tcpi_ca_state, TCP_CA_Loss);
    CHECK(i.tcpi_unacked >= 2 && i.tcpi_lost + i.tcpi_retrans >= 2 && i.tcpi_snd_cwnd == 1);
    CHECK(i.tcpi_total_retrans >= 2 && i.tcpi_bytes_retrans > 536); /* shorter ones may be tried */
    CHECK(i.tcpi_bytes_retrans <= i.tcpi_total_retrans * 536);
    CHECK_EQ(i.tcpi_bytes_sent, 2 * 536 + i.tcpi_bytes_retrans);
    CHECK(i.tcpi_backoff == 2 && i.tcpi_rto >= 800000);
    c.ack += 2 * 536;
    peer_segment(&c, PEER_ACK, NULL, 0);
    i = info_of(s);
    CHECK(i.tcpi_unacked == 0 && i.tcpi_retransmits == 0 && i.tcpi_bytes_acked == 2 * 536);
}

/* Counters of more than 32 bits, where sequence numbers begin anew. */
static void counts_beyond_4_gib(void)
{
    int s = served(&c);
    struct tcp_pcb *pcb = tcp_active_pcbs;
    uint32_t acked = pcb->lastack, heard = pcb->rcv_nxt;

    for (unsigned i = 0; i < 6; i++) { /* as if 9 GiB were transferred, in steps */
        pcb->lastack += 3u << 29;
        pcb->rcv_nxt += 3u << 29;
        pcb->tmr = tcp_ticks; /* else it would sleep */
        pass_ms(501);
    }
    CHECK_EQ(info_of(s).tcpi_bytes_acked, UINT64_C(9) << 30);
    CHECK_EQ(info_of(s).tcpi_bytes_received, UINT64_C(9) << 30);
    pcb->lastack = acked;
    pcb->rcv_nxt = heard;
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
        SHOWS(each_corked_segment_has_its_time, NULL),
        SHOWS(a_cork_does_not_hold_a_syn, NULL),
        SHOWS(a_cork_lets_full_segments_pass, NULL),
        SHOWS(a_cork_with_timestamps, NULL),
        SHOWS(nodelay_pushes_through_a_cork, NULL),
        SHOWS(msg_more_holds_for_a_while, NULL),
        SHOWS(a_corked_connection_ends, NULL),
        SHOWS(congestion_control_is_chosen, NULL),
        SHOWS(congestion_control_by_default, NULL),
        SHOWS(congestion_control_by_a_wrong_default, NULL),
        SHOWS(a_clamp_bounds_the_window, NULL),
        SHOWS(a_clamp_of_a_listener, NULL),
        SHOWS(few_unsent_bytes_are_taken, NULL),
        SHOWS(few_unsent_bytes_and_sends_that_wait, NULL),
        SHOWS(an_update_of_the_window_wakes_a_writer, NULL),
        SHOWS(quick_acknowledgements, NULL),
        SHOWS(what_a_connection_knows, NULL),
        SHOWS(what_a_silent_peer_leads_to, NULL),
        SHOWS(counts_beyond_4_gib, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
