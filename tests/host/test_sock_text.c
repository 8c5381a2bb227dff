/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock_text.c - addresses as text, both ways (net/inet/inet_text.c). The expected values are
 * those that glibc 2.36 gives.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "check.h"

/* A text, and the address as inet_ntop() writes it; NULL: the text is refused. */
struct text {
    const char *in, *out;
};

static void ip6_texts(void)
{
    static const struct text texts[] = {
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"fe80::", "fe80::"},
        {"2001:DB8::A", "2001:db8::a"},
        {"0001:0:00:000:0000:6:7:8", "1::6:7:8"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"1:2:3::5:6:7:8", "1:2:3:0:5:6:7:8"},
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"0:0:3:4:5:6:7:0", "::3:4:5:6:7:0"},
        {"1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"},
        {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
        {"0:0:1:0:0:1:0:0", "::1:0:0:1:0:0"},
        {"1:0:0:1:0:0:1:1", "1::1:0:0:1:1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"::1.2.3.4", "::1.2.3.4"},
        {"::0.1.0.0", "::0.1.0.0"},
        {"::0.0.1.0", "::100"},
        {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
        {"::FFFF:102:304", "::ffff:1.2.3.4"},
        {"::ffff:0:0", "::ffff:0.0.0.0"},
        {"0:0:0:0:0:0:1.2.3.4", "::1.2.3.4"},
        {"::1:ffff:1.2.3.4", "::1:ffff:102:304"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"1::1.2.3.4", "1::102:304"},
        {"", NULL},
        {":", NULL},
        {":::", NULL},
        {"::::", NULL},
        {":1", NULL},
        {"1:", NULL},
        {"::1:", NULL},
        {":1::", NULL},
        {"1:::2", NULL},
        {"1::2::3", NULL},
        {"1::2:", NULL},
        {"1:2:3:4:5:6:7", NULL},
        {"1:2:3:4:5:6:7:", NULL},
        {"1:2:3:4:5:6:7:8:", NULL},
        {"1:2:3:4:5:6:7:8::", NULL},
        {"::1:2:3:4:5:6:7:8", NULL},
        {"1:2:3:4::5:6:7:8", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"12345::", NULL},
        {"::12345", NULL},
        {"::00001", NULL},
        {"::g", NULL},
        {"g::", NULL},
        {"::1x", NULL},
        {" ::1", NULL},
        {"::1 ", NULL},
        {"::-1", NULL},
        {"::0x1", NULL},
        {"fe80::1%1", NULL},
        {"::1/64", NULL},
        {"[::1]", NULL},
        {"1.2.3.4", NULL},
        {"::1.2.3", NULL},
        {"::1.2.3.4.5", NULL},
        {"::1.2.3.256", NULL},
        {"::01.2.3.4", NULL},
        {"::1.2.3.4:5", NULL},
        {"::1.2.3.4::", NULL},
        {"1:2:3:4:5:6:7:1.2.3.4", NULL},
        {"::1:2:3:4:5:6:1.2.3.4", NULL},
        {"::FFFF:D4CC:65DZ", NULL},
        {"hello::", NULL},
    };

    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char out[INET6_ADDRSTRLEN];
        struct in6_addr a;

        memset(&a, 0x55, sizeof(a));
        CHECK_EQ(inet_pton(AF_INET6, texts[i].in, &a), texts[i].out != NULL);
        if (texts[i].out)
            CHECK(!strcmp(inet_ntop(AF_INET6, &a, out, sizeof(out)), texts[i].out));
        else
            CHECK(a.s6_addr[0] == 0x55 && a.s6_addr[15] == 0x55);
    }
}

