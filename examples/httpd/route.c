/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * route.c - the server's addresses:
 *
 *     GET, HEAD  /status, /status.json   the live page and its data
 *     GET, HEAD  /source?bytes=N         N bytes, the i-th being (i * 167 + 13) & 255 (for tests)
 *     POST, PUT  /sink                   swallows a body, answers its length and CRC-32 (for tests)
 *     GET, HEAD  all else                the file tree
 *     OPTIONS    any, and *              the methods that are allowed
 */
#include "route.h"

#include "listing.h"
#include "reply.h"
#include "sink.h"
#include "status.h"

#define DROP_MAX   (64u * 1024u) /* a body that no one asked for, up to this long, is read */
#define SOURCE_MAX (1ull << 40)

bool route_listings = true;

void route_refuse(struct conn *c, int status)
{
    c->keep_alive = false;
    c->unread = true;
    reply_error(c, status);
}

static bool is_get(const struct http_request *r)
{
    return r->method == HTTP_GET || r->method == HTTP_HEAD;
}

static bool has_body(const struct http_request *r)
{
    return r->chunked || (r->has_length && r->length);
}

static bool is_sink(const struct http_request *r)
{
    char path[8];
    return http_decode_path(r->path, path, sizeof(path)) == 5 && memcmp(path, "/sink", 5) == 0;
}

/* Conditions on what has no validators; v NULL: on what nobody can get. True: they hold. */
static bool conditions_hold(struct conn *c, const struct http_request *r,
                            const struct http_validators *v)
{
    int rc = http_conditions(r, v, 0);

    if (rc == 304)
        reply_unchanged(c, "Cache-Control: no-store\r\n");
    else if (rc)
        reply_error(c, rc);
    return rc == 0;
}

static void serve_sink(struct conn *c, const struct http_request *r)
{
    if (http_conditions(r, NULL, 0) != 0) {
        route_refuse(c, 412);
        return;
    }
    if (r->has_length && r->length > SINK_MAX) {
        route_refuse(c, 413);
        return;
    }
    sink_begin(&c->sink, r, SINK_MAX);
    if (sink_done(&c->sink))
        reply_sink(c);
    else if (r->expect_continue)
        reply_continue(c);
    else
        c->state = CONN_BODY;
}

/*
 * A body that nobody asked for. A short one is read before the answer begins, so that what is wrong
 * with it is answered; else the connection ends after the answer. True: the body comes first.
 */
static bool take_body(struct conn *c, const struct http_request *r)
{
    bool is_long = r->has_length && r->length > DROP_MAX;

    if (is_long || (r->expect_continue && !is_get(r))) {
        c->keep_alive = false;
        c->unread = true;
        if (is_get(r))
            route_refuse(c, 413);
        else
            route_taken(c, r);
        return false;
    }
    sink_begin(&c->sink, r, DROP_MAX);
    if (r->expect_continue)
        reply_continue(c);
    else
        c->state = CONN_BODY;
    return true;
}

static void serve_source(struct conn *c, const struct http_request *r)
{
    uint64_t bytes = 0;

    if (http_query_u64(r->query, "bytes", &bytes) != 1 || bytes > SOURCE_MAX)
        reply_error_text(c, 400, "", "Say how much: /source?bytes=N, N up to 1099511627776.");
    else
        reply_pattern(c, bytes);
}

static void serve_status_json(struct conn *c)
{
    size_t len;
    char *json = status_json(&len);

    if (json)
        reply_owned(c, "application/json", json, len);
    else
        reply_error(c, 503);
}

static void serve_listing(struct conn *c, const char *path)
{
    size_t len;
    char *page = listing_make(path, &len);

    if (page)
        reply_owned(c, "text/html; charset=utf-8", page, len);
    else
        reply_error(c, 503);
}

static void serve_file(struct conn *c, const struct http_request *r, const char *path, size_t len)
{
    static const struct http_validators none;
    struct open_file *f;
    int rc = files_get(path, len, &f);

    if (rc == 0) {
        if (f->has_gzip && r->accept_encoding.p && http_accepts_gzip(r))
            files_compressed(&f);
        reply_file(c, r, f);
    } else if (rc == FILES_FOLDER && !route_listings)
        reply_error(c, 404);
    else if (rc == FILES_FOLDER && conditions_hold(c, r, &none))
        serve_listing(c, path);
    else if (rc == -301)
        reply_redirect(c, r);
    else if (rc == -404 && !files_present())
        reply_error_text(c, 404, "",
                         "This server has no files: start it with a disk that holds a file tree "
                         "(make disk DIR=site/ builds one), or with an initrd. "
                         "<a href=\"/status\">/status</a> works without.");
    else if (rc < 0)
        reply_error(c, -rc);
}

static void serve_live(struct conn *c, const struct http_request *r, const char *path)
{
    static const struct http_validators none;

    if (!conditions_hold(c, r, &none))
        return;
    if (strcmp(path, "/status") == 0)
        reply_memory(c, "text/html; charset=utf-8", status_page, status_page_len);
    else if (strcmp(path, "/status.json") == 0)
        serve_status_json(c);
    else
        serve_source(c, r);
}

/* Most paths are none of these, which the second byte tells. */
static bool is_live(const char *path)
{
    return path[1] == 's' && (strcmp(path, "/status") == 0 || strcmp(path, "/status.json") == 0 ||
                              strcmp(path, "/source") == 0);
}

/* OPTIONS, or a method that is not allowed. */
static void serve_methods(struct conn *c, const struct http_request *r)
{
    const char *allow = r->asterisk  ? "Allow: GET, HEAD, OPTIONS, POST, PUT\r\n"
                        : is_sink(r) ? "Allow: OPTIONS, POST, PUT\r\n"
                                     : "Allow: GET, HEAD, OPTIONS\r\n";

    if (r->method == HTTP_OPTIONS)
        reply_empty(c, allow);
    else
        reply_error_text(c, 405, allow, "");
}

void route_taken(struct conn *c, const struct http_request *r)
{
    static char path[FILES_PATH_MAX];

    int len = is_get(r) ? http_decode_path(r->path, path, sizeof(path)) : 0;
    if (len == 0 || (len == 5 && memcmp(path, "/sink", 5) == 0))
        serve_methods(c, r);
    else if (len < 0)
        reply_error(c, -len);
    else if (is_live(path))
        serve_live(c, r, path);
    else
        serve_file(c, r, path, (size_t)len);
}

bool route(struct conn *c, const struct http_request *r)
{
    c->keep_alive = r->keep_alive;
    c->http10 = r->minor == 0;
    c->head_only = r->method == HTTP_HEAD;
    conn_log(c, r->line);
    if ((r->method == HTTP_POST || r->method == HTTP_PUT) && is_sink(r)) {
        serve_sink(c, r);
        return false;
    }
    if (has_body(r))
        return take_body(c, r);
    route_taken(c, r);
    return false;
}
