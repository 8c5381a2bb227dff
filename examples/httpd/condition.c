/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * condition.c - conditional requests (RFC 9110, 13), and the dates in them and in answers (5.6.7).
 */
#include "syntax.h"

/* ---- entity tags ---------------------------------------------------------------------------- */

/* Cuts an entity tag off a list, with its quotes; *weak: "W/" stood before it. False: no tag. */
static bool next_etag(struct http_slice *list, struct http_slice *tag, bool *weak)
{
    while (list->len && (is_blank(list->p[0]) || list->p[0] == ',')) {
        list->p++;
        list->len--;
    }
    *weak = list->len > 2 && list->p[0] == 'W' && list->p[1] == '/';
    *tag = (struct http_slice){list->p + 2 * *weak, list->len - 2 * *weak};
    if (tag->len < 2 || tag->p[0] != '"')
        return false;
    const char *end = memchr(tag->p + 1, '"', tag->len - 1);
    if (!end)
        return false;
    tag->len = (size_t)(end - tag->p) + 1;
    size_t used = (size_t)(tag->p - list->p) + tag->len;
    *list = trim((struct http_slice){list->p + used, list->len - used});
    return list->len == 0 || list->p[0] == ',';
}

static bool is_etag(struct http_slice tag, const struct http_validators *v)
{
    return v->etag && tag.len == v->etag_len && memcmp(tag.p, v->etag, tag.len) == 0;
}

/* Does a list (If-Match: strong, If-None-Match: weak comparison) name what there is? */
static bool etag_listed(const struct http_request *r, struct http_slice first, const char *name,
                        bool strong, const struct http_validators *v)
{
    struct http_slice list, tag;
    size_t at = 0;
    bool weak;

    while (v && http_line(r, first, name, &at, &list)) {
        if (http_slice_is(list, "*"))
            return true;
        while (next_etag(&list, &tag, &weak))
            if (is_etag(tag, v) && !(weak && strong))
                return true;
    }
    return false;
}

/* ---- conditions ----------------------------------------------------------------------------- */

/* Was the target changed after the date of a field? `def`: there is no such time, or no date. */
static bool changed_since(struct http_slice field, const struct http_validators *v, int64_t now,
                          bool def)
{
    int64_t date;

    if (!v || v->modified == 0 || !http_read_date(field, now, &date))
        return def;
    return v->modified > date;
}

int http_conditions(const struct http_request *r, const struct http_validators *v, int64_t now)
{
    bool get = r->method == HTTP_GET || r->method == HTTP_HEAD;

    if (r->if_match.p) {
        if (!etag_listed(r, r->if_match, "if-match", true, v))
            return 412;
    } else if (r->if_unmodified_since.p && changed_since(r->if_unmodified_since, v, now, false)) {
        return 412;
    }
    if (r->if_none_match.p) {
        if (etag_listed(r, r->if_none_match, "if-none-match", false, v))
            return get ? 304 : 412;
    } else if (get && r->if_modified_since.p &&
               !changed_since(r->if_modified_since, v, now, true)) {
        return 304;
    }
    return 0;
}

bool http_range_counts(const struct http_request *r, const struct http_validators *v, int64_t now)
{
    int64_t date;

    if (!r->range.p || r->method != HTTP_GET)
        return false;
    if (!r->if_range.p)
        return true;
    if (is_etag(r->if_range, v))
        return true;
    return v->modified && http_read_date(r->if_range, now, &date) && date == v->modified;
}

/* ---- writing dates -------------------------------------------------------------------------- */

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

/* ---- reading dates -------------------------------------------------------------------------- */

struct date_fields {
    unsigned year, month, day, hour, minute, second;
};

/* Cuts `width` digits off s; blank: the first may be a blank. */
static bool cut_digits(struct http_slice *s, unsigned width, bool blank, unsigned *value)
{
    *value = 0;
    if (s->len < width)
        return false;
    for (unsigned i = 0; i < width; i++) {
        if (is_digit(s->p[i]))
            *value = *value * 10 + (unsigned)(s->p[i] - '0');
        else if (!blank || i || s->p[i] != ' ')
            return false;
    }
    s->p += width;
    s->len -= width;
    return true;
}

