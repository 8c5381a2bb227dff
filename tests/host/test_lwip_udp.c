/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lwip_udp.c - the short way of received datagrams (net/lwip/net_udp.c): whatever comes, true
 * or forged, has the same effect as on the long way, which every packet takes while the image has
 * a raw socket: what sockets and callbacks get, what is counted, what is answered.
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "lwip/raw.h"
#include "lwip/stats.h"
#include "lwip/udp.h"
#include "net_impl.h"
#include "netmodel.h"
#include "peer.h"
#include "peer6.h"
#include "tasks.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum { ETH = 14, IP4 = 20, IP6 = 40, UDP = 8, FROM = 7 };
/* Ports, by who has them. */
enum { ANY = 9, PEER, OTHERS, OURS, TWO, SIX, FOUR_AND_SIX, RAW, DEAF, NOBODY, PORTS };
enum { SOCKETS = 8 };

static const struct net_header metas[] = {
    {0},
    {.flags = 2},
    {.flags = 1, .csum_start = 34, .csum_offset = 6},
    {.flags = 1, .csum_start = 54, .csum_offset = 6},
    {.flags = 1, .csum_start = 34, .csum_offset = 8},
    {.flags = 3, .csum_start = 34, .csum_offset = 6},
    {.flags = 2, .gso = 1, .gso_size = 100},
};
#define METAS (sizeof(metas) / sizeof(metas[0]))

static uint8_t data[4000];
static int fds[SOCKETS], fd_count;
static struct raw_pcb *guard; /* keeps the short way shut */

/* ---- who receives ---------------------------------------------------------------------------- */

/* What a frame has done. */
struct effect {
    uint32_t sockets[SOCKETS]; /* hashes of what each got, 0: nothing */
    uint32_t callback;
    struct stats_proto ip, ip6, udp;
    uint64_t malformed, no_memory;
    unsigned icmp, icmp6;
};

static struct {
    struct effect e;
    pbuf_free_custom_fn free_by; /* tells the way */
} now;

static uint32_t mixed(uint32_t hash, const void *what, size_t len)
{
    const uint8_t *p = what;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * 16777619u;
    return hash | 1;
}

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                        u16_t port)
{
    const void *header = ip_current_is_v6() ? (const void *)ip6_current_header()
                                            : (const void *)ip4_current_header();
    uint32_t hash = mixed(1, header, ip_current_header_tot_len());

    (void)arg;
    CHECK(from == ip_current_src_addr() && ip_current_netif() == ip_current_input_netif());
    CHECK(ip_current_netif() == &net_core.devs->netif && net_core.sender);
    CHECK(p->ref == 1 && pcb->local_port);
    hash = mixed(hash, &port, sizeof(port));
    for (const struct pbuf *q = p; q; q = q->next)
        hash = mixed(hash, q->payload, q->len);
    now.e.callback = mixed(hash, &p->tot_len, 2);
    now.free_by = ((struct pbuf_custom *)p)->custom_free_function;
    pbuf_free(p);
}

/* Counts errors that the image sends. */
static void hear(struct model *m, struct model_queue *q)
{
    net_serve_tx(m, q);
    for (unsigned i = 0; i < net.wire_count; i++) {
        const uint8_t *ip = net.wire[i] + ETH;

        now.e.icmp += peer_get16(ip - 2) == 0x0800 && ip[9] == PEER_ICMP && ip[IP4] == 3;
        now.e.icmp6 += peer_get16(ip - 2) == 0x86dd && ip[6] == 58 && ip[IP6] == 1;
    }
    net.wire_count = 0;
}

static const void *address(int family, uint32_t ip, uint16_t port)
{
    static struct sockaddr_in6 six;
    static struct sockaddr_in four;

    six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    four = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
    return family == AF_INET ? (const void *)&four : (const void *)&six;
}

static int receiver(int family, uint32_t ip, uint16_t port)
{
    int fd = socket(family, SOCK_DGRAM, 0), one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    CHECK_EQ(bind(fd, address(family, ip, port),
                  family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)),
             0);
    fds[fd_count++] = fd;
    return fd;
}

static void callbacks(uint16_t port, udp_recv_fn fn)
{
    struct udp_pcb *pcb;

    net_enter();
    pcb = udp_new_ip_type(IPADDR_TYPE_ANY);
    CHECK_EQ(udp_bind(pcb, IP_ANY_TYPE, port), ERR_OK);
    udp_recv(pcb, fn, NULL);
    net_leave();
}

