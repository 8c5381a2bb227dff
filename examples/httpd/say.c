/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * say.c - lines for the console.
 */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

#include "text.h"

void say(const char *format, ...)
{
    char line[256];
    struct text t = {.p = line, .size = sizeof(line) - 1};
    va_list args;

    va_start(args, format);
    for (; *format; format++) {
        if (*format != '%')
            text_put(&t, format, 1);
        else if (*++format == 's')
            text_str(&t, va_arg(args, const char *));
        else
            text_u64(&t, va_arg(args, unsigned));
    }
    va_end(args);
    line[t.len] = 0;
    fputs(line, stdout);
}
