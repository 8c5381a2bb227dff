/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lwip_dhcp.c - leases of DHCP with a server on the cable (net/lwip/net_lease.c; RFC 2131):
 * renewed and rebound by the second, gone at their end, refused and declined; MTU and routes.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "host.h"
#include "lwip/dns.h"
#include "lwip/netif.h"
#include "net.h"
#include "net_hooks.h"
#include "net_impl.h"
#include "netmodel.h"
#include "peer.h"
#include "tasks.h"

#define OTHER_IP 0x0a000278u /* 10.0.2.120 */

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE };

/* The server: what it grants, and what it heard. Times are seconds since the last ACK. */
static struct {
    uint32_t address, lease, mask, t1, t2;
    unsigned extra_len;
    uint8_t extra[64]; /* more options */
    bool nak, silent;
    unsigned count[8];    /* of messages by type */
    uint64_t acked_ns;    /* when it last agreed */
    uint64_t asked_ns[8]; /* the requests since then */
    uint32_t asked_to[8];
    unsigned asked;
    uint8_t wish[32]; /* the parameter request list */
    uint32_t declined;
} server;

static struct dhcp_reply {
    uint32_t len;
    uint8_t data[400];
} reply;

static void send_reply(void *arg)
{
    (void)arg;
    peer_udp_between(PEER_IP, 67, 0xffffffff, 68, reply.data, reply.len);
}

static uint8_t *option(uint8_t *at, unsigned code, uint32_t value)
{
    at[0] = (uint8_t)code;
    at[1] = 4;
    peer_put32(at + 2, value);
    return at + 6;
}

static void build_reply(const struct heard *h, unsigned type)
{
    uint8_t *at = reply.data + 243;

    memset(&reply, 0, sizeof(reply));
    memcpy(reply.data, h->data, 44);
    reply.data[0] = 2;
    memcpy(reply.data + 236, "\x63\x82\x53\x63\x35\1", 6);
    reply.data[242] = (uint8_t)type;
    at = option(at, 54, PEER_IP);
    if (type != NAK) {
        peer_put32(reply.data + 16, server.address);
        at = option(option(at, 1, server.mask), 3, PEER_IP);
        at = option(at, 51, server.lease);
        if (server.t1)
            at = option(option(at, 58, server.t1), 59, server.t2);
        memcpy(at, server.extra, server.extra_len);
        at += server.extra_len;
    }
    *at++ = 255;
    reply.len = (uint32_t)(at - reply.data) < 300 ? 300 : (uint32_t)(at - reply.data);
}

static void note(const struct heard *h, unsigned type)
{
    const uint8_t *end = h->data + h->len;

    server.count[type]++;
    for (const uint8_t *o = h->data + 240; o < end && *o != 255; o += *o ? 2 + o[1] : 1) {
        if (*o == 55)
            memcpy(server.wish, o + 2, o[1]);
        if (*o == 50 && type == DECLINE)
            server.declined = peer_get32(o + 2);
    }
    if (type == REQUEST && server.asked < 8) {
        server.asked_to[server.asked] = h->dst;
        server.asked_ns[server.asked++] = hal_now_ns() - server.acked_ns;
    }
}

static void serve(const struct heard *h)
{
    unsigned type;

    if (h->proto != PEER_UDP || h->dport != 67 || h->len < 243)
        return;
    type = h->data[242] & 7;
    note(h, type);
    if (server.silent || (type != DISCOVER && type != REQUEST))
        return;
    type = type == DISCOVER ? OFFER : server.nak ? NAK : ACK;
    build_reply(h, type);
    if (type == ACK) {
        server.acked_ns = hal_now_ns();
        server.asked = 0;
    }
    host_at(hal_now_ns() + HAL_MS, send_reply, NULL);
}

static const struct netif *interface(void)
{
    CHECK(net_core.devs != NULL);
    return &net_core.devs->netif;
}

static uint32_t own_address(void)
{
    return ntohl(netif_ip4_addr(interface())->addr);
}

static void pass(uint64_t ms)
{
    task_sleep_until(hal_now_ns() + ms * HAL_MS);
}

static void grant(uint32_t lease)
{
    server.address = IMAGE_IP;
    server.lease = lease;
    server.mask = 0xffffff00;
}

