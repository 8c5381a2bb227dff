/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_http.c - the request parser of examples/httpd, on the host: heads whole and in pieces, what
 * must be refused, paths, queries, dates and chunked framing.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "http.h"

/* Parses from a heap copy of exactly the head, so that a sanitizer sees any read past it. */
static char *copy;
static int parse(const char *text, struct http_request *r)
{
    size_t scanned = 0, len = strlen(text);

    free(copy);
    copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    size_t head = http_head_end(copy, len, &scanned);
    return head ? http_parse(copy, head, r) : 1;
}

static int status_of(const char *text)
{
    struct http_request r;
    return -parse(text, &r);
}

static struct http_slice slice(const char *s)
{
    return (struct http_slice){s, strlen(s)};
}

static void test_plain_requests(void)
{
    struct http_request r;

    CHECK(parse("GET /a/b.html?x=1&y=2 HTTP/1.1\r\nHost: h\r\n\r\n", &r) == 0);
    CHECK(r.method == HTTP_GET && r.minor == 1 && r.keep_alive && !r.has_length && !r.chunked);
    CHECK(http_slice_is(r.path, "/a/b.html") && http_slice_is(r.query, "x=1&y=2"));

    CHECK(parse("HEAD / HTTP/1.0\r\n\r\n", &r) == 0);
    CHECK(r.method == HTTP_HEAD && r.minor == 0 && !r.keep_alive && r.query.p == NULL);

    CHECK(parse("GET / HTTP/1.0\nConnection: Keep-Alive\n\n", &r) == 0);
    CHECK(r.keep_alive);
    CHECK(parse("GET / HTTP/1.1\r\nHOST:h\r\nconnection: foo , CLOSE\r\n\r\n", &r) == 0);
    CHECK(!r.keep_alive);
    CHECK(parse("GET http://h:80/p?q HTTP/1.1\r\nHost: h\r\n\r\n", &r) == 0);
    CHECK(http_slice_is(r.path, "/p") && http_slice_is(r.query, "q"));
    CHECK(parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", &r) == 0 && r.asterisk);
    CHECK(parse("GET / HTTP/1.7\r\nHost: h\r\n\r\n", &r) == 0 && r.minor == 1);
}

static void test_fields(void)
{
    struct http_request r;

    CHECK(parse("POST /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 1234567890123\r\n"
                "Expect: 100-Continue\r\nRange:bytes=1-2\r\nIf-Range:\t\"e\" \t\r\n"
                "If-None-Match: *\r\nIf-Modified-Since: d\r\n\r\n",
                &r) == 0);
    CHECK(r.has_length && r.length == 1234567890123u && r.expect_continue);
    CHECK(http_slice_is(r.range, "bytes=1-2") && http_slice_is(r.if_range, "\"e\""));
    CHECK(http_slice_is(r.if_none_match, "*") && http_slice_is(r.if_modified_since, "d"));
    CHECK(parse("PUT /sink HTTP/1.1\r\nHost:\r\nTransfer-Encoding: Chunked\r\n\r\n", &r) == 0);
    CHECK(r.chunked && !r.has_length && r.method == HTTP_PUT);
    CHECK(parse("PUT / HTTP/1.1\r\nHost:\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", &r) ==
          0);
}

static void test_refused(void)
{
#define H "Host: h\r\n"
    CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);        /* no Host */
    CHECK(status_of("GET / HTTP/1.1\r\n" H H "\r\n") == 400); /* two */
    CHECK(status_of("GET /\r\n\r\n") == 400);                 /* HTTP/0.9 */
    CHECK(status_of("GET  / HTTP/1.1\r\n" H "\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1 \r\n" H "\r\n") == 400);
    CHECK(status_of("GET / http/1.1\r\n" H "\r\n") == 400);
    CHECK(status_of(" GET / HTTP/1.1\r\n" H "\r\n") == 400);
    CHECK(status_of("G@T / HTTP/1.1\r\n" H "\r\n") == 400);
    CHECK(status_of("GET * HTTP/1.1\r\n" H "\r\n") == 400);
    CHECK(status_of("GET a HTTP/1.1\r\n" H "\r\n") == 400);
    CHECK(status_of("GET http:// HTTP/1.1\r\n" H "\r\n") == 400);
    CHECK(status_of("GET /\x01 HTTP/1.1\r\n" H "\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\n" H "A : b\r\n\r\n") == 400);      /* space before colon */
    CHECK(status_of("GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n") == 400); /* folded line */
    CHECK(status_of("GET / HTTP/1.1\r\n" H "A\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\n" H ": b\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n") == 400); /* bare CR */
    CHECK(status_of("GET / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\n" H "Content-Length: \r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n"
                    "Content-Length: 2\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n") == 413);
    CHECK(status_of("GET / HTTP/1.1\r\n" H "Expect: tea\r\n\r\n") == 417);
    CHECK(status_of("BREW / HTTP/1.1\r\n" H "\r\n") == 501);
    CHECK(status_of("get / HTTP/1.1\r\n" H "\r\n") == 501);
    CHECK(status_of("GET / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n") == 501);
    CHECK(status_of("GET / HTTP/2.0\r\n\r\n") == 505);
    CHECK(status_of("GET / HTTP/0.9\r\n\r\n") == 505);
#undef H
}

