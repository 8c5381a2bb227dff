/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strtol.c - whole numbers from text, narrow and wide (C11, 7.22.1.4, 7.29.4.1.2; POSIX.1-2017).
 * newlib's own (left out) finds no number in "0xg", which is a 0 and a rest of "xg".
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <reent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <wchar.h>
#include <wctype.h>

/* A text and its kind of characters. */
struct digits {
    const void *text;
    bool wide;
};

static wint_t digits_at(struct digits d, size_t i)
{
    return d.wide ? (wint_t)((const wchar_t *)d.text)[i]
                  : (wint_t)((const unsigned char *)d.text)[i];
}

static size_t digits_skip_space(struct digits d)
{
    size_t i = 0;

    while (d.wide ? iswspace(digits_at(d, i)) : isspace((int)digits_at(d, i)))
        i++;
    return i;
}

/* 36 for what is no digit of any base. */
static unsigned digits_value(struct digits d, size_t i)
{
    wint_t c = digits_at(d, i);

    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    return 36;
}

/*
 * The number at the start of the text, between -below and above; beyond these ERANGE and the
 * nearest of the two. below 0: an unsigned type, for which "-1" is its largest value. *end, if end
 * is not NULL: index behind the number, 0 if there is none. A base that is none: EINVAL, 0.
 */
static uintmax_t digits_number(struct digits d, size_t *end, int base, uintmax_t below,
                               uintmax_t above)
{
    size_t i = digits_skip_space(d), begin;
    bool minus = digits_at(d, i) == '-', over = false;
    uintmax_t limit = minus && below ? below : above, n = 0;

    *end = 0;
    if (base < 0 || base == 1 || base > 36) {
        errno = EINVAL;
        return 0;
    }
    if (minus || digits_at(d, i) == '+')
        i++;
    bool zero = digits_at(d, i) == '0';
    bool hex = zero && (digits_at(d, i + 1) | 0x20) == 'x' && digits_value(d, i + 2) < 16;
    if (hex && (base == 0 || base == 16)) {
        base = 16;
        i += 2;
    } else if (base == 0) {
        base = zero ? 8 : 10;
    }
    for (begin = i; digits_value(d, i) < (unsigned)base; i++) {
        unsigned v = digits_value(d, i);
        over |= n > (limit - v) / (unsigned)base;
        n = n * (unsigned)base + v;
    }
    if (i > begin)
        *end = i;
    if (over) {
        errno = ERANGE;
        return minus && below ? 0 - below : above;
    }
    return minus ? 0 - n : n;
}

/* clang-format off */
/* The functions of one type: plain, with newlib's state, with a locale, which changes nothing. */
#define NUMBER(name, type, character, wide, below, above)                                          \
    type name(const character *restrict s, character **restrict end, int base)                     \
    {                                                                                              \
        size_t i;                                                                                  \
        type n = (type)digits_number((struct digits){s, wide}, &i, base, below, above);            \
        if (end && base >= 0 && base != 1 && base <= 36)                                           \
            *end = (character *)s + i;                                                             \
        return n;                                                                                  \
    }                                                                                              \
    type name##_l(const character *restrict s, character **restrict end, int base, locale_t l);    \
    type name##_l(const character *restrict s, character **restrict end, int base, locale_t l)     \
    {                                                                                              \
        (void)l;                                                                                   \
        return name(s, end, base);                                                                 \
    }                                                                                              \
    type _##name##_r(struct _reent *r, const character *restrict s, character **restrict end,      \
                     int base);                                                                    \
    type _##name##_r(struct _reent *r, const character *restrict s, character **restrict end,      \
                     int base)                                                                     \
    {                                                                                              \
        (void)r;                                                                                   \
        return name(s, end, base);                                                                 \
    }
/* clang-format on */

NUMBER(strtol, long, char, false, (uintmax_t)LONG_MAX + 1, LONG_MAX)
NUMBER(strtoul, unsigned long, char, false, 0, ULONG_MAX)
NUMBER(strtoll, long long, char, false, (uintmax_t)LLONG_MAX + 1, LLONG_MAX)
NUMBER(strtoull, unsigned long long, char, false, 0, ULLONG_MAX)
NUMBER(strtoimax, intmax_t, char, false, (uintmax_t)INTMAX_MAX + 1, INTMAX_MAX)
NUMBER(strtoumax, uintmax_t, char, false, 0, UINTMAX_MAX)
NUMBER(wcstol, long, wchar_t, true, (uintmax_t)LONG_MAX + 1, LONG_MAX)
NUMBER(wcstoul, unsigned long, wchar_t, true, 0, ULONG_MAX)
NUMBER(wcstoll, long long, wchar_t, true, (uintmax_t)LLONG_MAX + 1, LLONG_MAX)
NUMBER(wcstoull, unsigned long long, wchar_t, true, 0, ULLONG_MAX)
NUMBER(wcstoimax, intmax_t, wchar_t, true, (uintmax_t)INTMAX_MAX + 1, INTMAX_MAX)
NUMBER(wcstoumax, uintmax_t, wchar_t, true, 0, UINTMAX_MAX)
