/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * range.c - byte ranges (RFC 9110, 14), and which encoding a client prefers (12.5.3).
 */
#include "syntax.h"

#define RANGE_SPECS_MAX 64u /* ranges that are looked at, those behind the end included */

/* One "first-last", "first-" or "-last" against `size` bytes: 206, 416, or 200 if it is none. */
static int read_range(struct http_slice s, uint64_t size, struct http_range *out)
{
    const char *dash = memchr(s.p, '-', s.len);
    uint64_t v;

    if (!dash)
        return 200;
    struct http_slice from = {s.p, (size_t)(dash - s.p)};
    struct http_slice to = {dash + 1, s.len - from.len - 1};

    if (from.len == 0) { /* the last v bytes */
        if (read_number(to, &v) == NUMBER_BAD)
            return 200;
        if (v == 0 || size == 0)
            return 416;
        *out = (struct http_range){v < size ? size - v : 0, size - 1};
        return 206;
    }
    if (read_number(from, &out->first) == NUMBER_BAD)
        return 200;
    out->last = UINT64_MAX;
    if (to.len && (read_number(to, &out->last) == NUMBER_BAD || out->last < out->first))
        return 200;
    if (out->first >= size)
        return 416;
    if (out->last >= size)
        out->last = size - 1;
    return 206;
}

int http_ranges(struct http_slice field, uint64_t size, struct http_range *out, unsigned *count)
{
    struct http_slice list, e;
    struct http_range range;
    uint64_t sum = 0;
    unsigned specs = 0, n = 0;

    if (field.len < 7 || !same_nocase((struct http_slice){field.p, 6}, "bytes="))
        return 200;
    list = (struct http_slice){field.p + 6, field.len - 6};
    while (next_element(&list, ',', &e)) {
        int rc = read_range(e, size, &range);
        if (rc == 200 || ++specs > RANGE_SPECS_MAX)
            return 200;
        if (rc == 416)
            continue;
        sum += range.last - range.first + 1;
        if (n == HTTP_RANGES_MAX || sum > size)
            return 200;
        out[n++] = range;
    }
    *count = n;
    return n ? 206 : specs ? 416 : 200;
}

/* ---- encodings ------------------------------------------------------------------------------ */

/* qvalue (RFC 9110, 12.4.2) in thousandths; -1: malformed. */
static int read_weight(struct http_slice s)
{
    int v = 0, digits = 0;

    if (s.len == 0 || s.len > 5 || s.p[0] < '0' || s.p[0] > '1' || (s.len > 1 && s.p[1] != '.'))
        return -1;
    for (size_t i = 2; i < s.len; i++, digits++) {
        if (!is_digit(s.p[i]))
            return -1;
        v = v * 10 + s.p[i] - '0';
    }
    for (; digits < 3; digits++)
        v *= 10;
    v += (s.p[0] - '0') * 1000;
    return v <= 1000 ? v : -1;
}

/* Parts a coding from its weight; a malformed weight is 0. */
static int cut_weight(struct http_slice *coding)
{
    struct http_slice rest = *coding, parameter;
    int weight = 1000;

    next_element(&rest, ';', coding);
    while (next_element(&rest, ';', &parameter)) {
        if (parameter.len < 2 || lower(parameter.p[0]) != 'q' || parameter.p[1] != '=')
            continue;
        weight = read_weight((struct http_slice){parameter.p + 2, parameter.len - 2});
    }
    return weight < 0 ? 0 : weight;
}

bool http_accepts_gzip(const struct http_request *r)
{
    int gzip = -1, any = 0, plain = -1;
    struct http_slice value, e;
    size_t at = 0;

    while (http_line(r, r->accept_encoding, "accept-encoding", &at, &value))
        while (next_element(&value, ',', &e)) {
            int weight = cut_weight(&e);
            if (same_nocase(e, "gzip") || same_nocase(e, "x-gzip"))
                gzip = weight > gzip ? weight : gzip;
            else if (same_nocase(e, "identity"))
                plain = weight;
            else if (same_nocase(e, "*"))
                any = weight;
        }
    if (gzip < 0)
        gzip = any;
    return gzip > 0 && gzip >= plain;
}
