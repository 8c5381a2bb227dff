/* SPDX-License-Identifier: BSD-2-Clause */
/* option.c - options of drivers: words "vireo.NAME=VALUE" and "vireo.DEVICE.NAME=VALUE". */
#include "kernel.h"

const char *kernel_words;

/* What follows `text` at the start of a word; NULL: the word starts otherwise. */
static const char *option_behind(const char *word, const char *text)
{
    while (word && *text && *word == *text) {
        word++;
        text++;
    }
    return *text ? NULL : word;
}

/* The value of the word vireo.DEV.NAME=, dev NULL: vireo.NAME=; ends with a space or NUL. */
static const char *option_value(const char *dev, const char *name)
{
    for (const char *at = kernel_words; at && *at; at++) {
        const char *v = at == kernel_words || at[-1] == ' ' ? option_behind(at, "vireo.") : NULL;

        if (v && dev)
            v = option_behind(option_behind(v, dev), ".");
        v = v ? option_behind(option_behind(v, name), "=") : NULL;
        if (v)
            return v;
    }
    return NULL;
}

const char *hal_option(const char *dev, const char *name)
{
    static char values[16][32]; /* for ever; a longer or a later one is as if absent */
    static unsigned count;
    const char *v = dev ? option_value(dev, name) : NULL;
    unsigned len = 0;

    if (!v)
        v = option_value(NULL, name);
    while (v && v[len] && v[len] != ' ')
        len++;
    if (!v || count == 16 || len >= sizeof(values[0]))
        return NULL;
    memcpy(values[count], v, len);
    return values[count++];
}

uint64_t hal_option_u64(const char *dev, const char *name, uint64_t def, uint64_t min, uint64_t max)
{
    const char *s = hal_option(dev, name);
    uint64_t v = 0;

    if (!s)
        return def;
    while (*s >= '0' && *s <= '9' && v <= max)
        v = 10 * v + (uint64_t)(*s++ - '0');
    if (*s || v < min || v > max) {
        hal_option_bad(dev, name, "the default");
        return def;
    }
    return v;
}

void hal_option_bad(const char *dev, const char *name, const char *use)
{
    hal_log(HAL_WARN, "vireo", "the value of vireo.%s%s%s= cannot be used: %s", dev ? dev : "",
            dev ? "." : "", name, use);
}
