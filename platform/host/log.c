/*
 * log.c (host) - log, boot arguments, panic. Lines are kept for tests, and printed to stderr when
 * the environment holds VIREO_HOST_LOG.
 */
#include <ctype.h>
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

void hal_log(enum hal_level level, const char *who, const char *fmt, ...)
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

/* ---- boot arguments -------------------------------------------------------------------------- */

#define ARGS 64
static char *args[ARGS];
static unsigned arg_count;

void host_set_bootargs(const char *text)
{
    static char store[8192]; /* hal_option: the strings live for ever */
    static size_t used;
    size_t len = strlen(text) + 1;
    char *copy = store + used;

    if (len > sizeof(store) - used)
        hal_panic("host_set_bootargs: more than %zu bytes in all", sizeof(store));
    memcpy(copy, text, len);
    used += len;

    arg_count = 0;
    for (char *a = strtok(copy, " "); a && arg_count < ARGS; a = strtok(NULL, " "))
        args[arg_count++] = a;
}

static const char *find_arg(const char *name)
{
    size_t n = strlen(name);

    for (unsigned i = 0; i < arg_count; i++)
        if (strncmp(args[i], name, n) == 0 && args[i][n] == '=')
            return args[i] + n + 1;
    return NULL;
}

const char *hal_option(const char *dev, const char *name)
{
    char full[96];
    const char *v = NULL;

    if (dev) {
        snprintf(full, sizeof(full), "vireo.%s.%s", dev, name);
        v = find_arg(full);
    }
    if (!v) {
        snprintf(full, sizeof(full), "vireo.%s", name);
        v = find_arg(full);
    }
    return v;
}

uint64_t hal_option_u64(const char *dev, const char *name, uint64_t def, uint64_t min, uint64_t max)
{
    const char *text = hal_option(dev, name);
    char *end = NULL;

    if (!text)
        return def;
    uint64_t v = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
    if (!isdigit((unsigned char)*text) || *end || v < min || v > max) {
        hal_log(HAL_WARN, "boot", "vireo.%s=%s: not a number from %llu to %llu", name, text,
                (unsigned long long)min, (unsigned long long)max);
        return def;
    }
    return v;
}

const char *hal_bootarg(const char *name)
{
    return find_arg(name);
}
