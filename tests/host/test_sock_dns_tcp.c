/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_dns_tcp.c - answers that do not fit into a datagram (net/inet/dns_tcp.c; RFC 7766). The
 * server is a task of the image, on 127.0.0.1.
 */
#include <netdb.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "nameserver.h"
#include "net_impl.h"
#include "peer.h"
#include "tasks.h"

static unsigned datagrams, connections, records = 200;
static uint64_t began;

static uint64_t seconds_since_began(void)
{
    return (hal_now_ns() - began) / HAL_SEC;
}

/* By datagram: cut after the first record. */
static void serve_datagrams(void *arg)
{
    int fd = loop_datagrams(53);
    uint8_t message[600];
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    struct question q;
    ssize_t n;

    (void)arg;
    while ((n = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&from, &len)) > 0) {
        datagrams++;
        question_read(&q, message, (size_t)n);
        reply_begin(&reply, &q, REPLY_OK | REPLY_TRUNCATED);
        if (q.type == NAME_A)
            reply_add4(&reply, NULL, 0x06060606);
        sendto(fd, reply.data, reply.len, 0, (struct sockaddr *)&from, len);
    }
}

static void receive(int fd, uint8_t *out, size_t len)
{
    while (len) {
        ssize_t n = recv(fd, out, len, 0);

        CHECK(n > 0);
        out += n;
        len -= (size_t)n;
    }
}

/* Takes a question over the connection, and makes all of its answer. */
static void take_question(int fd, struct reply *r)
{
    uint8_t bytes[600];
    struct question q;

    receive(fd, bytes, 2);
    size_t len = peer_get16(bytes);
    CHECK(len < sizeof(bytes));
    receive(fd, bytes, len);
    question_read(&q, bytes, len);
    reply_begin(r, &q, REPLY_OK);
    for (unsigned i = 0; i < records; i++)
        q.type == NAME_A ? reply_add4(r, NULL, 0xc0000000 + i) : reply_add6(r, NULL, (uint8_t)i);
}

static void send_in_pieces(int fd, const struct reply *r, size_t piece)
{
    uint8_t *bytes = malloc(r->len + 2);

    peer_put16(bytes, (uint32_t)r->len);
    memcpy(bytes + 2, r->data, r->len);
    for (size_t at = 0; at < r->len + 2; at += piece) {
        size_t left = r->len + 2 - at;

        if (send(fd, bytes + at, left < piece ? left : piece, 0) < 0)
            break;
        task_sleep_until(hal_now_ns() + HAL_MS);
    }
    free(bytes);
}

/* ---- what the server does with a connection -------------------------------------------------- */

static void answer_in_pieces(int fd, struct reply *r)
{
    take_question(fd, r);
    send_in_pieces(fd, r, connections == 1 ? 3 : 700);
    CHECK_EQ(loop_drain(fd), 0); /* until the image has closed it */
}

static void close_at_once(int fd, struct reply *r)
{
    (void)fd, (void)r;
}

static void close_in_the_middle(int fd, struct reply *r)
{
    take_question(fd, r);
    CHECK(send(fd, "\1\0abcdefgh", 10, 0) == 10);
}

static void send_nothing(int fd, struct reply *r)
{
    take_question(fd, r);
    send(fd, "\0\0\0\0\0\0\0\0", 8, 0);
    task_sleep_until(hal_now_ns() + 10 * HAL_SEC);
}

static void send_a_part(int fd, struct reply *r)
{
    take_question(fd, r);
    r->len -= 20;
    send_in_pieces(fd, r, 2000);
    task_sleep_until(hal_now_ns() + 10 * HAL_SEC);
}

static void send_another_number(int fd, struct reply *r)
{
    take_question(fd, r);
    r->data[1] ^= 1;
    send_in_pieces(fd, r, 2000);
    task_sleep_until(hal_now_ns() + 10 * HAL_SEC);
}

static void send_truncated(int fd, struct reply *r)
{
    take_question(fd, r);
    r->data[2] |= REPLY_TRUNCATED >> 8;
    send_in_pieces(fd, r, 2000);
    task_sleep_until(hal_now_ns() + 10 * HAL_SEC);
}

static void say_nothing(int fd, struct reply *r)
{
    take_question(fd, r);
    task_sleep_until(hal_now_ns() + 10 * HAL_SEC);
}

static void say_the_name_is_none(int fd, struct reply *r)
{
    take_question(fd, r);
    peer_put16(r->data + 2, REPLY_NO_NAME);
    send_in_pieces(fd, r, 2000);
    send_in_pieces(fd, r, 2000); /* once more than was asked for */
}