static void boot(void)
{
    int fd, one = 1;

    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 5 + (i >> 8));
    peer_card.joins = true;
    peer6_boot("");
    receiver(AF_INET, 0, ANY);
    fd = receiver(AF_INET, 0, PEER);
    CHECK_EQ(connect(fd, address(AF_INET, PEER_IP, FROM), sizeof(struct sockaddr_in)), 0);
    fd = receiver(AF_INET, 0, OTHERS);
    CHECK_EQ(connect(fd, address(AF_INET, PEER_IP, FROM + 1), sizeof(struct sockaddr_in)), 0);
    receiver(AF_INET, IMAGE_IP, OURS);
    receiver(AF_INET, 0, TWO);
    receiver(AF_INET, IMAGE_IP, TWO);
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    CHECK_EQ(bind(fd, address(AF_INET6, 0, SIX), sizeof(struct sockaddr_in6)), 0);
    fds[fd_count++] = fd;
    receiver(AF_INET6, 0, FOUR_AND_SIX);
    CHECK_EQ(fd_count, SOCKETS);
    callbacks(RAW, on_datagram);
    callbacks(DEAF, NULL);
    net.m->on.kick = hear;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static uint8_t frame[ETH + IP6 + UDP + 4000];

static void put_sum(uint8_t *at, uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    peer_put16(at, ~(sum + (sum >> 16)) & 0xffff);
}

static uint32_t sum_of(uint32_t sum, const uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
    return sum;
}

static void sum_ip4(void)
{
    peer_put16(frame + ETH + 10, 0);
    put_sum(frame + ETH + 10, sum_of(0, frame + ETH, IP4));
}

/* The frame of a datagram to a port, of an IP of that version. Returns its length. */
static uint32_t datagram(unsigned version, uint16_t port, uint32_t len)
{
    uint8_t *ip = frame + ETH, *udp = ip + (version == 4 ? IP4 : IP6);
    uint32_t addresses;

    memset(frame, 0, sizeof(frame));
    memcpy(frame, peer6_image_mac, 6);
    memcpy(frame + 6, "\x52\x55\x0a\0\2\2", 6);
    peer_put16(frame + 12, version == 4 ? 0x0800 : 0x86dd);
    peer_put16(udp, FROM);
    peer_put16(udp + 2, port);
    peer_put16(udp + 4, UDP + len);
    memcpy(udp + UDP, data, len);
    if (version == 4) {
        memcpy(ip, "\x45\x10\0\0\0\0\0\0\x3f\x11", 10);
        peer_put16(ip + 2, IP4 + UDP + len);
        peer_put32(ip + 12, PEER_IP);
        peer_put32(ip + 16, IMAGE_IP);
        sum_ip4();
        addresses = sum_of(0, ip + 12, 8);
    } else {
        memcpy(ip, "\x60\0\0\0\0\0\x11\x3e\xfe\x80", 10);
        peer_put16(ip + 4, UDP + len);
        ip[23] = 1;
        memcpy(ip + 24, netif_ip6_addr(&net_core.devs->netif, 0)->addr, 16);
        addresses = sum_of(0, ip + 8, 32);
    }
    put_sum(udp + 6, sum_of(addresses + PEER_UDP + UDP + len, udp, UDP + len));
    len += (uint32_t)(udp + UDP - frame);
    return len < 60 ? 60 : len;
}

static void deliver(const struct net_header *h, uint32_t len)
{
    net_deliver_behind(h, frame, len);
    model_publish(net.m, net.rx);
    host_run_services();
}

/* ---- both ways ------------------------------------------------------------------------------- */

static uint32_t read_all(int fd)
{
    static uint8_t got[5000];
    struct sockaddr_in6 from;
    socklen_t len = sizeof(from);
    uint32_t hash = 0;
    ssize_t n;

    while ((n = recvfrom(fd, got, sizeof(got), MSG_DONTWAIT, (struct sockaddr *)&from, &len)) >=
           0) {
        hash = mixed(mixed(hash, got, (size_t)n), &from, len);
        hash = mixed(hash, &n, sizeof(n));
        len = sizeof(from);
    }
    CHECK_EQ(errno, EAGAIN);
    return hash;
}

static void shut_the_short_way(bool shut)
{
    net_enter();
    if (shut)
        guard = raw_new(200);
    else
        raw_remove(guard);
    net_leave();
}

/* The neighbour asks who the image is, which so knows it, and answers it at once. */
static void be_known(void)
{
    uint8_t solicitation[32] = {135}, arp[28] = {0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x55, 0x0a, 0, 2, 2};

    peer_put32(arp + 14, PEER_IP);
    peer_put32(arp + 24, IMAGE_IP);
    peer_frame(0x0806, arp, sizeof(arp));

    memcpy(solicitation + 8, netif_ip6_addr(&net_core.devs->netif, 0)->addr, 16);
    memcpy(solicitation + 24, "\1\1\x52\x55\x0a\0\2\2", 8);
    peer6_send(peer6_image_mac, 58, 2, solicitation, sizeof(solicitation));
}

