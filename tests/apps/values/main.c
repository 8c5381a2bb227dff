/* SPDX-License-Identifier: BSD-2-Clause */
/* values - functions of the C library that newlib alone has wrong, or that were not linked. */
#include <complex.h>
#include <float.h>
#include <fnmatch.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "../checks.h"

static volatile double five = 5;
static volatile long double tenth = 0.1L;

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12 * fabs(b);
}

/* Functions that called themselves for ever. */
static void mathematics(void)
{
    double x = five;
    long double t = tenth;
    double complex z = cexp(1 + x * I);

    check(near(sin(x) * sin(x) + cos(x) * cos(x), 1), "sin and cos of one number");
    check(near(sinl(t) * sinl(t) + cosl(t) * cosl(t), 1), "sinl and cosl of one number");
    check(near(creal(z), 0.77107376416566742) && near(cimag(z), -2.6066264306850795), "cexp");
    check(near(y0(x), -0.30851762524903376) && near(y1(x), 0.14786314339122683), "y0, y1");
    check(lrintl(t * 25) == 2, "lrintl");
    check(isnan(tgamma(-x)) && tgamma(0.0) > DBL_MAX && tgamma(-0.0) < -DBL_MAX, "tgamma's poles");
    check(isnan(tgammaf(-2.0f)) && near(tgamma(x), 24), "tgamma");
}

/* Where a long double has 128 bits. */
static void long_doubles(void)
{
#if LDBL_MANT_DIG == 113
    char text[80];
    long double v = 0;

    check(strtold("2.5", NULL) == 2.5L && strtold("-0x1p-16494", NULL) == -0x1p-16494L, "strtold");
    check(strtold("0.1", NULL) == tenth && strtold("1e5000", NULL) > LDBL_MAX, "strtold's ends");
    check(sscanf("0.1", "%Lf", &v) == 1 && v == tenth, "scanf of a long double");
    snprintf(text, sizeof(text), "%.30Lf %Lf %La", tenth * 3, 1e4000L * 0, 2.5L);
    check(!strcmp(text, "0.300000000000000000000000000000 0.000000 0x1.4p+1"),
          "printf of long doubles: %s", text);
#endif
}

static void positions(void)
{
    char text[80];

    snprintf(text, sizeof(text), "%2$s %1$d", 3, "pos");
    check(!strcmp(text, "pos 3"), "arguments by position");
}

static void wide_characters(void)
{
    wchar_t word[20] = L"", out[40];
    char text[80];
    long double v = 0;
    int a = 0;

    snprintf(text, sizeof(text), "%ls|%5.2ls|%lc", L"wide", L"abc", (wint_t)L'x');
    check(!strcmp(text, "wide|   ab|x"), "printf of wide characters: %s", text);
    check(swprintf(out, 40, L"%s %ls %.20Lf", "a", L"b", 0.5L) == 26 &&
              !wcscmp(out, L"a b 0.50000000000000000000"),
          "swprintf: %ls", out);
    check(swscanf(L"word 0.5 7", L"%ls %Lf %d", word, &v, &a) == 3 && !wcscmp(word, L"word") &&
              v == 0.5L && a == 7,
          "swscanf");
    check(wprintf(L"wide %ls\n", L"output") == 12 && fputws(L"and more\n", stdout) >= 0 &&
              fwide(stdout, 0) > 0,
          "wprintf, fputws, fwide");
}

static void numbers(void)
{
    char *end;
    wchar_t *wide_end;

    check(strtol("0xg", &end, 0) == 0 && !strcmp(end, "xg"), "0xg is a 0");
    check(strtoull("0x", &end, 16) == 0 && !strcmp(end, "x"), "0x is a 0");
    check(wcstol(L" -0x1fg", &wide_end, 0) == -31 && *wide_end == L'g', "wide hexadecimal");
    check(strtol("-9223372036854775809", &end, 10) == LONG_MIN && errno == ERANGE, "too small");
    check(strtoul("-1", &end, 10) == ULONG_MAX && strtol("08", &end, 0) == 0 && *end == '8',
          "unsigned and octal");
}

