/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_errors.c - what the network says to sockets: ICMP errors, neighbours that do not
 * answer, an address that comes late; and local ports that cannot be guessed.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "peer.h"
#include "tasks.h"

enum { IN = sizeof(struct sockaddr_in), FAR = 0x0a0002fe };

static char buf[100];

static struct sockaddr *at(uint32_t ip, uint16_t port)
{
    static struct sockaddr_in a;

    a = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
    return (struct sockaddr *)&a;
}

static void pass_ms(unsigned ms)
{
    task_sleep_until(hal_now_ns() + ms * HAL_MS);
}

/* ---- ICMP ------------------------------------------------------------------------------------ */

static int connected_datagrams(struct heard *sent)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    CHECK_EQ(connect(fd, at(PEER_IP, 9), IN), 0);
    peer_forget();
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    AWAIT(peer_count(PEER_UDP) == 1, 5);
    *sent = peer_last(PEER_UDP);
    return fd;
}

static void unreachable_datagrams(void)
{
    static const struct {
        unsigned type, code;
        int error;
    } errors[] = {{3, 0, 0},
                  {3, 1, 0},
                  {3, 2, ENOPROTOOPT},
                  {3, 3, ECONNREFUSED},
                  {3, 4, 0},
                  {3, 10, EHOSTUNREACH},
                  {3, 13, EHOSTUNREACH},
                  {3, 16, 0},
                  {11, 0, 0},
                  {12, 0, EPROTO},
                  {0, 3, 0}};
    struct heard sent;

    peer_boot(NULL);
    int fd = connected_datagrams(&sent);
    for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        peer_icmp_error(errors[i].type, errors[i].code, &sent, 0);
        CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_ERROR), errors[i].error);
    }
    peer_icmp_error(3, 3, &sent, 0);
    CHECK_EQ(fd_poll(fd, POLLERR), POLLERR);
    CHECK_FAILS(recv(fd, buf, 1, 0), ECONNREFUSED);
    CHECK_FAILS(recv(fd, buf, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(send(fd, "x", 1, 0), 1);
}

/* An error must be about this socket: its ports, its addresses, with the right sum. */
static void errors_about_others(void)
{
    struct heard sent, other;

    peer_boot(NULL);
    int fd = connected_datagrams(&sent);
    for (int i = 0; i < 4; i++) {
        other = sent;
        other.sport ^= i == 0;
        other.dport ^= i == 1;
        other.src ^= i == 2;
        other.dst ^= i == 3;
        peer_icmp_error(3, 3, &other, 0);
        CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_ERROR), 0);
    }
    peer_icmp_spoilt = true;
    peer_icmp_error(3, 3, &sent, 0);
    peer_icmp_spoilt = false;
    uint8_t wrong[36] = {3, 3, 0x12, 0x34, [8] = 0x45};
    peer_ip4(PEER_ICMP, ROUTER_IP, IMAGE_IP, wrong, sizeof(wrong));
    peer_ip4(PEER_ICMP, ROUTER_IP, IMAGE_IP, wrong, 8);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_ERROR), 0);
    int unconnected = socket(AF_INET, SOCK_DGRAM, 0);
    peer_forget();
    CHECK_EQ(sendto(unconnected, "x", 1, 0, at(PEER_IP, 9), IN), 1);
    AWAIT(peer_count(PEER_UDP) == 1, 5);
    sent = peer_last(PEER_UDP);
    peer_icmp_error(3, 3, &sent, 0);
    CHECK_EQ(loop_get(unconnected, SOL_SOCKET, SO_ERROR), 0);
}

static void an_unreachable_connection(unsigned code, int error)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct heard syn;

    peer_forget();
    CHECK_FAILS(connect(fd, at(PEER_IP, 80), IN), EINPROGRESS);
    AWAIT(peer_count(PEER_TCP) == 1, 5);
    syn = peer_last(PEER_TCP);
    peer_icmp_error(3, code, &syn, syn.seq + 1);
    CHECK_EQ(fd_poll(fd, POLLERR), 0); /* of another segment */
    peer_icmp_error(3, code, &syn, syn.seq);
    CHECK_EQ(fd_poll(fd, POLLERR | POLLHUP), POLLERR | POLLHUP);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_ERROR), error);
    pass_ms(3000);
    CHECK_EQ(peer_count(PEER_TCP), 1); /* no repeat, no reset */
    CHECK_EQ(fd_close(fd), 0);
}

