/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syntax.h - characters, numbers and lists as RFC 9110, section 5.6, has them: what the readers of
 * requests share. All functions are pure.
 */
#ifndef HTTPD_SYNTAX_H
#define HTTPD_SYNTAX_H

#include <string.h>

#include "http.h"

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A byte of a token (RFC 9110, 5.6.2): visible ASCII without delimiters. */
static inline bool is_token(char ch)
{
    static const uint32_t set[8] = {0, 0x03ff6cfau, 0xc7fffffeu, 0x57ffffffu, 0, 0, 0, 0};
    unsigned char c = (unsigned char)ch;
    return set[c / 32] >> (c % 32) & 1;
}

/* A byte that no field value holds (RFC 9110, 5.5): a control other than the tab. */
static inline bool is_control(char c)
{
    return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* s equals the lower-case text, upper and lower case alike. */
static inline bool same_nocase(struct http_slice s, const char *text)
{
    for (size_t i = 0; i < s.len; i++)
        if (text[i] == 0 || lower(s.p[i]) != text[i])
            return false;
    return text[s.len] == 0;
}

static inline struct http_slice trim(struct http_slice s)
{
    while (s.len && is_blank(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len && is_blank(s.p[s.len - 1]))
        s.len--;
    return s;
}

/* Cuts the next element off a list whose elements `mark` parts; empty ones are passed over. False
 * at the end. */
static inline bool next_element(struct http_slice *list, char mark, struct http_slice *element)
{
    while (list->len) {
        const char *at = memchr(list->p, mark, list->len);
        size_t n = at ? (size_t)(at - list->p) : list->len;
        *element = trim((struct http_slice){list->p, n});
        list->p += n + (at != NULL);
        list->len -= n + (at != NULL);
        if (element->len)
            return true;
    }
    return false;
}

enum number { NUMBER_BAD, NUMBER_OK, NUMBER_LARGE };

/* All of s as a decimal number. NUMBER_LARGE: it passes 2^63-1, and *value is that. */
static inline enum number read_number(struct http_slice s, uint64_t *value)
{
    uint64_t v = 0;
    bool large = false;

    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.p[i]))
            return NUMBER_BAD;
        large |= v > (uint64_t)INT64_MAX / 10;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
        large |= v > (uint64_t)INT64_MAX;
    }
    *value = large ? (uint64_t)INT64_MAX : v;
    return s.len == 0 ? NUMBER_BAD : large ? NUMBER_LARGE : NUMBER_OK;
}

#endif
