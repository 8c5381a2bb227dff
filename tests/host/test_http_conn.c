/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_http_conn.c - connections and files of examples/httpd: long heads, listings, long paths, the
 * access log, tags, media types, and which connection is closed for a new one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "known.h"
#include "log.h"
#include "route.h"
#include "table.h"
#include "types.h"

static void ask(struct client *c, const char *text)
{
    client_send(c, text, strlen(text));
}

static bool has(const struct answer *a, const char *text)
{
    return memmem(a->body, a->body_len, text, strlen(text)) != NULL;
}

/* Heads that were parsed before, ones that begin alike, and broken ones. */
static void test_known_heads(void)
{
    static const struct {
        const char *head, *body;
    } asked[] = {
        {"GET /a/long/path/to/one.txt HTTP/1.1\r\nHost: h\r\n\r\n", "one"},
        {"GET /a/long/path/to/two.txt HTTP/1.1\r\nHost: h\r\n\r\n", "two!"},
        {"GET /a/long/path/to/one.txt HTTP/1.1\r\nHost: h\r\nRange: bytes=1-\r\n\r\n", "ne"},
        {"GET /a/long/path/to/one.txt HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", "400"},
    };
    struct client c;
    size_t at = 0;

    tree_add("/a/long/path/to/one.txt", "one", 3);
    tree_add("/a/long/path/to/two.txt", "two!", 4);
    for (unsigned i = 0; i < 24; i++) {
        unsigned n = i * 7 % 4;
        struct answer a;

        if (i % 4 == 0)
            client_open(&c), at = 0;
        ask(&c, asked[n].head);
        CHECK(answer_next(&c.got, &at, false, &a) && has(&a, asked[n].body));
        CHECK(n == 3 || a.body_len == strlen(asked[n].body));
        if (n == 3) {
            client_close(&c);
            client_open(&c), at = 0;
        }
        if (i % 4 == 3)
            client_close(&c);
    }
}

static const struct known_head *known_as(const char *head)
{
    return known_place(head, strlen(head));
}

/* An answer that is kept is that to the head, with the Date of now. */
static void test_known_answers(void)
{
    static const char head[] = "GET /a/long/path/to/six.txt HTTP/1.1\r\nHost: h\r\n\r\n",
                      part[] = "GET /a/long/path/to/six.txt HTTP/1.1\r\nRange: bytes=1-2\r\n"
                               "Host: h\r\n\r\n",
                      last[] = "GET /a/long/path/to/six.txt HTTP/1.1\r\nHost: h\r\n"
                               "Connection: close\r\n\r\n";
    const char *const asked[] = {head, head, head, part, part, part, head, head, last, last, last};
    struct client c;
    struct answer a;
    size_t at = 0;

    tree_add("/a/long/path/to/six.txt", "sixsix", 6);
    client_open(&c);
    for (unsigned i = 0; i < 11; i++) {
        if (!c.conn)
            client_close(&c), client_open(&c), at = 0;
        ask(&c, asked[i]);
        CHECK(answer_next(&c.got, &at, false, &a));
        CHECK(a.status == (asked[i] == part ? 206 : 200) && a.body_len == (i / 3 == 1 ? 2 : 6));
        CHECK(!c.conn == (asked[i] == last) && has(&a, "ix"));
        CHECK_EQ(known_answers(known_as(head)), i == 1 || i == 2 || i == 7 || i > 8);
    }
    client_close(&c);
    client_open(&c);
    server_now_ms += 5000;
    CHECK(!known_answers(known_as(last)));
    ask(&c, last);
    CHECK(known_answers(known_as(last)) && known_as(last)->answer_ms > server_now_ms);
    client_close(&c);
}

