/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strftime.c - strftime() (C11, 7.27.3.5; POSIX.1-2017) in the C locale, with the flags and letters
 * of Linux: "_" pads with spaces, "0" with zeros, "-" not at all, "^" makes upper case, "#" the
 * other case, digits are the width; %k %l %P %s. newlib's lacks the flags.
 */
#include "calendar.h"

#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

struct strftime_out {
    char *at, *end; /* at end: room for the NUL alone */
    bool full;
};

/* What stands between "%" and the letter. */
struct strftime_spec {
    char pad; /* a flag; 0: none */
    char modifier;
    bool upper, swap;
    int width;
};

static const char *const strftime_days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                            "Thursday", "Friday", "Saturday"};
static const char *const strftime_months[] = {"January",   "February", "March",    "April",
                                              "May",       "June",     "July",     "August",
                                              "September", "October",  "November", "December"};

static void strftime_fill(struct strftime_out *out, char c, int64_t count)
{
    if (count > out->end - out->at) {
        out->full = true;
    } else if (count > 0) {
        memset(out->at, c, (size_t)count);
        out->at += count;
    }
}

/* A text of n bytes, at the right of the width. */
static void strftime_text(struct strftime_out *out, const struct strftime_spec *spec,
                          const char *text, size_t n)
{
    strftime_fill(out, spec->pad == '0' ? '0' : ' ', spec->width - (int64_t)n);
    if (out->full || n > (size_t)(out->end - out->at)) {
        out->full = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        *out->at++ = spec->upper ? (char)toupper((unsigned char)text[i]) : text[i];
}

/* A number of at least so many digits; `fill`: the flag if there is none. */
static void strftime_number(struct strftime_out *out, const struct strftime_spec *spec,
                            int64_t value, int digits, char fill)
{
    char text[24], *p = text + sizeof(text), pad = spec->pad ? spec->pad : fill;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do
        *--p = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    int n = (int)(text + sizeof(text) - p), sign = value < 0;
    int size = spec->width > digits ? spec->width : digits;
    if (pad == '_' || pad == '-') {
        *--p = '-';
        p += !sign;
        if (pad == '_')
            strftime_fill(out, ' ', size - n - sign);
    } else {
        strftime_fill(out, '-', sign);
        strftime_fill(out, '0', size - n - sign);
    }
    struct strftime_spec plain = {.width = pad == '-' ? spec->width : 0};
    strftime_text(out, &plain, p, (size_t)(text + sizeof(text) - p));
}

/* Weeks of a year by ISO 8601: 53 if it has 53 Thursdays. */
static int strftime_weeks(int64_t year)
{
    int first = calendar_weekday(calendar_days(year, 0, 1));

    return 52 + (first == 4 || (first == 3 && calendar_leap(year)));
}

/* The week by ISO 8601, 1 to 53, and the year to which it belongs. */
static int strftime_iso_week(const struct tm *tm, int64_t *year)
{
    int week = (tm->tm_yday - (tm->tm_wday + 6) % 7 + 10) / 7;

    *year = INT64_C(1900) + tm->tm_year;
    if (week < 1)
        return strftime_weeks(--*year);
    if (week <= strftime_weeks(*year))
        return week;
    ++*year;
    return 1;
}

static const char *strftime_name(const char *const *names, int count, int i)
{
    return i >= 0 && i < count ? names[i] : "?";
}

/* %a %A %b %B %h %p %P %Z %n %t %%; false: another letter. */
static bool strftime_word(struct strftime_out *out, struct strftime_spec *spec, char letter,
                          const struct tm *tm)
{
    const char *text;
    size_t n = SIZE_MAX;
    char lower[32];
    bool low = letter == 'P' || (spec->swap && (letter == 'p' || letter == 'Z'));

    switch (letter) {
    case 'a':
    case 'A':
        text = strftime_name(strftime_days, 7, tm->tm_wday);
        n = letter == 'a' ? 3 : n;
        break;
    case 'b':
    case 'h':
    case 'B':
        text = strftime_name(strftime_months, 12, tm->tm_mon);
        n = letter == 'B' ? n : 3;
        break;
    case 'p':
    case 'P':
        text = tm->tm_hour > 11 ? "PM" : "AM";
        break;
    case 'Z':
        text = tm->tm_isdst < 0 ? "" : zone_name(tm->tm_isdst);
#ifdef __TM_ZONE
        if (tm->__TM_ZONE)
            text = tm->__TM_ZONE;
#endif
        break;
    case 'n':
        text = "\n";
        break;
    case 't':
        text = "\t";
        break;
    case '%':
        text = "%";
        break;
    default:
        return false;
    }
    n = strnlen(text, n);
    if (low) {
        n = n < sizeof(lower) ? n : sizeof(lower);
        for (size_t i = 0; i < n; i++)
            lower[i] = (char)tolower((unsigned char)text[i]);
        text = lower;
    }
    spec->upper = !low && (spec->upper || spec->swap);
    strftime_text(out, spec, text, n);
    return true;
}

/* %z: +hhmm. */
static void strftime_offset(struct strftime_out *out, const struct strftime_spec *spec,
                            const struct tm *tm)
{
    if (tm->tm_isdst < 0)
        return;
#ifdef __TM_GMTOFF
    long east = tm->__TM_GMTOFF;
#else
    long east = zone_offset(tm->tm_isdst);
#endif
    long minutes = (east < 0 ? -east : east) / 60;
    strftime_text(out, spec, east < 0 ? "-" : "+", 1);
    strftime_number(out, spec, minutes / 60 * 100 + minutes % 60, 4, '0');
}

static void strftime_seconds(struct strftime_out *out, const struct strftime_spec *spec,
                             const struct tm *tm)
{
    struct tm copy = *tm;
    char text[24];
    struct strftime_out digits = {.at = text, .end = text + sizeof(text)};

    strftime_number(&digits, &(struct strftime_spec){0}, mktime(&copy), 1, '0');
    strftime_text(out, spec, text, (size_t)(digits.at - text));
}

/* Letters for a field of struct tm as it is. */
static const struct {
    char letter;
    unsigned char offset, add, digits;
    char fill;
} strftime_fields[] = {
    {'d', offsetof(struct tm, tm_mday), 0, 2, '0'}, {'e', offsetof(struct tm, tm_mday), 0, 2, '_'},
    {'H', offsetof(struct tm, tm_hour), 0, 2, '0'}, {'k', offsetof(struct tm, tm_hour), 0, 2, '_'},
    {'j', offsetof(struct tm, tm_yday), 1, 3, '0'}, {'m', offsetof(struct tm, tm_mon), 1, 2, '0'},
    {'M', offsetof(struct tm, tm_min), 0, 2, '0'},  {'S', offsetof(struct tm, tm_sec), 0, 2, '0'},
    {'w', offsetof(struct tm, tm_wday), 0, 1, '0'},
};

/* The value for other letters, and the number of its digits: 0 for a letter without a number. */
static int strftime_value(char letter, const struct tm *tm, int64_t *value)
{
    int64_t year = INT64_C(1900) + tm->tm_year;
    int monday = (tm->tm_wday + 6) % 7, week = 0;

    if (letter == 'V' || letter == 'G' || letter == 'g')
        week = strftime_iso_week(tm, &year);
    switch (letter) {
    case 'I':
    case 'l':
        *value = tm->tm_hour > 12 ? tm->tm_hour - 12 : tm->tm_hour ? tm->tm_hour : 12;
        return 2;
    case 'u':
        *value = monday + 1;
        return 1;
    case 'U':
        *value = (tm->tm_yday + 7 - tm->tm_wday) / 7;
        return 2;
    case 'W':
        *value = (tm->tm_yday + 7 - monday) / 7;
        return 2;
    case 'V':
        *value = week;
        return 2;
    case 'G':
    case 'Y':
        *value = year;
        return 1;
    case 'g':
    case 'y':
        *value = (year % 100 + 100) % 100;
        return 2;
    case 'C':
        *value = year / 100 - (year % 100 < 0);
        return 1;
    default:
        return 0;
    }
}

/* Letters whose results are numbers; false: another letter. */
static bool strftime_digits(struct strftime_out *out, const struct strftime_spec *spec, char letter,
                            const struct tm *tm)
{
    for (size_t i = 0; i < sizeof(strftime_fields) / sizeof(strftime_fields[0]); i++) {
        if (strftime_fields[i].letter == letter) {
            int field = *(const int *)((const char *)tm + strftime_fields[i].offset);
            strftime_number(out, spec, (int64_t)field + strftime_fields[i].add,
                            strftime_fields[i].digits, strftime_fields[i].fill);
            return true;
        }
    }
    int64_t value;
    int digits = strftime_value(letter, tm, &value);
    if (digits)
        strftime_number(out, spec, value, digits, letter == 'l' ? '_' : '0');
    return digits != 0;
}

/* Whether the letter takes the modifier. "%Ey" and "%Od" are "%y" and "%d" here. */
static bool strftime_takes(char letter, char modifier)
{
    if (modifier == 'E')
        return strchr("cCxXyYpPntzZ", letter) != NULL;
    return modifier != 'O' || !strchr("aAcDFxXY%", letter);
}

/* What follows a "%": flags, width, modifier. Returns the place of the letter. */
static const char *strftime_parse(const char *f, struct strftime_spec *spec)
{
    for (; *f && strchr("_-0^#", *f); f++) {
        if (*f == '^')
            spec->upper = true;
        else if (*f == '#')
            spec->swap = true;
        else
            spec->pad = *f;
    }
    for (; isdigit((unsigned char)*f); f++)
        spec->width = spec->width > INT_MAX / 20 ? INT_MAX / 2 : spec->width * 10 + (*f - '0');
    if (*f == 'E' || *f == 'O')
        spec->modifier = *f++;
    return f;
}

/* One directive, which begins at a "%". Returns what follows it. */
static const char *strftime_directive(struct strftime_out *out, const char *f, const struct tm *tm)
{
    struct strftime_spec spec = {0};
    const char *letter = strftime_parse(f + 1, &spec), *format = NULL;
    char text[128];

    if (*letter && strftime_takes(*letter, spec.modifier)) {
        format = calendar_composed(*letter);
        if (format) {
            strftime_text(out, &spec, text, strftime(text, sizeof(text), format, tm));
        } else if (*letter == 'z') {
            strftime_offset(out, &spec, tm);
        } else if (*letter == 's') {
            strftime_seconds(out, &spec, tm);
        } else if (!strftime_digits(out, &spec, *letter, tm) &&
                   !strftime_word(out, &spec, *letter, tm)) {
            strftime_text(out, &spec, f, (size_t)(letter + 1 - f));
        }
    } else { /* none, which stands for itself */
        strftime_text(out, &spec, f, (size_t)(letter + (*letter != '\0') - f));
    }
    return letter + (*letter != '\0');
}

size_t strftime(char *restrict s, size_t size, const char *restrict format,
                const struct tm *restrict tm)
{
    struct strftime_out out = {.at = s, .end = s + size - 1};

    if (!size)
        return 0;
    tzset();
    while (*format && !out.full) {
        if (*format == '%')
            format = strftime_directive(&out, format, tm);
        else
            strftime_fill(&out, *format++, 1);
    }
    if (out.full)
        return 0;
    *out.at = '\0';
    return (size_t)(out.at - s);
}

size_t strftime_l(char *restrict s, size_t size, const char *restrict format,
                  const struct tm *restrict tm, locale_t locale)
{
    (void)locale; /* all are the C locale */
    return strftime(s, size, format, tm);
}
