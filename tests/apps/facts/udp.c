/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udp.c - facts about datagram sockets.
 */
#include "facts.h"

#include <fcntl.h>
#include <stdlib.h>

static int datagrams_on(const char *ip, int *port)
{
    int fd = udp_socket(strchr(ip, ':') ? AF_INET6 : AF_INET);

    *port = new_port();
    if (bind_to(fd, ip, *port))
        fact(text("datagrams on %s", ip), "%s", error_name(errno));
    return fd;
}

/* The names of a socket, as connect() and disconnecting change them. */
static void names_of_connect(const char *name, const char *bound, const char *peer)
{
    struct address none = at("0.0.0.0", 0);
    int fd = udp_socket(strchr(peer, ':') ? AF_INET6 : AF_INET), port = new_port(), mine = 0;

    if (bound)
        bind_to(fd, bound, mine = new_port());
    result(text("udp connect %s", name), connect_to(fd, peer, port));
    fact(text("udp name after connect %s", name), "%s", local_name(fd, mine));
    fact(text("udp peer after connect %s", name), "%s", peer_name(fd, port));
    none.u.any.sa_family = AF_UNSPEC;
    result(text("udp disconnect %s", name), connect(fd, &none.u.any, none.len));
    fact(text("udp name after disconnect %s", name), "%s", local_name(fd, mine));
    fact(text("udp peer after disconnect %s", name), "%s", peer_name(fd, port));
    result(text("udp connect again %s", name), connect_to(fd, peer, port));
    fact(text("udp name after connecting again %s", name), "%s", local_name(fd, mine));
    close(fd);
}

static void connects(void)
{
    static const char *const peers[] = {
        "127.0.0.1", OWN,          "0.0.0.0",          MISSING,
        FOREIGN,     "10.0.2.255", "255.255.255.255",  "239.1.2.3",
        "::1",       "::",         "::ffff:127.0.0.1", "2001:db8::1"};
    int fd = udp_socket(AF_INET);

    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
        names_of_connect(text("to %s", peers[i]), NULL, peers[i]);
    names_of_connect("from any to 127.0.0.1", "0.0.0.0", "127.0.0.1");
    names_of_connect("from 127.0.0.1 to 127.0.0.1", "127.0.0.1", "127.0.0.1");
    names_of_connect("from own to own", OWN, OWN);
    result("udp connect to port 0", connect_to(fd, "127.0.0.1", 0));
    fact("udp peer of port 0", "%s", peer_name(fd, 0));
    result("udp send to the peer of port 0", send(fd, "x", 1, 0));
    result("udp send after connecting to port 0", send_to(fd, "x", "127.0.0.1", 9));
    close(fd);
}

static void sends(void)
{
    static const char *const peers[] = {"127.0.0.1", OWN,          "0.0.0.0",         MISSING,
                                        FOREIGN,     "10.0.2.255", "255.255.255.255", "239.1.2.3"};
    static char large[65536];
    struct address a = at("127.0.0.1", 9), six = at("::1", 9);
    int fd;

    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
        fd = udp_socket(AF_INET);
        result(text("udp sendto %s", peers[i]), send_to(fd, "hello", peers[i], new_port()));
        fact(text("udp name after sendto %s", peers[i]), "%s", local_name(fd, 0));
        close(fd);
    }
    fd = udp_socket(AF_INET);
    result("udp send without peer", send(fd, "x", 1, 0));
    result("udp write without peer", write(fd, "x", 1));
    result("udp sendto port 0", send_to(fd, "x", "127.0.0.1", 0));
    result("udp sendto with a short address", sendto(fd, "x", 1, 0, &a.u.any, 4));
    result("udp sendto of another family", sendto(fd, "x", 1, 0, &six.u.any, six.len));
    result("udp sendto of 65508 bytes", sendto(fd, large, 65508, 0, &a.u.any, a.len));
    result("udp sendto of 65507 bytes", sendto(fd, large, 65507, 0, &a.u.any, a.len));
    result("udp sendto of nothing", sendto(fd, large, 0, 0, &a.u.any, a.len));
    result("udp MSG_OOB", sendto(fd, "x", 1, MSG_OOB, &a.u.any, a.len));
    set_int(fd, SOL_SOCKET, SO_BROADCAST, 1);
    result("udp broadcast with SO_BROADCAST", send_to(fd, "x", "10.0.2.255", new_port()));
    result("udp broadcast to all with SO_BROADCAST",
           send_to(fd, "x", "255.255.255.255", new_port()));
    close(fd);
    fd = udp_socket(AF_INET6);
    result("udp IPv6 sendto a mapped address", send_to(fd, "x", "::ffff:127.0.0.1", new_port()));
    result("udp IPv6 sendto no route", send_to(fd, "x", "2001:db8::1", 9));
    close(fd);
    fd = udp_socket(AF_INET6);
    set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    result("udp IPV6_V6ONLY sendto a mapped address", send_to(fd, "x", "::ffff:127.0.0.1", 9));
    result("udp IPV6_V6ONLY connect to a mapped address", connect_to(fd, "::ffff:127.0.0.1", 9));
    result("udp IPV6_V6ONLY bind to a mapped address", bind_to(fd, "::ffff:127.0.0.1", 9));
    close(fd);
}

