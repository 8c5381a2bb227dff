/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_borrow.c - what was received, lent where the card wrote it (net_recv_borrow).
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "lwip/priv/tcp_priv.h"
#include "net.h"
#include "net_impl.h"
#include "netmodel.h"
#include "peer.h"
#include "tasks.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define IN    sizeof(struct sockaddr_in)
#define PARTS 40

static const struct net_header joined = {.flags = 2, .gso = 1, .gso_size = 1460};

static uint8_t data[30000], got[30000];
static struct net_part parts[PARTS];
static struct net_loan *loan;
static struct peer_tcp c;
static int fd, listener;

static struct sockaddr *at(uint16_t port)
{
    static struct sockaddr_in a;

    a = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    return (struct sockaddr *)&a;
}

static void boot(void)
{
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i ^ i >> 8);
    peer_card.joins = true;
    peer_boot(NULL);
}

static void begin(void)
{
    boot();
    listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(bind(listener, at(80), IN), 0);
    CHECK_EQ(listen(listener, 8), 0);
    peer_connect(&c, 5000, 80);
    c.window = 60000;
    fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0);
}

static uint32_t held(void)
{
    struct vnet_stats s;

    vnet_get_stats(vnet_get(0), &s);
    return s.rx_held;
}

/* A loan of all that waits: `len` bytes of `data` from `from` on, in how many parts. */
static unsigned borrowed(uint32_t from, uint32_t len)
{
    unsigned n = PARTS;
    uint32_t at = 0;

    CHECK_EQ(net_recv_borrow(fd, parts, &n, &loan, MSG_DONTWAIT), len);
    CHECK(loan != NULL);
    for (unsigned i = 0; i < n; at += (uint32_t)parts[i++].len)
        CHECK(memcmp(parts[i].data, data + from + at, parts[i].len) == 0);
    CHECK_EQ(at, len);
    return n;
}

static void a_stream_where_it_lies(void)
{
    uint32_t window;
    unsigned n;

    begin();
    peer_card.header = &joined;
    peer_segment(&c, PEER_ACK, data, 20000);
    window = tcp_active_pcbs->rcv_wnd;
    n = borrowed(0, 20000);
    CHECK(n > 1 && held() == n); /* a part for each buffer */
    CHECK_EQ(tcp_active_pcbs->rcv_wnd, window);
    n = PARTS;
    CHECK_EQ(net_recv_borrow(fd, parts, &n, &loan, MSG_DONTWAIT), -EAGAIN);
    CHECK(loan == NULL && n == 0);
    CHECK_EQ(fd_close(listener), 0);
}

static void the_window_opens_when_it_is_returned(void)
{
    uint32_t window;

    begin();
    peer_card.header = &joined;
    peer_segment(&c, PEER_ACK, data, 20000);
    window = tcp_active_pcbs->rcv_wnd;
    borrowed(0, 20000);
    net_recv_return(fd, loan);
    CHECK_EQ(tcp_active_pcbs->rcv_wnd, window + 20000);
    CHECK_EQ(held(), 0);
    net_recv_return(fd, NULL);
    CHECK_EQ(tcp_active_pcbs->rcv_wnd, window + 20000);
    CHECK_EQ(fd_close(listener), 0);
}

/* recv() and loans take turns; few parts lend the first ones. */
static void parts_of_a_stream(void)
{
    unsigned n = 1;
    size_t first;

    begin();
    peer_card.header = &joined;
    peer_segment(&c, PEER_ACK, data, 20000);
    CHECK_EQ(recv(fd, got, 100, 0), 100);
    CHECK_EQ(net_recv_borrow(fd, parts, &n, &loan, 0), parts[0].len);
    CHECK_EQ(n, 1);
    first = parts[0].len;
    CHECK(memcmp(parts[0].data, data + 100, first) == 0);
    CHECK_EQ(recv(fd, got, sizeof(got), 0), 19900 - first);
    CHECK(memcmp(got, data + 100 + first, 19900 - first) == 0);
    net_recv_return(fd, loan);
    peer_card.header = NULL;
    peer_segment(&c, PEER_ACK | PEER_FIN, data, 50); /* and the end behind it */
    borrowed(0, 50);
    net_recv_return(fd, loan);
    n = PARTS;
    CHECK_EQ(net_recv_borrow(fd, parts, &n, &loan, 0), 0);
    CHECK(loan == NULL);
    CHECK_EQ(fd_close(listener), 0);
}

static void a_loan_outlives_its_socket(void)
{
    begin();
    peer_segment(&c, PEER_ACK, data, 1000);
    borrowed(0, 1000);
    CHECK_EQ(fd_close(fd), 0);
    CHECK_EQ(held(), 1);
    CHECK(memcmp(parts[0].data, data, parts[0].len) == 0);
    net_recv_return(fd, loan);
    CHECK_EQ(held(), 0);
    CHECK_EQ(fd_close(listener), 0);
}

static void datagrams(void)
{
    unsigned n = PARTS;

    boot();
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(bind(fd, at(9), IN), 0);
    peer_udp(7, 9, data, 1200);
    peer_udp(7, 9, data + 1200, 100);
    CHECK_EQ(borrowed(0, 1200), 1);
    net_recv_return(fd, loan);
    CHECK_EQ(borrowed(1200, 100), 1);
    net_recv_return(fd, loan);
    peer_udp(7, 9, data, 0);
    CHECK_EQ(net_recv_borrow(fd, parts, &n, &loan, 0), 0);
    CHECK(loan == NULL && n == 0);
    n = PARTS;
    CHECK_EQ(net_recv_borrow(fd, parts, &n, &loan, MSG_DONTWAIT), -EAGAIN);
    CHECK_EQ(fd_close(fd), 0);
}

/* What is lent counts as waiting: a socket lends no more than its limit. */
static void loans_are_bounded(void)
{
    struct net_loan *loans[400];
    unsigned n = 0;
    int limit = 20000;

    boot();
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &limit, sizeof(limit)), 0);
    CHECK_EQ(bind(fd, at(9), IN), 0);
    for (;; n++) {
        unsigned count = PARTS;

        CHECK(n < 400);
        peer_udp(7, 9, data, 1000);
        if (net_recv_borrow(fd, parts, &count, &loans[n], MSG_DONTWAIT) < 0)
            break;
    }
    CHECK(n >= 19 && n <= 60);
    for (unsigned i = 0; i < n; i++)
        net_recv_return(fd, loans[i]);
    peer_udp(7, 9, data, 1000);
    borrowed(0, 1000);
    net_recv_return(fd, loan);
    CHECK_EQ(fd_close(fd), 0);
}

static void what_cannot_be_borrowed(void)
{
    unsigned n = PARTS, none = 0;

    begin();
    CHECK_EQ(net_recv_borrow(99, parts, &n, &loan, 0), -EBADF);
    CHECK_EQ(net_recv_borrow(fd, parts, &none, &loan, 0), -EINVAL);
    CHECK_EQ(net_recv_borrow(fd, parts, &n, &loan, MSG_PEEK), -EINVAL);
    n = PARTS;
    CHECK_EQ(net_recv_borrow(listener, parts, &n, &loan, 0), -ENOTCONN);
    CHECK_EQ(fd_close(listener), 0);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(a_stream_where_it_lies, NULL),
        SHOWS(the_window_opens_when_it_is_returned, NULL),
        SHOWS(parts_of_a_stream, NULL),
        SHOWS(a_loan_outlives_its_socket, NULL),
        SHOWS(datagrams, NULL),
        SHOWS(loans_are_bounded, NULL),
        SHOWS(what_cannot_be_borrowed, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