static void system_calls(void)
{
    struct timezone zone = {.tz_minuteswest = 77};
    struct timeval now;
    struct stat st;
    char small[1], *argv[] = {"p", "-a", NULL}, *cwd = getcwd(NULL, 0);

    check(optind == 1 && getopt(2, argv, "a") == 'a' && optind == 2, "optind begins at 1");
    check(gettimeofday(&now, &zone) == 0 && zone.tz_minuteswest == 0, "gettimeofday's zone");
    check(cwd && !strcmp(cwd, "/"), "getcwd allocates");
    free(cwd);
    check(!getcwd(small, 1) && errno == ERANGE, "getcwd with too little room");
    check(lstat("/nowhere", &st) < 0, "lstat");
}

static void zone(void)
{
    char text[40];
    time_t then = 1000000000; /* 2001-09-09 01:46:40 UTC */
    struct tm tm;

    setenv("TZ", "<+0330>-3:30", 1);
    tzset();
    localtime_r(&then, &tm);
    strftime(text, sizeof(text), "%F %T %z %Z", &tm);
    check(!strcmp(tzname[0], "+0330") && !strcmp(text, "2001-09-09 05:16:40 +0330 +0330") &&
              mktime(&tm) == then,
          "a zone's name in angle brackets: %s", text);
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    localtime_r(&then, &tm);
    strftime(text, sizeof(text), "%T %z %Z", &tm);
    check(!strcmp(text, "03:46:40 +0200 CEST"), "summer time: %s", text);
    setenv("TZ", "EST5EDT", 1);
    tzset();
    localtime_r(&then, &tm);
    strftime(text, sizeof(text), "%T %z %Z", &tm);
    check(!strcmp(text, "21:46:40 -0400 EDT"), "summer time without its rule: %s", text);
    setenv("TZ", "", 1);
    tzset();
    localtime_r(&then, &tm);
    strftime(text, sizeof(text), "%T %z %Z", &tm);
    check(!strcmp(text, "01:46:40 +0000 UTC"), "an empty zone: %s", text);
    unsetenv("TZ");
    tzset();
}

/* What malloc gave is in mallinfo, to the size of a block's head. */
static void heap_figures(void)
{
    enum { BLOCKS = 50, SIZE = 3000, HEAD = 64 };
    void *block[BLOCKS];
    struct mallinfo before = mallinfo(), during, after;

    for (int i = 0; i < BLOCKS; i++)
        block[i] = malloc(SIZE);
    during = mallinfo();
    for (int i = 0; i < BLOCKS; i++)
        free(block[i]);
    after = mallinfo();
    size_t grown = during.uordblks - before.uordblks;
    check(grown >= BLOCKS * SIZE && grown <= BLOCKS * (SIZE + HEAD), "mallinfo: %zu bytes more",
          grown);
    check(after.uordblks == before.uordblks, "and as many as before when they are free");
    check(during.arena == during.uordblks + during.fordblks &&
              after.arena == after.uordblks + after.fordblks,
          "used and free are all");
}

static void patterns(void)
{
    char path[] = "/a/b.c", other[] = "/a/b.c";
    regmatch_t m[2];
    regex_t r;
    glob_t g;

    check(regcomp(&r, "a(b+)c", REG_EXTENDED) == 0 && regexec(&r, "xxabbc", 2, m, 0) == 0 &&
              m[1].rm_so == 3 && m[1].rm_eo == 5,
          "a regular expression");
    regfree(&r);
    check(!fnmatch("*.c", "x.c", 0) && fnmatch("*.c", "x.h", 0) == FNM_NOMATCH, "fnmatch");
    check(!strcmp(basename(path), "b.c") && !strcmp(dirname(other), "/a"), "basename, dirname");
    check(glob("/no*where", 0, NULL, &g) == GLOB_NOMATCH, "glob");
}

int main(void)
{
    mathematics();
    long_doubles();
    positions();
    wide_characters();
    numbers();
    system_calls();
    zone();
    heap_figures();
    patterns();
    return checks_end();
}