/* What is from 127.0.0.1 stays on the loopback interface. */
static void from_loopback(void)
{
    static const char *const peers[] = {OWN,          MISSING,           FOREIGN,
                                        "10.0.2.255", "255.255.255.255", "239.1.2.3"};
    int six;

    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
        int fd = udp_socket(AF_INET);

        bind_to(fd, "127.0.0.1", 0);
        set_int(fd, SOL_SOCKET, SO_BROADCAST, 1);
        result(text("udp sendto from lo to %s", peers[i]), send_to(fd, "x", peers[i], 9));
        result(text("udp connect from lo to %s", peers[i]), connect_to(fd, peers[i], 9));
        close(fd);
    }
    six = udp_socket(AF_INET6);
    bind_to(six, "::1", 0);
    result("udp IPv6 sendto from lo to a group", send_to(six, "x", "ff02::1:9", 9));
    result("udp IPv6 sendto from lo without a route", send_to(six, "x", "2001:db8::1", 9));
    close(six);
}

/* A peer that is connected elsewhere is not heard; a connected socket may still use sendto(). */
static void who_is_heard(void)
{
    int pa, pb, pc, a = datagrams_on("127.0.0.1", &pa), b = datagrams_on("127.0.0.1", &pb),
                    c = datagrams_on("127.0.0.1", &pc);

    send_to(c, "before", "127.0.0.1", pa);
    readable(a);
    result("udp connect to b", connect_to(a, "127.0.0.1", pb));
    fact("udp what came before connect", "%s", received(a, 0));
    send_to(c, "stranger", "127.0.0.1", pa);
    send_to(b, "peer", "127.0.0.1", pa);
    fact("udp who is heard after connect", "%s", received(a, 0));
    result("udp sendto another while connected", send_to(a, "over", "127.0.0.1", pc));
    fact("udp it arrives", "%s", received(c, 0));
    fact("udp peer after sendto another", "%s", peer_name(a, pb));
    result("udp connect to another", connect_to(a, "127.0.0.1", pc));
    result("udp send to the other", send(a, "other", 5, 0));
    fact("udp the other receives", "%s", received(c, 0));
    close(a);
    close(b);
    close(c);
}

static void parts(void)
{
    int pa, a = datagrams_on("127.0.0.1", &pa), b = udp_socket(AF_INET);
    struct address from = {.len = sizeof(from.u)};
    char buf[8];

    connect_to(b, "127.0.0.1", pa);
    send(b, "0123456789", 10, 0);
    readable(a);
    result("udp peek of 4", recv(a, buf, 4, MSG_PEEK));
    result("udp peek of 4, truncated", recv(a, buf, 4, MSG_PEEK | MSG_TRUNC));
    result("udp recv of 4", recv(a, buf, 4, 0));
    result("udp the rest", recv(a, buf, 4, MSG_DONTWAIT));
    send(b, "0123456789", 10, 0);
    readable(a);
    result("udp recv of 4, truncated", recv(a, buf, 4, MSG_TRUNC));
    result("udp send of nothing", send(b, "", 0, 0));
    readable(a);
    result("udp recvfrom of nothing", recvfrom(a, buf, 8, 0, &from.u.any, &from.len));
    fact("udp source of nothing", "%s", shown(&from, port_of(b)));
    send(b, "abc", 3, 0);
    readable(a);
    result("udp recv with no room", recv(a, buf, 0, 0));
    result("udp recv after no room", recv(a, buf, 8, MSG_DONTWAIT));
    send(b, "ab", 2, 0);
    send(b, "cd", 2, 0);
    readable(a);
    fact("udp two datagrams", "%s", received(a, MSG_WAITALL));
    result("udp MSG_OOB of recv", recv(a, buf, 8, MSG_OOB | MSG_DONTWAIT));
    close(a);
    close(b);
}

