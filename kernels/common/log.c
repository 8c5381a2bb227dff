/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c - messages: the formats that hal.h names, to the console. */
#include <stdarg.h>

#include "kernel.h"

struct format {
    char fill; /* on the left: ' ' or '0' */
    bool left; /* the text stands on the left, spaces behind */
    int width; /* at least so many characters */
    int most;  /* of a %.*s; negative: all */
    int longs; /* how many l; 3: z */
};

static void log_text(const char *s, int len, const struct format *f)
{
    for (int i = len; i < f->width && !f->left; i++)
        machine_putc(f->fill);
    for (int i = 0; i < len; i++)
        machine_putc(s[i]);
    for (int i = len; i < f->width && f->left; i++)
        machine_putc(' ');
}

static void log_number(uint64_t v, unsigned base, bool minus, const struct format *f)
{
    char digits[24];
    int at = sizeof(digits);

    do
        digits[--at] = "0123456789abcdef"[v % base];
    while (v /= base);
    if (minus)
        digits[--at] = '-';
    log_text(digits + at, (int)sizeof(digits) - at, f);
}

static void log_string(const char *s, const struct format *f)
{
    int len = 0;

    while (len != f->most && s[len])
        len++;
    log_text(s, len, f);
}

/* Reads what stands between % and the letter. */
static const char *log_flags(const char *s, struct format *f, va_list *args)
{
    *f = (struct format){.fill = ' ', .most = -1};
    for (; *s == '0' || *s == '-'; s++) {
        f->left |= *s == '-';
        f->fill = *s == '0' ? '0' : f->fill;
    }
    for (; *s >= '0' && *s <= '9'; s++)
        f->width = 10 * f->width + (*s - '0');
    if (s[0] == '.' && s[1] == '*') {
        f->most = va_arg(*args, int);
        s += 2;
    }
    for (; *s == 'l' || *s == 'z'; s++)
        f->longs += *s == 'z' ? 3 : 1;
    return s;
}

static uint64_t log_unsigned(const struct format *f, va_list *args)
{
    switch (f->longs) {
    case 0:
        return va_arg(*args, unsigned);
    case 1:
        return va_arg(*args, unsigned long);
    case 2:
        return va_arg(*args, unsigned long long);
    default:
        return va_arg(*args, size_t);
    }
}

static int64_t log_signed(const struct format *f, va_list *args)
{
    switch (f->longs) {
    case 0:
        return va_arg(*args, int);
    case 1:
        return va_arg(*args, long);
    default:
        return va_arg(*args, long long);
    }
}

static void log_argument(char letter, const struct format *f, va_list *args)
{
    int64_t v;
    char c;

    switch (letter) {
    case 's':
        log_string(va_arg(*args, const char *), f);
        break;
    case 'c':
        c = (char)va_arg(*args, int);
        log_text(&c, 1, f);
        break;
    case 'd':
        v = log_signed(f, args);
        log_number(v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0, f);
        break;
    case 'u':
        log_number(log_unsigned(f, args), 10, false, f);
        break;
    case 'x':
        log_number(log_unsigned(f, args), 16, false, f);
        break;
    case 'p':
        log_number((uintptr_t)va_arg(*args, void *), 16, false, f);
        break;
    default:
        machine_putc(letter);
    }
}

static void log_all(const char *s, va_list *args)
{
    struct format f;

    for (; *s; s++) {
        if (*s != '%') {
            machine_putc(*s);
            continue;
        }
        s = log_flags(s + 1, &f, args);
        log_argument(*s, &f, args);
    }
}

void kernel_print(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_all(fmt, &args);
    va_end(args);
}

void(hal_log)(enum hal_level level, const char *who, const char *fmt, ...)
{
    va_list args;

    if (level > HAL_INFO)
        return;
    va_start(args, fmt);
    kernel_print("%s: ", who);
    log_all(fmt, &args);
    machine_putc('\n');
    va_end(args);
}

void hal_panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    kernel_print("panic: ");
    log_all(fmt, &args);
    machine_putc('\n');
    va_end(args);
    machine_exit(134);
}