static void boot(void)
{
    peer_listen(serve);
    peer_boot("ip=dhcp");
    CHECK_EQ(net_wait_up(hal_now_ns() + 10 * HAL_SEC), 0);
    CHECK_EQ(own_address(), server.address);
}

static bool near(uint64_t ns, uint64_t ms)
{
    return ns + 100 * HAL_MS >= ms * HAL_MS && ns <= (ms + 600) * HAL_MS;
}

/* ---- times ----------------------------------------------------------------------------------- */

static const uint32_t leases[] = {10, 20, 60, 89, 130, 3600};

static void renewed_at_half_of_the_time(void)
{
    uint32_t lease = leases[case_variant];

    grant(lease);
    boot();
    server.silent = true; /* so that the request is kept */
    pass(lease / 2 * 1000 - 200);
    CHECK_EQ(server.asked, 0);
    pass(800);
    CHECK_EQ(server.asked, 1);
    CHECK_EQ(server.asked_to[0], PEER_IP);
    CHECK(near(server.asked_ns[0], lease / 2 * 1000));
}

static void renewed_again_and_again(void)
{
    grant(10);
    boot();
    for (unsigned i = 0; i < 20; i++) {
        pass(1000);
        CHECK_EQ(own_address(), IMAGE_IP);
    }
    CHECK(server.count[REQUEST] >= 4 && server.count[REQUEST] <= 6);
    CHECK_EQ(server.count[DISCOVER], 1);
    CHECK_EQ(host_log_matches("address 10.0.2.15"), 1);
}

/* The server of the lease is silent: others are asked after 7/8, and the end is the end. */
static void rebound_and_ended(void)
{
    uint32_t lease = leases[case_variant];
    unsigned broadcast = 0;

    grant(lease);
    boot();
    server.silent = true;
    pass(lease * 1000ull - 200);
    CHECK_EQ(own_address(), IMAGE_IP);
    while (broadcast < server.asked && server.asked_to[broadcast] == PEER_IP)
        broadcast++;
    CHECK(broadcast >= 1 && (broadcast < server.asked || server.asked == 8));
    if (broadcast < server.asked) {
        CHECK_EQ(server.asked_to[broadcast], 0xffffffff);
        CHECK(near(server.asked_ns[broadcast], lease * 7ull / 8 * 1000));
    }
    pass(400);
    CHECK_EQ(own_address(), 0);
    CHECK_EQ(host_log_matches("the DHCP lease ended: no server has renewed it"), 1);
    CHECK_EQ(server.count[RELEASE], 0);
    server.silent = false;
    CHECK_EQ(net_wait_up(hal_now_ns() + 100 * HAL_SEC), 0);
}

static void times_of_the_server_count(void)
{
    grant(100);
    server.t1 = 20;
    server.t2 = 40;
    boot();
    server.silent = true;
    pass(19800);
    CHECK_EQ(server.asked, 0);
    pass(600);
    CHECK_EQ(server.asked, 1);
    pass(20000);
    CHECK_EQ(server.asked_to[server.asked - 1], 0xffffffff);
    CHECK(near(server.asked_ns[server.asked - 1], 40000));
}

/* T1 behind T2, or behind the end: those of RFC 2131 are taken. */
static void times_that_cannot_be(void)
{
    static const uint32_t t[][2] = {{90, 50}, {200, 300}, {50, 100}};

    grant(100);
    server.t1 = t[case_variant][0];
    server.t2 = t[case_variant][1];
    boot();
    server.silent = true;
    pass(49800);
    CHECK_EQ(server.asked, 0);
    pass(600);
    CHECK_EQ(server.asked, 1);
}

