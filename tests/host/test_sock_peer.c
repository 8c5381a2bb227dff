/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_peer.c - stream sockets with another machine on the cable: what goes over it, peers
 * that are silent or lie, connections that outlive their sockets, and what happens when the card or
 * memory goes (net/inet/sock_tcp*.c, net/lwip/).
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
#include "netmodel.h"
#include "peer.h"
#include "tasks.h"

#define IN sizeof(struct sockaddr_in)

static char buf[300000];

static struct sockaddr *at(uint32_t ip, uint16_t port)
{
    static struct sockaddr_in a;

    a = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
    return (struct sockaddr *)&a;
}

static int listen_on(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK_EQ(bind(fd, at(0, port), IN), 0);
    CHECK_EQ(listen(fd, 8), 0);
    return fd;
}

/* Lets services and timers run for `ms` milliseconds. */
static void pass_ms(unsigned ms)
{
    task_sleep_until(hal_now_ns() + ms * HAL_MS);
}

static struct tcp_pcb *only_connection(void)
{
    CHECK(tcp_active_pcbs && !tcp_active_pcbs->next);
    return tcp_active_pcbs;
}

/* ---- a connection ---------------------------------------------------------------------------- */

static void a_server(void)
{
    struct peer_tcp c;

    peer_boot(NULL);
    int l = listen_on(80);
    peer_connect(&c, 4000, 80);
    int s = accept(l, NULL, NULL);
    peer_segment(&c, PEER_ACK | PEER_PSH, "request", 7);
    CHECK_EQ(recv(s, buf, 100, 0), 7);
    CHECK_EQ(send(s, "answer", 6, 0), 6);
    pass_ms(10);
    struct heard h = peer_last(PEER_TCP);
    CHECK(h.len == 6 && memcmp(h.data, "answer", 6) == 0 && h.ack == c.seq);
    c.ack = h.seq + 6;
    peer_segment(&c, PEER_ACK | PEER_FIN, NULL, 0);
    CHECK_EQ(recv(s, buf, 100, 0), 0);
    CHECK_EQ(fd_close(s), 0);
    pass_ms(10);
    h = peer_last(PEER_TCP);
    CHECK(h.flags & PEER_FIN);
    c.ack = h.seq + 1;
    peer_segment(&c, PEER_ACK, NULL, 0);
    CHECK(!tcp_active_pcbs && !tcp_tw_pcbs);
    CHECK_EQ(net_core.sockets, 1);
}

static void more_holds_the_last_segment_back(void)
{
    struct peer_tcp c;

    peer_boot(NULL);
    int l = listen_on(80);
    peer_connect(&c, 4000, 80);
    int s = accept(l, NULL, NULL);
    loop_set(s, IPPROTO_TCP, TCP_NODELAY, 1);
    unsigned before = peer_count(PEER_TCP);
    CHECK_EQ(send(s, "head", 4, MSG_MORE), 4);
    task_yield();
    CHECK_EQ(peer_count(PEER_TCP), before);
    CHECK_EQ(send(s, "body", 4, 0), 4);
    task_yield();
    CHECK_EQ(peer_count(PEER_TCP), before + 1);
    CHECK(peer_last(PEER_TCP).len == 8 && !memcmp(peer_last(PEER_TCP).data, "headbody", 8));
}

static struct peer_tcp accepted_by_peer;
static void answer_syn(void *arg)
{
    (void)arg;
    peer_accept(&accepted_by_peer);
}
static void on_syn(const struct heard *h)
{
    if (h->proto == PEER_TCP && h->flags == PEER_SYN)
        host_at(hal_now_ns() + HAL_MS, answer_syn, NULL);
}

static void a_client(void)
{
    struct sockaddr_in self;
    socklen_t len = IN;

    peer_boot(NULL);
    peer_listen(on_syn);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(connect(fd, at(PEER_IP, 8080), IN), 0);
    CHECK_EQ(accepted_by_peer.port, 8080);
    CHECK_EQ(getsockname(fd, (struct sockaddr *)&self, &len), 0);
    CHECK(self.sin_addr.s_addr == htonl(IMAGE_IP) &&
          ntohs(self.sin_port) == accepted_by_peer.image_port);
    peer_segment(&accepted_by_peer, PEER_RST | PEER_ACK, NULL, 0);
    CHECK_FAILS(recv(fd, buf, 1, 0), ECONNRESET);
}

