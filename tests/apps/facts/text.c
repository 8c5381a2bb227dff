/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.c - facts about addresses as text.
 */
#include "facts.h"

static void pton6(const char *in)
{
    char out[INET6_ADDRSTRLEN];
    struct in6_addr a;
    int r = inet_pton(AF_INET6, in, &a);

    fact(text("pton6 '%s'", in), "%s",
         r == 1 ? inet_ntop(AF_INET6, &a, out, sizeof(out)) : "refused");
}

static void pton4(const char *in)
{
    char out[INET_ADDRSTRLEN];
    struct in_addr a;
    int r = inet_pton(AF_INET, in, &a);

    fact(text("pton4 '%s'", in), "%s",
         r == 1 ? inet_ntop(AF_INET, &a, out, sizeof(out)) : "refused");
}

static void aton(const char *in)
{
    struct in_addr a;

    fact(text("aton '%s'", in), "%s", inet_aton(in, &a) ? inet_ntoa(a) : "refused");
}

static void macros(void)
{
    static const char *const texts[] = {"::",         "::1",     "ff02::1",   "ff05::2",
                                        "fe80::1",    "fec0::1", "::1.2.3.4", "::ffff:1.2.3.4",
                                        "2001:db8::1"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct in6_addr a;

        inet_pton(AF_INET6, texts[i], &a);
        fact(text("kinds of %s", texts[i]), "%s%s%s%s%s%s%s%s",
             IN6_IS_ADDR_UNSPECIFIED(&a) ? "unspecified " : "",
             IN6_IS_ADDR_LOOPBACK(&a) ? "loopback " : "",
             IN6_IS_ADDR_MULTICAST(&a) ? "multicast " : "",
             IN6_IS_ADDR_LINKLOCAL(&a) ? "link-local " : "",
             IN6_IS_ADDR_SITELOCAL(&a) ? "site-local " : "",
             IN6_IS_ADDR_V4MAPPED(&a) ? "mapped " : "",
             IN6_IS_ADDR_V4COMPAT(&a) ? "compatible " : "",
             IN6_IS_ADDR_MC_LINKLOCAL(&a) ? "of the link" : "");
    }
    fact("IN_MULTICAST", "%d %d %d", IN_MULTICAST(0xdfffffffu), IN_MULTICAST(0xe0000000u),
         IN_MULTICAST(0xf0000000u));
    fact("htonl, htons", "%d", htonl(0x01020304) == 0x04030201 && htons(0x0102) == 0x0201);
    fact("sizes", "%d %d %d %d %d %d %d", (int)sizeof(struct sockaddr_in),
         (int)sizeof(struct sockaddr_in6), (int)sizeof(struct in6_addr), INET_ADDRSTRLEN,
         INET6_ADDRSTRLEN, (int)sizeof(struct ipv6_mreq), (int)sizeof(struct sockaddr_storage));
}

void text_facts(void)
{
    static const char *const six[] = {"::",
                                      "::1",
                                      "1::",
                                      "1:2:3:4:5:6:7:8",
                                      "1:2:3:4:5:6:7::",
                                      "::2:3:4:5:6:7:8",
                                      "0:0:1:0:0:1:0:0",
                                      "1:0:0:2:0:0:0:3",
                                      "1:0:2:0:3:0:4:0",
                                      "2001:DB8::A",
                                      "::1.2.3.4",
                                      "::ffff:1.2.3.4",
                                      "::ffff:0:0",
                                      "64:ff9b::192.0.2.33",
                                      "1:2:3:4:5:6:1.2.3.4",
                                      "12345::",
                                      "::00001",
                                      "1::2::3",
                                      ":::",
                                      ":1",
                                      "1:",
                                      "1:2:3",
                                      "1:2:3:4:5:6:7:8::",
                                      "1:2:3:4::5:6:7:8",
                                      "1:2:3:4:5:6:7:1.2.3.4",
                                      "fe80::1%1",
                                      "::g",
                                      "",
                                      "::1.2.3",
                                      "::01.2.3.4",
                                      "1.2.3.4",
                                      "::1 "};
    static const char *const four[] = {"1.2.3.4",   "0.0.0.0",  "255.255.255.255",
                                       "256.1.1.1", "1.2.3",    "01.2.3.4",
                                       "0x1.2.3.4", "1.2.3.4 ", ""};
    static const char *const numbers[] = {
        "1.2",          "1.2.3",    "0x7f000001", "0177.1",   "4294967296", "1.2.65536", "08.1.1.1",
        "1.2.3.4 junk", "1.2.3.4x", "-1",         " 1.2.3.4", "0x",         "",          "1."};

    for (size_t i = 0; i < sizeof(six) / sizeof(six[0]); i++)
        pton6(six[i]);
    for (size_t i = 0; i < sizeof(four) / sizeof(four[0]); i++)
        pton4(four[i]);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        aton(numbers[i]);
    macros();
}
