/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_names.c - names and addresses that no server is asked for: <netdb.h> and <arpa/inet.h>
 * (net/inet/resolve*.c, inet_text.c).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "peer.h"
#include "tasks.h"

/* ---- what needs no server -------------------------------------------------------------------- */

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

/*
 * The result of a program on Linux with glibc 2.36: the error, or [family, type, protocol, flags,
 * address, port, canonical name] of each entry.
 */
static const struct {
    const char *node, *service;
    int family, type, protocol, flags;
    const char *result;
} on_linux[] = {
    {"192.0.2.7", "53", 0, 0, 0, 0,
     "[2 1 6 0 192.0.2.7 53 -] [2 2 17 0 192.0.2.7 53 -] [2 3 0 0 192.0.2.7 53 -]"},
    {"192.0.2.7", "53", 0, 2, 0, AI_NUMERICHOST, "[2 2 17 0x4 192.0.2.7 53 -]"},
    {"192.0.2.7", NULL, AF_INET6, 0, 0, 0, "-9"},
    {"192.0.2.7", NULL, AF_INET6, 1, 0, AI_V4MAPPED, "[10 1 6 0x8 ::ffff:192.0.2.7 0 -]"},
    {"192.0.2.7", NULL, AF_INET6, 1, 0, AI_CANONNAME | AI_V4MAPPED | AI_ALL,
     "[10 1 6 0x1a ::ffff:192.0.2.7 0 192.0.2.7]"},
    {"::1", NULL, AF_INET, 1, 0, 0, "-9"},
    {"::1", NULL, AF_INET, 1, 0, AI_V4MAPPED, "-9"},
    {"::1", NULL, 0, 1, 0, AI_CANONNAME, "[10 1 6 0x2 ::1 0 ::1]"},
    {"fe80::1%99", NULL, 0, 1, 0, 0, "[10 1 6 0 fe80::1%99 0 -]"},
    {"::1%1", NULL, 0, 1, 0, 0, "[10 1 6 0 ::1%1 0 -]"},
    {"fe80::1%", NULL, 0, 1, 0, 0, "-2"},
    {"fe80::1%1x", NULL, 0, 1, 0, AI_NUMERICHOST, "-2"},
    {"2001:db8::1%7", NULL, 0, 1, 0, AI_NUMERICHOST, "[10 1 6 0x4 2001:db8::1%7 0 -]"},
    {"1", NULL, 0, 1, 0, AI_NUMERICHOST, "[2 1 6 0x4 0.0.0.1 0 -]"},
    {"127.1", NULL, 0, 1, 0, AI_NUMERICHOST, "[2 1 6 0x4 127.0.0.1 0 -]"},
    {"0x7f.1", NULL, 0, 1, 0, AI_NUMERICHOST, "[2 1 6 0x4 127.0.0.1 0 -]"},
    {"0177.0.0.1", NULL, 0, 1, 0, AI_CANONNAME, "[2 1 6 0x2 127.0.0.1 0 0177.0.0.1]"},
    {"1.2.3.4 ", NULL, 0, 1, 0, AI_NUMERICHOST, "-2"},
    {" 1.2.3.4", NULL, 0, 1, 0, AI_NUMERICHOST, "-2"},
    {"1.2.3.256", NULL, 0, 1, 0, AI_NUMERICHOST, "-2"},
    {"1.2.3.4.", NULL, 0, 1, 0, AI_NUMERICHOST, "-2"},
    {"", NULL, 0, 1, 0, AI_NUMERICHOST, "-2"},
    {"::ffff:1.2.3.4", NULL, 0, 1, 0, AI_NUMERICHOST, "[10 1 6 0x4 ::ffff:1.2.3.4 0 -]"},
    {"::ffff:1.2.3.4", NULL, AF_INET, 1, 0, AI_NUMERICHOST, "[2 1 6 0x4 1.2.3.4 0 -]"},
    {"[::1]", NULL, 0, 1, 0, AI_NUMERICHOST, "-2"},
    {"4294967296", NULL, 0, 1, 0, AI_NUMERICHOST, "-2"},
    {"1.2.3.4", "http", 0, 0, 0, 0, "[2 1 6 0 1.2.3.4 80 -]"},
    {"1.2.3.4", "domain", 0, 0, 0, 0, "[2 1 6 0 1.2.3.4 53 -] [2 2 17 0 1.2.3.4 53 -]"},
    {"1.2.3.4", "ntp", 0, 1, 0, 0, "-8"},
    {"1.2.3.4", "ntp", 0, 2, 0, 0, "[2 2 17 0 1.2.3.4 123 -]"},
    {"1.2.3.4", "http", 0, 3, 0, 0, "-8"},
    {"1.2.3.4", "80", 0, 3, 0, 0, "-8"},
    {"1.2.3.4", "80", 0, 3, 47, 0, "-8"},
    {"1.2.3.4", "80", 0, 0, 6, 0, "[2 1 6 0 1.2.3.4 80 -]"},
    {"1.2.3.4", "80", 0, 0, 17, 0, "[2 2 17 0 1.2.3.4 80 -]"},
    {"1.2.3.4", "80", 0, 0, 1, 0, "-8"},
    {"1.2.3.4", "80", 0, 1, 17, 0, "-7"},
    {"1.2.3.4", "80", 0, 2, 6, 0, "-7"},
    {"1.2.3.4", "80", 0, 99, 0, 0, "-7"},
    {"1.2.3.4", "80", 0, -1, 0, 0, "-7"},
    {"1.2.3.4", "80", 0, 0, 99, 0, "-8"},
    {"1.2.3.4", "http", 0, 0, 17, 0, "-8"},
    {"1.2.3.4", "http", 0, 0, 6, 0, "[2 1 6 0 1.2.3.4 80 -]"},
    {"1.2.3.4", NULL, 0, 0, 47, 0, "[2 3 47 0 1.2.3.4 0 -]"},
    {"1.2.3.4", "80 ", 0, 1, 0, 0, "-8"},
    {"1.2.3.4", " 80", 0, 1, 0, 0, "[2 1 6 0 1.2.3.4 80 -]"},
    {"1.2.3.4", "+80", 0, 1, 0, 0, "[2 1 6 0 1.2.3.4 80 -]"},
    {"1.2.3.4", "-1", 0, 1, 0, 0, "-8"},
    {"1.2.3.4", "", 0, 1, 0, 0, "[2 1 6 0 1.2.3.4 0 -]"},
    {"1.2.3.4", "0x50", 0, 1, 0, 0, "-8"},
    {"1.2.3.4", "080", 0, 1, 0, 0, "[2 1 6 0 1.2.3.4 80 -]"},
    {"1.2.3.4", "http", 0, 1, 0, AI_NUMERICSERV, "-2"},
    {"1.2.3.4", "*", 0, 1, 0, 0, "[2 1 6 0 1.2.3.4 0 -]"},
    {"*", "80", 0, 1, 0, 0, "[10 1 6 0 ::1 80 -] [2 1 6 0 127.0.0.1 80 -]"},
    {"*", "80", 0, 1, 0, AI_PASSIVE, "[2 1 6 0x1 0.0.0.0 80 -] [10 1 6 0x1 :: 80 -]"},
    {"*", "*", 0, 1, 0, 0, "-2"},
    {NULL, NULL, 0, 1, 0, 0, "-2"},
    {"1.2.3.4", "HTTP", 0, 1, 0, 0, "-8"},
    {"1.2.3.4", "www", 0, 1, 0, 0, "[2 1 6 0 1.2.3.4 80 -]"},
    {NULL, "80", 0, 0, 0, 0,
     "[10 1 6 0 ::1 80 -] [10 2 17 0 ::1 80 -] [10 3 0 0 ::1 80 -] [2 1 6 0 127.0.0.1 80 -] [2 2 "
     "17 0 127.0.0.1 80 -] [2 3 0 0 127.0.0.1 80 -]"},
    {NULL, "80", 0, 1, 0, AI_PASSIVE, "[2 1 6 0x1 0.0.0.0 80 -] [10 1 6 0x1 :: 80 -]"},
    {NULL, "80", 0, 1, 0, 0, "[10 1 6 0 ::1 80 -] [2 1 6 0 127.0.0.1 80 -]"},
    {NULL, "80", AF_INET, 1, 0, 0, "[2 1 6 0 127.0.0.1 80 -]"},
    {NULL, "80", AF_INET6, 1, 0, AI_PASSIVE, "[10 1 6 0x1 :: 80 -]"},
    {NULL, "80", 0, 1, 0, AI_CANONNAME, "-1"},
    {NULL, "80", 0, 1, 0, AI_NUMERICHOST, "[10 1 6 0x4 ::1 80 -] [2 1 6 0x4 127.0.0.1 80 -]"},
    {NULL, "80", AF_INET6, 1, 0, AI_V4MAPPED | AI_ALL, "[10 1 6 0x18 ::1 80 -]"},
    {"1.2.3.4", "80", 99, 1, 0, 0, "-6"},
    {"1.2.3.4", "80", 0, 1, 0, 1 << 20, "-1"},
    {"1.2.3.4", "80", 1, 1, 0, 0, "-6"},
};

