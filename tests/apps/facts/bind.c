/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bind.c - facts about bind() and listen(): which addresses, and which two sockets go together.
 */
#include "facts.h"

static void bound_to(int type, const char *kind, const char *ip)
{
    int fd = socket(strchr(ip, ':') ? AF_INET6 : AF_INET, type, 0), port = new_port();
    int r = bind_to(fd, ip, port);

    fact(text("%s bind to %s", kind, ip), "%s", r ? error_name(errno) : local_name(fd, port));
    close(fd);
}

static void addresses(int type, const char *kind)
{
    static const char *const ips[] = {
        "0.0.0.0",         "127.0.0.1",        "127.0.0.2",        OWN,         FOREIGN, MISSING,
        "255.255.255.255", "10.0.2.255",       "224.0.0.1",        "239.1.2.3", "::",    "::1",
        "2001:db8::1",     "::ffff:127.0.0.1", "::ffff:192.0.2.1", "ff02::1"};

    for (size_t i = 0; i < sizeof(ips) / sizeof(ips[0]); i++)
        bound_to(type, kind, ips[i]);
}

static void ports(int type, const char *kind)
{
    int fd = socket(AF_INET, type, 0), port;

    fact(text("%s name before bind", kind), "%s", local_name(fd, 0));
    result(text("%s bind to port 0", kind), bind_to(fd, "127.0.0.1", 0));
    port = port_of(fd);
    fact(text("%s name after bind to port 0", kind), "%s", local_name(fd, 0));
    fact(text("%s port chosen is high", kind), "%d", port >= 32768);
    result(text("%s second bind", kind), bind_to(fd, "127.0.0.1", new_port()));
    result(text("%s second bind to the same", kind), bind_to(fd, "127.0.0.1", port));
    fact(text("%s name after the second bind", kind), "%s", local_name(fd, port));
    close(fd);
    fd = socket(AF_INET6, type, 0);
    fact(text("%s IPv6 name before bind", kind), "%s", local_name(fd, 0));
    close(fd);
}

/* The addresses of two sockets: "6only" binds :: with IPV6_V6ONLY. */
static const char *const places[] = {"any", "lo", "own", "6any", "6lo", "6only", "mapped"};

static int placed(int type, const char *place, int options, int port)
{
    bool six = place[0] == '6' || place[0] == 'm';
    int fd = socket(six ? AF_INET6 : AF_INET, type, 0);
    const char *ip = !strcmp(place, "any")      ? "0.0.0.0"
                     : !strcmp(place, "lo")     ? "127.0.0.1"
                     : !strcmp(place, "own")    ? OWN
                     : !strcmp(place, "6lo")    ? "::1"
                     : !strcmp(place, "mapped") ? "::ffff:127.0.0.1"
                                                : "::";

    if (options & 1)
        set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (options & 2)
        set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (!strcmp(place, "6only"))
        set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (bind_to(fd, ip, port)) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* One line for each first socket: where the second may be bound. */
static void two_sockets(int type, const char *kind, const char *place, int first, int second)
{
    static const char *const names[] = {"plain", "reuseaddr", "reuseport", "both"};
    char out[100] = "";
    int port = new_port(), a = placed(type, place, first, port);

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        int b = placed(type, places[i], second, port);

        if (b < 0 && errno != EADDRINUSE)
            strcat(out, error_name(errno));
        if (b >= 0) {
            strcat(out, places[i]);
            strcat(out, " ");
            close(b);
        }
    }
    fact(text("%s beside %s, %s and %s", kind, place, names[first], names[second]), "%s", out);
    close(a);
}

static void conflicts(int type, const char *kind)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        two_sockets(type, kind, places[i], 0, 0);
        two_sockets(type, kind, places[i], 1, 1);
    }
    two_sockets(type, kind, "any", 0, 1);
    two_sockets(type, kind, "any", 1, 0);
    two_sockets(type, kind, "any", 2, 2);
    two_sockets(type, kind, "any", 1, 2);
    two_sockets(type, kind, "any", 3, 1);
    two_sockets(type, kind, "lo", 2, 2);
    two_sockets(type, kind, "6any", 2, 2);
}

