/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strtold.c - the last step of strtold() and its kin in a C library whose long double has 128 bits.
 * newlib's own step (strtorx.c, left out) writes the 80 bits of an x87. newlib's _strtodg_l does
 * the arithmetic for any precision.
 */
#include "strtod.h"

#include <float.h>
#include <string.h>

#if LDBL_MANT_DIG == 113

#define EXPONENT_BIAS 16383
#define EXPONENT_MAX  32767 /* of infinities and NaNs */

int _strtorx_l(struct _reent *r, const char *s, char **end, int rounding, void *result,
               locale_t locale);

/* Makes a binary128 (IEEE 754-2008, 3.4) of what _strtodg_l found. */
static void strtold_pack(uint32_t out[4], int found, int32_t exponent, const uint32_t bits[4])
{
    uint32_t top = 0;

    memset(out, 0, 4 * sizeof(out[0]));
    switch (found & KINDS) {
    case NORMAL:
    case NAN_WITH_BITS:
        top = (uint32_t)(exponent + EXPONENT_BIAS + LDBL_MANT_DIG - 1) << 16;
        /* fallthrough */
    case DENORMAL:
        memcpy(out, bits, 4 * sizeof(out[0]));
        out[3] = (out[3] & 0xffff) | top;
        break;
    case INFINITE:
        out[3] = (uint32_t)EXPONENT_MAX << 16;
        break;
    case NOT_A_NUMBER:
        out[3] = ((uint32_t)EXPONENT_MAX << 16) | 0x8000; /* a quiet one */
        break;
    }
    if (found & NEGATIVE)
        out[3] |= 1u << 31;
}

/* `result`: a long double. The rounding is always to nearest, as newlib's callers ask for it. */
int _strtorx_l(struct _reent *r, const char *s, char **end, int rounding, void *result,
               locale_t locale)
{
    struct float_format format = {
        .bits = LDBL_MANT_DIG,
        .exponent_min = 1 - EXPONENT_BIAS - LDBL_MANT_DIG + 1,
        .exponent_max = EXPONENT_MAX - 1 - EXPONENT_BIAS - LDBL_MANT_DIG + 1,
        .rounding = 1,
    };
    uint32_t bits[4] = {0}, packed[4];
    int32_t exponent = 0;

    (void)rounding;
    char *at;
    int found = _strtodg_l(r, s, &at, &format, &exponent, bits, locale);
    if (end)
        *end = strtod_end(s, at);
    strtold_pack(packed, found, exponent, bits);
    memcpy(result, packed, sizeof(packed));
    return found;
}

#endif
