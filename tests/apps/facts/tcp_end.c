/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_end.c - facts about data, shutdown, and the ends of connections.
 */
#include "facts.h"

#include <stdlib.h>
#include <sys/time.h>

static char big[300000];

static void half_closed(void)
{
    struct pair p = connected("127.0.0.1");
    char c;

    result("tcp shutdown for sending", shutdown(p.near, SHUT_WR));
    result("tcp shutdown for sending again", shutdown(p.near, SHUT_WR));
    result("tcp send after the end was sent", send(p.near, "x", 1, MSG_NOSIGNAL));
    fact("tcp the other side sees", "%s", received(p.far, 0));
    fact("tcp and again", "%s", received(p.far, 0));
    result("tcp the other side sends", send(p.far, "back", 4, 0));
    fact("tcp it arrives", "%s", received(p.near, 0));
    result("tcp the other side ends", shutdown(p.far, SHUT_WR));
    fact("tcp the end arrives", "%s", received(p.near, 0));
    usleep(20 * MS);
    fact("tcp peer after both ends", "%s", peer_name(p.near, 0)[0] == 'E' ? "ENOTCONN" : "known");
    result("tcp shutdown after both ends", shutdown(p.near, SHUT_RDWR));
    result("tcp send after both ends", send(p.near, "x", 1, MSG_NOSIGNAL));
    result("tcp recv after both ends", recv(p.near, &c, 1, 0));
    result("tcp connect after both ends", connect_to(p.near, "127.0.0.1", new_port()));
    close_pair(p);
}

static void shut_for_reading(void)
{
    struct pair p = connected("127.0.0.1");
    char c;

    send(p.far, "before", 6, 0);
    readable(p.near);
    result("tcp shutdown for reading", shutdown(p.near, SHUT_RD));
    fact("tcp events after it", "%s", events_of(p.near, POLLIN | POLLRDHUP, 0));
    fact("tcp what came before is read", "%s", received(p.near, 0));
    result("tcp then the end", recv(p.near, &c, 1, 0));
    result("tcp the peer sends on", send(p.far, "after", 5, MSG_NOSIGNAL));
    usleep(20 * MS);
    fact("tcp what came after it", "%s", received(p.near, 0));
    result("tcp sending goes on", send(p.near, "out", 3, MSG_NOSIGNAL));
    fact("tcp the peer receives it", "%s", received(p.far, 0));
    close_pair(p);
    p = connected("127.0.0.1");
    result("tcp shutdown for both", shutdown(p.near, SHUT_RDWR));
    fact("tcp the peer of both sees", "%s", received(p.far, 0));
    result("tcp recv after both", recv(p.near, &c, 1, 0));
    result("tcp send after both", send(p.near, "x", 1, MSG_NOSIGNAL));
    result("tcp the peer sends once", send(p.far, "x", 1, MSG_NOSIGNAL));
    usleep(20 * MS);
    result("tcp the peer sends twice", send(p.far, "x", 1, MSG_NOSIGNAL));
    close_pair(p);
    p = connected("127.0.0.1");
    result("tcp shutdown of 9", shutdown(p.near, 9));
    result("tcp shutdown of -1", shutdown(p.near, -1));
    close_pair(p);
}

/* Closing with data that nobody read resets the connection. */
static void unread(void)
{
    struct pair p = connected("127.0.0.1");

    send(p.far, "unread", 6, 0);
    readable(p.near);
    close(p.near);
    usleep(20 * MS);
    fact("tcp after the peer closed with unread data", "%s",
         events_of(p.far, POLLIN | POLLOUT | POLLRDHUP, 200));
    fact("tcp recv then", "%s", received(p.far, 0));
    fact("tcp recv again", "%s", received(p.far, 0));
    result("tcp send then", send(p.far, "x", 1, MSG_NOSIGNAL));
    fact("tcp events then", "%s", events_of(p.far, POLLIN | POLLOUT | POLLRDHUP, 0));
    close(p.far);
}