static const char *entries(const struct addrinfo *list)
{
    static char text[1000];
    char *p = text;

    for (const struct addrinfo *a = list; a; a = a->ai_next) {
        char host[100], port[20];

        CHECK_EQ(a->ai_addrlen, a->ai_family == AF_INET ? 16 : 28);
        CHECK_EQ(getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), port, sizeof(port),
                             NI_NUMERICHOST | NI_NUMERICSERV),
                 0);
        p += sprintf(p, "%s[%d %d %d %#x %s %s %s]", p == text ? "" : " ", a->ai_family,
                     a->ai_socktype, a->ai_protocol, a->ai_flags, host, port,
                     a->ai_canonname ? a->ai_canonname : "-");
    }
    return text;
}

static void numbers_and_services(void)
{
    host_boot();
    for (unsigned i = 0; i < sizeof(on_linux) / sizeof(on_linux[0]); i++) {
        struct addrinfo hints = {.ai_family = on_linux[i].family,
                                 .ai_socktype = on_linux[i].type,
                                 .ai_protocol = on_linux[i].protocol,
                                 .ai_flags = on_linux[i].flags};
        struct addrinfo *list = NULL;
        int error = getaddrinfo(on_linux[i].node, on_linux[i].service, &hints, &list);
        char number[20];
        const char *result = entries(list);

        snprintf(number, sizeof(number), "%d", error);
        if (strcmp(error ? number : result, on_linux[i].result) != 0)
            check_fail(__FILE__, __LINE__, "row %u (%s, %s): %s, not %s", i, on_linux[i].node,
                       on_linux[i].service, error ? number : result, on_linux[i].result);
        freeaddrinfo(list);
    }
}

