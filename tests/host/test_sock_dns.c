/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_dns.c - questions to name servers and what becomes of the answers (net/inet/dns_*.c,
 * resolve_name.c): RFC 1035, 2181, 5452, 7766.
 */
#include <netdb.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "lwip/dns.h"
#include "nameserver.h"
#include "net_impl.h"
#include "peer.h"
#include "tasks.h"

static uint64_t began;

static uint64_t seconds_since_began(void)
{
    return (hal_now_ns() - began) / HAL_SEC;
}

/* ---- what a server has ----------------------------------------------------------------------- */

static void all_addresses(void)
{
    nameserver_boot("", nameserver_honest);
    began = hal_now_ns();
    CHECK_ADDRESSES("192.0.2.1 192.0.2.2 192.0.2.3 2001:db8::1 2001:db8::2 ", "many.example",
                    AF_UNSPEC, 0);
    CHECK(hal_now_ns() - began < 10 * HAL_MS); /* the questions went out side by side */
    CHECK_EQ(nameserver_asked, 2);
    CHECK_ADDRESSES("192.0.2.1 192.0.2.2 192.0.2.3 ", "many.example", AF_INET, 0);
    CHECK_ADDRESSES("2001:db8::1 2001:db8::2 ", "many.example", AF_INET6, 0);
    struct hostent *h = gethostbyname("many.example");
    CHECK(h && h->h_addr_list[2] && !h->h_addr_list[3]);
    CHECK_EQ(((uint8_t *)h->h_addr_list[2])[3], 3);
}

static void families(void)
{
    const int mapped = AI_V4MAPPED, all = AI_V4MAPPED | AI_ALL;

    nameserver_boot("", nameserver_honest);
    CHECK_ADDRESSES("::ffff:192.0.2.9 ", "one.example", AF_INET6, mapped);
    CHECK_ADDRESSES("2001:db8::6 ", "six.example", AF_INET6, mapped);
    CHECK_ADDRESSES("2001:db8::1 2001:db8::2 ", "many.example", AF_INET6, mapped);
    CHECK_ADDRESSES("2001:db8::1 2001:db8::2 ::ffff:192.0.2.1 ::ffff:192.0.2.2 ::ffff:192.0.2.3 ",
                    "many.example", AF_INET6, all);
    CHECK_ADDRESSES("192.0.2.9 ", "one.example", AF_INET, all);
    CHECK_EQ(names_outcome("one.example", AF_INET6), EAI_NODATA);
    CHECK_EQ(names_outcome("six.example", AF_INET), EAI_NODATA);
    CHECK(gethostbyname("six.example") == NULL && h_errno == NO_DATA);
    CHECK_EQ(names_outcome("none.example", AF_UNSPEC), EAI_NONAME);
    CHECK(gethostbyname("none.example") == NULL && h_errno == HOST_NOT_FOUND);
    /* the image has IPv4 addresses alone */
    nameserver_asked = 0;
    CHECK_ADDRESSES("192.0.2.9 ", "one.two.example", AF_UNSPEC, AI_ADDRCONFIG);
    CHECK_EQ(nameserver_asked, 1);
    CHECK_ADDRESSES("error -2", "six.example", AF_INET6, AI_ADDRCONFIG);
    CHECK_EQ(nameserver_asked, 1);
}

#define LABEL9  "abcdefgh."
#define LABEL63 "123456789012345678901234567890123456789012345678901234567890123"

static void names_that_are_asked_for(void)
{
    static const char *const good[] = {"one.example", "one.example.", "ONE.Example",
                                       "one." LABEL63 ".example", "one._x.a-b.9"};
    char longest[260];

    nameserver_boot("", nameserver_honest);
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK_ADDRESSES("192.0.2.9 ", good[i], AF_INET, 0);
    memset(longest, 'x', sizeof(longest));
    memcpy(longest, "one.", 4);
    for (unsigned i = 50; i < sizeof(longest); i += 50)
        longest[i] = '.';
    longest[253] = '\0';
    CHECK_ADDRESSES("192.0.2.9 ", longest, AF_INET, 0);
    CHECK_EQ(strlen(nameserver_last.name), 253);
    memcpy(longest + 253, ".", 2);
    nameserver_asked = 0;
    CHECK_ADDRESSES("192.0.2.9 ", longest, AF_INET, 0);
    CHECK_EQ(nameserver_asked, 0); /* is known by now */
}