/* Every byte at every place of a value: only the tab and what is visible may be there. */
static void test_control_bytes(void)
{
    for (unsigned place = 0; place < 20; place++)
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[] = "GET / HTTP/1.0\r\nA:01234567890123456789x\r\n\r\n";
            struct http_request r;
            size_t scanned = 0;
            bool fine = byte == '\t' || (byte >= ' ' && byte != 0x7f);
            text[18 + place] = (char)byte;
            size_t head = http_head_end(text, sizeof(text) - 1, &scanned);
            CHECK_EQ(http_parse(text, head, &r), fine ? 0 : -400);
        }
}

static void test_limits(void)
{
    static char text[HTTP_HEAD_MAX * 2];
    int n = sprintf(text, "GET /");
    memset(text + n, 'a', HTTP_TARGET_MAX - 1);
    strcpy(text + n + HTTP_TARGET_MAX - 1, " HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(status_of(text) == 0);
    strcpy(text + n + HTTP_TARGET_MAX - 1, "a HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(status_of(text) == 414);

    for (unsigned fields = HTTP_FIELDS_MAX; fields <= HTTP_FIELDS_MAX + 1; fields++) {
        n = sprintf(text, "GET / HTTP/1.1\r\nHost: h\r\n");
        for (unsigned i = 1; i < fields; i++)
            n += sprintf(text + n, "A%u: b\r\n", i);
        strcpy(text + n, "\r\n");
        CHECK(status_of(text) == (fields > HTTP_FIELDS_MAX ? 431 : 0));
    }
}

/* However the bytes arrive, the head ends at the same place, and never before it is complete. */
static void test_head_end_in_pieces(void)
{
    static const char *const heads[] = {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.0\n\n",
                                        "GET / HTTP/1.0\r\n\n", "A\r\n\r\r\n\r\n"};

    for (unsigned h = 0; h < sizeof(heads) / sizeof(heads[0]); h++)
        for (unsigned step = 1; step < 6; step++) {
            size_t len = strlen(heads[h]), scanned = 0, got = 0, end = 0;
            while (!end && got < len) {
                got = got + step > len ? len : got + step;
                char *part = malloc(got);
                memcpy(part, heads[h], got);
                end = http_head_end(part, got, &scanned);
                free(part);
            }
            CHECK(end == len && got == len);
        }
    CHECK(http_skip_blank("\r\n\nGET", 6) == 3 && http_skip_blank("\r", 1) == 0);
}

static int decode(const char *path, char out[32])
{
    return http_decode_path(slice(path), out, 32);
}

static void test_paths(void)
{
    char out[32];

    CHECK(decode("/", out) == 1 && strcmp(out, "/") == 0);
    CHECK(decode("/a%20b/%C3%bc.txt", out) == 11 && strcmp(out, "/a b/\xc3\xbc.txt") == 0);
    CHECK(decode("///a//b", out) == 4 && strcmp(out, "/a/b") == 0);
    CHECK(decode("/..a/b../.c/...", out) > 0);
    static const char *const refused[] = {
        "/..", "/../x",     "/a/../b", "/a/..",  "/%2e%2e/x", "/.%2E",      "/%2e/x",
        "/./", "/a/%2E%2e", "/a%2fb",  "/a%2Fb", "/a%00",     "/a%00.html", "/%",
        "/%4", "/%zz",      "/a\\b",   "/%5c..", "/%0a",      "/%7f",
    };
    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (decode(refused[i], out) != -400)
            check_fail(__FILE__, __LINE__, "taken: %s", refused[i]);
    CHECK(decode("/123456789012345678901234567890", out) == 31);
    CHECK(decode("/1234567890123456789012345678901", out) == -404);
}

static void test_query(void)
{
    uint64_t v = 7;

    CHECK(http_query_u64(slice("a=1&bytes=4096&b=2"), "bytes", &v) == 1 && v == 4096);
    CHECK(http_query_u64(slice("xbytes=1&bytesx=2"), "bytes", &v) == 0);
    CHECK(http_query_u64(slice("bytes="), "bytes", &v) == -400);
    CHECK(http_query_u64(slice("bytes=1x"), "bytes", &v) == -400);
    CHECK(http_query_u64(slice("bytes=9223372036854775807"), "bytes", &v) == 1);
    CHECK(http_query_u64(slice("bytes=9223372036854775808"), "bytes", &v) == -400);
    CHECK(http_query_u64((struct http_slice){NULL, 0}, "bytes", &v) == 0);
}

static void test_dates(void)
{
    static const struct {
        int64_t t;
        const char *text;
    } dates[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {1735689599, "Tue, 31 Dec 2024 23:59:59 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {-1, "Thu, 01 Jan 1970 00:00:00 GMT"},
    };
    for (unsigned i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        char out[HTTP_DATE_LEN];
        http_date(dates[i].t, out);
        CHECK(memcmp(out, dates[i].text, HTTP_DATE_LEN) == 0);
    }
    char digits[20];
    CHECK(http_decimal(0, digits) == 1 && digits[0] == '0');
    CHECK(http_decimal(UINT64_MAX, digits) == 20 && !memcmp(digits, "18446744073709551615", 20));
}

/* Decodes a chunked body that arrives in pieces of `step`; data bytes counted, -1: refused. */
static long dechunk(const char *text, size_t step, size_t *taken)
{
    struct http_chunked c = {0};
    size_t len = strlen(text), at = 0;
    long data = 0;

    while (at < len && c.state != HTTP_CHUNK_DONE) {
        size_t have = len - at < step ? len - at : step;
        if (c.state == HTTP_CHUNK_DATA) {
            size_t n = c.left < have ? (size_t)c.left : have;
            http_chunk_consumed(&c, n);
            data += (long)n;
            at += n;
            continue;
        }
        int n = http_chunk_framing(&c, text + at, have);
        if (n < 0)
            return -1;
        at += (size_t)n;
    }
    *taken = at;
    return c.state == HTTP_CHUNK_DONE ? data : -2;
}

static void test_chunked(void)
{
    static const char *const bad[] = {
        /* sizes */
        "\r\n",
        "g\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\nx\r\n",
        " 1\r\n",
        "1 \r\nx\r\n",
        "1\t\r\nx\r\n",
        "1 x\r\n",
        "1x\r\n",
        "1,\r\n",
        "1_0\r\n",
        "1.0\r\n",
        "1000000000000000\r\n",
        ";a\r\n",
        /* line ends of chunks */
        "1\nx\r\n0\r\n\r\n",
        "1;a\nx\r\n0\r\n\r\n",
        "1\r\nx\n0\r\n\r\n",
        "1\r\nxy",
        "1\rx",
        "1\r\nx\r0\r\n\r\n",
        "1\r\r\nx",
        "0\r\n\n",
        "0\n\r\n",
        "0\r\n\rx",
        "1\r\nx\r\n\r\n",
        /* extensions */
        "1;\r\n",
        "1;;\r\n",
        "1;a=\r\n",
        "1;a=;\r\n",
        "1;a b\r\n",
        "1;a=b c\r\n",
        "1;a=b=c\r\n",
        "1;a=\"\r\n",
        "1;a=\"b\\\r\n",
        "1;a=\"b\"c\r\n",
        "1;a \r\n",
        "1;a\rb\r\n",
        "1;a=\"\x01\"\r\n",
        "1;a=\"b\nc\"\r\n",
        "1;a=\"b\rc\"\r\n",
        "1;a=b \r\n",
        "1;a=(\r\n",
        "1;=b\r\n",
        "1;a\x7f\r\n",
        /* trailers */
        "0\r\nX: y\n\n",
        "0\r\nX: y\n\r\n",
        "0\r\nX: y\r\n\n",
        "0\r\nX\r\n\r\n",
        "0\r\n: y\r\n\r\n",
        "0\r\nX : y\r\n\r\n",
        "0\r\n X: y\r\n\r\n",
        "0\r\nX: y\r\n z\r\n\r\n",
        "0\r\nX: y\rz\r\n\r\n",
        "0\r\nX: \x01\r\n\r\n",
        "0\r\nX: y\r\r\n",
        "0\r\nX\r\n",
        "0\r\nGET / HTTP/1.1\r\n\r\n",
    };
    static const char lenient[] = "1 ; a = b ;c=\"d\\\"\t;\";e\r\nx\r\n0;f\r\n"
                                  "T:\r\nU: v\tw\r\n\r\nGET";
    size_t taken;

    for (size_t step = 1; step < 40; step++) {
        CHECK(dechunk("5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nT: v\r\n\r\nGET", step,
                      &taken) == 15 &&
              taken == 42);
        CHECK(dechunk("0\r\n\r\n", step, &taken) == 0 && taken == 5);
        CHECK(dechunk("000\r\n\r\n", step, &taken) == 0 && taken == 7);
        CHECK(dechunk("0000000000000000000000001\r\nx\r\n0\r\n\r\n", step, &taken) == 1);
        CHECK(dechunk(lenient, step, &taken) == 1 && taken == strlen(lenient) - 3);
        for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
            if (dechunk(bad[i], step, &taken) != -1)
                check_fail(__FILE__, __LINE__, "taken: %s", bad[i]);
        CHECK(dechunk("5\r\nhello", step, &taken) == -2);
    }
    static char endless[8192];
    memset(endless, 'x', sizeof(endless) - 1);
    memcpy(endless, "5;", 2);
    CHECK(dechunk(endless, 100, &taken) == -1);
}

/* Random edits of a valid head: any answer will do, the sanitizers judge. */
static void test_noise(void)
{
    static const char base[] = "POST /a%20b/c?bytes=1 HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\n"
                               "Content-Length: 3\r\nConnection: close, x\r\n\r\n";
    static const char bytes[] = "\r\n\0 :,%/.09azHT-=\x80\xff";
    uint32_t seed = 1;

    for (unsigned round = 0; round < 20000; round++) {
        char text[sizeof(base)], out[64];
        struct http_request r;
        size_t scanned = 0;
        memcpy(text, base, sizeof(base));
        for (unsigned i = 0; i < 4; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[(seed >> 8) % (sizeof(base) - 5)] = bytes[(seed >> 24) % (sizeof(bytes) - 1)];
        }
        size_t head = http_head_end(text, sizeof(base) - 1, &scanned);
        if (!head || http_parse(text, head, &r) != 0)
            continue;
        struct http_range ranges[HTTP_RANGES_MAX];
        unsigned count;
        uint64_t a;
        CHECK(r.path.len > 0 && r.path.p[0] == '/');
        int n = http_decode_path(r.path, out, sizeof(out));
        CHECK(n == -400 || n == -404 || (n > 0 && n < (int)sizeof(out) && out[0] == '/'));
        CHECK(n < 0 || !strstr(out, "/../"));
        if (r.range.p)
            http_ranges(r.range, 10, ranges, &count);
        http_query_u64(r.query, "bytes", &a);
    }
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"http_plain_requests", test_plain_requests},
        {"http_fields", test_fields},
        {"http_refused", test_refused},
        {"http_control_bytes", test_control_bytes},
        {"http_limits", test_limits},
        {"http_head_end_in_pieces", test_head_end_in_pieces},
        {"http_paths", test_paths},
        {"http_query", test_query},
        {"http_dates", test_dates},
        {"http_chunked", test_chunked},
        {"http_noise", test_noise},
    };
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
