/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_way.c - segments that go where one went before (net/lwip/net_way.c): they take its
 * headers, and what changes in between counts for the next.
 */
#include <netinet/tcp.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "loop.h"
#include "lwip/etharp.h"
#include "lwip/priv/tcp_priv.h"
#include "net_impl.h"
#include "netmodel.h"
#include "peer.h"
#include "tasks.h"

enum { IP = 20, PORT = 80 };

static struct peer_tcp client;
static unsigned looked; /* packets for which the stack looked for a neighbour */
static err_t (*way)(struct netif *, struct pbuf *, const ip4_addr_t *);

static err_t look(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    looked++;
    return way(netif, p, to);
}

static uint32_t folded_sum(const uint8_t *p, uint32_t len)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < len; i++)
        n += i & 1 ? p[i] : (uint32_t)p[i] << 8;
    n = (n & 0xffff) + (n >> 16);
    return (n & 0xffff) + (n >> 16);
}

/* A connection on which a segment has gone. */
static int warm(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int listener, fd;

    peer_boot(NULL);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    CHECK_EQ(listen(listener, 1), 0);
    peer_connect(&client, 4000, PORT);
    fd = accept(listener, NULL, NULL);
    loop_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    CHECK_EQ(send(fd, "first", 5, 0), 5);
    task_sleep_until(hal_now_ns() + HAL_MS);
    way = net_core.devs->netif.output;
    net_core.devs->netif.output = look;
    looked = 0;
    return fd;
}

/* Sends a byte; the packet. */
static const uint8_t *packet_of(int fd)
{
    struct heard h;

    peer_forget();
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    task_sleep_until(hal_now_ns() + HAL_MS);
    h = peer_last(PEER_TCP);
    CHECK(h.len == 1 && h.data[0] == 'x' && h.src == IMAGE_IP && h.dst == PEER_IP);
    client.ack = h.seq + 1;
    peer_segment(&client, PEER_ACK, NULL, 0);
    return h.options - 20 - IP;
}

static void headers_are_kept(void)
{
    int fd = warm();

    for (int i = 0; i < 20; i++) {
        const uint8_t *p = packet_of(fd);
        uint32_t len = peer_get16(p + 2);

        CHECK_EQ(folded_sum(p, IP), 0xffff);
        CHECK(p[0] == 0x45 && p[9] == PEER_TCP && len > IP + 20 && (p[6] & 0x40));
    }
    CHECK(looked <= 1); /* once a second the way is looked for again */
}

static void options_count_at_once(void)
{
    int fd = warm();
    const uint8_t *p = packet_of(fd);

    CHECK(p[8] != 33 && p[1] == 0);
    loop_set(fd, IPPROTO_IP, IP_TTL, 33);
    loop_set(fd, IPPROTO_IP, IP_TOS, 0x48);
    p = packet_of(fd);
    CHECK(p[8] == 33 && p[1] == 0x48);
    CHECK_EQ(folded_sum(p, IP), 0xffff);
}

/* The neighbour says that it has another address now. */
static void the_neighbour_moves(void)
{
    uint8_t arp[28] = {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x77};
    int fd = warm();

    peer_put32(arp + 14, PEER_IP);
    peer_put32(arp + 24, IMAGE_IP);
    packet_of(fd);
    CHECK(net.wire[0][5] != 0x77);
    peer_frame(ETHTYPE_ARP, arp, sizeof(arp));
    packet_of(fd);
    CHECK(memcmp(net.wire[0], arp + 8, 6) == 0);
}

/* A small segment is kept for the next one, which is right whatever its length, until the end. */
static void small_segments_are_kept(void)
{
    static const uint8_t lens[] = {64, 1, 64, 63, 65, 2, 64, 200, 1};
    uint8_t data[200];
    struct linger now = {.l_onoff = 1};
    uint64_t lent = 0, most;
    struct heard h;
    int fd = warm();

    client.ack += 5; /* of the first segment, which is not such a one */
    peer_segment(&client, PEER_ACK, NULL, 0);
    task_sleep_until(hal_now_ns() + HAL_MS);
    for (unsigned i = 0; i < sizeof(lens); i++) {
        memset(data, 'a' + (int)i, sizeof(data));
        peer_forget();
        CHECK_EQ(send(fd, data, lens[i], 0), lens[i]);
        most = net_mem_lent();
        task_sleep_until(hal_now_ns() + HAL_MS);
        h = peer_last(PEER_TCP);
        CHECK(h.len == lens[i] && h.seq == client.ack && !memcmp(h.data, data, h.len));
        client.ack += h.len;
        peer_segment(&client, PEER_ACK, NULL, 0);
        task_sleep_until(hal_now_ns() + HAL_MS);
        if (!i)
            lent = most;
        CHECK(lens[i] > 64 ? most > lent : most == lent);
        CHECK_EQ(net_mem_lent(), lent);
    }
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    CHECK_EQ(fd_close(fd), 0);
    task_sleep_until(hal_now_ns() + HAL_MS);
    CHECK(net_mem_lent() + sizeof(struct tcp_pcb) + sizeof(struct tcp_seg) + 200 < lent);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(headers_are_kept, NULL),
        SHOWS(options_count_at_once, NULL),
        SHOWS(the_neighbour_moves, NULL),
        SHOWS(small_segments_are_kept, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