static bool cut_month(struct http_slice *s, unsigned *month)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (*month = 0; *month < 12; ++*month)
        if (s->len > 3 && memcmp(s->p, names + 3 * *month, 3) == 0) {
            s->p += 3;
            s->len -= 3;
            return true;
        }
    return false;
}

/* Cuts what one letter of a pattern stands for off s. */
static bool cut_field(struct http_slice *s, char letter, struct date_fields *f)
{
    switch (letter) {
    case 'D':
        return cut_digits(s, 2, false, &f->day);
    case '_': /* asctime's day */
        return cut_digits(s, 2, true, &f->day);
    case 'M':
        return cut_month(s, &f->month);
    case 'Y':
        return cut_digits(s, 4, false, &f->year);
    case 'y':
        return cut_digits(s, 2, false, &f->year);
    case 'h':
        return cut_digits(s, 2, false, &f->hour);
    case 'm':
        return cut_digits(s, 2, false, &f->minute);
    case 's':
        return cut_digits(s, 2, false, &f->second);
    default: /* 'Z' */
        if (!http_slice_is(*s, " GMT"))
            return false;
        s->len = 0;
        return true;
    }
}

/* Matches s with a pattern: letters of cut_field(), all else stands for itself. */
static bool read_fields(struct http_slice s, const char *pattern, struct date_fields *f)
{
    for (; *pattern; pattern++) {
        if (strchr("D_MYyhmsZ", *pattern)) {
            if (!cut_field(&s, *pattern, f))
                return false;
        } else if (s.len == 0 || s.p[0] != *pattern) {
            return false;
        } else {
            s.p++;
            s.len--;
        }
    }
    return s.len == 0;
}

/* Cuts the name of a day off s: short, or whole where a comma and a blank follow. */
static bool cut_day_name(struct http_slice *s, bool whole)
{
    static const char *const names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                        "Friday", "Saturday", "Sunday"};

    for (unsigned i = 0; i < 7; i++) {
        size_t n = whole ? strlen(names[i]) : 3;
        if (s->len > n && memcmp(s->p, names[i], n) == 0) {
            s->p += n;
            s->len -= n;
            return true;
        }
    }
    return false;
}

static int64_t days_before_year(unsigned year)
{
    int64_t y = (int64_t)year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400;
}

/* False: there is no such day or time. */
static bool to_seconds(const struct date_fields *f, int64_t *unix_seconds)
{
    static const uint16_t before[13] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    bool leap = (f->year % 4 == 0 && f->year % 100 != 0) || f->year % 400 == 0;
    unsigned length = before[f->month + 1] - before[f->month] + (leap && f->month == 1);

    if (f->day == 0 || f->day > length || f->hour > 23 || f->minute > 59 || f->second > 60)
        return false;
    int64_t days = days_before_year(f->year) - days_before_year(1970) + before[f->month] +
                   (leap && f->month > 1) + (int64_t)f->day - 1;
    *unix_seconds = ((days * 24 + f->hour) * 60 + f->minute) * 60 + f->second;
    return true;
}

/* RFC 850 has two digits of the year: the last such year that is not over 50 years ahead. */
static bool choose_century(struct date_fields *f, int64_t now, int64_t *unix_seconds)
{
    const int64_t limit = now + (int64_t)50 * 31556952;
    const unsigned digits = f->year;
    bool found = false;
    int64_t t;

    for (unsigned century = 1900; century <= 2100; century += 100) {
        f->year = century + digits;
        if (to_seconds(f, &t) && t <= limit) {
            *unix_seconds = t;
            found = true;
        }
    }
    return found;
}

bool http_read_date(struct http_slice s, int64_t now, int64_t *unix_seconds)
{
    struct http_slice rest = s;
    struct date_fields f = {0};

    if (cut_day_name(&rest, false) &&
        (read_fields(rest, ", D M Y h:m:sZ", &f) || read_fields(rest, " M _ h:m:s Y", &f)))
        return to_seconds(&f, unix_seconds);
    rest = s;
    return cut_day_name(&rest, true) && read_fields(rest, ", D-M-y h:m:sZ", &f) &&
           choose_century(&f, now, unix_seconds);
}
