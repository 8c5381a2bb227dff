/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http.c - the request parser: RFC 9112 (message syntax) and the parts of RFC 9110 that a server of
 * static files needs. What is ambiguous between two readers is refused (bare CR, folded lines,
 * space before a colon, two lengths): a request means one thing or it means 400.
 */
#include "syntax.h"

/* ---- characters ----------------------------------------------------------------------------- */

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
        {"GET", HTTP_GET},         {"HEAD", HTTP_HEAD},       {"POST", HTTP_POST},
        {"PUT", HTTP_PUT},         {"OPTIONS", HTTP_OPTIONS}, {"DELETE", HTTP_OTHER},
        {"CONNECT", HTTP_CONNECT}, {"PATCH", HTTP_OTHER},     {"TRACE", HTTP_OTHER},
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
        rc = http_target((struct http_slice){target, (size_t)(sp2 - target)}, r);
    r->line = line;
    return rc;
}

/* ---- header fields -------------------------------------------------------------------------- */

/* Collected while the fields are read, and checked when all are known. */
struct fields {
    unsigned hosts;
    bool close, keep_alive;
    bool te, chunked_last, other_coding; /* Transfer-Encoding, of all its lines */
    bool bad_expect;
};

static int field_host(struct fields *f, struct http_slice value)
{
    f->hosts++;
    return value.len == 0 || http_is_authority(value) ? 0 : -400;
}

/* A field that may stand once. */
static int field_once(struct http_slice *field, struct http_slice value)
{
    *field = field->p ? (struct http_slice){value.p, 0} : value;
    return 0;
}

/* A list. Of several lines the first is kept; http_line() looks for the others. */
static int field_list(struct http_request *r, struct http_slice *field, struct http_slice value)
{
    if (field->p)
        r->repeated = true;
    else
        *field = value;
    return 0;
}

static int field_length(struct http_request *r, struct http_slice value)
{
    uint64_t v;

    switch (read_number(value, &v)) {
    case NUMBER_BAD:
        return -400;
    case NUMBER_LARGE:
        return -413;
    case NUMBER_OK:
        break;
    }
    if (r->has_length && r->length != v)
        return -400;
    r->has_length = true;
    r->length = v;
    return 0;
}

/* Codings, over all lines. Nothing may follow "chunked", which has no parameters (RFC 9112, 7.1).
 */
static int field_transfer_encoding(struct fields *f, struct http_slice value)
{
    struct http_slice e;

    f->te = true;
    while (next_element(&value, ',', &e)) {
        if (f->chunked_last)
            return -400;
        f->chunked_last = same_nocase(e, "chunked");
        f->other_coding |= !f->chunked_last;
    }
    return 0;
}

static int field_connection(struct fields *f, struct http_slice value)
{
    struct http_slice e;

    while (next_element(&value, ',', &e)) {
        f->close |= same_nocase(e, "close");
        f->keep_alive |= same_nocase(e, "keep-alive");
    }
    return 0;
}

static int field_expect(struct http_request *r, struct fields *f, struct http_slice value)
{
    struct http_slice e;

    while (next_element(&value, ',', &e)) {
        r->expect_continue |= same_nocase(e, "100-continue");
        f->bad_expect |= !same_nocase(e, "100-continue");
    }
    return 0;
}

/* The fields that matter are told apart by their length first: most are none of them. */
static int take_field(struct http_request *r, struct fields *f, struct http_slice name,
                      struct http_slice value)
{
    switch (name.len) {
    case 4:
        return same_nocase(name, "host") ? field_host(f, value) : 0;
    case 5:
        return same_nocase(name, "range") ? field_once(&r->range, value) : 0;
    case 6:
        return same_nocase(name, "expect") ? field_expect(r, f, value) : 0;
    case 8:
        if (same_nocase(name, "if-match"))
            return field_list(r, &r->if_match, value);
        return same_nocase(name, "if-range") ? field_once(&r->if_range, value) : 0;
    case 10:
        return same_nocase(name, "connection") ? field_connection(f, value) : 0;
    case 13:
        return same_nocase(name, "if-none-match") ? field_list(r, &r->if_none_match, value) : 0;
    case 14:
        return same_nocase(name, "content-length") ? field_length(r, value) : 0;
    case 15:
        return same_nocase(name, "accept-encoding") ? field_list(r, &r->accept_encoding, value) : 0;
    case 17:
        if (same_nocase(name, "transfer-encoding"))
            return field_transfer_encoding(f, value);
        return same_nocase(name, "if-modified-since") ? field_once(&r->if_modified_since, value)
                                                      : 0;
    case 19:
        return same_nocase(name, "if-unmodified-since") ? field_once(&r->if_unmodified_since, value)
                                                        : 0;
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

/* Rules that span fields (RFC 9112, 3.2, 6.1, 6.3 and 9.3; RFC 9110, 10.1.1). */
static int judge(struct http_request *r, const struct fields *f)
{
    if (f->hosts > 1 || (r->minor >= 1 && f->hosts == 0))
        return -400;
    if (f->te && (r->has_length || r->minor == 0 || !f->chunked_last))
        return -400;
    if (f->other_coding)
        return -501;
    r->chunked = f->te;
    r->keep_alive = !f->close && (r->minor >= 1 || f->keep_alive);
    if (r->minor == 0)
        r->expect_continue = false;
    else if (f->bad_expect)
        return -417;
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
    r->fields = (struct http_slice){head + at, len - at};
    for (unsigned count = 0; rc == 0; count++) {
        rc = next_line(head, len, &at, &line);
        if (rc != 0 || line.len == 0)
            break;
        rc = count < HTTP_FIELDS_MAX ? parse_field(line, r, &f) : -431;
    }
    return rc == 0 ? judge(r, &f) : rc;
}

bool http_line(const struct http_request *r, struct http_slice first, const char *name, size_t *at,
               struct http_slice *value)
{
    struct http_slice line;
    size_t n = strlen(name);

    if (!r->repeated) {
        *value = first;
        return first.p && (*at)++ == 0;
    }
    while (next_line(r->fields.p, r->fields.len, at, &line) == 0 && line.len) {
        if (line.len <= n || line.p[n] != ':' || !same_nocase((struct http_slice){line.p, n}, name))
            continue;
        *value = trim((struct http_slice){line.p + n + 1, line.len - n - 1});
        return true;
    }
    return false;
}