static void a_peer_that_does_not_answer(void)
{
    struct timeval t = {2, 0};

    peer_boot(NULL);
    int fd = socket(AF_INET, SOCK_STREAM, 0), slow = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(setsockopt(slow, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)), 0);
    CHECK_FAILS(connect(slow, at(PEER_IP, 8080), IN), EINPROGRESS); /* its time is up */
    CHECK_EQ(fd_close(slow), 0);
    uint64_t began = hal_now_ns();
    CHECK_FAILS(connect(fd, at(PEER_IP, 8080), IN), ETIMEDOUT);
    CHECK(hal_now_ns() - began > 10 * HAL_SEC);
    peer_mute = true;
    int other = socket(AF_INET, SOCK_STREAM, 0);
    began = hal_now_ns();
    CHECK_FAILS(connect(other, at(0x0a0002fe, 8080), IN), EHOSTUNREACH);
    CHECK(hal_now_ns() - began > HAL_SEC && hal_now_ns() - began < 4 * HAL_SEC);
    CHECK(peer_arp_unanswered > 1);
}

static void no_route(void)
{
    peer_boot("ip=off");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_FAILS(connect(fd, at(PEER_IP, 8080), IN), ENETUNREACH);
    CHECK_FAILS(connect(fd, at(PEER_IP, 8080), IN), ENETUNREACH); /* it may be tried again */
    CHECK_EQ(bind(fd, loop4(70), IN), 0);
}

/* ---- windows --------------------------------------------------------------------------------- */

/* Unread data closes the image's window; reading opens it again, and the peer is told. */
static void the_window_follows_the_reader(void)
{
    struct peer_tcp c;

    peer_boot(NULL);
    int l = listen_on(80);
    peer_connect(&c, 4000, 80);
    int s = accept(l, NULL, NULL);
    unsigned first = peer_last(PEER_TCP).window;
    CHECK(first >= 32768);
    for (unsigned i = 0; i < 44; i++)
        peer_segment(&c, PEER_ACK | PEER_PSH, buf, 1400);
    pass_ms(500);
    CHECK_EQ(peer_last(PEER_TCP).ack, c.seq);
    CHECK_EQ(peer_last(PEER_TCP).window, 0xffff - 44 * 1400);
    CHECK_EQ(recv(s, buf, sizeof(buf), 0), 44 * 1400);
    pass_ms(500);
    CHECK_EQ(peer_last(PEER_TCP).window, 0xffff);
}

/* ---- connections without a socket ------------------------------------------------------------ */

static void hold_data(struct peer_tcp *c, int *s)
{
    int l = listen_on(80);

    peer_connect(c, 4000, 80);
    *s = accept(l, NULL, NULL);
    loop_set(*s, SOL_SOCKET, SO_SNDBUF, 1 << 17);
    CHECK_EQ(send(*s, buf, 100000, 0), 100000);
    CHECK_EQ(fd_close(*s), 0);
    CHECK_EQ(net_core.sockets, 1);
}

/* A peer whose window is closed acknowledges every probe: its connection is ended all the same. */
static void a_peer_that_takes_nothing_more(void)
{
    struct peer_tcp c;
    int s;

    peer_boot(NULL);
    hold_data(&c, &s);
    c.window = 0;
    for (unsigned i = 0; i < 50; i++) {
        pass_ms(1000);
        c.ack = only_connection()->lastack;
        peer_segment(&c, PEER_ACK, NULL, 0);
    }
    CHECK(tcp_active_pcbs != NULL);
    for (unsigned i = 0; i < 40 && tcp_active_pcbs; i++) {
        pass_ms(1000);
        if (tcp_active_pcbs)
            peer_segment(&c, PEER_ACK, NULL, 0);
    }
    CHECK(tcp_active_pcbs == NULL);
    CHECK(peer_last(PEER_TCP).flags & PEER_RST);
}

