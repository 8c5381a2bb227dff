/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp.c - facts about connecting, accepting, and refusals.
 */
#include "facts.h"

#include <fcntl.h>
#include <stdlib.h>

static void names(const char *ip)
{
    int port, l = listener_on(ip, &port), c = tcp_socket(strchr(ip, ':') ? AF_INET6 : AF_INET), s;
    struct address from = {.len = sizeof(from.u)};

    fact(text("tcp %s name of the listener", ip), "%s", local_name(l, port));
    fact(text("tcp %s peer before connect", ip), "%s", peer_name(c, port));
    result(text("tcp connect to a listener on %s", ip), connect_to(c, ip, port));
    fact(text("tcp %s name of the client", ip), "%s", local_name(c, port));
    fact(text("tcp %s peer of the client", ip), "%s", peer_name(c, port));
    s = accept(l, &from.u.any, &from.len);
    fact(text("tcp %s address of accept", ip), "%s", shown(&from, port_of(c)));
    fact(text("tcp %s name of the server", ip), "%s", local_name(s, port));
    fact(text("tcp %s peer of the server", ip), "%s", peer_name(s, port_of(c)));
    close(s);
    close(c);
    close(l);
}

/* A listener on one address, a client of another. */
static void reaches(const char *listens, const char *connects)
{
    int port, l = listener_on(listens, &port);
    int c = tcp_socket(strchr(connects, ':') ? AF_INET6 : AF_INET);
    const char *name = text("tcp %s reaches %s", connects, listens);

    if (connect_to(c, connects, port))
        fact(name, "%s", error_name(errno));
    else
        fact(name, "%s", peer_name(c, port));
    close(c);
    close(l);
}

static void reached(void)
{
    reaches("0.0.0.0", "127.0.0.1");
    reaches("0.0.0.0", "0.0.0.0");
    reaches("0.0.0.0", OWN);
    reaches("127.0.0.1", "0.0.0.0");
    reaches("127.0.0.1", OWN);
    reaches(OWN, "0.0.0.0");
    reaches(OWN, "127.0.0.1");
    reaches("0.0.0.0", "127.0.0.2");
    reaches("::", "::1");
    reaches("::", "::");
    reaches("::", "127.0.0.1");
    reaches("::", "0.0.0.0");
    reaches("::", "::ffff:127.0.0.1");
    reaches("::", "::ffff:0.0.0.0");
    reaches("::1", "::");
    reaches("::1", "127.0.0.1");
    reaches("0.0.0.0", "::1");
    reaches("0.0.0.0", "::ffff:127.0.0.1");
    reaches("::ffff:127.0.0.1", "127.0.0.1");
}

static void fails(const char *ip, int port)
{
    int fd = tcp_socket(strchr(ip, ':') ? AF_INET6 : AF_INET);
    const char *name = text("tcp connect to %s%s", ip, port ? "" : ", port 0");

    result(name, connect_to(fd, ip, port));
    fact(text("%s: name after it", name), "%s", local_name(fd, 0));
    fact(text("%s: peer after it", name), "%s", peer_name(fd, port));
    fact(text("%s: SO_ERROR", name), "%s", error_name(get_int(fd, SOL_SOCKET, SO_ERROR)));
    close(fd);
}

static void failures(void)
{
    static const char *const ips[] = {
        "127.0.0.1",   OWN,         "0.0.0.0",          "::1",
        FOREIGN,       "224.0.0.1", "255.255.255.255",  "10.0.2.255",
        "2001:db8::1", "ff02::1",   "::ffff:192.0.2.1", "::ffff:127.0.0.1"};
    int fd;

    for (size_t i = 0; i < sizeof(ips) / sizeof(ips[0]); i++)
        fails(ips[i], new_port());
    fails("127.0.0.1", 0);
    fd = tcp_socket(AF_INET6);
    set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    result("tcp IPV6_V6ONLY connect to a mapped address", connect_to(fd, "::ffff:127.0.0.1", 9));
    close(fd);
    fd = tcp_socket(AF_INET);
    bind_to(fd, "127.0.0.1", new_port());
    result("tcp connect from lo to a missing neighbour", connect_to(fd, MISSING, 9));
    result("tcp connect from lo without a route", connect_to(fd, FOREIGN, 9));
    close(fd);
}

