/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * target.c - request targets (RFC 9112, 3.2): their four forms, the host in one (RFC 3986, 3.2.2),
 * the path and the query.
 */
#include "syntax.h"

/* ---- hosts ---------------------------------------------------------------------------------- */

/* A byte of a name, besides escapes: unreserved or sub-delims. */
static bool is_name(char ch)
{
    static const uint32_t set[8] = {0, 0x2bff7fd2u, 0x87fffffeu, 0x47fffffeu, 0, 0, 0, 0};
    unsigned char c = (unsigned char)ch;
    return set[c / 32] >> (c % 32) & 1;
}

static bool is_escape(struct http_slice s, size_t at)
{
    return at + 2 < s.len && s.p[at] == '%' && http_hex_value(s.p[at + 1]) >= 0 &&
           http_hex_value(s.p[at + 2]) >= 0;
}

/* Four numbers up to 255 without leading zeros. */
static bool is_ipv4(struct http_slice s)
{
    struct http_slice e;
    unsigned numbers = 0, dots = 0;
    uint64_t v;

    for (size_t i = 0; i < s.len; i++)
        dots += s.p[i] == '.';
    while (next_element(&s, '.', &e)) {
        if (e.len > 3 || (e.len > 1 && e.p[0] == '0') || read_number(e, &v) != NUMBER_OK || v > 255)
            return false;
        numbers++;
    }
    return numbers == 4 && dots == 3;
}

/* Groups of one to four digits, one "::" for the groups left out, the last two perhaps as IPv4. */
static bool is_ipv6(struct http_slice s)
{
    unsigned groups = 0;
    bool gap = false;
    size_t at = 0;

    if (s.len >= 2 && s.p[0] == ':' && s.p[1] != ':')
        return false;
    while (at < s.len) {
        if (s.p[at] == ':') {
            bool two = at + 1 < s.len && s.p[at + 1] == ':';
            if ((two && gap) || (!two && at + 1 == s.len))
                return false;
            gap |= two;
            at += 1 + two;
            continue;
        }
        size_t start = at;
        while (at < s.len && http_hex_value(s.p[at]) >= 0)
            at++;
        if (at < s.len && s.p[at] == '.') {
            groups += 2;
            return is_ipv4((struct http_slice){s.p + start, s.len - start}) &&
                   (gap ? groups < 8 : groups == 8);
        }
        if (at == start || at - start > 4 || (at < s.len && s.p[at] != ':'))
            return false;
        groups++;
    }
    return gap ? groups < 8 : groups == 8;
}

/* What stands between square brackets: an IPv6 address, or an address of a version to come. */
static bool is_literal(struct http_slice s)
{
    size_t i = 1;

    if (s.len == 0 || lower(s.p[0]) != 'v')
        return is_ipv6(s);
    while (i < s.len && http_hex_value(s.p[i]) >= 0)
        i++;
    if (i == 1 || i + 1 >= s.len || s.p[i] != '.')
        return false;
    while (++i < s.len)
        if (!is_name(s.p[i]) && s.p[i] != ':')
            return false;
    return true;
}

static bool is_port(struct http_slice s)
{
    uint64_t v;
    return s.len == 0 || (read_number(s, &v) == NUMBER_OK && v <= 65535);
}

bool http_is_authority(struct http_slice s)
{
    size_t n = 0;

    if (s.len && s.p[0] == '[') {
        const char *end = memchr(s.p, ']', s.len);
        if (!end || !is_literal((struct http_slice){s.p + 1, (size_t)(end - s.p) - 1}))
            return false;
        n = (size_t)(end - s.p) + 1;
    } else {
        for (; n < s.len && s.p[n] != ':'; n++) {
            if (is_escape(s, n))
                n += 2;
            else if (!is_name(s.p[n]))
                return false;
        }
        if (n == 0)
            return false;
    }
    if (n == s.len)
        return true;
    return s.p[n] == ':' && is_port((struct http_slice){s.p + n + 1, s.len - n - 1});
}

/* ---- forms ---------------------------------------------------------------------------------- */

