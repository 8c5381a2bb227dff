/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_mtu.c - sockets on paths that are narrower than the link: TCP_MAXSEG, IP_MTU_DISCOVER,
 * IP_MTU and their kin of IPv6, on the path of tests/host/net/path.h.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "net_impl.h"
#include "path.h"
#include "tasks.h"

enum { NARROW = 1300, FULL = 1500, STAMPS = 12 }; /* STAMPS: of TCP's timestamps */

static uint8_t data[4000];

/* Packets that side A has sent since forget(), and their greatest length. */
static struct {
    unsigned packets, whole;
    uint32_t longest, mss;
    uint32_t answer; /* the MSS of B's last SYN-ACK */
} seen;

static void watch(const struct path_seen *s)
{
    if (s->out && s->side == PATH_B && (s->tcp.flags & SEG_SYN))
        seen.answer = s->tcp.mss;
    if (!s->out || s->side != PATH_A)
        return;
    seen.packets++;
    seen.whole += s->packet[0] >> 4 == 4 && (s->packet[6] & 0x40);
    if (s->len > seen.longest)
        seen.longest = s->len;
    if (s->tcp.flags & SEG_SYN)
        seen.mss = s->tcp.mss;
}

static void forget(void)
{
    memset(&seen, 0, sizeof(seen));
}

static bool six(void)
{
    return case_variant == 6;
}

/* IP_MTU_DISCOVER or IP_MTU, of the family. */
static int level(void)
{
    return six() ? IPPROTO_IPV6 : IPPROTO_IP;
}

static int discover(void)
{
    return six() ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
}

static int mtu_of(int fd)
{
    return loop_get(fd, level(), six() ? IPV6_MTU : IP_MTU);
}

static void set(int fd, int lev, int name, int v)
{
    CHECK_EQ(setsockopt(fd, lev, name, &v, sizeof(v)), 0);
}

/* The address of a side, or the one by which it reaches the other. */
static const struct sockaddr *address(enum path_side side, bool own, uint16_t port, socklen_t *len)
{
    static struct sockaddr_in four;
    static struct sockaddr_in6 five_and_one;

    four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    four.sin_addr.s_addr = htonl(own ? PATH_OWN(side) : PATH_ALIAS(side));
    five_and_one = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(five_and_one.sin6_addr.s6_addr, side == PATH_A ? "\xfd\0\0\x0a" : "\xfd\0\0\x0b", 4);
    five_and_one.sin6_addr.s6_addr[15] = own ? 1 : 2;
    *len = six() ? sizeof(five_and_one) : sizeof(four);
    return six() ? (struct sockaddr *)&five_and_one : (struct sockaddr *)&four;
}

static int bound(int type, enum path_side side, uint16_t port)
{
    int fd = socket(six() ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK, 0);
    const struct sockaddr *a;
    socklen_t len;

    a = address(side, true, port, &len);
    CHECK_EQ(bind(fd, a, len), 0);
    return fd;
}

static int connected(int type, uint16_t port)
{
    int fd = bound(type, PATH_A, 0);
    const struct sockaddr *a;
    socklen_t len;

    a = address(PATH_A, false, port, &len);
    if (type == SOCK_DGRAM)
        CHECK_EQ(connect(fd, a, len), 0);
    else
        CHECK_FAILS(connect(fd, a, len), EINPROGRESS);
    return fd;
}

static void boot(void)
{
    path_boot(1);
    path_both(5000, 0);
    path_watch(watch);
}

static void pass(void)
{
    path_run_for(30 * HAL_MS);
}

/* Bytes of a datagram that fills this packet. */
static size_t fills(unsigned mtu)
{
    return mtu - 8 - (six() ? 40 : 20);
}

