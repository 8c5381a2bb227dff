/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tcp_mtu.c - segments of TCP fit the path (net/lwip/tcp_mtu.c, net_path_mtu.c), on the path
 * of tests/host/net/path.h. Variants of a case: 4 and 6, for IPv4 and IPv6.
 */
#include <string.h>

#include "check.h"
#include "lwip/priv/tcp_priv.h"
#include "narrow.h"
#include "net_impl.h"
#include "peer.h"
#include "peer6.h"

/* ---- what routers say ------------------------------------------------------------------------ */

static void segments_are_not_cut(void)
{
    narrow_boot();
    narrow_begin(MB, 80);
    narrow_all_arrives(MB);
    CHECK_EQ(narrow.longest, FULL);
    CHECK_EQ(narrow.cuttable, 0);
    CHECK(narrow.whole > MB / 1460);
}

/* The path of an open connection narrows, and narrows again. */
static void a_path_narrows(void)
{
    static const unsigned mtus[] = {1400, 1280};

    narrow_boot();
    narrow_begin_endless();
    CHECK(path_run(20 * HAL_SEC, narrow_half));
    CHECK_EQ(narrow.longest, FULL);
    for (unsigned i = 0; i < 2; i++) {
        path.link[PATH_A].mtu = mtus[i];
        narrow.worst_gap = 0;
        narrow_run(100 * HAL_MS);
        CHECK_EQ(a.pcb->mss, mtus[i] - narrow_headers());
        CHECK(narrow.worst_gap < 50 * HAL_MS);
        CHECK(!narrow.recovered);
        narrow_forget();
        path.count[PATH_A].too_long = 0;
        narrow_run(100 * HAL_MS);
        CHECK_EQ(narrow.longest, mtus[i]);
        CHECK_EQ(path.count[PATH_A].too_long, 0);
        CHECK_EQ(narrow.cuttable, 0);
    }
    narrow_end();
}

/* The same with sockets, both of which send. */
static void sockets_follow(void)
{
    narrow_boot();
    a = (struct flow_end){.to_send = 2 * MB, .key = 1, .ip6 = narrow_ip6(), .sock = true};
    b = (struct flow_end){.to_send = 2 * MB, .key = 2, .ip6 = narrow_ip6(), .sock = true};
    flow_listen(&b, PATH_B, 80);
    flow_connect(&a, PATH_A, 0, 80, &b);
    CHECK(path_run(20 * HAL_SEC, narrow_half));
    path.link[PATH_A].mtu = path.link[PATH_B].mtu = 1280;
    narrow_run(30 * HAL_MS);
    narrow_forget();
    narrow_all_arrives(2 * MB);
    CHECK_EQ(a.received, 2 * MB);
    CHECK_EQ(a.wrong, 0);
    CHECK_EQ(narrow.longest, 1280);
    CHECK(narrow.worst_gap < 50 * HAL_MS);
}

/* Other connections to this address know at once, later ones from the start. */
static void all_connections_follow(void)
{
    narrow_boot();
    c = (struct flow_end){.to_send = FLOW_ENDLESS, .key = 3, .ip6 = narrow_ip6()};
    d = (struct flow_end){.to_send = 0, .key = 4, .ip6 = narrow_ip6()};
    flow_listen(&d, PATH_B, 81);
    flow_connect(&c, PATH_A, 0, 81, &d);
    narrow_begin_endless();
    CHECK(path_run(20 * HAL_SEC, narrow_half));
    path.link[PATH_A].mtu = 1300;
    narrow_run(60 * HAL_MS);
    CHECK_EQ(a.pcb->mss, 1300 - narrow_headers());
    CHECK_EQ(c.pcb->mss, 1300 - narrow_headers());
    narrow_end();
    CHECK_EQ(d.received, c.written);
    c.peer = NULL;
    narrow_forget();
    narrow_begin(MB, 82);
    path.count[PATH_A].too_long = 0;
    narrow_all_arrives(MB);
    CHECK_EQ(narrow.longest, 1300);
    CHECK_EQ(path.count[PATH_A].too_long, 0);
    CHECK_EQ(narrow.offered, FULL - narrow_headers()); /* of what comes, the path says nothing */
}

/* The peer's address is not known to be narrow for longer than ten minutes. */
static void words_are_forgotten(void)
{
    narrow_boot();
    narrow_begin(FLOW_ENDLESS, 80);
    path.link[PATH_A].mtu = 1300;
    narrow_run(200 * HAL_MS);
    CHECK_EQ(a.pcb->mss, 1300 - narrow_headers());
    b.holds = true;
    narrow_run(590 * HAL_SEC);
    CHECK_EQ(a.pcb->mss, 1300 - narrow_headers());
    path.link[PATH_A].mtu = 0;
    narrow_run(20 * HAL_SEC);
    flow_read(&b);
    narrow_run(HAL_SEC);
    CHECK_EQ(a.pcb->mss, FULL - narrow_headers());
    narrow_forget();
    narrow_run(HAL_SEC);
    CHECK_EQ(narrow.longest, FULL);
    CHECK_EQ(b.wrong, 0);
    flow_abort_all();
}

