/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_dgram.c - datagram and raw sockets, and multicast groups (net/inet/sock_dgram.c,
 * sock_group.c), over the loopback and with another machine on the cable.
 */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "net_impl.h"
#include "netmodel.h"
#include "peer.h"
#include "tasks.h"

#define IN sizeof(struct sockaddr_in)

static char buf[70000], got[70000];

static struct sockaddr *at(uint32_t ip, uint16_t port)
{
    static struct sockaddr_in a;

    a = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
    return (struct sockaddr *)&a;
}

/* Sends to port 7 of this image, and lets it arrive. */
static void put(int from, const void *data, size_t len)
{
    CHECK_EQ(sendto(from, data, len, 0, loop4(7), IN), len);
    task_yield();
}

/* ---- UDP ------------------------------------------------------------------------------------- */

static void datagrams_keep_their_bounds(void)
{
    struct sockaddr_in from;
    socklen_t len = IN;
    int n;

    host_boot();
    int a = loop_datagrams(7), b = loop_datagrams(8);
    CHECK_EQ(fd_poll(a, POLLIN | POLLOUT), POLLOUT);
    put(b, "first", 5);
    put(b, "", 0);
    put(b, "third one", 9);
    CHECK_EQ(fd_poll(a, POLLIN), POLLIN);
    CHECK_EQ(fd_ioctl(a, FIONREAD, &n), 0);
    CHECK_EQ(n, 5);
    CHECK_EQ(recvfrom(a, got, sizeof(got), MSG_PEEK, (struct sockaddr *)&from, &len), 5);
    CHECK_EQ(recvfrom(a, got, sizeof(got), 0, (struct sockaddr *)&from, &len), 5);
    CHECK(memcmp(got, "first", 5) == 0 && len == IN);
    CHECK(from.sin_port == htons(8) && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    CHECK_EQ(recv(a, got, sizeof(got), 0), 0);
    struct iovec iov[] = {{got, 2}, {got + 2, 3}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    CHECK_EQ(recvmsg(a, &m, 0), 5);
    CHECK(memcmp(got, "third", 5) == 0 && m.msg_flags == MSG_TRUNC);
    put(b, "fourth", 6);
    CHECK_EQ(recv(a, got, 2, MSG_TRUNC), 6);
    CHECK_FAILS(recv(a, got, 2, MSG_DONTWAIT), EAGAIN);
    struct timeval t = {0, 100000};
    CHECK_EQ(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
    CHECK_FAILS(recv(a, got, 2, 0), EAGAIN);
}

static void the_queue_has_a_limit_in_bytes(void)
{
    host_boot();
    int a = loop_datagrams(7), b = loop_datagrams(8), n = 0;
    loop_set(a, SOL_SOCKET, SO_RCVBUF, 10000);
    for (int i = 0; i < 20; i++)
        put(b, buf, 1000);
    fd_set_nonblock(a, true);
    while (recv(a, got, sizeof(got), 0) == 1000)
        n++;
    CHECK_EQ(n, 10);
    put(b, buf, 1000); /* there is room again */
    CHECK_EQ(recv(a, got, sizeof(got), 0), 1000);
}

static void the_queue_has_a_limit_in_datagrams(void)
{
    host_boot();
    int a = loop_datagrams(7), b = loop_datagrams(8), n = 0;
    for (int i = 0; i < 520; i++)
        put(b, buf, 1);
    fd_set_nonblock(a, true);
    while (recv(a, got, sizeof(got), 0) == 1)
        n++;
    CHECK_EQ(n, 512);
}

static void what_waits_is_freed_with_the_socket(void)
{
    host_boot();
    int a = loop_datagrams(7), b = loop_datagrams(8);
    uint64_t before = net_mem_lent();
    for (int i = 0; i < 20; i++)
        put(b, buf, 1000);
    CHECK(net_mem_lent() > before + 20000);
    CHECK_EQ(fd_close(a), 0);
    CHECK(net_mem_lent() < before);
    CHECK_EQ(net_core.sockets, 1);
}

static void a_connected_socket_hears_its_peer_alone(void)
{
    struct sockaddr_in peer;
    socklen_t len = IN;

    host_boot();
    int a = loop_datagrams(7), b = loop_datagrams(8), c = loop_datagrams(9);
    CHECK_FAILS(getpeername(a, (struct sockaddr *)&peer, &len), ENOTCONN);
    CHECK_FAILS(send(a, "x", 1, 0), EDESTADDRREQ);
    CHECK_EQ(connect(a, loop4(8), IN), 0);
    CHECK_EQ(getpeername(a, (struct sockaddr *)&peer, &len), 0);
    CHECK_EQ(peer.sin_port, htons(8));
    put(c, "stranger", 8);
    put(b, "friend", 6);
    CHECK_EQ(recv(a, got, sizeof(got), 0), 6);
    CHECK_EQ(send(a, "hi", 2, 0), 2);
    CHECK_EQ(recv(b, got, sizeof(got), 0), 2);
    CHECK_EQ(fd_write(a, "ho", 2), 2);
    CHECK_EQ(fd_read(b, got, 10), 2);
    CHECK_EQ(shutdown(a, SHUT_WR), 0);
    CHECK_FAILS(send(a, "x", 1, 0), EPIPE);
    put(b, "more", 4);
    CHECK_EQ(recv(a, got, sizeof(got), 0), 4);
    CHECK_EQ(shutdown(a, SHUT_RD), 0);
    CHECK_EQ(fd_poll(a, POLLIN), POLLIN);
    CHECK_EQ(recv(a, got, sizeof(got), 0), 0);
    put(b, "unheard", 7);
    CHECK_EQ(recv(a, got, sizeof(got), 0), 0);
    CHECK_FAILS(shutdown(b, SHUT_RD), ENOTCONN);
}

static void what_cannot_be_sent(void)
{
    struct iovec iov[] = {{buf, 40000}, {buf, 40000}};
    struct msghdr m = {.msg_name = loop4(7), .msg_namelen = IN, .msg_iov = iov, .msg_iovlen = 2};

    host_boot();
    int a = loop_datagrams(8);
    CHECK_FAILS(sendto(a, buf, 65508, 0, loop4(7), IN), EMSGSIZE);
    CHECK_FAILS(sendmsg(a, &m, 0), EMSGSIZE);
    iov[0].iov_len = SIZE_MAX / 2 + 1;
    CHECK_FAILS(sendmsg(a, &m, 0), EINVAL);
    CHECK_FAILS(sendto(a, buf, 1, 0, loop4(7), 3), EINVAL);
    CHECK_FAILS(sendto(a, buf, 1, 0, loop6(7), 28), EAFNOSUPPORT);
    CHECK_FAILS(sendto(socket(AF_INET, SOCK_DGRAM, 0), buf, 1, 0, at(0x08080808, 7), IN),
                ENETUNREACH); /* there is no card */
    CHECK_FAILS(bind(a, loop4(9), IN), EINVAL);
    int b = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_FAILS(bind(b, loop4(8), IN), EADDRINUSE);
}

static void ipv6_datagrams(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(7)}, from;
    socklen_t len = sizeof(from);

    host_boot();
    int a = socket(AF_INET6, SOCK_DGRAM, 0), b = loop_datagrams(8);
    int c = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_EQ(bind(a, (struct sockaddr *)&any, sizeof(any)), 0);
    put(b, "four", 4);
    CHECK_EQ(recvfrom(a, got, 10, 0, (struct sockaddr *)&from, &len), 4);
    CHECK(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
    CHECK_EQ(sendto(c, "six", 3, 0, loop6(7), sizeof(any)), 3);
    CHECK_EQ(recvfrom(a, got, 10, 0, (struct sockaddr *)&from, &len), 3);
    CHECK(IN6_IS_ADDR_LOOPBACK(&from.sin6_addr));
    CHECK_EQ(sendto(a, "back", 4, 0, (struct sockaddr *)&from, len), 4);
    CHECK_EQ(recv(c, got, 10, 0), 4);
    CHECK_EQ(fd_close(a), 0);
}

/* ---- with another machine -------------------------------------------------------------------- */

/* Sends from the address of this image that a record of the message says. */
static ssize_t send_from(int fd, struct sockaddr *to, const struct in6_pktinfo *info)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(*info))];
    } record = {
        .head = {CMSG_LEN(sizeof(*info)), IPPROTO_IPV6, IPV6_PKTINFO},
    };
    struct iovec part = {"six", 3};
    struct msghdr m = {to, sizeof(struct sockaddr_in6), &part, 1, &record, sizeof(record), 0};

    memcpy(CMSG_DATA(&record.head), info, sizeof(*info));
    return sendmsg(fd, &m, 0);
}

