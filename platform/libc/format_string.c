/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format_string.c - snprintf() and its like, with the function of printf(). newlib has that
 * function twice, for streams and for strings; all that differs is where a piece of text goes. The
 * second one is left out of images (scripts/image.mk).
 */
#include <stdarg.h>
#include <stdio.h>

int __ssputs_r(struct _reent *r, FILE *fp, const char *text, size_t len);
int __sfputs_r(struct _reent *r, FILE *fp, const char *text, size_t len);
int _svfprintf_r(struct _reent *r, FILE *fp, const char *format, va_list ap);

/* newlib's, for a stream; or for a string, which newlib has made a FILE of. */
int __sfputs_r(struct _reent *r, FILE *fp, const char *text, size_t len)
{
    if (fp->_flags & __SSTR)
        return __ssputs_r(r, fp, text, len);
    for (size_t i = 0; i < len; i++)
        if (_fputc_r(r, text[i], fp) == EOF)
            return -1;
    return 0;
}

int _svfprintf_r(struct _reent *r, FILE *fp, const char *format, va_list ap)
{
    return _vfprintf_r(r, fp, format, ap);
}
