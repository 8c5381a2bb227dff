/* SPDX-License-Identifier: BSD-2-Clause */
/* test_lwip_reass.c - fragments that wait for the rest of their datagram (net/lwip/net_reass.c). */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "host.h"
#include "net_impl.h"
#include "netmodel.h"
#include "peer.h"
#include "peer6.h"
#include "tasks.h"

enum { UDP = 17, PORT = 9, PIECE = 1440, LONG = 60000, LAST = 0x10000 };
enum { NICE = 100, OTHER = 101, BAD = 200 }; /* senders */

static bool six; /* the variant */
static int fd;
static char data[65536];

static void pass_ms(unsigned ms)
{
    task_sleep_until(hal_now_ns() + ms * HAL_MS);
}

static void boot(uint64_t ram)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};

    six = case_variant;
    if (ram)
        host_set_ram(ram);
    peer_boot("ip=10.0.2.15/24");
    pass_ms(5000);
    fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(six ? bind(fd, (struct sockaddr *)&a6, sizeof(a6))
                 : bind(fd, (struct sockaddr *)&a, sizeof(a)),
             0);
}

static uint16_t folded(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

/* The addresses of sender N and of the image, as they stand in headers. The number of bytes. */
static unsigned addresses(unsigned sender, uint8_t out[32])
{
    memset(out, 0, 32);
    if (!six) {
        peer_put32(out, 0x0a000200 + sender);
        peer_put32(out + 4, IMAGE_IP);
        return 8;
    }
    memcpy(out, "\xfe\x80", 2);
    out[15] = (uint8_t)sender;
    memcpy(out + 16, netif_ip6_addr(&net_core.devs->netif, 0)->addr, 16);
    return 32;
}

static void send4(const uint8_t *pair, unsigned id, unsigned at, const uint8_t *bytes, unsigned len,
                  bool last)
{
    uint8_t packet[1500] = {0x45};

    peer_put16(packet + 2, 20 + len);
    peer_put16(packet + 4, id);
    peer_put16(packet + 6, at / 8 | (last ? 0 : 0x2000));
    packet[8] = 64;
    packet[9] = UDP;
    memcpy(packet + 12, pair, 8);
    peer_put16(packet + 10, folded(peer6_sum(0, packet, 20)));
    memcpy(packet + 20, bytes, len);
    peer_frame(0x0800, packet, 20 + len);
}

static void send6(const uint8_t *pair, unsigned id, unsigned at, const uint8_t *bytes, unsigned len,
                  bool last)
{
    uint8_t packet[1500] = {0x60, 0, 0, 0, 0, 0, 44, 64};

    peer_put16(packet + 4, 8 + len);
    memcpy(packet + 8, pair, 32);
    packet[40] = UDP;
    peer_put16(packet + 42, at | !last);
    peer_put32(packet + 44, id);
    memcpy(packet + 48, bytes, len);
    peer_frame(0x86dd, packet, 48 + len);
}

/* The n-th piece of a datagram of `len` bytes, its header included. */
static void piece(unsigned sender, unsigned id, unsigned n, unsigned len)
{
    static uint8_t datagram[65536];
    uint8_t pair[32];
    unsigned pair_len = addresses(sender, pair), at = n * PIECE;
    unsigned bytes = len - at < PIECE ? len - at : PIECE;

    memset(datagram, (int)sender, len);
    peer_put16(datagram, 7);
    peer_put16(datagram + 2, PORT);
    peer_put16(datagram + 4, len);
    peer_put16(datagram + 6, 0);
    peer_put16(datagram + 6,
               folded(peer6_sum(peer6_sum(UDP + len, pair, pair_len), datagram, len)));
    (six ? send6 : send4)(pair, id, at, datagram + at, bytes, at + bytes == len);
}

static unsigned pieces_of(unsigned len)
{
    return (len + PIECE - 1) / PIECE;
}

static void two_long_ones(void)
{
    boot(0);
    for (unsigned n = 0; n < pieces_of(LONG); n++) {
        piece(NICE, 1, n, LONG);
        piece(OTHER, 1, n, LONG);
    }
    CHECK_EQ(recv(fd, data, sizeof(data), MSG_DONTWAIT), LONG - 8);
    CHECK(data[0] == NICE && data[LONG - 9] == NICE);
    CHECK_EQ(recv(fd, data, sizeof(data), MSG_DONTWAIT), LONG - 8);
    CHECK_EQ(data[0], OTHER);
}

/* Somebody who sends first pieces only keeps nobody's datagram from arriving. */
static void lone_pieces(void)
{
    boot(32 << 20);
    for (unsigned i = 0; i < 50; i++) {
        piece(NICE, i, 0, 4000);
        for (unsigned k = 0; k < 400; k++)
            piece(BAD, i * 400 + k, 0, 4000);
        piece(NICE, i, 1, 4000);
        piece(NICE, i, 2, 4000);
        CHECK_EQ(recv(fd, data, sizeof(data), MSG_DONTWAIT), 3992);
        CHECK_EQ(data[0], NICE);
    }
    CHECK(net_mem_lent() < 1 << 20);
    uint64_t full = net_mem_lent();
    pass_ms(70000);
    CHECK(net_mem_lent() < full);
    piece(BAD, 1, 0, 4000);
    piece(BAD, 1, 2, 4000);
    piece(BAD, 1, 1, 4000);
    CHECK_EQ(recv(fd, data, sizeof(data), MSG_DONTWAIT), 3992);
}

/* What was counted is counted off, however a datagram ends. */
static void nothing_is_left(void)
{
    boot(0);
    uint64_t before = 0;
    for (unsigned round = 0; round < 300; round++) {
        for (unsigned n = 0; n < 10; n++)
            piece(NICE, round, n, 14400);
        CHECK_EQ(recv(fd, data, sizeof(data), MSG_DONTWAIT), 14392);
        if (round == 0)
            before = net_mem_lent();
    }
    CHECK_EQ(net_mem_lent(), before);
}

int main(int argc, char **argv)
{
    static const struct test_variant both[] = {{"IPv4", 0}, {"IPv6", 1}, {NULL, 0}};
    static const struct test_case cases[] = {
        {"two_long_ones", two_long_ones, NULL, 0, both},
        {"lone_pieces", lone_pieces, NULL, 0, both},
        {"nothing_is_left", nothing_is_left, NULL, 0, both},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
