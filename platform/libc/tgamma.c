/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tgamma.c - the gamma function (C11, 7.12.8.4, F.10.5.4). newlib's (left out) takes the
 * exponential of lgamma(), which leaves ten bits wrong, and has wrong values at the poles.
 *
 * From 20 on by Stirling's series; below by the value 1 to 20 further up, divided by the numbers
 * between; negative numbers by reflection. Sums and products that would lose bits are kept as pairs
 * of a double and what its rounding left.
 */
#include <errno.h>
#include <math.h>

#define SERIES_FROM 20
#define ROOT_2_PI   2.5066282746310005
#define LARGEST     171.7  /* beyond it the value is no double */
#define SMALLEST    -186.0 /* below it the value is 0 */
#define EXACT_UP_TO 23     /* whole numbers: a factorial that a double holds */

/* A value is factor * root * root, since root * root alone may be too large. */
struct gamma_parts {
    double factor, root;
};

/* a + b as a double and its rest; |a| >= |b|. */
static double gamma_sum(double a, double b, double *rest)
{
    double sum = a + b;

    *rest = b - (sum - a);
    return sum;
}

/* 1 + 1/(12 x) + ...: Stirling's series (NIST Handbook of Mathematical Functions, 5.11.3). */
static double gamma_series(double x)
{
    static const double terms[] = {
        1.0 / 12,
        1.0 / 288,
        -139.0 / 51840,
        -571.0 / 2488320,
        163879.0 / 209018880,
        5246819.0 / 75246796800,
        -534703531.0 / 902961561600,
        -4483131259.0 / 86684309913600,
        432261921612371.0 / 514904800886784000,
    };
    double sum = 0, z = 1 / x;

    for (int i = (int)(sizeof(terms) / sizeof(terms[0])) - 1; i >= 0; i--)
        sum = (sum + terms[i]) * z;
    return sum;
}

/* Of a number above -0.5 that is not 0. */
static struct gamma_parts gamma_positive(double x)
{
    double rest = 0, product = 1, product_rest = 0;

    while (x < SERIES_FROM) {
        double p = product * x;

        product_rest = fma(product, x, -p) + product * rest + product_rest * x;
        product = p;
        double error;
        x = gamma_sum(x > 1 ? x : 1, x > 1 ? 1 : x, &error);
        rest += error;
    }
    /* The value at x + rest is the one at x, times 1 + rest * (the logarithm's derivative). */
    double series = gamma_series(x) + rest * (log(x) - 0.5 / x) - product_rest / product;
    return (struct gamma_parts){
        .factor = ROOT_2_PI * (1 + series) * exp(-x) / product,
        .root = pow(x, x / 2 - 0.25),
    };
}

/* A whole number above 0, of which a double holds the factorial. */
static double gamma_factorial(double x)
{
    double product = 1;

    while (x > 2)
        product *= --x;
    return product;
}

/* Of one below that: pi / (sin(pi x) gamma(1 - x)), with gamma(1 - x) = -x gamma(-x). */
static double gamma_negative(double x)
{
    double nearest = round(x), sine = sin(M_PI * (x - nearest));
    struct gamma_parts p = gamma_positive(-x);

    if (fmod(nearest, 2) != 0)
        sine = -sine;
    return M_PI / (-x * sine * p.factor) / p.root / p.root;
}

/* Neither 0, nor a whole number below 0, nor infinite. */
static double gamma_finite(double x)
{
    if (x > LARGEST)
        return INFINITY;
    if (x < SMALLEST)
        return fmod(floor(x), 2) != 0 ? -0.0 : 0.0;
    if (x < -0.5)
        return gamma_negative(x);
    if (x > 0 && x <= EXACT_UP_TO && floor(x) == x)
        return gamma_factorial(x);
    struct gamma_parts p = gamma_positive(x);
    return p.factor * p.root * p.root;
}

/* At 0 a pole with the sign of the zero; below 0 at whole numbers, and at -infinity, no value. */
double tgamma(double x)
{
    if (x == 0) {
        errno = ERANGE;
        return 1 / x;
    }
    if (x < 0 && floor(x) == x) {
        errno = EDOM;
        return (x - x) / 0.0;
    }
    if (!isfinite(x))
        return x;
    double y = gamma_finite(x);
    if (isinf(y) || y == 0)
        errno = ERANGE;
    return y;
}

float tgammaf(float x)
{
    float y = (float)tgamma(x);

    if (isfinite(x) && x != 0 && (isinf(y) || y == 0))
        errno = ERANGE;
    return y;
}
