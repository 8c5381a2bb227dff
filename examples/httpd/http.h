/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http.h - HTTP/1.x requests as data: heads, targets, dates, ranges and chunked framing
 * (RFC 9110 and RFC 9112).
 *
 * Nothing here reads a socket or a clock, allocates, or keeps state of its own, so all of it is
 * tested on the host (tests/host/test_http.c). Failures are negative HTTP status codes: -400 means
 * that the answer should be "400 Bad Request".
 */
#ifndef HTTPD_HTTP_H
#define HTTPD_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX   8192u /* bytes of request line and header fields; beyond: 431 */
#define HTTP_TARGET_MAX 2048u /* bytes of the request target; beyond: 414 */
#define HTTP_FIELDS_MAX 100u  /* header fields; beyond: 431 */

/* A piece of the caller's buffer; p is NULL when the field was absent. */
struct http_slice {
    const char *p;
    size_t len;
};

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_OTHER /* a method of the standard that is not served: 405 */
};

struct http_request {
    enum http_method method;
    unsigned minor;          /* 0 or 1; a higher minor version reads as 1 */
    struct http_slice path;  /* as sent, percent-encoded, begins with '/' */
    struct http_slice query; /* after '?', without it */
    struct http_slice range, if_range, if_none_match, if_modified_since;
    bool keep_alive;
    bool expect_continue;
    bool chunked;
    bool has_length;
    uint64_t length; /* Content-Length, when has_length */
};

/*
 * Looks for the empty line that ends a head in buf[0..len), starting at *scanned (0 at first; it is
 * moved forward, so that no byte is looked at again when more arrive). Returns the length of the
 * head, its empty line included, or 0 while it is incomplete.
 */
size_t http_head_end(const char *buf, size_t len, size_t *scanned);

/* Leading empty lines, which a server skips before a request line (RFC 9112, 2.2): their length. */
size_t http_skip_blank(const char *buf, size_t len);

/*
 * Parses a complete head of `len` bytes as http_head_end found it. The slices of *r point into it.
 * 0, or -400, -413, -414, -417, -431, -501, -505.
 */
int http_parse(const char *head, size_t len, struct http_request *r);

/*
 * Decodes a percent-encoded path into out: runs of slashes become one; a NUL, control byte, encoded
 * slash, backslash, "." or ".." segment or malformed escape is -400. Returns the length of the
 * NUL-terminated result, or -404 when it does not fit.
 */
int http_decode_path(struct http_slice path, char *out, size_t size);

/* Decimal parameter `name` of a query: 1 found, 0 absent, -400 malformed or over 2^63-1. */
int http_query_u64(struct http_slice query, const char *name, uint64_t *value);

/*
 * A Range field against a representation of `size` bytes (RFC 9110, 14.2): 206 with the range as
 * [*first, *last], 416, or 200 when the field is malformed or names several ranges, so that the
 * whole is to be sent.
 */
int http_range(struct http_slice range, uint64_t size, uint64_t *first, uint64_t *last);

/* Does an If-None-Match list hold this entity tag (weak comparison), or is it "*"? */
bool http_etag_listed(struct http_slice list, const char *etag, size_t etag_len);

int http_hex_value(char c);                                /* 0..15, or -1 */
bool http_slice_is(struct http_slice s, const char *text); /* same bytes */

#define HTTP_DATE_LEN 29u
/* IMF-fixdate ("Sun, 06 Nov 1994 08:49:37 GMT", RFC 9110, 5.6.7): 29 bytes, no terminator. */
void http_date(int64_t unix_seconds, char out[HTTP_DATE_LEN]);

/* Writes v in decimal without a terminator and returns the number of digits (at most 20). */
size_t http_decimal(uint64_t v, char *out);

/* ---- chunked bodies (RFC 9112, 7.1) --------------------------------------------------------- */

enum http_chunk_state {
    HTTP_CHUNK_SIZE, /* hexadecimal digits of a chunk's size */
    HTTP_CHUNK_EXT,  /* the rest of that line is ignored */
    HTTP_CHUNK_SIZE_LF,
    HTTP_CHUNK_DATA,    /* `left` bytes of data follow */
    HTTP_CHUNK_DATA_CR, /* the line end after the data */
    HTTP_CHUNK_DATA_LF,
    HTTP_CHUNK_TRAILER, /* at the start of a trailer line */
    HTTP_CHUNK_FIELD,   /* inside a trailer field, which is ignored */
    HTTP_CHUNK_END_LF,
    HTTP_CHUNK_DONE
};
struct http_chunked {
    enum http_chunk_state state;
    unsigned digits; /* of the size */
    unsigned line;   /* bytes of framing since the last data */
    uint64_t left;
};

/*
 * Takes framing bytes until data begins or the body ends; zero-initialise *c first. Returns the
 * bytes taken (the caller then consumes c->left bytes of data itself when the state is
 * HTTP_CHUNK_DATA, and calls http_chunk_consumed), or -400.
 */
int http_chunk_framing(struct http_chunked *c, const char *buf, size_t len);
void http_chunk_consumed(struct http_chunked *c, uint64_t n);

#endif