/* Packets are on their way, and none arrives. */
static void on_the_way(void)
{
    narrow_begin(FLOW_ENDLESS, 80);
    narrow_run(22 * HAL_MS);
    path.link[PATH_A].down = true;
    narrow_forget();
    narrow_run(30 * HAL_MS);
    CHECK(narrow.len == FULL && a.pcb->unacked && a.pcb->unsent);
}

static void lies_are_not_believed(void)
{
    uint8_t lie[FULL], *ip = narrow.packet;
    unsigned tcp = narrow_ip6() ? 40 : 20;
    /* The bytes of the quoted packet that are wrong: ports, sequence number. */
    const unsigned wrong[] = {tcp, tcp + 1, tcp + 2, tcp + 3, tcp + 4};

    narrow_boot();
    on_the_way();
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        memcpy(lie, ip, FULL);
        lie[wrong[i]] ^= 0x80;
        path_too_big(PATH_A, lie, FULL, 1300);
        path_settle(HAL_MS);
        CHECK_EQ(a.pcb->mss, FULL - narrow_headers());
    }
    memcpy(lie, ip, FULL);
    peer_put32(lie + tcp + 4, a.pcb->lastack - 1); /* was acknowledged */
    path_too_big(PATH_A, lie, FULL, 1300);
    peer_put32(lie + tcp + 4, a.pcb->snd_nxt); /* was not sent */
    path_too_big(PATH_A, lie, FULL, 1300);
    path_too_big(PATH_A, ip, FULL, FULL); /* is not too long */
    path_too_big(PATH_A, ip, FULL, 9000);
    path_too_big(PATH_A, ip, FULL, 20); /* cannot be */
    if (!narrow_ip6()) {
        memcpy(lie, ip, FULL);
        lie[6] &= ~0x40; /* could have been cut */
        path_too_big(PATH_A, lie, FULL, 1300);
    }
    path_settle(HAL_MS);
    CHECK_EQ(a.pcb->mss, FULL - narrow_headers());
    path_too_big(PATH_A, ip, FULL, 1300);
    path_settle(HAL_MS);
    CHECK_EQ(a.pcb->mss, 1300 - narrow_headers());
    flow_abort_all();
}

/* A path becomes narrower a few times, not many times. */
static void a_flood_is_not_believed(void)
{
    unsigned changes = 0, last = FULL;

    narrow_boot();
    on_the_way();
    for (unsigned mtu = FULL - 1; mtu > FULL - 100; mtu--) {
        path_too_big(PATH_A, narrow.packet, FULL, mtu);
        path_settle(HAL_MS);
        changes += a.pcb->mss != last;
        last = a.pcb->mss;
    }
    CHECK_EQ(changes, 8);
    flow_abort_all();
}

/* RFC 1191, section 7: routers that do not say how narrow the path is. */
static void a_router_without_numbers(void)
{
    static const unsigned mtus[] = {1492, 1006, 552};

    narrow_boot();
    on_the_way();
    for (unsigned i = 0; i < 3; i++) {
        path_too_big(PATH_A, narrow.packet, narrow.len, 0);
        path_settle(HAL_MS);
        CHECK_EQ(a.pcb->mss, mtus[i] - 40);
    }
    flow_abort_all();
}

/* Below 552 bytes, segments have 512, and routers cut them. */
static void narrower_than_the_least(void)
{
    narrow_boot();
    on_the_way();
    path_too_big(PATH_A, narrow.packet, narrow.len, 300);
    path_settle(HAL_MS);
    CHECK_EQ(a.pcb->mss, 512);
    path.link[PATH_A].down = false;
    narrow_forget();
    narrow_run(3 * HAL_SEC);
    CHECK_EQ(narrow.longest, 552);
    CHECK(narrow.cuttable > 10);
    CHECK_EQ(narrow.whole, 0);
    CHECK_EQ(b.wrong, 0);
    flow_abort_all();
}

/* The least of an IPv6 path is no news that may be wrong by 1. */
static void narrower_than_1280(void)
{
    narrow_boot();
    on_the_way();
    path_too_big(PATH_A, narrow.packet, narrow.len, 1279);
    path_settle(HAL_MS);
    CHECK_EQ(a.pcb->mss, FULL - 60);
    path_too_big(PATH_A, narrow.packet, narrow.len, 1280);
    path_settle(HAL_MS);
    CHECK_EQ(a.pcb->mss, 1220);
    flow_abort_all();
}

/* ---- interfaces and peers -------------------------------------------------------------------- */

/* DHCP, a router or a program changes the MTU of the interface (side A is the first in the list).
 */