/* One that takes a little each time is served to its end, which takes several minutes. */
static void a_peer_that_takes_a_little(void)
{
    struct peer_tcp c;
    int s;

    peer_boot(NULL);
    hold_data(&c, &s);
    c.window = 1000;
    for (unsigned i = 0; i < 60 && tcp_active_pcbs; i++) {
        pass_ms(20000);
        struct heard h = peer_last(PEER_TCP);
        CHECK(!(h.flags & PEER_RST));
        c.ack = h.seq + h.len;
        c.window = i > 30 ? 0x4000 : 1000;
        peer_segment(&c, PEER_ACK, NULL, 0);
    }
    CHECK(only_connection()->state == FIN_WAIT_1 || only_connection()->state == FIN_WAIT_2);
}

/* ---- closed connections ---------------------------------------------------------------------- */

static unsigned time_waits(void)
{
    unsigned n = 0;

    for (struct tcp_pcb *p = tcp_tw_pcbs; p; p = p->next)
        n++;
    return n;
}

static void only_the_last_are_remembered(void)
{
    host_boot();
    int l = loop_listen(7, 4);
    for (unsigned i = 0; i < 100; i++) {
        struct loop p = loop_connect(l, 7);
        CHECK_EQ(fd_close(p.near), 0);
        CHECK_EQ(recv(p.far, buf, 1, 0), 0);
        CHECK_EQ(fd_close(p.far), 0);
        task_yield();
        CHECK(time_waits() <= NET_TIME_WAIT_MAX + NET_TIME_WAIT_SLACK);
    }
    pass_ms(1000);
    CHECK_EQ(time_waits(), NET_TIME_WAIT_MAX);
    struct net_stats st;
    net_get_stats(&st);
    CHECK(st.tcp_time_wait == NET_TIME_WAIT_MAX && st.tcp_connections == 0 && st.sockets == 1);
    pass_ms(150000);
    CHECK_EQ(time_waits(), 0);
}

/* A connection that this side closed, in TIME_WAIT. */
static void closed_first(struct peer_tcp *c, int l)
{
    struct heard h;

    peer_connect(c, 4000, 80);
    int s = accept(l, NULL, NULL);
    CHECK_EQ(fd_close(s), 0);
    pass_ms(10);
    h = peer_last(PEER_TCP);
    CHECK(h.flags & PEER_FIN);
    c->ack = h.seq + 1;
    peer_segment(c, PEER_ACK | PEER_FIN, NULL, 0);
    CHECK_EQ(time_waits(), 1);
}

/* The same ports may be used again at once, by a SYN beyond the window of the old connection. */
static void a_syn_replaces_time_wait(void)
{
    struct peer_tcp c;

    peer_boot(NULL);
    int l = listen_on(80);
    closed_first(&c, l);
    uint32_t old = c.seq;
    c.seq = old - 5000;
    peer_segment(&c, PEER_SYN, NULL, 0); /* an old duplicate */
    CHECK_EQ(time_waits(), 1);
    CHECK(!tcp_active_pcbs);
    c.seq = old + 5000;
    c.ack = 0;
    peer_segment(&c, PEER_SYN | PEER_ACK, NULL, 0);
    CHECK_EQ(time_waits(), 1);
    c.seq = old + 5000;
    c.image_port = 81;
    peer_segment(&c, PEER_SYN, NULL, 0); /* another connection */
    CHECK_EQ(time_waits(), 1);
    c.image_port = 80;
    c.seq = old + 5000;
    peer_segment(&c, PEER_SYN, NULL, 0);
    CHECK_EQ(time_waits(), 0);
    CHECK_EQ(net_tcp_half_open(), 1);
    CHECK_EQ(peer_last(PEER_TCP).flags & 0x3f, PEER_SYN | PEER_ACK);
}

/* ---- trouble --------------------------------------------------------------------------------- */

