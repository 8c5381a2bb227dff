/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_many.c - datagrams in numbers: those behind the first one go the same way
 * (net/lwip/net_flow.c) and are like it, until something changes; sendmmsg() and recvmmsg().
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "net_flow.h"
#include "net_impl.h"
#include "net_route.h"
#include "path.h"
#include "sock.h"
#include "tasks.h"

enum { IP4 = 20, UDP = 8, PORT = 9, FULL = 1500, NARROW = 1300 };

static uint8_t data[4000];

/* Packets of UDP that side A has sent; all are judged. */
static struct {
    unsigned packets, whole;
    uint8_t ttl, tos;
    uint16_t id, len, to_port;
    uint32_t to;
} seen;

static void watch(const struct path_seen *s)
{
    const uint8_t *ip = s->packet, *udp = ip + IP4;

    if (!s->out || s->side != PATH_A || ip[0] != 0x45 || ip[9] != 17)
        return;
    CHECK_EQ(segment_folded(segment_sum(0, ip, IP4)), 0);
    CHECK_EQ((uint32_t)(ip[2] << 8 | ip[3]), s->len);
    if (!(ip[6] & 0x3f) && !ip[7]) {
        uint32_t len = s->len - IP4;

        CHECK_EQ((uint32_t)(udp[4] << 8 | udp[5]), len);
        CHECK(udp[6] || udp[7]);
        CHECK_EQ(segment_folded(segment_sum(segment_sum(17 + len, ip + 12, 8), udp, len)), 0);
        seen.len = (uint16_t)(len - UDP);
        seen.to_port = (uint16_t)(udp[2] << 8 | udp[3]);
    }
    seen.packets++;
    seen.whole += ip[6] >> 6 & 1;
    seen.ttl = ip[8];
    seen.tos = ip[1];
    seen.id = (uint16_t)(ip[4] << 8 | ip[5]);
    seen.to = (uint32_t)((uint32_t)ip[16] << 24 | ip[17] << 16 | ip[18] << 8 | ip[19]);
}

static struct sockaddr_in at(uint32_t ip, uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
}

static ssize_t send_to(int fd, uint16_t port, size_t len)
{
    struct sockaddr_in to = at(PATH_ALIAS(PATH_A), port);

    return sendto(fd, data, len, 0, (struct sockaddr *)&to, sizeof(to));
}

/* The flow that the socket keeps. */
static struct net_flow *flow_of(int fd)
{
    struct sock *s = file_get(fd)->ctx;

    return s->flow;
}

static void boot(void)
{
    path_boot(1);
    path_both(1000, 0);
    path_watch(watch);
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + 3);
}

static void later_ones_are_like_the_first(void)
{
    uint16_t id;
    int fd;

    boot();
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    CHECK_EQ(send_to(fd, PORT, 64), 64);
    CHECK(flow_of(fd));
    id = seen.id;
    for (size_t len = 0; len < 200; len++) {
        CHECK_EQ(send_to(fd, PORT, len), (ssize_t)len);
        CHECK(seen.len == len && seen.to_port == PORT && seen.ttl == 64 && !seen.tos);
        CHECK(seen.to == PATH_ALIAS(PATH_A) && !seen.whole && seen.id != id);
        id = seen.id;
    }
    CHECK_EQ(seen.packets, 201);
}

static void what_changes_counts_at_once(void)
{
    int fd;

    boot();
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    CHECK_EQ(send_to(fd, PORT, 64), 64);
    loop_set(fd, IPPROTO_IP, IP_TTL, 7);
    CHECK(!flow_of(fd));
    CHECK_EQ(send_to(fd, PORT, 64), 64);
    CHECK_EQ(seen.ttl, 7);
    loop_set(fd, IPPROTO_IP, IP_TOS, 0x28);
    CHECK_EQ(send_to(fd, PORT, 64), 64);
    CHECK_EQ(send_to(fd, PORT, 64), 64);
    CHECK(seen.ttl == 7 && seen.tos == 0x28);
    CHECK_EQ(send_to(fd, PORT + 1, 64), 64);
    CHECK_EQ(seen.to_port, PORT + 1);
    CHECK_EQ(send_to(fd, PORT, 64), 64);
    CHECK_EQ(seen.to_port, PORT);
    loop_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    CHECK_EQ(send_to(fd, PORT, FULL - IP4 - UDP), FULL - IP4 - UDP);
    CHECK_EQ(seen.whole, 1);
    CHECK_EQ(flow_of(fd)->most, FULL - IP4 - UDP);
    CHECK_FAILS(send_to(fd, PORT, FULL - IP4 - UDP + 1), EMSGSIZE);
    struct sockaddr_in to = at(PATH_ALIAS(PATH_A), PORT);
    CHECK_EQ(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    path.link[PATH_A].mtu = NARROW;
    CHECK_EQ(send_to(fd, PORT, FULL - IP4 - UDP), FULL - IP4 - UDP);
    path_run_for(30 * HAL_MS);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_ERROR), EMSGSIZE);
    CHECK_FAILS(send_to(fd, PORT, FULL - IP4 - UDP), EMSGSIZE);
    CHECK_EQ(send(fd, data, 64, 0), 64);
    CHECK_EQ(flow_of(fd)->most, NARROW - IP4 - UDP);
    net_route_changed(); /* the next one asks again */
    CHECK(!net_flow_fits(flow_of(fd), &flow_of(fd)->to, PORT, 64));
    CHECK_EQ(send(fd, data, 64, 0), 64);
    CHECK(net_flow_fits(flow_of(fd), &flow_of(fd)->to, PORT, 64));
    CHECK_EQ(fd_close(fd), 0);
}