/* A port where nobody listens: the answer is an error of a later call. */
static void refused(const char *ip)
{
    int fd = udp_socket(strchr(ip, ':') ? AF_INET6 : AF_INET), port = new_port(), twin;
    char c;

    connect_to(fd, ip, port);
    result(text("udp %s send to a closed port", ip), send(fd, "x", 1, 0));
    fact(text("udp %s events after a refusal", ip), "%s", events_of(fd, POLLIN | POLLOUT, 200));
    usleep(20 * MS);
    fact(text("udp %s events after a refusal, later", ip), "%s",
         events_of(fd, POLLIN | POLLOUT, 0));
    result(text("udp %s send after a refusal", ip), send(fd, "x", 1, 0));
    result(text("udp %s send after the error was told", ip), send(fd, "x", 1, 0));
    usleep(20 * MS);
    result(text("udp %s recv after a refusal", ip), recv(fd, &c, 1, 0));
    result(text("udp %s recv after the error was told", ip), recv(fd, &c, 1, MSG_DONTWAIT));
    send(fd, "x", 1, 0);
    usleep(20 * MS);
    fact(text("udp %s SO_ERROR after a refusal", ip), "%s",
         error_name(get_int(fd, SOL_SOCKET, SO_ERROR)));
    fact(text("udp %s SO_ERROR again", ip), "%s", error_name(get_int(fd, SOL_SOCKET, SO_ERROR)));
    twin = udp_socket(strchr(ip, ':') ? AF_INET6 : AF_INET);
    send_to(twin, "x", ip, port);
    usleep(20 * MS);
    fact(text("udp %s unconnected after a refusal", ip), "%s",
         error_name(get_int(twin, SOL_SOCKET, SO_ERROR)));
    close(twin);
    close(fd);
}

static void shut(void)
{
    int pa, a = datagrams_on("127.0.0.1", &pa), b = udp_socket(AF_INET);
    char c;

    result("udp shutdown without peer", shutdown(b, SHUT_WR));
    result("udp shutdown of 9", shutdown(b, 9));
    connect_to(b, "127.0.0.1", pa);
    result("udp shutdown for sending", shutdown(b, SHUT_WR));
    result("udp send after it", send(b, "x", 1, MSG_NOSIGNAL));
    close(b);
    b = udp_socket(AF_INET);
    connect_to(b, "127.0.0.1", pa);
    send(b, "x", 1, 0);
    readable(a);
    connect_to(a, "127.0.0.1", port_of(b));
    result("udp shutdown for reading", shutdown(a, SHUT_RD));
    fact("udp events after it", "%s", events_of(a, POLLIN | POLLOUT, 0));
    result("udp what came before is read", recv(a, &c, 1, MSG_DONTWAIT));
    result("udp recv after it", recv(a, &c, 1, 0));
    close(a);
    close(b);
}

static void times(void)
{
    int pa, a = datagrams_on("127.0.0.1", &pa);
    struct timeval t = {0, 50000};
    char c;
    long began = now_ms();

    result("udp recv without data", recv(a, &c, 1, MSG_DONTWAIT));
    result("udp SO_RCVTIMEO", setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
    result("udp recv at the time limit", recv(a, &c, 1, 0));
    fact("udp it waited", "%d", now_ms() - began >= 45);
    set_nonblocking(a);
    result("udp recv, O_NONBLOCK", recv(a, &c, 1, 0));
    close(a);
}

/* Which of two sockets on one port hears a datagram. */
static void who_gets(const char *name, const char *first, const char *second, const char *to)
{
    int port = new_port(), a = udp_socket(AF_INET), b = udp_socket(AF_INET),
        c = udp_socket(AF_INET);

    set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
    set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
    set_int(c, SOL_SOCKET, SO_BROADCAST, 1);
    bind_to(a, first, port);
    bind_to(b, second, port);
    send_to(c, "x", to, port);
    usleep(20 * MS);
    fact(text("udp who gets it, %s", name), "%s%s",
         events_of(a, POLLIN, 0)[0] == 'I' ? "first " : "",
         events_of(b, POLLIN, 0)[0] == 'I' ? "second" : "");
    close(a);
    close(b);
    close(c);
}

void udp_facts(void)
{
    connects();
    sends();
    from_loopback();
    who_is_heard();
    parts();
    refused("127.0.0.1");
    refused(OWN);
    refused("::1");
    refused("::ffff:127.0.0.1");
    shut();
    times();
    who_gets("any and lo", "0.0.0.0", "127.0.0.1", "127.0.0.1");
    who_gets("lo and any", "127.0.0.1", "0.0.0.0", "127.0.0.1");
    who_gets("any and any", "0.0.0.0", "0.0.0.0", "127.0.0.1");
    who_gets("any and own, to lo", "0.0.0.0", OWN, "127.0.0.1");
    who_gets("any and any, broadcast", "0.0.0.0", "0.0.0.0", "10.0.2.255");
    who_gets("any and own, broadcast", "0.0.0.0", OWN, "10.0.2.255");
    who_gets("any and any, broadcast to all", "0.0.0.0", "0.0.0.0", "255.255.255.255");
}
