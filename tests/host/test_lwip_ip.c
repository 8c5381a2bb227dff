/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lwip_ip.c - what lwIP's IP layer does wrong by itself, with another machine on the cable:
 * the mends of scripts/fix-lwip and the checks in front.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "host.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/timeouts.h"
#include "net_impl.h"
#include "netmodel.h"
#include "peer.h"
#include "peer6.h"
#include "tasks.h"

/* ---- fragments (RFC 791, 3.2) ---------------------------------------------------------------- */

static struct {
    uint8_t data[9000], seen[9000];
    uint32_t end; /* where the last fragment ends; 0: not seen */
    unsigned lasts, longest;
} whole;

static void collect(const struct heard *h)
{
    const uint8_t *ip = h->data - 28;
    uint32_t at = (peer_get16(ip + 6) & 0x1fff) * 8, len = peer_get16(ip + 2) - 20;

    if (h->proto != PEER_UDP)
        return;
    if (len + 20 > whole.longest)
        whole.longest = len + 20;
    CHECK(at + len <= sizeof(whole.data));
    memcpy(whole.data + at, ip + 20, len);
    memset(whole.seen + at, 1, len);
    if (!(peer_get16(ip + 6) & 0x2000)) {
        whole.lasts++;
        whole.end = at + len;
    }
}

static void fragments_at_any_mtu(void)
{
    static uint8_t sent[4000];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd;

    peer_boot("ip=10.0.2.15/24");
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    to.sin_addr.s_addr = htonl(PEER_IP);
    CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    AWAIT(peer_count(PEER_UDP) == 1, 1);
    peer_listen(collect);
    for (unsigned i = 0; i < sizeof(sent); i++)
        sent[i] = (uint8_t)(i * 7 + i / 251);
    for (unsigned mtu = case_variant; mtu < case_variant + 8; mtu++)
        for (uint32_t len = 1; len < sizeof(sent); len += len < 3 * mtu ? 1 + mtu / 40 : 411) {
            if (len > 1500 && mtu < 100)
                break;
            memset(&whole, 0, sizeof(whole));
            net_core.devs->netif.mtu = (u16_t)mtu;
            net_route_changed();
            CHECK_EQ(sendto(fd, sent, len, 0, (struct sockaddr *)&to, sizeof(to)), len);
            AWAIT(whole.end, 1);
            CHECK(whole.lasts == 1 && whole.end == 8 + len && whole.longest <= mtu);
            CHECK(!memchr(whole.seen, 0, whole.end));
            CHECK(!memcmp(whole.data + 8, sent, len));
        }
}

/* ---- without memory -------------------------------------------------------------------------- */

#define HOG 40000

static struct {
    void *block[HOG];
    unsigned blocks;
} hog;

/* Takes all of the stack's memory, and gives `spare` blocks back, each of which fits all uses. */
static void take_memory(unsigned spare)
{
    static const size_t sizes[] = {2000, 1000, 400, 100, 16};

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        while (hog.blocks < HOG && (hog.block[hog.blocks] = net_malloc(sizes[i])))
            hog.blocks++;
    CHECK(hog.blocks < HOG && hog.blocks > spare);
    for (unsigned i = 0; i < spare; i++) {
        net_free(hog.block[i]);
        hog.block[i] = NULL;
    }
}

static void give_memory_back(void)
{
    while (hog.blocks)
        net_free(hog.block[--hog.blocks]);
}

/* Memory may end at any of the allocations that the pieces of a datagram need. */
static void fragments_without_memory(void)
{
    static uint8_t sent[1400];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    unsigned lost = 0;
    int fd;
    uint64_t lent;

    host_set_ram(4 << 20);
    peer_boot("ip=10.0.2.15/24");
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    to.sin_addr.s_addr = htonl(PEER_IP);
    CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    AWAIT(peer_count(PEER_UDP) == 1, 1);
    peer_listen(collect);
    task_sleep_until(hal_now_ns() + 300 * HAL_SEC); /* all that starts with the image is done */
    CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    task_sleep_until(hal_now_ns() + HAL_SEC);
    net_core.devs->netif.mtu = 200;
    net_route_changed();
    lent = net_mem_lent();
    for (unsigned spare = 0; spare < 40; spare++) {
        take_memory(spare);
        memset(&whole, 0, sizeof(whole));
        lost += sendto(fd, sent, sizeof(sent), 0, (struct sockaddr *)&to, sizeof(to)) < 0;
        task_sleep_until(hal_now_ns() + 10 * HAL_MS);
        give_memory_back();
        task_sleep_until(hal_now_ns() + 10 * HAL_MS);
        CHECK_EQ(net_mem_lent(), lent);
    }
    CHECK(lost > 8 && lost < 40);
    CHECK(whole.lasts == 1 && whole.end == 8 + sizeof(sent));
}

