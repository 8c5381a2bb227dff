/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * math_errors.c - functions of <math.h> that set errno as C11, 7.12.1 says (math_errhandling has
 * MATH_ERRNO), which newlib's do not: domain errors EDOM, poles and overflows ERANGE. newlib's own
 * functions are compiled under the names quiet_... (QUIET in scripts/newlib.mk), or left out.
 */
#include <errno.h>
#include <math.h>

double quiet_sin(double x);
double quiet_cos(double x);
double quiet_tan(double x);
float quiet_tanf(float x);
double __ieee754_atanh(double x);
float __ieee754_atanhf(float x);
double __ieee754_cosh(double x);
float __ieee754_coshf(float x);
double __ieee754_fmod(double x, double y);
float __ieee754_fmodf(float x, float y);
double __ieee754_remainder(double x, double y);
float __ieee754_remainderf(float x, float y);

/* `y`: the value for x. No value for a number: a domain error; an infinity: a pole or overflow. */
static double math_checked(double x, double y)
{
    if (isnan(y) && !isnan(x))
        errno = EDOM;
    else if (isinf(y) && !isinf(x))
        errno = ERANGE;
    return y;
}

double sin(double x)
{
    return math_checked(x, quiet_sin(x));
}

double cos(double x)
{
    return math_checked(x, quiet_cos(x));
}

double tan(double x)
{
    return math_checked(x, quiet_tan(x));
}

float tanf(float x)
{
    return (float)math_checked(x, quiet_tanf(x));
}

double atanh(double x)
{
    return math_checked(x, __ieee754_atanh(x));
}

float atanhf(float x)
{
    return (float)math_checked(x, __ieee754_atanhf(x));
}

double cosh(double x)
{
    return math_checked(x, __ieee754_cosh(x));
}

float coshf(float x)
{
    return (float)math_checked(x, __ieee754_coshf(x));
}

/* Two numbers: x + y is a NaN if one of them is, and finite or not as they are. */
static double math_remainder(double x, double y, double rest)
{
    if (isnan(rest) && !isnan(x) && !isnan(y))
        errno = EDOM;
    return rest;
}

double fmod(double x, double y)
{
    return math_remainder(x, y, __ieee754_fmod(x, y));
}

float fmodf(float x, float y)
{
    return (float)math_remainder(x, y, __ieee754_fmodf(x, y));
}

double remainder(double x, double y)
{
    return math_remainder(x, y, __ieee754_remainder(x, y));
}

float remainderf(float x, float y)
{
    return (float)math_remainder(x, y, __ieee754_remainderf(x, y));
}

double fdim(double x, double y)
{
    double z = isnan(x) || isnan(y) || x > y ? x - y : 0;

    if (isinf(z) && isfinite(x) && isfinite(y))
        errno = ERANGE;
    return z;
}

float fdimf(float x, float y)
{
    float z = isnan(x) || isnan(y) || x > y ? x - y : 0;

    if (isinf(z) && isfinite(x) && isfinite(y))
        errno = ERANGE;
    return z;
}