static void ports_and_hints(void)
{
    struct addrinfo *list;

    host_boot();
    CHECK_EQ(lookup("192.0.2.7", "65535", AF_UNSPEC, 0, 0, &list), 0);
    freeaddrinfo(list);
    CHECK_EQ(lookup("192.0.2.7", "65536", AF_UNSPEC, 0, 0, &list), EAI_SERVICE);
    CHECK_EQ(lookup("192.0.2.7", "nosuch", AF_UNSPEC, 0, 0, &list), EAI_SERVICE);
    CHECK_EQ(getaddrinfo("192.0.2.9", NULL, NULL, &list), 0); /* POSIX leaves the flags open */
    CHECK_EQ(list->ai_flags, AI_V4MAPPED | AI_ADDRCONFIG);
    freeaddrinfo(list);
    CHECK_EQ(getaddrinfo("::1", NULL, NULL, &list), 0);
    freeaddrinfo(list);
}

/* A scope is a number, or the name of a device if the address belongs to a link. */
static void scopes(void)
{
    static const struct {
        const char *text, *back;
    } good[] = {{"fe80::1%vnet0", "fe80::1%vnet0"},
                {"fe80::1%9", "fe80::1%9"},
                {"ff02::1%vnet0", "ff02::1%vnet0"},
                {"2001:db8::1%7", "2001:db8::1%7"},
                {"fe80::1%0", "fe80::1"}};
    static const char *const bad[] = {"fe80::1%",   "fe80::1%vnet9", "2001:db8::1%vnet0",
                                      "fe80::1%1x", "fe80::1%-1",    "fe80::1%4294967296",
                                      "%1",         "1.2.3.4%1"};
    struct addrinfo *list;
    char host[100];

    peer_boot(NULL);
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CHECK_EQ(lookup(good[i].text, NULL, AF_UNSPEC, SOCK_DGRAM, AI_NUMERICHOST, &list), 0);
        CHECK_EQ(getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof(host), NULL, 0,
                             NI_NUMERICHOST),
                 0);
        if (strcmp(host, good[i].back) != 0)
            check_fail(__FILE__, __LINE__, "%s, not %s", host, good[i].back);
        freeaddrinfo(list);
    }
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(lookup(bad[i], NULL, AF_UNSPEC, SOCK_DGRAM, 0, &list), EAI_NONAME);
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

