/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules.c - reads RULES_PATH: lines of a pattern, blanks, and a value of Cache-Control. `*` in a
 * pattern stands for any bytes. A pattern that begins with a slash is held against the path, any
 * other against the last component. Lines that begin with `#` are comments.
 */
#include "rules.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "say.h"

#define RULES_SIZE_MAX 8192u
#define RULE_VALUE_MAX 128u

static char *rules; /* the text; pattern and value of a good line end with NUL each */
static size_t rules_len;

/* Has `text` the form of the pattern? */
static bool fits(const char *pattern, const char *text)
{
    const char *star = NULL, *again = NULL;

    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            again = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == 0;
}

/* Could a header field hold it? */
static bool is_value(const char *s)
{
    size_t n = strlen(s);

    for (size_t i = 0; i < n; i++)
        if (s[i] < ' ' || s[i] > '~')
            return false;
    return n > 0 && n <= RULE_VALUE_MAX;
}

/* Copies the rule of a line (NUL-terminated, changed) to rules + rules_len. */
static void take_line(char *line, unsigned number)
{
    char *pattern = line + strspn(line, " \t\r");
    size_t n = strcspn(pattern, " \t\r");
    char *value = pattern + n + strspn(pattern + n, " \t");

    if (*pattern == 0 || *pattern == '#')
        return;
    for (size_t end = strlen(value); end && strchr(" \t\r", value[end - 1]);)
        value[--end] = 0;
    if (!is_value(value)) {
        say("httpd: " RULES_PATH " line %u: say PATTERN VALUE, such as *.css max-age=3600\n",
            number);
        return;
    }
    memmove(rules + rules_len, pattern, n);
    rules[rules_len + n] = 0;
    rules_len += n + 1;
    n = strlen(value) + 1;
    memmove(rules + rules_len, value, n);
    rules_len += n;
}

static void read_rules(void)
{
    int fd = open(RULES_PATH, O_RDONLY);
    ssize_t got = -1;

    if (fd < 0)
        return;
    rules = malloc(RULES_SIZE_MAX + 1);
    if (rules)
        got = read(fd, rules, RULES_SIZE_MAX + 1);
    close(fd);
    if (got < 0 || got > (ssize_t)RULES_SIZE_MAX) {
        say("httpd: " RULES_PATH " is not used: %s\n",
            got < 0 ? "it cannot be read" : "it is longer than 8192 bytes");
        return;
    }
    rules[got] = 0;
    unsigned number = 1;
    for (char *line = rules, *end = rules + got; line < end; number++) {
        char *next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next : end;
        *next = 0;
        take_line(line, number);
        line = next + 1;
    }
}

const char *cache_rule(const char *path)
{
    static bool known;
    const char *name = strrchr(path, '/') + 1;

    if (!known)
        read_rules();
    known = true;
    for (size_t at = 0; at < rules_len;) {
        const char *pattern = rules + at, *value = pattern + strlen(pattern) + 1;
        if (fits(pattern, pattern[0] == '/' ? path : name))
            return value;
        at = (size_t)(value - rules) + strlen(value) + 1;
    }
    return "no-cache";
}
