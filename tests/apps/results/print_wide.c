/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * print_wide.c - what takes the larger set of printf (docs/dependencies.md): wide characters,
 * arguments by position, long doubles.
 */
#include "results.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <wchar.h>

static void wide_texts(void)
{
    static const char *const formats[] = {"%ls",     "%.0ls",      "%.3ls", "%12ls",   "%-12ls|",
                                          "%12.3ls", "%-12.20ls|", "%S",    "%30.17ls"};
    char text[64];
    int n;

    for (size_t i = 0; i < COUNT(formats); i++) {
        n = snprintf(text, sizeof(text), formats[i], L"hello world");
        result("%s = |%s| %i", formats[i], text, n);
        n = snprintf(text, 8, formats[i], L"hello world");
        result("%s in 8 = |%s| %i", formats[i], text, n);
    }
    n = snprintf(text, sizeof(text), "%lc|%5lc|%-5lc|", (wint_t)L'q', (wint_t)L'r', (wint_t)L's');
    result("%%lc = |%s| %i", text, n);
    errno = 0;
    n = snprintf(text, sizeof(text), "%ls", L"\x20ac");
    result("%%ls that cannot be = %i %e", n, errno);
    errno = 0;
    n = snprintf(text, sizeof(text), "%lc", (wint_t)0x20ac);
    result("%%lc that cannot be = %i %e", n, errno);
}

static void positions(void)
{
    char text[128];
    int n = snprintf(text, sizeof(text), "%2$s %1$d %3$c %1$x", 255, "pos", 'c');

    result("positions = |%s| %i", text, n);
    n = snprintf(text, sizeof(text), "%2$s%2$s%1$s", "b", "a");
    result("positions twice = |%s| %i", text, n);
    for (int width = -9; width < 10; width += 3) {
        for (int precision = -1; precision < 4; precision++) {
            n = snprintf(text, sizeof(text), "%3$*1$.*2$f|%1$d", width, precision, 2.71828);
            result("positions of width %i %i = |%s| %i", width, precision, text, n);
            n = snprintf(text, sizeof(text), "%4$-*1$.*2$s|%3$+0*1$lld", width, precision,
                         123456789012LL, "abcdef");
            result("positions of texts %i %i = |%s| %i", width, precision, text, n);
        }
    }
    n = snprintf(text, sizeof(text), "%2$-12s|%1$08.3f|%3$+5lld|%4$ d|%5$#x", 2.5, "left",
                 1LL << 40, 7, 255);
    result("positions with flags = |%s| %i", text, n);
    n = snprintf(text, sizeof(text), "%3$12s|%2$.10s|%1$12.3e", 1e10, "a longer text", "right");
    result("positions with widths = |%s| %i", text, n);
}

/* Numbers that any long double holds. */
static void long_doubles(void)
{
    static const char *const formats[] = {"%Lf",  "%.0Lf", "%Le",     "%.20Le", "%Lg",     "%.17Lg",
                                          "%#Lg", "%25Lf", "%-25Le|", "%+.3Lf", "%025.5Lf"};
    static const long double numbers[] = {0,        -0.0L,      1,     -1.5L,  0.1,
                                          1e10,     123456.789, 1e300, 1e-300, 5e-324,
                                          INFINITY, -INFINITY,  2.5L,  1e22};
    char text[512];

    for (size_t i = 0; i < COUNT(formats); i++) {
        for (size_t k = 0; k < COUNT(numbers); k++) {
            int n = snprintf(text, sizeof(text), formats[i], numbers[k]);
            result("%s of %i = |%s| %i", formats[i], (int)k, text, n);
        }
    }
    for (int k = 0; k < 300; k++) {
        double d = (double)(int64_t)any_u64() / (double)(any_u64() >> 10 | 1);
        int n = snprintf(text, sizeof(text), "%.30Lg", (long double)d);

        result("%%.30Lg of %d = |%s| %i", d, text, n);
    }
}

void print_wide_results(void)
{
    block("printf-wide");
    wide_texts();
    block("printf-positions");
    positions();
    block("printf-long-doubles");
    long_doubles();
}
