/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strptime.c - strptime() (POSIX.1-2017) in the C locale, as on Linux: numbers have a range, names
 * may be in either case, and the day of the week and of the year follow from the date. newlib's
 * takes any number.
 */
#include "calendar.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What has been read. */
struct strptime_state {
    struct tm *tm;
    int century, week;
    bool hour12, pm, short_year;
    bool date, wday, yday, mon, mday; /* `date`: anything from which days follow */
    char week_letter;                 /* 'U', 'W' or 0 */
};

static const char *strptime_spaces(const char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    return s;
}

/* A number behind spaces, of at most so many digits. NULL: none, or out of its range. */
static const char *strptime_number(const char *s, int least, int most, int digits, int *number)
{
    s = strptime_spaces(s);
    if (!isdigit((unsigned char)*s))
        return NULL;
    *number = 0;
    do
        *number = *number * 10 + (*s++ - '0');
    while (--digits && *number * 10 <= most && isdigit((unsigned char)*s));
    return *number >= least && *number <= most ? s : NULL;
}

/* One of several names, which follow each other in `names` behind NULs, or its first three letters.
 */
static const char *strptime_name(const char *s, const char *names, int *which)
{
    for (int i = 0; *names; i++, names += strlen(names) + 1) {
        size_t n = strlen(names);
        if (strncasecmp(s, names, n))
            n = 3;
        if (!strncasecmp(s, names, n)) {
            *which = i;
            return s + n;
        }
    }
    return NULL;
}

/* Letters for numbers that are fields of struct tm, less `base`. */
static const struct {
    char letter;
    unsigned char offset;
    short least, most;
    unsigned char digits, base;
} strptime_fields[] = {
    {'d', offsetof(struct tm, tm_mday), 1, 31, 2, 0},
    {'e', offsetof(struct tm, tm_mday), 1, 31, 2, 0},
    {'H', offsetof(struct tm, tm_hour), 0, 23, 2, 0},
    {'k', offsetof(struct tm, tm_hour), 0, 23, 2, 0},
    {'I', offsetof(struct tm, tm_hour), 1, 12, 2, 0},
    {'l', offsetof(struct tm, tm_hour), 1, 12, 2, 0},
    {'j', offsetof(struct tm, tm_yday), 1, 366, 3, 1},
    {'m', offsetof(struct tm, tm_mon), 1, 12, 2, 1},
    {'M', offsetof(struct tm, tm_min), 0, 59, 2, 0},
    {'S', offsetof(struct tm, tm_sec), 0, 61, 2, 0},
    {'w', offsetof(struct tm, tm_wday), 0, 6, 1, 0},
    {'u', offsetof(struct tm, tm_wday), 1, 7, 1, 0},
    {'y', offsetof(struct tm, tm_year), 0, 99, 2, 0},
};

/* What a number of that letter means beside its field. */
static void strptime_noted(struct strptime_state *st, char letter)
{
    struct tm *tm = st->tm;

    st->mday |= letter == 'd' || letter == 'e';
    st->mon |= letter == 'm';
    st->yday |= letter == 'j';
    st->wday |= letter == 'w' || letter == 'u';
    st->date |= strchr("demy", letter) != NULL;
    if (strchr("HkIl", letter))
        st->hour12 = letter == 'I' || letter == 'l';
    if (st->hour12 && tm->tm_hour == 12)
        tm->tm_hour = 0;
    if (letter == 'u')
        tm->tm_wday %= 7;
    if (letter == 'y') {
        tm->tm_year += tm->tm_year < 69 ? 100 : 0;
        st->short_year = true;
    }
}

/* +hh, +hhmm, +hh:mm or Z. */
static const char *strptime_offset(const char *s, struct tm *tm)
{
    int digits = 0;
    long value = 0;

    s = strptime_spaces(s);
    bool negative = *s == '-';
    if (*s == 'Z') {
        s++;
    } else if (*s == '+' || *s == '-') {
        for (s++; digits < 4 && isdigit((unsigned char)*s); digits++) {
            value = value * 10 + (*s++ - '0');
            if (digits == 1 && s[0] == ':' && isdigit((unsigned char)s[1]))
                s++;
        }
        value *= digits == 2 ? 100 : 1;
        if ((digits != 2 && digits != 4) || value > 1400 || value % 100 >= 60)
            return NULL;
    } else {
        return NULL;
    }
#ifdef __TM_GMTOFF
    value = value / 100 * 3600 + value % 100 * 60;
    tm->__TM_GMTOFF = negative ? -value : value;
#endif
    return s;
}

static const char *strptime_seconds(const char *s, struct tm *tm)
{
    time_t t = 0;

    if (!isdigit((unsigned char)*s))
        return NULL;
    while (isdigit((unsigned char)*s))
        if (__builtin_mul_overflow(t, 10, &t) || __builtin_add_overflow(t, *s++ - '0', &t))
            return NULL;
    return localtime_r(&t, tm) ? s : NULL;
}

