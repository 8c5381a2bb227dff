/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * math.c - functions of <math.h> that newlib lacks, or has with wrong special values (C11, F.10;
 * Annex F.10.5.4 for tgamma).
 */
#include <errno.h>
#include <fenv.h>
#include <math.h>

double __ieee754_tgamma(double x);
float __ieee754_tgammaf(float x);

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
    double y = __ieee754_tgamma(x);
    if (!isfinite(y) && isfinite(x))
        errno = ERANGE;
    return y;
}

float tgammaf(float x)
{
    if (x == 0) {
        errno = ERANGE;
        return 1 / x;
    }
    if (x < 0 && floorf(x) == x) {
        errno = EDOM;
        return (x - x) / 0.0f;
    }
    float y = __ieee754_tgammaf(x);
    if (!isfinite(y) && isfinite(x))
        errno = ERANGE;
    return y;
}

#ifdef __arm__
/* As rint, but FE_INEXACT is not raised (C11, 7.12.9.3). AArch64 has an instruction for that. */
double nearbyint(double x)
{
    int inexact = fetestexcept(FE_INEXACT);
    double y = rint(x);

    if (!inexact)
        feclearexcept(FE_INEXACT);
    return y;
}

float nearbyintf(float x)
{
    return (float)nearbyint((double)x);
}
#endif
