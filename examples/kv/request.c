/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request.c - what a request asks for: /k/KEY, /k?prefix=&after=&limit= and /status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kv.h"

void answer_clear(struct answer *a)
{
    free(a->body);
    *a = (struct answer){0};
}

void answer_text(struct answer *a, int status, const char *text)
{
    answer_clear(a);
    a->status = status;
    a->type = "text/plain";
    a->body = malloc(strlen(text) + 2);
    if (a->body)
        a->len = (size_t)sprintf(a->body, "%s\n", text);
}

/* Decodes a percent-encoded text: its length; -1: malformed, or longer than a key. */
static int decode(const char *p, size_t len, uint8_t out[KV_KEY_MAX])
{
    unsigned n = 0;

    for (size_t i = 0; i < len; i++) {
        int c = (uint8_t)p[i];

        if (n == KV_KEY_MAX)
            return -1;
        if (c == '%') {
            int high = i + 2 < len ? http_hex_value(p[i + 1]) : -1;
            int low = i + 2 < len ? http_hex_value(p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return -1;
            c = high << 4 | low;
            i += 2;
        }
        out[n++] = (uint8_t)c;
    }
    return (int)n;
}

/* The parameter `name` of a query, decoded: its length, 0 if absent, -1. */
static int parameter(struct http_slice query, const char *name, uint8_t out[KV_KEY_MAX])
{
    size_t n = strlen(name);
    const char *p = query.p, *end = p ? p + query.len : NULL;

    while (p && p < end) {
        const char *stop = memchr(p, '&', (size_t)(end - p));

        stop = stop ? stop : end;
        if ((size_t)(stop - p) > n && memcmp(p, name, n) == 0 && p[n] == '=')
            return decode(p + n + 1, (size_t)(stop - p) - n - 1, out);
        p = stop + 1;
    }
    return 0;
}

static void read_list(const struct http_request *r, struct request *q, struct answer *a)
{
    int key = parameter(r->query, "prefix", q->key), after = parameter(r->query, "after", q->after);
    uint64_t limit = 1000;
    int found = http_query_u64(r->query, "limit", &limit);

    if (key < 0 || after < 0 || found < 0 || !limit || limit > KV_LIST_MAX) {
        answer_text(a, 400,
                    "prefix= and after= are percent-encoded and of 255 bytes at most, "
                    "limit= is from 1 to 10000");
        return;
    }
    q->key_len = (size_t)key;
    q->after_len = (size_t)after;
    q->limit = (unsigned)limit;
    q->verb = VERB_LIST;
}

static void read_key(const struct http_request *r, struct request *q, struct answer *a)
{
    int len = decode(r->path.p + 3, r->path.len - 3, q->key);
    bool get = r->method == HTTP_GET || r->method == HTTP_HEAD;
    bool is_delete = r->line.len > 7 && memcmp(r->line.p, "DELETE ", 7) == 0;

    if (len <= 0)
        answer_text(a, 400, "a key has from 1 to 255 bytes, percent-encoded: /k/KEY");
    else if (get || is_delete || r->method == HTTP_PUT)
        q->verb = get ? VERB_GET : is_delete ? VERB_DELETE : VERB_PUT;
    else
        answer_text(a, 405, "a key takes GET, PUT and DELETE");
    if (q->verb == VERB_PUT && (r->chunked || !r->has_length)) {
        q->verb = VERB_NONE;
        answer_text(a, 411, "PUT needs Content-Length");
    } else if (q->verb == VERB_PUT && r->length > kv_limits.value) {
        q->verb = VERB_NONE;
        answer_text(a, 413, "the value is too long (vireo.kv.value=)");
    }
    q->key_len = len > 0 ? (size_t)len : 0;
}

void request_read(const struct http_request *r, struct request *q, struct answer *a)
{
    bool get = r->method == HTTP_GET || r->method == HTTP_HEAD;

    *q = (struct request){.verb = VERB_NONE, .head = r->method == HTTP_HEAD};
    if (r->path.len >= 3 && memcmp(r->path.p, "/k/", 3) == 0 && r->path.len > 3)
        read_key(r, q, a);
    else if (!http_slice_is(r->path, "/k") && !http_slice_is(r->path, "/k/") &&
             !http_slice_is(r->path, "/status"))
        answer_text(a, 404, "there is /k/KEY, /k?prefix=&after=&limit= and /status");
    else if (!get)
        answer_text(a, 405, "this takes GET");
    else if (http_slice_is(r->path, "/status"))
        q->verb = VERB_STATUS;
    else
        read_list(r, q, a);
}
