/* SPDX-License-Identifier: BSD-2-Clause */
/* test_lwip_route6.c - which of two cards, and of several routers, a packet of IPv6 leaves by
 * (net/lwip/net_route6.c). */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "host.h"
#include "lwip/ethip6.h"
#include "lwip/ip6.h"
#include "lwip/priv/nd6_priv.h"
#include "net_impl.h"
#include "net_route.h"
#include "netif/ethernet.h"
#include "peer.h"
#include "peer6.h"
#include "tasks.h"

enum { ICMP6 = 58, RA = 134, NA = 136, IP6 = 40, LIFE = 1800 };
enum { LOW = 0x18, MEDIUM = 0, HIGH = 8 }; /* preferences in the flags of an advertisement */

/* The second card, of which lwIP alone knows. */
static struct net_dev second;
static uint8_t second_router; /* of its last frame: the last byte of the MAC that it went to */

static err_t second_output(struct netif *netif, struct pbuf *p)
{
    const uint8_t *f = p->payload;

    (void)netif;
    if (f[0] == 2)
        second_router = f[5];
    return ERR_OK;
}

static err_t init_second(struct netif *netif)
{
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
    netif->mtu = 1500;
    netif->hwaddr_len = 6;
    memcpy(netif->hwaddr, "\2\0\0\0\0\x77", 6);
    netif->linkoutput = second_output;
    netif->output_ip6 = ethip6_output;
    return ERR_OK;
}

static struct netif *first(void)
{
    return &net_core.devs->netif;
}

static void pass_ms(unsigned ms)
{
    task_sleep_until(hal_now_ns() + ms * HAL_MS);
}

static void boot(unsigned metric)
{
    peer6_boot("");
    net_enter();
    second.metric = metric;
    netif_add_noaddr(&second.netif, &second, init_second, NULL);
    netif_create_ip6_linklocal_address(&second.netif, 1);
    netif_set_ip6_autoconfig_enabled(&second.netif, 1);
    netif_set_up(&second.netif);
    net_leave();
    pass_ms(5000);
}

/* Router fe80::N of a card, with its MAC; the prefix 2001:db8:0:PREFIX::/64, 0: none. */
static void advertise(struct netif *netif, unsigned n, unsigned flags, unsigned life,
                      unsigned prefix)
{
    uint8_t frame[14 + IP6 + 16 + 8 + 32] = {0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, (uint8_t)n};
    uint8_t *ip = frame + 14, *ra = ip + IP6;
    unsigned len = prefix ? 56 : 24;
    uint32_t sum;

    peer_put16(frame + 12, 0x86dd);
    memcpy(ip, "\x60\0\0\0\0\0\x3a\xff\xfe\x80", 10);
    ip[5] = (uint8_t)len;
    ip[23] = (uint8_t)n;
    memcpy(ip + 24, "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    ra[0] = RA;
    ra[4] = 64;
    ra[5] = (uint8_t)flags;
    peer_put16(ra + 6, life);
    memcpy(ra + 16, "\1\1\2\0\0\0\0", 7);
    ra[23] = (uint8_t)n;
    if (prefix) {
        memcpy(ra + 24, "\3\4\x40\xc0", 4);
        peer_put32(ra + 28, 7200);
        peer_put32(ra + 32, 7200);
        memcpy(ra + 40, "\x20\1\x0d\xb8", 4);
        peer_put16(ra + 46, prefix);
    }
    sum = peer6_sum(peer6_sum(ICMP6 + len, ip + 8, 32), ra, len);
    sum = (sum & 0xffff) + (sum >> 16);
    peer_put16(ra + 2, ~sum & 0xffff);
    net_enter();
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(14 + IP6 + len), PBUF_RAM);
    pbuf_take(p, frame, p->tot_len);
    ethernet_input(p, netif);
    net_leave();
    host_run_services();
}

static ip6_addr_t address(unsigned prefix, unsigned host)
{
    ip6_addr_t a = {{htonl(0x20010db8), htonl(prefix), 0, htonl(host)}, 0};

    return a;
}

static struct netif *way(const ip6_addr_t *from, ip6_addr_t to)
{
    struct netif *netif;

    net_enter();
    netif = ip6_route(from ? from : IP6_ADDR_ANY6, &to);
    net_leave();
    return netif;
}

/* The address that a card has made of a prefix. */
static const ip6_addr_t *own(const struct netif *netif, unsigned prefix)
{
    ip6_addr_t a = address(prefix, 0);

    for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) &&
            ip6_addr_net_eq(&a, netif_ip6_addr(netif, i)))
            return netif_ip6_addr(netif, i);
    CHECK(!"the card has no address of that prefix");
    return NULL;
}

#define FAR address(99, 1)

