/* SPDX-License-Identifier: BSD-2-Clause */
/* option.c - options of drivers: words "vireo.NAME=VALUE" and "vireo.DEVICE.NAME=VALUE". */
#include "kernel.h"

const char *kernel_words;

static char words[512]; /* a copy that lasts; NUL behind each word, what is too much is left out */
static size_t words_len;

static void option_split(void)
{
    const char *from = kernel_words;

    while (from && from[words_len] && words_len < sizeof(words) - 1) {
        words[words_len] = from[words_len] == ' ' ? '\0' : from[words_len];
        words_len++;
    }
    words[words_len++] = '\0';
}

/* What follows `text` at the start of a word; NULL: the word starts otherwise. */
static const char *option_behind(const char *word, const char *text)
{
    while (word && *text && *word == *text) {
        word++;
        text++;
    }
    return *text ? NULL : word;
}

/* The value of the word vireo.DEV.NAME=, or with dev NULL vireo.NAME= */
static const char *option_value(const char *dev, const char *name)
{
    for (size_t i = 0; i < words_len; i++) {
        const char *v = i && words[i - 1] ? NULL : option_behind(words + i, "vireo.");

        if (dev)
            v = option_behind(option_behind(v, dev), ".");
        v = option_behind(option_behind(v, name), "=");
        if (v)
            return v;
    }
    return NULL;
}

const char *hal_option(const char *dev, const char *name)
{
    const char *v;

    if (!words_len)
        option_split();
    v = dev ? option_value(dev, name) : NULL;
    return v ? v : option_value(NULL, name);
}
