/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chunked.c - the framing of chunked bodies (RFC 9112, 7.1), a byte at a time; the data between it
 * goes straight from the socket to its consumer. Extensions and trailer fields are checked and
 * dropped. What the grammar does not have is refused, a line end without CR first of all: whoever
 * stands between the client and this server must not see another end of the body.
 */
#include "syntax.h"

#define CHUNK_LINE_MAX       4096u  /* framing bytes between two pieces of data */
#define CHUNK_EXTENSIONS_MAX 16384u /* bytes of extensions in one body */

static int chunk_go(struct http_chunked *c, enum http_chunk_state next)
{
    c->state = next;
    return 0;
}

/* The size line is complete. */
static int chunk_begin(struct http_chunked *c)
{
    c->digits = 0;
    if (c->left)
        c->line = 0;
    return chunk_go(c, c->left ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILER);
}

/* What may follow the size, or the end of an extension: an extension, or the line end. */
static int chunk_ext_next(struct http_chunked *c, char b)
{
    if (b == '\r')
        return chunk_go(c, HTTP_CHUNK_SIZE_LF);
    if (b == ';')
        return chunk_go(c, HTTP_CHUNK_EXT);
    return is_blank(b) ? chunk_go(c, HTTP_CHUNK_EXT_BLANK) : -400;
}

static int chunk_size_byte(struct http_chunked *c, char b)
{
    int v = http_hex_value(b);

    if (v >= 0) {
        if (c->left >> 56)
            return -413;
        c->left = c->left << 4 | (uint64_t)v;
        c->digits = 1;
        return 0;
    }
    return c->digits ? chunk_ext_next(c, b) : -400;
}

/* chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) */
static int chunk_ext_byte(struct http_chunked *c, char b)
{
    if (++c->extensions > CHUNK_EXTENSIONS_MAX)
        return -413;
    switch (c->state) {
    case HTTP_CHUNK_EXT_BLANK:
        return b == ';' ? chunk_go(c, HTTP_CHUNK_EXT) : is_blank(b) ? 0 : -400;
    case HTTP_CHUNK_EXT:
        return is_token(b) ? chunk_go(c, HTTP_CHUNK_EXT_NAME) : is_blank(b) ? 0 : -400;
    case HTTP_CHUNK_EXT_NAME:
        if (b == '=')
            return chunk_go(c, HTTP_CHUNK_EXT_EQUAL);
        if (is_blank(b))
            return chunk_go(c, HTTP_CHUNK_EXT_NAMED);
        return is_token(b) ? 0 : chunk_ext_next(c, b);
    case HTTP_CHUNK_EXT_NAMED:
        if (b == '=')
            return chunk_go(c, HTTP_CHUNK_EXT_EQUAL);
        return b == ';' ? chunk_go(c, HTTP_CHUNK_EXT) : is_blank(b) ? 0 : -400;
    case HTTP_CHUNK_EXT_EQUAL:
        if (b == '"')
            return chunk_go(c, HTTP_CHUNK_EXT_QUOTED);
        return is_token(b) ? chunk_go(c, HTTP_CHUNK_EXT_VALUE) : is_blank(b) ? 0 : -400;
    case HTTP_CHUNK_EXT_VALUE:
        return is_token(b) ? 0 : chunk_ext_next(c, b);
    case HTTP_CHUNK_EXT_QUOTED:
        if (b == '"')
            return chunk_go(c, HTTP_CHUNK_EXT_END);
        if (b == '\\')
            return chunk_go(c, HTTP_CHUNK_EXT_PAIR);
        return is_control(b) ? -400 : 0;
    case HTTP_CHUNK_EXT_PAIR:
        return is_control(b) ? -400 : chunk_go(c, HTTP_CHUNK_EXT_QUOTED);
    default: /* HTTP_CHUNK_EXT_END */
        return chunk_ext_next(c, b);
    }
}

/* trailer-section = *( field-line CRLF ), and the empty line behind it. */
static int chunk_trailer_byte(struct http_chunked *c, char b)
{
    switch (c->state) {
    case HTTP_CHUNK_TRAILER:
        if (b == '\r')
            return chunk_go(c, HTTP_CHUNK_END_LF);
        if (!is_token(b))
            return -400;
        return ++c->trailers > HTTP_FIELDS_MAX ? -431 : chunk_go(c, HTTP_CHUNK_FIELD_NAME);
    case HTTP_CHUNK_FIELD_NAME:
        return b == ':' ? chunk_go(c, HTTP_CHUNK_FIELD_VALUE) : is_token(b) ? 0 : -400;
    case HTTP_CHUNK_FIELD_VALUE:
        return b == '\r' ? chunk_go(c, HTTP_CHUNK_FIELD_LF) : is_control(b) ? -400 : 0;
    case HTTP_CHUNK_FIELD_LF:
        return b == '\n' ? chunk_go(c, HTTP_CHUNK_TRAILER) : -400;
    default: /* HTTP_CHUNK_END_LF */
        return b == '\n' ? chunk_go(c, HTTP_CHUNK_DONE) : -400;
    }
}

/* One framing byte: 0, or a negative status when the byte is not allowed where it stands. */
static int chunk_byte(struct http_chunked *c, char b)
{
    switch (c->state) {
    case HTTP_CHUNK_SIZE:
        return chunk_size_byte(c, b);
    case HTTP_CHUNK_SIZE_LF:
        return b == '\n' ? chunk_begin(c) : -400;
    case HTTP_CHUNK_DATA_CR:
        return b == '\r' ? chunk_go(c, HTTP_CHUNK_DATA_LF) : -400;
    case HTTP_CHUNK_DATA_LF:
        return b == '\n' ? chunk_go(c, HTTP_CHUNK_SIZE) : -400;
    default:
        return c->state < HTTP_CHUNK_TRAILER ? chunk_ext_byte(c, b) : chunk_trailer_byte(c, b);
    }
}

int http_chunk_framing(struct http_chunked *c, const char *buf, size_t len)
{
    size_t n = 0;

    while (n < len && n < INT32_MAX && c->state != HTTP_CHUNK_DATA && c->state != HTTP_CHUNK_DONE) {
        int rc = chunk_byte(c, buf[n++]);
        if (rc < 0)
            return rc;
        if (++c->line > CHUNK_LINE_MAX)
            return c->trailers ? -431 : -400;
    }
    return (int)n;
}

void http_chunk_consumed(struct http_chunked *c, uint64_t n)
{
    c->left -= n;
    if (c->left == 0)
        c->state = HTTP_CHUNK_DATA_CR;
}
