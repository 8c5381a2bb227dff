/* SPDX-License-Identifier: BSD-2-Clause */
/* print_float.c - printf of doubles (C11, 7.21.6.1). */
#include "results.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const flags[] = {"", "-", "+", " ", "#", "0", "+0", "-#", "#0", " 0"};
static const char *const widths[] = {"", "1", "12", "30"};
static const char *const precisions[] = {"", ".", ".0", ".3", ".17"};
static const double doubles[] = {
    0,       -0.0,    1,        -1.5,      0.1,          1e10,       123456.789, 1e-10,
    DBL_MAX, DBL_MIN, INFINITY, -INFINITY, NAN,          0.5,        2.5,        9.9999999,
    1e21,    3.0e-5,  1e15,     999999.4,  0x1.8p-20,    1234567890, 7,          1e-5,
    0.001,   1e5,     0x1.f8p0, 0x1.08p3,  0.0009999995,
};

static void double_formats(void)
{
    char format[32], text[512];

    for (size_t f = 0; f < COUNT(flags); f++) {
        for (const char *c = "eEfFgGaA"; *c; c++) {
            block("printf-%c-%i", *c, (int)f);
            for (size_t i = 0; i < COUNT(widths) * COUNT(precisions); i++) {
                snprintf(format, sizeof(format), "%%%s%s%s%c", flags[f],
                         widths[i / COUNT(precisions)], precisions[i % COUNT(precisions)], *c);
                for (size_t k = 0; k < COUNT(doubles); k++) {
                    int n = snprintf(text, sizeof(text), format, doubles[k]);
                    result("%s of %d = |%s| %i", format, doubles[k], text, n);
                }
            }
        }
    }
}

static void denormals(void)
{
    static const char *const formats[] = {"%a", "%.0a", "%.3a", "%e", "%g", "%.40e", "%f"};
    char text[512];

    block("printf-denormals");
    for (size_t i = 0; i < COUNT(formats); i++) {
        for (double d = DBL_TRUE_MIN; d < DBL_MIN; d *= 5) {
            int n = snprintf(text, sizeof(text), formats[i], d);
            result("%s of denormal %d = |%s| %i", formats[i], d, text, n);
        }
    }
}

/* Numbers of any size, also with more digits than they have. */
static void any_doubles(void)
{
    static const char *const formats[] = {"%.17g", "%.6g", "%.3e", "%.25e", "%a",
                                          "%.5a",  "%.1f", "%.0f", "%.40g"};
    char text[512];

    for (size_t i = 0; i < COUNT(formats); i++) {
        block("printf-any-%s", formats[i] + 1);
        for (int k = 0; k < 400; k++) {
            uint64_t bits = any_u64();
            double d;

            if (k & 1) /* of moderate size */
                bits = (bits & ~(UINT64_C(0x7ff) << 52)) | (1010 + bits % 30) << 52;
            memcpy(&d, &bits, sizeof(d));
            if (!isnormal(d))
                continue;
            int n = snprintf(text, sizeof(text), formats[i], d);
            result("%s of %d = |%s| %i", formats[i], d, text, n);
        }
    }
}

void print_float_results(void)
{
    double_formats();
    denormals();
    any_doubles();
}