/* A second socket beside one that listens. */
static void beside_a_listener(int options, const char *name)
{
    int port = new_port(), a = placed(SOCK_STREAM, "lo", options, port), b;

    result(text("listen, %s", name), listen(a, 1));
    b = placed(SOCK_STREAM, "lo", options, port);
    result(text("bind beside a listener, %s", name), b < 0 ? -1 : 0);
    if (b >= 0) {
        result(text("listen beside a listener, %s", name), listen(b, 1));
        close(b);
    }
    b = placed(SOCK_STREAM, "any", options, port);
    result(text("bind of any beside a listener, %s", name), b < 0 ? -1 : 0);
    close(b);
    b = placed(SOCK_STREAM, "own", options, port);
    result(text("bind of another address beside a listener, %s", name), b < 0 ? -1 : 0);
    result(text("listen on another address, %s", name), listen(b, 1));
    close(b);
    close(a);
}

/* Two sockets are bound, and both would listen. */
static void both_listen(int options, const char *name)
{
    int port = new_port();
    int a = placed(SOCK_STREAM, "lo", options, port), b = placed(SOCK_STREAM, "lo", options, port);

    fact(text("two bound, %s", name), "%d", a >= 0 && b >= 0);
    result(text("first listens, %s", name), listen(a, 1));
    result(text("second listens, %s", name), listen(b, 1));
    close(a);
    result(text("second listens after the first is closed, %s", name), listen(b, 1));
    close(b);
}

static void listening(void)
{
    int fd = tcp_socket(AF_INET), port = new_port();

    result("accept before listen", accept(fd, NULL, NULL));
    result("listen without bind", listen(fd, 1));
    fact("name after listen without bind", "%s", local_name(fd, 0));
    result("listen again", listen(fd, 5));
    result("bind of a listener", bind_to(fd, "127.0.0.1", port));
    result("connect of a listener", connect_to(fd, "127.0.0.1", port));
    fact("peer of a listener", "%s", peer_name(fd, 0));
    result("send to a listener", send(fd, "x", 1, MSG_NOSIGNAL));
    result("recv of a listener", recv(fd, &port, 1, 0));
    result("SO_ACCEPTCONN of a listener", get_int(fd, SOL_SOCKET, SO_ACCEPTCONN));
    close(fd);
    fd = tcp_socket(AF_INET);
    result("SO_ACCEPTCONN of a new socket", get_int(fd, SOL_SOCKET, SO_ACCEPTCONN));
    result("listen with backlog 0", listen(fd, 0));
    close(fd);
    fd = tcp_socket(AF_INET);
    result("listen with backlog -1", listen(fd, -1));
    close(fd);
    fd = udp_socket(AF_INET);
    result("udp listen", listen(fd, 1));
    result("udp accept", accept(fd, NULL, NULL));
    close(fd);
}

/* The port of a connection that this side closed, and of one that the other side closed. */
static void after_connections(int options, const char *name)
{
    int port = new_port(), l = placed(SOCK_STREAM, "lo", options, port), c = tcp_socket(AF_INET), s;

    listen(l, 1);
    connect_to(c, "127.0.0.1", port);
    s = accept(l, NULL, NULL);
    close(l);
    l = placed(SOCK_STREAM, "lo", options, port);
    result(text("bind while a connection has the port, %s", name), l < 0 ? -1 : 0);
    close(l);
    close(s);
    readable(c);
    close(c);
    usleep(20 * MS);
    l = placed(SOCK_STREAM, "lo", options, port);
    result(text("bind after this side closed first, %s", name), l < 0 ? -1 : 0);
    result(text("listen after this side closed first, %s", name), listen(l, 1));
    close(l);
}

void bind_facts(void)
{
    addresses(SOCK_STREAM, "tcp");
    addresses(SOCK_DGRAM, "udp");
    ports(SOCK_STREAM, "tcp");
    ports(SOCK_DGRAM, "udp");
    conflicts(SOCK_STREAM, "tcp");
    conflicts(SOCK_DGRAM, "udp");
    beside_a_listener(0, "plain");
    beside_a_listener(1, "reuseaddr");
    beside_a_listener(2, "reuseport");
    both_listen(1, "reuseaddr");
    both_listen(2, "reuseport");
    listening();
    after_connections(0, "plain");
    after_connections(1, "reuseaddr");
}