static void lingered(void)
{
    struct pair p = connected("127.0.0.1");
    struct linger off = {1, 0}, l = {5, 5};
    socklen_t len = sizeof(l);

    result("tcp SO_LINGER read", getsockopt(p.near, SOL_SOCKET, SO_LINGER, &l, &len));
    fact("tcp SO_LINGER at first", "%d %d", l.l_onoff, l.l_linger);
    result("tcp SO_LINGER 0", setsockopt(p.near, SOL_SOCKET, SO_LINGER, &off, sizeof(off)));
    send(p.near, "lost?", 5, 0);
    readable(p.far);
    close(p.near);
    usleep(20 * MS);
    fact("tcp recv after a reset", "%s", received(p.far, 0));
    fact("tcp recv after that", "%s", received(p.far, 0));
    fact("tcp recv once more", "%s", received(p.far, 0));
    close(p.far);
    p = connected("127.0.0.1");
    off.l_linger = 5;
    result("tcp SO_LINGER 5", setsockopt(p.near, SOL_SOCKET, SO_LINGER, &off, sizeof(off)));
    len = sizeof(l);
    getsockopt(p.near, SOL_SOCKET, SO_LINGER, &l, &len);
    fact("tcp SO_LINGER then", "%d %d", l.l_onoff, l.l_linger);
    send(p.near, "waits", 5, 0);
    result("tcp close with SO_LINGER 5", close(p.near));
    fact("tcp the peer receives what was sent", "%s", received(p.far, 0));
    close(p.far);
}

static void after_the_peer_closed(void)
{
    struct pair p = connected("127.0.0.1");
    char c;

    send(p.far, "last words", 10, 0);
    close(p.far);
    usleep(20 * MS);
    result("tcp send after the peer closed", send(p.near, "x", 1, MSG_NOSIGNAL));
    usleep(20 * MS);
    result("tcp second send", send(p.near, "x", 1, MSG_NOSIGNAL));
    fact("tcp last words", "%s", received(p.near, 0));
    result("tcp and then", recv(p.near, &c, 1, MSG_DONTWAIT));
    close(p.near);
    p = connected("127.0.0.1");
    close(p.far);
    readable(p.near);
    result("tcp recv of the end", recv(p.near, &c, 1, 0));
    result("tcp recv of the end again", recv(p.near, &c, 1, 0));
    result("tcp send after the end", send(p.near, "x", 1, MSG_NOSIGNAL));
    usleep(20 * MS);
    result("tcp recv after the reset", recv(p.near, &c, 1, MSG_DONTWAIT));
    result("tcp send after the reset", send(p.near, "x", 1, MSG_NOSIGNAL));
    fact("tcp SO_ERROR after all", "%s", error_name(get_int(p.near, SOL_SOCKET, SO_ERROR)));
    close(p.near);
}

