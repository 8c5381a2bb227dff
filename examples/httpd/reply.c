/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reply.c - builds the head of an answer (RFC 9110; RFC 9112, 4). No formatting library and no
 * allocation: an answer to a small file is about 200 bytes of copying.
 */
#include "reply.h"

#include <stdlib.h>
#include <time.h>

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 206:
        return "Partial Content";
    case 301:
        return "Moved Permanently";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 416:
        return "Range Not Satisfiable";
    case 417:
        return "Expectation Failed";
    case 431:
        return "Request Header Fields Too Large";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Internal Server Error";
    }
}

uint64_t reply_date_ms;

/* "Date: ...\r\n", made once a second; nothing where the machine has no clock (RFC 9110, 6.6.1). */
static void put_date(struct text *t)
{
    static char line[6 + HTTP_DATE_LEN + 2] = "Date: ";
    static bool known;

    if (server_now_ms >= reply_date_ms) {
        struct timespec now;
        reply_date_ms = server_now_ms + 1000;
        known = clock_gettime(CLOCK_REALTIME, &now) == 0 && now.tv_sec > 1000000000;
        if (known) {
            reply_date_ms -= (uint64_t)now.tv_nsec / 1000000;
            http_date((int64_t)now.tv_sec, line + 6);
            memcpy(line + 6 + HTTP_DATE_LEN, "\r\n", 2);
        }
    }
    if (known)
        text_put(t, line, sizeof(line));
}

/* Status line and the fields that every answer has. */
static struct text begin(struct conn *c, int status)
{
    struct text t = {.p = conn_head(c), .size = CONN_HEAD_MAX};

    c->status = status;
    if (status == 200) {
        text_lit(&t, "HTTP/1.1 200 OK\r\nServer: Vireo\r\n");
    } else {
        text_lit(&t, "HTTP/1.1 ");
        text_u64(&t, (uint64_t)status);
        text_lit(&t, " ");
        text_str(&t, reason(status));
        text_lit(&t, "\r\nServer: Vireo\r\n");
    }
    put_date(&t);
    return t;
}

/* What the connection comes to, and the end of the head. */
static void end_fields(struct conn *c, struct text *t)
{
    if (!c->keep_alive)
        text_lit(t, "Connection: close\r\n");
    else if (c->http10)
        text_lit(t, "Connection: keep-alive\r\n");
    text_lit(t, "\r\n");
}

/* Content-Length and the end of the head; `length` is that of the body, sent or not (HEAD). */
static void end_head(struct conn *c, struct text *t, uint64_t length)
{
    text_lit(t, "Content-Length: ");
    text_u64(t, length);
    text_lit(t, "\r\n");
    end_fields(c, t);
}

/* Everything is in place: sets off. */
static void go(struct conn *c, const struct text *t)
{
    c->head_len = (unsigned)t->len;
    c->head_sent = 0;
    c->state = CONN_SEND;
    if (c->head_only)
        c->body.end = c->body.at;
    if (t->overflow) /* half a head must not go out */
        c->state = CONN_CLOSED;
}

void reply_continue(struct conn *c)
{
    struct text t = {.p = conn_head(c), .size = CONN_HEAD_MAX};

    text_lit(&t, "HTTP/1.1 100 Continue\r\n\r\n");
    c->body = (struct body){.kind = BODY_NONE};
    c->interim = true;
    go(c, &t);
}

void reply_error(struct conn *c, int status)
{
    reply_error_text(c, status, "", "");
}

void reply_error_text(struct conn *c, int status, const char *fields, const char *sentence)
{
    char page[640];
    struct text p = {.p = page, .size = sizeof(page)};
    struct text t = begin(c, status);

    c->body.at = c->body.end = 0; /* what the body holds is given back when the answer is over */
    c->body.kind = BODY_NONE;
    text_lit(&p, "<!doctype html><html lang=en><meta charset=utf-8>"
                 "<meta name=viewport content=\"width=device-width\"><title>");
    text_u64(&p, (uint64_t)status);
    text_lit(&p, " ");
    text_str(&p, reason(status));
    text_lit(&p, "</title><body style=\"font:16px/1.5 system-ui,sans-serif;margin:15vh auto;"
                 "max-width:34em;padding:0 1em\"><h1>");
    text_u64(&p, (uint64_t)status);
    text_lit(&p, " ");
    text_str(&p, reason(status));
    text_lit(&p, "</h1><p>");
    text_str(&p, sentence);
    text_lit(&p, "</p>\n");

    text_str(&t, fields);
    text_lit(&t, "Content-Type: text/html; charset=utf-8\r\n");
    end_head(c, &t, p.len);
    if (!c->head_only)
        text_put(&t, p.p, p.len);
    go(c, &t);
}

void reply_redirect(struct conn *c, const struct http_request *r)
{
    char field[600];
    struct text t = {.p = field, .size = sizeof(field) - 1};
    size_t at = r->path.len;

    /* A reference relative to the folder above: it cannot name another host. */
    while (at && r->path.p[at - 1] != '/')
        at--;
    text_lit(&t, "Location: ./");
    text_put(&t, r->path.p + at, r->path.len - at);
    text_lit(&t, "/");
    if (r->query.p) {
        text_lit(&t, "?");
        text_put(&t, r->query.p, r->query.len);
    }
    text_lit(&t, "\r\n");
    if (t.overflow) {
        reply_error(c, 414);
        return;
    }
    field[t.len] = 0;
    reply_error_text(c, 301, field, "This is a folder: its address ends in a slash.");
}

/* An answer of status line and header fields. */
static void reply_fields(struct conn *c, int status, const char *fields, size_t len)
{
    struct text t = begin(c, status);

    text_put(&t, fields, len);
    end_fields(c, &t);
    c->body = (struct body){.kind = BODY_NONE};
    go(c, &t);
}

