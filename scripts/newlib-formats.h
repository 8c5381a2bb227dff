/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newlib-formats.h - included in front of newlib's printf and scanf, whose copies under build/ have
 * calls of FORMAT_NEEDS_ALL (newlib.mk). The light ones lack what such a directive needs, and would
 * go on with wrong values. `format`: the text, or NULL if its characters are wide.
 */
#ifdef FULL_FORMATS
#define FORMAT_NEEDS_ALL(what, format)
#else
void vireo_format_refused(const char *format) /* platform/libc/formats.c */
    __attribute__((noreturn, cold));
#define FORMAT_NEEDS_ALL(what, format)                                                             \
    do {                                                                                           \
        if (what)                                                                                  \
            vireo_format_refused(format);                                                          \
    } while (0)
#endif
/* A long double is read and written as a double. */
#define LOSES_DIGITS (__LDBL_MANT_DIG__ > __DBL_MANT_DIG__)
