/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http.c - the request parser: RFC 9112 (message syntax) and the parts of RFC 9110 that a server of
 * static files needs. What is ambiguous between two readers is refused (bare CR, folded lines,
 * space before a colon, two lengths): a request means one thing or it means 400.
 */
#include "http.h"

#include <string.h>

/* ---- characters ----------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A byte of a token (RFC 9110, 5.6.2): visible ASCII without delimiters. */
static bool is_token(char ch)
{
    static const uint32_t set[8] = {0, 0x03ff6cfau, 0xc7fffffeu, 0x57ffffffu, 0, 0, 0, 0};
    unsigned char c = (unsigned char)ch;
    return set[c / 32] >> (c % 32) & 1;
}

/* A byte that no field value holds (RFC 9110, 5.5): a control other than the tab. */
static bool is_control(char c)
{
    return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

/* Any control byte in s? Most values hold none, so eight bytes are looked at together. */
static bool has_control(struct http_slice s)
{
    const uint64_t ones = 0x0101010101010101u;
    size_t i = 0;

    for (uint64_t v; i + 8 <= s.len; i += 8) {
        memcpy(&v, s.p + i, 8);
        uint64_t del = v ^ ones * 0x7f;
        uint64_t low = (v - ones * 0x20) & ~v, zero = (del - ones) & ~del;
        if ((low | zero) & ones * 0x80)
            break;
    }
    for (; i < s.len; i++)
        if (is_control(s.p[i]))
            return true;
    return false;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* s equals the lower-case text, upper and lower case alike. */
static bool same_nocase(struct http_slice s, const char *text)
{
    for (size_t i = 0; i < s.len; i++)
        if (text[i] == 0 || lower(s.p[i]) != text[i])
            return false;
    return text[s.len] == 0;
}

bool http_slice_is(struct http_slice s, const char *text)
{
    return s.p && strlen(text) == s.len && memcmp(s.p, text, s.len) == 0;
}

int http_hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* All of s as a decimal number; false when it is empty, holds another byte, or passes 2^63-1. */
static bool parse_u64(struct http_slice s, uint64_t *value)
{
    uint64_t v = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.p[i]) || v > (uint64_t)INT64_MAX / 10)
            return false;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
        if (v > (uint64_t)INT64_MAX)
            return false;
    }
    *value = v;
    return true;
}

