/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone.c - local time by the environment's TZ (POSIX.1-2017, 8.3): tzset(), localtime_r(),
 * mktime().
 *
 * newlib's knows no negative times of the day in rules, no names of more than ten letters, and
 * no year in front of 1970. There are no files of zones: a TZ such as "Europe/Berlin" is UTC.
 */
#include "calendar.h"

#include <ctype.h>
#include <errno.h>
#include <reent.h>
#include <stdlib.h>
#include <string.h>

#define ZONE_NAME_MAX 15

/* When summer time begins or ends. */
struct zone_rule {
    char kind;          /* 'M': day of a week; 'J': day without February 29; 0: day from 0 */
    int mon, week, day; /* mon from 1; week 5: the last; day of the week, or of the year */
    int seconds;        /* local time of the day */
};

static struct zone {
    char text[80]; /* the TZ that was read; empty: none, or a longer one */
    bool known;
    char name[2][ZONE_NAME_MAX + 1]; /* [1]: summer time */
    long east[2];                    /* seconds */
    struct zone_rule begin, end;
} zone;

long _timezone;
int _daylight;
char *_tzname[2] = {zone.name[0], zone.name[1]};
/* Their names on Linux. */
extern long timezone __attribute__((alias("_timezone")));
extern int daylight __attribute__((alias("_daylight")));

/* A name: letters, or any of letters, digits and signs in "<>". NULL: none. */
static const char *zone_parse_name(const char *s, char *name)
{
    bool quoted = *s == '<';
    size_t n = 0;

    s += quoted;
    while (isalpha((unsigned char)s[n]) ||
           (quoted && (isdigit((unsigned char)s[n]) || s[n] == '+' || s[n] == '-')))
        n++;
    if (n < 3 || (quoted && s[n] != '>'))
        return NULL;
    size_t kept = n < ZONE_NAME_MAX ? n : ZONE_NAME_MAX;
    memcpy(name, s, kept);
    name[kept] = '\0';
    return s + n + quoted;
}

/* [+-]hh[:mm[:ss]] in seconds. NULL: no number. */
static const char *zone_parse_time(const char *s, long most_hours, long *seconds)
{
    long unit = 3600, sum = 0;
    bool negative = *s == '-';

    s += *s == '-' || *s == '+';
    if (!isdigit((unsigned char)*s))
        return NULL;
    for (; unit; unit /= 60) {
        char *end;
        long n = strtol(s, &end, 10), most = unit == 3600 ? most_hours : 59;
        sum += (n < most ? n : most) * unit;
        s = end;
        if (*s != ':' || !isdigit((unsigned char)s[1]) || unit == 1)
            break;
        s++;
    }
    *seconds = negative ? -sum : sum;
    return s;
}

/* A number from `least` to `most`. NULL: there is none. */
static const char *zone_parse_number(const char *s, int least, int most, int *number)
{
    char *end;

    if (!isdigit((unsigned char)*s))
        return NULL;
    long n = strtol(s, &end, 10);
    *number = (int)n;
    return n >= least && n <= most ? end : NULL;
}

/* ,Mm.n.d[/time], ,Jn[/time] or ,n[/time]. */
static const char *zone_parse_rule(const char *s, struct zone_rule *rule)
{
    long seconds = 2 * 3600;

    if (*s++ != ',')
        return NULL;
    rule->kind = *s == 'M' || *s == 'J' ? *s++ : 0;
    if (rule->kind == 'M') {
        s = zone_parse_number(s, 1, 12, &rule->mon);
        if (s && *s++ == '.')
            s = zone_parse_number(s, 1, 5, &rule->week);
        if (s && *s++ == '.')
            s = zone_parse_number(s, 0, 6, &rule->day);
    } else {
        s = zone_parse_number(s, rule->kind == 'J', 365, &rule->day);
    }
    if (s && *s == '/')
        s = zone_parse_time(s + 1, 167, &seconds);
    rule->seconds = (int)seconds;
    return s;
}