static void both_have_routers(void)
{
    boot(case_variant ? 50 : 100); /* the second one is better */
    CHECK(way(NULL, FAR) == NULL);
    advertise(first(), 1, MEDIUM, LIFE, 1);
    pass_ms(3000);
    CHECK(way(NULL, FAR) == first());
    advertise(&second.netif, 2, MEDIUM, LIFE, 2);
    pass_ms(3000);
    CHECK(way(NULL, FAR) == (case_variant ? &second.netif : first()));
    CHECK(way(own(first(), 1), FAR) == first());
    CHECK(way(own(&second.netif, 2), FAR) == &second.netif);
    CHECK(way(NULL, address(1, 5)) == first());
    CHECK(way(NULL, address(2, 5)) == &second.netif);
    CHECK(way(own(first(), 1), address(2, 5)) == first()); /* by its router */
    CHECK(way(NULL, *own(&second.netif, 2)) == &second.netif);
    CHECK(way(own(first(), 1), *own(&second.netif, 2)) == &second.netif);
}

static void cables(void)
{
    boot(100);
    advertise(first(), 1, MEDIUM, LIFE, 1);
    advertise(&second.netif, 2, MEDIUM, LIFE, 2);
    pass_ms(3000);
    ip6_addr_t mine = *own(first(), 1);
    net_enter();
    netif_set_link_down(first());
    net_leave();
    CHECK(way(NULL, FAR) == &second.netif);
    CHECK(way(&mine, FAR) == NULL);
    CHECK(way(NULL, mine) == first());
    net_enter();
    netif_set_link_down(&second.netif);
    net_leave();
    CHECK(way(NULL, FAR) == NULL);
    net_enter();
    netif_set_link_up(first());
    net_leave();
    CHECK(way(NULL, FAR) == first());
    CHECK(way(&mine, FAR) == first());
}

/* A router with a lifetime of 0 is none, and one whose time is over is none any more. */
static void lifetimes(void)
{
    boot(100);
    advertise(first(), 1, MEDIUM, 0, 1);
    CHECK(way(NULL, FAR) == NULL);
    pass_ms(3000);
    CHECK(way(NULL, address(1, 5)) == first());
    advertise(&second.netif, 2, MEDIUM, 60, 2);
    pass_ms(3000);
    CHECK(way(NULL, FAR) == &second.netif);
    CHECK(way(own(first(), 1), FAR) == &second.netif); /* the first one leads nowhere near */
    pass_ms(60000);
    CHECK(way(NULL, FAR) == NULL);
}

static int router(const struct netif *netif)
{
    int i;

    net_enter();
    i = net_nd6_router(netif);
    net_leave();
    if (i < 0)
        return -1;
    return (int)(ntohl(default_router_list[i].neighbor_entry->next_hop_address.addr[3]) & 255);
}

/* RFC 4191, 3.1 and 3.2. */
static void preferences(void)
{
    boot(100);
    CHECK_EQ(router(NULL), -1);
    advertise(&second.netif, 7, LOW, LIFE, 2);
    CHECK_EQ(router(NULL), 7);
    advertise(&second.netif, 8, MEDIUM, LIFE, 0);
    CHECK_EQ(router(NULL), 8);
    advertise(&second.netif, 9, HIGH, LIFE, 0);
    CHECK_EQ(router(NULL), 9);
    advertise(first(), 1, LOW, LIFE, 1);
    CHECK_EQ(router(first()), 1);
    CHECK_EQ(router(&second.netif), 9);
    pass_ms(3000);
    CHECK(way(NULL, FAR) == &second.netif);
    advertise(&second.netif, 9, HIGH, 0, 0);
    CHECK_EQ(router(NULL), 8);
}

/* The router in use falls silent: packets go to the other one. */
static void a_silent_router(void)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    int fd;

    boot(100);
    advertise(&second.netif, 7, HIGH, LIFE, 2);
    advertise(&second.netif, 8, MEDIUM, LIFE, 0);
    pass_ms(3000);
    ip6_addr_t far = FAR;
    memcpy(&to.sin6_addr, far.addr, 16);
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    CHECK_EQ(second_router, 7);
    for (unsigned s = 0; s < 42; s++) { /* 30 s reachable, 5 s of delay, three questions */
        pass_ms(1000);
        sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
    }
    CHECK_EQ(second_router, 8);
}

static void no_route(void)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    ip6_addr_t far = FAR;
    int fd;

    boot(100);
    memcpy(&to.sin6_addr, far.addr, 16);
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    pass_ms(20000);
    CHECK_FAILS(connect(fd, (struct sockaddr *)&to, sizeof(to)), ENETUNREACH);
    advertise(&second.netif, 2, MEDIUM, LIFE, 2);
    pass_ms(3000);
    CHECK_EQ(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    socklen_t len = sizeof(to);
    CHECK_EQ(getsockname(fd, (struct sockaddr *)&to, &len), 0);
    CHECK(memcmp(&to.sin6_addr, own(&second.netif, 2)->addr, 16) == 0);
}

int main(int argc, char **argv)
{
    static const struct test_variant two[] = {{"equal", 0}, {"metric", 1}, {NULL, 0}};
    static const struct test_case cases[] = {
        {"both_have_routers", both_have_routers, NULL, 0, two},
        SHOWS(cables, NULL),
        SHOWS(lifetimes, NULL),
        SHOWS(preferences, NULL),
        SHOWS(a_silent_router, NULL),
        SHOWS(no_route, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
