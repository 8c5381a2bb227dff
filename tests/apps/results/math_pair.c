/* SPDX-License-Identifier: BSD-2-Clause */
/* math_pair.c - functions of two and three numbers (C11, 7.12). */
#include "results.h"

#include <errno.h>
#include <float.h>
#include <math.h>

#define THREE(name)                                                                                \
    {                                                                                              \
#name, name, name##f, name##l                                                              \
    }

struct two_numbers {
    const char *name;
    double (*f)(double, double);
    float (*ff)(float, float);
    long double (*fl)(long double, long double);
};

static const struct two_numbers exact[] = {
    THREE(fmod), THREE(remainder), THREE(copysign), THREE(fmax), THREE(fmin), THREE(fdim),
};
static const struct two_numbers close[] = {THREE(pow), THREE(atan2), THREE(hypot)};

static const double specials[] = {
    0,   -0.0, 1,        -1,        0.5, -0.5,    2,        -2,      3,      -3,
    2.5, 1e10, INFINITY, -INFINITY, NAN, DBL_MAX, -DBL_MAX, DBL_MIN, 1e-300, 1023,
};

#define PAIRS (COUNT(specials) * COUNT(specials) + 200)

struct pair {
    double x, y;
};

static struct pair pair_at(size_t i)
{
    size_t n = COUNT(specials);
    struct pair p;

    if (i < n * n)
        return (struct pair){specials[i / n], specials[i % n]};
    p.x = (double)(int64_t)any_u64() / 9.3e17;
    p.y = (double)(int64_t)any_u64() / 9.3e17;
    return p;
}

/* What becomes of numbers that a float does not hold is another question. */
static bool fit_float(struct pair p)
{
    return (isnan(p.x) || p.x == (double)(float)p.x) && (isnan(p.y) || p.y == (double)(float)p.y);
}

static void exact_results(const struct two_numbers *m)
{
    block("math-%s", m->name);
    for (size_t i = 0; i < PAIRS; i++) {
        struct pair p = pair_at(i);
        double y = m->f(p.x, p.y);

        if (y == 0 && (m->f == fmax || m->f == fmin)) /* of two zeros either is right */
            continue;
        result("%s %d %d = %d", m->name, p.x, p.y, y);
        if (fit_float(p))
            result("%sf %d %d = %d", m->name, p.x, p.y, (double)m->ff((float)p.x, (float)p.y));
        if (fabs(y) < DBL_MAX || isnan(y)) /* a long double has a wider range */
            result("%sl %d %d = %d", m->name, p.x, p.y, (double)m->fl(p.x, p.y));
    }
}

static void close_results(const struct two_numbers *m)
{
    block("math-%s", m->name);
    for (size_t i = 0; i < PAIRS; i++) {
        struct pair p = pair_at(i);

        value(m->f(p.x, p.y));
    }
    block("math-%sf", m->name);
    for (size_t i = 0; i < PAIRS; i++) {
        struct pair p = pair_at(i);

        value_float(m->ff((float)p.x, (float)p.y));
    }
    block("math-%sl", m->name);
    for (size_t i = 0; i < PAIRS; i++) {
        struct pair p = pair_at(i);

        value((double)m->fl(p.x, p.y));
    }
}

static void pair_errors(const struct two_numbers *m)
{
    for (size_t i = 0; i < COUNT(specials) * COUNT(specials); i++) {
        struct pair p = pair_at(i);

        errno = 0;
        m->f(p.x, p.y);
        result("%s %d %d errno = %e", m->name, p.x, p.y, errno);
        if (!fit_float(p))
            continue;
        errno = 0;
        m->ff((float)p.x, (float)p.y);
        result("%sf %d %d errno = %e", m->name, p.x, p.y, errno);
    }
}

/* Parts of numbers. */
static void part_results(void)
{
    block("math-parts");
    for (size_t i = 0; i < PAIRS; i++) {
        double x = pair_at(i).x, y = pair_at(i).y, whole = -1;
        int exponent = 0, quotient = 0;

        double fraction = frexp(x, &exponent);
        result("frexp %d = %d %i", x, fraction, isfinite(x) ? exponent : 0);
        fraction = modf(x, &whole);
        result("modf %d = %d %d", x, fraction, whole);
        result("nextafter %d %d = %d %d", x, y, nextafter(x, y),
               (double)nextafterf((float)x, (float)y));
        double rest = remquo(x, y, &quotient);
        result("remquo %d %d = %d %i", x, y, rest, isnan(rest) ? 0 : quotient % 8);
        result("comparison %d %d = %i %i %i", x, y, isgreater(x, y) != 0, islessgreater(x, y) != 0,
               isunordered(x, y) != 0);
        for (int n = -1100; n <= 1100; n += 275) {
            errno = 0;
            double scaled = ldexp(x, n);
            result("ldexp %d %i = %d %e", x, n, scaled, errno);
            result("scalbln %d %i = %d %d", x, n, scalbln(x, n), (double)scalbnf((float)x, n));
        }
    }
}

static void fma_results(void)
{
    block("math-fma");
    for (size_t i = 0; i < 15 * COUNT(specials); i++) {
        struct pair p = {specials[i % COUNT(specials)], specials[i / COUNT(specials)]};

        for (size_t k = 0; k < COUNT(specials); k++)
            result("fma %d %d %d = %d %d", p.x, p.y, specials[k], fma(p.x, p.y, specials[k]),
                   (double)fmaf((float)p.x, (float)p.y, (float)specials[k]));
    }
    for (int i = 0; i < 1000; i++) {
        struct pair p = pair_at(PAIRS - 1);
        double z = -p.x * p.y * (1 + (double)(int64_t)any_u64() / 9.3e33);

        result("fma %d %d %d = %d", p.x, p.y, z, fma(p.x, p.y, z));
    }
}

void math_pair_results(void)
{
    for (size_t i = 0; i < COUNT(exact); i++)
        exact_results(&exact[i]);
    for (size_t i = 0; i < COUNT(close); i++)
        close_results(&close[i]);
    block("math-pair-errors");
    for (size_t i = 0; i < COUNT(exact); i++)
        pair_errors(&exact[i]);
    for (size_t i = 0; i < COUNT(close); i++)
        pair_errors(&close[i]);
    part_results();
    fma_results();
}