static void effect_of(const struct net_header *h, uint32_t len, struct effect *out)
{
    struct net_stats before, after;

    if (netif_is_up(&net_core.devs->netif))
        be_known();
    memset(&now, 0, sizeof(now));
    memset(&lwip_stats.ip, 0, sizeof(lwip_stats.ip));
    memset(&lwip_stats.ip6, 0, sizeof(lwip_stats.ip6));
    memset(&lwip_stats.udp, 0, sizeof(lwip_stats.udp));
    net_get_stats(&before);
    deliver(h, len);
    net_get_stats(&after);
    for (int i = 0; i < SOCKETS; i++)
        now.e.sockets[i] = read_all(fds[i]);
    now.e.ip = lwip_stats.ip;
    now.e.ip6 = lwip_stats.ip6;
    now.e.udp = lwip_stats.udp;
    now.e.udp.cachehit = 0; /* lwIP's list, in which nobody searches */
    now.e.malformed = after.rx_malformed - before.rx_malformed;
    now.e.no_memory = after.rx_no_memory - before.rx_no_memory;
    *out = now.e;
    CHECK(!net_core.sender && !ip_current_netif() && !ip4_current_header() &&
          !ip6_current_header());
    task_sleep_until(hal_now_ns() + 30 * HAL_MS); /* answers are limited */
}

/* The effect of the frame, which is the same on both ways. */
static struct effect both(const struct net_header *h, uint32_t len)
{
    struct effect brief, whole;

    effect_of(h, len, &brief);
    shut_the_short_way(true);
    effect_of(h, len, &whole);
    shut_the_short_way(false);
    CHECK(memcmp(&brief, &whole, sizeof(brief)) == 0);
    return brief;
}

/* When no fragments wait any more, all buffers are the card's. */
static void end(void)
{
    struct vnet_stats s;

    task_sleep_until(hal_now_ns() + 70 * HAL_SEC);
    vnet_get_stats(vnet_get(0), &s);
    CHECK_EQ(s.rx_held + s.rx_records_held, 0);
}

static bool got_something(const struct effect *e)
{
    bool got = e->callback;

    for (int i = 0; i < SOCKETS; i++)
        got = got || e->sockets[i];
    return got;
}

/* ---- cases ----------------------------------------------------------------------------------- */

static void every_port_size_and_card(void)
{
    static const uint32_t sizes[] = {0, 1, 17, 18, 64, 200, 214, 215, 600, 1472};

    boot();
    for (unsigned version = 4; version <= 6; version += 2)
        for (uint16_t port = ANY; port < PORTS; port++)
            for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
                for (unsigned m = 0; m < METAS; m++) {
                    uint32_t size = version == 6 && sizes[i] > 1452 ? 1452 : sizes[i];

                    both(&metas[m], datagram(version, port, size));
                }
    end();
}

/* The short way is taken, and brings what the long one does. */
static void what_is_right_arrives(void)
{
    pbuf_free_custom_fn brief;
    struct effect e;

    boot();
    for (unsigned version = 4; version <= 6; version += 2) {
        for (uint32_t len = 0; len < 1400; len += 97) {
            e = both(&metas[0], datagram(version, RAW, len));
            CHECK(e.callback && !e.malformed && e.udp.recv == 1);
            effect_of(&metas[0], datagram(version, RAW, len), &e);
            brief = now.free_by;
            shut_the_short_way(true);
            effect_of(&metas[0], datagram(version, RAW, len), &e);
            shut_the_short_way(false);
            CHECK(brief != now.free_by);
        }
        e = both(&metas[0], datagram(version, FOUR_AND_SIX, 5));
        CHECK(e.sockets[7] && !e.icmp && !e.icmp6);
        e = both(&metas[0], datagram(version, NOBODY, 5));
        CHECK_EQ(version == 4 ? e.icmp : e.icmp6, 1);
        e = both(&metas[0], datagram(version, DEAF, 5));
        CHECK(!got_something(&e) && e.udp.recv == 1 && !e.udp.drop);
        e = both(&metas[0], datagram(version, PEER, 5));
        CHECK_EQ(version == 4, e.sockets[1] != 0);
        e = both(&metas[0], datagram(version, OTHERS, 5));
        CHECK(!got_something(&e));
    }
    end();
}

