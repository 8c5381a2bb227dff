/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lwip_neighbour.c - neighbours of IPv4 and IPv6 (net/lwip/net_arp.c, net_nd6.c, net_table.c):
 * many of them, those that are not there, and those that only say that they are.
 */
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

enum { ETH = 14, ARP_TYPE = 0x0806, IP4_TYPE = 0x0800, IP6_TYPE = 0x86dd };
enum { CLIENTS = 500, FAKES = 20000, EACH = 16, IN_ALL = 512 };
enum { NS = 135, NA = 136 };

#define CLIENT(n) (0x0a010000u + (n)) /* 10.1.0.0 on */
#define FAKE(n)   (0x0a200000u + (n)) /* 10.32.0.0 on */

static int fd, fd6;

/* What the image has sent. */
static unsigned asked, packets; /* questions for neighbours; datagrams */
static uint8_t last_mac[6];     /* of the last datagram's frame */
static uint32_t last_asked;

static void hear(struct model *m, struct model_queue *q)
{
    net_serve_tx(m, q);
    for (unsigned i = 0; i < net.wire_count; i++) {
        const uint8_t *f = net.wire[i], *ip = f + ETH;
        unsigned type = peer_get16(f + 12);

        if (type == ARP_TYPE && ip[7] == 1) {
            asked++;
            last_asked = peer_get32(ip + 24);
        } else if (type == IP6_TYPE && ip[6] == 58 && ip[40] == NS) {
            asked++;
            last_asked = peer_get32(ip + 60);
        } else if ((type == IP4_TYPE && ip[9] == 17) || (type == IP6_TYPE && ip[6] == 17)) {
            packets++;
            memcpy(last_mac, f, 6);
        }
    }
    net.wire_count = 0;
}

static void pass_ms(unsigned ms)
{
    task_sleep_until(hal_now_ns() + ms * HAL_MS);
}

static void boot(uint64_t ram)
{
    if (ram)
        host_set_ram(ram);
    peer_boot("ip=10.0.2.15::10.0.2.2:255.0.0.0");
    pass_ms(5000);
    net.m->on.kick = hear;
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    fd6 = socket(AF_INET6, SOCK_DGRAM, 0);
    asked = packets = 0;
}

/* ---- both families --------------------------------------------------------------------------- */

static bool six; /* the variant */

static void mac_of(uint32_t who, uint8_t mac[6])
{
    mac[0] = 2;
    mac[1] = 7;
    peer_put32(mac + 2, who);
}

static void say_arp(unsigned op, uint32_t who, uint32_t target)
{
    uint8_t arp[28] = {0, 1, 8, 0, 6, 4, 0, (uint8_t)op};

    mac_of(who, arp + 8);
    peer_put32(arp + 14, who);
    peer_put32(arp + 24, target);
    peer_frame(ARP_TYPE, arp, sizeof(arp));
}

/* From fe80::7:WHO; a neighbour that tells of itself, or answers. */
static void say_nd(unsigned type, uint32_t who)
{
    uint8_t packet[72] = {0x60, 0, 0, 0, 0, 32, 58, 255, 0xfe, 0x80}, *body = packet + 40;
    uint32_t sum;

    packet[19] = 7;
    peer_put32(packet + 20, who);
    memcpy(packet + 24, netif_ip6_addr(&net_core.devs->netif, 0)->addr, 16);
    body[0] = (uint8_t)type;
    body[4] = type == NA ? 0x60 : 0;
    memcpy(body + 8, type == NA ? packet + 8 : packet + 24, 16);
    body[24] = type == NA ? 2 : 1;
    body[25] = 1;
    mac_of(who, body + 26);
    sum = peer6_sum(peer6_sum(58 + 32, packet + 8, 32), body, 32);
    sum = (sum & 0xffff) + (sum >> 16);
    peer_put16(body + 2, ~sum & 0xffff);
    peer6_frame(peer6_image_mac, NULL, IP6_TYPE, packet, sizeof(packet));
}