static void interfaces_count(void)
{
    struct netif *netif;

    narrow_boot();
    on_the_way();
    net_enter();
    netif = ip_route(&a.pcb->local_ip, &a.pcb->remote_ip);
    netif->mtu = netif->mtu6 = 1400;
    tcp_mtu_follow(NULL);
    CHECK_EQ(a.pcb->mss, 1400 - narrow_headers());
    netif->mtu = netif->mtu6 = FULL;
    tcp_mtu_follow(NULL);
    CHECK_EQ(a.pcb->mss, FULL - narrow_headers());
    netif->mtu = netif->mtu6 = 1400;
    net_leave();
    flow_abort_all();
    path.link[PATH_A].down = false;
    narrow_forget();
    narrow_begin(MB, 81);
    narrow_all_arrives(MB);
    CHECK_EQ(narrow.offered, 1400 - narrow_headers());
    CHECK_EQ(narrow.longest, 1400);
}

/* RFC 4861, 4.6.4: the last advertisement counts. */
static void routers_say_how_wide_a_link_is(void)
{
    static const unsigned said[] = {1400, 1280, 1500, 9000, 1279, 1300},
                          mtus[] = {1400, 1280, 1500, 1500, 1500, 1300};

    peer6_boot("");
    for (unsigned i = 0; i < 6; i++) {
        uint8_t ra[24] = {134, 0, 0, 0, 64, 0, 7, 8, [16] = 5, 1};

        peer_put32(ra + 20, said[i]);
        peer6_send(peer6_group_mac, 58, 2, ra, sizeof(ra));
        CHECK_EQ(net_core.devs->netif.mtu6, mtus[i]);
        CHECK_EQ(net_core.devs->netif.mtu, FULL);
    }
}

/* The option belongs into a SYN; elsewhere it would let anybody multiply packets. */
static void a_peer_names_its_segments_once(void)
{
    struct segment s = {.dport = 0, .sport = 80, .flags = SEG_ACK, .mss = 64, .scale = SEG_NO_OPTS},
                   last;
    uint8_t packet[100];

    narrow_boot();
    on_the_way();
    narrow_run(50 * HAL_MS); /* B has acknowledged what it has */
    s.dport = a.pcb->local_port;
    s.seq = a.pcb->rcv_nxt;
    s.ack = a.pcb->lastack;
    s.window = 60000;
    s.stamped = true;
    s.stamp = a.pcb->ts_recent;
    CHECK(segment_read(&last, narrow.packet, narrow.len));
    s.echo = last.stamp;
    path_send(PATH_B, packet, segment_make(&s, PATH_OWN(PATH_B), PATH_ALIAS(PATH_B), packet));
    path_settle(20 * HAL_MS);
    CHECK_EQ(a.pcb->mss, FULL - 40);
    CHECK_EQ(a.pcb->snd_wnd, 60000 << a.pcb->snd_scale); /* it was heard */
    flow_abort_all();
}

/* ---- segments in the queues ------------------------------------------------------------------ */

/* What waits to be sent when the path narrows goes in pieces; the end of the stream is at its end.
 */
static void queues_are_divided(void)
{
    uint64_t bytes = 11 * (FULL - narrow_headers() - 12); /* the first window has ten segments */

    narrow_boot();
    narrow_begin(bytes, 80);
    path.link[PATH_A].mtu = 1280;
    narrow_all_arrives(bytes);
    CHECK_EQ(path.count[PATH_A].too_long, 10);
    CHECK_EQ(path.count[PATH_A].lost, 0);
}

/* The application adds to a segment that is too long by now. */
static void a_write_behind_a_long_segment(void)
{
    static uint8_t more[3000];
    uint32_t len = 3000;

    narrow_boot();
    on_the_way();
    path_too_big(PATH_A, narrow.packet, narrow.len, 1280);
    path_settle(HAL_MS);
    memcpy(more, flow_bytes(a.key, a.written, &len), len);
    a.to_send = a.written + len;
    path.link[PATH_A].down = false;
    narrow_all_arrives(a.to_send);
}

#define FAMILIES(f)                                                                                \
    {                                                                                              \
#f, f, NULL, 0, families                                                                   \
    }

int main(int argc, char **argv)
{
    static const struct test_variant families[] = {{"ipv4", 4}, {"ipv6", 6}, {NULL, 0}};
    static const struct test_case cases[] = {
        {"segments_are_not_cut", segments_are_not_cut, NULL, 4, NULL},
        FAMILIES(a_path_narrows),
        {"sockets_follow", sockets_follow, NULL, 4, NULL},
        FAMILIES(all_connections_follow),
        FAMILIES(words_are_forgotten),
        FAMILIES(lies_are_not_believed),
        FAMILIES(a_flood_is_not_believed),
        {"a_router_without_numbers", a_router_without_numbers, NULL, 4, NULL},
        {"narrower_than_the_least", narrower_than_the_least, NULL, 4, NULL},
        {"narrower_than_1280", narrower_than_1280, NULL, 6, NULL},
        FAMILIES(interfaces_count),
        {"routers_say_how_wide_a_link_is", routers_say_how_wide_a_link_is, NULL, 6, NULL},
        {"a_peer_names_its_segments_once", a_peer_names_its_segments_once, NULL, 4, NULL},
        FAMILIES(queues_are_divided),
        FAMILIES(a_write_behind_a_long_segment),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