/* The record of this type beside the next datagram. */
static const void *record_of(int fd, int level, int type)
{
    static union {
        struct cmsghdr head;
        char bytes[256];
    } records;
    struct iovec part = {got, sizeof(got)};
    struct msghdr m = {NULL, 0, &part, 1, &records, sizeof(records), 0};

    CHECK(recvmsg(fd, &m, 0) > 0 && !m.msg_flags);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_level == level && c->cmsg_type == type)
            return CMSG_DATA(c);
    CHECK(!"there is no such record");
    return NULL;
}

static void records_beside_datagrams(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    struct in6_pktinfo from = {0}, to;
    int class;

    host_boot();
    int a = socket(AF_INET6, SOCK_DGRAM, 0), b = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_EQ(bind(a, (struct sockaddr *)&any, sizeof(any)), 0);
    loop_set(a, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    loop_set(a, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    from.ipi6_addr.s6_addr[15] = 1;
    from.ipi6_ifindex = if_nametoindex("lo");
    CHECK_EQ(send_from(b, loop6(7), &from), 3);
    CHECK_EQ(send_from(b, loop6(7), &from), 3);
    memcpy(&to, record_of(a, IPPROTO_IPV6, IPV6_PKTINFO), sizeof(to));
    CHECK(IN6_IS_ADDR_LOOPBACK(&to.ipi6_addr) && to.ipi6_ifindex == from.ipi6_ifindex);
    memcpy(&class, record_of(a, IPPROTO_IPV6, IPV6_TCLASS), sizeof(class));
    CHECK_EQ(class, 0);
    from.ipi6_addr.s6_addr[15] = 2; /* not of this image */
    CHECK(send_from(b, loop6(7), &from) == -1 && errno == EINVAL);
    from.ipi6_ifindex = 99;
    CHECK(send_from(b, loop6(7), &from) == -1 && errno == ENODEV);
    int c = loop_datagrams(8);
    loop_set(c, IPPROTO_IP, IP_TOS, 0x10);
    int d = loop_datagrams(9);
    loop_set(d, IPPROTO_IP, IP_RECVTOS, 1);
    CHECK_EQ(sendto(c, "four", 4, 0, loop4(9), IN), 4);
    CHECK_EQ(*(const uint8_t *)record_of(d, IPPROTO_IP, IP_TOS), 0x10);
}

static void interfaces_have_names(void)
{
    unsigned cards = 0, loops = 0;
    char name[IF_NAMESIZE];

    peer_boot(NULL);
    struct if_nameindex *list = if_nameindex();
    for (const struct if_nameindex *i = list; i->if_index; i++) {
        cards += strcmp(i->if_name, "vnet0") == 0;
        loops += strcmp(i->if_name, "lo") == 0;
        CHECK(if_nametoindex(i->if_name) == i->if_index);
        CHECK(strcmp(if_indextoname(i->if_index, name), i->if_name) == 0);
    }
    CHECK(cards == 1 && loops == 1);
    if_freenameindex(list);
}

static void to_another_machine(void)
{
    peer_boot(NULL);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(sendto(fd, "question", 8, 0, at(PEER_IP, 53), IN), 8);
    AWAIT(peer_count(PEER_UDP) == 1, 5);
    struct heard h = peer_last(PEER_UDP);
    CHECK(h.src == IMAGE_IP && h.dst == PEER_IP && h.dport == 53);
    CHECK(h.len == 8 && memcmp(h.data, "question", 8) == 0);
    peer_udp(53, h.sport, "answer", 6);
    CHECK_EQ(recv(fd, got, 10, 0), 6);
}

static void a_broadcast_needs_permission(void)
{
    peer_boot(NULL);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_FAILS(sendto(fd, "x", 1, 0, at(0xffffffff, 9), IN), EACCES);
    loop_set(fd, SOL_SOCKET, SO_BROADCAST, 1);
    CHECK_EQ(sendto(fd, "x", 1, 0, at(0xffffffff, 9), IN), 1);
    AWAIT(peer_count(PEER_UDP) == 1, 1);
    CHECK_EQ(peer_last(PEER_UDP).dst, 0xffffffff);
}

static void no_memory_to_send(void)
{
    peer_boot(NULL);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(sendto(fd, "x", 1, 0, at(PEER_IP, 9), IN), 1);
    AWAIT(peer_count(PEER_UDP) == 1, 1);
    host_fail_alloc_after(0);
    CHECK_FAILS(sendto(fd, buf, 60000, 0, at(PEER_IP, 9), IN), ENOBUFS);
    host_fail_alloc_after(-1);
    CHECK_EQ(sendto(fd, buf, 1400, 0, at(PEER_IP, 9), IN), 1400);
    CHECK_EQ(net_mem_failed(), 1);
}

static void raw_sockets_get_copies(void)
{
    static const uint8_t ping[16] = {8, 0, 0, 0, 0x12, 0x34, 0, 1};
    uint8_t echo[16];
    struct sockaddr_in from;
    socklen_t len = IN;

    peer_boot(NULL);
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), other = socket(AF_INET, SOCK_RAW, 1);
    memcpy(echo, ping, sizeof(echo));
    peer_put16(echo + 2, (uint32_t) ~(0x0800 + 0x1234 + 1) & 0xffff);
    peer_ip4(PEER_ICMP, PEER_IP, IMAGE_IP, echo, sizeof(echo));
    AWAIT(peer_count(PEER_ICMP) == 1, 5); /* lwIP answers all the same */
    CHECK_EQ(recvfrom(fd, got, sizeof(got), 0, (struct sockaddr *)&from, &len), 36);
    CHECK(memcmp(got + 20, echo, 16) == 0 && from.sin_addr.s_addr == htonl(PEER_IP));
    CHECK_EQ(recv(other, got, sizeof(got), 0), 36);
    CHECK_EQ(sendto(fd, ping, sizeof(ping), 0, at(PEER_IP, 0), IN), 16);
    AWAIT(peer_count(PEER_ICMP) == 2, 5);
    CHECK_EQ(connect(fd, at(PEER_IP, 0), IN), 0);
    CHECK_EQ(send(fd, ping, sizeof(ping), 0), 16);
    AWAIT(peer_count(PEER_ICMP) == 3, 5);
    CHECK_EQ(bind(other, at(IMAGE_IP, 0), IN), 0);
    CHECK_EQ(getsockname(other, (struct sockaddr *)&from, &len), 0);
    CHECK(from.sin_port == 0 && from.sin_addr.s_addr == htonl(IMAGE_IP));
    CHECK_EQ(getpeername(fd, (struct sockaddr *)&from, &len), 0);
    CHECK(from.sin_port == 0 && from.sin_addr.s_addr == htonl(PEER_IP));
    CHECK_EQ(fd_close(fd), 0);
    CHECK_EQ(fd_close(other), 0);
    CHECK(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6) >= 0);
}