static void unreachable_connections(void)
{
    peer_boot(NULL);
    an_unreachable_connection(0, ENETUNREACH);
    an_unreachable_connection(1, EHOSTUNREACH);
    an_unreachable_connection(2, ENOPROTOOPT);
    an_unreachable_connection(3, ECONNREFUSED);
    an_unreachable_connection(13, EHOSTUNREACH);
}

/* An open connection outlives such errors (RFC 5461). */
static void open_connections_go_on(void)
{
    struct peer_tcp c;

    peer_boot(NULL);
    int l = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(bind(l, at(0, 80), IN), 0);
    CHECK_EQ(listen(l, 4), 0);
    peer_connect(&c, 4000, 80);
    int s = accept(l, NULL, NULL);
    CHECK_EQ(send(s, "x", 1, 0), 1);
    pass_ms(10);
    struct heard segment = peer_last(PEER_TCP);
    uint32_t cwnd = tcp_active_pcbs->net.cc.cwnd;
    for (unsigned code = 0; code < 16; code++) {
        if (code != 4) /* test_tcp_mtu.c */
            peer_icmp_error(3, code, &segment, segment.seq);
        peer_icmp_error(3, code, &segment, segment.seq + 70000); /* of nothing that was sent */
    }
    peer_icmp_error(4, 0, &segment, segment.seq); /* source quench: RFC 6633 */
    peer_icmp_error(11, 0, &segment, segment.seq);
    peer_icmp_error(12, 0, &segment, segment.seq);
    CHECK_EQ(fd_poll(s, POLLERR | POLLHUP), 0);
    CHECK_EQ(loop_get(s, SOL_SOCKET, SO_ERROR), 0);
    CHECK_EQ(tcp_active_pcbs->net.cc.cwnd, cwnd);
    CHECK_EQ(tcp_active_pcbs->mss, 536);
    peer_segment(&c, PEER_ACK | PEER_PSH, "still", 5);
    CHECK_EQ(recv(s, buf, 10, 0), 5);
}

/* ---- neighbours ------------------------------------------------------------------------------ */

static void a_missing_neighbour(void)
{
    peer_boot("ip=10.0.2.15::10.0.2.3:255.255.255.0");
    peer_mute = true;
    for (int i = 0; i < 2; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        uint64_t began = hal_now_ns();

        /* the peer's own address, or one behind the router, who does not answer */
        CHECK_FAILS(connect(fd, at(i ? 0xc0000201 : FAR, 80), IN), EHOSTUNREACH);
        CHECK(hal_now_ns() - began > HAL_SEC && hal_now_ns() - began < 4 * HAL_SEC);
        CHECK_EQ(fd_close(fd), 0);
    }
    CHECK(!tcp_active_pcbs);
}

/* ---- an address that comes late -------------------------------------------------------------- */

static void give_address(void *arg)
{
    ip4_addr_t ip, mask, none = {0};

    (void)arg;
    pass_ms(2000);
    IP4_ADDR(&ip, 10, 0, 2, 15);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    net_enter();
    netif_set_addr(&net_core.devs->netif, &ip, &mask, &none);
    net_leave();
}

static struct peer_tcp peer_side;
static void accept_later(void *arg)
{
    (void)arg;
    peer_accept(&peer_side);
}

static void on_syn(const struct heard *h)
{
    if (h->proto == PEER_TCP && h->flags == PEER_SYN)
        host_at(hal_now_ns() + HAL_MS, accept_later, NULL);
}

