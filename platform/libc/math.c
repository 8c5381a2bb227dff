/* SPDX-License-Identifier: BSD-2-Clause */
/* math.c - functions of <math.h> that raise what they should not in newlib (C11, 7.12, F.10). */
#include <fenv.h>
#include <math.h>

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