/* ---- groups ---------------------------------------------------------------------------------- */

static int membership(int fd, int name, uint32_t group, uint32_t interface)
{
    struct ip_mreq m = {{htonl(group)}, {htonl(interface)}};

    return setsockopt(fd, IPPROTO_IP, name, &m, sizeof(m));
}

static bool hears(int fd, uint32_t group)
{
    peer_udp_between(PEER_IP, 9, group, 7, "to all", 6);
    return recv(fd, got, 10, MSG_DONTWAIT) == 6;
}

/* RFC 3542, 3.1: the sum is made here, whatever stands in its place. */
static void sums_of_icmp6(void)
{
    static const uint8_t ping[16] = {128, 0, 0x55, 0x66, 0x12, 0x34, 0, 1};
    bool answered = false;

    peer_boot(NULL);
    int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    CHECK_FAILS(sendto(fd, ping, 3, 0, loop6(0), sizeof(struct sockaddr_in6)), EINVAL);
    CHECK_EQ(sendto(fd, ping, 16, 0, loop6(0), sizeof(struct sockaddr_in6)), 16);
    task_sleep_until(hal_now_ns() + 100 * HAL_MS);
    while (recv(fd, got, 100, MSG_DONTWAIT) == 16)
        answered |= (uint8_t)got[0] == 129 && !memcmp(got + 4, ping + 4, 12);
    CHECK(answered);
}