static void values(void)
{
    boot();
    for (int kind = 0; kind < 2; kind++) {
        int fd = bound(kind ? SOCK_STREAM : SOCK_DGRAM, PATH_A, 0), v;

        CHECK_EQ(loop_get(fd, level(), discover()), IP_PMTUDISC_DONT);
        for (v = IP_PMTUDISC_DONT; v <= IP_PMTUDISC_OMIT; v++) {
            set(fd, level(), discover(), v);
            CHECK_EQ(loop_get(fd, level(), discover()), v);
        }
        CHECK_FAILS(setsockopt(fd, level(), discover(), &v, sizeof(v)), EINVAL);
        v = -1;
        CHECK_FAILS(setsockopt(fd, level(), discover(), &v, sizeof(v)), EINVAL);
        socklen_t len = sizeof(v);
        CHECK_FAILS(getsockopt(fd, level(), six() ? IPV6_MTU : IP_MTU, &v, &len), ENOTCONN);
        if (six()) {
            set(fd, level(), IPV6_DONTFRAG, 1);
            CHECK_EQ(loop_get(fd, level(), discover()), IPV6_PMTUDISC_DO);
            set(fd, level(), IPV6_DONTFRAG, 0);
            CHECK_EQ(loop_get(fd, level(), IPV6_DONTFRAG), 0);
        }
        CHECK_EQ(fd_close(fd), 0);
    }
}

/* IP_PMTUDISC_DO: no datagram is cut, and the socket hears of those that are too long. */
static void datagrams_that_are_not_cut(void)
{
    int fd;

    boot();
    fd = connected(SOCK_DGRAM, 9);
    set(fd, level(), discover(), IP_PMTUDISC_DO);
    CHECK_EQ(mtu_of(fd), FULL);
    CHECK_FAILS(send(fd, data, fills(FULL) + 1, 0), EMSGSIZE);
    path.link[PATH_A].mtu = NARROW;
    forget();
    CHECK_EQ(send(fd, data, fills(FULL), 0), fills(FULL));
    pass();
    CHECK_EQ(seen.longest, FULL);
    CHECK(six() || seen.whole == 1);
    CHECK_EQ(mtu_of(fd), NARROW);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_ERROR), EMSGSIZE);
    CHECK_FAILS(send(fd, data, fills(NARROW) + 1, 0), EMSGSIZE);
    CHECK_EQ(send(fd, data, fills(NARROW), 0), fills(NARROW));
    set(fd, level(), discover(), IP_PMTUDISC_PROBE); /* what the path is said to be is nothing */
    CHECK_EQ(mtu_of(fd), FULL);
    CHECK_EQ(send(fd, data, fills(FULL), 0), fills(FULL));
    CHECK_FAILS(send(fd, data, fills(FULL) + 1, 0), EMSGSIZE);
    CHECK_EQ(path.count[PATH_A].too_long, 2);
}

/* As datagrams are without the option, and with the one between. */
static void datagrams_that_may_be_cut(void)
{
    int fd;

    boot();
    fd = connected(SOCK_DGRAM, 9);
    forget();
    CHECK_EQ(send(fd, data, 3000, 0), 3000);
    CHECK_EQ(send(fd, data, 100, 0), 100);
    CHECK(seen.packets == 4 && seen.whole == 0 && seen.longest <= FULL);
    set(fd, level(), discover(), IP_PMTUDISC_WANT);
    forget();
    CHECK_EQ(send(fd, data, 3000, 0), 3000);
    CHECK_EQ(seen.whole, 0);
    CHECK_EQ(send(fd, data, 100, 0), 100);
    CHECK(six() || seen.whole == 1);
    path.link[PATH_A].mtu = NARROW;
    CHECK_EQ(send(fd, data, fills(FULL), 0), fills(FULL));
    pass();
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_ERROR), 0);
    CHECK_EQ(mtu_of(fd), NARROW);
    path.count[PATH_A].too_long = 0;
    forget();
    CHECK_EQ(send(fd, data, 3000, 0), 3000);
    CHECK_EQ(seen.whole, 0);
    CHECK(!six() || (seen.longest <= NARROW && !path.count[PATH_A].too_long));
}

