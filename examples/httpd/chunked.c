/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chunked.c - the framing of chunked bodies (RFC 9112, 7.1), a byte at a time; the data between it
 * goes straight from the socket to its consumer. Extensions and trailers are skipped, bounded. The
 * lines around data end with CRLF alone: a proxy in front must not see other chunks than we do.
 */
#include "http.h"

#define CHUNK_LINE_MAX 4096u /* framing bytes between two pieces of data, trailers included */

/* The size line is complete. */
static void chunk_begin(struct http_chunked *c)
{
    c->state = c->left ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILER;
    c->digits = 0;
    if (c->left)
        c->line = 0;
}

static bool chunk_size_byte(struct http_chunked *c, char b)
{
    int v = http_hex_value(b);

    if (v >= 0) {
        c->left = c->left << 4 | (uint64_t)v;
        return ++c->digits <= 15;
    }
    if (c->digits == 0)
        return false;
    if (b == '\r')
        c->state = HTTP_CHUNK_SIZE_LF;
    else if (b == ';' || b == ' ' || b == '\t')
        c->state = HTTP_CHUNK_EXT;
    else
        return false;
    return true;
}

/* One framing byte; false when it is not allowed where it stands. */
static bool chunk_byte(struct http_chunked *c, char b)
{
    switch (c->state) {
    case HTTP_CHUNK_SIZE:
        return chunk_size_byte(c, b);
    case HTTP_CHUNK_EXT:
        if (b == '\r')
            c->state = HTTP_CHUNK_SIZE_LF;
        return b != '\n';
    case HTTP_CHUNK_SIZE_LF:
        chunk_begin(c);
        return b == '\n';
    case HTTP_CHUNK_DATA_CR:
        c->state = HTTP_CHUNK_DATA_LF;
        return b == '\r';
    case HTTP_CHUNK_DATA_LF:
        c->state = HTTP_CHUNK_SIZE;
        return b == '\n';
    case HTTP_CHUNK_TRAILER:
        c->state = b == '\r' ? HTTP_CHUNK_END_LF : b == '\n' ? HTTP_CHUNK_DONE : HTTP_CHUNK_FIELD;
        return true;
    case HTTP_CHUNK_FIELD:
        if (b == '\n')
            c->state = HTTP_CHUNK_TRAILER;
        return true;
    case HTTP_CHUNK_END_LF:
        c->state = HTTP_CHUNK_DONE;
        return b == '\n';
    default:
        return false;
    }
}

int http_chunk_framing(struct http_chunked *c, const char *buf, size_t len)
{
    size_t n = 0;

    while (n < len && n < INT32_MAX && c->state != HTTP_CHUNK_DATA && c->state != HTTP_CHUNK_DONE)
        if (++c->line > CHUNK_LINE_MAX || !chunk_byte(c, buf[n++]))
            return -400;
    return (int)n;
}

void http_chunk_consumed(struct http_chunked *c, uint64_t n)
{
    c->left -= n;
    if (c->left == 0)
        c->state = HTTP_CHUNK_DATA_CR;
}
