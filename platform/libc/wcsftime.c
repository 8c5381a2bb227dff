/* SPDX-License-Identifier: BSD-2-Clause */
/* wcsftime.c - strftime() of wide characters (C11, 7.29.5.1), each directive by strftime(). */
#include <string.h>
#include <time.h>
#include <wchar.h>

/* Copies one directive in bytes; returns its length, 0 if it holds what is no ASCII or is long. */
static size_t wcsftime_directive(const wchar_t *format, char *directive, size_t size)
{
    size_t n = 0;

    do {
        if (n == size - 1 || format[n] > 127)
            return 0;
        directive[n] = (char)format[n];
    } while (format[n++] && strchr("%_-0123456789^#EO", directive[n - 1]) &&
             (n == 1 || directive[n - 1] != '%'));
    directive[n] = '\0';
    return n - (directive[n - 1] == '\0');
}

size_t wcsftime(wchar_t *restrict s, size_t size, const wchar_t *restrict format,
                const struct tm *restrict tm)
{
    char directive[32], text[256];
    size_t at = 0;

    while (*format) {
        size_t n = *format == L'%' ? wcsftime_directive(format, directive, sizeof(directive)) : 0;
        if (!n) {
            if (at < size)
                s[at] = *format;
            at++;
            format++;
            continue;
        }
        size_t bytes = strftime(text, sizeof(text), directive, tm);
        for (size_t i = 0; i < bytes; i++, at++)
            if (at < size)
                s[at] = (wchar_t)text[i];
        format += n;
    }
    if (at >= size)
        return 0;
    s[at] = L'\0';
    return at;
}
