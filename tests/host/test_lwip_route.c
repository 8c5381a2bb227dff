/* SPDX-License-Identifier: BSD-2-Clause */
/* test_lwip_route.c - which of two cards a packet leaves by (net/lwip/net_route.c). */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "host.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/ip4.h"
#include "lwip/netif.h"
#include "net_impl.h"
#include "peer.h"
#include "tasks.h"

/* The second card, of which lwIP alone knows: 10.0.3.15/24. */
static struct net_dev second;

static err_t drop(struct netif *netif, struct pbuf *p)
{
    (void)netif;
    (void)p;
    return ERR_OK;
}

static err_t init_second(struct netif *netif)
{
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
    netif->mtu = 1500;
    netif->hwaddr_len = 6;
    netif->linkoutput = drop;
    netif->output = etharp_output;
    return ERR_OK;
}

static struct netif *first(void)
{
    return &net_core.devs->netif;
}

static void boot(const char *ip, uint32_t gateway)
{
    ip4_addr_t address = {htonl(0x0a00030f)}, mask = {htonl(0xffffff00)}, via = {htonl(gateway)};

    peer_boot(ip);
    net_enter();
    second.metric = 100;
    netif_add(&second.netif, &address, &mask, &via, &second, init_second, NULL);
    netif_set_up(&second.netif);
    net_leave();
}

static struct netif *way(uint32_t from, uint32_t to)
{
    ip4_addr_t source = {htonl(from)}, target = {htonl(to)};
    struct netif *netif;

    net_enter();
    netif = ip4_route_src(from ? &source : NULL, &target);
    net_leave();
    return netif;
}

#define OWN1   "ip=10.0.2.15::10.0.2.2:255.255.255.0::vnet0"
#define NO_GW  "ip=10.0.2.15/24"
#define FAR    0x08080808u
#define OTHER  0xc0000205u /* 192.0.2.5 */
#define GROUP  0xe0010203u
#define SECOND 0x0a00030fu
#define LO     0x7f000001u

static void networks_come_first(void)
{
    boot(OWN1, 0x0a000301);
    CHECK(way(0, 0x0a000299) == first());
    CHECK(way(0, 0x0a000399) == &second.netif);
    CHECK(way(IMAGE_IP, 0x0a000399) == first()); /* by its router */
    CHECK(way(0, FAR) == first());
    CHECK(way(IMAGE_IP, FAR) == first());
    CHECK(way(SECOND, FAR) == &second.netif);
    CHECK(way(0, 0x7f000001) != first() && way(0, 0x7f000001) != &second.netif);
}

static int datagrams_on(struct sockaddr *a, socklen_t len)
{
    int fd = socket(a->sa_family, SOCK_DGRAM, 0);

    CHECK_EQ(bind(fd, a, len), 0);
    return fd;
}

static void what_is_from_loopback_stays(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(LO)};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int fd, six;

    boot(NO_GW, 0);
    CHECK(!way(LO, 0x0a000299) && !way(LO, FAR));
    CHECK(way(LO, GROUP) == way(0, LO) && way(LO, 0xffffffff) == way(0, LO));
    fd = datagrams_on((struct sockaddr *)&to, sizeof(to));
    to.sin_port = htons(9);
    to.sin_addr.s_addr = htonl(0x0a000299);
    CHECK_FAILS(connect(fd, (struct sockaddr *)&to, sizeof(to)), EINVAL);
    CHECK_FAILS(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), EINVAL);
    to.sin_addr.s_addr = htonl(FAR);
    CHECK_FAILS(connect(fd, (struct sockaddr *)&to, sizeof(to)), ENETUNREACH);
    to.sin_addr.s_addr = htonl(GROUP);
    CHECK_EQ(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    six = datagrams_on((struct sockaddr *)&to6, sizeof(to6));
    to6.sin6_port = htons(9);
    memcpy(&to6.sin6_addr, "\x20\x01\x0d\xb8", 4);
    CHECK_FAILS(connect(six, (struct sockaddr *)&to6, sizeof(to6)), ENETUNREACH);
}

/* The first card has no router, or no address at all: the second one leads out. */
static void the_card_that_leads_there(void)
{
    boot(case_variant ? "ip=off" : NO_GW, 0x0a000301);
    CHECK(way(0, FAR) == &second.netif);
    CHECK(way(IMAGE_IP, FAR) == &second.netif);
    CHECK(way(0, GROUP) == &second.netif);
    CHECK(way(0, 0xffffffff) == &second.netif);
}

