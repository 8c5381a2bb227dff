/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.c (host) - log and panic. Lines are kept for tests, and printed to stderr when
 * the environment holds VIREO_HOST_LOG.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define LINES 256
static struct {
    enum hal_level level;
    char text[200];
} lines[LINES];
static unsigned line_count;

/* hal.h allows a small set of conversions, because a target's log knows no more. */
static void check_format(const char *fmt)
{
    for (const char *p = strchr(fmt, '%'); p; p = strchr(p + 1, '%')) {
        p++;
        if (strncmp(p, ".*s", 3) == 0) {
            p += 2;
            continue;
        }
        p += strspn(p, "0-");
        p += strspn(p, "0123456789");
        if (strncmp(p, "ll", 2) == 0)
            p += 2;
        else if (*p == 'l' || *p == 'z')
            p++;
        if (!*p || !strchr("scduxp%", *p)) {
            host_violation("log format \"%s\" has a conversion that hal_log does not know", fmt);
            return;
        }
    }
}

static const char *format_log(const char *fmt, va_list ap)
{
    static char text[200];

    check_format(fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    return text;
}

void(hal_log)(enum hal_level level, const char *who, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    const char *text = format_log(fmt, ap);
    va_end(ap);
    if (getenv("VIREO_HOST_LOG"))
        fprintf(stderr, "[%c] %s: %s\n", "EWID"[level], who, text);
    if (line_count == LINES)
        return;
    lines[line_count].level = level;
    snprintf(lines[line_count].text, sizeof(lines[0].text), "%.40s: %.150s", who, text);
    line_count++;
}

unsigned host_log_lines(enum hal_level level)
{
    unsigned n = 0;

    for (unsigned i = 0; i < line_count; i++)
        n += lines[i].level == level;
    return n;
}

unsigned host_log_matches(const char *part)
{
    unsigned n = 0;

    for (unsigned i = 0; i < line_count; i++)
        n += strstr(lines[i].text, part) != NULL;
    return n;
}

bool host_logged(const char *part)
{
    return host_log_matches(part) > 0;
}

void host_log_clear(void)
{
    line_count = 0;
}

/* ---- failure --------------------------------------------------------------------------------- */

static jmp_buf *panic_jump;
static char panic_text[200];

void host_expect_panic(jmp_buf *where)
{
    panic_jump = where;
}

const char *host_panic_text(void)
{
    return panic_text;
}

void hal_panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    check_format(fmt);
    vsnprintf(panic_text, sizeof(panic_text), fmt, ap);
    va_end(ap);
    if (panic_jump) {
        jmp_buf *to = panic_jump;
        panic_jump = NULL;
        longjmp(*to, 1);
    }
    fprintf(stderr, "panic: %s\n", panic_text);
    abort();
}
