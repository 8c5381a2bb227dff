/* SPDX-License-Identifier: BSD-2-Clause */
/* times.c - calendar and zones (C11, 7.27; POSIX.1-2017 for TZ and strptime; flags of Linux). */
#include "results.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

static void tm_result(const char *what, long long t, const struct tm *tm)
{
    result("%s %l = %i-%i-%i %i:%i:%i %i %i %i", what, t, tm->tm_year, tm->tm_mon, tm->tm_mday,
           tm->tm_hour, tm->tm_min, tm->tm_sec, tm->tm_wday, tm->tm_yday, tm->tm_isdst);
}

static void calendar(void)
{
    static const char *const formats[] = {
        "%a %A %b %B %h",
        "%c",
        "%C %d %D %e %F",
        "%g %G %V %U %W %j",
        "%H %I %k %l %M %p",
        "%r %R %S %T",
        "%u %w %x %X",
        "%y %Y",
        "%n%t%%",
        "%Z %z",
        "%Ey %Od",
        "%s",
        "%10Y",
        "%P",
        "%-d %_d %03d %^a",
        "%+ %N %q %Q",
        "%10Y %-10Y %_10Y %010Y %3y %-y",
        "%-10d %5e %05e %-e %_5m %05S",
        "%^10a %010a %#a %#p %#Z %#B %^c %^#h",
        "%20c %020c %12F %012F %10R",
        "%5C %_z %-z %8z %_8z",
        "%20s %020s",
        "%Ea %Ed %OH %OB %EC %EX %EY %OY %Ej %Oj",
        "%10% %10n %10p %^P %5",
        "%E",
        "%_H%_y%-I:%-M",
    };
    char text[128];

    for (size_t i = 0; i < COUNT(formats); i++) {
        block("strftime-%i", (int)i);
        for (int k = 0; k < 100; k++) {
            time_t t = (time_t)(int32_t)any_u64() * (k % 3 ? 1 : 20);
            struct tm tm;

            gmtime_r(&t, &tm);
            tm_result("gmtime", t, &tm);
            size_t n = strftime(text, sizeof(text), formats[i], &tm);
            result("strftime %s %l = %s %i", formats[i], (long long)t, n ? text : "", (int)n);
            result("asctime %l = %s", (long long)t, asctime_r(&tm, text));
        }
    }
}

/* The days around each new year, which may belong to a week of the other year. */
static void new_years(void)
{
    char text[64];

    block("strftime-new-years");
    for (time_t year = 1971; year < 2071; year++) {
        time_t new_year = ((year - 1970) * 365 + (year - 1969) / 4) * 86400;

        for (time_t t = new_year - 4 * 86400; t < new_year + 4 * 86400; t += 86400) {
            struct tm tm;

            gmtime_r(&t, &tm);
            strftime(text, sizeof(text), "%F %a: %G-W%V %g %U %W", &tm);
            result("strftime of %l = %s", (long long)t, text);
        }
    }
}

static void odd_fields(void)
{
    static const char *const formats[] = {
        "%a %A %b %B", "%c|%F|%D", "%G %g %V %U %W %j",       "%C %y %Y", "%p %I %l",
        "%d %e %m",    "%Z|%z",    "%10Y|%_10Y|%05e|%8z|%03d"};
    static const struct tm odd[] = {
        {.tm_year = -1905, .tm_mon = 12, .tm_mday = -7, .tm_hour = 25, .tm_wday = 9},
        {.tm_year = 8100, .tm_mon = -1, .tm_mday = 77, .tm_hour = 12, .tm_wday = -1},
        {.tm_year = -1900, .tm_mday = 1, .tm_gmtoff = -12600, .tm_zone = "abc"},
        {.tm_year = 2147481747, .tm_mday = 1, .tm_isdst = -1, .tm_gmtoff = 50400},
    };
    char text[128];
    wchar_t wide[64];

    block("strftime-odd");
    for (size_t i = 0; i < COUNT(odd); i++) {
        for (size_t k = 0; k < COUNT(formats); k++) {
            size_t n = strftime(text, sizeof(text), formats[k], &odd[i]);
            result("strftime %s of odd %i = %s %i", formats[k], (int)i, n ? text : "", (int)n);
        }
    }
    struct tm tm = {.tm_year = 126, .tm_mday = 1};
    for (size_t room = 0; room < 13; room++) {
        result("strftime room %i = %i", (int)room, (int)strftime(text, room, "%F", &tm));
        result("strftime room %i of numbers = %i", (int)room,
               (int)strftime(text, room, "%8d", &tm));
        result("wcsftime room %i = %i", (int)room, (int)wcsftime(wide, room, L"%F", &tm));
    }
    size_t n = wcsftime(wide, COUNT(wide), L"a%Y\u00e9-%-d%%|%q|%_5m%", &tm);
    result("wcsftime = %b %i", wide, (n + 1) * sizeof(wchar_t), (int)n);
}