static void note_call(void *arg)
{
    *(bool *)arg = true;
}

static void timers_without_memory(void)
{
    bool called = false;

    host_set_ram(4 << 20);
    peer_boot("ip=10.0.2.15/24");
    task_sleep_until(hal_now_ns() + HAL_SEC);
    take_memory(0);
    net_enter();
    sys_timeout(10, note_call, &called);
    net_timers_changed();
    net_leave();
    AWAIT(called, 1);
}

/* What lies across the window's edge waits for nobody: it would be taken in its turn. */
static void data_beyond_the_window(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(80)};
    static uint8_t data[1400];
    struct peer_tcp c;
    uint32_t seq;
    int l;

    peer_boot("ip=10.0.2.15/24");
    l = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(bind(l, (struct sockaddr *)&a, sizeof(a)), 0);
    CHECK_EQ(listen(l, 1), 0);
    peer_connect(&c, 4000, 80);
    seq = c.seq;
    c.seq = seq + tcp_active_pcbs->rcv_wnd - 700;
    peer_segment(&c, PEER_ACK, data, sizeof(data));
    CHECK(!tcp_active_pcbs->ooseq);
    c.seq = seq + tcp_active_pcbs->rcv_wnd - sizeof(data);
    peer_segment(&c, PEER_ACK, data, sizeof(data));
    CHECK(tcp_active_pcbs->ooseq != NULL);
}