static void calls_wait_for_the_first_address(void)
{
    peer_boot("ip=dhcp");
    peer_listen(on_syn);
    int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
    int early = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    CHECK_FAILS(sendto(early, "x", 1, 0, at(PEER_IP, 9), IN), EAGAIN);
    CHECK_EQ(fd_poll(early, POLLOUT), 0);
    task_spawn("address", give_address, NULL, 0);
    uint64_t began = hal_now_ns();
    CHECK_EQ(sendto(udp, "x", 1, 0, at(PEER_IP, 9), IN), 1);
    CHECK(hal_now_ns() - began >= 2000 * HAL_MS && hal_now_ns() - began < 2200 * HAL_MS);
    CHECK_EQ(fd_poll(early, POLLOUT), POLLOUT);
    CHECK_EQ(connect(tcp, at(PEER_IP, 80), IN), 0);
}

static void a_connect_goes_on_when_the_address_comes(void)
{
    peer_boot("ip=dhcp");
    peer_listen(on_syn);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_FAILS(connect(fd, at(PEER_IP, 80), IN), EINPROGRESS);
    CHECK_FAILS(connect(fd, at(PEER_IP, 80), IN), EALREADY);
    int gone = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_FAILS(connect(gone, at(PEER_IP, 80), IN), EINPROGRESS);
    CHECK_EQ(fd_close(gone), 0);
    task_spawn("address", give_address, NULL, 0);
    struct pollfd p = {fd, POLLOUT, 0};
    CHECK_EQ(poll(&p, 1, 5000), 1);
    CHECK_EQ(p.revents, POLLOUT);
    CHECK_EQ(loop_get(fd, SOL_SOCKET, SO_ERROR), 0);
}

static void no_address_comes(void)
{
    peer_boot("ip=dhcp vireo.net_wait_ms=3000");
    int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
    uint64_t began = hal_now_ns();
    CHECK_FAILS(connect(tcp, at(PEER_IP, 80), IN), ENETUNREACH);
    CHECK(hal_now_ns() - began >= 3000 * HAL_MS && hal_now_ns() - began < 3300 * HAL_MS);
    CHECK(host_logged("this machine has no address after 3000 ms"));
    CHECK_FAILS(sendto(udp, "x", 1, 0, at(PEER_IP, 9), IN), ENETUNREACH);
    CHECK(hal_now_ns() - began >= 6000 * HAL_MS);
    CHECK_EQ(connect(udp, loop4(9), IN), 0); /* loopback needs no card */
}

/* ---- the end of the image -------------------------------------------------------------------- */

static void acknowledge_late(void *arg)
{
    struct heard h = peer_last(PEER_TCP);

    (void)arg;
    peer_side.ack = h.seq + h.len + (h.flags & PEER_FIN ? 1 : 0);
    peer_segment(&peer_side, PEER_ACK, NULL, 0);
}

static void what_was_sent_is_delivered(void)
{
    peer_boot("ip=10.0.2.15/24");
    int l = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(bind(l, at(0, 80), IN), 0);
    CHECK_EQ(listen(l, 4), 0);
    peer_connect(&peer_side, 4000, 80);
    int s = accept(l, NULL, NULL), udp = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(send(s, "BYE", 3, 0), 3);
    CHECK_EQ(sendto(udp, "x", 1, 0, at(PEER_IP, 9), IN), 1);
    host_at(hal_now_ns() + 500 * HAL_MS, acknowledge_late, NULL);
    uint64_t began = hal_now_ns();
    host_end_image();
    CHECK(hal_now_ns() - began >= 500 * HAL_MS && hal_now_ns() - began < 1500 * HAL_MS);
    CHECK(peer_last(PEER_TCP).flags & PEER_FIN);
    CHECK_EQ(peer_count(PEER_UDP), 1);
    CHECK(!host_logged("were not delivered"));
}

