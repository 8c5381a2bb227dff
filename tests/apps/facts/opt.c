/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opt.c - facts about socket options: values at first, values that are taken, and refusals.
 */
#include "facts.h"

#include <sys/time.h>

static const struct option {
    const char *name;
    int level, number;
} options[] = {
    {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR},
    {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT},
    {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE},
    {"SO_BROADCAST", SOL_SOCKET, SO_BROADCAST},
    {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE},
    {"SO_DONTROUTE", SOL_SOCKET, SO_DONTROUTE},
    {"SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN},
    {"SO_ERROR", SOL_SOCKET, SO_ERROR},
    {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY},
    {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE},
    {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL},
    {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT},
    {"IP_TTL", IPPROTO_IP, IP_TTL},
    {"IP_TOS", IPPROTO_IP, IP_TOS},
    {"IP_MULTICAST_TTL", IPPROTO_IP, IP_MULTICAST_TTL},
    {"IP_MULTICAST_LOOP", IPPROTO_IP, IP_MULTICAST_LOOP},
    {"IP_PKTINFO", IPPROTO_IP, IP_PKTINFO},
    {"IP_RECVTTL", IPPROTO_IP, IP_RECVTTL},
    {"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY},
    {"IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS},
    {"IPV6_MULTICAST_HOPS", IPPROTO_IPV6, IPV6_MULTICAST_HOPS},
    {"IPV6_MULTICAST_LOOP", IPPROTO_IPV6, IPV6_MULTICAST_LOOP},
    {"IPV6_MULTICAST_IF", IPPROTO_IPV6, IPV6_MULTICAST_IF},
    {"IPV6_RECVPKTINFO", IPPROTO_IPV6, IPV6_RECVPKTINFO},
    {"IPV6_RECVHOPLIMIT", IPPROTO_IPV6, IPV6_RECVHOPLIMIT},
};

static const char *value_of(int fd, const struct option *o)
{
    int value = get_int(fd, o->level, o->number);

    return value == -1 && errno ? error_name(errno) : text("%d", value);
}

static void at_first(int family, int type, const char *kind)
{
    int fd = socket(family, type, 0);

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        errno = 0;
        fact(text("%s of a new %s socket", options[i].name, kind), "%s", value_of(fd, &options[i]));
    }
    close(fd);
}

/* A value is set, and read back. */
static void taken(int family, int type, const char *name, int value)
{
    int fd = socket(family, type, 0);

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (!strcmp(options[i].name, name)) {
            const char *kind = type == SOCK_STREAM ? "tcp" : "udp";
            int r = set_int(fd, options[i].level, options[i].number, value);
            const char *error = r ? error_name(errno) : "taken";

            errno = 0;
            fact(text("%s %s of %d", kind, name, value), "%s, then %s", error,
                 value_of(fd, &options[i]));
        }
    close(fd);
}

static void values(void)
{
    static const struct {
        const char *name;
        int values[6], n;
    } four[] = {
        {"SO_REUSEADDR", {1, 0, 7, -1}, 4},
        {"SO_KEEPALIVE", {1, 7}, 2},
        {"SO_BROADCAST", {1}, 1},
        {"SO_OOBINLINE", {1}, 1},
        {"SO_ERROR", {1}, 1},
        {"SO_ACCEPTCONN", {1}, 1},
        {"IP_TTL", {0, 1, 255, 256, -1, -2}, 6},
        {"IP_TOS", {0x10, 0x03, 256, -1}, 4},
        {"IP_MULTICAST_TTL", {0, 1, 255, 256, -1, -2}, 6},
        {"IP_MULTICAST_LOOP", {0, 1, 2}, 3},
        {"IP_PKTINFO", {1, 2}, 2},
        {"IP_RECVTTL", {1}, 1},
    };

    for (size_t i = 0; i < sizeof(four) / sizeof(four[0]); i++)
        for (int k = 0; k < four[i].n; k++)
            taken(AF_INET, SOCK_DGRAM, four[i].name, four[i].values[k]);
    for (int v = -1; v < 3; v++)
        taken(AF_INET, SOCK_STREAM, "TCP_NODELAY", v);
    static const int keep[] = {0, 1, 30, 127, 128, 32767, 32768, -1};
    for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
        taken(AF_INET, SOCK_STREAM, "TCP_KEEPIDLE", keep[i]);
        taken(AF_INET, SOCK_STREAM, "TCP_KEEPINTVL", keep[i]);
        taken(AF_INET, SOCK_STREAM, "TCP_KEEPCNT", keep[i]);
    }
    static const int hops[] = {0, 1, 255, 256, -1, -2};
    for (size_t i = 0; i < sizeof(hops) / sizeof(hops[0]); i++) {
        taken(AF_INET6, SOCK_DGRAM, "IPV6_UNICAST_HOPS", hops[i]);
        taken(AF_INET6, SOCK_DGRAM, "IPV6_MULTICAST_HOPS", hops[i]);
    }
    taken(AF_INET6, SOCK_DGRAM, "IPV6_V6ONLY", 1);
    taken(AF_INET6, SOCK_DGRAM, "IPV6_MULTICAST_LOOP", 0);
    taken(AF_INET6, SOCK_DGRAM, "IPV6_MULTICAST_LOOP", 2);
    taken(AF_INET6, SOCK_DGRAM, "IPV6_MULTICAST_IF", 99);
    taken(AF_INET6, SOCK_DGRAM, "IPV6_RECVPKTINFO", 1);
    taken(AF_INET6, SOCK_DGRAM, "IPV6_RECVHOPLIMIT", 1);
}

static void lengths(void)
{
    int fd = tcp_socket(AF_INET), value = 1;
    unsigned char c = 0;
    socklen_t len = 1;

    result("setsockopt of 3 bytes", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 3));
    result("setsockopt of 0 bytes", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 0));
    result("setsockopt of 8 bytes",
           setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, (int[]){1, 2}, 2 * sizeof(int)));
    result("TCP_NODELAY of 1 byte", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 1));
    c = 9;
    result("IP_TTL of 1 byte", setsockopt(fd, IPPROTO_IP, IP_TTL, &c, 1));
    result("IP_TTL then", get_int(fd, IPPROTO_IP, IP_TTL));
    result("IP_TOS of 0 bytes", setsockopt(fd, IPPROTO_IP, IP_TOS, &c, 0));
    c = 0;
    result("getsockopt of 1 byte", getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &c, &len));
    fact("length of 1 byte", "%d, value %d", (int)len, c);
    len = 0;
    result("getsockopt of 0 bytes", getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &c, &len));
    fact("length of 0 bytes", "%d", (int)len);
    len = 1;
    result("getsockopt of IP_TTL in 1 byte", getsockopt(fd, IPPROTO_IP, IP_TTL, &c, &len));
    fact("length of IP_TTL in 1 byte", "%d, value %d", (int)len, c);
    len = 100;
    result("getsockopt with much room", getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len));
    fact("length of SO_TYPE", "%d", (int)len);
    result("an unknown option", set_int(fd, SOL_SOCKET, 9999, 1));
    result("an unknown option of TCP", set_int(fd, IPPROTO_TCP, 9999, 1));
    result("an unknown option of IP", set_int(fd, IPPROTO_IP, 9999, 1));
    result("an unknown level", set_int(fd, 9999, 1, 1));
    result("an unknown option is read", get_int(fd, SOL_SOCKET, 9999));
    result("an unknown option of TCP is read", get_int(fd, IPPROTO_TCP, 9999));
    result("an unknown option of IP is read", get_int(fd, IPPROTO_IP, 9999));
    result("an unknown level is read", get_int(fd, 9999, 1));
    result("an option of IPv6 at IPv4", set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    close(fd);
    fd = udp_socket(AF_INET);
    result("an option of TCP at UDP", set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1));
    result("an option of TCP at UDP is read", get_int(fd, IPPROTO_TCP, TCP_NODELAY));
    result("SO_TYPE is set", set_int(fd, SOL_SOCKET, SO_TYPE, 1));
    result("SO_DOMAIN is set", set_int(fd, SOL_SOCKET, SO_DOMAIN, 1));
    result("SO_PROTOCOL is set", set_int(fd, SOL_SOCKET, SO_PROTOCOL, 1));
    close(fd);
}

