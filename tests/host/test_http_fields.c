/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_http_fields.c - what header fields of requests mean, on the host: ranges, conditions, dates,
 * accepted encodings, hosts.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "http.h"

static int parse(const char *text, struct http_request *r)
{
    size_t scanned = 0;
    return http_parse(text, http_head_end(text, strlen(text), &scanned), r);
}

static struct http_slice slice(const char *s)
{
    return (struct http_slice){s, strlen(s)};
}

static int range(const char *text, uint64_t size, uint64_t *first, uint64_t *last)
{
    struct http_range r[HTTP_RANGES_MAX] = {{99, 99}};
    unsigned count = 0;
    int status = http_ranges(slice(text), size, r, &count);

    *first = r[0].first;
    *last = r[0].last;
    return status == 206 ? 206 + (int)count - 1 : status;
}

static void test_ranges(void)
{
    uint64_t a, b;

    CHECK(range("bytes=0-0", 10, &a, &b) == 206 && a == 0 && b == 0);
    CHECK(range("Bytes=2-", 10, &a, &b) == 206 && a == 2 && b == 9);
    CHECK(range("bytes=2-100", 10, &a, &b) == 206 && a == 2 && b == 9);
    CHECK(range("bytes=-3", 10, &a, &b) == 206 && a == 7 && b == 9);
    CHECK(range("bytes=-30", 10, &a, &b) == 206 && a == 0 && b == 9);
    CHECK(range("bytes=2-99999999999999999999", 10, &a, &b) == 206 && a == 2 && b == 9);
    CHECK(range("bytes=10-, 3-3", 10, &a, &b) == 206 && a == 3 && b == 3);
    CHECK(range("bytes=0-1,,3-4, -1", 10, &a, &b) == 208);
    CHECK(range("bytes=10-", 10, &a, &b) == 416);
    CHECK(range("bytes=10-12", 10, &a, &b) == 416);
    CHECK(range("bytes=-0", 10, &a, &b) == 416);
    CHECK(range("bytes=0-", 0, &a, &b) == 416);
    CHECK(range("bytes=99999999999999999999-", 10, &a, &b) == 416);
    static const char *const ignored[] = {"bytes=",      "bytes=-",    "bytes=3-2", "bytes=a-b",
                                          "bytes=1",     "bytes=,",    "lines=1-2", "bytes=0-1,x",
                                          "bytes=0-,0-", "bytes=1--2", "bytes=-1-", "bytes 0-1"};
    for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        CHECK(range(ignored[i], 10, &a, &b) == 200);
    CHECK(range("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15",
                100, &a, &b) == 206 + 15);
    CHECK(range("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,"
                "16-16",
                100, &a, &b) == 200);
}

/* http_conditions() of a request with these header fields. */
static int condition(const char *method, const char *fields)
{
    const struct http_validators v = {"\"a,b\"", 5, 784111777};
    char text[1024];
    struct http_request r;

    snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: h\r\n%s\r\n", method, fields);
    CHECK_EQ(parse(text, &r), 0);
    return http_conditions(&r, &v, 1700000000);
}

static void test_conditions(void)
{
    CHECK(condition("GET", "If-None-Match: \"x\", W/\"a,b\" ,\"c\"\r\n") == 304);
    CHECK(condition("PUT", "If-None-Match: \"a,b\"\r\n") == 412);
    CHECK(condition("GET", "If-None-Match: *\r\n") == 304);
    CHECK(condition("GET", "If-None-Match: \"x\"\r\nIf-None-Match: \"a,b\"\r\n") == 304);
    CHECK(condition("GET", "If-None-Match: a,b\r\n") == 0);
    CHECK(condition("GET", "If-None-Match: \"a,b\r\n") == 0);
    CHECK(condition("GET", "If-None-Match:\r\n") == 0);
    CHECK(condition("GET", "If-Match: \"a,b\"\r\n") == 0);
    CHECK(condition("GET", "If-Match: W/\"a,b\"\r\n") == 412);
    CHECK(condition("GET", "If-Match: \"x\"\r\nIF-MATCH:\"a,b\"\r\n") == 0);
    CHECK(condition("GET", "If-Match: \"x\"\r\nIf-None-Match: \"a,b\"\r\n") == 412);
}

static void test_reading_dates(void)
{
    static const struct {
        const char *text;
        int64_t t;
    } dates[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Sun Nov 16 08:49:37 1994", 784111777 + 10 * 86400},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
        {"Mon, 01 Mar 2100 00:00:00 GMT", 4107542400},
        {"Tuesday, 29-Feb-00 00:00:00 GMT", 951782400},
        {"Friday, 01-Jan-99 00:00:00 GMT", 915148800},  /* 2099 is over 50 years ahead */
        {"Sunday, 01-Jan-40 00:00:00 GMT", 2208988800}, /* 2040 is not */
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},  /* a leap second */
    };
    static const char *const refused[] = {
        "",
        "0",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Mon, 29 Feb 2100 00:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun Nov 6 08:49:37 1994",
        "1994-11-06T08:49:37Z",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
    };
    int64_t t;

    for (unsigned i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        CHECK(http_read_date(slice(dates[i].text), 1700000000, &t));
        CHECK_EQ(t, dates[i].t);
    }
    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (http_read_date(slice(refused[i]), 1700000000, &t))
            check_fail(__FILE__, __LINE__, "taken: %s", refused[i]);
}

