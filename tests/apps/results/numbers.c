/* SPDX-License-Identifier: BSD-2-Clause */
/* numbers.c - strtol, strtod and their kin, narrow and wide (C11, 7.22.1, 7.29.4.1). */
#include "results.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static const char *const integers[] = {
    "0",
    "-0",
    "-1",
    "+5",
    "+-5",
    "0x1f",
    "0X1F",
    "-0x1f",
    "077",
    "08",
    "0xg",
    "0x",
    "-0x",
    "z",
    "zZ",
    "",
    " ",
    " 12",
    "\t\n\v\f\r 12",
    "12 ",
    "1 2",
    "7fffffff",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "4294967295",
    "4294967296",
    "-4294967295",
    "-4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "-18446744073709551615",
    "-18446744073709551616",
    "99999999999999999999999",
    "-99999999999999999999999",
    "0xffffffffffffffff",
    "0x10000000000000000",
    "1e5",
    "1.5",
    "--1",
    "-",
    "+",
    "0b11",
    "0B1",
    "0b",
    "00",
    "000012",
    "0_1",
    "1'000",
    "12abc",
    "\x80",
    "1\xff",
};
static const int bases[] = {0, 2, 3, 8, 10, 11, 16, 35, 36, 1, -1, 37};

static void integer_results(const char *s, int base)
{
    wchar_t wide[32], *wide_end;
    char *end = NULL;
    size_t n = 0;

    errno = 0;
    long long v = strtoll(s, &end, base);
    result("strtoll %s %i = %l %i %e", s, base, v, end ? (int)(end - s) : -1, errno);
    errno = 0;
    unsigned long long u = strtoull(s, &end, base);
    result("strtoull %s %i = %u %i %e", s, base, u, end ? (int)(end - s) : -1, errno);
    errno = 0;
    v = strtoimax(s, NULL, base);
    result("strtoimax %s %i = %l %e", s, base, v, errno);
    for (; s[n]; n++)
        wide[n] = (wchar_t)(s[n] & 0x7f); /* bytes above 127 are no characters in the C locale */
    wide[n] = 0;
    errno = 0;
    v = wcstoll(wide, &wide_end, base);
    if (base == 0 || (base > 1 && base < 37))
        result("wcstoll %s %i = %l %i %e", s, base, v, (int)(wide_end - wide), errno);
    errno = 0;
    u = wcstoumax(wide, NULL, base);
    result("wcstoumax %s %i = %u %e", s, base, u, errno);
}

/* A long is as wide as a pointer: results are said relative to its ends. */
static void long_results(const char *s, int base)
{
    char *end = NULL;
    errno = 0;
    long v = strtol(s, &end, base);
    if (v != (int)v || errno == ERANGE || strlen(s) > 8)
        return;
    result("strtol %s %i = %i %i %e", s, base, (int)v, end ? (int)(end - s) : -1, errno);
    result("atoi %s = %i %l", s, atoi(s), atoll(s));
}

static const char *const decimals[] = {
    "0",
    "-0",
    "0.0",
    "1.5",
    "-1.5",
    "0x1.8p1",
    "0X1P-3",
    "inf",
    "INF",
    "-infinity",
    "infinit",
    "infinityx",
    "nan",
    "NAN",
    "-nan",
    "nan(12)",
    "nan(",
    "nan(x_1)",
    "nan(-)",
    "nana",
    "1e400",
    "-1e400",
    "1e-400",
    "-1e-400",
    ".5",
    "5.",
    ".",
    "e5",
    " 7x",
    "0x",
    "0x.",
    "0x.8",
    "0xp3",
    "0x1p",
    "0x1p+",
    "1e",
    "1e+",
    "1e+x",
    "123456789012345678901234567890",
    "4.9e-324",
    "2.4e-324",
    "2.5e-324",
    "2.2250738585072011e-308",
    "2.2250738585072014e-308",
    "1.7976931348623157e308",
    "1.7976931348623158e308",
    "1.7976931348623159e308",
    "9007199254740993",
    "9007199254740992.5",
    "0.1e-6",
    "-.",
    "+1",
    "--1",
    "1,5",
    "0x1.fffffffffffff8p1023",
    "0x1.fffffffffffff7p1023",
    "0x1p-1074",
    "0x1p-1075",
    "0x1.8p-1075",
    "0x0.0000000000001p-1022",
    "3.4028235e38",
    "3.4028236e38",
    "3.5e38",
    "1.1754943e-38",
    "1.4e-45",
    "7e-46",
    "7.1e-46",
    "1e-46",
    "0x1p-149",
    "0x1p-150",
    "0x1.8p-150",
    "0x1.fffffep127",
    "0x1.ffffffp127",
    "16777217",
    "16777219",
    "1e22",
    "1e23",
    "8.5e15",
    "000000000000000000000000000001",
    "1e0000000000000000000000005",
    "1e99999999999999999999",
    "1e-99999999999999999999",
    "0e99999999999999999999",
    "0x0p99999",
    "0.000000000000000000000000000000000000000000000000000000000001e60",
    "100000000000000000000000000000000000000000000000000000000000e-60",
    "\t 1",
    "1\t",
    "i",
    "in",
    "n",
    "na",
    "0x1g",
    "0x1.g",
    "1e5.5",
    "1p5",
    "0x10e1",
    "1f",
    "1L",
    "1d",
};

static void decimal_results(const char *s)
{
    wchar_t wide[80], *wide_end;
    size_t n = 0;
    char *end;

    errno = 0;
    double d = strtod(s, &end);
    result("strtod %s = %d %i %e", s, d, (int)(end - s), errno);
    errno = 0;
    float f = strtof(s, &end);
    result("strtof %s = %d %i %e", s, (double)f, (int)(end - s), errno);
    long double l = strtold(s, &end);
    if (d != 0 && d - d == 0 && d != (double)5e-324) /* the range of a long double is another one */
        result("strtold %s = %d %i", s, (double)l, (int)(end - s));
    else
        result("strtold %s = %i", s, (int)(end - s));
    for (; s[n]; n++)
        wide[n] = (wchar_t)s[n];
    wide[n] = 0;
    errno = 0;
    d = wcstod(wide, &wide_end);
    result("wcstod %s = %d %i %e", s, d, (int)(wide_end - wide), errno);
    f = wcstof(wide, &wide_end);
    result("wcstof %s = %d %i", s, (double)f, (int)(wide_end - wide));
    result("atof %s = %d", s, atof(s));
}

/* What printf makes of any double, and back. */
static void round_trips(void)
{
    static const char *const formats[] = {"%.17g", "%.25e", "%a", "%.9g", "%.2f"};
    char text[400];

    for (size_t i = 0; i < COUNT(formats); i++) {
        block("strtod-any-%s", formats[i] + 1);
        for (int k = 0; k < 500; k++) {
            uint64_t bits = any_u64();
            double d;

            memcpy(&d, &bits, sizeof(d));
            if (d != d || d - d != 0)
                continue;
            snprintf(text, sizeof(text), formats[i], d);
            result("strtod of %s of %d = %d %d", formats[i], d, strtod(text, NULL),
                   (double)strtof(text, NULL));
        }
    }
}

void number_results(void)
{
    for (size_t b = 0; b < COUNT(bases); b++) {
        block("strtol-%i", bases[b]);
        for (size_t i = 0; i < COUNT(integers); i++) {
            integer_results(integers[i], bases[b]);
            long_results(integers[i], bases[b]);
        }
    }
    block("strtod");
    for (size_t i = 0; i < COUNT(decimals); i++)
        decimal_results(decimals[i]);
    round_trips();
}