static void names_that_are_refused(void)
{
    static const char *const bad[] = {"",
                                      ".",
                                      "..",
                                      "a..b",
                                      ".a",
                                      "a..",
                                      "a b",
                                      "-a.example",
                                      "a\x80.example",
                                      "a/b",
                                      "a\\.b",
                                      "a:b",
                                      "[::1]",
                                      LABEL63 "4.example",
                                      "1.2.3.4 "};
    char longer[300];

    nameserver_boot("", nameserver_honest);
    began = hal_now_ns();
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(names_outcome(bad[i], AF_UNSPEC), EAI_NONAME);
    for (size_t len = 254; len < sizeof(longer); len++) {
        memset(longer, 'x', len);
        for (size_t i = 50; i < len; i += 50)
            longer[i] = '.';
        if (longer[len - 1] == '.')
            longer[len - 1] = 'x';
        longer[len] = '\0';
        CHECK_EQ(names_outcome(longer, AF_UNSPEC), EAI_NONAME);
    }
    CHECK(nameserver_asked == 0 && seconds_since_began() == 0);
}

/* ---- servers that fail ----------------------------------------------------------------------- */

static unsigned code = REPLY_OK; /* of the reply of the first server */
static bool silent;
static unsigned asked_of[2];
static void answer_with_code(const struct question *q)
{
    bool first = q->server == PEER_IP;

    asked_of[!first]++;
    if (first && silent)
        return;
    if (first && code != REPLY_OK) {
        reply_begin(&reply, q, code);
        nameserver_send(&reply, 1);
        return;
    }
    nameserver_honest(q);
}

static void a_server_that_is_silent(void)
{
    nameserver_boot("", answer_with_code);
    silent = true;
    began = hal_now_ns();
    CHECK_EQ(names_outcome("one.example", AF_INET), EAI_AGAIN);
    CHECK(seconds_since_began() >= 9 && seconds_since_began() <= 11);
    CHECK_EQ(nameserver_asked, 3);
    CHECK(strstr(gai_strerror(EAI_AGAIN), "did not answer"));
    CHECK(gethostbyname("one.example") == NULL && h_errno == TRY_AGAIN);
    silent = false;
    CHECK_EQ(names_outcome("one.example", AF_INET), 0);
}

static void no_server(void)
{
    peer_boot(NULL);
    began = hal_now_ns();
    CHECK_EQ(names_outcome("one.example", AF_INET), EAI_AGAIN);
    CHECK(strstr(gai_strerror(EAI_AGAIN), "no name server") && seconds_since_began() == 0);
}

/* What DHCP does when it has an answer. */
static void give_lease(void *arg)
{
    ip4_addr_t ip, mask, gateway;
    ip_addr_t server;

    (void)arg;
    task_sleep_until(began + 2 * HAL_SEC);
    IP4_ADDR(&ip, 10, 0, 2, 15);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 0, 2, 2);
    ip_addr_copy_from_ip4(server, gateway);
    net_enter();
    net_names_set(&net_core.devs->netif, 0, &server);
    netif_set_addr(&net_core.devs->netif, &ip, &mask, &gateway);
    net_leave();
}

static void lookups_wait_for_the_first_address(void)
{
    peer_boot("ip=dhcp");
    peer_listen(nameserver_hear);
    nameserver_answer = nameserver_honest;
    began = hal_now_ns();
    task_spawn("lease", give_lease, NULL, 0);
    CHECK_EQ(names_outcome("a..b", AF_INET), EAI_NONAME);
    CHECK_ADDRESSES("127.0.0.1 ", "localhost", AF_INET, 0);
    CHECK_ADDRESSES("10.0.0.1 ", "10.0.0.1", AF_INET, 0);
    CHECK_EQ(seconds_since_began(), 0);
    CHECK_ADDRESSES("192.0.2.9 ", "one.example", AF_UNSPEC, AI_ADDRCONFIG);
    CHECK_EQ(seconds_since_began(), 2);
    CHECK_EQ(nameserver_asked, 1);
}

