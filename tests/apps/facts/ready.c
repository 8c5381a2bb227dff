/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ready.c - facts about poll() and select(), state by state, and about SO_RCVLOWAT.
 */
#include "facts.h"

#include <sys/select.h>

#define ALL (POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM)

static void events(const char *name, int fd)
{
    usleep(10 * MS);
    fact(text("events of %s", name), "%s", events_of(fd, ALL, 0));
    fact(text("events of %s, none asked for", name), "%s", events_of(fd, 0, 0));
}

static void selected(const char *name, int fd)
{
    struct timeval t = {0, 0};
    fd_set in, out, except;

    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&except);
    FD_SET(fd, &in);
    FD_SET(fd, &out);
    FD_SET(fd, &except);
    usleep(20 * MS);
    result(text("select of %s", name), select(fd + 1, &in, &out, &except, &t));
    fact(text("sets of %s", name), "%s%s%s", FD_ISSET(fd, &in) ? "in " : "",
         FD_ISSET(fd, &out) ? "out " : "", FD_ISSET(fd, &except) ? "except" : "");
}

static void states(void)
{
    struct pair p;
    int port, fd = tcp_socket(AF_INET), l;

    events("a new tcp socket", fd);
    selected("a new tcp socket", fd);
    bind_to(fd, "127.0.0.1", new_port());
    events("a bound tcp socket", fd);
    close(fd);
    l = listener_on("127.0.0.1", &port);
    events("a listener", l);
    fd = tcp_socket(AF_INET);
    connect_to(fd, "127.0.0.1", port);
    events("a listener with a client", l);
    close(fd);
    close(l);
    p = connected("127.0.0.1");
    events("a connection", p.near);
    selected("a connection", p.near);
    send(p.far, "x", 1, 0);
    events("a connection with data", p.near);
    selected("a connection with data", p.near);
    shutdown(p.far, SHUT_WR);
    events("a connection with data and end", p.near);
    received(p.near, 0);
    events("a connection whose peer ended", p.near);
    selected("a connection whose peer ended", p.near);
    events("the peer that ended", p.far);
    shutdown(p.near, SHUT_WR);
    events("a connection that ended both ways", p.near);
    selected("a connection that ended both ways", p.near);
    close_pair(p);
    p = connected("127.0.0.1");
    shutdown(p.near, SHUT_WR);
    events("a connection shut for sending", p.near);
    shutdown(p.near, SHUT_RD);
    events("a connection shut both ways", p.near);
    close_pair(p);
}

static void resets(void)
{
    struct linger reset = {1, 0};
    struct pair p = connected("127.0.0.1");
    char c;

    setsockopt(p.far, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(p.far);
    events("a connection that was reset", p.near);
    result("recv of a connection that was reset", recv(p.near, &c, 1, 0));
    events("a connection that was reset, when the error is told", p.near);
    result("recv when the error is told", recv(p.near, &c, 1, 0));
    result("send when the error is told", send(p.near, "x", 1, MSG_NOSIGNAL));
    result("shutdown after a reset", shutdown(p.near, SHUT_RDWR));
    fact("peer after a reset", "%s", peer_name(p.near, 0));
    close(p.near);
    p = connected("127.0.0.1");
    setsockopt(p.far, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    send(p.far, "unread", 6, 0);
    close(p.far);
    usleep(20 * MS);
    fact("SO_ERROR after a reset", "%s", error_name(get_int(p.near, SOL_SOCKET, SO_ERROR)));
    fact("what came before the reset", "%s", received(p.near, 0));
    close(p.near);
    p = connected("127.0.0.1");
    setsockopt(p.far, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(p.far);
    usleep(20 * MS);
    result("send first after a reset", send(p.near, "x", 1, MSG_NOSIGNAL));
    result("send second after a reset", send(p.near, "x", 1, MSG_NOSIGNAL));
    result("recv after those", recv(p.near, &c, 1, 0));
    close(p.near);
}

static void datagrams(void)
{
    int fd = udp_socket(AF_INET), to = udp_socket(AF_INET), port = new_port();

    events("a new udp socket", fd);
    bind_to(to, "127.0.0.1", port);
    connect_to(fd, "127.0.0.1", port);
    events("a connected udp socket", fd);
    send(fd, "", 0, 0);
    events("a udp socket with an empty datagram", to);
    close(to);
    close(fd);
}

static void low_water(void)
{
    struct pair p = connected("127.0.0.1");
    char buf[16];

    result("SO_RCVLOWAT at first", get_int(p.near, SOL_SOCKET, SO_RCVLOWAT));
    result("SO_SNDLOWAT at first", get_int(p.near, SOL_SOCKET, SO_SNDLOWAT));
    result("SO_RCVLOWAT 5", set_int(p.near, SOL_SOCKET, SO_RCVLOWAT, 5));
    result("SO_RCVLOWAT then", get_int(p.near, SOL_SOCKET, SO_RCVLOWAT));
    send(p.far, "abc", 3, 0);
    usleep(20 * MS);
    fact("events below SO_RCVLOWAT", "%s", events_of(p.near, POLLIN, 0));
    result("recv below SO_RCVLOWAT", recv(p.near, buf, 16, MSG_DONTWAIT));
    send(p.far, "abc", 3, 0);
    usleep(20 * MS);
    send(p.far, "def", 3, 0);
    fact("events at SO_RCVLOWAT", "%s", events_of(p.near, POLLIN, 1000));
    result("recv at SO_RCVLOWAT", recv(p.near, buf, 16, 0));
    send(p.far, "g", 1, 0);
    shutdown(p.far, SHUT_WR);
    fact("events of an end below SO_RCVLOWAT", "%s", events_of(p.near, POLLIN, 1000));
    result("recv of an end below SO_RCVLOWAT", recv(p.near, buf, 16, 0));
    result("SO_RCVLOWAT 0", set_int(p.near, SOL_SOCKET, SO_RCVLOWAT, 0));
    result("SO_RCVLOWAT after 0", get_int(p.near, SOL_SOCKET, SO_RCVLOWAT));
    result("SO_RCVLOWAT -1", set_int(p.near, SOL_SOCKET, SO_RCVLOWAT, -1));
    result("SO_SNDLOWAT 5", set_int(p.near, SOL_SOCKET, SO_SNDLOWAT, 5));
    close_pair(p);
}

static void bad_descriptors(void)
{
    fact("events of a closed descriptor", "%s", events_of(999, POLLIN, 0));
    fact("events of descriptor -1", "%s", events_of(-1, POLLIN, 0));
    result("poll of nothing", poll(NULL, 0, 0));
}

void ready_facts(void)
{
    states();
    resets();
    datagrams();
    low_water();
    bad_descriptors();
}