static void all_of_127(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int a, b;
    char got[2];

    peer_boot("ip=10.0.2.15/24");
    a = socket(AF_INET, SOCK_DGRAM, 0);
    b = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(bind(b, (struct sockaddr *)&to, sizeof(to)), 0);
    to.sin_addr.s_addr = htonl(0x7f090909);
    CHECK_EQ(sendto(a, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    task_sleep_until(hal_now_ns() + 10 * HAL_MS);
    CHECK_EQ(recv(b, got, 2, MSG_DONTWAIT), 1);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static const uint8_t everybody[] = {255, 255, 255, 255, 255, 255};

/* An echo request to the image. Its length. */
static uint32_t ping(uint8_t *ip, uint32_t to)
{
    memset(ip, 0, 40);
    ip[0] = 0x45;
    ip[3] = 40;
    ip[8] = 64;
    ip[9] = PEER_ICMP;
    peer_put32(ip + 12, PEER_IP);
    peer_put32(ip + 16, to);
    peer_put16(ip + 10, ~peer6_sum(0, ip, 20) & 0xffff);
    ip[20] = 8;
    peer_put16(ip + 22, ~peer6_sum(0, ip + 20, 20) & 0xffff);
    return 40;
}

/* Is it answered? */
static bool answered(const uint8_t *mac, const void *tag)
{
    uint8_t ip[40];

    peer_forget();
    peer6_frame(mac, tag, 0x0800, ip, ping(ip, IMAGE_IP));
    task_sleep_until(hal_now_ns() + 10 * HAL_MS);
    return peer_count(PEER_ICMP) == 1;
}

static void tags_of_a_priority(void)
{
    peer_boot("ip=10.0.2.15/24");
    CHECK(answered(peer6_image_mac, NULL));
    CHECK(answered(peer6_image_mac, "\x81\0\0\0"));
    CHECK(answered(peer6_image_mac, "\x81\0\xe0\0"));
    CHECK(answered(peer6_image_mac, "\x81\0\x10\0")); /* may be dropped by who is short */
    CHECK(!answered(peer6_image_mac, "\x81\0\0\1"));
    CHECK(!answered(peer6_image_mac, "\x81\0\xe1\0"));
}

static void frames_for_others(void)
{
    peer_boot("ip=10.0.2.15/24");
    CHECK(answered(peer6_image_mac, NULL));
    CHECK(!answered((const uint8_t *)"\x52\x54\0\x12\x34\x57", NULL));
    CHECK(!answered(everybody, NULL));
    CHECK(!answered((const uint8_t *)"\x01\0\x5e\0\0\1", NULL));
    CHECK_EQ(net_core.rx_malformed, 3);
}

/* Who asks a closed port ten thousand times is not told ten thousand times. */
static void errors_are_limited(void)
{
    peer_boot("ip=10.0.2.15/24");
    CHECK(answered(peer6_image_mac, NULL));
    peer_forget();
    for (unsigned i = 0; i < 200; i++)
        peer_udp(9, 9, "x", 1);
    CHECK(peer_count(PEER_ICMP) >= 50 && peer_count(PEER_ICMP) < 60);
    task_sleep_until(hal_now_ns() + HAL_SEC);
    peer_forget();
    for (unsigned i = 0; i < 200; i++)
        peer_udp(9, 9, "x", 1);
    CHECK(peer_count(PEER_ICMP) >= 50 && peer_count(PEER_ICMP) < 60);
}

/* ---- identifiers ----------------------------------------------------------------------------- */

static unsigned ip_id(void)
{
    const struct heard h = peer_last(0);

    return peer_get16(h.data - (h.proto == PEER_UDP ? 28 : 20) + 4);
}

/* Who counts packets by them learns of others' traffic. The first datagram of a socket goes the
   long way: its header is not made of that of one before. */
static void identifiers_of_packets(void)
{
    static uint8_t seen[65536];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    unsigned regular = 0, last = 0;
    uint16_t step = 0;

    peer_boot("ip=10.0.2.15/24");
    to.sin_addr.s_addr = htonl(PEER_IP);
    for (unsigned i = 0; i < 64; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM, 0);

        CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
        AWAIT(peer_count(PEER_UDP) == i + 1, 1);
        CHECK_EQ(fd_close(fd), 0);
        regular += step == (uint16_t)(ip_id() - last);
        step = (uint16_t)(ip_id() - last);
        last = ip_id();
    }
    CHECK(regular < 4);
    for (unsigned i = 0; i < 65536; i++) {
        uint16_t id = net_ip4_id(0);

        CHECK(!seen[id]++);
    }
    CHECK_EQ(net_ip4_id(htons(0x4000)), 0); /* atomic: RFC 6864 */
}

/* ---- IPv6 ------------------------------------------------------------------------------------ */

static struct {
    unsigned solicited, advertised; /* neighbour discovery from the image */
    unsigned datagrams, fragments;
    uint32_t ids[64]; /* of the fragments */
} heard6;

static void hear6(const uint8_t *packet)
{
    heard6.datagrams += packet[6] == PEER_UDP;
    if (packet[6] == 44)
        heard6.ids[heard6.fragments++ % 64] = peer_get32(packet + 44);
    if (packet[6] == 58) {
        heard6.solicited += packet[40] == 135 && packet[8] != 0;
        heard6.advertised += packet[40] == 136 && packet[24] != 0xff;
    }
}

static void boot6(void)
{
    peer6_boot("");
    peer6_listen(hear6);
}

/* A solicitation for the image's own address with these eight bytes of an option. */
static void solicit(const char *option)
{
    uint8_t ns[32] = {135};

    memcpy(ns + 8, netif_ip6_addr(&net_core.devs->netif, 0)->addr, 16);
    if (option)
        memcpy(ns + 24, option, 8);
    peer6_send(peer6_image_mac, 58, 2, ns, option ? 32 : 24);
    task_sleep_until(hal_now_ns() + 10 * HAL_MS);
}

static void solicitations(void)
{
    uint8_t na[32] = {136, 0, 0, 0, 0x60, 0, 0, 0, 0xfe, 0x80};

    boot6();
    /* No address, or another option in its place: the sender's address is asked for first. */
    solicit(case_variant ? "\x0e\1\7\7\7\7\7\7" : NULL);
    CHECK_EQ(heard6.advertised, 0);
    CHECK_EQ(heard6.solicited, 1);
    na[23] = 1;
    memcpy(na + 24, "\2\1\x52\x55\x0a\0\2\2", 8);
    peer6_send(peer6_image_mac, 58, 2, na, 32);
    task_sleep_until(hal_now_ns() + 10 * HAL_MS);
    CHECK_EQ(heard6.advertised, 1);
    solicit("\1\1\x52\x55\x0a\0\2\2");
    CHECK_EQ(heard6.advertised, 2);
}

/* What found no memory to wait for a neighbour does not count among those that wait. */
static void waiting_without_memory(void)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    uint8_t na[32] = {136, 0, 0, 0, 0x60, 0, 0, 0, 0xfe, 0x80};
    int fd;

    host_set_ram(4 << 20);
    boot6();
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    memcpy(&to.sin6_addr, "\xfe\x80", 2);
    to.sin6_addr.s6_addr[15] = 1;
    to.sin6_scope_id = 2;
    CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    take_memory(1);
    for (unsigned i = 0; i < 3 * MEMP_NUM_ND6_QUEUE; i++)
        sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
    give_memory_back();
    to.sin6_addr.s6_addr[15] = 2;
    heard6.datagrams = 0;
    CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    na[23] = 2;
    memcpy(na + 24, "\2\1\x52\x55\x0a\0\2\2", 8);
    peer6_send(peer6_image_mac, 58, 2, na, 32);
    task_sleep_until(hal_now_ns() + 10 * HAL_MS);
    CHECK_EQ(heard6.datagrams, 1);
}

static void identifiers_of_fragments(void)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    uint8_t na[32] = {136, 0, 0, 0, 0x60, 0, 0, 0, 0xfe, 0x80};
    static char datagram[2000];
    unsigned near = 0;

    boot6();
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    memcpy(&to.sin6_addr, "\xfe\x80", 2);
    to.sin6_addr.s6_addr[15] = 1;
    to.sin6_scope_id = 2;
    CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    na[23] = 1;
    memcpy(na + 24, "\2\1\x52\x55\x0a\0\2\2", 8);
    peer6_send(peer6_image_mac, 58, 2, na, 32);
    for (unsigned i = 0; i < 16; i++) {
        CHECK_EQ(sendto(fd, datagram, sizeof(datagram), 0, (struct sockaddr *)&to, sizeof(to)),
                 sizeof(datagram));
        AWAIT(heard6.fragments == 2 * i + 2, 1);
        CHECK_EQ(heard6.ids[2 * i], heard6.ids[2 * i + 1]);
        near += i && heard6.ids[2 * i] - heard6.ids[2 * i - 1] + 65536 < 131072;
    }
    CHECK(near <= 1);
}