static struct http_slice trim(struct http_slice s)
{
    while (s.len && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.len--;
    }
    while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* Cuts the next element of a comma-separated list off *list; false at the end. */
static bool next_element(struct http_slice *list, struct http_slice *element)
{
    while (list->len) {
        const char *comma = memchr(list->p, ',', list->len);
        size_t n = comma ? (size_t)(comma - list->p) : list->len;
        *element = trim((struct http_slice){list->p, n});
        list->p += n + (comma != NULL);
        list->len -= n + (comma != NULL);
        if (element->len)
            return true;
    }
    return false;
}

/* ---- the head ------------------------------------------------------------------------------- */

size_t http_skip_blank(const char *buf, size_t len)
{
    size_t n = 0;

    while (n < len) {
        if (buf[n] == '\n')
            n++;
        else if (buf[n] == '\r' && n + 1 < len && buf[n + 1] == '\n')
            n += 2;
        else
            break;
    }
    return n;
}

size_t http_head_end(const char *buf, size_t len, size_t *scanned)
{
    size_t at = *scanned;

    while (at < len) {
        const char *lf = memchr(buf + at, '\n', len - at);
        if (!lf) {
            *scanned = len;
            return 0;
        }
        size_t next = (size_t)(lf - buf) + 1;
        if (next < len && buf[next] == '\n')
            return next + 1;
        if (next + 1 < len && buf[next] == '\r' && buf[next + 1] == '\n')
            return next + 2;
        if (next + 1 >= len) { /* what follows this line end is not here yet: come back to it */
            *scanned = next - 1;
            return 0;
        }
        at = next;
    }
    *scanned = at;
    return 0;
}

/* Cuts one line off [*at, len), without its line end. -400 for a stray CR. */
static int next_line(const char *head, size_t len, size_t *at, struct http_slice *line)
{
    const char *start = head + *at;
    const char *lf = memchr(start, '\n', len - *at);

    if (!lf)
        return -400;
    line->p = start;
    line->len = (size_t)(lf - start);
    *at += line->len + 1;
    if (line->len && line->p[line->len - 1] == '\r')
        line->len--;
    return 0;
}

static int parse_method(struct http_slice s, enum http_method *method)
{
    static const struct {
        const char *name;
        enum http_method method;
    } known[] = {
        {"GET", HTTP_GET},     {"HEAD", HTTP_HEAD},    {"POST", HTTP_POST},
        {"PUT", HTTP_PUT},     {"DELETE", HTTP_OTHER}, {"OPTIONS", HTTP_OTHER},
        {"PATCH", HTTP_OTHER}, {"TRACE", HTTP_OTHER},  {"CONNECT", HTTP_OTHER},
    };

    for (size_t i = 0; i < s.len; i++)
        if (!is_token(s.p[i]))
            return -400;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (http_slice_is(s, known[i].name)) {
            *method = known[i].method;
            return 0;
        }
    return s.len ? -501 : -400;
}

static int parse_version(struct http_slice s, unsigned *minor)
{
    if (s.len != 8 || memcmp(s.p, "HTTP/", 5) != 0 || !is_digit(s.p[5]) || s.p[6] != '.' ||
        !is_digit(s.p[7]))
        return -400;
    if (s.p[5] != '1')
        return -505;
    *minor = s.p[7] == '0' ? 0 : 1;
    return 0;
}

/* Origin form, or absolute form whose authority is dropped; "*" and authority form: OTHER only. */
static int parse_target(struct http_slice s, struct http_request *r)
{
    static const char scheme[] = "http://";

    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
            return -400;
    if (s.len > 7 && same_nocase((struct http_slice){s.p, 7}, scheme)) {
        s.p += 7;
        s.len -= 7;
        while (s.len && s.p[0] != '/' && s.p[0] != '?') {
            s.p++;
            s.len--;
        }
        if (s.len == 0 || s.p[0] != '/')
            return -400;
    }
    if (s.len == 0 || s.p[0] != '/') {
        r->path = (struct http_slice){"/", 1};
        return r->method == HTTP_OTHER && s.len ? 0 : -400;
    }
    const char *mark = memchr(s.p, '?', s.len);
    r->path = s;
    if (mark) {
        r->path.len = (size_t)(mark - s.p);
        r->query = (struct http_slice){mark + 1, s.len - r->path.len - 1};
    }
    return 0;
}

static int parse_request_line(struct http_slice line, struct http_request *r)
{
    const char *end = line.p + line.len;
    const char *sp1 = memchr(line.p, ' ', line.len);
    if (!sp1)
        return -400;
    const char *target = sp1 + 1;
    const char *sp2 = memchr(target, ' ', (size_t)(end - target));
    if (!sp2)
        return -400;

    /* The version first: what an unknown version means by the rest is unknown too. */
    int rc = parse_version((struct http_slice){sp2 + 1, (size_t)(end - sp2 - 1)}, &r->minor);
    if (rc == 0)
        rc = parse_method((struct http_slice){line.p, (size_t)(sp1 - line.p)}, &r->method);
    if (rc == 0 && (size_t)(sp2 - target) > HTTP_TARGET_MAX)
        rc = -414;
    if (rc == 0)
        rc = parse_target((struct http_slice){target, (size_t)(sp2 - target)}, r);
    return rc;
}

/* ---- header fields -------------------------------------------------------------------------- */

/* Collected while the fields are read, and checked when all are known. */
struct fields {
    unsigned hosts;
    bool close, keep_alive, te;
};

static int field_length(struct http_request *r, struct http_slice value)
{
    uint64_t v;

    for (size_t i = 0; i < value.len; i++)
        if (!is_digit(value.p[i]))
            return -400;
    if (value.len == 0)
        return -400;
    if (!parse_u64(value, &v))
        return -413;
    if (r->has_length && r->length != v)
        return -400;
    r->has_length = true;
    r->length = v;
    return 0;
}

static int field_transfer_encoding(struct http_request *r, struct fields *f,
                                   struct http_slice value)
{
    if (f->te)
        return -400;
    f->te = true;
    if (!same_nocase(value, "chunked"))
        return -501;
    r->chunked = true;
    return 0;
}

static int field_connection(struct fields *f, struct http_slice value)
{
    struct http_slice e;

    while (next_element(&value, &e)) {
        f->close |= same_nocase(e, "close");
        f->keep_alive |= same_nocase(e, "keep-alive");
    }
    return 0;
}

static int field_expect(struct http_request *r, struct http_slice value)
{
    if (!same_nocase(value, "100-continue"))
        return -417;
    r->expect_continue = true;
    return 0;
}

/* The fields that matter are told apart by their length first: most are none of them. */
static int take_field(struct http_request *r, struct fields *f, struct http_slice name,
                      struct http_slice value)
{
    switch (name.len) {
    case 4:
        if (same_nocase(name, "host"))
            f->hosts++;
        return 0;
    case 5:
        if (same_nocase(name, "range"))
            r->range = value;
        return 0;
    case 6:
        return same_nocase(name, "expect") ? field_expect(r, value) : 0;
    case 8:
        if (same_nocase(name, "if-range"))
            r->if_range = value;
        return 0;
    case 10:
        return same_nocase(name, "connection") ? field_connection(f, value) : 0;
    case 13:
        if (same_nocase(name, "if-none-match"))
            r->if_none_match = value;
        return 0;
    case 14:
        return same_nocase(name, "content-length") ? field_length(r, value) : 0;
    case 17:
        if (same_nocase(name, "transfer-encoding"))
            return field_transfer_encoding(r, f, value);
        if (same_nocase(name, "if-modified-since"))
            r->if_modified_since = value;
        return 0;
    default:
        return 0;
    }
}

static int parse_field(struct http_slice line, struct http_request *r, struct fields *f)
{
    size_t n = 0;

    while (n < line.len && is_token(line.p[n]))
        n++;
    if (n == 0 || n == line.len || line.p[n] != ':') /* a folded line begins with a space */
        return -400;
    struct http_slice value = {line.p + n + 1, line.len - n - 1};
    if (has_control(value))
        return -400;
    return take_field(r, f, (struct http_slice){line.p, n}, trim(value));
}

/* Rules that span fields (RFC 9112, 3.2, 6.1, 6.3 and 9.3). */
static int judge(struct http_request *r, const struct fields *f)
{
    if (f->hosts > 1 || (r->minor >= 1 && f->hosts == 0))
        return -400;
    if (f->te && (r->has_length || r->minor == 0))
        return -400;
    r->keep_alive = !f->close && (r->minor >= 1 || f->keep_alive);
    if (r->minor == 0)
        r->expect_continue = false;
    return 0;
}

int http_parse(const char *head, size_t len, struct http_request *r)
{
    struct http_slice line;
    struct fields f = {0};
    size_t at = 0;

    memset(r, 0, sizeof(*r));
    int rc = next_line(head, len, &at, &line);
    if (rc == 0)
        rc = parse_request_line(line, r);
    for (unsigned count = 0; rc == 0; count++) {
        rc = next_line(head, len, &at, &line);
        if (rc != 0 || line.len == 0)
            break;
        rc = count < HTTP_FIELDS_MAX ? parse_field(line, r, &f) : -431;
    }
    return rc == 0 ? judge(r, &f) : rc;
}

/* ---- targets -------------------------------------------------------------------------------- */

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
            return parse_u64((struct http_slice){query.p + want + 1, n - want - 1}, value) ? 1
                                                                                           : -400;
        query.p += n + (amp != NULL);
        query.len -= n + (amp != NULL);
    }
    return 0;
}

