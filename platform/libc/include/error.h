/* SPDX-License-Identifier: BSD-2-Clause */
/* error.h - messages on the standard error, as glibc has them. */
#ifndef _ERROR_H
#define _ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* number other than 0: with its text. status other than 0: the program ends with it. */
void error(int status, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));
void error_at_line(int status, int number, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

extern unsigned error_message_count;
extern int error_one_per_line;
extern void (*error_print_progname)(void);

#ifdef __cplusplus
}
#endif

#endif
