/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * group.c - facts about multicast groups, and about who hears what this machine sends to them.
 */
#include "facts.h"

#include <net/if.h>
#include <stdlib.h>

#ifdef __linux__
#define CARD "vn0"
#else
#define CARD "vnet0"
#endif

static int join(int fd, int name, const char *group, const char *interface)
{
    struct ip_mreq m;

    inet_pton(AF_INET, group, &m.imr_multiaddr);
    inet_pton(AF_INET, interface, &m.imr_interface);
    return setsockopt(fd, IPPROTO_IP, name, &m, sizeof(m));
}

static int join6(int fd, int name, const char *group, unsigned interface)
{
    struct ipv6_mreq m;

    inet_pton(AF_INET6, group, &m.ipv6mr_multiaddr);
    m.ipv6mr_interface = interface;
    return setsockopt(fd, IPPROTO_IPV6, name, &m, sizeof(m));
}

static int multicast_if(int fd, const char *interface)
{
    struct in_addr a;

    inet_pton(AF_INET, interface, &a);
    return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof(a));
}

static void memberships(void)
{
    int fd = udp_socket(AF_INET), tcp = tcp_socket(AF_INET);
    struct ip_mreqn n = {.imr_ifindex = 0};

    result("join", join(fd, IP_ADD_MEMBERSHIP, "239.1.2.3", OWN));
    result("join again", join(fd, IP_ADD_MEMBERSHIP, "239.1.2.3", OWN));
    result("join on any interface", join(fd, IP_ADD_MEMBERSHIP, "239.1.2.4", OWN));
    result("join on a foreign interface", join(fd, IP_ADD_MEMBERSHIP, "239.1.2.5", FOREIGN));
    result("join of no group", join(fd, IP_ADD_MEMBERSHIP, OWN, OWN));
    result("join on lo", join(fd, IP_ADD_MEMBERSHIP, "239.1.2.3", "127.0.0.1"));
    result("leave", join(fd, IP_DROP_MEMBERSHIP, "239.1.2.3", OWN));
    result("leave again", join(fd, IP_DROP_MEMBERSHIP, "239.1.2.3", OWN));
    result("leave what was not joined", join(fd, IP_DROP_MEMBERSHIP, "239.9.9.9", OWN));
    result("leave of no group", join(fd, IP_DROP_MEMBERSHIP, OWN, OWN));
    inet_pton(AF_INET, "239.1.2.6", &n.imr_multiaddr);
    inet_pton(AF_INET, OWN, &n.imr_address);
    result("join with ip_mreqn", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &n, sizeof(n)));
    result("join with 4 bytes", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &n, 4));
    result("join of a tcp socket", join(tcp, IP_ADD_MEMBERSHIP, "239.1.2.3", OWN));
    result("IP_MULTICAST_IF of own", multicast_if(fd, OWN));
    result("IP_MULTICAST_IF of foreign", multicast_if(fd, FOREIGN));
    result("IP_MULTICAST_IF of any", multicast_if(fd, "0.0.0.0"));
    close(fd);
    close(tcp);
}

static void memberships6(void)
{
    int fd = udp_socket(AF_INET6), four = udp_socket(AF_INET);
    char name[IF_NAMESIZE];
    unsigned card = if_nametoindex(CARD);

    fact("if_nametoindex of a card", "%d", card != 0);
    result("if_nametoindex of no name", if_nametoindex("none") ? 0 : -1);
    result("if_indextoname of no index", if_indextoname(99, name) ? 0 : -1);
    fact("if_indextoname", "%d", if_indextoname(card, name) && !strcmp(name, CARD));
    result("IPv6 join", join6(fd, IPV6_JOIN_GROUP, "ff02::1234", card));
    result("IPv6 join again", join6(fd, IPV6_JOIN_GROUP, "ff02::1234", card));
    result("IPv6 join of no group", join6(fd, IPV6_JOIN_GROUP, "2001:db8::1", card));
    result("IPv6 join on no interface", join6(fd, IPV6_JOIN_GROUP, "ff02::1234", 99));
    result("IPv6 leave", join6(fd, IPV6_LEAVE_GROUP, "ff02::1234", card));
    result("IPv6 leave again", join6(fd, IPV6_LEAVE_GROUP, "ff02::1234", card));
    result("IPv6 join of an IPv4 socket", join6(four, IPV6_JOIN_GROUP, "ff02::1234", card));
    result("IPV6_MULTICAST_IF of a card", set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)card));
    fact("IPV6_MULTICAST_IF then", "%d", get_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF) == (int)card);
    close(fd);
    close(four);
}