static void no_address_comes(void)
{
    peer_boot("ip=dhcp vireo.net_wait_ms=3000");
    began = hal_now_ns();
    CHECK_EQ(names_outcome("one.example", AF_INET), EAI_AGAIN);
    CHECK_EQ(seconds_since_began(), 3);
    CHECK(strstr(gai_strerror(EAI_AGAIN), "no address"));
    CHECK(host_logged("this machine has no address after 3000 ms"));
}

static void no_address(void)
{
    peer_boot("ip=off");
    CHECK_EQ(names_outcome("one.example", AF_INET), EAI_AGAIN);
    CHECK(strstr(gai_strerror(EAI_AGAIN), "no address"));
}

/* Beyond the gateway, of which there is none. */
static void a_server_without_route(void)
{
    peer_boot("ip=10.0.2.15:::255.255.255.0::::192.0.2.53");
    began = hal_now_ns();
    CHECK_EQ(names_outcome("one.example", AF_INET), EAI_AGAIN);
    CHECK(seconds_since_began() <= 11);
}

static void answers_of_failure(void)
{
    static const struct {
        unsigned code;
        int error;
    } replies[] = {{1, EAI_FAIL},  {2, EAI_AGAIN}, {3, EAI_NONAME}, {4, EAI_AGAIN},
                   {5, EAI_AGAIN}, {6, EAI_FAIL},  {15, EAI_FAIL}};

    nameserver_boot("", answer_with_code);
    began = hal_now_ns();
    for (unsigned i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        code = 0x8180 | replies[i].code;
        asked_of[0] = 0;
        CHECK_EQ(names_outcome("one.example", AF_INET), replies[i].error);
        CHECK_EQ(asked_of[0], 1);
    }
    CHECK_EQ(seconds_since_began(), 0);
}

static void a_second_server(void)
{
    nameserver_boot("192.0.2.53", answer_with_code);
    silent = true;
    began = hal_now_ns();
    CHECK_ADDRESSES("192.0.2.9 ", "one.a", AF_INET, 0);
    CHECK(asked_of[0] == 1 && asked_of[1] == 1 && seconds_since_began() == 1);
    silent = false;
    code = REPLY_SERVFAIL;
    CHECK_ADDRESSES("192.0.2.9 ", "one.b", AF_INET, 0);
    CHECK(asked_of[0] == 2 && asked_of[1] == 2 && seconds_since_began() == 1);
    code = REPLY_NO_NAME; /* is an answer: nobody else is asked */
    CHECK_EQ(names_outcome("one.c", AF_INET), EAI_NONAME);
    CHECK(asked_of[0] == 3 && asked_of[1] == 2);
}

/* Nobody listens at the first server; errors about other packets change nothing. */
static struct heard refused;
static void refuse(void *arg)
{
    struct heard other = refused;

    (void)arg;
    if (code == REPLY_OK) {
        peer_icmp_error(3, 3, &refused, 0);
        return;
    }
    peer_icmp_error(3, 1, &refused, 0); /* may pass */
    other.sport ^= 1;
    peer_icmp_error(3, 3, &other, 0);
    other = refused;
    other.dport = 54;
    peer_icmp_error(3, 3, &other, 0);
    other = refused;
    other.dst++;
    peer_icmp_error(3, 3, &other, 0);
}

static void answer_with_refusal(const struct question *q)
{
    asked_of[q->server != PEER_IP]++;
    if (q->server != PEER_IP) {
        nameserver_honest(q);
        return;
    }
    refused = (struct heard){
        .proto = PEER_UDP, .src = IMAGE_IP, .dst = PEER_IP, .sport = q->port, .dport = 53};
    host_at(hal_now_ns() + HAL_MS, refuse, NULL);
}

static void a_server_that_does_not_listen(void)
{
    nameserver_boot("192.0.2.53", answer_with_refusal);
    began = hal_now_ns();
    CHECK_ADDRESSES("192.0.2.9 ", "one.a", AF_INET, 0);
    CHECK(seconds_since_began() == 0 && asked_of[0] == 1 && asked_of[1] == 1);
    code = REPLY_SERVFAIL; /* stands for other errors here */
    CHECK_ADDRESSES("192.0.2.9 ", "one.b", AF_INET, 0);
    CHECK_EQ(seconds_since_began(), 1);
}

