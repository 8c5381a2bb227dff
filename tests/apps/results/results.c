/* SPDX-License-Identifier: BSD-2-Clause */
/* results.c - blocks, their digests, and the text of a result. */
#include "results.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_CHARS 1500
#define FNV_BASIS      0xcbf29ce484222325u
#define FNV_PRIME      0x100000001b3u
#define VALUES_A_LINE  16

static const char *results_shown;
static unsigned results_blocks, results_count;

static struct {
    bool open, shown;
    unsigned number, count, values;
    uint64_t digest;
    char name[80];
} now;

static struct {
    char text[LINE_MAX_CHARS];
    size_t length;
} line;

static void put(char c)
{
    if (line.length < sizeof(line.text) - 1)
        line.text[line.length++] = c;
}

static void put_number(uint64_t v, unsigned base, unsigned width)
{
    char digits[24];
    unsigned n = 0;

    do
        digits[n++] = "0123456789abcdef"[v % base];
    while ((v /= base) || n < width);
    while (n)
        put(digits[--n]);
}

static void put_signed(int64_t v)
{
    if (v < 0)
        put('-');
    put_number(v < 0 ? -(uint64_t)v : (uint64_t)v, 10, 1);
}

static void put_plain(const char *s)
{
    while (*s)
        put(*s++);
}

static void put_bytes(const void *bytes, size_t n)
{
    const unsigned char *b = bytes;

    for (size_t i = 0; i < n; i++) {
        if (b[i] < ' ' || b[i] > '~' || b[i] == '\\') {
            put_plain("\\x");
            put_number(b[i], 16, 2);
        } else {
            put((char)b[i]);
        }
    }
}

static uint64_t bits_of(double v)
{
    uint64_t bits = 0;

    memcpy(&bits, &v, sizeof(v));
    return bits;
}

static void put_double(double v)
{
    if (isnan(v))
        put_plain("nan");
    else
        put_number(bits_of(v), 16, 16);
}

static void put_letter(char letter, va_list *ap)
{
    const char *s;

    switch (letter) {
    case 's':
        s = va_arg(*ap, const char *);
        s ? put_bytes(s, strlen(s)) : put_plain("(null)");
        break;
    case 'i':
        put_signed(va_arg(*ap, int));
        break;
    case 'l':
        put_signed(va_arg(*ap, long long));
        break;
    case 'u':
        put_number(va_arg(*ap, unsigned long long), 10, 1);
        break;
    case 'x':
        put_number(va_arg(*ap, unsigned long long), 16, 1);
        break;
    case 'd':
        put_double(va_arg(*ap, double));
        break;
    case 'e':
        put_plain(errno_name(va_arg(*ap, int)));
        break;
    case 'b':
        s = va_arg(*ap, const void *);
        put_bytes(s, va_arg(*ap, size_t));
        break;
    default:
        put(letter);
    }
}

static void put_format(const char *format, va_list *ap)
{
    line.length = 0;
    for (const char *p = format; *p; p++) {
        if (*p != '%')
            put(*p);
        else if (*++p)
            put_letter(*p, ap);
    }
    line.text[line.length] = 0;
}

/* Whether "3,7-9" has the number. */
static bool in_list(const char *list, unsigned number)
{
    while (list && *list) {
        char *end;
        unsigned long from = strtoul(list, &end, 10), to = from;

        if (*end == '-')
            to = strtoul(end + 1, &end, 10);
        if (number >= from && number <= to)
            return true;
        list = *end ? end + 1 : end;
    }
    return false;
}

static void block_end(void)
{
    if (!now.open)
        return;
    if (now.values)
        printf("\n");
    printf("block %u %s %u %08lx%08lx\n", now.number, now.name, now.count,
           (unsigned long)(now.digest >> 32), (unsigned long)(now.digest & 0xffffffff));
    results_count += now.count;
    now.open = false;
}

void block(const char *format, ...)
{
    va_list ap;

    block_end();
    sched_yield(); /* a task that keeps the CPU is named in the log, amid the results */
    memset(&now, 0, sizeof(now));
    now.open = true;
    now.number = ++results_blocks;
    now.digest = FNV_BASIS;
    now.shown = in_list(results_shown, now.number);
    va_start(ap, format);
    put_format(format, &ap);
    va_end(ap);
    memcpy(now.name, line.text,
           line.length < sizeof(now.name) ? line.length : sizeof(now.name) - 1);
}

void result(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    put_format(format, &ap);
    va_end(ap);
    if (now.shown)
        printf("result %u %s\n", now.number, line.text);
    for (size_t i = 0; i <= line.length; i++)
        now.digest = (now.digest ^ (unsigned char)line.text[i]) * FNV_PRIME;
    now.count++;
}

static void value_put(uint64_t bits, unsigned digits)
{
    if (now.values % VALUES_A_LINE == 0)
        printf("%svalues %u %s:", now.values ? "\n" : "", now.number, now.name);
    line.length = 0;
    put(' ');
    put_number(bits, 16, digits);
    line.text[line.length] = 0;
    fputs(line.text, stdout);
    now.values++;
    now.count++;
}

void value(double v)
{
    value_put(bits_of(v), 16);
}

void value_float(float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof(v));
    value_put(bits, 8);
}

uint64_t any_u64(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

void results_begin(const char *list)
{
    results_shown = list;
    setvbuf(stdout, NULL, _IOLBF, 0);
}

void results_end(void)
{
    block_end();
    printf("results: blocks=%u results=%u\n", results_blocks, results_count);
}