enum { GROUP = 0xe0010203, OTHER = 0xe0010204, REPORT = 0x16, LEAVE = 0x17 };

static void members_of_a_group(void)
{
    peer_boot(NULL);
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(bind(a, at(0, 7), IN), 0);
    CHECK(!hears(a, GROUP));
    CHECK_EQ(membership(a, IP_ADD_MEMBERSHIP, GROUP, 0), 0);
    AWAIT(peer_count(PEER_IGMP) && peer_last(PEER_IGMP).data[0] == REPORT, 2);
    CHECK(hears(a, GROUP));
    CHECK(!hears(a, OTHER));
    CHECK_FAILS(membership(a, IP_ADD_MEMBERSHIP, GROUP, 0), EADDRINUSE);
    CHECK_EQ(membership(b, IP_ADD_MEMBERSHIP, GROUP, IMAGE_IP), 0);
    CHECK_FAILS(membership(a, IP_DROP_MEMBERSHIP, OTHER, 0), EADDRNOTAVAIL);
    CHECK_EQ(membership(a, IP_DROP_MEMBERSHIP, GROUP, 0), 0);
    CHECK_FAILS(membership(a, IP_DROP_MEMBERSHIP, GROUP, 0), EADDRNOTAVAIL);
    CHECK(hears(a, GROUP)); /* the machine is a member through b */
    CHECK_EQ(fd_close(b), 0);
    CHECK(!hears(a, GROUP)); /* that left with its socket */
    AWAIT(peer_last(PEER_IGMP).data[0] == LEAVE, 2);
}

