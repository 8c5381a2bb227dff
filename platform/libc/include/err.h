/* SPDX-License-Identifier: BSD-2-Clause */
/* err.h - messages on the standard error, with errno's text or without, as the BSDs and Linux have
 * them. Those whose names begin with err end the program. */
#ifndef _ERR_H
#define _ERR_H

#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void vwarn(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
void warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));
void vwarnx(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
void err(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
void verr(int status, const char *format, va_list args)
    __attribute__((noreturn, format(printf, 2, 0)));
void errx(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
void verrx(int status, const char *format, va_list args)
    __attribute__((noreturn, format(printf, 2, 0)));

#ifdef __cplusplus
}
#endif

#endif
