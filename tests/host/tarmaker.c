/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tarmaker.c - the archives of tarmaker.h (POSIX.1-2017, pax, "ustar Interchange Format").
 */
#include "tarmaker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *extend(struct tarmaker *a, size_t len)
{
    uint8_t *bigger = realloc(a->image, a->len + len);

    if (!bigger)
        abort();
    a->image = bigger;
    memset(a->image + a->len, 0, len);
    a->len += len;
    return a->image + a->len - len;
}

void tarmaker_sum(struct tarmaker *a, size_t at)
{
    uint8_t *h = a->image + at;
    unsigned sum = 0;
    char text[8];

    memset(h + TAR_SUM, ' ', 8);
    for (unsigned i = 0; i < 512; i++)
        sum += h[i];
    snprintf(text, sizeof(text), "%06o", sum);
    memcpy(h + TAR_SUM, text, 7);
}

void tarmaker_put(struct tarmaker *a, size_t at, unsigned field, const void *bytes, size_t len)
{
    memcpy(a->image + at + field, bytes, len);
    tarmaker_sum(a, at);
}

size_t tarmaker_add(struct tarmaker *a, const char *name, char type, const void *data, size_t len)
{
    size_t at = a->len, name_len = strlen(name);
    uint8_t *h = extend(a, 512);
    char number[32];

    memcpy(h, name, name_len < 100 ? name_len : 100);
    memcpy(h + TAR_MODE, "0000644", 8);
    snprintf(number, sizeof(number), "%011llo", (unsigned long long)len);
    memcpy(h + TAR_SIZE, number, 12);
    memcpy(h + TAR_MTIME, "14000000000", 12);
    h[TAR_TYPE] = (uint8_t)type;
    memcpy(h + TAR_MAGIC, "ustar\00000", 8);
    tarmaker_sum(a, at);
    if (data && len)
        memcpy(extend(a, (len + 511) & ~(size_t)511), data, len);
    return at;
}

uint8_t tarmaker_byte(const char *name, size_t at)
{
    return (uint8_t)(at * 31 + (at >> 9) + strlen(name) + (uint8_t)name[0]);
}

size_t tarmaker_file(struct tarmaker *a, const char *name, size_t len)
{
    uint8_t *data = malloc(len + 1);
    size_t at;

    for (size_t i = 0; i < len; i++)
        data[i] = tarmaker_byte(name, i);
    at = tarmaker_add(a, name, '0', data, len);
    free(data);
    return at;
}

size_t tarmaker_link(struct tarmaker *a, const char *name, char type, const char *target)
{
    size_t at = tarmaker_add(a, name, type, NULL, 0), len = strlen(target);

    tarmaker_put(a, at, TAR_LINK, target, len < 100 ? len : 100);
    return at;
}

size_t tarmaker_pax(struct tarmaker *a, const char *key, const char *value)
{
    size_t body = strlen(key) + strlen(value) + 3, len = body + 1;
    char *record = malloc(body + 24);
    size_t at;

    /* the length counts its own digits */
    while (len != body + (size_t)snprintf(record, 24, "%zu", len))
        len = body + (size_t)snprintf(record, 24, "%zu", len);
    sprintf(record, "%zu %s=%s\n", len, key, value);
    at = tarmaker_add(a, "PaxHeaders/x", 'x', record, len);
    free(record);
    return at;
}

void tarmaker_end(struct tarmaker *a)
{
    extend(a, 1024);
}

void tarmaker_free(struct tarmaker *a)
{
    free(a->image);
    *a = (struct tarmaker){NULL, 0};
}