static unsigned to_groups; /* frames to groups that left the card */

static void count_groups(struct model *m, struct model_queue *q)
{
    net_serve_tx(m, q);
    for (unsigned i = 0; i < net.wire_count; i++)
        to_groups += net.wire[i][0] == 1 || net.wire[i][0] == 0x33;
    net.wire_count = 0;
}

/* Every member here hears what has no hops to go; nobody else does. */
static void a_multicast_without_hops(void)
{
    static const int kinds[] = {SOCK_DGRAM, SOCK_RAW};
    static const uint8_t six[16] = {0xff, 2, [14] = 1, [15] = 7};
    bool raw = case_variant & 1, ip6 = case_variant & 2;
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = raw ? 0 : htons(7)};
    struct ipv6_mreq m6;

    peer_boot(NULL);
    task_sleep_until(hal_now_ns() + 10 * HAL_SEC);
    int a = socket(ip6 ? AF_INET6 : AF_INET, kinds[raw], raw ? 200 : 0),
        b = socket(ip6 ? AF_INET6 : AF_INET, kinds[raw], raw ? 200 : 0);
    memcpy(&to6.sin6_addr, six, 16);
    memcpy(&m6.ipv6mr_multiaddr, six, 16);
    m6.ipv6mr_interface = if_nametoindex("vnet0");
    to6.sin6_scope_id = m6.ipv6mr_interface;
    if (ip6) {
        struct sockaddr_in6 all = {.sin6_family = AF_INET6, .sin6_port = htons(7)};

        CHECK_EQ(bind(b, (struct sockaddr *)&all, sizeof(all)), 0);
        CHECK_EQ(setsockopt(b, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m6, sizeof(m6)), 0);
    } else {
        CHECK_EQ(bind(b, at(0, 7), IN), 0);
        CHECK_EQ(membership(b, IP_ADD_MEMBERSHIP, GROUP, 0), 0);
    }
    task_sleep_until(hal_now_ns() + 10 * HAL_SEC);
    net.m->on.kick = count_groups;
    for (int hops = 1; hops >= 0; hops--) {
        to_groups = 0;
        loop_set(a, ip6 ? IPPROTO_IPV6 : IPPROTO_IP, ip6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL,
                 hops);
        CHECK_EQ(sendto(a, "to all", 6, 0, ip6 ? (struct sockaddr *)&to6 : at(GROUP, 7),
                        ip6 ? sizeof(to6) : IN),
                 6);
        task_sleep_until(hal_now_ns() + 10 * HAL_MS);
        CHECK(recv(b, got, 100, MSG_DONTWAIT) >= 6);
        CHECK_EQ(to_groups, hops);
    }
    loop_set(a, ip6 ? IPPROTO_IPV6 : IPPROTO_IP, ip6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP, 0);
    CHECK_EQ(sendto(a, "to all", 6, 0, ip6 ? (struct sockaddr *)&to6 : at(GROUP, 7),
                    ip6 ? sizeof(to6) : IN),
             6);
    task_sleep_until(hal_now_ns() + 10 * HAL_MS);
    CHECK(recv(b, got, 100, MSG_DONTWAIT) < 0 && to_groups == 0);
}