/* Longer than lwIP's counters reach, or for ever; lwIP's clock of 32 bits does not matter. */
static void long_leases(void)
{
    static const uint32_t times[] = {65535, 65536, 1000000, 31536000, 0xfffffffe, 0xffffffff};
    const struct net_lease *l;
    uint64_t now;
    uint32_t t = times[case_variant];

    grant(t);
    boot();
    l = &net_core.devs->lease;
    now = hal_now_ns();
    if (t == 0xffffffff) {
        CHECK(l->t1_ns == HAL_NEVER && l->t2_ns == HAL_NEVER && l->end_ns == HAL_NEVER);
    } else {
        CHECK(near(l->t1_ns - now, t / 2 * 1000ull));
        CHECK(near(l->t2_ns - now, t * 7ull / 8 * 1000));
        CHECK(near(l->end_ns - now, t * 1000ull));
    }
    server.silent = true;
    for (unsigned i = 0; i < 10; i++)
        pass(100000);
    CHECK_EQ(server.asked, 0);
    CHECK_EQ(own_address(), IMAGE_IP);
}

static void nak(void)
{
    grant(10);
    boot();
    server.nak = true;
    pass(5100);
    CHECK_EQ(own_address(), 0);
    CHECK_EQ(host_log_matches("DHCP: a server refuses 10.0.2.15 (NAK)"), 1);
    CHECK(!host_logged("lease ended"));
    pass(600);
    CHECK_EQ(server.count[DISCOVER], 2); /* at once after the first */
    pass(60000);
    CHECK(server.count[DISCOVER] > 6 && server.count[DISCOVER] < 10);
    CHECK_EQ(host_log_matches("DHCP: a server refuses"), 1);
    server.nak = false;
    server.address = OTHER_IP;
    CHECK_EQ(net_wait_up(hal_now_ns() + 70 * HAL_SEC), 0);
    CHECK_EQ(own_address(), OTHER_IP);
    pass(20000);
    CHECK_EQ(own_address(), OTHER_IP);
}

/* ---- values that cannot be ------------------------------------------------------------------- */

static const struct {
    uint32_t address, mask, lease;
} bad[] = {
    {IMAGE_IP, 0, 100},          {IMAGE_IP, 0xff00ff00, 100},   {0, 0xffffff00, 100},
    {0x7f000005, 0xff000000, 9}, {0xe0000001, 0xffffff00, 100}, {0xffffffff, 0xffffff00, 100},
    {0x0a0002ff, ~255u, 100},    {0x0a000200, ~255u, 100},      {IMAGE_IP, 0xffffff00, 0},
};

static void refused(void)
{
    peer_listen(serve);
    server.address = bad[case_variant].address;
    server.mask = bad[case_variant].mask;
    server.lease = bad[case_variant].lease;
    peer_boot("ip=dhcp");
    pass(9000);
    CHECK_EQ(own_address(), 0);
    CHECK_EQ(server.count[REQUEST], 0);
    CHECK_EQ(host_log_matches("cannot be: refused"), 1);
    grant(100);
    CHECK_EQ(net_wait_up(hal_now_ns() + 100 * HAL_SEC), 0);
    CHECK_EQ(own_address(), IMAGE_IP);
}

/* 0.0.0.0 is nobody's address, a card's without a lease neither (RFC 1122, 3.2.1.3). */
static void nobody_is_at_no_address(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(7)};
    int stream, datagram;
    uint8_t syn[20] = {0, 9, 0, 7, [12] = 5 << 4, [13] = PEER_SYN, [14] = 1};
    char c;

    peer_boot("ip=dhcp");
    stream = socket(AF_INET, SOCK_STREAM, 0);
    datagram = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(bind(stream, (struct sockaddr *)&at, sizeof(at)), 0);
    CHECK_EQ(listen(stream, 1), 0);
    CHECK_EQ(bind(datagram, (struct sockaddr *)&at, sizeof(at)), 0);
    pass(1000);
    CHECK_EQ(own_address(), 0);
    peer_udp_between(PEER_IP, 9, 0, 7, "x", 1);
    peer_tcp_between(PEER_IP, 0, syn, sizeof(syn));
    pass(100);
    CHECK_EQ(recv(datagram, &c, 1, MSG_DONTWAIT), -1);
    CHECK_EQ(net_tcp_half_open(), 0);
}

static void masks_of_one_machine(void)
{
    grant(100);
    server.mask = case_variant ? 0xfffffffe : 0xffffffff;
    boot();
    CHECK_EQ(ntohl(netif_ip4_netmask(interface())->addr), server.mask);
}

/* ---- another machine with the address -------------------------------------------------------- */

