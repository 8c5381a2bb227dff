/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_names.c - names and addresses: <netdb.h> over lwIP's resolver, with a name server on
 * the cable, and <arpa/inet.h> (net/inet/resolve.c, inet_text.c).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "lwip/dns.h"
#include "net_impl.h"
#include "peer.h"
#include "tasks.h"

/* ---- a name server --------------------------------------------------------------------------- */

static unsigned asked;
static bool silent;

struct answer {
    uint16_t port;
    uint32_t len;
    uint8_t data[600];
};

static void send_answer(void *arg)
{
    struct answer *a = arg;

    peer_udp(53, a->port, a->data, a->len);
    free(a);
}

/* web.example has 10.0.2.42, six.example 2001:db8::1, no other name anything. */
static void name_server(const struct heard *h)
{
    static const uint8_t v6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1}, v4[4] = {10, 0, 2, 42};
    struct answer *a;
    bool has;

    if (h->proto != PEER_UDP || h->dport != 53)
        return;
    asked++;
    if (silent)
        return;
    unsigned type = peer_get16(h->data + h->len - 4);
    bool web = memcmp(h->data + 13, "web", 3) == 0, six = memcmp(h->data + 13, "six", 3) == 0;
    has = (web && type == 1) || (six && type == 28);
    a = calloc(1, sizeof(*a));
    a->port = h->sport;
    memcpy(a->data, h->data, h->len);
    a->len = h->len;
    peer_put16(a->data + 2, has ? 0x8180 : 0x8183);
    if (has) {
        uint8_t *record = a->data + a->len;
        unsigned size = type == 1 ? 4 : 16;

        peer_put16(a->data + 6, 1);
        peer_put16(record, 0xc00c);
        peer_put16(record + 2, type);
        peer_put16(record + 4, 1);
        peer_put32(record + 6, 60);
        peer_put16(record + 10, size);
        memcpy(record + 12, type == 1 ? v4 : v6, size);
        a->len += 12 + size;
    }
    host_at(hal_now_ns() + HAL_MS, send_answer, a);
}

static void boot_with_server(void)
{
    peer_boot("ip=10.0.2.15::10.0.2.2:255.255.255.0:box:::10.0.2.2");
    peer_listen(name_server);
}

static int lookup(const char *name, const char *service, int family, int type, int flags,
                  struct addrinfo **list)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = type, .ai_flags = flags};

    return getaddrinfo(name, service, &hints, list);
}

static uint32_t address_of(const struct addrinfo *ai)
{
    CHECK_EQ(ai->ai_family, AF_INET);
    CHECK_EQ(ai->ai_addrlen, sizeof(struct sockaddr_in));
    return ntohl(((struct sockaddr_in *)(void *)ai->ai_addr)->sin_addr.s_addr);
}

static unsigned port_of(const struct addrinfo *ai)
{
    return ntohs(((struct sockaddr_in *)(void *)ai->ai_addr)->sin_port); /* the same in IPv6 */
}

/* ---- names ----------------------------------------------------------------------------------- */

static void names_of_a_server(void)
{
    struct addrinfo *list;

    boot_with_server();
    CHECK_EQ(lookup("web.example", "http", AF_UNSPEC, SOCK_STREAM, AI_CANONNAME, &list), 0);
    CHECK_EQ(address_of(list), 0x0a00022a);
    CHECK_EQ(port_of(list), 80);
    CHECK_EQ(list->ai_protocol, IPPROTO_TCP);
    CHECK(strcmp(list->ai_canonname, "web.example") == 0);
    CHECK(list->ai_next == NULL);
    freeaddrinfo(list);
    CHECK_EQ(asked, 2); /* for each family */
    CHECK_EQ(lookup("web.example", "8080", AF_INET, 0, 0, &list), 0);
    CHECK_EQ(asked, 2); /* known by now */
    CHECK(list->ai_socktype == SOCK_STREAM && list->ai_next->ai_socktype == SOCK_DGRAM);
    CHECK(list->ai_next->ai_protocol == IPPROTO_UDP && list->ai_next->ai_next == NULL);
    CHECK(list->ai_canonname == NULL && port_of(list->ai_next) == 8080);
    freeaddrinfo(list);
    CHECK_EQ(lookup("six.example", NULL, AF_UNSPEC, SOCK_STREAM, 0, &list), 0);
    CHECK_EQ(list->ai_family, AF_INET6);
    CHECK_EQ(((struct sockaddr_in6 *)(void *)list->ai_addr)->sin6_addr.s6_addr[15], 1);
    CHECK(list->ai_next == NULL);
    freeaddrinfo(list);
    CHECK_EQ(lookup("none.example", NULL, AF_UNSPEC, SOCK_STREAM, 0, &list), EAI_NONAME);
    CHECK_EQ(lookup("six.example", NULL, AF_INET, SOCK_STREAM, 0, &list), EAI_NONAME);
    struct hostent *h = gethostbyname("web.example");
    CHECK(h && h->h_addrtype == AF_INET && h->h_length == 4 && !strcmp(h->h_name, "web.example"));
    CHECK_EQ(ntohl(((struct in_addr *)(void *)h->h_addr)->s_addr), 0x0a00022a);
    CHECK(h->h_addr_list[1] == NULL && h->h_aliases[0] == NULL);
    CHECK(gethostbyname("none.example") == NULL && h_errno == HOST_NOT_FOUND);
}

