/* SPDX-License-Identifier: BSD-2-Clause */
/* format.c - the formatter of the log and of fault reports (board.h). */

#include "board.h"

struct sink {
    char *out;
    size_t size, len;
};

struct directive {
    bool left, zero;
    int width;
    int precision; /* -1: none */
    int longs;     /* the argument is 0: int, 1: long or size_t, 2: long long */
};

static void format_put(struct sink *s, char c)
{
    if (s->len < s->size)
        s->out[s->len++] = c;
}

static void format_pad(struct sink *s, char c, int n)
{
    while (n-- > 0)
        format_put(s, c);
}

static void format_text(struct sink *s, const struct directive *d, const char *text, int len)
{
    if (!d->left)
        format_pad(s, ' ', d->width - len);
    for (int i = 0; i < len; i++)
        format_put(s, text[i]);
    if (d->left)
        format_pad(s, ' ', d->width - len);
}

static void format_string(struct sink *s, const struct directive *d, const char *text)
{
    int len = 0;

    if (!text)
        text = "(null)";
    while (len != d->precision && text[len])
        len++;
    format_text(s, d, text, len);
}

static void format_number(struct sink *s, const struct directive *d, uint64_t v, unsigned base,
                          const char *prefix)
{
    char text[24];
    char *p = text + sizeof(text);

    do {
        *--p = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    int digits = (int)(text + sizeof(text) - p);
    if (d->zero && !d->left) {
        int fill = d->width - digits - (prefix[0] ? (prefix[1] ? 2 : 1) : 0);
        while (*prefix)
            format_put(s, *prefix++);
        format_pad(s, '0', fill);
        while (p < text + sizeof(text))
            format_put(s, *p++);
        return;
    }
    if (prefix[0] && prefix[1])
        *--p = prefix[1];
    if (prefix[0])
        *--p = prefix[0];
    format_text(s, d, p, (int)(text + sizeof(text) - p));
}

static const char *format_parse(struct directive *d, const char *f, va_list *args)
{
    *d = (struct directive){.precision = -1};
    for (; *f == '-' || *f == '0'; f++) {
        d->left |= *f == '-';
        d->zero |= *f == '0';
    }
    for (; *f >= '0' && *f <= '9'; f++)
        if (d->width < 1000)
            d->width = d->width * 10 + (*f - '0');
    if (f[0] == '.' && f[1] == '*') {
        d->precision = va_arg(*args, int);
        f += 2;
    }
    if (*f == 'z') {
        d->longs = 1;
        return f + 1;
    }
    for (; *f == 'l'; f++)
        d->longs++;
    return f;
}

static uint64_t format_unsigned(const struct directive *d, va_list *args)
{
    if (d->longs >= 2)
        return va_arg(*args, unsigned long long);
    return d->longs ? va_arg(*args, unsigned long) : va_arg(*args, unsigned);
}

static int64_t format_signed(const struct directive *d, va_list *args)
{
    if (d->longs >= 2)
        return va_arg(*args, long long);
    return d->longs ? va_arg(*args, long) : va_arg(*args, int);
}

/* Writes one argument by the directive and its conversion letter c. False: c is not known. */
static bool format_convert(struct sink *s, const struct directive *d, char c, va_list *args)
{
    char letter;
    int64_t v;

    switch (c) {
    case 's':
        format_string(s, d, va_arg(*args, const char *));
        return true;
    case 'c':
        letter = (char)va_arg(*args, int);
        format_text(s, d, &letter, 1);
        return true;
    case 'd':
        v = format_signed(d, args);
        format_number(s, d, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, v < 0 ? "-" : "");
        return true;
    case 'u':
        format_number(s, d, format_unsigned(d, args), 10, "");
        return true;
    case 'x':
        format_number(s, d, format_unsigned(d, args), 16, "");
        return true;
    case 'p':
        format_number(s, d, (uintptr_t)va_arg(*args, void *), 16, "0x");
        return true;
    case '%':
        format_put(s, '%');
        return true;
    default:
        return false;
    }
}

size_t runtime_format_args(char *out, size_t size, const char *fmt, va_list args)
{
    struct sink s = {out, size, 0};
    struct directive d;
    va_list ap;

    va_copy(ap, args);
    while (*fmt) {
        if (*fmt != '%') {
            format_put(&s, *fmt++);
            continue;
        }
        const char *end = format_parse(&d, fmt + 1, &ap);
        if (!format_convert(&s, &d, *end, &ap)) {
            while (*fmt)
                format_put(&s, *fmt++);
            break;
        }
        fmt = end + 1;
    }
    va_end(ap);
    return s.len;
}

size_t runtime_format(char *out, size_t size, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    size_t len = runtime_format_args(out, size, fmt, args);
    va_end(args);
    return len;
}