static void a_missing_neighbour(void)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    uint64_t start;
    int fd;

    boot6();
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    memcpy(&to.sin6_addr, "\xfe\x80", 2);
    to.sin6_addr.s6_addr[15] = 3;
    to.sin6_scope_id = 2;
    start = hal_now_ns();
    CHECK_FAILS(connect(fd, (struct sockaddr *)&to, sizeof(to)), EHOSTUNREACH);
    CHECK(hal_now_ns() < start + 5 * HAL_SEC);
}

/* RFC 4862, 5.5.3 e: who sends wrong advertisements cannot take an address away at once. */
static void two_hours(void)
{
    const struct netif *netif;

    boot6();
    netif = &net_core.devs->netif;
    peer6_advertise(7, 86400, 14400);
    CHECK_EQ(netif_ip6_addr_valid_life(netif, 1), 86400);
    peer6_advertise(7, 86300, 14400);
    CHECK_EQ(netif_ip6_addr_valid_life(netif, 1), 86300);
    peer6_advertise(7, 0, 0);
    CHECK_EQ(netif_ip6_addr_valid_life(netif, 1), 7200);
    peer6_advertise(7, 60, 60);
    CHECK_EQ(netif_ip6_addr_valid_life(netif, 1), 7200);
    peer6_advertise(7, 7300, 60);
    CHECK_EQ(netif_ip6_addr_valid_life(netif, 1), 7300);
    peer6_advertise(7, 0xffffffff, 0xffffffff);
    peer6_advertise(7, 100, 100);
    CHECK_EQ(netif_ip6_addr_valid_life(netif, 1), 7200);
}

int main(int argc, char **argv)
{
    static const struct test_variant mtus[] = {
        {"68", 68}, {"576", 576}, {"1280", 1280}, {"1493", 1493}, {NULL, 0}};
    static const struct test_variant two[] = {{"bare", 0}, {"nonce", 1}, {NULL, 0}};
    static const struct test_case cases[] = {
        {"fragments_at_any_mtu", fragments_at_any_mtu, NULL, 0, mtus},
        SHOWS(fragments_without_memory, NULL),
        SHOWS(timers_without_memory, NULL),
        SHOWS(data_beyond_the_window, NULL),
        SHOWS(all_of_127, NULL),
        SHOWS(tags_of_a_priority, NULL),
        SHOWS(frames_for_others, NULL),
        SHOWS(errors_are_limited, NULL),
        {"solicitations", solicitations, NULL, 0, two},
        SHOWS(identifiers_of_packets, NULL),
        SHOWS(identifiers_of_fragments, NULL),
        SHOWS(waiting_without_memory, NULL),
        SHOWS(a_missing_neighbour, NULL),
        SHOWS(two_hours, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
