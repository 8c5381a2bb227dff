/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * complexl.c - root and power of complex long doubles (C11, 7.3 and annex G). newlib declares and
 * uses both, and has them only where a long double is a double.
 */
#include <complex.h>
#include <float.h>
#include <math.h>

#if LDBL_MANT_DIG != DBL_MANT_DIG

long double complex csqrtl(long double complex z)
{
    long double a = creall(z), b = cimagl(z), scale = 1, t;

    if (isinf(b))
        return CMPLXL(INFINITY, b);
    if (isnan(a))
        return CMPLXL(a, isnan(b) ? b : (b - b) / (b - b));
    if (isinf(a))
        return signbit(a) ? CMPLXL(fabsl(b - b), copysignl(a, b)) : CMPLXL(a, copysignl(b - b, b));
    if (a == 0 && b == 0)
        return CMPLXL(0, b);
    /* Neither the sum below nor its square root overflows, or loses digits near zero. */
    if (fabsl(a) > LDBL_MAX / 4 || fabsl(b) > LDBL_MAX / 4) {
        a /= 4;
        b /= 4;
        scale = 2;
    } else if (fabsl(a) < LDBL_MIN * 4 && fabsl(b) < LDBL_MIN * 4) {
        a = ldexpl(a, 114);
        b = ldexpl(b, 114);
        scale = ldexpl(1, -57);
    }
    t = sqrtl((fabsl(a) + hypotl(a, b)) / 2);
    return a >= 0 ? CMPLXL(t * scale, b / (2 * t) * scale)
                  : CMPLXL(fabsl(b) / (2 * t) * scale, copysignl(t, b) * scale);
}

long double complex cexpl(long double complex z)
{
    long double x = creall(z), y = cimagl(z), half;

    if (y == 0)
        return CMPLXL(expl(x), y);
    if (!isfinite(y)) {
        if (isinf(x))
            return signbit(x) ? CMPLXL(0, 0) : CMPLXL(x, y - y);
        return CMPLXL(y - y, y - y);
    }
    if (isinf(x) && signbit(x))
        return CMPLXL(copysignl(0, cosl(y)), copysignl(0, sinl(y)));
    half = expl(x / 2); /* the product may be finite where exp(x) is not */
    return CMPLXL(half * cosl(y) * half, half * sinl(y) * half);
}

#endif