static void routes_of_dhcp(void)
{
    struct net_lease *l = &second.lease;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd;

    boot(OWN1, 0);
    CHECK(way(0, OTHER) == first());
    l->routes = 1;
    l->route[0].to.addr = htonl(OTHER & ~255u);
    l->route[0].mask.addr = htonl(0xffffff00);
    l->route[0].via.addr = htonl(0x0a000307);
    net_route_changed();
    CHECK(way(0, OTHER) == &second.netif);
    CHECK(way(0, FAR) == first());
    CHECK(way(SECOND, FAR) == first());
    fd = socket(AF_INET, SOCK_DGRAM, 0); /* without a router, too */
    to.sin_addr.s_addr = htonl(OTHER);
    CHECK_EQ(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    to.sin_addr.s_addr = htonl(FAR);
    CHECK_EQ(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    net_enter();
    netif_set_gw(first(), IP4_ADDR_ANY4);
    net_leave();
    CHECK_FAILS(connect(fd, (struct sockaddr *)&to, sizeof(to)), ENETUNREACH);
}

static void a_card_that_is_out(void)
{
    boot(OWN1, 0x0a000301);
    net_enter();
    netif_set_link_down(first());
    net_leave();
    CHECK(way(0, FAR) == &second.netif);
}

static void name(struct netif *netif, unsigned number, uint32_t addr)
{
    ip_addr_t server = IPADDR4_INIT(htonl(addr));

    net_names_set(netif, number, &server);
}

static void check_names(uint32_t a, uint32_t b, uint32_t c)
{
    CHECK_EQ(ntohl(ip_2_ip4(dns_getserver(0))->addr), a);
    CHECK_EQ(ntohl(ip_2_ip4(dns_getserver(1))->addr), b);
    CHECK_EQ(ntohl(ip_2_ip4(dns_getserver(2))->addr), c);
    CHECK(ip_addr_isany(dns_getserver(3)) && ip_addr_isany(dns_getserver(255)));
}

/* Each card has its own name servers: they count as long as it leads anywhere. */
static void name_servers_of_cards(void)
{
    boot("ip=10.0.2.15:::255.255.255.0::vnet0:off:10.0.2.3:10.0.2.4", 0x0a000301);
    second.index = 1;
    net_core.devs->next = &second;
    check_names(0x0a000203, 0x0a000204, 0);
    name(&second.netif, 0, 0x0a000303);
    name(&second.netif, 1, 0x0a000204); /* of both cards */
    check_names(0x0a000203, 0x0a000204, 0x0a000303);
    second.metric = 10;
    check_names(0x0a000303, 0x0a000204, 0x0a000203);
    net_enter();
    netif_set_link_down(&second.netif);
    check_names(0x0a000203, 0x0a000204, 0);
    netif_set_link_down(first());
    check_names(0x0a000303, 0x0a000204, 0x0a000203); /* rather than none */
    netif_set_link_up(&second.netif);
    check_names(0x0a000303, 0x0a000204, 0);
    netif_set_link_up(first());
    netif_set_addr(first(), IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4); /* its lease is over */
    net_leave();
    second.metric = 1000;
    check_names(0x0a000303, 0x0a000204, 0);
    name(first(), 0, 0x0a000205); /* of the next lease, which is not there yet */
    check_names(0x0a000303, 0x0a000204, 0);
    name(&second.netif, 0, 0x0a000306);
    check_names(0x0a000306, 0, 0); /* a list begins anew */
    dns_setserver(0, NULL);
    check_names(0x0a000205, 0, 0);
}

int main(int argc, char **argv)
{
    static const struct test_variant two[] = {{"no router", 0}, {"no address", 1}, {NULL, 0}};
    static const struct test_case cases[] = {
        SHOWS(networks_come_first, NULL),
        {"the_card_that_leads_there", the_card_that_leads_there, NULL, 0, two},
        SHOWS(what_is_from_loopback_stays, NULL),
        SHOWS(routes_of_dhcp, NULL),
        SHOWS(a_card_that_is_out, NULL),
        SHOWS(name_servers_of_cards, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
