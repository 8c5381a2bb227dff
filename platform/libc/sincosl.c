/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sincosl.c - sincosl(), which newlib lacks: the compiler calls it for sinl and cosl of one number.
 */
void sincosl(long double x, long double *s, long double *c);

/* Not known to the compiler by these names, which would make one call of sincosl of the two. */
long double other_sinl(long double x) __asm__("sinl");
long double other_cosl(long double x) __asm__("cosl");

void sincosl(long double x, long double *s, long double *c)
{
    *s = other_sinl(x);
    *c = other_cosl(x);
}
