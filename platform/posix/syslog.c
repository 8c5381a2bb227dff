/* SPDX-License-Identifier: BSD-2-Clause */
/* syslog.c - <syslog.h>: messages become lines of the image's log. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "vireo/task.h"

#define LINE_BYTES 400

static const char *log_name;
static int log_mask = 0xff, log_options;

void openlog(const char *name, int options, int facility)
{
    (void)facility;
    log_name = name;
    log_options = options;
}

void closelog(void)
{
    log_name = NULL;
    log_options = 0;
}

int setlogmask(int mask)
{
    int before = log_mask;

    if (mask)
        log_mask = mask & 0xff;
    return before;
}

static enum hal_level log_level(int priority)
{
    if (priority <= LOG_ERR)
        return HAL_ERROR;
    if (priority == LOG_WARNING)
        return HAL_WARN;
    return priority == LOG_DEBUG ? HAL_DEBUG : HAL_INFO;
}

/* The format with the error's text in place of "%m", whose percent signs are doubled. */
static void log_expand(char *out, size_t size, const char *format, const char *error)
{
    size_t at = 0;

    while (*format && at + 3 < size) {
        if (format[0] == '%' && format[1] == 'm') {
            for (const char *e = error; *e && at + 3 < size; e++) {
                if (*e == '%')
                    out[at++] = '%';
                out[at++] = *e;
            }
            format += 2;
            continue;
        }
        if (format[0] == '%' && format[1])
            out[at++] = *format++;
        out[at++] = *format++;
    }
    out[at] = 0;
}

void vsyslog(int priority, const char *format, va_list args)
{
    char expanded[LINE_BYTES], line[LINE_BYTES];
    int error = errno;
    size_t len;

    if (!(log_mask & LOG_MASK(LOG_PRI(priority))))
        return;
    log_expand(expanded, sizeof(expanded), format, strerror(error));
    vsnprintf(line, sizeof(line), expanded, args);
    len = strlen(line);
    while (len && line[len - 1] == '\n')
        line[--len] = 0;
    hal_log(log_level(LOG_PRI(priority)), log_name ? log_name : "syslog", "%s", line);
    if (log_options & LOG_PERROR)
        fprintf(stderr, "%s: %s\n", log_name ? log_name : "syslog", line);
    errno = error;
}

void syslog(int priority, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsyslog(priority, format, args);
    va_end(args);
}