static void arp_from(uint32_t sender, unsigned op)
{
    uint8_t arp[28] = {0, 1, 8, 0, 6, 4, 0, (uint8_t)op, 2, 2, 2, 2, 2, 2};

    peer_put32(arp + 14, sender);
    peer_put32(arp + 24, sender);
    peer_frame(0x0806, arp, sizeof(arp));
}

static void a_conflict_is_declined(void)
{
    grant(3600);
    boot();
    pass(1000);
    arp_from(OTHER_IP, 2);
    CHECK_EQ(own_address(), IMAGE_IP);
    server.address = OTHER_IP;
    arp_from(IMAGE_IP, case_variant ? 1 : 2);
    CHECK_EQ(own_address(), IMAGE_IP); /* one packet may be a stray */
    arp_from(IMAGE_IP, 2);             /* the answer to a second question */
    CHECK_EQ(own_address(), 0);
    CHECK_EQ(server.count[DECLINE], 1);
    CHECK_EQ(server.declined, IMAGE_IP);
    CHECK(host_logged("10.0.2.15 belongs to 02:02:02:02:02:02 as well: declined"));
    CHECK_EQ(server.count[DISCOVER], 1);
    CHECK_EQ(net_wait_up(hal_now_ns() + 15 * HAL_SEC), 0);
    CHECK_EQ(own_address(), OTHER_IP);
}

static void a_late_conflict_is_defended(void)
{
    grant(3600);
    boot();
    pass(11000);
    arp_from(IMAGE_IP, 1);
    CHECK_EQ(own_address(), IMAGE_IP);
    CHECK_EQ(server.count[DECLINE], 0);
}

/* ---- options --------------------------------------------------------------------------------- */

/* A card with an MTU below 576, the least that IPv4 knows: messages still fit, and DHCP works. */
static void a_card_of_a_small_mtu(void)
{
    grant(20);
    net.mtu = case_variant ? 400 : 575;
    boot();
    CHECK_EQ(interface()->mtu, net.mtu);
}

static void the_mtu(void)
{
    static const unsigned mtus[][2] = {{600, 600}, {68, 68}, {67, 1500}, {9000, 1500}, {0, 1500}};

    grant(20);
    memcpy(server.extra, "\x1a\2", 2);
    peer_put16(server.extra + 2, mtus[case_variant][0]);
    server.extra_len = 4;
    boot();
    CHECK_EQ(interface()->mtu, mtus[case_variant][1]);
    CHECK(memchr(server.wish, 26, sizeof(server.wish)) != NULL);
}

/* Those that no machine can have are left out; the rest of a list that is
   cut off is nothing; two options are one list (RFC 3396). */
static void time_servers(void)
{
    static const uint8_t text[] = {42, 14, 10, 0, 2, 7, 224, 0, 0, 1,  0,  0, 0, 0,  192, 0, 42, 17,
                                   2,  9,  0,  0, 0, 0, 10,  0, 2, 10, 10, 0, 2, 11, 10,  0, 2};
    static const char *const want[] = {"10.0.2.7", "192.0.2.9", "10.0.2.10", "10.0.2.11"};
    char server_text[NET_ADDRESS_TEXT];
    unsigned n = case_variant ? 4 : 3;

    grant(20);
    memcpy(server.extra, text, sizeof(text));
    server.extra_len = sizeof(text);
    if (n == 3) { /* fewer than are kept: 10.0.2.11 is left out */
        server.extra[17] = 13;
        server.extra_len = 31;
    }
    boot();
    CHECK(memchr(server.wish, 42, sizeof(server.wish)) != NULL);
    for (unsigned i = 0; i < n; i++) {
        CHECK_EQ(net_time_server(i, server_text), 0);
        CHECK(!strcmp(server_text, want[i]));
    }
    CHECK_EQ(net_time_server(n, server_text), -ENOENT);
    pass(15000);
    CHECK_EQ(host_log_matches("time servers 10.0.2.7 192.0.2.9 10.0.2.10"), 1);
    server.silent = true; /* what the lease named ends with it */
    pass(21000);
    CHECK_EQ(net_time_server(0, server_text), -ENOENT);
}