/* A quote must be of a datagram of a socket. */
static void datagrams_of_nobody(void)
{
    uint8_t packet[FULL] = {0};
    int fd;

    boot();
    fd = connected(SOCK_DGRAM, 9);
    set(fd, level(), discover(), IP_PMTUDISC_DO);
    memset(packet, six() ? 0x60 : 0x45, 1);
    packet[six() ? 4 : 2] = 5; /* 1280 bytes and more */
    packet[six() ? 6 : 9] = IPPROTO_UDP;
    if (six()) {
        memcpy(packet + 8,
               "\xfd\0\0\x0a\0\0\0\0\0\0\0\0\0\0\0\1\xfd\0\0\x0a\0\0\0\0\0\0\0\0\0\0\0\2", 32);
    } else {
        packet[6] = 0x40;
        memcpy(packet + 12, "\x0a\0\0\1\x0a\0\0\2", 8);
    }
    packet[six() ? 43 : 23] = 9; /* to port 9 */
    path_too_big(PATH_A, packet, FULL, NARROW);
    pass();
    CHECK_EQ(mtu_of(fd), FULL);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_ERROR), 0);
}

/* TCP_MAXSEG counts for what is offered, and for what is sent, on both sides. */
static void the_largest_segment(void)
{
    int listener, fd, peer, v;

    boot();
    listener = bound(SOCK_STREAM, PATH_B, 80);
    set(listener, IPPROTO_TCP, TCP_MAXSEG, 700);
    CHECK_EQ(loop_get(listener, IPPROTO_TCP, TCP_MAXSEG), 700);
    CHECK_EQ(listen(listener, 4), 0);
    CHECK_EQ(loop_get(listener, IPPROTO_TCP, TCP_MAXSEG), 700);
    fd = bound(SOCK_STREAM, PATH_A, 0);
    CHECK_EQ(loop_get(fd, IPPROTO_TCP, TCP_MAXSEG), 536);
    v = 87;
    CHECK_FAILS(setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &v, sizeof(v)), EINVAL);
    v = 32768;
    CHECK_FAILS(setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &v, sizeof(v)), EINVAL);
    CHECK_EQ(fd_close(fd), 0);
    forget();
    fd = connected(SOCK_STREAM, 80);
    set(fd, IPPROTO_TCP, TCP_MAXSEG, 900);
    pass();
    peer = accept(listener, NULL, NULL);
    CHECK(peer >= 0);
    CHECK_EQ(mtu_of(fd), FULL);
    CHECK_EQ(seen.answer, 700);
    CHECK_EQ(loop_get(fd, IPPROTO_TCP, TCP_MAXSEG), 700 - STAMPS);
    CHECK_EQ(loop_get(peer, IPPROTO_TCP, TCP_MAXSEG), 700 - STAMPS);
    CHECK_EQ(fd_close(fd), 0);
    fd = bound(SOCK_STREAM, PATH_A, 0);
    set(fd, IPPROTO_TCP, TCP_MAXSEG, 600);
    forget();
    socklen_t len;
    const struct sockaddr *a = address(PATH_A, false, 80, &len);
    CHECK_FAILS(connect(fd, a, len), EINPROGRESS);
    pass();
    CHECK_EQ(seen.mss, 600);
    CHECK_EQ(send(fd, data, 4000, 0), 4000);
    pass();
    CHECK_EQ(seen.longest, 600 + (six() ? 60 : 40));
    CHECK_EQ(loop_get(fd, IPPROTO_TCP, TCP_MAXSEG), 600 - STAMPS);
    fd_close(fd);
    fd_close(listener);
    path_settle(HAL_SEC);
}

#define FAMILIES(f)                                                                                \
    {                                                                                              \
#f, f, NULL, 0, families                                                                   \
    }

int main(int argc, char **argv)
{
    static const struct test_variant families[] = {{"ipv4", 4}, {"ipv6", 6}, {NULL, 0}};
    static const struct test_case cases[] = {
        FAMILIES(values),
        FAMILIES(datagrams_that_are_not_cut),
        FAMILIES(datagrams_that_may_be_cut),
        FAMILIES(datagrams_of_nobody),
        FAMILIES(the_largest_segment),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