/* The neighbour asks for this machine, or answers its question. */
static void tells(uint32_t who)
{
    six ? say_nd(NS, who) : say_arp(1, who, IMAGE_IP);
}

static void answers(uint32_t who)
{
    six ? say_nd(NA, who) : say_arp(2, who, IMAGE_IP);
}

static int try_send(uint32_t who)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};

    if (!six) {
        to.sin_addr.s_addr = htonl(who);
        return (int)sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
    }
    memcpy(&to6.sin6_addr, "\xfe\x80", 2);
    to6.sin6_addr.s6_addr[11] = 7;
    peer_put32(to6.sin6_addr.s6_addr + 12, who);
    to6.sin6_scope_id = 2;
    return (int)sendto(fd6, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&to6, sizeof(to6));
}

static void send_to(uint32_t who)
{
    CHECK_EQ(try_send(who), 1);
    host_run_services();
}

/* Is a packet for it on the cable at once, with its MAC? */
static bool is_known(uint32_t who)
{
    unsigned before = packets, questions = asked;
    uint8_t mac[6];

    send_to(who);
    mac_of(who, mac);
    return packets == before + 1 && asked == questions && memcmp(mac, last_mac, 6) == 0;
}

static void meet(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        send_to(CLIENT(i));
        answers(CLIENT(i));
    }
    CHECK_EQ(packets, n);
}

static unsigned waiting(void)
{
    return six ? net_nd6_waiting() : net_arp_waiting();
}

static unsigned known_of(unsigned n)
{
    unsigned known = 0;

    for (unsigned i = 0; i < n; i++)
        known += is_known(CLIENT(i));
    return known;
}

/* ---- cases ----------------------------------------------------------------------------------- */

/* They have asked for this machine: its packets to them wait for nothing. */
static void clients_that_came(void)
{
    struct net_stats s;

    six = case_variant;
    boot(0);
    for (unsigned i = 0; i < CLIENTS; i++)
        tells(CLIENT(i));
    send_to(FAKE(0));
    net_get_stats(&s);
    CHECK(s.neighbours == CLIENTS && s.neighbours_unknown == 1);
    asked = 0;
    CHECK_EQ(known_of(CLIENTS), CLIENTS);
    CHECK_EQ(asked, 0);
}

static void clients_that_were_asked(void)
{
    six = case_variant;
    boot(0);
    meet(CLIENTS);
    CHECK_EQ(asked, CLIENTS);
    CHECK_EQ(known_of(CLIENTS), CLIENTS);
    CHECK_EQ(asked, CLIENTS);
}

/* Strangers that say they are on the cable take no place of one that has answered. */
static void fake_neighbours(void)
{
    six = case_variant;
    boot(64 << 20);
    meet(CLIENTS);
    for (unsigned i = 0; i < FAKES; i++) {
        tells(FAKE(i));
        answers(FAKE(i)); /* nobody has asked */
    }
    CHECK_EQ(known_of(CLIENTS), CLIENTS);
    CHECK(net_mem_lent() < 1 << 20);
}

/* Nor do packets to addresses where nobody is. */
static void scan(void)
{
    six = case_variant;
    boot(64 << 20);
    meet(CLIENTS);
    for (unsigned i = 0; i < FAKES; i++) {
        try_send(FAKE(i));
        if (i % 16 == 0)
            host_run_services();
    }
    host_run_services();
    CHECK(waiting() <= IN_ALL);
    CHECK_EQ(known_of(CLIENTS), CLIENTS);
    CHECK(net_mem_lent() < 2 << 20);
    asked = 0;
    pass_ms(1000);
    CHECK(asked > 200 && asked <= 256); /* a quarter of the table */
    pass_ms(10000);
    CHECK_EQ(waiting(), 0);
}

/* A new neighbour is found while others are not. */
static void a_neighbour_during_a_scan(void)
{
    six = case_variant;
    boot(64 << 20);
    for (unsigned i = 0; i < FAKES; i++)
        try_send(FAKE(i));
    host_run_services();
    packets = 0;
    try_send(CLIENT(0));
    host_run_services();
    CHECK_EQ(last_asked, CLIENT(0));
    answers(CLIENT(0));
    CHECK(is_known(CLIENT(0)));
}