/* ---- ranges and validators ------------------------------------------------------------------ */

int http_range(struct http_slice range, uint64_t size, uint64_t *first, uint64_t *last)
{
    if (range.len < 7 || !same_nocase((struct http_slice){range.p, 6}, "bytes="))
        return 200;
    struct http_slice s = trim((struct http_slice){range.p + 6, range.len - 6});
    const char *dash = memchr(s.p, '-', s.len);
    if (!dash)
        return 200;
    struct http_slice from = {s.p, (size_t)(dash - s.p)};
    struct http_slice to = {dash + 1, s.len - from.len - 1};

    if (from.len == 0) { /* the last n bytes */
        uint64_t n;
        if (!parse_u64(to, &n))
            return 200;
        if (n == 0 || size == 0)
            return 416;
        *first = n < size ? size - n : 0;
        *last = size - 1;
        return 206;
    }
    if (!parse_u64(from, first))
        return 200;
    if (to.len == 0)
        *last = UINT64_MAX;
    else if (!parse_u64(to, last) || *last < *first)
        return 200;
    if (*first >= size)
        return 416;
    if (*last >= size)
        *last = size - 1;
    return 206;
}

bool http_etag_listed(struct http_slice list, const char *etag, size_t etag_len)
{
    struct http_slice e;

    if (http_slice_is(list, "*"))
        return true;
    while (next_element(&list, &e)) {
        if (e.len > 2 && e.p[0] == 'W' && e.p[1] == '/') {
            e.p += 2;
            e.len -= 2;
        }
        if (e.len == etag_len && memcmp(e.p, etag, etag_len) == 0)
            return true;
    }
    return false;
}

/* ---- numbers and dates ---------------------------------------------------------------------- */

size_t http_decimal(uint64_t v, char *out)
{
    char digits[20];
    size_t n = 0;

    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    return n;
}

static void two_digits(char *out, unsigned v)
{
    out[0] = (char)('0' + v / 10 % 10);
    out[1] = (char)('0' + v % 10);
}

/* Year, month (0..11) and day (1..31) of a day counted from 1 January 1970. */
static void civil_date(int64_t day, unsigned *year, unsigned *month, unsigned *dom)
{
    static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned y = 1970, m = 0;

    for (;; y++) {
        bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        if (day >= 365 + leap) {
            day -= 365 + leap;
            continue;
        }
        for (m = 0; day >= lengths[m] + (m == 1 && leap); m++)
            day -= lengths[m] + (m == 1 && leap);
        break;
    }
    *year = y;
    *month = m;
    *dom = (unsigned)day + 1;
}

void http_date(int64_t unix_seconds, char out[HTTP_DATE_LEN])
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const int64_t limit = 253402300799; /* the last second of the year 9999 */
    int64_t t = unix_seconds < 0 ? 0 : unix_seconds > limit ? limit : unix_seconds;
    unsigned year, month, dom, second = (unsigned)(t % 86400);

    civil_date(t / 86400, &year, &month, &dom);
    memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", HTTP_DATE_LEN);
    memcpy(out, days + t / 86400 % 7 * 3, 3);
    two_digits(out + 5, dom);
    memcpy(out + 8, months + month * 3, 3);
    two_digits(out + 12, year / 100);
    two_digits(out + 14, year % 100);
    two_digits(out + 17, second / 3600);
    two_digits(out + 20, second / 60 % 60);
    two_digits(out + 23, second % 60);
}