static void name_servers_of_a_lease(void)
{
    static const uint8_t text[] = {6, 8, 10, 0, 2, 3, 10, 0, 2, 4};

    grant(20);
    memcpy(server.extra, text, sizeof(text));
    server.extra_len = sizeof(text);
    boot();
    CHECK_EQ(ntohl(ip_2_ip4(dns_getserver(0))->addr), 0x0a000203);
    CHECK_EQ(ntohl(ip_2_ip4(dns_getserver(1))->addr), 0x0a000204);
    CHECK(ip_addr_isany(dns_getserver(2)));
}

static uint32_t hop(uint32_t to)
{
    ip4_addr_t a = {htonl(to)};

    return ntohl(net_next_hop4(interface(), &a)->addr);
}

static void routes(void)
{
    /* 192.0.2.0/24 by .7; 192.0.2.128/25 by .8; 198.51.100.0/24 on the link; the rest by .9 */
    static const uint8_t text[] = {
        121, 8 + 9 + 8 + 5, 24, 192, 0, 2, 10, 0, 2, 7,  25, 192, 0, 2, 128, 10, 0, 2, 8,
        24,  198,           51, 100, 0, 0, 0,  0, 0, 10, 0,  2,   9};

    grant(100);
    memcpy(server.extra, text, sizeof(text));
    server.extra_len = sizeof(text);
    boot();
    CHECK_EQ(hop(0xc0000201), 0x0a000207);
    CHECK_EQ(hop(0xc0000281), 0x0a000208);
    CHECK_EQ(hop(0xc6336405), 0xc6336405);
    CHECK_EQ(hop(0x08080808), 0x0a000209);
    CHECK_EQ(server.wish[0], 121); /* in front of option 3: RFC 3442 */
    server.extra_len = 0;
    pass(60000);
    CHECK_EQ(hop(0xc0000201), PEER_IP);
}

/* A list that is cut off, or with a prefix of 33 bits, ends there. */
static void wrong_routes(void)
{
    static const uint8_t text[][14] = {{121, 12, 24, 192, 0, 2, 10, 0, 2, 7, 33, 1, 1, 1},
                                       {121, 12, 24, 192, 0, 2, 10, 0, 2, 7, 24, 192, 0, 2}};

    grant(100);
    memcpy(server.extra, text[case_variant], 14);
    server.extra_len = 14;
    boot();
    CHECK_EQ(hop(0xc0000201), 0x0a000207);
    CHECK_EQ(net_core.devs->lease.routes, 1);
}

#define V(n)                                                                                       \
    {                                                                                              \
#n, n                                                                                      \
    }
#define VARIED(f, v)                                                                               \
    {                                                                                              \
#f, f, NULL, 0, v                                                                          \
    }

int main(int argc, char **argv)
{
    static const struct test_variant six[] = {V(0), V(1), V(2), V(3), V(4), V(5), {NULL, 0}};
    static const struct test_variant nine[] = {V(0), V(1), V(2), V(3), V(4),
                                               V(5), V(6), V(7), V(8), {NULL, 0}};
    static const struct test_variant five[] = {V(0), V(1), V(2), V(3), V(4), {NULL, 0}};
    static const struct test_variant three[] = {V(0), V(1), V(2), {NULL, 0}};
    static const struct test_variant two[] = {V(0), V(1), {NULL, 0}};
    static const struct test_case cases[] = {
        VARIED(renewed_at_half_of_the_time, six),
        SHOWS(renewed_again_and_again, NULL),
        VARIED(rebound_and_ended, six),
        SHOWS(times_of_the_server_count, NULL),
        VARIED(times_that_cannot_be, three),
        VARIED(long_leases, six),
        SHOWS(nak, NULL),
        VARIED(refused, nine),
        SHOWS(nobody_is_at_no_address, NULL),
        VARIED(masks_of_one_machine, two),
        VARIED(a_conflict_is_declined, two),
        SHOWS(a_late_conflict_is_defended, NULL),
        VARIED(the_mtu, five),
        VARIED(a_card_of_a_small_mtu, two),
        VARIED(time_servers, two),
        SHOWS(name_servers_of_a_lease, NULL),
        SHOWS(routes, NULL),
        VARIED(wrong_routes, two),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