/* With little memory the table is small: those in use stay, whoever else is met. */
static void the_unused_go_first(void)
{
    six = case_variant;
    boot(4 << 20);
    for (unsigned i = 0; i < 300; i++) {
        send_to(CLIENT(i));
        answers(CLIENT(i));
        for (unsigned k = 0; k < 10 && k < i; k++)
            CHECK(is_known(CLIENT(k)));
        pass_ms(100);
    }
    CHECK(is_known(CLIENT(299)));
    CHECK(!is_known(CLIENT(20)));
    for (unsigned i = 0; i < 200; i++) { /* a table full of those that have answered */
        tells(FAKE(i));
        answers(FAKE(i));
    }
    for (unsigned i = 260; i < 300; i++)
        CHECK(is_known(CLIENT(i)));
}

static void packets_that_wait(void)
{
    six = case_variant;
    boot(0);
    for (unsigned i = 0; i < 2 * EACH; i++)
        send_to(CLIENT(0));
    CHECK_EQ(packets, 0);
    CHECK_EQ(asked, 1);
    answers(CLIENT(0));
    CHECK_EQ(packets, EACH);
    packets = 0;
    for (unsigned i = 1; i < 64; i++)
        for (unsigned k = 0; k < EACH; k++)
            try_send(CLIENT(i));
    host_run_services();
    for (unsigned i = 1; i < 64; i++)
        answers(CLIENT(i));
    CHECK(packets >= IN_ALL - EACH && packets <= IN_ALL);
    CHECK_EQ(waiting(), 0);
}

/* A neighbour in use is asked again before it would be forgotten; another one is forgotten. */
static void age_of_arp(void)
{
    boot(0);
    meet(2);
    asked = 0;
    for (unsigned s = 0; s < 280; s += 10) {
        pass_ms(10000);
        CHECK(is_known(CLIENT(0)) || s >= 260);
    }
    CHECK(asked >= 1);
    CHECK_EQ(last_asked, CLIENT(0));
    answers(CLIENT(0));
    pass_ms(30000);
    CHECK(is_known(CLIENT(0)));
    CHECK(!is_known(CLIENT(1)));
}

static void a_new_mac(void)
{
    uint8_t arp[28] = {0, 1, 8, 0, 6, 4, 0, 2, 2, 9, 9, 9, 9, 9};

    boot(0);
    meet(1);
    peer_put32(arp + 14, CLIENT(0)); /* to everybody, about itself */
    peer_put32(arp + 24, CLIENT(0));
    peer_frame(ARP_TYPE, arp, sizeof(arp));
    send_to(CLIENT(0));
    CHECK_EQ(last_mac[1], 9);
    peer_put32(arp + 14, CLIENT(1)); /* of one that nobody asked for */
    peer_put32(arp + 24, IMAGE_IP);
    peer_frame(ARP_TYPE, arp, sizeof(arp));
    asked = 0;
    send_to(CLIENT(1));
    CHECK_EQ(asked, 1);
}

int main(int argc, char **argv)
{
    static const struct test_variant both[] = {{"IPv4", 0}, {"IPv6", 1}, {NULL, 0}};
    static const struct test_case cases[] = {
        {"clients_that_came", clients_that_came, NULL, 0, both},
        {"clients_that_were_asked", clients_that_were_asked, NULL, 0, both},
        {"fake_neighbours", fake_neighbours, NULL, 0, both},
        {"scan", scan, NULL, 0, both},
        {"a_neighbour_during_a_scan", a_neighbour_during_a_scan, NULL, 0, both},
        {"the_unused_go_first", the_unused_go_first, NULL, 0, both},
        {"packets_that_wait", packets_that_wait, NULL, 0, both},
        SHOWS(age_of_arp, NULL),
        SHOWS(a_new_mac, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