static void a_server_that_is_silent(void)
{
    struct addrinfo *list;

    boot_with_server();
    silent = true;
    uint64_t began = hal_now_ns();
    CHECK_EQ(lookup("web.example", NULL, AF_INET, SOCK_STREAM, 0, &list), EAI_NONAME);
    CHECK(hal_now_ns() - began < 30 * HAL_SEC);
    CHECK(asked >= 3);
    CHECK(gethostbyname("web.example") == NULL);
}

static void no_server(void)
{
    struct addrinfo *list;

    peer_boot(NULL);
    CHECK_EQ(lookup("web.example", NULL, AF_INET, SOCK_STREAM, 0, &list), EAI_AGAIN);
    CHECK(gethostbyname("web.example") == NULL && h_errno == TRY_AGAIN);
}

static unsigned ended, refused;
static void look_one_up(void *arg)
{
    struct addrinfo *list;
    int error = lookup(arg, NULL, AF_INET, SOCK_STREAM, 0, &list);

    ended++;
    if (error)
        CHECK(error == (memcmp(arg, "web", 3) ? EAI_NONAME : EAI_AGAIN) || error == EAI_AGAIN);
    else
        freeaddrinfo(list);
    refused += error == EAI_AGAIN;
}

/* More questions than lwIP has places: those that find none are told so; no memory is lost. */
static void many_at_once(void)
{
    static char names[28][32];

    boot_with_server();
    look_one_up("web.example");
    task_sleep_until(hal_now_ns() + 5 * HAL_SEC);
    uint64_t before = net_mem_lent();
    for (unsigned i = 0; i < 28; i++) {
        snprintf(names[i], sizeof(names[i]), "%s%u.example", i % 2 ? "web" : "no", i);
        task_spawn("lookup", look_one_up, names[i], 0);
    }
    AWAIT(ended == 29, 60);
    CHECK(refused > 0 && refused < 28);
    task_sleep_until(hal_now_ns() + 5 * HAL_SEC);
    CHECK(net_mem_lent() <= before);
}

static void no_memory_for_a_question(void)
{
    struct addrinfo *list;

    host_set_ram(1 << 20);
    boot_with_server();
    void *hog;
    while ((hog = net_malloc(1000)))
        ;
    while ((hog = net_malloc(40)))
        ;
    CHECK_EQ(lookup("web.example", NULL, AF_INET, SOCK_STREAM, 0, &list), EAI_MEMORY);
    CHECK(gethostbyname("web.example") == NULL && h_errno == NO_RECOVERY);
}

/* ---- what needs no server -------------------------------------------------------------------- */

