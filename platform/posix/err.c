/* SPDX-License-Identifier: BSD-2-Clause */
/* err.c - messages on the standard error: <err.h> of the BSDs and Linux, <error.h> of glibc. */
#include <err.h>
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned error_message_count;
int error_one_per_line;
void (*error_print_progname)(void);

/* "vireo: MESSAGE: TEXT OF ERRNO"; number -1: without the text. */
static void err_print(int number, const char *format, va_list args)
{
    fflush(stdout);
    fputs("vireo: ", stderr);
    if (format)
        vfprintf(stderr, format, args);
    if (number != -1)
        fprintf(stderr, "%s%s", format ? ": " : "", strerror(number));
    fputc('\n', stderr);
}

void vwarn(const char *format, va_list args)
{
    err_print(errno, format, args);
}

void vwarnx(const char *format, va_list args)
{
    err_print(-1, format, args);
}

void verr(int status, const char *format, va_list args)
{
    err_print(errno, format, args);
    exit(status);
}

void verrx(int status, const char *format, va_list args)
{
    err_print(-1, format, args);
    exit(status);
}

void warn(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vwarn(format, args);
    va_end(args);
}

void warnx(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vwarnx(format, args);
    va_end(args);
}

void err(int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    verr(status, format, args);
}

void errx(int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    verrx(status, format, args);
}

/* ---- <error.h> ------------------------------------------------------------------------------- */

static void error_print(int status, int number, const char *format, va_list args)
{
    vfprintf(stderr, format, args);
    if (number)
        fprintf(stderr, ": %s", strerror(number));
    fputc('\n', stderr);
    error_message_count++;
    if (status)
        exit(status);
}

static void error_name(const char *behind)
{
    fflush(stdout);
    if (error_print_progname)
        error_print_progname();
    else
        fprintf(stderr, "vireo:%s", behind);
}

void error(int status, int number, const char *format, ...)
{
    va_list args;

    error_name(" ");
    va_start(args, format);
    error_print(status, number, format, args);
    va_end(args);
}

void error_at_line(int status, int number, const char *file, unsigned line, const char *format, ...)
{
    static const char *last_file;
    static unsigned last_line;
    va_list args;

    if (error_one_per_line && last_file && line == last_line && !strcmp(last_file, file))
        return;
    last_file = file;
    last_line = line;
    error_name("");
    fprintf(stderr, "%s:%u: ", file, line);
    va_start(args, format);
    error_print(status, number, format, args);
    va_end(args);
}
