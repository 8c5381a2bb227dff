/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lwip_privacy.c - temporary addresses of IPv6 (net/lwip/net_privacy.c; RFC 8981) with a
 * router on the cable, and which address connections begin from (RFC 6724).
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "host.h"
#include "lwip/netif.h"
#include "net_impl.h"
#include "netmodel.h"
#include "peer.h"
#include "peer6.h"
#include "tasks.h"

#define ON    "vireo.net_privacy=1"
#define DAY   86400u
#define LEAST (DAY - DAY / 5 * 2) /* a temporary address is preferred at least that long */
#define TEN   (10 * DAY)

static struct net_dev *card(void)
{
    return net_core.devs;
}

static void pass(uint64_t seconds)
{
    task_sleep_until(hal_now_ns() + seconds * HAL_SEC);
}

static bool is_temporary(int i)
{
    return card()->temporary[i].used;
}

static unsigned prefix_of(int i)
{
    return ntohl(netif_ip6_addr(&card()->netif, i)->addr[1]) & 0xffff;
}

/* Addresses of a prefix in that state. */
static unsigned count(unsigned prefix, bool temporary, u8_t state)
{
    unsigned n = 0;

    for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        n += netif_ip6_addr_state(&card()->netif, i) == state && prefix_of(i) == prefix &&
             is_temporary(i) == temporary;
    return n;
}

/* The first temporary address of a prefix that is in that state; 0: none is. */
static int temporary(unsigned prefix, u8_t state)
{
    for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (is_temporary(i) && prefix_of(i) == prefix &&
            netif_ip6_addr_state(&card()->netif, i) == state)
            return i;
    return 0;
}

static struct sockaddr *place(const void *address, uint16_t port)
{
    static struct sockaddr_in6 a;

    a = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&a.sin6_addr, address, 16);
    return (struct sockaddr *)&a;
}

#define IN6 sizeof(struct sockaddr_in6)

/* Which of the image's addresses does a connection to this one begin from? -1: another one. */
static int source_to(const char *to)
{
    struct sockaddr_in6 own;
    socklen_t len = IN6;
    int fd = socket(AF_INET6, SOCK_DGRAM, 0), found = -1;

    CHECK_EQ(connect(fd, place(to, 9), IN6), 0);
    CHECK_EQ(getsockname(fd, (struct sockaddr *)&own, &len), 0);
    CHECK_EQ(fd_close(fd), 0);
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (!memcmp(&own.sin6_addr, netif_ip6_addr(&card()->netif, i)->addr, 16))
            found = i;
    return found;
}

static const char far_away[] = "\x20\1\x0d\xb8\xff\xff\0\0\0\0\0\0\0\0\0\1";

static void boot(void)
{
    peer6_boot(ON);
    peer6_advertise(7, TEN, TEN);
    pass(3);
}