void reply_unchanged(struct conn *c, const char *fields)
{
    reply_fields(c, 304, fields, strlen(fields));
}

void reply_empty(struct conn *c, const char *fields)
{
    reply_fields(c, 204, fields, strlen(fields));
}

static void reply_unsatisfiable(struct conn *c, const struct open_file *f)
{
    char field[64];
    struct text t = {.p = field, .size = sizeof(field) - 1};

    text_lit(&t, "Content-Range: bytes */");
    text_u64(&t, f->size);
    text_lit(&t, "\r\n");
    field[t.len] = 0;
    reply_error_text(c, 416, field, "The file is shorter than that.");
}

/* 206 with one range; the body is that of the connection. */
static void reply_range(struct conn *c, const struct open_file *f, struct http_range range)
{
    struct text t = begin(c, 206);

    text_put(&t, f->fields, f->fields_len);
    c->body.at = range.first;
    c->body.end = range.last + 1;
    text_lit(&t, "Content-Range: bytes ");
    text_u64(&t, range.first);
    text_lit(&t, "-");
    text_u64(&t, range.last);
    text_lit(&t, "/");
    text_u64(&t, f->size);
    text_lit(&t, "\r\n");
    end_head(c, &t, c->body.end - c->body.at);
    go(c, &t);
}

/* 206 with several ranges. False: no memory. */
static bool reply_parts(struct conn *c, const struct open_file *f, const struct http_range *range,
                        unsigned count)
{
    struct parts *p = malloc(sizeof(*p));

    if (!p)
        return false;
    p->file = f;
    p->count = count;
    memcpy(p->range, range, count * sizeof(*range));
    c->body.kind = BODY_PARTS;
    c->body.parts = c->body.owned = p;
    c->body.end = parts_begin(p);
    struct text t = begin(c, 206);
    text_lit(&t, "Content-Type: multipart/byteranges; boundary=");
    text_put(&t, p->boundary, PARTS_BOUNDARY_LEN);
    text_lit(&t, "\r\n");
    text_put(&t, f->fields + f->rest, f->fields_len - f->rest);
    end_head(c, &t, c->body.end);
    go(c, &t);
    return true;
}

static void reply_whole(struct conn *c, const struct open_file *f)
{
    struct text t = begin(c, 200);

    text_put(&t, f->fields, f->whole_len);
    end_fields(c, &t);
    go(c, &t);
}

/* Answers a request with a Range that counts; false: the whole is to be sent. */
static bool reply_ranges(struct conn *c, const struct http_request *r, const struct open_file *f)
{
    struct http_range range[HTTP_RANGES_MAX];
    unsigned count = 0;
    int status = http_ranges(r->range, f->size, range, &count);

    if (status == 416) {
        reply_unsatisfiable(c, f);
    } else if (count == 1) {
        reply_range(c, f, range[0]);
    } else {
        return count > 1 && !f->gzip && reply_parts(c, f, range, count);
    }
    return true;
}

static bool is_conditional(const struct http_request *r)
{
    return r->if_match.p || r->if_none_match.p || r->if_modified_since.p ||
           r->if_unmodified_since.p || r->if_range.p;
}

void reply_file(struct conn *c, const struct http_request *r, struct open_file *f)
{
    const struct http_validators v = {f->etag, f->etag_len, f->modified};
    bool conditional = is_conditional(r);
    int64_t now = conditional ? (int64_t)time(NULL) : 0;
    int rc = conditional ? http_conditions(r, &v, now) : 0;

    if (rc == 304)
        reply_fields(c, 304, f->fields + f->rest, f->fields_len - f->rest);
    else if (rc)
        reply_error(c, rc);
    if (rc) {
        files_put(f);
        return;
    }
    c->body = (struct body){.kind = f->content ? BODY_MEMORY : BODY_FILE,
                            .memory = f->content,
                            .file = f,
                            .end = f->size};
    if (!http_range_counts(r, &v, now) || !reply_ranges(c, r, f))
        reply_whole(c, f);
}

static void reply_live(struct conn *c, const char *type, struct body body)
{
    struct text t = begin(c, 200);

    text_lit(&t, "Cache-Control: no-store\r\nContent-Type: ");
    text_str(&t, type);
    text_lit(&t, "\r\n");
    c->body = body;
    end_head(c, &t, body.end);
    go(c, &t);
}

void reply_memory(struct conn *c, const char *type, const char *text, size_t len)
{
    reply_live(c, type, (struct body){.kind = BODY_MEMORY, .memory = text, .end = len});
}

void reply_owned(struct conn *c, const char *type, char *text, size_t len)
{
    reply_live(c, type,
               (struct body){.kind = BODY_MEMORY, .memory = text, .owned = text, .end = len});
}

void reply_pattern(struct conn *c, uint64_t bytes)
{
    reply_live(c, "application/octet-stream", (struct body){.kind = BODY_PATTERN, .end = bytes});
}

void reply_sink(struct conn *c)
{
    char json[80];
    struct text j = {.p = json, .size = sizeof(json)};
    struct text t = begin(c, 200);

    text_lit(&j, "{\"bytes\":");
    text_u64(&j, c->sink.bytes);
    text_lit(&j, ",\"crc32\":\"");
    text_hex32(&j, c->sink.crc);
    text_lit(&j, "\"}\n");
    text_lit(&t, "Cache-Control: no-store\r\nContent-Type: application/json\r\n");
    c->body = (struct body){.kind = BODY_NONE};
    end_head(c, &t, j.len);
    text_put(&t, j.p, j.len);
    go(c, &t);
}
