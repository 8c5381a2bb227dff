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

#define HTTP_HEAD_MAX   16384u /* bytes of request line and header fields; beyond: 431 */
#define HTTP_TARGET_MAX 14336u /* bytes of the request target; beyond: 414 */
#define HTTP_FIELDS_MAX 100u   /* header fields, and trailer fields; beyond: 431 */

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
    HTTP_OPTIONS,
    HTTP_CONNECT,
    HTTP_OTHER /* a method of the standard that is not served: 405 */
};

struct http_request {
    enum http_method method;
    unsigned minor;          /* 0 or 1; a higher minor version reads as 1 */
    bool asterisk;           /* OPTIONS of the server as a whole; the path is "/" */
    struct http_slice line;  /* the request line, without its end */
    struct http_slice path;  /* as sent, percent-encoded, begins with '/' */
    struct http_slice query; /* after '?', without it */
    /* Fields that stand once: one that stands twice is there with a length of 0, so it is invalid
     * and has no effect. */
    struct http_slice range, if_range, if_modified_since, if_unmodified_since;
    /* Lists, which may stand on several lines: the first line. http_line() finds all. */
    struct http_slice if_match, if_none_match, accept_encoding;
    struct http_slice fields; /* all field lines */
    bool repeated;            /* one of the lists stands on several lines */
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
 * The values of a list field that may stand on several lines, one line at each call; `first` is the
 * field in *r, `name` its name in lower case, *at 0 at first. False: no further line.
 */
bool http_line(const struct http_request *r, struct http_slice first, const char *name, size_t *at,
               struct http_slice *value);

int http_hex_value(char c);                                /* 0..15, or -1 */
bool http_slice_is(struct http_slice s, const char *text); /* same bytes */

/* Writes v in decimal without a terminator and returns the number of digits (at most 20). */
size_t http_decimal(uint64_t v, char *out);

/* ---- targets: target.c ---------------------------------------------------------------------- */

/* The request target (RFC 9112, 3.2) of r->method: fills in path, query and asterisk. 0 or -400. */
int http_target(struct http_slice target, struct http_request *r);

/* Is s a host with an optional port, as a Host field holds it (RFC 9110, 7.2; RFC 3986, 3.2.2)? */
bool http_is_authority(struct http_slice s);

/*
 * Decodes a percent-encoded path into out: runs of slashes become one; a NUL, control byte, encoded
 * slash, backslash, "." or ".." segment or malformed escape is -400. Returns the length of the
 * NUL-terminated result, or -404 when it does not fit.
 */
int http_decode_path(struct http_slice path, char *out, size_t size);

/* Decimal parameter `name` of a query: 1 found, 0 absent, -400 malformed or over 2^63-1. */
int http_query_u64(struct http_slice query, const char *name, uint64_t *value);

/* ---- conditions, ranges, encodings: condition.c, range.c ------------------------------------ */

/* What tells a version of a file from the others. */
struct http_validators {
    const char *etag; /* with its quotes; a strong one; NULL: none */
    size_t etag_len;
    int64_t modified; /* seconds since 1970; 0: not known */
};

/*
 * The conditions of a request (RFC 9110, 13.2.2) against what the target has now; v NULL: nothing.
 * `now`: seconds since 1970, for dates with two digits of the year. 0: they hold; 304; 412.
 */
int http_conditions(const struct http_request *r, const struct http_validators *v, int64_t now);

/* Does a Range count: GET alone, and If-Range, if there is one, holds (RFC 9110, 13.1.5)? */
bool http_range_counts(const struct http_request *r, const struct http_validators *v, int64_t now);

#define HTTP_RANGES_MAX 16u

struct http_range {
    uint64_t first, last;
};

/*
 * A Range field against a representation of `size` bytes (RFC 9110, 14.2): 206 with *count ranges
 * in the order asked for, 416, or 200 when the whole is to be sent: the field is malformed, or
 * names more than HTTP_RANGES_MAX ranges or more bytes than there are.
 */
int http_ranges(struct http_slice field, uint64_t size, struct http_range *out, unsigned *count);

/* Does Accept-Encoding prefer gzip to the plain file (RFC 9110, 12.5.3)? */
bool http_accepts_gzip(const struct http_request *r);

#define HTTP_DATE_LEN 29u
/* IMF-fixdate ("Sun, 06 Nov 1994 08:49:37 GMT", RFC 9110, 5.6.7): 29 bytes, no terminator. */
void http_date(int64_t unix_seconds, char out[HTTP_DATE_LEN]);

/* Reads a date in one of the three forms of RFC 9110, 5.6.7. False: it is none. */
bool http_read_date(struct http_slice s, int64_t now, int64_t *unix_seconds);

/* ---- chunked bodies (RFC 9112, 7.1): chunked.c ---------------------------------------------- */

enum http_chunk_state {
    HTTP_CHUNK_SIZE, /* hexadecimal digits of a chunk's size */
    HTTP_CHUNK_SIZE_LF,
    HTTP_CHUNK_DATA,      /* `left` bytes of data follow */
    HTTP_CHUNK_DATA_CR,   /* the line end after the data */
    HTTP_CHUNK_DATA_LF,   /* an extension: */
    HTTP_CHUNK_EXT_BLANK, /* before its semicolon */
    HTTP_CHUNK_EXT,       /* behind that */
    HTTP_CHUNK_EXT_NAME,
    HTTP_CHUNK_EXT_NAMED, /* behind the name and a blank */
    HTTP_CHUNK_EXT_EQUAL, /* behind the equals sign */
    HTTP_CHUNK_EXT_VALUE,
    HTTP_CHUNK_EXT_QUOTED,
    HTTP_CHUNK_EXT_PAIR, /* behind a backslash */
    HTTP_CHUNK_EXT_END,  /* behind the closing quote */
    HTTP_CHUNK_TRAILER,  /* at the start of a trailer line; all before is no trailer */
    HTTP_CHUNK_FIELD_NAME,
    HTTP_CHUNK_FIELD_VALUE,
    HTTP_CHUNK_FIELD_LF,
    HTTP_CHUNK_END_LF,
    HTTP_CHUNK_DONE
};
struct http_chunked {
    enum http_chunk_state state;
    unsigned digits;     /* not 0: the size has a digit */
    unsigned line;       /* bytes of framing since the last data */
    unsigned extensions; /* bytes of extensions */
    unsigned trailers;   /* trailer fields */
    uint64_t left;
};

/*
 * Takes framing bytes until data begins or the body ends; zero-initialise *c first. Returns the
 * bytes taken (the caller then consumes c->left bytes of data itself when the state is
 * HTTP_CHUNK_DATA, and calls http_chunk_consumed), or -400, -413, -431.
 */
int http_chunk_framing(struct http_chunked *c, const char *buf, size_t len);
void http_chunk_consumed(struct http_chunked *c, uint64_t n);

#endif