static void the_end_does_not_wait_for_ever(void)
{
    struct peer_tcp c;

    peer_boot("ip=10.0.2.15/24 vireo.net_end_ms=1000");
    int l = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(bind(l, at(0, 80), IN), 0);
    CHECK_EQ(listen(l, 4), 0);
    peer_connect(&c, 4000, 80);
    int s = accept(l, NULL, NULL);
    CHECK_EQ(send(s, "1234", 4, 0), 4);
    CHECK_EQ(sendto(udp, "x", 1, 0, at(FAR, 9), IN), 1);
    struct loop p = loop_pair(); /* nobody beyond the image waits for these */
    for (int i = 0; i < 100; i++, pass_ms(1))
        while (send(p.near, buf, sizeof(buf), MSG_DONTWAIT) > 0)
            ;
    uint64_t began = hal_now_ns();
    host_end_image();
    CHECK(hal_now_ns() - began >= 1000 * HAL_MS && hal_now_ns() - began < 1100 * HAL_MS);
    CHECK(host_logged("though 5 bytes of 1 connections and 1 packets were not delivered"));
}

static void an_end_without_data_is_short(void)
{
    peer_boot("ip=10.0.2.15/24");
    pass_ms(100);
    uint64_t began = hal_now_ns();
    host_end_image();
    CHECK(hal_now_ns() - began < HAL_MS);
}

/* ---- ports ----------------------------------------------------------------------------------- */

static uint16_t port_of(int fd)
{
    struct sockaddr_in a;
    socklen_t len = sizeof(a);

    CHECK_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    return ntohs(a.sin_port);
}

static void ports_cannot_be_guessed(void)
{
    unsigned near = 0;
    uint16_t last = 0;

    peer_boot(NULL);
    for (unsigned i = 0; i < 64; i++) {
        int fd = socket(AF_INET, i % 2 ? SOCK_DGRAM : SOCK_STREAM, 0);

        if (i % 4 < 2)
            CHECK_EQ(bind(fd, at(IMAGE_IP, 0), IN), 0);
        else if (i % 2)
            CHECK_EQ(connect(fd, at(PEER_IP, 9), IN), 0);
        else
            CHECK_EQ(listen(fd, 1), 0);
        uint16_t port = port_of(fd);
        CHECK(port >= 32768);
        near += (uint16_t)(port - last + 256) < 512;
        last = port;
    }
    CHECK(near < 8); /* one of 128 is expected to be */
}

/* ---- members of a group ---------------------------------------------------------------------- */

static void every_member_hears(void)
{
    struct ip_mreq m = {{htonl(0xef010203)}, {0}};
    int fd[3];

    peer_boot(NULL);
    for (int i = 0; i < 3; i++) {
        fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
        loop_set(fd[i], SOL_SOCKET, SO_REUSEADDR, 1);
        CHECK_EQ(bind(fd[i], at(0, 5353), IN), 0);
        CHECK_EQ(setsockopt(fd[i], IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)), 0);
    }
    CHECK_EQ(connect(fd[2], at(FAR, 5353), IN), 0); /* hears one peer alone */
    peer_udp_between(PEER_IP, 5353, 0xef010203, 5353, "from outside", 12);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(recv(fd[i], buf, sizeof(buf), 0), 12);
    CHECK_FAILS(recv(fd[2], buf, 1, MSG_DONTWAIT), EAGAIN);
    peer_forget();
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(sendto(s, "own", 3, 0, at(0xef010203, 5353), IN), 3);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(recv(fd[i], buf, sizeof(buf), 0), 3);
    CHECK_EQ(peer_count(PEER_UDP), 1); /* and the others on the cable */
    loop_set(s, SOL_SOCKET, SO_BROADCAST, 1);
    CHECK_EQ(sendto(s, "all!", 4, 0, at(0x0a0002ff, 5353), IN), 4);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(recv(fd[i], buf, sizeof(buf), 0), 4);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(unreachable_datagrams, NULL),
        SHOWS(errors_about_others, NULL),
        SHOWS(unreachable_connections, NULL),
        SHOWS(open_connections_go_on, NULL),
        SHOWS(a_missing_neighbour, NULL),
        SHOWS(calls_wait_for_the_first_address, NULL),
        SHOWS(a_connect_goes_on_when_the_address_comes, NULL),
        SHOWS(no_address_comes, NULL),
        SHOWS(what_was_sent_is_delivered, NULL),
        SHOWS(the_end_does_not_wait_for_ever, NULL),
        SHOWS(an_end_without_data_is_short, NULL),
        SHOWS(ports_cannot_be_guessed, NULL),
        SHOWS(every_member_hears, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
