/* SPDX-License-Identifier: BSD-2-Clause */
/* math.c - functions of one number (C11, 7.12): values and errors, in three precisions. */
#include "results.h"

#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#define THREE(name)                                                                                \
    {                                                                                              \
#name, name, name##f, name##l                                                              \
    }

struct one_number {
    const char *name;
    double (*f)(double);
    float (*ff)(float);
    long double (*fl)(long double);
};

/* Their values are exact, or rounded correctly. */
static const struct one_number exact[] = {
    THREE(floor), THREE(ceil), THREE(trunc), THREE(round),
    THREE(rint),  THREE(fabs), THREE(logb),  THREE(nearbyint),
};
static const struct one_number close[] = {
    THREE(sqrt),  THREE(sin),   THREE(cos),   THREE(tan),    THREE(asin),
    THREE(acos),  THREE(atan),  THREE(sinh),  THREE(cosh),   THREE(tanh),
    THREE(asinh), THREE(acosh), THREE(atanh), THREE(exp),    THREE(exp2),
    THREE(expm1), THREE(log),   THREE(log2),  THREE(log10),  THREE(log1p),
    THREE(cbrt),  THREE(erf),   THREE(erfc),  THREE(tgamma), THREE(lgamma),
};
static const struct {
    const char *name;
    double (*f)(double);
    float (*ff)(float);
} bessel[] = {{"j0", j0, j0f}, {"j1", j1, j1f}, {"y0", y0, y0f}, {"y1", y1, y1f}};

static const double specials[] = {
    0,
    -0.0,
    1,
    -1,
    0.5,
    -0.5,
    2,
    -2,
    3,
    -3,
    10,
    100,
    -100,
    0.1,
    709,
    710,
    -745,
    -746,
    1000,
    -1000,
    171,
    172,
    -170.5,
    88,
    89,
    -103,
    -104,
    35,
    36,
    1e10,
    -1e10,
    1e22,
    1e300,
    -1e300,
    DBL_MAX,
    -DBL_MAX,
    DBL_MIN,
    -DBL_MIN,
    DBL_TRUE_MIN,
    -DBL_TRUE_MIN,
    FLT_MAX,
    FLT_MIN,
    FLT_TRUE_MIN,
    4503599627370496.5,
    4503599627370495.5,
    9007199254740993.0,
    0.49999999999999994,
    1.5,
    2.5,
    -1.5,
    -2.5,
    INFINITY,
    -INFINITY,
    NAN,
    1e-5,
    1e-10,
    -1e-10,
    1e-20,
    0x1p-1030,
    1.0000000000000002,
    0.9999999999999999,
    M_PI,
    M_PI_2,
    M_PI_4,
    -M_PI,
    3 * M_PI_4,
    100 * M_PI,
    M_E,
    M_LN2,
    33,
    -33,
    1023,
    1024,
    -1022,
    -1075,
};

/* Arguments for which the function is tried: special ones, a grid, and any of moderate size. */
#define ARGUMENTS (COUNT(specials) + 200)

static double argument(size_t i)
{
    if (i < COUNT(specials))
        return specials[i];
    if (i < COUNT(specials) + 100)
        return ((double)(i - COUNT(specials)) - 50) * 0.37;
    return (double)(int64_t)any_u64() / (i % 2 ? 9.3e17 : 9.3e15);
}

/* Whether a float or long double holds the same number, so that all machines see one argument. */
static bool fits_float(double x)
{
    return isnan(x) || x == (double)(float)x;
}

static const char *error_now(void)
{
    return errno_name(errno);
}

static void exact_results(const struct one_number *m)
{
    block("math-%s", m->name);
    for (size_t i = 0; i < ARGUMENTS; i++) {
        double x = argument(i);

        result("%s %d = %d %d %d", m->name, x, m->f(x), (double)m->ff((float)x),
               (double)m->fl((long double)x));
    }
}

static void close_results(const struct one_number *m)
{
    block("math-%s", m->name);
    for (size_t i = 0; i < ARGUMENTS; i++)
        value(m->f(argument(i)));
    block("math-%sf", m->name);
    for (size_t i = 0; i < ARGUMENTS; i++)
        value_float(m->ff((float)argument(i)));
    block("math-%sl", m->name);
    for (size_t i = 0; i < ARGUMENTS; i++)
        value((double)m->fl((long double)argument(i)));
}

/* errno, where math_errhandling has MATH_ERRNO (C11, 7.12.1). */
static void error_results_of(const struct one_number *m)
{
    for (size_t i = 0; i < COUNT(specials); i++) {
        volatile double x = specials[i];

        errno = 0;
        double y = m->f(x);
        result("%s %d errno = %s %i", m->name, x, error_now(), fpclassify(y) == FP_NAN);
        if (!fits_float(x))
            continue;
        errno = 0;
        m->ff((float)x);
        result("%sf %d errno = %s", m->name, x, error_now());
        errno = 0;
        m->fl(x);
        if (!isfinite(x) || (fabs(x) < 20 && fabs(x) > 1e-10) || x == 0)
            result("%sl %d errno = %s", m->name, x, error_now());
    }
}

/* Results that are whole numbers, or kinds of numbers. */
static void whole_results(void)
{
    block("math-whole");
    for (size_t i = 0; i < ARGUMENTS; i++) {
        double x = argument(i);
        int sign = 99;

        result("kind of %d = %i %i %i %i %i", x, isnan(x), isinf(x) != 0, isfinite(x) != 0,
               isnormal(x) != 0, signbit(x) != 0);
        result("kind of float %d = %i %i %i", x, isnan((float)x), isinf((float)x) != 0,
               isnormal((float)x) != 0);
        if (fabs(x) < 1e9) {
            result("lrint %d = %i %i %i", x, (int)lrint(x), (int)lrintf((float)x), (int)lrintl(x));
            result("lround %d = %i %i %i", x, (int)lround(x), (int)lroundf((float)x),
                   (int)lroundl(x));
        }
        if (fabs(x) < 1e15) {
            result("llrint %d = %l %l %l", x, llrint(x), llrintf((float)x), llrintl(x));
            result("llround %d = %l %l %l", x, llround(x), llroundf((float)x), llroundl(x));
        }
        if (x != 0 && isfinite(x))
            result("ilogb %d = %i %i", x, ilogb(x), ilogbl(x));
        else
            result("ilogb %d = %i", x,
                   ilogb(x) == (x == 0     ? FP_ILOGB0
                                : isnan(x) ? FP_ILOGBNAN
                                           : INT_MAX));
        if (fabs(x) < 170 && !(x <= 0 && x == floor(x))) {
            lgamma_r(x, &sign);
            result("sign of lgamma %d = %i", x, sign);
        }
    }
}

void math_results(void)
{
    for (size_t i = 0; i < COUNT(exact); i++)
        exact_results(&exact[i]);
    for (size_t i = 0; i < COUNT(close); i++)
        close_results(&close[i]);
    for (size_t i = 0; i < COUNT(bessel); i++) {
        block("math-%s", bessel[i].name);
        for (size_t k = 0; k < ARGUMENTS; k++)
            value(bessel[i].f(argument(k)));
        block("math-%sf", bessel[i].name);
        for (size_t k = 0; k < ARGUMENTS; k++)
            value_float(bessel[i].ff((float)argument(k)));
    }
    block("math-errors");
    for (size_t i = 0; i < COUNT(exact); i++)
        error_results_of(&exact[i]);
    for (size_t i = 0; i < COUNT(close); i++)
        error_results_of(&close[i]);
    whole_results();
}