static int member(int port, const char *bound, const char *group)
{
    int fd = udp_socket(AF_INET);

    set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind_to(fd, bound, port))
        fact("bind of a member", "%s", error_name(errno));
    if (group && join(fd, IP_ADD_MEMBERSHIP, group, OWN))
        fact("join of a member", "%s", error_name(errno));
    return fd;
}

/* Who hears a datagram to 239.1.2.3: two members, one who did not join, one of another group. */
static void heard(const char *name, int loop, int ttl)
{
    int port = new_port(), s = udp_socket(AF_INET);
    int a = member(port, "0.0.0.0", "239.1.2.3"), b = member(port, "0.0.0.0", "239.1.2.3"),
        none = member(port, "0.0.0.0", NULL), other = member(port, "0.0.0.0", "239.1.2.4"),
        group = member(port, "239.1.2.3", "239.1.2.3"), own = member(port, OWN, NULL);

    multicast_if(s, OWN);
    set_int(s, IPPROTO_IP, IP_MULTICAST_LOOP, loop);
    set_int(s, IPPROTO_IP, IP_MULTICAST_TTL, ttl);
    result(text("multicast, %s", name), send_to(s, "hello", "239.1.2.3", port));
    usleep(20 * MS);
    fact(text("who hears a multicast, %s", name), "%s%s%s%s%s%s",
         *events_of(a, POLLIN, 0) == 'I' ? "first " : "",
         *events_of(b, POLLIN, 0) == 'I' ? "second " : "",
         *events_of(none, POLLIN, 0) == 'I' ? "none " : "",
         *events_of(other, POLLIN, 0) == 'I' ? "other " : "",
         *events_of(group, POLLIN, 0) == 'I' ? "group " : "",
         *events_of(own, POLLIN, 0) == 'I' ? "own" : "");
    close(a);
    close(b);
    close(none);
    close(other);
    close(group);
    close(own);
    close(s);
}

/* Nobody is a member any more. */
static void left(void)
{
    int port = new_port(), s = udp_socket(AF_INET), a = member(port, "0.0.0.0", "239.1.2.3");

    multicast_if(s, OWN);
    join(a, IP_DROP_MEMBERSHIP, "239.1.2.3", OWN);
    send_to(s, "hello", "239.1.2.3", port);
    usleep(20 * MS);
    fact("a member that left", "%s", *events_of(a, POLLIN, 0) == 'I' ? "hears" : "hears nothing");
    join(a, IP_ADD_MEMBERSHIP, "239.1.2.3", OWN);
    send_to(s, "hello", "239.1.2.3", port);
    fact("a member that joined again", "%s", received(a, 0));
    result("connect to a group", connect_to(s, "239.1.2.3", port));
    result("send to the connected group", send(s, "more", 4, 0));
    fact("the member hears it", "%s", received(a, 0));
    close(a);
    close(s);
}

static void heard6(void)
{
    unsigned card = if_nametoindex(CARD);
    int port = new_port(), s = udp_socket(AF_INET6), a = udp_socket(AF_INET6),
        b = udp_socket(AF_INET6);

    set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
    set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
    bind_to(a, "::", port);
    bind_to(b, "::", port);
    join6(a, IPV6_JOIN_GROUP, "ff02::1234", card);
    join6(b, IPV6_JOIN_GROUP, "ff02::1234", card);
    set_int(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)card);
    result("IPv6 multicast", send_to(s, "hello", "ff02::1234", port));
    fact("IPv6 first member", "%s", received(a, 0));
    fact("IPv6 second member", "%s", received(b, 0));
    close(a);
    close(b);
    close(s);
}

void group_facts(void)
{
    memberships();
    memberships6();
    heard("at first", 1, 1);
    heard("no loop", 0, 1);
    heard("TTL 0", 1, 0);
    left();
    heard6();
}