static void nobody_listens(void)
{
    nameserver_boot("", answer_with_refusal);
    began = hal_now_ns();
    CHECK_EQ(names_outcome("one.example", AF_INET), EAI_AGAIN);
    CHECK_EQ(seconds_since_began(), 0);
}

/* The first server needs longer than its turn. */
static void answer_late(const struct question *q)
{
    if (q->server != PEER_IP)
        return;
    nameserver_honest(q);
    nameserver_send(&reply, 1500);
}

static void answer_only_late(const struct question *q)
{
    if (q->server != PEER_IP)
        return;
    reply_begin(&reply, q, REPLY_OK);
    reply_add4(&reply, NULL, 0xc0000209);
    nameserver_send(&reply, 1500);
}

static void late_answers(void)
{
    nameserver_boot("192.0.2.53", answer_only_late);
    began = hal_now_ns();
    CHECK_ADDRESSES("192.0.2.9 ", "one.example", AF_INET, 0);
    CHECK_EQ(seconds_since_began(), 1);
    CHECK_EQ(nameserver_asked, 2);
}

static void answers_twice(void)
{
    nameserver_boot("", answer_late);
    CHECK_ADDRESSES("192.0.2.9 ", "one.example", AF_INET, 0);
    task_sleep_until(hal_now_ns() + 3 * HAL_SEC); /* the second one finds nobody */
    CHECK_EQ(nameserver_asked, 1);
}

/* Some servers are silent about a type that they do not know. */
static void answer_four_alone(const struct question *q)
{
    if (q->type == NAME_A)
        nameserver_honest(q);
}

static void a_question_that_is_not_answered(void)
{
    nameserver_boot("", answer_four_alone);
    began = hal_now_ns();
    CHECK_ADDRESSES("192.0.2.9 ", "one.example", AF_UNSPEC, 0);
    CHECK(seconds_since_began() <= 3);
}

static unsigned codes[2]; /* of the two families */
static void answer_with_codes(const struct question *q)
{
    reply_begin(&reply, q, 0x8180 | codes[q->type == NAME_AAAA]);
    nameserver_send(&reply, 1);
}

/* 0 here is an answer without data. */
static void errors_of_two_families(void)
{
    static const struct {
        unsigned codes[2];
        int error;
    } pairs[] = {{{0, 0}, EAI_NODATA}, {{0, 2}, EAI_AGAIN},  {{2, 0}, EAI_AGAIN},
                 {{1, 0}, EAI_FAIL},   {{2, 1}, EAI_AGAIN},  {{3, 2}, EAI_NONAME},
                 {{2, 3}, EAI_NONAME}, {{0, 3}, EAI_NONAME}, {{1, 1}, EAI_FAIL}};

    nameserver_boot("", answer_with_codes);
    for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        memcpy(codes, pairs[i].codes, sizeof(codes));
        CHECK_EQ(names_outcome("one.example", AF_UNSPEC), pairs[i].error);
    }
}

/* ---- aliases --------------------------------------------------------------------------------- */

static const char *canonical_name(const char *name)
{
    static char text[300];
    struct addrinfo *list;

    CHECK_EQ(names_look_up(name, AF_INET, AI_CANONNAME, &list), 0);
    snprintf(text, sizeof(text), "%s", list->ai_canonname);
    CHECK(!list->ai_next || !list->ai_next->ai_canonname);
    freeaddrinfo(list);
    return text;
}

/* N.chain leads over N aliases to 192.0.2.N; the records come in reverse if N is odd. */
static void answer_with_aliases(const struct question *q)
{
    unsigned n = (unsigned)atoi(q->name);
    char owner[32], to[32];

    reply_begin(&reply, q, REPLY_OK);
    reply_add4(&reply, "other.example", 0x0a0a0a0a);
    if (n % 2)
        reply_add4(&reply, "0.chain", 0xc0000200 + n);
    for (unsigned i = 1; i <= n; i++) {
        snprintf(owner, sizeof(owner), "%u.chain", n % 2 ? i : n + 1 - i);
        snprintf(to, sizeof(to), "%u.Chain", (n % 2 ? i : n + 1 - i) - 1);
        reply_add_name(&reply, owner, NAME_CNAME, to);
    }
    if (n % 2 == 0)
        reply_add4(&reply, "0.chain", 0xc0000200 + n);
    if (!strcmp(q->name, "loop.example")) {
        reply_begin(&reply, q, REPLY_OK);
        reply_add_name(&reply, NULL, NAME_CNAME, "pool.example");
        reply_add_name(&reply, "pool.example", NAME_CNAME, "loop.example");
    }
    if (!strcmp(q->name, "odd.example")) {
        reply_begin(&reply, q, REPLY_OK);
        reply_add_name(&reply, NULL, NAME_CNAME, "a b.example");
        reply_add4(&reply, "a b.example", 0xc0000201);
    }
    nameserver_send(&reply, 1);
}