static void a_card_that_is_given_up_ends_its_connections(void)
{
    struct peer_tcp c;

    peer_boot(NULL);
    int l = listen_on(80), fd = socket(AF_INET, SOCK_STREAM, 0);
    peer_connect(&c, 4000, 80);
    int s = accept(l, NULL, NULL);
    struct loop p = loop_pair();
    peer_mute = true;
    fd_set_nonblock(fd, true);
    CHECK_FAILS(connect(fd, at(PEER_IP, 81), IN), EINPROGRESS);
    net.m->gone = true;
    pass_ms(60000);
    CHECK(vnet_is_dead(vnet_get(0)));
    CHECK_FAILS(recv(s, buf, 1, 0), ENETDOWN);
    CHECK_EQ(recv(s, buf, 1, 0), 0);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_ERROR), ENETDOWN);
    CHECK_EQ(send(p.near, "x", 1, 0), 1); /* others live */
    CHECK_EQ(recv(p.far, buf, 1, 0), 1);
    fd_set_nonblock(l, true);
    CHECK_FAILS(accept(l, NULL, NULL), EAGAIN);
}

/* Connections that find no memory are refused, and counted. */
static void no_memory_for_a_connection(void)
{
    struct peer_tcp c;
    void *hog[4000], *p;
    unsigned n = 0;

    host_set_ram(2 << 20);
    peer_boot(NULL);
    int l = listen_on(80);
    c = (struct peer_tcp){.port = 4000, .image_port = 80, .seq = 1000, .window = 0x4000};
    peer_segment(&c, PEER_SYN, NULL, 0);
    pass_ms(10);
    c.ack = peer_last(PEER_TCP).seq + 1;
    while (n < 4000 && (p = net_malloc(sizeof(buf) / 600)))
        hog[n++] = p;
    while (n < 4000 && (p = net_malloc(40)))
        hog[n++] = p;
    peer_segment(&c, PEER_ACK, NULL, 0);
    pass_ms(10);
    CHECK_EQ(net_core.tcp_refused, 1);
    CHECK(!tcp_active_pcbs);
    while (n)
        net_free(hog[--n]);
    peer_forget();
    peer_connect(&c, 4001, 80);
    fd_set_nonblock(l, true);
    CHECK(accept(l, NULL, NULL) >= 0);
    CHECK_FAILS(accept(l, NULL, NULL), EAGAIN);
}

/* A writer that finds no memory waits for others to free some, and goes on. */
static size_t reader_got;
static int reader_fd;
static void read_to_the_end(void *arg)
{
    (void)arg;
    reader_got = loop_drain(reader_fd);
}

static void **hogs;
static unsigned hog_count;
static void free_later(void *arg)
{
    (void)arg;
    pass_ms(3000);
    while (hog_count)
        net_free(hogs[--hog_count]);
}

static void a_writer_waits_for_memory(void)
{
    void *p;

    host_set_ram(8 << 20);
    host_boot();
    struct loop pair = loop_pair();
    hogs = calloc(4000, sizeof(*hogs));
    while (net_mem_admit(NET_MEM_TX) && (p = net_malloc(1400)))
        hogs[hog_count++] = p;
    CHECK_EQ(send(pair.near, "first", 5, MSG_DONTWAIT), 5); /* each has a little */
    CHECK_FAILS(send(pair.near, buf, 5000, MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(fd_poll(pair.near, POLLOUT), 0);
    reader_fd = pair.far;
    task_spawn("reader", read_to_the_end, NULL, 0);
    task_spawn("freer", free_later, NULL, 0);
    struct pollfd fds = {pair.near, POLLOUT, 0};
    CHECK_EQ(poll(&fds, 1, 10000), 1);
    CHECK_EQ(fds.revents, POLLOUT);
    CHECK_EQ(send(pair.near, buf, 200000, 0), 200000);
    CHECK_EQ(fd_close(pair.near), 0);
    AWAIT(reader_got == 200005, 30);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(a_server, NULL),
        SHOWS(more_holds_the_last_segment_back, NULL),
        SHOWS(a_client, NULL),
        SHOWS(a_peer_that_does_not_answer, NULL),
        SHOWS(no_route, NULL),
        SHOWS(the_window_follows_the_reader, NULL),
        SHOWS(a_peer_that_takes_nothing_more, NULL),
        SHOWS(a_peer_that_takes_a_little, NULL),
        SHOWS(only_the_last_are_remembered, NULL),
        SHOWS(a_syn_replaces_time_wait, NULL),
        SHOWS(a_card_that_is_given_up_ends_its_connections, NULL),
        SHOWS(no_memory_for_a_connection, NULL),
        SHOWS(a_writer_waits_for_memory, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