static void numbers_and_services(void)
{
    struct addrinfo *list;

    host_boot();
    CHECK_EQ(lookup("192.0.2.7", "53", AF_UNSPEC, SOCK_DGRAM, AI_NUMERICHOST, &list), 0);
    CHECK_EQ(address_of(list), 0xc0000207);
    CHECK(port_of(list) == 53 && list->ai_protocol == IPPROTO_UDP);
    freeaddrinfo(list);
    CHECK_EQ(lookup("192.0.2.7", NULL, AF_INET6, 0, 0, &list), EAI_NONAME);
    CHECK_EQ(lookup("2001:db8::7", "ntp", AF_UNSPEC, SOCK_DGRAM, 0, &list), 0);
    CHECK(list->ai_family == AF_INET6 && port_of(list) == 123);
    freeaddrinfo(list);
    CHECK_EQ(lookup("a.name", NULL, AF_UNSPEC, 0, AI_NUMERICHOST, &list), EAI_NONAME);
    CHECK_EQ(lookup("192.0.2.7", "ntp", AF_UNSPEC, SOCK_STREAM, 0, &list), EAI_SERVICE);
    CHECK_EQ(lookup("192.0.2.7", "domain", AF_UNSPEC, SOCK_STREAM, 0, &list), 0);
    freeaddrinfo(list);
    CHECK_EQ(lookup("192.0.2.7", "nosuch", AF_UNSPEC, 0, 0, &list), EAI_SERVICE);
    CHECK_EQ(lookup("192.0.2.7", "http", AF_UNSPEC, 0, AI_NUMERICSERV, &list), EAI_NONAME);
    CHECK_EQ(lookup("192.0.2.7", "65535", AF_UNSPEC, 0, 0, &list), 0);
    freeaddrinfo(list);
    CHECK_EQ(lookup("192.0.2.7", "65536", AF_UNSPEC, 0, 0, &list), EAI_SERVICE);
    CHECK_EQ(lookup(NULL, NULL, AF_UNSPEC, 0, 0, &list), EAI_NONAME);
    CHECK_EQ(lookup("x", NULL, 99, 0, 0, &list), EAI_FAMILY);
    CHECK_EQ(lookup("x", NULL, 0, 99, 0, &list), EAI_SOCKTYPE);
    CHECK_EQ(lookup("x", NULL, 0, -1, 0, &list), EAI_SOCKTYPE);
    CHECK_EQ(lookup("x", NULL, 0, 0, 1 << 20, &list), EAI_BADFLAGS);
    CHECK_EQ(getaddrinfo("192.0.2.9", NULL, NULL, &list), 0);
    freeaddrinfo(list);
}

static void local_names(void)
{
    struct addrinfo *list;

    host_boot();
    CHECK_EQ(lookup("LocalHost", "80", AF_UNSPEC, SOCK_STREAM, AI_PASSIVE | AI_CANONNAME, &list),
             0);
    CHECK_EQ(address_of(list), INADDR_LOOPBACK);
    CHECK(strcmp(list->ai_canonname, "localhost") == 0);
    struct sockaddr_in6 *six = (void *)list->ai_next->ai_addr;
    CHECK(IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) && list->ai_next->ai_next == NULL);
    freeaddrinfo(list);
    CHECK_EQ(lookup(NULL, "80", AF_INET, SOCK_STREAM, AI_PASSIVE, &list), 0);
    CHECK_EQ(address_of(list), INADDR_ANY);
    CHECK(list->ai_next == NULL);
    freeaddrinfo(list);
    CHECK_EQ(lookup(NULL, "80", AF_INET6, SOCK_STREAM, 0, &list), 0);
    six = (void *)list->ai_addr;
    CHECK(IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) && list->ai_next == NULL);
    freeaddrinfo(list);
}

static void a_name_that_is_too_long(void)
{
    struct addrinfo *list;
    char name[400];

    boot_with_server();
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    CHECK_EQ(lookup(name, NULL, AF_INET, SOCK_STREAM, 0, &list), EAI_NONAME);
    CHECK_EQ(asked, 0);
}

static void every_error_has_a_text(void)
{
    static const int errors[] = {0,          EAI_BADFLAGS, EAI_NONAME,   EAI_AGAIN,
                                 EAI_FAIL,   EAI_FAMILY,   EAI_SOCKTYPE, EAI_SERVICE,
                                 EAI_MEMORY, EAI_SYSTEM,   EAI_OVERFLOW, 4711};

    for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        for (unsigned j = 0; j < i; j++)
            CHECK(strcmp(gai_strerror(errors[i]), gai_strerror(errors[j])) != 0);
}

static void addresses_as_names(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(8080)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr *a = (struct sockaddr *)&in, *b = (struct sockaddr *)&in6;
    char host[NI_MAXHOST], service[NI_MAXSERV];

    in.sin_addr.s_addr = htonl(0xc0000207);
    CHECK_EQ(getnameinfo(a, sizeof(in), host, sizeof(host), service, sizeof(service), 0), 0);
    CHECK(!strcmp(host, "192.0.2.7") && !strcmp(service, "8080"));
    CHECK_EQ(getnameinfo(b, sizeof(in6), host, sizeof(host), service, sizeof(service), 0), 0);
    CHECK(!strcmp(host, "::1") && !strcmp(service, "0"));
    CHECK_EQ(getnameinfo(a, sizeof(in), NULL, 0, NULL, 0, 0), 0);
    CHECK_EQ(getnameinfo(a, sizeof(in), host, 5, NULL, 0, 0), EAI_OVERFLOW);
    CHECK_EQ(getnameinfo(a, sizeof(in), NULL, 0, service, 4, 0), EAI_OVERFLOW);
    CHECK_EQ(getnameinfo(a, sizeof(in), NULL, 0, service, 5, 0), 0);
    CHECK_EQ(getnameinfo(a, 4, host, sizeof(host), NULL, 0, 0), EAI_FAMILY);
    CHECK_EQ(getnameinfo(a, sizeof(in), host, sizeof(host), NULL, 0, NI_NAMEREQD), EAI_NONAME);
    in.sin_family = 99;
    CHECK_EQ(getnameinfo(a, sizeof(in), host, sizeof(host), NULL, 0, 0), EAI_FAMILY);
}

