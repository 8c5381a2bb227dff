/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format.h - the formatter of the log and of fault reports: no libc, no floating-point registers,
 * so that handlers may use it.
 */
#ifndef VIREO_FORMAT_H
#define VIREO_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Writes at most `size` bytes (no terminating NUL) and returns how many. What does not fit is cut.
 * Formats: %s %c %d %u %x %p %% with l, ll, z, width, 0 and - flags, %.*s. Any other directive is
 * copied as it stands, and the rest of the format with it.
 */
size_t format_args(char *out, size_t size, const char *fmt, va_list args);
size_t format(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