/* After a refusal the same socket may connect again. */
static void again(void)
{
    int port, l, fd = tcp_socket(AF_INET), s;
    char c;

    result("tcp refused", connect_to(fd, "127.0.0.1", new_port()));
    result("tcp refused again", connect_to(fd, "127.0.0.1", new_port()));
    fact("tcp events after a refusal", "%s", events_of(fd, POLLIN | POLLOUT, 0));
    result("tcp send after a refusal", send(fd, "x", 1, MSG_NOSIGNAL));
    result("tcp recv after a refusal", recv(fd, &c, 1, 0));
    l = listener_on("127.0.0.1", &port);
    result("tcp connect after refusals", connect_to(fd, "127.0.0.1", port));
    s = accept(l, NULL, NULL);
    result("tcp send after it", send(fd, "hello", 5, 0));
    fact("tcp the server receives", "%s", received(s, 0));
    close(fd);
    close(s);
    fd = tcp_socket(AF_INET);
    result("tcp refused once", connect_to(fd, "127.0.0.1", new_port()));
    result("tcp listen after a refusal", listen(fd, 1));
    close(fd);
    fd = tcp_socket(AF_INET);
    bind_to(fd, "127.0.0.1", port = new_port());
    result("tcp bound, refused", connect_to(fd, "127.0.0.1", new_port()));
    fact("tcp bound, name after a refusal", "%s", local_name(fd, port));
    result("tcp bind after a refusal", bind_to(fd, "127.0.0.1", new_port()));
    close(fd);
    fd = tcp_socket(AF_INET);
    connect_to(fd, "127.0.0.1", new_port());
    result("tcp shutdown after a refusal", shutdown(fd, SHUT_RDWR));
    close(fd);
    close(l);
}

static void without_waiting(void)
{
    int port, l = listener_on("127.0.0.1", &port), fd = tcp_socket(AF_INET), s;

    set_nonblocking(fd);
    result("tcp connect, O_NONBLOCK", connect_to(fd, "127.0.0.1", port));
    fact("tcp events when connected", "%s", events_of(fd, POLLIN | POLLOUT, 1000));
    fact("tcp SO_ERROR when connected", "%s", error_name(get_int(fd, SOL_SOCKET, SO_ERROR)));
    result("tcp connect when connected", connect_to(fd, "127.0.0.1", port));
    result("tcp connect elsewhere when connected", connect_to(fd, "127.0.0.1", new_port()));
    set_nonblocking(l);
    readable(l);
    s = accept(l, NULL, NULL);
    fact("tcp accepted socket is non-blocking", "%d", (fcntl(s, F_GETFL) & O_NONBLOCK) != 0);
    result("tcp accept, O_NONBLOCK", accept(l, NULL, NULL));
    close(fd);
    close(s);
    fd = tcp_socket(AF_INET);
    set_nonblocking(fd);
    result("tcp connect to a closed port, O_NONBLOCK", connect_to(fd, "127.0.0.1", new_port()));
    fact("tcp events when refused", "%s", events_of(fd, POLLIN | POLLOUT | POLLRDHUP, 1000));
    fact("tcp SO_ERROR when refused", "%s", error_name(get_int(fd, SOL_SOCKET, SO_ERROR)));
    fact("tcp SO_ERROR when refused, again", "%s", error_name(get_int(fd, SOL_SOCKET, SO_ERROR)));
    result("tcp connect after SO_ERROR was read", connect_to(fd, "127.0.0.1", port));
    close(fd);
    fd = tcp_socket(AF_INET);
    set_nonblocking(fd);
    connect_to(fd, "127.0.0.1", new_port());
    events_of(fd, POLLOUT, 1000);
    result("tcp second connect tells the refusal", connect_to(fd, "127.0.0.1", port));
    result("tcp third connect goes on", connect_to(fd, "127.0.0.1", port));
    fact("tcp events of the third", "%s", events_of(fd, POLLIN | POLLOUT, 1000));
    close(fd);
    close(l);
}

/* While a neighbour does not answer: what the calls say. */
static void while_connecting(int fd)
{
    char c;

    set_nonblocking(fd);
    result("tcp connect to a missing neighbour, O_NONBLOCK", connect_to(fd, "10.0.2.78", 9));
    fact("tcp name while connecting", "%s", local_name(fd, 0));
    fact("tcp peer while connecting", "%s", peer_name(fd, 9));
    fact("tcp events while connecting", "%s", events_of(fd, POLLIN | POLLOUT, 0));
    result("tcp connect while connecting", connect_to(fd, "10.0.2.78", 9));
    result("tcp send while connecting", send(fd, "x", 1, MSG_NOSIGNAL));
    result("tcp recv while connecting", recv(fd, &c, 1, 0));
    result("tcp listen while connecting", listen(fd, 1));
    result("tcp bind while connecting", bind_to(fd, "127.0.0.1", new_port()));
}

static void stop_connecting(void)
{
    struct address none = at("0.0.0.0", 0);
    int fd = tcp_socket(AF_INET);

    set_nonblocking(fd);
    connect_to(fd, "10.0.2.79", 9);
    none.u.any.sa_family = AF_UNSPEC;
    result("tcp disconnect while connecting", connect(fd, &none.u.any, none.len));
    fact("tcp events after disconnecting", "%s", events_of(fd, POLLIN | POLLOUT, 0));
    close(fd);
    fd = tcp_socket(AF_INET);
    set_nonblocking(fd);
    connect_to(fd, "10.0.2.80", 9);
    result("tcp shutdown while connecting", shutdown(fd, SHUT_WR));
    fact("tcp events after that shutdown", "%s", events_of(fd, POLLIN | POLLOUT, 0));
    close(fd);
}