/* A client that reads slowly gets each answer whole, too. */
static void test_known_answers_in_parts(void)
{
    static const char head[] = "GET /known.bin HTTP/1.1\r\nHost: h\r\nA: bcdefgh\r\n\r\n",
                      small[] = "GET /hello.txt HTTP/1.1\r\nHost: h\r\nA: bcdefgh\r\n\r\n";
    int least = 1;
    char content[2048];
    struct bytes all = {0};
    struct client c;
    struct answer a;
    size_t at = 0;

    for (unsigned i = 0; i < sizeof(content); i++)
        content[i] = (char)(i * 7 + i / 256);
    tree_add("/known.bin", content, sizeof(content));
    for (unsigned i = 0; i < 40; i++) { /* a small answer before leaves too little room */
        bytes_add(&all, small, sizeof(small) - 1);
        bytes_add(&all, head, sizeof(head) - 1);
    }
    client_open(&c);
    CHECK_EQ(setsockopt(c.conn->fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
    client_send(&c, all.p, all.len);
    for (unsigned i = 0; i < 40; i++) {
        CHECK(answer_next(&c.got, &at, false, &a) && a.status == 200);
        CHECK(answer_next(&c.got, &at, false, &a) && a.body_len == sizeof(content) &&
              memcmp(a.body, content, sizeof(content)) == 0);
    }
    CHECK(at == c.got.len && known_answers(known_as(head)));
    client_close(&c);
    free(all.p);
}

/* A long head has a larger buffer, which is given back behind it. */
static void test_long_head(void)
{
    struct bytes request = {0};
    struct client c;

    table_expand(&request, "GET /hello.txt{1}A: {9000*a}\\r\\n\\r\\n", 36);
    client_open(&c);
    for (unsigned i = 0; i < 3; i++) {
        size_t at = c.got.len;
        struct answer a;
        client_send(&c, request.p, 5000);
        CHECK(c.conn->in_size > CONN_IN_SMALL && c.got.len == at);
        client_send(&c, request.p + 5000, request.len - 5000);
        CHECK(answer_next(&c.got, &at, false, &a) && a.status == 200);
        ask(&c, "GET /hello.txt HTTP/1.1\r\n");
        CHECK(c.conn->in_size == CONN_IN_SMALL);
        ask(&c, "Host: h\r\n\r\n");
        CHECK(answer_next(&c.got, &at, false, &a) && a.status == 200 && at == c.got.len);
    }
    client_close(&c);
    free(request.p);
}

static void test_listing(void)
{
    struct answer a = get("/bare/", "");

    CHECK(a.status == 200 && has(&a, "<a href=\"one.txt\">one.txt</a><td>1\n"));
    CHECK(has(&a, "<a href=\"a%26b%3Cc%3E.txt\">a&amp;b&lt;c&gt;.txt</a>"));
    CHECK(!has(&a, "hidden") && has(&a, "<a href=\"../\">"));
    CHECK(memmem(a.body, a.body_len, "a%26b", 5) < memmem(a.body, a.body_len, "one.txt", 7));
    tree_add("/bare/below/x.txt", "x", 1);
    a = get("/bare/", "");
    CHECK(has(&a, "<a href=\"below/\">below/</a><td>\n"));
    CHECK(get("/dev/", "").status == 404 && get("/mnt/", "").status == 404);
    route_listings = false;
    CHECK(get("/bare/", "").status == 404 && get("/bare/one.txt", "").status == 200);
}

/* More entries than a page shows. */
static void test_large_listing(void)
{
    char name[64];

    for (unsigned i = 0; i < 4100; i++) {
        snprintf(name, sizeof(name), "/many/file \"%u\"", i);
        tree_add(name, "", 0);
    }
    struct answer a = get("/many/", "");
    CHECK(a.status == 200 && has(&a, "There are more files") && has(&a, "%20%22"));
}

/* A path as long as this machine admits, whole and percent-encoded. */
static void test_long_path(void)
{
    struct bytes path = {0}, encoded = {0};

    while (path.len < 4000) {
        bytes_add(&path, "/", 1);
        for (unsigned i = 0; i < 99; i++)
            bytes_add(&path, "abcdefghij" + i % 10, 1);
    }
    tree_add(path.p, "deep", 4);
    for (size_t i = 0; i < path.len; i++) {
        char text[4];
        snprintf(text, sizeof(text), "%%%02x", path.p[i]);
        bytes_add(&encoded, path.p[i] == '/' ? "/" : text, path.p[i] == '/' ? 1 : 3);
    }
    struct answer a = get(path.p, "");
    CHECK(a.status == 200 && has(&a, "deep"));
    a = get(encoded.p, "");
    CHECK(a.status == 200 && has(&a, "deep"));
    path.p[3900] = 0; /* a folder: the redirect names its last part alone */
    a = get(path.p, "");
    CHECK(a.status == 301 && strlen(answer_field(&a, "Location")) < 200);
    free(path.p);
    free(encoded.p);
}

/* Files of the same size and time differ in their tags, and a tag stays. */
static void test_tags(void)
{
    char first[64], second[64];

    tree_add("/v1", "version 1", 9);
    tree_add("/v2", "version 2", 9);
    struct answer a = get("/v1", "");
    snprintf(first, sizeof(first), "%s", answer_field(&a, "ETag"));
    a = get("/v2", "");
    snprintf(second, sizeof(second), "%s", answer_field(&a, "ETag"));
    CHECK(strcmp(first, second) != 0);
    a = get("/v1", "");
    CHECK(strcmp(first, answer_field(&a, "ETag")) == 0);
}

static void test_types(void)
{
    static const struct {
        const char *name, *type;
    } rows[] = {
        {"/a.html", "text/html; charset=utf-8"},
        {"/a.JS", "text/javascript; charset=utf-8"},
        {"/a.mjs", "text/javascript; charset=utf-8"},
        {"/a.min.css", "text/css; charset=utf-8"},
        {"/a.avif", "image/avif"},
        {"/a.jxl", "image/jxl"},
        {"/a.woff2", "font/woff2"},
        {"/a.map", "application/json"},
        {"/a.wasm", "application/wasm"},
        {"/a.zst", "application/zstd"},
        {"/a.opus", "audio/ogg"},
        {"/a.m4v", "video/mp4"},
        {"/a.yml", "application/yaml"},
        {"/a.svg", "image/svg+xml"},
        {"/a.tar.gz", "application/gzip"},
        {"/a.vtt", "text/vtt; charset=utf-8"},
        {"/a", "application/octet-stream"},
        {"/a.", "application/octet-stream"},
        {"/a.css/b", "application/octet-stream"},
        {"/a.htmlx", "application/octet-stream"},
        {"/a.ht", "application/octet-stream"},
        {"/.png", "image/png"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(type_of(rows[i].name), rows[i].type) != 0)
            check_fail(__FILE__, __LINE__, "%s is %s", rows[i].name, type_of(rows[i].name));
}

/* What the access log says of these requests on one connection. */
static const char *logged(const char *requests)
{
    static char text[8192];
    FILE *f = tmpfile();
    struct client c;

    fflush(stdout);
    int out = dup(STDOUT_FILENO);
    dup2(fileno(f), STDOUT_FILENO);
    log_enabled = true;
    client_open(&c);
    ask(&c, requests);
    client_close(&c);
    dup2(out, STDOUT_FILENO);
    close(out);
    rewind(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = 0;
    fclose(f);
    return text;
}

static void test_access_log(void)
{
    char day[8], zone[8];
    const char *text = logged("GET /hello.txt HTTP/1.1\r\nHost: h\r\n\r\n"
                              "HEAD /hello.txt HTTP/1.1\r\nHost: h\r\n\r\n"
                              "POST /sink HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                              "Content-Length: 5\r\n\r\nhello"
                              "GET /digits.bin HTTP/1.1\r\nHost: h\r\nRange: bytes=0-3\r\n\r\n"
                              "GET /\"a\\b\x1b[1m\xff HTTP/1.1\r\nHost: h\r\n\r\n");

    CHECK(sscanf(text, ":: - - [%7[0-9]/%*3c/%*d:%*d:%*d:%*d %7[+0-9]] \"GET", day, zone) == 2);
    CHECK(strcmp(zone, "+0000") == 0);
    CHECK(strstr(text, "] \"GET /hello.txt HTTP/1.1\" 200 13\n"));
    CHECK(strstr(text, "] \"HEAD /hello.txt HTTP/1.1\" 200 0\n"));
    CHECK(strstr(text, "] \"POST /sink HTTP/1.1\" 200 "));
    CHECK(strstr(text, "] \"GET /digits.bin HTTP/1.1\" 206 4\n"));
    CHECK(strstr(text, "] \"GET /\\x22a\\x5cb\\x1b[1m\\xff HTTP/1.1\" 400 "));
    unsigned lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    CHECK_EQ(lines, 5);
    CHECK(strstr(logged("GET /a HTTP/9.9\r\n\r\n"), "] \"GET /a HTTP/9.9\" 505 "));
    log_enabled = false;
    CHECK(logged("")[0] == 0);
}

/* Who never spoke goes first, then who is idle, then a slow head, then what stands still. */
static void test_idleness(void)
{
    struct client silent, idle, slow, body, busy;

    client_open(&idle);
    ask(&idle, "GET /hello.txt HTTP/1.1\r\nHost: h\r\n\r\n");
    client_open(&slow);
    ask(&slow, "GET /");
    client_open(&body);
    ask(&body, "POST /sink HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe");
    CHECK(!conn_idleness(idle.conn) && !conn_idleness(slow.conn) && !conn_idleness(body.conn));
    server_now_ms += 20000;
    client_open(&silent);
    client_open(&busy);
    ask(&busy, "GET /hel");
    CHECK(!conn_idleness(silent.conn));
    server_now_ms += 300;
    CHECK(conn_idleness(silent.conn) > conn_idleness(idle.conn));
    CHECK(conn_idleness(idle.conn) > conn_idleness(slow.conn));
    CHECK(conn_idleness(slow.conn) > conn_idleness(body.conn));
    CHECK(conn_idleness(body.conn) > 0 && !conn_idleness(busy.conn));
    uint64_t before = conn_idleness(silent.conn);
    server_now_ms += 1000;
    CHECK(conn_idleness(silent.conn) > before);
    ask(&silent, "G");
    CHECK(!conn_idleness(silent.conn));
    client_close(&silent);
    client_close(&idle);
    client_close(&slow);
    client_close(&body);
    client_close(&busy);
}

/* A body that stops coming is answered, like half a head. */
static void test_timeouts(void)
{
    static const char *const halves[] = {
        "GET /hello.txt HTTP/1.1\r\nHo",
        "GET /hello.txt HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe",
        "POST /sink HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"};

    for (unsigned i = 0; i < 3; i++) {
        struct client c;
        struct answer a;
        size_t at = 0;
        client_open(&c);
        ask(&c, halves[i]);
        server_now_ms += 40000;
        CHECK(c.conn->deadline_ms < server_now_ms && c.got.len == 0);
        conn_timeout(c.conn);
        ask(&c, "");
        CHECK(answer_next(&c.got, &at, false, &a) && a.status == 408 && c.ended);
        client_close(&c);
    }
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"http_known_heads", test_known_heads},
        {"http_known_answers", test_known_answers},
        {"http_known_answers_in_parts", test_known_answers_in_parts},
        {"http_long_head", test_long_head},
        {"http_listing", test_listing},
        {"http_large_listing", test_large_listing},
        {"http_long_path", test_long_path},
        {"http_tags", test_tags},
        {"http_types", test_types},
        {"http_access_log", test_access_log},
        {"http_idleness", test_idleness},
        {"http_timeouts", test_timeouts},
    };
    table_tree();
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
