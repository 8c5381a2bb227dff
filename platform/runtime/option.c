/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * option.c - boot arguments: words of the form NAME=VALUE, separated by blanks, tabs or newlines;
 * between double quotes these are part of a word. Names that start with "vireo." are Vireo's own,
 * and those that start with "env." are variables of the environment. What follows the word "--" is
 * for main() (args.c).
 */
#include <string.h>

#include "board.h"
#include "hal.h"
#include "runtime.h"
#include "vireo/image.h"

#define PREFIX    "vireo."
#define VARIABLE  "env."
#define WORDS_MAX 64
#define ASKED_MAX 512 /* bytes of asked_names */

struct word {
    const char *name;  /* up to the '=' */
    const char *value; /* NULL: there was no '=' */
    bool asked;
    bool told; /* the log says that the value cannot be used */
};

static struct word words[WORDS_MAX];
static unsigned word_count;
static const char *surplus; /* the first argument that there was no room for */
static unsigned surplus_count;
static bool parsed;
static const char *rest; /* what follows the word "--"; NULL: there is none */
static bool any_own;     /* a name starts with PREFIX */
static char text[sizeof((struct board_info *)0)->bootargs];
static char asked_names[ASKED_MAX]; /* " poll log"; empty unless any_own */

static void option_add(char *word)
{
    char *eq = strchr(word, '=');

    if (word_count == WORDS_MAX) {
        surplus = surplus ? surplus : word;
        surplus_count++;
        return;
    }
    if (eq)
        *eq = '\0';
    words[word_count++] = (struct word){.name = word, .value = eq ? eq + 1 : NULL};
    any_own |= strncmp(word, PREFIX, strlen(PREFIX)) == 0;
}