static void beside_each_prefix(void)
{
    int i;

    boot();
    peer6_advertise(8, TEN, TEN);
    pass(3);
    for (unsigned prefix = 7; prefix <= 8; prefix++) {
        CHECK_EQ(count(prefix, false, IP6_ADDR_PREFERRED), 1);
        CHECK_EQ(count(prefix, true, IP6_ADDR_PREFERRED), 1);
        i = temporary(prefix, IP6_ADDR_PREFERRED);
        CHECK(netif_ip6_addr_valid_life(&card()->netif, i) <= 2 * DAY);
        CHECK(netif_ip6_addr_pref_life(&card()->netif, i) <= DAY);
        CHECK(netif_ip6_addr_pref_life(&card()->netif, i) >= LEAST - 10);
        CHECK(is_temporary(source_to(far_away)));
    }
    CHECK_EQ(host_log_matches("temporary address 2001:db8:0:7:"), 1);
    CHECK_EQ(source_to("\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), 0);
    peer6_advertise(7, TEN, TEN); /* the router says the same every few minutes */
    pass(3);
    CHECK_EQ(count(7, true, IP6_ADDR_PREFERRED), 1);
    CHECK_EQ(count(7, false, IP6_ADDR_PREFERRED), 1);
}

static void only_if_asked_for(void)
{
    peer6_boot("");
    peer6_advertise(7, TEN, TEN);
    pass(10);
    CHECK_EQ(count(7, false, IP6_ADDR_PREFERRED), 1);
    CHECK_EQ(count(7, true, IP6_ADDR_PREFERRED), 0);
    CHECK(source_to(far_away) == 1);
}

/* So many seconds pass for the temporary addresses: for all else they are ten. */
static void age(uint64_t seconds)
{
    for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        card()->temporary[i].made_ns -= (seconds - 10) * HAL_SEC;
    pass(10);
}

/* A new one is there before the old one may not begin connections any more; those stay. */
static void made_anew(void)
{
    ip6_addr_t first;
    int old, new, l, near, far;
    char byte;

    boot();
    old = temporary(7, IP6_ADDR_PREFERRED);
    first = *netif_ip6_addr(&card()->netif, old);
    l = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_EQ(bind(l, place(first.addr, 80), IN6), 0);
    CHECK_EQ(listen(l, 1), 0);
    near = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_EQ(connect(near, place(first.addr, 80), IN6), 0);
    far = accept(l, NULL, NULL);
    age(netif_ip6_addr_pref_life(&card()->netif, old) - 10);
    CHECK_EQ(count(7, true, IP6_ADDR_PREFERRED), 1);
    pass(7); /* five seconds before the end, and two for the check that nobody has it */
    CHECK_EQ(count(7, true, IP6_ADDR_PREFERRED), 2);
    pass(7);
    CHECK_EQ(netif_ip6_addr_state(&card()->netif, old), IP6_ADDR_DEPRECATED);
    new = temporary(7, IP6_ADDR_PREFERRED);
    CHECK(new && !ip6_addr_cmp(netif_ip6_addr(&card()->netif, new), &first));
    peer6_advertise(7, TEN, TEN);
    CHECK_EQ(source_to(far_away), new);
    CHECK_EQ(send(near, "x", 1, 0), 1);
    CHECK_EQ(recv(far, &byte, 1, 0), 1);
    age(netif_ip6_addr_valid_life(&card()->netif, old) - 5);
    CHECK_EQ(send(near, "x", 1, 0), 1);
    CHECK_EQ(recv(far, &byte, 1, 0), 1);
    pass(10); /* two days are over: the address is gone, and what it carried with it */
    CHECK(!ip6_addr_cmp(netif_ip6_addr(&card()->netif, old), &first) ||
          ip6_addr_isinvalid(netif_ip6_addr_state(&card()->netif, old)));
    CHECK_EQ(recv(far, &byte, 1, 0), -1);
}

/* For weeks: some addresses of a prefix at once, and never a moment without one. */
static void for_weeks(void)
{
    boot();
    for (unsigned hour = 0; hour < 14 * 24; hour++) {
        unsigned used = 0;

        peer6_advertise(7, TEN, TEN);
        age(3600);
        CHECK(count(7, true, IP6_ADDR_PREFERRED) >= 1);
        for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++)
            used += !ip6_addr_isinvalid(netif_ip6_addr_state(&card()->netif, i));
        CHECK(used <= 6);
    }
}

/* What the router says of the prefix counts for both addresses. */
static void lives_of_the_prefix(void)
{
    int i;

    boot();
    i = temporary(7, IP6_ADDR_PREFERRED);
    peer6_advertise(7, 3 * 3600, 3600);
    pass(2);
    CHECK(netif_ip6_addr_valid_life(&card()->netif, i) <= 3 * 3600);
    CHECK(netif_ip6_addr_pref_life(&card()->netif, i) <= 3600);
    peer6_advertise(7, 3 * 3600, 0); /* the prefix is going away */
    pass(3);
    CHECK_EQ(netif_ip6_addr_state(&card()->netif, i), IP6_ADDR_DEPRECATED);
    CHECK_EQ(count(7, true, IP6_ADDR_DEPRECATED), 1);
    CHECK_EQ(count(7, true, IP6_ADDR_PREFERRED), 0);
    peer6_advertise(7, TEN, TEN); /* and comes back */
    pass(3);
    CHECK_EQ(netif_ip6_addr_state(&card()->netif, i), IP6_ADDR_PREFERRED);
    CHECK(netif_ip6_addr_valid_life(&card()->netif, i) <= 2 * DAY);
    CHECK_EQ(count(7, true, IP6_ADDR_PREFERRED), 1);
}

/* An address that stands in front of its prefix's own one does not get that one's lifetimes. */
static void in_front_of_the_public_one(void)
{
    int public = 0;

    peer6_boot(ON);
    peer6_advertise(7, 60, 60);
    peer6_advertise(8, TEN, TEN);
    pass(70);
    age(DAY);
    age(10);
    for (int i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (prefix_of(i) == 8 && !is_temporary(i) &&
            netif_ip6_addr_state(&card()->netif, i) == IP6_ADDR_PREFERRED)
    public = i;
    CHECK(public && temporary(8, IP6_ADDR_PREFERRED) && temporary(8, IP6_ADDR_PREFERRED) < public);
    peer6_advertise(8, 2 * TEN, 2 * TEN);
    CHECK_EQ(netif_ip6_addr_valid_life(&card()->netif, public), 2 * TEN);
}

/* ---- another machine has the address --------------------------------------------------------- */

static struct {
    unsigned thieves; /* addresses that another machine still claims */
    uint8_t claimed[16];
    unsigned claims;
} thief;

static void claim(void *arg)
{
    uint8_t na[32] = {136, 0, 0, 0, 0x20};

    (void)arg;
    memcpy(na + 8, thief.claimed, 16);
    memcpy(na + 24, "\2\1\2\2\2\2\2\2", 8);
    peer6_send(peer6_group_mac, 58, 2, na, sizeof(na));
}

/* The image asks whether anybody has an address of prefix 7 that is not the one of its MAC. */
static void steal(const uint8_t *packet)
{
    static const uint8_t nobody[16];

    if (packet[6] != 58 || packet[40] != 135 || memcmp(packet + 8, nobody, 16) != 0 ||
        packet[48] != 0x20 || (packet[59] == 0xff && packet[60] == 0xfe) || !thief.thieves)
        return;
    thief.thieves--;
    thief.claims++;
    memcpy(thief.claimed, packet + 48, 16);
    host_at(hal_now_ns() + HAL_MS, claim, NULL);
}

static void taken_by_others(void)
{
    unsigned thieves = case_variant;

    peer6_boot(ON);
    thief.thieves = thieves;
    peer6_listen(steal);
    peer6_advertise(7, TEN, TEN);
    pass(20);
    CHECK_EQ(thief.claims, thieves < 3 ? thieves : 3);
    CHECK_EQ(count(7, true, IP6_ADDR_PREFERRED), thieves < 3 ? 1 : 0);
    CHECK_EQ(count(7, true, IP6_ADDR_DUPLICATED), 0);
    CHECK_EQ(count(7, false, IP6_ADDR_PREFERRED), 1);
    CHECK_EQ(host_log_matches("temporary addresses in a row"), thieves < 3 ? 0 : 1);
}

int main(int argc, char **argv)
{
    static const struct test_variant thieves[] = {{"1", 1}, {"2", 2}, {"9", 9}, {NULL, 0}};
    static const struct test_case cases[] = {
        SHOWS(beside_each_prefix, NULL),
        SHOWS(only_if_asked_for, NULL),
        SHOWS(made_anew, NULL),
        SHOWS(for_weeks, NULL),
        SHOWS(lives_of_the_prefix, NULL),
        SHOWS(in_front_of_the_public_one, NULL),
        {"taken_by_others", taken_by_others, NULL, 0, thieves},
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
