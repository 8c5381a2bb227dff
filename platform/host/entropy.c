/* SPDX-License-Identifier: BSD-2-Clause */
/* entropy.c (host) - hal_entropy_add: keeps the bytes that drivers give, for tests. */
#include "host.h"

#define KEPT 4096
static uint8_t kept[KEPT];
static size_t given;

void hal_entropy_add(const void *buf, size_t len)
{
    if (host_in_handler())
        host_violation("hal_entropy_add in handler context");
    for (size_t i = 0; i < len && given + i < KEPT; i++)
        kept[given + i] = ((const uint8_t *)buf)[i];
    given += len;
}

const uint8_t *host_entropy(size_t *len)
{
    *len = given;
    return kept;
}