/* Copies the arguments to `text` without quotes, and splits them there. */
static void option_parse(void)
{
    const char *in = board_info()->bootargs;
    char *out = text, *start = text;
    bool quoted = false;

    parsed = true;
    for (; *in && out < text + sizeof(text) - 1; in++) {
        if (*in == '"') {
            quoted = !quoted;
        } else if ((*in == ' ' || *in == '\t' || *in == '\n') && !quoted) {
            if (out == start)
                continue;
            *out++ = '\0';
            if (strcmp(start, "--") == 0) {
                rest = in;
                out = start;
                break;
            }
            option_add(start);
            start = out;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
    if (out != start)
        option_add(start);
    if (surplus)
        hal_log(HAL_WARN, "vireo", "more than %d boot arguments: %s is ignored, and %u behind it",
                WORDS_MAX, surplus, surplus_count - 1);
    if (quoted)
        hal_log(HAL_WARN, "vireo", "boot arguments: a double quote is not closed");
    if (board_info()->bootargs_truncated)
        hal_log(HAL_WARN, "vireo", "boot arguments are longer than %zu bytes: the rest is ignored",
                sizeof(text) - 1);
}

/* Is the word's name PREFIX name, or with dev PREFIX dev "." name? */
static bool option_is_named(const struct word *w, const char *dev, const char *name)
{
    const char *s = w->name;

    if (strncmp(s, PREFIX, strlen(PREFIX)) != 0)
        return false;
    s += strlen(PREFIX);
    if (dev) {
        size_t len = strlen(dev);
        if (strncmp(s, dev, len) != 0 || s[len] != '.')
            return false;
        s += len + 1;
    }
    return strcmp(s, name) == 0;
}

/* The last word of that name with a value; all of that name are marked as asked for. */
static struct word *option_find(const char *dev, const char *name)
{
    struct word *found = NULL;

    for (unsigned i = 0; i < word_count; i++)
        if (option_is_named(&words[i], dev, name)) {
            words[i].asked = true;
            if (words[i].value)
                found = &words[i];
        }
    return found;
}

/* Is the name, len bytes, one of asked_names, each of which follows a blank? */
static bool option_was_asked(const char *name, size_t len)
{
    for (const char *s = strchr(asked_names, ' '); s; s = strchr(s + 1, ' '))
        if (strncmp(s + 1, name, len) == 0 && (s[len + 1] == ' ' || s[len + 1] == '\0'))
            return true;
    return false;
}

static void option_remember(const char *name)
{
    size_t used = strlen(asked_names), len = strlen(name);

    if (len == 0 || used + len + 2 > sizeof(asked_names) || option_was_asked(name, len))
        return;
    asked_names[used] = ' ';
    memcpy(asked_names + used + 1, name, len + 1);
}

static struct word *option_word(const char *dev, const char *name)
{
    if (!parsed)
        option_parse();
    if (!any_own)
        return NULL;
    option_remember(name);
    struct word *general = option_find(NULL, name);
    struct word *own = dev ? option_find(dev, name) : NULL;
    return own ? own : general;
}

const char *hal_option(const char *dev, const char *name)
{
    const struct word *w = option_word(dev, name);

    return w ? w->value : NULL;
}

const char *hal_bootarg_nth(const char *name, unsigned n)
{
    if (!parsed)
        option_parse();
    for (unsigned i = 0; i < word_count; i++)
        if (words[i].value && strcmp(words[i].name, name) == 0 && n-- == 0)
            return words[i].value;
    return NULL;
}

const char *hal_bootarg(const char *name)
{
    const char *value = NULL, *next;

    for (unsigned n = 0; (next = hal_bootarg_nth(name, n)); n++)
        value = next;
    return value;
}

const char *option_rest(void)
{
    if (!parsed)
        option_parse();
    return rest;
}

char *option_variable(unsigned n)
{
    if (!parsed)
        option_parse();
    for (unsigned i = 0; i < word_count; i++) {
        const struct word *w = &words[i];
        if (!w->value || strncmp(w->name, VARIABLE, strlen(VARIABLE)) != 0 ||
            w->name[strlen(VARIABLE)] == '\0' || n-- != 0)
            continue;
        text[w->value - 1 - text] = '='; /* as it was typed */
        return text + (w->name - text) + strlen(VARIABLE);
    }
    return NULL;
}

/* Reads a decimal number, or a hexadecimal one behind 0x. False: anything else, or over 64 bits. */
static bool option_parse_u64(const char *s, uint64_t *out)
{
    unsigned base = 10;
    uint64_t v = 0;

    if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
        base = 16;
        s += 2;
    }
    if (!*s)
        return false;
    for (; *s; s++) {
        unsigned c = (unsigned char)*s, digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            digit = (c | 32) - 'a' + 10;
        else
            return false;
        if (digit >= base || v > (UINT64_MAX - digit) / base)
            return false;
        v = v * base + digit;
    }
    *out = v;
    return true;
}

uint64_t hal_option_u64(const char *dev, const char *name, uint64_t def, uint64_t min, uint64_t max)
{
    struct word *w = option_word(dev, name);
    uint64_t v = 0;

    if (!w)
        return def;
    if (option_parse_u64(w->value, &v) && v >= min && v <= max)
        return v;
    if (!w->told && def >= min && def <= max)
        hal_log(HAL_WARN, dev ? dev : "vireo",
                "boot argument %s=%s: use a number from %llu to %llu; taking %llu", w->name,
                w->value, (unsigned long long)min, (unsigned long long)max,
                (unsigned long long)def);
    else if (!w->told) /* def stands for what the driver chooses */
        hal_log(HAL_WARN, dev ? dev : "vireo",
                "boot argument %s=%s is ignored: use a number from %llu to %llu", w->name, w->value,
                (unsigned long long)min, (unsigned long long)max);
    w->told = true;
    return def;
}

void hal_option_bad(const char *dev, const char *name, const char *use)
{
    struct word *w = option_word(dev, name);

    if (!w || w->told)
        return;
    hal_log(HAL_WARN, dev ? dev : "vireo", "boot argument %s=%s: %s", w->name, w->value, use);
    w->told = true;
}

void option_report(void)
{
    for (unsigned i = 0; i < word_count; i++) {
        const struct word *w = &words[i];
        if (strncmp(w->name, PREFIX, strlen(PREFIX)) != 0)
            continue;
        if (!w->asked)
            hal_log(HAL_WARN, "vireo", "boot argument %s is not known here; this image knows:%s",
                    w->name, asked_names);
        else if (!w->value)
            hal_log(HAL_WARN, "vireo", "boot argument %s has no value: write %s=VALUE", w->name,
                    w->name);
    }
}