static bool is_http_scheme(struct http_slice s)
{
    return s.len >= 7 && same_nocase((struct http_slice){s.p, 7}, "http://");
}

/* Cuts scheme and authority off an absolute form; an empty path stays. False: it is malformed. */
static bool cut_authority(struct http_slice *s)
{
    size_t n = 7;

    while (n < s->len && s->p[n] != '/' && s->p[n] != '?')
        n++;
    if (!http_is_authority((struct http_slice){s->p + 7, n - 7}))
        return false;
    s->p += n;
    s->len -= n;
    return true;
}

/* Authority form: a host and a port that is not left out. */
static bool is_tunnel(struct http_slice s)
{
    return http_is_authority(s) && is_digit(s.p[s.len - 1]) && memchr(s.p, ':', s.len);
}

static int origin_form(struct http_slice s, struct http_request *r)
{
    const char *mark = memchr(s.p, '?', s.len);
    size_t path = mark ? (size_t)(mark - s.p) : s.len;

    r->path = path ? (struct http_slice){s.p, path} : (struct http_slice){"/", 1};
    if (mark)
        r->query = (struct http_slice){mark + 1, s.len - path - 1};
    return 0;
}

int http_target(struct http_slice s, struct http_request *r)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == '#')
            return -400;
    r->path = (struct http_slice){"/", 1};
    if (r->method == HTTP_CONNECT)
        return s.len && is_tunnel(s) ? 0 : -400;
    if (s.len && s.p[0] == '/')
        return origin_form(s, r);
    if (is_http_scheme(s)) {
        if (!cut_authority(&s))
            return -400;
        r->asterisk = s.len == 0 && r->method == HTTP_OPTIONS;
        return origin_form(s, r);
    }
    r->asterisk = http_slice_is(s, "*");
    return r->asterisk && r->method == HTTP_OPTIONS ? 0 : -400;
}

/* ---- paths and queries ---------------------------------------------------------------------- */

/* One byte of a path, decoded: its value, or -1; *at moves past it. */
static int decoded_byte(struct http_slice path, size_t *at)
{
    unsigned char c = (unsigned char)path.p[(*at)++];

    if (c == '%') {
        int hi, lo;
        if (*at + 2 > path.len || (hi = http_hex_value(path.p[*at])) < 0 ||
            (lo = http_hex_value(path.p[*at + 1])) < 0)
            return -1;
        *at += 2;
        c = (unsigned char)(hi << 4 | lo);
        if (c == '/')
            return -1;
    }
    return c < ' ' || c == 0x7f || c == '\\' ? -1 : c;
}

static bool is_dots(const char *segment, size_t len)
{
    return (len == 1 && segment[0] == '.') || (len == 2 && segment[0] == '.' && segment[1] == '.');
}

int http_decode_path(struct http_slice path, char *out, size_t size)
{
    size_t n = 0, segment = 0; /* where the segment in out begins */

    for (size_t at = 0; at < path.len;) {
        int c = decoded_byte(path, &at);
        if (c < 0)
            return -400;
        if (c == '/') {
            if (is_dots(out + segment, n - segment))
                return -400;
            if (n && out[n - 1] == '/')
                continue;
            segment = n + 1;
        }
        if (n + 1 >= size)
            return -404;
        out[n++] = (char)c;
    }
    if (n == 0 || is_dots(out + segment, n - segment))
        return -400;
    out[n] = 0;
    return (int)n;
}

int http_query_u64(struct http_slice query, const char *name, uint64_t *value)
{
    size_t want = strlen(name);

    while (query.len) {
        const char *amp = memchr(query.p, '&', query.len);
        size_t n = amp ? (size_t)(amp - query.p) : query.len;
        if (n > want && query.p[want] == '=' && memcmp(query.p, name, want) == 0)
            return read_number((struct http_slice){query.p + want + 1, n - want - 1}, value) ==
                           NUMBER_OK
                       ? 1
                       : -400;
        query.p += n + (amp != NULL);
        query.len -= n + (amp != NULL);
    }
    return 0;
}
