/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.h - appends text to a buffer of fixed size. What does not fit is left out and marks the
 * text as overflown; nothing is ever written past the end. No terminator is kept.
 */
#ifndef HTTPD_TEXT_H
#define HTTPD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "http.h"

struct text {
    char *p;
    size_t len, size;
    bool overflow;
};

static inline void text_put(struct text *t, const char *s, size_t len)
{
    if (len > t->size - t->len) {
        t->overflow = true;
        return;
    }
    memcpy(t->p + t->len, s, len);
    t->len += len;
}

static inline void text_str(struct text *t, const char *s)
{
    text_put(t, s, strlen(s));
}

/* For string literals: the length is known when it is compiled. */
#define text_lit(t, s) text_put((t), "" s "", sizeof(s) - 1)

static inline void text_u64(struct text *t, uint64_t v)
{
    char digits[20];
    text_put(t, digits, http_decimal(v, digits));
}

static inline void text_hex32(struct text *t, uint32_t v)
{
    char digits[8];
    for (unsigned i = 0; i < 8; i++)
        digits[i] = "0123456789abcdef"[v >> (28 - 4 * i) & 15];
    text_put(t, digits, sizeof(digits));
}

#endif