static bool gzip(const char *fields)
{
    char text[1024];
    struct http_request r;

    snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);
    CHECK_EQ(parse(text, &r), 0);
    return http_accepts_gzip(&r);
}

static void test_encodings(void)
{
    static const char *const yes[] = {"gzip",
                                      "GZIP",
                                      "x-gzip",
                                      "deflate, gzip, br",
                                      "gzip;q=0.001",
                                      "gzip ; q=1.000",
                                      "*",
                                      "br;q=1, *;q=0.1",
                                      "gzip;q=0.5, identity;q=0.5",
                                      "identity;q=0, gzip;q=0.1",
                                      "gzip;q=0\r\nAccept-Encoding: x-gzip",
                                      "br\r\nAccept-Encoding: gzip"};
    static const char *const no[] = {"",
                                     "br",
                                     "identity",
                                     "gzip;q=0",
                                     "gzip;q=0.000",
                                     "gzip;q=x",
                                     "gzip;q=1.5",
                                     "gzip;q=",
                                     "*;q=0",
                                     "gzip;q=0, *",
                                     "gzip;q=0.1, identity;q=0.2",
                                     "gzipped",
                                     "gzip/2"};
    char field[128];

    CHECK(!gzip(""));
    for (unsigned i = 0; i < sizeof(yes) / sizeof(yes[0]) + sizeof(no) / sizeof(no[0]); i++) {
        unsigned wanted = i < sizeof(yes) / sizeof(yes[0]);
        const char *value = wanted ? yes[i] : no[i - sizeof(yes) / sizeof(yes[0])];
        snprintf(field, sizeof(field), "Accept-Encoding: %s\r\n", value);
        if (gzip(field) != wanted)
            check_fail(__FILE__, __LINE__, "%s", value);
    }
}

static void test_hosts(void)
{
    static const char *const good[] = {"h",
                                       "h:80",
                                       "h:",
                                       "h:65535",
                                       "1.2.3.4:8080",
                                       "a-b.c_d~e",
                                       "a%20b",
                                       "x,y",
                                       "[::1]",
                                       "[::1]:80",
                                       "[::]",
                                       "[1:2:3:4:5:6:7:8]",
                                       "[1:2:3:4:5:6:7::]",
                                       "[::2:3:4:5:6:7:8]",
                                       "[::ffff:1.2.3.4]",
                                       "[1:2:3:4:5:6:1.2.3.4]",
                                       "[fe80::1]:",
                                       "[v1.a:b]",
                                       "999.1.1.1"};
    static const char *const bad[] = {"",
                                      ":80",
                                      "h:65536",
                                      "h:x",
                                      "h:+1",
                                      "h:-1",
                                      "h:80:81",
                                      "h h",
                                      "h/",
                                      "h?",
                                      "h#",
                                      "u@h",
                                      "h@",
                                      "<h>",
                                      "\"h\"",
                                      "h\\",
                                      "%",
                                      "%4",
                                      "%zz",
                                      "::1",
                                      "[::1",
                                      "::1]",
                                      "[]",
                                      "[1]",
                                      "[::1]80",
                                      "[:1]",
                                      "[1:]",
                                      "[:::]",
                                      "[1::2::3]",
                                      "[12345::]",
                                      "[g::]",
                                      "[1:2:3:4:5:6:7:8:9]",
                                      "[1:2:3:4:5:6:7:8::]",
                                      "[::1:2:3:4:5:6:7:8]",
                                      "[::1.2.3]",
                                      "[::1.2.3.256]",
                                      "[::01.2.3.4]",
                                      "[1.2.3.4]",
                                      "[::1.2.3.4:5]",
                                      "[fe80::1%25eth0]",
                                      "[v.a]",
                                      "[v1.]",
                                      "[v1]",
                                      "[[::1]]",
                                      "h\xc3\xb6",
                                      "h^",
                                      "h|",
                                      "{h}",
                                      "h`"};

    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!http_is_authority(slice(good[i])))
            check_fail(__FILE__, __LINE__, "refused: %s", good[i]);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (http_is_authority(slice(bad[i])))
            check_fail(__FILE__, __LINE__, "taken: %s", bad[i]);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"http_ranges", test_ranges},
        {"http_conditions", test_conditions},
        {"http_reading_dates", test_reading_dates},
        {"http_encodings", test_encodings},
        {"http_hosts", test_hosts},
    };
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