/* RFC 6761, 6.3: names at and below localhost are never asked for. */
static void forms_of_localhost(void)
{
    static const char *const local[] = {"localhost", "LOCALHOST.", "a.localhost", "b.a.localhost."};
    static const char *const other[] = {"localhos", "xlocalhost", "localhost.example"};
    struct addrinfo *list;

    host_boot();
    for (unsigned i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        CHECK_EQ(lookup(local[i], "80", AF_INET, SOCK_STREAM, AI_CANONNAME, &list), 0);
        CHECK_EQ(address_of(list), INADDR_LOOPBACK);
        CHECK(!strcmp(list->ai_canonname, "localhost") && !list->ai_next);
        freeaddrinfo(list);
    }
    for (unsigned i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        CHECK_EQ(lookup(other[i], "80", AF_INET, SOCK_STREAM, 0, &list), EAI_AGAIN);
    CHECK_EQ(lookup("localhost", "80", AF_INET, SOCK_STREAM, AI_NUMERICHOST, &list), EAI_NONAME);
}

static void every_error_has_a_text(void)
{
    static const int errors[] = {0,
                                 EAI_BADFLAGS,
                                 EAI_NONAME,
                                 EAI_AGAIN,
                                 EAI_FAIL,
                                 EAI_FAMILY,
                                 EAI_SOCKTYPE,
                                 EAI_SERVICE,
                                 EAI_MEMORY,
                                 EAI_SYSTEM,
                                 EAI_OVERFLOW,
                                 EAI_NODATA,
                                 EAI_ADDRFAMILY,
                                 4711};

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

    host_boot();
    in.sin_addr.s_addr = htonl(0xc0000207);
    CHECK_EQ(getnameinfo(a, sizeof(in), host, sizeof(host), service, sizeof(service), 0), 0);
    CHECK(!strcmp(host, "192.0.2.7") && !strcmp(service, "http-alt"));
    CHECK_EQ(getnameinfo(a, sizeof(in) + 1, NULL, 0, service, 5, NI_NUMERICSERV), 0);
    CHECK(!strcmp(service, "8080"));
    CHECK_EQ(getnameinfo(a, sizeof(in), NULL, 0, service, sizeof(service), NI_DGRAM), 0);
    CHECK(!strcmp(service, "8080"));
    CHECK_EQ(
        getnameinfo(b, sizeof(in6), host, sizeof(host), service, sizeof(service), NI_NUMERICHOST),
        0);
    CHECK(!strcmp(host, "::1") && !strcmp(service, "0"));
    CHECK_EQ(getnameinfo(a, sizeof(in), NULL, 0, NULL, 0, 0), 0);
    CHECK_EQ(getnameinfo(a, sizeof(in), host, 9, NULL, 0, NI_NUMERICHOST), EAI_OVERFLOW);
    CHECK_EQ(getnameinfo(a, sizeof(in), host, 10, NULL, 0, NI_NUMERICHOST), 0);
    CHECK_EQ(getnameinfo(a, sizeof(in), NULL, 0, service, 8, 0), EAI_OVERFLOW);
    CHECK_EQ(getnameinfo(a, sizeof(in), NULL, 0, service, 4, NI_NUMERICSERV), EAI_OVERFLOW);
    CHECK_EQ(getnameinfo(a, 15, host, sizeof(host), NULL, 0, 0), EAI_FAMILY);
    CHECK_EQ(getnameinfo(a, 1, host, sizeof(host), NULL, 0, 0), EAI_FAMILY);
    CHECK_EQ(getnameinfo(b, 27, host, sizeof(host), NULL, 0, 0), EAI_FAMILY);
    CHECK_EQ(getnameinfo(a, sizeof(in), host, sizeof(host), NULL, 0, NI_NAMEREQD | NI_NUMERICHOST),
             EAI_NONAME);
    CHECK_EQ(getnameinfo(a, sizeof(in), host, sizeof(host), NULL, 0, 1 << 20), EAI_BADFLAGS);
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
        SHOWS(numbers_and_services, NULL),
        SHOWS(ports_and_hints, NULL),
        SHOWS(scopes, NULL),
        SHOWS(local_names, NULL),
        SHOWS(forms_of_localhost, NULL),
        SHOWS(every_error_has_a_text, NULL),
        SHOWS(addresses_as_names, NULL),
        SHOWS(texts_of_addresses, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
