/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * math_errorsl.c - math_errors.c for long doubles: newlib's functions never set errno. Also
 * hypotl(), of which newlib's has no value for an infinity beside a NaN (C11, F.10.4.3), and
 * tgammal(), which newlib has in the precision of a double.
 */
#include <errno.h>
#include <float.h>
#include <math.h>

long double quiet_sinl(long double x);
long double quiet_cosl(long double x);
long double quiet_tanl(long double x);
long double quiet_asinl(long double x);
long double quiet_acosl(long double x);
long double quiet_acoshl(long double x);
long double quiet_atanhl(long double x);
long double quiet_coshl(long double x);
long double quiet_sinhl(long double x);
long double quiet_expl(long double x);
long double quiet_exp2l(long double x);
long double quiet_expm1l(long double x);
long double quiet_logl(long double x);
long double quiet_log2l(long double x);
long double quiet_log10l(long double x);
long double quiet_log1pl(long double x);
long double quiet_sqrtl(long double x);
long double quiet_lgammal(long double x);
long double lgammal_r(long double x, int *sign);
long double quiet_powl(long double x, long double y);
long double quiet_hypotl(long double x, long double y);
long double quiet_fmodl(long double x, long double y);
long double quiet_remainderl(long double x, long double y);

/* `y`: the value for x. No value for a number: a domain error; an infinity: a pole or overflow. */
static long double mathl_checked(long double x, long double y)
{
    if (isnan(y) && !isnan(x))
        errno = EDOM;
    else if (isinf(y) && !isinf(x))
        errno = ERANGE;
    return y;
}

long double sinl(long double x)
{
    return mathl_checked(x, quiet_sinl(x));
}

long double cosl(long double x)
{
    return mathl_checked(x, quiet_cosl(x));
}

long double tanl(long double x)
{
    return mathl_checked(x, quiet_tanl(x));
}

long double asinl(long double x)
{
    return mathl_checked(x, quiet_asinl(x));
}

long double acosl(long double x)
{
    return mathl_checked(x, quiet_acosl(x));
}

long double acoshl(long double x)
{
    return mathl_checked(x, quiet_acoshl(x));
}

long double atanhl(long double x)
{
    return mathl_checked(x, quiet_atanhl(x));
}

long double coshl(long double x)
{
    return mathl_checked(x, quiet_coshl(x));
}

long double sinhl(long double x)
{
    return mathl_checked(x, quiet_sinhl(x));
}

long double expl(long double x)
{
    return mathl_checked(x, quiet_expl(x));
}

long double exp2l(long double x)
{
    return mathl_checked(x, quiet_exp2l(x));
}

long double expm1l(long double x)
{
    return mathl_checked(x, quiet_expm1l(x));
}

long double logl(long double x)
{
    return mathl_checked(x, quiet_logl(x));
}

long double log2l(long double x)
{
    return mathl_checked(x, quiet_log2l(x));
}

long double log10l(long double x)
{
    return mathl_checked(x, quiet_log10l(x));
}

long double log1pl(long double x)
{
    return mathl_checked(x, quiet_log1pl(x));
}

long double sqrtl(long double x)
{
    return mathl_checked(x, quiet_sqrtl(x));
}

long double lgammal(long double x)
{
    return mathl_checked(x, quiet_lgammal(x));
}

static long double mathl_checked_two(long double x, long double y, long double z)
{
    if (isnan(z) && !isnan(x) && !isnan(y))
        errno = EDOM;
    else if (isinf(z) && !isinf(x) && !isinf(y))
        errno = ERANGE;
    return z;
}

long double powl(long double x, long double y)
{
    long double z = mathl_checked_two(x, y, quiet_powl(x, y));

    if (z == 0 && x != 0 && isfinite(x) && isfinite(y))
        errno = ERANGE;
    return z;
}

long double hypotl(long double x, long double y)
{
    if (isinf(x) || isinf(y))
        return INFINITY;
    return mathl_checked_two(x, y, quiet_hypotl(x, y));
}

long double fmodl(long double x, long double y)
{
    return mathl_checked_two(x, y, quiet_fmodl(x, y));
}

long double remainderl(long double x, long double y)
{
    return mathl_checked_two(x, y, quiet_remainderl(x, y));
}

#if LDBL_MANT_DIG == DBL_MANT_DIG

long double tgammal(long double x)
{
    return tgamma(x);
}

#else

/* At the poles as tgamma(). */
long double tgammal(long double x)
{
    long double product = 1;
    int sign = 1;

    if (x == 0 || x == -INFINITY)
        return (long double)tgamma((double)x);
    if (x == floorl(x) && x < 0) {
        errno = EDOM;
        return NAN;
    }
    if (x == floorl(x) && x < 30) {
        while (x > 2)
            product *= --x;
        return product;
    }
    long double size = quiet_expl(lgammal_r(x, &sign));
    return mathl_checked(x, sign < 0 ? -size : size);
}

#endif