static void aliases(void)
{
    nameserver_boot("", answer_with_aliases);
    CHECK_ADDRESSES("192.0.2.0 ", "0.chain", AF_INET, 0);
    CHECK_ADDRESSES("192.0.2.1 ", "1.chain", AF_INET, 0);
    CHECK_ADDRESSES("192.0.2.2 ", "2.chain", AF_INET, 0);
    CHECK_ADDRESSES("192.0.2.15 ", "15.chain", AF_INET, 0);
    CHECK_ADDRESSES("192.0.2.16 ", "16.chain", AF_INET, 0);
    CHECK_EQ(names_outcome("17.chain", AF_INET), EAI_FAIL);
    CHECK_EQ(names_outcome("loop.example", AF_INET), EAI_FAIL);
    CHECK(!strcmp(canonical_name("0.chain"), "0.chain"));
    CHECK(!strcmp(canonical_name("1.chain."), "0.Chain"));
    CHECK(!strcmp(canonical_name("odd.example"), "odd.example"));
    struct hostent *h = gethostbyname("2.chain");
    CHECK(h && !strcmp(h->h_name, "0.Chain"));
}

/* ---- answers that are kept ------------------------------------------------------------------- */

static uint32_t ttl;
static void answer_for_a_while(const struct question *q)
{
    reply_begin(&reply, q, REPLY_OK);
    reply_add_name(&reply, NULL, NAME_CNAME, "one.example"); /* for a minute */
    reply_add(&reply, "one.example", NAME_A, ttl, "\xc0\0\2\x9", 4);
    nameserver_send(&reply, 1);
}

static void answers_are_kept(void)
{
    static const struct {
        uint32_t ttl;
        unsigned after; /* seconds */
        unsigned asked;
    } lookups[] = {{10, 0, 1},       {10, 9, 1},   {10, 2, 2},    {0, 11, 3},
                   {1u << 31, 0, 4}, {1000, 0, 5}, {1000, 59, 5}, {1000, 2, 6}};

    nameserver_boot("", answer_for_a_while);
    for (unsigned i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
        ttl = lookups[i].ttl;
        task_sleep_until(hal_now_ns() + lookups[i].after * HAL_SEC);
        CHECK_ADDRESSES("192.0.2.9 ", "a.example", AF_INET, 0);
        CHECK_EQ(nameserver_asked, lookups[i].asked);
    }
    CHECK(!strcmp(canonical_name("a.example"), "one.example"));
    CHECK_EQ(nameserver_asked, 6);
    for (unsigned n = 0; n < 40; n++) { /* more than there are places for */
        char name[32];

        snprintf(name, sizeof(name), "n%u.example", n);
        CHECK_EQ(names_outcome(name, AF_INET), 0);
    }
    nameserver_asked = 0;
    CHECK_EQ(names_outcome("n39.example", AF_INET), 0);
    CHECK_EQ(nameserver_asked, 0);
}

/* ---- names of addresses ---------------------------------------------------------------------- */

static void answer_reverse(const struct question *q)
{
    bool known = !strcmp(q->name, "7.2.0.192.in-addr.arpa") ||
                 !strcmp(q->name, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
                                  "ip6.arpa");

    CHECK_EQ(q->type, NAME_PTR);
    reply_begin(&reply, q, known ? REPLY_OK : REPLY_NO_NAME);
    if (known && silent)
        reply_add_name(&reply, NULL, NAME_PTR, "evil\n.example");
    else if (known)
        reply_add_name(&reply, NULL, NAME_PTR, "host.example");
    nameserver_send(&reply, 1);
}

static int name_of(const struct sockaddr *a, int flags, char *host, socklen_t size)
{
    *host = '\0';
    return getnameinfo(a, a->sa_family == AF_INET ? 16 : 28, host, size, NULL, 0, flags);
}