/* Days and months out of their ranges are brought into them. */
static void normalization(void)
{
    block("mktime");
    for (int i = 0; i < 600; i++) {
        struct tm tm = {.tm_year = 70 + (int)(any_u64() % 130),
                        .tm_mon = (int)(any_u64() % 60) - 24,
                        .tm_mday = (int)(any_u64() % 400) - 100,
                        .tm_hour = (int)(any_u64() % 200) - 100,
                        .tm_min = (int)(any_u64() % 400) - 200,
                        .tm_sec = (int)(any_u64() % 9000) - 4500};
        time_t t = mktime(&tm);
        tm_result("mktime", (long long)t, &tm);
        tm.tm_year -= 400;
        tm.tm_mday += 1000;
        t = timegm(&tm);
        tm_result("timegm", (long long)t, &tm);
    }
    static const long long edges[] = {0,
                                      -1,
                                      951782399,
                                      951782400,
                                      4107542399,
                                      4107542400,
                                      67768036191676799,
                                      67768036191676800,
                                      -67768040609740800,
                                      -67768040609740801,
                                      -62167219200,
                                      -62167219201};
    for (size_t i = 0; i < COUNT(edges); i++) {
        struct tm tm = {0};
        time_t t = edges[i];

        errno = 0;
        bool known = gmtime_r(&t, &tm) != NULL;
        result("gmtime_r of %l errno = %i %e", edges[i], known, errno);
        if (known)
            tm_result("gmtime_r", edges[i], &tm);
    }
}

/* Not "EST5EDT" and "", which glibc looks up in the zone files of its machine. */
static const char *const zones[] = {
    "UTC0",
    "EST5EDT,M3.2.0,M11.1.0",
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "IST-5:30",
    "<+0330>-3:30",
    "XXX3",
    "AEST-10AEDT,M10.1.0,M4.1.0/3",
    "NZST-12NZDT,M9.5.0,M4.1.0/3",
    "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
    "AAA4BBB,J60,J300",
    "AAA4BBB,59/0,299/24",
    "XYZ-14",
    "ABC12:34:56",
    "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
    "IST-1GMT0,M10.5.0,M3.5.0/1",
    "LHST-10:30LHDT-11,M10.1.0,M4.1.0",
    "Europe/Nowhere",
    ":UTC0",
    "NAME3WITHAVERYLONG,M3.2.0,M11.1.0",
    "A3",
};

/* Days around which zones change, in the leap year 2024. */
static void zone_changes(void)
{
    static const time_t days[] = {1709078400, 1709942400, 1711756800, 1729900800, 1730505600};

    for (size_t i = 0; i < COUNT(days); i++) {
        for (int hour = 0; hour < 60; hour++) {
            time_t t = days[i] + (time_t)hour * 3600;
            struct tm tm;

            localtime_r(&t, &tm);
            tm_result("change", t, &tm);
        }
    }
}

