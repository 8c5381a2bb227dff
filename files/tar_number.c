/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tar_number.c - the numbers of tar headers (POSIX.1-2017, pax, "ustar Interchange Format", "pax
 * Extended Header Keywords"), GNU's base 256 among them.
 */
#include "tar.h"

#define NS_PER_S 1000000000u

/*
 * Base 256: big-endian, the first bit marks it, the second is the sign. `negative`: the value in
 * *out is then ~value. False: 2^64 and more.
 */
static bool tar_base256(const char *field, size_t len, bool *negative, uint64_t *out)
{
    uint8_t flip;
    uint64_t v;

    *negative = field[0] & 0x40;
    flip = *negative ? 0xff : 0;
    v = ((uint8_t)field[0] ^ flip) & 0x3f;
    for (size_t i = 1; i < len; i++) {
        if (v >> 56)
            return false;
        v = v << 8 | ((uint8_t)field[i] ^ flip);
    }
    *out = v;
    return true;
}

bool tar_number(const char *field, size_t len, uint64_t *out)
{
    uint64_t v = 0;
    size_t i = 0;
    bool negative;

    if ((uint8_t)field[0] & 0x80)
        return tar_base256(field, len, &negative, out) && !negative;
    while (i < len && field[i] == ' ')
        i++;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
        v = v << 3 | (uint64_t)(field[i] - '0');
    *out = v;
    return i == len || field[i] == ' ' || field[i] == '\0';
}

bool tar_signed_number(const char *field, size_t len, int64_t *out)
{
    bool negative = false, valid = (uint8_t)field[0] & 0x80;
    uint64_t v;

    valid = valid ? tar_base256(field, len, &negative, &v) : tar_number(field, len, &v);
    if (!valid || v > INT64_MAX)
        return false;
    *out = negative ? -(int64_t)v - 1 : (int64_t)v;
    return true;
}

bool tar_decimal(const char *s, size_t len, uint64_t *out)
{
    uint64_t v = 0;

    if (!len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9' || v > (UINT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (uint64_t)(s[i] - '0');
    }
    *out = v;
    return true;
}

bool tar_decimal_time(const char *s, size_t len, struct tar_time *out)
{
    bool negative = len && *s == '-', cut = false;
    size_t digits = 0;
    uint64_t seconds;
    uint32_t ns = 0, unit = NS_PER_S / 10;

    s += negative;
    len -= negative;
    while (digits < len && s[digits] != '.')
        digits++;
    if (!tar_decimal(s, digits, &seconds) || seconds > INT64_MAX)
        return false;
    for (size_t i = digits + 1; i < len; i++, unit /= 10) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        ns += (uint32_t)(s[i] - '0') * unit;
        cut |= !unit && s[i] != '0';
    }
    *out = (struct tar_time){(int64_t)seconds, ns};
    if (negative) { /* towards the past, as for positive times */
        ns += cut;
        *out = (struct tar_time){-(int64_t)seconds - !!ns, ns ? NS_PER_S - ns : 0};
    }
    return true;
}