/* To this machine, and to all of a network, there is no flow. */
static void where_there_is_no_flow(void)
{
    struct sockaddr_in self = at(PATH_OWN(PATH_A), PORT), all = at(INADDR_BROADCAST, PORT);
    int fd;

    boot();
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    CHECK_EQ(sendto(fd, data, 9, 0, (struct sockaddr *)&self, sizeof(self)), 9);
    CHECK(!flow_of(fd));
    loop_set(fd, SOL_SOCKET, SO_BROADCAST, 1);
    CHECK_EQ(sendto(fd, data, 9, 0, (struct sockaddr *)&all, sizeof(all)), 9);
    CHECK(!flow_of(fd));
    CHECK_EQ(send_to(fd, PORT, 3000), 3000); /* cut: but smaller ones may have one */
    CHECK(flow_of(fd) && seen.packets >= 3);
    unsigned packets = seen.packets;
    CHECK_EQ(send_to(fd, PORT, 3000), 3000);
    CHECK(seen.packets >= packets + 3);
}

/* ---- several in a call ----------------------------------------------------------------------- */

#define MANY 40

static char texts[MANY][8];
static struct iovec parts[MANY];
static struct mmsghdr msgs[MANY];

static void prepare(size_t len)
{
    for (int i = 0; i < MANY; i++) {
        memset(texts[i], 'a' + i % 26, sizeof(texts[i]));
        parts[i] = (struct iovec){texts[i], len};
        msgs[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
}

static void several_messages(void)
{
    struct timespec none = {0}, bad = {.tv_nsec = 1000000000}, long_time = {.tv_sec = 100};
    struct sockaddr_in from;
    int near, far;

    host_boot();
    near = loop_datagrams(7);
    far = loop_datagrams(8);
    prepare(5);
    CHECK_FAILS(sendmmsg(near, msgs, 3, 0), EDESTADDRREQ);
    CHECK_FAILS(sendmmsg(99, msgs, 3, 0), EBADF);
    CHECK_EQ(connect(near, loop4(8), sizeof(from)), 0);
    CHECK_EQ(sendmmsg(near, msgs, 0, 0), 0);
    CHECK_EQ(sendmmsg(near, msgs, MANY, 0), MANY);
    CHECK_EQ(msgs[MANY - 1].msg_len, 5);
    prepare(3);
    msgs[1].msg_hdr.msg_name = &from;
    msgs[1].msg_hdr.msg_namelen = sizeof(from);
    AWAIT(loop_get(far, SOL_SOCKET, SO_ERROR) == 0 && fd_poll(far, 1), 1);
    CHECK_EQ(recvmmsg(far, msgs, 4, 0, NULL), 4);
    CHECK(msgs[0].msg_len == 3 && msgs[0].msg_hdr.msg_flags == MSG_TRUNC);
    CHECK(!memcmp(texts[0], "aaa", 3) && !memcmp(texts[3], "ddd", 3));
    CHECK(ntohs(from.sin_port) == 7 && msgs[1].msg_hdr.msg_namelen == sizeof(from));
    CHECK_EQ(recvmmsg(far, msgs, 5, 0, &none), 1); /* the time is over with the first */
    CHECK_FAILS(recvmmsg(far, msgs, 5, 0, &bad), EINVAL);
    CHECK_EQ(recvmmsg(far, msgs, 2, 0, &long_time), 2);
    CHECK(long_time.tv_sec == 99 || long_time.tv_sec == 100);
    CHECK_EQ(recvmmsg(far, msgs, MANY, MSG_WAITFORONE, NULL), MANY - 7);
    CHECK_FAILS(recvmmsg(far, msgs, 2, MSG_DONTWAIT, NULL), EAGAIN);
}

/* What fails in the middle ends the call, and is told by the next one. */
static void partial_results(void)
{
    int near, far;

    host_boot();
    near = loop_datagrams(7);
    far = loop_datagrams(8);
    CHECK_EQ(connect(near, loop4(8), sizeof(struct sockaddr_in)), 0);
    CHECK_EQ(connect(far, loop4(7), sizeof(struct sockaddr_in)), 0);
    prepare(5);
    parts[2].iov_len = 70000; /* longer than any datagram */
    parts[2].iov_base = data;
    msgs[2].msg_len = 77;
    CHECK_EQ(sendmmsg(near, msgs, 4, 0), 2);
    CHECK(msgs[1].msg_len == 5 && msgs[2].msg_len == 77);
    CHECK_FAILS(sendmmsg(near, msgs + 2, 2, 0), EMSGSIZE);
    AWAIT(fd_poll(far, 1), 1);
    struct sock *s = file_get(far)->ctx;
    prepare(5);
    CHECK_EQ(recvmmsg(far, msgs, 1, 0, NULL), 1);
    s->error = ECONNREFUSED; /* comes while the second one waits */
    CHECK_FAILS(recvmmsg(far, msgs, 4, 0, NULL), ECONNREFUSED);
    CHECK_EQ(recvmmsg(far, msgs, 4, MSG_WAITFORONE, NULL), 1);
    CHECK_EQ(file_get(far)->refs, 1);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(later_ones_are_like_the_first, NULL),
        SHOWS(what_changes_counts_at_once, NULL),
        SHOWS(where_there_is_no_flow, NULL),
        SHOWS(several_messages, NULL),
        SHOWS(partial_results, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
