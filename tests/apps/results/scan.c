/* SPDX-License-Identifier: BSD-2-Clause */
/* scan.c - scanf (C11, 7.21.6.2; POSIX.1-2017 for "%m"). */
#include "results.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static const char *const inputs[] = {
    "12 abc 3.5",
    "0x1f",
    "077",
    "  x",
    "a,b",
    "123456",
    "5%",
    "5 %",
    "abc",
    "[x]",
    "1e5x",
    "0x",
    "-",
    "",
    " ",
    "nan",
    "inf",
    "infinity",
    "0xg",
    "-12",
    "+12",
    "+-1",
    "1.5e",
    "1e+",
    ".5",
    ".",
    "99999999999999999999",
    "-99999999999999999999",
    "4294967296",
    "a]b",
    "^a",
    "a-z",
    "12\n34",
    "1,2,3",
    "--",
    "0b1",
    "00012",
    "1 2 3 4",
    "abc def ghi",
    "\t\n 7",
    "0x1.8p1",
    "0x.8",
    "0xp1",
    "1.7976931348623159e400",
    "i",
    "infx",
    "3.4028236e39",
    "1e-500",
    "e5",
};

/* Three places for results of any kind; what is not stored stays as it was. */
union place {
    int i;
    long long l;
    short h;
    signed char c;
    double d;
    float f;
    char text[64];
};

static void scan_integers(const char *in)
{
    static const char *const formats[] = {"%d",        "%i",       "%u",     "%x",   "%o",
                                          "%3d%d",     "%2i%d",    "%*d%d",  "%d%%", "%d %%",
                                          "%1d%1d%1d", "%d,%d,%d", " %d%d%d"};
    for (size_t i = 0; i < COUNT(formats); i++) {
        int a = -77, b = -77, c = -77;
        int n = sscanf(in, formats[i], &a, &b, &c);
        if (strlen(in) < 10) /* beyond its type a number has no defined value */
            result("%s of %s = %i %i %i %i", formats[i], in, n, a, b, c);
        else
            result("%s of %s = %i", formats[i], in, n);
    }
    union place p = {.text = "zzzzzzzzzz"};
    int at = -1, n = sscanf(in, "%hhd%n", &p.c, &at);
    if (strlen(in) < 4)
        result("%%hhd of %s = %i %i %b", in, n, at, p.text, (size_t)4);
    at = -1;
    n = sscanf(in, "%hi%n", &p.h, &at);
    if (strlen(in) < 5)
        result("%%hi of %s = %i %i %b", in, n, at, p.text, (size_t)4);
    at = -1;
    n = sscanf(in, "%lld%n", &p.l, &at);
    result("%%lld of %s = %i %i %l", in, n, at, n > 0 && strlen(in) < 20 ? p.l : 0);
    at = -1;
    n = sscanf(in, "%jx%n", (uintmax_t *)&p.l, &at);
    result("%%jx of %s = %i %i %l", in, n, at, n > 0 && strlen(in) < 20 ? p.l : 0);
    at = -1;
    n = sscanf(in, "%*d%n", &at);
    result("%%*d%%n of %s = %i %i", in, n, at);
}

static void scan_doubles(const char *in)
{
    union place p = {.d = -77}, q = {.text = "zzz"};
    int at = -1, n = sscanf(in, "%lf%n", &p.d, &at);

    result("%%lf of %s = %i %d %i", in, n, p.d, at);
    n = sscanf(in, "%la%63s", &p.d, q.text);
    result("%%la%%s of %s = %i %d %s", in, n, p.d, q.text);
    p.f = -77;
    n = sscanf(in, "%f", &p.f);
    result("%%f of %s = %i %d", in, n, (double)p.f);
    p.d = -77;
    at = -1;
    n = sscanf(in, "%3lg%n", &p.d, &at);
    result("%%3lg of %s = %i %d %i", in, n, p.d, at);
    p.d = -77;
    at = -1;
    n = sscanf(in, "%1lf%n", &p.d, &at);
    result("%%1lf of %s = %i %d %i", in, n, p.d, at);
}

static void scan_texts(const char *in)
{
    static const char *const formats[] = {
        "%60s",        "%3s%3s%3s",      "%c",           " %c",           "%3c",
        "%60[a-z]",    "%60[^,]%60s",    "%60[^,],%60s", "%*c%60s",       "[%60[a-z]]",
        "%60[]a]",     "%60[^]a]",       "%60[a-]",      "%60[0-9.]%60s", "%2[a-z]%60s",
        "%*[a-z]%60s", "%60s %60s %60s", "abc%60s",      " abc %60s",     "%60[ \t]%60s",
        "%60[-+0-9]",  "%60[^^]",        "%2c%60s",
    };
    for (size_t i = 0; i < COUNT(formats); i++) {
        char a[64] = "zzzzzzzz", b[64] = "zzzzzzzz", c[64] = "zzzzzzzz";
        int n = sscanf(in, formats[i], a, b, c);
        result("%s of %s = %i %s %s %s", formats[i], in, n, a, b, c);
    }
    wchar_t wide[64] = L"zzz", set[64] = L"zzz";
    char narrow[64] = {0}, chosen[64] = {0};
    int n = sscanf(in, "%60ls", wide), m = sscanf(in, "%60l[^,]", set);
    for (size_t i = 0; wide[i]; i++)
        narrow[i] = (char)wide[i];
    for (size_t i = 0; set[i]; i++)
        chosen[i] = (char)set[i];
    result("%%ls of %s = %i %s", in, n, narrow);
    result("%%l[ of %s = %i %s", in, m, chosen);
}

static void scan_allocated(const char *in)
{
    char *a = NULL, *b = NULL;
    int n = sscanf(in, "%ms %m[^x]", &a, &b);

    result("%%ms %%m[ of %s = %i %s %s", in, n, n > 0 ? a : "-", n > 1 ? b : "-");
    if (n > 0)
        free(a);
    if (n > 1)
        free(b);
    n = sscanf(in, "%3mc", &a);
    result("%%3mc of %s = %i %b", in, n, n > 0 ? a : "-", (size_t)1);
    if (n > 0)
        free(a);
}

void scan_results(void)
{
    block("scanf-integers");
    for (size_t i = 0; i < COUNT(inputs); i++)
        scan_integers(inputs[i]);
    block("scanf-doubles");
    for (size_t i = 0; i < COUNT(inputs); i++)
        scan_doubles(inputs[i]);
    block("scanf-texts");
    for (size_t i = 0; i < COUNT(inputs); i++)
        scan_texts(inputs[i]);
    block("scanf-allocated");
    for (size_t i = 0; i < COUNT(inputs); i++)
        scan_allocated(inputs[i]);
}