static void a_membership_that_cannot_be(void)
{
    struct ip_mreq m = {{htonl(GROUP)}, {0}};

    peer_boot(NULL);
    int a = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_FAILS(membership(a, IP_ADD_MEMBERSHIP, 0x0a000001, 0), EINVAL);
    CHECK_FAILS(membership(a, IP_ADD_MEMBERSHIP, GROUP, 0x0b000001), ENODEV);
    CHECK_FAILS(membership(tcp, IP_ADD_MEMBERSHIP, GROUP, 0), EPROTO);
    CHECK_FAILS(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, 4), EINVAL);
    for (uint32_t i = 0; i < 20; i++)
        CHECK_EQ(membership(a, IP_ADD_MEMBERSHIP, GROUP + i, 0), 0);
    CHECK_FAILS(membership(a, IP_ADD_MEMBERSHIP, GROUP + 20, 0), ENOBUFS);
    CHECK_EQ(membership(a, IP_DROP_MEMBERSHIP, GROUP + 10, 0), 0);
    CHECK_EQ(membership(a, IP_ADD_MEMBERSHIP, GROUP + 20, 0), 0);
}

int main(int argc, char **argv)
{
    static const struct test_variant hops[] = {
        {"udp", 0}, {"raw", 1}, {"udp6", 2}, {"raw6", 3}, {NULL, 0}};
    static const struct test_case cases[] = {
        SHOWS(datagrams_keep_their_bounds, NULL),
        SHOWS(the_queue_has_a_limit_in_bytes, NULL),
        SHOWS(the_queue_has_a_limit_in_datagrams, NULL),
        SHOWS(what_waits_is_freed_with_the_socket, NULL),
        SHOWS(a_connected_socket_hears_its_peer_alone, NULL),
        SHOWS(what_cannot_be_sent, NULL),
        SHOWS(ipv6_datagrams, NULL),
        SHOWS(records_beside_datagrams, NULL),
        SHOWS(interfaces_have_names, NULL),
        SHOWS(to_another_machine, NULL),
        SHOWS(a_broadcast_needs_permission, NULL),
        SHOWS(no_memory_to_send, NULL),
        SHOWS(raw_sockets_get_copies, NULL),
        SHOWS(sums_of_icmp6, NULL),
        SHOWS(members_of_a_group, NULL),
        {"a_multicast_without_hops", a_multicast_without_hops, NULL, 0, hops},
        SHOWS(a_membership_that_cannot_be, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