/* Clients that left before accept(). */
static void left_early(void)
{
    int port, l = listener_on("127.0.0.1", &port), c = tcp_socket(AF_INET), s;
    struct linger reset = {1, 0};
    char b;

    connect_to(c, "127.0.0.1", port);
    send(c, "hi", 2, 0);
    close(c);
    usleep(20 * MS);
    s = accept(l, NULL, NULL);
    fact("tcp accept of a client that has gone", "%s", s < 0 ? error_name(errno) : "accepted");
    fact("tcp what it said", "%s", received(s, 0));
    fact("tcp and its end", "%s", received(s, 0));
    close(s);
    c = tcp_socket(AF_INET);
    connect_to(c, "127.0.0.1", port);
    setsockopt(c, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(c);
    usleep(20 * MS);
    set_nonblocking(l);
    fact("tcp events after a client reset", "%s", events_of(l, POLLIN, 0));
    s = accept(l, NULL, NULL);
    fact("tcp accept after a client reset", "%s", s < 0 ? error_name(errno) : "accepted");
    if (s >= 0)
        result("tcp recv from it", recv(s, &b, 1, 0));
    close(s);
    close(l);
    l = listener_on("127.0.0.1", &port);
    c = tcp_socket(AF_INET);
    connect_to(c, "127.0.0.1", port);
    close(l);
    usleep(20 * MS);
    fact("tcp a client that waits when the listener closes", "%s", received(c, 0));
    close(c);
}

static void parts(void)
{
    struct pair p = connected("127.0.0.1");
    struct timeval t = {0, 50000};
    char buf[16];
    long n, sent = 0;

    send(p.near, "0123456789", 10, 0);
    readable(p.far);
    result("tcp peek", recv(p.far, buf, 4, MSG_PEEK));
    result("tcp peek for all", recv(p.far, buf, 16, MSG_PEEK | MSG_DONTWAIT));
    result("tcp recv of 4", recv(p.far, buf, 4, 0));
    result("tcp MSG_TRUNC", recv(p.far, buf, 2, MSG_TRUNC));
    result("tcp the rest", recv(p.far, buf, 16, MSG_DONTWAIT));
    result("tcp nothing more", recv(p.far, buf, 16, MSG_DONTWAIT));
    setsockopt(p.far, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
    result("tcp recv at the time limit", recv(p.far, buf, 16, 0));
    send(p.near, "abc", 3, 0);
    result("tcp MSG_WAITALL at the time limit", recv(p.far, buf, 16, MSG_WAITALL));
    result("tcp MSG_WAITALL with nothing", recv(p.far, buf, 16, MSG_WAITALL));
    result("tcp sendto ignores the address", send_to(p.near, "x", FOREIGN, 9));
    fact("tcp it arrives where it is connected", "%s", received(p.far, 0));
    result("tcp recv with MSG_OOB", recv(p.far, buf, 1, MSG_OOB));
    set_nonblocking(p.near);
    for (int i = 0; i < 10; i++, usleep(20 * MS))
        while ((n = send(p.near, big, sizeof(big), 0)) > 0)
            sent += n;
    fact("tcp send until full", "%s", n < 0 ? error_name(errno) : "0");
    fact("tcp events when full", "%s", events_of(p.near, POLLOUT, 0));
    setsockopt(p.near, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
    close(p.far);
    fact("tcp events when the reader is gone", "%s", events_of(p.near, POLLIN | POLLOUT, 1000));
    fact("tcp send was long", "%d", sent > 100000);
    close(p.near);
}

static void send_within_time(void)
{
    struct pair p = connected("127.0.0.1");
    struct timeval t = {0, 50000};
    long n = 0;

    setsockopt(p.near, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
    for (int i = 0; i < 100 && n >= 0; i++)
        n = send(p.near, big, sizeof(big), 0);
    result("tcp send at the time limit", n);
    close_pair(p);
}

/* ---- calls that another task ends ------------------------------------------------------------ */

static void close_it(void *arg)
{
    close(*(int *)arg);
}

static void shut_it(void *arg)
{
    shutdown(*(int *)arg, SHUT_RD);
}

static void shut_both(void *arg)
{
    shutdown(*(int *)arg, SHUT_RDWR);
}

static void woken(void)
{
    struct pair p = connected("127.0.0.1");
    int port, l = listener_on("127.0.0.1", &port);
    char c;

    later(30, shut_it, &l);
    result("tcp accept that shutdown ends", accept(l, NULL, NULL));
    result("tcp accept after that shutdown", accept(l, NULL, NULL));
    fact("tcp events of the listener after it", "%s", events_of(l, POLLIN | POLLOUT, 0));
    result("tcp connect after it", connect_to(p.near, "127.0.0.1", port));
    result("tcp listen after it", listen(l, 1));
    close(l);
    l = listener_on("127.0.0.1", &port);
    result("tcp shutdown of a listener for sending", shutdown(l, SHUT_WR));
    fact("tcp events of the listener after that", "%s", events_of(l, POLLIN | POLLOUT, 0));
    later(30, shut_both, &l);
    result("tcp accept that shutdown of both ends", accept(l, NULL, NULL));
    close(l);
    later(30, shut_it, &p.near);
    result("tcp recv that shutdown ends", recv(p.near, &c, 1, 0));
    close_pair(p);
    p = connected("127.0.0.1");
    later(30, close_it, &p.far);
    result("tcp recv that the peer ends", recv(p.near, &c, 1, 0));
    close(p.near);
    p = connected("127.0.0.1");
    later(30, shut_both, &p.near);
    fact("tcp poll that shutdown ends", "%s", events_of(p.near, POLLIN | POLLRDHUP, 1000));
    close_pair(p);
}

void tcp_end_facts(void)
{
    half_closed();
    shut_for_reading();
    unread();
    lingered();
    after_the_peer_closed();
    left_early();
    parts();
    send_within_time();
    woken();
}
