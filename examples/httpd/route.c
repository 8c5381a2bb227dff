/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * route.c - the server's addresses:
 *
 *     GET, HEAD  /status, /status.json   the live page and its data
 *     GET, HEAD  /source?bytes=N         N bytes, the i-th being (i * 167 + 13) & 255 (for tests)
 *     POST, PUT  /sink                   swallows a body, answers its length and CRC-32 (for tests)
 *     GET, HEAD  all else                the file tree
 */
#include "route.h"

#include "reply.h"
#include "sink.h"
#include "status.h"

#define SKIP_MAX   (64u * 1024u) /* an unasked-for body up to this long is read and dropped */
#define SOURCE_MAX (1ull << 40)

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

/* A body that no handler takes: skips a short one, else closes after the answer. */
static void drop_body(struct conn *c, const struct http_request *r)
{
    if (!has_body(r))
        return;
    if (!r->chunked && r->length <= SKIP_MAX && !r->expect_continue) {
        c->skip = r->length;
    } else {
        c->keep_alive = false;
        c->unread = true;
    }
}

static void not_allowed(struct conn *c, const struct http_request *r, const char *allow)
{
    drop_body(c, r);
    reply_error_text(c, 405, allow, "");
}

static void serve_sink(struct conn *c, const struct http_request *r)
{
    if (r->method != HTTP_POST && r->method != HTTP_PUT) {
        not_allowed(c, r, "Allow: POST, PUT\r\n");
        return;
    }
    if (r->has_length && r->length > SINK_MAX) {
        route_refuse(c, 413);
        return;
    }
    sink_begin(&c->sink, r);
    if (sink_done(&c->sink))
        reply_sink(c);
    else if (r->expect_continue)
        reply_continue(c);
    else
        c->state = CONN_BODY;
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

static void serve_file(struct conn *c, const struct http_request *r, const char *path, size_t len)
{
    struct open_file *f;
    int rc = files_get(path, len, &f);

    if (rc == 0)
        reply_file(c, r, f);
    else if (rc == -301)
        reply_redirect(c, r);
    else if (rc == -404 && !files_present())
        reply_error_text(c, 404, "",
                         "This server has no files: start it with a disk that holds a file tree "
                         "(make disk DIR=site/ builds one), or with an initrd. "
                         "<a href=\"/status\">/status</a> works without.");
    else
        reply_error(c, -rc);
}

void route(struct conn *c, const struct http_request *r)
{
    char path[FILES_PATH_MAX];

    c->keep_alive = r->keep_alive;
    c->http10 = r->minor == 0;
    c->head_only = r->method == HTTP_HEAD;
    int len = http_decode_path(r->path, path, sizeof(path));
    if (len > 0 && strcmp(path, "/sink") == 0) {
        serve_sink(c, r);
        return;
    }
    if (!is_get(r)) {
        not_allowed(c, r, "Allow: GET, HEAD\r\n");
        return;
    }
    if (r->chunked || (r->has_length && r->length > SKIP_MAX)) {
        route_refuse(c, 413);
        return;
    }
    drop_body(c, r);
    if (len < 0)
        reply_error(c, -len);
    else if (strcmp(path, "/status") == 0)
        reply_memory(c, "text/html; charset=utf-8", status_page, status_page_len);
    else if (strcmp(path, "/status.json") == 0)
        serve_status_json(c);
    else if (strcmp(path, "/source") == 0)
        serve_source(c, r);
    else
        serve_file(c, r, path, (size_t)len);
}