/* How it ends, for three sockets at the same time. */
static void missing(void)
{
    int fd = tcp_socket(AF_INET), other = tcp_socket(AF_INET), udp = udp_socket(AF_INET);
    long began = now_ms();

    connect_to(udp, "10.0.2.81", 9);
    result("udp send to a missing neighbour", send(udp, "x", 1, 0));
    while_connecting(other);
    result("tcp connect to a missing neighbour", connect_to(fd, MISSING, 9));
    fact("tcp it took some seconds", "%d", now_ms() - began > 1500 && now_ms() - began < 6000);
    fact("tcp name after it", "%s", local_name(fd, 0));
    fact("tcp events at the end", "%s", events_of(other, POLLIN | POLLOUT, 5000));
    fact("tcp SO_ERROR at the end", "%s", error_name(get_int(other, SOL_SOCKET, SO_ERROR)));
    fact("udp events of a missing neighbour", "%s", events_of(udp, POLLIN, 200));
    close(udp);
    close(other);
    close(fd);
}

static void one_tuple(void)
{
    int port, l = listener_on("127.0.0.1", &port), mine = new_port(), a = tcp_socket(AF_INET),
              b = tcp_socket(AF_INET);

    set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
    set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
    bind_to(a, "127.0.0.1", mine);
    bind_to(b, "127.0.0.1", mine);
    result("tcp first of one port", connect_to(a, "127.0.0.1", port));
    result("tcp second of that port to the same", connect_to(b, "127.0.0.1", port));
    close(a);
    close(b);
    a = tcp_socket(AF_INET);
    bind_to(a, "127.0.0.1", mine = new_port());
    result("tcp connect to itself", connect_to(a, "127.0.0.1", mine));
    fact("tcp name when connected to itself", "%s", local_name(a, mine));
    fact("tcp peer when connected to itself", "%s", peer_name(a, mine));
    result("tcp send to itself", send(a, "me", 2, MSG_NOSIGNAL));
    fact("tcp received from itself", "%s", received(a, 0));
    close(a);
    close(l);
}

static void disconnects(void)
{
    struct address none = at("0.0.0.0", 0);
    int port, l = listener_on("127.0.0.1", &port), c = tcp_socket(AF_INET), s;

    none.u.any.sa_family = AF_UNSPEC;
    result("tcp disconnect of a new socket", connect(c, &none.u.any, none.len));
    connect_to(c, "127.0.0.1", port);
    s = accept(l, NULL, NULL);
    result("tcp disconnect", connect(c, &none.u.any, none.len));
    fact("tcp name after disconnect", "%s", local_name(c, 0));
    fact("tcp peer after disconnect", "%s", peer_name(c, 0));
    fact("tcp the server sees", "%s", received(s, 0));
    close(s);
    result("tcp connect after disconnect", connect_to(c, "127.0.0.1", port));
    s = accept(l, NULL, NULL);
    result("tcp send after that", send(c, "x", 1, MSG_NOSIGNAL));
    fact("tcp the server receives then", "%s", received(s, 0));
    close(s);
    close(c);
    result("tcp disconnect of a listener", connect(l, &none.u.any, none.len));
    result("tcp accept after it", accept(l, NULL, NULL));
    close(l);
}

/* Descriptors run out: the connection waits until there is one. */
static void no_descriptor(void)
{
    static int taken[65536]; /* as many as the table of an image has */
    int port, l = listener_on("127.0.0.1", &port), c = tcp_socket(AF_INET), n = 0, s;

    connect_to(c, "127.0.0.1", port);
    readable(l);
    while (n < 65536 && (taken[n] = dup(c)) >= 0)
        n++;
    result("tcp accept without a descriptor", accept(l, NULL, NULL) >= 0 ? 0 : -1);
    fact("tcp events of the listener then", "%s", events_of(l, POLLIN, 0));
    result("socket without a descriptor", tcp_socket(AF_INET) >= 0 ? 0 : -1);
    while (n)
        close(taken[--n]);
    set_nonblocking(l);
    s = accept(l, NULL, NULL);
    fact("tcp accept with a descriptor", "%s", s < 0 ? error_name(errno) : "accepted");
    send(c, "kept", 4, 0);
    fact("tcp that connection works", "%s", received(s, 0));
    close(s);
    close(c);
    close(l);
}

void tcp_facts(void)
{
    names("127.0.0.1");
    names(OWN);
    names("::1");
    names("::ffff:127.0.0.1");
    reached();
    failures();
    again();
    without_waiting();
    missing();
    stop_connecting();
    one_tuple();
    disconnects();
    no_descriptor();
}