/* ---- addresses as text ----------------------------------------------------------------------- */

static void texts_of_addresses(void)
{
    static const char *const bad4[] = {"",        "1.2.3",  "1.2.3.4.5", "1.2.3.256", "01.2.3.4",
                                       "1.2.3.x", "1..2.3", " 1.2.3.4",  "0x1.2.3.4", "1.2.3.04"};
    static const char *const bad6[] = {"",
                                       ":",
                                       "1:2",
                                       "::1%1",
                                       "1::2::3",
                                       "g::",
                                       "12345::",
                                       "::1x",
                                       ":::",
                                       ":1::",
                                       "1:2:3:4:5:6:7:",
                                       "::1.2.3",
                                       "1:2:3:4:5:6:7:8:9"};
    uint8_t a[16], b[16];
    char text[INET6_ADDRSTRLEN];

    for (unsigned i = 0; i < sizeof(bad4) / sizeof(bad4[0]); i++)
        CHECK_EQ(inet_pton(AF_INET, bad4[i], a), 0);
    for (unsigned i = 0; i < sizeof(bad6) / sizeof(bad6[0]); i++)
        CHECK_EQ(inet_pton(AF_INET6, bad6[i], a), 0);
    CHECK_EQ(inet_pton(AF_INET, "192.0.2.255", a), 1);
    CHECK(memcmp(a, "\xc0\0\2\xff", 4) == 0);
    CHECK(!strcmp(inet_ntop(AF_INET, a, text, sizeof(text)), "192.0.2.255"));
    CHECK_EQ(inet_pton(AF_INET6, "2001:DB8::a:B", a), 1);
    CHECK(!strcmp(inet_ntop(AF_INET6, a, text, sizeof(text)), "2001:db8::a:b"));
    CHECK_EQ(inet_pton(AF_INET6, text, b), 1);
    CHECK(memcmp(a, b, 16) == 0);
    CHECK_EQ(inet_pton(AF_INET6, "1:2:3:4:5:6:7:8", b), 1);
    CHECK_EQ(inet_pton(AF_INET6, "::", b), 1);
    CHECK_EQ(inet_pton(AF_INET6, "fe80::", b), 1);
    CHECK_EQ(inet_pton(AF_INET6, "::ffff:192.0.2.1", b), 1);
    CHECK(memcmp(b + 10, "\xff\xff\xc0\0\2\1", 6) == 0);
    errno = 0;
    CHECK(inet_ntop(AF_INET6, a, text, 5) == NULL && errno == ENOSPC);
    errno = 0;
    CHECK(inet_ntop(99, a, text, sizeof(text)) == NULL && errno == EAFNOSUPPORT);
    errno = 0;
    CHECK(inet_pton(99, "::", a) == -1 && errno == EAFNOSUPPORT);
    CHECK_EQ(inet_addr("10.0.2.15"), htonl(0x0a00020f));
    CHECK_EQ(inet_addr("10.0.2.x"), INADDR_NONE);
    struct in_addr in;
    CHECK_EQ(inet_aton("10.0.2.16", &in), 1);
    CHECK(!strcmp(inet_ntoa(in), "10.0.2.16"));
    CHECK_EQ(inet_aton("ten", &in), 0);
    CHECK(IN6_IS_ADDR_LOOPBACK(&in6addr_loopback) && IN6_IS_ADDR_UNSPECIFIED(&in6addr_any));
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(names_of_a_server, NULL),
        SHOWS(a_server_that_is_silent, NULL),
        SHOWS(no_server, NULL),
        SHOWS(many_at_once, NULL),
        SHOWS(no_memory_for_a_question, NULL),
        SHOWS(numbers_and_services, NULL),
        SHOWS(local_names, NULL),
        SHOWS(a_name_that_is_too_long, NULL),
        SHOWS(every_error_has_a_text, NULL),
        SHOWS(addresses_as_names, NULL),
        SHOWS(texts_of_addresses, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