static void ip4_texts(void)
{
    static const char *const good[] = {"0.0.0.0", "1.2.3.4", "255.255.255.255", "10.0.2.15"};
    static const char *const bad[] = {
        "",          "1",        "1.2",      "1.2.3",     "1.2.3.",          "1.2.3.4.",
        "1.2.3.4.5", ".1.2.3",   "1..2.3",   "256.1.1.1", "1.2.3.256",       "1.2.3.999",
        "01.2.3.4",  "1.2.3.04", "00.0.0.0", "0x1.2.3.4", " 1.2.3.4",        "1.2.3.4 ",
        "1.2.3.4x",  "1.2.3.x",  "+1.2.3.4", "1.2.3.-4",  "1.2.3.4294967297"};

    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char out[INET_ADDRSTRLEN];
        struct in_addr a;

        CHECK_EQ(inet_pton(AF_INET, good[i], &a), 1);
        CHECK(!strcmp(inet_ntop(AF_INET, &a, out, sizeof(out)), good[i]));
        CHECK(!strcmp(inet_ntoa(a), good[i]));
        CHECK_EQ(inet_addr(good[i]), a.s_addr);
    }
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct in_addr a = {0x55555555};

        CHECK_EQ(inet_pton(AF_INET, bad[i], &a), 0);
        CHECK_EQ(a.s_addr, 0x55555555);
    }
}

static void numbers_of_inet_aton(void)
{
    static const struct text texts[] = {
        {"1.2.3.4", "1.2.3.4"},
        {"1.2.3", "1.2.0.3"},
        {"1.2", "1.0.0.2"},
        {"16909060", "1.2.3.4"},
        {"0", "0.0.0.0"},
        {"0x7f000001", "127.0.0.1"},
        {"0X7F.1", "127.0.0.1"},
        {"0177.0.0.01", "127.0.0.1"},
        {"1.2.65535", "1.2.255.255"},
        {"1.16777215", "1.255.255.255"},
        {"4294967295", "255.255.255.255"},
        {"1.2.3.4 ", "1.2.3.4"},
        {"1.2.3.4 junk", "1.2.3.4"},
        {"1.2.3.4\n", "1.2.3.4"},
        {"", NULL},
        {" 1.2.3.4", NULL},
        {"-1", NULL},
        {"+1", NULL},
        {"ten", NULL},
        {"1.2.3.4x", NULL},
        {"1.2.3.", NULL},
        {".1", NULL},
        {"1..2", NULL},
        {"1.2.3.4.5", NULL},
        {"1.2.3.256", NULL},
        {"1.2.65536", NULL},
        {"1.16777216", NULL},
        {"4294967296", NULL},
        {"18446744073709551617", NULL},
        {"256.1", NULL},
        {"08.1.1.1", NULL},
        {"1.2.3.09", NULL},
        {"0x", NULL},
        {"0xg", NULL},
        {"1.0x", NULL},
    };

    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct in_addr a = {0x55555555};

        CHECK_EQ(inet_aton(texts[i].in, &a), texts[i].out != NULL);
        if (texts[i].out)
            CHECK(!strcmp(inet_ntoa(a), texts[i].out));
        else
            CHECK_EQ(a.s_addr, 0x55555555);
        CHECK_EQ(inet_addr(texts[i].in), texts[i].out ? a.s_addr : INADDR_NONE);
    }
}

static void room_for_a_text(void)
{
    static const struct in6_addr six = {{{0x20, 1, 0x0d, 0xb8, [15] = 1}}}; /* 2001:db8::1 */
    struct in_addr four = {htonl(0xc0a80101)};                              /* 192.168.1.1 */
    char text[INET6_ADDRSTRLEN];

    for (socklen_t size = 0; size < sizeof(text); size++) {
        memset(text, 0x55, sizeof(text));
        errno = 0;
        const char *r = inet_ntop(AF_INET, &four, text, size);
        CHECK(size > 11 ? r == text && !strcmp(text, "192.168.1.1") : !r && errno == ENOSPC);
        CHECK_EQ(text[size], 0x55);
        errno = 0;
        memset(text, 0x55, sizeof(text));
        r = inet_ntop(AF_INET6, &six, text, size);
        CHECK(size > 11 ? r == text && !strcmp(text, "2001:db8::1") : !r && errno == ENOSPC);
        CHECK_EQ(text[size], 0x55);
    }
    errno = 0;
    CHECK(inet_ntop(99, &six, text, sizeof(text)) == NULL && errno == EAFNOSUPPORT);
    errno = 0;
    CHECK(inet_pton(99, "::", text) == -1 && errno == EAFNOSUPPORT);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        SHOWS(ip6_texts, NULL),
        SHOWS(ip4_texts, NULL),
        SHOWS(numbers_of_inet_aton, NULL),
        SHOWS(room_for_a_text, NULL),
    };

    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
