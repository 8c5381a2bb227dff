/* SPDX-License-Identifier: BSD-2-Clause */
/* print.c - printf of whole numbers, characters and texts (C11, 7.21.6.1). */
#include "results.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char *const flags[] = {"", "-", "+", " ", "#", "0", "+0", "-#", "#0", " 0"};
static const char *const widths[] = {"", "1", "12", "30"};
static const char *const precisions[] = {"", ".", ".0", ".3", ".17"};
static const char *const lengths[] = {"hh", "h", "", "l", "ll", "j", "z", "t"};
static const long long integers[] = {
    0, 1, -1, 42, -12345, 255, INT_MAX, INT_MIN, LLONG_MAX, LLONG_MIN,
};

/* Calls snprintf with an argument of the type that the length asks for. */
static int print_integer(char *text, size_t room, const char *format, const char *length,
                         long long v)
{
    if (!strcmp(length, "ll") || !strcmp(length, "j"))
        return snprintf(text, room, format, v);
    if (!strcmp(length, "l") || !strcmp(length, "t") || !strcmp(length, "z"))
        return snprintf(text, room, format, (long)v);
    return snprintf(text, room, format, (int)v);
}

/* The sign or the value would differ between a long of 32 and of 64 bits. */
static bool depends_on_long(const char *length, char conversion, long long v)
{
    if (strcmp(length, "l") && strcmp(length, "t") && strcmp(length, "z"))
        return false;
    return v != (int)v || (v < 0 && strchr("uxXo", conversion));
}

/* Whether the standard says what the flags do with this conversion. */
static bool flags_defined(const char *flag, char conversion)
{
    if (strchr("uxXo", conversion))
        return !strpbrk(flag, "+ ");
    return !strchr(flag, '#');
}

static void integers_of(const char *flag, const char *width, const char *precision)
{
    char format[32], text[128];

    for (const char *c = "diuxXo"; *c; c++) {
        if (!flags_defined(flag, *c))
            continue;
        for (size_t l = 0; l < COUNT(lengths); l++) {
            snprintf(format, sizeof(format), "%%%s%s%s%s%c", flag, width, precision, lengths[l],
                     *c);
            for (size_t i = 0; i < COUNT(integers); i++) {
                if (depends_on_long(lengths[l], *c, integers[i]))
                    continue;
                int n = print_integer(text, sizeof(text), format, lengths[l], integers[i]);
                result("%s of %l = |%s| %i", format, integers[i], text, n);
            }
        }
    }
}

static void texts_of(const char *flag, const char *width, const char *precision)
{
    char format[32], text[128];
    int n;

    if (strpbrk(flag, "+ #0"))
        return;
    snprintf(format, sizeof(format), "%%%s%s%ss", flag, width, precision);
    n = snprintf(text, sizeof(text), format, "hello world");
    result("%s = |%s| %i", format, text, n);
    snprintf(format, sizeof(format), "%%%s%sc", flag, width);
    n = snprintf(text, sizeof(text), format, 'q');
    result("%s = |%s| %i", format, text, n);
    n = snprintf(text, sizeof(text), format, 0);
    result("%s of 0 = |%b| %i", format, text, (size_t)(n < 0 ? 0 : n), n);
}

/* Arguments that decide about width and precision; "%n"; results cut off. */
static void print_others(void)
{
    char text[64];
    signed char small = 0;
    long long large = 0;
    short half = 0;
    int n, at = 0;

    block("printf-others");
    for (int width = -9; width <= 9; width += 3) {
        for (int precision = -1; precision < 5; precision++) {
            n = snprintf(text, sizeof(text), "%*.*d|%-*.*s|%0*d", width, precision, 42, width,
                         precision, "abc", width, 7);
            result("* %i %i = |%s| %i", width, precision, text, n);
            n = snprintf(text, sizeof(text), "%*.*f|%-+*.*e", width, precision, 2.5, width,
                         precision, -0.125);
            result("* %i %i of doubles = |%s| %i", width, precision, text, n);
        }
    }
    for (size_t room = 0; room < 12; room++) {
        memset(text, 'z', sizeof(text));
        n = snprintf(text, room, "%d-%s", 1234, "abcdef");
        result("room %i = %b %i", (int)room, text, (size_t)12, n);
    }
    result("no room = %i", snprintf(NULL, 0, "%s%n", "twelve chars", &at));
    result("%%n = %i", at);
    snprintf(text, sizeof(text), "12%hhn345%hn67%lln", &small, &half, &large);
    result("%%hhn %%hn %%lln = %i %i %l", small, half, large);
    n = snprintf(text, sizeof(text), "100%% %c%c", 'a', 'b');
    result("%% = |%s| %i", text, n);
    n = snprintf(text, sizeof(text), "%s|%.3s|%10.4s", "", "abcdef", "abcdef");
    result("cut texts = |%s| %i", text, n);
    n = snprintf(text, sizeof(text), "%.2s", (char[]){'a', 'b'});
    result("no end = |%s| %i", text, n);
    n = snprintf(text, sizeof(text), "%p %p", NULL, (void *)0x1234);
    result("%%p = |%s| %i", text, n);
}

void print_results(void)
{
    for (size_t f = 0; f < COUNT(flags); f++) {
        for (size_t w = 0; w < COUNT(widths); w++) {
            block("printf-%i-%i", (int)f, (int)w);
            for (size_t p = 0; p < COUNT(precisions); p++) {
                integers_of(flags[f], widths[w], precisions[p]);
                texts_of(flags[f], widths[w], precisions[p]);
            }
        }
    }
    print_others();
}