/* Letters that are no plain fields. NULL: no such letter, or no such text. */
static const char *strptime_other(struct strptime_state *st, const char *s, char letter)
{
    static const char days[] = "Sunday\0Monday\0Tuesday\0Wednesday\0Thursday\0Friday\0Saturday\0";
    static const char months[] = "January\0February\0March\0April\0May\0June\0July\0August\0"
                                 "September\0October\0November\0December\0";
    int number;

    switch (letter) {
    case 'a':
    case 'A':
        st->wday = true;
        return strptime_name(s, days, &st->tm->tm_wday);
    case 'b':
    case 'B':
    case 'h':
        st->mon = st->date = true;
        return strptime_name(s, months, &st->tm->tm_mon);
    case 'C':
        st->date = true;
        return strptime_number(s, 0, 99, 2, &st->century);
    case 'Y':
        s = strptime_number(s, 0, 9999, 4, &number);
        st->tm->tm_year = s ? number - 1900 : st->tm->tm_year;
        st->short_year = false;
        st->century = -1;
        st->date = true;
        return s;
    case 'n':
    case 't':
        return strptime_spaces(s);
    case 'p':
    case 'P':
        st->pm = !strncasecmp(s, "PM", 2);
        return st->pm || !strncasecmp(s, "AM", 2) ? s + 2 : NULL;
    case 's':
        return strptime_seconds(s, st->tm);
    case 'U':
    case 'W':
        st->week_letter = letter;
        return strptime_number(s, 0, 53, 2, &st->week);
    case 'V':
        return strptime_number(s, 0, 53, 2, &number);
    case 'g':
        return strptime_number(s, 0, 99, 2, &number);
    case 'G':
        return strptime_number(s, 0, 9999, 4, &number);
    case 'z':
        return strptime_offset(s, st->tm);
    case 'Z':
        for (s = strptime_spaces(s); *s && !isspace((unsigned char)*s);)
            s++;
        return s;
    case '%':
        return *s == '%' ? s + 1 : NULL;
    default:
        return NULL;
    }
}

static const char *strptime_letter(struct strptime_state *st, const char *s, char letter)
{
    for (size_t i = 0; i < sizeof(strptime_fields) / sizeof(strptime_fields[0]); i++) {
        if (strptime_fields[i].letter != letter)
            continue;
        int number;
        s = strptime_number(s, strptime_fields[i].least, strptime_fields[i].most,
                            strptime_fields[i].digits, &number);
        if (s) {
            *(int *)((char *)st->tm + strptime_fields[i].offset) = number - strptime_fields[i].base;
            strptime_noted(st, letter);
        }
        return s;
    }
    return strptime_other(st, s, letter);
}

static const char *strptime_all(struct strptime_state *st, const char *s, const char *format)
{
    for (; s && *format; format++) {
        if (isspace((unsigned char)*format)) {
            s = strptime_spaces(s);
        } else if (*format != '%') {
            s = *s == *format ? s + 1 : NULL;
        } else {
            do
                format++;
            while (*format && strchr("-_0^#", *format));
            if (*format == 'E' || *format == 'O')
                format++;
            if (!*format)
                return NULL;
            const char *composed = calendar_composed(*format);
            s = composed ? strptime_all(st, s, composed) : strptime_letter(st, s, *format);
        }
    }
    return s;
}

/* Month and day of the month from the day of the year. */
static void strptime_from_yday(struct strptime_state *st)
{
    struct tm day = {.tm_year = st->tm->tm_year, .tm_mday = st->tm->tm_yday + 1};

    timegm(&day);
    if (!st->mon)
        st->tm->tm_mon = day.tm_mon;
    if (!st->mday)
        st->tm->tm_mday = day.tm_mday;
    st->mon = st->mday = true;
}

/* The fields that follow from others. */
static void strptime_complete(struct strptime_state *st)
{
    struct tm *tm = st->tm;

    if (st->hour12 && st->pm)
        tm->tm_hour += 12;
    if (st->century >= 0)
        tm->tm_year = (st->short_year ? tm->tm_year % 100 : 0) + (st->century - 19) * 100;
    if (st->date && !st->wday && st->yday && !(st->mon && st->mday))
        strptime_from_yday(st);
    bool dated = st->mon || (tm->tm_mon >= 0 && tm->tm_mon < 12);
    int64_t first = calendar_days(INT64_C(1900) + tm->tm_year, 0, 1);
    int64_t day = calendar_days(INT64_C(1900) + tm->tm_year, tm->tm_mon, tm->tm_mday);
    if (st->date && dated && !st->wday)
        tm->tm_wday = calendar_weekday(day);
    if (st->date && dated && !st->yday)
        tm->tm_yday = (int)(day - first);
    if (st->week_letter && st->wday) {
        int monday = st->week_letter == 'W';
        if (!st->yday)
            tm->tm_yday = (7 - (calendar_weekday(first) - monday)) % 7 + (st->week - 1) * 7 +
                          (tm->tm_wday - monday + 7) % 7;
        if (!st->mon || !st->mday)
            strptime_from_yday(st);
    }
}

char *strptime(const char *restrict s, const char *restrict format, struct tm *restrict tm)
{
    struct strptime_state st = {.tm = tm, .century = -1};

    s = strptime_all(&st, s, format);
    if (s)
        strptime_complete(&st);
    return (char *)s;
}

char *strptime_l(const char *restrict s, const char *restrict format, struct tm *restrict tm,
                 locale_t locale)
{
    (void)locale; /* all are the C locale */
    return strptime(s, format, tm);
}