static void zone_times(void)
{
    char text[64];

    for (size_t z = 0; z < COUNT(zones); z++) {
        block("zone-%s", zones[z]);
        setenv("TZ", zones[z], 1);
        tzset();
        result("tzname %s = %s %s", zones[z], tzname[0], tzname[1]);
        result("timezone %s = %l %i", zones[z], (long long)timezone, daylight != 0);
        zone_changes();
        for (int i = 0; i < 200; i++) {
            time_t t = 1600000000 + (time_t)i * 325000;
            struct tm tm;

            localtime_r(&t, &tm);
            tm_result("localtime", t, &tm);
            strftime(text, sizeof(text), "%z %Z %s", &tm);
            result("zone %s %l = %s", zones[z], (long long)t, text);
            result("tm_zone %s %l = %s %l", zones[z], (long long)t, tm.tm_zone,
                   (long long)tm.tm_gmtoff);
            tm.tm_isdst = -1;
            result("mktime back %s %l = %l", zones[z], (long long)t, (long long)mktime(&tm) - t);
        }
    }
    setenv("TZ", "UTC0", 1);
    tzset();
}

static void parsing(void)
{
    static const char *const cases[][2] = {
        {"2026-11-30", "%Y-%m-%d"},
        {"12:34:56", "%H:%M:%S"},
        {"Mon Nov 30 2026", "%a %b %d %Y"},
        {"Monday, 30 November", "%A, %d %B"},
        {"12:34 PM", "%I:%M %p"},
        {"12:34 am", "%I:%M %p"},
        {"99", "%y"},
        {"68", "%y"},
        {"69", "%y"},
        {"366", "%j"},
        {"13", "%m"},
        {"0", "%d"},
        {"32", "%d"},
        {"  7", "%d"},
        {"11/30/26", "%D"},
        {"23:59", "%R"},
        {"a%b", "a%%b"},
        {"1e", "%H"},
        {"", "%H"},
        {"x", "%Y"},
        {"2026-11-30 rest", "%F"},
        {"23:59:60", "%T"},
        {"24:00", "%R"},
        {"2026-334", "%Y-%j"},
        {"2024 60", "%Y %j"},
        {"2026 48 1", "%Y %U %w"},
        {"2026 48 7", "%Y %W %u"},
        {"20 26", "%C %y"},
        {"19", "%C"},
        {"fri mAR 3", "%a %b %d"},
        {"0 -0330x", "%H %z"},
        {"Z", "%z"},
        {"+5", "%z"},
        {"+01:30", "%z"},
        {"12:00:00 AM", "%r"},
        {"12:00:00 pm", "%r"},
        {"1796000000", "%s"},
        {"Sun Nov 29 19:53:20 2026", "%c"},
        {"2026-11-30T12:00:00Z", "%Y-%m-%dT%H:%M:%SZ"},
        {"7 CET 8", "%d %Z %m"},
        {" \t12", "%n%H"},
        {"012", "%d"},
        {"99999", "%Y"},
        {"5", "%-d"},
        {"5", "%Od"},
        {"x", "%"},
        {"x", "%Q"},
        {"9", "%k"},
        {"13", "%l"},
        {"60", "%M"},
        {"61", "%S"},
        {"62", "%S"},
        {"Mayx", "%B"},
        {"Sept", "%B"},
    };

    block("strptime");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tm tm = {.tm_mday = 1};
        const char *end = strptime(cases[i][0], cases[i][1], &tm);
        result("strptime %s %s days = %i %i", cases[i][0], cases[i][1], end ? tm.tm_wday : 0,
               end ? tm.tm_yday : 0);
        result("strptime %s %s offset = %l", cases[i][0], cases[i][1],
               end ? (long long)tm.tm_gmtoff : 0);
        result("strptime %s %s = %i %i-%i-%i %i:%i:%i", cases[i][0], cases[i][1],
               end ? (int)(end - cases[i][0]) : -1, end ? tm.tm_year : 0, end ? tm.tm_mon : 0,
               end ? tm.tm_mday : 0, end ? tm.tm_hour : 0, end ? tm.tm_min : 0,
               end ? tm.tm_sec : 0);
    }
}

void time_results(void)
{
    setenv("TZ", "UTC0", 1);
    tzset();
    calendar();
    new_years();
    odd_fields();
    normalization();
    zone_times();
    parsing();
}
