/* SPDX-License-Identifier: BSD-2-Clause */
/* strtod.h - what strtod.c and strtold.c share: numbers in text of any precision. */
#ifndef LIBC_STRTOD_H
#define LIBC_STRTOD_H

#include <locale.h>
#include <reent.h>
#include <stdint.h>

/* The locale in force: that of C, the only one. */
extern struct __locale_t __global_locale;

/* What _strtodg_l takes: the format of a number whose significand is a whole number. */
struct float_format {
    int bits, exponent_min, exponent_max;
    int rounding; /* 1: to nearest */
    int flush;    /* 0: numbers below the smallest normal one are denormal */
};

/* What _strtodg_l returns: a kind, and what was done to the number. */
enum { ZERO, NORMAL, DENORMAL, INFINITE, NOT_A_NUMBER, NAN_WITH_BITS, KINDS = 7 };
enum { INEXACT = 0x30, NEGATIVE = 0x100 };

/* newlib's conversion for any format; sets errno for numbers that are too large or too small. */
int _strtodg_l(struct _reent *r, const char *s, char **end, struct float_format *format,
               int32_t *exponent, uint32_t *bits, locale_t locale);

/*
 * The end of the number at the start of `s`, of which newlib says that it is at `end`. newlib finds
 * no number in "0xg", which is a 0 and a rest of "xg", and no end of "nan(a_b)" (C11, 7.22.1.3).
 */
char *strtod_end(const char *s, char *end);

#endif