/* Summer time: a name, an offset, which may be missing (one hour), and rules (those of the USA). */
static void zone_parse_summer(const char *s)
{
    long west = -zone.east[0] - 3600;
    const char *next = zone_parse_time(s, 24, &west);
    const char *rules = next ? next : s;

    if (!*rules || !strcmp(rules, ","))
        rules = ",M3.2.0,M11.1.0";
    rules = zone_parse_rule(rules, &zone.begin);
    if (!rules || !zone_parse_rule(rules, &zone.end))
        return;
    zone.east[1] = -west;
}

static void zone_parse(const char *s)
{
    long west;

    zone.east[0] = zone.east[1] = 0;
    zone.name[0][0] = zone.name[1][0] = '\0';
    if (!s || !*s)
        s = "UTC0";
    s = zone_parse_name(s + (*s == ':'), zone.name[0]);
    if (s)
        s = zone_parse_time(s, 24, &west);
    if (!s)
        return;
    zone.east[0] = zone.east[1] = -west;
    s = zone_parse_name(s, zone.name[1]);
    if (s)
        zone_parse_summer(s);
    else
        strcpy(zone.name[1], zone.name[0]);
}

void tzset(void)
{
    const char *tz = getenv("TZ");

    if (zone.known && !strcmp(tz ? tz : "", zone.text))
        return;
    zone_parse(tz);
    zone.known = strlen(tz ? tz : "") < sizeof(zone.text);
    if (zone.known)
        strcpy(zone.text, tz ? tz : "");
    _timezone = -zone.east[0];
    _daylight = zone.east[0] != zone.east[1];
}

void _tzset_r(struct _reent *r)
{
    (void)r;
    tzset();
}

const char *zone_name(int isdst)
{
    return zone.name[isdst > 0];
}

long zone_offset(int isdst)
{
    return zone.east[isdst > 0];
}

/* The day of a year on which a rule applies, from 1970-01-01. */
static int64_t zone_rule_day(const struct zone_rule *rule, int64_t year)
{
    int64_t first = calendar_days(year, 0, 1);

    if (rule->kind == 'J')
        return first + rule->day - 1 + (calendar_leap(year) && rule->day >= 60);
    if (!rule->kind)
        return first + rule->day;
    int64_t day = calendar_days(year, rule->mon - 1, 1);
    day += (rule->day - calendar_weekday(day) + 7) % 7 + (rule->week - 1) * 7;
    return day >= calendar_days(year, rule->mon, 1) ? day - 7 : day;
}

/* Whether summer time is in effect; `t` is in seconds since 1970. */
static bool zone_is_summer(int64_t t)
{
    struct tm tm;

    if (!_daylight || !calendar_fields(t, &tm))
        return false;
    int64_t year = INT64_C(1900) + tm.tm_year;
    int64_t begin =
        zone_rule_day(&zone.begin, year) * CALENDAR_DAY + zone.begin.seconds - zone.east[0];
    int64_t end = zone_rule_day(&zone.end, year) * CALENDAR_DAY + zone.end.seconds - zone.east[1];
    return begin > end ? t >= begin || t < end : t >= begin && t < end;
}

struct tm *localtime_r(const time_t *t, struct tm *tm)
{
    tzset();
    int summer = zone_is_summer(*t);
    if (!calendar_fields(*t + zone.east[summer], tm)) {
        errno = EOVERFLOW;
        return NULL;
    }
    tm->tm_isdst = summer;
#ifdef __TM_GMTOFF
    tm->__TM_GMTOFF = zone.east[summer];
    tm->__TM_ZONE = zone.name[summer];
#endif
    return tm;
}

/*
 * The time of local fields, which are brought into their ranges. tm_isdst < 0: whichever is in
 * effect then; an hour that is there twice is the one of winter, and one that is not there lies
 * behind the change.
 */
time_t mktime(struct tm *tm)
{
    tzset();
    int64_t local = calendar_time(tm);
    time_t winter = local - zone.east[0], summer = local - zone.east[1];
    bool ask = tm->tm_isdst < 0;
    time_t t = ask ? (zone_is_summer(winter) && zone_is_summer(summer) ? summer : winter)
                   : (tm->tm_isdst ? summer : winter);

    return localtime_r(&t, tm) ? t : -1;
}

time_t timelocal(struct tm *tm) __attribute__((alias("mktime")));