static void buffers(void)
{
    int fd = udp_socket(AF_INET), before;

    result("SO_RCVBUF 0", set_int(fd, SOL_SOCKET, SO_RCVBUF, 0));
    result("SO_RCVBUF 1", set_int(fd, SOL_SOCKET, SO_RCVBUF, 1));
    fact("SO_RCVBUF is more than 1", "%d", get_int(fd, SOL_SOCKET, SO_RCVBUF) > 1000);
    result("SO_RCVBUF 16384", set_int(fd, SOL_SOCKET, SO_RCVBUF, 16384));
    fact("SO_RCVBUF is at least that", "%d", get_int(fd, SOL_SOCKET, SO_RCVBUF) >= 16384);
    result("SO_RCVBUF -1", set_int(fd, SOL_SOCKET, SO_RCVBUF, -1));
    result("SO_SNDBUF 16384", set_int(fd, SOL_SOCKET, SO_SNDBUF, 16384));
    fact("SO_SNDBUF is at least that", "%d", get_int(fd, SOL_SOCKET, SO_SNDBUF) >= 16384);
    result("SO_SNDBUF 0", set_int(fd, SOL_SOCKET, SO_SNDBUF, 0));
    result("SO_SNDBUF -1", set_int(fd, SOL_SOCKET, SO_SNDBUF, -1));
    before = get_int(fd, SOL_SOCKET, SO_RCVBUF);
    set_int(fd, SOL_SOCKET, SO_RCVBUF, 65536);
    fact("SO_RCVBUF grows", "%d", get_int(fd, SOL_SOCKET, SO_RCVBUF) >= before);
    close(fd);
}