/* Each byte of the headers is another one, with the sum of IPv4's header right or not. */
static void forged(unsigned version, uint16_t port, const struct net_header *h)
{
    static const uint8_t bits[] = {0x01, 0x04, 0x40, 0x80, 0xff};
    unsigned headers = ETH + UDP + (version == 4 ? IP4 : IP6);

    for (unsigned at = 0; at < headers; at++)
        for (unsigned i = 0; i < sizeof(bits); i++)
            for (unsigned mend = 0; mend < (version == 4 && at >= ETH ? 2 : 1); mend++) {
                uint32_t len = datagram(version, port, 24);

                frame[at] ^= bits[i];
                if (mend)
                    sum_ip4();
                both(h, len);
            }
}

static void forged_headers_of_ip4(void)
{
    boot();
    for (unsigned m = 0; m < 3; m++) {
        forged(4, ANY, &metas[m]);
        forged(4, PEER, &metas[m]);
    }
    end();
}

static void forged_headers_of_ip6(void)
{
    boot();
    for (unsigned m = 0; m < 4; m++)
        forged(6, FOUR_AND_SIX, &metas[m]);
    end();
}

/* Senders and targets that no packet of one machine to this one has. */
static void addresses(void)
{
    static const uint32_t four[] = {0,          0x0a0002ff, 0x0a000200, 0xffffffff, 0xe0000001,
                                    0x7f000001, IMAGE_IP,   PEER_IP,    0x08080808, 0xf0000001};
    static const uint8_t six[][16] = {{0},
                                      {[15] = 1},
                                      {[10] = 0xff, 0xff, 10, 0, 2, 2},
                                      {0xff, 2, [15] = 1},
                                      {0x20, 1, 13},
                                      {0xfe, 0x80, [15] = 9}};

    boot();
    for (unsigned m = 0; m < 3; m++)
        for (unsigned i = 0; i < 10; i++)
            for (unsigned target = 0; target < 2; target++) {
                uint32_t len = datagram(4, ANY, 24);

                peer_put32(frame + ETH + (target ? 16 : 12), four[i]);
                sum_ip4();
                peer_put16(frame + ETH + IP4 + 6, m ? peer_get16(frame + ETH + IP4 + 6) : 0);
                both(&metas[m], len);
            }
    for (unsigned i = 0; i < 6; i++)
        for (unsigned target = 0; target < 2; target++) {
            uint32_t len = datagram(6, FOUR_AND_SIX, 24);

            memcpy(frame + ETH + (target ? 24 : 8), six[i], 16);
            both(&metas[1], len);
        }
    end();
}

/* Lengths of IP, UDP and frame that do not agree; a frame without room for what they say. */
static void lengths(void)
{
    boot();
    for (unsigned version = 4; version <= 6; version += 2)
        for (int ip = -30; ip <= 30; ip += 3)
            for (int udp = -30; udp <= 30; udp += 3) {
                uint32_t len = datagram(version, version == 4 ? ANY : FOUR_AND_SIX, 24);
                uint8_t *p = frame + ETH;

                peer_put16(p + (version == 4 ? 2 : 4),
                           peer_get16(p + (version == 4 ? 2 : 4)) + (uint32_t)ip);
                peer_put16(p + (version == 4 ? IP4 : IP6) + 4, 32 + (uint32_t)udp);
                if (version == 4)
                    sum_ip4();
                both(&metas[1], len);
                both(&metas[1], len - 10);
            }
    for (uint32_t len = ETH; len < 70; len++) {
        datagram(4, ANY, 24);
        both(&metas[1], len);
        datagram(6, FOUR_AND_SIX, 24);
        both(&metas[1], len);
    }
    end();
}

/* The card's interface is down, or has lost its address. */
static void no_interface(void)
{
    static const ip4_addr_t none;
    struct netif *netif;
    struct effect e;

    boot();
    netif = &net_core.devs->netif;
    net_enter();
    netif_set_down(netif);
    net_leave();
    e = both(&metas[1], datagram(4, ANY, 24));
    CHECK(!got_something(&e));
    both(&metas[1], datagram(6, FOUR_AND_SIX, 24));
    net_enter();
    netif_set_up(netif);
    netif_set_addr(netif, &none, &none, &none);
    net_leave();
    e = both(&metas[1], datagram(4, ANY, 24));
    CHECK(!got_something(&e));
    end();
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(every_port_size_and_card, NULL),
        SHOWS(what_is_right_arrives, NULL),
        SHOWS(forged_headers_of_ip4, NULL),
        SHOWS(forged_headers_of_ip6, NULL),
        SHOWS(addresses, NULL),
        SHOWS(lengths, NULL),
        SHOWS(no_interface, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