static void (*behave)(int fd, struct reply *r);

static void serve_connection(void *arg)
{
    int fd = (int)(intptr_t)arg;

    struct reply *r = malloc(sizeof(*r));

    behave(fd, r);
    free(r);
    fd_close(fd);
}

static void serve_connections(void *arg)
{
    int listener = loop_listen(53, 8), fd;

    (void)arg;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        connections++;
        task_spawn("connection", serve_connection, (void *)(intptr_t)fd, 0);
    }
}

static void boot(const char *second, void (*fn)(int fd, struct reply *r))
{
    static char ip[100];

    snprintf(ip, sizeof(ip), "ip=10.0.2.15::10.0.2.2:255.255.255.0:box:::127.0.0.1:%s", second);
    peer_boot(ip);
    peer_listen(nameserver_hear);
    task_spawn("datagrams", serve_datagrams, NULL, 0);
    if (fn)
        task_spawn("connections", serve_connections, NULL, 0);
    behave = fn;
    task_sleep_until(hal_now_ns() + HAL_MS);
    began = hal_now_ns();
}

/* ---- cases ----------------------------------------------------------------------------------- */

static unsigned count(const char *name, int family)
{
    struct addrinfo *list;
    unsigned n = 0;

    CHECK_EQ(names_look_up(name, family, 0, &list), 0);
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        n++;
    freeaddrinfo(list);
    return n;
}

static void answers_that_are_long(void)
{
    boot("", answer_in_pieces);
    CHECK_EQ(count("a.example", AF_INET), 200);
    CHECK_EQ(count("b.example", AF_UNSPEC), 400);
    CHECK_EQ(datagrams, 3);
    CHECK_EQ(connections, 3);
    records = 3700;
    CHECK_EQ(count("c.example", AF_INET), 3700);
    struct hostent *h = gethostbyname("d.example");
    CHECK(h && h->h_addr_list[31] && !h->h_addr_list[32]);
}

/* The addresses that did fit count for nothing, and no server is asked twice. */
static void servers_that_fail(void)
{
    static void (*const ways[])(int fd, struct reply *r) = {
        close_at_once, close_in_the_middle, send_nothing,
        send_a_part,   send_another_number, send_truncated};

    boot("", close_at_once);
    for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        behave = ways[i];
        began = hal_now_ns();
        CHECK_EQ(names_outcome("a.example", AF_INET), EAI_AGAIN);
        CHECK_EQ(connections, i + 1);
        CHECK_EQ(datagrams, i + 1);
        CHECK(seconds_since_began() <= 1);
    }
    behave = say_nothing;
    CHECK_EQ(names_outcome("a.example", AF_INET), EAI_AGAIN);
    CHECK(seconds_since_began() >= 5 && seconds_since_began() <= 7);
    behave = say_the_name_is_none;
    CHECK_EQ(names_outcome("a.example", AF_UNSPEC), EAI_NONAME);
}

static void nobody_listens(void)
{
    boot("", NULL);
    CHECK_EQ(names_outcome("a.example", AF_INET), EAI_AGAIN);
    CHECK_EQ(datagrams, 1);
    CHECK(seconds_since_began() <= 1);
}

static void the_next_server_is_asked(void)
{
    boot("10.0.2.2", close_in_the_middle);
    CHECK_ADDRESSES("192.0.2.9 ", "one.example", AF_INET, 0);
    CHECK(connections == 1 && datagrams == 1 && nameserver_asked == 1);
    behave = say_nothing;
    CHECK_ADDRESSES("192.0.2.9 ", "one.other.example", AF_INET, 0);
    CHECK(seconds_since_began() >= 5 && seconds_since_began() <= 6);
}

/* Connections that were given up end as well. */
static void nothing_is_lost(void)
{
    struct net_stats stats;

    boot("", say_nothing);
    uint64_t before = net_mem_lent();
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(names_outcome("a.example", AF_UNSPEC), EAI_AGAIN);
    behave = send_a_part;
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(names_outcome("a.example", AF_UNSPEC), EAI_AGAIN);
    task_sleep_until(hal_now_ns() + 180 * HAL_SEC);
    net_get_stats(&stats);
    CHECK_EQ(stats.tcp_connections, 0);
    CHECK(net_mem_lent() <= before + 2000); /* a UDP socket keeps a block for datagrams */
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(answers_that_are_long, NULL), SHOWS(servers_that_fail, NULL),
        SHOWS(nobody_listens, NULL),        SHOWS(the_next_server_is_asked, NULL),
        SHOWS(nothing_is_lost, NULL),
    };

    nameserver_answer = nameserver_honest;
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
