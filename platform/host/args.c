/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * args.c (host) - boot arguments. In a file of their own, so that a program can use an image's
 * (platform/runtime/option.c) instead.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "vireo/image.h"

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

const char *hal_bootarg_nth(const char *name, unsigned n)
{
    size_t len = strlen(name);

    for (unsigned i = 0; i < arg_count; i++)
        if (strncmp(args[i], name, len) == 0 && args[i][len] == '=' && n-- == 0)
            return args[i] + len + 1;
    return NULL;
}

static const char *host_find_arg(const char *name)
{
    return hal_bootarg_nth(name, 0);
}

const char *hal_option(const char *dev, const char *name)
{
    char full[96];
    const char *v = NULL;

    if (dev) {
        snprintf(full, sizeof(full), "vireo.%s.%s", dev, name);
        v = host_find_arg(full);
    }
    if (!v) {
        snprintf(full, sizeof(full), "vireo.%s", name);
        v = host_find_arg(full);
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

void hal_option_bad(const char *dev, const char *name, const char *use)
{
    hal_log(HAL_WARN, dev ? dev : "vireo", "vireo.%s=%s: %s", name, hal_option(dev, name), use);
}

const char *hal_bootarg(const char *name)
{
    return host_find_arg(name);
}