static void names_of_addresses(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000207)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                               .sin6_addr.s6_addr = {0x20, 1, 0x0d, 0xb8, [15] = 1}};
    struct sockaddr *a = (struct sockaddr *)&in, *b = (struct sockaddr *)&in6;
    char host[NI_MAXHOST];

    nameserver_boot("", answer_reverse);
    CHECK(name_of(a, 0, host, sizeof(host)) == 0 && !strcmp(host, "host.example"));
    CHECK(name_of(b, NI_NAMEREQD, host, sizeof(host)) == 0 && !strcmp(host, "host.example"));
    CHECK_EQ(name_of(a, 0, host, 12), EAI_OVERFLOW);
    CHECK(name_of(a, NI_NUMERICHOST, host, sizeof(host)) == 0 && !strcmp(host, "192.0.2.7"));
    in6.sin6_addr = (struct in6_addr){.s6_addr = {[10] = 0xff, 0xff, 192, 0, 2, 7}};
    CHECK(name_of(b, 0, host, sizeof(host)) == 0 && !strcmp(host, "host.example"));
    in.sin_addr.s_addr = htonl(0xc0000208);
    CHECK(name_of(a, 0, host, sizeof(host)) == 0 && !strcmp(host, "192.0.2.8"));
    CHECK_EQ(name_of(a, NI_NAMEREQD, host, sizeof(host)), EAI_NONAME);
    nameserver_asked = 0; /* nobody is asked about these */
    in.sin_addr.s_addr = htonl(0x7f000002);
    CHECK(name_of(a, 0, host, sizeof(host)) == 0 && !strcmp(host, "localhost"));
    in.sin_addr.s_addr = 0;
    CHECK(name_of(a, 0, host, sizeof(host)) == 0 && !strcmp(host, "0.0.0.0"));
    in6.sin6_addr = (struct in6_addr){.s6_addr = {0xfe, 0x80, [15] = 1}};
    in6.sin6_scope_id = 7;
    CHECK(name_of(b, 0, host, sizeof(host)) == 0 && !strcmp(host, "fe80::1%7"));
    CHECK_EQ(nameserver_asked, 0);
}

static void names_that_are_none(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000207)};
    char host[NI_MAXHOST];

    nameserver_boot("", answer_reverse);
    silent = true;
    CHECK_EQ(name_of((struct sockaddr *)&in, 0, host, sizeof(host)), 0);
    CHECK(!strcmp(host, "192.0.2.7"));
    CHECK_EQ(name_of((struct sockaddr *)&in, NI_NAMEREQD, host, sizeof(host)), EAI_NONAME);
}

static void no_server_knows_names(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000207)};
    char host[NI_MAXHOST];

    peer_boot(NULL);
    CHECK_EQ(name_of((struct sockaddr *)&in, 0, host, sizeof(host)), 0);
    CHECK(!strcmp(host, "192.0.2.7"));
    CHECK_EQ(name_of((struct sockaddr *)&in, NI_NAMEREQD, host, sizeof(host)), EAI_AGAIN);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(all_addresses, NULL),
        SHOWS(families, NULL),
        SHOWS(names_that_are_asked_for, NULL),
        SHOWS(names_that_are_refused, NULL),
        SHOWS(a_server_that_is_silent, NULL),
        SHOWS(no_server, NULL),
        SHOWS(lookups_wait_for_the_first_address, NULL),
        SHOWS(no_address_comes, NULL),
        SHOWS(no_address, NULL),
        SHOWS(a_server_without_route, NULL),
        SHOWS(answers_of_failure, NULL),
        SHOWS(a_second_server, NULL),
        SHOWS(a_server_that_does_not_listen, NULL),
        SHOWS(nobody_listens, NULL),
        SHOWS(late_answers, NULL),
        SHOWS(answers_twice, NULL),
        SHOWS(a_question_that_is_not_answered, NULL),
        SHOWS(errors_of_two_families, NULL),
        SHOWS(aliases, NULL),
        SHOWS(answers_are_kept, NULL),
        SHOWS(names_of_addresses, NULL),
        SHOWS(names_that_are_none, NULL),
        SHOWS(no_server_knows_names, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