static void time_limits(void)
{
    static const struct timeval times[] = {{0, 0},  {1, 500000}, {0, 1000000},
                                           {0, -1}, {-1, 0},     {5, 2000000}};
    int fd = udp_socket(AF_INET);

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        const char *name =
            text("SO_RCVTIMEO of %d s %d us", (int)times[i].tv_sec, (int)times[i].tv_usec);
        struct timeval t = {-1, -1};
        socklen_t len = sizeof(t);

        result(name, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &times[i], sizeof(t)));
        getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &len);
        fact(text("%s, read", name), "%d s %d ms", (int)t.tv_sec, (int)t.tv_usec / 1000);
    }
    result("SO_RCVTIMEO of 4 bytes", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &times[1], 4));
    close(fd);
}

/* Options of a listener that its connections inherit, and options in other states. */
static void inherited(void)
{
    int port, l = listener_on("127.0.0.1", &port), c = tcp_socket(AF_INET), s;

    set_int(l, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(l, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(l, IPPROTO_TCP, TCP_KEEPIDLE, 99);
    set_int(l, IPPROTO_IP, IP_TTL, 33);
    result("TCP_NODELAY of a listener", get_int(l, IPPROTO_TCP, TCP_NODELAY));
    result("TCP_KEEPIDLE of a listener", get_int(l, IPPROTO_TCP, TCP_KEEPIDLE));
    result("SO_KEEPALIVE of a listener", get_int(l, SOL_SOCKET, SO_KEEPALIVE));
    connect_to(c, "127.0.0.1", port);
    s = accept(l, NULL, NULL);
    result("TCP_NODELAY is inherited", get_int(s, IPPROTO_TCP, TCP_NODELAY));
    result("SO_KEEPALIVE is inherited", get_int(s, SOL_SOCKET, SO_KEEPALIVE));
    result("TCP_KEEPIDLE is inherited", get_int(s, IPPROTO_TCP, TCP_KEEPIDLE));
    result("IP_TTL is inherited", get_int(s, IPPROTO_IP, IP_TTL));
    shutdown(c, SHUT_WR);
    readable(s);
    shutdown(s, SHUT_WR);
    usleep(20 * MS);
    result("TCP_NODELAY when both ended", set_int(c, IPPROTO_TCP, TCP_NODELAY, 1));
    result("SO_KEEPALIVE when both ended", set_int(c, SOL_SOCKET, SO_KEEPALIVE, 1));
    result("IP_TTL when both ended", set_int(c, IPPROTO_IP, IP_TTL, 9));
    close(c);
    close(s);
    close(l);
    c = tcp_socket(AF_INET);
    connect_to(c, "127.0.0.1", new_port());
    result("TCP_NODELAY after a refusal", set_int(c, IPPROTO_TCP, TCP_NODELAY, 1));
    result("TCP_NODELAY after a refusal is read", get_int(c, IPPROTO_TCP, TCP_NODELAY));
    result("SO_REUSEADDR after a refusal", set_int(c, SOL_SOCKET, SO_REUSEADDR, 1));
    close(c);
    c = tcp_socket(AF_INET6);
    bind_to(c, "::1", new_port());
    result("IPV6_V6ONLY after bind", set_int(c, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    close(c);
}

void option_facts(void)
{
    at_first(AF_INET, SOCK_STREAM, "tcp");
    at_first(AF_INET, SOCK_DGRAM, "udp");
    at_first(AF_INET6, SOCK_DGRAM, "udp6");
    values();
    lengths();
    buffers();
    time_limits();
    inherited();
}
