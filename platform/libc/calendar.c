/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calendar.c - times and dates of UTC (C11, 7.27; POSIX.1-2017, 4.16), for all years that a struct
 * tm holds: gmtime_r(), timegm().
 */
#include "calendar.h"

#include <errno.h>
#include <limits.h>

bool calendar_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t calendar_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int calendar_days_before(int mon, bool leap)
{
    static const int16_t before[13] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

    return before[mon] + (leap && mon > 1);
}

int64_t calendar_days(int64_t year, int64_t mon, int64_t mday)
{
    year += calendar_divide(mon, 12);
    mon -= calendar_divide(mon, 12) * 12;
    int64_t past = year - 1;
    int64_t leap_days =
        calendar_divide(past, 4) - calendar_divide(past, 100) + calendar_divide(past, 400);
    return past * 365 + leap_days - 719162 + calendar_days_before((int)mon, calendar_leap(year)) +
           mday - 1;
}

int calendar_weekday(int64_t days)
{
    int64_t since_sunday = days + 4; /* 1970 began with a Thursday */

    return (int)(since_sunday - calendar_divide(since_sunday, 7) * 7);
}

bool calendar_fields(int64_t t, struct tm *tm)
{
    int64_t days = calendar_divide(t, CALENDAR_DAY);
    int seconds = (int)(t - days * CALENDAR_DAY);
    /* The mean year, then the true one beside it. */
    int64_t year = 1970 + calendar_divide(days, 146097) * 400;
    int64_t rest = days - calendar_divide(days, 146097) * 146097;
    year += rest * 400 / 146097;
    while (calendar_days(year + 1, 0, 1) <= days)
        year++;
    while (calendar_days(year, 0, 1) > days)
        year--;
    if (year - 1900 > INT_MAX || year - 1900 < INT_MIN)
        return false;
    bool leap = calendar_leap(year);
    tm->tm_year = (int)(year - 1900);
    tm->tm_yday = (int)(days - calendar_days(year, 0, 1));
    tm->tm_mon = 0;
    while (calendar_days_before(tm->tm_mon + 1, leap) <= tm->tm_yday)
        tm->tm_mon++;
    tm->tm_mday = tm->tm_yday - calendar_days_before(tm->tm_mon, leap) + 1;
    tm->tm_wday = calendar_weekday(days);
    tm->tm_hour = seconds / 3600;
    tm->tm_min = seconds / 60 % 60;
    tm->tm_sec = seconds % 60;
    return true;
}

int64_t calendar_time(const struct tm *tm)
{
    return calendar_days(INT64_C(1900) + tm->tm_year, tm->tm_mon, tm->tm_mday) * CALENDAR_DAY +
           tm->tm_hour * INT64_C(3600) + tm->tm_min * INT64_C(60) + tm->tm_sec;
}

struct tm *gmtime_r(const time_t *t, struct tm *tm)
{
    if (!calendar_fields(*t, tm)) {
        errno = EOVERFLOW;
        return NULL;
    }
    tm->tm_isdst = 0;
#ifdef __TM_GMTOFF
    tm->__TM_GMTOFF = 0;
    tm->__TM_ZONE = "GMT";
#endif
    return tm;
}

/* The inverse of gmtime_r(), as on Linux and the BSDs: brings the fields of *tm into their ranges.
 */
time_t timegm(struct tm *tm)
{
    int64_t t = calendar_time(tm);

    return gmtime_r(&t, tm) ? (time_t)t : -1;
}

const char *calendar_composed(char letter)
{
    switch (letter) {
    case 'c':
        return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x':
        return "%m/%d/%y";
    case 'F':
        return "%Y-%m-%d";
    case 'r':
        return "%I:%M:%S %p";
    case 'R':
        return "%H:%M";
    case 'T':
    case 'X':
        return "%H:%M:%S";
    default:
        return NULL;
    }
}
