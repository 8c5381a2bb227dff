/* SPDX-License-Identifier: BSD-2-Clause */
/* calendar.h - days, months and years of the Gregorian calendar, and the zone (TZ), for libc alone.
 */
#ifndef LIBC_CALENDAR_H
#define LIBC_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define CALENDAR_DAY INT64_C(86400) /* seconds */

bool calendar_leap(int64_t year);
/* Days from 1970-01-01 to a day; `mon` from 0, any `mon` and `mday`. */
int64_t calendar_days(int64_t year, int64_t mon, int64_t mday);
/* 0 to 6, Sunday first. */
int calendar_weekday(int64_t days);
/* Days of the year in front of month `mon`, 0 to 12. */
int calendar_days_before(int mon, bool leap);
/* Fields of a time, seconds since 1970; all but tm_isdst and the zone. False: the year is no int.
 */
bool calendar_fields(int64_t t, struct tm *tm);
/* The time of fields, which may be out of their ranges. */
int64_t calendar_time(const struct tm *tm);
/* What a letter of strftime() and strptime() stands for, such as "%H:%M" for R; NULL: itself. */
const char *calendar_composed(char letter);

/* The name and the offset, in seconds east of UTC, of tm_isdst, after tzset(). */
const char *zone_name(int isdst);
long zone_offset(int isdst);

#endif
