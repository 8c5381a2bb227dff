/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strtod.c - strtod() and strtof() (C11, 7.22.1.3; POSIX.1-2017). newlib's functions are compiled
 * under names that begin with plain_. They find the value; what they have wrong is ERANGE after a
 * hexadecimal number, the end of "nan(a_b)", and strtof(), which rounds twice.
 */
#include "strtod.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

double plain__strtod_l(struct _reent *r, const char *s, char **end, locale_t locale);
double _strtod_l(struct _reent *r, const char *s, char **end, locale_t locale);
double _strtod_r(struct _reent *r, const char *s, char **end);

static const char *strtod_behind_sign(const char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    return s + (*s == '-' || *s == '+');
}

static bool strtod_hexadecimal(const char *s)
{
    return s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
}

char *strtod_end(const char *s, char *end)
{
    const char *p = strtod_behind_sign(s);

    if (end == s && strtod_hexadecimal(p))
        return (char *)p + 1;
    if (strncasecmp(p, "nan(", 4) || end == s)
        return end;
    for (p += 4; isalnum((unsigned char)*p) || *p == '_'; p++)
        ;
    return *p == ')' ? (char *)p + 1 : end;
}

/* Whether a hexadecimal number has a digit other than 0 in front of its exponent. */
static bool strtod_not_zero(const char *s)
{
    s += strspn(s + 2, "0.") + 2;
    return isxdigit((unsigned char)*s);
}

double _strtod_l(struct _reent *r, const char *s, char **end, locale_t locale)
{
    char *at;
    double v = plain__strtod_l(r, s, &at, locale);
    const char *number = strtod_behind_sign(s);

    at = strtod_end(s, at);
    if (strtod_hexadecimal(number) && (isinf(v) || (v == 0 && strtod_not_zero(number))))
        errno = ERANGE;
    if (end)
        *end = at;
    return v;
}

double _strtod_r(struct _reent *r, const char *s, char **end)
{
    return _strtod_l(r, s, end, &__global_locale);
}

double strtod(const char *restrict s, char **restrict end)
{
    return _strtod_l(_REENT, s, end, &__global_locale);
}

double strtod_l(const char *restrict s, char **restrict end, locale_t locale)
{
    return _strtod_l(_REENT, s, end, locale);
}

float strtof_l(const char *restrict s, char **restrict end, locale_t locale)
{
    struct float_format format = {
        .bits = FLT_MANT_DIG,
        .exponent_min = FLT_MIN_EXP - FLT_MANT_DIG,
        .exponent_max = FLT_MAX_EXP - FLT_MANT_DIG,
        .rounding = 1,
    };
    uint32_t bits[2] = {0};
    int32_t exponent = 0;
    char *at;
    float v = 0;
    int found = _strtodg_l(_REENT, s, &at, &format, &exponent, bits, locale);

    if (end)
        *end = strtod_end(s, at);
    switch (found & KINDS) {
    case NORMAL:
    case DENORMAL:
        v = ldexpf((float)bits[0], (int)exponent);
        break;
    case INFINITE:
        v = INFINITY;
        break;
    case NOT_A_NUMBER:
    case NAN_WITH_BITS:
        v = NAN;
        break;
    }
    if ((found & INEXACT) && (found & KINDS) != NORMAL)
        errno = ERANGE;
    return (found & NEGATIVE) && at != s ? -v : v;
}

float strtof(const char *restrict s, char **restrict end)
{
    return strtof_l(s, end, &__global_locale);
}
